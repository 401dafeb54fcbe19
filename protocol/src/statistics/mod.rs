//! What the cells of a result say to people: how many answered, sums, means, standard deviations, quartiles and shares.
//!
//! Every figure is computed from whole numbers, and rounded once they have become as small as they get. It is `None`
//! where a cell that it needs is hidden ([`crate::suppression`]), so that nothing here says more than the cells do, and
//! where it is not defined: nobody has a mean, and one person no standard deviation.
//!
//! | figure | definition |
//! |---|---|
//! | mean | the sum of all answers over the number of those who answered |
//! | standard deviation | of a sample: the root of the sum of squared distances from the mean over `n - 1` |
//! | quartiles | type 2 of Hyndman and Fan: with `n * p` whole, halfway between the value of that rank and the next |
//! | interval of a share | Wilson's score interval, 95 % ([`Proportion`]) |
//!
//! Numbers and scales are in the unit of their item: a number of steps times the step ([`Steps`](crate::form::Steps)).
//! A mean and a standard deviation come from sums, which are cells of numbers, scales and scores, so that they stay known
//! where single counts are hidden; quartiles come from all counts.
//! A choice is a number if each of its options has a value, of which there are counts only. Scores are in points, to which a number or a scale adds its
//! steps times its weight, and an option its value times that.

mod decimal;
mod distribution;
mod proportion;

pub use self::decimal::Decimal;
use self::distribution::Distribution;
pub use self::proportion::Proportion;
use crate::form::{Form, ItemForm, Kind, OptionForm};
use crate::questionnaire::{Cell, Figure, Points, Question, Questionnaire, Score, Subject};

/// What a result says about everybody, or about one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The group, as an option of the grouping item (yes is 0, no is 1); `None` for everybody.
    pub group: Option<u16>,
    /// How many people are in it.
    pub people: Option<u32>,
    /// What they answered: the items and then the scores, in their order. In a group the grouping item is left out.
    pub summaries: Vec<Summary>,
}

/// What a result says about one item or score, of everybody or of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The item or score.
    pub subject: Subject,
    /// How many answered; of a score, how many answered all of its items.
    pub answered: Option<u32>,
    /// How many did not.
    pub missing: Option<u32>,
    /// How many gave each answer: yes and no, each option in its order, or each value from the lowest on. Empty where
    /// only a sum is found out.
    pub counts: Vec<Count>,
    /// The answers as numbers, where they are some.
    pub numbers: Option<Numbers>,
}

/// How many gave one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// Which one.
    pub answer: Answer,
    /// How many people gave it.
    pub people: Option<u32>,
    /// Their share in those who answered.
    pub proportion: Option<Proportion>,
}

/// An answer that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The option with this number, from 0 on.
    Option(u16),
    /// A value of a scale or of a score.
    Value(Decimal),
}

/// What people answered, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The sum of all answers, exactly; `None` too if it takes more than 127 bits, which a range beyond any measurement
    /// can make it.
    pub sum: Option<Decimal>,
    /// The mean, with a relative error below 2^-51.
    pub mean: Option<f64>,
    /// The standard deviation of the sample, with a relative error below 2^-50. There is none where neither squares nor
    /// a distribution are found out.
    pub standard_deviation: Option<f64>,
    /// The lower quartile, the median and the upper quartile, exactly, where the distribution is known.
    pub quartiles: Option<[Decimal; 3]>,
}

/// What `cells` say, the numbers in the [cells](Questionnaire::cells) of `count` people of whom `form` asks
/// `questionnaire`, in their order; `None` is hidden. Everybody comes first, then each group.
///
/// # Panics
///
/// If there are not as many `cells` as the questionnaire has, or the questionnaire is not that of the form.
#[must_use]
pub fn describe(
    form: &Form,
    questionnaire: &Questionnaire,
    count: u32,
    cells: &[Option<u128>],
) -> Vec<Group> {
    assert_eq!(cells.len(), questionnaire.output_len(), "a number for each cell, or none");
    let items: Vec<&ItemForm> = form.sections.iter().flat_map(|section| &section.items).collect();
    let everybody = Group { group: None, people: Some(count), summaries: Vec::new() };
    let mut groups = vec![everybody];
    let mut before = 0;
    for column in questionnaire.cells().chunk_by(same_column) {
        let numbers = &cells[before..before + column.len()];
        before += column.len();
        let (subject, group) = (column[0].subject, column[0].group);
        let described = group.map_or(0, |group| usize::from(group) + 1);
        let people = groups[described].people;
        let answered = match column[0].figure {
            Figure::Answered => people_of(numbers[0]),
            _ => people,
        };
        let figures = match column[0].figure {
            Figure::Answered => &numbers[1..],
            _ => numbers,
        };
        if group.is_none() && questionnaire.plan().grouping.map(Subject::Item) == Some(subject) {
            groups.extend(groups_of(&column[column.len() - 1], answered, figures));
        }
        let summary = Summary {
            subject,
            answered,
            missing: difference(people, answered),
            counts: Vec::new(),
            numbers: None,
        };
        groups[described].summaries.push(match subject {
            Subject::Item(item) => summary.of_item(items[item], figures),
            Subject::Score(score) => {
                summary.of_score(&questionnaire.plan().scores[score], questionnaire, figures)
            }
        });
    }
    groups
}

fn same_column(a: &Cell, b: &Cell) -> bool {
    (a.subject, a.group) == (b.subject, b.group)
}

fn people_of(cell: Option<u128>) -> Option<u32> {
    u32::try_from(cell?).ok()
}

fn difference(people: Option<u32>, of_them: Option<u32>) -> Option<u32> {
    people?.checked_sub(of_them?)
}

/// The groups that the answers to one item make, the last of whose cells this is.
fn groups_of(last: &Cell, answered: Option<u32>, figures: &[Option<u128>]) -> Vec<Group> {
    let mut sizes: Vec<Option<u32>> = figures.iter().copied().map(people_of).collect();
    if last.figure == Figure::Yes {
        sizes.push(difference(answered, sizes[0]));
    }
    let group = |(group, people)| Group { group: Some(group), people, summaries: Vec::new() };
    (0..).zip(sizes).map(group).collect()
}

/// How a column's whole numbers become those that people read: `min` plus the number, times `step`, with so many of
/// the digits behind the point.
#[derive(Clone, Copy)]
struct Unit {
    min: Option<i128>,
    step: u32,
    decimals: u8,
}

impl Unit {
    fn decimal(self, distance: u128) -> Option<Decimal> {
        let steps = self.min?.checked_add_unsigned(distance)?;
        Some(Decimal { mantissa: steps.checked_mul(self.step.into())?, decimals: self.decimals })
    }

    /// What so many people's distances from the smallest come to.
    fn sum(self, distances: u128, people: Option<u32>) -> Option<Decimal> {
        let min = match self.min? {
            0 => 0,
            min => min.checked_mul(people?.into())?,
        };
        Self { min: Some(min), ..self }.decimal(distances)
    }

    fn numbers(
        self,
        people: Option<u32>,
        sum: Option<u128>,
        deviation: Option<f64>,
        quartiles: Option<[(u128, u128); 3]>,
    ) -> Numbers {
        let sum = sum.and_then(|sum| self.sum(sum, people));
        let mean = sum.zip(people).and_then(|(sum, people)| sum.over(people));
        let step = Decimal { mantissa: self.step.into(), decimals: self.decimals }.to_f64();
        let quartile = |(a, b)| Decimal::halfway(self.decimal(a)?, self.decimal(b)?);
        let quartiles = quartiles.and_then(|[lower, median, upper]| {
            Some([quartile(lower)?, quartile(median)?, quartile(upper)?])
        });
        Numbers {
            sum,
            mean,
            standard_deviation: deviation.map(|deviation| deviation * step),
            quartiles,
        }
    }
}

impl Summary {
    fn of_item(mut self, item: &ItemForm, figures: &[Option<u128>]) -> Self {
        match &item.kind {
            Kind::YesNo => {
                let yes = people_of(figures[0]);
                let no = difference(self.answered, yes);
                self.count(Answer::Yes, yes);
                self.count(Answer::No, no);
            }
            Kind::Number(number) => {
                let min = Some(i128::from(number.range.min));
                let (step, decimals) = (number.range.step, number.range.decimals);
                self.sums(Unit { min, step, decimals }, figures);
            }
            Kind::Scale(scale) => {
                let min = Some(i128::from(scale.range.min));
                let (step, decimals) = (scale.range.step, scale.range.decimals);
                self.values(Unit { min, step, decimals }, figures);
            }
            Kind::Choice(options) => {
                self.options(figures);
                let values = |option: &OptionForm| Some(i128::from(i32::from(option.value?)));
                if let Some(values) = options.iter().map(values).collect::<Option<Vec<_>>>() {
                    let min = values.iter().copied().min();
                    let distance = |value: &i128| value.abs_diff(min.unwrap_or(0));
                    let unit = Unit { min, step: 1, decimals: 0 };
                    self.distributed(unit, values.iter().map(distance), figures);
                }
            }
            Kind::Choices(_) => self.options(figures),
        }
        self
    }

    fn of_score(
        mut self,
        score: &Score,
        questionnaire: &Questionnaire,
        figures: &[Option<u128>],
    ) -> Self {
        let unit = Unit { min: lowest(score, questionnaire), step: 1, decimals: 0 };
        if score.distribution {
            self.values(unit, figures);
        } else {
            self.sums(unit, figures);
        }
        self
    }

    fn count(&mut self, answer: Answer, people: Option<u32>) {
        let proportion =
            people.zip(self.answered).and_then(|(people, of)| Proportion::of(people, of));
        self.counts.push(Count { answer, people, proportion });
    }

    fn options(&mut self, figures: &[Option<u128>]) {
        for (option, number) in (0..).zip(figures) {
            self.count(Answer::Option(option), people_of(*number));
        }
    }

    /// Sum, squares, and a count for each number of steps from the smallest on.
    fn values(&mut self, unit: Unit, figures: &[Option<u128>]) {
        let (sums, counts) = figures.split_at(2);
        for (distance, number) in (0..).zip(counts) {
            if let Some(value) = unit.decimal(distance) {
                self.count(Answer::Value(value), people_of(*number));
            }
        }
        // The counts say what is hidden of the sums, if nothing of them is; else the sums what is hidden of the counts.
        self.distributed(unit, 0.., counts);
        let quartiles = self.numbers.and_then(|numbers| numbers.quartiles);
        if quartiles.is_none() {
            self.sums(unit, sums);
        }
    }

    /// Answers that are so far from the smallest.
    fn distributed(
        &mut self,
        unit: Unit,
        distances: impl Iterator<Item = u128>,
        figures: &[Option<u128>],
    ) {
        let known = Distribution::new(distances.zip(figures.iter().copied().map(people_of)));
        self.numbers = Some(match known {
            Some(known) => unit.numbers(
                Some(known.people()),
                Some(known.sum()),
                distribution::deviation(known.people(), known.sum(), known.squares()),
                known.quartiles(),
            ),
            None => unit.numbers(None, None, None, None),
        });
    }

    /// The sum, and where it is found out the sum of the squares.
    fn sums(&mut self, unit: Unit, figures: &[Option<u128>]) {
        let squares = figures.get(1).copied().flatten();
        let both = self.answered.zip(figures[0]).zip(squares);
        let deviation =
            both.and_then(|((people, sum), squares)| distribution::deviation(people, sum, squares));
        self.numbers = Some(unit.numbers(self.answered, figures[0], deviation, None));
    }
}

/// The least that answers can be worth together, if it fits.
fn lowest(score: &Score, questionnaire: &Questionnaire) -> Option<i128> {
    score.terms.iter().try_fold(0_i128, |sum, term| {
        let least = match (&term.points, &questionnaire.plan().items[term.item].question) {
            (Points::Times(weight), Question::Number(range)) => {
                let far = if *weight < 0 { range.max() } else { range.min() };
                far.checked_mul((*weight).into())?
            }
            (Points::Times(weight), _) => i128::from(*weight).min(0),
            (Points::PerOption(points), Question::Choice { .. }) => {
                points.iter().copied().min().unwrap_or(0).into()
            }
            // Nothing may have been chosen.
            (Points::PerOption(_), _) => 0,
        };
        sum.checked_add(least)
    })
}
