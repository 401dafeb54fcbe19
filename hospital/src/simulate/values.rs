//! What the simulated patients answer.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use thiserror::Error;

/// The range from which answers are drawn, and which given answers widen.
const DRAWN: Range = Range { min: 0, max: 10 };

/// A range of answers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The smallest answer.
    pub min: i128,
    /// The largest answer.
    pub max: i128,
}

/// The answers of all patients, and the range that the study allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    answers: Vec<i128>,
    range: Range,
    sum: i128,
}

/// Answers that make no simulation.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ValuesError {
    /// Another number of answers than of patients.
    #[error(
        "--values gives {given} answers for {patients} patients; give one each, or leave out --patients"
    )]
    Count {
        /// How many answers.
        given: usize,
        /// How many patients.
        patients: usize,
    },
    /// A sum beyond 128 bits.
    #[error("the sum of --values does not fit into 128 bits; give smaller ones")]
    Sum,
}

impl Values {
    /// Draws whole numbers from 0 to 10: the same ones for the same seed.
    #[must_use]
    pub fn draw(patients: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let answers: Vec<_> = (0..patients).map(|_| i128::from(random.next_u64() % 11)).collect();
        let sum = answers.iter().sum();
        Self { answers, range: DRAWN, sum }
    }

    /// These answers, one per patient; the range is 0 to 10, or as much wider as they need.
    pub fn given(answers: Vec<i128>, patients: Option<usize>) -> Result<Self, ValuesError> {
        let given = answers.len();
        if let Some(patients) = patients.filter(|patients| *patients != given) {
            return Err(ValuesError::Count { given, patients });
        }
        let sum = answers
            .iter()
            .try_fold(0_i128, |sum, answer| sum.checked_add(*answer))
            .ok_or(ValuesError::Sum)?;
        let range = answers.iter().fold(DRAWN, |range, answer| Range {
            min: range.min.min(*answer),
            max: range.max.max(*answer),
        });
        Ok(Self { answers, range, sum })
    }

    /// The answers.
    #[must_use]
    pub fn answers(&self) -> &[i128] {
        &self.answers
    }

    /// The range of the study.
    #[must_use]
    pub fn range(&self) -> Range {
        self.range
    }

    /// The plain sum, which the round must find.
    #[must_use]
    pub fn sum(&self) -> i128 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_set_of_answers() {
        assert_eq!(Values::draw(100, 7), Values::draw(100, 7));
        assert_ne!(Values::draw(100, 7), Values::draw(100, 8));
        assert!(Values::draw(100, 7).answers().iter().all(|answer| (0..=10).contains(answer)));
    }

    #[test]
    fn given_answers_widen_the_range() {
        let values = Values::given(vec![-5, 120, 3], None).unwrap();
        assert_eq!(values.range(), Range { min: -5, max: 120 });
        assert_eq!(values.sum(), 118);
    }

    #[test]
    fn answers_and_patients_must_match() {
        let error = Values::given(vec![3, 1, 4], Some(10)).unwrap_err();
        assert_eq!(error, ValuesError::Count { given: 3, patients: 10 });
        assert_eq!(Values::given(vec![i128::MAX, 1], None), Err(ValuesError::Sum));
    }
}
