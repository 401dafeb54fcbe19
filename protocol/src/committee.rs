//! Enrolments, and the committee that they make.

use core::fmt;

use thiserror::Error;
use tls_codec::{
    DeserializeBytes, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU24,
};

use crate::digest::{CommitteeDigest, DigestLabel, StudyDigest, hash};
use crate::identity::{Identity, IdentityError, PeerId, SignatureLabel, SignedBytes};
use crate::invitation::{Credential, CredentialError, Invitation, Purpose, Ticket, UsedTickets};
use crate::seal::SealingKey;
use crate::sharing::{Scheme, ShareIndex};
use crate::study::Study;
use crate::wire::{self, Rest};

/// What a peer signs to enrol (PROTOCOL.md, "Enrolment"): these fields, and behind them a
/// [`Credential`] in an invited study and nothing in an open one.
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct EnrolmentBody {
    study: StudyDigest,
    verifying_key: [u8; 32],
    sealing_key: TlsByteVecU16,
}

/// A peer's keys for one study, with the proof that it holds the signing key.
#[derive(Clone, Debug)]
pub struct Enrolment {
    signed: SignedBytes,
    id: PeerId,
    sealing_key: SealingKey,
    encoded_sealing_key: Vec<u8>,
    ticket: Option<Ticket>,
}

/// Why an enrolment is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EnrolmentError {
    /// Malformed, a bad key, or a bad signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Made for another study.
    #[error("the enrolment is for another study")]
    ForeignStudy,
    /// Not a sealing key of the study's suite.
    #[error("the sealing key is not a valid key of the study's suite")]
    SealingKey,
    /// No invitation that lets its holder serve.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

impl Enrolment {
    /// Signs the keys of a peer, which was invited if the study is not open.
    pub(crate) fn sign(
        study: &Study,
        identity: &Identity,
        sealing_key: &[u8],
        invitation: Option<&Invitation>,
    ) -> SignedBytes {
        let mut body = wire::encode(&EnrolmentBody {
            study: study.digest(),
            verifying_key: *identity.id().as_bytes(),
            sealing_key: sealing_key.into(),
        });
        if let Some(invitation) = invitation {
            let credential = invitation.show(Purpose::Enrolling, &[&body]);
            body.extend_from_slice(&wire::encode(&credential));
        }
        identity.sign_body(SignatureLabel::Enrolment, &[], &Rest(body.into()))
    }

    /// Checks a signed enrolment for `study`.
    pub fn verify(study: &Study, signed: SignedBytes) -> Result<Self, EnrolmentError> {
        let bytes = signed.body.as_slice();
        let (body, credential) =
            EnrolmentBody::tls_deserialize_bytes(bytes).map_err(|_| IdentityError::Body)?;
        if body.study != study.digest() {
            return Err(EnrolmentError::ForeignStudy);
        }
        let id = PeerId::decode(&body.verifying_key)?;
        signed.verify(&id, SignatureLabel::Enrolment, &[])?;
        let encoded_sealing_key = body.sealing_key.into_vec();
        let sealing_key = SealingKey::decode(study.suite(), &encoded_sealing_key)
            .map_err(|_| EnrolmentError::SealingKey)?;
        let fields = &bytes[..bytes.len() - credential.len()];
        let ticket = admit(study, fields, credential)?;
        Ok(Self { signed, id, sealing_key, encoded_sealing_key, ticket })
    }

    /// Whose enrolment it is.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// The key that shares for this peer are sealed to.
    #[must_use]
    pub fn sealing_key(&self) -> &SealingKey {
        &self.sealing_key
    }

    /// The invitation that it came with; none in an open study.
    #[must_use]
    pub fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// Whether shares can be sealed to this peer at all.
    pub(crate) fn check_sealing_key(&self) -> Result<(), EnrolmentError> {
        if self.sealing_key.is_usable() { Ok(()) } else { Err(EnrolmentError::SealingKey) }
    }

    /// The bytes as they were received.
    pub(crate) fn signed(&self) -> &SignedBytes {
        &self.signed
    }

    /// Whether the two share a key, and so may be one person posing as two.
    pub(crate) fn shares_key_with(&self, other: &Self) -> bool {
        self.id == other.id || self.encoded_sealing_key == other.encoded_sealing_key
    }
}

/// Checks the invitation behind the fields of an enrolment, in a study that wants one.
fn admit(
    study: &Study,
    fields: &[u8],
    credential: &[u8],
) -> Result<Option<Ticket>, EnrolmentError> {
    if study.authority().is_none() {
        return if credential.is_empty() { Ok(None) } else { Err(IdentityError::Body.into()) };
    }
    if credential.is_empty() {
        return Err(CredentialError::Missing.into());
    }
    let credential: Credential = wire::decode(credential).map_err(|_| IdentityError::Body)?;
    Ok(Some(credential.verify(study, Purpose::Enrolling, &[fields])?))
}

/// The bytes that name a committee (PROTOCOL.md, "Committee").
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct CommitteeBytes {
    study: StudyDigest,
    members: TlsVecU24<SignedBytes>,
}

/// The peers that hold shares, in the order of their share indices.
#[derive(Clone)]
pub struct Committee {
    bytes: Vec<u8>,
    digest: CommitteeDigest,
    scheme: Scheme,
    members: Vec<Enrolment>,
    tickets: UsedTickets,
}

/// Why a committee is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CommitteeError {
    /// Not the encoding of a committee.
    #[error("the committee is malformed")]
    Encoding,
    /// The committee of another study.
    #[error("the committee is for another study")]
    ForeignStudy,
    /// Fewer or more members than the study allows.
    #[error("the committee has {members} members; the study allows {min} to {max}")]
    Size {
        /// How many there are.
        members: usize,
        /// The study's minimum.
        min: u8,
        /// The study's cap.
        max: u8,
    },
    /// A member whose enrolment does not hold.
    #[error("member {number} of the committee: {source}")]
    Member {
        /// Its place, from 1 on.
        number: usize,
        /// What is wrong with it.
        source: EnrolmentError,
    },
    /// Two members with the same key.
    #[error("member {number} of the committee has the same key as another member")]
    Duplicate {
        /// The later one's place, from 1 on.
        number: usize,
    },
    /// Two members with the same invitation.
    #[error("member {number} of the committee has the same invitation as another member")]
    InvitationTwice {
        /// The later one's place, from 1 on.
        number: usize,
    },
}

impl Committee {
    /// The committee of these enrolments, in this order.
    pub(crate) fn new(study: &Study, members: Vec<Enrolment>) -> Result<Self, CommitteeError> {
        let signed = members.iter().map(|member| member.signed.clone()).collect::<Vec<_>>();
        let bytes = wire::encode(&CommitteeBytes { study: study.digest(), members: signed.into() });
        Self::checked(study, bytes, members)
    }

    /// Reads a committee and checks every member's enrolment, as every peer has to.
    pub fn decode(study: &Study, bytes: &[u8]) -> Result<Self, CommitteeError> {
        let decoded: CommitteeBytes = wire::decode(bytes).map_err(|_| CommitteeError::Encoding)?;
        if decoded.study != study.digest() {
            return Err(CommitteeError::ForeignStudy);
        }
        // Before anything expensive is done with them.
        check_size(study, decoded.members.len())?;
        let verify = |(position, signed)| {
            Enrolment::verify(study, signed)
                .map_err(|source| CommitteeError::Member { number: position + 1, source })
        };
        let members = decoded.members.into_vec().into_iter().enumerate().map(verify);
        Self::checked(study, bytes.to_vec(), members.collect::<Result<_, _>>()?)
    }

    fn checked(
        study: &Study,
        bytes: Vec<u8>,
        members: Vec<Enrolment>,
    ) -> Result<Self, CommitteeError> {
        let k = check_size(study, members.len())?;
        let mut tickets = UsedTickets::default();
        for (position, member) in members.iter().enumerate() {
            if members[..position].iter().any(|earlier| earlier.shares_key_with(member)) {
                return Err(CommitteeError::Duplicate { number: position + 1 });
            }
            if let Some(ticket) = &member.ticket
                && !tickets.enter(ticket, member.id)
            {
                return Err(CommitteeError::InvitationTwice { number: position + 1 });
            }
        }
        let digest = CommitteeDigest(hash(DigestLabel::Committee, &[&bytes]));
        Ok(Self { bytes, digest, scheme: study.scheme(k), members, tickets })
    }

    /// The invitations of the members.
    pub(crate) fn tickets(&self) -> &UsedTickets {
        &self.tickets
    }

    /// The bytes that the digest covers.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Identifies this committee.
    #[must_use]
    pub fn digest(&self) -> CommitteeDigest {
        self.digest
    }

    /// How answers are shared among the members.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// `k`.
    #[must_use]
    pub fn size(&self) -> u8 {
        self.scheme.shares()
    }

    /// `T`.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.scheme.threshold()
    }

    /// The members with their share indices.
    pub fn members(&self) -> impl Iterator<Item = (ShareIndex, &Enrolment)> {
        ShareIndex::all(self.size()).zip(&self.members)
    }

    /// The member at `index`, if the committee has one there.
    #[must_use]
    pub fn member(&self, index: ShareIndex) -> Option<&Enrolment> {
        self.members.get(index.position())
    }

    /// The place of `id`, if it is a member.
    #[must_use]
    pub fn place_of(&self, id: &PeerId) -> Option<ShareIndex> {
        self.members().find(|(_, member)| member.id == *id).map(|(index, _)| index)
    }
}

/// The study that the first member of a committee enrolled for, by bytes of which nothing was checked.
pub(crate) fn claimed_study(bytes: &[u8]) -> Option<StudyDigest> {
    let committee: CommitteeBytes = wire::decode(bytes).ok()?;
    let enrolment = committee.members.as_slice().first()?.body.as_slice();
    EnrolmentBody::tls_deserialize_bytes(enrolment).ok().map(|(body, _)| body.study)
}

/// The size as a number of shares, if the study allows it.
fn check_size(study: &Study, members: usize) -> Result<u8, CommitteeError> {
    let (min, max) = (study.minimum_committee(), study.committee_cap());
    match u8::try_from(members) {
        Ok(k) if (min..=max).contains(&k) => Ok(k),
        _ => Err(CommitteeError::Size { members, min, max }),
    }
}

impl fmt::Debug for Committee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committee")
            .field("digest", &self.digest)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}
