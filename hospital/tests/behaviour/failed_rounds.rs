//! A round that a fault of the hospital's own program stops is said to have ended, and the next one opens.
//!
//! The fault is an audience that panics when it is told of a round's end, which happens on the task that
//! owns the round.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::sleep;
use wardsum_hospital::announcement::{Announce, Announcement};
use wardsum_protocol::peer::Event;

use crate::scripted_peer::closed;
use crate::test_hospital::{self, TestHospital, study_of, within};

/// A hospital whose rounds fail as soon as enrolment closes without anybody.
async fn failing(study: &str) -> TestHospital {
    let study =
        study.replace("[study.enrolment]\ncount = 3", "[study.enrolment]\ndeadline_seconds = 0.05");
    TestHospital::start_with(&study, |config| {
        config.announce = Announce::to(|announcement| {
            let ended = matches!(announcement, Announcement::Ended { .. });
            assert!(!ended, "this test wants a panic here");
        });
    })
    .await
}

async fn wait_for(hospital: &TestHospital, wanted: impl Fn(&serde_json::Value) -> bool) {
    within(async {
        while !wanted(&hospital.status("study").await) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_said_to_have_ended() {
    let hospital = failing(&study_of("study", 3)).await;

    wait_for(&hospital, |status| status["phase"] == "ended").await;

    let status = hospital.status("study").await;
    assert_eq!(status["ended"], "a fault in the hospital's program or data stopped the round");
    assert!(status["closes_in_ms"].is_null() && status["result"].is_null(), "{status}");
    let mut late = hospital.connector.connect("study", None).await.unwrap();
    let (code, reason) = closed(&mut late).await;
    assert_eq!(code, 1011, "{reason}");
}

#[tokio::test]
async fn the_next_round_opens() {
    let reopening = study_of("study", 3).replace("min = -100", "reopen = true\nmin = -100");
    let hospital = failing(&reopening).await;

    wait_for(&hospital, |status| status["round"] == 2).await;
}

#[tokio::test]
async fn one_that_cannot_be_read_back_is_over_before_the_next_opens() {
    let reopening = study_of("study", 3).replace("min = -100", "reopen = true\nmin = -100");
    let mut store = None;
    let hospital = TestHospital::start_with(&reopening, |config| {
        store = Some(config.store.clone());
    })
    .await;
    let mut first = hospital.patient("study").await;
    first.answer_number(1).await.unwrap();
    test_hospital::wait_for(&mut first, |event| matches!(event, Event::Enrolled)).await;
    // Another program alters what is stored, and locks it, so that the round has to be read again.
    let other = Connection::open(hospital.home.data().join("wardsum.sqlite3")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute("UPDATE journal SET record = x'00'", ()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut bystander = hospital.connector.connect("study", None).await.unwrap();
    let mut second = hospital.patient("study").await;
    second.answer_number(2).await.unwrap();
    assert_eq!(closed(&mut bystander).await.0, 1013);

    drop(other);

    wait_for(&hospital, |status| status["round"] == 2).await;
    let rounds = store.unwrap().rounds().await.unwrap();
    assert!(rounds[0].is_over() && !rounds[1].is_over());
}
