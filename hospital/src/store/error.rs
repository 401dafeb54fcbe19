//! What can go wrong with a store, typed by who can mend it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use thiserror::Error;
use wardsum_protocol::StudyDigest;

use super::{ResearcherName, StudyState};

/// Why a store does not do what it was asked. Each text says what to do.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The machine: no room. Nothing that was committed is lost.
    #[error("the disk that holds {} is full; make room, and the hospital goes on by itself", .file.display())]
    Full {
        /// The store's file.
        file: PathBuf,
    },
    /// The machine: no permission to write, or a disk that was mounted read-only.
    #[error(
        "{} cannot be written to; check its permissions and whether its disk is read-only",
        .file.display()
    )]
    ReadOnly {
        /// The store's file.
        file: PathBuf,
    },
    /// The machine: another program holds the store's lock.
    #[error("another program has locked {}; end it, and the hospital goes on by itself", .file.display())]
    Locked {
        /// The store's file.
        file: PathBuf,
    },
    /// The machine: anything else that the operating system refuses.
    #[error("{} cannot be used: {source}", .file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What the operating system or SQLite says.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The configuration: a second hospital on one directory.
    #[error(
        "another hospital is using {}; stop it, or choose another directory with --data",
        .dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// The configuration: a directory that holds other things.
    #[error(
        "{} is not a Wardsum data directory: {found}; choose an empty or a new one with --data",
        .dir.display()
    )]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// What is there, or is missing.
        found: String,
    },
    /// The file: not what was written.
    #[error(
        "{} is damaged: {what}; keep it for inspection, and restore the latest backup: copy that into \
         an empty directory as wardsum.sqlite3 and use this directory with --data",
        .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The file: written by a newer hospital.
    #[error(
        "{} has schema version {found}, and this hospital knows only up to {known}; use the newer \
         hospital that wrote it, or another directory with --data",
        .file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The file: another application's database.
    #[error(
        "{} is a database, but not a Wardsum store (its application id is {found:#x}); choose another \
         directory with --data, or restore the latest backup if it once was one",
        .file.display()
    )]
    NotAStore {
        /// The file.
        file: PathBuf,
        /// The application id that it has.
        found: i64,
    },
    /// The caller: there is no such round.
    #[error("the store has no such round")]
    UnknownRound,
    /// The caller: this study's round is there already.
    #[error("the store already has a round with digest {digest}")]
    RoundExists {
        /// The digest of its study.
        digest: StudyDigest,
    },
    /// The caller: sealed shares are needed until a round is over.
    #[error("the round is not over, so its sealed shares are still needed")]
    RoundNotOver,
    /// The caller: the round's sealed shares were erased.
    #[error("the sealed shares of this round were erased")]
    Erased,
    /// An earlier append of this round failed, and nobody has resumed it.
    #[error(
        "an earlier record of this round could not be stored, so later ones are not stored either"
    )]
    Halted,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The caller: somebody has this name, and a token that is still accepted.
    #[error(
        "there is a researcher {name} already; revoke the token with `hospital researcher revoke {name}`, or \
         choose another name"
    )]
    ResearcherExists {
        /// The name.
        name: ResearcherName,
    },
    /// The caller: nobody to revoke.
    #[error(
        "there is no researcher {name} whose token could be revoked; `hospital researcher list` names all"
    )]
    UnknownResearcher {
        /// The name.
        name: ResearcherName,
    },
    /// The caller: an id stands for one study for ever.
    #[error("there is a study \"{id}\" already, which is {state}; choose another id")]
    StudyExists {
        /// The id.
        id: String,
        /// Where that study stands.
        state: StudyState,
    },
    /// The caller: the study is not in the state that it was seen in.
    #[error("study \"{id}\" was changed by somebody else meanwhile; look at it again")]
    StudyChanged {
        /// The id.
        id: String,
    },
    /// The configuration: no study of that name.
    #[error("the store has no study \"{study}\"; it has {known}")]
    UnknownStudy {
        /// What was asked for.
        study: String,
        /// What there is.
        known: String,
    },
    /// The configuration: a backup never replaces a file.
    #[error("{} exists already; choose another file with --to", .file.display())]
    TargetExists {
        /// The file.
        file: PathBuf,
    },
}

impl StoreError {
    /// Whether the same request may succeed later without anybody changing the configuration.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Locked { .. }
            | Self::Io { .. }
            | Self::Halted => true,
            Self::InUse { .. }
            | Self::Foreign { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::NotAStore { .. }
            | Self::UnknownRound
            | Self::RoundExists { .. }
            | Self::RoundNotOver
            | Self::Erased
            | Self::Closed
            | Self::ResearcherExists { .. }
            | Self::UnknownResearcher { .. }
            | Self::StudyExists { .. }
            | Self::StudyChanged { .. }
            | Self::UnknownStudy { .. }
            | Self::TargetExists { .. } => false,
        }
    }

    /// Whether what was asked for, by flags and files, must be changed before it can work.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Foreign { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::NotAStore { .. }
            | Self::UnknownStudy { .. }
            | Self::TargetExists { .. } => true,
            Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Locked { .. }
            | Self::Io { .. }
            | Self::InUse { .. }
            | Self::UnknownRound
            | Self::RoundExists { .. }
            | Self::RoundNotOver
            | Self::Erased
            | Self::ResearcherExists { .. }
            | Self::UnknownResearcher { .. }
            | Self::StudyExists { .. }
            | Self::StudyChanged { .. }
            | Self::Halted
            | Self::Closed => false,
        }
    }

    pub(super) fn io(file: &Path, error: io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { file },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { file },
            _ => Self::Io { file, source: Arc::new(error) },
        }
    }

    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), what: what.into() }
    }
}

/// What goes wrong below the functions that know which file they work on.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// What was read is not what was written.
    Damage(String),
    /// The caller asked for something that cannot be; nothing was written.
    Refused(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Fault {
    pub(super) fn damage<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Damage(what.into()))
    }

    /// Names the file.
    pub(super) fn of(self, file: &Path) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Damage(what) => StoreError::damaged(file, what),
            Self::Sqlite(error) => of_sqlite(error, file),
        }
    }
}

/// SQLite says "I/O error" for a file that is shorter than it must be.
const SHORT_READ: i32 = rusqlite::ffi::SQLITE_IOERR_SHORT_READ;

fn of_sqlite(error: rusqlite::Error, file: &Path) -> StoreError {
    let Some(code) = error.sqlite_error() else {
        // A value of another type, a missing row: nothing that this program ever wrote.
        return StoreError::damaged(file, error.to_string());
    };
    let named = file.to_owned();
    match code.code {
        ErrorCode::DiskFull => StoreError::Full { file: named },
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly { file: named },
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => StoreError::Locked { file: named },
        ErrorCode::SystemIoFailure if code.extended_code == SHORT_READ => {
            StoreError::damaged(file, "it ends too early")
        }
        // The statements are constant and the schema was compared: if they fail, the file is wrong.
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::Unknown
        | ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        | ErrorCode::SchemaChanged
        | ErrorCode::TooBig => StoreError::damaged(file, error.to_string()),
        _ => StoreError::Io { file: named, source: Arc::new(error) },
    }
}
