//! A tab that is reloaded goes on where it was, in every stage, with the same keys and one answer.

use anyhow::Result;
use serde_json::json;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::{address, figures_of};

async fn goes_on(tab: &Tab) -> Result<()> {
    tab.reload().await?;
    tab.until_state("running").await?;
    assert!(tab.text("[data-testid=resumed]").await?.contains("You are back"));
    Ok(())
}

#[tokio::test]
async fn in_every_stage() -> Result<()> {
    let study = TestStudy::of("pain", 3).x25519();
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    let page = address(&hospital.origin(), &study);

    // The question: nothing was given, so it is asked again.
    tab.open_question(&page).await?;
    tab.reload().await?;
    tab.until_state("asking").await?;

    // Waiting for others.
    tab.answer(5).await?;
    tab.until_stage("waiting", "current").await?;
    goes_on(&tab).await?;
    tab.until_stage("waiting", "current").await?;
    let enrolled = hospital.study("pain").await?["enrolled"].clone();
    assert_eq!(enrolled, json!(1), "the same person");

    // Shares are arriving: the two others enrol, one of them sleeps.
    let mut sleeper = hospital.native_patient("pain").await?;
    let other = hospital.native_rounds("pain", &[4]);
    let visit = async {
        sleeper.answer(1).await?;
        tab.until_stage("sent", "done").await?;
        goes_on(&tab).await?;
        tab.until_stage("sent", "done").await?;
        tab.screenshots("reloaded").await?;
        while sleeper.next_event().await.is_some() {}
        assert_eq!(tab.result().await?, figures_of(&[5, 4, 1]));
        assert!(
            tab.text("[data-testid=result-checked]").await?.contains("Your answer is one of the 3")
        );
        anyhow::Ok(())
    };
    let (other, visit) = tokio::join!(other, visit);
    other?;
    visit?;

    // Over: nothing is kept, and the result is shown by the hospital.
    tab.reload().await?;
    tab.until_state("too-late").await?;
    assert!(tab.has("[data-testid=latest-result]").await?);
    let kept = tab.run("return sessionStorage.getItem('wardsum:identity');", vec![]).await?;
    assert_eq!(kept, json!(null));
    browser.quit().await
}
