//! The polynomials through shares that all agree.

use prio::field::FieldElement;

use crate::field::{Field, SecretVector};
use crate::sharing::{Share, ShareIndex};

/// The polynomials of degree `T - 1` through `T` shares, one per position, in barycentric form
/// (Berrut and Trefethen, "Barycentric Lagrange Interpolation", SIAM Review 46(3), 2004).
///
/// `T^2` multiplications once, and `2T` per position for each value.
pub(super) struct Interpolation<'a> {
    points: &'a [&'a Share],
    /// `1 / product of (x_i - x_j) over j != i`.
    weights: Vec<Field>,
    inverses: InverseDistances,
    len: usize,
}

impl<'a> Interpolation<'a> {
    /// No index, of a point or of a value that is wanted, is larger than `reach`.
    pub(super) fn through(points: &'a [&'a Share], len: usize, reach: u8) -> Self {
        let inverses = InverseDistances::up_to(reach);
        let weight = |share: &&Share| {
            let others = points.iter().filter(|other| other.index != share.index);
            others.fold(Field::one(), |product, other| {
                product * inverses.between(share.index.number(), other.index)
            })
        };
        let weights = points.iter().map(weight).collect();
        Self { points, weights, inverses, len }
    }

    /// The values at `x`, which is 0 or an index that none of the shares has.
    pub(super) fn at(&self, x: u8) -> SecretVector {
        let mut value = SecretVector::zeros(self.len);
        let mut node = Field::one();
        for (share, weight) in self.points.iter().zip(&self.weights) {
            node *= Field::from(u128::from(x)) - share.index.point();
            let factor = *weight * self.inverses.between(x, share.index);
            for (position, element) in share.values.elements().iter().enumerate() {
                value.add_at(position, factor * *element);
            }
        }
        value.scale(node);
        value
    }
}

/// What one divides by between points: all distances are small whole numbers, so that each needs to
/// be inverted only once.
pub(super) struct InverseDistances {
    /// `1 / d` at position `d - 1`.
    inverses: Vec<Field>,
}

impl InverseDistances {
    /// `1/1, 1/2, ..., 1/n` with a single inversion, that of `n!`.
    pub(super) fn up_to(n: u8) -> Self {
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
        Self { inverses }
    }

    /// `1 / (x - index)`, for two that differ.
    pub(super) fn between(&self, x: u8, index: ShareIndex) -> Field {
        let inverse = self.inverses[usize::from(x.abs_diff(index.number())) - 1];
        if x > index.number() { inverse } else { -inverse }
    }
}
