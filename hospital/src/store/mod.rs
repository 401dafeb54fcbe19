//! What survives the hospital's process: rounds and their records, sealed shares, and the audit log.
//!
//! ```text
//! Store (clones) --queue--> writer: many requests, one transaction, one sync --> answers
//!               \--queue--> reader: its own connection, never waits for a commit
//! DataDir: the directory and its lock      Snapshot: a look from another process (export, backup)
//! ```
//!
//! * **Committed when it resolves.** A request's future resolves after its transaction is durable. The
//!   request is queued when the method is called, and what is written is written in that order.
//! * **No gaps.** When a transaction fails, every append in it fails, and every later one of the same
//!   rounds until [`Store::resume`]: a record is never there without the ones before it.
//! * **Nothing that was altered is believed.** Every row has a checksum, a round's records and the audit
//!   log are hash chains whose ends are stored apart, `witness` knows how much was acknowledged, and
//!   `wal` reads the write-ahead log before SQLite may drop what it cannot read.
//!
//! What is sealed is stored apart from the records and can be erased when a round is over.

mod audit;
mod backup;
mod checksum;
mod data_dir;
mod error;
mod export;
mod group;
mod journal;
mod opening;
mod reader;
mod registry;
mod researchers;
mod rounds;
mod schema;
mod snapshot;
mod store_row;
mod studies;
#[cfg(test)]
mod tests;
mod wal;
mod witness;
mod writer;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::Connection;
use tokio::task;
use wardsum_protocol::round::Record;
use wardsum_protocol::{StudyDigest, Timestamp};

pub use audit::AuditEntry;
pub(crate) use data_dir::CONTROL_SOCKET;
pub use data_dir::DataDir;
pub use error::StoreError;
pub use export::{Counts, Export, ExportedResearcher, ExportedRound, ExportedStudy};
pub use researchers::{NewResearcher, ResearcherName, ResearcherNameError, Role, StoredResearcher};
pub use snapshot::Snapshot;
pub use studies::{NewStudy, StoredStudy, StudyState};

use error::Fault;
use reader::Reader;
use registry::Registry;
use rounds::Progress;
use store_row::StoreRow;
use writer::Writer;

/// Names a round in the store. Keys count from one, in the order in which rounds were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundKey(u32);

impl fmt::Display for RoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A round that is about to be opened.
#[derive(Clone, Debug)]
pub struct NewRound {
    /// The study's id in addresses and logs.
    pub study_id: String,
    /// The round's number within its study, counted from one.
    pub number: u32,
    /// The study's canonical bytes.
    pub study: Vec<u8>,
    /// Their digest.
    pub digest: StudyDigest,
}

/// A round as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRound {
    /// Its name in the store.
    pub key: RoundKey,
    /// The study's id in addresses and logs.
    pub study_id: String,
    /// The round's number within its study, counted from one.
    pub number: u32,
    /// The study's canonical bytes.
    pub study: Vec<u8>,
    /// Their digest.
    pub digest: StudyDigest,
    /// The last time that is known of the round's own clock.
    pub clock: Timestamp,
    /// How many records there are.
    pub records: u32,
    /// How many contributions there are; they are numbered from zero.
    pub contributions: u32,
    /// When it was opened, in milliseconds since 1970. For display and retention only.
    pub opened_unix_ms: i64,
    /// When its last record was stored, published or ended, likewise; `None` while it is going on.
    pub over_unix_ms: Option<i64>,
    /// Whether its sealed shares were erased.
    pub erased: bool,
}

impl StoredRound {
    /// Whether it was published, or ended without a result.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over_unix_ms.is_some()
    }
}

/// The store of a running hospital. Clones share it; it closes when the last one is gone.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    reader: Reader,
    writer: Writer,
}

impl Store {
    /// Opens the store of a directory, or makes one there. Blocks while it checks what is there: all
    /// of the database's structure, and every record of the rounds that are not over, but not the sealed
    /// messages, each of which is checked when it is read.
    pub fn open(dir: DataDir) -> Result<Self, StoreError> {
        let path = dir.path().to_owned();
        let opened = opening::open(dir)?;
        let (reader, reading) = Reader::start(opened.reader, opened.file)?;
        let writer = Writer::start(opened.writing, reader.clone(), reading)?;
        Ok(Self(Arc::new(Shared { dir: path, reader, writer })))
    }

    /// Stores a new round without records. Its clock stands at zero.
    pub async fn open_round(&self, new: NewRound) -> Result<RoundKey, StoreError> {
        self.0.writer.ask(None, 0, move |group| group.open_round(new)).await
    }

    /// All rounds, in the order in which they were opened.
    pub async fn rounds(&self) -> Result<Vec<StoredRound>, StoreError> {
        self.read(|connection| rounds::all(&StoreRow::load(connection)?, connection)).await
    }

    /// The round of the study with this digest. No other round is read.
    pub async fn round_by_digest(
        &self,
        digest: StudyDigest,
    ) -> Result<Option<StoredRound>, StoreError> {
        self.read(move |connection| {
            let found = rounds::with_digest(&digest, connection)?;
            found.map(|key| rounds::load(key, connection)).transpose()
        })
        .await
    }

    /// Stores records behind those of the round that are there, all or none of them. They are durable
    /// when the future resolves; dropping it does not take the request back.
    pub fn append(
        &self,
        round: RoundKey,
        at: Timestamp,
        records: Vec<Record>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let bytes = records.iter().map(Record::weight).sum();
        self.0.writer.ask(Some(round), bytes, move |group| group.append(round, at, &records))
    }

    /// Lets records of a round be stored again after an append failed. The caller has forgotten
    /// everything that was not stored.
    pub async fn resume(&self, round: RoundKey) -> Result<(), StoreError> {
        self.0.writer.ask(Some(round), 0, move |group| group.resume(round)).await
    }

    /// Notes what time it is on a round's clock. It is stored with the next transaction, or after a
    /// second at the latest while the disk can be written to.
    pub fn keep_time(&self, round: RoundKey, at: Timestamp) {
        self.0.writer.keep_time(round, at);
    }

    /// A round's clock and its records in order, to restore it. The messages of contributions are
    /// empty; [`Store::contributions`] reads them.
    pub async fn records(
        &self,
        round: RoundKey,
    ) -> Result<(Timestamp, Vec<(Timestamp, Record)>), StoreError> {
        self.read(move |connection| {
            let progress = progress(round, connection)?;
            let records = journal::read(round, &progress, connection)?;
            Ok((progress.clock, records))
        })
        .await
    }

    /// The sealed messages of the contributions with these numbers, as many of them as there are.
    pub async fn contributions(
        &self,
        round: RoundKey,
        numbers: Range<u32>,
    ) -> Result<Vec<(u32, Bytes)>, StoreError> {
        self.read(move |connection| {
            let progress = progress(round, connection)?;
            journal::read_sealed(round, &progress, numbers, connection)
        })
        .await
    }

    /// Erases the sealed messages of a round that is over. When this resolves, no byte of them is in
    /// the directory any more. Appends go on meanwhile. An erasure that fails half-way goes on by itself as
    /// soon as the store works, and one that was cut short by the end of the process when it is opened.
    pub async fn erase_sealed(&self, round: RoundKey) -> Result<(), StoreError> {
        self.0.writer.erase(round).await
    }

    /// Writes an entry to the audit log.
    pub async fn audit(&self, actor: &str, action: &str, detail: &str) -> Result<(), StoreError> {
        let entry = AuditEntry {
            at_unix_ms: unix_ms(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            detail: detail.to_owned(),
        };
        self.0.writer.ask(None, 0, move |group| group.audit(&entry)).await
    }

    /// All researchers, those who were revoked included, in the order in which they were added.
    pub async fn researchers(&self) -> Result<Vec<StoredResearcher>, StoreError> {
        self.read(|connection| researchers::all(Registry::load(connection)?, connection)).await
    }

    /// Adds a researcher. A name stands for one person at a time.
    pub async fn add_researcher(&self, new: NewResearcher) -> Result<StoredResearcher, StoreError> {
        self.0.writer.ask(None, 0, move |group| group.add_researcher(new)).await
    }

    /// Revokes the researcher of this name.
    pub async fn revoke_researcher(
        &self,
        name: ResearcherName,
    ) -> Result<StoredResearcher, StoreError> {
        self.0.writer.ask(None, 0, move |group| group.revoke_researcher(&name)).await
    }

    /// Notes that the token of the researcher with this number is used now.
    pub async fn researcher_used(&self, number: u32) -> Result<(), StoreError> {
        self.0.writer.ask(None, 0, move |group| group.researcher_used(number)).await
    }

    /// All studies that were made while the hospital ran, in the order in which they were made.
    pub async fn studies(&self) -> Result<Vec<StoredStudy>, StoreError> {
        self.read(|connection| studies::all(Registry::load(connection)?, connection)).await
    }

    /// Writes a study down. An id stands for one study for ever.
    pub async fn add_study(&self, new: NewStudy) -> Result<StoredStudy, StoreError> {
        self.0.writer.ask(None, 0, move |group| group.add_study(new)).await
    }

    /// Changes the study of this id from one state to another, or its definition, if it is in the first one.
    pub async fn change_study(
        &self,
        id: &str,
        from: StudyState,
        to: StudyState,
        definition: Option<String>,
    ) -> Result<StoredStudy, StoreError> {
        let id = id.to_owned();
        let change =
            move |group: &mut group::Group<'_>| group.change_study(&id, from, to, definition);
        self.0.writer.ask(None, 0, change).await
    }

    /// Some entries of the audit log with their numbers, the newest first: those before the one with the
    /// number `before`, or the last ones.
    pub async fn audit_page(
        &self,
        before: Option<u64>,
        at_most: u32,
    ) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        self.read(move |connection| audit::page(before, at_most, connection)).await
    }

    /// The audit log, the oldest entry first.
    pub async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|connection| audit::read(&StoreRow::load(connection)?, connection)).await
    }

    /// Commits a transaction that changes nothing but the count of them: whether the store works. After
    /// one that failed it writes as many bytes as that had, and deletes them again: a disk that is full
    /// has room for a few bytes.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.0.writer.ask(None, 0, group::probe).await
    }

    /// Copies the store as it is now to a new file and checks the copy; see [`Snapshot::backup`].
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (dir, to) = (self.0.dir.clone(), to.to_owned());
        let copied = task::spawn_blocking(move || Snapshot::open(&dir)?.backup(&to));
        copied.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Carries out what was asked for so far, closes the database and gives the directory free. Whoever
    /// uses a clone afterwards is told [`StoreError::Closed`].
    pub async fn close(&self) {
        self.0.writer.close().await;
    }

    /// How many transactions there have been since the store was made.
    pub async fn transactions(&self) -> Result<u64, StoreError> {
        self.read(|connection| Ok(StoreRow::load(connection)?.commits)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.reader.ask(read).await
    }

    /// Does something to the writer's connection, such as making its disk full.
    #[cfg(test)]
    pub(crate) async fn on_writer(&self, act: impl FnOnce(&Connection) + Send + 'static) {
        self.0.writer.on_connection(act).await;
    }

    /// Keeps the writer busy until what is returned is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_writer(&self) -> std::sync::mpsc::Sender<()> {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (says, busy) = tokio::sync::oneshot::channel();
        let store = self.clone();
        tokio::spawn(async move {
            let wait = move |_: &Connection| {
                says.send(()).unwrap();
                let _ = held.recv();
            };
            store.on_writer(wait).await;
        });
        busy.await.unwrap();
        release
    }
}

/// How far a round has come; it must be there.
fn progress(round: RoundKey, connection: &Connection) -> Result<Progress, Fault> {
    Progress::load(round, connection)?.ok_or(Fault::Refused(StoreError::UnknownRound))
}

/// The wall clock, in milliseconds since 1970; nothing is decided by it but retention.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
