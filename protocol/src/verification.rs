//! What a member finds about the contributions of a manifest (PROTOCOL.md, "Verification").
//!
//! A member answers the manifest with its shares of the verifier messages, one per contribution, in
//! signed pieces of up to [`PIECE_LEN`], so that messages stay short however many people take part.

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU16};

use crate::committee::{Committee, Enrolment};
use crate::digest::ManifestDigest;
use crate::field::{self, ENCODED_LEN};
use crate::identity::{Identity, IdentityError, SignatureLabel, SignedBytes};
use crate::sharing::ShareIndex;
use crate::validity::{VERIFIER_LEN, Verifier};

/// How many contributions a piece covers; the last one of a manifest may cover fewer.
pub const PIECE_LEN: u32 = 1_024;

/// Bytes of one finding, at most.
const FINDING_LEN: usize = 1 + VERIFIER_LEN * ENCODED_LEN;

/// What a member finds about one contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Its share of the verifier message.
    Share(Verifier),
    /// It cannot open its share, or that is no vector of field elements.
    Unreadable,
}

/// Some of the findings of one member, signed by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Whose they are.
    pub member: ShareIndex,
    /// The number of the first contribution, a multiple of [`PIECE_LEN`].
    pub first: u32,
    /// A finding for this contribution and each of those that follow.
    pub findings: Vec<Finding>,
}

/// Why a piece is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerificationError {
    /// Malformed, or a bad signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Signed by nobody on the committee.
    #[error("the committee has no member {number}")]
    UnknownMember {
        /// The place that it names.
        number: u8,
    },
    /// About another manifest.
    #[error("the verification is for another manifest")]
    ForeignManifest,
    /// Not one of the pieces of this manifest.
    #[error("a piece of {len} findings from contribution {first} on does not fit the manifest")]
    Piece {
        /// Where it begins.
        first: u32,
        /// How long it is.
        len: usize,
    },
    /// Not reduced field elements.
    #[error("the finding about contribution {number} is not made of field elements")]
    Value {
        /// The contribution's number.
        number: u32,
    },
}

#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PieceBody {
    manifest: ManifestDigest,
    index: u8,
    first: u32,
    findings: TlsVecU16<FindingBytes>,
}

#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
enum FindingBytes {
    #[tls_codec(discriminant = 1)]
    Share([u8; VERIFIER_LEN * ENCODED_LEN]),
    #[tls_codec(discriminant = 2)]
    Unreadable,
}

/// The length of the longest verification message in a round of so many contributions, in bytes.
#[must_use]
pub fn max_piece_len(contributions: u32) -> usize {
    // Manifest, place, number, the list's length; the body's length, the signature, the message's type.
    const AROUND: usize = 32 + 1 + 4 + 2 + 2 + 64 + 1;
    // At most 1,024, which any usize can say.
    let findings = usize::try_from(contributions.min(PIECE_LEN)).unwrap_or(usize::MAX);
    AROUND + findings * FINDING_LEN
}

/// How many findings the piece from `first` on has, in a manifest of `size` contributions; `None` if no
/// piece begins there.
#[must_use]
pub fn piece_len(first: u32, size: u32) -> Option<usize> {
    let begins = first.is_multiple_of(PIECE_LEN) && first < size;
    begins.then(|| usize::try_from((size - first).min(PIECE_LEN)).unwrap_or(usize::MAX))
}

impl Piece {
    /// Signs these findings.
    #[must_use]
    pub fn sign(&self, identity: &Identity, manifest: ManifestDigest) -> SignedBytes {
        let findings = self.findings.iter().map(|finding| match finding {
            Finding::Share(verifier) => FindingBytes::Share(encode(verifier)),
            Finding::Unreadable => FindingBytes::Unreadable,
        });
        let body = PieceBody {
            manifest,
            index: self.member.number(),
            first: self.first,
            findings: findings.collect::<Vec<_>>().into(),
        };
        identity.sign_body(SignatureLabel::Verification, &[], &body)
    }

    /// Checks a piece for a manifest of `size` contributions.
    pub fn verify(
        committee: &Committee,
        manifest: ManifestDigest,
        size: u32,
        signed: &SignedBytes,
    ) -> Result<Self, VerificationError> {
        let body: PieceBody = signed.peek()?;
        let unknown = VerificationError::UnknownMember { number: body.index };
        let member = ShareIndex::new(body.index).ok_or(unknown)?;
        let id = committee.member(member).map(Enrolment::id).ok_or(unknown)?;
        signed.verify(&id, SignatureLabel::Verification, &[])?;
        if body.manifest != manifest {
            return Err(VerificationError::ForeignManifest);
        }
        let (first, len) = (body.first, body.findings.len());
        if piece_len(first, size) != Some(len) {
            return Err(VerificationError::Piece { first, len });
        }
        let findings = (first..)
            .zip(body.findings.as_slice())
            .map(|(number, finding)| read(finding).ok_or(VerificationError::Value { number }));
        Ok(Self { member, first, findings: findings.collect::<Result<_, _>>()? })
    }
}

fn encode(verifier: &Verifier) -> [u8; VERIFIER_LEN * ENCODED_LEN] {
    let mut bytes = [0; VERIFIER_LEN * ENCODED_LEN];
    for (bytes, element) in bytes.chunks_exact_mut(ENCODED_LEN).zip(verifier) {
        bytes.copy_from_slice(&field::encode(*element));
    }
    bytes
}

/// `None` if an element is not reduced.
fn read(finding: &FindingBytes) -> Option<Finding> {
    let FindingBytes::Share(bytes) = finding else { return Some(Finding::Unreadable) };
    let (elements, _) = bytes.as_chunks::<ENCODED_LEN>();
    let mut verifier = [field::zero(); VERIFIER_LEN];
    for (element, bytes) in verifier.iter_mut().zip(elements) {
        *element = field::decode(*bytes)?;
    }
    Some(Finding::Share(verifier))
}
