//! Studies that contradict themselves are refused, with a text that says how to mend them.

mod common;

use common::parameters;
use wardsum_protocol::{Admission, Closing, Study, StudyError, StudyParameters};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The key of RFC 8032's first test vector.
const AUTHORITY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

#[track_caller]
fn refused(change: impl FnOnce(&mut StudyParameters), words: &str) -> StudyError {
    let mut parameters = parameters();
    change(&mut parameters);
    let error = Study::new(parameters).expect_err("the study is inadmissible");
    let text = error.to_string();
    assert!(text.contains(words), "{text:?} does not say {words:?}");
    error
}

fn closing(change: impl FnOnce(&mut Closing)) -> Closing {
    let mut rule = common::settle(1_000);
    change(&mut rule);
    rule
}

#[test]
fn the_canonical_bytes_say_everything() {
    let study = Study::new(parameters()).unwrap();
    let decoded = Study::decode(study.encode()).unwrap();
    assert_eq!(decoded, study);
    assert_eq!(decoded.parameters(), &parameters());
    assert_eq!(decoded.digest(), study.digest());
}

#[test]
fn every_parameter_changes_the_digest() {
    let digest = Study::new(parameters()).unwrap().digest();
    let changes: [fn(&mut StudyParameters); 16] = [
        |p| p.instance[15] ^= 1,
        |p| p.title.push('.'),
        |p| p.organisation.push('.'),
        |p| p.question.push('.'),
        |p| p.unit.push('.'),
        |p| p.min = -1,
        |p| p.max = 11,
        |p| p.minimum_cohort = 4,
        |p| p.maximum_cohort = 999,
        |p| p.committee_cap = 31,
        |p| p.enrolment.by_command = true,
        |p| p.contributing.settle_ms = None,
        |p| p.aggregation_deadline_ms += 1,
        |p| p.suite = wardsum_protocol::Suite::XWing,
        |p| p.scheme = wardsum_protocol::SchemeChoice::Additive,
        |p| p.admission = Admission::Invited { authority: AUTHORITY },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut parameters = parameters();
        change(&mut parameters);
        assert_ne!(Study::new(parameters).unwrap().digest(), digest, "change {number}");
    }
}

#[test]
fn bytes_that_are_cut_or_continued_are_no_study() {
    let study = Study::new(parameters()).unwrap();
    let bytes = study.encode();
    for len in 0..bytes.len() {
        assert_eq!(Study::decode(&bytes[..len]), Err(StudyError::Encoding));
    }
    assert_eq!(Study::decode(&[bytes, &[0]].concat()), Err(StudyError::Encoding));
}

/// The bytes of a study as hospitals stored it before there were invitations.
const VERSION_1: &str = "0001000102030405060708090a0b0c0d0e0f185061696e20616674657220746865206f70\
    65726174696f6e1453742e204578616d706c6520486f73706974616c001c486f77207374726f6e672069732079\
    6f7572207061696e206e6f773f06706f696e747300000000000000000000000000000000000000000000000000\
    0000000000000a00000003000003e800200100000003010000000000003a9800000000000dbba000000100000000\
    000007d000000000000927c001000000000000ea600102";

#[test]
fn a_stored_study_of_version_1_is_read_and_taken_part_in_by_nobody() {
    let bytes = common::unhex(VERSION_1);
    let study = Study::decode(&bytes).unwrap();
    assert_eq!((study.encode(), study.authority()), (bytes.as_slice(), None));
    assert_eq!(
        study.digest().to_string(),
        "af21bb510abdacc5e6f57ff54e7e411bad1f55edf241898c7c9d764e148cc822"
    );
    assert!(!study.is_current());
    // The same rules make another study today.
    let today = Study::new(study.parameters().clone()).unwrap();
    assert!(today.is_current() && today != study);
    // There is one way to write each study.
    assert_eq!(Study::decode(&[&bytes, &[1_u8][..]].concat()), Err(StudyError::Encoding));
}

#[test]
fn an_authority_has_a_key() {
    refused(|p| p.admission = Admission::Invited { authority: [0; 32] }, "authority's key");
    let invited = common::study(|p| p.admission = Admission::Invited { authority: AUTHORITY });
    assert_eq!(invited.authority().unwrap().as_bytes(), &AUTHORITY);
    assert_eq!(common::study(|_| ()).authority(), None);
}

#[test]
fn texts_have_a_length_and_no_control_characters() {
    refused(|p| p.title.clear(), "title has 0 bytes");
    refused(|p| p.organisation = "x".repeat(256), "organisation has 256 bytes");
    refused(|p| p.question = "x".repeat(2_001), "question has 2001 bytes");
    refused(|p| p.unit = "a\nb".into(), "unit contains a control character");
}

#[test]
fn a_range_has_at_least_two_values() {
    refused(|p| p.max = p.min, "one value only");
    refused(|p| p.max = p.min - 1, "max must be more than min");
}

#[test]
fn a_sum_that_could_wrap_is_refused() {
    refused(|p| p.max = i128::MAX, "could wrap");
    refused(|p| (p.min, p.max) = (i128::MIN, i128::MIN + 1), "could wrap");
    let width = i128::try_from(wardsum_protocol::field::modulus() / 2_000).unwrap();
    refused(|p| (p.max, p.maximum_cohort) = (width, 2_001), "narrow the range");
}

/// A range of which three answers fit below the modulus, while four make p + 3 and would read as 3,
/// without any 128-bit number overflowing.
#[test]
fn the_bound_is_the_field_s_modulus() {
    let range = |p: &mut StudyParameters, maximum| {
        p.min = -(1 << 125);
        p.max = 42_535_295_865_117_307_803_794_617_413_004_165_121;
        p.maximum_cohort = maximum;
    };
    let within = |maximum| {
        let mut parameters = parameters();
        parameters.committee_cap = 3;
        range(&mut parameters, maximum);
        parameters
    };
    let width = within(4).max.abs_diff(within(4).min);
    assert_eq!(width * 4 - wardsum_protocol::field::modulus(), 3);
    let study = Study::new(within(3)).expect("three answers cannot wrap");
    assert!(matches!(Study::new(within(4)), Err(StudyError::SumCouldWrap { .. })));
    // And should a manifest ever count four all the same, there is no sum to read off.
    assert_eq!(study.questionnaire().tally(&[wardsum_protocol::field::Field::from(3)], 4), None);
}

#[test]
fn cohorts_and_committees_have_bounds() {
    refused(|p| p.minimum_cohort = 2, "below 3 people");
    refused(|p| p.maximum_cohort = 2, "maximum_cohort is 2");
    refused(|p| p.maximum_cohort = 100_001, "maximum_cohort is 100001");
    refused(|p| p.committee_cap = 2, "committee_cap is 2");
    refused(|p| p.committee_cap = 256, "committee_cap is 256");
}

#[test]
fn counts_that_contradict_the_cohort_are_refused() {
    refused(|p| p.enrolment = closing(|c| c.count = Some(2)), "below the 3 it must have");
    refused(|p| p.enrolment = closing(|c| c.count = Some(33)), "no more than 32 can be there");
    refused(|p| p.contributing = closing(|c| c.count = Some(1_001)), "no more than 1000");
    refused(
        |p| {
            p.minimum_cohort = 10;
            p.contributing = closing(|c| c.count = Some(9));
        },
        "contributing closes at 9 people, below the 10",
    );
}

#[test]
fn times_are_neither_zero_nor_endless() {
    refused(|p| p.enrolment = closing(|c| c.settle_ms = Some(0)), "settle time of enrolment");
    refused(|p| p.contributing = closing(|c| c.deadline_ms = u64::MAX), "deadline of contributing");
    refused(|p| p.enrolment = closing(|c| c.deadline_ms = 0), "deadline of enrolment");
    refused(|p| p.aggregation_deadline_ms = 0, "aggregation deadline");
}
