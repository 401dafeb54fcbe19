//! What somebody does who tries it for the first time: a researcher makes a study of the PHQ-9 from its file, eight
//! people answer it in tabs of their own, and everybody, the researcher included, reads the exact results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use wardsum_e2e::{Browser, Hospital, Tab, settings};

use crate::accessibility::breaks_no_rule;

const PEOPLE: usize = 8;
const ITEMS: usize = 9;
const OPTIONS: usize = 4;

/// The file calls it so.
const TOTAL: &str = "/44261-6";

/// What is asked, by the file.
struct Asked {
    file: String,
    ids: Vec<String>,
    texts: Vec<String>,
    options: Vec<String>,
}

fn phq9() -> Result<Asked> {
    let path = settings::root().join("hospital/questionnaires/phq-9.fhir.json");
    let file = fs::read_to_string(path).context("the example is there")?;
    let questionnaire: Value = serde_json::from_str(&file)?;
    let items = questionnaire["item"].as_array().context("it has items")?;
    let items: Vec<_> = items.iter().filter(|item| item["type"] == "choice").collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let options = items[0]["answerOption"].as_array().context("it has options")?;
    Ok(Asked {
        ids: items.iter().map(|item| text(&item["linkId"])).collect(),
        texts: items.iter().map(|item| text(&item["text"])).collect(),
        options: options.iter().map(|option| text(&option["valueCoding"]["display"])).collect(),
        file,
    })
}

/// The option that a person chooses. No two people answer alike, and no two items come out alike.
fn choice(person: usize, item: usize) -> usize {
    (person * person + item * (person + 1) + person / 3) % OPTIONS
}

/// How many chose each option of an item.
fn counts(item: usize) -> [usize; OPTIONS] {
    let mut counts = [0; OPTIONS];
    for person in 0..PEOPLE {
        counts[choice(person, item)] += 1;
    }
    counts
}

/// The options count 0 to 3.
fn total() -> usize {
    (0..PEOPLE).flat_map(|person| (0..ITEMS).map(move |item| choice(person, item))).sum()
}

#[tokio::test]
async fn the_phq_9_is_made_answered_in_tabs_and_told_exactly() -> Result<()> {
    let asked = phq9()?;
    assert_eq!((asked.ids.len(), asked.options.len()), (ITEMS, OPTIONS));
    let hospital = Hospital::start(&[]).await?;
    let browser = Browser::chromium().await?;
    let dashboard = browser.first_tab().await?;
    dashboard.sign_in_as(&hospital, "anna", "editor").await?;
    dashboard.until_there("[data-testid=no-studies]").await?;
    make(&dashboard, &asked).await?;

    // By the link that the page shows, and nothing else.
    let link = dashboard.attribute("#link", "href").await?.context("there is a link")?;
    assert_eq!(link, format!("{}/?study=phq", hospital.origin()));
    is_pushed(&hospital, &dashboard).await?;
    let patients = browser.tabs(PEOPLE, &link).await?;
    for (person, tab) in patients.iter().enumerate() {
        tab.until_state("asking").await?;
        if person == 0 {
            is_asked_as_previewed(tab, &dashboard, &asked).await?;
        }
        answer(tab, person).await.with_context(|| format!("person {person}"))?;
    }
    dashboard.until_there("#live-phase[data-phase=published]").await?;
    try_join_all(patients.iter().map(|tab| is_told_to_a_patient(tab, &asked))).await?;

    dashboard.click("[data-testid=results-link]").await?;
    is_told_to_the_researcher(&dashboard, &asked).await?;
    breaks_no_rule(&dashboard, "the results").await?;
    dashboard.screenshots("researcher-results").await?;
    let receipt = patients[0].download("#download-receipt").await?;
    is_in_every_file(&dashboard, &asked, &receipt).await?;
    browser.quit().await
}

async fn make(tab: &Tab, asked: &Asked) -> Result<()> {
    tab.go_to("#/new").await?;
    tab.click("#from-file").await?;
    tab.choose_file("#questionnaire-file", "phq-9.fhir.json", &asked.file).await?;
    tab.until_there("#preview fieldset[data-kind=choice]").await?;
    tab.screenshots("researcher-preview").await?;
    tab.set_fields(&[
        ("id", "phq"),
        ("organisation", "Ward 7"),
        ("minimum_cohort", "3"),
        ("minimum_cell", "1"),
        ("enrolment.count", "8"),
        ("contributing.count", "8"),
    ])
    .await?;
    tab.click("#create").await?;
    tab.until_there("[data-testid=study-view][data-study=phq] #live-phase[data-phase=enrolling]")
        .await?;
    tab.until_there("#live-connection[data-state=open]").await?;
    tab.until_there("#qr path").await
}

/// Nothing on the page asks again, and yet it shows who has come.
async fn is_pushed(hospital: &Hospital, dashboard: &Tab) -> Result<()> {
    let requests = "return performance.getEntriesByType('resource').length;";
    let before = dashboard.run(requests, vec![]).await?;
    let mut visitor = hospital.native_patient("phq").await?;
    dashboard.until_there("[data-testid=live-connected][data-value='1']").await?;
    visitor.close().await;
    dashboard.until_there("[data-testid=live-connected][data-value='0']").await?;
    assert_eq!(dashboard.run(requests, vec![]).await?, before, "the page has asked");
    Ok(())
}

/// Answers all questions, and sends it.
async fn answer(tab: &Tab, person: usize) -> Result<()> {
    let chosen: Vec<_> = (0..ITEMS).map(|item| choice(person, item)).collect();
    let choose = "arguments[0].forEach((option, item) => {
            const name = item === 0 ? 'choice' : `choice-${item + 1}`;
            document.querySelector(`input[name=${name}][value='${option}']`).click();
        });";
    let asks = "fieldset[id^=question]";
    if !tab.has(asks).await? {
        tab.click("#take-part").await?;
        tab.until_there(asks).await?;
    }
    tab.run(choose, vec![json!(chosen)]).await?;
    tab.click("#take-part").await?;
    tab.until_state("confirming").await?;
    tab.click("#send").await?;
    tab.agree().await
}

/// The texts of the questions and of their answers, in their order.
async fn is_asked_as_previewed(patient: &Tab, dashboard: &Tab, asked: &Asked) -> Result<()> {
    let texts = "const [root] = arguments;
        return [...document.querySelectorAll(`${root} fieldset`)].map((question) => [
            question.querySelector('legend').innerText.trim(),
            ...[...question.querySelectorAll('label')].map((label) => label.innerText.trim()),
        ]);";
    let expected: Vec<Vec<_>> = asked
        .texts
        .iter()
        .map(|text| [std::slice::from_ref(text), asked.options.as_slice()].concat())
        .collect();
    dashboard.click("details.panel > summary").await?;
    let previewed = dashboard.run(texts, vec![json!("#preview")]).await?;
    assert_eq!(previewed, json!(expected), "the preview");
    if !patient.has("fieldset[id^=question]").await? {
        patient.click("#take-part").await?;
        patient.until_there("fieldset[id^=question]").await?;
    }
    let shown = patient.run(texts, vec![json!("#main")]).await?;
    assert_eq!(shown, json!(expected), "the patient's page");
    Ok(())
}

async fn is_told_to_a_patient(tab: &Tab, asked: &Asked) -> Result<()> {
    tab.until_state("published").await?;
    let told = "return Object.fromEntries(
        [...document.querySelectorAll('#result [data-finding]')].map((finding) => [
            finding.dataset.finding,
            [...finding.querySelectorAll('tr[data-answer] [data-value]')].map((cell) => Number(cell.dataset.value)),
        ]));";
    let told: BTreeMap<String, Vec<usize>> =
        serde_json::from_value(tab.run(told, vec![]).await?).context("a table of counts")?;
    for (item, id) in asked.ids.iter().enumerate() {
        assert_eq!(told.get(id).map(Vec::as_slice), Some(&counts(item)[..]), "item {id}");
    }
    let count = tab.attribute("#result [data-testid=result-count]", "data-value").await?;
    assert_eq!(count.as_deref(), Some("8"));
    let mean = format!("#result [data-finding='{TOTAL}'] [data-testid=result-mean]");
    let mean = tab.attribute(&mean, "data-value").await?.context("the total has a mean")?;
    assert_eq!(mean, mean_of_total(), "the mean of the total");
    let checked = tab.text("[data-testid=result-checked]").await?;
    assert!(checked.contains("Your answer is one of the 8, and is counted once."), "{checked}");
    Ok(())
}

/// To two decimals; an eighth has three, of which the last is a five and rounded up.
fn mean_of_total() -> String {
    let hundredths = (200 * total() + PEOPLE) / (2 * PEOPLE);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

async fn is_told_to_the_researcher(tab: &Tab, asked: &Asked) -> Result<()> {
    tab.until_there("[data-testid=finding] .chart svg rect").await?;
    assert_eq!(tab.attribute("[data-testid=counted]", "data-value").await?.as_deref(), Some("8"));
    let told = "return [...document.querySelectorAll('[data-testid=finding]')].map((finding) => [
        finding.dataset.subject,
        [...finding.querySelectorAll('tr[data-answer]')].map((row) => [row.dataset.answer, row.dataset.people]),
    ]);";
    let mut expected: Vec<Value> = asked
        .ids
        .iter()
        .enumerate()
        .map(|(item, id)| {
            let rows = asked.options.iter().zip(counts(item));
            let rows: Vec<_> =
                rows.map(|(option, count)| json!([option, count.to_string()])).collect();
            json!([id, rows])
        })
        .collect();
    expected.push(json!([TOTAL, []]));
    assert_eq!(tab.run(told, vec![]).await?, json!(expected));
    let value = async |row: &str| -> Result<String> {
        let row = format!("[data-testid=finding][data-subject='{TOTAL}'] [data-testid={row}]");
        tab.attribute(&row, "data-value").await?.with_context(|| format!("there is no {row}"))
    };
    assert_eq!(value("sum").await?, total().to_string());
    let mean: f64 = value("mean").await?.parse()?;
    assert_eq!(format!("{mean:.2}"), mean_of_total());
    Ok(())
}

/// Everything that can be downloaded says the same.
async fn is_in_every_file(tab: &Tab, asked: &Asked, receipt: &Path) -> Result<()> {
    let offered = "return [...document.querySelectorAll('[data-testid=export]')].map((button) => button.dataset.export).sort();";
    tab.until_there("[data-testid=export]").await?;
    let expected = ["codebook", "csv", "json", "measure-report", "report", "transcript"];
    assert_eq!(tab.run(offered, vec![]).await?, json!(expected));
    let saved = async |export: &str, name: &str| -> Result<String> {
        let path = tab.download(&format!("[data-testid=export][data-export={export}]")).await?;
        assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(name));
        Ok(fs::read_to_string(path)?)
    };

    let table = saved("csv", "phq-1.csv").await?;
    for (item, id) in asked.ids.iter().enumerate() {
        for (number, (option, count)) in asked.options.iter().zip(counts(item)).enumerate() {
            let (of, end) =
                (format!(",{id},item,"), format!(",count,{number},{option},,{count},false"));
            let found = table.lines().filter(|line| line.contains(&of) && line.ends_with(&end));
            assert_eq!(found.count(), 1, "{of} … {end} in\n{table}");
        }
    }
    let sum = format!(",sum,,,,{},false", total());
    let of = format!(",{TOTAL},score,");
    assert!(table.lines().any(|line| line.contains(&of) && line.ends_with(&sum)), "{table}");

    let codebook = saved("codebook", "phq-1-codebook.csv").await?;
    for (id, text) in asked.ids.iter().zip(&asked.texts) {
        assert!(
            codebook
                .lines()
                .any(|line| line.starts_with(&format!("{id},choice,")) && line.contains(text))
        );
    }

    let figures: Value = serde_json::from_str(&saved("json", "phq-1.json").await?)?;
    assert_eq!(figures["count"], PEOPLE);
    let figures = figures["figures"].as_array().context("figures are a list")?;
    for (item, id) in asked.ids.iter().enumerate() {
        let of = figures
            .iter()
            .filter(|figure| figure["subject"] == **id && figure["figure"] == "count");
        let exact: Vec<_> = of.map(|figure| figure["exact"].as_str().unwrap_or_default()).collect();
        assert_eq!(exact, counts(item).map(|count| count.to_string()), "{id}");
    }

    let report: Value =
        serde_json::from_str(&saved("measure-report", "phq-1-measure-report.json").await?)?;
    assert_eq!(report["resourceType"], "MeasureReport");
    assert_eq!(report["subject"], Value::Null, "a summary is about nobody");
    assert_eq!(report["group"].as_array().map(Vec::len), Some(ITEMS + 1));
    let people = &report["group"][0]["population"][0]["count"];
    assert_eq!(people, PEOPLE, "{}", report["group"][0]);

    let printed = saved("report", "phq-1.html").await?;
    for text in asked.texts.iter().take(3).chain(&asked.options) {
        assert!(printed.contains(text), "the report does not say: {text}");
    }

    let transcript = tab.download("[data-testid=export][data-export=transcript]").await?;
    assert_eq!(transcript.file_name().and_then(|name| name.to_str()), Some("phq-1.wardsum"));
    let verified = Hospital::verify(&transcript, receipt)?;
    ensure!(verified.status.success(), "the transcript is refused: {verified:?}");
    Ok(())
}
