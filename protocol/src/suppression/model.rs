//! Which results are possible, as sums that are zero or not negative.
//!
//! Everything is counted in people: a sum of numbers over the most that one answer adds, so that numbers of any size
//! stand beside counts.

use core::ops::{Add, Mul, Sub};
use std::collections::{BTreeMap, BTreeSet};

use super::Within;
use super::following::steps;
use crate::questionnaire::{
    Cell, Figure, Item, Points, Question, Questionnaire, Score, Subject, Term,
};

/// From which width on one person's answer could be lost in the rounding of a sum: half of one in it is to be more than
/// the solver's tolerance.
const COARSE: f64 = 100_000.0;

/// A weighted sum of variables, and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Linear {
    /// By the variable's number.
    pub(super) terms: BTreeMap<usize, f64>,
    pub(super) constant: f64,
}

impl Linear {
    fn constant(constant: f64) -> Self {
        Self { terms: BTreeMap::new(), constant }
    }

    /// What it comes to where the variables are these.
    pub(super) fn of(&self, values: &[f64]) -> f64 {
        let terms = self.terms.iter().map(|(variable, weight)| values[*variable] * weight);
        self.constant + terms.sum::<f64>()
    }

    /// Whether it is made of these variables only.
    pub(super) fn is_of(&self, variables: &[bool]) -> bool {
        self.terms.keys().all(|variable| variables[*variable])
    }

    /// The variable that it is, if it is just one.
    pub(super) fn as_variable(&self) -> Option<usize> {
        let (variable, weight) = self.terms.first_key_value()?;
        (self.terms.len() == 1 && self.constant == 0.0 && (*weight - 1.0).abs() < f64::EPSILON)
            .then_some(*variable)
    }
}

impl Add<&Self> for Linear {
    type Output = Self;

    fn add(mut self, other: &Self) -> Self {
        for (variable, weight) in &other.terms {
            *self.terms.entry(*variable).or_default() += weight;
        }
        self.terms.retain(|_, weight| *weight != 0.0);
        self.constant += other.constant;
        self
    }
}

impl Sub<&Self> for Linear {
    type Output = Self;

    fn sub(self, other: &Self) -> Self {
        self + &(other.clone() * -1.0)
    }
}

impl Mul<f64> for Linear {
    type Output = Self;

    fn mul(mut self, factor: f64) -> Self {
        self.terms.values_mut().for_each(|weight| *weight *= factor);
        self.constant *= factor;
        self
    }
}

fn total<'a>(all: impl IntoIterator<Item = &'a Linear>) -> Linear {
    all.into_iter().fold(Linear::default(), |sum, linear| sum + linear)
}

/// What there is to know of one item or score, of some people.
#[derive(Clone, Debug)]
pub(super) struct Column<T> {
    /// How many people they are.
    pub(super) people: T,
    /// How many of them answered.
    pub(super) answered: T,
    /// How many said yes, chose each option or have each value.
    pub(super) counts: Vec<T>,
    /// The sum, and the sum of the squares, where they are found out.
    pub(super) sum: Option<T>,
    pub(super) squares: Option<T>,
}

impl<T> Column<T> {
    pub(super) fn map_with<S, R>(&self, other: &Column<S>, of: impl Fn(&T, &S) -> R) -> Column<R> {
        let both = |ours: &Option<T>, theirs: &Option<S>| {
            ours.as_ref().zip(theirs.as_ref()).map(|(ours, theirs)| of(ours, theirs))
        };
        let counts = self.counts.iter().zip(&other.counts);
        Column {
            people: of(&self.people, &other.people),
            answered: of(&self.answered, &other.answered),
            counts: counts.map(|(ours, theirs)| of(ours, theirs)).collect(),
            sum: both(&self.sum, &other.sum),
            squares: both(&self.squares, &other.squares),
        }
    }

    /// What a cell of it tells.
    pub(super) fn figure(&self, figure: Figure) -> &T {
        match figure {
            Figure::Answered => &self.answered,
            Figure::Sum => self.sum.as_ref().expect("a sum is asked for where there is one"),
            Figure::Squares => self.squares.as_ref().expect("squares are where they are asked for"),
            Figure::Yes => &self.counts[0],
            Figure::Option(option) => &self.counts[usize::from(option)],
        }
    }
}

impl Column<Linear> {
    /// What is told of these counts, each of which is about people with another answer: with `summed`, also the sum and
    /// the sum of squares of the numbers of their answers, in [`unit`]s.
    fn counted(people: &Linear, answered: Linear, counts: Vec<Linear>, summed: bool) -> Self {
        let sum = |power: i32| {
            let last = f64::from(u16::try_from(counts.len()).unwrap_or(u16::MAX)) - 1.0;
            let each = (0_u16..).zip(&counts);
            let each = each
                .map(|(number, people)| people.clone() * (f64::from(number).powi(power) / last));
            total(&each.collect::<Vec<_>>())
        };
        let (sum, squares) = (summed.then(|| sum(1)), summed.then(|| sum(2)));
        Self { people: people.clone(), answered, counts, sum, squares }
    }
}

/// What a cell's number is counted in: the most that one answer adds. Squares of what is counted answer by answer are
/// counted in answers, so that the least by which they differ is not lost in rounding.
pub(super) fn unit(questionnaire: &Questionnaire, cell: &Cell) -> f64 {
    let number = match cell.subject {
        Subject::Item(item) => {
            matches!(questionnaire.plan().items[item].question, Question::Number(_))
        }
        Subject::Score(_) => false,
    };
    let squares = cell.figure == Figure::Squares && !number;
    float(if squares { cell.most.isqrt() } else { cell.most })
}

/// The results that so many people can come to, and some that they cannot: whoever knows no single answer could think
/// of these as well.
#[derive(Debug)]
pub(super) struct Model {
    /// Of each variable, none of which is negative, whether it counts people and so is a whole number.
    pub(super) variables: Vec<bool>,
    /// What is zero.
    pub(super) zero: Vec<Linear>,
    /// What is not negative.
    pub(super) not_negative: Vec<Linear>,
    /// Of everybody and, if there are groups, of each of them and of whoever is in none.
    pub(super) columns: Vec<(Within, Subject, Column<Linear>)>,
    /// Scores of which less is known here than to who reads the result.
    pub(super) loose: BTreeSet<usize>,
    followed: Followed,
}

/// Whether it is followed how people come to the values of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Followed {
    Values,
    Nothing,
}

/// People who are not told apart any further.
struct Part {
    within: Within,
    size: Linear,
}

impl Model {
    pub(super) fn new(questionnaire: &Questionnaire, count: u32, followed: Followed) -> Self {
        let mut model = Self::empty(followed);
        let plan = questionnaire.plan();
        let everybody = Linear::constant(count.into());
        let parts = match plan.grouping {
            None => vec![Part { within: Within::Everybody, size: everybody }],
            Some(grouping) => {
                let groups = match plan.items[grouping].question.options() {
                    Some((options, _)) => options,
                    None => 2,
                };
                let groups = (0..groups).map(Within::Group);
                let nowhere = plan.items[grouping].optional.then_some(Within::NoGroup);
                let parts: Vec<Part> = groups
                    .chain(nowhere)
                    .map(|within| Part { within, size: model.people() })
                    .collect();
                model.zero.push(total(parts.iter().map(|part| &part.size)) - &everybody);
                parts
            }
        };
        for part in &parts {
            let mut columns: Vec<Column<Linear>> = Vec::new();
            for (position, item) in plan.items.iter().enumerate() {
                columns.push(if plan.grouping == Some(position) {
                    grouped(item, part)
                } else {
                    model.item(item, &part.size)
                });
            }
            for (position, score) in plan.scores.iter().enumerate() {
                let column = model.score(position, score, &plan.items, &columns, &part.size);
                columns.push(column);
            }
            let subjects = (0..plan.items.len()).map(Subject::Item);
            let subjects = subjects.chain((0..plan.scores.len()).map(Subject::Score));
            model.columns.extend(
                subjects.zip(columns).map(|(subject, column)| (part.within, subject, column)),
            );
        }
        if plan.grouping.is_some() {
            model.add_up();
        }
        model
    }

    fn empty(followed: Followed) -> Self {
        Self {
            variables: Vec::new(),
            zero: Vec::new(),
            not_negative: Vec::new(),
            columns: Vec::new(),
            loose: BTreeSet::new(),
            followed,
        }
    }

    /// How large a linear program about it is: variables times what has to hold.
    pub(super) fn size(&self) -> usize {
        self.variables.len().saturating_mul(self.zero.len() + self.not_negative.len())
    }

    /// The columns of everybody, made of those of all parts.
    fn add_up(&mut self) {
        let mut sums: BTreeMap<Subject, Column<Linear>> = BTreeMap::new();
        for (_, subject, column) in &self.columns {
            let sum = match sums.remove(subject) {
                Some(sum) => sum.map_with(column, |sum, part| sum.clone() + part),
                None => column.clone(),
            };
            sums.insert(*subject, sum);
        }
        let sums = sums.into_iter().map(|(subject, sum)| (Within::Everybody, subject, sum));
        self.columns.extend(sums);
    }

    pub(super) fn column(&self, within: Within, subject: Subject) -> &Column<Linear> {
        let wanted = |(of, about, _): &&(Within, Subject, _)| (*of, *about) == (within, subject);
        &self.columns.iter().find(wanted).expect("a column of this questionnaire").2
    }

    /// The same variables with what is known of this alone, whose counts are summed. Of what they are about `true` is
    /// returned.
    pub(super) fn alone(&self, subject: Subject) -> (Self, Vec<bool>) {
        let mut own = vec![false; self.variables.len()];
        let columns = || self.columns.iter().filter(|(_, about, _)| *about == subject);
        for (_, _, Column { people, answered, counts, .. }) in columns() {
            for linear in counts.iter().chain([people, answered]) {
                linear.terms.keys().for_each(|variable| own[*variable] = true);
            }
        }
        let known = |all: &[Linear]| -> Vec<Linear> {
            all.iter().filter(|linear| linear.is_of(&own)).cloned().collect()
        };
        let (mut zero, not_negative) = (known(&self.zero), known(&self.not_negative));
        // It may follow from how they come to be.
        zero.extend(columns().map(|(_, _, column)| total(&column.counts) - &column.answered));
        let variables = self.variables.iter().zip(&own).map(|(whole, own)| *whole && *own);
        let variables = variables.collect();
        (Self { variables, zero, not_negative, ..Self::empty(self.followed) }, own)
    }

    /// How many people some are.
    pub(super) fn people(&mut self) -> Linear {
        self.variable(true)
    }

    fn variable(&mut self, whole: bool) -> Linear {
        self.variables.push(whole);
        Linear { terms: BTreeMap::from([(self.variables.len() - 1, 1.0)]), constant: 0.0 }
    }

    fn at_most(&mut self, least: &Linear, most: &Linear) {
        self.not_negative.push(most.clone() - least);
    }

    fn item(&mut self, item: &Item, people: &Linear) -> Column<Linear> {
        let answered = if item.optional { self.people() } else { people.clone() };
        if item.optional {
            self.at_most(&answered, people);
        }
        let counts: Vec<Linear> = match &item.question {
            Question::Number(range) => {
                let (sum, most) = (self.variable(false), float(range.width()));
                self.at_most(&sum, &answered);
                let squares = item.squares.then(|| self.variable(false));
                // With `x` from 0 to `most`, its square is from `x` to `most * x`.
                if let Some(squares) = &squares {
                    self.at_most(squares, &sum);
                    self.at_most(&(sum.clone() * (1.0 / most)), squares);
                }
                let (people, sum) = (people.clone(), Some(sum));
                return Column { people, answered, counts: Vec::new(), sum, squares };
            }
            Question::YesNo => {
                let yes = self.people();
                self.at_most(&yes, &answered);
                vec![yes]
            }
            Question::Choice { options } => {
                let options: Vec<Linear> = (0..*options).map(|_| self.people()).collect();
                self.zero.push(total(&options) - &answered);
                options
            }
            Question::Choices { options, at_most } => {
                let options: Vec<Linear> = (0..*options).map(|_| self.people()).collect();
                for option in &options {
                    self.at_most(option, &answered);
                }
                self.at_most(&total(&options), &(answered.clone() * f64::from(*at_most)));
                options
            }
        };
        Column::counted(people, answered, counts, item.squares)
    }

    fn score(
        &mut self,
        position: usize,
        score: &Score,
        items: &[Item],
        columns: &[Column<Linear>],
        people: &Linear,
    ) -> Column<Linear> {
        let optional = score.terms.iter().any(|term| items[term.item].optional);
        let complete = if optional { self.people() } else { people.clone() };
        let mut missing = Linear::default();
        if optional {
            for term in &score.terms {
                self.at_most(&complete, &columns[term.item].answered);
                missing = missing + &(people.clone() - &columns[term.item].answered);
            }
            self.at_most(&(people.clone() - &missing), &complete);
        }
        let width = score.width(items);
        if !score.distribution {
            if width > COARSE {
                self.loose.insert(position);
            }
            let sum = self.variable(false);
            self.at_most(&sum, &complete);
            let column = Column {
                people: people.clone(),
                answered: complete,
                counts: Vec::new(),
                sum: Some(sum.clone()),
                squares: None,
            };
            self.adds_up(score, items, columns, &column, &sum);
            return column;
        }
        let counts: Vec<Linear> = (0..=values(width)).map(|_| self.people()).collect();
        let column = Column::counted(people, complete, counts, true);
        let steps = steps(score, items, columns, people);
        if let Some(steps) = steps.filter(|_| self.followed == Followed::Values) {
            self.flow(&steps, &column.counts, people, &column.answered);
        } else {
            self.loose.insert(position);
            self.zero.push(total(&column.counts) - &column.answered);
            let sum = column.figure(Figure::Sum).clone();
            self.adds_up(score, items, columns, &column, &sum);
        }
        column
    }

    /// The values of a score come from the answers of which they are made.
    fn adds_up(
        &mut self,
        score: &Score,
        items: &[Item],
        columns: &[Column<Linear>],
        Column { people, answered, .. }: &Column<Linear>,
        sum: &Linear,
    ) {
        let width = score.width(items);
        let optional = score.terms.iter().any(|term| items[term.item].optional);
        // By how much all values exceed the least, over the most by which one value can.
        let worth = score.terms.iter().map(|term| {
            let (item, answers) = (&items[term.item], &columns[term.item]);
            let worth = if optional {
                worth(term, &item.question, &self.part(item, answers, answered), answered)
            } else {
                worth(term, &item.question, answers, people)
            };
            worth * (1.0 / width)
        });
        let worth = total(&worth.collect::<Vec<_>>());
        self.zero.push(worth - sum);
    }

    /// What some of those who answered this answered: so many of them.
    fn part(&mut self, item: &Item, all: &Column<Linear>, people: &Linear) -> Column<Linear> {
        let mandatory = Item { optional: false, squares: false, question: item.question.clone() };
        let part = self.item(&mandatory, people);
        // The others give answers as well, and so many.
        let others = all.answered.clone() - people;
        let mut sum = Linear::default();
        let of_part = part.counts.iter().chain(&part.sum);
        for (part, all) in of_part.zip(all.counts.iter().chain(&all.sum)) {
            let rest = all.clone() - part;
            self.at_most(&Linear::default(), &rest);
            self.at_most(&rest, &others);
            sum = sum + &rest;
        }
        match item.question {
            Question::Choice { .. } => self.zero.push(sum - &others),
            Question::Choices { at_most, .. } => self.at_most(&sum, &(others * f64::from(at_most))),
            Question::Number(_) | Question::YesNo => {}
        }
        part
    }
}

/// The column of the grouping item: everybody in a group answered the same.
fn grouped(item: &Item, part: &Part) -> Column<Linear> {
    let nobody = Linear::default;
    let Within::Group(group) = part.within else {
        let counts = vec![nobody(); item.question.options().map_or(1, |(n, _)| n.into())];
        return Column::counted(&part.size, nobody(), counts, item.squares);
    };
    let counts = match item.question.options() {
        Some((options, _)) => (0..options)
            .map(|option| if option == group { part.size.clone() } else { nobody() })
            .collect(),
        None if group == 0 => vec![part.size.clone()],
        None => vec![nobody()],
    };
    Column::counted(&part.size, part.size.clone(), counts, item.squares)
}

/// By how much what these answers are worth exceeds the least.
fn worth(term: &Term, question: &Question, answers: &Column<Linear>, people: &Linear) -> Linear {
    match &term.points {
        Points::Times(weight) => {
            let (most, sum) = match question {
                Question::Number(range) => (float(range.width()), answers.figure(Figure::Sum)),
                _ => (1.0, answers.figure(Figure::Yes)),
            };
            let size = most * f64::from(weight.unsigned_abs());
            if *weight < 0 { (people.clone() - sum) * size } else { sum.clone() * size }
        }
        Points::PerOption(points) => {
            let least = match question {
                Question::Choice { .. } => points.iter().copied().min().unwrap_or(0),
                _ => 0,
            };
            let of_options =
                answers.counts.iter().zip(points).map(|(people, points)| {
                    people.clone() * (f64::from(*points) - f64::from(least))
                });
            total(&of_options.collect::<Vec<_>>())
        }
    }
}

impl Score {
    /// By how much its highest value exceeds its lowest.
    pub(super) fn width(&self, items: &[Item]) -> f64 {
        let widths = self.terms.iter().map(|term| term.points.width(&items[term.item].question));
        widths.map(|width| width.map_or(0.0, float)).sum()
    }
}

/// How many values a distribution has, less one. There are fewer than elements in an answer.
fn values(width: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1,000")]
    let values = width as u16;
    values
}

pub(super) fn float(number: u128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the solver rounds as well")]
    let float = number as f64;
    float
}
