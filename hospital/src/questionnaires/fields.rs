//! The entries of a table, taken one by one. What has the wrong kind is reported where it stands, and reads as absent.

use std::collections::BTreeSet;

use super::decimal::Decimal;
use super::problem::{Place, Problems, quoted};
use super::tree::{Node, Value};

/// A table that is being read.
pub(super) struct Fields<'n, 'a> {
    node: &'n Node<'a>,
    pub(super) place: Place,
    /// The keys that were asked for.
    known: BTreeSet<&'static str>,
}

impl<'n, 'a> Fields<'n, 'a> {
    /// The entries of the table at `place`; `None` if it is no table, which is then reported.
    pub(super) fn of(node: &'n Node<'a>, place: &Place, problems: &mut Problems) -> Option<Self> {
        let place = place.clone().at(node.at);
        if matches!(node.value, Value::Table(_)) {
            return Some(Self { node, place, known: BTreeSet::new() });
        }
        problems.report(&place, format!("this is {}; give a table", node.value.name()));
        None
    }

    /// What stands under `key`, and where.
    pub(super) fn take(&mut self, key: &'static str) -> Option<(&'n Node<'a>, Place)> {
        self.known.insert(key);
        self.node.entry(key).map(|node| (node, self.place.part(key).at(node.at)))
    }

    /// Reports a key that has to be there and is not.
    pub(super) fn missing(&self, key: &str, what: &str, problems: &mut Problems) {
        problems.report(&self.place.part(key), format!("this is missing; give {what}"));
    }

    /// What `read` makes of the value under `key`; reported if that is nothing.
    fn read<T>(
        &mut self,
        key: &'static str,
        what: &str,
        problems: &mut Problems,
        read: impl FnOnce(&'n Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let (node, place) = self.take(key)?;
        let value = read(&node.value);
        if value.is_none() {
            problems.report(&place, format!("this is {}; give {what}", node.value.name()));
        }
        value
    }

    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'n str> {
        self.read(key, "a text", problems, |value| match value {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    }

    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        self.read(key, "true or false", problems, |value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A decimal number, or a text of its digits.
    pub(super) fn decimal(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<(Decimal, Place)> {
        let (node, place) = self.take(key)?;
        decimal(node, &place, problems).map(|decimal| (decimal, place))
    }

    /// The elements of a list, and where each stands.
    pub(super) fn list(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Vec<(&'n Node<'a>, Place)> {
        let elements = self.read(key, "a list", problems, |value| match value {
            Value::List(elements) => Some(elements),
            _ => None,
        });
        let place = self.place.part(key);
        let indexed = |(index, node): (usize, &'n Node<'a>)| {
            let mut place = place.clone().at(node.at);
            place.path = format!("{}[{index}]", place.path);
            (node, place)
        };
        elements.into_iter().flatten().enumerate().map(indexed).collect()
    }

    /// Reports every key that nothing asked for. `elsewhere` says of a key why it does not belong here, if it is known
    /// in other tables.
    pub(super) fn finish(
        &self,
        elsewhere: impl Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) {
        let Value::Table(entries) = &self.node.value else { return };
        for (key, node) in entries {
            if self.known.contains(&**key) {
                continue;
            }
            let message = elsewhere(key).unwrap_or_else(|| {
                let known: Vec<&str> = self.known.iter().copied().collect();
                format!("there is no {} here; there is: {}", quoted(key), known.join(", "))
            });
            let mut shown = quoted(key);
            if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
                shown = shown.trim_matches('"').to_owned();
            }
            problems.report(&self.place.part(&shown).at(node.at), message);
        }
    }
}

/// The decimal number that `node` is; reported if it is none.
pub(super) fn decimal(node: &Node, place: &Place, problems: &mut Problems) -> Option<Decimal> {
    let (Value::Number(text) | Value::Text(text)) = &node.value else {
        problems.report(place, format!("this is {}; give a number", node.value.name()));
        return None;
    };
    let decimal = Decimal::parse(text);
    if decimal.is_none() {
        let message = format!("{} is no decimal number of up to 38 digits", quoted(text));
        problems.report(place, message);
    }
    decimal
}
