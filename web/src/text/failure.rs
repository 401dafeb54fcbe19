//! What went wrong, in plain words: what happened, and what to do now.

use wardsum_peer::protocol::peer::Failure;
use wardsum_peer::protocol::{CommitteeError, EndReason, EnrolmentError, LinkError};
use wardsum_peer::storage::StorageError;

use crate::api::ApiError;
use crate::number;
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

const NOT_SENT: &str = "Nothing of your answer has left this device.";
const NOT_READABLE: &str = "Whatever was sent is encrypted, and nobody can read your answer.";
/// After words that differ nobody can say that only those whom one meant can read it.
const SENT_TO_WHOM: &str = "Your answer was sent before, encrypted with the keys that this page was shown. If \
    somebody has slipped in keys of their own, they may be able to read it.";
const STORAGE_NOT_SENT: &str = "So your answer was not sent. This page sends nothing that it could \
    not go on with after a reload.";
const STORAGE_SENT: &str = "This page stopped before it sent anything more. What was sent is \
    encrypted, and nobody can read your answer.";
const TELL: &str = "Nobody has seen your answer. Please tell the people who gave you the link: the \
    hospital’s server does not do what it should.";

const ENDED_TITLE: &str = "The round ended without a result";
const FULL_TITLE: &str = "This round is full";

/// The hospital's list of studies could not be had.
pub(crate) fn api_error(error: ApiError) -> FailureText {
    match error {
        ApiError::Unreachable => unreachable_hospital(),
        ApiError::OtherOrigin => FailureText::new(
            "This hospital takes no answers from this page",
            "The hospital’s server is there, but it does not allow pages from the address that is \
             shown at the top of the browser.",
            "Please tell the people who gave you the link. Nothing of your answer has left this \
             device.",
        ),
        ApiError::Unexpected(status) => FailureText::new(
            "The hospital’s server gave an answer that this page does not understand",
            format!(
                "It answered with status {status}. The page and the server may be of different \
                 versions."
            ),
            "Please reload the page. If that does not help, tell the people who gave you the link. \
             Nothing has been sent.",
        ),
    }
}

/// The address has something behind its `#` that is no invitation.
pub(crate) fn bad_invitation(error: &LinkError) -> FailureText {
    FailureText::new(
        "This invitation link is damaged",
        format!("What stands behind the # in the address is no whole invitation: {error}."),
        "Please open the link again exactly as you were given it, or scan its code. Nothing has been sent.",
    )
}

/// The tab has answered before it was reloaded, and cannot read what it kept.
pub(crate) fn interrupted(error: &StorageError) -> FailureText {
    FailureText::new(
        "This tab cannot go on where it was",
        error.to_string(),
        "You have answered here before. Please try again, and do not answer in another tab: your \
         answer might count twice.",
    )
}

/// The browser refused to connect.
pub(crate) fn connect_error() -> FailureText {
    FailureText::new(
        "This browser refuses to connect",
        "The browser did not allow a connection to the hospital’s server, or gave no random \
         numbers to make keys from.",
        "Please try another browser. Nothing has been sent.",
    )
}

fn unreachable_hospital() -> FailureText {
    FailureText::new(
        "The hospital cannot be reached",
        "The hospital’s server does not answer. It may be switched off, or this device may be \
         offline.",
        "Please check your connection and try again in a moment. Nothing of your answer has left \
         this device.",
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
            let what = format!("{} Nothing has been sent from this tab.", end_reason(*reason));
            (trouble.code(), ENDED_TITLE, what)
        }
        (Some(trouble @ Trouble::Round(Failure::Full)), _) => {
            let what =
                "It has as many answers as it can take. Nothing has been sent from this tab.";
            (trouble.code(), FULL_TITLE, what.to_owned())
        }
        (_, true) => (
            "closing",
            "This round takes no more answers",
            "Its result is being put together.".to_owned(),
        ),
        (_, false) => ("over", "This round is over", "It takes no more answers.".to_owned()),
    };
    TooLateText { code, title, what }
}

/// A visit ended without a result. `sent` says whether shares of the answer were on their way.
pub(crate) fn trouble(trouble: &Trouble, sent: bool) -> FailureText {
    let then = if sent { NOT_READABLE } else { NOT_SENT };
    match trouble {
        Trouble::Unreachable => unreachable_hospital(),
        Trouble::Crowded => FailureText::new(
            "Too many people are connecting from your network",
            "The hospital’s server takes only so many connections from one network at a time. \
             Please try again later, or from another network.",
            then,
        ),
        Trouble::Storage(error) => FailureText::new(
            "This device could not write down what comes next",
            error.to_string(),
            if sent { STORAGE_SENT } else { STORAGE_NOT_SENT },
        ),
        Trouble::Round(failure) => round(*failure, sent, then),
    }
}

fn round(failure: Failure, sent: bool, then: &'static str) -> FailureText {
    match failure {
        Failure::ConnectionLost => FailureText::new(
            "The connection was lost",
            "The connection to the hospital broke off and did not come back in the time that the \
             round can take.",
            then,
        ),
        Failure::HospitalStopping => FailureText::new(
            "The hospital’s server is stopping",
            "It was shut down or restarted in the middle of the round. Please come back a little \
             later.",
            then,
        ),
        Failure::HospitalSilent => FailureText::new(
            "The hospital’s server does not answer",
            "No answer came in the time that the round can take. Please try again later.",
            then,
        ),
        Failure::Refused { code } => refused(code, then),
        Failure::TooLate | Failure::Full | Failure::PlacesKept => not_counted(failure, then),
        Failure::NotInvited
        | Failure::ForeignInvitation(_)
        | Failure::InvitationUsed
        | Failure::InvitationRevoked => not_invited(failure, then),
        Failure::Left => left(then),
        Failure::WordsDiffer => words_differ(if sent { SENT_TO_WHOM } else { then }),
        Failure::RoundEnded(reason) => FailureText::new(ENDED_TITLE, end_reason(reason), then),
        Failure::Malformed => FailureText::new(
            "The hospital’s server sent something unreadable",
            "This page did not understand a message and stopped taking part, to be on the safe \
             side.",
            TELL,
        ),
        Failure::RoundGone => FailureText::new(
            "The hospital’s server does not know this round any more",
            "It may have been set up anew. This round will have no result.",
            then,
        ),
        Failure::Replaced => FailureText::new(
            "You go on in another tab",
            "The same answer was taken up in another tab, so this one stopped. There is still only \
             one answer.",
            then,
        ),
        Failure::Equivocation => FailureText::new(
            "The hospital’s server contradicts itself",
            "It now says something else than before about who holds the shares or what is \
             counted, so this page stopped taking part.",
            TELL,
        ),
        Failure::StudyInvalid => FailureText::new(
            "This study breaks the rules that protect you",
            "Its rules contradict each other, or would let too small a group be counted, so this \
             page does not take part.",
            TELL,
        ),
        Failure::Committee(error) => committee(error),
        Failure::Sealing => FailureText::new(
            "A share could not be encrypted",
            "The key of one of the other people does not work, so this page sent no share at all.",
            TELL,
        ),
        Failure::ForeignSender | Failure::ForgedShare => FailureText::new(
            "A share came from somebody who cannot have sent it",
            "The hospital’s server delivered a share under a false name, or changed it on the way, so \
             this page stopped taking part.",
            TELL,
        ),
        Failure::ManifestInvalid => FailureText::new(
            "The answers are not counted as promised",
            "The list of answers that the hospital’s server wants to count was changed or is \
             incomplete, so this page stopped.",
            TELL,
        ),
        Failure::VerdictInvalid(_) | Failure::VerdictContradicted => FailureText::new(
            "The answers were not checked as promised",
            "The hospital’s server leaves out more than the rules allow, or counts an answer that this \
             page could not check, so this page stopped.",
            TELL,
        ),
        Failure::ResultInvalid(_) => FailureText::new(
            "The published result does not check out",
            "This page checked the signatures under the result, and they do not hold. Please do \
             not rely on the published number.",
            TELL,
        ),
        Failure::SumMismatch => FailureText::new(
            "The published sum is wrong",
            "It is not what the signed partial sums add up to. Please do not rely on the published \
             number.",
            TELL,
        ),
    }
}

/// The committee that the hospital has told breaks a rule.
fn committee(error: CommitteeError) -> FailureText {
    let uninvited =
        matches!(error, CommitteeError::Member { source: EnrolmentError::Credential(_), .. });
    if uninvited {
        FailureText::new(
            "Somebody who would hold shares was not invited",
            "The key of one of the people who would hold shares does not come with an invitation to that \
             key. Somebody may be trying to read along, so this page stopped, and sent no share.",
            TELL,
        )
    } else {
        FailureText::new(
            "The group that would hold the shares is not acceptable",
            "It is too small, names somebody twice, or carries a signature that does not hold. So \
             this page sent no share.",
            TELL,
        )
    }
}

/// The answer came when there was no place for it, or no more.
fn not_counted(failure: Failure, then: &'static str) -> FailureText {
    let (title, what) = match failure {
        Failure::Full => (
            FULL_TITLE,
            "It has as many answers as it can take, so yours is not counted. You can answer in the \
             next round.",
        ),
        Failure::PlacesKept => (
            FULL_TITLE,
            "The last places were kept for people who were here before you and whose connection \
             broke, so yours is not counted. You can answer in the next round.",
        ),
        _ => (
            "You came too late for this round",
            "The round closed before your answer could be counted. The next one may open soon.",
        ),
    };
    FailureText::new(title, what, then)
}

/// No invitation admits this tab.
fn not_invited(failure: Failure, then: &'static str) -> FailureText {
    let (title, what) = match failure {
        Failure::ForeignInvitation(_) => (
            "This invitation is not for this study",
            "Please open the personal link that you were given for this study, whole and unchanged. \
             If it leads here again, ask whoever gave it to you.",
        ),
        Failure::InvitationUsed => (
            "This invitation has been used already",
            "Somebody takes part with it, and it counts once. If that was you, go on in the tab or on \
             the device where you answered. If it was not, tell whoever gave you the invitation.",
        ),
        Failure::InvitationRevoked => (
            "This invitation was taken back",
            "It does not count any more. Please ask whoever gave it to you.",
        ),
        _ => (
            "This study is by invitation",
            "Only people with a personal link take part, so that nobody can be invented. Please open \
             the link, or scan the code, that you were given.",
        ),
    };
    FailureText::new(title, what, then)
}

fn refused(code: u16, then: &'static str) -> FailureText {
    FailureText::new(
        "The hospital refused this device",
        format!(
            "Its server closed the connection with code {code}. Reloading the page makes a fresh \
             start."
        ),
        then,
    )
}

fn words_differ(sent: &'static str) -> FailureText {
    FailureText::new(
        "Your words differ, so you have stopped",
        format!(
            "Somebody may stand between you and the others. This device has left the round, and asked the \
             hospital’s server to warn the others. {sent}"
        ),
        "Tell the others aloud now, because that warning may be held back. Tell the people who run the study, \
         and do not try again with this link.",
    )
}

fn left(then: &'static str) -> FailureText {
    FailureText::new(
        "You left the round",
        "This tab does not take part any more, and this device keeps nothing of it. If the \
         hospital had stored your encrypted answer, it may still be counted.",
        then,
    )
}

fn end_reason(reason: EndReason) -> String {
    let of = |have: u32, need: u32| (number::whole(have.into()), number::whole(need.into()));
    match reason {
        EndReason::TooFewEnrolled(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few people came: {have} of at least {need}. So nothing was put together, \
                 and nothing is revealed."
            )
        }
        EndReason::TooFewContributed(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few answers arrived: {have} of at least {need}. So nothing was put \
                 together, and nothing is revealed."
            )
        }
        EndReason::MembersLost(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few of the people who held shares could go on: {have}, and {need} are needed. So no \
                 sum was put together, and nothing is revealed."
            )
        }
        EndReason::PartialsLate(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few partial sums arrived in time: {have} of at least {need}. So no sum was put \
                 together, and nothing is revealed."
            )
        }
        EndReason::VerificationsLate(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few of the people who held shares checked the answers in time: {have} of at least \
                 {need}. So no sum was put together, and nothing is revealed."
            )
        }
        EndReason::TooFewValid(shortfall) => {
            let (have, need) = of(shortfall.have, shortfall.need);
            format!(
                "Too few answers passed the check that every answer has to pass: {have} of at least \
                 {need}. So no sum was put together, and nothing is revealed."
            )
        }
        EndReason::Contradiction => {
            "The partial sums contradict each other: somebody computed wrongly, so no sum is \
             published."
                .to_owned()
        }
        EndReason::Aborted => "The hospital called the round off.".to_owned(),
    }
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
            assert_eq!((told.code, told.title), ("round-ended", ENDED_TITLE));
            assert!(told.what.contains("1 of at least 3"), "{}", told.what);
        }
    }

    #[test]
    fn words_that_differ_promise_nothing_of_an_answer_that_was_sent() {
        let differ = Trouble::Round(Failure::WordsDiffer);
        let before = trouble(&differ, false).what;
        assert!(before.ends_with(NOT_SENT), "{before}");
        let after = trouble(&differ, true).what;
        assert!(after.ends_with(SENT_TO_WHOM) && !after.contains(NOT_READABLE), "{after}");
    }

    #[test]
    fn a_full_round_has_a_sentence_of_its_own() {
        let told = too_late(Some(&Trouble::Round(Failure::Full)), true);
        assert_eq!((told.code, told.title), ("full", FULL_TITLE));
    }

    #[test]
    fn without_trouble_it_depends_on_what_stands_now() {
        assert_eq!(too_late(None, true).code, "closing");
        assert_eq!(too_late(None, false).code, "over");
        let late = Trouble::Round(Failure::TooLate);
        assert_eq!(too_late(Some(&late), false).code, "over");
    }
}
