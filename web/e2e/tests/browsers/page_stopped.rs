//! A bug that brings the page's program down is told in plain words, although the program can say nothing any more.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

use crate::round::figures_of;

/// Takes away what the program cannot do without, so that it panics when it next draws something new.
const BREAK: &str = "
    const gone = () => { throw new Error('taken away by the test'); };
    Document.prototype.createElement = gone;
    Document.prototype.createElementNS = gone;
    Node.prototype.cloneNode = gone;";

#[tokio::test]
async fn before_the_answer() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    assert!(tab.has("#stopped[hidden]").await?, "the page runs");
    tab.fill("#answer", "5").await?;
    tab.run(BREAK, vec![]).await?;
    tab.click("#take-part").await?;
    says_that_it_has_stopped(&tab).await?;
    tab.screenshots("stopped").await?;

    // It goes on where it was: at the question, or where the answer was to be looked at once more.
    tab.click("#reload").await?;
    tab.until_there("#question, #confirm").await?;
    browser.quit().await
}

#[tokio::test]
async fn after_the_answer() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(&hospital.origin(), 5).await?;
    assert!(tab.warns_before_leaving().await?);
    tab.run(BREAK, vec![]).await?;
    let others = hospital.native_rounds("pain", &[3, 4]);
    let visit = async {
        says_that_it_has_stopped(&tab).await?;
        assert!(!tab.warns_before_leaving().await?, "the page asks for a reload itself");
        tab.click("#reload").await?;
        tab.until_there("#stages").await?;
        tab.agree().await?;
        // The answer was written down before the program broke.
        assert_eq!(tab.result().await?, figures_of(&[5, 3, 4]));
        anyhow::Ok(())
    };
    let (others, visit) = tokio::join!(others, visit);
    others?;
    visit?;
    browser.quit().await
}

async fn says_that_it_has_stopped(tab: &Tab) -> Result<()> {
    tab.until_there("#stopped[data-code=page-stopped]:not([hidden])").await?;
    assert!(!tab.has("#app").await?, "what the dead program has drawn is gone");
    let told = tab.text("#stopped").await?;
    for text in [
        "The page has stopped",
        "written down on this device",
        "Please reload the page: it goes on where it was",
        "wait for the next round before you answer again",
    ] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    assert_eq!(tab.focused().await?, "stopped-title");
    assert_eq!(tab.heading_levels().await?, [1]);
    Ok(())
}
