//! A study that is given in several languages is asked in the one that the page speaks, and in another one when that is
//! chosen. What is put down stays.

use anyhow::{Context, Result};
use serde_json::json;
use wardsum_e2e::played::PlayedHospital;
use wardsum_e2e::{Browser, Launch, Tab};
use wardsum_protocol::form::{
    Coding, Form, ItemForm, Kind, Language, NumberForm, OptionForm, Section, Steps, Text,
};
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{Admission, Closing, SchemeChoice, Study, StudyParameters, Suite};

/// The page speaks all but the first, which is for whoever reads none of them.
const LANGUAGES: [&str; 3] = ["sv", "da", "en"];

fn text(texts: [&str; 3]) -> Text {
    let language = |tag| Language::new(tag).expect("it is a tag");
    Text::localised(LANGUAGES.map(language).into_iter().zip(texts.map(str::to_owned)))
}

fn item(id: &str, text: Text, unit: Text, kind: Kind) -> ItemForm {
    let (code, help) = (Coding::default(), Text::default());
    ItemForm { id: id.into(), code, text, help, unit, optional: Flag(false), kind }
}

fn study() -> Result<Study> {
    let option = |texts| OptionForm { code: Coding::default(), text: text(texts), value: None };
    let ward = Kind::Choice(vec![
        option(["Kirurgi", "Kirurgisk", "Surgery"]),
        option(["Medicin", "Medicinsk", "Medicine"]),
    ]);
    let range = Steps { min: 70.into(), max: 84.into(), step: 5, decimals: 1 };
    let temperature = Kind::Number(NumberForm { range, squares: Flag(false) });
    let section = |title, items| Section { title: text(title), help: Text::default(), items };
    let form = Form {
        sections: vec![
            section(
                ["Om dig", "Om dig selv", "About you"],
                vec![item(
                    "ward",
                    text(["Vilken avdelning?", "Hvilken afdeling?", "Which ward?"]),
                    Text::default(),
                    ward,
                )],
            ),
            section(
                ["Idag", "I dag", "Today"],
                vec![item(
                    "temperature",
                    text(["Din kroppstemperatur", "Din temperatur", "Your temperature"]),
                    text(["grader", "grader C", "degrees"]),
                    temperature,
                )],
            ),
        ],
        ..Form::default()
    };
    Ok(Study::new(StudyParameters {
        instance: [8; 16],
        title: text(["Hur du mår", "Hvordan du har det", "How you are"]),
        organisation: "St. Example's Hospital".to_owned(),
        introduction: text(["Vi frågar alla.", "Vi spørger alle.", "We ask everybody."]),
        form,
        minimum_cell: 3,
        minimum_cohort: 5,
        maximum_cohort: 5,
        committee_cap: 5,
        enrolment: Closing { count: Some(5), ..Closing::deadline(600_000) },
        contributing: Closing { count: Some(5), ..Closing::deadline(600_000) },
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    })?)
}

async fn until_said(tab: &Tab, selector: &str, said: &str) -> Result<()> {
    tab.until(
        &format!("“{said}” in {selector}"),
        "return document.querySelector(arguments[0])?.textContent.includes(arguments[1]) ?? false;",
        &[json!(selector), json!(said)],
    )
    .await?;
    Ok(())
}

async fn speak(tab: &Tab, language: &str) -> Result<()> {
    tab.click(&format!("#language button[lang={language}]")).await?;
    tab.until_there(&format!("html[lang={language}]")).await
}

#[tokio::test]
async fn a_studys_texts_follow_the_language_of_the_page_and_what_is_put_down_stays() -> Result<()> {
    let hospital = PlayedHospital::open(study()?).await?;
    let browser =
        Browser::chromium_with(Launch { languages: Some("da"), ..Launch::default() }).await?;
    let tab = browser.first_tab().await?;
    tab.open_question(hospital.origin()).await?;
    until_said(&tab, "#app h1", "Hvordan du har det").await?;
    until_said(&tab, "title", "Hvordan du har det").await?;
    until_said(&tab, "#introduction", "Vi spørger alle.").await?;
    tab.click("#take-part").await?;
    until_said(&tab, "#section-title", "Om dig selv").await?;
    tab.click("input[name=choice][value='1']").await?;
    tab.click("#take-part").await?;
    tab.until_there("#answer-2").await?;
    until_said(&tab, "#answer-hint-2", "Et tal fra 35,0 til 42,0 (grader C) i trin på 0,5").await?;
    tab.fill("#answer-2", "36,7").await?;
    tab.click("#take-part").await?;
    until_said(&tab, "#answer-problem-2", "35,0, 35,5 og så videre op til 42,0").await?;

    // The same page with the same answer and the same problem.
    speak(&tab, "en").await?;
    until_said(&tab, "#app h1", "How you are").await?;
    until_said(&tab, "title", "How you are").await?;
    until_said(&tab, "#section-title", "Today").await?;
    until_said(&tab, "#question-2 legend", "Your temperature").await?;
    until_said(&tab, "#answer-problem-2", "35.0, 35.5 and so on, up to 42.0").await?;
    let typed = tab.run("return document.getElementById('answer-2').value;", vec![]).await?;
    assert_eq!(typed, "36,7", "what was typed is there still");

    tab.fill("#answer-2", "36,5").await?;
    tab.click("#take-part").await?;
    tab.until_state("confirming").await?;
    until_said(&tab, "#confirm", "36.5 degrees").await?;
    until_said(&tab, "#confirm", "Medicine").await?;
    speak(&tab, "da").await?;
    until_said(&tab, "#confirm", "36,5 grader C").await?;
    until_said(&tab, "#confirm", "Medicinsk").await?;
    tab.until_state("confirming").await?;
    let copy = tab.attribute("#own-copy", "href").await?.context("there is a copy")?;
    assert!(
        copy.contains("Medicinsk") && copy.contains("36.5"),
        "numbers of files are no words: {copy}"
    );

    // A language that the study is not given in.
    speak(&tab, "de").await?;
    until_said(&tab, "#review-title", "Prüfen Sie Ihre Antworten").await?;
    until_said(&tab, "#app h1", "Hur du mår").await?;
    until_said(&tab, "#confirm", "36,5 grader").await?;
    assert_eq!(hospital.status().enrolled, 0, "nothing is sent by speaking");
    browser.quit().await
}
