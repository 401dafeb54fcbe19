//! Studies as they are: what is hidden is enough, and not everything.

use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::Field;
use wardsum_protocol::questionnaire::{
    Figure, Item, Plan, Points, Question, Questionnaire, Response, Score, Subject, Term,
};
use wardsum_protocol::sharing::Scheme;
use wardsum_protocol::suppression::hidden;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, bound: u16) -> u16 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(bound)).expect("less than the bound")
    }

    /// Answers of which the first options are more frequent than the last.
    fn skewed(&mut self, bound: u16) -> u16 {
        self.below(bound).min(self.below(bound))
    }

    pub(super) fn response(&mut self, question: &Question) -> Response {
        match question {
            Question::Number(range) => {
                let width = u16::try_from(range.width()).expect("a small range");
                Response::Number(range.min() + i128::from(self.skewed(width + 1)))
            }
            Question::YesNo => Response::YesNo(self.below(3) == 0),
            Question::Choice { options } => Response::Choice(self.skewed(*options)),
            Question::Choices { options, at_most } => {
                let mut chosen: Vec<u16> = (0..*at_most).map(|_| self.skewed(*options)).collect();
                chosen.sort_unstable();
                chosen.dedup();
                Response::Choices(chosen)
            }
        }
    }
}

/// What so many people come to.
fn cells(questionnaire: &Questionnaire, people: u32, seed: u64) -> Vec<u128> {
    let mut numbers = Numbers(seed);
    let mut cells = vec![0; questionnaire.output_len()];
    for _ in 0..people {
        let items = &questionnaire.plan().items;
        let answers: Vec<Response> =
            items.iter().map(|item| numbers.response(&item.question)).collect();
        add(questionnaire, &answers, &mut cells);
    }
    cells
}

/// One person more.
fn add(questionnaire: &Questionnaire, answers: &[Response], cells: &mut [u128]) {
    let input = questionnaire.encode(answers).expect("an answer");
    let output = questionnaire.aggregate(&input, 1, Scheme::threshold_of(4));
    for (cell, element) in cells.iter_mut().zip(output.elements()) {
        *cell += <Field as Into<u128>>::into(*element);
    }
}

fn choices(count: usize, options: u16) -> impl Iterator<Item = Item> {
    (0..count).map(move |_| Question::Choice { options }.into())
}

/// The nine questions of the PHQ-9 behind one about the arm, with the distribution of their sum.
fn depression(arms: Option<u16>) -> Plan {
    let first = usize::from(arms.is_some());
    let arm = arms.map(|options| Question::Choice { options }.into());
    let items = arm.into_iter().chain(choices(9, 4)).collect();
    let points = || Points::PerOption(vec![0, 1, 2, 3]);
    let terms = (first..first + 9).map(|item| Term { item, points: points() }).collect();
    let scores = vec![Score { terms, distribution: true }];
    Plan { items, grouping: arms.map(|_| 0), scores }
}

/// Those of these cells that are hidden are several, and about enough people together.
fn are_enough(line: &[usize], hidden: &[bool], numbers: &[u128], minimum: u128) {
    let of_line: Vec<usize> = line.iter().copied().filter(|cell| hidden[*cell]).collect();
    let people: u128 = of_line.iter().map(|cell| numbers[*cell]).sum();
    let known = of_line.iter().any(|cell| (1..minimum).contains(&numbers[*cell]));
    assert!(!known || of_line.len() > 1 && people >= minimum, "{of_line:?} of {line:?}");
}

/// Whether of so many people all small numbers are hidden, with others beside them, and the rest is shown.
fn is_hidden_enough(name: &str, plan: Plan, people: u32, most: usize) {
    let minimum = 5;
    let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
    let numbers = cells(&questionnaire, people, 7);
    let hidden = hidden(&questionnaire, &numbers, people, minimum);
    let minimum = u128::from(minimum);
    let few = |number: u128| (1..minimum).contains(&number);
    let all = questionnaire.cells();
    for (position, cell) in all.iter().enumerate() {
        assert!(hidden[position] || !few(numbers[position]), "{name} of {people}: {cell:?}");
        // Whoever does not know how many are in a group cannot subtract from that.
        let size = cell.group.map(|group| (Subject::Item(0), None, Figure::Option(group)));
        let size_is_shown = size.is_none_or(|size| {
            let mut cells = all.iter().zip(&hidden);
            cells.any(|(of, hidden)| (of.subject, of.group, of.figure) == size && !hidden)
        });
        if cell.figure == Figure::Option(0) && size_is_shown {
            let same = |other: &usize| {
                (all[*other].subject, all[*other].group) == (cell.subject, cell.group)
            };
            let options: Vec<usize> = (0..all.len()).filter(same).collect();
            are_enough(&options, &hidden, &numbers, minimum);
        }
        if cell.group.is_none() && !hidden[position] {
            let part = |other: &usize| {
                let other = &all[*other];
                other.group.is_some()
                    && (other.subject, other.figure) == (cell.subject, cell.figure)
            };
            let groups: Vec<usize> = (0..all.len()).filter(part).collect();
            are_enough(&groups, &hidden, &numbers, minimum);
        }
    }
    let concealed = hidden.iter().filter(|hidden| **hidden).count();
    assert!(concealed <= most, "{name} of {people}: {concealed} of {}", hidden.len());
}

#[test]
fn a_depression_scale_shows_what_is_not_small() {
    for (people, most) in [(8, 36), (20, 25), (60, 25), (300, 8)] {
        is_hidden_enough("PHQ-9", depression(None), people, most);
    }
}

#[test]
fn a_depression_scale_by_arm_shows_what_is_not_small() {
    for (people, most) in [(20, 100), (300, 70)] {
        is_hidden_enough("PHQ-9 by two arms", depression(Some(2)), people, most);
    }
    for (people, most) in [(60, 180), (300, 150)] {
        is_hidden_enough("PHQ-9 by four arms", depression(Some(4)), people, most);
    }
}

#[test]
fn many_questions_by_arm_show_what_is_not_small() {
    let arm = || std::iter::once(Question::Choice { options: 2 }.into());
    let items = || arm().chain((0..30).map(|_| Question::YesNo.into())).collect();
    for (people, most) in [(20, 60), (60, 45), (300, 0)] {
        let plan = Plan { items: items(), grouping: Some(0), scores: vec![] };
        is_hidden_enough("30 symptoms by arm", plan, people, most);
    }
    for (people, most) in [(20, 120), (60, 130), (300, 90)] {
        let items = arm().chain(choices(6, 12)).collect();
        let plan = Plan { items, grouping: Some(0), scores: vec![] };
        is_hidden_enough("six of twelve options by arm", plan, people, most);
    }
}

/// How strong is the pain, from 0 to 10, of so many people by so many arms: most counts are small, and the mean and the
/// standard deviation are known all the same.
#[test]
fn the_sums_of_a_scale_are_shown_where_its_counts_are_not() {
    let pain = || Item { squares: true, ..Question::Choice { options: 11 }.into() };
    let arm = |options| Question::Choice { options }.into();
    for (people, arms) in [(12, None), (20, None), (60, None), (20, Some(2)), (60, Some(3))] {
        let items: Vec<Item> = arms.map(arm).into_iter().chain([pain()]).collect();
        let about = Subject::Item(items.len() - 1);
        let plan = Plan { grouping: arms.map(|_| 0), items, scores: vec![] };
        let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
        let mut numbers = vec![0; questionnaire.output_len()];
        let mut dice = Numbers(11);
        for person in 0..people {
            let pain = Response::Choice(dice.below(11));
            let arm = arms.map(|arms| Response::Choice(person % arms));
            let answers: Vec<Response> = arm.into_iter().chain([pain]).collect();
            add(&questionnaire, &answers, &mut numbers);
        }
        let hidden = hidden(&questionnaire, &numbers, people.into(), 5);
        for (cell, hidden) in questionnaire.cells().iter().zip(&hidden) {
            let sum = matches!(cell.figure, Figure::Sum | Figure::Squares);
            assert!(!sum || !hidden, "{people} {arms:?}: {:?}", (cell.figure, cell.group));
        }
        let mut counts = questionnaire.cells().iter().zip(&hidden);
        assert!(counts.any(|(cell, hidden)| cell.subject == about && *hidden));
    }
}

/// Nobody learns from the sums of two groups what the one without a sum of its own comes to.
#[test]
fn the_sum_of_a_few_is_not_what_the_others_leave_of_all() {
    let number = Question::Number(IntegerRange::new(0, 1_000_000_000_000).expect("a range"));
    let items =
        vec![Question::Choice { options: 3 }.into(), Item { squares: true, ..number.into() }];
    let plan = Plan { items, grouping: Some(0), scores: vec![] };
    let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
    let sizes = [2, 9, 9];
    let value = |person: i128| 40_000_000_000 * (person + 1);
    let mut numbers = vec![0; questionnaire.output_len()];
    for (group, size) in (0..).zip(sizes) {
        for person in 0..size {
            let answers = [Response::Choice(group), Response::Number(value(person))];
            add(&questionnaire, &answers, &mut numbers);
        }
    }
    let hidden = hidden(&questionnaire, &numbers, 20, 5);
    for figure in [Figure::Sum, Figure::Squares] {
        let of = |group| {
            let wanted = (Subject::Item(1), group, figure);
            questionnaire
                .cells()
                .iter()
                .position(|cell| (cell.subject, cell.group, cell.figure) == wanted)
                .expect("a cell")
        };
        assert!(hidden[of(Some(0))]);
        let others = [of(None), of(Some(1)), of(Some(2))];
        assert!(
            others.iter().any(|cell| hidden[*cell]) && !others.iter().all(|cell| hidden[*cell])
        );
    }
}

/// A sum of three is that of three people at most; and where the sum of squares is as large as it can be, all are at one
/// of the ends.
#[test]
fn a_sum_that_counts_a_few_is_small() {
    let number = Question::Number(IntegerRange::new(0, 10).expect("a range"));
    let plan = Plan { items: vec![Item { squares: true, ..number.into() }], ..Plan::default() };
    let questionnaire = Questionnaire::planned(plan).expect("it can be asked");
    for (answers, expected) in [
        (vec![1, 1, 1, 0, 0, 0, 0, 0], [true, true]),
        (vec![10, 10, 10, 10, 10, 10, 9, 8], [true, true]),
        (vec![10, 0, 0, 0, 0, 0, 0, 0], [false, true]),
        (vec![10, 10, 10, 10, 10, 10, 10, 0], [false, true]),
        (vec![10, 10, 0, 0, 0, 0, 10, 10], [false, true]),
        (vec![4, 5, 6, 5, 4, 5, 6, 5], [false, false]),
        (vec![0; 8], [false, false]),
    ] {
        let mut numbers = vec![0; questionnaire.output_len()];
        for answer in &answers {
            add(&questionnaire, &[Response::Number(*answer)], &mut numbers);
        }
        assert_eq!(hidden(&questionnaire, &numbers, 8, 5), expected, "{answers:?}");
    }
}
