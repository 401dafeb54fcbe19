//! The transcript of a real round: from the API, from the data directory, and checked by another process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tokio::task::JoinSet;
use wardsum_protocol::peer::Event;
use wardsum_protocol::transcript::Transcript;

use crate::test_hospital::{TestHospital, study_of, sum, wait_for, within};

fn hospital(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hospital")).args(args).output().unwrap()
}

fn verify(file: &Path) -> Output {
    hospital(&["verify", file.to_str().unwrap()])
}

#[tokio::test]
async fn a_round_can_be_checked_by_whoever_has_its_transcript() {
    let server = TestHospital::start(&study_of("study", 4)).await;
    let unknown = server.get("/api/v1/studies/study/transcript", &[]).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["error"].as_str().unwrap().contains("no finished round"));
    server.round("study", &[3, 1, 4, 1]).await;

    let answer = server.get("/api/v1/studies/study/transcript?round=1", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    let named = answer.header("content-disposition");
    assert_eq!(named, Some("attachment; filename=\"study-1.wardsum\""));
    let checked = Transcript::decode(&answer.content).unwrap().check().unwrap();
    assert_eq!((checked.aggregate.count, sum(&checked.aggregate)), (4, 9));

    // While the hospital runs, from outside.
    let data = server.home.data();
    let file = data.with_file_name("round.wardsum");
    let (from, to) = (data.to_str().unwrap(), file.to_str().unwrap());
    let args = ["transcript", "--data", from, "--study", "study", "--to", to];
    let written = hospital(&args);
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    assert_eq!(fs::read(&file).unwrap(), answer.content, "both are made of the same records");
    let again = hospital(&args);
    assert_eq!(again.status.code(), Some(2), "what is there is not replaced: {again:?}");

    let passed = verify(&file);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    let said = String::from_utf8(passed.stdout).unwrap();
    for part in ["the sum of 4 answers is 9", "not checked", "holds"] {
        assert!(said.contains(part), "{said}");
    }

    let mut bytes = answer.content;
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let failed = verify(&file);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(failed.stdout.is_empty(), "{failed:?}");
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(said.contains("DOES NOT HOLD: partial aggregate 3"), "{said}");
}

#[test]
fn what_is_no_transcript_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.txt");
    let missing = verify(&file);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    fs::write(&file, "not a transcript").unwrap();
    let foreign = verify(&file);
    assert_eq!(foreign.status.code(), Some(1), "{foreign:?}");
    assert!(String::from_utf8(foreign.stderr).unwrap().contains("not a transcript"));
}

/// Native peers keep their receipts as tabs do.
#[tokio::test]
async fn a_receipt_is_held_against_the_transcript_of_its_round() {
    let reopening = study_of("study", 4).replace("min = -100", "reopen = true\nmin = -100");
    let server = TestHospital::start(&reopening).await;
    let dir = tempfile::tempdir().unwrap();
    let peers = server.answered("study", &[3, 1, 4, 1]).await;
    let mut tasks = JoinSet::new();
    for mut peer in peers {
        tasks.spawn(async move {
            wait_for(&mut peer, |event| matches!(event, Event::Published(_))).await;
            peer.receipt().expect("it has contributed").clone()
        });
    }
    let receipts = within(tasks.join_all()).await;
    let round = receipts[0].study();
    // Another round of the same study.
    within(async {
        while server.status("study").await["round"] != 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.round("study", &[2, 2, 2, 2]).await;
    let transcript = "/api/v1/studies/study/transcript";
    let answer = server.get(&format!("{transcript}?digest={round}"), &[]).await;
    let file = dir.path().join("round.wardsum");
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"study-1.wardsum\"")
    );
    fs::write(&file, answer.content).unwrap();
    for receipt in &receipts {
        let kept = dir.path().join("receipt.txt");
        fs::write(&kept, receipt.encode()).unwrap();
        let fits = verify_with(&file, &kept);
        assert_eq!(fits.status.code(), Some(0), "{fits:?}");
        let said = String::from_utf8(fits.stdout).unwrap();
        for part in ["same study and committee", "there once, as contribution", "is counted"] {
            assert!(said.contains(part), "{said}");
        }
    }

    let kept = dir.path().join("receipt.txt");
    fs::write(&file, server.get(transcript, &[]).await.content).unwrap();
    let differs = verify_with(&file, &kept);
    assert_eq!(differs.status.code(), Some(1), "{differs:?}");
    assert!(differs.stdout.is_empty(), "{differs:?}");
    let said = String::from_utf8(differs.stderr).unwrap();
    assert!(said.contains("DOES NOT FIT") && said.contains("another round of it"), "{said}");

    fs::write(&kept, receipts[0].encode().replace("counted", "invalid")).unwrap();
    let changed = verify_with(&file, &kept);
    assert_eq!(changed.status.code(), Some(1), "{changed:?}");
    assert!(String::from_utf8(changed.stderr).unwrap().contains("NO RECEIPT"));
    let missing = verify_with(&file, &dir.path().join("nowhere.txt"));
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");

    for (query, status) in [
        (format!("digest={}", "0".repeat(64)), 404),
        ("digest=0123".to_owned(), 400),
        ("digest=0123&round=1".to_owned(), 400),
    ] {
        let path = format!("{transcript}?{query}");
        assert_eq!(server.get(&path, &[]).await.status, status, "{query}");
    }
}

fn verify_with(file: &Path, receipt: &Path) -> Output {
    let [file, receipt] = [file, receipt].map(|path| path.to_str().unwrap());
    hospital(&["verify", file, "--receipt", receipt])
}
