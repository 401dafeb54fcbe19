//! What the simulated patients are asked and answer.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use thiserror::Error;
use wardsum_protocol::form::{Form, FormError};
use wardsum_protocol::questionnaire::{Item, Question, Questionnaire, Response};

/// The range from which numbers are drawn, and which given ones widen.
const DRAWN: (i128, i128) = (0, 10);

/// One of so many prefers not to answer, where that is allowed.
const PREFERS_NOT_TO: u64 = 8;

/// The answers of all patients, and what they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    form: Form,
    questionnaire: Questionnaire,
    all: Vec<Vec<Response>>,
}

/// Answers that make no simulation.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswersError {
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
    /// A questionnaire that cannot be asked.
    #[error(transparent)]
    Form(#[from] FormError),
}

impl Answers {
    /// Draws whole numbers from 0 to 10: the same ones for the same seed.
    #[must_use]
    pub fn draw(patients: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let numbers = (0..patients).map(|_| i128::from(random.next_u64() % 11)).collect();
        Self::numbers(numbers, DRAWN)
    }

    /// These numbers, one per patient; the range is 0 to 10, or as much wider as they need.
    pub fn given(numbers: Vec<i128>, patients: Option<usize>) -> Result<Self, AnswersError> {
        let given = numbers.len();
        if let Some(patients) = patients.filter(|patients| *patients != given) {
            return Err(AnswersError::Count { given, patients });
        }
        let (min, max) =
            numbers.iter().fold(DRAWN, |(min, max), number| (min.min(*number), max.max(*number)));
        numbers
            .iter()
            .try_fold(0_i128, |sum, number| sum.checked_add(*number))
            .filter(|_| max.abs_diff(min) >> 127 == 0)
            .ok_or(AnswersError::Sum)?;
        Ok(Self::numbers(numbers, (min, max)))
    }

    /// Draws answers to this questionnaire: the same ones for the same seed.
    pub fn to(form: Form, patients: usize, seed: u64) -> Result<Self, AnswersError> {
        let questionnaire = form.questionnaire()?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let items = &questionnaire.plan().items;
        let all = (0..patients)
            .map(|_| items.iter().map(|item| response(item, &mut random)).collect())
            .collect();
        Ok(Self { form, questionnaire, all })
    }

    fn numbers(numbers: Vec<i128>, (min, max): (i128, i128)) -> Self {
        let form = Form::number("What is your number?", "", min, max);
        let questionnaire = form.questionnaire().expect("one number can be asked for");
        let all = numbers.into_iter().map(|number| vec![Response::Number(number)]).collect();
        Self { form, questionnaire, all }
    }

    /// Everybody's responses.
    #[must_use]
    pub fn all(&self) -> &[Vec<Response>] {
        &self.all
    }

    /// What is asked.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The same as the protocol has it.
    #[must_use]
    pub fn questionnaire(&self) -> &Questionnaire {
        &self.questionnaire
    }
}

/// Draws a response to a question.
fn response(item: &Item, random: &mut ChaCha8Rng) -> Response {
    if item.optional && random.next_u64().is_multiple_of(PREFERS_NOT_TO) {
        return Response::None;
    }
    let mut below = |bound: u16| u16::try_from(random.next_u64() % u64::from(bound)).unwrap_or(0);
    match &item.question {
        Question::YesNo => Response::YesNo(below(2) == 1),
        Question::Choice { options } => Response::Choice(below(*options)),
        Question::Choices { options, at_most } => {
            let mut left: Vec<u16> = (0..*options).collect();
            let chosen = below(at_most + 1);
            while left.len() > usize::from(chosen) {
                let other = below(u16::try_from(left.len()).unwrap_or(u16::MAX));
                left.remove(usize::from(other));
            }
            Response::Choices(left)
        }
        Question::Number(range) => {
            let drawn = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
            let above = range.width().checked_add(1).map_or(drawn, |count| drawn % count);
            Response::Number(range.min().saturating_add_unsigned(above))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_set_of_answers() {
        assert!(Answers::draw(100, 7) == Answers::draw(100, 7));
        assert!(Answers::draw(100, 7) != Answers::draw(100, 8));
    }

    #[test]
    fn given_answers_widen_the_range() {
        let answers = Answers::given(vec![-5, 120, 3], None).unwrap();
        let range = answers.form().items().next().unwrap().kind.steps().unwrap();
        assert_eq!((i128::from(range.min), i128::from(range.max)), (-5, 120));
    }

    #[test]
    fn answers_and_patients_must_match() {
        let error = Answers::given(vec![3, 1, 4], Some(10)).unwrap_err();
        assert_eq!(error, AnswersError::Count { given: 3, patients: 10 });
        assert_eq!(Answers::given(vec![i128::MAX, 1], None), Err(AnswersError::Sum));
        assert_eq!(Answers::given(vec![i128::MIN, 1], None), Err(AnswersError::Sum));
    }
}
