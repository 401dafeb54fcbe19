//! A study, and records of a round of it whose contents follow from their numbers.

use bytes::Bytes;
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::{
    Admission, Closing, ContributionDigest, PeerId, SchemeChoice, StoredDigest, Study,
    StudyParameters, Suite,
};

/// The `instance`-th round's study.
pub(crate) fn study(instance: u8) -> Study {
    let closing = Closing { settle_ms: Some(1_000), ..Closing::deadline(60_000) };
    Study::new(StudyParameters {
        instance: [instance; 16],
        title: "Sample".into(),
        organisation: "Test Hospital".to_owned(),
        introduction: Text::default(),
        form: Form::number("How many?", "", -100, 100),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 50_000,
        committee_cap: 3,
        enrolment: closing,
        contributing: closing,
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    })
    .expect("the sample is admissible")
}

/// Somebody's identity: the base point of Curve25519, which is nobody's.
pub(crate) fn somebody() -> PeerId {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    PeerId::decode(&key).expect("the base point is on the curve")
}

/// Sealed shares that are told from all others; `len` bytes.
pub(crate) fn message(number: u32, len: usize) -> Bytes {
    let pattern = format!("sealed shares number {number:08}; ");
    pattern.bytes().cycle().take(len).collect()
}

/// A contribution, as a round writes it down; with a `len` of zero, as it is read again.
pub(crate) fn contribution(number: u32, len: usize) -> Record {
    Record::Contributed(contributed(number, message(number, len)))
}

fn contributed(number: u32, message: Bytes) -> Contributed {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    let digest = ContributionDigest(digest);
    let stored = StoredDigest::of(&message);
    Contributed { number, sender: somebody(), digest, signature: Some([7; 64]), stored, message }
}
