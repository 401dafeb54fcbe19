//! Partial aggregates, and what a round publishes.

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU16};

use crate::committee::{Committee, Enrolment};
use crate::digest::VerdictDigest;
use crate::field::{self, ENCODED_LEN, SecretVector};
use crate::identity::{Identity, IdentityError, SignatureLabel, SignedBytes};
use crate::questionnaire::Tally;
use crate::sharing::{CombineError, Share, ShareIndex};
use crate::study::Study;
use crate::verdict::Verdict;

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
    verdict: VerdictDigest,
    index: u8,
    values: TlsVecU16<[u8; ENCODED_LEN]>,
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
    /// For another verdict, and so perhaps for another study, committee or manifest.
    #[error("the partial aggregate is for another verdict")]
    ForeignVerdict,
    /// By a member whose partial aggregate the verdict leaves out.
    #[error("the verdict leaves member {number} out")]
    LeftOut {
        /// Its place.
        number: u8,
    },
    /// Not as many reduced field elements as the study has numbers to publish.
    #[error("the partial aggregate is not made of field elements")]
    Value,
    /// Too few, twice the same, or contradicting each other beyond correction.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// A sum that the counted answers cannot have.
    #[error("the partial aggregates combine to a sum that {count} valid answers cannot have")]
    Impossible {
        /// How many answers are counted.
        count: u32,
    },
}

/// Signs the partial aggregate of the member at `index`.
#[must_use]
pub fn sign_partial(
    identity: &Identity,
    verdict: VerdictDigest,
    index: ShareIndex,
    values: &SecretVector,
) -> SignedBytes {
    let values = values.elements().iter().map(|value| field::encode(*value)).collect::<Vec<_>>();
    let body = PartialBody { verdict, index: index.number(), values: values.into() };
    identity.sign_body(SignatureLabel::PartialAggregate, &[], &body)
}

/// Checks a partial aggregate for this verdict, which has this digest; it is then a share of what is
/// published.
pub fn verify_partial(
    study: &Study,
    committee: &Committee,
    (verdict, digest): (&Verdict, VerdictDigest),
    signed: &SignedBytes,
) -> Result<Share, AggregateError> {
    let body: PartialBody = signed.peek()?;
    let number = body.index;
    let unknown = AggregateError::UnknownMember { number };
    let index = ShareIndex::new(number).ok_or(unknown)?;
    let member = committee.member(index).map(Enrolment::id).ok_or(unknown)?;
    signed.verify(&member, SignatureLabel::PartialAggregate, &[])?;
    if body.verdict != digest {
        return Err(AggregateError::ForeignVerdict);
    }
    if !verdict.members().contains(index) {
        return Err(AggregateError::LeftOut { number });
    }
    let values = body.values.as_slice();
    if values.len() != study.questionnaire().output_len() {
        return Err(AggregateError::Value);
    }
    let values = values.iter().map(|bytes| field::decode(*bytes)).collect::<Option<_>>();
    Ok(Share { index, values: SecretVector::new(values.ok_or(AggregateError::Value)?) })
}

/// Combines at least `T` partial aggregates into the result of `count` answers, and corrects wrong ones as
/// far as [`Scheme::combine`](crate::sharing::Scheme::combine) can.
pub fn combine(
    study: &Study,
    committee: &Committee,
    count: u32,
    partials: &[Share],
) -> Result<Decoded, AggregateError> {
    let combined = committee.scheme().combine(partials)?;
    let tallies = study.questionnaire().tally(combined.secret.elements(), count);
    match tallies.as_deref() {
        Some([Tally::Sum(sum)]) => {
            Ok(Decoded { aggregate: Aggregate { count, sum: *sum }, wrong: combined.wrong })
        }
        _ => Err(AggregateError::Impossible { count }),
    }
}
