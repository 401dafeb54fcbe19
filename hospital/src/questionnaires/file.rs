//! A questionnaire in a file on this machine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{FILE_MAX, ImportErrors, Imported, read};

/// A file that no questionnaire can be taken from.
#[derive(Debug, Error)]
pub enum QuestionnaireFileError {
    /// It cannot be read at all.
    #[error("the questionnaire {file} cannot be read: {source}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// What is in it cannot be asked.
    #[error("the questionnaire {file} cannot be asked:\n{source}", file = .file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and where.
        source: ImportErrors,
    },
}

/// Reads a questionnaire from this file, whose name says what it is.
pub fn read_file(file: &Path) -> Result<Imported, QuestionnaireFileError> {
    let bytes = read_bytes(file).map_err(|source| {
        let file = file.to_owned();
        QuestionnaireFileError::Unreadable { file, source }
    })?;
    read(&file.to_string_lossy(), &bytes).map_err(|source| {
        let file = file.to_owned();
        QuestionnaireFileError::Refused { file, source }
    })
}

/// The bytes of a file, and one more than may be if there are too many: devices and pipes have no end.
fn read_bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
