//! How a peer shows who it is over a connection: it signs the challenge that the hospital drew for it.
//!
//! Nothing else is taken from a connection before that. Enrolments are public once a committee is
//! fixed, so that to repeat one proves nothing.

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::digest::StudyDigest;
use crate::identity::{Identity, IdentityError, PeerId, SignatureLabel, SignedBytes};
use crate::study::Study;

/// 32 random bytes that the hospital's driver draws for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Challenge(pub [u8; 32]);

/// What a peer signs (PROTOCOL.md, "Identification").
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct IdentificationBody {
    study: StudyDigest,
    challenge: Challenge,
    verifying_key: [u8; 32],
    held: u32,
}

/// A peer that has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identification {
    /// Who it is.
    pub peer: PeerId,
    /// How many deliveries it holds, counted from the first without a gap: delivering goes on there.
    pub held: u32,
}

/// Why an identification is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdentificationError {
    /// Malformed, a bad key, or a bad signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Made for another study.
    #[error("the identification is for another study")]
    ForeignStudy,
    /// Made for another connection.
    #[error("the identification answers another connection's challenge")]
    ForeignChallenge,
}

/// Signs `challenge`.
pub(crate) fn sign(
    study: &Study,
    identity: &Identity,
    challenge: Challenge,
    held: u32,
) -> SignedBytes {
    let verifying_key = *identity.id().as_bytes();
    let body = IdentificationBody { study: study.digest(), challenge, verifying_key, held };
    identity.sign_body(SignatureLabel::Identification, &[], &body)
}

/// Checks what a peer signed for the connection that was given `challenge`.
pub fn verify(
    study: &Study,
    challenge: Challenge,
    signed: &SignedBytes,
) -> Result<Identification, IdentificationError> {
    let body: IdentificationBody = signed.peek()?;
    if body.study != study.digest() {
        return Err(IdentificationError::ForeignStudy);
    }
    if body.challenge != challenge {
        return Err(IdentificationError::ForeignChallenge);
    }
    let peer = PeerId::decode(&body.verifying_key)?;
    signed.verify(&peer, SignatureLabel::Identification, &[])?;
    Ok(Identification { peer, held: body.held })
}
