//! Forms: what can be asked, what it asks of the protocol, and where something is wrong with what cannot.

use proptest::prelude::*;
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, FormError, ITEMS_MAX, ItemForm, Kind, Language, NumberForm,
    OptionForm, Place, ScaleForm, ScoreForm, ScoreTerm, Section, Steps, Text, TextError,
};
use wardsum_protocol::questionnaire::{Points, Question, QuestionnaireError};
use wardsum_protocol::wire::{self, Flag, Utf8};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn item(id: &str, kind: Kind) -> ItemForm {
    ItemForm::new(id, Text::plain(format!("Question {id}?")), kind)
}

fn steps(min: i128, max: i128) -> Steps {
    Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 }
}

fn number(min: i128, max: i128) -> Kind {
    Kind::Number(NumberForm { range: steps(min, max), squares: Flag(true) })
}

fn scale(min: i128, max: i128) -> Kind {
    let (lowest, highest) = (Text::from("none"), Text::from("worst"));
    Kind::Scale(ScaleForm { range: steps(min, max), lowest, highest })
}

fn options(texts: &[&str]) -> Vec<OptionForm> {
    let option = |(value, text): (i32, &&str)| OptionForm {
        code: Coding {
            system: "http://loinc.org".into(),
            code: format!("LA{value}").as_str().into(),
        },
        text: Text::from(*text),
        value: Some(value.into()),
    };
    (0..).zip(texts).map(option).collect()
}

fn section(items: Vec<ItemForm>) -> Section {
    Section { title: Text::from("A section"), help: Text::default(), items }
}

fn score(id: &str, terms: &[(u16, i32)], distribution: bool) -> ScoreForm {
    let terms =
        terms.iter().map(|(item, weight)| ScoreTerm { item: *item, weight: (*weight).into() });
    ScoreForm {
        id: id.into(),
        code: Coding::default(),
        title: Text::from("A score"),
        terms: terms.collect(),
        distribution: Flag(distribution),
    }
}

/// One of everything, in two sections.
fn form() -> Form {
    let several = ChoicesForm { options: options(&["rash", "fever", "nausea"]), at_most: 2 };
    Form {
        sections: vec![
            section(vec![
                item("arm", Kind::Choice(options(&["control", "treatment"]))),
                item("pain", scale(0, 10)),
            ]),
            section(vec![
                item("temperature", number(350, 420)),
                item("better", Kind::YesNo),
                item("events", Kind::Choices(several)),
            ]),
        ],
        grouping: Some(0),
        scores: vec![score("burden", &[(1, 2), (3, -5), (4, 1)], true)],
    }
}

#[test]
fn a_form_asks_for_what_its_items_are() {
    let form = form();
    let questionnaire = form.questionnaire().expect("it can be asked");
    let plan = questionnaire.plan();
    let questions: Vec<&Question> = plan.items.iter().map(|item| &item.question).collect();
    assert_eq!(*questions[0], Question::Choice { options: 2 });
    assert_eq!(*questions[1], Question::Choice { options: 11 });
    assert!(matches!(questions[2], Question::Number(range) if range.width() == 70));
    assert!(plan.items[2].squares);
    assert_eq!(*questions[3], Question::YesNo);
    assert_eq!(*questions[4], Question::Choices { options: 3, at_most: 2 });
    assert_eq!(plan.grouping, Some(0));
    let points: Vec<&Points> = plan.scores[0].terms.iter().map(|term| &term.points).collect();
    assert_eq!(*points[0], Points::PerOption((0..=10).map(|step| 2 * step).collect()));
    assert_eq!(*points[1], Points::Times(-5));
    assert_eq!(*points[2], Points::PerOption(vec![0, 1, 2]));
    let ids: Vec<&str> = form.items().map(|item| &*item.id.0).collect();
    assert_eq!(ids, ["arm", "pain", "temperature", "better", "events"]);
    assert_eq!(wire::decode::<Form>(&wire::encode(&form)), Ok(form));
}

#[test]
fn whatever_is_wrong_is_named_with_its_place() {
    type Spoil = fn(&mut Form);
    let length = |len, max| TextError::Length { len, min: 1, max };
    let bad: Vec<(Spoil, FormError)> = vec![
        (|form| *form = Form::default(), QuestionnaireError::Empty.into()),
        (|form| form.sections[1].items.clear(), FormError::Items { place: Place::Section(2) }),
        (
            |form| form.sections[0].title = Text::from("a\nb"),
            FormError::Text { place: Place::Section(1), source: TextError::Control },
        ),
        (
            |form| form.sections[1].items[0].text = Text::default(),
            FormError::Text { place: Place::Item(3), source: length(0, 2_000) },
        ),
        (
            |form| form.sections[0].items[1].id = Utf8::from("arm"),
            FormError::Id { place: Place::Item(2) },
        ),
        (|form| form.scores[0].id = Utf8::from("pain"), FormError::Id { place: Place::Score(1) }),
        (
            |form| form.sections[0].items[1].id = Utf8::from("two words"),
            FormError::Id { place: Place::Item(2) },
        ),
        (
            |form| form.sections[0].items[1].kind = scale(3, 3),
            FormError::Range { place: Place::Item(2) },
        ),
        (
            |form| form.sections[0].items[1].kind = scale(0, 1_000),
            FormError::Scale { place: Place::Item(2) },
        ),
        (
            |form| {
                let Kind::Choice(options) = &mut form.sections[0].items[0].kind else { panic!() };
                options[1].text = Text::plain("x".repeat(256));
            },
            FormError::Text { place: Place::Option(1, 2), source: length(256, 255) },
        ),
        (|form| form.scores[0].terms[0].item = 9, FormError::Score { place: Place::Score(1) }),
        (
            |form| {
                let Kind::Choices(choices) = &mut form.sections[1].items[2].kind else { panic!() };
                choices.options[0].value = None;
            },
            FormError::Score { place: Place::Score(1) },
        ),
        (|form| form.grouping = Some(2), QuestionnaireError::Grouping { number: 3 }.into()),
        (
            |form| {
                let german = Language::new("de").unwrap();
                form.sections[1].items[1].text = Text::localised([(german, "Besser?".to_owned())]);
            },
            FormError::Languages { place: Place::Item(4) },
        ),
        (
            |form| {
                let many = (0..ITEMS_MAX).map(|n| item(&format!("q{n}"), Kind::YesNo));
                form.sections[1].items = many.collect();
            },
            FormError::Items { place: Place::Item(501) },
        ),
    ];
    for (spoil, error) in bad {
        let mut form = form();
        spoil(&mut form);
        assert_eq!(form.questionnaire().err(), Some(error.clone()));
        assert!(!error.to_string().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 64 } else { 4_096 }) })]

    /// Two encodings of one form would be two studies with different digests that ask the same. Lengths that are not
    /// as short as they can be are refused with the study.
    #[test]
    fn what_is_read_as_a_form_is_how_it_is_written(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, prop_oneof![0_u8..4, Just(0x40), any::<u8>()]), 0..3),
    ) {
        let whole = wire::encode(&form());
        prop_assert_eq!(wire::decode::<Form>(&whole), Ok(form()));
        let mut bytes = whole;
        for (at, edit, byte) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(form) = wire::decode::<Form>(&bytes) {
            let again = wire::encode(&form);
            prop_assert!(again == bytes || again.len() < bytes.len());
            prop_assert_eq!(wire::decode::<Form>(&again), Ok(form));
        }
    }

    #[test]
    fn what_is_read_as_a_text_is_how_it_is_written(bytes in prop::collection::vec(prop_oneof![0_u8..8, Just(0x40), any::<u8>()], 0..24)) {
        if let Ok(text) = wire::decode::<Text>(&bytes) {
            let again = wire::encode(&text);
            prop_assert!(again == bytes || again.len() < bytes.len());
            prop_assert_eq!(wire::decode::<Text>(&again), Ok(text.clone()));
            prop_assert_eq!(text.is_empty(), text == Text::default());
        }
    }
}
