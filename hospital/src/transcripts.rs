//! Transcripts of finished rounds: made from what the store keeps, and checked without it.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::task;
use wardsum_protocol::round::Record;
use wardsum_protocol::transcript::{Checked, NoTranscript, Transcript, TranscriptError};
use wardsum_protocol::{Study, Timestamp};

use crate::store::{Snapshot, Store, StoreError, StoredRound};

/// The media type of a transcript, and what its file is called.
pub(crate) const MEDIA_TYPE: &str = "application/octet-stream";

/// A transcript and the number of its round.
#[derive(Clone, Debug)]
pub struct RoundTranscript {
    /// The round's number within its study, counted from one.
    pub round: u32,
    /// What is public of it.
    pub transcript: Transcript,
}

/// Why there is no transcript.
#[derive(Debug, Error)]
pub enum TranscriptFault {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such round, or none that is over.
    #[error("study {study} has no finished round{} with a result", round.map_or(String::new(), |n| format!(" {n}")))]
    NoRound {
        /// The study's id.
        study: String,
        /// The round that was asked for, if one was.
        round: Option<u32>,
    },
    /// The round has no transcript.
    #[error("round {round} of study {study}: {source}")]
    None {
        /// The study's id.
        study: String,
        /// The round.
        round: u32,
        /// Why not.
        source: NoTranscript,
    },
}

/// Why a file does not pass.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It does not hold.
    #[error("{} DOES NOT HOLD: {source}", file.display())]
    Transcript {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        source: TranscriptError,
    },
}

/// The rounds of a study that are over, the last one first, or the one with this number.
fn candidates(
    rounds: Vec<StoredRound>,
    study: &str,
    round: Option<u32>,
) -> impl Iterator<Item = StoredRound> {
    let asked = move |stored: &StoredRound| {
        stored.study_id == study
            && stored.is_over()
            && round.is_none_or(|number| stored.number == number)
    };
    rounds.into_iter().rev().filter(asked)
}

fn make(
    stored: &StoredRound,
    records: &[(Timestamp, Record)],
) -> Result<RoundTranscript, TranscriptFault> {
    let (study, round) = (stored.study_id.clone(), stored.number);
    let fault = |source| TranscriptFault::None { study, round, source };
    let made = match Study::decode(&stored.study) {
        Ok(study) => Transcript::of(&study, records.iter().map(|(_, record)| record)),
        Err(_) => Err(NoTranscript::TooOld),
    };
    Ok(RoundTranscript { round, transcript: made.map_err(fault)? })
}

/// Whether an earlier round is looked at: unless one was named, that is the last one with a result.
fn goes_on(made: &Result<RoundTranscript, TranscriptFault>, round: Option<u32>) -> bool {
    let without = TranscriptFault::is_without_result;
    round.is_none() && made.as_ref().is_err_and(without)
}

impl TranscriptFault {
    fn is_without_result(&self) -> bool {
        matches!(self, Self::None { source: NoTranscript::NotPublished, .. })
    }
}

/// The transcripts of one study's rounds, for a hospital that runs. They are made one at a time, away from where
/// messages are handled, and the last one is kept: a round that is over does not change any more.
#[derive(Debug, Default)]
pub(crate) struct Transcripts {
    last: Mutex<Option<(u32, Bytes)>>,
}

impl Transcripts {
    /// The number of the last round with a result, or of the one that is named, and its transcript's bytes.
    pub(crate) async fn get(
        &self,
        store: &Store,
        study: &str,
        round: Option<u32>,
    ) -> Result<(u32, Bytes), TranscriptFault> {
        let mut last = self.last.lock().await;
        for stored in candidates(store.rounds().await?, study, round) {
            if let Some((_, bytes)) = last.as_ref().filter(|(known, _)| *known == stored.number) {
                return Ok((stored.number, bytes.clone()));
            }
            let (_, records) = store.records(stored.key).await?;
            let making = move || make(&stored, &records);
            let made = task::spawn_blocking(making).await.map_err(|_| StoreError::Closed)?;
            if goes_on(&made, round) {
                continue;
            }
            let RoundTranscript { round, transcript } = made?;
            let bytes = Bytes::from(transcript.encode());
            *last = Some((round, bytes.clone()));
            return Ok((round, bytes));
        }
        Err(TranscriptFault::NoRound { study: study.to_owned(), round })
    }
}

/// The transcript of a study's round, that of the last one with a result unless one is named, from another
/// process, whether a hospital runs on the directory or not.
pub fn of_snapshot(
    snapshot: &Snapshot,
    study: &str,
    round: Option<u32>,
) -> Result<RoundTranscript, TranscriptFault> {
    for stored in candidates(snapshot.rounds()?, study, round) {
        let made = make(&stored, &snapshot.records(&stored)?);
        if !goes_on(&made, round) {
            return made;
        }
    }
    Err(TranscriptFault::NoRound { study: study.to_owned(), round })
}

/// Checks a transcript's file. No store, no network and no key is needed for it.
pub fn verify(file: &Path) -> Result<Checked, VerifyError> {
    let bytes = std::fs::read(file)
        .map_err(|source| VerifyError::Read { file: file.to_owned(), source })?;
    Transcript::decode(&bytes)
        .and_then(|transcript| transcript.check())
        .map_err(|source| VerifyError::Transcript { file: file.to_owned(), source })
}

/// What no transcript can show.
pub const NOT_CHECKED: &str = "not checked  whether other members verified or added up whom the hospital has left away here\n             \
whether each key was a patient's own: in an invited study the members have checked that, and \
in an open one the people who compared the safety words\n             \
whether somebody was turned away before the answers were fixed\n             \
that patients were served the page that they believed to use";
