//! A round ends with the exact sum, at every peer and at the API.

use wardsum_hospital::limits::Limits;
use wardsum_protocol::peer::OwnAnswer;

use crate::test_hospital::{TestHospital, study_of, sum};

async fn round_is_exact(answers: &[i128]) {
    let people = u32::try_from(answers.len()).unwrap();
    let hospital = TestHospital::start(&study_of("study", people)).await;

    let results = hospital.round("study", answers).await;

    let expected: i128 = answers.iter().sum();
    assert_eq!(results.len(), answers.len());
    for published in results {
        assert_eq!(sum(&published.aggregate), expected);
        assert_eq!(published.aggregate.count, people);
        assert_eq!(published.own, OwnAnswer::Counted);
    }
    let status = hospital.status("study").await;
    assert_eq!(status["phase"], "published");
    assert_eq!(status["result"]["sum"], expected.to_string());
    assert_eq!(status["result"]["count"], people);
    assert_eq!(status["committee"], people);
    assert_eq!(status["round"], 1);
    assert!(status["ended"].is_null());
}

#[tokio::test]
async fn three_people() {
    round_is_exact(&[3, 1, 4]).await;
}

#[tokio::test]
async fn seven_people_with_the_extremes() {
    round_is_exact(&[-100, 100, 100, -100, -100, 0, 7]).await;
}

#[tokio::test]
async fn people_beyond_the_committee_only_contribute() {
    let study = study_of("study", 5)
        .replace("[study.enrolment]\ncount = 5", "committee_cap = 4\n[study.enrolment]\ncount = 4");
    let hospital = TestHospital::start(&study).await;

    let results = hospital.round("study", &[1, 2, 3, 4, 5]).await;

    assert!(results.iter().all(|published| sum(&published.aggregate) == 15));
    let status = hospital.status("study").await;
    assert_eq!((&status["committee"], &status["threshold"]), (&4.into(), &3.into()));
}

#[tokio::test]
async fn however_little_may_wait_for_the_round() {
    let hospital = TestHospital::start_with(&study_of("study", 5), |config| {
        config.limits = Limits { inbox_messages: 1, inbox_bytes: 1, ..Limits::default() };
    })
    .await;

    let results = hospital.round("study", &[1, 2, 3, 4, 5]).await;

    assert!(results.iter().all(|published| sum(&published.aggregate) == 15));
}

#[tokio::test]
async fn a_round_below_its_minimum_ends_with_the_reason() {
    let study = study_of("study", 3)
        .replace("[study.enrolment]\ncount = 3", "[study.enrolment]\ndeadline_seconds = 0.05");
    let hospital = TestHospital::start(&study).await;

    let ended = loop {
        let status = hospital.status("study").await;
        if status["phase"] == "ended" {
            break status["ended"].as_str().unwrap().to_owned();
        }
    };

    assert_eq!(ended, "too few people took part: 0 of at least 3");
}
