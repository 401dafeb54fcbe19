//! While a verdict is being reached, which takes long in a large round, the hospital hears everybody, and the
//! verdict is the one that follows from what it had written down when that began.

mod common;

use common::{Net, PeerStep, Step, all_answer, study, verdict_parts};
use wardsum_protocol::messages::{DeclineReason, HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Change, Misbehaviour};
use wardsum_protocol::round::Record;
use wardsum_protocol::{MessageDigest, Phase, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Seven answers, T = 5, each step of the verdict a slice of its own.
fn seven(change: impl FnOnce(&mut Net)) -> Net {
    let mut net = Net::new(study(|_| {}), 3);
    net.round.judge_in_slices_of(1);
    change(&mut net);
    let honest = 7 - net.patients.len();
    for patient in 0..net.patients.len() {
        net.settle_mail();
        net.answer(patient, 1);
    }
    all_answer(&mut net, &[2, 3, 4, 5, 6, 7, 8][..honest]);
    net
}

type Parts = (Vec<u8>, Vec<(u32, u8)>);

/// A verdict is being reached.
fn is_judging(net: &Net) -> bool {
    net.round_is_due() && net.round.status().phase == Phase::Verifying
}

/// The verdict that was written down: its members, and what it rejects.
fn verdict(net: &Net) -> Option<Parts> {
    net.journal.iter().find_map(|(_, record)| match record {
        Record::Judged(bytes) => Some(verdict_parts(bytes)),
        _ => None,
    })
}

fn is_acknowledged(net: &Net, message: &[u8]) -> bool {
    let acknowledgement = wire::encode(&HospitalMessage::Acknowledge(MessageDigest::of(message)));
    net.history.iter().any(|step| matches!(step, Step::Sent(bytes) if *bytes == acknowledgement))
}

/// This message arrives over the connection that a patient has.
fn arrives(net: &mut Net, patient: usize, message: &[u8]) {
    net.send_raw(net.patients[patient].connection, message.to_vec());
}

/// Lets this member verify; its verification does not arrive, and nothing does afterwards.
fn verifies_and_is_lost(net: &mut Net, patient: usize) -> Vec<u8> {
    let verification = |net: &Net| {
        net.patients[patient].history.iter().find_map(|step| match step {
            PeerStep::Sent(bytes) => {
                let message = wire::decode(bytes).expect("the peer sends messages");
                matches!(message, PeerMessage::Verification(_)).then(|| bytes.clone())
            }
            PeerStep::Wrote(_) => None,
        })
    };
    net.run_until(|net| verification(net).is_some());
    net.cut(patient);
    verification(net).expect("it was just sent")
}

#[test]
fn others_are_heard_while_a_verdict_is_reached() {
    let mut net = seven(|_| {});
    net.run_until(is_judging);
    assert_eq!(net.round.status().verified, 7);
    let newcomer = net.join_raw();
    assert!(!net.raw[&newcomer].is_empty(), "nobody is welcomed");
    assert!(is_judging(&net), "that somebody comes costs no slice");
    net.run();
    assert_eq!(net.counted(), Some((7, 35)));
}

#[test]
fn a_hospital_that_dies_meanwhile_reaches_the_same_verdict() {
    let cheat = |net: &mut Net| {
        net.join_misbehaving(Misbehaviour::Input(Change { position: 0, add: 1 }));
    };
    let mut undisturbed = seven(cheat);
    undisturbed.run();
    let mut net = seven(cheat);
    for _ in 0..3 {
        net.run_until(is_judging);
        net.restart();
        assert!(!is_judging(&net), "what was judged is forgotten");
        net.round.judge_in_slices_of(1);
    }
    net.run();
    assert_eq!(verdict(&net).map(|(_, rejected)| rejected.len()), Some(1));
    assert_eq!(verdict(&net), verdict(&undisturbed));
    assert_eq!(net.aggregate(), undisturbed.aggregate());
}

#[test]
fn a_member_that_declines_meanwhile_is_heard_after_the_verdict() {
    let mut net = seven(|_| {});
    net.run_until(is_judging);
    let decline = wire::encode(&PeerMessage::Decline(DeclineReason::Mismatch));
    arrives(&mut net, 6, &decline);
    assert!(is_judging(&net) && !is_acknowledged(&net, &decline));
    net.run_until(|net| verdict(net).is_some());
    assert!(is_acknowledged(&net, &decline), "it was forgotten");
    assert_eq!(verdict(&net).map(|(members, _)| members.len()), Some(7));
    let place = |wanted: fn(&Record) -> bool| {
        net.journal.iter().position(|(_, record)| wanted(record)).expect("it is written down")
    };
    let judged = place(|record| matches!(record, Record::Judged(_)));
    assert!(judged < place(|record| matches!(record, Record::Declined(..))));
    net.restart();
    net.run();
    assert_eq!(net.counted(), Some((7, 35)));
}

#[test]
fn a_verification_that_comes_meanwhile_is_too_late_for_the_verdict() {
    let mut net = seven(|_| {});
    let verification = verifies_and_is_lost(&mut net, 6);
    net.run_until(is_judging);
    assert_eq!(net.round.status().verified, 6);
    arrives(&mut net, 6, &verification);
    net.run_until(|net| verdict(net).is_some());
    assert_eq!(verdict(&net).map(|(members, _)| members.len()), Some(6));
    assert!(!is_acknowledged(&net, &verification));
    // What is written down has to give the same verdict again.
    net.restart();
    net.run();
    assert_eq!(net.counted(), Some((7, 35)));
}

/// Five have verified, of whom one has left, so that these are too few to open the sum.
fn one_too_few() -> (Net, [Vec<u8>; 2]) {
    let mut net = seven(|_| {});
    let verifications = [5, 6].map(|patient| verifies_and_is_lost(&mut net, patient));
    net.run_until(|net| net.round.status().verified == 5);
    net.leave_for_good(0);
    net.run_until(is_judging);
    assert_eq!(net.round.status().verified, 5);
    (net, verifications)
}

#[test]
fn a_verification_that_comes_meanwhile_is_used_if_it_is_needed_after_all() {
    let (mut net, [verification, _]) = one_too_few();
    arrives(&mut net, 5, &verification);
    assert!(!is_acknowledged(&net, &verification));
    net.run_until(|net| verdict(net).is_some());
    assert!(is_acknowledged(&net, &verification), "it was forgotten");
    assert_eq!(verdict(&net).map(|(members, _)| members.len()), Some(6));
}

/// Whoever has verified and closes the tab, or leaves for good, has given what it had to.
#[test]
fn what_comes_meanwhile_holds_although_its_sender_goes() {
    for leaves in [false, true] {
        let (mut net, [verification, _]) = one_too_few();
        arrives(&mut net, 5, &verification);
        let leave = wire::encode(&PeerMessage::Leave);
        if leaves {
            arrives(&mut net, 5, &leave);
        } else {
            net.leave_raw(net.patients[5].connection);
        }
        let written = |net: &Net| {
            let is_it = |(_, record): &(_, Record)| matches!(record, Record::Verified(message) if message[..] == verification[..]);
            net.journal.iter().any(is_it)
        };
        net.run_until(|net| written(net) || net.round.status().phase > Phase::Aggregating);
        assert!(written(&net), "it was forgotten; leaves: {leaves}");
    }
}

#[test]
fn a_member_that_declines_meanwhile_and_goes_is_not_waited_for() {
    let mut net = seven(|_| {});
    net.run_until(is_judging);
    let decline = wire::encode(&PeerMessage::Decline(DeclineReason::Mismatch));
    arrives(&mut net, 6, &decline);
    net.leave_raw(net.patients[6].connection);
    net.run_until(|net| verdict(net).is_some());
    let declined = |(_, record): &(_, Record)| matches!(record, Record::Declined(..));
    net.run_until(|net| net.journal.iter().any(declined));
}
