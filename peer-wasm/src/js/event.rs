//! Events and progress as plain JavaScript objects; `js/types.rs` describes them.

use js_sys::Array;
use wardsum_protocol::peer::{self, OwnAnswer, Role, Stage};
use wardsum_protocol::sharing::ShareIndices;
use wardsum_protocol::verdict::Rejection;
use wardsum_protocol::{Aggregate, Study};
use wasm_bindgen::JsValue;

use super::fields::Fields;
use super::study;
use crate::storage::{StorageError, Summary};
use crate::{Event, Outcome, PeerHandle};

/// An event as a JavaScript object, of a peer in this study, if it knows it already.
pub(super) fn to_js(event: &Event, study: Option<&Study>) -> JsValue {
    match event {
        Event::Connected => Fields::of_type("connected").into(),
        Event::Protocol(event) => protocol_event(event, study).into(),
        Event::Words(Ok(words)) => {
            let list: Array = words.words().into_iter().map(JsValue::from).collect();
            Fields::of_type("words").with("words", list).into()
        }
        Event::Words(Err(error)) => {
            Fields::of_type("wordsUnavailable").with("message", error.to_string()).into()
        }
        Event::WordsInPage => Fields::of_type("wordsInPage").into(),
        Event::Closed { code, reason, opened } => Fields::of_type("closed")
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
    let fields = Fields::new()
        .with("study", &outcome.study_id)
        .with("digest", outcome.study.digest().to_string())
        .with("asked", study::study(&outcome.study))
        .with("rejected", outcome.rejected)
        .with("ownAnswer", own_answer_code(outcome.own))
        .with("receipt", outcome.receipt.clone());
    with_numbers(fields, &outcome.study, &outcome.aggregate).into()
}

fn storage_event(name: &str, error: &StorageError) -> JsValue {
    Fields::of_type(name).with("code", error.code()).with("message", error.to_string()).into()
}

fn protocol_event(event: &peer::Event, study: Option<&Study>) -> Fields {
    match event {
        peer::Event::StudyReceived(study) => {
            Fields::of_type("study").with("study", study::study(study))
        }
        peer::Event::Resumed { study, sent, promised } => Fields::of_type("resumed")
            .with("study", study::study(study))
            .with("sent", *sent)
            .with("promised", *promised),
        peer::Event::Disconnected { why, retry_in_ms } => Fields::of_type("disconnected")
            .with("code", why.code())
            .with("message", why.to_string())
            .with("retryInMs", whole(*retry_in_ms)),
        peer::Event::Reconnected => Fields::of_type("reconnected"),
        peer::Event::Waiting(waiting) => Fields::of_type("waiting")
            .with("phase", waiting.phase.as_str())
            .with("present", waiting.present)
            .with("needed", waiting.needed)
            .with("away", waiting.away)
            .with("closesInMs", whole(waiting.closes_in_ms)),
        peer::Event::Enrolled => Fields::of_type("enrolled"),
        peer::Event::CommitteeFixed { members, threshold, role } => Fields::of_type("committee")
            .with("members", *members)
            .with("threshold", *threshold)
            .with("member", matches!(role, Role::Member { .. })),
        peer::Event::SafetyWords { awaited, .. } => {
            Fields::of_type("compareWords").with("awaited", *awaited)
        }
        peer::Event::WordsDisputed { reports } => {
            Fields::of_type("wordsDisputed").with("reports", *reports)
        }
        peer::Event::ContributionSent { shares } => {
            Fields::of_type("contributionSent").with("shares", *shares)
        }
        peer::Event::ContributionAcknowledged => Fields::of_type("contributionAcknowledged"),
        peer::Event::ShareReceived { received } => {
            Fields::of_type("shareReceived").with("received", *received)
        }
        peer::Event::ManifestAccepted { contributions, own } => Fields::of_type("manifest")
            .with("contributions", *contributions)
            .with("ownAnswer", own_answer_code(*own)),
        peer::Event::VerificationSent { contributions } => {
            Fields::of_type("verificationSent").with("contributions", *contributions)
        }
        peer::Event::VerdictAccepted { accepted, rejected, own } => {
            let own = own.map_or(OwnAnswer::Counted, OwnAnswer::Rejected);
            Fields::of_type("verdict")
                .with("accepted", *accepted)
                .with("rejected", *rejected)
                .with("ownAnswer", own_answer_code(own))
        }
        peer::Event::PartialSent => Fields::of_type("partialSent"),
        peer::Event::Declined(reason) => {
            Fields::of_type("declined").with("message", reason.to_string())
        }
        peer::Event::Published(published) => {
            let fields = Fields::of_type("result")
                .with("rejected", published.rejected)
                .with("wrongMembers", places(published.wrong))
                .with("ownAnswer", own_answer_code(published.own));
            // No round has a result before its study has come.
            study
                .into_iter()
                .fold(fields, |fields, study| with_numbers(fields, study, &published.aggregate))
        }
        peer::Event::Failed(failure) => Fields::of_type("failed")
            .with("code", failure.code())
            .with("message", failure.to_string()),
    }
}

/// The numbers of a result of this study.
fn with_numbers(fields: Fields, study: &Study, aggregate: &Aggregate) -> Fields {
    fields
        .with("count", aggregate.count)
        .with("cells", study::cells(study, aggregate))
        .with("sum", aggregate.sum(study))
}

fn places(members: ShareIndices) -> Array {
    members.iter().map(|index| JsValue::from(index.number())).collect()
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

#[expect(clippy::cast_precision_loss, reason = "milliseconds and bytes, far below 2^53")]
fn whole(value: u64) -> f64 {
    value as f64
}
