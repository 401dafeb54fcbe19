//! A small store, everything that it says, and ways to look at it again.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wardsum_hospital::store::{
    AuditEntry, DataDir, NewResearcher, NewRound, NewStudy, Role, RoundKey, Store, StoreError,
    StoredResearcher, StoredRound, StoredStudy, StudyState,
};
use wardsum_protocol::round::Record;
use wardsum_protocol::{EndReason, Timestamp};

use crate::sample::{contribution, message, somebody, study};

/// The database's file in a data directory.
pub(crate) const DATABASE: &str = "wardsum.sqlite3";
/// Its write-ahead log.
pub(crate) const LOG: &str = "wardsum.sqlite3-wal";

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(DataDir::open(dir)?)
}

pub(crate) fn new_round(instance: u8) -> NewRound {
    let study = study(instance);
    let (bytes, digest) = (study.encode().to_vec(), study.digest());
    NewRound { study_id: format!("study-{instance}"), number: 1, study: bytes, digest }
}

/// Fills a store with one round that is over and one that is not; returns the latter.
pub(crate) async fn fill(store: &Store) -> RoundKey {
    let (over, open) = (
        store.open_round(new_round(1)).await.unwrap(),
        store.open_round(new_round(2)).await.unwrap(),
    );
    for (key, count) in [(over, 3), (open, 2)] {
        let people = vec![Record::Enrolled(message(1, 300)), Record::Withdrawn(somebody())];
        store.append(key, Timestamp(100), people).await.unwrap();
        for number in 0..count {
            // One that fits a page, and one that does not.
            let len = if number == 0 { 200 } else { 6_000 };
            store.append(key, Timestamp(200), vec![contribution(number, len)]).await.unwrap();
        }
    }
    let end = vec![Record::Ended(EndReason::Contradiction)];
    store.append(over, Timestamp(300), end).await.unwrap();
    let (name, token) = ("anna".parse().unwrap(), [7; 32]);
    let expires_unix_ms = Some(4_102_444_800_000);
    let anna = NewResearcher { name, role: Role::Editor, token, expires_unix_ms };
    store.add_researcher(anna).await.unwrap();
    let (id, made_by) = ("made".to_owned(), "researcher anna".to_owned());
    let definition = "{\"title\": \"Title\"}".to_owned();
    store.add_study(NewStudy { id, state: StudyState::Draft, definition, made_by }).await.unwrap();
    store.audit("researcher", "open", "study-1").await.unwrap();
    store.audit("researcher", "open", "study-2").await.unwrap();
    open
}

/// A round, its records, and its sealed messages.
type RoundContents = (StoredRound, Vec<(Timestamp, Record)>, Vec<(u32, Bytes)>);

/// Everything that can be read from a store.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) rounds: Vec<RoundContents>,
    pub(crate) audit: Vec<AuditEntry>,
    pub(crate) researchers: Vec<StoredResearcher>,
    pub(crate) studies: Vec<StoredStudy>,
}

/// Opens a store, writes to it, and reads everything.
pub(crate) async fn read(dir: &Path) -> Result<Contents, StoreError> {
    let store = open(dir)?;
    let mut rounds = Vec::new();
    for round in store.rounds().await? {
        let (_, records) = store.records(round.key).await?;
        let sealed = store.contributions(round.key, 0..u32::MAX).await?;
        rounds.push((round, records, sealed));
    }
    store.probe().await?;
    let audit = store.audit_log().await?;
    let (researchers, studies) = (store.researchers().await?, store.studies().await?);
    store.close().await;
    Ok(Contents { rounds, audit, researchers, studies })
}

/// Copies the files of a data directory, but no lock and no shared memory.
pub(crate) fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in [DATABASE, LOG, "wardsum.acknowledged"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.path().join(name)).unwrap();
        }
    }
    to
}
