//! The same round in Firefox, where it is installed.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy, settings};

use crate::round;

#[tokio::test]
async fn three_tabs_see_the_exact_sum() -> Result<()> {
    let Some((firefox, geckodriver)) = settings::firefox() else {
        println!(
            "Firefox is not tested: it or geckodriver is missing; install them with: \
             sudo apt-get install firefox-esr && cargo install geckodriver"
        );
        return Ok(());
    };
    let study = TestStudy::of("three", 3);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::firefox(firefox, geckodriver).await?;
    round::in_tabs(&browser, &hospital, &hospital.origin(), &study, &[10, 1, 6]).await?;
    browser.quit().await
}
