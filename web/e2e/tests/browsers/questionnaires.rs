//! A questionnaire with every kind of question: asked section by section, looked through, sent, and told as figures,
//! charts and tables, without the numbers that are about too few people.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wardsum_e2e::played::PlayedHospital;
use wardsum_e2e::{Browser, Colours, Tab, Viewport};
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, NumberForm, OptionForm, ScaleForm, ScoreForm,
    ScoreTerm, Section, Steps, Text,
};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{Admission, Closing, Entropy, SchemeChoice, Study, StudyParameters, Suite};

/// How many take part: one of them in a browser.
const PEOPLE: u32 = 12;

fn item(id: &str, text: &str, kind: Kind) -> ItemForm {
    ItemForm::new(id, text, kind)
}

fn options(texts: &[&str]) -> Vec<OptionForm> {
    let option = |text: &&str| OptionForm {
        code: Coding { system: "http://snomed.info/sct".into(), code: (*text).into() },
        text: (*text).into(),
        value: None,
    };
    texts.iter().map(option).collect()
}

fn steps(min: i128, max: i128, step: u32, decimals: u8) -> Steps {
    Steps { min: min.into(), max: max.into(), step, decimals }
}

/// Three sections; the answers are told apart by the ward, and the first two scales make a score.
fn form() -> Form {
    let scale = |id, text| {
        let [lowest, highest] = ["never".into(), "every day".into()];
        item(id, text, Kind::Scale(ScaleForm { range: steps(0, 3, 1, 0), lowest, highest }))
    };
    let temperature = NumberForm { range: steps(70, 84, 5, 1), squares: Flag(true) };
    let remedies = ChoicesForm { options: options(&["rest", "tea", "tablets"]), at_most: 2 };
    let about_you = vec![
        item("ward", "On which ward are you?", Kind::Choice(options(&["Surgery", "Medicine"]))),
        ItemForm { optional: Flag(true), ..item("asthma", "Do you have asthma?", Kind::YesNo) },
    ];
    let weeks = vec![
        scale("sleep", "How often did you sleep badly in the last two weeks?"),
        scale("worry", "How often did you worry?"),
    ];
    let today = vec![
        ItemForm {
            unit: "°C".into(),
            help: "As it was measured in the morning.".into(),
            ..item("temperature", "Your temperature", Kind::Number(temperature))
        },
        item("remedies", "What has helped you?", Kind::Choices(remedies)),
    ];
    let section =
        |title: &str, items| Section { title: title.into(), help: Text::default(), items };
    let term = |item| ScoreTerm { item, weight: 1.into() };
    Form {
        sections: vec![
            section("About you", about_you),
            section("The last two weeks", weeks),
            section("Today", today),
        ],
        grouping: Some(0),
        scores: vec![ScoreForm {
            id: "strain".into(),
            code: Coding::default(),
            title: "Strain".into(),
            terms: vec![term(2), term(3)],
            distribution: Flag(true),
        }],
    }
}

fn study() -> Result<Study> {
    let closing = |count| Closing { count: Some(count), ..Closing::deadline(600_000) };
    Ok(Study::new(StudyParameters {
        instance: [6; 16],
        title: "How you are".into(),
        organisation: "St. Example's Hospital".to_owned(),
        introduction: "We want to know how people on our wards are, so that nights become quieter."
            .into(),
        form: form(),
        minimum_cell: 3,
        minimum_cohort: PEOPLE,
        maximum_cohort: PEOPLE,
        committee_cap: 5,
        enrolment: closing(5),
        contributing: closing(PEOPLE),
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    })?)
}

/// What the others answer: half of them on each ward, and one with asthma, which is too few to tell.
fn others() -> Vec<Vec<Response>> {
    (1..u16::try_from(PEOPLE).expect("twelve"))
        .map(|number| {
            vec![
                Response::Choice(number % 2),
                Response::YesNo(number == 1),
                Response::Choice(number % 4),
                Response::Choice(number % 3),
                Response::Number(70 + i128::from(number)),
                Response::Choices(if number % 2 == 0 { vec![0, 1] } else { vec![] }),
            ]
        })
        .collect()
}

async fn is_looked_at(tab: &Tab, state: &str) -> Result<()> {
    for colours in Colours::ALL {
        tab.show_in(colours).await?;
        let violations = tab.accessibility_violations().await?;
        let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{state}, {}:\n{}", colours.name(), shown.join("\n"));
    }
    tab.show_on(Viewport { name: "narrow", width: 320, height: 700 }).await?;
    let sticks_out =
        "const root = document.scrollingElement; return root.scrollWidth > root.clientWidth;";
    assert_eq!(tab.run(sticks_out, vec![]).await?, json!(false), "{state} at 320 px");
    tab.show_on(Viewport::PHONE).await?;
    tab.screenshots(&format!("questionnaire-{state}")).await
}

async fn has_focus(tab: &Tab, id: &str) -> Result<()> {
    tab.until(
        &format!("the focus on {id}"),
        "return document.activeElement.id === arguments[0];",
        &[json!(id)],
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn every_kind_of_question_is_asked_answered_and_told() -> Result<()> {
    let hospital = PlayedHospital::open(study()?).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open_question(hospital.origin()).await?;
    let small = tab.text("[data-testid=small-numbers]").await?;
    assert!(small.contains("fewer than 3 people are not published"), "{small}");
    is_looked_at(&tab, "1-terms").await?;

    // Nobody goes on without an answer, and the focus is where it is missing.
    tab.click("#take-part").await?;
    has_focus(&tab, "section-title").await?;
    tab.click("#take-part").await?;
    tab.until_there("#answer-problem-2[data-code=empty]").await?;
    has_focus(&tab, "answer").await?;
    is_looked_at(&tab, "2-problem").await?;
    tab.click("input[name=choice][value='1']").await?;
    assert!(!tab.has("#answer-problem").await?, "it goes when it is mended");
    tab.click("input[name=choice-2][value=none]").await?;
    tab.click("#take-part").await?;
    tab.until_there("#question-3").await?;
    assert_eq!(tab.text("[data-testid=far]").await?, "2 of 3");
    tab.click("input[name=choice-3][value='3']").await?;
    is_looked_at(&tab, "3-scales").await?;

    // Going back and loading the page again cost nobody an answer.
    tab.click("#back").await?;
    tab.until_there("#question:has([value='1']:checked)").await?;
    tab.click("#take-part").await?;
    tab.until_there("#question-3").await?;
    tab.reload().await?;
    tab.until_there("#question-3:has([value='3']:checked)").await?;
    tab.click("input[name=choice-4][value='0']").await?;
    tab.click("#take-part").await?;

    tab.until_there("#answer-5").await?;
    for (typed, code) in [("36.7", "not-a-step"), ("50", "out-of-range"), ("warm", "not-a-number")]
    {
        tab.fill("#answer-5", typed).await?;
        tab.click("#take-part").await?;
        tab.until_there(&format!("#answer-problem-5[data-code={code}]")).await?;
        has_focus(&tab, "answer-5").await?;
    }
    tab.fill("#answer-5", "36,5").await?;
    for option in 0..3 {
        tab.click(&format!("input[name=choice-6][value='{option}']")).await?;
    }
    tab.until_there("#answer-problem-6[data-code=too-many]").await?;
    is_looked_at(&tab, "4-too-many").await?;
    tab.click("input[name=choice-6][value='0']").await?;
    tab.click("#take-part").await?;

    tab.until_state("confirming").await?;
    let answers = "return [...document.querySelectorAll('[data-testid=confirm-value]')].map((dd) => dd.innerText.trim());";
    let said = ["Medicine", "Prefer not to answer", "3", "0", "36.5 °C", "tea; tablets"];
    assert_eq!(tab.run(answers, vec![]).await?, json!(said));
    is_looked_at(&tab, "5-review").await?;
    own_copy_says_it(&tab).await?;

    // A change leads back at once.
    tab.click("#change-4").await?;
    has_focus(&tab, "answer-4").await?;
    tab.click("input[name=choice-4][value='1']").await?;
    tab.click("#take-part").await?;
    tab.until_state("confirming").await?;
    assert_eq!(hospital.status().enrolled, 0, "nothing is sent before that is said");
    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    let kept = tab.run("return sessionStorage.getItem('wardsum:draft');", vec![]).await?;
    assert_eq!(kept, Value::Null, "what is sent is not kept besides");
    tab.agree().await?;
    for (number, responses) in (1_u8..).zip(others()) {
        hospital.plant(Entropy::new([number; 32]), responses)?;
    }
    tab.until_state("published").await?;
    tells_what_is_published(&tab).await?;
    tab.click("[data-finding=strain] summary").await?;
    tab.click("[data-finding=temperature] summary").await?;
    is_looked_at(&tab, "6-result").await?;

    // The tab remembers the study with the result.
    tab.reload().await?;
    tab.until_state("published").await?;
    tells_what_is_published(&tab).await?;
    browser.quit().await
}

/// The file that the patient can save has every answer in FHIR's words.
async fn own_copy_says_it(tab: &Tab) -> Result<()> {
    let address = tab.attribute("#own-copy", "href").await?.context("there is a copy")?;
    assert!(address.starts_with("data:application/fhir+json"), "it is made in the page");
    let read = "return JSON.parse(decodeURIComponent(arguments[0].split(/,(.*)/s)[1]));";
    let copy = tab.run(read, vec![json!(address)]).await?;
    assert_eq!(
        (&copy["resourceType"], &copy["status"]),
        (&json!("QuestionnaireResponse"), &json!("completed"))
    );
    let coding = |code: &str| json!({ "valueCoding": { "system": "http://snomed.info/sct", "code": code, "display": code } });
    let answers: Vec<Value> = copy["item"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|item| item["answer"].clone())
        .collect();
    let expected = [
        json!([coding("Medicine")]),
        Value::Null,
        json!([{ "valueInteger": 3 }]),
        json!([{ "valueInteger": 0 }]),
        json!([{ "valueDecimal": 36.5 }]),
        json!([coding("tea"), coding("tablets")]),
    ];
    assert_eq!(answers, expected);
    Ok(())
}

async fn tells_what_is_published(tab: &Tab) -> Result<()> {
    let value = async |selector: &str| -> Result<Option<String>> {
        tab.attribute(&format!("#result {selector}"), "data-value").await
    };
    let people = |finding: &str, answer: &str| {
        format!("[data-finding={finding}] tr[data-answer='{answer}'] td:nth-child(2)")
    };
    assert_eq!(value("[data-testid=result-count]").await?.as_deref(), Some("12"));
    // Five on one ward, and six with this tab on the other.
    for option in ["0", "1"] {
        let told = value(&people("ward", option)).await?.context("it is published")?;
        assert!(["5", "7"].contains(&&*told), "{told}");
    }
    // One person of asthma would be known, and so nobody is told of any.
    assert_eq!(value(&people("asthma", "yes")).await?, None);
    let told = tab.text("[data-finding=asthma]").await?;
    assert!(
        told.contains("Some numbers are not published: they are about fewer than 3 people"),
        "{told}"
    );
    let told = tab.text(&format!("#result {}", people("asthma", "yes"))).await?;
    assert_eq!(told.trim(), "not published");
    // (71 + .. + 81 + 73) / 2 / 12 degrees.
    let mean = value("[data-finding=temperature] [data-testid=result-mean]").await?;
    assert_eq!(mean.as_deref(), Some("37.88"));
    assert!(value("[data-finding=temperature] [data-testid=result-deviation]").await?.is_some());
    let alternative = tab.attribute("[data-finding=sleep] svg[role=img]", "aria-label").await?;
    assert!(
        alternative.is_some_and(|told| told.starts_with("Bar chart")),
        "a chart says what it shows"
    );
    Ok(())
}
