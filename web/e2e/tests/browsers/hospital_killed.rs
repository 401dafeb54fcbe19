//! The hospital is killed and started again in every stage, and the round still publishes the exact sum.

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};
use wardsum_hospital::native_peer::Hazards;
use wardsum_protocol::peer::{Event, Memory};

use crate::round::{address, figures_of};

async fn killed_and_back(hospital: &mut Hospital, tabs: &[Tab]) -> Result<()> {
    hospital.kill()?;
    for tab in tabs {
        tab.until_cut_off().await?;
    }
    hospital.start_again().await?;
    for tab in tabs {
        tab.until_connected().await?;
    }
    Ok(())
}

#[tokio::test]
async fn in_every_stage() -> Result<()> {
    // Four members, three of whom are enough.
    let study = TestStudy::of("pain", 4).x25519();
    let mut hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(3, &address(&hospital.origin(), &study)).await?;
    for tab in &tabs {
        tab.until_state("asking").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    for (answer, tab) in (2..).zip(&tabs) {
        tab.answer(answer).await?;
        tab.until_stage("waiting", "current").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    // The last member enrols and then sleeps, so that contributing stays open.
    let mut sleeper = hospital.native_patient("pain").await?;
    sleeper.answer_number(10).await?;
    for tab in &tabs {
        tab.until_stage("sent", "done").await?;
    }
    killed_and_back(&mut hospital, &tabs).await?;

    let others = async {
        while sleeper.next_event().await.is_some() {}
        anyhow::Ok(())
    };
    let results = async {
        for tab in &tabs {
            assert_eq!(tab.result().await?, figures_of(&[2, 3, 4, 10]));
        }
        anyhow::Ok(())
    };
    let (others, results) = tokio::join!(others, results);
    others?;
    results?;
    browser.quit().await
}

/// Takes part without a browser up to the verdict, and is gone before the partial aggregate is sent.
async fn gone_before_the_partial(
    hospital: &Hospital,
    study: &TestStudy,
    answer: i128,
) -> Result<Memory> {
    let vanishes = |event: &Event| matches!(event, Event::VerdictAccepted { .. });
    let hazards = Hazards { vanishes: Some(Box::new(vanishes)), ..Hazards::default() };
    let mut patient = hospital.native_patient_with(&study.id, hazards).await?;
    patient.answer_number(answer).await?;
    while patient.next_event().await.is_some() {}
    patient.memory().cloned().context("what it has written down")
}

#[tokio::test]
async fn between_the_manifest_and_the_result() -> Result<()> {
    // Four members, three of whom are enough. Two are gone, so that the sum cannot be opened.
    let study = TestStudy::of("pain", 4).x25519();
    let mut hospital = Hospital::start(std::slice::from_ref(&study)).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(2, &address(&hospital.origin(), &study)).await?;
    for (answer, tab) in (7..).zip(&tabs) {
        tab.until_state("asking").await?;
        tab.answer(answer).await?;
    }
    let gone = [1, 2].map(|answer| gone_before_the_partial(&hospital, &study, answer));
    let gone = try_join_all(gone).await?;
    for tab in &tabs {
        tab.until_stage("partial", "done").await?;
        tab.until_stage("result", "current").await?;
    }
    hospital.until_study("pain", "two partial sums", |study| study["partials"] == 2).await?;

    hospital.kill()?;
    for tab in &tabs {
        let told = tab.until_cut_off().await?;
        for text in [
            "connection to the hospital is lost",
            "Trying again",
            "The hospital has your encrypted answer. You need not do anything.",
        ] {
            assert!(told.contains(text), "“{text}” is not in: {told}");
        }
        assert_eq!(tab.state().await?, "running");
        tab.until_stage("connected", "current").await?;
        assert!(!tab.has("#failure").await? && !tab.has("#result").await?);
    }
    tabs[0].screenshots("killed-before-the-result").await?;

    hospital.start_again().await?;
    for tab in &tabs {
        tab.until_connected().await?;
        // Where it was: the same manifest, and what was sent for it before.
        tab.until_stage("result", "current").await?;
        let waits = "[data-stage=result] .stage-detail";
        let script =
            "return document.querySelector(arguments[0]).innerText.includes(arguments[1]);";
        let told = "2 of 3 partial sums have arrived at the hospital. 2 people who are needed";
        tab.until("the two who are gone", script, &[waits.into(), told.into()]).await?;
    }
    assert_eq!(hospital.study("pain").await?["phase"], "aggregating");
    tabs[1].screenshots("restarted-before-the-result").await?;

    // A tab that is reloaded now gives the same partial sum, and waits again.
    tabs[0].reload().await?;
    tabs[0].until_state("running").await?;
    tabs[0].until_stage("result", "current").await?;

    try_join_all(gone.into_iter().map(|memory| hospital.native_return("pain", memory))).await?;
    for tab in &tabs {
        assert_eq!(tab.result().await?, figures_of(&[7, 8, 1, 2]));
        assert_eq!(tab.left().await?.partials, 1, "one partial sum, however often it was sent");
    }
    browser.quit().await
}
