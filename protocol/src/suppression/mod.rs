//! Small numbers: which cells of a result are not published, so that nobody who knows a few of the people finds one of
//! them in it.
//!
//! What is *small* is found out about 1 to `minimum - 1` people:
//!
//! * how many answered, said yes, chose an option or have a value of a score, and except for the options of one choice
//!   how many did not;
//! * the sum over as few, and one that tells that as few are above the lowest answer, or below the highest: a sum of 3
//!   is that of three people at most; so is, of sum and squares together, the sum of the squares;
//! * all that of whoever is in none of the groups, which nobody publishes, but which is what the groups leave of all.
//!
//! Cells that tell something small are hidden. Because a hidden cell could be found by subtracting others from a total,
//! so are some that are not small (complementary suppression): until each small number could be another one as well,
//! a count by one person and a sum by a tenth of one answer's range; and until those that are hidden of the options of
//! one question, or of the groups in one of its options, are about `minimum` people together. Which to hide, and whether
//! it is enough, a linear program says each time: of all results that look the same, the nearest one in which the small
//! number is another one (as M. Fischetti and J. J. Salazar put it in "Solving the Cell Suppression Problem on Tabular
//! Data with Linear Constraints", Management Science 47 (2001), 1008-1027).
//!
//! The sum of a scale or of a distribution, and the sum of its squares, are weighted sums of its counts. They are shown
//! rather than the counts, since a mean and a standard deviation say more than some of these. But two sums of few people
//! leave no fractions of them, and so the results that look the same are also looked for among those in which nobody is
//! divided: of everything together, or where that takes too long, of one question or score; and where that takes too long
//! as well, its sums are hidden.
//!
//! The solver calculates with rounding, and the results that look the same are modelled. So behind it stands a check that does
//! neither: no small number may be a linear combination of what is shown. If one is, more is hidden.
//!
//! Where the model knows less than who reads the result, or a person could be lost in the solver's rounding, a score is hidden
//! as soon as anything of it is, or of what it is made of. If the linear programs cannot be solved, everything is hidden; if
//! they would be too large, everything about the small numbers' questions and what scores connect with these.
//!
//! This is a rule of publication, not of cryptography: the hospital decodes every cell, or it could not tell which are
//! small. And it is about what follows from the published numbers by adding, subtracting and comparing them, of which
//! means, standard deviations and shares are made, and about how each person's answers to yes-or-no questions and choices
//! make up the distribution of a score. It does not say that
//!
//! * a number cannot be narrowed down: two values of it stay possible, not all;
//! * nothing is learnt of a group in which all are alike: if 20 of 20 said yes, so did everybody;
//! * nothing is learnt by who knows answers already, her own or those of people who tell her, or by who reasons why
//!   just these cells are hidden: that may be because they are small;
//! * nothing follows from how one person's answers hang together otherwise: in two scores made of the same items, in a
//!   score with numbers or with more than some hundred values, in a sum and its squares beyond what is said above;
//! * another result really exists: where integer programs take too long, people are divisible. That it does, in small
//!   studies, is what the tests find by trying all of them.

mod exact;
mod following;
mod model;
mod program;
mod small;

use core::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use microlp::ComparisonOp;

use self::model::{Followed, Model, float, unit};
use self::program::{OtherResult, Program, PublishedCell, Sums, TOLERANCE, Unsolved, WholeProgram};
use self::small::Small;
use crate::questionnaire::{Figure, Question, Questionnaire, Subject};

/// How many more cells may be hidden before a linear program is made anew in which they are. Until then it costs
/// something that they differ, and others may be hidden instead.
const STALE: usize = 8;

/// How often more is hidden because of what follows exactly, before all of a question is hidden.
const ROUNDS_MAX: usize = 16;

/// How large the linear programs may be: variables, times what has to hold, times small numbers. They take a few seconds
/// then. It is counted and not measured, so that the same result always hides the same.
const WORK_MAX: usize = 1_000_000_000;

/// The same for those in which nobody is divided, each of which is solved up to hundreds of times.
const WHOLE_WORK_MAX: usize = 6_000_000;

/// How much rather counts are hidden than a sum over them, or one of numbers that are not counted.
const SUMS: f64 = 4.0;

/// How much rather anything is hidden than how many people are in the groups, without which nothing about a group says much.
const GROUPS: f64 = 1_000.0;

/// Whom something is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Everybody,
    Group(u16),
    /// Those who are in none of the groups.
    NoGroup,
}

impl Within {
    fn of(group: Option<u16>) -> Self {
        group.map_or(Self::Everybody, Self::Group)
    }
}

/// Which cells of a result are hidden, in the order of [`Questionnaire::cells`], so that nobody learns of fewer than
/// `minimum` people. `numbers` are those of `count` people.
///
/// # Panics
///
/// If there are not as many `numbers` as cells.
#[must_use]
pub fn hidden(
    questionnaire: &Questionnaire,
    numbers: &[u128],
    count: u32,
    minimum: u32,
) -> Vec<bool> {
    assert_eq!(numbers.len(), questionnaire.output_len(), "a number for each cell");
    let small = small::all(questionnaire, numbers, count, minimum);
    let solvable = |model: &Model| model.size().saturating_mul(small.len()) <= WORK_MAX;
    let mut model = Model::new(questionnaire, count, Followed::Values);
    if !solvable(&model) {
        model = Model::new(questionnaire, count, Followed::Nothing);
    }
    let grouping = questionnaire.plan().grouping.map(Subject::Item);
    let cells = questionnaire.cells().iter().zip(numbers).map(|(cell, number)| {
        let column = model.column(Within::of(cell.group), cell.subject);
        let linear = column.figure(cell.figure).clone();
        let unit = unit(questionnaire, cell);
        // Means and standard deviations say more than single counts.
        let sum = matches!(cell.figure, Figure::Sum | Figure::Squares);
        let of_counts = sum && !column.counts.is_empty();
        let weight = match cell.subject {
            _ if of_counts => unit * SUMS,
            // Such a sum is another one by a tenth of one answer's range.
            _ if sum => 10.0 * SUMS,
            subject if grouping == Some(subject) => GROUPS,
            _ => 1.0,
        };
        let over_counts_of = of_counts.then_some(cell.subject);
        PublishedCell { linear, number: float(*number) / unit, weight, over_counts_of }
    });
    let lines = Line::all(questionnaire, numbers, count, minimum);
    let mut suppression = Suppression {
        questionnaire,
        model: &model,
        cells: cells.collect(),
        lines,
        hidden: vec![false; numbers.len()],
        whole_work: Cell::new(0),
    };
    for (position, cell) in questionnaire.cells().iter().enumerate() {
        let tells = |small: &Small| {
            (small.within, small.subject, small.figure)
                == (Within::of(cell.group), cell.subject, cell.figure)
        };
        suppression.hidden[position] = small.iter().any(tells);
    }
    suppression.hide_enough();
    if solvable(&model) {
        if suppression.protect(small.clone()).is_err() {
            // It has not been seen, and nothing is said that might be too much.
            return vec![true; numbers.len()];
        }
        suppression.protect_whole(small.clone());
    } else {
        for small in &small {
            suppression.hide_all_of(small.subject);
        }
        suppression.hide_enough();
    }
    suppression.protect_exactly(&small);
    suppression.hidden
}

/// Cells that add up to another one: of those that are hidden the sum is known.
struct Line {
    /// Their positions, with the number of people whom each is about.
    cells: Vec<(usize, u128)>,
    /// About how many people is what they leave of the whole.
    rest: u128,
    minimum: u128,
}

struct Suppression<'a> {
    questionnaire: &'a Questionnaire,
    model: &'a Model,
    cells: Vec<PublishedCell>,
    lines: Vec<Line>,
    hidden: Vec<bool>,
    /// How large the programs were together in which nobody is divided.
    whole_work: Cell<usize>,
}

impl Suppression<'_> {
    /// Hides more cells of each line until those that are hidden are about enough people; and what the model knows too
    /// little of, wherever something has to be hidden that it is made of.
    fn hide_enough(&mut self) {
        loop {
            let next: Vec<usize> =
                self.lines.iter().filter_map(|line| line.next_to_hide(&self.hidden)).collect();
            if next.is_empty() && !self.hide_loose() {
                break;
            }
            for cell in next {
                self.hidden[cell] = true;
            }
        }
    }

    /// Whether anything more is hidden of a score about which the linear programs could be wrong.
    fn hide_loose(&mut self) -> bool {
        let cells = self.questionnaire.cells();
        let mut more = false;
        for score in &self.model.loose {
            let terms = &self.questionnaire.plan().scores[*score].terms;
            let own = Subject::Score(*score);
            let of_it = |subject| match subject {
                Subject::Item(item) => terms.iter().any(|term| term.item == item),
                Subject::Score(_) => subject == own,
            };
            let mut all = cells.iter().zip(&self.hidden);
            if all.any(|(cell, hidden)| *hidden && of_it(cell.subject)) {
                for (cell, hidden) in cells.iter().zip(&mut self.hidden) {
                    more |= cell.subject == own && !*hidden;
                    *hidden |= cell.subject == own;
                }
            }
        }
        more
    }

    /// Hides cells until everything small could be something else.
    fn protect(&mut self, mut small: Vec<Small>) -> Result<(), Unsolved> {
        let mut hidden = self.hidden.clone();
        let mut program = Program::new(self.model, &self.cells, &hidden)?;
        while let Some(next) = small.pop() {
            let fresh = self.hidden.iter().zip(&hidden).filter(|(now, then)| now != then).count();
            if fresh > STALE {
                hidden.clone_from(&self.hidden);
                program = Program::new(self.model, &self.cells, &hidden)?;
            }
            let Some(other) = self.nearest(&program, &next)? else {
                // There is none where it follows from how many people they are, and else the solver errs.
                if self.may_differ(&next) {
                    self.hide_all_of(next.subject);
                    self.hide_enough();
                }
                continue;
            };
            for cell in &other.differing {
                self.hidden[*cell] = true;
            }
            self.hide_enough();
            self.strike(&mut small, &other, None);
        }
        Ok(())
    }

    /// The same where people are not divided: a sum and a sum of squares of few people leave no fractions of them.
    fn protect_whole(&mut self, mut small: Vec<Small>) {
        while let Some(next) = small.pop() {
            let summed = self.cells.iter().any(|cell| cell.over_counts_of == Some(next.subject));
            // Rather counts are hidden than sums over them. And everything at once can be too much.
            let mut about = None;
            let mut other = self.nearest_whole(&next, Sums::Kept);
            if other.is_err() && summed {
                other = self.nearest_alone(&next, Sums::Kept);
                about = Some(next.subject);
            }
            if !matches!(other, Ok(Some(_))) {
                other = self.nearest_whole(&next, Sums::Given);
                about = None;
            }
            if other.is_err() && summed {
                other = self.nearest_alone(&next, Sums::Given);
                about = Some(next.subject);
            }
            match other {
                Ok(Some(other)) => {
                    for cell in &other.differing {
                        self.hidden[*cell] = true;
                    }
                    self.strike(&mut small, &other, about);
                }
                Ok(None) if !self.may_differ(&next) => {}
                Ok(None) | Err(Unsolved) => {
                    for (cell, hidden) in self.cells.iter().zip(&mut self.hidden) {
                        *hidden |= cell.over_counts_of == Some(next.subject);
                    }
                }
            }
            self.hide_enough();
        }
    }

    /// Whether it could be something else if nothing were shown, or nobody knows.
    fn may_differ(&self, small: &Small) -> bool {
        let program = Program::new(self.model, &self.cells, &vec![true; self.cells.len()]);
        let other = program.and_then(|program| self.nearest(&program, small));
        !matches!(other, Ok(None))
    }

    /// Hides more until nothing small follows from what is shown by adding and subtracting, whatever the solver said.
    fn protect_exactly(&mut self, small: &[Small]) {
        if small.is_empty() {
            return;
        }
        // What costs the least comes last, and is hidden first.
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by(|a, b| self.cells[*b].cost().total_cmp(&self.cells[*a].cost()));
        for _ in 0..ROUNDS_MAX {
            let shown: Vec<usize> =
                order.iter().copied().filter(|cell| !self.hidden[*cell]).collect();
            let Ok(telling) = exact::telling(self.questionnaire, &shown, small) else { break };
            if telling.is_empty() {
                return;
            }
            for cell in telling {
                self.hidden[cell] = true;
            }
            self.hide_enough();
        }
        for small in small {
            self.hide_all_of(small.subject);
        }
        self.hide_enough();
    }

    /// Hides everything that has to do with this: it, all that scores make of it, and all of which they are made. What is
    /// left says nothing of it but for how many are in a group; if that is what it is, everything is hidden.
    fn hide_all_of(&mut self, subject: Subject) {
        let questionnaire = self.questionnaire;
        let plan = questionnaire.plan();
        let mut own = BTreeSet::from([subject]);
        loop {
            let before = own.len();
            for (position, score) in plan.scores.iter().enumerate() {
                let items = score.terms.iter().map(|term| Subject::Item(term.item));
                let with: Vec<Subject> = items.chain([Subject::Score(position)]).collect();
                if with.iter().any(|subject| own.contains(subject)) {
                    own.extend(with);
                }
            }
            if own.len() == before {
                break;
            }
        }
        let grouping = plan.grouping.map(Subject::Item);
        let everything = grouping.is_some_and(|grouping| own.contains(&grouping));
        for (cell, hidden) in questionnaire.cells().iter().zip(&mut self.hidden) {
            *hidden |= everything || own.contains(&cell.subject);
        }
    }

    /// The nearest result that is found in which nobody is divided.
    fn nearest_whole(&self, small: &Small, sums: Sums) -> Result<Option<OtherResult>, Unsolved> {
        self.work_on(self.model)?;
        let program = WholeProgram::new(self.model, &self.cells, &self.hidden, sums);
        program.nearest(&small.linear(self.model), small)
    }

    /// Counts a program in which nobody is divided, unless it is one too many.
    fn work_on(&self, model: &Model) -> Result<(), Unsolved> {
        let work = self.whole_work.get().saturating_add(model.size());
        if work > WHOLE_WORK_MAX {
            return Err(Unsolved);
        }
        self.whole_work.set(work);
        Ok(())
    }

    /// The same by what is known of its own subject.
    fn nearest_alone(&self, small: &Small, sums: Sums) -> Result<Option<OtherResult>, Unsolved> {
        let (model, own) = self.model.alone(small.subject);
        self.work_on(&model)?;
        let cells = self.cells.iter().zip(&self.hidden);
        let hidden: Vec<bool> =
            cells.map(|(cell, hidden)| *hidden || !cell.linear.is_of(&own)).collect();
        let program = WholeProgram::new(&model, &self.cells, &hidden, sums);
        program.nearest(&small.linear(self.model), small)
    }

    /// Strikes out what is something else in another result. What could be that could be that all along, and the more so
    /// the more is hidden. The other result may say something `about` one subject only.
    fn strike(&self, small: &mut Vec<Small>, other: &OtherResult, about: Option<Subject>) {
        small.retain(|small| {
            if about.is_some_and(|about| about != small.subject) {
                return true;
            }
            let number = small.linear(self.model).of(&other.values);
            (number - small.number).abs() < small.distance - TOLERANCE
        });
    }

    /// The result that differs the least of what is shown, among those where what is small is something else.
    fn nearest(&self, program: &Program, small: &Small) -> Result<Option<OtherResult>, Unsolved> {
        let linear = small.linear(self.model);
        let more = program.solve_with(&linear, ComparisonOp::Ge, small.number + small.distance)?;
        let enough = more.as_ref().is_some_and(|more| more.cost < TOLERANCE);
        if enough || small.number < small.distance {
            return Ok(more);
        }
        let less = program.solve_with(&linear, ComparisonOp::Le, small.number - small.distance)?;
        Ok(more.into_iter().chain(less).min_by(|a, b| a.cost.total_cmp(&b.cost)))
    }
}

impl Line {
    /// The options of each choice and the values of each score, where each person has one; and each cell in all groups.
    fn all(questionnaire: &Questionnaire, numbers: &[u128], count: u32, minimum: u32) -> Vec<Self> {
        let columns = small::columns(questionnaire, numbers, count);
        let mut options: BTreeMap<(Subject, Within), Self> = BTreeMap::new();
        let mut groups: BTreeMap<(Subject, Figure, bool), Self> = BTreeMap::new();
        let none = || Self { cells: Vec::new(), rest: 0, minimum: minimum.into() };
        for (position, cell) in questionnaire.cells().iter().enumerate() {
            let within = Within::of(cell.group);
            let column = &columns[&(within, cell.subject)];
            let one_of_several = match cell.subject {
                Subject::Item(item) => {
                    let question = &questionnaire.plan().items[item].question;
                    matches!(question, Question::Choice { .. })
                }
                Subject::Score(_) => true,
            };
            let number = numbers[position];
            if let (Figure::Option(_), true) = (cell.figure, one_of_several) {
                let line = options.entry((cell.subject, within)).or_insert_with(none);
                line.cells.push((position, number));
            }
            if cell.group.is_none() {
                continue;
            }
            let (people, others) = match cell.figure {
                Figure::Sum | Figure::Squares => (column.answered, None),
                Figure::Answered => (number, Some(column.people.saturating_sub(number))),
                Figure::Option(_) if one_of_several => (number, None),
                Figure::Yes | Figure::Option(_) => {
                    (number, Some(column.answered.saturating_sub(number)))
                }
            };
            for (opposite, people) in [(false, Some(people)), (true, others)] {
                let Some(people) = people else { continue };
                let line = groups.entry((cell.subject, cell.figure, opposite)).or_insert_with(none);
                line.cells.push((position, people));
                if let Some(rest) = columns.get(&(Within::NoGroup, cell.subject)) {
                    let figure = *rest.figure(cell.figure);
                    line.rest = match (cell.figure, opposite) {
                        (Figure::Sum | Figure::Squares, _) => rest.answered,
                        (_, false) => figure,
                        (Figure::Answered, true) => rest.people.saturating_sub(figure),
                        (_, true) => rest.answered.saturating_sub(figure),
                    };
                }
            }
        }
        options.into_values().chain(groups.into_values()).collect()
    }

    /// The cell about the fewest people that is not hidden, if the hidden ones are about too few.
    fn next_to_hide(&self, hidden: &[bool]) -> Option<usize> {
        let of_hidden = self.cells.iter().filter(|(cell, _)| hidden[*cell]);
        let people: u128 = of_hidden.map(|(_, people)| people).sum::<u128>() + self.rest;
        if !(1..self.minimum).contains(&people) {
            return None;
        }
        let shown = self.cells.iter().filter(|(cell, people)| !hidden[*cell] && *people > 0);
        shown.min_by_key(|(_, people)| *people).map(|(cell, _)| *cell)
    }
}
