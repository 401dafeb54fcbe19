//! A store that an earlier version of the program has written: what was published stays to be seen, and
//! what went on is ended, because nobody can take part in it any more.

use rusqlite::Connection;
use serde_json::Value;
use wardsum_hospital::store::{DataDir, NewRound, Store};
use wardsum_protocol::round::Record;
use wardsum_protocol::{Study, Timestamp};

use crate::program::run;
use crate::test_hospital::{TestHospital, study_of};

/// A round as the program wrote it whose studies were of this version: of three people in an open study, and of four
/// in an invited one, of whom one only contributes.
fn round_of_version(version: u8) -> Value {
    let text = match version {
        1 => include_str!("version_1_round.json"),
        _ => include_str!("version_2_round.json"),
    };
    serde_json::from_str(text).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

/// Stops the hospital, puts the first `records` of the round behind those of its study, in a store of the schema
/// version that there was then, and starts it again.
async fn with_round_of_version(version: u8, records: usize) -> TestHospital {
    let studies = study_of("study", 3);
    let hospital = TestHospital::start(&studies).await;
    hospital.round("study", &[1, 2, 3]).await;
    let home = hospital.stop().await;
    let round = round_of_version(version);
    let study = Study::decode(&bytes(&round["study"])).unwrap();
    assert!(!study.is_current());
    let store = Store::open(DataDir::open(&home.data()).unwrap()).unwrap();
    let new = NewRound {
        study_id: "study".to_owned(),
        number: 2,
        study: study.encode().to_vec(),
        digest: study.digest(),
    };
    let key = store.open_round(new).await.unwrap();
    let records = round["records"].as_array().unwrap().iter().take(records);
    let records = records.map(|record| Record::decode(&bytes(record)).unwrap()).collect();
    store.append(key, Timestamp(1), records).await.unwrap();
    store.close().await;
    let database = Connection::open(home.data().join("wardsum.sqlite3")).unwrap();
    database
        .execute_batch("DROP TABLE registry; DROP TABLE researcher; DROP TABLE study;")
        .unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
    database.close().unwrap();
    TestHospital::start_again(home, &studies).await
}

async fn is_still_shown(version: u8, admission: &str) {
    let hospital = with_round_of_version(version, usize::MAX).await;
    let status = hospital.status("study").await;
    assert_eq!(status["digest"], round_of_version(version)["digest"]);
    assert_eq!((&status["phase"], &status["admission"]), (&"published".into(), &admission.into()));
    assert_eq!((&status["result"]["sum"], &status["round"]), (&"17".into(), &2.into()));
    assert_eq!(status["previous"][0]["sum"], "6");

    let home = hospital.stop().await;
    let data = home.data();
    let output = run(&["export", "--data", data.to_str().unwrap()], &data);
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(export["rounds"][1]["result"]["sum"], "17", "{export}");
    assert_eq!(export["rounds"][1]["title"], "Pain after the operation");
}

#[tokio::test]
async fn a_published_round_of_version_1_is_still_shown() {
    is_still_shown(1, "open").await;
}

#[tokio::test]
async fn a_published_round_of_version_2_is_still_shown() {
    is_still_shown(2, "invited").await;
}

async fn gives_way_to_a_new_one(version: u8, records: usize) {
    let hospital = with_round_of_version(version, records).await;
    let status = hospital.status("study").await;
    assert_eq!((&status["phase"], &status["round"]), (&"enrolling".into(), &3.into()));
    assert_eq!(status["previous"].as_array().unwrap().len(), 1);
    hospital.round("study", &[4, 5, 6]).await;
}

#[tokio::test]
async fn a_round_of_version_1_that_went_on_gives_way_to_a_new_one() {
    for records in [0, 2, 5] {
        gives_way_to_a_new_one(1, records).await;
    }
}

/// Before the committee, with contributions, and with a verdict.
#[tokio::test]
async fn a_round_of_version_2_that_went_on_gives_way_to_a_new_one() {
    for records in [2, 7, 15] {
        gives_way_to_a_new_one(2, records).await;
    }
}
