//! A study for invited people: its draft goes to the authority as a file, comes back with the authority's key, and is
//! opened then.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy, settings};

/// What the authority does, on a machine of its own.
fn invite(study: &Path, out: &Path, address: &str) -> Result<()> {
    let mut command = Command::new(settings::hospital()?);
    command.arg("invite").arg(study).args(["--count", "3", "--address", address, "--out"]).arg(out);
    let output = command.output().context("cannot start the program")?;
    ensure!(output.status.success(), "nobody was invited: {output:?}");
    Ok(())
}

async fn draft(tab: &Tab) -> Result<()> {
    tab.go_to("#/new").await?;
    tab.set_fields(&[
        ("id", "sleep"),
        ("organisation", "Ward 7"),
        ("title", "Sleep"),
        ("section[0].item[0].text", "How many hours did you sleep?"),
        ("section[0].item[0].min", "0"),
        ("section[0].item[0].max", "24"),
        ("minimum_cohort", "3"),
        ("minimum_cell", "1"),
        ("enrolment.count", "3"),
        ("contributing.count", "3"),
    ])
    .await?;
    tab.click("[data-field=admission]").await?;
    let off = tab.run("return document.getElementById('create').disabled;", vec![]).await?;
    assert_eq!(off, true, "it cannot be opened before anybody invites");
    tab.click("#create-draft").await?;
    tab.until_there("#study-state[data-state=draft]").await
}

#[tokio::test]
async fn a_study_is_opened_once_its_authority_is_known() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.sign_in_as(&hospital, "anna", "editor").await?;
    draft(&tab).await?;
    tab.until_there("[data-testid=authority-known][data-value=false]").await?;
    assert!(!tab.has("#open-study").await?, "it is offered to be opened too early");
    let study = tab.download("#study-file").await?;
    let machine = tempfile::tempdir()?;
    let made = machine.path().join("invitations");
    invite(&study, &made, &format!("{}/", hospital.origin()))?;

    // The key file is the one that must never leave the authority, and what is in it is not taken.
    let secret = fs::read_to_string(made.join("authority.key"))?;
    tab.choose_file("#authority-file", "authority.key", &secret).await?;
    tab.until_there("#authority-problem:not([hidden])").await?;
    tab.fill("#authority", "not a key").await?;
    tab.click("#set-authority").await?;
    tab.until_there("#authority[aria-invalid=true]").await?;
    let file = fs::read_to_string(made.join("study.toml"))?;
    tab.choose_file("#authority-file", "study.toml", &file).await?;
    let key = file.lines().find_map(|line| line.strip_prefix("authority = ")).context("a key")?;
    let filled = "return document.getElementById('authority').value === arguments[0];";
    tab.until("the key in its field", filled, &[key.trim_matches('"').into()]).await?;
    tab.click("#set-authority").await?;
    tab.until_there("[data-testid=authority-known][data-value=true]").await?;
    tab.confirm("#open-study").await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    assert!(!tab.has("#link").await?, "there is no link for everybody");

    // Whoever is invited gets in, and nobody else.
    let links = fs::read_to_string(made.join("links.txt"))?;
    let patient = browser.new_tab().await?;
    patient.open_question(links.lines().next().context("there are links")?).await?;
    let stranger = browser.new_tab().await?;
    stranger.open(&format!("{}/?study=sleep", hospital.origin())).await?;
    stranger.until_state("failed").await?;
    browser.quit().await
}
