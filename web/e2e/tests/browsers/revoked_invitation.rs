//! Whoever invited can take an invitation back: its link is turned away, and so is a tab that waits with it.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Invitations, Tab, TestStudy};

#[tokio::test]
async fn a_revoked_invitation_is_turned_away() -> Result<()> {
    let invited = Invitations::to(TestStudy::of("pain", 4).x25519(), 1)?;
    let hospital = Hospital::start(std::slice::from_ref(&invited.study)).await?;
    let browser = Browser::chromium().await?;
    let (waits, comes, stays) =
        (browser.first_tab().await?, browser.new_tab().await?, browser.new_tab().await?);
    waits.take_part(&invited.link(&hospital.origin(), 1)?, 5).await?;
    stays.take_part(&invited.link(&hospital.origin(), 3)?, 6).await?;
    hospital.revoke("pain", &[1, 2])?;

    waits.until_state("failed").await?;
    is_told_why(&waits).await?;
    assert_eq!(waits.left().await?.shares, 0, "nothing of the answer was sent");
    comes.open_question(&invited.link(&hospital.origin(), 2)?).await?;
    comes.answer(9).await?;
    comes.until_state("failed").await?;
    is_told_why(&comes).await?;
    comes.screenshots("invitation-revoked").await?;
    // Loading the page again leads nowhere else.
    waits.open(&invited.link(&hospital.origin(), 1)?).await?;
    waits.reload().await?;
    waits.until_state("asking").await?;
    waits.answer(5).await?;
    waits.until_state("failed").await?;
    is_told_why(&waits).await?;
    // Nobody else is bothered.
    assert_eq!(stays.state().await?, "running");
    let study = hospital.study("pain").await?;
    assert_eq!(study["enrolled"], 1);
    browser.quit().await
}

async fn is_told_why(tab: &Tab) -> Result<()> {
    let notice = tab.failure().await?;
    assert_eq!(notice.code, "invitation-revoked");
    assert!(notice.text.contains("taken back"), "{}", notice.text);
    assert!(!tab.has("#try-again").await?, "it would be the same again");
    Ok(())
}
