//! `questionnaire.json`: forms of all kinds, what is asked by them, answers to them as elements, and what these add up
//! to; forms that cannot be asked, and answers that are none.

use prio::field::FieldElement;
use prio::flp::Flp;
use serde_json::{Value, json};
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, Language, NumberForm, OptionForm, ScaleForm,
    ScoreForm, ScoreTerm, Section, Steps, Text,
};
use wardsum_protocol::questionnaire::{Figure, Questionnaire, Response, Subject};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::validity::QueryRandomness;
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{ContributionDigest, ManifestDigest};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::arithmetic::Tape;
use crate::circuit::Asked;
use crate::forms::{form_bytes, form_json, form_of, responses, responses_json};
use crate::json::{bytes, hex, list, number};
use crate::keys::hash;
use crate::validity::{encode, is_valid, query_randomness};

fn text(of: &str) -> Text {
    of.into()
}

fn item(id: &str, question: &str, optional: bool, kind: Kind) -> ItemForm {
    ItemForm { optional: Flag(optional), ..ItemForm::new(id, text(question), kind) }
}

fn options(texts: &[&str]) -> Vec<OptionForm> {
    let option = |(value, of): (i32, &&str)| OptionForm {
        code: Coding::default(),
        text: text(of),
        value: Some(value.into()),
    };
    (0..).zip(texts).map(option).collect()
}

fn steps(min: i128, max: i128) -> Steps {
    Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 }
}

fn form(items: Vec<ItemForm>, grouping: Option<u16>, scores: Vec<ScoreForm>) -> Form {
    let sections = vec![Section { items, ..Section::default() }];
    Form { sections, grouping, scores }
}

fn change(squares: bool) -> Kind {
    Kind::Number(NumberForm { range: steps(-2, 3), squares: Flag(squares) })
}

fn scale() -> Kind {
    let (lowest, highest) = (text("never"), text("always"));
    Kind::Scale(ScaleForm { range: steps(1, 3), lowest, highest })
}

fn helped(at_most: u16) -> Kind {
    Kind::Choices(ChoicesForm { options: options(&["rest", "walks", "pills"]), at_most })
}

fn score(id: &str, terms: &[(u16, i32)], distribution: bool) -> ScoreForm {
    let term = |(item, weight): &(u16, i32)| ScoreTerm { item: *item, weight: (*weight).into() };
    ScoreForm {
        id: id.into(),
        code: Coding::default(),
        title: text("Score"),
        terms: terms.iter().map(term).collect(),
        distribution: Flag(distribution),
    }
}

/// The questionnaire of `questionnaire-round.json`.
pub(crate) fn ward_and_again() -> Form {
    let ward = item("ward", "Which ward?", false, Kind::Choice(options(&["north", "south"])));
    form(vec![ward, item("again", "Again?", true, Kind::YesNo)], Some(0), Vec::new())
}

/// One of everything, in two languages.
pub(crate) fn everything() -> Form {
    let languages = |english: &str, danish: &str| {
        let of = |tag: &str, text: &str| (Language::new(tag).expect("a tag"), text.to_owned());
        Text::localised([of("en", english), of("da", danish)])
    };
    let loinc = |code: &str| Coding { system: "http://loinc.org".into(), code: code.into() };
    let option = |of: &str, danish: &str, value: i32| OptionForm {
        code: loinc(of),
        text: languages(of, danish),
        value: Some(value.into()),
    };
    let ask = |id: &str, english: &str, danish: &str, optional, kind| ItemForm {
        code: loinc(id),
        text: languages(english, danish),
        ..item(id, "", optional, kind)
    };
    let range = Steps { min: 70.into(), max: 84.into(), step: 5, decimals: 1 };
    let (lowest, highest) = (languages("none", "ingen"), languages("worst", "værst"));
    let fever = ItemForm {
        help: languages("As measured this\nmorning.", "Målt i\nmorges."),
        unit: languages("°C", "°C"),
        ..ask(
            "fever",
            "Temperature?",
            "Temperatur?",
            true,
            Kind::Number(NumberForm { range, squares: Flag(true) }),
        )
    };
    let ward = vec![option("N", "Nord", 0), option("S", "Syd", 1)];
    let pills = vec![option("A", "a", 1), option("B", "b", 2), option("C", "c", -1)];
    let sections = vec![
        Section {
            title: languages("You", "Du"),
            help: languages("About yourself.", "Om dig selv."),
            items: vec![
                ask("ward", "Which ward?", "Hvilken afdeling?", false, Kind::Choice(ward)),
                ask("again", "Again?", "Igen?", true, Kind::YesNo),
            ],
        },
        Section {
            items: vec![
                fever,
                ask(
                    "pain",
                    "Pain?",
                    "Smerte?",
                    true,
                    Kind::Scale(ScaleForm { range: steps(0, 3), lowest, highest }),
                ),
                ask(
                    "pills",
                    "Which pills?",
                    "Hvilke piller?",
                    false,
                    Kind::Choices(ChoicesForm { options: pills, at_most: 2 }),
                ),
            ],
            ..Section::default()
        },
    ];
    let total = ScoreForm {
        code: Coding { system: "http://loinc.org".into(), code: "44261-6".into() },
        title: languages("Total", "I alt"),
        ..score("total", &[(1, 2), (3, -1)], true)
    };
    Form { sections, grouping: Some(0), scores: vec![total] }
}

fn good() -> Vec<(&'static str, Form, Vec<Vec<Response>>)> {
    use Response::{Choice, Choices, None, Number, YesNo};
    let again = |optional| item("again", "Again?", optional, Kind::YesNo);
    let number = |squares, optional| item("change", "Change?", optional, change(squares));
    let often = |optional| item("often", "How often?", optional, scale());
    vec![
        (
            "number",
            form(vec![number(false, false)], Option::None, vec![]),
            vec![vec![Number(-2)], vec![Number(1)], vec![Number(3)]],
        ),
        (
            "number_with_squares",
            form(vec![number(true, true)], Option::None, vec![]),
            vec![vec![Number(3)], vec![None]],
        ),
        (
            "yes_or_no",
            form(vec![again(false)], Option::None, vec![]),
            vec![vec![YesNo(true)], vec![YesNo(false)]],
        ),
        (
            "scale_optional",
            form(vec![often(true)], Option::None, vec![]),
            vec![vec![Choice(2)], vec![None]],
        ),
        (
            "choices",
            form(
                vec![
                    item("two", "What helped?", true, helped(2)),
                    item("all", "What hurt?", false, helped(3)),
                ],
                Option::None,
                vec![],
            ),
            vec![
                vec![Choices(vec![0, 2]), Choices(vec![0, 1, 2])],
                vec![Choices(vec![]), Choices(vec![])],
                vec![None, Choices(vec![1])],
            ],
        ),
        (
            "groups",
            ward_and_again(),
            vec![vec![Choice(0), YesNo(true)], vec![Choice(1), YesNo(true)], vec![Choice(1), None]],
        ),
        (
            "groups_of_an_optional_yes_or_no",
            form(vec![often(false), again(true)], Some(1), vec![]),
            vec![
                vec![Choice(0), YesNo(true)],
                vec![Choice(1), YesNo(false)],
                vec![Choice(2), None],
            ],
        ),
        (
            "scores",
            form(
                vec![number(false, false), often(true), again(false)],
                Option::None,
                vec![
                    score("sum", &[(0, 2), (2, -3)], false),
                    score("spread", &[(1, 1), (2, 1)], true),
                ],
            ),
            vec![vec![Number(0), Choice(1), YesNo(true)], vec![Number(3), None, YesNo(false)]],
        ),
        (
            "everything",
            everything(),
            vec![
                vec![Choice(0), YesNo(true), Number(75), Choice(3), Choices(vec![0, 1])],
                vec![Choice(1), None, Number(84), Choice(0), Choices(vec![])],
                vec![Choice(1), YesNo(false), None, None, Choices(vec![2])],
            ],
        ),
    ]
}

fn bad_responses() -> Vec<(&'static str, Form, Vec<Response>)> {
    use Response::{Choice, Choices, None, Number, YesNo};
    let one =
        |kind, optional| form(vec![item("one", "What?", optional, kind)], Option::None, vec![]);
    vec![
        ("bad_none_at_all", one(Kind::YesNo, true), vec![]),
        ("bad_one_too_many", one(Kind::YesNo, false), vec![YesNo(true), YesNo(true)]),
        ("bad_not_answered", one(Kind::YesNo, false), vec![None]),
        ("bad_other_kind", one(Kind::YesNo, false), vec![Number(1)]),
        ("bad_number_below_the_range", one(change(false), false), vec![Number(-3)]),
        ("bad_number_above_the_range", one(change(false), false), vec![Number(4)]),
        ("bad_number_on_a_scale", one(scale(), false), vec![Number(2)]),
        ("bad_option_that_there_is_not", one(scale(), false), vec![Choice(3)]),
        ("bad_too_many_options", one(helped(2), false), vec![Choices(vec![0, 1, 2])]),
        ("bad_option_twice", one(helped(2), false), vec![Choices(vec![1, 1])]),
        ("bad_options_out_of_order", one(helped(2), false), vec![Choices(vec![1, 0])]),
        ("bad_options_that_there_are_not", one(helped(2), false), vec![Choices(vec![3])]),
    ]
}

fn bad_forms() -> Vec<(&'static str, Form)> {
    let one = |kind| vec![item("one", "What?", false, kind)];
    let scored = |kind, scores| form(one(kind), None, scores);
    let mut unvalued = options(&["a", "b"]);
    unvalued[1].value = None;
    vec![
        ("bad_nothing_is_asked", Form::default()),
        ("bad_choice_of_one", form(one(Kind::Choice(options(&["only"]))), None, vec![])),
        ("bad_choices_of_none", form(one(helped(0)), None, vec![])),
        ("bad_choices_of_more_than_there_are", form(one(helped(4)), None, vec![])),
        ("bad_grouping_by_a_number", form(one(change(false)), Some(0), vec![])),
        ("bad_grouping_by_choices", form(one(helped(2)), Some(0), vec![])),
        ("bad_grouping_by_what_there_is_not", form(one(Kind::YesNo), Some(1), vec![])),
        ("bad_score_without_terms", scored(Kind::YesNo, vec![score("s", &[], false)])),
        ("bad_score_of_weight_0", scored(Kind::YesNo, vec![score("s", &[(0, 0)], false)])),
        ("bad_score_with_an_item_twice", {
            scored(Kind::YesNo, vec![score("s", &[(0, 1), (0, 1)], false)])
        }),
        ("bad_score_of_what_there_is_not", scored(Kind::YesNo, vec![score("s", &[(1, 1)], false)])),
        ("bad_score_of_options_without_values", {
            scored(Kind::Choice(unvalued), vec![score("s", &[(0, 1)], false)])
        }),
        ("bad_score_of_several_choices_below_zero", {
            scored(helped(2), vec![score("s", &[(0, -1)], false)])
        }),
        ("bad_distribution_of_too_many_values", {
            scored(Kind::YesNo, vec![score("s", &[(0, 1_000)], true)])
        }),
    ]
}

pub(crate) fn generate() -> Value {
    let good = good().into_iter().map(|(name, form, answers)| {
        let answers = answers.iter().map(|answer| json!({ "responses": responses_json(answer) }));
        let answers: Value = answers.collect();
        complete(json!({ "name": name, "form": form_json(&form), "answers": answers }))
    });
    let bad_answers = bad_responses().into_iter().map(|(name, form, answer)| {
        let (form, answer) = (form_json(&form), responses_json(&answer));
        complete_bad_answer(json!({ "name": name, "form": form, "responses": answer }))
    });
    let bad_forms = bad_forms()
        .into_iter()
        .map(|(name, form)| complete_bad_form(json!({ "name": name, "form": form_json(&form) })));
    json!({
        "good": good.collect::<Vec<_>>(),
        "bad_answers": bad_answers.collect::<Vec<_>>(),
        "bad_forms": bad_forms.collect::<Vec<_>>(),
    })
}

fn questionnaire(case: &Value) -> Questionnaire {
    form_of(&case["form"]).questionnaire().expect("it can be asked")
}

fn complete(mut case: Value) -> Value {
    let questionnaire = questionnaire(&case);
    case["hex"] = hex(form_bytes(&form_of(&case["form"]))).into();
    case["elements"] = questionnaire.input_len().into();
    case["bits"] = questionnaire.bits_len().into();
    case["calls"] = Flp::gadget(&questionnaire)[0].calls().into();
    case["outputs"] = questionnaire.eval_output_len().into();
    case["with_proof"] = questionnaire.proven_len().into();
    let cells = questionnaire.cells().iter().map(|cell| {
        let subject = match cell.subject {
            Subject::Item(item) => format!("item {item}"),
            Subject::Score(score) => format!("score {score}"),
        };
        let figure = match cell.figure {
            Figure::Answered => "answered".to_owned(),
            Figure::Sum => "sum".to_owned(),
            Figure::Squares => "squares".to_owned(),
            Figure::Yes => "yes".to_owned(),
            Figure::Option(option) => format!("option {option}"),
        };
        json!({ "subject": subject, "group": cell.group, "figure": figure, "most": cell.most.to_string() })
    });
    case["cells"] = cells.collect();
    let mut sum = SecretVector::zeros(questionnaire.input_len());
    let answers = case["answers"].as_array_mut().expect("a list");
    let count = u32::try_from(answers.len()).expect("few answers");
    for answer in answers {
        let input = questionnaire.encode(&responses(answer)).expect("an answer");
        let elements = input.elements().iter().map(|of| u128::from(*of).to_string());
        answer["elements"] = elements.collect();
        sum.add_assign(&input);
    }
    let whole = Scheme::threshold_of(4);
    let aggregate = questionnaire.aggregate(&sum, count, whole);
    let output: Vec<_> = aggregate.elements().iter().copied().map(Some).collect();
    let numbers = questionnaire.decode(&output, count).expect("possible numbers");
    case["numbers"] = numbers.iter().map(|of| of.map(|of| of.to_string())).collect();
    // What a member of three gets of shares that are all zero: its part of the constants.
    let additive = Scheme::additive(3);
    let zeros = SecretVector::zeros(questionnaire.input_len());
    let parts = questionnaire.aggregate(&zeros, count, additive);
    case["aggregate_of_zeros"] = hex(&*parts.encode()).into();

    // The proof for the first answer, and what members query of it.
    let input = questionnaire.encode(&responses(&case["answers"][0])).expect("an answer");
    let mut seed = Tape([[5; 16]].concat().into());
    let proven = questionnaire.prove(&input, &mut seed);
    let (_, proof) = proven.elements().split_at(questionnaire.input_len());
    case["proof"] = hex(&*SecretVector::new(proof.to_vec()).encode()).into();
    let digests = (ManifestDigest([1; 32]), ContributionDigest([2; 32]));
    let randomness = QueryRandomness::new(&questionnaire, digests.0, digests.1);
    let verifier = questionnaire.verifier_share(&proven, &randomness, whole);
    assert!(questionnaire.accepts(&verifier));
    let zeros = SecretVector::zeros(questionnaire.proven_len());
    let of_zeros = questionnaire.verifier_share(&zeros, &randomness, additive);
    let elements = |of: [Field; 3]| hex(of.map(field::encode).concat());
    case["verifier"] = elements(verifier).into();
    case["verifier_of_zeros"] = elements(of_zeros).into();
    case
}

fn complete_bad_answer(mut case: Value) -> Value {
    let error = questionnaire(&case).encode(&responses(&case)).expect_err("it is no answer");
    case["refused"] = error.to_string().into();
    case
}

fn complete_bad_form(mut case: Value) -> Value {
    let error = form_of(&case["form"]).questionnaire().expect_err("it cannot be asked");
    case["refused"] = error.to_string().into();
    case
}

/// By what the document says, without the implementation.
#[test]
fn questionnaires_are_what_the_document_says() {
    if crate::writing() {
        return;
    }
    for case in list(&crate::load("questionnaire"), "good") {
        let (name, form) = (&case["name"], form_of(&case["form"]));
        assert_eq!(hex(form_bytes(&form)), case["hex"], "{name}");
        let asked = Asked::by(&form);
        let lengths = [asked.elements(), asked.bits, asked.calls(), asked.outputs()];
        let told = ["elements", "bits", "calls", "outputs"].map(|key| &case[key]);
        assert_eq!(lengths.map(Value::from).each_ref(), told, "{name}");
        assert_eq!(asked.cells(), case["cells"], "{name}");

        let mut sum = SecretVector::zeros(asked.elements());
        let answers = list(case, "answers");
        for answer in answers {
            let input = asked.encode(&responses(answer));
            let elements = input.iter().map(|of| u128::from(*of).to_string());
            assert_eq!(elements.collect::<Value>(), answer["elements"], "{name}");
            sum.add_assign(&SecretVector::new(input));
        }
        let count = Field::from(u128::try_from(answers.len()).expect("few answers"));
        let numbers = asked.aggregate(sum.elements(), count);
        let numbers = numbers.iter().map(|of| u128::from(*of).to_string());
        assert_eq!(numbers.collect::<Value>(), case["numbers"], "{name}");
        let third = Field::from(3).inv();
        let zeros = vec![field::zero(); asked.elements()];
        let parts = asked.aggregate(&zeros, count * third);
        assert_eq!(hex(encode(&parts)), case["aggregate_of_zeros"], "{name}");

        let seed = hash("wardsum v1 query", &[&[1; 32], &[2; 32]]);
        let randomness = query_randomness(seed, asked.outputs(), asked.calls());
        let proof = SecretVector::decode(&bytes(case, "proof"), bytes(case, "proof").len() / 16);
        let proof = proof.expect("reduced elements");
        assert_eq!(number(case, "with_proof"), (asked.elements() + proof.len()) as u64);
        let mut proven = asked.encode(&responses(&answers[0]));
        proven.extend_from_slice(proof.elements());
        let verifier = asked.query(&proven, &randomness, Field::one());
        assert!(is_valid(&verifier), "{name}");
        assert_eq!(hex(encode(&verifier)), case["verifier"], "{name}");
        let of_zeros = asked.query(&vec![field::zero(); proven.len()], &randomness, third);
        assert_eq!(hex(encode(&of_zeros)), case["verifier_of_zeros"], "{name}");
    }
}

#[test]
fn questionnaires_are_asked_and_answered_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let file = crate::load("questionnaire");
    for case in list(&file, "good") {
        assert_eq!(&complete(case.clone()), case);
        let canonical = bytes(case, "hex");
        let form: Form = wardsum_protocol::wire::decode(&canonical).expect("it is a form");
        assert_eq!(form, form_of(&case["form"]), "{}", case["name"]);
    }
    for case in list(&file, "bad_answers") {
        assert_eq!(&complete_bad_answer(case.clone()), case);
    }
    for case in list(&file, "bad_forms") {
        assert_eq!(&complete_bad_form(case.clone()), case);
    }
}
