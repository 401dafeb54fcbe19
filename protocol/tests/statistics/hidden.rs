//! Hidden cells: every figure that needs one is gone, every other one stays.

use wardsum_protocol::form::{Form, Kind};
use wardsum_protocol::questionnaire::{Figure, Response, Subject};
use wardsum_protocol::statistics::{Group, Numbers, describe};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::asked;

/// Ten people by treatment: whether they feel better, which not all say, their pain on a scale, and their temperature.
fn groups(hidden: &[(Subject, Option<u16>, Figure)]) -> Vec<Group> {
    let form = Form {
        grouping: Some(0),
        ..asked::form(vec![
            asked::item("arm", asked::choice(&[None, None]), false),
            asked::item("better", Kind::YesNo, true),
            asked::item("pain", asked::scale(asked::steps(1, 3, 1, 0)), false),
            asked::item("temperature", asked::number(asked::steps(70, 84, 5, 1), true), true),
        ])
    };
    let questionnaire = form.questionnaire().expect("it can be asked");
    let people: Vec<Vec<Response>> = (0..10_u16)
        .map(|person| {
            let better = if person == 9 { Response::None } else { Response::YesNo(person > 3) };
            let temperature = Response::Number(70 + i128::from(person));
            vec![Response::Choice(person % 2), better, Response::Choice(person % 3), temperature]
        })
        .collect();
    let cells = asked::cells(&questionnaire, &people);
    let names = questionnaire.cells().iter().map(|cell| (cell.subject, cell.group, cell.figure));
    let shown: Vec<Option<u128>> =
        names.zip(cells).map(|(name, cell)| (!hidden.contains(&name)).then_some(cell)).collect();
    assert_eq!(shown.iter().filter(|cell| cell.is_none()).count(), hidden.len());
    describe(&form, &questionnaire, 10, &shown)
}

#[test]
fn a_hidden_option_takes_along_what_is_computed_from_it() {
    let shown = groups(&[]);
    let pain = (Subject::Item(2), Some(1));
    let hidden = groups(&[(pain.0, pain.1, Figure::Option(2))]);
    assert_eq!(shown[..2], hidden[..2], "nothing of everybody and of the other group");
    let (shown, hidden) = (&shown[2].summaries[1], &hidden[2].summaries[1]);
    assert_eq!((shown.subject, hidden.answered), (pain.0, Some(5)));
    assert_eq!(shown.counts[..2], hidden.counts[..2]);
    assert!(shown.counts[2].people.is_some() && shown.counts[2].proportion.is_some());
    assert_eq!((hidden.counts[2].people, hidden.counts[2].proportion), (None, None));
    let numbers = shown.numbers.expect("numbers");
    assert!(numbers.sum.is_some() && numbers.mean.is_some());
    assert!(numbers.standard_deviation.is_some() && numbers.quartiles.is_some());
    let kept = hidden.numbers.expect("numbers");
    assert_eq!(Numbers { quartiles: None, ..numbers }, kept, "sums that are shown");
    let (sum, squares) = ((pain.0, pain.1, Figure::Sum), (pain.0, pain.1, Figure::Squares));
    let without = groups(&[(pain.0, pain.1, Figure::Option(2)), squares]);
    let kept = without[2].summaries[1].numbers.expect("numbers");
    let deviation = None;
    assert_eq!(Numbers { quartiles: None, standard_deviation: deviation, ..numbers }, kept);
    let without = groups(&[(pain.0, pain.1, Figure::Option(2)), sum, squares]);
    let gone = without[2].summaries[1].numbers.expect("what would be numbers");
    assert_eq!((gone.sum, gone.mean), (None, None));
    assert_eq!((gone.standard_deviation, gone.quartiles), (None, None));
    let counted = groups(&[sum, squares]);
    assert_eq!(counted[2].summaries[1].numbers, Some(numbers), "all counts say the same");
}

#[test]
fn without_how_many_answered_there_is_neither_a_share_nor_a_mean() {
    let better = &groups(&[(Subject::Item(1), None, Figure::Answered)])[0].summaries[1];
    assert_eq!((better.answered, better.missing), (None, None));
    let [yes, no] = &better.counts[..] else { panic!("two answers") };
    assert_eq!((yes.people, yes.proportion), (Some(5), None));
    assert_eq!((no.people, no.proportion), (None, None));
    let temperature = &groups(&[(Subject::Item(3), None, Figure::Answered)])[0].summaries[3];
    let numbers = temperature.numbers.expect("what would be numbers");
    assert_eq!((numbers.sum, numbers.mean, numbers.standard_deviation), (None, None, None));
}

#[test]
fn without_squares_there_is_no_standard_deviation() {
    let temperature = &groups(&[(Subject::Item(3), None, Figure::Squares)])[0].summaries[3];
    let numbers = temperature.numbers.expect("numbers");
    assert_eq!(numbers.standard_deviation, None);
    assert_eq!(numbers.sum.map(|sum| sum.to_string()).as_deref(), Some("372.5"));
    assert!((numbers.mean.expect("a mean") - 37.25).abs() < 1e-12);
}

#[test]
fn the_size_of_a_group_is_hidden_with_its_option() {
    let hidden = groups(&[(Subject::Item(0), None, Figure::Option(1))]);
    let people: Vec<Option<u32>> = hidden.iter().map(|group| group.people).collect();
    assert_eq!(people, [Some(10), Some(5), None]);
    assert_eq!(hidden[2].summaries[1].answered, None, "everybody in the group, who are not told");
    assert_eq!(hidden[2].summaries[0].missing, None);
    assert!(hidden[2].summaries[1].counts.iter().all(|count| count.proportion.is_none()));
}
