//! A peer comes back to its own round, by the round's study digest, and to no other.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;
use wardsum_hospital::limits::Limits;
use wardsum_hospital::native_peer::NativePeer;
use wardsum_protocol::messages::HospitalMessage;
use wardsum_protocol::peer::{Event, OwnAnswer};
use wardsum_protocol::{Study, StudyDigest, wire};

use crate::scripted_peer::closed;
use crate::test_hospital::{TestHospital, published, study_of, sum, wait_for, within};

fn reopening() -> String {
    study_of("study", 3).replace("min = -100", "reopen = true\nmin = -100")
}

/// Which round's study comes over a connection that asked for this one.
async fn welcomed_to(hospital: &TestHospital, round: StudyDigest) -> StudyDigest {
    let mut socket = hospital.connector.connect("study", Some(round)).await.unwrap();
    match within(socket.next()).await {
        Some(Ok(Message::Binary(bytes))) => match wire::decode(&bytes) {
            Ok(HospitalMessage::Welcome(welcome)) => {
                Study::decode(welcome.study.as_slice()).unwrap().digest()
            }
            other => panic!("{other:?} is no welcome"),
        },
        other => panic!("{other:?} is no message"),
    }
}

/// Plays a round of three of which one has left its page right after contributing; returns what that
/// one remembers.
async fn round_without_its_last(hospital: &TestHospital) -> wardsum_protocol::peer::Memory {
    let mut peers = hospital.answered("study", &[10, 20, 30]).await;
    let acknowledged = |event: &Event| matches!(event, Event::ContributionAcknowledged);
    let waiting = peers.iter_mut().map(|peer| wait_for(peer, acknowledged));
    futures_util::future::join_all(waiting).await;
    let memory = peers[2].memory().unwrap().clone();
    // A round of three needs all of them, so it is away only when the others have the result.
    assert!(published(peers).await.iter().all(|published| sum(&published.aggregate) == 60));
    memory
}

#[tokio::test]
async fn to_a_round_that_is_over_while_the_next_one_is_open() {
    let hospital = TestHospital::start(&reopening()).await;
    let memory = round_without_its_last(&hospital).await;
    let first = memory.study().digest();
    within(async { while hospital.status("study").await["round"] != 2 {} }).await;
    let second: StudyDigest =
        hospital.status("study").await["digest"].as_str().unwrap().parse().unwrap();

    assert_eq!(welcomed_to(&hospital, first).await, first);
    assert_eq!(welcomed_to(&hospital, second).await, second);
    let late = NativePeer::resume(&hospital.connector, "study", memory).await;
    let seen = published(vec![late]).await.remove(0);
    assert_eq!((sum(&seen.aggregate), seen.own), (60, OwnAnswer::Counted));
    assert_eq!(hospital.status("study").await["enrolled"], 0, "nobody came to the second");
}

#[tokio::test]
async fn to_a_round_before_the_last_after_a_restart() {
    let hospital = TestHospital::start(&reopening()).await;
    let memory = round_without_its_last(&hospital).await;
    within(async { while hospital.status("study").await["round"] != 2 {} }).await;
    hospital.round("study", &[1, 2, 3]).await;
    within(async { while hospital.status("study").await["round"] != 3 {} }).await;

    let hospital = TestHospital::start_again(hospital.stop().await, &reopening()).await;

    let status = hospital.status("study").await;
    assert_eq!(status["round"], 3);
    assert_eq!(status["previous"][0]["sum"], "60");
    assert_eq!(status["previous"][1]["sum"], "6");
    let late = NativePeer::resume(&hospital.connector, "study", memory).await;
    assert_eq!(sum(&published(vec![late]).await[0].aggregate), 60);
}

#[tokio::test]
async fn and_staying_in_an_earlier_round_has_an_end() {
    let hospital = TestHospital::start(&reopening()).await;
    let first = hospital.status("study").await["digest"].as_str().unwrap().parse().unwrap();
    hospital.round("study", &[1, 2, 3]).await;
    within(async { while hospital.status("study").await["round"] != 2 {} }).await;
    let hospital = TestHospital::start_at(hospital.stop().await, &reopening(), |config| {
        config.limits = Limits { finished_round: Duration::from_millis(50), ..Limits::default() };
    })
    .await;

    for _ in 0..2 {
        let mut socket = hospital.connector.connect("study", Some(first)).await.unwrap();
        let (code, reason) = within(closed(&mut socket)).await;
        assert_eq!((code, reason.as_str()), (1000, "this round is over and the next one is open"));
    }
}

#[tokio::test]
async fn to_a_round_that_the_hospital_does_not_have() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let unknown: StudyDigest = "ab".repeat(32).parse().unwrap();

    let mut socket = hospital.connector.connect("study", Some(unknown)).await.unwrap();

    let (code, reason) = closed(&mut socket).await;
    assert_eq!((code, reason.as_str()), (4404, "the hospital has no such round"));
}

#[tokio::test]
async fn to_a_round_of_another_study() {
    let studies = [study_of("study", 3), study_of("other", 3)].concat();
    let hospital = TestHospital::start(&studies).await;
    let other = hospital.status("other").await["digest"].as_str().unwrap().parse().unwrap();

    let mut socket = hospital.connector.connect("study", Some(other)).await.unwrap();

    assert_eq!(closed(&mut socket).await.0, 4404);
}

#[tokio::test]
async fn to_something_that_is_no_digest() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let answer = hospital.get("/ws/study?round=7", &[]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.json()["error"].as_str().unwrap().contains("64 hexadecimal digits"));
}
