//! The plain answers of a simulated round, for another program to compute what the round has to find out.

use std::fmt::Write as _;

use wardsum_protocol::form::{Form, ItemForm, Kind, Steps};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::statistics::Decimal;

/// Comma-separated values (RFC 4180): a line for each patient, a column for each item, named by its id.
///
/// A number or a point on a scale is the number itself, yes is 1 and no is 0, and an option is its number from 0 on, as in
/// results. Several options have a column each, `ID__0` and so on, with 1 where it was chosen, and 0. Whoever prefers not to answer leaves
/// the column empty.
#[must_use]
pub fn answers_csv(form: &Form, answers: &[Vec<Response>]) -> String {
    let items: Vec<&ItemForm> = form.items().collect();
    let mut text = "patient".to_owned();
    for item in &items {
        let id = &item.id.0;
        match options(item) {
            None => text.extend([",", id]),
            Some(options) => (0..options).for_each(|option| {
                let _ = write!(text, ",{id}__{option}");
            }),
        }
    }
    for (patient, responses) in (1..).zip(answers) {
        let _ = write!(text, "\r\n{patient}");
        for (item, response) in items.iter().zip(responses) {
            field(&mut text, item, response);
        }
    }
    text.push_str("\r\n");
    text
}

/// How many columns an item has, if it does not have one.
fn options(item: &ItemForm) -> Option<usize> {
    match &item.kind {
        Kind::Choices(choices) => Some(choices.options.len()),
        _ => None,
    }
}

fn field(text: &mut String, item: &ItemForm, response: &Response) {
    let number = |steps: &Steps, count: i128| Decimal {
        mantissa: count.saturating_mul(steps.step.into()),
        decimals: steps.decimals,
    };
    let _ = match (response, &item.kind) {
        (Response::None, _) => write!(text, "{}", ",".repeat(options(item).unwrap_or(1))),
        (Response::Number(count), Kind::Number(form)) => {
            write!(text, ",{}", number(&form.range, *count))
        }
        (Response::Choice(option), Kind::Scale(form)) => {
            let count = i128::from(form.range.min) + i128::from(*option);
            write!(text, ",{}", number(&form.range, count))
        }
        (Response::YesNo(yes), _) => write!(text, ",{}", u8::from(*yes)),
        (Response::Choice(option), _) => write!(text, ",{option}"),
        (Response::Choices(chosen), Kind::Choices(choices)) => (0..)
            .zip(&choices.options)
            .try_for_each(|(option, _)| write!(text, ",{}", u8::from(chosen.contains(&option)))),
        (Response::Number(_) | Response::Choices(_), _) => {
            unreachable!("the responses are to these items")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questionnaires;

    const ALL_KINDS: &str = r#"{ "title": "All kinds", "section": [{ "item": [
        { "id": "fever", "kind": "number", "text": "T?", "min": 35.0, "max": 42.0, "step": 0.5 },
        { "id": "pain", "kind": "scale", "text": "P?", "min": -1, "max": 3 },
        { "id": "smoker", "kind": "yes-no", "text": "S?", "optional": true },
        { "id": "arm", "kind": "choice", "text": "A?", "option": [{ "text": "a" }, { "text": "b" }] },
        { "id": "ill", "kind": "choices", "text": "I?", "optional": true, "at_most": 2,
          "option": [{ "text": "a" }, { "text": "b" }, { "text": "c" }] }
    ] }] }"#;

    #[test]
    fn every_kind_of_answer_is_a_plain_number() {
        let form = questionnaires::read("all.json", ALL_KINDS.as_bytes()).unwrap().form;
        let answers = [
            vec![
                Response::Number(75),
                Response::Choice(0),
                Response::YesNo(true),
                Response::Choice(1),
                Response::Choices(vec![0, 2]),
            ],
            vec![
                Response::Number(70),
                Response::Choice(4),
                Response::None,
                Response::Choice(0),
                Response::None,
            ],
        ];
        assert_eq!(
            answers_csv(&form, &answers),
            "patient,fever,pain,smoker,arm,ill__0,ill__1,ill__2\r\n\
             1,37.5,-1,1,1,1,0,1\r\n2,35.0,3,,0,,,\r\n"
        );
    }
}
