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
///
/// Additive where `T = k`, Shamir's otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    shares: u8,
    threshold: u8,
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
    /// `k` shares, all of which are needed.
    ///
    /// # Panics
    ///
    /// If `k` is below [`SHARES_MIN`].
    #[must_use]
    pub fn additive(k: u8) -> Self {
        Self::new(k, k).expect("a committee has at least three members")
    }

    /// `k` shares, [`threshold`]`(k)` of which are needed: what a committee uses unless its study
    /// asks for additive sharing.
    ///
    /// # Panics
    ///
    /// If `k` is below [`SHARES_MIN`].
    #[must_use]
    pub fn threshold_of(k: u8) -> Self {
        Self::new(k, threshold(k)).expect("a committee has at least three members")
    }

    /// `shares` shares, `threshold` of which are needed; `None` unless
    /// `2 <= threshold <= shares` and there are at least [`SHARES_MIN`].
    #[must_use]
    pub fn new(shares: u8, threshold: u8) -> Option<Self> {
        let admissible = shares >= SHARES_MIN && (2..=shares).contains(&threshold);
        admissible.then_some(Self { shares, threshold })
    }

    /// `k`, the number of shares.
    #[must_use]
    pub fn shares(self) -> u8 {
        self.shares
    }

    /// `T`, how many shares are needed.
    #[must_use]
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// Whether all shares are needed, and simply add up.
    #[must_use]
    pub fn is_additive(self) -> bool {
        self.threshold == self.shares
    }

    /// Splits `secret` into `k` shares in the order of their indices.
    ///
    /// `rng` must be a fresh stream: two secrets split with the same stream give away their difference.
    pub fn split(self, secret: &SecretVector, rng: &mut impl CryptoRng) -> Vec<Share> {
        if self.is_additive() {
            split_additive(secret, self.shares, rng)
        } else {
            split_shamir(secret, self.shares, self.threshold, rng)
        }
    }

    /// Recovers the secret from at least `T` shares in any order.
    ///
    /// All shares that are given are used: more than `T` must lie on one polynomial.
    pub fn combine(self, shares: &[Share]) -> Result<SecretVector, CombineError> {
        let len = self.check(shares)?;
        let threshold = usize::from(self.threshold());
        let (used, extra) = shares.split_at(threshold);
        if self.is_additive() {
            let mut sum = SecretVector::zeros(len);
            for share in used {
                sum.add_assign(&share.values);
            }
            return Ok(sum);
        }
        let polynomial = Interpolation::through(used, len, self.shares);
        for Share { index, values } in extra {
            if polynomial.at(index.number()).elements() != values.elements() {
                let threshold = self.threshold();
                return Err(CombineError::Inconsistent { index: *index, threshold });
            }
        }
        Ok(polynomial.at(0))
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

/// Draws the polynomials by their forward differences at 0 instead of their coefficients: which of the
/// two is uniform makes no difference, because each determines the other. From differences, values at
/// 1, 2, ... follow by additions alone, and multiplying is slow in a browser.
fn split_shamir(secret: &SecretVector, k: u8, t: u8, rng: &mut impl CryptoRng) -> Vec<Share> {
    // differences[j] is the j-th difference at x, in each position; that of order 0 is the value.
    let mut differences = vec![secret.clone()];
    differences.extend((1..t).map(|_| random_vector(secret.len(), rng)));
    ShareIndex::all(k)
        .map(|index| {
            for order in 1..differences.len() {
                let (lower, higher) = differences.split_at_mut(order);
                lower[order - 1].add_assign(&higher[0]);
            }
            Share { index, values: differences[0].clone() }
        })
        .collect()
}

fn random_vector(len: usize, rng: &mut impl CryptoRng) -> SecretVector {
    SecretVector::new((0..len).map(|_| field::sample(rng)).collect())
}

/// The polynomials of degree `T - 1` through `T` shares, one per position, in barycentric form
/// (Berrut and Trefethen, "Barycentric Lagrange Interpolation", SIAM Review 46(3), 2004).
///
/// `T^2` multiplications once, and `2T` per position for each value. All distances between points
/// are small whole numbers, so each needs to be inverted only once.
struct Interpolation<'a> {
    points: &'a [Share],
    /// `1 / product of (x_i - x_j) over j != i`.
    weights: Vec<Field>,
    /// `1 / d` at position `d - 1`.
    inverses: Vec<Field>,
    len: usize,
}

impl<'a> Interpolation<'a> {
    /// No index, of a point or of a value that is wanted, is larger than `reach`.
    fn through(points: &'a [Share], len: usize, reach: u8) -> Self {
        let inverses = inverses_up_to(reach);
        let mut interpolation = Self { points, weights: Vec::new(), inverses, len };
        let weight = |share: &Share| {
            let others = points.iter().filter(|other| other.index != share.index);
            others.fold(Field::one(), |product, other| {
                product * interpolation.inverse_distance(share.index.number(), other.index)
            })
        };
        interpolation.weights = points.iter().map(weight).collect();
        interpolation
    }

    /// The values at `x`, which is 0 or an index that none of the shares has.
    fn at(&self, x: u8) -> SecretVector {
        let mut value = SecretVector::zeros(self.len);
        let mut node = Field::one();
        for (share, weight) in self.points.iter().zip(&self.weights) {
            node *= Field::from(u128::from(x)) - share.index.point();
            let factor = *weight * self.inverse_distance(x, share.index);
            for (position, element) in share.values.elements().iter().enumerate() {
                value.add_at(position, factor * *element);
            }
        }
        value.scale(node);
        value
    }

    /// `1 / (x - index)`, for two that differ.
    fn inverse_distance(&self, x: u8, index: ShareIndex) -> Field {
        let inverse = self.inverses[usize::from(x.abs_diff(index.number())) - 1];
        if x > index.number() { inverse } else { -inverse }
    }
}

/// `1/1, 1/2, ..., 1/n` with a single inversion, that of `n!`.
fn inverses_up_to(n: u8) -> Vec<Field> {
    let number = |d: u8| Field::from(u128::from(d));
    let mut factorials = vec![Field::one()];
    for d in 1..=n {
        factorials.push(factorials[usize::from(d) - 1] * number(d));
    }
    let mut inverse_factorial = factorials[usize::from(n)].inv();
    let mut inverses = vec![Field::zero(); usize::from(n)];
    for d in (1..=n).rev() {
        let below = usize::from(d) - 1;
        inverses[below] = factorials[below] * inverse_factorial;
        inverse_factorial *= number(d);
    }
    inverses
}
