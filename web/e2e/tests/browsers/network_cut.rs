//! The network is cut off and comes back: the page waits, and goes on at once.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::figures_of;

#[tokio::test]
async fn the_round_goes_on() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;

    // What is answered without a network is written down, and sent later.
    tab.offline(true).await?;
    let told = tab.until_cut_off().await?;
    assert!(told.contains("Nothing has been sent"), "{told}");
    tab.answer(5).await?;
    tab.until_state("running").await?;
    let told = tab.until_cut_off().await?;
    assert!(told.contains("written down on this device"), "{told}");
    tab.screenshots("offline").await?;

    tab.offline(false).await?;
    tab.until_connected().await?;
    tab.until_stage("waiting", "current").await?;
    hospital.native_rounds("pain", &[3, 4]).await?;
    assert_eq!(tab.result().await?, figures_of(&[5, 3, 4]));
    browser.quit().await
}
