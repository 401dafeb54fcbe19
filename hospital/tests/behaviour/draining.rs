//! A hospital that is told to stop says goodbye to everybody first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;
use wardsum_hospital::announcement::Announce;
use wardsum_hospital::control::{self, Action, Request, StudyCommand};
use wardsum_hospital::limits::Limits;

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
async fn no_round_opens_while_it_stops() {
    let announced = Arc::new(Mutex::new(Vec::new()));
    let reopening = study_of("study", 3).replace("min = -100", "reopen = true\nmin = -100");
    // Now that there is a data directory.
    let home = TestHospital::start(&reopening).await.stop().await;
    let mut hospital = TestHospital::start_at(home, &reopening, |config| {
        let announced = Arc::clone(&announced);
        config.announce = Announce::to(move |announcement| {
            announced.lock().unwrap().push(announcement.to_string());
        });
        config.limits = Limits { close: Duration::from_secs(8), ..Limits::default() };
    })
    .await;
    let peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;

    // The peer does not answer the goodbye, so that stopping takes its time, and the round is ended
    // meanwhile.
    hospital.tell_to_stop();
    within(async { while TcpStream::connect(hospital.address).await.is_ok() {} }).await;
    let data = hospital.home.data();
    let command =
        StudyCommand { study: "study".to_owned(), action: Action::Abort, serials: Vec::new() };
    let said = tokio::task::spawn_blocking(move || control::ask(&data, &Request::Study(command)));
    assert!(said.await.unwrap().unwrap().contains("has ended without a result"));
    // Longer than the pause before a next round.
    sleep(Duration::from_millis(1_500)).await;
    drop(peer);
    hospital.stop().await;

    let announced = announced.lock().unwrap();
    assert_eq!(announced.len(), 2, "{announced:?}");
    assert!(announced[0].ends_with("round 1"), "{announced:?}");
    assert!(announced[1].starts_with("Ended without a result"), "{announced:?}");
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
