//! Several studies run at once and keep to themselves.

use crate::program::Program;
use crate::test_hospital::{TestHospital, study_of, sum};

#[tokio::test]
async fn each_study_has_its_own_result() {
    let studies = [study_of("first", 3), study_of("second", 4), study_of("third", 3)].concat();
    let hospital = TestHospital::start(&studies).await;

    let (first, second) = tokio::join!(
        hospital.round("first", &[1, 2, 3]),
        hospital.round("second", &[10, 20, 30, 40]),
    );

    assert!(first.iter().all(|published| sum(&published.aggregate) == 6));
    assert!(second.iter().all(|published| sum(&published.aggregate) == 100));
    let all = hospital.get("/api/v1/studies", &[]).await.json();
    let seen: Vec<_> = all["studies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|study| (study["id"].as_str().unwrap(), study["phase"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [("first", "published"), ("second", "published"), ("third", "enrolling")]);
}

#[test]
fn one_that_is_gone_from_the_file_with_its_round_open_is_warned_of() {
    let studies = [study_of("kept", 3), study_of("gone", 3)].concat();
    let program = Program::with_studies(&studies, &[]);
    std::fs::write(program.path("studies.toml"), study_of("kept", 3)).unwrap();

    let program = program.restart("-TERM");
    program.signal("-TERM");
    let (status, log) = program.end();

    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("round 1 of study gone is not over"), "{log}");
    assert!(log.contains("hospital study close --study gone --abort"), "{log}");
    assert!(!log.contains("of study kept is not over"), "{log}");
}
