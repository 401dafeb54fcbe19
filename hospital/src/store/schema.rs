//! The tables, their versions, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::{Fault, StoreError};
use super::registry::Registry;
use super::store_row::StoreRow;

/// "Ward": tells a Wardsum store from any other SQLite database.
const APPLICATION_ID: i64 = 0x5761_7264;

/// Bytes of a page of a new database. Contributions are long, and what SQLite does for each page of
/// its log costs more than copying the page.
pub(super) const PAGE_SIZE: u32 = 16_384;

/// Bytes of a page in stores that were made before pages became larger. They keep it.
pub(super) const FORMER_PAGE_SIZE: u32 = 4_096;

/// How much of the database the writer keeps in memory: more than one transaction changes, because
/// SQLite otherwise writes pages more than once.
const CACHE_KIB: i64 = 4_096;

/// How long a statement waits for another program's lock.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(2);

type Migration = fn(&Transaction<'_>) -> Result<(), Fault>;

/// Each brings the schema from the version before to the next; versions count from one.
const MIGRATIONS: &[Migration] =
    &[create_tables, cover_sealed_by_digest, judge_contributions, admit_researchers];

/// Version 1.
///
/// `place` is `round * 2^32 + number`, so that rows of a round lie together and no index is needed
/// that could contradict its table. Every row's last column says whether the rest is what was written.
fn create_tables(transaction: &Transaction<'_>) -> Result<(), Fault> {
    transaction.execute_batch(
        "CREATE TABLE store (
           id INTEGER PRIMARY KEY CHECK (id = 1),
           commits INTEGER NOT NULL,
           rounds INTEGER NOT NULL,
           audit_entries INTEGER NOT NULL,
           audit_head BLOB NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE round (
           key INTEGER PRIMARY KEY,
           study_id TEXT NOT NULL,
           number INTEGER NOT NULL,
           study BLOB NOT NULL,
           digest BLOB NOT NULL,
           opened_unix_ms INTEGER NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE progress (
           round INTEGER PRIMARY KEY REFERENCES round (key),
           clock_ms INTEGER NOT NULL,
           records INTEGER NOT NULL,
           contributions INTEGER NOT NULL,
           head BLOB NOT NULL,
           over_unix_ms INTEGER,
           erased INTEGER NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE journal (
           place INTEGER PRIMARY KEY,
           at_ms INTEGER NOT NULL,
           record BLOB NOT NULL,
           chain BLOB NOT NULL
         ) STRICT;
         CREATE TABLE sealed (
           place INTEGER PRIMARY KEY,
           message BLOB NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE audit (
           number INTEGER PRIMARY KEY,
           at_unix_ms INTEGER NOT NULL,
           actor TEXT NOT NULL,
           action TEXT NOT NULL,
           detail TEXT NOT NULL,
           chain BLOB NOT NULL
         ) STRICT;",
    )?;
    StoreRow::new().insert(transaction)
}

/// Version 2.
///
/// The checksum of a sealed message is made of the message's digest. Messages that are there keep theirs,
/// which is of the message itself; the new number keeps programs away that know no other.
#[expect(clippy::unnecessary_wraps, reason = "a migration may fail")]
fn cover_sealed_by_digest(_: &Transaction<'_>) -> Result<(), Fault> {
    Ok(())
}

/// Version 3.
///
/// There are records of what came with proofs, safety words and invitations (verifications and verdicts, words that
/// differ, invitations used and revoked, signatures over contributions), which an earlier program would call damage. Those
/// that are there stay as they are: `Record` still reads them.
#[expect(clippy::unnecessary_wraps, reason = "a migration may fail")]
fn judge_contributions(_: &Transaction<'_>) -> Result<(), Fault> {
    Ok(())
}

/// Version 4.
///
/// There are researchers, and studies that are in no file. `registry` counts both.
fn admit_researchers(transaction: &Transaction<'_>) -> Result<(), Fault> {
    transaction.execute_batch(
        "CREATE TABLE registry (
           id INTEGER PRIMARY KEY CHECK (id = 1),
           researchers INTEGER NOT NULL,
           studies INTEGER NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE researcher (
           number INTEGER PRIMARY KEY,
           name TEXT NOT NULL,
           role TEXT NOT NULL,
           token BLOB NOT NULL,
           added_unix_ms INTEGER NOT NULL,
           expires_unix_ms INTEGER,
           revoked_unix_ms INTEGER,
           used_unix_ms INTEGER,
           checksum BLOB NOT NULL
         ) STRICT;
         CREATE TABLE study (
           number INTEGER PRIMARY KEY,
           id TEXT NOT NULL,
           state TEXT NOT NULL,
           definition TEXT NOT NULL,
           made_by TEXT NOT NULL,
           made_unix_ms INTEGER NOT NULL,
           changed_unix_ms INTEGER NOT NULL,
           checksum BLOB NOT NULL
         ) STRICT;",
    )?;
    Registry::default().save(transaction)
}

/// Whether the database has the tables of version 4 already.
pub(super) fn has_registry(connection: &Connection) -> Result<bool, Fault> {
    let [_, version, _] = identity(connection)?;
    Ok(version >= 4)
}

/// The newest version that this program knows.
fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens the database for writing. Until [`may_fold_log`], closing it leaves the log as it is, so that
/// what turns out to be damaged stays as it was found.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepared = Connection::open_with_flags(file, flags).and_then(|connection| {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        set_up(&connection)?;
        Ok(connection)
    });
    prepared.map_err(|error| Fault::from(error).of(file))
}

/// Opens the database for reading.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepared = Connection::open_with_flags(file, flags).and_then(|connection| {
        set_up(&connection)?;
        Ok(connection)
    });
    prepared.map_err(|error| Fault::from(error).of(file))
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(32);
    // Nothing in the file may run code, whoever wrote it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
    )
}

/// Decides what can only be decided before there is a table.
pub(super) fn prepare_blank(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    Ok(())
}

/// Bytes of a page of this database.
pub(super) fn page_size(connection: &Connection) -> Result<u32, Fault> {
    Ok(connection.query_row("PRAGMA page_size", [], |row| row.get(0))?)
}

/// Makes commits durable and deletions real; for the writer, once the file is known to be a store's.
pub(super) fn prepare_to_write(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The writer folds the log into the database itself, between commits.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode == "wal" { Ok(()) } else { Fault::damage(format!("its journal mode stays {mode}")) }
}

/// From now on, closing the writer folds the log into the database.
pub(super) fn may_fold_log(connection: &Connection) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Whether the database has no tables yet.
pub(super) fn is_blank(connection: &Connection) -> Result<bool, Fault> {
    let [application, version, objects] = identity(connection)?;
    Ok(application == 0 && version == 0 && objects == 0)
}

/// Refuses what is not a store that this program can read.
pub(super) fn check(connection: &Connection, file: &Path) -> Result<(), Fault> {
    let [found, version, objects] = identity(connection)?;
    let file = file.to_owned();
    if found != APPLICATION_ID {
        return Err(Fault::Refused(StoreError::NotAStore { file, found }));
    }
    if version > newest() {
        let known = newest();
        return Err(Fault::Refused(StoreError::Newer { file, found: version, known }));
    }
    if version < 1 || objects == 0 {
        return Fault::damage(format!("it has schema version {version} and {objects} tables"));
    }
    if definitions(connection)? != expected_definitions(version)? {
        return Fault::damage("its tables are not defined as they were");
    }
    Ok(())
}

/// Application id, schema version, and how many tables and indexes there are.
fn identity(connection: &Connection) -> Result<[i64; 3], Fault> {
    let one = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok([
        one("PRAGMA application_id")?,
        one("PRAGMA user_version")?,
        one("SELECT count(*) FROM sqlite_schema")?,
    ])
}

/// Brings the schema to the newest version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let [_, version, _] = identity(connection)?;
    if version == newest() { Ok(()) } else { migrate_to(connection, newest()) }
}

fn migrate_to(connection: &mut Connection, target: i64) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let [_, version, _] = identity(&transaction)?;
    let steps = usize::try_from(version).unwrap_or(0)..usize::try_from(target).unwrap_or(0);
    for migration in &MIGRATIONS[steps] {
        migration(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", target)?;
    transaction.commit()?;
    Ok(())
}

/// How a table is defined: its type, name, table and SQL.
type Definition = [Option<String>; 4];

fn definitions(connection: &Connection) -> Result<Vec<Definition>, Fault> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let rows =
        statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn expected_definitions(version: i64) -> Result<Vec<Definition>, Fault> {
    let mut model = Connection::open_in_memory()?;
    migrate_to(&mut model, version)?;
    definitions(&model)
}

/// SQLite's own check of the database's structure.
pub(super) fn check_structure(connection: &Connection) -> Result<(), Fault> {
    let mut statement = connection.prepare("PRAGMA quick_check(1)")?;
    let answer: String = statement.query_row([], |row| row.get(0))?;
    if answer == "ok" { Ok(()) } else { Fault::damage(answer.replace('\n', "; ")) }
}
