//! Hospitals that cheat with verdicts: one that tells two groups of members different ones never opens two
//! sums, and one whose verdict breaks the rules is refused by each member.

mod common;

use common::{Net, settle, study, verdict_bytes, verdict_parts};
use wardsum_protocol::aggregate::{combine, verify_partial};
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

/// What a member has given, as a share of the sum that `verdict` counts.
fn partial(net: &Net, patient: usize, verdict: &VerdictBytes) -> Share {
    let (study, committee, commitment) =
        (net.round.study(), net.committee().unwrap(), commitment(net));
    let verdict = Verdict::read(verdict, study, &committee, commitment).unwrap();
    let known = (&verdict, verdict.digest(commitment.digest(study, &committee)));
    verify_partial(study, &committee, known, &net.only_partial(patient))
        .expect("it is for this verdict")
}

fn commitment(net: &Net) -> Commitment {
    let contributions = net.journal.iter().filter_map(|(_, record)| match record {
        Record::Contributed(contributed) => Some((&contributed.sender, contributed.digest)),
        _ => None,
    });
    Commitment::of(contributions)
}

/// What each of `k` members gives that is told one verdict, then the other, and both once more after a
/// reload. In the first one the visitor counts, in the second it does not: their difference is its answer.
fn partials(k: u8, which: usize) -> Vec<Share> {
    let mut net = verified(k, None);
    let members: Vec<u8> = (1..=k).collect();
    let verdicts = [verdict_bytes(&members, &[]), verdict_bytes(&members, &[(k.into(), 1)])];
    let (first, second) = (&verdicts[which], &verdicts[1 - which]);
    let all = 0..usize::from(k);
    for member in all.clone() {
        told(&mut net, member, first);
        told(&mut net, member, second);
    }
    all.clone().for_each(|member| net.reload(member));
    for member in all {
        net.run_until(|net| {
            let stage = net.patients[member].peer.stage();
            matches!(stage, Stage::AwaitingResult | Stage::Finished | Stage::Failed)
        });
        told(&mut net, member, second);
        // The true verdict, which comes after the reload, is the one that counts the visitor.
        assert_eq!(net.failure(member), (which == 1).then_some(Failure::Equivocation));
    }
    let mut shares: Vec<Share> =
        (0..usize::from(k)).map(|member| partial(&net, member, first)).collect();
    shares.sort_by_key(|share| share.index);
    shares
}

/// Every split of up to nine members in those who are told one verdict and those who are told the other.
#[test]
fn two_verdicts_never_open_two_sums() {
    for k in 3..=9u8 {
        let net = verified(k, None);
        let (study, committee) = (net.round.study(), net.committee().unwrap());
        let given = [partials(k, 0), partials(k, 1)];
        let total: i128 = (0..k.into()).sum();
        let sums = [(u32::from(k) + 1, total + 7), (u32::from(k), total)];
        let opened = |which: usize, group: u32| {
            let in_group = |share: &&Share| group >> share.index.position() & 1 == 1;
            let shares: Vec<Share> = given[which].iter().filter(in_group).cloned().collect();
            let decoded = combine(study, &committee, sums[which].0, &shares).ok()?;
            assert_eq!(decoded.aggregate.sum, sums[which].1, "what is opened is right");
            Some(decoded)
        };
        let all = (1 << k) - 1;
        for group in 0..=all {
            let first = opened(0, group).is_some();
            let second = opened(1, all & !group).is_some();
            let t = u32::from(threshold(k));
            assert_eq!(first, group.count_ones() >= t);
            assert!(!(first && second), "{k} members, {group:b} are told the first");
            // Members that break the rule and answer both: up to `2T - k - 1` of them change nothing, and
            // with one more there is a split that opens both.
            let most = 2 * t - u32::from(k) - 1;
            for colluding in 0..=most + 1 {
                let colluders = (1 << colluding) - 1;
                let both = opened(0, group | colluders).is_some()
                    && opened(1, all & !group | colluders).is_some();
                assert!(!both || colluding > most, "{k} members, {colluding} colluders");
            }
        }
        let most = 2 * u32::from(threshold(k)) - u32::from(k) - 1;
        let colluders = (1u32 << (most + 1)) - 1;
        let splits = 0..=all;
        let mut both = splits.filter(|group| {
            opened(0, group | colluders).is_some() && opened(1, all & !group | colluders).is_some()
        });
        assert!(both.next().is_some(), "the bound is sharp");
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
