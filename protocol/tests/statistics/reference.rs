//! What `reference.py` makes of the answers in `reference.json`, with numpy, scipy and exact fractions.

use serde_json::Value;
use wardsum_protocol::form::{Coding, Form, ItemForm, Kind, ScoreForm, ScoreTerm, Steps, Text};
use wardsum_protocol::questionnaire::{Response, Subject};
use wardsum_protocol::statistics::{Count, Group, Numbers, Summary, describe};
use wardsum_protocol::wire::Flag;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::asked;

fn int<T: TryFrom<i64>>(value: &Value) -> T
where
    T::Error: core::fmt::Debug,
{
    T::try_from(value.as_i64().expect("a whole number")).expect("a small one")
}

fn flag(value: &Value) -> bool {
    value.as_bool().expect("true or false")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn item(item: &Value) -> ItemForm {
    let steps = || -> Steps {
        let (min, max) = (int::<i64>(&item["min"]), int::<i64>(&item["max"]));
        asked::steps(min.into(), max.into(), int(&item["step"]), int(&item["decimals"]))
    };
    let values = || list(&item["values"]).iter().map(|value| value.as_i64().map(|_| int(value)));
    let kind = match text(&item["kind"]) {
        "yes-no" => Kind::YesNo,
        "number" => asked::number(steps(), flag(&item["squares"])),
        "scale" => asked::scale(steps()),
        "choice" => asked::choice(&values().collect::<Vec<_>>()),
        "choices" => asked::choices(&values().collect::<Vec<_>>(), int(&item["at_most"])),
        other => panic!("{other}"),
    };
    asked::item(text(&item["id"]), kind, flag(&item["optional"]))
}

fn score(score: &Value) -> ScoreForm {
    let terms = list(&score["terms"])
        .iter()
        .map(|term| ScoreTerm { item: int(&term[0]), weight: int::<i32>(&term[1]).into() });
    ScoreForm {
        id: text(&score["id"]).into(),
        code: Coding::default(),
        title: Text::plain("A score"),
        terms: terms.collect(),
        distribution: Flag(flag(&score["distribution"])),
    }
}

fn response(item: &Value, answer: &Value) -> Response {
    match text(&item["kind"]) {
        _ if answer.is_null() => Response::None,
        "yes-no" => Response::YesNo(flag(answer)),
        "choice" => Response::Choice(int(answer)),
        "choices" => Response::Choices(list(answer).iter().map(int).collect()),
        "scale" => {
            Response::Choice(int(&Value::from(int::<i64>(answer) - int::<i64>(&item["min"]))))
        }
        _ => Response::Number(int::<i64>(answer).into()),
    }
}

fn close(ours: Option<f64>, theirs: &Value) {
    match (ours, theirs.as_f64()) {
        (None, None) => {}
        // Both round, at different places.
        (Some(ours), Some(theirs)) if (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0) => {}
        different => panic!("{different:?}"),
    }
}

fn count_is(ours: &Count, theirs: &Value) {
    assert_eq!(ours.people.map(i64::from), theirs["people"].as_i64());
    let theirs = &theirs["proportion"];
    assert_eq!(ours.proportion.is_none(), theirs.is_null());
    close(ours.proportion.map(|proportion| proportion.share), &theirs[0]);
    close(ours.proportion.map(|proportion| proportion.lower), &theirs[1]);
    close(ours.proportion.map(|proportion| proportion.upper), &theirs[2]);
}

fn numbers_are(ours: &Numbers, theirs: &Value) {
    assert_eq!(ours.sum.map(|sum| sum.to_string()).as_deref(), theirs["sum"].as_str());
    close(ours.mean, &theirs["mean"]);
    close(ours.standard_deviation, &theirs["standard_deviation"]);
    assert_eq!(ours.quartiles.is_none(), theirs["quartiles"].is_null());
    for (position, ours) in ours.quartiles.iter().flatten().enumerate() {
        close(Some(ours.to_f64()), &theirs["quartiles"][position]);
    }
}

fn summary_is(form: &Form, ours: &Summary, theirs: &Value) {
    let id = match ours.subject {
        Subject::Item(item) => &form.items().nth(item).expect("an item").id,
        Subject::Score(score) => &form.scores[score].id,
    };
    assert_eq!(id.0, text(&theirs["subject"]));
    assert_eq!(ours.answered.map(i64::from), theirs["answered"].as_i64());
    assert_eq!(ours.missing.map(i64::from), theirs["missing"].as_i64());
    assert_eq!(ours.counts.len(), list(&theirs["counts"]).len());
    for (ours, theirs) in ours.counts.iter().zip(list(&theirs["counts"])) {
        count_is(ours, theirs);
    }
    assert_eq!(ours.numbers.is_none(), theirs["numbers"].is_null());
    if let Some(numbers) = &ours.numbers {
        numbers_are(numbers, &theirs["numbers"]);
    }
}

fn groups_are(form: &Form, ours: &[Group], theirs: &[Value]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.group.map(i64::from), theirs["group"].as_i64());
        assert_eq!(ours.people.map(i64::from), theirs["people"].as_i64());
        assert_eq!(ours.summaries.len(), list(&theirs["summaries"]).len());
        for (ours, theirs) in ours.summaries.iter().zip(list(&theirs["summaries"])) {
            summary_is(form, ours, theirs);
        }
    }
}

#[test]
fn an_independent_program_finds_the_same() {
    let reference: Value = serde_json::from_str(include_str!("reference.json")).expect("JSON");
    let cases = list(&reference["cases"]);
    assert!(cases.len() > 5);
    for case in cases {
        let items = list(&case["items"]);
        let form = Form {
            grouping: case["grouping"].as_i64().map(|item| item.try_into().expect("an item")),
            scores: list(&case["scores"]).iter().map(score).collect(),
            ..asked::form(items.iter().map(item).collect())
        };
        let questionnaire = form.questionnaire().expect("it can be asked");
        let people: Vec<Vec<Response>> = list(&case["answers"])
            .iter()
            .map(|answers| {
                items
                    .iter()
                    .zip(list(answers))
                    .map(|(item, answer)| response(item, answer))
                    .collect()
            })
            .collect();
        let cells: Vec<_> = asked::cells(&questionnaire, &people).into_iter().map(Some).collect();
        let count = u32::try_from(people.len()).expect("few people");
        groups_are(&form, &describe(&form, &questionnaire, count, &cells), list(&case["groups"]));
    }
}
