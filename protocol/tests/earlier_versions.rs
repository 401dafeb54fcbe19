//! Rounds that hospitals have in their stores from earlier versions, as the programs of that time wrote them: how they
//! ended is still told, and nobody takes part in them any more.

mod common;

use common::unhex;
use serde_json::Value;
use wardsum_protocol::round::{self, ConnectionId, Output, Record, RestoreError, Round};
use wardsum_protocol::transcript::{NoTranscript, Transcript};
use wardsum_protocol::{Challenge, Phase, Study, Timestamp};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_000);

/// A published round of each version. Version 3 is that of a committee of four, one of whom left, and two visitors.
fn recorded() -> [(u32, Value); 3] {
    [
        (3, include_str!("../../hospital/tests/behaviour/version_1_round.json")),
        (4, include_str!("../../hospital/tests/behaviour/version_2_round.json")),
        (6, include_str!("earlier_versions/version_3_round.json")),
    ]
    .map(|(count, text)| (count, serde_json::from_str(text).expect("it is JSON")))
}

fn study(round: &Value) -> Study {
    Study::decode(&unhex(round["study"].as_str().unwrap())).expect("it was admissible")
}

fn records(round: &Value) -> Vec<Record> {
    let records = round["records"].as_array().unwrap().iter();
    let read = |hex: &Value| {
        let bytes = unhex(hex.as_str().unwrap());
        let record = Record::decode(&bytes).expect("it was a record");
        assert_eq!(record.encode(), bytes, "it stays what it was");
        record
    };
    records.map(read).collect()
}

fn restored(
    round: &Value,
    records: impl IntoIterator<Item = Record>,
) -> Result<Round, RestoreError> {
    let records = records.into_iter().map(|record| (NOW, record));
    Round::restore(study(round), NOW, records, NOW)
}

#[test]
fn how_a_round_of_an_earlier_version_ended_is_still_told() {
    for (version, (count, recorded)) in (1..).zip(recorded()) {
        let study = study(&recorded);
        assert!(!study.is_current() && study.encode()[..2] == [0, version]);
        assert_eq!(study.digest().to_string(), recorded["digest"].as_str().unwrap());
        let mut round = restored(&recorded, records(&recorded)).expect("its own records");
        let status = round.status();
        assert_eq!(status.phase, Phase::Published, "version {version}");
        let aggregate = status.aggregate.expect("there was a result");
        assert_eq!(aggregate.count, count);
        assert_eq!(aggregate.sum(&study), recorded["sum"].as_i64().map(i128::from));

        // Whoever comes is told in the words of that time.
        let Some(Record::PublishedSum { message, .. }) = records(&recorded).pop() else {
            panic!("a result is the last record")
        };
        let (connection, challenge) = (ConnectionId(1), Challenge([7; 32]));
        round.handle(round::Input::Connected { connection, challenge }, NOW);
        let mut told = Vec::new();
        while let Some(output) = round.poll_output() {
            if let Output::Send { bytes, .. } = output {
                told.push(bytes);
            }
        }
        assert!(told.contains(&message), "version {version}");
        let transcript = Transcript::of(&study, &records(&recorded));
        assert_eq!(transcript, Err(NoTranscript::TooOld), "version {version}");
    }
}

#[test]
fn a_round_of_an_earlier_version_that_went_on_is_not_taken_up_again() {
    for (version, (_, recorded)) in (1..).zip(recorded()) {
        let records = records(&recorded);
        for len in 0..records.len() {
            let some = records.iter().take(len).cloned();
            let error = restored(&recorded, some).err();
            assert_eq!(error, Some(RestoreError::EarlierVersion), "version {version}, {len}");
        }
    }
}

/// What only rounds of one version write has no place in one of another.
#[test]
fn a_result_of_another_version_is_no_record_of_a_round() {
    for (_, recorded) in recorded() {
        let mut records = records(&recorded);
        let position = records.len() - 1;
        let Some(Record::PublishedSum { count, message, .. }) = records.pop() else { panic!() };
        let cells = [Some(7)].into();
        let aggregate = wardsum_protocol::Aggregate { count, cells };
        records.push(Record::Published { aggregate, message });
        let error = restored(&recorded, records).err();
        let refused = [RestoreError::OutOfOrder { position }, RestoreError::Result { position }];
        assert!(error.is_some_and(|error| refused.contains(&error)), "{error:?}");
    }
}
