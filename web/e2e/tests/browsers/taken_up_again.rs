//! The answer of a tab that was closed is offered on the page's start, and can be taken up again.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

use crate::round::figures_of;

#[tokio::test]
async fn from_another_tab() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let stays = browser.first_tab().await?;
    let tab = browser.new_tab().await?;
    tab.take_part(&hospital.origin(), 5).await?;

    // While that tab lives nobody else is offered its answer.
    stays.open_question(&hospital.origin()).await?;
    assert!(!stays.has("#orphans:not([hidden])").await?);
    tab.close().await?;
    stays.reload().await?;
    stays.until_state("asking").await?;
    stays.until_there("#orphans [data-testid=take-up]").await?;
    let offered = stays.text("#orphans").await?;
    assert!(offered.contains("Pain on ward pain"), "{offered}");
    stays.screenshots("orphan").await?;

    // Whose it is not may say so, and nothing is lost by that.
    stays.click("#orphans [data-testid=not-mine]").await?;
    let gone = "return document.querySelector('#orphans:not([hidden])') === null;";
    stays.until("the offer to go away", gone, &[]).await?;
    stays.reload().await?;
    stays.click("#orphans [data-testid=take-up]").await?;
    stays.until_state("running").await?;
    stays.until_there("[data-testid=resumed]:not([hidden])").await?;
    stays.until_stage("waiting", "current").await?;
    assert!(!stays.has("#orphans:not([hidden])").await?);

    stays.agree().await?;
    hospital.native_rounds("pain", &[3, 4]).await?;
    assert_eq!(stays.result().await?, figures_of(&[5, 3, 4]));
    browser.quit().await
}
