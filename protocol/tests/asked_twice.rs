//! A hospital says that a round is over and plays the same study again: two sums of almost the same answers would
//! say what the one answer is by which they differ.

mod common;

use common::Net;
use common::invited::{invitation, invited_study};
use wardsum_protocol::Aggregate;
use wardsum_protocol::peer::{Event, Failure, Stage};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Expected: the hospital, which has the first sum, hears no answer a second time.
#[test]
fn whoever_has_answered_does_not_answer_the_same_study_again() {
    let study = invited_study(|_| ());
    let mut first = Net::new(study.clone(), 1);
    for serial in 1..=4 {
        let patient = first.join_invited(invitation(&study, serial, true));
        first.settle_mail();
        first.answer(patient, i128::from(serial));
    }
    first.run();
    assert_eq!(first.aggregate(), Some(Aggregate { count: 4, sum: 10 }));

    let mut second = Net::new(study.clone(), 2);
    for serial in 1..=3 {
        let patient = second.join_invited_again(invitation(&study, serial, true));
        second.settle_mail();
        assert_eq!(second.failure(patient), Some(Failure::InvitationUsed));
        let asked = |event: &Event| matches!(event, Event::StudyReceived(_));
        assert!(!second.patients[patient].events.iter().any(asked), "nobody is asked anything");
    }
    // Whoever has not answered before is asked.
    let fresh = second.join_invited(invitation(&study, 4, true));
    second.settle_mail();
    assert_eq!(second.patients[fresh].peer.stage(), Stage::AwaitingAnswer);
    second.run();
    assert_eq!(second.aggregate(), None);
}
