//! A file as a tree, be it JSON or TOML: every value with the byte where it stands, numbers as they are written.

use core::fmt;
use std::borrow::Cow;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problems, quoted};

/// How deep values may stand in one another.
const DEPTH_MAX: usize = 40;

/// How many values a file may have.
const VALUES_MAX: usize = 200_000;

/// A value, and where it stands.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: usize,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    /// Nothing, which is as if the key were not there.
    Null,
    Flag(bool),
    /// As it is written, but in decimal.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// In the order of the file; no two keys are the same.
    Table(Vec<(String, Node<'a>)>),
    /// A date or a time of TOML.
    Time,
}

impl Value<'_> {
    /// What it is, in words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Time => "a time",
        }
    }
}

impl<'a> Node<'a> {
    /// What stands under `key`, if it is a table and has it.
    pub(super) fn entry(&self, key: &str) -> Option<&Self> {
        let Value::Table(entries) = &self.value else { return None };
        let entry = entries.iter().find(|(name, _)| name == key);
        entry.map(|(_, node)| node).filter(|node| !matches!(node.value, Value::Null))
    }

    /// Its elements, if it is a list.
    pub(super) fn elements(&self) -> &[Node<'a>] {
        if let Value::List(elements) = &self.value { elements } else { &[] }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

/// What bounds the building of a tree.
struct Builder<'a, 'p> {
    source: &'a str,
    problems: &'p mut Problems<'a>,
    values: usize,
}

/// Why there is no tree; the problem is reported.
struct Refused;

/// The tree of a JSON text; `None` if it is none, which is then reported.
pub(super) fn from_json<'a>(source: &'a str, problems: &mut Problems<'a>) -> Option<Node<'a>> {
    let raw: &RawValue = match serde_json::from_str(source) {
        Ok(raw) => raw,
        Err(error) => {
            let before: usize = source
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let at = before + error.column().saturating_sub(1);
            let place = Place::document().at(at.min(source.len()));
            problems.report(&place, format!("this is not JSON: {}", reason(&error)));
            return None;
        }
    };
    let mut builder = Builder { source, problems, values: 0 };
    builder.json(raw, 0).ok()
}

/// What serde says, without the position, which the place has.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |end| text[..end].to_owned())
}

/// The tree of a TOML text; `None` if it is none, which is then reported.
pub(super) fn from_toml<'a>(source: &'a str, problems: &mut Problems<'a>) -> Option<Node<'a>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let place = Place::document();
        let place = error.span().map_or(place.clone(), |span| place.at(span.start));
        problems.report(&place, format!("this is not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    let mut builder = Builder { source, problems, values: 0 };
    builder.toml_table(0, table.into_inner(), 0).ok()
}

impl<'a> Builder<'a, '_> {
    fn count(&mut self, at: usize, depth: usize) -> Result<(), Refused> {
        self.values += 1;
        let place = Place::document().at(at);
        if depth > DEPTH_MAX {
            let message = format!("values stand in one another more than {DEPTH_MAX} deep here");
            self.problems.report(&place, message);
            return Err(Refused);
        }
        if self.values > VALUES_MAX {
            let message = format!("the file has more than {VALUES_MAX} values; split it");
            self.problems.report(&Place::document(), message);
            return Err(Refused);
        }
        Ok(())
    }

    fn json(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node<'a>, Refused> {
        let text = raw.get();
        // A raw value borrows from the source.
        let at = (text.as_ptr() as usize).saturating_sub(self.source.as_ptr() as usize);
        self.count(at, depth)?;
        let place = Place::document().at(at);
        let value = match text.as_bytes().first() {
            Some(b'{') => {
                let mut deserializer = serde_json::Deserializer::from_str(text);
                let Ok(entries) = deserializer.deserialize_map(Entries) else {
                    self.problems.report(&place, "this is not a JSON object");
                    return Err(Refused);
                };
                let mut table: Vec<(String, Node<'a>)> = Vec::with_capacity(entries.len());
                let mut names = std::collections::HashSet::with_capacity(entries.len());
                for (name, raw) in entries {
                    if !names.insert(name.clone()) {
                        let message = format!("{} is there twice; remove one", quoted(&name));
                        self.problems.report(&place, message);
                    }
                    table.push((name, self.json(raw, depth + 1)?));
                }
                Value::Table(table)
            }
            Some(b'[') => {
                let Ok(elements) = serde_json::from_str::<Vec<&'a RawValue>>(text) else {
                    self.problems.report(&place, "this is not a JSON array");
                    return Err(Refused);
                };
                let elements = elements.into_iter().map(|raw| self.json(raw, depth + 1));
                Value::List(elements.collect::<Result<_, _>>()?)
            }
            Some(b'"') => match serde_json::from_str::<String>(text) {
                Ok(text) => Value::Text(text.into()),
                Err(error) => {
                    let message = format!("this text cannot be read: {}", reason(&error));
                    self.problems.report(&place, message);
                    return Err(Refused);
                }
            },
            Some(b't') => Value::Flag(true),
            Some(b'f') => Value::Flag(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(text.into()),
        };
        Ok(Node { at, value })
    }

    fn toml_table(
        &mut self,
        at: usize,
        table: DeTable<'a>,
        depth: usize,
    ) -> Result<Node<'a>, Refused> {
        self.count(at, depth)?;
        // Tables come sorted by key; the file's order is that of the keys' places.
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let at = key.span().start;
            let name = key.into_inner().into_owned();
            Ok((name, self.toml(value, at, depth + 1)?))
        });
        Ok(Node { at, value: Value::Table(entries.collect::<Result<_, _>>()?) })
    }

    /// The value under a key that stands at `key`.
    fn toml(
        &mut self,
        value: Spanned<DeValue<'a>>,
        key: usize,
        depth: usize,
    ) -> Result<Node<'a>, Refused> {
        let span = value.span();
        let at = if span.is_empty() { key } else { span.start };
        let value = match value.into_inner() {
            DeValue::Table(table) => return self.toml_table(at, table, depth),
            DeValue::Array(array) => {
                self.count(at, depth)?;
                let elements = array.into_iter().map(|element| self.toml(element, at, depth + 1));
                Value::List(elements.collect::<Result<_, _>>()?)
            }
            DeValue::String(text) => Value::Text(text),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Integer(integer) => {
                let decimal = i128::from_str_radix(integer.as_str(), integer.radix());
                // What an i128 does not hold is refused where a number is wanted.
                let text = decimal.map_or_else(|_| integer.to_string(), |whole| whole.to_string());
                Value::Number(text.into())
            }
            DeValue::Float(float) => Value::Number(float.as_str().to_owned().into()),
            DeValue::Datetime(_) => Value::Time,
        };
        if !matches!(value, Value::List(_)) {
            self.count(at, depth)?;
        }
        Ok(Node { at, value })
    }
}

/// The entries of a JSON object, in their order, with those that are there twice.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(source: &str) -> Result<Node<'_>, Vec<String>> {
        let mut problems = Problems::new(source);
        let tree = from_json(source, &mut problems);
        problems
            .or(tree)
            .map_err(|errors| errors.problems.iter().map(ToString::to_string).collect())
    }

    fn toml(source: &str) -> Result<Node<'_>, Vec<String>> {
        let mut problems = Problems::new(source);
        let tree = from_toml(source, &mut problems);
        problems
            .or(tree)
            .map_err(|errors| errors.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn numbers_stay_as_they_are_written_and_values_know_their_place() {
        let source = "{\"a\": [0.50, 1e3],\n \"b\": null}";
        let tree = json(source).unwrap();
        let list = tree.entry("a").unwrap();
        assert_eq!(list.at, source.find('[').unwrap());
        assert!(matches!(&list.elements()[0].value, Value::Number(number) if number == "0.50"));
        assert!(tree.entry("b").is_none());
        let source = "z = 0x1F\na = 0.50\nt = { en = 'x', da = 'y' }\n[[s]]\n";
        let tree = toml(source).unwrap();
        assert!(matches!(&tree.entry("z").unwrap().value, Value::Number(number) if number == "31"));
        assert!(
            matches!(&tree.entry("a").unwrap().value, Value::Number(number) if number == "0.50")
        );
        assert_eq!(tree.entry("a").unwrap().at, source.find("0.50").unwrap());
        let Value::Table(entries) = &tree.value else { panic!("a table") };
        let names: Vec<_> = entries.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["z", "a", "t", "s"], "in the order of the file");
    }

    #[test]
    fn what_is_no_file_is_told_with_its_line() {
        assert_eq!(
            json("{\n  \"a\": ,}").unwrap_err(),
            ["line 2, column 8: this is not JSON: expected value"]
        );
        assert_eq!(
            json("{\"a\": 1, \"a\": 2}").unwrap_err(),
            ["line 1, column 1: \"a\" is there twice; remove one"]
        );
        let errors = toml("a = \nb = = 1\n").unwrap_err();
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[0].starts_with("line 2, column 5: this is not TOML"), "{errors:?}");
    }

    #[test]
    fn deep_and_huge_files_are_refused() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(json(&deep(DEPTH_MAX)).is_ok());
        assert!(json(&deep(DEPTH_MAX + 1)).unwrap_err()[0].contains("40 deep"));
        assert!(json(&deep(100_000)).is_err());
        assert!(
            json(&format!("[{}1]", "1,".repeat(VALUES_MAX))).unwrap_err()[0].contains("200000")
        );
        assert!(toml(&format!("a = {}", deep(DEPTH_MAX + 1))).unwrap_err()[0].contains("deep"));
        assert!(toml(&format!("a = {}", deep(100_000))).is_err());
        assert!(toml(&format!("{} = 1", vec!["a"; 100_000].join("."))).is_err());
        assert!(toml(&format!("[{}]", vec!["a"; 100_000].join("."))).is_err());
    }
}
