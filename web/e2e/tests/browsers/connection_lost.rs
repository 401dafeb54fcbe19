//! A hospital that disappears in the middle of a round: what the page says depends on what was sent.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::address;

const NOT_SENT: &str = "Nothing of your answer has left this device";
const NOT_READABLE: &str = "nobody can read your answer";

#[tokio::test]
async fn the_page_says_whether_anything_was_sent() -> Result<()> {
    let waiting = TestStudy::of("waiting", 3);
    let sending = TestStudy::of("sending", 3);
    let mut hospital = Hospital::start(&[waiting.clone(), sending.clone()]).await?;
    let browser = Browser::chromium().await?;
    let tabs = [
        browser.tabs(1, &address(&hospital.origin(), &waiting)).await?,
        browser.tabs(2, &address(&hospital.origin(), &sending)).await?,
    ]
    .concat();
    for tab in &tabs {
        tab.until_state("asking").await?;
        tab.answer(5).await?;
    }
    tabs[0].until_stage("waiting", "current").await?;
    // Its third member enrols and then sleeps, so that the round stops before it is complete.
    let mut sleeper = hospital.native_patient("sending").await?;
    sleeper.answer(1).await?;
    for tab in &tabs[1..] {
        tab.until_stage("sent", "done").await?;
        assert_eq!(tab.left().await?.shares, 3);
    }

    hospital.kill()?;
    for (tab, then) in tabs.iter().zip([NOT_SENT, NOT_READABLE, NOT_READABLE]) {
        tab.until_state("failed").await?;
        let notice = tab.failure().await?;
        assert_eq!(notice.code, "connection-lost");
        for text in ["The connection was lost", then] {
            assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
        }
        assert!(!tab.warns_before_leaving().await?);
    }
    tabs[0].until_stage("waiting", "failed").await?;
    tabs[1].until_stage("shares", "failed").await?;
    assert!(tabs[0].has("#try-again").await?);
    assert!(!tabs[1].has("#try-again").await?, "both answers might be counted");
    tabs[1].screenshots("connection-lost").await?;
    browser.quit().await
}

#[tokio::test]
async fn a_hospital_that_stops_says_so() -> Result<()> {
    let study = TestStudy::of("pain", 3).x25519();
    let mut hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.answer(5).await?;
    tab.until_stage("waiting", "current").await?;
    hospital.stop()?;
    tab.until_state("failed").await?;
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "hospital-stopping");
    for text in ["server is stopping", "come back a little later", NOT_SENT] {
        assert!(notice.text.contains(text), "“{text}” is not in: {}", notice.text);
    }
    browser.quit().await
}
