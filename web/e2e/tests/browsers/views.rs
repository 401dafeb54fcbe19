//! A walk through everything that the page shows, for tests that look at all of it.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

/// Shows every view of a visit, from the choice to the result, and what is shown when something goes wrong on the way.
pub(crate) async fn of_a_visit(
    browser: &Browser,
    mut look: impl AsyncFnMut(&Tab, &str) -> Result<()>,
) -> Result<()> {
    let mut hospital =
        Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let tab = browser.first_tab().await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    look(&tab, "the choice").await?;

    tab.open_question(&format!("{}/?study=pain", hospital.origin())).await?;
    tab.click("details > summary").await?;
    look(&tab, "the question").await?;
    tab.click("#take-part").await?;
    tab.until_there("#answer-problem").await?;
    look(&tab, "the question with a problem").await?;
    tab.propose("3").await?;
    look(&tab, "the confirmation").await?;
    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    look(&tab, "the waiting").await?;

    let others = hospital.native_rounds("pain", &[3, 4]);
    let words = async {
        tab.words().await?;
        look(&tab, "the words").await?;
        tab.agree().await
    };
    let (others, words) = tokio::join!(others, words);
    others?;
    words?;
    tab.result().await?;
    tab.click("#words-again summary").await?;
    look(&tab, "the result").await?;
    tab.reload().await?;
    tab.result().await?;
    look(&tab, "the result after a reload").await?;

    tab.open_question(&format!("{}/?study=sleep", hospital.origin())).await?;
    hospital.kill()?;
    tab.until_cut_off().await?;
    look(&tab, "the lost connection").await?;
    hospital.start_again().await?;
    tab.until_connected().await?;
    tab.answer(5).await?;
    tab.click("#leave-round").await?;
    look(&tab, "the question before leaving").await?;
    tab.click("#leave-now").await?;
    tab.until_state("failed").await?;
    look(&tab, "the failure").await?;
    hospital.kill()?;
    tab.click("#try-again").await?;
    tab.until_state("unreachable").await?;
    look(&tab, "the hospital that cannot be reached").await
}

/// Shows every view that says why there is no question.
pub(crate) async fn without_a_question(
    browser: &Browser,
    mut look: impl AsyncFnMut(&Tab, &str) -> Result<()>,
) -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let tab = browser.first_tab().await?;
    tab.open(&format!("{}/?study=gone", hospital.origin())).await?;
    tab.until_state("unknown-study").await?;
    look(&tab, "a study that there is not").await?;
    tab.open(&format!("{}/#damaged", hospital.origin())).await?;
    tab.until_state("bad-invitation").await?;
    look(&tab, "a damaged link").await?;

    let refusing = browser.new_tab().await?;
    refusing
        .run_before_pages(
            "window.WebSocket = class { constructor() { throw new DOMException('', 'SecurityError'); } };",
        )
        .await?;
    refusing.open(&format!("{}/?study=pain", hospital.origin())).await?;
    refusing.until_state("failed").await?;
    assert_eq!(refusing.failure().await?.code, "cannot-connect");
    look(&refusing, "a browser that refuses to connect").await?;

    let closed = browser.new_tab().await?;
    closed.take_part(&format!("{}/?study=sleep", hospital.origin()), 5).await?;
    closed.close().await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    tab.until_there("#orphans:not([hidden])").await?;
    look(&tab, "an answer that can be taken up again").await?;

    hospital.native_rounds("pain", &[1, 2, 3]).await?;
    tab.open(&format!("{}/?study=pain", hospital.origin())).await?;
    tab.until_state("too-late").await?;
    look(&tab, "a round that is over").await
}
