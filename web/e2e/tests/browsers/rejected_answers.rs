//! Answers that are not counted. Everybody's page says how many there are, also after a reload; that of somebody whose
//! answer is one of them says why.

use anyhow::{Result, bail};
use wardsum_e2e::{Browser, Hospital, TestStudy};
use wardsum_hospital::native_peer::Hazards;
use wardsum_protocol::peer::{Change, Event, Misbehaviour, OwnAnswer, Published};
use wardsum_protocol::verdict::Rejection;

use crate::round::figures_of;

const TOLD: &str = "[data-testid=result-checked]";

/// What everybody is told of one answer that is not counted.
const ONE_OF_FOUR: &str = "1 of 4 answers was not valid and was not counted.";

/// Somebody without a browser who cheats from the start on, and what is published to them.
async fn cheater(
    hospital: &Hospital,
    misbehaviour: Misbehaviour,
    answer: i128,
) -> Result<Published> {
    let turns = move |_: &Event| Some(misbehaviour);
    let hazards = Hazards { turns: Some(Box::new(turns)), ..Hazards::default() };
    let mut cheater = hospital.native_patient_with("pain", hazards).await?;
    cheater.answer_number(answer).await?;
    let mut last = None;
    while let Some(event) = cheater.next_event().await {
        last = Some(event);
    }
    cheater.close().await;
    match last {
        Some(Event::Published(published)) => Ok(published),
        other => bail!("the cheater ended with {other:?}"),
    }
}

/// Expected: the invalid answer is dropped, the sum of the three others is exact, and the page of somebody honest says
/// that one answer was not counted, and that its own is.
#[tokio::test]
async fn an_honest_tab_says_how_many_there_are() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 4).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(&hospital.origin(), 9).await?;
    // Neither 2 nor 3 is a bit, whatever the first one of the answer was.
    let no_bit = Misbehaviour::Input(Change { position: 0, add: 2 });
    let (cheated, others) =
        tokio::join!(cheater(&hospital, no_bit, 3), hospital.native_rounds("pain", &[4, 7]));
    others?;
    let Published { own, rejected, .. } = cheated?;
    assert_eq!((own, rejected), (OwnAnswer::Rejected(Rejection::Invalid), 1));

    assert_eq!(tab.result().await?, figures_of(&[9, 4, 7]));
    let told = tab.text(TOLD).await?;
    for text in ["Your answer is one of the 3, and is counted once.", ONE_OF_FOUR] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    let checked = tab.text("#stages li[data-stage=checked]").await?;
    assert!(checked.contains(ONE_OF_FOUR), "{checked}");
    tab.screenshots("rejected-answer-of-somebody-else").await?;

    tab.reload().await?;
    assert_eq!(tab.result().await?, figures_of(&[9, 4, 7]));
    let told = tab.text(TOLD).await?;
    assert!(told.contains(ONE_OF_FOUR), "{told}");
    browser.quit().await
}

/// Expected: one member's word stands against one answer, so that the answer is lost and the member is not left out; the
/// page of whoever gave it says that it is not counted, and why.
#[tokio::test]
async fn a_tab_whose_own_answer_it_is_says_why() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 4).x25519()]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(&hospital.origin()).await?;
    tab.answer_and_compare(9).await?;
    tab.until_stage("waiting", "current").await?;
    let visit = async {
        tab.words().await?;
        // The others have the numbers 0 to 2, so that the member disputes this tab's answer.
        let what = "the answers of the others";
        hospital.until_study("pain", what, |study| study["contributed"] == 3).await?;
        tab.click("#words-match").await?;
        anyhow::Ok(tab.result().await?)
    };
    let liar = cheater(&hospital, Misbehaviour::Dispute(3), 3);
    let (visit, lied, others) = tokio::join!(visit, liar, hospital.native_rounds("pain", &[4, 7]));
    others?;
    let Published { own, rejected, .. } = lied?;
    assert_eq!((own, rejected), (OwnAnswer::Counted, 1));

    assert_eq!(visit?, figures_of(&[3, 4, 7]));
    let why = "Your answer arrived, but the hospital’s server says that one of the people who hold the \
               shares could not use theirs, so it is not one of the 3. Nobody has seen it.";
    let told = tab.text(TOLD).await?;
    for text in [why, ONE_OF_FOUR] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    assert!(!told.contains("once"), "{told}");
    tab.screenshots("rejected-answer-of-one-s-own").await?;

    tab.reload().await?;
    tab.result().await?;
    let told = tab.text(TOLD).await?;
    for text in [why, ONE_OF_FOUR] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    browser.quit().await
}
