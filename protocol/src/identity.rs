//! Who a peer is: an Ed25519 key (RFC 8032), fresh for every study.
//!
//! Everything is signed over `uint8 label_length || label || parts`, and verified strictly
//! (`verify_strict`: no keys or nonces of small order), so that all verifiers agree.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use thiserror::Error;
use tls_codec::{
    DeserializeBytes, Serialize, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize,
};

use crate::digest::write_hex;
use crate::entropy::{Entropy, Purpose};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// What a signature is for.
#[derive(Clone, Copy, Debug)]
pub enum SignatureLabel {
    /// An enrolment's keys.
    Enrolment,
    /// A whole contribution.
    Contribution,
    /// A piece of a member's verification.
    Verification,
    /// A partial aggregate.
    PartialAggregate,
    /// A connection's challenge.
    Identification,
    /// An authority's invitation.
    Invitation,
    /// The keys that somebody with an invitation enrols.
    InvitedEnrolment,
    /// The key under which somebody with an invitation contributes.
    InvitedContribution,
}

impl SignatureLabel {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Enrolment => b"wardsum v1 sign enrolment",
            Self::Contribution => b"wardsum v1 sign contribution",
            Self::Verification => b"wardsum v1 sign verification",
            Self::PartialAggregate => b"wardsum v1 sign partial aggregate",
            Self::Identification => b"wardsum v1 sign identification",
            Self::Invitation => b"wardsum v1 sign invitation",
            Self::InvitedEnrolment => b"wardsum v1 sign invited enrolment",
            Self::InvitedContribution => b"wardsum v1 sign invited contribution",
        }
    }

    /// The bytes that are signed. Ed25519 reads its message twice, so it has to be in one piece.
    fn message(self, parts: &[&[u8]]) -> Vec<u8> {
        let text = self.text();
        let len = 1 + text.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut message = Vec::with_capacity(len);
        message.push(u8::try_from(text.len()).expect("labels are short"));
        message.extend_from_slice(text);
        for part in parts {
            message.extend_from_slice(part);
        }
        message
    }
}

/// A peer's name in one study: its verifying key, which has been checked to be one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerId(VerifyingKey);

impl PeerId {
    /// Reads an encoded verifying key; refuses what is no point and keys of small order.
    pub fn decode(bytes: &[u8; 32]) -> Result<Self, IdentityError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| IdentityError::Key)?;
        if key.is_weak() {
            return Err(IdentityError::Key);
        }
        Ok(Self(key))
    }

    /// The encoded key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Checks a signature by this peer.
    pub fn verify(
        &self,
        label: SignatureLabel,
        parts: &[&[u8]],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<(), IdentityError> {
        self.0
            .verify_strict(&label.message(parts), &Signature::from_bytes(signature))
            .map_err(|_| IdentityError::Signature)
    }
}

impl Ord for PeerId {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for PeerId {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Eight bytes tell peers apart in a log.
        write_hex(&self.as_bytes()[..8], f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

/// A peer's signing key. It zeroizes itself when dropped.
pub struct Identity(SigningKey);

impl Identity {
    /// The key that `entropy` determines.
    #[must_use]
    pub fn derive(entropy: &Entropy) -> Self {
        Self::of_seed(&entropy.derive(Purpose::SigningKey, &[]))
    }

    /// The key of this seed, the private key of RFC 8032.
    pub(crate) fn of_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its verifying key, the peer's name.
    #[must_use]
    pub fn id(&self) -> PeerId {
        PeerId(self.0.verifying_key())
    }

    /// Signs `parts` under `label`.
    #[must_use]
    pub fn sign(&self, label: SignatureLabel, parts: &[&[u8]]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(&label.message(parts)).to_bytes()
    }

    /// Signs the encoding of `body` after `context`.
    #[must_use]
    pub fn sign_body(
        &self,
        label: SignatureLabel,
        context: &[&[u8]],
        body: &impl Serialize,
    ) -> SignedBytes {
        let body = crate::wire::encode(body);
        let signature = self.sign(label, &[context, &[&body]].concat());
        SignedBytes { body: body.into(), signature }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// A message body exactly as it was received, and a signature over these bytes.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct SignedBytes {
    /// The body.
    pub body: TlsByteVecU16,
    /// The signature.
    pub signature: [u8; SIGNATURE_LEN],
}

impl SignedBytes {
    /// Decodes the body without checking the signature; needed where the body names the signer.
    pub fn peek<T: DeserializeBytes>(&self) -> Result<T, IdentityError> {
        T::tls_deserialize_exact_bytes(self.body.as_slice()).map_err(|_| IdentityError::Body)
    }

    /// Checks that `signer` signed `context` and the body.
    pub fn verify(
        &self,
        signer: &PeerId,
        label: SignatureLabel,
        context: &[&[u8]],
    ) -> Result<(), IdentityError> {
        signer.verify(label, &[context, &[self.body.as_slice()]].concat(), &self.signature)
    }
}

/// Why a signed message is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not an Ed25519 key, or one of small order.
    #[error("the verifying key is not a valid Ed25519 key")]
    Key,
    /// The signature does not fit key and message.
    #[error("the signature does not verify")]
    Signature,
    /// The signed body is not of the expected structure.
    #[error("the signed message is malformed")]
    Body,
}
