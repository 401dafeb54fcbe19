//! Hospitals that cheat with verdicts: one that tells two groups of members different ones never opens two
//! sums, and one whose verdict breaks the rules is refused by each member.

mod common;

use common::{Net, settle, study, verdict_bytes, verdict_parts};
use wardsum_protocol::aggregate::combine;
use wardsum_protocol::manifest::Commitment;
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Failure, Misbehaviour, Stage};
use wardsum_protocol::round::Record;
use wardsum_protocol::sharing::{Share, ShareIndex, threshold};
use wardsum_protocol::verdict::{Verdict, VerdictBytes, VerdictError};
use wardsum_protocol::{DeclineReason, Phase, Study, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn study_of(k: u8) -> Study {
    study(|p| {
        (p.committee_cap, p.minimum_cohort) = (k.into(), 3);
        p.contributing = settle(5_000);
    })
}

/// A round of `k` members and a visitor, whose number is `k`. All members have verified, and none of them has
/// heard the verdict that the hospital has just reached.
fn verified(k: u8, visitor: Option<Misbehaviour>) -> Net {
    let mut net = Net::new(study_of(k), 31);
    let answers: Vec<i128> = (0..k.into()).collect();
    common::all_answer(&mut net, &answers);
    net.run_until(|net| net.round.status().contributed == u32::from(k));
    let visitor = match visitor {
        Some(misbehaviour) => net.join_misbehaving(misbehaviour),
        None => net.join(),
    };
    net.settle_mail();
    net.answer(visitor, 7);
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    assert_eq!(net.round.status().contributed, u32::from(k) + 1);
    net
}

fn told(net: &mut Net, member: usize, verdict: &VerdictBytes) {
    net.tell(member, wire::encode(&HospitalMessage::Verdict(verdict.clone())));
}

/// The one partial aggregate that a member has given, if any, as a share of the sum that one of these verdicts counts;
/// and which of them that is.
fn partial(net: &Net, patient: usize, verdicts: &[VerdictBytes; 2]) -> Option<(usize, Share)> {
    let gave = |message| matches!(message, PeerMessage::Partial(_));
    if !net.sent(patient).any(gave) {
        return None;
    }
    let (study, committee, commitment) =
        (net.round.study(), net.committee().unwrap(), commitment(net));
    let given = net.only_partial(patient);
    let shares = verdicts.iter().enumerate().filter_map(|(which, verdict)| {
        let verdict = Verdict::read(verdict, study, &committee, commitment).unwrap();
        let known = (&verdict, verdict.digest(commitment.digest(study, &committee)));
        Some((which, given.verify(study, &committee, known).ok()?))
    });
    let shares: Vec<_> = shares.collect();
    let [share] = <[_; 1]>::try_from(shares).expect("it is for one of the verdicts");
    Some(share)
}

fn commitment(net: &Net) -> Commitment {
    let contributions = net.journal.iter().filter_map(|(_, record)| match record {
        Record::Contributed(contributed) => Some((&contributed.sender, contributed.digest)),
        _ => None,
    });
    Commitment::of(contributions)
}

/// Two verdicts for `k` members and a visitor, whose difference is the visitor's answer: it counts in the first one and
/// not in the second, which claims that the last `dropped_out` members are not there any more.
fn verdicts(k: u8, dropped_out: u8) -> [VerdictBytes; 2] {
    let all: Vec<u8> = (1..=k).collect();
    let remaining = &all[..usize::from(k - dropped_out)];
    [verdict_bytes(&all, &[]), verdict_bytes(remaining, &[(k.into(), 1)])]
}

/// What each of `k` members gives, by place, that is told one of the verdicts, then the other, and both once more after a
/// reload.
fn partials(k: u8, verdicts: &[VerdictBytes; 2], which: usize) -> Vec<(usize, Share)> {
    let mut net = verified(k, None);
    let (first, second) = (&verdicts[which], &verdicts[1 - which]);
    let all = 0..usize::from(k);
    for member in all.clone() {
        told(&mut net, member, first);
        told(&mut net, member, second);
    }
    // Whom the first verdict leaves out has given nothing, and after the reload may help with the other one.
    let bound: Vec<bool> =
        all.clone().map(|member| partial(&net, member, verdicts).is_some()).collect();
    all.clone().for_each(|member| net.reload(member));
    for member in all.clone() {
        net.run_until(|net| {
            let stage = net.patients[member].peer.stage();
            matches!(stage, Stage::AwaitingResult | Stage::Finished | Stage::Failed)
        });
        told(&mut net, member, second);
        // The true verdict, which comes after the reload, is the one that counts the visitor.
        let refused = which == 1 && bound[member];
        assert_eq!(net.failure(member), refused.then_some(Failure::Equivocation));
    }
    let mut given: Vec<_> = all
        .map(|member| partial(&net, member, verdicts).expect("it has helped with one"))
        .collect();
    given.sort_by_key(|(_, share)| share.index);
    given
}

/// Every split of `k` members in those who are told one verdict first and those who are told the other.
fn never_opens_two_sums(k: u8, dropped_out: u8) {
    let net = verified(k, None);
    let (study, committee) = (net.round.study(), net.committee().unwrap());
    let verdicts = verdicts(k, dropped_out);
    let answers = [0, 1].map(|which| partials(k, &verdicts, which));
    let total: i128 = (0..k.into()).sum();
    let sums = [(u32::from(k) + 1, total + 7), (u32::from(k), total)];
    // The partial aggregates for a verdict, of those in `group`, who are told the first one first, and the others; and
    // of members that break the rule and answer both.
    let opened = |which: usize, group: u32, colluders: u32| {
        let shares = (0..usize::from(k)).filter_map(|position| {
            let is_in = |members: u32| members >> position & 1 == 1;
            let told_first = usize::from(!is_in(group));
            let gives =
                |order: usize| Some(&answers[order][position]).filter(|(of, _)| *of == which);
            let both = gives(1 - told_first).filter(|_| is_in(colluders));
            gives(told_first).or(both).map(|(_, share)| share.clone())
        });
        let shares: Vec<Share> = shares.collect();
        let enough = shares.len() >= usize::from(threshold(k));
        let decoded = combine(study, &committee, sums[which].0, &shares).ok();
        assert_eq!(decoded.is_some(), enough, "{} partial aggregates", shares.len());
        let sum = u128::try_from(sums[which].1).unwrap();
        decoded.map(|decoded| assert_eq!(decoded.result, [sum])).is_some()
    };
    let all = (1 << k) - 1;
    // Up to `2T - k - 1` colluders change nothing.
    let most = 2 * threshold(k) - k - 1;
    let both = |group: u32, colluding: u8| {
        let colluders = (1 << colluding) - 1;
        opened(0, group, colluders) && opened(1, group, colluders)
    };
    for group in 0..=all {
        for colluding in 0..=most {
            assert!(
                !both(group, colluding),
                "{k}, {dropped_out}: {group:b}, {colluding} colluders"
            );
        }
    }
    assert!(opened(0, all, 0) && opened(1, 0, 0), "each verdict alone opens its sum");
    // With one more there is a split that opens both.
    assert!((0..=all).any(|group| both(group, most + 1)), "the bound is sharp");
}

#[test]
fn two_verdicts_never_open_two_sums() {
    for k in 3..=9 {
        never_opens_two_sums(k, 0);
    }
}

/// As many are said to have dropped out as the threshold can spare.
#[test]
fn members_that_are_said_to_have_dropped_out_do_not_make_a_second_sum() {
    for k in 3..=9 {
        for dropped_out in 1..=k - threshold(k) {
            never_opens_two_sums(k, dropped_out);
        }
    }
}

/// Tells a member of five, with a visitor, a verdict that is made from the true one.
fn meddled(
    visitor: Option<Misbehaviour>,
    change: impl Fn(&Net, &mut Vec<u8>, &mut Vec<(u32, u8)>),
) -> (Net, usize) {
    let mut net = verified(5, visitor);
    let verdict = net.journal.iter().find_map(|(_, record)| match record {
        Record::Judged(verdict) => Some(verdict.clone()),
        _ => None,
    });
    let (mut members, mut rejected) = verdict_parts(&verdict.expect("it is written down"));
    change(&net, &mut members, &mut rejected);
    let third = ShareIndex::new(3).unwrap();
    let victim = (0..5).find(|patient| net.place_of(*patient) == Some(third)).unwrap();
    told(&mut net, victim, &verdict_bytes(&members, &rejected));
    (net, victim)
}

/// The victim gives no partial aggregate, says why, and stops.
fn is_refused((net, victim): (Net, usize), failure: Failure, declined: DeclineReason) {
    assert_eq!(net.failure(victim), Some(failure));
    let said: Vec<_> = net
        .sent(victim)
        .filter_map(|message| match message {
            PeerMessage::Decline(reason) => Some(reason),
            PeerMessage::Partial(_) => panic!("it gives no partial aggregate"),
            _ => None,
        })
        .collect();
    assert_eq!(said, [declined]);
}

#[test]
fn the_true_verdict_is_answered() {
    let (net, victim) = meddled(None, |_, _, _| {});
    assert_eq!(net.failure(victim), None);
    assert!(net.sent(victim).any(|message| matches!(message, PeerMessage::Partial(_))));
}

#[test]
fn a_verdict_that_breaks_the_rules_is_refused() {
    type Change = fn(&Net, &mut Vec<u8>, &mut Vec<(u32, u8)>);
    let cases: [(Change, VerdictError); 9] = [
        (|_, members, _| members.swap(0, 1), VerdictError::Order),
        (|_, members, _| members.push(5), VerdictError::Order),
        (|_, _, rejected| rejected.extend([(1, 1), (0, 1)]), VerdictError::Order),
        (|_, _, rejected| rejected.extend([(1, 1), (1, 2)]), VerdictError::Order),
        (|_, members, _| members.insert(0, 0), VerdictError::UnknownMember { number: 0 }),
        (|_, members, _| members.push(6), VerdictError::UnknownMember { number: 6 }),
        (|_, _, rejected| rejected.push((6, 1)), VerdictError::UnknownContribution { number: 6 }),
        (|_, members, _| members.truncate(3), VerdictError::TooFewMembers { have: 3, need: 4 }),
        (
            |_, _, rejected| rejected.extend((2..6).map(|number| (number, 1))),
            VerdictError::TooFewAnswers { have: 2, need: 3 },
        ),
    ];
    for (change, error) in cases {
        let refused = Failure::VerdictInvalid(error);
        is_refused(meddled(None, change), refused, DeclineReason::BelowMinimum);
    }
}

/// Two verdicts would otherwise tell what it could not read, and what everybody else could.
#[test]
fn a_verdict_that_counts_what_the_member_could_not_read_is_refused() {
    let unopenable = Misbehaviour::Unopenable(3);
    let met = meddled(Some(unopenable), |_, _, rejected| {
        assert_eq!(*rejected, [(5, 2)]);
        rejected.clear();
    });
    is_refused(met, Failure::VerdictContradicted, DeclineReason::Mismatch);
}

/// What the third of five members says last to a verdict that rejects its answer and those of so many others.
fn last_word_without(others: usize) -> (Net, usize) {
    let third = ShareIndex::new(3).unwrap();
    meddled(None, |net, _, rejected| {
        let (victims, rest): (Vec<_>, Vec<_>) =
            (0..5).partition(|patient| net.place_of(*patient) == Some(third));
        let without = victims.into_iter().chain(rest.into_iter().take(others));
        rejected.extend(without.map(|patient| (net.number_of(patient).unwrap(), 2)));
        rejected.sort_unstable();
    })
}

/// A sum with the answers of as many members as the threshold is what its own answer was to ensure.
#[test]
fn a_member_whose_own_answer_is_rejected_opens_the_sum_of_enough_other_members() {
    let (net, victim) = last_word_without(0);
    assert_eq!(net.failure(victim), None);
    let last = net.sent(victim).last();
    assert!(matches!(last, Some(PeerMessage::Partial(_))));
}

/// A member vouches for no sum without its own answer and with those of too few others. It is nobody's fault that it
/// can know of, so it stays.
#[test]
fn a_member_whose_own_answer_is_rejected_gives_no_partial_aggregate_for_too_few_others() {
    let (net, victim) = last_word_without(1);
    assert_eq!(net.failure(victim), None);
    assert_eq!(net.patients[victim].peer.stage(), Stage::AwaitingResult);
    let last = net.sent(victim).last();
    assert!(matches!(last, Some(PeerMessage::Decline(DeclineReason::OwnAnswer))));
}

/// Whoever is left out gives nothing, whatever else it is told.
#[test]
fn a_member_that_is_left_out_gives_no_partial_aggregate() {
    let (mut net, victim) = meddled(None, |_, members, _| members.retain(|member| *member != 3));
    told(&mut net, victim, &verdict_bytes(&[1, 2, 3, 4, 5], &[]));
    assert_eq!(net.failure(victim), None);
    assert!(!net.sent(victim).any(|message| matches!(message, PeerMessage::Partial(_))));
}
