//! A study that reopens goes on to the next round and shows the earlier results.

use std::time::Duration;

use tokio::time::sleep;
use wardsum_hospital::limits::Limits;
use wardsum_hospital::store::{DataDir, NewRound, Store};
use wardsum_protocol::round::Record;
use wardsum_protocol::{EndReason, Study, Timestamp};

use crate::scripted_peer::{ScriptedPeer, closed};
use crate::test_hospital::{TestHospital, study_of, sum, within};

fn reopening() -> String {
    study_of("study", 3).replace("min = -100", "reopen = true\nmin = -100")
}

async fn wait_for_round(hospital: &TestHospital, number: u32) -> serde_json::Value {
    within(async {
        loop {
            let status = hospital.status("study").await;
            if status["round"] == number {
                return status;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn the_next_round_opens_and_the_last_result_stays() {
    let hospital = TestHospital::start(&reopening()).await;

    hospital.round("study", &[1, 2, 3]).await;
    let status = wait_for_round(&hospital, 2).await;
    assert_eq!(status["phase"], "enrolling");
    assert!(status["result"].is_null());
    assert_eq!(
        status["previous"],
        serde_json::json!([{ "round": 1, "count": 3, "cells": ["306"], "sum": "6", "mean": 2.0 }])
    );

    let results = hospital.round("study", &[4, 5, 6]).await;
    assert!(results.iter().all(|published| sum(&published.aggregate) == 15));
    let status = wait_for_round(&hospital, 3).await;
    assert_eq!(status["previous"][1]["sum"], "15");
}

#[tokio::test]
async fn the_digest_is_that_of_the_round_which_a_peer_joins_now() {
    let hospital = TestHospital::start(&reopening()).await;
    let mut digests = Vec::new();
    for number in 1..=2 {
        let status = wait_for_round(&hospital, number).await;
        let mut joined = hospital.patient("study").await;
        let digest = joined.study().unwrap().digest().to_string();
        assert_eq!(status["digest"], digest, "round {number}");
        digests.push(digest);
        joined.close().await;
        hospital.round("study", &[1, 2, 3]).await;
    }
    assert_ne!(digests[0], digests[1]);
}

#[tokio::test]
async fn only_so_many_results_are_kept() {
    let hospital = TestHospital::start_with(&reopening(), |config| {
        config.limits = Limits { previous_results: 1, ..Limits::default() };
    })
    .await;

    for number in 2..=3 {
        hospital.round("study", &[1, 2, 3]).await;
        wait_for_round(&hospital, number).await;
    }

    let previous = wait_for_round(&hospital, 3).await["previous"].clone();
    assert_eq!(previous.as_array().unwrap().len(), 1);
    assert_eq!(previous[0]["round"], 2);
}

#[tokio::test]
async fn rounds_without_a_result_take_no_results_place_after_a_restart() {
    let hospital = TestHospital::start(&reopening()).await;
    hospital.round("study", &[1, 2, 3]).await;
    wait_for_round(&hospital, 2).await;
    let home = hospital.stop().await;
    // Two more rounds end without a result, and one is open.
    let store = Store::open(DataDir::open(&home.data()).unwrap()).unwrap();
    let second = store.rounds().await.unwrap().pop().unwrap();
    let mut parameters = Study::decode(&second.study).unwrap().parameters().clone();
    let mut key = second.key;
    for number in 3..=4 {
        let aborted = vec![Record::Ended(EndReason::Aborted)];
        store.append(key, Timestamp(1), aborted).await.unwrap();
        parameters.instance[0] ^= number;
        let study = Study::new(parameters.clone()).unwrap();
        let new = NewRound {
            study_id: "study".to_owned(),
            number: number.into(),
            study: study.encode().to_vec(),
            digest: study.digest(),
        };
        key = store.open_round(new).await.unwrap();
    }
    store.close().await;

    let hospital = TestHospital::start_at(home, &reopening(), |config| {
        config.limits = Limits { previous_results: 1, ..Limits::default() };
    })
    .await;

    let status = wait_for_round(&hospital, 4).await;
    assert_eq!(status["previous"][0]["round"], 1, "{status}");
    assert_eq!(status["previous"][0]["sum"], "6");
}

#[tokio::test]
async fn who_stays_in_a_finished_round_is_dismissed() {
    let hospital = TestHospital::start_with(&reopening(), |config| {
        config.limits = Limits { finished_round: Duration::from_millis(50), ..Limits::default() };
    })
    .await;

    let mut stays = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
    hospital.round("study", &[1, 2, 3]).await;

    let (code, reason) = closed(&mut stays.socket).await;
    assert_eq!((code, reason.as_str()), (1000, "this round is over and the next one is open"));
}
