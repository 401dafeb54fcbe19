//! A researcher makes a study in the form: what is wrong is told where it is, what patients will read is shown before, and
//! the study is opened, ended, closed and archived by its buttons.

use anyhow::Result;
use serde_json::json;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy};

/// Text that would run if it were taken for a page's.
const HOSTILE: &str = "<img src=x onerror=\"document.title='run'\"><b>bold</b> & \"quotes\"";

async fn is_wrong(tab: &Tab, place: &str) -> Result<String> {
    tab.until_there(&format!("[data-field='{place}'][aria-invalid=true]")).await?;
    let script = "const field = document.querySelector(`[data-field='${arguments[0]}']`);
        const [problem] = field.getAttribute('aria-describedby').split(' ');
        return document.getElementById(problem).innerText;";
    let told = tab.run(script, vec![json!(place)]).await?;
    Ok(told.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.sign_in_as(&hospital, "anna", "editor").await?;
    tab.go_to("#/new").await?;
    tab.until_there("#create").await?;
    // The questionnaire first, then the rules of the study.
    tab.set_fields(&[("title", "Sleep"), ("section[0].item[0].min", "0")]).await?;
    tab.click("#create").await?;
    for place in ["section[0].item[0].text", "section[0].item[0].max"] {
        assert!(!is_wrong(&tab, place).await?.is_empty(), "{place}");
    }
    let first = "return document.activeElement.dataset.field;";
    tab.until("the focus on a field that is wrong", first, &[]).await?;
    let asked = [
        ("section[0].item[0].text", "How many hours did you sleep?"),
        ("section[0].item[0].max", "24"),
        ("minimum_cohort", "2"),
        ("enrolment.settle_seconds", "soon"),
    ];
    tab.set_fields(&asked).await?;
    tab.click("#create").await?;
    for place in ["id", "organisation", "minimum_cohort", "enrolment.settle_seconds"] {
        assert!(!is_wrong(&tab, place).await?.is_empty(), "{place}");
    }
    assert!(!tab.has("[data-field='section[0].item[0].max'][aria-invalid=true]").await?);
    assert!(hospital.study("sleep").await.is_err(), "nothing is made of half a study");

    tab.set_fields(&[
        ("id", "sleep"),
        ("organisation", "Ward 7"),
        ("minimum_cohort", "3"),
        ("minimum_cell", "1"),
        ("enrolment.settle_seconds", "60"),
    ])
    .await?;
    tab.click("#create").await?;
    tab.until_there("[data-testid=study-view][data-study=sleep] #study-state[data-state=open]")
        .await?;
    hospital.study("sleep").await?;

    // The same id again is refused at its field, too.
    tab.go_to("#/new").await?;
    let again = [("id", "sleep"), ("organisation", "Ward 7"), ("title", "Sleep")];
    tab.set_fields(&again).await?;
    tab.set_fields(&[("section[0].item[0].text", "?"), ("section[0].item[0].min", "0")]).await?;
    tab.set_field("section[0].item[0].max", "24").await?;
    tab.click("#create").await?;
    tab.until_there("#form-problem:not([hidden])").await?;
    let told = tab.text("#form-problem").await?;
    assert!(told.contains("sleep"), "{told}");
    browser.quit().await
}

#[tokio::test]
async fn a_study_is_built_opened_ended_closed_and_archived() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.sign_in_as(&hospital, "anna", "editor").await?;
    tab.go_to("#/new").await?;
    let fields = [
        ("id", "sleep"),
        ("organisation", "Ward 7"),
        ("title", "Sleep"),
        ("section[0].item[0].text", "How many hours did you sleep?"),
        ("section[0].item[0].min", "0"),
        ("section[0].item[0].max", "24"),
    ];
    tab.set_fields(&fields).await?;
    tab.click("#check").await?;
    tab.until_there("#preview [data-item=q1]").await?;
    tab.click("#create-draft").await?;
    tab.until_there("#study-state[data-state=draft]").await?;

    tab.click("#open-study").await?;
    tab.click("dialog[open] #confirm-no").await?;
    tab.until_there("#study-state[data-state=draft]").await?;
    tab.confirm("#open-study").await?;
    tab.until_there("#study-state[data-state=open]").await?;
    tab.until_there("[data-testid=done]").await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    tab.confirm("#end-round").await?;
    tab.until_there("[data-testid=live-ended]").await?;
    tab.confirm("#close-study").await?;
    tab.until_there("#study-state[data-state=closed]").await?;
    tab.confirm("#archive-study").await?;
    tab.until_there("#study-state[data-state=archived]").await?;
    assert!(hospital.study("sleep").await.is_err(), "it is not served any more");

    tab.go_to("#/audit").await?;
    tab.until_there("[data-testid=audit-entry]").await?;
    let actions = "return [...document.querySelectorAll('[data-testid=audit-entry]')]
        .filter((row) => row.innerText.includes('sleep')).map((row) => row.dataset.action);";
    let actions = tab.run(actions, vec![]).await?;
    let actions = actions.as_array().map_or(0, Vec::len);
    assert!(actions >= 5, "made, opened, ended, closed, archived: {actions}");
    browser.quit().await
}

#[tokio::test]
async fn markup_in_a_study_is_text_on_both_pages() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.sign_in_as(&hospital, "anna", "editor").await?;
    tab.go_to("#/new").await?;
    let fields = [
        ("id", "markup"),
        ("organisation", HOSTILE),
        ("title", HOSTILE),
        ("introduction", HOSTILE),
        ("section[0].item[0].text", HOSTILE),
        ("section[0].item[0].min", "0"),
        ("section[0].item[0].max", "24"),
        ("section[0].item[0].unit", "<i>h</i>"),
    ];
    tab.set_fields(&fields).await?;
    tab.click("#check").await?;
    tab.until_there("#preview [data-item=q1]").await?;
    is_text(&tab, "#preview").await?;
    tab.click("#create").await?;
    tab.until_there("#live-phase[data-phase=enrolling]").await?;
    is_text(&tab, "#main").await?;
    tab.go_to("#/").await?;
    tab.until_there("[data-testid=study][data-study=markup]").await?;
    is_text(&tab, "#main").await?;

    let patient = browser.new_tab().await?;
    patient.open_question(&format!("{}/?study=markup", hospital.origin())).await?;
    is_text(&patient, "#main").await?;
    browser.quit().await
}

/// It is shown as it was typed, and nothing was made of it.
async fn is_text(tab: &Tab, within: &str) -> Result<()> {
    let shown = tab.text(within).await?;
    assert!(shown.contains(HOSTILE), "{shown}");
    assert!(!tab.has("main img, main b, main i").await?, "markup has come of it");
    assert_ne!(tab.run("return document.title;", vec![]).await?, "run");
    Ok(())
}
