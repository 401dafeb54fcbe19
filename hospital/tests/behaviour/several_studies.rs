//! Several studies run at once and keep to themselves.

use crate::test_hospital::{TestHospital, study_of};

#[tokio::test]
async fn each_study_has_its_own_result() {
    let studies = [study_of("first", 3), study_of("second", 4), study_of("third", 3)].concat();
    let hospital = TestHospital::start(&studies).await;

    let (first, second) = tokio::join!(
        hospital.round("first", &[1, 2, 3]),
        hospital.round("second", &[10, 20, 30, 40]),
    );

    assert!(first.iter().all(|published| published.aggregate.sum == 6));
    assert!(second.iter().all(|published| published.aggregate.sum == 100));
    let all = hospital.get("/api/v1/studies", &[]).await.json();
    let seen: Vec<_> = all["studies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|study| (study["id"].as_str().unwrap(), study["phase"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [("first", "published"), ("second", "published"), ("third", "enrolling")]);
}
