//! A hospital that is told to stop says goodbye to everybody first.

use tokio::net::TcpStream;

use crate::scripted_peer::{ScriptedPeer, closed};
use crate::test_hospital::{TestHospital, study_of, within};

#[tokio::test]
async fn every_peer_is_told_and_nobody_else_is_let_in() {
    let mut hospital = TestHospital::start(&study_of("study", 5)).await;
    let mut peers = Vec::new();
    for seed in 1..=3 {
        peers.push(ScriptedPeer::connect(&hospital.connector, "study", seed).await);
    }

    hospital.tell_to_stop();

    for peer in &mut peers {
        let (code, reason) = closed(&mut peer.socket).await;
        assert_eq!(code, 1001);
        assert!(reason.contains("shutting down"), "{reason}");
    }
    let address = hospital.address;
    hospital.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn idle_connections_do_not_hold_it_up() {
    let mut hospital = TestHospital::start(&study_of("study", 5)).await;
    // One that has not begun its handshake, one that has not begun its request.
    let _silent = TcpStream::connect(hospital.address).await.unwrap();
    let _idle = hospital.connector.open_tls().await.unwrap();

    hospital.tell_to_stop();

    within(hospital.stop()).await;
}
