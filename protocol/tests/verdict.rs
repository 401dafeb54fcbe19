//! Verdicts follow from what the members find, contribution by contribution, however many contributions
//! there are and whoever lies about them.

mod common;

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

use common::Dice;
use proptest::prelude::*;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::questionnaire::{Question, Questionnaire};
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};
use wardsum_protocol::validity::Verifier;
use wardsum_protocol::verdict::{Findings, Judging, Rejection, TOLERATED, Verdict, judge};
use wardsum_protocol::verification::{Finding, PIECE_LEN};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What each member finds about each contribution.
type Found = BTreeMap<ShareIndex, Vec<Finding>>;

fn questions() -> Questionnaire {
    Questionnaire::new(vec![Question::Number(IntegerRange::new(0, 10).unwrap())]).unwrap()
}

/// The findings of `present` members about `size` contributions, of which every so many percent are invalid,
/// and some of which do not fit together because a patient or a member lies.
fn findings(scheme: Scheme, present: usize, size: usize, percent: u64, dice: &mut Dice) -> Found {
    let mut members: Vec<ShareIndex> = ShareIndex::all(scheme.shares()).collect();
    while members.len() > present {
        members.remove(dice.index(members.len()));
    }
    let mut found: Found = members.iter().map(|member| (*member, Vec::new())).collect();
    // Members that lie about all, some, or none.
    let lying: BTreeMap<ShareIndex, (u64, bool)> = members
        .iter()
        .map(|member| {
            let often = [0, 0, 0, 0, 3, 100][dice.index(6)];
            (*member, (often, dice.chance(50)))
        })
        .collect();
    for _ in 0..size {
        let wire = field::sample(&mut dice.0);
        let output = if dice.chance(percent) { field::sample(&mut dice.0) } else { field::zero() };
        let message = SecretVector::new(vec![output, wire, wire * wire - wire]);
        let shares = scheme.split(&message, &mut dice.0);
        let unlucky = dice.chance(percent).then(|| dice.index(usize::from(scheme.shares())));
        for share in shares {
            let Some(of) = found.get_mut(&share.index) else { continue };
            let mut verifier = Verifier::try_from(share.values.elements()).unwrap();
            let (often, unreadable) = lying[&share.index];
            let lies = dice.chance(often) || unlucky == Some(share.index.position());
            let finding = match (lies, unreadable) {
                (true, true) => Finding::Unreadable,
                (true, false) => {
                    verifier[dice.index(3)] += Field::from(1u128);
                    Finding::Share(verifier)
                }
                (false, _) => Finding::Share(verifier),
            };
            of.push(finding);
        }
    }
    found
}

/// The shares of those members that can read contribution `number`, and those that cannot.
fn heard(
    found: &Found,
    members: &BTreeSet<ShareIndex>,
    number: usize,
) -> (Vec<Share>, Vec<ShareIndex>) {
    let (mut shares, mut unreadable) = (Vec::new(), Vec::new());
    for member in members {
        match found[member][number] {
            Finding::Share(verifier) => {
                let values = SecretVector::new(verifier.to_vec());
                shares.push(Share { index: *member, values });
            }
            Finding::Unreadable => unreadable.push(*member),
        }
    }
    (shares, unreadable)
}

/// The document's rules, one contribution after the other.
fn by_the_rules(
    scheme: Scheme,
    found: &Found,
    size: usize,
    own: &BTreeSet<u32>,
) -> (Vec<ShareIndex>, Vec<(u32, Rejection)>) {
    let mut members: BTreeSet<ShareIndex> = found.keys().copied().collect();
    let mut disputes: BTreeMap<ShareIndex, BTreeSet<usize>> = BTreeMap::new();
    for number in 0..size {
        let (shares, mut disputing) = heard(found, &members, number);
        disputing.extend(scheme.combine(&shares).map_or(Vec::new(), |combined| combined.wrong));
        for member in disputing {
            disputes.entry(member).or_default().insert(number);
        }
    }
    let spare = members.len() - usize::from(scheme.threshold());
    let against = |number: &usize| disputes.values().filter(|of| of.contains(number)).count();
    let many_own = f64::from(scheme.shares() - scheme.threshold()).sqrt().max(1.0);
    let is_own = |number: &&usize| own.contains(&u32::try_from(**number).unwrap());
    let mut suspects = Vec::new();
    for (member, of) in &disputes {
        let held: Vec<usize> = of.iter().copied().filter(|n| against(n) <= spare).collect();
        let held_own = u32::try_from(held.iter().filter(is_own).count()).unwrap();
        if held.len() > (size / TOLERATED).max(1) || f64::from(held_own) > many_own {
            let only_own = held.len() <= (size / TOLERATED).max(1);
            suspects.push((usize::MAX - held.len(), *member, only_own));
        }
    }
    suspects.sort_unstable();
    let mut only_own = (0u32..).filter(|n| f64::from(*n) >= 1.0 && f64::from(*n) <= many_own);
    suspects.retain(|(.., of_own)| !of_own || only_own.next().is_some());
    for (_, member, _) in suspects.into_iter().take(spare) {
        members.remove(&member);
    }
    let reason = |number: usize| {
        let by_who_is_left =
            |(member, of): (_, &BTreeSet<usize>)| members.contains(member) && of.contains(&number);
        if disputes.iter().any(by_who_is_left) {
            return Some(Rejection::Disputed);
        }
        let (shares, unreadable) = heard(found, &members, number);
        let combined = scheme.combine(&shares).ok().filter(|combined| combined.wrong.is_empty());
        match combined.filter(|_| unreadable.is_empty()) {
            None => Some(Rejection::Disputed),
            Some(combined) => {
                let verifier = Verifier::try_from(combined.secret.elements()).unwrap();
                let [output, wire, gadget] = verifier;
                let valid = output == field::zero() && wire * wire - wire == gadget;
                (!valid).then_some(Rejection::Invalid)
            }
        }
    };
    let numbers = (0u32..).zip(0..size);
    let rejected = numbers.filter_map(|(number, at)| reason(at).map(|reason| (number, reason)));
    let rejected = rejected.collect();
    (members.into_iter().collect(), rejected)
}

/// Which contributions are the committee members' own.
fn own(scheme: Scheme, size: usize, dice: &mut Dice) -> BTreeSet<u32> {
    let numbers = (0..u32::try_from(size).unwrap()).filter(|_| dice.chance(60));
    numbers.take(scheme.shares().into()).collect()
}

fn in_one_piece(scheme: Scheme, found: &Found, own: &BTreeSet<u32>) -> Verdict {
    let findings: Vec<Findings<'_>> =
        found.iter().map(|(member, of)| Findings { member: *member, of }).collect();
    judge(&questions(), scheme, &findings, own)
}

/// The verdict, and how many slices it took.
fn in_slices(scheme: Scheme, found: &Found, own: &BTreeSet<u32>, work: u64) -> (Verdict, usize) {
    let of = |member, numbers: Range<u32>| {
        let last = numbers.end - 1;
        assert!(numbers.start / PIECE_LEN == last / PIECE_LEN, "{numbers:?} are of two pieces");
        &found[&member][numbers.start as usize..numbers.end as usize]
    };
    let members = found.keys().copied().collect();
    let size = found.values().next().map_or(0, Vec::len);
    let size = u32::try_from(size).unwrap();
    let mut judging = Judging::new(scheme, members, size, own.clone());
    let mut slices = 1;
    loop {
        match judging.advance(&questions(), of, work) {
            Some(verdict) => return (verdict, slices),
            None => slices += 1,
        }
    }
}

fn schemes() -> impl Strategy<Value = (Scheme, usize)> {
    let scheme = prop_oneof![
        (3u8..=6).prop_map(Scheme::additive),
        (4u8..=13).prop_map(Scheme::threshold_of),
    ];
    scheme.prop_flat_map(|scheme| {
        let enough = usize::from(scheme.threshold())..=usize::from(scheme.shares());
        (Just(scheme), enough)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(target_arch = "wasm32") { 50 } else { 400 }) })]

    #[test]
    fn a_verdict_is_that_of_the_rules((scheme, present) in schemes(), size in 1usize..90, percent in 0u64..15, seed: u64) {
        let dice = &mut Dice::new(seed);
        let found = findings(scheme, present, size, percent, dice);
        let own = own(scheme, size, dice);
        let verdict = in_one_piece(scheme, &found, &own);
        let told = (verdict.members().iter().collect(), verdict.rejected().collect());
        prop_assert_eq!(told, by_the_rules(scheme, &found, size, &own));
    }

    #[test]
    fn a_verdict_is_the_same_however_it_is_cut_up((scheme, present) in schemes(), size in 1usize..90, percent in 0u64..15, work in 0u64..20_000, seed: u64) {
        let dice = &mut Dice::new(seed);
        let found = findings(scheme, present, size, percent, dice);
        let own = own(scheme, size, dice);
        let (verdict, slices) = in_slices(scheme, &found, &own, work);
        prop_assert!(slices > 1 || work > 0);
        prop_assert_eq!(verdict, in_one_piece(scheme, &found, &own));
    }
}

/// More than are looked at together, because they are of two pieces, or because so many members have verified them.
#[test]
fn a_verdict_over_many_contributions_is_that_of_the_rules() {
    for (k, size) in [(7, 1_100), (64, 300)] {
        let (dice, scheme) = (&mut Dice::new(u64::from(k)), Scheme::threshold_of(k));
        let found = findings(scheme, usize::from(k), size, 2, dice);
        let own = own(scheme, size, dice);
        let (verdict, slices) = in_slices(scheme, &found, &own, 10_000);
        assert!(slices > 4, "{slices} slices");
        assert_eq!(verdict, in_one_piece(scheme, &found, &own));
        let told = (verdict.members().iter().collect(), verdict.rejected().collect());
        assert_eq!(told, by_the_rules(scheme, &found, size, &own));
        assert!(verdict.rejected_len() > 0);
    }
}

/// Seven members, T = 5. Two patients spoil their shares for members 6 and 7, who are left out for it; member 1
/// gives a wrong share for its own contribution, with which the five that remain would agree on anything.
#[test]
fn what_was_in_dispute_stays_so_when_those_who_contradict_are_left_out() {
    let mut dice = Dice::new(1);
    let scheme = Scheme::threshold_of(7);
    let valid = |dice: &mut Dice| {
        let wire = field::sample(&mut dice.0);
        let message = SecretVector::new(vec![field::zero(), wire, wire * wire - wire]);
        scheme.split(&message, &mut dice.0)
    };
    let mut found: Found = ShareIndex::all(7).map(|member| (member, Vec::new())).collect();
    for number in 0..9 {
        for mut share in valid(&mut dice) {
            if number == 0 && share.index.number() == 1 {
                share.values = SecretVector::new(vec![field::sample(&mut dice.0); 3]);
            }
            let finding = if [1, 2].contains(&number) && share.index.number() > 5 {
                Finding::Unreadable
            } else {
                Finding::Share(Verifier::try_from(share.values.elements()).unwrap())
            };
            found.get_mut(&share.index).unwrap().push(finding);
        }
    }
    let verdict = in_one_piece(scheme, &found, &BTreeSet::new());
    let members: Vec<u8> = verdict.members().iter().map(ShareIndex::number).collect();
    assert_eq!(members, [1, 2, 3, 4, 5]);
    assert_eq!(verdict.rejected().collect::<Vec<_>>(), [(0, Rejection::Disputed)]);
}

/// What `k` members find about `size` valid answers, of which some cannot be read by some: those of the numbers by
/// the members who have these places.
fn unreadable(k: u8, size: usize, spoilt: &[(usize, &[u8])]) -> Found {
    let (mut dice, scheme) = (Dice::new(1), Scheme::threshold_of(k));
    let mut found = findings(scheme, usize::from(k), size, 0, &mut dice);
    for (member, of) in &mut found {
        *of = vec![Finding::Share([field::zero(); 3]); size];
        for (number, places) in spoilt {
            if places.contains(&member.number()) {
                of[*number] = Finding::Unreadable;
            }
        }
    }
    found
}

fn left_out(k: u8, verdict: &Verdict) -> Vec<u8> {
    (1..=k).filter(|place| !verdict.members().contains(ShareIndex::new(*place).unwrap())).collect()
}

/// Seven members, T = 5: two can be spared. What three of them dispute tells nothing about any of them.
#[test]
fn what_more_dispute_than_can_be_spared_is_held_against_none() {
    for (places, expected) in [(&[6, 7][..], &[6, 7][..]), (&[5, 6, 7], &[])] {
        let found = unreadable(7, 30, &[3, 4, 5].map(|number| (number, places)));
        let verdict = in_one_piece(Scheme::threshold_of(7), &found, &BTreeSet::new());
        assert_eq!(left_out(7, &verdict), expected, "{places:?}");
        let rejected = if expected.is_empty() { 3 } else { 0 };
        assert_eq!(verdict.rejected_len(), rejected);
    }
}

/// Thirty-two members, T = 22, of whom four spoil their own shares for the same ten: were these all left out, nothing
/// would check what the others say.
#[test]
fn members_who_spoil_their_own_shares_leave_enough_to_check_them_by() {
    let honest: Vec<u8> = (23..=32).collect();
    let own = (0..32).collect();
    for (spoilers, expected) in [(3, &[][..]), (4, &[23, 24, 25]), (9, &[23, 24, 25])] {
        let spoilt: Vec<(usize, &[u8])> = (0..spoilers).map(|own| (own, &honest[..])).collect();
        let found = unreadable(32, 200, &spoilt);
        let verdict = in_one_piece(Scheme::threshold_of(32), &found, &own);
        assert_eq!(left_out(32, &verdict), expected, "{spoilers} spoilers");
        let rejected: Vec<u32> = verdict.rejected().map(|(number, _)| number).collect();
        assert_eq!(rejected, (0..u32::try_from(spoilers).unwrap()).collect::<Vec<_>>());
    }
}
