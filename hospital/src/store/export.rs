//! What a store says to people: rounds, how they ended, results, and the audit log.

use rusqlite::Connection;
use serde::Serialize;
use wardsum_protocol::round::{Record, Round};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Committee, Phase, Study, Timestamp};

use super::error::{Fault, StoreError};
use super::rounds::Progress;
use super::store_row::StoreRow;
use super::{AuditEntry, Snapshot, StoredRound, audit, journal, rounds};

/// Everything in a store but keys, sealed shares and messages of peers.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    /// The rounds, in the order in which they were opened.
    pub rounds: Vec<ExportedRound>,
    /// The audit log, the oldest entry first.
    pub audit: Vec<AuditEntry>,
}

/// One round.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedRound {
    /// The study's id.
    pub study: String,
    /// The round's number within its study, counted from one.
    pub round: u32,
    /// The digest of the round's study, in hexadecimal digits.
    pub digest: String,
    /// The study's title.
    pub title: String,
    /// Who asked.
    pub organisation: String,
    /// The question.
    pub question: String,
    /// The unit of an answer; may be empty.
    pub unit: String,
    /// The smallest answer.
    pub min: i128,
    /// The largest answer.
    pub max: i128,
    /// When the round was opened, in milliseconds since 1970.
    pub opened_unix_ms: i64,
    /// When it was over; `null` while it goes on.
    pub over_unix_ms: Option<i64>,
    /// For how long a hospital has served it, in milliseconds.
    pub served_ms: u64,
    /// Where it stands: enrolling, contributing, verifying, aggregating, published or ended.
    pub phase: &'static str,
    /// How many did what.
    pub counts: Counts,
    /// What was published.
    pub result: Option<Outcome>,
    /// The committee members whose partial aggregates were wrong and have been corrected in it; none if
    /// there is no result.
    pub wrong_members: Option<Vec<u8>>,
    /// Why there is no result.
    pub reason: Option<String>,
    /// Whether the sealed shares of the answers were erased.
    pub sealed_shares_erased: bool,
}

/// How many people did what in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Enrolled and did not leave before the committee was fixed.
    pub enrolled: u32,
    /// Serve on the committee, once it is fixed.
    pub committee: Option<u8>,
    /// Contributed an answer.
    pub contributed: u32,
    /// Answers in the manifest, once it is fixed.
    pub counted: Option<u32>,
    /// Of these, answers that are not counted, because they are not valid or in dispute.
    pub rejected: Option<u32>,
    /// Members that gave a partial aggregate.
    pub partials: u32,
    /// Members that declined to.
    pub declined: u32,
    /// Members that left for good.
    pub left: u32,
    /// People who left because their safety words were not those of the others.
    pub words_disputed: u32,
    /// Invitations that were taken back before the committee was fixed.
    pub invitations_revoked: u32,
}

/// A published result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// How many answers were counted.
    pub count: u32,
    /// Their sum.
    pub sum: i128,
    /// Their mean, for display.
    pub mean: f64,
}

impl Snapshot {
    /// Reads all rounds, or those of one study, and the audit log. Whatever was altered is refused.
    pub fn export(&self, study: Option<&str>) -> Result<Export, StoreError> {
        read(&self.connection, study).map_err(|fault| fault.of(&self.file))
    }
}

fn read(connection: &Connection, study: Option<&str>) -> Result<Export, Fault> {
    let store = StoreRow::load(connection)?;
    let mut rounds = rounds::all(&store, connection)?;
    if let Some(wanted) = study {
        let mut known = rounds.iter().map(|round| round.study_id.clone()).collect::<Vec<_>>();
        rounds.retain(|round| round.study_id == wanted);
        if rounds.is_empty() {
            known.sort();
            known.dedup();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let study = wanted.to_owned();
            return Err(Fault::Refused(StoreError::UnknownStudy { study, known }));
        }
    }
    let rounds = rounds.into_iter().map(|round| export(round, connection));
    Ok(Export {
        rounds: rounds.collect::<Result<_, _>>()?,
        audit: audit::read(&store, connection)?,
    })
}

fn export(round: StoredRound, connection: &Connection) -> Result<ExportedRound, Fault> {
    let damaged = |what: &str| Fault::Damage(format!("round {}: {what}", round.key));
    let study = Study::decode(&round.study).map_err(|error| damaged(&error.to_string()))?;
    let progress =
        Progress::load(round.key, connection)?.ok_or_else(|| damaged("its progress is missing"))?;
    let mut counts = Counts::default();
    let (mut phase, mut result, mut reason) = (Phase::Enrolling, None, None);
    let records = journal::read(round.key, &progress, connection)?;
    let wrong_members = wrong_members(&study, &records, round.clock);
    for (_, record) in records {
        match record {
            Record::Enrolled(_) => counts.enrolled += 1,
            Record::Withdrawn(_) => counts.enrolled = counts.enrolled.saturating_sub(1),
            Record::CommitteeFixed(bytes) => {
                let committee = Committee::decode(&study, &bytes)
                    .map_err(|error| damaged(&format!("its committee: {error}")))?;
                counts.committee = Some(committee.size());
                phase = Phase::Contributing;
            }
            Record::Contributed(_) => counts.contributed += 1,
            Record::InvitationsRevoked(serials) => {
                let serials = u32::try_from(serials.len()).unwrap_or(u32::MAX);
                counts.invitations_revoked = counts.invitations_revoked.saturating_add(serials);
            }
            Record::ContributingClosed | Record::InvitationUsed { .. } | Record::Verified(_) => {}
            Record::ManifestFixed { size } => {
                counts.counted = Some(size);
                phase = Phase::Verifying;
            }
            Record::Judged(verdict) => {
                counts.rejected = Some(verdict.rejected_len());
                phase = Phase::Aggregating;
            }
            Record::Partial(_) => counts.partials += 1,
            Record::Declined(..) => counts.declined += 1,
            Record::Left(_) => counts.left += 1,
            Record::WordsDisputed(_) => counts.words_disputed += 1,
            Record::Published { aggregate, .. } => {
                let (count, sum, mean) = (aggregate.count, aggregate.sum, aggregate.mean());
                result = Some(Outcome { count, sum, mean });
                phase = Phase::Published;
            }
            Record::Ended(why) => {
                reason = Some(why.to_string());
                phase = Phase::Ended;
            }
        }
    }
    // Marking comes first, and deleting may take its time.
    let sealed_shares_erased = round.erased && !journal::has_sealed(round.key, connection)?;
    Ok(ExportedRound {
        study: round.study_id,
        round: round.number,
        digest: round.digest.to_string(),
        title: study.title().to_owned(),
        organisation: study.organisation().to_owned(),
        question: study.question().to_owned(),
        unit: study.unit().to_owned(),
        min: study.min(),
        max: study.max(),
        opened_unix_ms: round.opened_unix_ms,
        over_unix_ms: round.over_unix_ms,
        served_ms: round.clock.0,
        phase: phase.as_str(),
        counts,
        result,
        wrong_members,
        reason,
        sealed_shares_erased,
    })
}

/// Whose partial aggregates were wrong: it follows from the records and is not among them.
fn wrong_members(
    study: &Study,
    records: &[(Timestamp, Record)],
    now: Timestamp,
) -> Option<Vec<u8>> {
    if !records.iter().any(|(_, record)| matches!(record, Record::Published { .. })) {
        return None;
    }
    let round = Round::restore(study.clone(), Timestamp::default(), records.iter().cloned(), now);
    Some(round.ok()?.status().wrong.iter().map(ShareIndex::number).collect())
}
