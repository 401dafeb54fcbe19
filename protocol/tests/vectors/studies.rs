//! `study.json`: canonical bytes and digests of studies, and studies that are refused.

use serde_json::{Value, json};
use wardsum_protocol::form::{
    Coding, Form, ItemForm, Kind, Language, OptionForm, ScaleForm, ScoreForm, ScoreTerm, Steps,
    Text,
};
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{Admission, Closing, SchemeChoice, Study, StudyParameters, Suite};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::forms::{form_bytes, form_json, form_of, sized, text_bytes, text_json, text_of};
use crate::json::{array, bytes, hex, number, text};
use crate::keys;
use crate::questionnaires::{everything, ward_and_again};

/// The study of `additive-round.json`.
pub(crate) fn pain_scale() -> StudyParameters {
    StudyParameters {
        instance: core::array::from_fn(|i| u8::try_from(i).expect("below 16")),
        title: "Pain after the operation".into(),
        organisation: "St. Example Hospital".into(),
        introduction: Text::default(),
        form: Form::number("How strong is your pain now?", "points", 0, 10),
        minimum_cell: 3,
        minimum_cohort: 3,
        maximum_cohort: 1_000,
        committee_cap: 32,
        enrolment: Closing {
            count: Some(3),
            settle_ms: Some(15_000),
            ..Closing::deadline(900_000)
        },
        contributing: Closing {
            settle_ms: Some(2_000),
            by_command: true,
            ..Closing::deadline(600_000)
        },
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    }
}

/// The study of `shamir-round.json`.
pub(crate) fn weight_change() -> StudyParameters {
    StudyParameters {
        instance: [0xa5; 16],
        title: "Weight after six months".into(),
        organisation: "Klinik Köln".into(),
        introduction: "We want to know whether the diet helps.".into(),
        form: Form::number("By how much has your weight changed?", "kg", -40, 60),
        minimum_cell: 1,
        minimum_cohort: 4,
        maximum_cohort: 50,
        committee_cap: 4,
        enrolment: Closing { by_command: true, ..Closing::deadline(3_600_000) },
        contributing: Closing { count: Some(6), ..Closing::deadline(600_000) },
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    }
}

/// The study of `resumed-round.json`.
pub(crate) fn follow_up() -> StudyParameters {
    StudyParameters {
        instance: [0x5c; 16],
        contributing: Closing { count: Some(5), ..Closing::deadline(600_000) },
        ..weight_change()
    }
}

/// The study of `x-wing.json`.
pub(crate) fn yes_or_no() -> StudyParameters {
    StudyParameters {
        instance: [0x3c; 16],
        title: "Readmission".into(),
        organisation: "St. Example Hospital".into(),
        form: Form::number("Have you been in a hospital again since?", "", 0, 1),
        scheme: SchemeChoice::Additive,
        suite: Suite::XWing,
        minimum_cell: 1,
        ..pain_scale()
    }
}

/// The study of `questionnaire-round.json`.
pub(crate) fn survey() -> StudyParameters {
    StudyParameters {
        instance: [0x51; 16],
        form: ward_and_again(),
        minimum_cell: 3,
        ..weight_change()
    }
}

fn closing_json(rule: Closing) -> Value {
    let Closing { count, settle_ms, deadline_ms, by_command } = rule;
    json!({ "count": count, "settle_ms": settle_ms, "deadline_ms": deadline_ms, "by_command": by_command })
}

fn parameters_json(p: &StudyParameters) -> Value {
    json!({
        "instance": hex(p.instance), "title": text_json(&p.title),
        "organisation": p.organisation, "introduction": text_json(&p.introduction),
        "form": form_json(&p.form), "minimum_cell": p.minimum_cell,
        "minimum_cohort": p.minimum_cohort, "maximum_cohort": p.maximum_cohort,
        "committee_cap": p.committee_cap, "enrolment": closing_json(p.enrolment),
        "contributing": closing_json(p.contributing),
        "aggregation_deadline_ms": p.aggregation_deadline_ms,
        "scheme": p.scheme as u8, "suite": p.suite as u8,
        "authority": match p.admission {
            Admission::Open => None,
            Admission::Invited { authority } => Some(hex(authority)),
        },
    })
}

fn parameters(value: &Value) -> StudyParameters {
    let closing = |key: &str| Closing {
        count: value[key]["count"].as_u64().map(|count| u32::try_from(count).expect("a count")),
        settle_ms: value[key]["settle_ms"].as_u64(),
        deadline_ms: number(&value[key], "deadline_ms"),
        by_command: value[key]["by_command"].as_bool().expect("yes or no"),
    };
    let cohort = |key: &str| u32::try_from(number(value, key)).expect("a count");
    StudyParameters {
        instance: array(value, "instance"),
        title: text_of(&value["title"]),
        organisation: text(value, "organisation").into(),
        introduction: text_of(&value["introduction"]),
        form: form_of(&value["form"]),
        minimum_cell: cohort("minimum_cell"),
        minimum_cohort: cohort("minimum_cohort"),
        maximum_cohort: cohort("maximum_cohort"),
        committee_cap: u16::try_from(number(value, "committee_cap")).expect("a count"),
        enrolment: closing("enrolment"),
        contributing: closing("contributing"),
        aggregation_deadline_ms: number(value, "aggregation_deadline_ms"),
        scheme: match number(value, "scheme") {
            1 => SchemeChoice::Threshold,
            _ => SchemeChoice::Additive,
        },
        suite: match number(value, "suite") {
            1 => Suite::XWing,
            _ => Suite::X25519,
        },
        admission: match &value["authority"] {
            Value::Null => Admission::Open,
            _ => Admission::Invited { authority: array(value, "authority") },
        },
    }
}

/// The canonical bytes, written down a second time: it also encodes what is refused.
fn encode(p: &StudyParameters) -> Vec<u8> {
    let optional =
        |bytes: Option<Vec<u8>>| bytes.map_or(vec![0], |bytes| [vec![1], bytes].concat());
    let closing = |rule: Closing| {
        let count = optional(rule.count.map(|count| count.to_be_bytes().into()));
        let settle = optional(rule.settle_ms.map(|ms| ms.to_be_bytes().into()));
        let deadline = rule.deadline_ms.to_be_bytes().into();
        [count, settle, deadline, vec![rule.by_command.into()]].concat()
    };
    [
        vec![0, 4],
        p.instance.into(),
        text_bytes(&p.title),
        sized(p.organisation.as_bytes()),
        text_bytes(&p.introduction),
        form_bytes(&p.form),
        p.minimum_cell.to_be_bytes().into(),
        p.minimum_cohort.to_be_bytes().into(),
        p.maximum_cohort.to_be_bytes().into(),
        p.committee_cap.to_be_bytes().into(),
        closing(p.enrolment),
        closing(p.contributing),
        p.aggregation_deadline_ms.to_be_bytes().into(),
        vec![p.scheme as u8, p.suite as u8],
        match p.admission {
            Admission::Open => vec![1],
            Admission::Invited { authority } => [&[2], authority.as_slice()].concat(),
        },
    ]
    .concat()
}

pub(crate) fn generate() -> Value {
    // A hundred thousand people, and sums that just stay below 2^127.
    let largest = i128::MAX / 2 / 100_000;
    let good: Value = [
        ("pain_scale", pain_scale()),
        ("weight_change", weight_change()),
        ("follow_up", follow_up()),
        ("yes_or_no", yes_or_no()),
        ("survey", survey()),
        ("everything", StudyParameters { form: everything(), ..survey() }),
        (
            "largest_sums",
            StudyParameters {
                form: Form::number("How strong is your pain now?", "points", -largest, largest),
                maximum_cohort: 100_000,
                ..pain_scale()
            },
        ),
        (
            "shortest_and_longest_texts",
            StudyParameters {
                title: Text::plain("t".repeat(255)),
                organisation: "o".into(),
                introduction: Text::plain("i".repeat(8_000)),
                form: Form::number(&"q".repeat(2_000), "", 0, 10),
                ..pain_scale()
            },
        ),
    ]
    .into_iter()
    .map(|(name, p)| complete_good(json!({ "name": name, "parameters": parameters_json(&p) })))
    .collect();
    let bad: Value = malformed()
        .into_iter()
        .chain(inadmissible().into_iter().map(|(name, p)| (name, encode(&p))))
        .map(|(name, bytes)| complete_bad(json!({ "name": name, "hex": hex(bytes) })))
        .collect();
    json!({ "good": good, "bad": bad })
}

/// Bytes that are no study.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let good = encode(&pain_scale());
    let end = good.len();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    // Counted from the end, where every field of this study has a fixed length.
    let (admission, suite, scheme, by_command) = (end - 1, end - 2, end - 3, end - 12);
    let enrolment_count = end - 11 - 19 - 23;
    vec![
        ("bad_empty", vec![]),
        ("bad_version_0", with(1, 0)),
        ("bad_version_1_with_an_admission", with(1, 1)),
        ("bad_version_5", with(1, 5)),
        ("bad_truncated", good[..end - 1].to_vec()),
        ("bad_trailing_byte", [good.as_slice(), &[0]].concat()),
        ("bad_title_runs_over_the_end", with(18, 0x3f)),
        ("bad_title_in_a_longer_length", [&good[..18], &[0x40, good[18]], &good[19..]].concat()),
        ("bad_title_is_not_utf_8", with(21, 0xff)),
        ("bad_option_2", with(enrolment_count, 2)),
        ("bad_by_command_2", with(by_command, 2)),
        ("bad_scheme_0", with(scheme, 0)),
        ("bad_scheme_3", with(scheme, 3)),
        ("bad_suite_0", with(suite, 0)),
        ("bad_suite_3", with(suite, 3)),
        ("bad_admission_0", with(admission, 0)),
        ("bad_admission_3", with(admission, 3)),
        ("bad_admission_without_a_key", with(admission, 2)),
    ]
}

fn item(p: &mut StudyParameters) -> &mut ItemForm {
    &mut p.form.sections[0].items[0]
}

fn range(p: &mut StudyParameters) -> &mut Steps {
    match &mut item(p).kind {
        Kind::Number(number) => &mut number.range,
        _ => unreachable!("it asks for a number"),
    }
}

fn steps(min: i128, max: i128) -> Steps {
    Steps { min: min.into(), max: max.into(), step: 1, decimals: 0 }
}

/// Studies that are well-formed and break a rule.
fn inadmissible() -> Vec<(&'static str, StudyParameters)> {
    let with = |change: fn(&mut StudyParameters)| {
        let mut p = pain_scale();
        change(&mut p);
        p
    };
    vec![
        ("bad_title_empty", with(|p| p.title = "".into())),
        ("bad_title_control_character", with(|p| p.title = "two\nlines".into())),
        ("bad_organisation_empty", with(|p| p.organisation.clear())),
        ("bad_introduction_too_long", with(|p| p.introduction = Text::plain("i".repeat(8_001)))),
        ("bad_question_empty", with(|p| item(p).text = "".into())),
        ("bad_question_too_long", with(|p| item(p).text = Text::plain("q".repeat(2_001)))),
        ("bad_unit_control_character", with(|p| item(p).unit = "\u{7f}".into())),
        ("bad_id_empty", with(|p| item(p).id = "".into())),
        ("bad_id_with_a_space", with(|p| item(p).id = "pain now".into())),
        (
            "bad_id_twice",
            with(|p| {
                let again = item(p).clone();
                p.form.sections[0].items.push(again);
            }),
        ),
        (
            "bad_texts_in_other_languages",
            with(|p| {
                let danish = Language::new("da").expect("a tag");
                item(p).text = Text::localised([(danish, "Hvor ondt?".to_owned())]);
            }),
        ),
        ("bad_no_section", with(|p| p.form.sections.clear())),
        ("bad_no_item", with(|p| p.form.sections[0].items.clear())),
        ("bad_grouping_by_a_number", with(|p| p.form.grouping = Some(0))),
        ("bad_grouping_by_nothing", with(|p| p.form.grouping = Some(1))),
        (
            "bad_score_of_nothing",
            with(|p| {
                let terms = vec![ScoreTerm { item: 1, weight: 1.into() }];
                let (id, title) = ("score".into(), "Score".into());
                let (code, distribution) = (Coding::default(), Flag(false));
                p.form.scores.push(ScoreForm { id, code, title, terms, distribution });
            }),
        ),
        (
            "bad_choice_of_one_option",
            with(|p| {
                let option =
                    OptionForm { code: Coding::default(), text: "Yes".into(), value: None };
                item(p).kind = Kind::Choice(vec![option]);
            }),
        ),
        (
            "bad_scale_of_1001_numbers",
            with(|p| {
                let (lowest, highest) = (Text::default(), Text::default());
                item(p).kind = Kind::Scale(ScaleForm { range: steps(0, 1_000), lowest, highest });
            }),
        ),
        ("bad_step_0", with(|p| range(p).step = 0)),
        ("bad_decimals_10", with(|p| range(p).decimals = 10)),
        ("bad_range_of_one_value", with(|p| *range(p) = steps(10, 10))),
        ("bad_range_reversed", with(|p| *range(p) = steps(11, 10))),
        ("bad_minimum_cell_0", with(|p| p.minimum_cell = 0)),
        ("bad_minimum_cell_above_the_minimum_cohort", with(|p| p.minimum_cell = 4)),
        ("bad_minimum_cohort_2", with(|p| p.minimum_cohort = 2)),
        ("bad_maximum_below_minimum", with(|p| p.maximum_cohort = 2)),
        ("bad_maximum_cohort_100001", with(|p| p.maximum_cohort = 100_001)),
        (
            "bad_sum_could_wrap",
            with(|p| {
                // 2^127 / 4 a person, and up to 4 of them.
                (*range(p), p.maximum_cohort) = (steps(0, 1 << 125), 4);
            }),
        ),
        (
            "bad_sum_could_leave_128_bits",
            with(|p| {
                (*range(p), p.maximum_cohort) = (steps(i128::MAX - 10, i128::MAX), 3);
            }),
        ),
        ("bad_committee_cap_2", with(|p| p.committee_cap = 2)),
        ("bad_committee_cap_256", with(|p| p.committee_cap = 256)),
        ("bad_enrolment_deadline_0", with(|p| p.enrolment.deadline_ms = 0)),
        ("bad_contributing_deadline_0", with(|p| p.contributing.deadline_ms = 0)),
        ("bad_enrolment_count_below_minimum", with(|p| p.enrolment.count = Some(2))),
        ("bad_enrolment_count_above_the_cap", with(|p| p.enrolment.count = Some(33))),
        ("bad_contributing_count_below_minimum", with(|p| p.contributing.count = Some(2))),
        ("bad_contributing_count_above_maximum", with(|p| p.contributing.count = Some(1_001))),
        ("bad_settle_time_0", with(|p| p.enrolment.settle_ms = Some(0))),
        ("bad_deadline_above_400_days", with(|p| p.contributing.deadline_ms = 34_560_000_001)),
        (
            "bad_authority_of_small_order",
            with(|p| p.admission = Admission::Invited { authority: [0; 32] }),
        ),
        ("bad_aggregation_deadline_0", with(|p| p.aggregation_deadline_ms = 0)),
    ]
}

fn complete_good(mut case: Value) -> Value {
    let study = Study::new(parameters(&case["parameters"])).expect("a good study is admissible");
    case["hex"] = hex(study.encode()).into();
    case["digest"] = study.digest().to_string().into();
    case["sealed_share_len"] = study.sealed_share_len().into();
    case["max_peer_message_len"] = study.max_peer_message_len().into();
    case
}

fn complete_bad(mut case: Value) -> Value {
    let error = Study::decode(&bytes(&case, "hex")).expect_err("a bad study is refused");
    case["refused"] = error.to_string().into();
    case
}

#[test]
fn studies_are_encoded_and_refused_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let file = crate::load("study");
    for case in crate::json::list(&file, "good") {
        assert_eq!(&complete_good(case.clone()), case);
        let canonical = bytes(case, "hex");
        let expected = parameters(&case["parameters"]);
        assert_eq!(canonical, encode(&expected), "{}", case["name"]);
        assert_eq!(text(case, "digest"), hex(keys::hash("wardsum v1 study", &[&canonical])));
        assert_eq!(Study::decode(&canonical).expect("admissible").parameters(), &expected);
    }
    for case in crate::json::list(&file, "bad") {
        assert_eq!(&complete_bad(case.clone()), case);
    }
}
