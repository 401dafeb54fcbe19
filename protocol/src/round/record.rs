//! What a round writes down, and how these records are encoded for a store.

use bytes::Bytes;
use thiserror::Error;
use tls_codec::{Size, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU32};

use crate::aggregate::{Aggregate, CellBytes};
use crate::digest::{ContributionDigest, StoredDigest};
use crate::identity::{PeerId, SIGNATURE_LEN};
use crate::invitation::{Credential, Ticket};
use crate::messages::{DeclineReason, EndReason};
use crate::study::Study;
use crate::verdict::VerdictBytes;
use crate::wire::{self, Int128, Rest};

/// What has to survive the process, in the order in which it happened.
///
/// A round is restored from its records ([`crate::round::Round::restore`]), so they hold everything
/// that it may not forget. All but the sealed shares are small: [`Record::encode`] leaves the message
/// of a contribution out, which a store keeps beside the record and deletes when the round is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A peer enrolled: its message.
    Enrolled(Bytes),
    /// A peer that had enrolled left, or stayed away for too long, before the committee was fixed.
    Withdrawn(PeerId),
    /// The committee is fixed: its bytes.
    CommitteeFixed(Bytes),
    /// A contribution was accepted.
    Contributed(Contributed),
    /// The researcher has closed contributing; members that are here are waited for.
    ContributingClosed,
    /// The manifest is fixed: it has this many contributions, in the order of their numbers.
    ManifestFixed {
        /// How many.
        size: u32,
    },
    /// A member verified some of the contributions: its message.
    Verified(Bytes),
    /// The verdict is reached.
    Judged(VerdictBytes),
    /// A member gave its partial aggregate: its message.
    Partial(Bytes),
    /// A member will not give one.
    Declined(PeerId, DeclineReason),
    /// A member left for good.
    Left(PeerId),
    /// A peer left because its safety words are not those of the others.
    WordsDisputed(PeerId),
    /// There is a result.
    Published {
        /// The numbers.
        aggregate: Aggregate,
        /// The message that tells it.
        message: Bytes,
    },
    /// There is a result of a round of an earlier version, which asked for one number.
    PublishedSum {
        /// How many answers were counted.
        count: u32,
        /// Their sum.
        sum: i128,
        /// The message that tells it.
        message: Bytes,
    },
    /// The round ended without a result.
    Ended(EndReason),
    /// Somebody who only contributes uses an invitation; the contribution follows.
    InvitationUsed {
        /// The invitation.
        ticket: Ticket,
        /// Who uses it.
        sender: PeerId,
        /// The invitation as it was shown; none in a record of an earlier version.
        credential: Option<Box<Credential>>,
    },
    /// The invitations with these numbers were taken back.
    InvitationsRevoked(Vec<u32>),
}

/// What a record takes besides the message in it, at most, in bytes.
const SMALL_RECORD: usize = 256;

/// A contribution that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributed {
    /// From 0, in the order of acceptance.
    pub number: u32,
    /// Whose it is.
    pub sender: PeerId,
    /// What goes into the manifest.
    pub digest: ContributionDigest,
    /// The sender's signature over `digest`; none in a record of an earlier version.
    pub signature: Option<[u8; SIGNATURE_LEN]>,
    /// The digest of `message`'s bytes. It is no part of the encoded record.
    pub stored: StoredDigest,
    /// The message with all sealed shares; empty in a record that was decoded.
    pub message: Bytes,
}

/// Bytes that are no record of this version.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("these bytes are not a record of a round")]
pub struct RecordError;

impl Record {
    /// The record's bytes, without the message of a contribution.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&match self {
            Self::Enrolled(message) => RecordBytes::Enrolled(Rest(message.clone())),
            Self::Withdrawn(peer) => RecordBytes::Withdrawn(*peer.as_bytes()),
            Self::CommitteeFixed(bytes) => RecordBytes::CommitteeFixed(Rest(bytes.clone())),
            Self::Contributed(contributed) => {
                let unsigned = ContributedBytes {
                    number: contributed.number,
                    sender: *contributed.sender.as_bytes(),
                    digest: contributed.digest,
                };
                match contributed.signature {
                    None => RecordBytes::ContributedUnsigned(unsigned),
                    Some(signature) => {
                        RecordBytes::Contributed(SignedContributedBytes { unsigned, signature })
                    }
                }
            }
            Self::ContributingClosed => RecordBytes::ContributingClosed,
            Self::ManifestFixed { size } => RecordBytes::ManifestFixed(*size),
            Self::Verified(message) => RecordBytes::Verified(Rest(message.clone())),
            Self::Judged(verdict) => RecordBytes::Judged(verdict.clone()),
            Self::Partial(message) => RecordBytes::Partial(Rest(message.clone())),
            Self::Declined(peer, reason) => RecordBytes::Declined(DeclinedBytes {
                peer: *peer.as_bytes(),
                reason: *reason as u8,
            }),
            Self::Left(peer) => RecordBytes::Left(*peer.as_bytes()),
            Self::WordsDisputed(peer) => RecordBytes::WordsDisputed(*peer.as_bytes()),
            Self::Published { aggregate, message } => RecordBytes::Published(PublishedBytes {
                count: aggregate.count,
                cells: aggregate.encode_cells(),
                message: Rest(message.clone()),
            }),
            Self::PublishedSum { count, sum, message } => {
                let (count, sum, message) = (*count, (*sum).into(), Rest(message.clone()));
                RecordBytes::PublishedSum(PublishedSumBytes { count, sum, message })
            }
            Self::Ended(reason) => RecordBytes::Ended(*reason),
            Self::InvitationUsed { ticket, sender, credential } => {
                let sender = *sender.as_bytes();
                let Ticket { serial, one_time_key } = *ticket;
                match credential {
                    None => RecordBytes::InvitationNoted(InvitationNotedBytes {
                        serial,
                        one_time_key,
                        sender,
                    }),
                    Some(credential) => RecordBytes::InvitationUsed(InvitationUsedBytes {
                        sender,
                        credential: credential.clone(),
                    }),
                }
            }
            Self::InvitationsRevoked(serials) => {
                RecordBytes::InvitationsRevoked(serials.clone().into())
            }
        })
    }

    /// The result of a round of this study that it says, if it says one.
    #[must_use]
    pub fn result(&self, study: &Study) -> Option<Aggregate> {
        match self {
            Self::Published { aggregate, .. } => Some(aggregate.clone()),
            Self::PublishedSum { count, sum, .. } => Aggregate::of_sum(study, *count, *sum),
            _ => None,
        }
    }

    /// Whether it says that there is a result.
    #[must_use]
    pub fn is_published(&self) -> bool {
        matches!(self, Self::Published { .. } | Self::PublishedSum { .. })
    }

    /// About how many bytes it takes to keep, the message of a contribution included.
    #[must_use]
    pub fn weight(&self) -> usize {
        let message = match self {
            Self::Enrolled(message)
            | Self::CommitteeFixed(message)
            | Self::Verified(message)
            | Self::Partial(message)
            | Self::Published { message, .. }
            | Self::PublishedSum { message, .. } => message,
            Self::Judged(verdict) => return SMALL_RECORD + verdict.tls_serialized_len(),
            Self::Contributed(contributed) => &contributed.message,
            Self::InvitationsRevoked(serials) => return SMALL_RECORD + size_of_val(&serials[..]),
            Self::Withdrawn(_)
            | Self::InvitationUsed { .. }
            | Self::ContributingClosed
            | Self::ManifestFixed { .. }
            | Self::Declined(..)
            | Self::Left(_)
            | Self::WordsDisputed(_)
            | Self::Ended(_) => return SMALL_RECORD,
        };
        SMALL_RECORD + message.len()
    }

    /// Reads what [`Record::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let peer = |key: &[u8; 32]| PeerId::decode(key).map_err(|_| RecordError);
        Ok(match wire::decode(bytes).map_err(|_| RecordError)? {
            RecordBytes::Enrolled(message) => Self::Enrolled(message.0),
            RecordBytes::Withdrawn(key) => Self::Withdrawn(peer(&key)?),
            RecordBytes::CommitteeFixed(bytes) => Self::CommitteeFixed(bytes.0),
            RecordBytes::ContributedUnsigned(unsigned) => {
                Self::Contributed(Contributed::read(&unsigned, None)?)
            }
            RecordBytes::Contributed(SignedContributedBytes { unsigned, signature }) => {
                Self::Contributed(Contributed::read(&unsigned, Some(signature))?)
            }
            RecordBytes::ContributingClosed => Self::ContributingClosed,
            RecordBytes::ManifestFixed(size) => Self::ManifestFixed { size },
            RecordBytes::Verified(message) => Self::Verified(message.0),
            RecordBytes::Judged(verdict) => Self::Judged(verdict),
            RecordBytes::Partial(message) => Self::Partial(message.0),
            RecordBytes::Declined(DeclinedBytes { peer: key, reason }) => {
                Self::Declined(peer(&key)?, decline_reason(reason)?)
            }
            RecordBytes::Left(key) => Self::Left(peer(&key)?),
            RecordBytes::WordsDisputed(key) => Self::WordsDisputed(peer(&key)?),
            RecordBytes::PublishedSum(PublishedSumBytes { count, sum, message }) => {
                Self::PublishedSum { count, sum: sum.into(), message: message.0 }
            }
            RecordBytes::Published(PublishedBytes { count, cells, message }) => Self::Published {
                aggregate: Aggregate::decode(count, &cells).ok_or(RecordError)?,
                message: message.0,
            },
            RecordBytes::Ended(reason) => Self::Ended(reason),
            RecordBytes::InvitationNoted(noted) => {
                let InvitationNotedBytes { serial, one_time_key, sender } = noted;
                let ticket = Ticket { serial, one_time_key };
                Self::InvitationUsed { ticket, sender: peer(&sender)?, credential: None }
            }
            RecordBytes::InvitationUsed(InvitationUsedBytes { sender, credential }) => {
                let (ticket, sender) = (credential.ticket(), peer(&sender)?);
                Self::InvitationUsed { ticket, sender, credential: Some(credential) }
            }
            RecordBytes::InvitationsRevoked(serials) => {
                Self::InvitationsRevoked(serials.into_vec())
            }
        })
    }
}

/// The encoding of a [`Record`]. It stays at the hospital and is versioned with the store's schema.
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
enum RecordBytes {
    #[tls_codec(discriminant = 1)]
    Enrolled(Rest),
    #[tls_codec(discriminant = 2)]
    Withdrawn([u8; 32]),
    #[tls_codec(discriminant = 3)]
    CommitteeFixed(Rest),
    #[tls_codec(discriminant = 4)]
    ContributedUnsigned(ContributedBytes),
    #[tls_codec(discriminant = 5)]
    ManifestFixed(u32),
    #[tls_codec(discriminant = 6)]
    Partial(Rest),
    #[tls_codec(discriminant = 7)]
    Declined(DeclinedBytes),
    #[tls_codec(discriminant = 8)]
    Left([u8; 32]),
    #[tls_codec(discriminant = 9)]
    PublishedSum(PublishedSumBytes),
    #[tls_codec(discriminant = 10)]
    Ended(EndReason),
    #[tls_codec(discriminant = 11)]
    ContributingClosed,
    #[tls_codec(discriminant = 12)]
    Verified(Rest),
    #[tls_codec(discriminant = 13)]
    Judged(VerdictBytes),
    #[tls_codec(discriminant = 14)]
    Contributed(SignedContributedBytes),
    #[tls_codec(discriminant = 15)]
    Published(PublishedBytes),
    #[tls_codec(discriminant = 20)]
    WordsDisputed([u8; 32]),
    #[tls_codec(discriminant = 30)]
    InvitationNoted(InvitationNotedBytes),
    #[tls_codec(discriminant = 31)]
    InvitationsRevoked(TlsVecU32<u32>),
    #[tls_codec(discriminant = 32)]
    InvitationUsed(InvitationUsedBytes),
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct InvitationUsedBytes {
    sender: [u8; 32],
    credential: Box<Credential>,
}

/// The same in an earlier version.
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct InvitationNotedBytes {
    serial: u32,
    one_time_key: [u8; 32],
    sender: [u8; 32],
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct ContributedBytes {
    number: u32,
    sender: [u8; 32],
    digest: ContributionDigest,
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct SignedContributedBytes {
    unsigned: ContributedBytes,
    signature: [u8; SIGNATURE_LEN],
}

impl Contributed {
    fn read(
        bytes: &ContributedBytes,
        signature: Option<[u8; SIGNATURE_LEN]>,
    ) -> Result<Self, RecordError> {
        let ContributedBytes { number, sender, digest } = *bytes;
        let sender = PeerId::decode(&sender).map_err(|_| RecordError)?;
        let message = Bytes::new();
        let stored = StoredDigest::of(&message);
        Ok(Self { number, sender, digest, signature, stored, message })
    }
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct DeclinedBytes {
    peer: [u8; 32],
    reason: u8,
}

fn decline_reason(number: u8) -> Result<DeclineReason, RecordError> {
    /// A share that could not be opened, of which rounds of an earlier version made a reason.
    const UNREADABLE: u8 = 4;
    match number {
        UNREADABLE => Ok(DeclineReason::Mismatch),
        number => wire::decode(&[number]).map_err(|_| RecordError),
    }
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PublishedBytes {
    count: u32,
    cells: CellBytes,
    message: Rest,
}

/// The same in an earlier version.
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PublishedSumBytes {
    count: u32,
    sum: Int128,
    message: Rest,
}
