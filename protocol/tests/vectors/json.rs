//! Reading and writing the vectors: bytes are hexadecimal text, 128-bit numbers decimal text.

use std::fmt::Write as _;

use serde_json::Value;

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "two digits a byte: {text}");
    let digits = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {object}"))
}

pub(crate) fn bytes(object: &Value, key: &str) -> Vec<u8> {
    unhex(text(object, key))
}

pub(crate) fn array<const N: usize>(object: &Value, key: &str) -> [u8; N] {
    bytes(object, key).try_into().expect("an array of its length")
}

pub(crate) fn number(object: &Value, key: &str) -> u64 {
    object[key].as_u64().unwrap_or_else(|| panic!("{key} is a number in {object}"))
}

pub(crate) fn small(object: &Value, key: &str) -> u8 {
    u8::try_from(number(object, key)).expect("a number below 256")
}

pub(crate) fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().unwrap_or_else(|| panic!("{key} is a list in {object}"))
}

/// What is called `name` in a file: a member's text, or the `hex` of the object of that name.
pub(crate) fn find<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    match value {
        Value::Object(object) => {
            if object.get("name").and_then(Value::as_str) == Some(name)
                && let Some(Value::String(hex)) = object.get("hex")
            {
                return Some(hex);
            }
            if let Some(Value::String(text)) = object.get(name) {
                return Some(text);
            }
            object.values().find_map(|value| find(value, name))
        }
        Value::Array(array) => array.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

/// The bytes that are called `name` in a file.
pub(crate) fn named(file: &Value, name: &str) -> Vec<u8> {
    unhex(find(file, name).unwrap_or_else(|| panic!("the vectors have a {name}")))
}
