//! axe-core finds nothing wrong with the question, the confirmation, the waiting, the result and a failure, light and dark.

use anyhow::Result;
use wardsum_e2e::{Browser, Colours, Hospital, Tab, TestStudy};

#[tokio::test]
async fn no_state_breaks_a_rule() -> Result<()> {
    let mut hospital =
        Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    breaks_no_rule(&tab, "the choice").await?;

    tab.open_question(&format!("{}/?study=pain", hospital.origin())).await?;
    breaks_no_rule(&tab, "the question").await?;
    tab.click("#take-part").await?;
    tab.until_there("#answer-problem").await?;
    breaks_no_rule(&tab, "the question with a problem").await?;
    tab.propose("3").await?;
    breaks_no_rule(&tab, "the confirmation").await?;
    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    breaks_no_rule(&tab, "the waiting").await?;

    hospital.native_rounds("pain", &[3, 4]).await?;
    tab.result().await?;
    breaks_no_rule(&tab, "the result").await?;

    tab.open_question(&format!("{}/?study=sleep", hospital.origin())).await?;
    hospital.kill()?;
    tab.until_state("failed").await?;
    breaks_no_rule(&tab, "the failure").await?;
    browser.quit().await
}

async fn breaks_no_rule(tab: &Tab, state: &str) -> Result<()> {
    for colours in Colours::ALL {
        tab.show_in(colours).await?;
        let violations = tab.accessibility_violations().await?;
        let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{state}, {}:\n{}", colours.name(), shown.join("\n"));
    }
    Ok(())
}
