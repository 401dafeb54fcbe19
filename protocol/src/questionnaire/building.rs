//! How a plan becomes bits, a circuit and cells.

use core::ops::Range;

use prio::field::FieldElement;

use super::{
    CALLS_MAX, CELLS_MAX, Cell, Circuit, Figure, Form, INPUT_LEN_MAX, Item, ItemBits, Plan, Points,
    Question, Questionnaire, QuestionnaireError, Score, ScoreBits, Subject, Term,
};
use crate::encoding::IntegerRange;
use crate::field::{self, Field};

impl Questionnaire {
    /// What `plan` asks, if it can be asked.
    pub fn planned(plan: Plan) -> Result<Self, QuestionnaireError> {
        if plan.items.is_empty() {
            return Err(QuestionnaireError::Empty);
        }
        // Each of them is one number at least: before anything is made of them.
        check_cells(plan.items.len().saturating_add(plan.scores.len()))?;
        let mut bits = 0;
        let mut items = Vec::with_capacity(plan.items.len());
        for (number, item) in (1..).zip(&plan.items) {
            items.push(place_item(number, item, &mut bits)?);
        }
        let mut placed = Vec::with_capacity(plan.scores.len());
        for (number, score) in (1..).zip(&plan.scores) {
            placed.push(place_score(number, score, &plan.items, &mut bits)?);
        }

        let mut circuit = Circuit::new(bits);
        let pairs = plan.items.iter().zip(&items);
        let mut columns: Vec<Column> =
            pairs.map(|(item, bits)| item_column(item, bits, &mut circuit)).collect();
        let mut scores = Vec::with_capacity(plan.scores.len());
        for (score, placed) in plan.scores.iter().zip(placed) {
            let (bits, column) = score_column(score, placed, &plan.items, &columns, &mut circuit);
            scores.push(bits);
            columns.push(column);
        }
        let mut cells = cells(&plan, &columns, None);
        check_cells(cells.len())?;
        if let Some(grouping) = plan.grouping {
            let groups = Groups::new(&plan, grouping, &columns)?;
            groups.check_len(&circuit)?;
            check_cells(cells.len() + groups.members.len() * groups.cells_len())?;
            for (group, columns) in (0..).zip(groups.columns(&mut circuit)) {
                cells.extend(self::cells(&plan, &columns, Some(group)));
            }
        }
        check_len(circuit.input_len(), circuit.calls_len())?;
        Ok(Self { plan, items, scores, circuit, cells })
    }
}

fn check_len(len: usize, calls: usize) -> Result<(), QuestionnaireError> {
    if len > INPUT_LEN_MAX || calls > CALLS_MAX {
        return Err(QuestionnaireError::Length { len, calls });
    }
    Ok(())
}

fn check_cells(cells: usize) -> Result<(), QuestionnaireError> {
    if cells > CELLS_MAX {
        return Err(QuestionnaireError::Cells { cells });
    }
    Ok(())
}

/// The next bits.
fn take(bits: &mut usize, len: usize) -> Result<Range<usize>, QuestionnaireError> {
    let first = *bits;
    *bits = first.saturating_add(len);
    check_len(*bits, *bits)?;
    Ok(first..*bits)
}

fn place_item(
    number: usize,
    item: &Item,
    bits: &mut usize,
) -> Result<ItemBits, QuestionnaireError> {
    let question = &item.question;
    if let Some((options, at_most)) = question.options() {
        let least = if matches!(question, Question::Choice { .. }) { 2 } else { 1 };
        if options < least || at_most == 0 || at_most > options {
            return Err(QuestionnaireError::Options { number, options, at_most });
        }
    }
    if item.squares {
        let square = match question {
            Question::Number(range) => range.width().checked_mul(range.width()),
            Question::Choice { .. } => Some(1),
            _ => None,
        };
        if square.is_none_or(|square| square >= field::modulus()) {
            return Err(QuestionnaireError::Squares { number });
        }
    }
    let answer = take(bits, question.answer_len())?;
    let slack = match question.slack() {
        Some(range) => Some((take(bits, range.len())?.start, range)),
        None => None,
    };
    // Of one choice there is always a one if it was answered.
    let tells = matches!(question, Question::Choice { .. });
    let answered = if item.optional && !tells { Some(take(bits, 1)?.start) } else { None };
    Ok(ItemBits { answer, slack, answered })
}

/// Where the bits of a score stand, and by how much its highest value exceeds its lowest.
struct Placed {
    complete: Option<usize>,
    beyond_one: Option<(usize, IntegerRange)>,
    distribution: Option<Range<usize>>,
    width: u128,
}

fn place_score(
    number: usize,
    score: &Score,
    items: &[Item],
    bits: &mut usize,
) -> Result<Placed, QuestionnaireError> {
    let impossible = QuestionnaireError::Score { number };
    let mut width = 0_u128;
    for (position, term) in score.terms.iter().enumerate() {
        let again = score.terms[..position].iter().any(|other| other.item == term.item);
        let of_term = items.get(term.item).and_then(|item| term.points.width(&item.question));
        let of_term = of_term.filter(|_| !again).ok_or(impossible)?;
        width = width.checked_add(of_term).ok_or(impossible)?;
    }
    // A score that is the same for everybody tells nothing.
    if width == 0 || width >= field::modulus() {
        return Err(impossible);
    }
    let optional = score.terms.iter().filter(|term| items[term.item].optional).count();
    let complete = if optional > 0 { Some(take(bits, 1)?.start) } else { None };
    let most = i128::try_from(optional.saturating_sub(1)).ok();
    let beyond_one = match most.filter(|most| *most > 0).and_then(|most| IntegerRange::new(0, most))
    {
        Some(range) => Some((take(bits, range.len())?.start, range)),
        None => None,
    };
    let distribution = if score.distribution {
        let values = usize::try_from(width).unwrap_or(usize::MAX).saturating_add(1);
        Some(take(bits, values)?)
    } else {
        None
    };
    Ok(Placed { complete, beyond_one, distribution, width })
}

fn element_of(number: i64) -> Field {
    let size = Field::from(u128::from(number.unsigned_abs()));
    if number < 0 { -size } else { size }
}

impl Points {
    /// By how much the most that an answer to `question` is worth exceeds the least; `None` if its answers cannot be
    /// worth that.
    pub(crate) fn width(&self, question: &Question) -> Option<u128> {
        match (self, question) {
            (Self::Times(weight), Question::Number(range)) => {
                range.width().checked_mul(u128::from(weight.unsigned_abs()))
            }
            (Self::Times(weight), Question::YesNo) => Some(u128::from(weight.unsigned_abs())),
            (Self::PerOption(points), Question::Choice { options })
                if points.len() == usize::from(*options) =>
            {
                let (least, most) = (points.iter().min()?, points.iter().max()?);
                Some(u128::from(most.abs_diff(*least)))
            }
            (Self::PerOption(points), Question::Choices { options, at_most })
                if points.len() == usize::from(*options) =>
            {
                let points = points.iter().map(|&points| u128::try_from(points).ok());
                let mut points: Vec<u128> = points.collect::<Option<_>>()?;
                // The largest ones. To sort them would be kilobytes of the page.
                let mut largest = || {
                    let (place, _) =
                        points.iter().enumerate().max_by_key(|(_, points)| **points)?;
                    Some(points.swap_remove(place))
                };
                Some((0..*at_most).map_while(|_| largest()).sum())
            }
            _ => None,
        }
    }
}

impl Term {
    /// By how much what an answer is worth exceeds the least, where `column` tells of the answer and `whole` is 1, or of
    /// those in a group where it is 1 for them.
    fn worth(&self, column: &Column, whole: &Form) -> Form {
        match &self.points {
            Points::Times(weight) => {
                let (_, form, most) = &column.figures[0];
                let size = Field::from(u128::from(weight.unsigned_abs()));
                if *weight < 0 {
                    (whole.clone().scaled(Field::from(*most)) - form).scaled(size)
                } else {
                    form.clone().scaled(size)
                }
            }
            Points::PerOption(points) => {
                let least = if column.one_hot { points.iter().min().copied() } else { None };
                let least = i64::from(least.unwrap_or(0));
                let figures = column.figures.iter().zip(points);
                Form::sum(
                    figures.map(|((_, form, _), points)| {
                        (form, element_of(i64::from(*points) - least))
                    }),
                )
            }
        }
    }
}

impl Score {
    fn worth(&self, columns: &[Column], whole: &Form) -> Form {
        let terms = self.terms.iter().map(|term| term.worth(&columns[term.item], whole));
        let terms: Vec<Form> = terms.collect();
        Form::sum(terms.iter().map(|term| (term, Field::one())))
    }
}

/// What is found out about one question or score, of everybody or of one group.
#[derive(Clone)]
struct Column {
    /// Whether somebody answered; `None` if everybody has to.
    answered: Option<Form>,
    /// What is found out besides, with the most that one answer adds.
    figures: Vec<(Figure, Form, u128)>,
    /// Whether one of the figures is 1 for each who answers, and the others are 0.
    one_hot: bool,
    /// Whether the numbers of the figures are added up too, and their squares.
    summed: bool,
}

impl Column {
    /// One figure for each bit.
    fn of_options(bits: Range<usize>, one_hot: bool) -> Self {
        let figures = (0..)
            .zip(bits)
            .map(|(option, position)| (Figure::Option(option), Form::element(position), 1));
        Self { answered: None, figures: figures.collect(), one_hot, summed: false }
    }

    fn total(&self) -> Form {
        Form::sum(self.figures.iter().map(|(_, form, _)| (form, Field::one())))
    }

    /// The sum of the figures, each times its number to this power.
    fn weighted_total(&self, power: u32) -> Form {
        let figures = (0_u128..).zip(&self.figures);
        Form::sum(figures.map(|(number, (_, form, _))| (form, Field::from(number.pow(power)))))
    }

    /// The cells of it: how many answered, sums, and what else is found out.
    fn cells(&self) -> Vec<(Figure, Form, u128)> {
        let answered = self.answered.iter().map(|form| (Figure::Answered, form.clone(), 1));
        let sums = [(Figure::Sum, 1), (Figure::Squares, 2)].into_iter().filter(|_| self.summed);
        let sums = sums.map(|(figure, power)| {
            // There are no more figures than elements in an answer, and so this is far from wrapping around.
            let most = self.figures.len().saturating_sub(1) as u128;
            (figure, self.weighted_total(power), most.pow(power))
        });
        answered.chain(sums).chain(self.figures.iter().cloned()).collect()
    }

    /// The same figures, made of others.
    fn map(&self, mut of: impl FnMut(Figure, &Form) -> Form) -> Self {
        let answered = self.answered.as_ref().map(|form| of(Figure::Answered, form));
        let figures =
            self.figures.iter().map(|(figure, form, most)| (*figure, of(*figure, form), *most));
        Self { answered, figures: figures.collect(), ..*self }
    }

    /// How many cells it has.
    fn cells_len(&self) -> usize {
        let sums = if self.summed { 2 } else { 0 };
        usize::from(self.answered.is_some()) + sums + self.figures.len()
    }

    /// How many products it takes in a group, unless everything is there that it is made of.
    fn products_len(&self) -> usize {
        let answered = usize::from(self.answered.is_some());
        // One of the two follows from the others where they are one-hot.
        if self.one_hot { self.figures.len() + answered - 1 } else { self.figures.len() + answered }
    }

    /// What there is of it in the group of those for whom `member` is 1 and not 0.
    fn within(&self, member: &Form, circuit: &mut Circuit) -> Self {
        if !self.one_hot {
            return self.map(|_, form| circuit.product(form, member));
        }
        // How many answered, or how many chose the last option, follows from the others.
        let mut group = self.clone();
        let multiplied = self.figures.len() - usize::from(self.answered.is_none());
        for (_, form, _) in &mut group.figures[..multiplied] {
            *form = circuit.product(form, member);
        }
        if self.answered.is_some() {
            group.answered = Some(group.total());
        } else if let Some((_, last, _)) = group.figures.last_mut() {
            *last = Form::zero();
            let others = group.total();
            group.figures[multiplied].1 = member.clone() - &others;
        }
        group
    }

    /// What there is of it in no group of these.
    fn beyond<'a>(&self, groups: impl Iterator<Item = &'a Self>) -> Self {
        groups.fold(self.clone(), |mut rest, group| {
            if let (Some(answered), Some(other)) = (&mut rest.answered, &group.answered) {
                *answered = answered.clone() - other;
            }
            for ((_, form, _), (_, other, _)) in rest.figures.iter_mut().zip(&group.figures) {
                *form = form.clone() - other;
            }
            rest
        })
    }
}

fn item_column(item: &Item, bits: &ItemBits, circuit: &mut Circuit) -> Column {
    let first = bits.answer.start;
    let mut column = match &item.question {
        Question::Number(range) => {
            let sum = Form::weighted(first, range.weights());
            let mut figures = vec![(Figure::Sum, sum.clone(), range.width())];
            if item.squares {
                let most = range.width() * range.width();
                figures.push((Figure::Squares, circuit.square(&sum), most));
            }
            Column { answered: None, figures, one_hot: false, summed: false }
        }
        Question::YesNo => {
            let figures = vec![(Figure::Yes, Form::element(first), 1)];
            Column { answered: None, figures, one_hot: false, summed: false }
        }
        Question::Choice { .. } => {
            Column { summed: item.squares, ..Column::of_options(bits.answer.clone(), true) }
        }
        Question::Choices { .. } => Column::of_options(bits.answer.clone(), false),
    };
    if let Some((at, range)) = &bits.slack {
        let (_, at_most) = item.question.options().expect("what is limited has options");
        let unused = Form::weighted(*at, range.weights());
        let at_most = Form::constant(Field::from(u128::from(at_most)));
        circuit.is_zero(column.total() + &unused - &at_most);
    }
    if let Some(position) = bits.answered {
        let answered = Form::element(position);
        let anything = match &item.question {
            Question::Choices { .. } => column.total(),
            _ => column.figures[0].1.clone(),
        };
        circuit.excludes(&anything, &(Form::one() - &answered));
        column.answered = Some(answered);
    } else if column.one_hot && item.optional {
        circuit.is_bit(column.total());
        column.answered = Some(column.total());
    } else if column.one_hot {
        circuit.is_zero(column.total() - &Form::one());
    }
    column
}

fn score_column(
    score: &Score,
    placed: Placed,
    items: &[Item],
    columns: &[Column],
    circuit: &mut Circuit,
) -> (ScoreBits, Column) {
    let value = score.worth(columns, &Form::one());
    let answered = score.terms.iter().filter_map(|term| columns[term.item].answered.as_ref());
    let missing = answered.fold(Form::zero(), |sum, answered| sum + &(Form::one() - answered));
    debug_assert_eq!(
        placed.complete.is_some(),
        score.terms.iter().any(|term| items[term.item].optional)
    );
    let complete = placed.complete.map(Form::element);
    let counted = match &complete {
        Some(complete) => {
            // Whoever answered everything has a value: without this, one could leave it out and be counted all the same.
            let beyond_one = placed.beyond_one.as_ref();
            let beyond_one = beyond_one
                .map_or_else(Form::zero, |(at, range)| Form::weighted(*at, range.weights()));
            circuit.is_zero(missing.clone() + complete - &Form::one() - &beyond_one);
            circuit.excludes(&missing, complete);
            circuit.product(&value, complete)
        }
        None => value.clone(),
    };
    let mut column = if let Some(values) = &placed.distribution {
        Column { summed: true, ..Column::of_options(values.clone(), true) }
    } else {
        let figures = vec![(Figure::Sum, counted.clone(), placed.width)];
        Column { answered: None, figures, one_hot: false, summed: false }
    };
    if column.one_hot {
        let whole = complete.clone().unwrap_or_else(Form::one);
        circuit.is_zero(column.total() - &whole);
        circuit.is_zero(column.weighted_total(1) - &counted);
    }
    column.answered = complete;
    let Placed { complete, beyond_one, distribution, .. } = placed;
    (ScoreBits { complete, beyond_one, missing, value, distribution }, column)
}

/// The groups by whose answers to one question everything is told apart.
struct Groups<'a> {
    plan: &'a Plan,
    grouping: usize,
    columns: &'a [Column],
    /// For each group, what is 1 for whoever is in it, and else 0.
    members: Vec<Form>,
    /// Whether everybody is in one of them.
    whole: bool,
}

impl<'a> Groups<'a> {
    fn new(
        plan: &'a Plan,
        grouping: usize,
        columns: &'a [Column],
    ) -> Result<Self, QuestionnaireError> {
        let nothing = QuestionnaireError::Grouping { number: grouping.saturating_add(1) };
        let item = plan.items.get(grouping).ok_or(nothing)?;
        let Column { answered, figures, .. } = &columns[grouping];
        let mut members: Vec<Form> = figures.iter().map(|(_, form, _)| form.clone()).collect();
        match item.question {
            Question::YesNo => {
                let answered = answered.clone().unwrap_or_else(Form::one);
                members.push(answered - &members[0]);
            }
            Question::Choice { .. } => {}
            Question::Number(_) | Question::Choices { .. } => return Err(nothing),
        }
        Ok(Self { plan, grouping, columns, members, whole: !item.optional })
    }

    /// Before so many products are made: whether they fit. Each takes a call at least.
    fn check_len(&self, circuit: &Circuit) -> Result<(), QuestionnaireError> {
        let multiplied = self.columns.iter().enumerate().filter(|(position, column)| {
            *position != self.grouping && !self.follows(*position, column)
        });
        let products: usize = multiplied.map(|(_, column)| column.products_len()).sum();
        let products = products * (self.members.len() - usize::from(self.whole));
        check_len(circuit.input_len() + products, circuit.calls_len() + products)
    }

    /// How many cells there are in each group.
    fn cells_len(&self) -> usize {
        let others = self.columns.iter().enumerate().filter(|(at, _)| *at != self.grouping);
        others.map(|(_, column)| column.cells_len()).sum()
    }

    /// Whether what there is of the column in a group follows from what it is made of: a score that has neither a
    /// distribution nor an item that may be left out.
    fn follows(&self, position: usize, column: &Column) -> bool {
        position >= self.plan.items.len() && column.answered.is_none() && !column.one_hot
    }

    /// The columns of each group.
    fn columns(&self, circuit: &mut Circuit) -> Vec<Vec<Column>> {
        let mut groups: Vec<Vec<Column>> = Vec::with_capacity(self.members.len());
        for (group, member) in self.members.iter().enumerate() {
            let rest = self.whole && group + 1 == self.members.len();
            let mut columns: Vec<Column> = Vec::with_capacity(self.columns.len());
            for (position, column) in self.columns.iter().enumerate() {
                let score = position.checked_sub(self.plan.items.len());
                let score = score.map(|score| &self.plan.scores[score]);
                columns.push(match score {
                    _ if position == self.grouping => column.only(group, member),
                    _ if rest => column.beyond(groups.iter().map(|columns| &columns[position])),
                    Some(score) if self.follows(position, column) => {
                        column.map(|_, _| score.worth(&columns, member))
                    }
                    _ => column.within(member, circuit),
                });
            }
            groups.push(columns);
        }
        groups
    }
}

impl Column {
    /// Of the grouping question: everybody in the group answered the same.
    fn only(&self, group: usize, member: &Form) -> Self {
        self.map(|figure, _| match figure {
            Figure::Option(option) if usize::from(option) != group => Form::zero(),
            Figure::Yes if group != 0 => Form::zero(),
            _ => member.clone(),
        })
    }
}

/// The cells of these columns; the group's own question has none in a group.
fn cells(plan: &Plan, columns: &[Column], group: Option<u16>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (position, column) in columns.iter().enumerate() {
        if group.is_some() && plan.grouping == Some(position) {
            continue;
        }
        let subject = match position.checked_sub(plan.items.len()) {
            None => Subject::Item(position),
            Some(score) => Subject::Score(score),
        };
        let figures = column.cells().into_iter();
        cells.extend(figures.map(|(figure, form, most)| Cell {
            subject,
            group,
            figure,
            most,
            form,
        }));
    }
    cells
}
