//! A peer that misbehaves is told why and closed, and the others' round goes on to its exact end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use wardsum_hospital::limits::Limits;
use wardsum_protocol::Aggregate;
use wardsum_protocol::peer::Event;

use crate::scripted_peer::{Closed, ScriptedPeer, closed};
use crate::test_hospital::{TestHospital, of_sum, study_of, sum, within};

/// The attack happens while a study waits for three people; then three people take part.
async fn after(attack: impl AsyncFnOnce(&TestHospital) -> Closed) -> Closed {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let closed = attack(&hospital).await;
    let results = hospital.round("study", &[3, 1, 4]).await;
    assert!(results.iter().all(|published| sum(&published.aggregate) == 8));
    closed
}

/// A peer that sends one message and is closed.
async fn sending(bytes: Vec<u8>) -> Closed {
    after(async |hospital| {
        let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        peer.identify().await;
        peer.send(bytes).await;
        closed(&mut peer.socket).await
    })
    .await
}

/// A peer with the keys of `seed` that has shown whose connection it is, and the enrolment that it
/// would send if it were honest.
async fn enrolment(hospital: &TestHospital, seed: u8) -> (ScriptedPeer, Vec<u8>) {
    let mut peer = ScriptedPeer::connect(&hospital.connector, "study", seed).await;
    peer.answer(5);
    let identification = peer.unsent.remove(0);
    peer.send(identification).await;
    let enrolment = peer.unsent.remove(0);
    (peer, enrolment)
}

fn assert_closed((code, reason): Closed, expected: u16, text: &str) {
    assert_eq!(code, expected, "{reason}");
    assert!(reason.contains(text), "{reason}");
}

#[tokio::test]
async fn garbage() {
    assert_closed(sending(vec![0xA5; 100]).await, 4400, "malformed message");
}

#[tokio::test]
async fn nothing_at_all() {
    assert_closed(sending(Vec::new()).await, 4400, "malformed message");
}

#[tokio::test]
async fn a_message_that_is_too_long() {
    assert_closed(sending(vec![0; 200_000]).await, 1009, "longer than any");
}

#[tokio::test]
async fn a_message_of_another_phase() {
    // A member that declines (type 5) to give a partial aggregate, before there is a committee.
    assert_closed(sending(vec![5, 1]).await, 4409, "while the round is enrolling");
}

#[tokio::test]
async fn a_truncated_message() {
    let closed = after(async |hospital| {
        let (mut peer, mut enrolment) = enrolment(hospital, 1).await;
        enrolment.truncate(enrolment.len() - 1);
        peer.send(enrolment).await;
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 4400, "malformed message");
}

#[tokio::test]
async fn bytes_after_the_end_of_a_message() {
    let closed = after(async |hospital| {
        let (mut peer, mut enrolment) = enrolment(hospital, 1).await;
        enrolment.push(0);
        peer.send(enrolment).await;
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 4400, "malformed message");
}

#[tokio::test]
async fn a_changed_enrolment() {
    let closed = after(async |hospital| {
        let (mut peer, mut enrolment) = enrolment(hospital, 1).await;
        let middle = enrolment.len() / 2;
        enrolment[middle] ^= 1;
        peer.send(enrolment).await;
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 4401, "enrolment refused");
}

#[tokio::test]
async fn text() {
    let closed = after(async |hospital| {
        let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        peer.socket.send(Message::Text("hello".into())).await.unwrap();
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 1003, "binary");
}

#[tokio::test]
async fn frames_that_are_none() {
    let closed = after(async |hospital| {
        let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        peer.socket.get_mut().write_all(&[0xFF; 64]).await.unwrap();
        peer.socket.get_mut().flush().await.unwrap();
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 1002, "RFC 6455");
}

#[tokio::test]
async fn an_enrolment_over_a_connection_that_is_nobodys_yet() {
    let closed = after(async |hospital| {
        let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        peer.answer(5);
        let enrolment = peer.unsent.remove(1);
        peer.send(enrolment).await;
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 4405, "has not shown whose it is");
}

#[tokio::test]
async fn an_identification_that_was_made_for_another_connection() {
    let closed = after(async |hospital| {
        let first = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        let mut second = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        second.send(first.identification()).await;
        closed(&mut second.socket).await
    });
    assert_closed(closed.await, 4401, "another connection's challenge");
}

#[tokio::test]
async fn an_identification_with_somebody_elses_key() {
    let closed = after(async |hospital| {
        let victim = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
        let mut thief = ScriptedPeer::connect(&hospital.connector, "study", 2).await;
        // Type, length and study digest stand before the challenge, and the key behind it
        // (PROTOCOL.md, "Identify").
        let (mut stolen, key) = (thief.identification(), 1 + 2 + 32 + 32);
        stolen[key..key + 32].copy_from_slice(victim.id().as_bytes());
        thief.send(stolen).await;
        closed(&mut thief.socket).await
    });
    assert_closed(closed.await, 4401, "identification refused");
}

#[tokio::test]
async fn a_second_enrolment_with_other_keys() {
    let closed = after(async |hospital| {
        let (_other, second) = enrolment(hospital, 2).await;
        let (mut peer, first) = enrolment(hospital, 1).await;
        peer.send(first).await;
        peer.send(second).await;
        closed(&mut peer.socket).await
    });
    assert_closed(closed.await, 4401, "does not belong");
}

#[tokio::test]
async fn an_enrolment_that_somebody_else_has_sent() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let (mut honest, enrolment) = enrolment(&hospital, 1).await;
    honest.send(enrolment.clone()).await;
    honest.receive_until(|event| matches!(event, Event::Enrolled)).await;

    let mut thief = ScriptedPeer::connect(&hospital.connector, "study", 2).await;
    thief.identify().await;
    thief.send(enrolment).await;
    assert_closed(closed(&mut thief.socket).await, 4401, "does not belong");

    let (results, ()) = tokio::join!(hospital.round("study", &[1, 2]), honest.finish());
    assert!(results.iter().all(|published| sum(&published.aggregate) == 1 + 2 + 5));
}

#[tokio::test]
async fn an_answer_in_a_members_name() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let (mut honest, enrolment) = enrolment(&hospital, 1).await;
    honest.send(enrolment).await;
    let others = async {
        let results = hospital.round("study", &[1, 2]).await;
        assert!(results.iter().all(|published| sum(&published.aggregate) == 1 + 2 + 5));
    };
    let attack = async {
        honest.receive_until(|event| matches!(event, Event::CommitteeFixed { .. })).await;
        let contribution = honest.unsent[0].clone();
        let mut thief = ScriptedPeer::connect(&hospital.connector, "study", 2).await;
        thief.identify().await;
        thief.send(contribution).await;
        assert_closed(closed(&mut thief.socket).await, 4401, "does not belong");
        honest.finish().await;
    };
    tokio::join!(others, attack);
}

/// It sends the same contribution for ever, which is acknowledged each time, and reads nothing.
#[tokio::test]
async fn a_peer_that_never_reads() {
    let hospital = TestHospital::start_with(&study_of("study", 3), |config| {
        config.limits = Limits {
            outbox_bytes: 64 * 1024,
            write_stall: Duration::from_millis(200),
            ..Limits::default()
        };
    })
    .await;
    let (mut honest, enrolment) = enrolment(&hospital, 1).await;
    honest.send(enrolment).await;
    let others = async {
        let results = hospital.round("study", &[1, 2]).await;
        assert!(results.iter().all(|published| published.aggregate == result()));
    };
    let attack = async {
        honest.receive_until(|event| matches!(event, Event::CommitteeFixed { .. })).await;
        let mut deaf = ScriptedPeer::connect(&hospital.connector, "study", 2).await;
        deaf.receive_until(|event| matches!(event, Event::Waiting(_))).await;
        deaf.answer(4);
        let [identification, contribution] = deaf.unsent.as_slice() else {
            panic!("a visitor contributes at once: {:?}", deaf.unsent.len())
        };
        let (identification, contribution) = (identification.clone(), contribution.clone());
        deaf.send(identification).await;
        let flood = async {
            // Ended by the hospital, which the next message that cannot be sent shows.
            while deaf.socket.send(Message::Binary(contribution.clone().into())).await.is_ok() {}
        };
        within(flood).await;
        honest.finish().await;
    };
    tokio::join!(others, attack);
}

/// The three who take part, and the visitor whose contribution was stored before it was thrown out.
fn result() -> Aggregate {
    of_sum(4, 1 + 2 + 5 + 4)
}

#[tokio::test]
async fn too_many_from_one_address() {
    let hospital = TestHospital::start_with(&study_of("study", 3), |config| {
        config.limits = Limits { peers_per_address: 3, ..Limits::default() };
    })
    .await;
    let mut first = Vec::new();
    for seed in 1..=3 {
        first.push(ScriptedPeer::connect(&hospital.connector, "study", seed).await);
    }

    let mut fourth = hospital.connector.connect("study", None).await.unwrap();

    assert_closed(closed(&mut fourth).await, 4403, "3 connections already");
    drop((first, fourth));
    // Their places are free again, if not at the same instant: somebody else is welcomed and not closed.
    within(async {
        loop {
            let mut fifth = hospital.connector.connect("study", None).await.unwrap();
            if let Some(Ok(Message::Binary(_))) = fifth.next().await {
                break;
            }
        }
    })
    .await;
}
