//! Whole rounds over random studies, answers, sizes and orders of messages: the published sum is
//! the plain sum, every time.
//!
//! `WARDSUM_SEED=n` replays one round; `WARDSUM_ROUNDS=n` sets how many each test plays.

mod common;

use common::{Dice, Net, asking, number, settle, study};
use wardsum_protocol::field;
use wardsum_protocol::peer::OwnAnswer;
use wardsum_protocol::{SchemeChoice, Study, StudyError, StudyParameters, Suite};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// How many rounds each of the eight tests below plays; together they are the 10,000.
const ROUNDS: u64 = if cfg!(target_arch = "wasm32") { 12 } else { 1_280 };

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn play_batch(batch: u64) {
    if let Some(seed) = setting("WARDSUM_SEED") {
        play(seed);
        return;
    }
    for round in 0..setting("WARDSUM_ROUNDS").unwrap_or(ROUNDS) {
        play(batch * 1_000_000 + round);
    }
}

macro_rules! batches {
    ($($name:ident = $batch:literal),*) => {$(
        #[test]
        fn $name() {
            play_batch($batch);
        }
    )*};
}

batches! {
    every_sum_is_exact_0 = 0, every_sum_is_exact_1 = 1, every_sum_is_exact_2 = 2, every_sum_is_exact_3 = 3,
    every_sum_is_exact_4 = 4, every_sum_is_exact_5 = 5, every_sum_is_exact_6 = 6, every_sum_is_exact_7 = 7
}

/// Plays the round that `seed` determines.
fn play(seed: u64) {
    let mut dice = Dice::new(seed);
    let people = match dice.below(10) {
        0..5 => dice.between(3, 4),
        5..9 => dice.between(5, 7),
        _ => dice.between(8, 14),
    };
    let (study, range) = random_study(&mut dice, people);
    let (min, max) = range;
    let mut net = Net::new(study, seed);
    let mut expected = 0i128;
    let mut answered = 0;
    // Some answer before others have even opened the page.
    while answered < people {
        let patient = net.join();
        for _ in 0..dice.below(6) {
            net.step_mail();
        }
        net.settle_mail();
        let value = dice.value(min, max);
        let taken = net.patients[patient].peer.answer(number(value), net.now);
        assert_eq!(taken, Ok(()), "seed {seed}: patient {patient} answers");
        net.flush(patient);
        expected = expected.checked_add(value).expect("a study's sums fit");
        answered += 1;
    }
    net.run();
    check(seed, &net, people, expected);
}

fn check(seed: u64, net: &Net, people: u64, expected: i128) {
    let status = net.round.status();
    let aggregate = status.aggregate.unwrap_or_else(|| {
        panic!("seed {seed}: no result: {:?}, events {:?}", status.ended, net.events)
    });
    assert_eq!(u64::from(aggregate.count), people, "seed {seed}: everybody is counted");
    assert_eq!(net.sum_in(&aggregate), expected, "seed {seed}: the sum is exact");
    for patient in 0..net.patients.len() {
        let published = net.published(patient).unwrap_or_else(|| {
            panic!("seed {seed}: patient {patient} saw no result: {:?}", net.failure(patient))
        });
        assert_eq!(published.aggregate, aggregate, "seed {seed}: patient {patient} saw the same");
        assert_eq!(published.own, OwnAnswer::Counted, "seed {seed}: patient {patient}'s answer");
    }
}

/// A study for so many people, and the range of its answers.
fn random_study(dice: &mut Dice, people: u64) -> (Study, (i128, i128)) {
    let people = u32::try_from(people).unwrap();
    loop {
        let (min, max) = random_range(dice);
        let minimum_cohort = 3 + u32::try_from(dice.below(u64::from(people) - 2)).unwrap();
        let mut parameters = |p: &mut StudyParameters| {
            p.instance = dice.bytes();
            p.form = asking(min, max);
            p.minimum_cohort = minimum_cohort;
            p.maximum_cohort = people.max(minimum_cohort) + u32::try_from(dice.below(3)).unwrap();
            p.committee_cap = u16::try_from(dice.between(3, 16)).unwrap();
            // Nobody may be missed here, so phases close when everybody is there, or long after.
            p.enrolment = settle(dice.between(1_000, 10_000));
            p.contributing = settle(dice.between(1_000, 10_000));
            if dice.chance(30) {
                p.contributing.count = Some(people);
            }
            p.scheme =
                if dice.chance(20) { SchemeChoice::Additive } else { SchemeChoice::Threshold };
            p.suite = if dice.chance(5) { Suite::XWing } else { Suite::X25519 };
        };
        let mut candidate = common::parameters();
        parameters(&mut candidate);
        match Study::new(candidate) {
            Ok(study) => return (study, (min, max)),
            // The widest ranges do not leave room for many answers: that is what is refused.
            Err(StudyError::SumCouldWrap { .. }) => {}
            Err(error) => panic!("the generator made an inadmissible study: {error}"),
        }
    }
}

/// Ranges of all magnitudes, around zero, at the ends of `i64`, and as wide as the field allows.
fn random_range(dice: &mut Dice) -> (i128, i128) {
    match dice.below(8) {
        0 => (0, 1),
        1 => (0, 10),
        2 => (-3, 3),
        3 => (i128::from(i64::MIN), i128::from(i64::MAX)),
        4 => {
            let width = field::modulus() / u128::from(dice.between(18, 40));
            let width = i128::try_from(width).unwrap();
            (-width / 2, width - width / 2 - 1)
        }
        _ => {
            let bits = dice.between(1, 100);
            let width = (dice.u128() >> (128 - bits)).max(1);
            let min = i128::try_from(dice.u128() >> 64).unwrap() - (1 << 63);
            (min, min + i128::try_from(width).unwrap())
        }
    }
}

#[test]
fn the_smallest_round_is_additive_and_exact() {
    let mut net = Net::new(study(|_| {}), 1);
    common::all_answer(&mut net, &[3, 1, 4]);
    net.run();
    check(1, &net, 3, 8);
}

#[test]
fn people_beyond_the_cap_only_contribute_and_are_counted() {
    let mut net = Net::new(study(|p| p.committee_cap = 4), 2);
    common::all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    net.run();
    assert_eq!(net.round.status().committee, Some(4));
    check(2, &net, 10, 55);
}
