//! The messages between peer and hospital (PROTOCOL.md, "Messages").
//!
//! One binary WebSocket message carries one message: a type byte, then its fields.

use bytes::Bytes;
use tls_codec::{
    DeserializeBytes, Error, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU24,
    TlsVecU32,
};

use crate::aggregate::{CellBytes, DisclosedPartial, PartialAggregate};
use crate::contribution::{Contribution, Sender};
use crate::digest::{ContributionDigest, MessageDigest};
use crate::identification::Challenge;
use crate::identity::{SIGNATURE_LEN, SignedBytes};
use crate::verdict::VerdictBytes;
use crate::wire::{self, Rest};

/// From a peer to the hospital.
#[derive(Clone, Debug, TlsSize, TlsSerialize)]
#[repr(u8)]
pub enum PeerMessage {
    /// The peer's keys, signed: it wants to serve on the committee.
    #[tls_codec(discriminant = 1)]
    Enrol(SignedBytes),
    /// The answer, split, sealed and signed.
    #[tls_codec(discriminant = 2)]
    Contribute(Contribution),
    /// A piece of what a member finds about the contributions, signed.
    #[tls_codec(discriminant = 3)]
    Verification(SignedBytes),
    /// A member's partial aggregate, signed.
    #[tls_codec(discriminant = 4)]
    Partial(PartialAggregate),
    /// A member will not give a partial aggregate.
    #[tls_codec(discriminant = 5)]
    Decline(DeclineReason),
    /// Who the peer is, signed over this connection's challenge. It comes before everything else.
    #[tls_codec(discriminant = 6)]
    Identify(SignedBytes),
    /// How many deliveries the member holds, counted from the first without a gap.
    #[tls_codec(discriminant = 7)]
    Received(u32),
    /// The patient leaves for good.
    #[tls_codec(discriminant = 8)]
    Leave,
    /// The patient leaves for good, because its safety words are not those of the others.
    #[tls_codec(discriminant = 9)]
    WordsDiffer,
}

impl PeerMessage {
    /// Decodes a message and refuses bytes that are left over. The sealed shares of a contribution,
    /// which may be hundreds of kilobytes, stay in `message` and are not copied.
    pub fn decode(message: &Bytes) -> Result<Self, Error> {
        let (kind, fields) = u8::tls_deserialize_bytes(message)?;
        match kind {
            1 => wire::decode(fields).map(Self::Enrol),
            2 => Contribution::decode(&message.slice_ref(fields)).map(Self::Contribute),
            3 => wire::decode(fields).map(Self::Verification),
            4 => wire::decode(fields).map(Self::Partial),
            5 => wire::decode(fields).map(Self::Decline),
            6 => wire::decode(fields).map(Self::Identify),
            7 => wire::decode(fields).map(Self::Received),
            8 if fields.is_empty() => Ok(Self::Leave),
            9 if fields.is_empty() => Ok(Self::WordsDiffer),
            8 | 9 => Err(Error::TrailingData),
            unknown => Err(Error::UnknownValue(unknown.into())),
        }
    }
}

impl DeserializeBytes for PeerMessage {
    /// For whoever has only borrowed the bytes, and can afford a copy.
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        Ok((Self::decode(&Bytes::copy_from_slice(bytes))?, &[]))
    }
}

/// From the hospital to a peer.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum HospitalMessage {
    /// Challenge and study; first on every connection.
    #[tls_codec(discriminant = 1)]
    Welcome(Welcome),
    /// How far the round is. For display only: nothing is decided by it.
    #[tls_codec(discriminant = 2)]
    Progress(Progress),
    /// The message with this digest, or the contribution, is stored.
    #[tls_codec(discriminant = 3)]
    Acknowledge(MessageDigest),
    /// The committee is fixed: its bytes.
    #[tls_codec(discriminant = 4)]
    Committee(Rest),
    /// A sealed share for this member.
    #[tls_codec(discriminant = 5)]
    Deliver(Delivery),
    /// For members: the contributions that count, by number.
    #[tls_codec(discriminant = 6)]
    Manifest(TlsVecU32<ContributionDigest>),
    /// The proof that this peer's contribution counts: for those who only contribute, and for
    /// members that come back when no partial aggregate is needed any more.
    #[tls_codec(discriminant = 7)]
    Counted(Inclusion),
    /// For members: which contributions are counted, and whose partial aggregates.
    #[tls_codec(discriminant = 8)]
    Verdict(VerdictBytes),
    /// The result, and the signed partial aggregates that it is made of.
    #[tls_codec(discriminant = 9)]
    Published(Publication),
    /// The round ended without a result.
    #[tls_codec(discriminant = 10)]
    Ended(EndReason),
    /// So many people have said that their safety words are not those of the others.
    #[tls_codec(discriminant = 11)]
    WordsDisputed(u32),
}

/// What every connection begins with.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Welcome {
    /// What the peer signs to show who it is.
    pub challenge: Challenge,
    /// The study's canonical bytes.
    pub study: TlsByteVecU16,
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Progress {
    /// Where the round stands.
    pub phase: Phase,
    /// How many have done what the phase waits for.
    pub present: u32,
    /// How many have to.
    pub needed: u32,
    /// How many are waited for that have lost their connection.
    pub away: u32,
    /// When the phase closes by itself, in milliseconds from now on.
    pub closes_in_ms: u64,
}

/// One sealed share on its way to a member.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Delivery {
    /// The contribution's number, from 0 in the order of acceptance.
    pub number: u32,
    /// Whose contribution it is.
    pub sender: Sender,
    /// The sender's signature over the contribution's digest.
    pub signature: [u8; SIGNATURE_LEN],
    /// The inclusion proof of the share in the contribution: sibling hashes from the leaf up, 32 bytes each.
    pub path: TlsByteVecU16,
    /// The sealed share, untouched by the relay.
    pub share: Rest,
}

/// The proof that a contribution is in the manifest.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Inclusion {
    /// The contribution's number.
    pub number: u32,
    /// How many contributions the manifest counts.
    pub size: u32,
    /// The root of its Merkle tree.
    pub root: [u8; 32],
    /// The inclusion proof: sibling hashes from the leaf up, 32 bytes each.
    pub path: TlsByteVecU16,
}

/// A published result with what it takes to check it.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Publication {
    /// How many contributions the manifest has.
    pub size: u32,
    /// The root of its Merkle tree.
    pub root: [u8; 32],
    /// Which of them are counted, and whose partial aggregates.
    pub verdict: VerdictBytes,
    /// The numbers, without those that are suppressed.
    pub cells: CellBytes,
    /// The signed partial aggregates, at least `T`, without the elements of what is suppressed.
    pub partials: TlsVecU24<DisclosedPartial>,
}

/// Where a round stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TlsSize,
    TlsSerialize,
    TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum Phase {
    /// People answer; the committee is not fixed yet.
    Enrolling = 1,
    /// The committee is fixed; contributions come in.
    Contributing = 2,
    /// The manifest is fixed; members check the contributions.
    Verifying = 3,
    /// The verdict is known; members add up their shares.
    Aggregating = 4,
    /// There is a result.
    Published = 5,
    /// The round ended without one.
    Ended = 6,
}

impl Phase {
    /// The name in logs and at the status API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrolling => "enrolling",
            Self::Contributing => "contributing",
            Self::Verifying => "verifying",
            Self::Aggregating => "aggregating",
            Self::Published => "published",
            Self::Ended => "ended",
        }
    }
}

impl core::fmt::Display for Phase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a member gives no partial aggregate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum DeclineReason {
    /// The manifest counts fewer than the study's minimum.
    #[error("the manifest is smaller than the study's minimum cohort")]
    BelowMinimum = 1,
    /// Its own contribution is missing, or there more than once, or rejected with too many of the other members'.
    #[error("neither the member's own answer nor those of enough members are counted, once each")]
    OwnAnswer = 2,
    /// A share of a contribution in the manifest never came, or came from a sender who has another.
    #[error("the manifest does not match the shares that were delivered")]
    Mismatch = 3,
}

/// Why a round ended without a result.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum EndReason {
    /// Enrolment closed with too few people.
    #[error("too few people took part: {} of at least {}", .0.have, .0.need)]
    #[tls_codec(discriminant = 1)]
    TooFewEnrolled(Shortfall),
    /// Contributing closed with too few answers.
    #[error("too few answers arrived: {} of at least {}", .0.have, .0.need)]
    #[tls_codec(discriminant = 2)]
    TooFewContributed(Shortfall),
    /// So many committee members left, or declined, that the threshold is out of reach.
    #[error("too many committee members left: {} of at least {} remain", .0.have, .0.need)]
    #[tls_codec(discriminant = 3)]
    MembersLost(Shortfall),
    /// The deadline passed with too few partial aggregates.
    #[error("too few partial sums arrived in time: {} of at least {}", .0.have, .0.need)]
    #[tls_codec(discriminant = 4)]
    PartialsLate(Shortfall),
    /// The partial aggregates contradict each other: somebody computed wrongly.
    #[error("the partial sums contradict each other, so no sum is published")]
    #[tls_codec(discriminant = 5)]
    Contradiction,
    /// The deadline passed before enough members had checked the contributions.
    #[error("too few patients' devices checked the answers in time: {} of at least {}", .0.have, .0.need)]
    #[tls_codec(discriminant = 7)]
    VerificationsLate(Shortfall),
    /// Too few contributions were found valid.
    #[error("too few answers were valid: {} of at least {}", .0.have, .0.need)]
    #[tls_codec(discriminant = 8)]
    TooFewValid(Shortfall),
    /// The hospital called it off.
    #[error("the hospital called the round off")]
    #[tls_codec(discriminant = 6)]
    Aborted,
}

/// How many there are, and how many there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Shortfall {
    /// How many there are.
    pub have: u32,
    /// How many there must be.
    pub need: u32,
}
