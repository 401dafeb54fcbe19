//! The file that says which invitations to take back: one number on each line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;
use wardsum_protocol::study::MAXIMUM_COHORT;

/// Numbers of invitations: at least one, and no more than a round has people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serials(Vec<u32>);

/// Why a file does not say which invitations to take back.
#[derive(Debug, Error)]
pub enum SerialsError {
    /// The file cannot be read.
    #[error("the list of invitations {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A line that is no number.
    #[error(
        "{path}, line {line}: {text:?} is not the number of an invitation; write one number on each \
         line, and `#` before a remark",
        path = .path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// No number at all.
    #[error("{path} names no invitation", path = .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// More numbers than a round has people.
    #[error(
        "{path} names {count} invitations; a study has no more than {MAXIMUM_COHORT} people",
        path = .path.display()
    )]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

impl Serials {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, SerialsError> {
        let text = fs::read_to_string(path)
            .map_err(|source| SerialsError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for messages only. What is there twice counts once.
    fn parse(text: &str, path: &Path) -> Result<Self, SerialsError> {
        let path = || path.to_owned();
        let mut serials = BTreeSet::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let Ok(serial) = text.parse::<u32>() else {
                return Err(SerialsError::Line { path: path(), line, text: text.to_owned() });
            };
            serials.insert(serial);
        }
        match serials.len() {
            0 => Err(SerialsError::Empty { path: path() }),
            count if count > MAXIMUM_COHORT as usize => {
                Err(SerialsError::TooMany { path: path(), count })
            }
            _ => Ok(Self(serials.into_iter().collect())),
        }
    }

    /// The numbers, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<u32> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<u32>, String> {
        Serials::parse(text, Path::new("lost.txt"))
            .map(Serials::into_vec)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_has_a_number_on_each_line() {
        assert_eq!(parse("# lost in the post\n17\n\n 3 # came back\n17\n"), Ok(vec![3, 17]));
    }

    #[test]
    fn what_is_no_number_is_shown_with_its_line() {
        for text in ["seven", "-1", "1, 2", "4294967296"] {
            let said = parse(&format!("1\n# two\n{text}\n")).unwrap_err();
            assert!(said.contains("lost.txt, line 3") && said.contains(text), "{said}");
        }
    }

    #[test]
    fn nothing_and_more_than_everybody_are_refused() {
        assert!(parse("# none\n").unwrap_err().contains("names no invitation"));
        let list = |len: u32| {
            let serials = (1..=len).map(|serial| serial.to_string());
            serials.collect::<Vec<_>>().join("\n")
        };
        assert!(parse(&list(MAXIMUM_COHORT)).is_ok());
        assert!(parse(&list(MAXIMUM_COHORT + 1)).unwrap_err().contains("names 100001"));
    }
}
