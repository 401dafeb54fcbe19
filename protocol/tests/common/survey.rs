//! Questionnaires of several questions, and what patients answer to them.

use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, NumberForm, OptionForm, ScaleForm, ScoreForm,
    ScoreTerm, Section, Steps,
};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{Study, StudyParameters};

use super::study;

/// One of everything: questions of every kind, some of which may be left out, squares, scores, and groups by the first
/// question.
pub fn survey() -> Form {
    let (lowest, highest) = ("not at all".into(), "all the time".into());
    let number = NumberForm { range: steps(0, 7), squares: Flag(true) };
    let scale = ScaleForm { range: steps(0, 3), lowest, highest };
    let choices = ChoicesForm { options: options(&["walking", "rest", "pills"]), at_most: 2 };
    let items = vec![
        item("ward", false, Kind::Choice(options(&["north", "south"]))),
        item("nights", true, Kind::Number(number)),
        item("again", true, Kind::YesNo),
        item("helped", false, Kind::Choices(choices)),
        item("pain", true, Kind::Scale(scale)),
        item("mood", false, Kind::Choice(options(&["low", "fair", "good"]))),
    ];
    let term = |item, weight: i32| ScoreTerm { item, weight: weight.into() };
    let score = |id: &str, terms, distribution| {
        let title = format!("Score {id}").as_str().into();
        let code = Coding::default();
        ScoreForm { id: id.into(), code, title, terms, distribution: Flag(distribution) }
    };
    Form {
        sections: vec![Section { items, ..Section::default() }],
        grouping: Some(0),
        scores: vec![
            score("burden", vec![term(4, 1), term(5, -1)], true),
            score("weighted", vec![term(0, 2), term(5, 3)], false),
        ],
    }
}

/// Two questions and the groups by one of them, so that little is spent on it.
pub fn short_survey() -> Form {
    let items = vec![
        item("ward", false, Kind::Choice(options(&["north", "south"]))),
        item("again", false, Kind::YesNo),
    ];
    let sections = vec![Section { items, ..Section::default() }];
    Form { sections, grouping: Some(0), scores: Vec::new() }
}

fn steps(min: i128, max: i128) -> Steps {
    Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 }
}

fn options(texts: &[&str]) -> Vec<OptionForm> {
    let option = |(value, text): (i32, &&str)| OptionForm {
        code: Coding::default(),
        text: (*text).into(),
        value: Some(value.into()),
    };
    (0..).zip(texts).map(option).collect()
}

fn item(id: &str, optional: bool, kind: Kind) -> ItemForm {
    let question = format!("What about {id}?");
    ItemForm { optional: Flag(optional), ..ItemForm::new(id, &*question, kind) }
}

/// A study that asks [`survey`] and publishes nothing about fewer than three.
pub fn survey_study(change: impl FnOnce(&mut StudyParameters)) -> Study {
    study(|p| {
        (p.form, p.minimum_cell) = (survey(), 3);
        change(p);
    })
}

/// What a patient answers to [`survey`]: two of each nine are on the second ward.
pub fn answer_of(patient: usize) -> Vec<Response> {
    let small = |number: usize| u16::try_from(number).expect("small");
    let nights = i128::try_from(patient * 3 % 8).expect("small");
    let helped = [vec![0, 1], vec![0], vec![], vec![1, 2]];
    vec![
        Response::Choice(u16::from(patient % 9 % 4 == 1)),
        if patient % 5 == 4 { Response::None } else { Response::Number(nights) },
        if patient % 4 == 3 { Response::None } else { Response::YesNo(patient.is_multiple_of(3)) },
        Response::Choices(helped[patient % 4].clone()),
        if patient % 7 == 5 {
            Response::None
        } else {
            Response::Choice(small(patient * patient % 4))
        },
        Response::Choice(small(patient % 3)),
    ]
}
