//! From a directory to a store that is known to be whole.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::data_dir::{DATABASE, WITNESS};
use super::error::{Fault, StoreError};
use super::group::{Committed, Group};
use super::registry::Registered;
use super::rounds::{self, Progress};
use super::store_row::StoreRow;
use super::witness::{self, Witness};
use super::writer::Writing;
use super::{DataDir, RoundKey, audit, journal, schema, wal};

/// A store that was checked.
pub(super) struct Opened {
    pub(super) file: PathBuf,
    pub(super) reader: Connection,
    pub(super) writing: Writing,
}

/// Opens and checks the store of a directory; makes one where there is none.
///
/// Nothing is written to a file before everything was found in order, so that what is refused stays
/// as it was found.
pub(super) fn open(dir: DataDir) -> Result<Opened, StoreError> {
    let witness_path = dir.path().join(WITNESS);
    let acknowledged = acknowledged(dir.path())?;
    if acknowledged > 0 && !dir.path().join(DATABASE).exists() {
        let file = dir.path().join(DATABASE);
        return Err(StoreError::damaged(&file, "it is missing, and other parts of it are there"));
    }
    let file = dir.database()?;
    check_files(&file)?;
    let named = |fault: Fault| fault.of(&file);

    let mut connection = schema::open_writer(&file)?;
    if schema::is_blank(&connection).map_err(named)? {
        refuse_lost(0, acknowledged).map_err(named)?;
        schema::prepare_blank(&connection).map_err(named)?;
        schema::prepare_to_write(&connection).map_err(named)?;
        schema::migrate(&mut connection).map_err(named)?;
    }
    schema::check(&connection, &file).map_err(named)?;
    schema::check_structure(&connection).map_err(named)?;
    let (mut committed, erasing) = check_rows(&connection, acknowledged).map_err(named)?;
    // Only now: what is damaged is refused as it was found, and can be read by what wrote it.
    schema::prepare_to_write(&connection).map_err(named)?;
    schema::migrate(&mut connection).map_err(named)?;
    schema::may_fold_log(&connection).map_err(named)?;

    // One real write, so that a store which can only be read is refused now and not later.
    let witness =
        Witness::open(&witness_path).map_err(|error| StoreError::io(&witness_path, error))?;
    let commits =
        Group::begin(&mut connection, &mut committed).and_then(Group::commit).map_err(named)?;
    witness.note(commits).map_err(|error| StoreError::io(&witness_path, error))?;

    let reader = schema::open_reader(&file)?;
    let writing = Writing { connection, committed, witness, erasing, file: file.clone(), dir };
    Ok(Opened { file, reader, writing })
}

/// How many transactions are known to have been durable.
pub(super) fn acknowledged(dir: &Path) -> Result<u64, StoreError> {
    let path = dir.join(WITNESS);
    witness::read(&path).map_err(|error| StoreError::io(&path, error))
}

/// Looks at the files before SQLite does.
fn check_files(file: &Path) -> Result<(), StoreError> {
    let mut log = file.to_owned().into_os_string();
    log.push("-wal");
    let log = PathBuf::from(log);
    for (path, verdict) in
        [(file, wal::check_database(file)), (log.as_path(), wal::check_log(&log, file))]
    {
        if let Some(what) = verdict.map_err(|error| StoreError::io(path, error))? {
            return Err(StoreError::damaged(path, what));
        }
    }
    let empty = fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0);
    if empty && fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
        // The database's first page is written before there is a log.
        return Err(StoreError::damaged(file, "it is empty, and its log is not"));
    }
    Ok(())
}

/// Refuses a database that knows of fewer transactions than were acknowledged.
pub(super) fn refuse_lost(commits: u64, acknowledged: u64) -> Result<(), Fault> {
    if commits >= acknowledged {
        return Ok(());
    }
    let lost = acknowledged - commits;
    Fault::damage(format!(
        "the last {lost} of {acknowledged} transactions that were stored are gone from it or its log"
    ))
}

/// Checks what the store is worth nothing without, and every round that is not over. Returns what
/// the writer has to know, and the rounds whose erasure was cut short.
fn check_rows(
    connection: &Connection,
    acknowledged: u64,
) -> Result<(Committed, Vec<RoundKey>), Fault> {
    let store = StoreRow::load(connection)?;
    refuse_lost(store.commits, acknowledged)?;
    audit::read(&store, connection)?;
    let (mut open, mut erasing) = (HashMap::new(), Vec::new());
    for round in rounds::all(&store, connection)? {
        let Some(progress) = Progress::load(round.key, connection)? else { continue };
        if !round.is_over() {
            journal::read(round.key, &progress, connection)?;
            open.insert(round.key, progress);
        } else if round.erased && journal::has_sealed(round.key, connection)? {
            erasing.push(round.key);
        }
    }
    let Registered { registry, .. } = Registered::load(connection)?;
    Ok((Committed { store, registry, rounds: open, halted: HashSet::new(), owed: 0 }, erasing))
}
