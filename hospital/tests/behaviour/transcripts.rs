//! The transcript of a real round: from the API, from the data directory, and checked by another process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use wardsum_protocol::transcript::Transcript;

use crate::test_hospital::{TestHospital, study_of};

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
    assert_eq!((checked.aggregate.count, checked.aggregate.sum), (4, 9));

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
    assert!(said.contains("DOES NOT HOLD: the sum is not"), "{said}");
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
