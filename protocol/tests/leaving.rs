//! People who leave: the round goes on without them where it can, and ends with a plain reason
//! where it cannot. No sum is ever published about fewer than the minimum.

mod common;

use common::{Net, all_answer, number, settle, study};
use wardsum_protocol::peer::{Event, Failure, OwnAnswer};
use wardsum_protocol::round::Command;
use wardsum_protocol::{Closing, EndReason, Phase, Shortfall};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn seven() -> Net {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7]);
    net.settle_mail();
    net
}

fn ended(net: &Net) -> Option<EndReason> {
    net.round.status().ended
}

#[test]
fn before_the_committee_is_fixed_nobody_is_missed() {
    let mut net = seven();
    net.leave(6);
    net.run();
    assert_eq!(net.counted(), Some((6, 21)));
}

#[test]
fn a_contributor_that_leaves_after_contributing_is_counted() {
    let mut net = Net::new(study(|p| p.committee_cap = 4), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.settle_mail();
    let visitor = net.join();
    net.settle_mail();
    net.answer(visitor, 10);
    net.run_until(|net| net.round.status().contributed == 5);
    net.leave(visitor);
    net.run();
    assert_eq!(net.counted(), Some((5, 20)));
}

/// A place is kept for a member that is away, and not for ever: a visitor asks again and gets it.
#[test]
fn a_visitor_gets_the_place_of_a_member_that_does_not_come_back() {
    let mut net = Net::new(
        study(|p| {
            (p.committee_cap, p.minimum_cohort, p.maximum_cohort) = (4, 4, 4);
        }),
        3,
    );
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net.leave(3);
    let visitor = net.join();
    net.settle_mail();
    net.answer(visitor, 10);
    net.run();
    assert_eq!(net.counted(), Some((4, 16)));
    assert_eq!(net.published(visitor).map(|p| p.own), Some(OwnAnswer::Counted));
    let asked = net.patients[visitor].events.iter().filter(|event| {
        matches!(event, Event::Disconnected { why: Failure::PlacesKept, retry_in_ms: 8_000.. })
    });
    assert!((1..=5).contains(&asked.count()), "{:?}", net.patients[visitor].events);
}

#[test]
fn up_to_k_minus_t_members_may_leave_after_contributing() {
    // T = floor(2 * 7 / 3) + 1 = 5 of 7.
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    net.leave(0);
    net.leave(3);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(net.published(1).map(|p| p.own), Some(OwnAnswer::Counted));
}

#[test]
fn one_more_ends_the_round_and_says_so() {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    for patient in [0, 3, 5] {
        net.leave(patient);
    }
    let left = net.now;
    net.run();
    // They are waited for until the deadline: a closed tab can be opened again.
    let reason = EndReason::VerificationsLate(Shortfall { have: 4, need: 5 });
    assert_eq!(ended(&net), Some(reason));
    assert!(net.now.since(left) >= 60_000, "the aggregation deadline");
    assert_eq!(net.aggregate(), None);
    assert_eq!(net.failure(1), Some(Failure::RoundEnded(reason)));
}

#[test]
fn members_that_come_back_before_the_deadline_save_the_round() {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    for patient in [0, 3, 5] {
        net.leave(patient);
    }
    net.run_until(|net| net.round.status().verified == 4);
    assert_eq!(net.round.status().away, 3, "everybody is told whom the round waits for");
    net.reload(3);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(net.published(3).map(|p| p.own), Some(OwnAnswer::Counted));
}

/// Whoever leaves for good says so, and nobody waits for a round that cannot succeed any more.
#[test]
fn members_that_leave_for_good_are_not_waited_for() {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    let left = net.now;
    for patient in [0, 3, 5] {
        net.leave_for_good(patient);
    }
    net.run_until(|net| ended(net).is_some());
    assert_eq!(ended(&net), Some(EndReason::MembersLost(Shortfall { have: 4, need: 5 })));
    assert!(net.now.since(left) < 1_000);
    assert_eq!(net.failure(0), Some(Failure::Left));
    assert!(net.patients[0].memory.is_none(), "everything is erased");
}

#[test]
fn members_that_leave_while_partial_aggregates_come_in_are_not_waited_for() {
    let mut net = seven();
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    net.leave(0);
    net.leave(1);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    let mut net = seven();
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    for patient in [0, 1, 2] {
        net.leave(patient);
    }
    net.run();
    assert!(matches!(ended(&net), Some(EndReason::PartialsLate(_))), "{:?}", ended(&net));
}

#[test]
fn an_additive_study_cannot_spare_anybody() {
    let mut net = Net::new(study(|p| p.scheme = wardsum_protocol::SchemeChoice::Additive), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5]);
    net.run_until(|net| net.round.status().contributed == 5);
    net.leave(2);
    net.run();
    assert_eq!(ended(&net), Some(EndReason::VerificationsLate(Shortfall { have: 4, need: 5 })));
}

#[test]
fn a_deadline_below_the_minimum_ends_the_round_with_the_numbers() {
    let mut net = Net::new(study(|p| p.minimum_cohort = 5), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run();
    let reason = EndReason::TooFewEnrolled(Shortfall { have: 4, need: 5 });
    assert_eq!(ended(&net), Some(reason));
    assert_eq!(net.failure(0), Some(Failure::RoundEnded(reason)));
    assert!(net.failure(0).unwrap().to_string().contains("4 of at least 5"));
}

#[test]
fn a_deadline_for_contributing_ends_the_round_with_the_numbers() {
    let mut net = Net::new(
        study(|p| {
            p.committee_cap = 3;
            p.minimum_cohort = 6;
        }),
        3,
    );
    all_answer(&mut net, &[1, 2, 3, 4, 5]);
    net.run();
    assert_eq!(ended(&net), Some(EndReason::TooFewContributed(Shortfall { have: 5, need: 6 })));
}

#[test]
fn a_command_closes_only_what_the_study_lets_it_close() {
    let day = 86_400_000;
    let by_command = Closing { by_command: true, ..Closing::deadline(day) };
    let mut net = Net::new(study(|p| p.enrolment = by_command), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.settle_mail();
    let began = net.now;
    net.run_until(|net| net.now.since(began) > 3_600_000);
    assert_eq!(net.round.status().phase, Phase::Enrolling, "nothing but the command closes it");
    assert_eq!(net.failure(0), None, "and nobody takes the connection for lost");
    net.command(Command::CloseEnrolment);
    net.settle_mail();
    assert_eq!(net.round.status().phase, Phase::Contributing);
    // Contributing settles by itself here; the command is not allowed.
    net.command(Command::CloseContributing);
    assert_eq!(net.round.status().phase, Phase::Contributing);
    net.run();
    assert_eq!(net.counted(), Some((4, 10)));
}

/// Whoever has not verified when the verdict is reached is not among those who open the sum, and comes back
/// to see the result.
#[test]
fn a_member_that_comes_back_after_the_verdict_is_shown_the_result() {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    net.leave(3);
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    net.reload(3);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(net.published(3).map(|p| p.own), Some(OwnAnswer::Counted));
    assert!(!net.patients[3].events.contains(&Event::PartialSent));
}

#[test]
fn an_aborted_round_publishes_nothing() {
    let mut net = seven();
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    net.command(Command::Abort);
    net.run();
    assert_eq!(ended(&net), Some(EndReason::Aborted));
    assert_eq!(net.aggregate(), None);
}

#[test]
fn a_count_closes_at_once() {
    let mut net = Net::new(
        study(|p| {
            p.enrolment = Closing { count: Some(4), ..Closing::deadline(600_000) };
            p.contributing = Closing { count: Some(4), ..Closing::deadline(600_000) };
        }),
        3,
    );
    let began = net.now;
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.aggregate().is_some());
    assert!(net.now.since(began) < 1_000, "no settle time was waited for");
}

#[test]
fn nobody_is_left_waiting_for_a_silent_hospital() {
    let mut net = Net::new(study(|_| {}), 3);
    let patient = net.join();
    net.mute(patient);
    net.run();
    assert_eq!(net.failure(patient), Some(Failure::HospitalSilent));
}

/// Whoever came and left again does not make the others wait longer.
#[test]
fn coming_and_going_does_not_keep_enrolment_open() {
    let mut net = Net::new(study(|p| p.enrolment = settle(5_000)), 3);
    let began = net.now;
    all_answer(&mut net, &[1, 2, 3]);
    net.settle_mail();
    for _ in 0..10 {
        net.now = net.now.after(1_000);
        let passer_by = net.join();
        net.settle_mail();
        if net.patients[passer_by].peer.answer(number(4), net.now).is_ok() {
            net.flush(passer_by);
            net.settle_mail();
        }
        net.leave_for_good(passer_by);
        if net.round.status().phase != Phase::Enrolling {
            break;
        }
    }
    // The first of them counts as an arrival, the others do not.
    assert!(net.now.since(began) <= 7_000, "enrolment closed after {} ms", net.now.since(began));
    net.run();
    assert_eq!(net.counted(), Some((3, 6)));
}

/// A count below the size of the committee does not throw out members who are still sealing.
#[test]
fn members_that_are_here_are_waited_for_whatever_the_count() {
    for seed in 0..50 {
        let mut net =
            Net::new(study(|p| p.contributing = Closing { count: Some(3), ..settle(1_000) }), seed);
        all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7]);
        net.run();
        assert_eq!(net.counted(), Some((7, 28)), "seed {seed}");
    }
}

/// A member that enrols and then says nothing: the others go on without it after the grace.
#[test]
fn a_silent_member_is_waited_for_only_so_long() {
    let mut net = Net::new(study(|_| {}), 3);
    let silent = net.join_raw();
    for bytes in net.compose(silent, wardsum_protocol::Entropy::new([1; 32]), 9) {
        net.send_raw(silent, bytes);
    }
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let fixed = net.now;
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    let waited = net.now.since(fixed);
    // People compare words first, which takes longer than any phone.
    assert!((180_000..181_000).contains(&waited), "{waited} ms");
    net.run();
    assert_eq!(net.counted(), Some((4, 10)));
}

/// A connection that is gone without having been closed: phones and networks do that.
#[test]
fn a_peer_that_hears_nothing_for_a_minute_connects_anew() {
    let by_command = Closing { by_command: true, ..Closing::deadline(86_400_000) };
    let mut net = Net::new(study(|p| p.enrolment = by_command), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.settle_mail();
    let cut = net.now;
    net.cut(1);
    let disconnected = |net: &Net| {
        net.patients[1].events.iter().any(|event| matches!(event, Event::Disconnected { .. }))
    };
    net.run_until(disconnected);
    let waited = net.now.since(cut);
    assert!((40_000..=60_000).contains(&waited), "{waited} ms");
    assert_eq!(net.failure(1), None, "it tries again");
    net.reach_again(1);
    net.settle_mail();
    assert!(net.patients[1].events.contains(&Event::Reconnected));
    net.command(Command::CloseEnrolment);
    net.run();
    assert_eq!(net.counted(), Some((4, 10)));
}

/// Whoever can never be reached again is not told for ever that the page tries again.
#[test]
fn a_peer_that_cannot_reach_the_hospital_gives_up_after_the_longest_time_a_round_can_take() {
    let mut net = seven();
    net.cut(2);
    net.run();
    assert_eq!(net.counted(), Some((6, 25)));
    assert!(net.failure(2).is_some());
    assert!(net.patients[2].memory.is_some(), "it may still come back one day");
}
