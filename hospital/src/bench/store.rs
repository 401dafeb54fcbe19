//! How fast the store stores, next to a bare file that is synced, and how fast a hospital starts on it.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinSet;
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::{
    Admission, Closing, ContributionDigest, PeerId, SchemeChoice, StoredDigest, Study,
    StudyParameters, Suite, Timestamp,
};

use super::micros;
use crate::store::{self, DataDir, NewRound, RoundKey, Store};

/// Bytes of one contribution: about as many as 32 shares sealed with X-Wing take.
const MESSAGE_BYTES: usize = 40_000;
/// How many rounds append at the same time, each one contribution after the other.
const APPENDERS: [u16; 3] = [1, 8, 64];
/// How long each is measured.
const LASTING: Duration = Duration::from_millis(500);
/// How many records one request of the preparation brings.
const CHUNK: u32 = 100;

/// Why the store cannot be measured.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The directory for temporary files, or the threads.
    #[error("the store cannot be measured in the directory for temporary files: {0}")]
    Io(#[from] io::Error),
}

/// What was measured of the store.
#[derive(Clone, Debug, Serialize)]
pub struct StoreFigures {
    /// Bytes of a contribution.
    pub message_bytes: usize,
    /// How often as many bytes were appended to a bare file and synced, one after the other.
    pub synced_writes: u32,
    /// In how many microseconds.
    pub synced_us: u64,
    /// For each number of rounds that append at the same time.
    pub rates: Vec<CommitRate>,
    /// How a hospital starts.
    pub recovery: Recovery,
}

/// How fast contributions are stored.
#[derive(Clone, Debug, Serialize)]
pub struct CommitRate {
    /// How many rounds appended at the same time.
    pub appenders: u16,
    /// How many contributions they stored.
    pub appends: u64,
    /// In how many transactions.
    pub transactions: u64,
    /// In how many microseconds.
    pub wall_us: u64,
}

/// How fast a hospital starts on what is stored.
#[derive(Clone, Debug, Serialize)]
pub struct Recovery {
    /// How many contributions its one open round has.
    pub contributions: u32,
    /// Opening and checking the store, in microseconds.
    pub open_us: u64,
    /// Reading the round's records, in microseconds.
    pub records_us: u64,
}

/// Measures the store in a directory of its own.
pub(super) fn measure(recovered: NonZeroU32) -> Result<StoreFigures, StoreError> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let dir = tempfile::tempdir()?;
    let (synced_writes, synced) = bare_writes(&dir.path().join("bare"))?;
    let mut rates = Vec::new();
    for appenders in APPENDERS {
        let dir = tempfile::tempdir()?;
        rates.push(runtime.block_on(commit_rate(dir.path(), appenders))?);
    }
    let recovery = recovery(&runtime, &dir.path().join("data"), recovered.get())?;
    let synced_us = micros(synced);
    Ok(StoreFigures { message_bytes: MESSAGE_BYTES, synced_writes, synced_us, rates, recovery })
}

fn bare_writes(path: &Path) -> io::Result<(u32, Duration)> {
    let mut file = File::create_new(path)?;
    let bytes = vec![1; MESSAGE_BYTES];
    let began = Instant::now();
    let mut writes = 0;
    while began.elapsed() < LASTING {
        file.write_all(&bytes)?;
        file.sync_data()?;
        writes += 1;
    }
    Ok((writes, began.elapsed()))
}

async fn commit_rate(dir: &Path, appenders: u16) -> Result<CommitRate, StoreError> {
    let store = Store::open(DataDir::open(dir)?)?;
    let mut rounds = Vec::new();
    for number in 0..appenders {
        rounds.push(open_round(&store, number).await?);
    }
    let before = store.transactions().await?;
    let message = Bytes::from(vec![1; MESSAGE_BYTES]);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for round in rounds {
        let (store, message) = (store.clone(), message.clone());
        tasks.spawn(async move {
            let mut number = 0;
            while began.elapsed() < LASTING {
                let record = contribution(number, message.clone());
                store.append(round, Timestamp(0), vec![record]).await?;
                number += 1;
            }
            Ok::<_, store::StoreError>(u64::from(number))
        });
    }
    let appended = tasks.join_all().await.into_iter().sum::<Result<u64, _>>()?;
    let wall_us = micros(began.elapsed());
    let transactions = store.transactions().await? - before;
    store.close().await;
    Ok(CommitRate { appenders, appends: appended, transactions, wall_us })
}

fn recovery(runtime: &Runtime, dir: &Path, contributions: u32) -> Result<Recovery, StoreError> {
    runtime.block_on(async {
        let store = Store::open(DataDir::open(dir)?)?;
        let round = open_round(&store, 0).await?;
        let message = Bytes::from(vec![1; MESSAGE_BYTES]);
        for from in (0..contributions).step_by(CHUNK as usize) {
            let numbers = from..contributions.min(from + CHUNK);
            let records = numbers.map(|number| contribution(number, message.clone())).collect();
            store.append(round, Timestamp(0), records).await?;
        }
        store.close().await;

        let began = Instant::now();
        let store = Store::open(DataDir::open(dir)?)?;
        let open_us = micros(began.elapsed());
        let began = Instant::now();
        let (_, records) = store.records(round).await?;
        let records_us = micros(began.elapsed());
        store.close().await;
        debug_assert_eq!(records.len(), contributions as usize, "everything is there");
        Ok(Recovery { contributions, open_us, records_us })
    })
}

async fn open_round(store: &Store, number: u16) -> Result<RoundKey, store::StoreError> {
    let study = study(number);
    let (bytes, digest) = (study.encode().to_vec(), study.digest());
    let new = NewRound { study_id: "bench".to_owned(), number: 1, study: bytes, digest };
    store.open_round(new).await
}

fn study(number: u16) -> Study {
    let closing = Closing { by_command: true, ..Closing::deadline(3_600_000) };
    let mut instance = [0; 16];
    instance[..2].copy_from_slice(&number.to_be_bytes());
    Study::new(StudyParameters {
        instance,
        title: "Benchmark".into(),
        organisation: "Wardsum".to_owned(),
        introduction: Text::default(),
        form: Form::number("How fast?", "", 0, 1),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 100_000,
        committee_cap: 3,
        enrolment: closing,
        contributing: closing,
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::XWing,
        admission: Admission::Open,
    })
    .expect("the study is admissible")
}

fn contribution(number: u32, message: Bytes) -> Record {
    // The base point of the curve: a key like any other, and nobody's.
    let mut key = [0x66; 32];
    key[0] = 0x58;
    let sender = PeerId::decode(&key).expect("the base point is on the curve");
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    let (digest, stored) = (ContributionDigest(digest), StoredDigest::of(&message));
    Record::Contributed(Contributed {
        number,
        sender,
        digest,
        signature: Some([7; 64]),
        stored,
        message,
    })
}
