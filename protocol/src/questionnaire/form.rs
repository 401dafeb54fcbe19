//! Sums over the elements of an encoded answer.

use core::ops::{Add, Sub};

use prio::field::FieldElement;

use crate::field::{Field, SecretVector};

/// A weighted sum over elements of an encoded answer, and a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Positions, in ascending order, with weights, none of which is zero.
    terms: Vec<(usize, Field)>,
    constant: Field,
}

impl Form {
    /// A number, whatever was answered.
    pub(crate) fn constant(constant: Field) -> Self {
        Self { terms: Vec::new(), constant }
    }

    pub(crate) fn zero() -> Self {
        Self::constant(Field::zero())
    }

    pub(crate) fn one() -> Self {
        Self::constant(Field::one())
    }

    /// One element.
    pub(crate) fn element(position: usize) -> Self {
        Self { terms: vec![(position, Field::one())], constant: Field::zero() }
    }

    /// Elements that stand one after the other, from `first` on, with these weights.
    pub(crate) fn weighted(first: usize, weights: impl IntoIterator<Item = Field>) -> Self {
        let terms = (first..).zip(weights).filter(|(_, weight)| *weight != Field::zero());
        Self { terms: terms.collect(), constant: Field::zero() }
    }

    /// All of these, each times its weight. One after the other would be to copy what there is for each.
    pub(crate) fn sum<'a>(forms: impl IntoIterator<Item = (&'a Self, Field)>) -> Self {
        let mut weights = Vec::new();
        let mut constant = Field::zero();
        for (form, factor) in forms {
            constant += form.constant * factor;
            if let Some((last, _)) = form.terms.last() {
                weights.resize(weights.len().max(last + 1), Field::zero());
            }
            for (position, weight) in &form.terms {
                weights[*position] += *weight * factor;
            }
        }
        Self { constant, ..Self::weighted(0, weights) }
    }

    /// The position of the element that it is, if it is just one.
    pub(crate) fn as_element(&self) -> Option<usize> {
        match *self.terms {
            [(position, weight)] if weight == Field::one() && self.constant == Field::zero() => {
                Some(position)
            }
            _ => None,
        }
    }

    pub(crate) fn scaled(mut self, factor: Field) -> Self {
        if factor == Field::zero() {
            return Self::zero();
        }
        self.terms.iter_mut().for_each(|(_, weight)| *weight *= factor);
        self.constant *= factor;
        self
    }

    /// What it comes to for `input`, or for a share of it, in which constants have this part: 1, or one over the number
    /// of additive shares.
    pub(crate) fn of(&self, input: &[Field], part: Field) -> Field {
        let terms = self.terms.iter().map(|(position, weight)| input[*position] * *weight);
        terms.fold(self.constant * part, |sum, term| sum + term)
    }

    /// What it comes to for a whole answer.
    pub(crate) fn of_answer(&self, input: &SecretVector) -> Field {
        self.of(input.elements(), Field::one())
    }
}

impl Add<&Self> for Form {
    type Output = Self;

    fn add(self, other: &Self) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut ours, mut theirs) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (Some((a, weight)), Some((b, other))) if a == b => {
                    let both = (*a, *weight + *other);
                    ours.next();
                    theirs.next();
                    both
                }
                (Some((a, _)), Some((b, _))) if a < b => *ours.next().expect("it was peeked at"),
                (Some(_), None) => *ours.next().expect("it was peeked at"),
                (_, Some(_)) => *theirs.next().expect("it was peeked at"),
                (None, None) => break,
            };
            if next.1 != Field::zero() {
                terms.push(next);
            }
        }
        Self { terms, constant: self.constant + other.constant }
    }
}

impl Sub<&Self> for Form {
    type Output = Self;

    fn sub(self, other: &Self) -> Self {
        self + &other.clone().scaled(-Field::one())
    }
}
