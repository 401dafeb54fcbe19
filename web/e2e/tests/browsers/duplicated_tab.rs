//! A duplicated tab is somebody new: two tabs are never the same patient.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::figures_of;

#[tokio::test]
async fn begins_afresh() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(&hospital.origin(), 5).await?;

    let duplicate = browser.duplicate(&tab).await?;
    duplicate.until_state("asking").await?;
    assert!(!duplicate.has("#orphans:not([hidden])").await?, "the other tab lives");
    duplicate.answer(6).await?;
    duplicate.until_stage("waiting", "current").await?;
    hospital.until_study("pain", "two people", |study| study["enrolled"] == 2).await?;

    // Each goes on as itself.
    tab.reload().await?;
    tab.until_state("running").await?;
    tab.agree().await?;
    hospital.native_rounds("pain", &[4]).await?;
    for tab in [&tab, &duplicate] {
        assert_eq!(tab.result().await?, figures_of(&[5, 6, 4]));
    }
    browser.quit().await
}
