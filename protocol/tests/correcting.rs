//! Wrong shares are corrected and named while they are few enough, and never believed before they
//! are so many that nobody could tell.

mod common;

use std::collections::BTreeSet;

use common::{Dice, interpolated};
use proptest::prelude::*;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::sharing::{CombineError, Combined, Scheme, Share, ShareIndex};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Shares of a secret, some of them wrong.
struct Dealt {
    scheme: Scheme,
    secret: SecretVector,
    shares: Vec<Share>,
}

impl Dealt {
    /// `present` of the shares of a random secret of `len` elements, in any order.
    fn new(scheme: Scheme, present: usize, len: usize, dice: &mut Dice) -> Self {
        let secret = SecretVector::new((0..len).map(|_| field::sample(&mut dice.0)).collect());
        let mut shares = scheme.split(&secret, &mut dice.0);
        shuffle(&mut shares, dice);
        shares.truncate(present);
        Self { scheme, secret, shares }
    }

    fn threshold(&self) -> usize {
        usize::from(self.scheme.threshold())
    }

    fn to_spare(&self) -> usize {
        self.shares.len() - self.threshold()
    }

    /// How many wrong ones the documentation says are corrected.
    fn bound(&self) -> usize {
        self.to_spare() / 2
    }

    /// Adds to one element of the share at `place` of the list.
    fn add(&mut self, place: usize, position: usize, addend: Field) {
        let mut elements = self.shares[place].values.elements().to_vec();
        elements[position] += addend;
        self.shares[place].values = SecretVector::new(elements);
    }

    /// Makes `count` shares wrong, each in another way; they are the first ones, which is anywhere.
    fn corrupt(&mut self, count: usize, dice: &mut Dice) {
        let len = self.secret.len();
        let right = self.shares.clone();
        for place in 0..count {
            let position = usize::try_from(dice.below(len as u64)).unwrap();
            match dice.below(4) {
                0 => self.add(place, position, Field::from(1u128)),
                1 => self.add(place, position, -Field::from(1u128)),
                2 => {
                    let noise = (0..len).map(|_| field::sample(&mut dice.0)).collect();
                    self.shares[place].values = SecretVector::new(noise);
                }
                // Somebody else's share, as if the two had been swapped.
                _ => {
                    let other = (place + 1) % right.len();
                    self.shares[place].values = right[other].values.clone();
                }
            }
        }
    }

    /// Makes `count` shares wrong, in each element, by random numbers.
    fn corrupt_at_random(&mut self, count: usize, dice: &mut Dice) {
        for place in 0..count {
            for position in 0..self.secret.len() {
                let addend = field::sample(&mut dice.0);
                self.add(place, position, addend);
            }
        }
    }

    /// `count` members agree: they shift the secret by one and, to have their own way with as few as
    /// possible, choose the polynomial of the shift such that `T - 1` of the others are not touched.
    fn collude(&mut self, count: usize) {
        let zeros = self.shares.iter().skip(count).take(self.threshold() - 1);
        let mut points = vec![(field::zero(), Field::from(1u128))];
        points.extend(zeros.map(|share| (x(share.index), field::zero())));
        for place in 0..count {
            let shift = interpolated(&points, x(self.shares[place].index));
            self.add(place, 0, shift);
        }
    }

    /// The indices of the first `count` shares, in order.
    fn first(&self, count: usize) -> Vec<ShareIndex> {
        let first: BTreeSet<ShareIndex> =
            self.shares.iter().take(count).map(|share| share.index).collect();
        first.into_iter().collect()
    }

    /// What it must combine to if it can be corrected.
    fn truth(&self, wrong: usize) -> (Vec<u128>, Vec<ShareIndex>) {
        (plain(&self.secret), self.first(wrong))
    }

    fn combine(&mut self, dice: &mut Dice) -> Result<(Vec<u128>, Vec<ShareIndex>), CombineError> {
        let mut shares = self.shares.clone();
        shuffle(&mut shares, dice);
        let Combined { secret, wrong } = self.scheme.combine(&shares)?;
        Ok((plain(&secret), wrong))
    }

    fn undecodable(&self) -> CombineError {
        CombineError::Undecodable { have: self.shares.len(), threshold: self.scheme.threshold() }
    }
}

fn x(index: ShareIndex) -> Field {
    Field::from(u128::from(index.number()))
}

fn plain(vector: &SecretVector) -> Vec<u128> {
    vector.elements().iter().map(|element| u128::from(*element)).collect()
}

fn shuffle(shares: &mut [Share], dice: &mut Dice) {
    for i in (1..shares.len()).rev() {
        shares.swap(i, usize::try_from(dice.below(i as u64 + 1)).unwrap());
    }
}

/// A scheme with more shares than are needed, and how many of them are there: at least one to spare.
fn schemes(most: u8) -> impl Strategy<Value = (Scheme, usize)> {
    (3..=most).prop_flat_map(|shares| (Just(shares), 2..shares)).prop_flat_map(
        |(shares, threshold)| {
            let scheme = Scheme::new(shares, threshold).unwrap();
            (Just(scheme), usize::from(threshold) + 1..=usize::from(shares))
        },
    )
}

fn config(cases: u32) -> ProptestConfig {
    let cases = if cfg!(target_arch = "wasm32") { cases / 8 } else { cases };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn as_many_as_can_be_corrected_are_corrected_and_named((scheme, present) in schemes(24), len in 1usize..5, seed: u64) {
        let dice = &mut Dice::new(seed);
        let dealt = Dealt::new(scheme, present, len, dice);
        for wrong in 0..=dealt.bound() {
            let mut dealt = Dealt { shares: dealt.shares.clone(), secret: dealt.secret.clone(), scheme };
            dealt.corrupt(wrong, dice);
            prop_assert_eq!(dealt.combine(dice), Ok(dealt.truth(wrong)));
        }
    }

    #[test]
    fn colluders_that_are_few_enough_are_corrected_and_named((scheme, present) in schemes(24), seed: u64) {
        let dice = &mut Dice::new(seed);
        let mut dealt = Dealt::new(scheme, present, 2, dice);
        let wrong = dealt.bound();
        dealt.collude(wrong);
        prop_assert_eq!(dealt.combine(dice), Ok(dealt.truth(wrong)));
    }

    #[test]
    fn one_too_many_is_always_noticed_where_an_odd_number_is_to_spare((scheme, present) in schemes(24), seed: u64) {
        let dice = &mut Dice::new(seed);
        let mut dealt = Dealt::new(scheme, present, 2, dice);
        prop_assume!(dealt.to_spare() % 2 == 1);
        let wrong = dealt.bound() + 1;
        let right = dealt.shares.clone();
        dealt.corrupt(wrong, dice);
        let changed = right.iter().zip(&dealt.shares).filter(|(a, b)| plain(&a.values) != plain(&b.values));
        prop_assert_eq!(changed.count(), wrong);
        prop_assert_eq!(dealt.combine(dice), Err(dealt.undecodable()));
        dealt.shares = right;
        dealt.collude(wrong);
        prop_assert_eq!(dealt.combine(dice), Err(dealt.undecodable()));
    }

    #[test]
    fn random_errors_beyond_the_bound_are_noticed((scheme, present) in schemes(24), len in 1usize..4, seed: u64) {
        let dice = &mut Dice::new(seed);
        let dealt = Dealt::new(scheme, present, len, dice);
        for wrong in dealt.bound() + 1..=present {
            let mut dealt = Dealt { shares: dealt.shares.clone(), secret: dealt.secret.clone(), scheme };
            dealt.corrupt_at_random(wrong, dice);
            prop_assert_eq!(dealt.combine(dice), Err(dealt.undecodable()), "{} are wrong", wrong);
        }
    }

    /// Each element alone could be corrected; together too many members are wrong.
    #[test]
    fn wrong_shares_of_all_elements_count_together((scheme, present) in schemes(24), seed: u64) {
        let dice = &mut Dice::new(seed);
        let mut dealt = Dealt::new(scheme, present, present, dice);
        prop_assume!(dealt.bound() > 0);
        for wrong in 0..dealt.bound() {
            dealt.add(wrong, wrong, Field::from(1u128));
        }
        prop_assert_eq!(dealt.combine(dice), Ok(dealt.truth(dealt.bound())));
        dealt.add(dealt.bound(), dealt.bound(), Field::from(1u128));
        prop_assert_eq!(dealt.combine(dice), Err(dealt.undecodable()));
    }

    /// Whatever the values are: the secret is that of the polynomial from which at most as many shares
    /// depart as can be corrected, found by trying all sets of `T`; without such a one there is none.
    #[test]
    fn no_other_polynomial_is_ever_chosen((scheme, present) in schemes(8), seed: u64, wrong in 0usize..=8, small: bool) {
        let dice = &mut Dice::new(seed);
        let mut dealt = Dealt::new(scheme, present, 1, dice);
        for place in 0..wrong.min(present) {
            // Small errors make coincidences: several that lie on another polynomial.
            let addend = if small { Field::from(u128::from(dice.below(4))) } else { field::sample(&mut dice.0) };
            dealt.add(place, 0, addend);
        }
        prop_assert_eq!(dealt.combine(dice), by_trying(&dealt).ok_or(dealt.undecodable()));
    }
}

/// Decodes a secret of one element by trying all sets of `T` shares.
fn by_trying(dealt: &Dealt) -> Option<(Vec<u128>, Vec<ShareIndex>)> {
    let points: Vec<(ShareIndex, Field)> =
        dealt.shares.iter().map(|share| (share.index, share.values.elements()[0])).collect();
    (0u32..1 << points.len()).filter(|set| set.count_ones() as usize == dealt.threshold()).find_map(
        |set| {
            let chosen = (0..).zip(&points).filter(|(bit, _)| set >> bit & 1 == 1);
            let through: Vec<_> = chosen.map(|(_, (index, y))| (x(*index), *y)).collect();
            let off = points.iter().filter(|(index, y)| interpolated(&through, x(*index)) != *y);
            let off: BTreeSet<ShareIndex> = off.map(|(index, _)| *index).collect();
            let secret = u128::from(interpolated(&through, field::zero()));
            (off.len() <= dealt.bound()).then(|| (vec![secret], off.into_iter().collect()))
        },
    )
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn the_largest_committees_are_corrected(threshold in 2u8..255, seed: u64) {
        let dice = &mut Dice::new(seed);
        let mut dealt = Dealt::new(Scheme::new(255, threshold).unwrap(), 255, 2, dice);
        let wrong = dealt.bound();
        dealt.corrupt(wrong, dice);
        prop_assert_eq!(dealt.combine(dice), Ok(dealt.truth(wrong)));
        dealt.corrupt_at_random(wrong + 1, dice);
        prop_assert_eq!(dealt.combine(dice), Err(dealt.undecodable()));
    }
}

#[test]
fn additive_shares_cannot_be_checked() {
    let dice = &mut Dice::new(1);
    let mut dealt = Dealt::new(Scheme::additive(5), 5, 1, dice);
    dealt.add(0, 0, Field::from(1u128));
    let off_by_one = u128::from(dealt.secret.elements()[0] + Field::from(1u128));
    assert_eq!(dealt.combine(dice), Ok((vec![off_by_one], Vec::new())));
}

#[test]
fn no_more_shares_than_needed_cannot_be_checked() {
    let dice = &mut Dice::new(2);
    let mut dealt = Dealt::new(Scheme::threshold_of(7), 5, 1, dice);
    dealt.add(0, 0, Field::from(1u128));
    let (secret, wrong) = dealt.combine(dice).unwrap();
    assert_ne!(secret, plain(&dealt.secret));
    assert_eq!(wrong, []);
}

#[test]
fn all_shares_may_be_zero_but_for_the_wrong_ones() {
    let scheme = Scheme::threshold_of(13);
    let zeros = ShareIndex::all(13).map(|index| Share { index, values: SecretVector::zeros(1) });
    let mut dealt = Dealt { scheme, secret: SecretVector::zeros(1), shares: zeros.collect() };
    dealt.add(0, 0, Field::from(1u128));
    dealt.add(1, 0, Field::from(2u128));
    assert_eq!(dealt.combine(&mut Dice::new(3)), Ok(dealt.truth(2)));
}

#[test]
fn the_refusal_says_how_many_must_be_wrong() {
    let text = |have| CombineError::Undecodable { have, threshold: 5 }.to_string();
    assert_eq!(text(6), "of 6 shares, at least 1 must be wrong: too many to tell which");
    assert_eq!(text(7), "of 7 shares, at least 2 must be wrong: too many to tell which");
}
