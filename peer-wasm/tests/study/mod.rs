//! The studies that tests of this crate and of the page take part in.

use wardsum_peer::protocol::form::{Form, Text};
use wardsum_peer::protocol::{Admission, Closing, SchemeChoice, Study, StudyParameters, Suite};

/// A pain scale that three people complete, all of whom hold shares.
#[allow(dead_code, reason = "not every file that uses this asks for it")]
pub(crate) fn study() -> Study {
    study_of(Form::number("How strong is your pain?", "points", 0, 10))
}

/// Any other questions to the same people, of whose answers nothing is suppressed.
pub(crate) fn study_of(form: Form) -> Study {
    let closing = Closing { count: Some(3), ..Closing::deadline(60_000) };
    Study::new(StudyParameters {
        instance: [7; 16],
        title: "Pain".into(),
        organisation: "Ward 7".to_owned(),
        introduction: Text::default(),
        form,
        minimum_cell: 1,
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
