//! What went wrong, in plain words: what happened, and what to do now.

use wardsum_peer::protocol::peer::Failure;
use wardsum_peer::protocol::{CommitteeError, EndReason, EnrolmentError, LinkError};
use wardsum_peer::storage::StorageError;

use super::{both, sentences, storage};
use crate::api::ApiError;
use crate::trouble::Trouble;

/// A failure for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailureText {
    /// What it is called.
    pub(crate) title: &'static str,
    /// What happened.
    pub(crate) what: String,
    /// What it means for the answer, and what to do.
    pub(crate) then: &'static str,
}

impl FailureText {
    fn new(title: &'static str, what: impl Into<String>, then: &'static str) -> Self {
        Self { title, what: what.into(), then }
    }
}

/// The hospital's list of studies could not be had.
pub(crate) fn api_error(error: ApiError) -> FailureText {
    match error {
        ApiError::Unreachable => unreachable_hospital(),
        ApiError::OtherOrigin => FailureText::new(
            sentences::other_origin_title(),
            sentences::other_origin(),
            sentences::other_origin_then(),
        ),
        ApiError::Unexpected(status) => FailureText::new(
            sentences::unexpected_title(),
            sentences::unexpected(&status.to_string()),
            sentences::unexpected_then(),
        ),
    }
}

/// The address has something behind its `#` that is no invitation.
pub(crate) fn bad_invitation(error: &LinkError) -> FailureText {
    FailureText::new(
        sentences::bad_link_title(),
        sentences::bad_link(&link(*error)),
        sentences::bad_link_then(),
    )
}

/// Why what was in an address is no invitation: the end of a sentence.
fn link(error: LinkError) -> String {
    match error {
        LinkError::Character { position, found } => {
            sentences::link_character(position as u64, &found.to_string())
        }
        LinkError::TooShort { missing } => sentences::link_too_short(missing as u64),
        LinkError::TooLong { extra } => sentences::link_too_long(extra as u64),
        LinkError::Damaged => sentences::link_damaged().to_owned(),
        LinkError::Version(version) => sentences::link_version(&version.to_string()),
        LinkError::Malformed => sentences::link_malformed().to_owned(),
        LinkError::Signature => sentences::link_signature().to_owned(),
    }
}

/// The tab has answered before it was reloaded, and cannot read what it kept.
pub(crate) fn interrupted(error: &StorageError) -> FailureText {
    FailureText::new(sentences::interrupted_title(), storage(error), sentences::interrupted_then())
}

/// The browser refused to connect.
pub(crate) fn connect_error() -> FailureText {
    FailureText::new(
        sentences::cannot_connect_title(),
        sentences::cannot_connect(),
        sentences::cannot_connect_then(),
    )
}

fn unreachable_hospital() -> FailureText {
    FailureText::new(
        sentences::unreachable_title(),
        sentences::unreachable(),
        sentences::unreachable_then(),
    )
}

/// Why a round takes no answers, to somebody who has not given one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooLateText {
    /// A stable name.
    pub(crate) code: &'static str,
    /// What it is called.
    pub(crate) title: &'static str,
    /// What happened.
    pub(crate) what: String,
}

/// A round takes no answers. `trouble` is what happened to it while this tab was there, `closing`
/// whether its result is still to come.
pub(crate) fn too_late(trouble: Option<&Trouble>, closing: bool) -> TooLateText {
    let (code, title, what) = match (trouble, closing) {
        (Some(trouble @ Trouble::Round(Failure::RoundEnded(reason))), _) => {
            let what = sentences::late_ended(&end_reason(*reason));
            (trouble.code(), sentences::ended_title(), what)
        }
        (Some(trouble @ Trouble::Round(Failure::Full)), _) => {
            (trouble.code(), sentences::full_title(), sentences::late_full().to_owned())
        }
        (_, true) => {
            ("closing", sentences::late_closing_title(), sentences::late_closing().to_owned())
        }
        (_, false) => ("over", sentences::late_over_title(), sentences::late_over().to_owned()),
    };
    TooLateText { code, title, what }
}

/// A visit ended without a result. `sent` says whether shares of the answer were on their way.
pub(crate) fn trouble(trouble: &Trouble, sent: bool) -> FailureText {
    let then = if sent { sentences::then_not_readable() } else { sentences::then_not_sent() };
    match trouble {
        Trouble::Unreachable => unreachable_hospital(),
        Trouble::Crowded => {
            FailureText::new(sentences::crowded_title(), sentences::crowded(), then)
        }
        Trouble::Storage(error) => {
            let then = if sent {
                sentences::then_storage_sent()
            } else {
                sentences::then_storage_not_sent()
            };
            FailureText::new(sentences::storage_title(), storage(error), then)
        }
        Trouble::Round(failure) => round(*failure, sent, then),
    }
}

fn round(failure: Failure, sent: bool, then: &'static str) -> FailureText {
    let tell = sentences::then_tell();
    let (title, what, then) = match failure {
        Failure::ConnectionLost => (sentences::lost_title(), sentences::lost(), then),
        Failure::HospitalStopping => (sentences::stopping_title(), sentences::stopping(), then),
        Failure::HospitalSilent => (sentences::silent_title(), sentences::silent(), then),
        Failure::Refused { code } => {
            let what = sentences::refused(&code.to_string());
            return FailureText::new(sentences::refused_title(), what, then);
        }
        Failure::Full => (sentences::full_title(), sentences::full(), then),
        Failure::PlacesKept => (sentences::full_title(), sentences::full_places_kept(), then),
        Failure::TooLate => (sentences::too_late_title(), sentences::too_late(), then),
        Failure::ForeignInvitation(_) => {
            (sentences::foreign_invitation_title(), sentences::foreign_invitation(), then)
        }
        Failure::InvitationUsed => {
            (sentences::invitation_used_title(), sentences::invitation_used(), then)
        }
        Failure::InvitationRevoked => {
            (sentences::invitation_revoked_title(), sentences::invitation_revoked(), then)
        }
        Failure::NotInvited => (sentences::not_invited_title(), sentences::not_invited(), then),
        Failure::Left => (sentences::left_title(), sentences::left(), then),
        Failure::WordsDiffer => return words_differ(sent, then),
        Failure::RoundEnded(reason) => {
            return FailureText::new(sentences::ended_title(), end_reason(reason), then);
        }
        Failure::Malformed => (sentences::malformed_title(), sentences::malformed(), tell),
        Failure::RoundGone => (sentences::round_gone_title(), sentences::round_gone(), then),
        Failure::Replaced => (sentences::replaced_title(), sentences::replaced(), then),
        Failure::Equivocation => (sentences::equivocation_title(), sentences::equivocation(), tell),
        Failure::StudyInvalid => {
            (sentences::study_invalid_title(), sentences::study_invalid(), tell)
        }
        Failure::Committee(error) => committee(error),
        Failure::Sealing => (sentences::sealing_title(), sentences::sealing(), tell),
        Failure::ForeignSender | Failure::ForgedShare => {
            (sentences::forged_title(), sentences::forged(), tell)
        }
        Failure::ManifestInvalid => {
            (sentences::manifest_title(), sentences::manifest_invalid(), tell)
        }
        Failure::VerdictInvalid(_) | Failure::VerdictContradicted => {
            (sentences::verdict_title(), sentences::verdict_invalid(), tell)
        }
        Failure::ResultInvalid(_) => {
            (sentences::result_invalid_title(), sentences::result_invalid(), tell)
        }
        Failure::SumMismatch => (sentences::sum_mismatch_title(), sentences::sum_mismatch(), tell),
    };
    FailureText::new(title, what, then)
}

/// The committee that the hospital has told breaks a rule.
fn committee(error: CommitteeError) -> (&'static str, &'static str, &'static str) {
    let uninvited =
        matches!(error, CommitteeError::Member { source: EnrolmentError::Credential(_), .. });
    let (title, what) = if uninvited {
        (sentences::uninvited_title(), sentences::uninvited())
    } else {
        (sentences::committee_title(), sentences::committee_invalid())
    };
    (title, what, sentences::then_tell())
}

/// After words that differ nobody can say that only those whom one meant can read what was sent.
fn words_differ(sent: bool, then: &'static str) -> FailureText {
    let answer = if sent { sentences::then_sent_to_whom() } else { then };
    FailureText::new(
        sentences::words_differ_title(),
        both(sentences::words_differ_what(), answer),
        sentences::words_differ_then(),
    )
}

fn end_reason(reason: EndReason) -> String {
    let (say, shortfall): (fn(u32, u32) -> String, _) = match reason {
        EndReason::TooFewEnrolled(shortfall) => (sentences::end_too_few_enrolled, shortfall),
        EndReason::TooFewContributed(shortfall) => (sentences::end_too_few_contributed, shortfall),
        EndReason::MembersLost(shortfall) => (sentences::end_members_lost, shortfall),
        EndReason::PartialsLate(shortfall) => (sentences::end_partials_late, shortfall),
        EndReason::VerificationsLate(shortfall) => (sentences::end_verifications_late, shortfall),
        EndReason::TooFewValid(shortfall) => (sentences::end_too_few_valid, shortfall),
        EndReason::Contradiction => return sentences::end_contradiction().to_owned(),
        EndReason::Aborted => return sentences::end_aborted().to_owned(),
    };
    say(shortfall.have, shortfall.need)
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::Shortfall;

    use super::*;

    #[test]
    fn a_round_that_ended_is_not_said_to_have_a_result_coming() {
        let reason = EndReason::TooFewEnrolled(Shortfall { have: 1, need: 3 });
        let ended = Trouble::Round(Failure::RoundEnded(reason));
        for closing in [true, false] {
            let told = too_late(Some(&ended), closing);
            assert_eq!((told.code, told.title), ("round-ended", sentences::ended_title()));
            assert!(told.what.contains("1 of at least 3"), "{}", told.what);
        }
    }

    #[test]
    fn words_that_differ_promise_nothing_of_an_answer_that_was_sent() {
        let differ = Trouble::Round(Failure::WordsDiffer);
        let before = trouble(&differ, false).what;
        assert!(before.ends_with(sentences::then_not_sent()), "{before}");
        let after = trouble(&differ, true).what;
        assert!(
            after.ends_with(sentences::then_sent_to_whom())
                && !after.contains(sentences::then_not_readable()),
            "{after}"
        );
    }

    #[test]
    fn a_full_round_has_a_sentence_of_its_own() {
        let told = too_late(Some(&Trouble::Round(Failure::Full)), true);
        assert_eq!((told.code, told.title), ("full", sentences::full_title()));
    }

    #[test]
    fn without_trouble_it_depends_on_what_stands_now() {
        assert_eq!(too_late(None, true).code, "closing");
        assert_eq!(too_late(None, false).code, "over");
        let late = Trouble::Round(Failure::TooLate);
        assert_eq!(too_late(Some(&late), false).code, "over");
    }
}
