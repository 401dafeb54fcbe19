//! Why a studies file, or an entry of one, cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use wardsum_protocol::StudyError;

use crate::asked::AskedError;
use crate::limits::LimitsError;
use crate::questionnaires::QuestionnaireFileError;
use crate::study_desk::{StudyId, StudyIdError};

/// Why a studies file cannot be used. Each text says where, and what to do.
#[derive(Debug, Error)]
pub enum StudiesFileError {
    /// The file cannot be read.
    #[error("the studies file {path} cannot be read ({source}); name one with --studies FILE")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Not TOML, an unknown key, a missing field, or a value of the wrong kind.
    #[error("the studies file {path} is not valid: {source}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        source: Box<toml::de::Error>,
    },
    /// No study where there has to be one.
    #[error("the studies file {0} has no [[study]]; add one")]
    Empty(PathBuf),
    /// The questionnaire of the one study that is to be made.
    #[error(transparent)]
    Questionnaire(#[from] QuestionnaireFileError),
    /// More studies than one, where there has to be one.
    #[error("{path} has {count} studies; put one [[study]] into a file of its own")]
    Several {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// An id that cannot stand in an address.
    #[error("{place}: {source}")]
    Id {
        /// File and line.
        place: Place,
        /// The rule that it breaks.
        source: StudyIdError,
    },
    /// Two studies of one id.
    #[error("{place}: there is another study \"{id}\" on line {first}; give each its own id")]
    Duplicate {
        /// File and line of the second one.
        place: Place,
        /// Their id.
        id: StudyId,
        /// The line of the first one.
        first: usize,
    },
    /// A study that asks nothing, or nothing that can be asked.
    #[error("{place}: study \"{id}\": {source}")]
    Asked {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: StudyId,
        /// What is missing, too much or wrong.
        source: AskedError,
    },
    /// Rules that contradict each other.
    #[error("{place}: study \"{id}\": {source}")]
    Rule {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: StudyId,
        /// The rule, and what to do.
        source: StudyError,
    },
    /// An invited study without its authority.
    #[error("{place}: study \"{id}\": {source}", source = EntryError::AuthorityMissing)]
    AuthorityMissing {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: String,
    },
    /// A study that is to open again and again, although its invitations are for one round.
    #[error(
        "{place}: study \"{id}\" has invitations, which are for one round, so it cannot reopen; remove \
         `reopen = true`, and make the next round a study file of its own with `hospital invite`"
    )]
    InvitedReopens {
        /// File and line of the study.
        place: Place,
        /// Its id.
        id: StudyId,
    },
    /// Limits that contradict each other.
    #[error("{path}: {source}")]
    Limits {
        /// The file.
        path: PathBuf,
        /// Which, and what to do.
        source: LimitsError,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from one.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.path.display(), self.line)
    }
}

/// Why an entry is no study.
#[derive(Clone, Debug, Error)]
pub(crate) enum EntryError {
    /// An id that cannot stand in an address.
    #[error(transparent)]
    Id(#[from] StudyIdError),
    /// A study that is to open again and again, although its invitations are for one round.
    #[error("invitations are for one round, so a study that has them cannot reopen")]
    InvitedReopens,
    /// An invited study without its authority.
    #[error("an invited study needs the authority's public key and the instance of its round")]
    AuthorityMissing,
    /// Nothing is asked, or nothing that can be asked.
    #[error(transparent)]
    Asked(#[from] AskedError),
    /// Rules that contradict each other.
    #[error(transparent)]
    Rule(#[from] StudyError),
}

impl EntryError {
    /// The same in a file.
    pub(super) fn at(self, place: Place, id: &str) -> StudiesFileError {
        let known = |id: &str| id.parse::<StudyId>();
        match (self, known(id)) {
            (Self::Id(source), _) | (_, Err(source)) => StudiesFileError::Id { place, source },
            (Self::InvitedReopens, Ok(id)) => StudiesFileError::InvitedReopens { place, id },
            (Self::AuthorityMissing, Ok(id)) => {
                StudiesFileError::AuthorityMissing { place, id: id.to_string() }
            }
            (Self::Asked(source), Ok(id)) => StudiesFileError::Asked { place, id, source },
            (Self::Rule(source), Ok(id)) => StudiesFileError::Rule { place, id, source },
        }
    }
}
