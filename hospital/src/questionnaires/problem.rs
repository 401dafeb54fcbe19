//! What is wrong with a file, and where: all of it, not only what comes first.

use core::fmt;

use serde::Serialize;
use thiserror::Error;

/// The most problems that are told of one file. Whoever has solved these is told the next.
pub const PROBLEMS_MAX: usize = 100;

/// How much of a text from the file a message repeats, in characters.
const QUOTED_MAX: usize = 60;

/// One thing that is wrong with a file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: `section[0].item[2].min` in a document, counted from zero as in JSON; `item linkId "/44250-9"` in a
    /// questionnaire of FHIR. Empty where it is the file as a whole.
    pub place: String,
    /// The line, from 1 on, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in characters, from 1 on, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that was found wrong with a file: at least one problem, and no more than [`PROBLEMS_MAX`].
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[error("{}", lines(problems))]
pub struct ImportErrors {
    /// The problems, in the order in which they were found.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A place in a file: a path that people can follow, and the byte where it begins, if that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) at: Option<usize>,
    /// What stands between the parts of the path.
    separator: &'static str,
}

impl Place {
    /// The whole of a document, whose paths read like `section[0].title`.
    pub(super) fn document() -> Self {
        Self { separator: ".", ..Self::default() }
    }

    /// The whole of a questionnaire of FHIR, whose paths read like `item linkId "1", text`.
    pub(super) fn fhir() -> Self {
        Self { separator: ", ", ..Self::default() }
    }

    /// A part of it.
    pub(super) fn part(&self, name: &str) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}{}{name}", self.path, self.separator)
        };
        Self { path, ..self.clone() }
    }

    /// The same place, which begins at this byte.
    pub(super) fn at(self, at: usize) -> Self {
        Self { at: Some(at), ..self }
    }
}

/// The problems that were found so far.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    source: &'a str,
    found: Vec<Problem>,
    /// How many were found and not kept.
    more: usize,
}

impl<'a> Problems<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, found: Vec::new(), more: 0 }
    }

    pub(super) fn report(&mut self, place: &Place, message: impl Into<String>) {
        if self.found.len() + 1 >= PROBLEMS_MAX {
            self.more += 1;
            return;
        }
        let position = place.at.map(|at| position(self.source, at)).unzip();
        let (path, message) = (place.path.clone(), message.into());
        self.found.push(Problem { place: path, line: position.0, column: position.1, message });
    }

    /// Where a place is, for a message about another one.
    pub(super) fn located(&self, place: &Place) -> String {
        match place.at.map(|at| position(self.source, at)) {
            Some((line, column)) => format!("line {line}, column {column}"),
            None => place.path.clone(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// `value`, if there is no problem.
    pub(super) fn or<T>(mut self, value: Option<T>) -> Result<T, ImportErrors> {
        if self.more > 0 {
            let message = format!("there are {} more problems; solve these first", self.more);
            let place = String::new();
            self.found.push(Problem { place, line: None, column: None, message });
        }
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(ImportErrors { problems: self.found }),
        }
    }
}

/// Line and column of a byte, both from 1 on.
fn position(source: &str, at: usize) -> (usize, usize) {
    let before = source.as_bytes().get(..at).unwrap_or(source.as_bytes());
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let is_character = |byte: &&u8| (**byte & 0b1100_0000) != 0b1000_0000;
    let line = before.split(|byte| *byte == b'\n').count();
    (line, before[line_start..].iter().filter(is_character).count() + 1)
}

/// A text from the file as a message repeats it: in quotes, escaped, and not the whole of a long one.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_in_characters() {
        let source = "ä = 1\nöö = x";
        assert_eq!(position(source, 0), (1, 1));
        assert_eq!(position(source, source.find('=').unwrap()), (1, 3));
        assert_eq!(position(source, source.find('x').unwrap()), (2, 6));
        assert_eq!(position(source, 1_000), (2, 7));
    }

    #[test]
    fn no_more_problems_are_told_than_somebody_can_read() {
        let mut problems = Problems::new("");
        for _ in 0..1_000 {
            problems.report(&Place::document(), "wrong");
        }
        assert_eq!(problems.count(), 1_000);
        let errors = problems.or(Some(())).unwrap_err();
        assert_eq!(errors.problems.len(), PROBLEMS_MAX);
        assert!(errors.problems.last().unwrap().message.starts_with("there are 901 more"));
    }

    #[test]
    fn long_texts_are_not_repeated_whole() {
        assert_eq!(quoted("a\nb"), "\"a\\nb\"");
        assert_eq!(quoted(&"ä".repeat(1_000)).chars().count(), QUOTED_MAX + 3);
    }
}
