//! Pictures of each state, for a phone and a desktop, light and dark. They are kept among the artifacts; the README shows
//! the result as `docs/page.png` (`5-result-desktop-light.png`).

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, TestStudy};

#[tokio::test]
async fn each_state_is_kept_as_a_picture() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("7", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.screenshots("1-question").await?;
    tab.click("#take-part").await?;
    tab.until_there("#answer-problem").await?;
    tab.screenshots("2-question-with-a-problem").await?;
    tab.propose("4").await?;
    tab.screenshots("3-confirmation").await?;
    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    tab.agree().await?;
    tab.screenshots("4-waiting").await?;
    hospital.native_rounds("7", &[3, 6]).await?;
    tab.result().await?;
    tab.screenshots("5-result").await?;
    browser.quit().await
}
