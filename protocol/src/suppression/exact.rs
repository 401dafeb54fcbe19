//! What follows from the shown numbers by adding and subtracting alone, found out without rounding.
//!
//! A number of the result is a sum over the people of what each one's answers add to it. What a linear combination of
//! shown numbers and of how many people there are comes to is known of *every* result just if one person's parts are the
//! same combination whatever she answers. (If they are not for some answers, two results that differ in one person's
//! answers alone differ in what the combination says.) So the question is whether one function of a person's answers lies
//! in the span of others and of the constant. That takes no look at bits, products and checks of an encoded answer: all
//! relations hold that hold for everybody who encodes honestly, be they told by a check or by what the products are of.
//!
//! The functions are compared by what they come to for made-up people, who give each response to a question with a weight
//! out of the field; all weights of a question add up to one. Of independent weights the functions are polynomials, each
//! weight in the first power but for those of a question in which several options can be chosen, and a combination that
//! is not zero for all honest people is not the polynomial zero. So random weights in a field of almost `2^128` elements
//! miss it once in some `2^100` times. Even then, no more is shown: what holds for all honest people holds for made-up ones.

use std::collections::{BTreeMap, BTreeSet};

use prio::field::FieldElement;

use super::Within;
use super::model::Column;
use super::small::Small;
use crate::field::Field;
use crate::questionnaire::{Item, Plan, Points, Question, Questionnaire, Score, Subject, Term};

/// How many multiplications may be spent: a few seconds.
const WORK_MAX: usize = 500_000_000;

/// It would take more than [`WORK_MAX`].
pub(super) struct TooMuch;

/// Of each small number that follows from the cells `shown`, which are those that are rather shown first, the last of
/// these that is needed: it follows from that one and some before it, and not from those before alone.
pub(super) fn telling(
    questionnaire: &Questionnaire,
    shown: &[usize],
    small: &[Small],
) -> Result<BTreeSet<usize>, TooMuch> {
    let plan = questionnaire.plan();
    // One more than there are dimensions, so that not everything lies in the span.
    let people = shown.len() + 2;
    let vectors = shown.len() + small.len();
    let elimination = people.saturating_mul(shown.len() + 1).saturating_mul(vectors) / 2;
    if elimination.saturating_add(people.saturating_mul(effort(plan))) > WORK_MAX {
        return Err(TooMuch);
    }
    let mut dice = Dice(0);
    let mut cells = vec![Vec::with_capacity(people); shown.len()];
    let mut numbers = vec![Vec::with_capacity(people); small.len()];
    for _ in 0..people {
        let columns = made_up(plan, &mut dice);
        for (values, cell) in cells.iter_mut().zip(shown) {
            let cell = &questionnaire.cells()[*cell];
            values.push(*columns[&(Within::of(cell.group), cell.subject)].figure(cell.figure));
        }
        for (values, small) in numbers.iter_mut().zip(small) {
            values.push(small.of(&columns[&(small.within, small.subject)], |all, own| *all - *own));
        }
    }
    let mut span = Span::default();
    span.add(None, vec![Field::one(); people]);
    for (cell, values) in shown.iter().zip(cells) {
        span.add(Some(*cell), values);
    }
    Ok(numbers.into_iter().filter_map(|values| span.last_needed(values)).collect())
}

/// Vectors in echelon form: each is one where those behind it are zero.
#[derive(Default)]
struct Span {
    vectors: Vec<(usize, Vec<Field>, Option<usize>)>,
}

impl Span {
    /// What is left of it when multiples of the vectors are subtracted, and the name of the last of these.
    fn reduce(&self, mut values: Vec<Field>) -> (Vec<Field>, Option<usize>) {
        let mut last = None;
        for (pivot, vector, name) in &self.vectors {
            let factor = values[*pivot];
            if factor != Field::zero() {
                last = *name;
                for (value, of_vector) in values.iter_mut().zip(vector) {
                    *value -= factor * *of_vector;
                }
            }
        }
        (values, last)
    }

    fn add(&mut self, name: Option<usize>, values: Vec<Field>) {
        let (mut values, _) = self.reduce(values);
        if let Some(pivot) = values.iter().position(|value| *value != Field::zero()) {
            let inverse = values[pivot].inv();
            for value in &mut values {
                *value *= inverse;
            }
            self.vectors.push((pivot, values, name));
        }
    }

    /// The name of the last vector that is needed to make this one of them, if they can; `None` also if the constant is
    /// enough.
    fn last_needed(&self, values: Vec<Field>) -> Option<usize> {
        let (rest, last) = self.reduce(values);
        last.filter(|_| rest.iter().all(|value| *value == Field::zero()))
    }
}

/// Elements that look random and are the same in every run (Steele, Lea and Flood's splitmix64).
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn element(&mut self) -> Field {
        // Below the modulus in any case.
        Field::from((u128::from(self.word()) << 63) | u128::from(self.word() >> 1))
    }

    /// So many elements that add up to `sum`.
    fn split(&mut self, sum: Field, len: usize) -> Vec<Field> {
        let mut parts: Vec<Field> = (1..len).map(|_| self.element()).collect();
        let others = parts.iter().fold(Field::zero(), |sum, part| sum + *part);
        parts.push(sum - others);
        parts
    }
}

/// How one question is answered, by weights.
struct Mixture {
    /// Of some answer.
    answered: Field,
    /// Of each number from the lowest on, of no and yes, or of each option.
    each: Vec<Field>,
    /// Where several options can be chosen and a distribution is made of them, by how much each of them makes it likelier
    /// to be chosen, and what that makes of a choice without any.
    odds: Option<(Vec<Field>, Field)>,
}

/// What one made-up person tells.
fn made_up(plan: &Plan, dice: &mut Dice) -> BTreeMap<(Within, Subject), Column<Field>> {
    let parts: Vec<Within> = match plan.grouping {
        None => vec![Within::Everybody],
        Some(grouping) => {
            let groups = plan.items[grouping].question.options().map_or(2, |(groups, _)| groups);
            let nowhere = plan.items[grouping].optional.then_some(Within::NoGroup);
            (0..groups).map(Within::Group).chain(nowhere).collect()
        }
    };
    let sizes = dice.split(Field::one(), parts.len());
    let mut all: BTreeMap<(Within, Subject), Column<Field>> = BTreeMap::new();
    for (within, size) in parts.into_iter().zip(sizes) {
        let items = plan.items.iter().enumerate();
        let mixtures: Vec<Mixture> = items
            .map(|(position, item)| match plan.grouping {
                Some(grouping) if grouping == position => grouped(item, within),
                _ => mixture(item, is_followed(plan, position), dice),
            })
            .collect();
        let items = plan.items.iter().zip(&mixtures).map(|(item, mixture)| mixture.column(item));
        let scores = plan.scores.iter().map(|score| scored(score, &plan.items, &mixtures));
        let subjects = (0..plan.items.len()).map(Subject::Item);
        let subjects = subjects.chain((0..plan.scores.len()).map(Subject::Score));
        for (subject, column) in subjects.zip(items.chain(scores)) {
            let column = column.map_with(&column, |value, _| *value * size);
            if within != Within::Everybody {
                let sum = match all.get(&(Within::Everybody, subject)) {
                    Some(sum) => sum.map_with(&column, |sum, part| *sum + *part),
                    None => column.clone(),
                };
                all.insert((Within::Everybody, subject), sum);
            }
            all.insert((within, subject), column);
        }
    }
    all
}

/// Whether a distribution is made of its answers.
fn is_followed(plan: &Plan, item: usize) -> bool {
    let scores = plan.scores.iter().filter(|score| score.distribution);
    scores.flat_map(|score| &score.terms).any(|term| term.item == item)
}

/// How many multiplications a made-up person takes.
fn effort(plan: &Plan) -> usize {
    let parts = plan.grouping.map_or(1, |grouping| {
        plan.items[grouping].question.options().map_or(2, |(groups, _)| usize::from(groups)) + 1
    });
    let responses = |item: &Item| match &item.question {
        Question::Number(range) => usize::try_from(range.width()).unwrap_or(usize::MAX),
        Question::YesNo => 2,
        Question::Choice { options } => usize::from(*options),
        Question::Choices { options, at_most } => usize::from(*options) * usize::from(*at_most),
    };
    let of_scores = plan.scores.iter().map(|score| {
        let values = if score.distribution { values(score, &plan.items) } else { 1 };
        let responses = score
            .terms
            .iter()
            .map(|term| if score.distribution { responses(&plan.items[term.item]) } else { 1 });
        responses.fold(0, usize::saturating_add).saturating_mul(values)
    });
    of_scores.fold(plan.items.len(), usize::saturating_add).saturating_mul(parts)
}

fn number(number: impl TryInto<u128>) -> Field {
    Field::from(number.try_into().unwrap_or_default())
}

/// Everybody in a group answered the same.
fn grouped(item: &Item, within: Within) -> Mixture {
    let options = item.question.options().map_or(2, |(options, _)| usize::from(options));
    let mut each = vec![Field::zero(); options];
    let Within::Group(group) = within else {
        return Mixture { answered: Field::zero(), each, odds: None };
    };
    let option = match item.question {
        // Yes is the first group.
        Question::YesNo => 1 - usize::from(group),
        _ => usize::from(group),
    };
    each[option] = Field::one();
    Mixture { answered: Field::one(), each, odds: None }
}

fn mixture(item: &Item, followed: bool, dice: &mut Dice) -> Mixture {
    let answered = if item.optional { dice.element() } else { Field::one() };
    let each = match &item.question {
        Question::Number(range) => {
            // Three numbers are enough to tell apart how many there are, their sum and that of their squares.
            let most = if followed { range.width() } else { range.width().min(2) };
            let most = usize::try_from(most).expect("a score with a distribution has few values");
            dice.split(answered, most + 1)
        }
        Question::YesNo => dice.split(answered, 2),
        Question::Choice { options } => dice.split(answered, usize::from(*options)),
        Question::Choices { options, at_most } if followed => {
            let odds: Vec<Field> = (0..*options).map(|_| dice.element()).collect();
            let chosen = elementary(&odds, usize::from(*at_most));
            let total = chosen.iter().fold(Field::zero(), |sum, chosen| sum + *chosen);
            let none = answered * total.inv();
            let each = odds.iter().map(|odds| {
                // The others, of whom one fewer may be chosen: what has this one is divided by it.
                let (mut before, mut sum) = (Field::zero(), Field::zero());
                for chosen in &chosen[..chosen.len() - 1] {
                    before = *chosen - *odds * before;
                    sum += before;
                }
                *odds * sum * none
            });
            return Mixture { answered, each: each.collect(), odds: Some((odds.clone(), none)) };
        }
        // Whoever chooses one or none tells apart what is summed.
        Question::Choices { options, .. } => (0..*options).map(|_| dice.element()).collect(),
    };
    Mixture { answered, each, odds: None }
}

/// Of so many factors, from none to `most`, the sum of their products.
fn elementary(factors: &[Field], most: usize) -> Vec<Field> {
    let mut sums = vec![Field::zero(); most + 1];
    sums[0] = Field::one();
    for factor in factors {
        for chosen in (1..=most).rev() {
            let with = sums[chosen - 1] * *factor;
            sums[chosen] += with;
        }
    }
    sums
}

/// The sum over these, each times its position to this power.
fn moment(each: &[Field], power: u32) -> Field {
    let weighted = (0_u128..).zip(each).map(|(at, weight)| Field::from(at.pow(power)) * *weight);
    weighted.fold(Field::zero(), |sum, term| sum + term)
}

impl Mixture {
    fn column(&self, item: &Item) -> Column<Field> {
        let each = &self.each;
        let (counts, summed) = match item.question {
            Question::Number(_) => (Vec::new(), true),
            Question::YesNo => (vec![each[1]], false),
            Question::Choice { .. } | Question::Choices { .. } => (each.clone(), item.squares),
        };
        Column {
            people: Field::one(),
            answered: self.answered,
            counts,
            sum: summed.then(|| moment(each, 1)),
            squares: item.squares.then(|| moment(each, 2)),
        }
    }

    /// What those who answered are worth together, more than the least that they could be.
    fn worth(&self, term: &Term, item: &Item) -> Field {
        match &term.points {
            Points::Times(weight) => {
                let (sum, most) = match &item.question {
                    Question::Number(range) => (moment(&self.each, 1), range.width()),
                    _ => (self.each[1], 1),
                };
                let size = number(weight.unsigned_abs());
                let all = self.answered * Field::from(most);
                size * if *weight < 0 { all - sum } else { sum }
            }
            Points::PerOption(points) => {
                let least = least(points, &item.question);
                let each = self.each.iter().zip(points);
                each.fold(Field::zero(), |sum, (weight, points)| {
                    sum + *weight * number(points.abs_diff(least))
                })
            }
        }
    }

    /// The values up to `most` that come of `before` and of an answer to this.
    fn follow(&self, term: &Term, item: &Item, before: &[Field]) -> Vec<Field> {
        let len = before.len();
        let places = |points: u128| usize::try_from(points).unwrap_or(usize::MAX).min(len);
        let add = |sum: &mut [Field], before: &[Field], points: u128, weight: Field| {
            let places = places(points);
            for (sum, before) in sum[places..].iter_mut().zip(before) {
                *sum += *before * weight;
            }
        };
        let mut after = vec![Field::zero(); len];
        match (&term.points, &item.question) {
            (Points::Times(weight), _) => {
                let last = self.each.len() - 1;
                let size = u128::from(weight.unsigned_abs());
                for (at, chosen) in self.each.iter().enumerate() {
                    let at = if *weight < 0 { last - at } else { at };
                    add(&mut after, before, size.saturating_mul(at as u128), *chosen);
                }
            }
            (Points::PerOption(points), Question::Choices { at_most, .. }) => {
                let (odds, none) = self.odds.as_ref().expect("a distribution is made of it");
                let mut chosen = vec![vec![Field::zero(); len]; usize::from(*at_most) + 1];
                chosen[0] = before.iter().map(|before| *before * *none).collect();
                for (odds, points) in odds.iter().zip(points) {
                    for so_many in (1..chosen.len()).rev() {
                        let (fewer, more) = chosen.split_at_mut(so_many);
                        let points = u128::from(points.unsigned_abs());
                        add(&mut more[0], &fewer[so_many - 1], points, *odds);
                    }
                }
                for chosen in &chosen {
                    add(&mut after, chosen, 0, Field::one());
                }
            }
            (Points::PerOption(points), question) => {
                let least = least(points, question);
                for (weight, points) in self.each.iter().zip(points) {
                    add(&mut after, before, points.abs_diff(least).into(), *weight);
                }
            }
        }
        after
    }
}

/// What an answer that is worth the least is worth.
fn least(points: &[i32], question: &Question) -> i32 {
    match question {
        Question::Choice { .. } => points.iter().copied().min().unwrap_or(0),
        _ => 0,
    }
}

/// How many values a score has.
fn values(score: &Score, items: &[Item]) -> usize {
    let widths = score.terms.iter().map(|term| term.points.width(&items[term.item].question));
    let width: u128 = widths.map(Option::unwrap_or_default).sum();
    usize::try_from(width).unwrap_or(usize::MAX).saturating_add(1)
}

fn scored(score: &Score, items: &[Item], mixtures: &[Mixture]) -> Column<Field> {
    // Of those who answered everything so far: how many they are, and what they are worth.
    let (mut complete, mut sum) = (Field::one(), Field::zero());
    for term in &score.terms {
        let mixture = &mixtures[term.item];
        sum = sum * mixture.answered + complete * mixture.worth(term, &items[term.item]);
        complete *= mixture.answered;
    }
    let mut counts = Vec::new();
    if score.distribution {
        counts = vec![Field::zero(); values(score, items)];
        counts[0] = Field::one();
        for term in &score.terms {
            counts = mixtures[term.item].follow(term, &items[term.item], &counts);
        }
    }
    let squares = score.distribution.then(|| moment(&counts, 2));
    Column { people: Field::one(), answered: complete, counts, sum: Some(sum), squares }
}
