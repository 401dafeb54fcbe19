//! The page as somebody else than the hospital serves it, from an origin of its own.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, PageCopy, PageHost, TestStudy};

use crate::round;

#[tokio::test]
async fn an_allowed_origin_takes_part_in_a_round() -> Result<()> {
    let study = TestStudy::of("three", 3);
    let host = PageHost::open().await?;
    let options = HospitalOptions { also_from: Some(host.port()), ..HospitalOptions::default() };
    let hospital = Hospital::start_with(std::slice::from_ref(&study), options).await?;
    host.show(&PageCopy::for_hospital(&hospital.origin())?.path())?;
    let browser = Browser::chromium().await?;
    let tabs = round::in_tabs(&browser, &hospital, &host.origin(), &study, &[2, 9, 10]).await?;

    // A tab that is opened again goes on, as anywhere.
    tabs[0].reload().await?;
    assert_eq!(tabs[0].result().await?.sum, "21");
    let asked: Vec<_> = host
        .requests()
        .into_iter()
        .filter(|path| path.starts_with("/api") || path.starts_with("/ws"))
        .collect();
    assert!(asked.is_empty(), "the page asked its own origin for {asked:?}");
    browser.quit().await
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_told_so() -> Result<()> {
    let host = PageHost::open().await?;
    let mut hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    host.show(&PageCopy::for_hospital(&hospital.origin())?.path())?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&host.origin()).await?;
    tab.until_state("unreachable").await?;
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "page-not-allowed");
    for text in ["takes no answers from this page", "does not allow pages", "tell the people"] {
        assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
    }
    assert_eq!(hospital.study("pain").await?["enrolled"], 0);

    // A hospital that is away is something else.
    hospital.stop()?;
    tab.click("#try-again").await?;
    tab.until_there("#failure[data-code=hospital-unreachable]").await?;
    browser.quit().await
}
