//! The patient's own answers as a `QuestionnaireResponse` of FHIR R4, for the patient to keep.
//!
//! It is put together in the page and sent nowhere. The numbers in it are exact, which they would not be if they went
//! through JavaScript's.

use wardsum_peer::protocol::form::{Coding, Form, ItemForm, Kind, OptionForm, Steps};
use wardsum_peer::protocol::questionnaire::Response;

use crate::answer::of_steps;
use crate::text;

/// The type of a file in it.
pub(crate) const MEDIA_TYPE: &str = "application/fhir+json";

/// The text of a file with these responses. Who has given them is not in it, nor is when.
pub(crate) fn questionnaire_response(form: &Form, responses: &[Response]) -> String {
    let mut json = Json::default();
    json.begin('{');
    json.key("resourceType").text("QuestionnaireResponse");
    json.key("status").text("completed");
    json.key("item").begin('[');
    for (item, response) in form.items().zip(responses) {
        json.begin('{');
        json.key("linkId").text(&item.id.0);
        json.key("text").text(&text::of(&item.text));
        answers(&mut json, item, response);
        json.end('}');
    }
    json.end(']');
    json.end('}');
    json.0.push('\n');
    json.0
}

fn answers(json: &mut Json, item: &ItemForm, response: &Response) {
    let chosen = |options: &[u16], of: &[OptionForm]| -> Vec<OptionForm> {
        options.iter().filter_map(|option| of.get(usize::from(*option)).cloned()).collect()
    };
    let options = match (response, &item.kind) {
        (Response::YesNo(yes), _) => {
            return answer(json, |json| json.key("valueBoolean").plain(&yes.to_string()));
        }
        (Response::Number(steps), Kind::Number(number)) => {
            return answer(json, |json| self::steps(json, &number.range, *steps));
        }
        (Response::Choice(option), Kind::Scale(scale)) => {
            let steps = i128::from(scale.range.min).saturating_add((*option).into());
            return answer(json, |json| self::steps(json, &scale.range, steps));
        }
        (Response::Choice(option), Kind::Choice(options)) => chosen(&[*option], options),
        (Response::Choices(some), Kind::Choices(choices)) => chosen(some, &choices.options),
        // An item without an answer was not answered.
        _ => return,
    };
    // An empty list is none in FHIR.
    if !options.is_empty() {
        json.key("answer").begin('[');
        for OptionForm { code: Coding { system, code }, text, .. } in &options {
            json.begin('{').key("valueCoding").begin('{');
            for (key, value) in [("system", system), ("code", code)] {
                if !value.0.is_empty() {
                    json.key(key).text(&value.0);
                }
            }
            json.key("display").text(&text::of(text));
            json.end('}').end('}');
        }
        json.end(']');
    }
}

/// A single answer.
fn answer(json: &mut Json, value: impl FnOnce(&mut Json)) {
    json.key("answer").begin('[').begin('{');
    value(json);
    json.end('}').end(']');
}

/// So many steps: an integer of FHIR has 32 bits, and a decimal as many digits as it takes.
fn steps(json: &mut Json, range: &Steps, count: i128) {
    let Some(number) = of_steps(range, count) else { return };
    let integer = number.decimals == 0 && i32::try_from(number.mantissa).is_ok();
    json.key(if integer { "valueInteger" } else { "valueDecimal" }).plain(&number.to_string());
}

/// JSON that is being written.
#[derive(Default)]
struct Json(String);

impl Json {
    fn begin(&mut self, bracket: char) -> &mut Self {
        self.separate();
        self.0.push(bracket);
        self
    }

    fn end(&mut self, bracket: char) -> &mut Self {
        self.0.push(bracket);
        self
    }

    fn key(&mut self, key: &str) -> &mut Self {
        self.text(key);
        self.0.push(':');
        self
    }

    fn plain(&mut self, value: &str) {
        self.0.push_str(value);
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.0.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                '\n' => self.0.push_str("\\n"),
                // No text of a study has any other control character.
                character => self.0.push(character),
            }
        }
        self.0.push('"');
    }

    /// What comes after something else in a list or an object.
    fn separate(&mut self) {
        if self.0.ends_with(|last| !matches!(last, '{' | '[' | ':')) && !self.0.is_empty() {
            self.0.push(',');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wardsum_peer::protocol::form::{ChoicesForm, Section};
    use wardsum_peer::protocol::wire::Flag;

    use super::*;
    use crate::answer::tests::{item, number, options, scale};

    fn coded(mut options: Vec<OptionForm>) -> Vec<OptionForm> {
        options[1].code = Coding { system: "http://loinc.org".into(), code: "LA33-6".into() };
        options
    }

    fn form() -> Form {
        let mut declined = item("declined", Kind::YesNo);
        declined.optional = Flag(true);
        let three = options(&["a", "b \"quoted\"", "c\\"]);
        let several = ChoicesForm { options: three.clone(), at_most: 3 };
        let first = vec![
            item("smokes", Kind::YesNo),
            item("temperature", number(70, 84, 5, 1)),
            item("cells", number(0, i64::MAX.into(), 1, 0)),
        ];
        let second = vec![
            item("pain", scale(-5, 5)),
            item("one", Kind::Choice(coded(three))),
            item("several", Kind::Choices(several.clone())),
            item("none", Kind::Choices(several)),
            declined,
        ];
        let sections = [first, second].map(|items| Section { items, ..Section::default() });
        Form { sections: sections.into(), ..Form::default() }
    }

    #[test]
    fn every_kind_of_answer_is_told_as_fhir_has_it() {
        let responses = [
            Response::YesNo(false),
            Response::Number(73),
            Response::Number(9_007_199_254_740_993),
            Response::Choice(2),
            Response::Choice(1),
            Response::Choices(vec![0, 1, 2]),
            Response::Choices(vec![]),
            Response::None,
        ];
        let written = questionnaire_response(&form(), &responses);
        let read: Value = serde_json::from_str(&written).expect("it is JSON");
        let answered =
            |id: &str, answer: Value| json!({ "linkId": id, "text": id, "answer": answer });
        let display = |text: &str| json!({ "valueCoding": { "display": text } });
        let code =
            json!({ "system": "http://loinc.org", "code": "LA33-6", "display": "b \"quoted\"" });
        let expected = json!({
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "item": [
                answered("smokes", json!([{ "valueBoolean": false }])),
                answered("temperature", json!([{ "valueDecimal": 36.5 }])),
                answered("cells", json!([{ "valueDecimal": 9_007_199_254_740_993_i64 }])),
                answered("pain", json!([{ "valueInteger": -3 }])),
                answered("one", json!([{ "valueCoding": code }])),
                answered("several", json!([display("a"), display("b \"quoted\""), display("c\\")])),
                { "linkId": "none", "text": "none" },
                { "linkId": "declined", "text": "declined" },
            ],
        });
        assert_eq!(read, expected);
        // As it was typed, digit for digit.
        assert!(written.contains("\"valueDecimal\":36.5}"), "{written}");
    }
}
