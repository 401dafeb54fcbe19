//! How an answer becomes field elements, and how the aggregate becomes a sum again.
//!
//! A whole number in `min..=max` is encoded as weighted bits of `value - min`. With
//! `w = max - min` and `b` the bit length of `w`, the weights are `1, 2, 4, ..., 2^(b-2)` and
//! finally `w - (2^(b-1) - 1)`: trimmed, so that **no** assignment of bits leaves the range and
//! every value in it has at least one. Each element is 0 or 1, which is what a proof of validity
//! can speak about; the number itself is a linear function of them.
//!
//! A member applies that linear function to the *sum of its shares* ([`IntegerRange::aggregate`])
//! before it releases anything, so that the partial aggregates determine the sum and not how
//! often each bit was set.

use prio::field::FieldElement;

use crate::field::{self, Field, SecretVector};

/// The encoding of whole numbers in `min..=max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerRange {
    min: i128,
    max: i128,
    weights: Vec<u128>,
}

impl IntegerRange {
    /// The encoding of `min..=max`; `None` unless `min < max`.
    #[must_use]
    pub fn new(min: i128, max: i128) -> Option<Self> {
        if min >= max {
            return None;
        }
        let width = max.abs_diff(min);
        let bits = u128::BITS - width.leading_zeros();
        let mut weights: Vec<u128> = (0..bits - 1).map(|bit| 1 << bit).collect();
        let low = weights.iter().sum::<u128>();
        weights.push(width - low);
        Some(Self { min, max, weights })
    }

    /// How many field elements one answer takes, `1..=128`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Never: the range has at least two values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Encodes `value`; `None` if it is out of range.
    #[must_use]
    pub fn encode(&self, value: i128) -> Option<SecretVector> {
        if !(self.min..=self.max).contains(&value) {
            return None;
        }
        let mut rest = value.abs_diff(self.min);
        let mut bits = vec![Field::zero(); self.weights.len()];
        // From the last weight down. What is left below a power of two always fits the lower
        // weights, and the last weight is taken only where the lower ones cannot reach.
        let reach = self.weights[..self.weights.len() - 1].iter().sum::<u128>();
        for (position, &weight) in self.weights.iter().enumerate().rev() {
            let last = position + 1 == self.weights.len();
            let take = if last { rest > reach } else { rest >= weight };
            if take {
                rest -= weight;
                bits[position] = Field::one();
            }
        }
        debug_assert_eq!(rest, 0, "the weights reach every value of the range");
        Some(SecretVector::new(bits))
    }

    /// The weight of each bit, as an element of the field.
    pub(crate) fn weights(&self) -> impl Iterator<Item = Field> {
        self.weights.iter().map(|weight| Field::from(*weight))
    }

    /// The weighted sum of a share of bits: a share of the sum of `value - min`.
    ///
    /// # Panics
    ///
    /// If `bits` does not have [`len`](Self::len) elements.
    #[must_use]
    pub fn aggregate(&self, bits: &[Field]) -> Field {
        assert_eq!(bits.len(), self.weights.len(), "a share of this range");
        let terms = bits.iter().zip(&self.weights);
        terms.fold(Field::zero(), |sum, (bit, weight)| sum + *bit * Field::from(*weight))
    }

    /// The sum of `count` values of which `aggregate` is the sum of the distances from `min`.
    ///
    /// `None` if it is more than `count` valid answers can make: then some answer or some partial
    /// aggregate was wrong, and there is no sum to publish.
    #[must_use]
    pub fn sum(&self, aggregate: Field, count: u32) -> Option<i128> {
        let distance = u128::from(aggregate);
        let largest = self.max.abs_diff(self.min).checked_mul(u128::from(count))?;
        // From the modulus on another, larger sum would have the same residue.
        if largest >= field::modulus() || distance > largest {
            return None;
        }
        let base = self.min.checked_mul(i128::from(count))?;
        base.checked_add_unsigned(distance)
    }

    /// By how much the largest answer exceeds the smallest.
    #[must_use]
    pub fn width(&self) -> u128 {
        self.max.abs_diff(self.min)
    }

    /// The smallest answer.
    #[must_use]
    pub fn min(&self) -> i128 {
        self.min
    }

    /// The largest answer.
    #[must_use]
    pub fn max(&self) -> i128 {
        self.max
    }
}
