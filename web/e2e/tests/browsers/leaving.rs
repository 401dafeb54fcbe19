//! Leaving while the round needs this tab warns; before and afterwards it does not.

use anyhow::Result;
use serde_json::Value;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn an_unfinished_round_warns() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    assert!(!tab.warns_before_leaving().await?, "nothing has been answered");
    tab.propose("2").await?;
    assert!(!tab.warns_before_leaving().await?, "nothing has been sent");

    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    tab.agree().await?;
    assert!(tab.warns_before_leaving().await?);
    assert!(tab.text("[data-testid=advice]").await?.contains("keep this page open"));

    hospital.native_rounds("pain", &[3, 4]).await?;
    assert_eq!(tab.result().await?.sum, "9");
    assert!(!tab.warns_before_leaving().await?, "there is a result");
    browser.quit().await
}

#[tokio::test]
async fn whoever_only_contributes_may_leave() -> Result<()> {
    let study = TestStudy { committee_cap: 3, ..TestStudy::of("pain", 3) };
    let contributors = TestStudy { people: None, settle_seconds: Some(6.0), ..study };
    let hospital = Hospital::start(&[contributors]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    let members = hospital.native_rounds("pain", &[0, 1, 2]);
    let visit = async {
        // Whoever answers from then on is no member.
        let fixed = |study: &Value| study["phase"] == "contributing";
        hospital.until_study("pain", "a committee", fixed).await?;
        tab.answer(10).await?;
        tab.until_stage("sent", "done").await?;
        tab.until_stage("shares", "skipped").await?;
        assert!(!tab.warns_before_leaving().await?, "the answer is safely on its way");
        assert!(tab.text("[data-testid=advice]").await?.contains("may close this page now"));
        assert_eq!(tab.result().await?.sum, "13");
        anyhow::Ok(())
    };
    let (members, visit) = tokio::join!(members, visit);
    members?;
    visit?;
    assert_eq!(tab.left().await?.partials, 0);
    browser.quit().await
}

#[tokio::test]
async fn leaving_for_good_is_not_closing_the_page() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(&hospital.origin(), 5).await?;
    tab.click("#leave-round").await?;
    let told = tab.text("#leave").await?;
    assert!(told.contains("Closing the page is not leaving"), "{told}");
    assert!(!tab.has("#failure").await?, "nothing has happened yet");
    tab.click("#leave-now").await?;
    tab.until_state("failed").await?;
    assert_eq!(tab.failure().await?.code, "left");
    let withdrawn = |study: &Value| study["enrolled"] == 0;
    hospital.until_study("pain", "the enrolment to be withdrawn", withdrawn).await?;
    tab.reload().await?;
    tab.until_state("asking").await?;
    assert!(!tab.has("#orphans:not([hidden])").await?, "nothing is kept");
    browser.quit().await
}
