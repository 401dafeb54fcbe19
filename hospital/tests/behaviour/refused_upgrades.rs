//! A WebSocket is refused, with a status and a reason in JSON, to whoever must not open one.

use crate::test_hospital::{Answer, TestHospital, study_of, sum};

/// What makes a request one for a WebSocket.
const WEBSOCKET: [(&str, &str); 5] = [
    ("Host", "localhost"),
    ("Connection", "Upgrade, close"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

async fn upgrade(path: &str, headers: &[(&str, &str)]) -> Answer {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let answer = hospital.request(path, &[&WEBSOCKET, headers].concat()).await;
    // Whoever is refused leaves the study as it was.
    let results = hospital.round("study", &[1, 2, 3]).await;
    assert!(results.iter().all(|published| sum(&published.aggregate) == 6));
    answer
}

fn assert_refused(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let json = answer.json();
    let error = json["error"].as_str().unwrap();
    assert!(error.contains(text), "{error}");
}

const SUBPROTOCOL: (&str, &str) = ("Sec-WebSocket-Protocol", "wardsum.v3");

#[tokio::test]
async fn a_page_of_another_origin() {
    let origin = ("Origin", "https://evil.example");
    assert_refused(&upgrade("/ws/study", &[SUBPROTOCOL, origin]).await, 403, "--allowed-origin");
}

#[tokio::test]
async fn an_opaque_origin() {
    assert_refused(&upgrade("/ws/study", &[SUBPROTOCOL, ("Origin", "null")]).await, 403, "origin");
}

#[tokio::test]
async fn no_subprotocol() {
    assert_refused(&upgrade("/ws/study", &[]).await, 400, "wardsum.v3");
}

#[tokio::test]
async fn another_subprotocol() {
    let other = ("Sec-WebSocket-Protocol", "wardsum.v0, chat");
    assert_refused(&upgrade("/ws/study", &[other]).await, 400, "wardsum.v3");
}

#[tokio::test]
async fn an_unknown_study() {
    assert_refused(&upgrade("/ws/nobody", &[SUBPROTOCOL]).await, 404, "no study \"nobody\"");
}

#[tokio::test]
async fn an_earlier_round_is_looked_for_only_when_all_else_is_in_order() {
    let mut closing = None;
    let hospital = TestHospital::start_with(&study_of("study", 3), |config| {
        closing = Some(config.store.clone());
    })
    .await;
    // From here on it cannot be looked into.
    closing.unwrap().close().await;
    let path = format!("/ws/study?round={}", "ab".repeat(32));
    assert_refused(&hospital.get(&path, &[]).await, 400, "WebSocket");
    assert_refused(&hospital.request(&path, &WEBSOCKET).await, 400, "wardsum.v3");
    let answer = hospital.request(&path, &[&WEBSOCKET[..], &[SUBPROTOCOL]].concat()).await;
    assert_refused(&answer, 503, "cannot be read at the moment");
}

#[tokio::test]
async fn no_websocket() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    assert_refused(&hospital.get("/ws/study", &[]).await, 400, "WebSocket");
}

#[tokio::test]
async fn the_hospitals_own_page_is_let_in() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    for host in ["localhost", "127.0.0.1"] {
        let origin = format!("https://{host}:{}", hospital.address.port());
        let answer = hospital.get("/ws/study", &[("Origin", &origin)]).await;
        // Past the check of the origin it fails only for not being a WebSocket.
        assert_refused(&answer, 400, "WebSocket");
    }
}
