//! Questionnaires as the document has them (section 4), written down a second time: answers as elements, the circuit,
//! its query, and the cells. Nothing of the implementation's is used but the field.

use std::collections::BTreeMap;

use prio::field::FieldElement;
use serde_json::{Value, json};
use wardsum_protocol::field::{self, Field};
use wardsum_protocol::form::{Form, ItemForm, Kind, OptionForm, Steps};
use wardsum_protocol::questionnaire::Response;

use crate::validity::{lagrange, roots, weights};

/// A weighted sum over elements, and over 1.
#[derive(Clone, Debug, PartialEq)]
struct Sum {
    terms: BTreeMap<usize, Field>,
    one: Field,
}

fn number(value: i128) -> Field {
    let size = Field::from(value.unsigned_abs());
    if value < 0 { -size } else { size }
}

impl Sum {
    fn constant(value: i128) -> Self {
        Self { terms: BTreeMap::new(), one: number(value) }
    }

    fn element(at: usize) -> Self {
        Self { terms: BTreeMap::from([(at, Field::one())]), one: field::zero() }
    }

    fn plus(&self, other: &Self, times: i128) -> Self {
        let mut sum = self.clone();
        for (at, weight) in &other.terms {
            let entry = sum.terms.entry(*at).or_insert(field::zero());
            *entry += *weight * number(times);
        }
        sum.terms.retain(|_, weight| *weight != field::zero());
        sum.one += other.one * number(times);
        sum
    }

    fn of(&self, elements: &[Field], part: Field) -> Field {
        let terms = self.terms.iter().map(|(at, weight)| elements[*at] * *weight);
        terms.fold(self.one * part, |sum, term| sum + term)
    }
}

fn total<'a>(sums: impl IntoIterator<Item = &'a Sum>) -> Sum {
    sums.into_iter().fold(Sum::constant(0), |sum, next| sum.plus(next, 1))
}

/// What is found out of an item or a score.
#[derive(Clone)]
struct Column {
    answered: Option<Sum>,
    figures: Vec<(String, Sum, u128)>,
    /// Whether one of the figures is 1 for each who answered.
    one_of: bool,
    /// Whether the numbers of the figures are added up, and their squares.
    summed: bool,
}

impl Column {
    fn sums(&self) -> impl Iterator<Item = &Sum> {
        self.figures.iter().map(|(_, sum, _)| sum)
    }

    fn names(&self) -> Vec<(String, u128)> {
        let answered = self.answered.iter().map(|_| ("answered".to_owned(), 1));
        answered.chain(self.figures.iter().map(|(name, _, most)| (name.clone(), *most))).collect()
    }

    fn all(&self) -> Vec<Sum> {
        self.answered.iter().chain(self.sums()).cloned().collect()
    }

    /// 4.8: the sums over options behind how many answered.
    fn told(&self) -> Vec<(String, u128, Sum)> {
        let names = self.names().into_iter().zip(self.all());
        let mut told: Vec<_> = names.map(|((name, most), sum)| (name, most, sum)).collect();
        if self.summed {
            let sum = |power: fn(i128) -> i128| {
                let each = (0..).zip(self.sums());
                each.fold(Sum::constant(0), |all, (option, bit)| all.plus(bit, power(option)))
            };
            let (first, w) = (told.len() - self.figures.len(), self.figures.len() as u128 - 1);
            let squares = ("squares".to_owned(), w * w, sum(|option| option * option));
            told.insert(first, squares);
            told.insert(first, ("sum".to_owned(), w, sum(|option| option)));
        }
        told
    }

    /// The same with other sums, in the order of [`Self::all`].
    fn with(&self, sums: Vec<Sum>) -> Self {
        let mut sums = sums.into_iter();
        let answered = self.answered.as_ref().map(|_| sums.next().expect("as many"));
        let figures = self.figures.iter();
        let figures =
            figures.map(|(name, _, most)| (name.clone(), sums.next().expect("as many"), *most));
        Self { answered, figures: figures.collect(), one_of: self.one_of, summed: self.summed }
    }
}

/// Where the bits of an item stand.
struct Bits {
    first: usize,
    response: usize,
    slack: Vec<Field>,
    answered: Option<usize>,
}

/// A score: the items with their weights, and where its bits stand.
struct ScoreBits {
    terms: Vec<(usize, i128)>,
    complete: Option<usize>,
    /// How many more than one were not answered: from where on, and the weights.
    beyond_one: (usize, Vec<Field>),
    distribution: Option<(usize, usize)>,
}

/// Everything that a form asks.
pub(crate) struct Asked {
    form: Form,
    items: Vec<Bits>,
    scores: Vec<ScoreBits>,
    pub(crate) bits: usize,
    products: Vec<(Sum, Sum)>,
    /// What the gadget is called for behind the bits.
    calls: Vec<Sum>,
    /// What has to be zero besides the bits' values: values of calls, and elements.
    outputs: Vec<(Vec<(usize, i128)>, Sum)>,
    cells: Vec<(Value, Sum)>,
}

fn ends(steps: &Steps) -> (i128, i128) {
    (steps.min.into(), steps.max.into())
}

fn width(steps: &Steps) -> usize {
    usize::try_from(ends(steps).1 - ends(steps).0).expect("few steps")
}

fn is_one_of(item: &ItemForm) -> bool {
    matches!(item.kind, Kind::Scale(_) | Kind::Choice(_))
}

/// What each option is worth.
fn points(item: &ItemForm, weight: i128) -> Vec<i128> {
    let of_options = |options: &[OptionForm]| {
        let value = |option: &OptionForm| i128::from(i32::from(option.value.expect("a value")));
        options.iter().map(|option| value(option) * weight).collect()
    };
    match &item.kind {
        Kind::Scale(scale) => {
            let (min, max) = ends(&scale.range);
            (min..=max).map(|step| step * weight).collect()
        }
        Kind::Choice(options) => of_options(options),
        Kind::Choices(choices) => of_options(&choices.options),
        Kind::YesNo | Kind::Number(_) => unreachable!("they have no options"),
    }
}

/// The most that a response is worth above the least.
fn most_points(item: &ItemForm, weight: i128) -> i128 {
    match &item.kind {
        Kind::YesNo => weight.abs(),
        Kind::Number(of) => weight.abs() * (ends(&of.range).1 - ends(&of.range).0),
        Kind::Scale(_) | Kind::Choice(_) => {
            let points = points(item, weight);
            points.iter().max().unwrap() - points.iter().min().unwrap()
        }
        Kind::Choices(of) => {
            let mut points = points(item, weight);
            points.sort_by_key(|of| -of);
            points.iter().take(of.at_most.into()).sum()
        }
    }
}

/// What a response is worth above the least, where `one` is 1.
fn worth(item: &ItemForm, weight: i128, column: &Column, one: &Sum) -> Sum {
    let x = || column.sums().next().expect("a number or yes");
    match &item.kind {
        Kind::YesNo | Kind::Number(_) if weight >= 0 => Sum::constant(0).plus(x(), weight),
        Kind::YesNo | Kind::Number(_) => {
            let most = most_points(item, weight);
            Sum::constant(0).plus(one, most).plus(x(), weight)
        }
        Kind::Scale(_) | Kind::Choice(_) | Kind::Choices(_) => {
            let points = points(item, weight);
            let least = if is_one_of(item) { *points.iter().min().unwrap() } else { 0 };
            let bits = column.sums().zip(points);
            bits.fold(Sum::constant(0), |sum, (bit, points)| sum.plus(bit, points - least))
        }
    }
}

impl Asked {
    pub(crate) fn by(form: &Form) -> Self {
        let mut asked = Self {
            form: form.clone(),
            items: Vec::new(),
            scores: Vec::new(),
            bits: 0,
            products: Vec::new(),
            calls: Vec::new(),
            outputs: Vec::new(),
            cells: Vec::new(),
        };
        let items: Vec<ItemForm> = form.items().cloned().collect();
        asked.place(&items);
        let mut columns: Vec<Column> =
            items.iter().enumerate().map(|(at, item)| asked.item(at, item)).collect();
        for at in 0..form.scores.len() {
            let column = asked.score(at, &items, &columns);
            columns.push(column);
        }
        asked.tell(&columns, None, items.len());
        if let Some(grouping) = form.grouping {
            asked.groups(grouping.into(), &items, &columns);
        }
        asked
    }

    fn take(&mut self, len: usize) -> usize {
        self.bits += len;
        self.bits - len
    }

    /// 4.3 and 4.4: where everything stands.
    fn place(&mut self, items: &[ItemForm]) {
        for item in items {
            let (response, slack) = match &item.kind {
                Kind::YesNo => (1, vec![]),
                Kind::Number(of) => (weights(ends(&of.range).0, ends(&of.range).1).len(), vec![]),
                Kind::Scale(of) => (width(&of.range) + 1, vec![]),
                Kind::Choice(options) => (options.len(), vec![]),
                Kind::Choices(of) if usize::from(of.at_most) < of.options.len() => {
                    (of.options.len(), weights(0, of.at_most.into()))
                }
                Kind::Choices(of) => (of.options.len(), vec![]),
            };
            let first = self.take(response + slack.len());
            let tells = item.optional.0 && !is_one_of(item);
            let answered = tells.then(|| self.take(1));
            self.items.push(Bits { first, response, slack, answered });
        }
        for score in self.form.scores.clone() {
            let terms = score.terms.iter();
            let terms: Vec<(usize, i128)> =
                terms.map(|of| (of.item.into(), i32::from(of.weight).into())).collect();
            let width: i128 = terms.iter().map(|(at, by)| most_points(&items[*at], *by)).sum();
            let optional = terms.iter().filter(|(at, _)| items[*at].optional.0).count();
            let complete = (optional > 0).then(|| self.take(1));
            let most = i128::try_from(optional).expect("few") - 1;
            let of_missing = if most > 0 { weights(0, most) } else { vec![] };
            let beyond_one = (self.take(of_missing.len()), of_missing);
            let len = usize::try_from(width).expect("few values") + 1;
            let distribution = score.distribution.0.then(|| (self.take(len), len));
            self.scores.push(ScoreBits { terms, complete, beyond_one, distribution });
        }
    }

    /// The number of a call, counted from the first bit on.
    fn call(&mut self, sum: Sum) -> usize {
        if let Some(bit) = self.as_bit(&sum) {
            return bit;
        }
        let known = self.calls.iter().position(|call| *call == sum);
        self.bits
            + known.unwrap_or_else(|| {
                self.calls.push(sum);
                self.calls.len() - 1
            })
    }

    fn as_bit(&self, sum: &Sum) -> Option<usize> {
        (0..self.bits).find(|bit| *sum == Sum::element(*bit))
    }

    /// 4.7: twice the product of a sum and a bit.
    fn doubled(&mut self, x: &Sum, y: &Sum) -> Vec<(usize, i128)> {
        let mut values = vec![(self.call(x.plus(y, 1)), 1)];
        if self.as_bit(x).is_none() {
            values.push((self.call(x.clone()), -1));
        }
        values
    }

    fn element(&mut self, x: &Sum, y: &Sum) -> Sum {
        self.products.push((x.clone(), y.clone()));
        Sum::element(self.bits + self.products.len() - 1)
    }

    fn product(&mut self, x: &Sum, y: &Sum) -> Sum {
        let values = self.doubled(x, y);
        let element = self.element(x, y);
        self.outputs.push((values, Sum::constant(0).plus(&element, -2)));
        element
    }

    fn excludes(&mut self, x: &Sum, y: &Sum) {
        let values = self.doubled(x, y);
        self.outputs.push((values, Sum::constant(0)));
    }

    fn item(&mut self, at: usize, item: &ItemForm) -> Column {
        let Bits { first, response, .. } = self.items[at];
        let (slack, own) = (self.items[at].slack.clone(), self.items[at].answered);
        let bits: Vec<Sum> = (first..first + response).map(Sum::element).collect();
        let of_options = |one_of| {
            let figures = bits.iter().enumerate();
            let figures = figures.map(|(option, bit)| (format!("option {option}"), bit.clone(), 1));
            Column { answered: None, figures: figures.collect(), one_of, summed: false }
        };
        let mut column = match &item.kind {
            Kind::YesNo => {
                let figures = vec![("yes".to_owned(), bits[0].clone(), 1)];
                Column { answered: None, figures, one_of: false, summed: false }
            }
            Kind::Number(of) => {
                let (min, max) = ends(&of.range);
                let terms = weights(min, max).into_iter().enumerate();
                let terms = terms.map(|(bit, weight)| (first + bit, weight)).collect();
                let x = Sum { terms, one: field::zero() };
                let w = max.abs_diff(min);
                let mut figures = vec![("sum".to_owned(), x.clone(), w)];
                if of.squares.0 {
                    let value = self.call(x.clone());
                    let square = self.element(&x, &x);
                    self.outputs.push((vec![(value, 1)], x.plus(&square, -1)));
                    figures.push(("squares".to_owned(), square, w * w));
                }
                Column { answered: None, figures, one_of: false, summed: false }
            }
            Kind::Scale(_) => Column { summed: true, ..of_options(true) },
            Kind::Choice(_) => of_options(true),
            Kind::Choices(_) => of_options(false),
        };
        if let (Kind::Choices(of), false) = (&item.kind, slack.is_empty()) {
            let terms = slack.into_iter().enumerate();
            let terms = terms.map(|(bit, weight)| (first + response + bit, weight)).collect();
            let chosen = total(column.sums()).plus(&Sum { terms, one: field::zero() }, 1);
            let most = Sum::constant(of.at_most.into());
            self.outputs.push((vec![], chosen.plus(&most, -1)));
        }
        let any = total(column.sums());
        match own {
            Some(bit) => {
                let answered = Sum::element(bit);
                let x = match &item.kind {
                    Kind::Choices(_) => any,
                    _ => column.figures[0].1.clone(),
                };
                self.excludes(&x, &Sum::constant(1).plus(&answered, -1));
                column.answered = Some(answered);
            }
            None if column.one_of && item.optional.0 => {
                let value = self.call(any.clone());
                self.outputs.push((vec![(value, 1)], Sum::constant(0)));
                column.answered = Some(any);
            }
            None if column.one_of => {
                self.outputs.push((vec![], any.plus(&Sum::constant(1), -1)));
            }
            None => {}
        }
        column
    }

    fn score(&mut self, at: usize, items: &[ItemForm], columns: &[Column]) -> Column {
        let ScoreBits { terms, complete, beyond_one, distribution } = &self.scores[at];
        let (terms, complete, distribution) = (terms.clone(), *complete, *distribution);
        let (first, of_missing) = beyond_one.clone();
        let beyond_one = Sum { terms: (first..).zip(of_missing).collect(), one: field::zero() };
        let one = Sum::constant(1);
        let worths = terms.iter().map(|(at, by)| worth(&items[*at], *by, &columns[*at], &one));
        let value = total(&worths.collect::<Vec<_>>());
        let answered = complete.map(Sum::element);
        let mut counted = value.clone();
        if let Some(complete) = &answered {
            let missing = terms.iter().filter_map(|(at, _)| columns[*at].answered.as_ref());
            let missing = missing.map(|answered| one.plus(answered, -1)).collect::<Vec<_>>();
            let missing = total(&missing);
            let left_out = missing.plus(&one, -1).plus(complete, 1);
            self.outputs.push((vec![], left_out.plus(&beyond_one, -1)));
            self.excludes(&missing, complete);
            counted = self.product(&value, complete);
        }
        let Some((first, len)) = distribution else {
            let width: i128 = terms.iter().map(|(at, by)| most_points(&items[*at], *by)).sum();
            let figures = vec![("sum".to_owned(), counted, width.unsigned_abs())];
            return Column { answered, figures, one_of: false, summed: false };
        };
        let bits: Vec<Sum> = (first..first + len).map(Sum::element).collect();
        let whole = answered.clone().unwrap_or(one);
        self.outputs.push((vec![], total(&bits).plus(&whole, -1)));
        let positions = (0..).zip(&bits);
        let value = positions.fold(Sum::constant(0), |sum, (at, bit)| sum.plus(bit, at));
        self.outputs.push((vec![], value.plus(&counted, -1)));
        let figures = bits.into_iter().enumerate();
        let figures = figures.map(|(value, bit)| (format!("option {value}"), bit, 1)).collect();
        Column { answered, figures, one_of: true, summed: true }
    }

    /// 4.5, 4.6 number 3, and 4.8.
    fn groups(&mut self, grouping: usize, items: &[ItemForm], columns: &[Column]) {
        let mut members: Vec<Sum> = columns[grouping].sums().cloned().collect();
        if members.len() == 1 {
            let everybody = columns[grouping].answered.clone().unwrap_or(Sum::constant(1));
            members.push(everybody.plus(&members[0], -1));
        }
        let whole = !items[grouping].optional.0;
        let mut groups: Vec<Vec<Column>> = Vec::new();
        for (group, member) in members.iter().enumerate() {
            let last = whole && group + 1 == members.len();
            let mut own: Vec<Column> = Vec::new();
            for (at, column) in columns.iter().enumerate() {
                let score =
                    at.checked_sub(items.len()).map(|score| self.scores[score].terms.clone());
                let within = if at == grouping {
                    let sums = column.all().into_iter().enumerate().map(|(figure, _)| {
                        let option = figure.checked_sub(usize::from(column.answered.is_some()));
                        let others = option.is_some_and(|option| option != group);
                        if others { Sum::constant(0) } else { member.clone() }
                    });
                    column.with(sums.collect())
                } else if last {
                    let all = column.all().into_iter().enumerate();
                    let rest = all.map(|(figure, all)| {
                        let of = |columns: &Vec<Column>| columns[at].all()[figure].clone();
                        groups.iter().fold(all, |rest, other| rest.plus(&of(other), -1))
                    });
                    column.with(rest.collect())
                } else if let (Some(terms), None, false) = (&score, &column.answered, column.one_of)
                {
                    let worths =
                        terms.iter().map(|(at, by)| worth(&items[*at], *by, &own[*at], member));
                    column.with(vec![total(&worths.collect::<Vec<_>>())])
                } else if column.one_of {
                    let options: Vec<Sum> = column.sums().cloned().collect();
                    let left = usize::from(column.answered.is_none());
                    let (multiplied, rest) = options.split_at(options.len() - left);
                    let mut sums: Vec<Sum> =
                        multiplied.iter().map(|option| self.product(option, member)).collect();
                    let chosen = total(&sums);
                    if rest.is_empty() {
                        sums.insert(0, chosen);
                    } else {
                        sums.push(member.plus(&chosen, -1));
                    }
                    column.with(sums)
                } else {
                    let sums = column.all();
                    column.with(sums.iter().map(|sum| self.product(sum, member)).collect())
                };
                own.push(within);
            }
            self.tell(&own, Some((group, grouping)), items.len());
            groups.push(own);
        }
    }

    fn tell(&mut self, columns: &[Column], group: Option<(usize, usize)>, items: usize) {
        for (at, column) in columns.iter().enumerate() {
            if group.is_some_and(|(_, grouping)| grouping == at) {
                continue;
            }
            let subject = match at.checked_sub(items) {
                None => format!("item {at}"),
                Some(score) => format!("score {score}"),
            };
            let group = group.map(|(group, _)| group);
            for (figure, most, sum) in column.told() {
                let cell = json!({
                    "subject": subject, "group": group, "figure": figure, "most": most.to_string(),
                });
                self.cells.push((cell, sum));
            }
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.bits + self.calls.len()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.bits + self.outputs.len()
    }

    pub(crate) fn elements(&self) -> usize {
        self.bits + self.products.len()
    }

    pub(crate) fn cells(&self) -> Value {
        self.cells.iter().map(|(cell, _)| cell.clone()).collect()
    }

    /// The aggregate map, where a constant stands for this many times its part.
    pub(crate) fn aggregate(&self, sum: &[Field], constants: Field) -> Vec<Field> {
        self.cells.iter().map(|(_, cell)| cell.of(sum, constants)).collect()
    }

    /// An answer as elements.
    pub(crate) fn encode(&self, responses: &[Response]) -> Vec<Field> {
        let mut elements = vec![field::zero(); self.bits];
        let set = |elements: &mut [Field], first: usize, min: i128, max: i128, value: i128| {
            for (at, bit) in number_bits(min, max, value).into_iter().enumerate() {
                elements[first + at] = Field::from(u128::from(bit));
            }
        };
        let items: Vec<&ItemForm> = self.form.items().collect();
        for ((item, bits), response) in items.iter().zip(&self.items).zip(responses) {
            let mut chosen = 0;
            match (&item.kind, response) {
                (Kind::Number(of), Response::Number(value)) => {
                    let (min, max) = ends(&of.range);
                    set(&mut elements, bits.first, min, max, *value);
                }
                (_, Response::YesNo(yes)) => {
                    elements[bits.first] = Field::from(u128::from(*yes));
                }
                (_, Response::Choice(option)) => {
                    elements[bits.first + usize::from(*option)] = Field::one();
                }
                (_, Response::Choices(options)) => {
                    chosen = i128::try_from(options.len()).expect("few");
                    for option in options {
                        elements[bits.first + usize::from(*option)] = Field::one();
                    }
                }
                _ => {}
            }
            if let (Kind::Choices(of), false) = (&item.kind, bits.slack.is_empty()) {
                let most = i128::from(of.at_most);
                set(&mut elements, bits.first + bits.response, 0, most, most - chosen);
            }
            if let Some(at) = bits.answered {
                elements[at] = Field::from(u128::from(*response != Response::None));
            }
        }
        for score in &self.scores {
            let left_out = |(at, _): &&(usize, i128)| responses[*at] == Response::None;
            let missing = i128::try_from(score.terms.iter().filter(left_out).count()).expect("few");
            if missing > 0 {
                if !score.beyond_one.1.is_empty() {
                    let optional = score.terms.iter().filter(|(at, _)| items[*at].optional.0);
                    let most = i128::try_from(optional.count()).expect("few") - 1;
                    set(&mut elements, score.beyond_one.0, 0, most, missing - 1);
                }
                continue;
            }
            let of = |(at, by): &(usize, i128)| value_of(items[*at], *by, &responses[*at]);
            let value: i128 = score.terms.iter().map(of).sum();
            if let Some(at) = score.complete {
                elements[at] = Field::one();
            }
            if let Some((first, _)) = score.distribution {
                elements[first + usize::try_from(value).expect("small")] = Field::one();
            }
        }
        for (x, y) in &self.products {
            let product = x.of(&elements, Field::one()) * y.of(&elements, Field::one());
            elements.push(product);
        }
        elements
    }

    /// 4.10: what is found of an answer with its proof, or of a share of it in which constants have this part.
    pub(crate) fn query(&self, share: &[Field], randomness: &[Field], part: Field) -> [Field; 3] {
        let (elements, proof) = share.split_at(self.elements());
        let (seed, gadget) = proof.split_first().expect("a proof begins with the wire's seed");
        let mut points = 1;
        while points < self.calls() + 1 {
            points *= 2;
        }
        let (at, coefficients) = randomness.split_last().expect("there is a point");
        let finer: Vec<Field> = roots(2 * points).into_iter().take(gadget.len()).collect();
        let gadget_at = |x: Field| lagrange(&finer, gadget, x);
        let called = elements[..self.bits].iter().copied();
        let called = called.chain(self.calls.iter().map(|call| call.of(elements, part)));
        let mut wire = vec![*seed];
        wire.extend(called);
        wire.resize(points, field::zero());
        let wires = roots(points);
        let value = |call: usize| gadget_at(wires[call + 1]);
        let outputs = self.outputs.iter().map(|(values, rest)| {
            let values = values.iter().map(|(call, weight)| value(*call) * number(*weight));
            values.fold(rest.of(elements, part), |sum, term| sum + term)
        });
        let outputs: Vec<Field> = (0..self.bits).map(value).chain(outputs).collect();
        let output = if coefficients.is_empty() {
            outputs[0]
        } else {
            assert_eq!(outputs.len(), coefficients.len(), "one for each output");
            let terms = outputs.iter().zip(coefficients).map(|(out, by)| *out * *by);
            terms.fold(field::zero(), |sum, term| sum + term)
        };
        [output, lagrange(&wires, &wire, *at), gadget_at(*at)]
    }
}

/// 4.2.
fn number_bits(min: i128, max: i128, value: i128) -> Vec<bool> {
    let last = u128::from(*weights(min, max).last().expect("a bit at least"));
    let len = weights(min, max).len();
    let mut rest = value.abs_diff(min);
    let trimmed = rest > (1 << (len - 1)) - 1;
    if trimmed {
        rest -= last;
    }
    (0..len - 1).map(|bit| rest >> bit & 1 == 1).chain([trimmed]).collect()
}

/// What a response is worth above the least, in plain numbers.
fn value_of(item: &ItemForm, weight: i128, response: &Response) -> i128 {
    match (&item.kind, response) {
        (Kind::Number(of), Response::Number(value)) => {
            let (min, max) = ends(&of.range);
            if weight >= 0 { weight * (value - min) } else { -weight * (max - value) }
        }
        (_, Response::YesNo(yes)) => {
            let yes = i128::from(*yes);
            if weight >= 0 { weight * yes } else { -weight * (1 - yes) }
        }
        (_, Response::Choice(option)) => {
            let points = points(item, weight);
            points[usize::from(*option)] - points.iter().min().unwrap()
        }
        (_, Response::Choices(options)) => {
            let points = points(item, weight);
            options.iter().map(|option| points[usize::from(*option)]).sum()
        }
        _ => unreachable!("it was answered"),
    }
}
