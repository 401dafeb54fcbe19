//! No small number is a sum and difference of shown ones: that is calculated in the field, without rounding, for plans
//! and answers that look random, by what honest people's answers add to each number.

use prio::field::FieldElement;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::Field;
use wardsum_protocol::questionnaire::{
    Figure, Item, Plan, Points, Question, Questionnaire, Response, Score, Subject, Term,
};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::suppression::hidden;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::real_studies::Numbers;
use super::small_studies::small;

const MINIMUM: u32 = 5;

fn response(dice: &mut Numbers, item: &Item) -> Response {
    if item.optional && dice.below(5) == 0 {
        return Response::None;
    }
    match &item.question {
        Question::Number(range) if range.width() > 1_000 => {
            let share = i128::from(dice.below(u16::MAX));
            let width = i128::try_from(range.width()).expect("a number of steps");
            Response::Number(range.min() + width * share / i128::from(u16::MAX))
        }
        Question::YesNo => Response::YesNo(dice.below(4) == 0),
        Question::Choices { options, at_most } => {
            let mut chosen: Vec<u16> =
                (0..dice.below(at_most + 1)).map(|_| dice.below(*options)).collect();
            chosen.sort_unstable();
            chosen.dedup();
            Response::Choices(chosen)
        }
        question => dice.response(question),
    }
}

fn answer(dice: &mut Numbers, questionnaire: &Questionnaire) -> Vec<Field> {
    let items = &questionnaire.plan().items;
    let responses: Vec<Response> = items.iter().map(|item| response(dice, item)).collect();
    let input = questionnaire.encode(&responses).expect("an answer");
    questionnaire.aggregate(&input, 1, Scheme::threshold_of(4)).elements().to_vec()
}

/// Vectors of which each is one where those behind it are zero.
struct Span(Vec<(usize, Vec<Field>)>);

impl Span {
    fn rest(&self, mut vector: Vec<Field>) -> Vec<Field> {
        for (pivot, basis) in &self.0 {
            let factor = vector[*pivot];
            if factor != Field::zero() {
                for (element, basis) in vector.iter_mut().zip(basis) {
                    *element -= factor * *basis;
                }
            }
        }
        vector
    }

    fn add(&mut self, vector: Vec<Field>) {
        let vector = self.rest(vector);
        let pivot = vector.iter().position(|element| *element != Field::zero());
        if let Some(pivot) = pivot {
            let inverse = vector[pivot].inv();
            self.0.push((pivot, vector.into_iter().map(|element| element * inverse).collect()));
        }
    }
}

fn field(number: i128) -> Field {
    let size = Field::from(number.unsigned_abs());
    if number < 0 { -size } else { size }
}

/// Of how many small numbers nothing follows, where so many people answer at random.
fn stay_unknown(questionnaire: &Questionnaire, dice: &mut Numbers, people: u32) -> usize {
    let len = questionnaire.output_len();
    let mut numbers = vec![0; len];
    let mut answers: Vec<Vec<Field>> = Vec::new();
    for _ in 0..people {
        let answer = answer(dice, questionnaire);
        for (number, element) in numbers.iter_mut().zip(&answer) {
            *number += u128::from(*element);
        }
        answers.push(answer);
    }
    let hidden = hidden(questionnaire, &numbers, people, MINIMUM);
    answers.extend((0..3 * len + 60).map(|_| answer(dice, questionnaire)));
    let of = |cell: usize| answers.iter().map(|answer| answer[cell]).collect::<Vec<_>>();
    let mut span = Span(Vec::new());
    span.add(vec![Field::one(); answers.len()]);
    (0..len).filter(|cell| !hidden[*cell]).for_each(|cell| span.add(of(cell)));
    let small = small(questionnaire, &numbers, people, MINIMUM.into());
    for (cell, terms) in &small {
        let about = || (&numbers, &hidden, questionnaire.plan());
        assert!(cell.is_none_or(|cell| hidden[cell]), "{cell:?} is small: {:?}", about());
        let mut number = vec![Field::zero(); answers.len()];
        for (sign, cell) in terms {
            for (number, element) in number.iter_mut().zip(of(*cell)) {
                *number += field(*sign) * element;
            }
        }
        let rest = span.rest(number);
        assert!(rest.iter().any(|element| *element != Field::zero()), "{terms:?} {:?}", about());
    }
    small.len()
}

fn item(dice: &mut Numbers, widths: [i128; 4]) -> Item {
    let question = match dice.below(4) {
        0 => Question::YesNo,
        1 => Question::Choice { options: 2 + dice.below(3) },
        2 => Question::Choices { options: 2 + dice.below(2), at_most: 1 + dice.below(2) },
        _ => {
            let width = widths[usize::from(dice.below(4))];
            Question::Number(IntegerRange::new(0, width).expect("a range"))
        }
    };
    let squares = match question {
        Question::Number(_) | Question::Choice { .. } => dice.below(3) == 0,
        _ => false,
    };
    Item { optional: dice.below(3) == 0, squares, question }
}

fn score(dice: &mut Numbers, items: &[Item]) -> Score {
    let mut terms = Vec::new();
    for (item, Item { question, .. }) in items.iter().enumerate() {
        if dice.below(3) == 0 {
            continue;
        }
        let mut points = |options: u16, least: i32| -> Vec<i32> {
            (0..options).map(|_| least + i32::from(dice.below(5))).collect()
        };
        let points = match question {
            Question::Choice { options } => Points::PerOption(points(*options, -1)),
            Question::Choices { options, .. } => Points::PerOption(points(*options, 0)),
            _ => Points::Times([1, 2, -1, 1_000][usize::from(dice.below(4))]),
        };
        terms.push(Term { item, points });
    }
    Score { terms, distribution: dice.below(3) == 0 }
}

/// Of so many plans; those that cannot be asked, or have too many values to try them all, are left out.
fn in_plans(seed: u64, plans: usize, widths: [i128; 4]) {
    let mut dice = Numbers(seed);
    let (mut tried, mut found) = (0, 0);
    while tried < plans {
        let items: Vec<Item> = (0..2 + dice.below(3)).map(|_| item(&mut dice, widths)).collect();
        let groups =
            |item: &Item| matches!(item.question, Question::YesNo | Question::Choice { .. });
        let grouping = items.iter().position(groups).filter(|_| dice.below(2) == 0);
        let scores = (0..dice.below(3)).map(|_| score(&mut dice, &items)).collect();
        let questionnaire = Questionnaire::planned(Plan { items, grouping, scores });
        let few = |questionnaire: &Questionnaire| questionnaire.output_len() <= 80;
        let Some(questionnaire) = questionnaire.ok().filter(few) else { continue };
        let people = 6 + u32::from(dice.below(30));
        found += stay_unknown(&questionnaire, &mut dice, people);
        tried += 1;
    }
    assert!(found > plans, "{found} small numbers");
}

#[test]
fn nothing_small_follows_in_plans_of_any_kind() {
    in_plans(1, 80, [1, 3, 7, 10]);
}

#[test]
fn nothing_small_follows_in_plans_with_large_numbers() {
    in_plans(2, 80, [3, 10, 1_000, 1_000_000_000_000]);
}

fn asked(items: Vec<Item>, terms: Vec<Term>, distribution: bool) -> Questionnaire {
    let scores = vec![Score { terms, distribution }];
    Questionnaire::planned(Plan { items, grouping: None, scores }).expect("it can be asked")
}

fn per_option(item: usize, points: &[i32]) -> Term {
    Term { item, points: Points::PerOption(points.to_vec()) }
}

/// Which of these cells are hidden, of so many people.
fn is_hidden(questionnaire: &Questionnaire, numbers: &[u128], people: u32) -> Vec<bool> {
    assert_eq!(numbers.len(), questionnaire.output_len());
    hidden(questionnaire, numbers, people, MINIMUM)
}

#[test]
fn one_yes_is_not_the_difference_of_two_large_sums() {
    for (max, weight) in
        [(10, 1), (1_000_000, 1), (1_000_000_000_000, 1), (10, 1_000_000), (1_000, 1_000_000)]
    {
        let number = Question::Number(IntegerRange::new(0, max).expect("a range"));
        let times = |item, weight| Term { item, points: Points::Times(weight) };
        let terms = vec![times(0, 1), times(1, weight)];
        let questionnaire = asked(vec![Question::YesNo.into(), number.into()], terms, false);
        let sum = 50 * u128::try_from(max).expect("positive") + 3;
        let score = 1 + sum * u128::try_from(weight).expect("positive");
        let hidden = is_hidden(&questionnaire, &[1, sum, score], 100);
        assert!(hidden[0] && (hidden[1] || hidden[2]), "{max} {weight}: {hidden:?}");
    }
}

#[test]
fn an_option_does_not_follow_from_the_sum_of_those_who_answered() {
    let choice = Item { optional: true, ..Question::Choice { options: 3 }.into() };
    let questionnaire = asked(vec![choice], vec![per_option(0, &[4, 2, 0])], false);
    // Answered, the options, and of the score how many have one, and its sum.
    for (few, many) in [(2, 38), (38, 2)] {
        let numbers = [100, 60, many, few, 100, 60 * 4 + many * 2];
        let hidden = is_hidden(&questionnaire, &numbers, 105);
        let figures = questionnaire.cells().iter().map(|cell| (cell.subject, cell.figure));
        let sum = figures.zip(&hidden).find(|(of, _)| *of == (Subject::Score(0), Figure::Sum));
        // Either another option is hidden and the sum, or all are.
        let options = hidden[1..4].iter().filter(|hidden| **hidden).count();
        assert!(options == 3 || options == 2 && sum.is_some_and(|(_, hidden)| *hidden));
    }
}

#[test]
fn an_option_does_not_follow_from_a_distribution_where_few_can_be_chosen() {
    let choices = |at_most| Question::Choices { options: 2, at_most };
    let item = Item { optional: true, ..choices(1).into() };
    let questionnaire = asked(vec![item], vec![per_option(0, &[1, 1])], true);
    // Answered, the options, and of the score how many have one, its sums and its values.
    let numbers = [23, 2, 15, 23, 17, 17, 6, 17];
    let hidden = is_hidden(&questionnaire, &numbers, 30);
    assert!(hidden[1] && (hidden[2] || hidden[4..].iter().all(|hidden| *hidden)), "{hidden:?}");
}

#[test]
fn whoever_alone_leaves_a_question_out_has_others_hidden() {
    let optional = Item { optional: true, ..Question::YesNo.into() };
    let plan = Plan { items: vec![optional], grouping: None, scores: vec![] };
    let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
    assert_eq!(is_hidden(&questionnaire, &[20, 8], 20), [false, false]);
    // One person's silence: how many answered would tell of it, and is hidden.
    let hidden = is_hidden(&questionnaire, &[19, 8], 20);
    assert!(hidden[0], "{hidden:?}");
}
