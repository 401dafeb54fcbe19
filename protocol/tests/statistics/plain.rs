//! Any answers, computed plainly: sums of exact fractions, a sorted list, the textbook's formulas.

use proptest::prelude::*;
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::statistics::{Decimal, Numbers, Proportion, Summary, describe};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::asked;

/// What a form of one scale and one number is told to have been answered with, both by the same steps.
fn summaries(min: i128, step: u32, decimals: u8, answers: &[i128]) -> [Summary; 2] {
    let range = asked::steps(min, min + 60, step, decimals);
    let form = asked::form(vec![
        asked::item("scale", asked::scale(range), false),
        asked::item("number", asked::number(range, true), false),
    ]);
    let questionnaire = form.questionnaire().expect("it can be asked");
    let people: Vec<Vec<Response>> = answers
        .iter()
        .map(|answer| {
            let chosen = Response::Choice(u16::try_from(answer - min).expect("in the range"));
            vec![chosen, Response::Number(*answer)]
        })
        .collect();
    let cells: Vec<_> = asked::cells(&questionnaire, &people).into_iter().map(Some).collect();
    let count = u32::try_from(answers.len()).expect("few people");
    let mut groups = describe(&form, &questionnaire, count, &cells);
    assert_eq!(groups.len(), 1);
    groups.remove(0).summaries.try_into().expect("two items")
}

/// Whether a floating-point number is so near to a fraction, relative to its size.
fn near(number: f64, numerator: i128, denominator: i128, bits: i32) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "53 bits hold the numbers of this test")]
    let (a, b) = (numerator as f64, denominator as f64);
    assert!(numerator.abs() < 1 << 53 && denominator < 1 << 53);
    (number * b - a).abs() <= a.abs() * 2_f64.powi(-bits)
}

fn equal(decimal: Decimal, numerator: i128, denominator: i128) -> bool {
    decimal.mantissa * denominator == numerator * 10_i128.pow(decimal.decimals.into())
}

fn is_plain(numbers: &Numbers, step: u32, decimals: u8, answers: &[i128]) {
    let unit = 10_i128.pow(decimals.into());
    let n = i128::try_from(answers.len()).unwrap();
    let mut values: Vec<i128> = answers.iter().map(|answer| answer * i128::from(step)).collect();
    values.sort_unstable();
    let sum: i128 = values.iter().sum();
    assert!(equal(numbers.sum.expect("a sum"), sum, unit));
    assert!(near(numbers.mean.expect("a mean"), sum, n * unit, 50));
    if n < 2 {
        assert_eq!(numbers.standard_deviation, None);
        return;
    }
    let squares: i128 = values.iter().map(|value| value * value).sum();
    let deviation = numbers.standard_deviation.expect("a standard deviation");
    let variance = (n * squares - sum * sum, n * (n - 1) * unit * unit);
    assert!(near(deviation * deviation, variance.0, variance.1, 48), "{deviation} {variance:?}");
}

/// The quantile of `quarters` of the sorted `values`, times two: halfway between the value below which at most so many
/// lie and that above which at most the others do.
fn doubled_quantile(values: &[i128], quarters: usize) -> i128 {
    let n = values.len();
    let qualifies = |value: i128| {
        let below = values.iter().filter(|other| **other < value).count();
        let above = values.iter().filter(|other| **other > value).count();
        4 * below <= quarters * n && 4 * above <= (4 - quarters) * n
    };
    let mut both = values.iter().copied().filter(|value| qualifies(*value));
    let first = both.next().expect("some value is in the middle");
    first + both.next_back().unwrap_or(first)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 16 } else { 256 }) })]

    #[test]
    fn numbers_are_what_plain_computation_makes_of_the_answers(
        min in -100_i128..100,
        step in 1_u32..30,
        decimals in 0_u8..4,
        distances in prop::collection::vec(0_i128..=60, 1..40),
    ) {
        let answers: Vec<i128> = distances.iter().map(|distance| min + distance).collect();
        let [scale, number] = summaries(min, step, decimals, &answers);
        for summary in [&scale, &number] {
            is_plain(summary.numbers.as_ref().expect("numbers"), step, decimals, &answers);
        }
        prop_assert!(number.counts.is_empty() && number.numbers.unwrap().quartiles.is_none());
        let mut values: Vec<i128> = answers.iter().map(|answer| answer * i128::from(step)).collect();
        values.sort_unstable();
        let quartiles = scale.numbers.unwrap().quartiles.expect("its distribution is known");
        for (quarters, quartile) in (1..).zip(quartiles) {
            let doubled = doubled_quantile(&values, quarters);
            prop_assert!(equal(quartile, doubled, 2 * 10_i128.pow(decimals.into())));
        }
        for (distance, count) in (0..).zip(&scale.counts) {
            let plain = distances.iter().filter(|other| **other == distance).count();
            prop_assert_eq!(count.people, Some(u32::try_from(plain).unwrap()));
        }
    }

    /// Both bounds solve the equation that Wilson's interval is made of: the share is `z` standard errors away.
    #[test]
    fn the_bounds_of_a_share_are_wilsons(of: u32, people: u32) {
        let (of, people) = (of.max(1), people % of.max(1).saturating_add(1));
        let Proportion { share, lower, upper } = Proportion::of(people, of).expect("a share");
        prop_assert!((0.0..=share).contains(&lower) && (share..=1.0).contains(&upper));
        prop_assert_eq!(lower > 0.0, people > 0);
        prop_assert_eq!(upper < 1.0, people < of);
        for bound in [lower, upper] {
            let squared = (share - bound).powi(2) * f64::from(of);
            let expected = 1.959_963_984_540_054_f64.powi(2) * bound * (1.0 - bound);
            // A bound near one has few digits beside it.
            prop_assert!((squared - expected).abs() <= 1e-6 * expected.max(1e-8), "{} {}", squared, expected);
        }
        let other = Proportion::of(of - people, of).unwrap();
        prop_assert!((other.lower + upper - 1.0).abs() < 1e-15);
    }
}

#[test]
fn there_is_no_share_of_nobody() {
    assert_eq!(Proportion::of(0, 0), None);
    assert_eq!(Proportion::of(2, 1), None);
}

#[test]
fn decimals_are_written_with_all_their_digits() {
    for (mantissa, decimals, text) in [
        (0, 0, "0"),
        (-7, 0, "-7"),
        (-7, 2, "-0.07"),
        (1_250, 2, "12.50"),
        (i128::MIN, 9, "-170141183460469231731687303715.884105728"),
    ] {
        assert_eq!(Decimal { mantissa, decimals }.to_string(), text);
    }
}
