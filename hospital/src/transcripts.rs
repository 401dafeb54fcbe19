//! Transcripts of finished rounds: made from what the store keeps, and checked without it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
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
    #[error("study {study} has no finished round{}", round.map_or(String::new(), |n| format!(" {n}")))]
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

/// The last finished round of a study, or the one with this number.
fn pick(
    rounds: Vec<StoredRound>,
    study: &str,
    round: Option<u32>,
) -> Result<StoredRound, TranscriptFault> {
    let asked = |stored: &StoredRound| {
        stored.study_id == study
            && stored.is_over()
            && round.is_none_or(|number| stored.number == number)
    };
    let mut found = rounds.into_iter().filter(asked);
    let none = || TranscriptFault::NoRound { study: study.to_owned(), round };
    found.next_back().ok_or_else(none)
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

/// The transcript of a study's round, the last finished one unless one is named.
pub async fn of_store(
    store: &Store,
    study: &str,
    round: Option<u32>,
) -> Result<RoundTranscript, TranscriptFault> {
    let stored = pick(store.rounds().await?, study, round)?;
    let (_, records) = store.records(stored.key).await?;
    make(&stored, &records)
}

/// The same from another process, whether a hospital runs on the directory or not.
pub fn of_snapshot(
    snapshot: &Snapshot,
    study: &str,
    round: Option<u32>,
) -> Result<RoundTranscript, TranscriptFault> {
    let stored = pick(snapshot.rounds()?, study, round)?;
    make(&stored, &snapshot.records(&stored)?)
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
pub const NOT_CHECKED: &str = "not checked  whether each key was a patient's own: an invited study's authority vouches for that, and \
in an open one the people who compared the safety words\n             \
whether somebody was turned away before the answers were fixed\n             \
that patients were served the page that they believed to use";
