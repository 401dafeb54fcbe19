//! Every view of the researcher's page: axe-core finds nothing wrong with it, it fits a narrow screen, and a picture of
//! it is kept; and it can be used without a mouse.

use std::fs;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use thirtyfour::Key;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy, Viewport, settings};
use wardsum_protocol::questionnaire::Response;

use crate::accessibility::breaks_no_rule;

const PEOPLE: u16 = 12;

/// Checks a view and keeps pictures of it.
async fn look(tab: &Tab, view: &str) -> Result<()> {
    breaks_no_rule(tab, view).await?;
    tab.show_on(Viewport { name: "narrow", width: 320, height: 640 }).await?;
    let sticks_out = "const root = document.scrollingElement;
        return root.scrollWidth > root.clientWidth;";
    assert_eq!(tab.run(sticks_out, vec![]).await?, false, "{view} at 320 px");
    tab.screenshots(&format!("researcher-{view}")).await
}

fn shipped(name: &str) -> Result<String> {
    let path = settings::root().join("hospital/questionnaires").join(name);
    fs::read_to_string(&path).with_context(|| format!("{} is there", path.display()))
}

#[tokio::test]
async fn no_view_on_the_way_to_a_study_breaks_a_rule() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_dashboard(&hospital).await?;
    look(&tab, "sign-in").await?;
    tab.sign_in("wardsum-researcher-that-is-none").await?;
    tab.until_there("#sign-in-problem[data-code=refused]").await?;
    look(&tab, "sign-in-refused").await?;
    tab.sign_in(&hospital.researcher("anna", "editor")?).await?;
    tab.until_there("[data-testid=study][data-study=pain]").await?;
    look(&tab, "studies").await?;

    tab.go_to("#/new").await?;
    tab.until_there("#create").await?;
    look(&tab, "new").await?;
    for button in ["[data-testid=add-item]", "#add-section", "#add-score"] {
        tab.click(button).await?;
    }
    // Whoever adds something goes on there.
    let there = "return document.activeElement.dataset.field === 'score[0].title';";
    tab.until("the focus on the new score", there, &[]).await?;
    let kind = "const select = document.querySelector('[data-field=\"section[0].item[1].kind\"]');
        select.value = 'choices';
        select.dispatchEvent(new Event('change', { bubbles: true }));";
    tab.run(kind, vec![]).await?;
    tab.until_there("[data-testid=add-option]").await?;
    tab.click("#check").await?;
    tab.until_there("#form-problem:not([hidden])").await?;
    look(&tab, "new-problems").await?;

    tab.click("#from-file").await?;
    tab.choose_file("#questionnaire-file", "broken.toml", "title = \"T\"\n[[section]]\n").await?;
    tab.until_there("#questionnaire-problems li").await?;
    look(&tab, "new-file-problems").await?;
    let file = shipped("treatment.toml")?;
    tab.choose_file("#questionnaire-file", "treatment.toml", &file).await?;
    tab.until_there("#preview [data-kind=scale]").await?;
    look(&tab, "new-preview").await?;
    tab.set_field("id", "arms").await?;
    tab.set_field("organisation", "Ward 7").await?;
    tab.click("[data-field=admission]").await?;
    tab.click("#create-draft").await?;
    tab.until_there("#study-state[data-state=draft]").await?;
    look(&tab, "draft-invited").await?;
    browser.quit().await
}

#[tokio::test]
async fn no_view_of_a_study_breaks_a_rule() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.sign_in_as(&hospital, "anna", "editor").await?;
    tab.go_to("#/new").await?;
    tab.click("#from-file").await?;
    let file = shipped("treatment.toml")?;
    tab.choose_file("#questionnaire-file", "treatment.toml", &file).await?;
    tab.until_there("#preview [data-kind=scale]").await?;
    tab.set_fields(&[
        ("id", "arms"),
        ("organisation", "Ward 7"),
        ("minimum_cohort", "3"),
        ("minimum_cell", "3"),
        ("committee_cap", "4"),
        ("enrolment.count", "4"),
        ("contributing.count", &PEOPLE.to_string()),
    ])
    .await?;
    tab.click("#create-draft").await?;
    tab.until_there("#study-state[data-state=draft]").await?;
    tab.click("#open-study").await?;
    tab.until_there("dialog[open] #confirm-yes").await?;
    look(&tab, "confirm").await?;
    tab.click("dialog[open] #confirm-yes").await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    tab.until_there("#live-connection[data-state=open]").await?;
    tab.click("details.panel > summary").await?;
    look(&tab, "study").await?;

    let responses = |person: u16| {
        let three = (0..3).map(|item| Response::Choice((person + item) % 4));
        let arm = Response::Choice(person % 2);
        let temperature = Response::Number(360 + i128::from(person));
        let health = Response::Choice(person % 11);
        [arm].into_iter().chain(three).chain([temperature, health]).collect()
    };
    let people = (0..PEOPLE).map(|person| hospital.native_responses("arms", responses(person)));
    try_join_all(people).await?;
    tab.until_there("#live-phase[data-phase=published]").await?;
    tab.until_there("[data-testid=results-link]").await?;
    look(&tab, "study-published").await?;
    tab.click("[data-testid=results-link]").await?;
    tab.until_there("[data-testid=finding] .chart svg rect").await?;
    tab.until_there("[data-testid=export]").await?;
    let hidden = tab.text("[data-testid=finding][data-subject=health]").await?;
    assert!(hidden.contains("hidden"), "one person alone is told of: {hidden}");
    look(&tab, "results-groups").await?;

    tab.go_to("#/audit").await?;
    tab.until_there("[data-testid=audit-entry]").await?;
    look(&tab, "audit").await?;
    tab.click("#sign-out").await?;
    tab.open(&format!("{}/researcher/#/study/gone", hospital.origin())).await?;
    tab.sign_in(&hospital.researcher("otto", "viewer")?).await?;
    tab.until_there("[data-testid=failure]").await?;
    look(&tab, "failure").await?;
    tab.go_to("#/").await?;
    tab.click("[data-testid=study][data-study=pain] a").await?;
    tab.until_there("#live-connection[data-state=open]").await?;
    look(&tab, "study-viewer").await?;
    browser.quit().await
}

#[tokio::test]
async fn a_study_is_made_and_opened_without_a_mouse() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let token = hospital.researcher("anna", "editor")?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_dashboard(&hospital).await?;
    until_focus(&tab, "document.activeElement.id === 'token'").await?;
    tab.press(token.as_str()).await?;
    tab.press(Key::Enter).await?;
    tab.until_there("#app[data-state=signed-in]").await?;
    until_focus(&tab, "document.activeElement.getAttribute('href') === '#/new'").await?;
    tab.press(Key::Enter).await?;
    tab.until_there("#create").await?;
    tab.until("the focus on the title", "return document.activeElement.localName === 'h1';", &[])
        .await?;
    for (field, text) in [
        ("id", "sleep"),
        ("organisation", "Ward 7"),
        ("title", "Sleep"),
        ("section[0].item[0].text", "How many hours did you sleep?"),
        ("section[0].item[0].min", "0"),
        ("section[0].item[0].max", "24"),
    ] {
        until_focus(&tab, &format!("document.activeElement.dataset.field === '{field}'")).await?;
        tab.press(text).await?;
    }
    until_focus(&tab, "document.activeElement.id === 'create-draft'").await?;
    tab.press(Key::Enter).await?;
    tab.until_there("#study-state[data-state=draft]").await?;
    // Escape is the way out of the question, and leads back to the button.
    until_focus(&tab, "document.activeElement.id === 'open-study'").await?;
    tab.press(Key::Enter).await?;
    tab.until_there("dialog[open]").await?;
    tab.press(Key::Escape).await?;
    tab.until("the question to be gone", "return !document.querySelector('dialog[open]');", &[])
        .await?;
    assert_eq!(tab.focused().await?, "open-study");
    tab.press(Key::Enter).await?;
    tab.until_there("dialog[open]").await?;
    until_focus(&tab, "document.activeElement.id === 'confirm-yes'").await?;
    tab.press(Key::Enter).await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    let said = tab.run("return document.getElementById('said').innerText;", vec![]).await?;
    assert_eq!(said, "The study is open.");
    browser.quit().await
}

/// Presses the Tab key until something has the focus, which it shows.
async fn until_focus(tab: &Tab, there: &str) -> Result<()> {
    // A form has some fifty fields and buttons.
    for _ in 0..100 {
        if tab.run(&format!("return {there};"), vec![]).await? == true {
            return Ok(());
        }
        tab.press(Key::Tab).await?;
        let shown =
            "const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
            return document.activeElement === document.body
                || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);";
        let shown = tab.run(shown, vec![]).await? == true;
        ensure!(shown, "{} does not show its focus", tab.focused().await?);
    }
    anyhow::bail!("the Tab key never leads to where {there}")
}
