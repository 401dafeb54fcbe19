//! A hospital says that a round is over and plays the same study again: two sums of almost the same answers would
//! say what the one answer is by which they differ.

mod common;

use common::invited::{invitation, invited_study};
use common::{Net, number};
use wardsum_protocol::peer::{AnswerError, Failure, Input, OwnAnswer, Peer, Stage};
use wardsum_protocol::{Entropy, Study};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A round of this study that is over: invitations 1 to 4 have answered 1 to 4.
fn played(study: &Study) -> Net {
    let mut net = Net::new(study.clone(), 1);
    for serial in 1..=4 {
        let patient = net.join_invited(invitation(study, serial, true));
        net.settle_mail();
        net.answer(patient, i128::from(serial));
    }
    net.run();
    net
}

/// Expected: the hospital, which has the first sum, hears no answer a second time.
#[test]
fn whoever_has_answered_does_not_answer_the_same_study_again() {
    let study = invited_study(|_| ());
    assert_eq!(played(&study).counted(), Some((4, 10)));

    let mut second = Net::new(study.clone(), 2);
    for serial in 1..=3 {
        let patient = second.join_invited_again(invitation(&study, serial, true));
        second.settle_mail();
        assert_eq!(second.failure(patient), Some(Failure::InvitationUsed));
        let now = second.now;
        let answered = second.patients[patient].peer.answer(number(serial.into()), now);
        assert_eq!(answered, Err(AnswerError::Closed));
    }
    // Whoever has not answered before is asked.
    let fresh = second.join_invited(invitation(&study, 4, true));
    second.settle_mail();
    assert_eq!(second.patients[fresh].peer.stage(), Stage::AwaitingAnswer);
    second.run();
    assert_eq!(second.aggregate(), None);
}

/// A hospital that does not say where the round stands gets no answer either.
#[test]
fn nothing_is_answered_before_the_hospital_has_said_where_the_round_stands() {
    let study = invited_study(|_| ());
    let mut net = Net::new(study.clone(), 1);
    let welcome = {
        let connection = net.join_raw();
        net.raw[&connection][0].clone()
    };
    let link = invitation(&study, 1, true);
    let mut peer = Peer::invited_again(Entropy::new([1; 32]), link, net.now);
    peer.handle(Input::Connected, net.now);
    peer.handle(Input::Message(welcome), net.now);
    assert_eq!(peer.stage(), Stage::AwaitingAnswer);
    assert_eq!(peer.answer(number(1), net.now), Err(AnswerError::Closed));
}

/// Whoever opens the link once more after the round sees what has come of it.
#[test]
fn whoever_has_answered_sees_the_result_again() {
    let study = invited_study(|_| ());
    let mut net = played(&study);
    let again = net.join_invited_again(invitation(&study, 1, true));
    net.settle_mail();
    let published = net.published(again).expect("the result is shown");
    assert_eq!((published.aggregate.count, net.sum_in(&published.aggregate)), (4, 10));
    assert_eq!(published.own, OwnAnswer::None);
}
