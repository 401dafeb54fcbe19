//! Events and progress as plain JavaScript objects; `js/types.rs` describes them.

use js_sys::{Array, Object, Reflect};
use wardsum_protocol::Study;
use wardsum_protocol::peer::{self, OwnAnswer, Role, Stage};
use wardsum_protocol::sharing::ShareIndices;
use wardsum_protocol::verdict::Rejection;
use wasm_bindgen::JsValue;

use crate::storage::{StorageError, Summary};
use crate::{Event, Outcome, PeerHandle};

/// An event as a JavaScript object.
pub(super) fn to_js(event: &Event) -> JsValue {
    match event {
        Event::Connected => of_type("connected").into(),
        Event::Protocol(event) => protocol_event(event).into(),
        Event::Words(Ok(words)) => {
            let list: Array = words.words().into_iter().map(JsValue::from).collect();
            of_type("words").with("words", list).into()
        }
        Event::Words(Err(error)) => {
            of_type("wordsUnavailable").with("message", error.to_string()).into()
        }
        Event::WordsInPage => of_type("wordsInPage").into(),
        Event::Closed { code, reason, opened } => of_type("closed")
            .with("code", *code)
            .with("reason", reason)
            .with("opened", *opened)
            .into(),
        Event::NotKept(error) => storage_event("notKept", error),
        Event::StorageFailed(error) => storage_event("storageFailed", error),
        Event::NotErased(error) => storage_event("notErased", error),
    }
}

/// Where a peer stands, as a JavaScript object.
pub(super) fn progress(handle: &PeerHandle) -> JsValue {
    let disclosure = handle.disclosure().unwrap_or_default();
    Fields::new()
        .with("stage", handle.stage().map_or("left", stage_code))
        .with("sharesSent", disclosure.shares_sent)
        // Far below 2^53, where a number stops being exact.
        .with("bytesSent", whole(disclosure.bytes_sent))
        .with("verificationsSent", disclosure.verifications_sent)
        .with("partialsSent", disclosure.partials_sent)
        .into()
}

/// An answer that can be taken up again.
pub(super) fn resumable(summary: &Summary) -> JsValue {
    Fields::new()
        .with("id", summary.name.to_string())
        .with("study", &summary.study_id)
        .with("digest", summary.round.to_string())
        .with("updatedAtMs", summary.updated_at_ms)
        .into()
}

/// How a tab's last round has ended.
pub(super) fn outcome(outcome: &Outcome) -> JsValue {
    Fields::new()
        .with("study", &outcome.study_id)
        .with("digest", outcome.round.to_string())
        .with("count", outcome.aggregate.count)
        .with("sum", outcome.aggregate.sum)
        .with("rejected", outcome.rejected)
        .with("ownAnswer", own_answer_code(outcome.own))
        .with("receipt", outcome.receipt.clone())
        .into()
}

fn storage_event(name: &str, error: &StorageError) -> JsValue {
    of_type(name).with("code", error.code()).with("message", error.to_string()).into()
}

fn protocol_event(event: &peer::Event) -> Fields {
    match event {
        peer::Event::StudyReceived(study) => of_type("study").with("study", study_fields(study)),
        peer::Event::Resumed { study, sent, promised } => of_type("resumed")
            .with("study", study_fields(study))
            .with("sent", *sent)
            .with("promised", *promised),
        peer::Event::Disconnected { why, retry_in_ms } => of_type("disconnected")
            .with("code", why.code())
            .with("message", why.to_string())
            .with("retryInMs", whole(*retry_in_ms)),
        peer::Event::Reconnected => of_type("reconnected"),
        peer::Event::Waiting(waiting) => of_type("waiting")
            .with("phase", waiting.phase.as_str())
            .with("present", waiting.present)
            .with("needed", waiting.needed)
            .with("away", waiting.away)
            .with("closesInMs", whole(waiting.closes_in_ms)),
        peer::Event::Enrolled => of_type("enrolled"),
        peer::Event::CommitteeFixed { members, threshold, role } => of_type("committee")
            .with("members", *members)
            .with("threshold", *threshold)
            .with("member", matches!(role, Role::Member { .. })),
        peer::Event::SafetyWords { awaited, .. } => {
            of_type("compareWords").with("awaited", *awaited)
        }
        peer::Event::WordsDisputed { reports } => {
            of_type("wordsDisputed").with("reports", *reports)
        }
        peer::Event::ContributionSent { shares } => {
            of_type("contributionSent").with("shares", *shares)
        }
        peer::Event::ContributionAcknowledged => of_type("contributionAcknowledged"),
        peer::Event::ShareReceived { received } => {
            of_type("shareReceived").with("received", *received)
        }
        peer::Event::ManifestAccepted { contributions, own } => of_type("manifest")
            .with("contributions", *contributions)
            .with("ownAnswer", own_answer_code(*own)),
        peer::Event::VerificationSent { contributions } => {
            of_type("verificationSent").with("contributions", *contributions)
        }
        peer::Event::VerdictAccepted { accepted, rejected, own } => {
            let own = own.map_or(OwnAnswer::Counted, OwnAnswer::Rejected);
            of_type("verdict")
                .with("accepted", *accepted)
                .with("rejected", *rejected)
                .with("ownAnswer", own_answer_code(own))
        }
        peer::Event::PartialSent => of_type("partialSent"),
        peer::Event::Declined(reason) => of_type("declined").with("message", reason.to_string()),
        peer::Event::Published(published) => of_type("result")
            .with("count", published.aggregate.count)
            .with("sum", published.aggregate.sum)
            .with("mean", published.aggregate.mean())
            .with("rejected", published.rejected)
            .with("wrongMembers", places(published.wrong))
            .with("ownAnswer", own_answer_code(published.own)),
        peer::Event::Failed(failure) => {
            of_type("failed").with("code", failure.code()).with("message", failure.to_string())
        }
    }
}

fn places(members: ShareIndices) -> Array {
    members.iter().map(|index| JsValue::from(index.number())).collect()
}

fn study_fields(study: &Study) -> Fields {
    Fields::new()
        .with("digest", study.digest().to_string())
        .with("title", study.title())
        .with("organisation", study.organisation())
        .with("question", study.question())
        .with("unit", study.unit())
        .with("min", study.min())
        .with("max", study.max())
        .with("minimumCohort", study.minimum_cohort())
        .with("maximumCohort", study.maximum_cohort())
}

fn own_answer_code(own: OwnAnswer) -> &'static str {
    match own {
        OwnAnswer::Counted => "counted",
        OwnAnswer::NotCounted => "not-counted",
        OwnAnswer::Rejected(Rejection::Invalid) => "not-valid",
        OwnAnswer::Rejected(Rejection::Disputed) => "in-dispute",
        OwnAnswer::None => "none",
    }
}

fn stage_code(stage: Stage) -> &'static str {
    match stage {
        Stage::Connecting => "connecting",
        Stage::AwaitingAnswer => "awaiting-answer",
        Stage::AwaitingCommittee => "awaiting-committee",
        Stage::Comparing => "comparing",
        Stage::Sealing => "sealing",
        Stage::AwaitingManifest => "awaiting-manifest",
        Stage::AwaitingVerdict => "awaiting-verdict",
        Stage::AwaitingResult => "awaiting-result",
        Stage::Finished => "finished",
        Stage::Failed => "failed",
    }
}

fn of_type(name: &str) -> Fields {
    Fields::new().with("type", name)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and bytes, far below 2^53")]
fn whole(value: u64) -> f64 {
    value as f64
}

/// A JavaScript object that is being filled.
struct Fields(Object);

impl Fields {
    fn new() -> Self {
        Self(Object::new())
    }

    fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&self.0, &JsValue::from_str(name), &value.into());
        self
    }
}

impl From<Fields> for JsValue {
    fn from(fields: Fields) -> Self {
        fields.0.into()
    }
}
