//! Whoever is too slow, at whatever stage, does not keep a place for long.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use wardsum_hospital::limits::Limits;

use crate::scripted_peer::{ScriptedPeer, closed};
use crate::test_hospital::{TestHospital, study_of, within};

async fn with_limits(limits: Limits) -> TestHospital {
    TestHospital::start_with(&study_of("study", 3), |config| config.limits = limits).await
}

#[tokio::test]
async fn no_handshake() {
    let limits = Limits { handshake: Duration::from_millis(50), ..Limits::default() };
    let hospital = with_limits(limits).await;
    let mut stream = TcpStream::connect(hospital.address).await.unwrap();

    let ended = within(stream.read_to_end(&mut Vec::new())).await;

    assert_eq!(ended.unwrap(), 0);
}

#[tokio::test]
async fn no_request() {
    let limits = Limits { handshake: Duration::from_millis(500), ..Limits::default() };
    let hospital = with_limits(limits).await;
    let mut stream = hospital.connector.open_tls().await.unwrap();

    // It ends, whether with an answer or without one.
    let _ = within(stream.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn a_connection_that_stays_for_ever() {
    // Only this limit can end it in time.
    let handshake = Duration::from_mins(5);
    let limits = Limits { http: Duration::from_millis(50), handshake, ..Limits::default() };
    let hospital = with_limits(limits).await;
    let mut stream = hospital.connector.open_tls().await.unwrap();

    let _ = within(stream.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping() {
    let limits = Limits {
        ping: Duration::from_millis(20),
        silence: Duration::from_millis(100),
        ..Limits::default()
    };
    let hospital = with_limits(limits).await;
    let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;

    // Pings are answered only while somebody reads, and nobody does.
    sleep(Duration::from_millis(300)).await;

    let (code, reason) = closed(&mut peer.socket).await;
    assert_eq!(code, 4408, "{reason}");
    assert!(reason.contains("too slow"), "{reason}");
}

#[tokio::test]
async fn a_peer_that_only_answers_pings_may_stay() {
    let limits = Limits {
        ping: Duration::from_millis(20),
        silence: Duration::from_millis(200),
        ..Limits::default()
    };
    let hospital = with_limits(limits).await;
    let mut patient = hospital.connector.connect("study", None).await.unwrap();

    let reading = tokio::time::timeout(Duration::from_secs(1), closed(&mut patient)).await;

    assert!(reading.is_err(), "it was closed: {reading:?}");
    assert_eq!(hospital.round("study", &[1, 2, 3]).await.len(), 3);
}
