//! Copies of a store, made while a hospital runs.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tempfile::NamedTempFile;

use super::error::{Fault, StoreError};
use super::registry::Registered;
use super::rounds::Progress;
use super::store_row::StoreRow;
use super::{Snapshot, audit, journal, rounds, schema};

impl Snapshot {
    /// Copies this state to a new file that only its owner can read, and checks every row of the copy.
    /// The file appears when it is whole and durable, under its name or not at all; a file that is there
    /// already is never replaced.
    ///
    /// The copy holds everything that the store holds, so sealed shares that are erased later
    /// live on in it.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.symlink_metadata().is_ok() {
            return Err(StoreError::TargetExists { file: to.to_owned() });
        }
        let failed = |error| StoreError::io(to, error);
        let parent = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let partial = NamedTempFile::new_in(parent).map_err(failed)?;
        self.copy(partial.path()).map_err(|fault| fault.of(to))?;
        let copy = schema::open_reader(partial.path())?;
        // What is wrong with the copy was wrong with what it was copied from.
        check(&copy, &self.file).map_err(|fault| fault.of(&self.file))?;
        drop(copy);
        partial.as_file().sync_all().map_err(failed)?;
        partial.persist_noclobber(to).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::TargetExists { file: to.to_owned() },
            _ => failed(error.error),
        })?;
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
    }

    fn copy(&self, to: &Path) -> Result<(), Fault> {
        let mut target = Connection::open(to)?;
        // Nobody uses the file before it is whole, and it is synced then.
        target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        // In one step, because a hospital that goes on writing would make every second one start over.
        let copied = Backup::new(&self.connection, &mut target)?.step(-1)?;
        if copied != StepResult::Done {
            let file = self.file.clone();
            return Err(Fault::Refused(StoreError::Locked { file }));
        }
        // A single file without a log beside it, until a hospital opens it.
        target.execute_batch("PRAGMA journal_mode = DELETE;")?;
        target.close().map_err(|(_, error)| Fault::Sqlite(error))
    }
}

/// Checks everything that a store holds, sealed messages included.
fn check(connection: &Connection, file: &Path) -> Result<(), Fault> {
    schema::check(connection, file)?;
    schema::check_structure(connection)?;
    let store = StoreRow::load(connection)?;
    audit::read(&store, connection)?;
    Registered::load(connection)?;
    for round in rounds::all(&store, connection)? {
        let Some(progress) = Progress::load(round.key, connection)? else { continue };
        journal::read(round.key, &progress, connection)?;
        if !round.erased {
            for number in 0..round.contributions {
                journal::read_sealed(round.key, &progress, number..number + 1, connection)?;
            }
        }
    }
    Ok(())
}
