//! Responses as JavaScript writes them.

use js_sys::{Array, BigInt, Number, Reflect};
use wardsum_protocol::questionnaire::Response;
use wasm_bindgen::{JsCast, JsValue};

/// Something that is no response.
#[derive(Debug)]
pub(super) struct NotAResponse {
    /// To which question, from 1 on; `None` if there is no array at all.
    pub(super) number: Option<usize>,
}

/// A response to each question.
pub(super) fn parse(responses: &JsValue) -> Result<Vec<Response>, NotAResponse> {
    if !Array::is_array(responses) {
        return Err(NotAResponse { number: None });
    }
    let responses = (1..).zip(Array::from(responses));
    responses
        .map(|(number, value)| response(&value).ok_or(NotAResponse { number: Some(number) }))
        .collect()
}

fn response(value: &JsValue) -> Option<Response> {
    if value.is_null() {
        return Some(Response::None);
    }
    // One property says both which kind of response it is and what it says.
    let given = |name: &str| {
        let value = Reflect::get(value, &JsValue::from_str(name)).ok()?;
        Some(value).filter(|value| !value.is_undefined())
    };
    let number = given("number").map(|value| whole_number(&value).map(Response::Number));
    let yes = || given("yes").map(|value| value.as_bool().map(Response::YesNo));
    let choice = || given("choice").map(|value| option(&value).map(Response::Choice));
    let choices = || given("choices").map(|value| options(&value).map(Response::Choices));
    number.or_else(yes).or_else(choice).or_else(choices)?
}

fn options(value: &JsValue) -> Option<Vec<u16>> {
    let options = Array::is_array(value).then(|| Array::from(value))?;
    let mut options = options.iter().map(|value| option(&value)).collect::<Option<Vec<_>>>()?;
    // In whatever order they were chosen.
    options.sort_unstable();
    Some(options)
}

fn option(value: &JsValue) -> Option<u16> {
    u16::try_from(whole_number(value)?).ok()
}

/// A whole number, however JavaScript writes it.
fn whole_number(value: &JsValue) -> Option<i128> {
    if let Some(value) = value.dyn_ref::<BigInt>() {
        return String::from(value.to_string(10).ok()?).parse().ok();
    }
    let value = value.as_f64()?;
    // Above 2^53 a number may already have been rounded to another one.
    if !Number::is_safe_integer(&JsValue::from_f64(value)) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a safe integer is exact")]
    Some(value as i128)
}
