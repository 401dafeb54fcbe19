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
//!
//! Shares of Shamir's sharing are a Reed-Solomon code: with more than `T` of them, wrong ones are
//! noticed, and corrected as long as they are few. [`Scheme::combine`] says how many.

use core::num::NonZeroU8;

use prio::field::FieldElement;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::field::{Field, SecretVector};

mod decoding;
mod indices;
mod interpolation;

pub use indices::ShareIndices;
use interpolation::Interpolation;

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

/// What shares make.
#[derive(Clone, Debug)]
pub struct Combined {
    /// The secret.
    pub secret: SecretVector,
    /// The shares that are wrong in at least one element, in the order of their indices. The secret
    /// is what the others say.
    pub wrong: Vec<ShareIndex>,
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
    /// More shares contradict the others than can be corrected.
    #[error("of {have} shares, at least {} must be wrong: too many to tell which", correctable(*have, *threshold) + 1)]
    Undecodable {
        /// How many there are.
        have: usize,
        /// The threshold `T`.
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

/// How many wrong ones among `have` shares are corrected: two to spare for each.
fn correctable(have: usize, threshold: u8) -> usize {
    have.saturating_sub(usize::from(threshold)) / 2
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

    /// What of a constant stands in each share: a `k`-th part where shares add up, else all of it, because the
    /// coefficients that combine Shamir's shares add up to one.
    #[must_use]
    pub fn part_of_constants(self) -> Field {
        if self.is_additive() { Field::from(u128::from(self.shares)).inv() } else { Field::one() }
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
    /// All `r` shares that are given are used. Additive shares have nothing to spare, so that none of
    /// them can be checked. Of Shamir's shares, with `r - T` to spare,
    ///
    /// * up to `floor((r - T) / 2)` that are wrong are corrected, whatever is wrong about them, and
    ///   all of them are named;
    /// * one more, where `r - T` is odd, is always noticed: [`CombineError::Undecodable`];
    /// * beyond that, wrong shares are noticed if they are random, but for a chance below `2^-100`.
    ///   If they have to do with each other, through an agreement or the same mistake, they can be
    ///   shares of another secret, and those that are named the right ones: no decoder can tell.
    pub fn combine(self, shares: &[Share]) -> Result<Combined, CombineError> {
        let len = self.check(shares)?;
        if self.is_additive() {
            let mut secret = SecretVector::zeros(len);
            for share in shares {
                secret.add_assign(&share.values);
            }
            return Ok(Combined { secret, wrong: Vec::new() });
        }
        let all: Vec<&Share> = shares.iter().collect();
        if let Some(secret) = self.on_one_polynomial(&all, len) {
            return Ok(Combined { secret, wrong: Vec::new() });
        }
        let threshold = self.threshold;
        let undecodable = CombineError::Undecodable { have: shares.len(), threshold };
        let wrong = decoding::wrong_shares(&all, len, self).ok_or(undecodable)?;
        // Whatever the decoder says: a secret is what all that are not named as wrong agree on.
        let right: Vec<&Share> =
            all.into_iter().filter(|share| !wrong.contains(&share.index)).collect();
        let secret = self.on_one_polynomial(&right, len).ok_or(undecodable)?;
        Ok(Combined { secret, wrong })
    }

    /// The secret of these shares if they are enough and none of them contradicts the others.
    #[must_use]
    pub fn agreed(self, shares: &[Share]) -> Option<SecretVector> {
        let len = self.check(shares).ok()?;
        if self.is_additive() {
            return self.combine(shares).ok().map(|combined| combined.secret);
        }
        self.on_one_polynomial(&shares.iter().collect::<Vec<_>>(), len)
    }

    /// The share that the member at `index` has to have, if these ones are right.
    ///
    /// # Panics
    ///
    /// If there are fewer than `T` shares, if that of `index` is one of them, or if the scheme is additive.
    #[must_use]
    pub fn share_at(self, shares: &[Share], index: ShareIndex) -> SecretVector {
        assert!(!self.is_additive(), "additive shares do not determine each other");
        let used: Vec<&Share> = shares.iter().take(usize::from(self.threshold)).collect();
        let len = used.first().map_or(0, |share| share.values.len());
        assert_eq!(used.len(), usize::from(self.threshold), "as many shares as the threshold");
        Interpolation::through(&used, len, self.shares).at(index.number())
    }

    /// The secret of at least `T` of Shamir's shares that all lie on one polynomial, if they do.
    fn on_one_polynomial(self, shares: &[&Share], len: usize) -> Option<SecretVector> {
        let (used, extra) = shares.split_at_checked(usize::from(self.threshold))?;
        let polynomial = Interpolation::through(used, len, self.shares);
        let fits = |share: &&Share| {
            polynomial.at(share.index.number()).elements() == share.values.elements()
        };
        extra.iter().all(fits).then(|| polynomial.at(0))
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
            let random = SecretVector::random(secret.len(), rng);
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
    differences.extend((1..t).map(|_| SecretVector::random(secret.len(), rng)));
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
