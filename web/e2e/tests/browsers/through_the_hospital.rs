//! Three tabs, and seven, with the page that the hospital serves itself.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round;

#[tokio::test]
async fn three_tabs_see_the_exact_sum() -> Result<()> {
    let study = TestStudy::of("three", 3);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    round::in_tabs(&browser, &hospital, &hospital.origin(), &study, &[7, 0, 3]).await?;
    browser.quit().await
}

#[tokio::test]
async fn seven_tabs_see_the_exact_sum() -> Result<()> {
    // Negative numbers, and both ends of a range that is not one of bits.
    let study = TestStudy::of("seven", 7).x25519().range(-500, 1_000);
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let answers = [-500, 1_000, 0, -1, 317, 42, -499];
    round::in_tabs(&browser, &hospital, &hospital.origin(), &study, &answers).await?;
    browser.quit().await
}
