//! People compare the safety words: nothing of an answer is sent before they have, they are waited for,
//! and whoever has other words leaves and has everybody told.

mod common;

use common::{Net, PeerStep, all_answer, settle, study};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Event, Failure, OwnAnswer, Stage};
use wardsum_protocol::round::{self, Record};
use wardsum_protocol::{Closing, EndReason, Phase, Shortfall, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Seven patients whose committee is fixed, of whom these have not compared the words.
fn comparing(undecided: &[usize]) -> Net {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7]);
    for patient in undecided {
        net.patients[*patient].agrees = false;
    }
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net.settle_mail();
    net
}

/// How often a patient was shown words, and whether it was asked the last time.
fn shown(net: &Net, patient: usize) -> (usize, Option<bool>) {
    let shown = net.patients[patient].events.iter().filter_map(|event| match event {
        Event::SafetyWords { awaited, .. } => Some(*awaited),
        _ => None,
    });
    shown.fold((0, None), |(count, _), awaited| (count + 1, Some(awaited)))
}

fn has_contributed(net: &Net, patient: usize) -> bool {
    net.patients[patient].history.iter().any(|step| match step {
        PeerStep::Sent(bytes) => matches!(wire::decode(bytes), Ok(PeerMessage::Contribute(_))),
        PeerStep::Wrote(_) => false,
    })
}

/// What a patient was told of others' words.
fn disputes(net: &Net, patient: usize) -> Vec<u32> {
    let told = net.patients[patient].events.iter();
    told.filter_map(|event| match event {
        Event::WordsDisputed { reports } => Some(*reports),
        _ => None,
    })
    .collect()
}

#[test]
fn everybody_is_shown_words_over_the_same_study_and_committee() {
    let net = comparing(&[]);
    let shown = |patient: usize| {
        net.patients[patient].events.iter().find_map(|event| match event {
            Event::SafetyWords { study, committee, .. } => Some((*study, *committee)),
            _ => None,
        })
    };
    let committee = net.committee().expect("it is fixed").digest();
    assert_eq!(shown(0), Some((net.round.study().digest(), committee)));
    assert!((1..7).all(|patient| shown(patient) == shown(0)));
}

#[test]
fn nothing_of_an_answer_is_sent_before_the_words_match() {
    let mut net = comparing(&[2]);
    net.run_until(|net| net.round.status().contributed == 6);
    assert_eq!(net.patients[2].peer.stage(), Stage::Comparing);
    assert!(!has_contributed(&net, 2));
    assert_eq!(net.patients[2].peer.disclosure().shares_sent, 0);
    net.compare(2, true);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(net.published(2).map(|p| p.own), Some(OwnAnswer::Counted));
}

#[test]
fn people_who_compare_are_waited_for_whatever_the_count() {
    let rule = Closing { count: Some(3), ..settle(1_000) };
    let mut net = Net::new(study(|p| p.contributing = rule), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5]);
    net.patients[4].agrees = false;
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let fixed = net.now;
    net.run_until(|net| net.now.since(fixed) >= 140_000);
    assert_eq!(net.round.status().phase, Phase::Contributing);
    net.compare(4, true);
    net.run();
    assert_eq!(net.counted(), Some((5, 15)));
}

#[test]
fn whoever_compares_for_too_long_is_too_late_and_has_sent_nothing() {
    let mut net = comparing(&[2]);
    let fixed = net.now;
    net.run();
    assert!(net.now.since(fixed) >= 180_000 - 10_000);
    assert_eq!(net.counted(), Some((6, 25)));
    assert_eq!(net.failure(2), Some(Failure::TooLate));
    assert!(!has_contributed(&net, 2));
    assert!(net.patients[2].memory.is_none(), "everything is erased");
}

#[test]
fn somebody_who_comes_when_the_committee_is_fixed_compares_too() {
    let mut net = Net::new(study(|p| (p.committee_cap, p.contributing) = (4, settle(30_000))), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let visitor = net.join();
    net.patients[visitor].agrees = false;
    net.settle_mail();
    net.answer(visitor, 10);
    net.run_until(|net| net.round.status().contributed == 4);
    assert_eq!(shown(&net, visitor), (1, Some(true)));
    assert!(!has_contributed(&net, visitor));
    net.compare(visitor, true);
    net.run();
    assert_eq!(net.counted(), Some((5, 20)));
}

/// Anybody can connect and say nothing: that must not hold a round up.
#[test]
fn whoever_only_contributes_is_not_waited_for() {
    let mut net = Net::new(study(|p| p.committee_cap = 4), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let fixed = net.now;
    let visitor = net.join();
    net.patients[visitor].agrees = false;
    net.settle_mail();
    net.answer(visitor, 10);
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    assert!(net.now.since(fixed) < 10_000, "{} ms", net.now.since(fixed));
    net.run();
    assert_eq!(net.failure(visitor), Some(Failure::TooLate));
    assert!(!has_contributed(&net, visitor));
}

#[test]
fn a_reload_before_the_words_match_shows_them_again_and_asks_again() {
    let mut net = comparing(&[2]);
    net.reload(2);
    net.settle_mail();
    assert_eq!(shown(&net, 2), (2, Some(true)));
    assert!(!has_contributed(&net, 2));
    net.compare(2, true);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
}

#[test]
fn a_reload_afterwards_shows_them_and_does_not_ask() {
    let mut net = comparing(&[]);
    net.run_until(|net| net.round.status().contributed == 7);
    net.reload(2);
    net.patients[2].agrees = false;
    net.run();
    assert_eq!(shown(&net, 2), (2, Some(false)));
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(net.published(2).map(|p| p.own), Some(OwnAnswer::Counted));
}

#[test]
fn a_connection_that_breaks_meanwhile_changes_nothing() {
    let mut net = comparing(&[2]);
    let connection = net.patients[2].connection;
    net.lose(2);
    net.leave_raw(connection);
    net.run_until(|net| net.patients[2].connection != connection);
    net.settle_mail();
    assert_eq!(net.patients[2].peer.stage(), Stage::Comparing);
    net.compare(2, true);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
}

#[test]
fn whoever_has_other_words_leaves_and_the_others_are_told() {
    let mut net = comparing(&[2, 3]);
    net.compare(2, false);
    net.settle_mail();
    assert_eq!(net.failure(2), Some(Failure::WordsDiffer));
    assert!(!has_contributed(&net, 2));
    assert!(net.patients[2].memory.is_none(), "everything is erased");
    let told = [0, 1, 3, 4, 5, 6].map(|patient| disputes(&net, patient));
    assert_eq!(told, [const { [1] }; 6]);
    assert!(net.events.contains(&round::Event::WordsDisputed { reports: 1 }));
    // Whoever has not sent anything decides anew, and the round goes on.
    assert_eq!(net.patients[3].peer.stage(), Stage::Comparing);
    net.compare(3, true);
    net.run();
    assert_eq!(net.counted(), Some((6, 25)));
}

#[test]
fn a_round_that_needs_everybody_ends_and_the_others_know_why() {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2, 3]);
    net.patients[0].agrees = false;
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net.settle_mail();
    net.compare(0, false);
    net.run();
    let lost = EndReason::MembersLost(Shortfall { have: 2, need: 3 });
    assert_eq!(net.failure(1), Some(Failure::RoundEnded(lost)));
    let told = |event: &Event| matches!(event, Event::WordsDisputed { reports: 1 });
    let ended = |event: &Event| matches!(event, Event::Failed(_));
    let events = &net.patients[1].events;
    assert!(events.iter().position(told) < events.iter().position(ended), "{events:?}");
    assert!(events.iter().any(told));
}

#[test]
fn whoever_comes_later_is_told_after_a_restart_too() {
    let mut net = comparing(&[2]);
    net.compare(2, false);
    net.settle_mail();
    assert!(net.journal.iter().any(|(_, record)| matches!(record, Record::WordsDisputed(_))));
    net.restart();
    let newcomer = net.join();
    net.settle_mail();
    assert_eq!(disputes(&net, newcomer), [1]);
    net.run();
    assert_eq!(net.counted(), Some((6, 25)));
    let afterwards = net.join();
    net.settle_mail();
    assert_eq!(disputes(&net, afterwards), [1]);
}

/// It can be noticed late, and the others may not have sent anything yet.
#[test]
fn words_may_be_said_to_differ_after_they_were_said_to_match() {
    let mut net = comparing(&[3]);
    net.run_until(|net| net.round.status().contributed == 6);
    net.compare(2, false);
    net.settle_mail();
    assert_eq!(net.failure(2), Some(Failure::WordsDiffer));
    assert_eq!(disputes(&net, 3), [1]);
    net.compare(3, false);
    net.settle_mail();
    assert_eq!(disputes(&net, 0), [1, 2]);
    net.run();
    assert_eq!(net.counted(), Some((6, 24)));
}

#[test]
fn the_same_peer_s_words_count_once_and_not_for_ever_more() {
    let mut net = comparing(&[]);
    let entropy = |number: u8| wardsum_protocol::Entropy::new([number; 32]);
    let differ = |net: &mut Net, number: u8| {
        let raw = net.join_raw_as(entropy(number));
        net.send_raw(raw, wire::encode(&PeerMessage::WordsDiffer));
        net.leave_raw(raw);
    };
    differ(&mut net, 1);
    differ(&mut net, 1);
    let records = |net: &Net| {
        net.journal.iter().filter(|(_, r)| matches!(r, Record::WordsDisputed(_))).count()
    };
    assert_eq!(records(&net), 1);
    for number in 2..=200 {
        differ(&mut net, number);
    }
    assert_eq!(records(&net), round::REPORTS_MAX);
}

/// Before there is a committee there are no words, and nothing to say about them.
#[test]
fn nobody_can_dispute_words_that_there_are_not() {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2]);
    net.settle_mail();
    net.compare(0, true);
    net.compare(0, false);
    assert_eq!(net.failure(0), None);
    let raw = net.join_raw_as(wardsum_protocol::Entropy::new([1; 32]));
    net.send_raw(raw, wire::encode(&PeerMessage::WordsDiffer));
    assert_eq!(net.raw_closed[&raw].code(), 4409);
    let told =
        |bytes: &Vec<u8>| matches!(wire::decode(bytes), Ok(HospitalMessage::WordsDisputed(_)));
    assert!(!net.raw[&raw].iter().any(told));
}
