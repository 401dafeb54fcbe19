//! What is small.

use std::collections::BTreeMap;

use super::Within;
use super::model::{Column, Linear, Model, float, unit};
use crate::questionnaire::{Cell, Figure, Item, Question, Questionnaire, Subject};

/// Something that a result tells of too few people.
#[derive(Clone, Debug)]
pub(super) struct Small {
    pub(super) within: Within,
    pub(super) subject: Subject,
    pub(super) figure: Figure,
    /// Whether it is about those who are not counted.
    others: bool,
    /// What it comes to, in people or in what one of them adds at most.
    pub(super) number: f64,
    /// By how much it has to be possible that it is more or less.
    pub(super) distance: f64,
}

impl Small {
    pub(super) fn linear(&self, model: &Model) -> Linear {
        self.of(model.column(self.within, self.subject), |all, own| all.clone() - own)
    }

    /// It, out of its column; `less` subtracts.
    pub(super) fn of<T: Clone>(&self, column: &Column<T>, less: impl Fn(&T, &T) -> T) -> T {
        let own = column.figure(self.figure);
        match self.figure {
            _ if !self.others => own.clone(),
            Figure::Answered => less(&column.people, own),
            _ => less(&column.answered, own),
        }
    }
}

/// The numbers of a result by whom and what they are about, with those of whoever is in no group.
pub(super) fn columns(
    questionnaire: &Questionnaire,
    numbers: &[u128],
    count: u32,
) -> BTreeMap<(Within, Subject), Column<u128>> {
    let grouping = questionnaire.plan().grouping;
    let mut columns = BTreeMap::new();
    let mut sizes: Vec<u128> = Vec::new();
    let mut before = 0;
    let cells = questionnaire.cells();
    for cells in cells.chunk_by(|a, b| (a.subject, a.group) == (b.subject, b.group)) {
        let numbers = &numbers[before..before + cells.len()];
        before += cells.len();
        let Cell { subject, group, .. } = cells[0];
        let people = group.map_or(count.into(), |group| sizes[usize::from(group)]);
        let mut column =
            Column { people, answered: people, counts: Vec::new(), sum: None, squares: None };
        for (cell, number) in cells.iter().zip(numbers) {
            match cell.figure {
                Figure::Answered => column.answered = *number,
                Figure::Sum => column.sum = Some(*number),
                Figure::Squares => column.squares = Some(*number),
                Figure::Yes | Figure::Option(_) => column.counts.push(*number),
            }
        }
        if group.is_none() && grouping.map(Subject::Item) == Some(subject) {
            sizes.clone_from(&column.counts);
            if cells[cells.len() - 1].figure == Figure::Yes {
                sizes.push(column.answered.saturating_sub(column.counts[0]));
            }
        }
        columns.insert((Within::of(group), subject), column);
    }
    let Some(grouping) = grouping.filter(|item| questionnaire.plan().items[*item].optional) else {
        return columns;
    };
    let mut rest: BTreeMap<(Within, Subject), Column<u128>> = BTreeMap::new();
    for ((within, subject), column) in &columns {
        if *subject == Subject::Item(grouping) {
            continue;
        }
        let key = (Within::NoGroup, *subject);
        if *within == Within::Everybody {
            rest.insert(key, column.clone());
        } else if let Some(sum) = rest.remove(&key) {
            rest.insert(key, sum.map_with(column, |sum, group| sum.saturating_sub(*group)));
        }
    }
    columns.extend(rest);
    columns
}

/// Everything that a result tells of 1 to `minimum - 1` people.
pub(super) fn all(
    questionnaire: &Questionnaire,
    numbers: &[u128],
    count: u32,
    minimum: u32,
) -> Vec<Small> {
    let plan = questionnaire.plan();
    let mut small = Vec::new();
    for ((within, subject), column) in columns(questionnaire, numbers, count) {
        let of_cells = |group| {
            let cells = questionnaire.cells().iter();
            cells.filter(move |cell| (cell.subject, cell.group) == (subject, group))
        };
        // Whoever is in no group is told the same of as everybody.
        for cell in of_cells(if let Within::Group(group) = within { Some(group) } else { None }) {
            let question = match subject {
                Subject::Item(item) => Some(&plan.items[item]),
                Subject::Score(_) => None,
            };
            let unit = unit(questionnaire, cell);
            let told = Told { cell, column: &column, minimum: minimum.into(), unit };
            small.extend(told.small(within, question));
        }
    }
    small
}

/// One cell, and the others about the same people's answers to the same question.
struct Told<'a> {
    cell: &'a Cell,
    column: &'a Column<u128>,
    minimum: u128,
    /// What its number is counted in.
    unit: f64,
}

impl Told<'_> {
    fn few(&self, people: u128) -> bool {
        (1..self.minimum).contains(&people)
    }

    fn small(&self, within: Within, item: Option<&Item>) -> Vec<Small> {
        let Cell { subject, figure, most, .. } = *self.cell;
        let Column { people, answered, .. } = *self.column;
        let number = *self.column.figure(figure);
        let of =
            |others, number, distance| Small { within, subject, figure, others, number, distance };
        let whole = match figure {
            Figure::Sum | Figure::Squares => {
                let few = self.few(answered) || self.few_are_above() || self.few_are_below();
                let tenth = (float(most) * 0.1).max(1.0) / self.unit;
                let number = float(number) / self.unit;
                return few.then(|| of(false, number, tenth)).into_iter().collect();
            }
            Figure::Answered => Some(people),
            Figure::Yes => Some(answered),
            Figure::Option(_) => {
                let several = |item: &Item| matches!(item.question, Question::Choices { .. });
                item.is_some_and(several).then_some(answered)
            }
        };
        let others = whole.map(|whole| whole.saturating_sub(number));
        let own = Some(number).filter(|people| self.few(*people));
        let others = others.filter(|people| self.few(*people));
        let own = own.map(|people| of(false, float(people), 1.0));
        own.into_iter().chain(others.map(|people| of(true, float(people), 1.0))).collect()
    }

    /// Whether it is certain that somebody is above the lowest answer, and that fewer than `minimum` people are.
    fn few_are_above(&self) -> bool {
        let width = self.width();
        let sum = *self.column.figure(Figure::Sum);
        self.few_beyond(sum, width, self.squares())
    }

    /// The same of those who are below the highest answer.
    fn few_are_below(&self) -> bool {
        let width = self.width();
        let sum = *self.column.figure(Figure::Sum);
        let answered = self.column.answered;
        let below = (answered.checked_mul(width)).and_then(|all| all.checked_sub(sum));
        // The squares of `width - x` are those of `width` and of `x`, less twice `width * x`.
        let squares = self.squares().and_then(|squares| {
            // Of each, `width * (width - x)` less `x * (width - x)`, so that nothing leaves 128 bits.
            let inner = width.checked_mul(sum)?.checked_sub(squares)?;
            width.checked_mul(below?)?.checked_sub(inner)
        });
        below.is_some_and(|below| self.few_beyond(below, width, squares))
    }

    /// Whether `sum` is that of fewer than `minimum` positive numbers of up to `width`, with this sum of `squares`.
    fn few_beyond(&self, sum: u128, width: u128, squares: Option<u128>) -> bool {
        if sum == 0 {
            return false;
        }
        let Some(spare) = sum.checked_sub(self.minimum) else { return true };
        let (Some(squares), true) = (squares, width > 1) else { return false };
        // As many people as `minimum` have the largest squares if all but one of them are at one of the ends.
        let (highest, between) = (spare / (width - 1), spare % (width - 1));
        let Some(lowest) = self.minimum.checked_sub(highest + 1) else { return false };
        let largest = width
            .checked_mul(width)
            .and_then(|square| square.checked_mul(highest))
            .and_then(|all| all.checked_add((1 + between).checked_mul(1 + between)?))
            .and_then(|all| all.checked_add(lowest));
        largest.is_some_and(|largest| squares > largest)
    }

    /// By how much the highest answer exceeds the lowest.
    fn width(&self) -> u128 {
        match self.cell.figure {
            Figure::Squares => self.cell.most.isqrt(),
            _ => self.cell.most,
        }
    }

    /// The sum of the squares, where it would be told too.
    fn squares(&self) -> Option<u128> {
        match self.cell.figure {
            Figure::Squares => self.column.squares,
            _ => None,
        }
    }
}
