//! Questionnaires with groups, scores, squares and questions that need not be answered: what is found out is what the
//! plain answers come to, and whatever is no answer is refused.

mod common;

use std::collections::BTreeMap;

use common::Dice;
use prio::field::FieldElement;
use prio::flp::Flp as _;
use proptest::prelude::*;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{Field, SecretVector};
use wardsum_protocol::questionnaire::{
    CALLS_MAX, CELLS_MAX, Figure, INPUT_LEN_MAX, Item, Plan, Points, Question, Questionnaire,
    QuestionnaireError, Response, Score, Subject, Term,
};
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};
use wardsum_protocol::validity::{QueryRandomness, Verifier};
use wardsum_protocol::{ContributionDigest, ManifestDigest};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn number(min: i128, max: i128) -> Question {
    Question::Number(IntegerRange::new(min, max).expect("a range"))
}

fn item(question: Question, optional: bool) -> Item {
    Item { optional, ..question.into() }
}

fn squared(question: Question, optional: bool) -> Item {
    Item { squares: true, ..item(question, optional) }
}

fn times(item: usize, weight: i32) -> Term {
    Term { item, points: Points::Times(weight) }
}

fn per_option(item: usize, points: &[i32]) -> Term {
    Term { item, points: Points::PerOption(points.to_vec()) }
}

fn planned(plan: &Plan) -> Questionnaire {
    Questionnaire::planned(plan.clone()).expect("it can be asked")
}

/// What an answer is worth, if it was given.
fn worth(points: &Points, response: &Response) -> Option<i128> {
    match (points, response) {
        (Points::Times(weight), Response::Number(value)) => Some(value * i128::from(*weight)),
        (Points::Times(weight), Response::YesNo(yes)) => {
            Some(i128::from(*weight) * i128::from(*yes))
        }
        (Points::PerOption(points), Response::Choice(chosen)) => {
            Some(points[usize::from(*chosen)].into())
        }
        (Points::PerOption(points), Response::Choices(chosen)) => {
            Some(chosen.iter().map(|option| i128::from(points[usize::from(*option)])).sum())
        }
        _ => None,
    }
}

/// The least that an answer to a question can be worth.
fn least(points: &Points, question: &Question) -> i128 {
    match (points, question) {
        (Points::Times(weight), Question::Number(range)) => {
            let weight = i128::from(*weight);
            (range.min() * weight).min(range.max() * weight)
        }
        (Points::Times(weight), _) => i128::from(*weight).min(0),
        (Points::PerOption(points), Question::Choice { .. }) => {
            points.iter().copied().min().unwrap().into()
        }
        (Points::PerOption(_), _) => 0,
    }
}

type Expected = BTreeMap<(Option<u16>, Subject, Figure), u128>;

/// What somebody's answers add to each number that is found out, counted plainly.
fn count(plan: &Plan, responses: &[Response], expected: &mut Expected) {
    let group = plan.grouping.and_then(|grouping| match responses[grouping] {
        Response::YesNo(yes) => Some(u16::from(!yes)),
        Response::Choice(chosen) => Some(chosen),
        _ => None,
    });
    let mut add = |subject: Subject, figure: Figure, number: u128| {
        let grouped = plan.grouping.map(Subject::Item) != Some(subject);
        for of in [None, group.filter(|_| grouped)]
            .into_iter()
            .take(1 + usize::from(grouped && group.is_some()))
        {
            *expected.entry((of, subject, figure)).or_default() += number;
        }
    };
    for (position, (item, response)) in plan.items.iter().zip(responses).enumerate() {
        let subject = Subject::Item(position);
        if item.optional && *response != Response::None {
            add(subject, Figure::Answered, 1);
        }
        match (&item.question, response) {
            (Question::Number(range), Response::Number(value)) => {
                let distance = value.abs_diff(range.min());
                add(subject, Figure::Sum, distance);
                if item.squares {
                    add(subject, Figure::Squares, distance * distance);
                }
            }
            (_, Response::YesNo(true)) => add(subject, Figure::Yes, 1),
            (_, Response::Choice(chosen)) => {
                add(subject, Figure::Option(*chosen), 1);
                if item.squares {
                    let number = u128::from(*chosen);
                    add(subject, Figure::Sum, number);
                    add(subject, Figure::Squares, number * number);
                }
            }
            (_, Response::Choices(chosen)) => {
                for option in chosen {
                    add(subject, Figure::Option(*option), 1);
                }
            }
            _ => {}
        }
    }
    for (position, score) in plan.scores.iter().enumerate() {
        let subject = Subject::Score(position);
        let values = score.terms.iter().map(|term| worth(&term.points, &responses[term.item]));
        let Some(value) = values.sum::<Option<i128>>() else { continue };
        let lowest: i128 = score
            .terms
            .iter()
            .map(|term| least(&term.points, &plan.items[term.item].question))
            .sum();
        if score.terms.iter().any(|term| plan.items[term.item].optional) {
            add(subject, Figure::Answered, 1);
        }
        let distance = value.abs_diff(lowest);
        add(subject, Figure::Sum, distance);
        if score.distribution {
            add(subject, Figure::Squares, distance * distance);
            add(subject, Figure::Option(u16::try_from(distance).unwrap()), 1);
        }
    }
}

/// Whether what comes out is what the plain answers come to, with every answer split, proven and checked.
fn comes_out(plan: &Plan, answers: &[Vec<Response>], scheme: Scheme, seed: u64) {
    let questionnaire = planned(plan);
    let mut dice = Dice::new(seed);
    let mut expected: Expected = questionnaire
        .cells()
        .iter()
        .map(|cell| ((cell.group, cell.subject, cell.figure), 0))
        .collect();
    assert_eq!(expected.len(), questionnaire.output_len(), "each number has a name of its own");
    let mut sums: Vec<SecretVector> =
        (0..scheme.shares()).map(|_| SecretVector::zeros(questionnaire.input_len())).collect();
    for responses in answers {
        count(plan, responses, &mut expected);
        let input = questionnaire.encode(responses).expect("an answer");
        let shares = scheme.split(&questionnaire.prove(&input, &mut dice.0), &mut dice.0);
        let randomness = QueryRandomness::new(
            &questionnaire,
            ManifestDigest(dice.bytes()),
            ContributionDigest(dice.bytes()),
        );
        let found: Vec<Share> = shares
            .iter()
            .map(|share| {
                let verifier = questionnaire.verifier_share(&share.values, &randomness, scheme);
                Share { index: share.index, values: SecretVector::new(verifier.to_vec()) }
            })
            .collect();
        let verifier = scheme.agreed(&found).expect("shares of one answer");
        let verifier = Verifier::try_from(verifier.elements()).expect("a message");
        assert!(questionnaire.accepts(&verifier), "{responses:?}");
        for (sum, share) in sums.iter_mut().zip(&shares) {
            let elements = share.values.elements()[..questionnaire.input_len()].to_vec();
            sum.add_assign(&SecretVector::new(elements));
        }
    }
    let count = u32::try_from(answers.len()).unwrap();
    let partials: Vec<Share> = ShareIndex::all(scheme.shares())
        .zip(&sums)
        .map(|(index, sum)| Share { index, values: questionnaire.aggregate(sum, count, scheme) })
        .collect();
    let output = scheme.combine(&partials).expect("all shares").secret;
    let output: Vec<_> = output.elements().iter().copied().map(Some).collect();
    let numbers = questionnaire.decode(&output, count).expect("possible numbers");
    for (cell, number) in questionnaire.cells().iter().zip(numbers) {
        let name = (cell.group, cell.subject, cell.figure);
        assert_eq!(Some(expected[&name]), number, "{name:?} of {plan:?}");
    }
    assert!(questionnaire.fits(count));
}

/// Plans of every kind.
fn plans() -> Vec<Plan> {
    let choice = |options| Question::Choice { options };
    let choices = |options, at_most| Question::Choices { options, at_most };
    let mut plans = Vec::new();
    for optional in [false, true] {
        let items = vec![
            squared(choice(3), optional),
            squared(number(-2, 5), optional),
            item(Question::YesNo, optional),
            item(choices(3, 2), optional),
            item(choice(4), false),
        ];
        let scores = vec![
            Score {
                terms: vec![times(1, 1), times(2, 3), per_option(4, &[0, 1, 2, 5])],
                distribution: true,
            },
            Score {
                terms: vec![times(1, -2), times(2, -1), per_option(3, &[1, 2, 4])],
                distribution: false,
            },
            Score {
                terms: vec![per_option(0, &[-1, 4, 0]), per_option(4, &[3, 2, 1, 0])],
                distribution: false,
            },
        ];
        for grouping in [None, Some(0), Some(2), Some(4)] {
            plans.push(Plan { items: items.clone(), grouping, scores: scores.clone() });
        }
    }
    plans
}

fn response(item: &Item) -> BoxedStrategy<Response> {
    let given = match item.question.clone() {
        Question::Number(range) => (range.min()..=range.max()).prop_map(Response::Number).boxed(),
        Question::YesNo => any::<bool>().prop_map(Response::YesNo).boxed(),
        Question::Choice { options } => (0..options).prop_map(Response::Choice).boxed(),
        Question::Choices { options, at_most } => {
            let all: Vec<u16> = (0..options).collect();
            prop::sample::subsequence(all, 0..=usize::from(at_most))
                .prop_map(Response::Choices)
                .boxed()
        }
    };
    if item.optional { prop_oneof![3 => given, 1 => Just(Response::None)].boxed() } else { given }
}

fn answered() -> impl Strategy<Value = (Plan, Vec<Vec<Response>>)> {
    prop::sample::select(plans()).prop_flat_map(|plan| {
        let responses: Vec<_> = plan.items.iter().map(response).collect();
        (Just(plan), prop::collection::vec(responses, 1..8))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 8 } else { 100 }) })]

    #[test]
    fn what_is_found_out_is_what_the_plain_answers_come_to(
        (plan, answers) in answered(),
        additive: bool,
        seed: u64,
    ) {
        let scheme = if additive { Scheme::additive(4) } else { Scheme::threshold_of(4) };
        comes_out(&plan, &answers, scheme, seed);
    }
}

/// PHQ-9, its total and its distribution, by treatment.
#[test]
fn a_depression_scale_by_treatment_fits() {
    let mut items = vec![item(Question::YesNo, false)];
    items.extend((0..9).map(|_| item(Question::Choice { options: 4 }, false)));
    let terms = (1..=9).map(|item| per_option(item, &[0, 1, 2, 3])).collect();
    let plan = Plan { items, grouping: Some(0), scores: vec![Score { terms, distribution: true }] };
    let answers: Vec<Vec<Response>> = (0..6_u16)
        .map(|person| {
            let mut answers = vec![Response::YesNo(person % 2 == 0)];
            answers.extend((0..9).map(|question| Response::Choice((person * question) % 4)));
            answers
        })
        .collect();
    comes_out(&plan, &answers, Scheme::threshold_of(5), 3);
}

/// What these bits of an answer say, read by the rules and by nothing of the questionnaire's own; `None` if they break
/// one.
fn read(plan: &Plan, bits: &[bool]) -> Option<Vec<Response>> {
    let mut bits = bits.iter().copied();
    let mut take = |len: usize| bits.by_ref().take(len).collect::<Vec<bool>>();
    let weighted = |range: &IntegerRange, bits: &[bool]| {
        let width = range.max() - range.min();
        let weights = (0..range.len())
            .map(|bit| if bit + 1 == range.len() { width - ((1 << bit) - 1) } else { 1 << bit });
        weights.zip(bits).filter(|(_, bit)| **bit).map(|(weight, _)| weight).sum::<i128>()
    };
    let ones = |bits: &[bool]| -> Vec<u16> {
        (0..).zip(bits).filter(|(_, bit)| **bit).map(|(option, _)| option).collect()
    };
    let mut responses = Vec::new();
    for item in &plan.items {
        let (response, tells) = match &item.question {
            Question::Number(range) => {
                let distance = weighted(range, &take(range.len()));
                (Response::Number(range.min() + distance), distance == 0)
            }
            Question::YesNo => {
                let yes = take(1)[0];
                (Response::YesNo(yes), !yes)
            }
            Question::Choice { options } => {
                responses.push(match ones(&take(usize::from(*options)))[..] {
                    [chosen] => Response::Choice(chosen),
                    [] if item.optional => Response::None,
                    _ => return None,
                });
                continue;
            }
            Question::Choices { options, at_most } => {
                let chosen = ones(&take(usize::from(*options)));
                let mut unused = i128::from(*at_most) - i128::try_from(chosen.len()).unwrap();
                if at_most < options {
                    let range = IntegerRange::new(0, i128::from(*at_most)).unwrap();
                    unused -= weighted(&range, &take(range.len()));
                    (unused == 0).then_some(())?;
                }
                let empty = chosen.is_empty();
                (Response::Choices(chosen), empty)
            }
        };
        let answered = !item.optional || take(1)[0];
        responses.push(if answered { response } else { tells.then_some(Response::None)? });
    }
    for score in &plan.scores {
        let given = score.terms.iter().map(|term| {
            let least = least(&term.points, &plan.items[term.item].question);
            Some(worth(&term.points, &responses[term.item])? - least)
        });
        let value = given.sum::<Option<i128>>();
        let optional = score.terms.iter().filter(|term| plan.items[term.item].optional).count();
        // Whoever has answered everything has a value, and nobody else has one.
        let complete = optional == 0 || take(1)[0];
        (complete == value.is_some()).then_some(())?;
        if let Some(range) = IntegerRange::new(0, i128::try_from(optional).unwrap() - 1) {
            let beyond_one = weighted(&range, &take(range.len()));
            let missing =
                score.terms.iter().filter(|term| responses[term.item] == Response::None).count();
            (beyond_one == i128::try_from(missing.saturating_sub(1)).unwrap()).then_some(())?;
        }
        if score.distribution {
            let len = score_width(plan, score) + 1;
            let values = ones(&take(len));
            let expected: Vec<u16> = value.into_iter().map(|v| u16::try_from(v).unwrap()).collect();
            (values == expected).then_some(())?;
        }
    }
    Some(responses)
}

fn score_width(plan: &Plan, score: &Score) -> usize {
    let most = |term: &Term| match (&term.points, &plan.items[term.item].question) {
        (Points::Times(weight), Question::Number(range)) => {
            usize::try_from((range.max() - range.min()) * i128::from(weight.abs())).unwrap()
        }
        (Points::Times(weight), _) => usize::try_from(weight.abs()).unwrap(),
        (Points::PerOption(points), Question::Choice { .. }) => {
            usize::try_from(points.iter().max().unwrap() - points.iter().min().unwrap()).unwrap()
        }
        (Points::PerOption(points), _) => usize::try_from(points.iter().sum::<i32>()).unwrap(),
    };
    score.terms.iter().map(most).sum()
}

/// What the circuit says of an input: zero everywhere if it is valid.
fn outputs(questionnaire: &Questionnaire, input: &[Field]) -> Vec<Field> {
    questionnaire.valid(&mut questionnaire.gadget(), input, &[], 1).expect("an input")
}

/// With these bits and whatever products fit them best: each product's own check says what it has to be.
fn with_products(questionnaire: &Questionnaire, bits: &[bool]) -> Vec<Field> {
    let mut input: Vec<Field> =
        bits.iter().map(|bit| if *bit { Field::one() } else { Field::zero() }).collect();
    input.resize(questionnaire.input_len(), Field::zero());
    for position in bits.len()..input.len() {
        let without = outputs(questionnaire, &input);
        input[position] = Field::one();
        let with = outputs(questionnaire, &input);
        let own = (0..with.len()).find(|output| with[*output] != without[*output]);
        let own = own.expect("each product is checked");
        input[position] = -without[own] * (with[own] - without[own]).inv();
    }
    input
}

/// Every assignment of bits, and of the products those that fit: it is accepted if, and only if, the rules are kept,
/// and no other value of any product is.
#[test]
fn what_breaks_a_rule_is_refused_whatever_the_products_are() {
    let choice = |options| Question::Choice { options };
    let choices = |options, at_most| Question::Choices { options, at_most };
    let score = |terms: Vec<Term>, distribution| vec![Score { terms, distribution }];
    let plan = |items: Vec<Item>, grouping, scores| Plan { items, grouping, scores };
    let mut tried = [0_u32; 2];
    for plan in [
        plan(vec![squared(number(-3, 3), true), item(choice(3), true)], Some(1), vec![]),
        plan(vec![squared(number(0, 4), false), item(Question::YesNo, false)], Some(1), vec![]),
        plan(vec![item(choices(4, 2), true), item(Question::YesNo, true)], Some(1), vec![]),
        plan(
            vec![item(number(0, 2), false), item(choice(2), false)],
            Some(1),
            score(vec![times(0, 1), per_option(1, &[0, 2])], true),
        ),
        plan(
            vec![item(number(0, 2), true), item(Question::YesNo, true)],
            None,
            score(vec![times(0, -1), times(1, 2)], true),
        ),
        plan(
            vec![item(choices(3, 2), true), item(choice(2), true)],
            Some(1),
            score(vec![per_option(0, &[1, 3, 1]), per_option(1, &[2, -1])], false),
        ),
        // Three groups that everybody is in one of, and a score in them that not everybody has.
        plan(
            vec![item(choice(3), false), item(Question::YesNo, true), item(number(0, 2), true)],
            Some(0),
            score(vec![times(1, 2), times(2, 1)], false),
        ),
        // Two scores of the same items, one of which only one of them belongs to.
        plan(
            vec![item(Question::YesNo, true), item(Question::YesNo, true), item(choice(2), false)],
            Some(2),
            [score(vec![times(0, 1)], true), score(vec![times(0, 1), times(1, -1)], false)]
                .concat(),
        ),
        // So many may be left out that how many were has several bits.
        plan(
            vec![item(Question::YesNo, true), item(Question::YesNo, true), item(choice(2), true)],
            None,
            score(vec![times(0, 1), times(1, 1), per_option(2, &[0, 1])], false),
        ),
    ] {
        let questionnaire = planned(&plan);
        let len = questionnaire.bits_len();
        assert!(len <= 12, "few enough to try all of them");
        for number in 0_u32..1 << len {
            let bits: Vec<bool> = (0..len).map(|bit| number >> bit & 1 == 1).collect();
            let input = with_products(&questionnaire, &bits);
            let valid = |input: &[Field]| {
                outputs(&questionnaire, input).iter().all(|output| *output == Field::zero())
            };
            let allowed = read(&plan, &bits).is_some();
            assert_eq!(valid(&input), allowed, "{bits:?} of {plan:?}");
            tried[usize::from(allowed)] += 1;
            for position in (len..input.len()).filter(|_| allowed) {
                let mut changed = input.clone();
                changed[position] += Field::one();
                assert!(!valid(&changed), "product {position} of {plan:?}");
            }
        }
    }
    assert!(tried.iter().all(|number| *number > 100), "{tried:?}");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let choice = |options| Question::Choice { options };
    let refused = |items: Vec<Item>, grouping, scores| {
        Questionnaire::planned(Plan { items, grouping, scores }).expect_err("it is refused")
    };
    let one = vec![item(number(0, 10), false)];
    assert_eq!(refused(vec![], None, vec![]), QuestionnaireError::Empty);
    let of_yes = vec![squared(Question::YesNo, false)];
    assert_eq!(refused(of_yes, None, vec![]), QuestionnaireError::Squares { number: 1 });
    let wide = vec![squared(number(0, i128::MAX), false)];
    assert_eq!(refused(wide, None, vec![]), QuestionnaireError::Squares { number: 1 });
    let grouping = QuestionnaireError::Grouping { number: 1 };
    assert_eq!(refused(one.clone(), Some(0), vec![]), grouping);
    let grouping = QuestionnaireError::Grouping { number: 2 };
    assert_eq!(refused(one.clone(), Some(1), vec![]), grouping);
    for terms in [
        vec![],
        vec![times(1, 1)],
        vec![times(0, 0)],
        vec![times(0, 1), times(0, 2)],
        vec![per_option(0, &[1])],
    ] {
        let scores = vec![Score { terms, distribution: false }];
        assert_eq!(refused(one.clone(), None, scores), QuestionnaireError::Score { number: 1 });
    }
    // A distribution of too many values, and groups times options that do not fit: the size and the limit are said.
    let wide = vec![Score { terms: vec![times(0, 1_000)], distribution: true }];
    assert!(matches!(refused(one, None, wide), QuestionnaireError::Length { len: 10_005, .. }));
    let large = vec![item(choice(100), false), item(choice(100), false)];
    let error = refused(large, Some(0), vec![]);
    assert!(matches!(error, QuestionnaireError::Length { len, .. } if len > INPUT_LEN_MAX));
    assert!(error.to_string().contains(&INPUT_LEN_MAX.to_string()), "{error}");
    assert!(error.to_string().contains(&CALLS_MAX.to_string()), "{error}");
}

/// What does not count is what follows from other products: sums of answers that everybody gives.
#[test]
fn scores_that_follow_from_their_items_in_each_group_take_no_room() {
    let mut items = vec![item(Question::Choice { options: 12 }, false)];
    items.extend((0..30).map(|_| item(number(0, 10), false)));
    let of = |first: usize| vec![times(1 + first % 30, 1), times(1 + (first + 7) % 30, 2)];
    let scores = (0..70).map(|first| Score { terms: of(first), distribution: false }).collect();
    let questionnaire = planned(&Plan { items, grouping: Some(0), scores });
    assert_eq!(questionnaire.input_len(), 12 + 30 * 4 + 11 * 30);
    assert_eq!(questionnaire.output_len(), 12 + 100 + 12 * 100);
}

/// One number and so many sums of it: few elements, but a number found out for each.
#[test]
fn no_more_numbers_are_found_out_than_a_result_may_have() {
    let plan = |scores: usize, grouped: bool| {
        let score = Score { terms: vec![times(0, 1)], distribution: false };
        let mut items = vec![item(number(0, 10), false)];
        items.extend(grouped.then(|| item(Question::YesNo, false)));
        Plan { items, grouping: grouped.then_some(1), scores: vec![score; scores] }
    };
    let questionnaire = planned(&plan(CELLS_MAX - 1, false));
    assert_eq!((questionnaire.input_len(), questionnaire.output_len()), (4, CELLS_MAX));
    // In two groups: the number and its scores three times, and how many said yes.
    let most = (CELLS_MAX - 1) / 3 - 1;
    assert_eq!(planned(&plan(most, true)).output_len(), CELLS_MAX - 1);
    for (scores, grouped) in
        [(CELLS_MAX, false), (4_000, false), (60_000, true), (most + 1, true), (most * 2, true)]
    {
        let error = Questionnaire::planned(plan(scores, grouped)).expect_err("it is refused");
        let QuestionnaireError::Cells { cells } = error else { panic!("{error}") };
        assert!(cells > CELLS_MAX && cells <= 3 * (scores + 1) + 1, "{cells}");
        assert!(error.to_string().contains("no more than 2000"), "{error}");
    }
}
