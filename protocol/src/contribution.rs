//! A contribution: one answer with its proof, split into shares that are sealed, one per member, and signed
//! all together.
//!
//! The signature covers the root of a Merkle tree over the sealed shares. A member is delivered its own share with
//! the path to that root, so that it holds its sender to it although it never sees the other shares.

mod sealing;
mod sender;
mod shares;

use bytes::Bytes;
use thiserror::Error;
use tls_codec::{DeserializeBytes, TlsSerialize, TlsSize};

use crate::committee::Committee;
use crate::digest::CommitteeDigest;
use crate::digest::{ContributionDigest, DigestLabel, StoredDigest, StudyDigest, hash};
use crate::identity::{IdentityError, PeerId, SIGNATURE_LEN, SignatureLabel};
use crate::invitation::{CredentialError, Ticket};
use crate::merkle;
use crate::messages::{Delivery, PeerMessage};
use crate::seal::SealError;
use crate::sharing::ShareIndex;
use crate::study::Study;
use crate::wire::{self, Rest};

pub(crate) use sealing::Sealing;
pub use sealing::open_share;
pub use sender::{InvitedVisitor, Resolved, Sender};
pub use shares::SealedShares;

/// Why a contribution, or a share of one, is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ContributionError {
    /// A bad key or signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No invitation that admits its sender.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A place that the committee does not have.
    #[error("the committee has no member {number}")]
    UnknownMember {
        /// The place.
        number: u8,
    },
    /// A committee member's key used as that of somebody who only contributes.
    #[error("a committee member contributes under its place, not as a visitor")]
    MemberAsVisitor,
    /// Not a sealed share for each member.
    #[error("there are {have} sealed shares for {need} members")]
    Shares {
        /// How many there are.
        have: u8,
        /// How many there must be.
        need: u8,
    },
    /// The sealed shares are not of the length that study and committee determine.
    #[error("the sealed shares have {have} bytes instead of {need}")]
    Length {
        /// Bytes that came.
        have: usize,
        /// Bytes that must come.
        need: usize,
    },
    /// A delivered share whose path leads to nothing that a sender could have signed.
    #[error("the path of the sealed share does not fit its place")]
    Path,
    /// A sealed share that its member cannot open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// An opened share that is no vector of reduced field elements of the right length.
    #[error("the opened share is malformed")]
    Share,
}

/// A contribution on the wire (PROTOCOL.md, "Contribution").
#[derive(Clone, Debug, TlsSize, TlsSerialize)]
pub struct Contribution {
    /// Whose it is.
    pub sender: Sender,
    signature: [u8; SIGNATURE_LEN],
    /// How many sealed shares there are: `k`.
    count: u8,
    /// These, of equal length, in the order of the members.
    shares: Rest,
}

/// A contribution whose sender, signature and length have been checked.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Whose it is.
    pub sender: PeerId,
    /// The invitation that it came with, if its sender is no member of an invited study.
    pub ticket: Option<Ticket>,
    /// Its digest, which goes into the manifest.
    pub digest: ContributionDigest,
    /// The digest of its message's bytes.
    pub stored: StoredDigest,
    /// What members are delivered of it.
    pub relayed: Relayed,
}

/// What members are delivered of one contribution.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// Whose it is, as its message says.
    pub sender: Sender,
    /// The sender's signature over the contribution's digest.
    pub signature: [u8; SIGNATURE_LEN],
    /// The sealed shares.
    pub shares: SealedShares,
}

impl Contribution {
    /// Reads a contribution. Its shares stay where they are, in `bytes`.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, tls_codec::Error> {
        let (sender, rest) = Sender::tls_deserialize_bytes(bytes)?;
        let (signature, rest) = <[u8; SIGNATURE_LEN]>::tls_deserialize_bytes(rest)?;
        let (count, shares) = u8::tls_deserialize_bytes(rest)?;
        Ok(Self { sender, signature, count, shares: Rest(bytes.slice_ref(shares)) })
    }

    /// The sealed shares; `None` if they are not of equal length.
    fn sealed(&self) -> Option<SealedShares> {
        SealedShares::new(self.shares.0.clone(), self.count)
    }

    /// What is delivered of a contribution that was accepted before, for so many members.
    pub(crate) fn relayed_again(self, members: u8) -> Option<Relayed> {
        let shares = self.sealed().filter(|_| self.count == members)?;
        let Self { sender, signature, .. } = self;
        Some(Relayed { sender, signature, shares })
    }

    /// Checks everything about a contribution that can be checked without opening it.
    pub fn verify(
        self,
        study: &Study,
        committee: &Committee,
    ) -> Result<Accepted, ContributionError> {
        let (have, need) = (self.count, committee.size());
        if have != need {
            return Err(ContributionError::Shares { have, need });
        }
        let (have, need) =
            (self.shares.0.len(), study.sealed_share_len() * usize::from(committee.size()));
        let of_equal_length = self.sealed().filter(|_| have == need);
        let shares = of_equal_length.ok_or(ContributionError::Length { have, need })?;
        let Resolved { id, ticket } = self.sender.resolve(study, committee)?;
        let root = shares.root();
        let digest = digest((study.digest(), committee.digest()), &id, &root);
        id.verify(SignatureLabel::Contribution, &[digest.as_bytes()], &self.signature)?;
        let stored = self.stored_digest(&root);
        let Self { sender, signature, .. } = self;
        let relayed = Relayed { sender, signature, shares };
        Ok(Accepted { sender: id, ticket, digest, stored, relayed })
    }

    /// Decoding is exact, so sender, signature, number and shares say what every byte of the message is.
    fn stored_digest(&self, root: &[u8; 32]) -> StoredDigest {
        let sender = wire::encode(&self.sender);
        let parts: [&[u8]; 4] = [&sender, &self.signature, &[self.count], root];
        StoredDigest(hash(DigestLabel::Stored, &parts))
    }
}

impl StoredDigest {
    /// The digest of these bytes, which should be a contribution's message.
    #[must_use]
    pub fn of(message: &Bytes) -> Self {
        if let Ok(PeerMessage::Contribute(contribution)) = PeerMessage::decode(message)
            && let Some(shares) = contribution.sealed()
        {
            return contribution.stored_digest(&shares.root());
        }
        // Shorter than what is hashed of any contribution.
        Self(hash(DigestLabel::Stored, &[&[0], &hash(DigestLabel::Message, &[message])]))
    }

    /// What [`StoredDigest::of`] was for contributions to studies of version 2, whose shares were hashed all together.
    #[must_use]
    pub fn of_version_2(message: &[u8]) -> Option<Self> {
        let fields = message.strip_prefix(&[2])?;
        let (sender, rest) = Sender::tls_deserialize_bytes(fields).ok()?;
        let (signature, shares) = <[u8; SIGNATURE_LEN]>::tls_deserialize_bytes(rest).ok()?;
        let shares = hash(DigestLabel::SharesOfVersion2, &[shares]);
        Some(Self(hash(DigestLabel::Stored, &[&wire::encode(&sender), &signature, &shares])))
    }
}

impl Delivery {
    /// Checks that `sender` signed the contribution of which this is the share for `member`; returns its digest.
    /// The share need not open.
    pub fn verify(
        &self,
        study: &Study,
        committee: &Committee,
        sender: &PeerId,
        member: ShareIndex,
    ) -> Result<ContributionDigest, ContributionError> {
        let (have, need) = (self.share.0.len(), study.sealed_share_len());
        if have != need {
            return Err(ContributionError::Length { have, need });
        }
        let place = u32::from(member.number() - 1);
        let root = merkle::root_of_path(
            merkle::leaf(&self.share.0),
            place,
            committee.size().into(),
            self.path.as_slice(),
        );
        let root = root.ok_or(ContributionError::Path)?;
        let digest = digest((study.digest(), committee.digest()), sender, &root);
        sender.verify(SignatureLabel::Contribution, &[digest.as_bytes()], &self.signature)?;
        Ok(digest)
    }
}

fn digest(
    (study, committee): (StudyDigest, CommitteeDigest),
    sender: &PeerId,
    root: &[u8; 32],
) -> ContributionDigest {
    let parts: [&[u8]; 4] = [study.as_bytes(), committee.as_bytes(), sender.as_bytes(), root];
    ContributionDigest(hash(DigestLabel::Contribution, &parts))
}
