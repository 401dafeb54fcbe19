//! Whoever comes when the committee is fixed only contributes: the page says of the answer what it has seen, which is that
//! it is counted, and not that it is counted once.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::{address, figures_of};

#[tokio::test]
async fn is_told_what_the_page_has_seen_and_no_more() -> Result<()> {
    // Three hold shares, and are waited for; the fourth only contributes.
    let study = TestStudy { committee_cap: 3, ..TestStudy::of("pain", 3).x25519() };
    let study = TestStudy { people: None, settle_seconds: Some(2.0), ..study };
    let hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let members = browser.tabs(3, &address(&hospital.origin(), &study)).await?;
    for (tab, answer) in members.iter().zip([3, 10, 4]) {
        tab.until_state("asking").await?;
        tab.answer_and_compare(answer).await?;
    }
    members[0].until_stage("committee", "done").await?;
    let visitor = browser.new_tab().await?;
    visitor.open_question(&address(&hospital.origin(), &study)).await?;
    visitor.answer(7).await?;
    visitor.until_stage("sent", "done").await?;
    for tab in &members {
        tab.agree().await?;
    }

    let others = "Your answer is one of the 4. That none is counted twice is checked by those who hold the shares.";
    let own = "Your answer is one of the 4, and is counted once.";
    for (tab, says) in [(&visitor, others), (&members[0], own)] {
        assert_eq!(tab.result().await?, figures_of(&[3, 10, 4, 7]));
        let told = tab.text("[data-testid=result-checked]").await?;
        assert!(told.ends_with(says), "{told}");
    }
    browser.quit().await
}
