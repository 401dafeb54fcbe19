//! Questionnaires from files: from TOML or JSON in this project's own shape, and from Questionnaires of FHIR R4.
//!
//! ```text
//! TOML -+-> tree: values with their places --> document: our own shape --+--> draft: what has to hold --> Imported
//! JSON -+                                  \-> fhir: a Questionnaire ----+
//! ```
//!
//! A file is read to its end whatever is wrong with it, and [all problems](ImportErrors) are told at once, each with its
//! place. Nothing is left out in silence that would change what is asked: what cannot be asked here is refused, and
//! `docs/QUESTIONNAIRES.md` says what that is. Texts stay the plain text that they are; whoever shows them must not take
//! them for markup.

mod decimal;
mod document;
mod draft;
mod fhir;
mod fields;
mod file;
mod problem;
mod tree;
mod words;
mod writing;

use wardsum_protocol::form::{Form, Text};

pub use self::file::{QuestionnaireFileError, read_file};
pub use self::problem::{ImportErrors, PROBLEMS_MAX, Problem};
use self::problem::{Place, Problems};
pub(crate) use self::writing::to_value;
pub use self::writing::{to_json, to_toml};

/// The largest file, in bytes.
pub const FILE_MAX: usize = 1 << 20;

/// The most scores.
pub const SCORES_MAX: usize = 100;

/// The longest system or code of a terminology, in bytes.
pub const CODING_MAX: usize = 255;

/// A questionnaire that was read from a file, and that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What it is called, 1 to 255 bytes in each language.
    pub title: Text,
    /// What it is about, up to 8,000 bytes in each language; may be empty.
    pub introduction: Text,
    /// What is asked, in the same languages.
    pub form: Form,
}

/// Reads a questionnaire from a file of up to [`FILE_MAX`] bytes.
///
/// `name` says by its ending what the file is: `.toml`, or `.json` for a Questionnaire of FHIR as well as for our own
/// shape; a resource of FHIR tells what it is. With any other name the first character decides.
pub fn read(name: &str, bytes: &[u8]) -> Result<Imported, ImportErrors> {
    let refused = |message: String| {
        let mut problems = Problems::new("");
        problems.report(&Place::default(), message);
        problems.or(None)
    };
    if bytes.len() > FILE_MAX {
        return refused(format!(
            "the file has {} bytes; no more than {FILE_MAX} are read",
            bytes.len()
        ));
    }
    let Ok(source) = core::str::from_utf8(bytes) else {
        return refused("the file is not in UTF-8; save it as UTF-8 text".into());
    };
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if source.trim_start().starts_with('<') {
        return refused(
            "the file is XML or HTML; only JSON and TOML are read, so export it as JSON".into(),
        );
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let json = match ending.as_deref() {
        Some("json") => true,
        Some("toml") => false,
        _ => source.trim_start().starts_with('{'),
    };
    let mut problems = Problems::new(source);
    let tree = if json {
        tree::from_json(source, &mut problems)
    } else {
        tree::from_toml(source, &mut problems)
    };
    let draft = tree.and_then(|tree| {
        if json && tree.entry("resourceType").is_some() {
            fhir::draft(&tree, &mut problems)
        } else {
            document::draft(&tree, &mut problems)
        }
    });
    let imported = draft.and_then(|draft| draft.finish(&mut problems));
    problems.or(imported)
}
