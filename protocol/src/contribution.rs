//! A contribution: one answer with its proof, split into shares that are sealed and signed, one per member.

use bytes::Bytes;
use rand_core::CryptoRng;
use thiserror::Error;
use tls_codec::{DeserializeBytes, TlsByteVecU8, TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::committee::Committee;
use crate::digest::{
    CommitteeDigest, ContributionDigest, DigestLabel, StoredDigest, StudyDigest, hash,
};
use crate::field::SecretVector;
use crate::identity::{Identity, IdentityError, PeerId, SIGNATURE_LEN, SignatureLabel};
use crate::invitation::{Credential, CredentialError, Invitation, Purpose, Ticket};
use crate::messages::PeerMessage;
use crate::peer::Conduct;
use crate::seal::{OpeningKey, SealError};
use crate::sharing::{Share, ShareIndex};
use crate::study::Study;
use crate::wire::{self, Rest};

/// Who contributes: a member by its place, or somebody who only contributes, by its key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Sender {
    /// The member with this share index.
    #[tls_codec(discriminant = 1)]
    Member(u8),
    /// A peer that is not on the committee, with its verifying key.
    #[tls_codec(discriminant = 2)]
    Visitor([u8; 32]),
    /// The same in an invited study, with the invitation.
    #[tls_codec(discriminant = 3)]
    Invited(Box<InvitedVisitor>),
}

/// Somebody who only contributes to an invited study.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct InvitedVisitor {
    verifying_key: [u8; 32],
    credential: Credential,
}

/// Whom a [`Sender`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Whose contribution it is.
    pub id: PeerId,
    /// The invitation that it came with: none from members, who have shown theirs, and in open studies.
    pub ticket: Option<Ticket>,
}

impl Sender {
    /// How `id` names itself to this committee, with its invitation if it needs one.
    pub(crate) fn of(
        id: &PeerId,
        study: &Study,
        committee: &Committee,
        invitation: Option<&Invitation>,
    ) -> Self {
        if let Some(index) = committee.place_of(id) {
            return Self::Member(index.number());
        }
        let verifying_key = *id.as_bytes();
        match invitation {
            None => Self::Visitor(verifying_key),
            Some(invitation) => {
                let study = study.digest();
                let parts: [&[u8]; 2] = [study.as_bytes(), &verifying_key];
                let credential = invitation.show(Purpose::Contributing, &parts);
                Self::Invited(Box::new(InvitedVisitor { verifying_key, credential }))
            }
        }
    }

    /// The peer that is meant. A member that poses as a visitor is refused: it would count twice. In
    /// an invited study a visitor's invitation is checked, but not whether it was used before.
    pub fn resolve(
        &self,
        study: &Study,
        committee: &Committee,
    ) -> Result<Resolved, ContributionError> {
        let visitor = |key: &[u8; 32]| {
            let id = PeerId::decode(key)?;
            match committee.place_of(&id) {
                Some(_) => Err(ContributionError::MemberAsVisitor),
                None => Ok(id),
            }
        };
        match self {
            Self::Member(number) => ShareIndex::new(*number)
                .and_then(|index| committee.member(index))
                .map(|member| Resolved { id: member.id(), ticket: None })
                .ok_or(ContributionError::UnknownMember { number: *number }),
            Self::Visitor(_) if study.authority().is_some() => Err(CredentialError::Missing.into()),
            Self::Visitor(key) => Ok(Resolved { id: visitor(key)?, ticket: None }),
            Self::Invited(invited) => {
                let id = visitor(&invited.verifying_key)?;
                let study_digest = study.digest();
                let parts: [&[u8]; 2] = [study_digest.as_bytes(), &invited.verifying_key];
                let ticket = invited.credential.verify(study, Purpose::Contributing, &parts)?;
                Ok(Resolved { id, ticket: Some(ticket) })
            }
        }
    }
}

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
    /// The sealed shares are not of the length that study and committee determine.
    #[error("the sealed shares have {have} bytes instead of {need}")]
    Length {
        /// Bytes that came.
        have: usize,
        /// Bytes that must come.
        need: usize,
    },
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
    /// `k` sealed shares of equal length, in the order of the members.
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
    /// The sender's signature over `digest`.
    pub signature: [u8; SIGNATURE_LEN],
    /// The digest of its message's bytes.
    pub stored: StoredDigest,
    shares: SealedShares,
}

/// The sealed shares of one contribution: one per member, in order and of equal length. The relay cuts
/// and does not parse.
#[derive(Clone, Debug)]
pub struct SealedShares {
    bytes: Bytes,
    share_len: usize,
}

impl SealedShares {
    /// The sealed share of one member.
    ///
    /// # Panics
    ///
    /// If the committee has no such member.
    #[must_use]
    pub fn of(&self, member: ShareIndex) -> &[u8] {
        let from = member.position() * self.share_len;
        &self.bytes[from..from + self.share_len]
    }
}

impl Contribution {
    /// Reads a contribution. Its shares stay where they are, in `bytes`.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, tls_codec::Error> {
        let (sender, rest) = Sender::tls_deserialize_bytes(bytes)?;
        let (signature, shares) = <[u8; SIGNATURE_LEN]>::tls_deserialize_bytes(rest)?;
        Ok(Self { sender, signature, shares: Rest(bytes.slice_ref(shares)) })
    }

    /// The sealed shares of a contribution that was accepted before.
    pub(crate) fn stored_shares(self, share_len: usize) -> SealedShares {
        SealedShares { bytes: self.shares.0, share_len }
    }

    /// Checks everything about a contribution that can be checked without opening it.
    pub fn verify(
        self,
        study: &Study,
        committee: &Committee,
    ) -> Result<Accepted, ContributionError> {
        let share_len = study.sealed_share_len();
        let need = share_len * usize::from(committee.size());
        let shares = self.shares.0;
        if shares.len() != need {
            return Err(ContributionError::Length { have: shares.len(), need });
        }
        let Resolved { id: sender, ticket } = self.sender.resolve(study, committee)?;
        let hashed = hash(DigestLabel::Shares, &[&shares]);
        let digest = digest(study, committee, &sender, &hashed);
        sender.verify(SignatureLabel::Contribution, &[digest.as_bytes()], &self.signature)?;
        let stored = stored_digest(&self.sender, &self.signature, &hashed);
        let shares = SealedShares { bytes: shares, share_len };
        Ok(Accepted { sender, ticket, digest, signature: self.signature, stored, shares })
    }
}

impl StoredDigest {
    /// The digest of these bytes, which should be a contribution's message.
    #[must_use]
    pub fn of(message: &Bytes) -> Self {
        match PeerMessage::decode(message) {
            Ok(PeerMessage::Contribute(Contribution { sender, signature, shares })) => {
                stored_digest(&sender, &signature, &hash(DigestLabel::Shares, &[&shares.0]))
            }
            // Shorter than what is hashed of any contribution.
            _ => Self(hash(DigestLabel::Stored, &[&[0], &hash(DigestLabel::Message, &[message])])),
        }
    }
}

/// Decoding is exact, so sender, signature and shares say what every byte of the message is.
fn stored_digest(
    sender: &Sender,
    signature: &[u8; SIGNATURE_LEN],
    hashed_shares: &[u8; 32],
) -> StoredDigest {
    let sender = wire::encode(sender);
    StoredDigest(hash(DigestLabel::Stored, &[&sender, signature, hashed_shares]))
}

impl Accepted {
    /// The sealed shares.
    #[must_use]
    pub fn shares(&self) -> SealedShares {
        self.shares.clone()
    }
}

fn digest(
    study: &Study,
    committee: &Committee,
    sender: &PeerId,
    hashed_shares: &[u8; 32],
) -> ContributionDigest {
    let (study, committee) = (study.digest(), committee.digest());
    let parts: [&[u8]; 4] =
        [study.as_bytes(), committee.as_bytes(), sender.as_bytes(), hashed_shares];
    ContributionDigest(hash(DigestLabel::Contribution, &parts))
}

/// What a sealed share is for; part of its associated data.
#[derive(Clone, Copy, TlsSize, TlsSerialize)]
#[repr(u8)]
enum Step {
    InputShare = 1,
}

/// HPKE's `info`: protocol, study and committee.
#[derive(TlsSize, TlsSerialize)]
struct SealInfo {
    label: TlsByteVecU8,
    study: StudyDigest,
    committee: CommitteeDigest,
}

/// HPKE's `aad`: from whom, for whom, for what.
#[derive(TlsSize, TlsSerialize)]
struct SealAad {
    sender: [u8; 32],
    recipient: [u8; 32],
    step: Step,
}

fn seal_info(study: &Study, committee: &Committee) -> Vec<u8> {
    wire::encode(&SealInfo {
        label: b"wardsum v1 sealed share".as_slice().into(),
        study: study.digest(),
        committee: committee.digest(),
    })
}

fn seal_aad(sender: &PeerId, recipient: &PeerId) -> Vec<u8> {
    wire::encode(&SealAad {
        sender: *sender.as_bytes(),
        recipient: *recipient.as_bytes(),
        step: Step::InputShare,
    })
}

/// Splits one answer with its proof and seals the shares, a slice at a time so that a page stays responsive.
#[derive(Debug)]
pub(crate) struct Sealing {
    info: Vec<u8>,
    conduct: Conduct,
    pending: std::vec::IntoIter<Share>,
    sealed: Vec<u8>,
}

impl Sealing {
    pub(crate) fn new(
        study: &Study,
        committee: &Committee,
        proven: &SecretVector,
        conduct: Conduct,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let len = study.sealed_share_len() * usize::from(committee.size());
        Self {
            info: seal_info(study, committee),
            conduct,
            pending: conduct.scheme(committee.scheme()).split(proven, rng).into_iter(),
            sealed: Vec::with_capacity(len),
        }
    }

    /// Seals and signs up to `shares` more shares; `true` when all are done.
    pub(crate) fn advance(
        &mut self,
        shares: usize,
        identity: &Identity,
        committee: &Committee,
        rng: &mut impl CryptoRng,
    ) -> Result<bool, SealError> {
        for mut share in self.pending.by_ref().take(shares) {
            self.conduct.share(&mut share);
            let Some(member) = committee.member(share.index) else {
                unreachable!("the scheme has as many shares as the committee has members")
            };
            let aad = seal_aad(&identity.id(), &member.id());
            let mut sealed =
                member.sealing_key().seal(&self.info, &aad, &share.values.encode(), rng)?;
            self.conduct.sealed(share.index, &mut sealed);
            let signature =
                identity.sign(SignatureLabel::SealedShare, &[&self.info, &aad, &sealed]);
            self.sealed.extend_from_slice(&sealed);
            self.sealed.extend_from_slice(&signature);
        }
        Ok(self.pending.len() == 0)
    }

    /// The finished contribution and its digest.
    pub(crate) fn finish(
        self,
        identity: &Identity,
        study: &Study,
        committee: &Committee,
        invitation: Option<&Invitation>,
    ) -> (Contribution, ContributionDigest) {
        let id = identity.id();
        let hashed = hash(DigestLabel::Shares, &[&self.sealed]);
        let digest = digest(study, committee, &id, &hashed);
        let contribution = Contribution {
            sender: Sender::of(&id, study, committee, invitation),
            signature: identity.sign(SignatureLabel::Contribution, &[digest.as_bytes()]),
            shares: Rest(self.sealed.into()),
        };
        (contribution, digest)
    }
}

/// Checks the signature of a sealed share, opens it and decodes it, as the member `recipient`.
pub fn open_share(
    study: &Study,
    committee: &Committee,
    sender: &PeerId,
    recipient: &PeerId,
    key: &OpeningKey,
    sealed_and_signed: &[u8],
) -> Result<SecretVector, ContributionError> {
    let need = study.sealed_share_len();
    let have = sealed_and_signed.len();
    let Some((sealed, signature)) = sealed_and_signed.split_last_chunk::<SIGNATURE_LEN>() else {
        return Err(ContributionError::Length { have, need });
    };
    if have != need {
        return Err(ContributionError::Length { have, need });
    }
    let (info, aad) = (seal_info(study, committee), seal_aad(sender, recipient));
    sender.verify(SignatureLabel::SealedShare, &[&info, &aad, sealed], signature)?;
    let plaintext = key.open(&info, &aad, sealed)?;
    let len = study.questionnaire().proven_len();
    SecretVector::decode(&plaintext, len).ok_or(ContributionError::Share)
}
