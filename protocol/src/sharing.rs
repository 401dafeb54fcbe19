//! Secret sharing of vectors of field elements: additive and Shamir's, behind one interface.
//!
//! A [`Scheme`] splits a [`SecretVector`] into `k` [`Share`]s, one per committee member, so that
//! any `T` of them determine it and any `T - 1` are uniformly random, whatever the secret is.
//!
//! * **Additive** (`T = k`): `k - 1` shares are random, the last makes the sum right. What
//!   combines the shares is addition.
//! * **Shamir** (`T < k`; Shamir, "How to Share a Secret", CACM 22(11), 1979): each element is the
//!   value at 0 of a random polynomial of degree `T - 1`; share `i` is its value at `x = i`.
//!
//! Both are linear: adding shares of the same index adds the secrets, which is what a committee
//! member does with everything that it receives.

use core::num::NonZeroU8;

use prio::field::FieldElement;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::field::{self, Field, SecretVector};

/// The smallest and the largest number of shares.
pub const SHARES_MIN: u8 = 3;
/// See [`SHARES_MIN`]; a share's index is one byte and never zero.
pub const SHARES_MAX: u8 = 255;

/// The position of a share, `1..=k`: a committee member's place, and Shamir's `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareIndex(NonZeroU8);

impl ShareIndex {
    /// The index `index`, unless it is zero.
    #[must_use]
    pub fn new(index: u8) -> Option<Self> {
        NonZeroU8::new(index).map(Self)
    }

    /// All indices of `k` shares, in order.
    pub fn all(k: u8) -> impl Iterator<Item = Self> {
        (1..=k).filter_map(Self::new)
    }

    /// The index as a number, `1..=255`.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0.get()
    }

    /// The position in a zero-based list of members.
    #[must_use]
    pub fn position(self) -> usize {
        usize::from(self.0.get()) - 1
    }

    fn point(self) -> Field {
        Field::from(u128::from(self.0.get()))
    }
}

/// One member's share of a secret vector, or of a sum of such.
#[derive(Clone, Debug)]
pub struct Share {
    /// Whose share it is.
    pub index: ShareIndex,
    /// One element per element of the secret.
    pub values: SecretVector,
}

/// How a secret is shared among `k` members so that `T` of them are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// All `k` shares are needed; they add up to the secret.
    Additive {
        /// The number of shares, at least [`SHARES_MIN`].
        shares: u8,
    },
    /// Any `threshold` of the `shares` are enough.
    Shamir {
        /// The number of shares, at least [`SHARES_MIN`].
        shares: u8,
        /// How many are needed, `2..=shares`.
        threshold: u8,
    },
}

/// Why shares do not make a secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CombineError {
    /// Fewer than `T` shares.
    #[error("{have} shares are too few: {need} are needed")]
    TooFew {
        /// How many there are.
        have: usize,
        /// The threshold `T`.
        need: usize,
    },
    /// Two shares of one index.
    #[error("share {} is there twice", index.number())]
    Duplicate {
        /// The index.
        index: ShareIndex,
    },
    /// A share of an index that this scheme does not have.
    #[error("share {} is foreign: there are only {shares} shares", index.number())]
    Foreign {
        /// The index.
        index: ShareIndex,
        /// `k`.
        shares: u8,
    },
    /// Shares of vectors of different lengths.
    #[error("share {} has {have} elements instead of {need}", index.number())]
    Length {
        /// The index.
        index: ShareIndex,
        /// Its length.
        have: usize,
        /// The length of the first share.
        need: usize,
    },
    /// More than `T` shares that no polynomial of degree `T - 1` goes through: at least one is wrong.
    #[error("the shares contradict each other: share {} does not fit the first {threshold}", index.number())]
    Inconsistent {
        /// The first share that does not fit.
        index: ShareIndex,
        /// `T`.
        threshold: u8,
    },
}

/// The threshold of a committee of `k`: `floor(2k/3) + 1` (DESIGN section 2), 3 of 3, 3 of 4, 5 of 7.
///
/// More than two thirds, so that two sets of `T` members always share a member that is honest
/// while fewer than a third are not: two different manifests cannot both be answered.
#[must_use]
pub fn threshold(k: u8) -> u8 {
    // At most 2 * 255 / 3 + 1 = 171, so the conversion cannot lose anything.
    u8::try_from(u16::from(k) * 2 / 3 + 1).unwrap_or(u8::MAX)
}

impl Scheme {
    /// The scheme that a committee of `k` uses unless its study asks for additive sharing.
    ///
    /// With `T = k` it is additive, which is the same thing with less arithmetic.
    #[must_use]
    pub fn threshold_of(k: u8) -> Self {
        let t = threshold(k);
        if t >= k { Self::Additive { shares: k } } else { Self::Shamir { shares: k, threshold: t } }
    }

    /// `k`, the number of shares.
    #[must_use]
    pub fn shares(self) -> u8 {
        match self {
            Self::Additive { shares } | Self::Shamir { shares, .. } => shares,
        }
    }

    /// `T`, how many shares are needed.
    #[must_use]
    pub fn threshold(self) -> u8 {
        match self {
            Self::Additive { shares } => shares,
            Self::Shamir { threshold, .. } => threshold,
        }
    }

    /// Splits `secret` into `k` shares in the order of their indices.
    ///
    /// `rng` must be a fresh stream: two secrets split with the same stream give away their difference.
    pub fn split(self, secret: &SecretVector, rng: &mut impl CryptoRng) -> Vec<Share> {
        match self {
            Self::Additive { shares } => split_additive(secret, shares, rng),
            Self::Shamir { shares, threshold } => split_shamir(secret, shares, threshold, rng),
        }
    }

    /// Recovers the secret from at least `T` shares in any order.
    ///
    /// All shares that are given are used: more than `T` must lie on one polynomial.
    pub fn combine(self, shares: &[Share]) -> Result<SecretVector, CombineError> {
        let len = self.check(shares)?;
        let threshold = usize::from(self.threshold());
        let (used, extra) = shares.split_at(threshold);
        let secret = match self {
            Self::Additive { .. } => {
                let mut sum = SecretVector::zeros(len);
                for share in used {
                    sum.add_assign(&share.values);
                }
                sum
            }
            Self::Shamir { .. } => interpolate(used, field::zero(), len),
        };
        for share in extra {
            let expected = interpolate(used, share.index.point(), len);
            if expected.elements() != share.values.elements() {
                return Err(CombineError::Inconsistent {
                    index: share.index,
                    threshold: self.threshold(),
                });
            }
        }
        Ok(secret)
    }

    /// Checks number, indices and lengths; returns the common length.
    fn check(self, shares: &[Share]) -> Result<usize, CombineError> {
        let mut seen = [false; 1 + SHARES_MAX as usize];
        let len = shares.first().map_or(0, |share| share.values.len());
        for &Share { index, ref values } in shares {
            if index.number() > self.shares() {
                return Err(CombineError::Foreign { index, shares: self.shares() });
            }
            if core::mem::replace(&mut seen[usize::from(index.number())], true) {
                return Err(CombineError::Duplicate { index });
            }
            if values.len() != len {
                return Err(CombineError::Length { index, have: values.len(), need: len });
            }
        }
        let need = usize::from(self.threshold());
        if shares.len() < need {
            return Err(CombineError::TooFew { have: shares.len(), need });
        }
        Ok(len)
    }
}

fn split_additive(secret: &SecretVector, k: u8, rng: &mut impl CryptoRng) -> Vec<Share> {
    let mut last = secret.clone();
    let mut shares = Vec::with_capacity(usize::from(k));
    for index in ShareIndex::all(k) {
        let values = if index.number() == k {
            core::mem::replace(&mut last, SecretVector::zeros(0))
        } else {
            let random = random_vector(secret.len(), rng);
            for (position, element) in random.elements().iter().enumerate() {
                last.add_at(position, -*element);
            }
            random
        };
        shares.push(Share { index, values });
    }
    shares
}

fn split_shamir(secret: &SecretVector, k: u8, t: u8, rng: &mut impl CryptoRng) -> Vec<Share> {
    // coefficients[d - 1][position] is the coefficient of x^d in the polynomial of that position.
    let coefficients: Vec<SecretVector> =
        (1..t).map(|_| random_vector(secret.len(), rng)).collect();
    ShareIndex::all(k)
        .map(|index| {
            let x = index.point();
            let values = (0..secret.len())
                .map(|position| {
                    // Horner's rule from the highest coefficient down to the secret.
                    let high = coefficients
                        .iter()
                        .rev()
                        .fold(field::zero(), |acc, c| (acc + c.elements()[position]) * x);
                    high + secret.elements()[position]
                })
                .collect();
            Share { index, values: SecretVector::new(values) }
        })
        .collect()
}

fn random_vector(len: usize, rng: &mut impl CryptoRng) -> SecretVector {
    SecretVector::new((0..len).map(|_| field::sample(rng)).collect())
}

/// The value at `x` of the polynomial of degree `points.len() - 1` through `points`, by Lagrange.
fn interpolate(points: &[Share], x: Field, len: usize) -> SecretVector {
    let mut value = SecretVector::zeros(len);
    for (i, share) in points.iter().enumerate() {
        let (mut numerator, mut denominator) = (Field::one(), Field::one());
        for (j, other) in points.iter().enumerate() {
            if i != j {
                numerator *= x - other.index.point();
                denominator *= share.index.point() - other.index.point();
            }
        }
        // The indices are distinct (`check`), so the denominator has an inverse.
        let weight = numerator * denominator.inv();
        for (position, element) in share.values.elements().iter().enumerate() {
            value.add_at(position, weight * *element);
        }
    }
    value
}
