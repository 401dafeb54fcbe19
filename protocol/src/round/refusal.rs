//! What a peer can do wrong, as the hospital sees it, and the close code that says so.

use thiserror::Error;

use crate::aggregate::AggregateError;
use crate::committee::EnrolmentError;
use crate::contribution::ContributionError;
use crate::identification::IdentificationError;
use crate::identity::IdentityError;
use crate::messages::Phase;
use crate::verification::VerificationError;

/// Why a peer's connection is closed. The fault is always the peer's.
///
/// The text fits the 123 bytes of a WebSocket close frame.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Not a message of this protocol.
    #[error("malformed message")]
    Malformed,
    /// A message that has no place in this phase.
    #[error("this message has no place while the round is {0}")]
    WrongPhase(Phase),
    /// The enrolment does not hold.
    #[error("enrolment refused: {0}")]
    Enrolment(EnrolmentError),
    /// The same keys have enrolled before.
    #[error("these keys have already enrolled")]
    AlreadyEnrolled,
    /// The contribution does not hold.
    #[error("contribution refused: {0}")]
    Contribution(ContributionError),
    /// Another peer takes part with the same invitation.
    #[error("this invitation has been used already; it counts once")]
    InvitationUsed,
    /// The invitation was taken back.
    #[error("this invitation has been revoked")]
    InvitationRevoked,
    /// This peer has contributed something else before.
    #[error("this peer has already answered; one answer counts")]
    AlreadyContributed,
    /// The study has no room for more answers.
    #[error("the study has its maximum number of answers")]
    Full,
    /// What room there is for answers is kept for members that may still come.
    #[error("the last places are kept for members of the committee; try again later")]
    PlacesKept,
    /// The verification does not hold.
    #[error("verification refused: {0}")]
    Verification(VerificationError),
    /// A second, different verification, or one after the member has declined.
    #[error("this member has already verified the contributions")]
    AlreadyVerified,
    /// The partial aggregate does not hold.
    #[error("partial aggregate refused: {0}")]
    Partial(AggregateError),
    /// A second, different partial aggregate.
    #[error("this member has already given its partial aggregate")]
    AlreadyAggregated,
    /// Something else came before the peer had shown who it is.
    #[error("this connection has not shown whose it is")]
    Unidentified,
    /// The proof of who the peer is does not hold.
    #[error("identification refused: {0}")]
    Identification(IdentificationError),
    /// Something came after its patient had left.
    #[error("the patient of this connection has left the round")]
    Gone,
    /// The same peer has connected again.
    #[error("this patient takes part over another connection now")]
    Replaced,
    /// Said in the name of a peer over a connection that belongs to another.
    #[error("this connection does not belong to that peer")]
    NotMember,
    /// Too late: the round counts no more answers, or is over.
    #[error("the round is over or counts no more answers")]
    RoundOver,
}

impl Refusal {
    /// The WebSocket close code (PROTOCOL.md, "Close codes").
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Malformed => 4400,
            Self::Enrolment(error) => match error {
                EnrolmentError::Identity(error) => identity_code(*error),
                EnrolmentError::ForeignStudy => 4404,
                EnrolmentError::SealingKey => 4400,
                EnrolmentError::Credential(_) => 4401,
            },
            Self::Contribution(error) => match error {
                ContributionError::Identity(error) => identity_code(*error),
                ContributionError::UnknownMember { .. }
                | ContributionError::MemberAsVisitor
                | ContributionError::Credential(_) => 4401,
                ContributionError::Length { .. }
                | ContributionError::Seal(_)
                | ContributionError::Shares { .. }
                | ContributionError::Path
                | ContributionError::Share => 4400,
            },
            Self::Verification(error) => match error {
                VerificationError::Identity(error) => identity_code(*error),
                VerificationError::UnknownMember { .. } => 4401,
                VerificationError::ForeignManifest => 4404,
                VerificationError::Piece { .. } | VerificationError::Value { .. } => 4400,
            },
            Self::Partial(error) => match error {
                AggregateError::Identity(error) => identity_code(*error),
                AggregateError::UnknownMember { .. } | AggregateError::LeftOut { .. } => 4401,
                AggregateError::ForeignVerdict => 4404,
                AggregateError::Value
                | AggregateError::Combine(_)
                | AggregateError::Impossible { .. }
                | AggregateError::OtherNumbers
                | AggregateError::Unsuppressed { .. } => 4400,
            },
            Self::Identification(error) => match error {
                IdentificationError::Identity(error) => identity_code(*error),
                IdentificationError::ForeignStudy => 4404,
                IdentificationError::ForeignChallenge => 4401,
            },
            Self::NotMember => 4401,
            Self::Unidentified => 4405,
            Self::Replaced => 4412,
            Self::WrongPhase(_)
            | Self::Gone
            | Self::AlreadyEnrolled
            | Self::AlreadyContributed
            | Self::AlreadyVerified
            | Self::AlreadyAggregated => 4409,
            Self::RoundOver => 4410,
            Self::Full => 4411,
            Self::PlacesKept => 4413,
            Self::InvitationUsed => 4414,
            Self::InvitationRevoked => 4415,
        }
    }
}

/// A body that is no message is malformed; a bad key or signature is a matter of identity.
fn identity_code(error: IdentityError) -> u16 {
    match error {
        IdentityError::Body => 4400,
        IdentityError::Key | IdentityError::Signature => 4401,
    }
}
