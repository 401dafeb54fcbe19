//! Of every result that some people can come to, what is shown leaves more than one possible value for each number that
//! is small: all results of small studies, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{Field, SecretVector};
use wardsum_protocol::questionnaire::{
    Figure, Item, Plan, Points, Question, Questionnaire, Response, Score, Subject, Term,
};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::suppression::hidden;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn responses(item: &Item) -> Vec<Response> {
    let mut all = match item.question {
        Question::Number(ref range) => (range.min()..=range.max()).map(Response::Number).collect(),
        Question::YesNo => vec![Response::YesNo(true), Response::YesNo(false)],
        Question::Choice { options } => (0..options).map(Response::Choice).collect::<Vec<_>>(),
        Question::Choices { options, at_most } => (0_u16..1 << options)
            .map(|set| (0..options).filter(|option| set >> option & 1 == 1).collect::<Vec<_>>())
            .filter(|chosen| chosen.len() <= usize::from(at_most))
            .map(Response::Choices)
            .collect(),
    };
    if item.optional {
        all.push(Response::None);
    }
    all
}

/// Everything that one person can answer.
fn answers(plan: &Plan) -> Vec<Vec<Response>> {
    plan.items.iter().fold(vec![vec![]], |before, item| {
        let with = |before: &Vec<Response>| {
            responses(item)
                .into_iter()
                .map(|response| before.iter().cloned().chain([response]).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        before.iter().flat_map(with).collect()
    })
}

/// Every result that `people` can come to.
fn results(questionnaire: &Questionnaire, people: u32) -> BTreeSet<Vec<u128>> {
    let one = |answer: &Vec<Response>| {
        let input: SecretVector = questionnaire.encode(answer).expect("an answer");
        let output = questionnaire.aggregate(&input, 1, Scheme::threshold_of(4));
        output.elements().iter().copied().map(<Field as Into<u128>>::into).collect::<Vec<u128>>()
    };
    let each: Vec<Vec<u128>> = answers(questionnaire.plan()).iter().map(one).collect();
    let nothing = vec![0; questionnaire.output_len()];
    (0..people).fold(BTreeSet::from([nothing]), |before, _| {
        let more = |sum: &Vec<u128>| {
            each.iter()
                .map(|one| sum.iter().zip(one).map(|(a, b)| a + b).collect::<Vec<u128>>())
                .collect::<Vec<_>>()
        };
        before.iter().flat_map(more).collect()
    })
}

/// Something that can be computed from the numbers of a result by adding some and subtracting others.
pub(super) type Told = Vec<(i128, usize)>;

fn told(result: &[u128], terms: &Told) -> i128 {
    terms.iter().map(|(sign, cell)| sign * i128::try_from(result[*cell]).unwrap()).sum()
}

/// What a result tells of 1 to `minimum - 1` people, read by the rule alone, with the cell that says it if there is one.
pub(super) fn small(
    questionnaire: &Questionnaire,
    result: &[u128],
    count: u32,
    minimum: u128,
) -> Vec<(Option<usize>, Told)> {
    let cells = questionnaire.cells();
    let plan = questionnaire.plan();
    let grouping = plan.grouping.map(Subject::Item);
    let find = |subject, group, figure| -> Option<usize> {
        cells.iter().position(|c| (c.subject, c.group, c.figure) == (subject, group, figure))
    };
    let minus = |terms: Told, other: &Told| -> Told {
        terms.into_iter().chain(other.iter().map(|(sign, cell)| (-sign, *cell))).collect()
    };
    let few = |people: i128| people > 0 && people < i128::try_from(minimum).unwrap();
    // The people in a group as terms, and as a number that everybody knows besides.
    let people = |group: Option<u16>| -> (i128, Told) {
        let (Some(group), Some(grouping)) = (group, grouping) else {
            return (count.into(), vec![]);
        };
        if let Some(cell) = find(grouping, None, Figure::Option(group)) {
            return (0, vec![(1, cell)]);
        }
        let yes = vec![(1, find(grouping, None, Figure::Yes).unwrap())];
        match (group, find(grouping, None, Figure::Answered)) {
            (0, _) => (0, yes),
            (_, Some(answered)) => (0, minus(vec![(1, answered)], &yes)),
            (_, None) => (count.into(), minus(vec![], &yes)),
        }
    };
    let mut small = Vec::new();
    for (position, cell) in cells.iter().enumerate() {
        let outside = cell.group.is_none()
            && grouping.is_some_and(|grouping| cell.subject != grouping)
            && plan.grouping.is_some_and(|item| plan.items[item].optional);
        // The cell itself, and what the groups leave of it.
        for beyond in [false, true].into_iter().take(1 + usize::from(outside)) {
            let less_the_groups = |(constant, terms): (i128, Told), figure| -> (i128, Told) {
                let in_groups = cells.iter().enumerate().filter(|(_, other)| {
                    other.group.is_some() && (other.subject, other.figure) == (cell.subject, figure)
                });
                if beyond {
                    (constant, minus(terms, &in_groups.map(|(at, _)| (1, at)).collect()))
                } else {
                    (constant, terms)
                }
            };
            let everybody = || {
                if !beyond {
                    return people(cell.group);
                }
                let answered = find(grouping.unwrap(), None, Figure::Answered).unwrap();
                (count.into(), vec![(-1, answered)])
            };
            let answered = match find(cell.subject, cell.group, Figure::Answered) {
                Some(answered) => less_the_groups((0, vec![(1, answered)]), Figure::Answered),
                None => everybody(),
            };
            let of = |(constant, terms): &(i128, Told)| constant + told(result, terms);
            let own = less_the_groups((0, vec![(1, position)]), cell.figure);
            let several =
                |item: usize| matches!(plan.items[item].question, Question::Choices { .. });
            let whole = match (cell.figure, cell.subject) {
                (Figure::Sum | Figure::Squares, _) => {
                    let number = of(&own);
                    let all = of(&answered) * i128::try_from(cell.most).unwrap();
                    if few(of(&answered)) || few(number) || few(all - number) {
                        small.push(((!beyond).then_some(position), own.1));
                    }
                    continue;
                }
                (Figure::Answered, _) => Some(everybody()),
                (Figure::Yes, _) => Some(answered),
                (_, Subject::Item(item)) if several(item) => Some(answered),
                _ => None,
            };
            if few(of(&own)) {
                small.push(((!beyond).then_some(position), own.1.clone()));
            }
            let others = whole.map(|(constant, terms)| (constant, minus(terms, &own.1)));
            if let Some(others) = others.filter(|others| few(of(others))) {
                small.push(((!beyond).then_some(position), others.1));
            }
        }
    }
    small
}

fn stay_unknown(plan: Plan, people: u32, minimum: u32) {
    let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
    let results = results(&questionnaire, people);
    // Of each way to hide: what is shown, and the results that would show the same.
    let masked: Vec<(Vec<bool>, &Vec<u128>)> = results
        .iter()
        .map(|result| (hidden(&questionnaire, result, people, minimum), result))
        .collect();
    let masks: BTreeSet<&Vec<bool>> = masked.iter().map(|(mask, _)| mask).collect();
    let mut suppressed = 0;
    for mask in masks {
        let shown = |result: &Vec<u128>| -> Vec<u128> {
            result
                .iter()
                .zip(mask)
                .filter(|(_, hidden)| !**hidden)
                .map(|(number, _)| *number)
                .collect()
        };
        let mut alike: BTreeMap<Vec<u128>, Vec<&Vec<u128>>> = BTreeMap::new();
        for result in &results {
            alike.entry(shown(result)).or_default().push(result);
        }
        for (_, result) in masked.iter().filter(|(own, _)| own == mask) {
            for (cell, terms) in small(&questionnaire, result, people, minimum.into()) {
                if let Some(cell) = cell {
                    assert!(mask[cell], "{:?}", questionnaire.cells()[cell]);
                }
                let alike = &alike[&shown(result)];
                let own = told(result, &terms);
                assert!(
                    alike.iter().any(|other| told(other, &terms) != own),
                    "{result:?} hidden {mask:?} gives {terms:?} away of {:?}",
                    questionnaire.plan()
                );
                suppressed += 1;
            }
        }
    }
    assert!(suppressed > 0);
}

fn item(question: Question, optional: bool) -> Item {
    Item { optional, ..question.into() }
}

#[test]
fn no_small_number_follows_from_what_is_shown() {
    let choice = |options| Question::Choice { options };
    let number = |max| Question::Number(IntegerRange::new(0, max).unwrap());
    let plan = |items: Vec<Item>, grouping| Plan { items, grouping, scores: vec![] };
    stay_unknown(plan(vec![item(choice(3), false)], None), 8, 3);
    stay_unknown(plan(vec![item(choice(3), true)], None), 8, 3);
    stay_unknown(plan(vec![item(Question::YesNo, true)], None), 8, 3);
    stay_unknown(plan(vec![item(Question::Choices { options: 3, at_most: 2 }, true)], None), 6, 3);
    stay_unknown(plan(vec![item(choice(3), false), item(choice(2), false)], Some(0)), 7, 3);
    stay_unknown(plan(vec![item(Question::YesNo, false), item(choice(3), false)], Some(0)), 7, 3);
    stay_unknown(plan(vec![item(choice(2), true), item(Question::YesNo, true)], Some(0)), 6, 3);
    stay_unknown(plan(vec![item(choice(3), false), item(number(2), false)], Some(0)), 6, 3);
}

#[test]
fn no_small_number_of_a_score_follows_from_how_it_is_made() {
    let choice = |options| Question::Choice { options };
    let term = |item, points: &[i32]| Term { item, points: Points::PerOption(points.to_vec()) };
    let yes = |item, weight| Term { item, points: Points::Times(weight) };
    let score = |terms, distribution| vec![Score { terms, distribution }];
    let two = || vec![item(Question::YesNo, false), item(choice(3), false)];
    let terms = || vec![yes(0, 1), term(1, &[0, 1, 2])];
    stay_unknown(Plan { items: two(), grouping: None, scores: score(terms(), true) }, 7, 3);
    stay_unknown(Plan { items: two(), grouping: None, scores: score(terms(), false) }, 7, 3);
    let three = |optional| (0..3).map(|_| item(Question::YesNo, optional)).collect::<Vec<_>>();
    let sum = || vec![yes(0, 1), yes(1, 1), yes(2, -2)];
    stay_unknown(Plan { items: three(false), grouping: None, scores: score(sum(), true) }, 6, 3);
    let two_optional = vec![item(Question::YesNo, true), item(Question::YesNo, true)];
    let sum = || vec![yes(0, 1), yes(1, 1)];
    stay_unknown(Plan { items: two_optional, grouping: None, scores: score(sum(), true) }, 6, 3);
    let by_arm =
        || [item(choice(2), false)].into_iter().chain(three(false).into_iter().take(2)).collect();
    let sum = || vec![yes(1, 1), yes(2, 1)];
    stay_unknown(Plan { items: by_arm(), grouping: Some(0), scores: score(sum(), true) }, 6, 3);
    stay_unknown(Plan { items: by_arm(), grouping: Some(0), scores: score(sum(), false) }, 6, 3);
}

fn scale(options: u16, optional: bool) -> Item {
    Item { optional, squares: true, question: Question::Choice { options } }
}

#[test]
fn no_small_number_of_a_scale_follows_from_its_sums() {
    let plan = |items: Vec<Item>, grouping| Plan { items, grouping, scores: vec![] };
    for (options, people) in [(2, 8), (3, 9), (4, 9), (5, 8), (6, 7)] {
        stay_unknown(plan(vec![scale(options, false)], None), people, 3);
    }
    stay_unknown(plan(vec![scale(4, true)], None), 8, 3);
    stay_unknown(plan(vec![scale(4, true)], None), 8, 4);
}

#[test]
fn no_small_number_of_a_scale_follows_from_its_groups() {
    let plan = |items: Vec<Item>, grouping| Plan { items, grouping, scores: vec![] };
    let arm = |optional| item(Question::Choice { options: 2 }, optional);
    stay_unknown(plan(vec![arm(false), scale(2, false)], Some(0)), 8, 3);
    stay_unknown(plan(vec![arm(false), scale(3, false)], Some(0)), 6, 3);
    stay_unknown(plan(vec![arm(true), scale(3, false)], Some(0)), 5, 3);
    stay_unknown(plan(vec![arm(false), scale(4, false)], Some(0)), 5, 2);
    stay_unknown(plan(vec![scale(3, false), item(Question::YesNo, false)], Some(0)), 6, 3);
}
