//! Partial aggregates, and what a round publishes.

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::committee::{Committee, Enrolment};
use crate::digest::{CommitteeDigest, ManifestDigest, StudyDigest};
use crate::field::{self, ENCODED_LEN, SecretVector};
use crate::identity::{Identity, IdentityError, SignatureLabel, SignedBytes};
use crate::manifest::Commitment;
use crate::sharing::{CombineError, Share, ShareIndex};
use crate::study::Study;

/// The result of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// How many answers were counted.
    pub count: u32,
    /// Their exact sum.
    pub sum: i128,
}

impl Aggregate {
    /// The mean, for display: `sum / count` as the nearest double.
    #[must_use]
    pub fn mean(&self) -> f64 {
        // Exact below 2^53, and beyond that what a screen can show anyway.
        #[expect(clippy::cast_precision_loss, reason = "a mean for display")]
        let sum = self.sum as f64;
        sum / f64::from(self.count)
    }
}

/// What partial aggregates combine to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The result.
    pub aggregate: Aggregate,
    /// The members whose partial aggregates are wrong and have been corrected, in the order of their
    /// places. Empty when all agree, and when there is none to spare that could check the others.
    pub wrong: Vec<ShareIndex>,
}

/// What a member signs when it releases its part (PROTOCOL.md, "Partial aggregate").
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PartialBody {
    study: StudyDigest,
    committee: CommitteeDigest,
    manifest: ManifestDigest,
    index: u8,
    value: [u8; ENCODED_LEN],
}

/// Why a partial aggregate, or all of them together, do not make a result.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AggregateError {
    /// Malformed, or a bad signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Signed by nobody on the committee.
    #[error("the committee has no member {number}")]
    UnknownMember {
        /// The place that it names.
        number: u8,
    },
    /// For another study, committee or manifest.
    #[error("the partial aggregate is for another study, committee or manifest")]
    ForeignManifest,
    /// Not a reduced field element.
    #[error("the partial aggregate is no field element")]
    Value,
    /// Too few, twice the same, or contradicting each other beyond correction.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// A sum that the counted answers cannot have.
    #[error("the partial aggregates combine to a sum that {count} valid answers cannot have")]
    Impossible {
        /// How many answers the manifest counts.
        count: u32,
    },
}

/// Signs the partial aggregate of the member at `index`.
#[must_use]
pub fn sign_partial(
    identity: &Identity,
    study: &Study,
    committee: &Committee,
    manifest: ManifestDigest,
    index: ShareIndex,
    value: field::Field,
) -> SignedBytes {
    let body = PartialBody {
        study: study.digest(),
        committee: committee.digest(),
        manifest,
        index: index.number(),
        value: field::encode(value),
    };
    identity.sign_body(SignatureLabel::PartialAggregate, &[], &body)
}

/// Checks a partial aggregate for this manifest; it is then a share of the sum.
pub fn verify_partial(
    study: &Study,
    committee: &Committee,
    manifest: ManifestDigest,
    signed: &SignedBytes,
) -> Result<Share, AggregateError> {
    let body: PartialBody = signed.peek()?;
    let unknown = AggregateError::UnknownMember { number: body.index };
    let index = ShareIndex::new(body.index).ok_or(unknown)?;
    let member = committee.member(index).map(Enrolment::id).ok_or(unknown)?;
    signed.verify(&member, SignatureLabel::PartialAggregate, &[])?;
    if (body.study, body.committee, body.manifest) != (study.digest(), committee.digest(), manifest)
    {
        return Err(AggregateError::ForeignManifest);
    }
    let value = field::decode(body.value).ok_or(AggregateError::Value)?;
    Ok(Share { index, values: SecretVector::new(vec![value]) })
}

/// Combines at least `T` partial aggregates into the result, and corrects wrong ones as far as
/// [`Scheme::combine`](crate::sharing::Scheme::combine) can.
pub fn combine(
    study: &Study,
    committee: &Committee,
    commitment: Commitment,
    partials: &[Share],
) -> Result<Decoded, AggregateError> {
    let combined = committee.scheme().combine(partials)?;
    let count = commitment.size;
    let sum = study
        .range()
        .sum(combined.secret.elements()[0], count)
        .ok_or(AggregateError::Impossible { count })?;
    Ok(Decoded { aggregate: Aggregate { count, sum }, wrong: combined.wrong })
}
