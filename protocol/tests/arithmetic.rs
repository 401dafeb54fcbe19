//! Sharing and encoding, by properties: any T shares make the secret, fewer say nothing, and every
//! admissible sum comes out exactly.

mod common;

use common::{Dice, interpolated};
use proptest::prelude::*;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::sharing::{CombineError, Scheme, Share, ShareIndex, threshold};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn schemes() -> impl Strategy<Value = Scheme> {
    prop_oneof![
        (3u8..=20).prop_map(Scheme::additive),
        (3u8..=20).prop_map(Scheme::threshold_of),
        (3u8..=12).prop_flat_map(|shares| {
            (2..=shares).prop_map(move |threshold| Scheme::new(shares, threshold).unwrap())
        }),
    ]
}

fn secret(dice: &mut Dice, len: usize) -> SecretVector {
    SecretVector::new((0..len).map(|_| field::sample(&mut dice.0)).collect())
}

/// `count` of the shares, in an order that the dice determine.
fn pick(shares: &[Share], count: usize, dice: &mut Dice) -> Vec<Share> {
    let mut shares = shares.to_vec();
    for i in (1..shares.len()).rev() {
        shares.swap(i, usize::try_from(dice.below(i as u64 + 1)).unwrap());
    }
    shares.truncate(count);
    shares
}

fn plain(vector: &SecretVector) -> Vec<u128> {
    vector.elements().iter().map(|element| u128::from(*element)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 32 } else { 256 }) })]

    #[test]
    fn any_threshold_of_shares_make_the_secret(scheme in schemes(), seed: u64, len in 1usize..8) {
        let dice = &mut Dice::new(seed);
        let secret = secret(dice, len);
        let shares = scheme.split(&secret, &mut dice.0);
        prop_assert_eq!(shares.len(), usize::from(scheme.shares()));
        for count in scheme.threshold()..=scheme.shares() {
            let some = pick(&shares, usize::from(count), dice);
            let combined = scheme.combine(&some).unwrap();
            prop_assert_eq!(plain(&combined.secret), plain(&secret));
            prop_assert_eq!(combined.wrong, []);
        }
    }

    #[test]
    fn too_few_duplicate_and_foreign_shares_are_refused(scheme in schemes(), seed: u64) {
        let dice = &mut Dice::new(seed);
        let shares = scheme.split(&secret(dice, 2), &mut dice.0);
        let need = usize::from(scheme.threshold());
        let few = pick(&shares, need - 1, dice);
        prop_assert_eq!(scheme.combine(&few).err(), Some(CombineError::TooFew { have: need - 1, need }));

        let mut doubled = pick(&shares, need, dice);
        let index = doubled[0].index;
        doubled.push(doubled[0].clone());
        prop_assert_eq!(scheme.combine(&doubled).err(), Some(CombineError::Duplicate { index }));

        let mut foreign = pick(&shares, need, dice);
        let index = ShareIndex::new(scheme.shares() + 1).unwrap();
        foreign[0].index = index;
        prop_assert_eq!(
            scheme.combine(&foreign).err(),
            Some(CombineError::Foreign { index, shares: scheme.shares() })
        );
    }

    /// Perfect secrecy, constructively: whatever T - 1 members hold, every secret is still possible,
    /// because for each there is a last share that makes it.
    #[test]
    fn fewer_than_the_threshold_say_nothing(scheme in schemes(), seed: u64) {
        let dice = &mut Dice::new(seed);
        let shares = scheme.split(&secret(dice, 1), &mut dice.0);
        let held = pick(&shares, usize::from(scheme.threshold()) - 1, dice);
        let missing = ShareIndex::all(scheme.shares())
            .find(|index| held.iter().all(|share| share.index != *index))
            .unwrap();
        for candidate in [0u128, 1, 2, field::modulus() - 1] {
            let candidate = Field::from(candidate);
            let last = completing_share(scheme, &held, missing, candidate);
            let mut complete = held.clone();
            complete.push(last);
            let combined = scheme.combine(&complete).unwrap();
            prop_assert_eq!(plain(&combined.secret), vec![u128::from(candidate)]);
        }
    }

    #[test]
    fn shares_add_up_to_shares_of_the_sum(scheme in schemes(), seed: u64, people in 2usize..6) {
        let dice = &mut Dice::new(seed);
        let mut sum = SecretVector::zeros(3);
        let mut totals: Option<Vec<Share>> = None;
        for _ in 0..people {
            let secret = secret(dice, 3);
            sum.add_assign(&secret);
            let shares = scheme.split(&secret, &mut dice.0);
            match &mut totals {
                None => totals = Some(shares),
                Some(totals) => totals.iter_mut().zip(&shares).for_each(|(total, share)| {
                    total.values.add_assign(&share.values);
                }),
            }
        }
        let totals = totals.unwrap();
        prop_assert_eq!(plain(&scheme.combine(&totals).unwrap().secret), plain(&sum));
    }

    #[test]
    fn every_value_in_range_encodes_and_decodes(min: i64, width in 1u64.., seed: u64) {
        let min = i128::from(min);
        let max = min + i128::from(width);
        let range = IntegerRange::new(min, max).unwrap();
        let dice = &mut Dice::new(seed);
        for _ in 0..8 {
            let value = dice.value(min, max);
            let bits = range.encode(value).unwrap();
            prop_assert!(plain(&bits).iter().all(|bit| *bit <= 1), "every element is a bit");
            prop_assert_eq!(range.sum(range.aggregate(bits.elements()), 1), Some(value));
        }
        prop_assert!(range.encode(min - 1).is_none());
        prop_assert!(range.encode(max + 1).is_none());
    }

    #[test]
    fn sums_are_exact_and_impossible_ones_are_refused(min in -1_000i128..1_000, width in 1i128..1_000, seed: u64, people in 1u32..50) {
        let max = min + width;
        let range = IntegerRange::new(min, max).unwrap();
        let dice = &mut Dice::new(seed);
        let mut total = SecretVector::zeros(range.len());
        let mut expected = 0;
        for _ in 0..people {
            let value = dice.value(min, max);
            expected += value;
            total.add_assign(&range.encode(value).unwrap());
        }
        prop_assert_eq!(range.sum(range.aggregate(total.elements()), people), Some(expected));
        let beyond = u128::try_from(width).unwrap() * u128::from(people) + 1;
        prop_assert_eq!(range.sum(Field::from(beyond), people), None);
    }
}

/// The share at `missing` that, with `held`, makes `secret`: the point that a polynomial through
/// (0, secret) and the shares held has there.
fn completing_share(scheme: Scheme, held: &[Share], missing: ShareIndex, secret: Field) -> Share {
    let value = if scheme.is_additive() {
        held.iter().fold(secret, |rest, share| rest - share.values.elements()[0])
    } else {
        let x = |index: ShareIndex| Field::from(u128::from(index.number()));
        let mut points = vec![(field::zero(), secret)];
        points.extend(held.iter().map(|share| (x(share.index), share.values.elements()[0])));
        interpolated(&points, x(missing))
    };
    Share { index: missing, values: SecretVector::new(vec![value]) }
}

#[test]
fn no_assignment_of_bits_leaves_the_range() {
    for width in 1i128..=70 {
        let range = IntegerRange::new(-5, -5 + width).unwrap();
        let bits = range.len();
        let mut reached = std::collections::BTreeSet::new();
        for assignment in 0u32..1 << bits {
            let vector = (0..bits).map(|bit| Field::from(u128::from(assignment >> bit & 1)));
            let value = range.sum(range.aggregate(&vector.collect::<Vec<_>>()), 1);
            reached.insert(value.expect("in range"));
        }
        assert_eq!(reached, (-5..=-5 + width).collect(), "exactly the values of the range");
    }
}

#[test]
fn the_threshold_is_more_than_two_thirds() {
    let known = [(3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7), (30, 21), (32, 22), (255, 171)];
    for (k, t) in known {
        assert_eq!(threshold(k), t, "k = {k}");
    }
    for k in 3..=255u8 {
        let t = u16::from(threshold(k));
        assert!(3 * t > 2 * u16::from(k) && t <= u16::from(k), "k = {k}");
    }
}

#[test]
fn only_reduced_elements_decode() {
    let modulus = field::modulus();
    assert!(field::decode(modulus.to_le_bytes()).is_none());
    assert!(field::decode(u128::MAX.to_le_bytes()).is_none());
    let largest = field::decode((modulus - 1).to_le_bytes()).unwrap();
    assert_eq!(field::encode(largest), (modulus - 1).to_le_bytes());
}
