//! What a store says to people: researchers, studies, rounds, how they ended, results, and the audit log.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;
use wardsum_protocol::round::{Record, Round};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Committee, Phase, Study, Timestamp};

use super::error::{Fault, StoreError};
use super::registry::Registered;
use super::rounds::Progress;
use super::store_row::StoreRow;
use super::{
    AuditEntry, ResearcherName, Role, Snapshot, StoredResearcher, StoredRound, StoredStudy,
    StudyState, audit, journal, rounds,
};
use crate::result_json::ResultJson;

/// Everything in a store but keys, sealed shares, messages of peers and digests of tokens.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    /// The researchers, in the order in which they were added; who was revoked is among them.
    pub researchers: Vec<ExportedResearcher>,
    /// The studies that were made at run time, in the order in which they were made.
    pub studies: Vec<ExportedStudy>,
    /// The rounds, in the order in which they were opened.
    pub rounds: Vec<ExportedRound>,
    /// The audit log, the oldest entry first.
    pub audit: Vec<AuditEntry>,
}

/// Somebody who has, or had, a token. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedResearcher {
    /// Its name.
    pub name: ResearcherName,
    /// What it may do.
    pub role: Role,
    /// When it was added.
    pub added_unix_ms: i64,
    /// From when on its token is refused; `null` if that is only when it is revoked.
    pub expires_unix_ms: Option<i64>,
    /// When it was revoked; `null` if it was not.
    pub revoked_unix_ms: Option<i64>,
    /// When its token was used last, to within a minute; `null` if never.
    pub used_unix_ms: Option<i64>,
}

/// A study that was made while the hospital ran. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedStudy {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: StudyState,
    /// Who made it, as the audit log names it.
    pub made_by: String,
    /// When it was made.
    pub made_unix_ms: i64,
    /// When its state or definition was changed last.
    pub changed_unix_ms: i64,
    /// What an entry of the studies file says.
    pub definition: Value,
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
    /// The ids of the questions, in their order.
    pub questions: Vec<String>,
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
    pub result: Option<ResultJson>,
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

impl Snapshot {
    /// Reads all studies and rounds, or those of one id, the researchers and the audit log. Whatever was
    /// altered is refused.
    pub fn export(&self, study: Option<&str>) -> Result<Export, StoreError> {
        read(&self.connection, study).map_err(|fault| fault.of(&self.file))
    }
}

fn read(connection: &Connection, study: Option<&str>) -> Result<Export, Fault> {
    let store = StoreRow::load(connection)?;
    let mut rounds = rounds::all(&store, connection)?;
    let Registered { researchers, mut studies, .. } = Registered::load(connection)?;
    if let Some(wanted) = study {
        let ids =
            rounds.iter().map(|round| &round.study_id).chain(studies.iter().map(|study| &study.id));
        let known = ids.cloned().collect::<BTreeSet<_>>();
        if !known.contains(wanted) {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            let study = wanted.to_owned();
            return Err(Fault::Refused(StoreError::UnknownStudy { study, known }));
        }
        rounds.retain(|round| round.study_id == wanted);
        studies.retain(|study| study.id == wanted);
    }
    let rounds = rounds.into_iter().map(|round| export(round, connection));
    Ok(Export {
        researchers: researchers.into_iter().map(ExportedResearcher::from).collect(),
        studies: studies.into_iter().map(export_study).collect::<Result<_, _>>()?,
        rounds: rounds.collect::<Result<_, _>>()?,
        audit: audit::read(&store, connection)?,
    })
}

impl From<StoredResearcher> for ExportedResearcher {
    fn from(stored: StoredResearcher) -> Self {
        let StoredResearcher {
            name,
            role,
            added_unix_ms,
            expires_unix_ms,
            revoked_unix_ms,
            used_unix_ms,
            // Nobody needs to know by what a token is known.
            token: _,
            number: _,
        } = stored;
        Self { name, role, added_unix_ms, expires_unix_ms, revoked_unix_ms, used_unix_ms }
    }
}

fn export_study(stored: StoredStudy) -> Result<ExportedStudy, Fault> {
    let StoredStudy { number, id, state, definition, made_by, made_unix_ms, changed_unix_ms } =
        stored;
    let definition = serde_json::from_str(&definition)
        .map_err(|error| Fault::Damage(format!("study {number}: {error}")))?;
    Ok(ExportedStudy { id, state, made_by, made_unix_ms, changed_unix_ms, definition })
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
            Record::Published { .. } | Record::PublishedSum { .. } => {
                let aggregate = record.result(&study);
                result = aggregate.map(|aggregate| ResultJson::new(&study, &aggregate));
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
        title: study.title().first().to_owned(),
        organisation: study.organisation().to_owned(),
        questions: study.form().items().map(|item| item.id.0.clone()).collect(),
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
    if !records.iter().any(|(_, record)| record.is_published()) {
        return None;
    }
    let round = Round::restore(study.clone(), Timestamp::default(), records.iter().cloned(), now);
    Some(round.ok()?.status().wrong.iter().map(ShareIndex::number).collect())
}
