//! Researchers close phases and end rounds, and whoever comes second is told what the first has done.

use serde_json::{Value, json};
use wardsum_hospital::native_peer::NativePeer;
use wardsum_hospital::store::Role;
use wardsum_protocol::peer::Event;

use crate::test_hospital::{TestHospital, published, study_of, sum, wait_for};

/// A hospital with a study whose phases close by command only, and two editors.
async fn start() -> (TestHospital, [String; 2]) {
    let rule = "by_command = true\ndeadline_seconds = 3600";
    let hospital = TestHospital::start(&study_of("study", 3).replace("count = 3", rule)).await;
    let anna = hospital.researcher("anna", Role::Editor).await;
    let bert = hospital.researcher("bert", Role::Editor).await;
    (hospital, [anna, bert])
}

async fn enrolled(hospital: &TestHospital) -> Vec<NativePeer> {
    let mut peers = hospital.answered("study", &[20, 30, -8]).await;
    for peer in &mut peers {
        wait_for(peer, |event| matches!(event, Event::Enrolled)).await;
    }
    peers
}

fn phase(phase: &str) -> Value {
    json!({ "phase": phase, "round": 1 })
}

const CLOSE: &str = "studies/study/phase/close";

#[tokio::test]
async fn of_two_who_close_the_same_phase_the_second_is_told_what_happened() {
    let (hospital, [anna, bert]) = start().await;
    let mut peers = enrolled(&hospital).await;
    let enrolment = phase("enrolment");
    let (first, second) = tokio::join!(
        hospital.ask(&anna, "POST", CLOSE, Some(&enrolment)),
        hospital.ask(&bert, "POST", CLOSE, Some(&enrolment))
    );
    let anna_was_first = first.status == 200;
    let (done, late) = if anna_was_first { (first, second) } else { (second, first) };
    assert_eq!((done.status, late.status), (200, 409), "{done:?} {late:?}");
    assert_eq!(done.json()["current"]["committee"], 3);
    let happened = &late.json()["happened"];
    let by = if anna_was_first { "researcher anna" } else { "researcher bert" };
    assert_eq!((&happened["by"], &happened["action"]), (&json!(by), &json!("close enrolment")));
    assert_eq!(happened["round"], 1);
    assert!(late.json()["error"].as_str().unwrap().contains("is contributing"), "{late:?}");

    for peer in &mut peers {
        wait_for(peer, |event| matches!(event, Event::ContributionAcknowledged)).await;
    }
    let closed = hospital.ask(&bert, "POST", CLOSE, Some(&phase("contributing"))).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert!(published(peers).await.iter().all(|published| sum(&published.aggregate) == 42));

    let audit = hospital.ask(&anna, "GET", "audit", None).await.json();
    let entries = audit["entries"].as_array().unwrap().iter().rev();
    let said = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap().to_owned();
        (text("actor"), text("action"))
    };
    let of_rounds = entries.map(said).filter(|(actor, _)| actor.starts_with("researcher"));
    let actions = of_rounds.map(|(_, action)| action).collect::<Vec<_>>();
    assert_eq!(actions, ["close enrolment", "done", "refused", "close contributing", "done"]);
}

#[tokio::test]
async fn who_closes_contributing_again_while_members_are_waited_for_is_told_so() {
    let (hospital, [anna, bert]) = start().await;
    let _peers = enrolled(&hospital).await;
    assert_eq!(hospital.ask(&anna, "POST", CLOSE, Some(&phase("enrolment"))).await.status, 200);
    // The peers are not driven on, so that nobody contributes.
    let closed = hospital.ask(&anna, "POST", CLOSE, Some(&phase("contributing"))).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert!(closed.json()["done"].as_str().unwrap().contains("as soon as"), "{closed:?}");
    let late = hospital.ask(&bert, "POST", CLOSE, Some(&phase("contributing"))).await;
    assert_eq!(late.status, 409);
    assert_eq!(late.json()["happened"]["by"], "researcher anna");
}

#[tokio::test]
async fn a_round_is_ended_by_its_number_and_once() {
    let (hospital, [anna, bert]) = start().await;
    let abort = "studies/study/round/abort";
    let other = hospital.ask(&anna, "POST", abort, Some(&json!({ "round": 2 }))).await;
    assert_eq!(other.status, 409, "{other:?}");
    let done = hospital.ask(&anna, "POST", abort, Some(&json!({ "round": 1 }))).await;
    assert_eq!(done.json()["current"]["phase"], "ended");
    let late = hospital.ask(&bert, "POST", abort, Some(&json!({ "round": 1 }))).await;
    assert_eq!(late.status, 409);
    assert_eq!(late.json()["happened"]["action"], "abort");
    let result = hospital.ask(&anna, "GET", "studies/study/result", None).await.json();
    assert_eq!(result["result"], Value::Null);
    assert!(!result["ended"].as_str().unwrap().is_empty());
    assert_eq!(hospital.ask(&anna, "GET", "studies/study/result?round=2", None).await.status, 404);
}

#[tokio::test]
async fn what_is_no_phase_or_no_study_is_refused() {
    let (hospital, [anna, _]) = start().await;
    for (path, body, status, field) in [
        (CLOSE, json!({ "phase": "verifying", "round": 1 }), 422, "phase"),
        (CLOSE, json!({ "phase": "enrolment" }), 422, ""),
        (CLOSE, phase("contributing"), 409, ""),
        ("studies/nobody/phase/close", phase("enrolment"), 404, ""),
        ("studies/study/invitations/revoke", json!({ "round": 1, "serials": [] }), 422, "serials"),
        ("studies/study/invitations/revoke", json!({ "round": 1, "serials": [1] }), 409, ""),
    ] {
        let answer = hospital.ask(&anna, "POST", path, Some(&body)).await;
        assert_eq!(answer.status, status, "{path} {body}");
        if status == 422 {
            assert_eq!(answer.json()["problems"][0]["field"], field, "{answer:?}");
        }
    }
    assert_eq!(hospital.ask(&anna, "GET", "studies/study/invitations", None).await.status, 404);
    let unreadable = hospital.ask(&anna, "GET", "studies/%ff", None).await;
    assert_eq!(unreadable.status, 400);
    assert!(unreadable.json()["error"].is_string(), "{unreadable:?}");
}
