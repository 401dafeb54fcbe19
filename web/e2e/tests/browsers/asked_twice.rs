//! A hospital has its result, forgets the round and plays the same study again. Two sums of almost the same answers
//! would give away the one by which they differ.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Invitations, TestStudy};

use crate::round::sees_the_whole_round;

/// Expected: the browser of somebody who has answered takes no part, and says why; somebody else is asked.
#[tokio::test]
async fn an_invitation_that_was_answered_with_is_spent() -> Result<()> {
    let invited = Invitations::to(TestStudy::of("pain", 3).x25519(), 1)?;
    let mut hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let browser = Browser::chromium().await?;
    let answers = [3, 10, 4];
    let mut tabs = Vec::new();
    for (serial, answer) in (1..).zip(answers) {
        let tab = browser.new_tab().await?;
        tab.open_question(&invited.link(&hospital.origin(), serial)?).await?;
        tab.answer(answer).await?;
        tabs.push(tab);
    }
    for tab in &tabs {
        sees_the_whole_round(tab, &answers).await?;
    }
    hospital.stop()?;
    hospital.forget()?;
    hospital.start_again().await?;

    // All three were written down at the same moment, by three tabs.
    for serial in 1..=3 {
        let again = browser.new_tab().await?;
        again.open(&invited.link(&hospital.origin(), serial)?).await?;
        assert_eq!(again.failure().await?.code, "invitation-used");
        again.screenshots("asked-twice").await?;
    }
    let other = browser.new_tab().await?;
    other.open_question(&invited.link(&hospital.origin(), 4)?).await?;
    browser.quit().await
}
