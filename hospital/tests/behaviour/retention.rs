//! Sealed shares are erased when their round has been over for the retention time; the result stays.

use std::time::Duration;

use tokio::time::sleep;
use wardsum_hospital::store::{ExportedRound, Snapshot};

use crate::test_hospital::{TestHospital, study_of, sum, within};

fn only_round(hospital: &TestHospital) -> ExportedRound {
    let export = Snapshot::open(&hospital.home.data()).unwrap().export(None).unwrap();
    let [round] = <[_; 1]>::try_from(export.rounds).expect("there is one round");
    round
}

/// Whether any file of the data directory has these bytes.
fn is_anywhere(hospital: &TestHospital, needle: &[u8]) -> bool {
    std::fs::read_dir(hospital.home.data()).unwrap().any(|entry| {
        // A socket cannot be read, and holds nothing.
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test]
async fn what_is_due_is_erased_at_the_next_start() {
    let study = study_of("study", 3);
    let hospital = TestHospital::start(&study).await;
    let mut peer =
        crate::scripted_peer::ScriptedPeer::connect(&hospital.connector, "study", 1).await;
    peer.answer(3);
    let ((), others) = tokio::join!(peer.finish(), hospital.round("study", &[1, 2]));
    assert!(others.iter().all(|published| sum(&published.aggregate) == 6));
    // A contribution is of type 2 (PROTOCOL.md, "Contribute"); in its middle are sealed shares.
    let contribution =
        peer.transcript.iter().find(|message| message[0] == 2 && message.len() > 1_000).unwrap();
    let sealed = &contribution[contribution.len() / 2..][..64];
    assert!(is_anywhere(&hospital, sealed));

    // A day has not passed.
    let hospital = TestHospital::start_again(hospital.stop().await, &study).await;
    sleep(Duration::from_millis(300)).await;
    assert!(!only_round(&hospital).sealed_shares_erased);
    let hospital = TestHospital::start_at(hospital.stop().await, &study, |config| {
        config.retention = Duration::ZERO;
    })
    .await;

    within(async {
        while !only_round(&hospital).sealed_shares_erased || is_anywhere(&hospital, sealed) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let status = hospital.status("study").await;
    assert_eq!((&status["result"]["sum"], &status["result"]["count"]), (&"6".into(), &3.into()));
    let hospital = TestHospital::start_again(hospital.stop().await, &study).await;
    assert_eq!(hospital.status("study").await["result"]["sum"], "6");
}
