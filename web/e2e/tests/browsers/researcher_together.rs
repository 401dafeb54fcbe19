//! Two researchers look at the same round, and both want to close the same phase: the second is told what has happened
//! meanwhile, and nothing is closed twice.

use std::fs;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy, settings};
use wardsum_protocol::questionnaire::Response;

/// Opens a study of the shipped pain scale, whose phases only somebody with a button closes.
async fn open_study(tab: &Tab) -> Result<()> {
    let path = settings::root().join("hospital/questionnaires/pain-scale.toml");
    let file = fs::read_to_string(path).context("the example is there")?;
    tab.go_to("#/new").await?;
    tab.click("#from-file").await?;
    tab.choose_file("#questionnaire-file", "pain-scale.toml", &file).await?;
    tab.until_there("#preview [data-item]").await?;
    tab.set_fields(&[
        ("id", "pain-now"),
        ("organisation", "Ward 7"),
        ("minimum_cohort", "3"),
        ("minimum_cell", "1"),
    ])
    .await?;
    tab.click("#create").await?;
    tab.until_there("[data-study=pain-now] #live-phase[data-phase=enrolling]").await
}

#[tokio::test]
async fn a_phase_is_closed_once_by_two_researchers() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let (one, other) = (Browser::chromium().await?, Browser::chromium().await?);
    let (anna, ben) = (one.first_tab().await?, other.first_tab().await?);
    anna.sign_in_as(&hospital, "anna", "editor").await?;
    open_study(&anna).await?;
    ben.sign_in_as(&hospital, "ben", "editor").await?;
    ben.click("[data-testid=study][data-study=pain-now] a").await?;

    let people =
        (0..3).map(|number| hospital.native_responses("pain-now", vec![Response::Choice(number)]));
    let researchers = async {
        for tab in [&anna, &ben] {
            tab.until_there("[data-testid=live-enrolled][data-value='3']").await?;
            tab.click("#close-enrolment").await?;
            tab.until_there("dialog[open] #confirm-yes").await?;
        }
        anna.click("dialog[open] #confirm-yes").await?;
        anna.until_there("[data-testid=done]").await?;
        // What Ben is asked stays, although the phase is another one by now.
        ben.until_there("#live-phase[data-phase=contributing]").await?;
        ben.click("dialog[open] #confirm-yes").await?;
        ben.until_there("[data-testid=not-done]").await?;
        let told = ben.text("[data-testid=not-done]").await?;
        assert!(told.contains("contributing"), "{told}");

        ben.until_there("[data-testid=live-contributed][data-value='3']").await?;
        ben.confirm("#close-contributing").await?;
        for tab in [&anna, &ben] {
            tab.until_there("#live-phase[data-phase=published]").await?;
            assert!(!tab.has("#close-contributing, #end-round").await?, "nothing is left to close");
        }
        anyhow::Ok(())
    };
    tokio::try_join!(try_join_all(people), researchers)?;

    anna.go_to("#/audit").await?;
    anna.until_there("[data-testid=audit-entry]").await?;
    let log = anna.text(".audit").await?;
    for told in ["anna", "ben", "pain-now"] {
        assert!(log.contains(told), "{told} is not in the audit log:\n{log}");
    }
    one.quit().await?;
    other.quit().await
}
