//! axe-core finds nothing wrong with the question, the confirmation, the waiting, the result and failures, light and
//! dark; and every page has one heading of the first level, from which the others follow.

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

    let others = hospital.native_rounds("pain", &[3, 4]);
    let words = async {
        tab.words().await?;
        breaks_no_rule(&tab, "the words").await?;
        tab.agree().await
    };
    let (others, words) = tokio::join!(others, words);
    others?;
    words?;
    tab.result().await?;
    breaks_no_rule(&tab, "the result").await?;
    tab.reload().await?;
    tab.result().await?;
    breaks_no_rule(&tab, "the result after a reload").await?;

    tab.open_question(&format!("{}/?study=sleep", hospital.origin())).await?;
    hospital.kill()?;
    tab.until_cut_off().await?;
    breaks_no_rule(&tab, "the lost connection").await?;
    hospital.start_again().await?;
    tab.until_connected().await?;
    tab.answer(5).await?;
    tab.click("#leave-round").await?;
    breaks_no_rule(&tab, "the question before leaving").await?;
    tab.click("#leave-now").await?;
    tab.until_state("failed").await?;
    breaks_no_rule(&tab, "the failure").await?;
    hospital.kill()?;
    tab.click("#try-again").await?;
    tab.until_state("unreachable").await?;
    breaks_no_rule(&tab, "the hospital that cannot be reached").await?;
    browser.quit().await
}

#[tokio::test]
async fn no_page_that_says_why_there_is_no_question_breaks_a_rule() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&format!("{}/?study=gone", hospital.origin())).await?;
    tab.until_state("unknown-study").await?;
    breaks_no_rule(&tab, "a study that there is not").await?;

    let refusing = browser.new_tab().await?;
    refusing
        .run_before_pages(
            "window.WebSocket = class { constructor() { throw new DOMException('', 'SecurityError'); } };",
        )
        .await?;
    refusing.open(&format!("{}/?study=pain", hospital.origin())).await?;
    refusing.until_state("failed").await?;
    assert_eq!(refusing.failure().await?.code, "cannot-connect");
    breaks_no_rule(&refusing, "a browser that refuses to connect").await?;
    refusing.screenshots("cannot-connect").await?;

    let closed = browser.new_tab().await?;
    closed.take_part(&format!("{}/?study=sleep", hospital.origin()), 5).await?;
    closed.close().await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    tab.until_there("#orphans:not([hidden])").await?;
    breaks_no_rule(&tab, "an answer that can be taken up again").await?;

    hospital.native_rounds("pain", &[1, 2, 3]).await?;
    tab.open(&format!("{}/?study=pain", hospital.origin())).await?;
    tab.until_state("too-late").await?;
    breaks_no_rule(&tab, "a round that is over").await?;
    tab.screenshots("too-late").await?;
    browser.quit().await
}

async fn breaks_no_rule(tab: &Tab, state: &str) -> Result<()> {
    let headings = tab.heading_levels().await?;
    let above = std::iter::once(0).chain(headings.iter().copied());
    assert!(
        headings.iter().filter(|level| **level == 1).count() == 1
            && headings.iter().zip(above).all(|(level, above)| *level <= above + 1),
        "{state}: the levels of the headings are {headings:?}"
    );
    for colours in Colours::ALL {
        tab.show_in(colours).await?;
        let violations = tab.accessibility_violations().await?;
        let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{state}, {}:\n{}", colours.name(), shown.join("\n"));
    }
    Ok(())
}
