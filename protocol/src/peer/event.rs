//! What a patient's page gets to know: events, stages, failures and what left the device.

use thiserror::Error;

use crate::aggregate::{Aggregate, AggregateError};
use crate::committee::CommitteeError;
use crate::digest::{CommitteeDigest, StudyDigest};
use crate::invitation::MismatchError;
use crate::messages::{DeclineReason, EndReason, Phase, Progress};
use crate::sharing::ShareIndices;
use crate::study::Study;
use crate::verdict::{Rejection, VerdictError};

/// Something that the patient should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The study has arrived: the question can be asked.
    StudyReceived(Box<Study>),
    /// This peer has answered before, and goes on where it was.
    Resumed {
        /// The study.
        study: Box<Study>,
        /// Whether shares of the answer may have left this device then.
        sent: bool,
        /// Whether the hospital has promised then to count the answer.
        promised: bool,
    },
    /// The connection is gone; the peer tries again by itself.
    Disconnected {
        /// What became of the connection.
        why: Failure,
        /// After this pause, in milliseconds.
        retry_in_ms: u64,
    },
    /// The connection is back.
    Reconnected,
    /// How far the round is, as the hospital says.
    Waiting(Waiting),
    /// The hospital has stored this peer's keys.
    Enrolled,
    /// The committee is fixed and has been checked.
    CommitteeFixed {
        /// `k`.
        members: u8,
        /// `T`.
        threshold: u8,
        /// What this peer does in it.
        role: Role,
    },
    /// What the safety words stand for. Whoever drives the peer computes them
    /// ([`crate::SafetyWords::compute`], not where something has to react) and shows them.
    SafetyWords {
        /// The study.
        study: StudyDigest,
        /// The committee that this peer was told.
        committee: CommitteeDigest,
        /// Whether nothing of the answer is sent before
        /// [`Input::WordsMatch`](crate::peer::Input::WordsMatch).
        awaited: bool,
    },
    /// Somebody said that their safety words are others. It may come again with the same number.
    WordsDisputed {
        /// How many have said so, as the hospital says.
        reports: u32,
    },
    /// The answer was split, and every share sealed and sent.
    ContributionSent {
        /// How many shares.
        shares: u8,
    },
    /// The hospital has stored the contribution.
    ContributionAcknowledged,
    /// A sealed share came, was opened and is kept.
    ShareReceived {
        /// How many so far.
        received: u32,
    },
    /// The manifest is fixed and has been checked.
    ManifestAccepted {
        /// How many answers it counts.
        contributions: u32,
        /// Whether this peer's is among them.
        own: OwnAnswer,
    },
    /// This member has told the hospital what it finds about each contribution.
    VerificationSent {
        /// How many contributions.
        contributions: u32,
    },
    /// The verdict is reached and has been checked.
    VerdictAccepted {
        /// How many answers are counted.
        accepted: u32,
        /// How many are not.
        rejected: u32,
        /// Why this peer's own answer is not, if so.
        own: Option<Rejection>,
    },
    /// This member's partial aggregate was sent.
    PartialSent,
    /// This member gives no partial aggregate. The round may still succeed without it.
    Declined(DeclineReason),
    /// The result, checked by this peer: signatures, threshold, sum.
    Published(Published),
    /// This peer's part in the round is over without a result.
    Failed(Failure),
}

/// How far the round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Where the round stands.
    pub phase: Phase,
    /// How many have done what this phase waits for.
    pub present: u32,
    /// How many have to.
    pub needed: u32,
    /// How many are waited for that have lost their connection.
    pub away: u32,
    /// When the phase closes by itself, in milliseconds from now on.
    pub closes_in_ms: u64,
}

impl From<Progress> for Waiting {
    fn from(progress: Progress) -> Self {
        let Progress { phase, present, needed, away, closes_in_ms } = progress;
        Self { phase, present, needed, away, closes_in_ms }
    }
}

/// What a peer does in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It holds shares and gives a partial aggregate.
    Member {
        /// Its share index, from 1 on.
        index: u8,
    },
    /// It only contributes.
    Contributor,
}

/// Whether a result counts this peer's own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnAnswer {
    /// It is. A member that has verified the answers ([`Event::VerificationSent`]) has seen that it is there
    /// once. Anybody else has seen a proof that it is there, and can see with the receipt and the transcript
    /// whether that is the only place.
    Counted,
    /// It came too late and is not in the manifest.
    NotCounted,
    /// It is in the manifest and was not accepted.
    Rejected(Rejection),
    /// The peer gave none.
    None,
}

/// A result and what this peer knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The numbers, recomputed from the signed partial aggregates.
    pub aggregate: Aggregate,
    /// Whether this peer's own answer is in it.
    pub own: OwnAnswer,
    /// How many answers arrived and were not counted, because they are not valid or in dispute.
    pub rejected: u32,
    /// The members whose partial aggregates were wrong and have been corrected.
    pub wrong: ShareIndices,
}

/// What the peer is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// For the connection or the study.
    Connecting,
    /// For the patient.
    AwaitingAnswer,
    /// For enough others.
    AwaitingCommittee,
    /// For people to compare the safety words.
    Comparing,
    /// For its own sealing, which is done in slices.
    Sealing,
    /// For the contributions of the others.
    AwaitingManifest,
    /// For its own verification, which is done in slices, and those of the others.
    AwaitingVerdict,
    /// For the partial aggregates of the others.
    AwaitingResult,
    /// For nothing: there is a result.
    Finished,
    /// For nothing: it ended early.
    Failed,
}

/// What has left this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// Messages to the hospital.
    pub messages_sent: u32,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Sealed shares of the answer, each readable by one committee member.
    pub shares_sent: u32,
    /// Messages about whether the answers are valid: one per 1,024 answers, however often it had to be repeated.
    pub verifications_sent: u32,
    /// Partial aggregates: sums over everybody's shares.
    pub partials_sent: u32,
}

/// Why a peer's part in a round ended early. Each text is a sentence for the patient.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// The connection broke.
    #[error("The connection to the hospital was lost.")]
    ConnectionLost,
    /// The hospital closed the connection because it stops or restarts.
    #[error("The hospital's server is stopping. Please come back a little later.")]
    HospitalStopping,
    /// The hospital did not answer in time.
    #[error("The hospital's server did not answer in time.")]
    HospitalSilent,
    /// The hospital refused this peer, with this close code.
    #[error(
        "The hospital refused this device (code {code}). Nothing of your answer was readable to anyone."
    )]
    Refused {
        /// The WebSocket close code.
        code: u16,
    },
    /// The answer came when the round counted no more.
    #[error("This round closed before your answer could be counted.")]
    TooLate,
    /// The study has its maximum number of answers.
    #[error("This study has received all the answers it can take.")]
    Full,
    /// What room the study has for answers is kept for members of the committee that may come back.
    #[error(
        "The last places are kept for people who were here before you and whose connection broke."
    )]
    PlacesKept,
    /// A study for people with an invitation, and none.
    #[error(
        "This study is for people with a personal invitation. Please open the link that you were given."
    )]
    NotInvited,
    /// An invitation that is not one to this study.
    #[error("Your invitation does not fit this study: {0}.")]
    ForeignInvitation(MismatchError),
    /// Somebody takes part with this invitation already.
    #[error("Your invitation has been used already, and counts once.")]
    InvitationUsed,
    /// Whoever invited has taken the invitation back.
    #[error("Your invitation has been withdrawn.")]
    InvitationRevoked,
    /// The patient left.
    #[error("You left the round.")]
    Left,
    /// The patient said that the safety words differ.
    #[error(
        "Your safety words are not those of the others, so this device left the round. Tell the others \
         aloud, and tell whoever runs the study. Do not try again with this link."
    )]
    WordsDiffer,
    /// The round ended without a result.
    #[error("The round ended without a result: {0}.")]
    RoundEnded(EndReason),
    /// A message that is not of this protocol.
    #[error("The hospital's server sent something that this page does not understand.")]
    Malformed,
    /// The hospital no longer has this round.
    #[error("The hospital's server no longer knows this round.")]
    RoundGone,
    /// The same patient takes part from another tab.
    #[error("You go on with this answer in another tab.")]
    Replaced,
    /// The hospital said one thing before and another now.
    #[error(
        "The hospital's server now says something else than before about who holds the shares or \
         what is counted, so this page stopped taking part."
    )]
    Equivocation,
    /// The study breaks its own rules.
    #[error(
        "The hospital's study breaks the rules that protect you, so this page does not take part."
    )]
    StudyInvalid,
    /// The committee does not hold.
    #[error("The group that would hold the shares is not acceptable ({0}), so nothing was sent.")]
    Committee(CommitteeError),
    /// A member's key cannot be sealed to.
    #[error("A share could not be encrypted for one of the others, so nothing was sent.")]
    Sealing,
    /// A delivered share names a sender that cannot be.
    #[error("The hospital's server delivered a share from somebody who cannot have sent it.")]
    ForeignSender,
    /// A delivered share that is no part of what its sender has signed.
    #[error("The hospital's server delivered a share that its sender did not send.")]
    ForgedShare,
    /// A second manifest, a wrong inclusion proof, or an acknowledged answer left out.
    #[error(
        "The hospital's server does not count the answers as it promised, so this page stopped."
    )]
    ManifestInvalid,
    /// A verdict that the study's rules do not allow.
    #[error(
        "The hospital's server leaves out more than the study allows ({0}), so this page stopped."
    )]
    VerdictInvalid(VerdictError),
    /// A verdict that counts on this member for an answer that it cannot read.
    #[error(
        "The hospital's server counts an answer that this page has reported as unreadable, so this \
         page stopped."
    )]
    VerdictContradicted,
    /// The published result does not follow from the signed partial aggregates.
    #[error("The published result does not check out ({0}).")]
    ResultInvalid(AggregateError),
    /// The published numbers are others than the partial aggregates give.
    #[error("The published numbers are not what the signed partial sums add up to.")]
    SumMismatch,
}

impl Failure {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ConnectionLost => "connection-lost",
            Self::HospitalStopping => "hospital-stopping",
            Self::HospitalSilent => "hospital-silent",
            Self::Refused { .. } => "refused",
            Self::TooLate => "too-late",
            Self::Full => "full",
            Self::PlacesKept => "places-kept",
            Self::NotInvited => "not-invited",
            Self::ForeignInvitation(_) => "foreign-invitation",
            Self::InvitationUsed => "invitation-used",
            Self::InvitationRevoked => "invitation-revoked",
            Self::Left => "left",
            Self::WordsDiffer => "words-differ",
            Self::RoundEnded(_) => "round-ended",
            Self::Malformed => "malformed",
            Self::RoundGone => "round-gone",
            Self::Replaced => "replaced",
            Self::Equivocation => "equivocation",
            Self::StudyInvalid => "study-invalid",
            Self::Committee(_) => "committee",
            Self::Sealing => "sealing",
            Self::ForeignSender => "foreign-sender",
            Self::ForgedShare => "forged-share",
            Self::ManifestInvalid => "manifest-invalid",
            Self::VerdictInvalid(_) => "verdict-invalid",
            Self::VerdictContradicted => "verdict-contradicted",
            Self::ResultInvalid(_) => "result-invalid",
            Self::SumMismatch => "sum-mismatch",
        }
    }

    /// Whether the peer's part is over for good, so that everything is erased. After the others it
    /// may come back with its keys.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::ConnectionLost
                | Self::HospitalStopping
                | Self::HospitalSilent
                | Self::PlacesKept
                | Self::Replaced
                | Self::RoundGone
        )
    }

    /// Whether a connection that ends with this is not made again.
    pub(super) fn ends_part(&self) -> bool {
        self.is_final() || matches!(self, Self::Replaced | Self::RoundGone)
    }

    /// What a close code means to a peer (PROTOCOL.md, "Close codes").
    #[must_use]
    pub(crate) fn from_close_code(code: u16) -> Self {
        match code {
            1001 | 1012 | 1013 => Self::HospitalStopping,
            4404 => Self::RoundGone,
            4410 => Self::TooLate,
            4411 => Self::Full,
            4412 => Self::Replaced,
            4413 => Self::PlacesKept,
            4414 => Self::InvitationUsed,
            4415 => Self::InvitationRevoked,
            // 4403: too many connections from this network; 4405: the proof of identity was lost on
            // the way; 4408: too slow. All of them may be better next time.
            4403 | 4405 | 4408 => Self::ConnectionLost,
            1009 | 4400..=4499 => Self::Refused { code },
            _ => Self::ConnectionLost,
        }
    }
}
