//! A page without a framework takes part with the JavaScript class alone.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, Tab, TestStudy, example};

#[tokio::test]
async fn the_class_is_enough() -> Result<()> {
    let page = Some(example::build()?);
    let options = HospitalOptions { page, ..HospitalOptions::default() };
    let hospital = Hospital::start_with(&[TestStudy::of("pain", 3)], options).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(3, &format!("{}/index.html?study=pain", hospital.origin())).await?;
    let [one, two, three] = &tabs[..] else { unreachable!("there are three tabs") };

    connect(one).await?;
    // What is not an answer is thrown as an error with a code.
    for (typed, code) in [("11", "not-allowed"), ("2.5", "not-a-response"), ("", "not-a-response")]
    {
        take_part(one, typed).await?;
        one.until_there(&format!("#status[data-type=error-{code}]")).await?;
    }
    take_part(one, "2").await?;
    one.until_there("#log li[data-type=enrolled]").await?;
    take_part(one, "3").await?;
    one.until_there("#status[data-type=error-already-answered]").await?;

    for (tab, answer) in [(two, "9"), (three, "10")] {
        connect(tab).await?;
        take_part(tab, answer).await?;
    }
    for tab in &tabs {
        tab.until_there("#compare:not([hidden])").await?;
        assert_eq!(tab.text("#words").await?, one.text("#words").await?);
        tab.click("#match").await?;
    }
    for tab in &tabs {
        tab.until_there("#log li[data-type=result]").await?;
        assert_eq!(tab.attribute("#status", "data-sum").await?.as_deref(), Some("21"));
        assert_eq!(tab.attribute("#status", "data-count").await?.as_deref(), Some("3"));
        for event in ["committee", "words", "shareReceived"] {
            assert!(tab.has(&format!("#log li[data-type={event}]")).await?, "no event {event}");
        }
    }
    browser.quit().await
}

async fn connect(tab: &Tab) -> Result<()> {
    tab.until_there("#status[data-type=ready]").await?;
    tab.click("#join").await?;
    tab.until_there("#take-part:not([hidden])").await?;
    assert!(tab.text("#question").await?.contains("St. Example's Hospital asks"));
    Ok(())
}

async fn take_part(tab: &Tab, typed: &str) -> Result<()> {
    tab.fill("#answer", typed).await?;
    tab.click("#send").await
}
