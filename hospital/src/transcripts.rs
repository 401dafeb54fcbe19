//! Transcripts of finished rounds: made from what the store keeps, and checked without it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::task;
use wardsum_protocol::receipt::{Found, ParseReceiptError, Receipt, ReceiptError};
use wardsum_protocol::round::Record;
use wardsum_protocol::transcript::{Checked, NoTranscript, Transcript, TranscriptError};
use wardsum_protocol::{Study, StudyDigest, Timestamp};

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

/// Which round of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichRound {
    /// The last one that is over and has a result.
    Last,
    /// The one with this number, counted from one.
    Number(u32),
    /// The one with this digest, by which peers know their round.
    Digest(StudyDigest),
}

impl fmt::Display for WhichRound {
    /// What follows the words "no finished round".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => Ok(()),
            Self::Number(number) => write!(f, " {number}"),
            Self::Digest(digest) => write!(f, " with the digest {digest}"),
        }
    }
}

/// Why there is no transcript.
#[derive(Debug, Error)]
pub enum TranscriptFault {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such round, or none that is over.
    #[error("study {study} has no finished round{round} with a result")]
    NoRound {
        /// The study's id.
        study: String,
        /// The round that was asked for.
        round: WhichRound,
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
    /// It is no receipt.
    #[error("{} is NO RECEIPT: {source}", file.display())]
    NoReceipt {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: ParseReceiptError,
    },
    /// The transcript holds, and is not what the receipt's tab was shown.
    #[error("{} DOES NOT FIT {}, although that holds by itself: {source}", receipt.display(), file.display())]
    Receipt {
        /// The transcript.
        file: PathBuf,
        /// The receipt.
        receipt: PathBuf,
        /// Where they differ.
        source: ReceiptError,
    },
}

/// The rounds of a study that are over, the last one first, or the one that is asked for.
fn candidates(
    rounds: Vec<StoredRound>,
    study: &str,
    round: WhichRound,
) -> impl Iterator<Item = StoredRound> {
    let asked = move |stored: &StoredRound| {
        stored.study_id == study
            && stored.is_over()
            && match round {
                WhichRound::Last => true,
                WhichRound::Number(number) => stored.number == number,
                WhichRound::Digest(digest) => stored.digest == digest,
            }
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
fn goes_on(made: &Result<RoundTranscript, TranscriptFault>, round: WhichRound) -> bool {
    let without = TranscriptFault::is_without_result;
    round == WhichRound::Last && made.as_ref().is_err_and(without)
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
        round: WhichRound,
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
    round: WhichRound,
) -> Result<RoundTranscript, TranscriptFault> {
    for stored in candidates(snapshot.rounds()?, study, round) {
        let made = make(&stored, &snapshot.records(&stored)?);
        if !goes_on(&made, round) {
            return made;
        }
    }
    Err(TranscriptFault::NoRound { study: study.to_owned(), round })
}

/// Checks a transcript's file, and holds a receipt's against it if there is one. No store, no network and no
/// key is needed for it.
pub fn verify(
    file: &Path,
    receipt: Option<&Path>,
) -> Result<(Checked, Option<Found>), VerifyError> {
    let bytes = read(file)?;
    let broken = |source| VerifyError::Transcript { file: file.to_owned(), source };
    let transcript = Transcript::decode(&bytes).map_err(broken)?;
    let checked = transcript.check().map_err(broken)?;
    let Some(path) = receipt else { return Ok((checked, None)) };
    let receipt = Receipt::decode(&read(path)?)
        .map_err(|source| VerifyError::NoReceipt { file: path.to_owned(), source })?;
    let differs = |source| {
        let (file, receipt) = (file.to_owned(), path.to_owned());
        VerifyError::Receipt { file, receipt, source }
    };
    let found = receipt.check(&transcript, &checked).map_err(differs)?;
    Ok((checked, Some(found)))
}

fn read(file: &Path) -> Result<Vec<u8>, VerifyError> {
    std::fs::read(file).map_err(|source| VerifyError::Read { file: file.to_owned(), source })
}

/// What no transcript can show.
pub const NOT_CHECKED: &str = "not checked  whether other members verified or added up whom the hospital has left away here\n             \
whether each key was a patient's own: in an invited study the members have checked that, and \
in an open one the people who compared the safety words\n             \
whether somebody was turned away before the answers were fixed\n             \
that patients were served the page that they believed to use";
