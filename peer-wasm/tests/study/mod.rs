//! The study that tests of this crate and of the page take part in.

use wardsum_peer::protocol::{Admission, Closing, SchemeChoice, Study, StudyParameters, Suite};

/// A pain scale that three people complete, all of whom hold shares.
pub(crate) fn study() -> Study {
    let closing = Closing { count: Some(3), ..Closing::deadline(60_000) };
    Study::new(StudyParameters {
        instance: [7; 16],
        title: "Pain".to_owned(),
        organisation: "Ward 7".to_owned(),
        question: "How strong is your pain?".to_owned(),
        unit: "points".to_owned(),
        min: 0,
        max: 10,
        minimum_cohort: 3,
        maximum_cohort: 100,
        committee_cap: 3,
        enrolment: closing,
        contributing: closing,
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    })
    .expect("the parameters keep the rules")
}
