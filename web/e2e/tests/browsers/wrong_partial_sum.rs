//! A committee member signs a wrong partial sum: with enough others to spare the page shows the exact sum all the same,
//! and says that one was corrected.

use anyhow::{Context, Result};
use wardsum_e2e::Browser;
use wardsum_e2e::played::PlayedHospital;
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{
    Admission, Aggregate, Closing, Entropy, SchemeChoice, Study, StudyParameters, Suite,
};

use crate::round::figures_of;

/// Seven members, five of whom are enough: two to spare, which correct one wrong partial sum.
fn study() -> Result<Study> {
    let seven = Closing { count: Some(7), ..Closing::deadline(600_000) };
    Ok(Study::new(StudyParameters {
        instance: [4; 16],
        title: "Pain".into(),
        organisation: "A hospital with a member who lies".to_owned(),
        introduction: Text::default(),
        form: Form::number("How strong is your pain?", "points", 0, 10),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 7,
        committee_cap: 7,
        enrolment: seven,
        contributing: seven,
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    })?)
}

#[tokio::test]
async fn is_corrected_and_told() -> Result<()> {
    let hospital = PlayedHospital::open(study()?).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(hospital.origin(), 9).await?;
    hospital.plant_liar(Entropy::new([0xc3; 32]), vec![Response::Number(10)])?;
    for answer in 1..=5_u8 {
        hospital.plant(Entropy::new([answer; 32]), vec![Response::Number(answer.into())])?;
    }

    assert_eq!(tab.result().await?, figures_of(&[9, 10, 1, 2, 3, 4, 5]));
    let told = tab.text("[data-testid=result-checked]").await?;
    for text in [
        "Your answer is one of the 7, and is counted once.",
        "One partial sum was wrong, that of committee member ",
        "There were enough others to find and correct it, so the result is exact.",
    ] {
        assert!(told.contains(text), "“{text}” is not in: {told}");
    }
    let aggregate = hospital.status().aggregate.context("the hospital has published")?;
    assert_eq!(aggregate, Aggregate { count: 7, cells: [Some(34)].into() });
    let named = hospital.status().wrong.iter().next().context("the hospital names the liar")?;
    let named = format!("that of committee member {}.", named.number());
    assert!(told.contains(&named), "“{named}” is not in: {told}");
    tab.screenshots("corrected-partial-sum").await?;
    browser.quit().await
}
