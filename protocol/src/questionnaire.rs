//! What a study asks, as field elements: every element of an encoded answer is a bit.
//!
//! The bits of all questions stand one after the other. A whole number is weighted bits
//! ([`IntegerRange`]); yes or no is one bit; a choice is one-hot; several choices are a bit each, and
//! behind them, where not all may be chosen, the bits of how many more might have been. That all of
//! them are bits, and that choices are as many as they may be, is proven ([`crate::validity`]).
//!
//! A member applies a linear map ([`Questionnaire::aggregate`]) to the *sum of its shares* before it
//! releases anything, so that partial aggregates say no more than what the questions ask for.

use core::fmt;
use core::ops::Range;

use prio::field::FieldElement;
use thiserror::Error;

use crate::encoding::IntegerRange;
use crate::field::{Field, SecretVector};

/// The most elements that an encoded answer may have: it bounds the size of a share.
pub const INPUT_LEN_MAX: usize = 1_000;

/// What may be answered to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A whole number.
    Number(IntegerRange),
    /// Yes or no.
    YesNo,
    /// Exactly one of so many options, at least two.
    Choice {
        /// How many.
        options: u16,
    },
    /// From none up to `at_most` of so many options.
    Choices {
        /// How many there are, at least one.
        options: u16,
        /// How many may be chosen, `1..=options`.
        at_most: u16,
    },
}

/// What somebody answers to one question. It does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// A whole number.
    Number(i128),
    /// Yes, or no.
    YesNo(bool),
    /// The option with this number, from 0 on.
    Choice(u16),
    /// The options with these numbers, from 0 on, in ascending order.
    Choices(Vec<u16>),
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").finish_non_exhaustive()
    }
}

/// What all answers to one question come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tally {
    /// The sum of the numbers.
    Sum(i128),
    /// How many said yes.
    Yes(u32),
    /// How many chose each option.
    Options(Vec<u32>),
}

/// A question that cannot be asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum QuestionnaireError {
    /// No question at all.
    #[error("there is no question")]
    Empty,
    /// Too few options, or a number of choices that no options make possible.
    #[error("question {number} offers {options} options, of which {at_most} may be chosen")]
    Options {
        /// Which question, from 1 on.
        number: usize,
        /// How many options it offers.
        options: u16,
        /// How many of them may be chosen.
        at_most: u16,
    },
    /// More elements than a share may have.
    #[error("the questions take {len} elements together; no more than {INPUT_LEN_MAX} fit")]
    Length {
        /// How many they take.
        len: usize,
    },
}

/// A response that does not answer its question.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ResponseError {
    /// More or fewer responses than questions.
    #[error("there are {have} responses to {need} questions")]
    Number {
        /// How many responses.
        have: usize,
        /// How many questions.
        need: usize,
    },
    /// Not what may be answered to this question.
    #[error("the response to question {number} is not one of those that it allows")]
    NotAllowed {
        /// Which question, from 1 on.
        number: usize,
    },
}

/// The questions of a study, and where the bits of each stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questionnaire {
    parts: Vec<Part>,
    input_len: usize,
    output_len: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    question: Question,
    input: Range<usize>,
    output: Range<usize>,
    /// How many more might have been chosen, where that is limited.
    slack: Option<IntegerRange>,
}

/// A sum over some elements of the input that has to be a certain number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Constraint {
    /// Positions and their weights.
    pub(crate) terms: Vec<(usize, Field)>,
    /// What they add up to.
    pub(crate) total: u16,
}

impl Question {
    /// How many of its options may be chosen, and of how many, if it has any.
    fn options(&self) -> Option<(u16, u16)> {
        match *self {
            Self::Number(_) | Self::YesNo => None,
            Self::Choice { options } => Some((options, 1)),
            Self::Choices { options, at_most } => Some((options, at_most)),
        }
    }

    /// How many bits stand for its answer itself.
    fn answer_len(&self) -> usize {
        match self {
            Self::Number(range) => range.len(),
            Self::YesNo => 1,
            Self::Choice { options } | Self::Choices { options, .. } => usize::from(*options),
        }
    }

    /// How many numbers come out of all answers to it.
    fn output_len(&self) -> usize {
        match self {
            Self::Number(_) | Self::YesNo => 1,
            Self::Choice { options } | Self::Choices { options, .. } => usize::from(*options),
        }
    }

    fn slack(&self) -> Option<IntegerRange> {
        match *self {
            Self::Choices { options, at_most } if at_most < options => {
                IntegerRange::new(0, i128::from(at_most))
            }
            _ => None,
        }
    }
}

impl Questionnaire {
    /// These questions in this order.
    pub fn new(questions: Vec<Question>) -> Result<Self, QuestionnaireError> {
        let (mut input_len, mut output_len) = (0, 0);
        let mut parts = Vec::with_capacity(questions.len());
        for (position, question) in questions.into_iter().enumerate() {
            if let Some((options, at_most)) = question.options() {
                let least = if matches!(question, Question::Choice { .. }) { 2 } else { 1 };
                if options < least || at_most == 0 || at_most > options {
                    let number = position + 1;
                    return Err(QuestionnaireError::Options { number, options, at_most });
                }
            }
            let slack = question.slack();
            let len = question.answer_len() + slack.as_ref().map_or(0, IntegerRange::len);
            let input = input_len..input_len + len;
            let output = output_len..output_len + question.output_len();
            (input_len, output_len) = (input.end, output.end);
            parts.push(Part { question, input, output, slack });
        }
        if parts.is_empty() {
            return Err(QuestionnaireError::Empty);
        }
        if input_len > INPUT_LEN_MAX {
            return Err(QuestionnaireError::Length { len: input_len });
        }
        Ok(Self { parts, input_len, output_len })
    }

    /// The questions.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.parts.iter().map(|part| &part.question)
    }

    /// How many elements an encoded answer has, `1..=`[`INPUT_LEN_MAX`].
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.input_len
    }

    /// How many elements a partial aggregate has.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.output_len
    }

    /// Encodes one response to each question.
    pub fn encode(&self, responses: &[Response]) -> Result<SecretVector, ResponseError> {
        if responses.len() != self.parts.len() {
            let (have, need) = (responses.len(), self.parts.len());
            return Err(ResponseError::Number { have, need });
        }
        let mut input = SecretVector::zeros(self.input_len);
        for (position, (part, response)) in self.parts.iter().zip(responses).enumerate() {
            part.encode(response, &mut input)
                .ok_or(ResponseError::NotAllowed { number: position + 1 })?;
        }
        Ok(input)
    }

    /// From a share of the sum of encoded answers to a share of what is published.
    ///
    /// # Panics
    ///
    /// If `input` has fewer than [`input_len`](Self::input_len) elements. What comes behind them, a
    /// proof, is not looked at.
    #[must_use]
    pub fn aggregate(&self, input: &SecretVector) -> SecretVector {
        let mut output = SecretVector::zeros(self.output_len);
        for part in &self.parts {
            let bits = &input.elements()[part.input.clone()];
            if let Question::Number(range) = &part.question {
                output.add_at(part.output.start, range.aggregate(bits));
            } else {
                for (position, bit) in part.output.clone().zip(bits) {
                    output.add_at(position, *bit);
                }
            }
        }
        output
    }

    /// What `count` answers come to of which `output` is the aggregate.
    ///
    /// `None` if `count` valid answers cannot come to that: then some answer or some partial aggregate
    /// was wrong, and there is nothing to publish.
    ///
    /// # Panics
    ///
    /// If `output` does not have [`output_len`](Self::output_len) elements.
    #[must_use]
    pub fn tally(&self, output: &[Field], count: u32) -> Option<Vec<Tally>> {
        assert_eq!(output.len(), self.output_len, "an aggregate of these questions");
        self.parts.iter().map(|part| part.tally(&output[part.output.clone()], count)).collect()
    }

    /// What has to hold of valid answers besides that their elements are bits.
    pub(crate) fn constraints(&self) -> Vec<Constraint> {
        self.parts.iter().filter_map(Part::constraint).collect()
    }

    /// How many constraints there are.
    pub(crate) fn constraints_len(&self) -> usize {
        self.parts.iter().filter(|part| part.limits_choices()).count()
    }
}

impl Part {
    /// Whether the number of ones among its bits is limited.
    fn limits_choices(&self) -> bool {
        matches!(self.question, Question::Choice { .. }) || self.slack.is_some()
    }

    fn constraint(&self) -> Option<Constraint> {
        let (_, total) = self.question.options().filter(|_| self.limits_choices())?;
        let chosen = self.input.clone().take(self.question.answer_len());
        let mut terms: Vec<_> = chosen.map(|position| (position, Field::one())).collect();
        if let Some(slack) = &self.slack {
            let positions = self.input.clone().skip(terms.len());
            terms.extend(positions.zip(slack.weights()));
        }
        Some(Constraint { terms, total })
    }

    fn encode(&self, response: &Response, input: &mut SecretVector) -> Option<()> {
        let at = self.input.start;
        match (&self.question, response) {
            (Question::Number(range), Response::Number(value)) => {
                let bits = range.encode(*value)?;
                input.add_from(at, bits.elements());
            }
            (Question::YesNo, Response::YesNo(yes)) => {
                input.add_at(at, Field::from(u128::from(*yes)));
            }
            (Question::Choice { options }, Response::Choice(chosen)) if chosen < options => {
                input.add_at(at + usize::from(*chosen), Field::one());
            }
            (Question::Choices { options, at_most }, Response::Choices(chosen)) => {
                let ascending = chosen.is_sorted_by(|a, b| a < b);
                let unused = usize::from(*at_most).checked_sub(chosen.len())?;
                if !ascending || chosen.last().is_some_and(|last| last >= options) {
                    return None;
                }
                for option in chosen {
                    input.add_at(at + usize::from(*option), Field::one());
                }
                if let Some(slack) = &self.slack {
                    let bits = slack.encode(i128::try_from(unused).ok()?)?;
                    input.add_from(at + usize::from(*options), bits.elements());
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn tally(&self, output: &[Field], count: u32) -> Option<Tally> {
        if let Question::Number(range) = &self.question {
            return range.sum(output[0], count).map(Tally::Sum);
        }
        let number = |element: &Field| {
            u32::try_from(u128::from(*element)).ok().filter(|number| *number <= count)
        };
        let counts: Vec<u32> = output.iter().map(number).collect::<Option<_>>()?;
        let chosen: u64 = counts.iter().copied().map(u64::from).sum();
        match self.question {
            Question::Number(_) | Question::YesNo => counts.first().copied().map(Tally::Yes),
            Question::Choice { .. } => {
                (chosen == u64::from(count)).then_some(Tally::Options(counts))
            }
            Question::Choices { at_most, .. } => {
                let most = u64::from(at_most) * u64::from(count);
                (chosen <= most).then_some(Tally::Options(counts))
            }
        }
    }
}
