//! Forms and answers in the vectors, and their canonical bytes, written down a second time from the document.

use serde_json::{Value, json};
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ItemForm, Kind, Language, NumberForm, OptionForm, ScaleForm,
    ScoreForm, ScoreTerm, Section, Steps, Text,
};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::wire::{Flag, Int32, Int128, Utf8};

use crate::json::{list, number, text};

// --- As JSON

pub(crate) fn text_json(of: &Text) -> Value {
    let languages = of
        .languages()
        .map(|language| json!({ "language": language, "text": of.preferred([language]) }));
    languages.collect()
}

pub(crate) fn text_of(value: &Value) -> Text {
    let texts = value.as_array().expect("a list of texts");
    match texts.as_slice() {
        [one] if one["language"] == "" => Text::plain(text(one, "text")),
        _ => Text::localised(texts.iter().map(|of| {
            let language = Language::new(text(of, "language")).expect("a tag");
            (language, text(of, "text").to_owned())
        })),
    }
}

fn coding_json(Coding { system, code }: &Coding) -> Value {
    json!({ "system": system.0, "code": code.0 })
}

fn coding_of(value: &Value) -> Coding {
    Coding { system: text(value, "system").into(), code: text(value, "code").into() }
}

fn steps_json(steps: &Steps) -> Value {
    let (min, max) = (i128::from(steps.min), i128::from(steps.max));
    json!({
        "min": min.to_string(), "max": max.to_string(), "step": steps.step,
        "decimals": steps.decimals,
    })
}

fn steps_of(value: &Value) -> Steps {
    let end = |key: &str| Int128::from(text(value, key).parse::<i128>().expect("a number"));
    Steps {
        min: end("min"),
        max: end("max"),
        step: u32::try_from(number(value, "step")).expect("a step"),
        decimals: u8::try_from(number(value, "decimals")).expect("a count"),
    }
}

fn options_json(options: &[OptionForm]) -> Value {
    let option = |OptionForm { code, text, value }: &OptionForm| {
        json!({
            "code": coding_json(code), "text": text_json(text), "value": value.map(i32::from),
        })
    };
    options.iter().map(option).collect()
}

fn options_of(value: &Value) -> Vec<OptionForm> {
    let option = |value: &Value| OptionForm {
        code: coding_of(&value["code"]),
        text: text_of(&value["text"]),
        value: value["value"].as_i64().map(|of| i32::try_from(of).expect("a value").into()),
    };
    value.as_array().expect("a list of options").iter().map(option).collect()
}

fn kind_json(kind: &Kind) -> Value {
    match kind {
        Kind::YesNo => json!({ "type": "yes_no" }),
        Kind::Number(NumberForm { range, squares }) => {
            json!({ "type": "number", "range": steps_json(range), "squares": squares.0 })
        }
        Kind::Scale(ScaleForm { range, lowest, highest }) => json!({
            "type": "scale", "range": steps_json(range), "lowest": text_json(lowest),
            "highest": text_json(highest),
        }),
        Kind::Choice(options) => json!({ "type": "choice", "options": options_json(options) }),
        Kind::Choices(ChoicesForm { options, at_most }) => {
            json!({ "type": "choices", "options": options_json(options), "at_most": at_most })
        }
    }
}

fn kind_of(value: &Value) -> Kind {
    match text(value, "type") {
        "yes_no" => Kind::YesNo,
        "number" => Kind::Number(NumberForm {
            range: steps_of(&value["range"]),
            squares: Flag(value["squares"].as_bool().expect("yes or no")),
        }),
        "scale" => Kind::Scale(ScaleForm {
            range: steps_of(&value["range"]),
            lowest: text_of(&value["lowest"]),
            highest: text_of(&value["highest"]),
        }),
        "choice" => Kind::Choice(options_of(&value["options"])),
        "choices" => Kind::Choices(ChoicesForm {
            options: options_of(&value["options"]),
            at_most: u16::try_from(number(value, "at_most")).expect("a count"),
        }),
        other => panic!("there is no question of type {other}"),
    }
}

pub(crate) fn form_json(form: &Form) -> Value {
    let item = |item: &ItemForm| {
        json!({
            "id": item.id.0, "code": coding_json(&item.code), "text": text_json(&item.text),
            "help": text_json(&item.help), "unit": text_json(&item.unit),
            "optional": item.optional.0, "kind": kind_json(&item.kind),
        })
    };
    let section = |section: &Section| {
        json!({
            "title": text_json(&section.title), "help": text_json(&section.help),
            "items": section.items.iter().map(item).collect::<Vec<_>>(),
        })
    };
    let term = |term: &ScoreTerm| json!({ "item": term.item, "weight": i32::from(term.weight) });
    let score = |score: &ScoreForm| {
        json!({
            "id": score.id.0, "code": coding_json(&score.code), "title": text_json(&score.title),
            "terms": score.terms.iter().map(term).collect::<Vec<_>>(),
            "distribution": score.distribution.0,
        })
    };
    json!({
        "sections": form.sections.iter().map(section).collect::<Vec<_>>(),
        "grouping": form.grouping,
        "scores": form.scores.iter().map(score).collect::<Vec<_>>(),
    })
}

pub(crate) fn form_of(value: &Value) -> Form {
    let small = |value: &Value| u16::try_from(value.as_u64().expect("a number")).expect("small");
    let item = |value: &Value| ItemForm {
        id: text(value, "id").into(),
        code: coding_of(&value["code"]),
        text: text_of(&value["text"]),
        help: text_of(&value["help"]),
        unit: text_of(&value["unit"]),
        optional: Flag(value["optional"].as_bool().expect("yes or no")),
        kind: kind_of(&value["kind"]),
    };
    let section = |value: &Value| Section {
        title: text_of(&value["title"]),
        help: text_of(&value["help"]),
        items: list(value, "items").iter().map(item).collect(),
    };
    let term = |value: &Value| {
        let weight = value["weight"].as_i64().expect("a weight");
        ScoreTerm {
            item: small(&value["item"]),
            weight: i32::try_from(weight).expect("small").into(),
        }
    };
    let score = |value: &Value| ScoreForm {
        id: text(value, "id").into(),
        code: coding_of(&value["code"]),
        title: text_of(&value["title"]),
        terms: list(value, "terms").iter().map(term).collect(),
        distribution: Flag(value["distribution"].as_bool().expect("yes or no")),
    };
    Form {
        sections: list(value, "sections").iter().map(section).collect(),
        grouping: value["grouping"].is_u64().then(|| small(&value["grouping"])),
        scores: list(value, "scores").iter().map(score).collect(),
    }
}

pub(crate) fn responses_json(responses: &[Response]) -> Value {
    let response = |response: &Response| match response {
        Response::Number(number) => json!({ "number": number.to_string() }),
        Response::YesNo(yes) => json!({ "yes_no": yes }),
        Response::Choice(option) => json!({ "choice": option }),
        Response::Choices(options) => json!({ "choices": options }),
        Response::None => Value::Null,
    };
    responses.iter().map(response).collect()
}

/// The responses of a case or of a step.
pub(crate) fn responses(value: &Value) -> Vec<Response> {
    let option = |value: &Value| u16::try_from(value.as_u64().expect("a number")).expect("small");
    let response = |value: &Value| {
        let Some(response) = value.as_object() else { return Response::None };
        let (kind, value) = response.iter().next().expect("a response of some kind");
        match kind.as_str() {
            "number" => {
                Response::Number(value.as_str().expect("a text").parse().expect("a number"))
            }
            "yes_no" => Response::YesNo(value.as_bool().expect("yes or no")),
            "choice" => Response::Choice(option(value)),
            "choices" => {
                Response::Choices(value.as_array().expect("a list").iter().map(option).collect())
            }
            other => panic!("there is no response of type {other}"),
        }
    };
    list(value, "responses").iter().map(response).collect()
}

// --- As bytes

/// Bytes behind their length, which takes as few bytes as it can.
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("short");
    let prefix = match len {
        0..64 => vec![u8::try_from(len).expect("below 64")],
        64..16_384 => (0x4000 | u16::try_from(len).expect("14 bits")).to_be_bytes().to_vec(),
        _ => (0x8000_0000 | len).to_be_bytes().to_vec(),
    };
    [&prefix, bytes].concat()
}

/// A list behind the length of all its entries together.
fn entries<T>(of: &[T], entry: impl Fn(&T) -> Vec<u8>) -> Vec<u8> {
    sized(&of.iter().flat_map(entry).collect::<Vec<_>>())
}

fn optional(bytes: Option<Vec<u8>>) -> Vec<u8> {
    bytes.map_or(vec![0], |bytes| [vec![1], bytes].concat())
}

pub(crate) fn text_bytes(of: &Text) -> Vec<u8> {
    let languages: Vec<&str> = of.languages().collect();
    entries(&languages, |language| {
        [sized(language.as_bytes()), sized(of.preferred([*language]).as_bytes())].concat()
    })
}

fn coding_bytes(Coding { system, code }: &Coding) -> Vec<u8> {
    [sized(system.0.as_bytes()), sized(code.0.as_bytes())].concat()
}

fn steps_bytes(steps: &Steps) -> Vec<u8> {
    let ends = [steps.min, steps.max].map(|end| i128::from(end).to_be_bytes()).concat();
    [&ends, steps.step.to_be_bytes().as_slice(), &[steps.decimals]].concat()
}

fn option_bytes(OptionForm { code, text, value }: &OptionForm) -> Vec<u8> {
    let value = value.map(|value: Int32| i32::from(value).to_be_bytes().to_vec());
    [coding_bytes(code), text_bytes(text), optional(value)].concat()
}

fn kind_bytes(kind: &Kind) -> Vec<u8> {
    match kind {
        Kind::YesNo => vec![1],
        Kind::Number(of) => [vec![2], steps_bytes(&of.range), vec![of.squares.0.into()]].concat(),
        Kind::Scale(ScaleForm { range, lowest, highest }) => {
            [vec![3], steps_bytes(range), text_bytes(lowest), text_bytes(highest)].concat()
        }
        Kind::Choice(options) => [vec![4], entries(options, option_bytes)].concat(),
        Kind::Choices(ChoicesForm { options, at_most }) => {
            [vec![5], entries(options, option_bytes), at_most.to_be_bytes().to_vec()].concat()
        }
    }
}

fn item_bytes(item: &ItemForm) -> Vec<u8> {
    [
        sized(item.id.0.as_bytes()),
        coding_bytes(&item.code),
        text_bytes(&item.text),
        text_bytes(&item.help),
        text_bytes(&item.unit),
        vec![item.optional.0.into()],
        kind_bytes(&item.kind),
    ]
    .concat()
}

pub(crate) fn form_bytes(form: &Form) -> Vec<u8> {
    let section = |Section { title, help, items }: &Section| {
        [text_bytes(title), text_bytes(help), entries(items, item_bytes)].concat()
    };
    let term = |ScoreTerm { item, weight }: &ScoreTerm| {
        [item.to_be_bytes().as_slice(), &i32::from(*weight).to_be_bytes()].concat()
    };
    let score = |ScoreForm { id, code, title, terms, distribution }: &ScoreForm| {
        let Utf8(id) = id;
        let (id, terms) = (sized(id.as_bytes()), entries(terms, term));
        let distribution = vec![distribution.0.into()];
        [id, coding_bytes(code), text_bytes(title), terms, distribution].concat()
    };
    [
        entries(&form.sections, section),
        optional(form.grouping.map(|item| item.to_be_bytes().into())),
        entries(&form.scores, score),
    ]
    .concat()
}
