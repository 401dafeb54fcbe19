//! What only the records of a round say: why contributions were rejected, how many invitations were used, and
//! how rounds ended that are long over.

use serde::Serialize;
use utoipa::ToSchema;
use wardsum_protocol::manifest::Commitment;
use wardsum_protocol::round::Record;
use wardsum_protocol::verdict::{Rejection, Verdict};
use wardsum_protocol::{Committee, Study};

use crate::result_json::ResultJson;
use crate::store::{RoundKey, Store, StoreError, StoredRound};

/// Contributions that are not counted, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct RejectedJson {
    /// Of which the proof does not hold: no answer that the study allows.
    invalid: u32,
    /// On whose shares the committee could not agree.
    disputed: u32,
}

/// Why contributions of a round were rejected; none were before the verdict.
pub(super) async fn rejected(
    store: &Store,
    round: RoundKey,
    study: &Study,
) -> Result<RejectedJson, StoreError> {
    let (_, records) = store.records(round).await?;
    let (mut committee, mut size, mut judged) = (None, 0, None);
    for (_, record) in records {
        match record {
            Record::CommitteeFixed(bytes) => committee = Committee::decode(study, &bytes).ok(),
            Record::ManifestFixed { size: fixed } => size = fixed,
            Record::Judged(verdict) => judged = Some(verdict),
            _ => {}
        }
    }
    let (Some(committee), Some(judged)) = (committee, judged) else {
        return Ok(RejectedJson::default());
    };
    // Which contributions there are is not needed to read how many were rejected.
    let commitment = Commitment { size, root: [0; 32] };
    let mut rejected = RejectedJson::default();
    if let Ok(verdict) = Verdict::read(&judged, study, &committee, commitment) {
        for (_, reason) in verdict.rejected() {
            match reason {
                Rejection::Invalid => rejected.invalid += 1,
                Rejection::Disputed => rejected.disputed += 1,
            }
        }
    }
    Ok(rejected)
}

/// How many invitations to a round were used. How many there are only the authority knows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct InvitationsJson {
    /// The round's number.
    round: u32,
    /// The study digest that the invitations are bound to.
    digest: String,
    /// Whose invitations: the authority's public key in hexadecimal digits.
    authority: String,
    /// By people who have enrolled, and may serve on the committee.
    used_to_enrol: u32,
    /// By people who only contribute.
    used_to_contribute: u32,
    /// Taken back.
    revoked: u32,
}

/// What became of the invitations to a round.
pub(super) async fn invitations(
    store: &Store,
    round: RoundKey,
    number: u32,
    study: &Study,
    authority: String,
) -> Result<InvitationsJson, StoreError> {
    let (_, records) = store.records(round).await?;
    let digest = study.digest().to_string();
    let mut counted = InvitationsJson {
        round: number,
        digest,
        authority,
        used_to_enrol: 0,
        used_to_contribute: 0,
        revoked: 0,
    };
    for (_, record) in records {
        match record {
            Record::Enrolled(_) => counted.used_to_enrol += 1,
            Record::Withdrawn(_) => counted.used_to_enrol = counted.used_to_enrol.saturating_sub(1),
            Record::InvitationUsed { .. } => counted.used_to_contribute += 1,
            Record::InvitationsRevoked(serials) => {
                let serials = u32::try_from(serials.len()).unwrap_or(u32::MAX);
                counted.revoked = counted.revoked.saturating_add(serials);
            }
            _ => {}
        }
    }
    Ok(counted)
}

/// How a round ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RoundResultJson {
    /// The study's id.
    study: String,
    /// The round's number.
    round: u32,
    /// The digest of the round's study, in hexadecimal digits.
    digest: String,
    /// When it was opened, and when it was over.
    opened_unix_ms: i64,
    over_unix_ms: Option<i64>,
    /// How many contributed, the rejected ones included.
    contributed: u32,
    rejected: RejectedJson,
    /// What was published; null if nothing was.
    result: Option<ResultJson>,
    /// Why nothing was, in plain words.
    ended: Option<String>,
}

/// How a round ended that is over.
pub(super) async fn result(
    store: &Store,
    stored: &StoredRound,
) -> Result<RoundResultJson, StoreError> {
    let (_, records) = store.records(stored.key).await?;
    let study = Study::decode(&stored.study).ok();
    let aggregate = study.as_ref().and_then(|study| {
        let published = records.iter().rev().find_map(|(_, record)| record.result(study))?;
        Some(ResultJson::new(study, &published))
    });
    let ended = records.iter().rev().find_map(|(_, record)| match record {
        Record::Ended(reason) => Some(reason.to_string()),
        _ => None,
    });
    let rejected = match &study {
        Some(study) => rejected(store, stored.key, study).await?,
        None => RejectedJson::default(),
    };
    Ok(RoundResultJson {
        study: stored.study_id.clone(),
        round: stored.number,
        digest: stored.digest.to_string(),
        opened_unix_ms: stored.opened_unix_ms,
        over_unix_ms: stored.over_unix_ms,
        contributed: stored.contributions,
        rejected,
        result: aggregate,
        ended,
    })
}
