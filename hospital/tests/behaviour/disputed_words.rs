//! Somebody's safety words differ: the others are told, and whoever runs the hospital finds out.

use std::process::Command;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use wardsum_protocol::peer::Event;

use crate::test_hospital::{TestHospital, request, study_of, wait_for};

#[tokio::test]
async fn the_others_the_figures_the_export_and_the_audit_log_say_so() {
    let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operators = ops.local_addr().unwrap();
    let hospital =
        TestHospital::start_with(&study_of("study", 4), |config| config.ops = Some(ops)).await;
    let mut peers = hospital.answered("study", &[1, 2, 3, 4]).await;
    let fixed = |event: &Event| matches!(event, Event::CommitteeFixed { .. });
    let mut first = peers.remove(0);
    wait_for(&mut first, fixed).await;
    first.dispute_words().await;
    for peer in &mut peers {
        let told = |event: &Event| matches!(event, Event::WordsDisputed { reports: 1 });
        wait_for(peer, told).await;
    }

    let stream = TcpStream::connect(operators).await.unwrap();
    let headers = [("Host", "operators"), ("Connection", "close")];
    let figures = request(stream, "/metrics", &headers).await.body;
    assert!(figures.contains("wardsum_words_disputed_total{study=\"study\"} 1\n"), "{figures}");

    let home = hospital.stop().await;
    let output = Command::new(env!("CARGO_BIN_EXE_hospital"))
        .args(["export", "--data", home.data().to_str().unwrap()])
        .output()
        .unwrap();
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(export["rounds"][0]["counts"]["words_disputed"], 1, "{export}");
    let audit = export["audit"].as_array().unwrap();
    let noted = audit.iter().filter(|entry| entry["action"] == "words-disputed");
    let noted: Vec<_> = noted.map(|entry| (&entry["actor"], &entry["detail"])).collect();
    let expected = ("a patient".into(), "round 1 of study \"study\", report 1".into());
    assert_eq!(noted, [(&expected.0, &expected.1)]);
}
