//! With several studies the visitor chooses; one that does not exist is named.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn several_are_listed_and_an_unknown_one_is_named() -> Result<()> {
    let studies = [TestStudy::of("pain", 3), TestStudy::of("sleep", 3).range(0, 24)];
    let hospital = Hospital::start(&studies).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;

    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    for study in &studies {
        let link = format!("[data-testid=study-link][data-study={}]", study.id);
        assert_eq!(tab.text(&link).await?, study.title);
    }
    tab.click("[data-study=sleep]").await?;
    tab.until_state("asking").await?;
    assert!(tab.text("form").await?.contains("from 0 to 24"));

    tab.open(&format!("{}/?study=nowhere", hospital.origin())).await?;
    tab.until_state("unknown-study").await?;
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "unknown-study");
    assert!(notice.text.contains("There is no study called “nowhere”"), "{}", notice.text);
    assert!(notice.text.contains("may be mistyped"), "{}", notice.text);
    tab.click("[data-study=pain]").await?;
    tab.until_state("asking").await?;
    assert!(tab.text("form").await?.contains("from 0 to 10"));
    browser.quit().await
}

#[tokio::test]
async fn the_only_one_needs_no_choice() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    let title = tab.run("return document.title;", vec![]).await?;
    assert_eq!(title, "Pain on ward pain – St. Example's Hospital");
    browser.quit().await
}
