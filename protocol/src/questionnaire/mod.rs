//! What a study asks, as field elements.
//!
//! The bits of all questions stand one after the other. A whole number is weighted bits
//! ([`IntegerRange`]); yes or no is one bit; a choice is one-hot; several choices are a bit each, and
//! behind them, where not all may be chosen, the bits of how many more might have been. Whoever may prefer not to answer
//! says so by all zeros, where a bit tells that from a zero. Behind the bits of the questions stand those of the
//! [scores](Score), and behind all bits the products of some of them: squares, and what there is of each figure in each
//! group. That the bits are bits, that choices are as many as they may be and that the products are right is proven
//! ([`crate::validity`]).
//!
//! A member applies a linear map ([`Questionnaire::aggregate`]) to the *sum of its shares* before it
//! releases anything, so that partial aggregates say no more than what the study asks for: its [cells](Cell).

mod building;
mod circuit;
mod form;
mod response;

use core::ops::Range;

use prio::field::FieldElement;
use thiserror::Error;

pub(crate) use self::circuit::Circuit;
pub(crate) use self::form::Form;
pub use self::response::Response;
use crate::encoding::IntegerRange;
use crate::field::{self, Field, SecretVector};
use crate::sharing::Scheme;

/// The most elements that an encoded answer may have: it bounds the size of a share.
pub const INPUT_LEN_MAX: usize = 1_000;

/// The most values of the gadget that a proof may need: it bounds the size of a share too.
pub const CALLS_MAX: usize = 1_023;

/// The most numbers that may be found out. It bounds what is published: 255 members, as many as a committee can have, each
/// give 32 bytes for every cell, which has to fit behind a length of three bytes ([`crate::messages::Publication`]).
pub const CELLS_MAX: usize = 2_000;

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

/// A question and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What may be answered.
    pub question: Question,
    /// Whether somebody may prefer not to answer.
    pub optional: bool,
    /// Whether the sum of the squares is found out too, from which a standard deviation follows. For numbers, and for a
    /// choice whose options are numbers one after the other: then their sum is found out as well.
    pub squares: bool,
}

impl From<Question> for Item {
    /// The question, which everybody has to answer.
    fn from(question: Question) -> Self {
        Self { question, optional: false, squares: false }
    }
}

/// A weighted sum over answers: what questionnaires call a total score. Whoever leaves one of its questions out has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// What it is the sum of.
    pub terms: Vec<Term>,
    /// Whether it is found out how many have each value, and the sum of the squares, besides the sum of all values.
    pub distribution: bool,
}

/// What an answer adds to a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The number of the question, from 0 on.
    pub item: usize,
    /// What its answer is worth.
    pub points: Points,
}

/// What the answer to one question is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Points {
    /// The number, or 1 for yes and 0 for no, times this.
    Times(i32),
    /// So much for each option of a choice.
    PerOption(Vec<i32>),
}

/// What is asked, and what is found out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The questions.
    pub items: Vec<Item>,
    /// The number of the question by whose answers all others are told apart, from 0 on: a choice, or yes or no.
    pub grouping: Option<usize>,
    /// The scores.
    pub scores: Vec<Score>,
}

/// What a cell is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The question with this number, from 0 on.
    Item(usize),
    /// The score with this number, from 0 on.
    Score(usize),
}

/// What a cell tells of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// How many answered; there is none where everybody has to.
    Answered,
    /// The sum of what the answers exceed the smallest by: of a choice, of the numbers of the options.
    Sum,
    /// The sum of the squares of that.
    Squares,
    /// How many said yes.
    Yes,
    /// How many chose the option with this number, from 0 on; of a score, how many have the value that exceeds the
    /// lowest by so much.
    Option(u16),
}

/// One number that is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it is about.
    pub subject: Subject,
    /// The group, as an option of the grouping question (yes is 0, no is 1); `None` for everybody.
    pub group: Option<u16>,
    /// What it tells.
    pub figure: Figure,
    /// The most that one answer adds to it.
    pub most: u128,
    form: Form,
}

/// A study that cannot ask that.
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
    /// The squares of something that is no number, or too large a number.
    #[error("question {number} is no number of which squares could be added up")]
    Squares {
        /// Which question, from 1 on.
        number: usize,
    },
    /// Groups by something that is neither a choice nor yes or no.
    #[error("question {number} tells no groups apart: it is neither one choice nor yes or no")]
    Grouping {
        /// Which question, from 1 on; one that there is not, if it is beyond.
        number: usize,
    },
    /// A score without terms, with one that its question cannot give, or with too many values.
    #[error("score {number} cannot be made of its terms")]
    Score {
        /// Which score, from 1 on.
        number: usize,
    },
    /// More than a share may have.
    #[error(
        "the questions take {len} elements and {calls} multiplications together; \
         no more than {INPUT_LEN_MAX} and {CALLS_MAX} fit"
    )]
    Length {
        /// How many elements they take.
        len: usize,
        /// How many values of the gadget their proof takes.
        calls: usize,
    },
    /// More numbers than a result may have.
    #[error("{cells} numbers or more would be found out; a result has no more than {CELLS_MAX}")]
    Cells {
        /// How many there would be at least.
        cells: usize,
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

/// The questions of a study, and what stands where in an answer and in an aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questionnaire {
    plan: Plan,
    items: Vec<ItemBits>,
    scores: Vec<ScoreBits>,
    circuit: Circuit,
    cells: Vec<Cell>,
}

/// Where the bits of a question stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ItemBits {
    /// Those of the answer itself.
    answer: Range<usize>,
    /// How many more might have been chosen, where that is limited, and from where on it stands.
    slack: Option<(usize, IntegerRange)>,
    /// Whether it was answered, where no other bits tell.
    answered: Option<usize>,
}

/// Where the bits of a score stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ScoreBits {
    /// Whether all of its questions were answered, where that is not so for everybody.
    complete: Option<usize>,
    /// How many more than one were not answered, where so many may be left out, and from where on it stands.
    beyond_one: Option<(usize, IntegerRange)>,
    /// How many of its questions were not answered.
    missing: Form,
    /// What it exceeds its lowest value by, if they were.
    value: Form,
    /// The bits of its distribution, one for each value.
    distribution: Option<Range<usize>>,
}

impl Questionnaire {
    /// These questions in this order, which everybody has to answer, without groups and scores.
    pub fn new(questions: Vec<Question>) -> Result<Self, QuestionnaireError> {
        let items = questions.into_iter().map(Item::from).collect();
        Self::planned(Plan { items, ..Plan::default() })
    }

    /// What is asked.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many elements an encoded answer has, `1..=`[`INPUT_LEN_MAX`].
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.circuit.input_len()
    }

    /// How many of them, from the first on, are bits. The others are products.
    #[must_use]
    pub fn bits_len(&self) -> usize {
        self.circuit.bits()
    }

    /// The numbers that are found out: the elements of a partial aggregate, in their order.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// How many elements a partial aggregate has.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.cells.len()
    }

    /// What has to hold of an encoded answer.
    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// Whether no cell can wrap around, or leave 127 bits, with so many answers.
    #[must_use]
    pub fn fits(&self, answers: u32) -> bool {
        self.cells.iter().all(|cell| {
            let largest = cell.most.checked_mul(u128::from(answers));
            largest.is_some_and(|largest| largest < field::modulus() && largest >> 127 == 0)
        })
    }

    /// Encodes one response to each question.
    pub fn encode(&self, responses: &[Response]) -> Result<SecretVector, ResponseError> {
        if responses.len() != self.items.len() {
            let (have, need) = (responses.len(), self.items.len());
            return Err(ResponseError::Number { have, need });
        }
        let mut input = SecretVector::zeros(self.input_len());
        for (position, (item, response)) in self.plan.items.iter().zip(responses).enumerate() {
            self.items[position]
                .encode(item, response, &mut input)
                .ok_or(ResponseError::NotAllowed { number: position + 1 })?;
        }
        for score in &self.scores {
            score.encode(&mut input);
        }
        self.circuit.multiply(&mut input);
        Ok(input)
    }

    /// From a share of the sum of `count` encoded answers to a share of what is published.
    ///
    /// # Panics
    ///
    /// If `sum` has fewer than [`input_len`](Self::input_len) elements. What comes behind them, a
    /// proof, is not looked at.
    #[must_use]
    pub fn aggregate(&self, sum: &SecretVector, count: u32, scheme: Scheme) -> SecretVector {
        self.aggregate_with(sum, Field::from(u128::from(count)) * scheme.part_of_constants())
    }

    /// The same where constants come to this.
    pub(crate) fn aggregate_with(&self, sum: &SecretVector, constants: Field) -> SecretVector {
        let of = |cell: &Cell| cell.form.of(sum.elements(), constants);
        SecretVector::new(self.cells.iter().map(of).collect())
    }

    /// The numbers in the [cells](Self::cells) of `count` answers of which `output` is the aggregate, as far as it is
    /// known.
    ///
    /// `None` if `count` valid answers cannot come to that: then some answer or some partial
    /// aggregate was wrong, and there is nothing to publish.
    ///
    /// # Panics
    ///
    /// If `output` does not have [`output_len`](Self::output_len) elements.
    #[must_use]
    pub fn decode(&self, output: &[Option<Field>], count: u32) -> Option<Vec<Option<u128>>> {
        assert_eq!(output.len(), self.cells.len(), "an aggregate of these questions");
        let decode = |(cell, element): (&Cell, &Option<Field>)| match element {
            Some(element) => cell.decode(*element, count).map(Some),
            None => Some(None),
        };
        let numbers: Vec<Option<u128>> =
            self.cells.iter().zip(output).map(decode).collect::<Option<_>>()?;
        self.may_be_chosen(&numbers, count).then_some(numbers)
    }

    /// Whether `count` people can have chosen as many options of each question, and have as many values of each score.
    fn may_be_chosen(&self, numbers: &[Option<u128>], count: u32) -> bool {
        let of = |subject, wanted: fn(Figure) -> bool| {
            let all = self.cells.iter().zip(numbers);
            all.filter(move |(cell, _)| {
                (cell.subject, cell.group) == (subject, None) && wanted(cell.figure)
            })
            .map(|(_, number)| *number)
        };
        let fits = |subject, at_most: u16, exactly: bool| {
            let answered = of(subject, |figure| figure == Figure::Answered).next();
            let most = answered.unwrap_or(Some(count.into()));
            let chosen: Option<u128> =
                of(subject, |figure| matches!(figure, Figure::Option(_))).sum();
            // What is not known cannot be wrong.
            most.zip(chosen).is_none_or(|(most, chosen)| {
                let most = u128::from(at_most) * most;
                chosen == most || chosen < most && !exactly
            })
        };
        let items = self.plan.items.iter().enumerate().all(|(item, Item { question, .. })| {
            let exactly = matches!(question, Question::Choice { .. });
            let options = question.options();
            options.is_none_or(|(_, at_most)| fits(Subject::Item(item), at_most, exactly))
        });
        let scores = self.plan.scores.iter().enumerate().filter(|(_, score)| score.distribution);
        items
            && { scores }.all(|(score, _)| fits(Subject::Score(score), 1, true))
            && self.sums_fit(numbers)
    }

    /// Whether each sum over options or values is what they come to, as far as they are known.
    fn sums_fit(&self, numbers: &[Option<u128>]) -> bool {
        let known: Vec<_> = self.cells.iter().zip(numbers).collect();
        let mut columns =
            known.chunk_by(|(a, _), (b, _)| (a.subject, a.group) == (b.subject, b.group));
        columns.all(|column| {
            let sum = |power| {
                let options = column.iter().filter_map(|(cell, number)| match cell.figure {
                    Figure::Option(option) => {
                        Some(number.map(|number| number * u128::from(option).pow(power)))
                    }
                    _ => None,
                });
                // Of a number there are no options.
                let mut options = options.peekable();
                options.peek()?;
                options.sum::<Option<u128>>()
            };
            column.iter().all(|(cell, number)| {
                let expected = match cell.figure {
                    Figure::Sum => sum(1),
                    Figure::Squares => sum(2),
                    _ => None,
                };
                expected.zip(**number).is_none_or(|(expected, number)| expected == number)
            })
        })
    }
}

impl Cell {
    /// Whether whoever answered and is not counted in it is told apart by no other cell.
    pub(crate) fn leaves_out(&self, questionnaire: &Questionnaire) -> bool {
        match (self.figure, self.subject) {
            (Figure::Answered | Figure::Yes, _) => true,
            (Figure::Option(_), Subject::Item(item)) => {
                matches!(questionnaire.plan.items[item].question, Question::Choices { .. })
            }
            _ => false,
        }
    }

    /// The number that `element` stands for, if `count` valid answers can come to that.
    #[must_use]
    pub fn decode(&self, element: Field, count: u32) -> Option<u128> {
        let number = u128::from(element);
        let largest = self.most.checked_mul(u128::from(count))?;
        // From the modulus on another, larger number would have the same residue.
        (largest < field::modulus() && number <= largest).then_some(number)
    }
}

impl Question {
    /// How many of its options may be chosen, and of how many, if it has any.
    pub(crate) fn options(&self) -> Option<(u16, u16)> {
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

    fn slack(&self) -> Option<IntegerRange> {
        match *self {
            Self::Choices { options, at_most } if at_most < options => {
                IntegerRange::new(0, i128::from(at_most))
            }
            _ => None,
        }
    }
}

impl ItemBits {
    fn encode(&self, item: &Item, response: &Response, input: &mut SecretVector) -> Option<()> {
        let at = self.answer.start;
        let mut unused = item.question.options().map_or(0, |(_, at_most)| at_most);
        let mut answered = true;
        match (&item.question, response) {
            (_, Response::None) if item.optional => answered = false,
            (Question::Number(range), Response::Number(value)) => {
                input.add_from(at, range.encode(*value)?.elements());
            }
            (Question::YesNo, Response::YesNo(yes)) => {
                input.add_at(at, Field::from(u128::from(*yes)));
            }
            (Question::Choice { options }, Response::Choice(chosen)) if chosen < options => {
                input.add_at(at + usize::from(*chosen), Field::one());
            }
            (Question::Choices { options, .. }, Response::Choices(chosen)) => {
                let ascending = chosen.is_sorted_by(|a, b| a < b);
                unused = unused.checked_sub(u16::try_from(chosen.len()).ok()?)?;
                if !ascending || chosen.last().is_some_and(|last| last >= options) {
                    return None;
                }
                for option in chosen {
                    input.add_at(at + usize::from(*option), Field::one());
                }
            }
            _ => return None,
        }
        if let Some((at, range)) = &self.slack {
            input.add_from(*at, range.encode(i128::from(unused))?.elements());
        }
        if let Some(position) = self.answered.filter(|_| answered) {
            input.add_at(position, Field::one());
        }
        Some(())
    }
}

impl ScoreBits {
    fn encode(&self, input: &mut SecretVector) {
        let missing = u128::from(self.missing.of_answer(input));
        if missing > 0 {
            if let Some((at, range)) = &self.beyond_one {
                let bits = i128::try_from(missing - 1).ok().and_then(|beyond| range.encode(beyond));
                input.add_from(*at, bits.expect("no more than may be left out").elements());
            }
            return;
        }
        if let Some(position) = self.complete {
            input.add_at(position, Field::one());
        }
        if let Some(values) = &self.distribution {
            let value = u128::from(self.value.of_answer(input));
            let value = usize::try_from(value).expect("a score with a distribution has few values");
            input.add_at(values.start + value, Field::one());
        }
    }
}
