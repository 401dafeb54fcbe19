//! A look at a store from outside, whether a hospital runs on it or not.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use wardsum_protocol::Timestamp;
use wardsum_protocol::round::Record;

use super::data_dir::DATABASE;
use super::error::{Fault, StoreError};
use super::store_row::StoreRow;
use super::{StoredRound, journal, opening, rounds, schema, wal};

/// One state of a store, opened read-only and without the directory's lock. A hospital that runs goes on
/// unhindered, and what it stores meanwhile is not seen.
pub struct Snapshot {
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
}

impl Snapshot {
    /// Opens the store of a data directory as it is now.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(DATABASE);
        if !file.exists() {
            let found = format!("it holds no {DATABASE}");
            return Err(StoreError::Foreign { dir: dir.to_owned(), found });
        }
        // Read before the database, which can only be further then.
        let acknowledged = opening::acknowledged(dir)?;
        match wal::check_database(&file) {
            Ok(None) => {}
            Ok(Some(what)) => return Err(StoreError::damaged(&file, what)),
            Err(error) => return Err(StoreError::io(&file, error)),
        }
        let connection = schema::open_reader(&file)?;
        let checked = begin(&connection, &file, acknowledged);
        checked.map_err(|fault| fault.of(&file))?;
        Ok(Self { connection, file })
    }
}

impl Snapshot {
    /// All rounds, in the order in which they were opened.
    pub fn rounds(&self) -> Result<Vec<StoredRound>, StoreError> {
        let read = || rounds::all(&StoreRow::load(&self.connection)?, &self.connection);
        read().map_err(|fault| fault.of(&self.file))
    }

    /// A round's records in order, as [`Store::records`](super::Store::records) reads them.
    pub fn records(&self, round: &StoredRound) -> Result<Vec<(Timestamp, Record)>, StoreError> {
        let read = || {
            let progress = super::progress(round.key, &self.connection)?;
            journal::read(round.key, &progress, &self.connection)
        };
        read().map_err(|fault| fault.of(&self.file))
    }
}

/// Fixes the state that is seen, and checks that it is a store's.
fn begin(connection: &Connection, file: &Path, acknowledged: u64) -> Result<(), Fault> {
    connection.execute_batch("BEGIN")?;
    schema::check(connection, file)?;
    opening::refuse_lost(StoreRow::load(connection)?.commits, acknowledged)
}
