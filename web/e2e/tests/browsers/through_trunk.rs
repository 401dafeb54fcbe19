//! Three tabs, and seven, with the page as `trunk serve` serves it: page and socket have one origin, through its proxy.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, TestStudy, Trunk};

use crate::round;

#[tokio::test]
async fn three_and_seven_tabs_see_the_exact_sum_and_an_absent_hospital_is_named() -> Result<()> {
    let three = TestStudy::of("three", 3).x25519();
    let seven = TestStudy::of("seven", 7);
    let port = Trunk::choose_port()?;
    let options = HospitalOptions { also_from: Some(port), ..HospitalOptions::default() };
    let mut hospital = Hospital::start_with(&[three.clone(), seven.clone()], options).await?;
    let trunk = Trunk::serve(port, hospital.port()).await?;
    let browser = Browser::chromium().await?;

    round::in_tabs(&browser, &hospital, &trunk.origin(), &three, &[10, 10, 10]).await?;
    let answers = [1, 2, 3, 4, 5, 6, 7];
    round::in_tabs(&browser, &hospital, &trunk.origin(), &seven, &answers).await?;

    // The proxy answers in the hospital's stead.
    hospital.stop()?;
    let tab = browser.new_tab().await?;
    tab.open(&trunk.origin()).await?;
    tab.until_state("unreachable").await?;
    assert_eq!(tab.failure().await?.code, "hospital-unreachable");
    browser.quit().await
}
