//! A treatment-against-control study of 20 patients.

use wardsum_hospital::results::PublishedResults;
use wardsum_protocol::field::Field;
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, NumberForm, OptionForm, ScaleForm, ScoreForm,
    ScoreTerm, Section, Steps, Text,
};
use wardsum_protocol::questionnaire::{Questionnaire, Response};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::suppression;
use wardsum_protocol::wire::Flag;

pub(crate) struct TestStudy {
    pub(crate) form: Form,
    pub(crate) questionnaire: Questionnaire,
    pub(crate) numbers: Vec<u128>,
    pub(crate) cells: Vec<Option<u128>>,
}

fn item(id: &str, text: &str, kind: Kind) -> ItemForm {
    ItemForm::new(id, text, kind)
}

fn options(texts: &[&str], values: bool) -> Vec<OptionForm> {
    let option = |(value, text): (i32, &&str)| OptionForm {
        code: Coding {
            system: "http://example.com/answers".into(),
            code: format!("a{value}").as_str().into(),
        },
        text: Text::from(*text),
        value: values.then(|| value.into()),
    };
    (0..).zip(texts).map(option).collect()
}

pub(crate) fn form() -> Form {
    let frequency = ["Not at all", "Several days", "More than half the days", "Nearly every day"];
    let steps = |min: i128, max: i128, step, decimals| Steps {
        min: min.into(),
        max: max.into(),
        step,
        decimals,
    };
    let pain = ScaleForm {
        range: steps(0, 6, 1, 0),
        lowest: "no pain".into(),
        highest: "the worst pain".into(),
    };
    let temperature = NumberForm { range: steps(70, 84, 5, 1), squares: Flag(true) };
    let events = ChoicesForm { options: options(&["Rash", "Fever", "Nausea"], false), at_most: 2 };
    let sleep = ItemForm {
        code: Coding { system: "http://loinc.org".into(), code: "44259-2".into() },
        ..item("sleep", "Trouble sleeping?", Kind::Choice(options(&frequency, true)))
    };
    let temperature = ItemForm {
        unit: "\u{b0}C".into(),
        ..item("temperature", "What is your temperature?", Kind::Number(temperature))
    };
    let better =
        ItemForm { optional: Flag(true), ..item("better", "Do you feel better?", Kind::YesNo) };
    let arm =
        item("arm", "Which treatment?", Kind::Choice(options(&["Control", "Treatment"], false)));
    let first = vec![arm, item("pain", "How strong is your pain, \"now\"?", Kind::Scale(pain))];
    let second = vec![
        temperature,
        better,
        item("events", "What did you have?", Kind::Choices(events)),
        sleep,
        item("appetite", "Poor appetite?", Kind::Choice(options(&frequency, true))),
    ];
    let term = |item| ScoreTerm { item, weight: 1.into() };
    Form {
        sections: vec![
            Section { title: "Now".into(), items: first, ..Section::default() },
            Section { title: "The last two weeks".into(), items: second, ..Section::default() },
        ],
        grouping: Some(0),
        scores: vec![ScoreForm {
            id: "burden".into(),
            code: Coding { system: "urn:example:scores".into(), code: "burden".into() },
            title: "Burden".into(),
            terms: vec![term(5), term(6)],
            distribution: Flag(true),
        }],
    }
}

/// What twenty people answered, ten of them treated.
fn responses(person: u16) -> Vec<Response> {
    let arm = person % 2;
    let better = match person {
        0..4 => Response::None,
        _ => Response::YesNo(person.is_multiple_of(3) || arm == 1),
    };
    let events = match person % 5 {
        0 => vec![0],
        1 | 2 => vec![1],
        3 => vec![0, 1],
        _ => vec![],
    };
    vec![
        Response::Choice(arm),
        Response::Choice((person * 3 + 3) % 7),
        Response::Number(70 + i128::from((person * 5) % 15)),
        better,
        Response::Choices(events),
        Response::Choice(person / 2 % 2),
        Response::Choice((person / 4) % 2),
    ]
}

impl TestStudy {
    /// With what is too small of it hidden, or with everything shown.
    pub(crate) fn new(form: Form, minimum_cell: u32) -> Self {
        let questionnaire = form.questionnaire().expect("it can be asked");
        let mut numbers = vec![0; questionnaire.output_len()];
        for person in 0..20 {
            let input = questionnaire.encode(&responses(person)).expect("an answer");
            let output = questionnaire.aggregate(&input, 1, Scheme::threshold_of(4));
            for (cell, element) in numbers.iter_mut().zip(output.elements()) {
                *cell += <Field as Into<u128>>::into(*element);
            }
        }
        let hidden = suppression::hidden(&questionnaire, &numbers, 20, minimum_cell);
        let cells = numbers.iter().zip(hidden);
        let cells = cells.map(|(number, hidden)| (!hidden).then_some(*number)).collect();
        Self { form, questionnaire, numbers, cells }
    }

    pub(crate) fn published(&self) -> PublishedResults<'_> {
        PublishedResults {
            title: "Pain after the operation",
            organisation: "St. Example Hospital",
            form: &self.form,
            questionnaire: &self.questionnaire,
            count: 20,
            rejected: 1,
            cells: &self.cells,
            started_ms: 1_767_268_800_000,
            ended_ms: 1_767_268_925_500,
            study_digest: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            language: "en",
        }
    }
}
