//! The files that a finished round's result can be had as.

use serde::Deserialize;
use thiserror::Error;
use utoipa::ToSchema;
use wardsum_protocol::round::Record;
use wardsum_protocol::{Aggregate, Study, Timestamp};

use super::PublishedResults;
use crate::store::{Snapshot, StoreError, StoredRound};

/// What a result is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A table with a row for each figure.
    Csv,
    /// A table that explains the other one's subjects.
    Codebook,
    /// All figures as JSON.
    Json,
    /// A `MeasureReport` of FHIR R4, without any subject.
    MeasureReport,
    /// A page to print.
    Report,
}

/// The result of a round that is over, and when it was found.
#[derive(Clone, Debug)]
pub struct RoundResult {
    study_id: String,
    number: u32,
    digest: String,
    study: Study,
    aggregate: Aggregate,
    rejected: u32,
    started_ms: i64,
    ended_ms: i64,
}

/// Why there is no file.
#[derive(Debug, Error)]
pub enum NoResult {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such round, none that is over, or one that ended without a result.
    #[error(
        "study \"{study}\" has no such round with a result; results can be had when a round is over"
    )]
    NoRound {
        /// The study's id.
        study: String,
    },
}

impl Format {
    /// The media type of such a file.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Codebook => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::MeasureReport => "application/fhir+json; fhirVersion=4.0",
            Self::Report => "text/html; charset=utf-8",
        }
    }

    /// What its name ends with.
    fn ending(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Codebook => "-codebook.csv",
            Self::Json => ".json",
            Self::MeasureReport => "-measure-report.json",
            Self::Report => ".html",
        }
    }
}

impl RoundResult {
    /// What these records of a round say; `None` if it has no result.
    #[must_use]
    pub fn of(stored: &StoredRound, records: &[(Timestamp, Record)]) -> Option<Self> {
        let study = Study::decode(&stored.study).ok()?;
        let aggregate = records.iter().rev().find_map(|(_, record)| record.result(&study))?;
        let rejected = records.iter().find_map(|(_, record)| match record {
            Record::Judged(verdict) => Some(verdict.rejected_len()),
            _ => None,
        });
        Some(Self {
            study_id: stored.study_id.clone(),
            number: stored.number,
            digest: stored.digest.to_string(),
            study,
            aggregate,
            rejected: rejected.unwrap_or(0),
            started_ms: stored.opened_unix_ms,
            ended_ms: stored.over_unix_ms.unwrap_or(stored.opened_unix_ms),
        })
    }

    /// That of a study's round, the last one with a result unless its number is given, from another process, whether a
    /// hospital runs on the directory or not.
    pub fn of_snapshot(
        snapshot: &Snapshot,
        study: &str,
        round: Option<u32>,
    ) -> Result<Self, NoResult> {
        for stored in candidates(snapshot.rounds()?, study, round) {
            if let Some(result) = Self::of(&stored, &snapshot.records(&stored)?) {
                return Ok(result);
            }
        }
        Err(NoResult::NoRound { study: study.to_owned() })
    }

    /// The round's number within its study, counted from one.
    #[must_use]
    pub fn round(&self) -> u32 {
        self.number
    }

    /// What the file is called.
    #[must_use]
    pub fn file_name(&self, format: Format) -> String {
        format!("{}-{}{}", self.study_id, self.number, format.ending())
    }

    /// The text of the file, with texts in this language (a tag of BCP 47) where there are any.
    #[must_use]
    pub fn write(&self, format: Format, language: &str) -> String {
        let results = PublishedResults {
            title: self.study.title().preferred([language]),
            organisation: self.study.organisation(),
            form: self.study.form(),
            questionnaire: self.study.questionnaire(),
            count: self.aggregate.count,
            rejected: self.rejected,
            cells: &self.aggregate.cells,
            started_ms: self.started_ms,
            ended_ms: self.ended_ms,
            study_digest: &self.digest,
            language,
        };
        match format {
            Format::Csv => results.csv(),
            Format::Codebook => results.codebook(),
            Format::Json => format!("{:#}\n", results.json()),
            Format::MeasureReport => format!("{:#}\n", results.measure_report()),
            Format::Report => results.report(),
        }
    }
}

/// The rounds of a study that are over, the last one first, or the one with this number.
pub(crate) fn candidates(
    rounds: Vec<StoredRound>,
    study: &str,
    round: Option<u32>,
) -> impl Iterator<Item = StoredRound> {
    rounds.into_iter().rev().filter(move |stored| {
        stored.study_id == study
            && stored.is_over()
            && round.is_none_or(|number| stored.number == number)
    })
}
