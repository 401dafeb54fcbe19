//! Studies that contradict themselves are refused, with a text that says how to mend them.

mod common;

use common::{asking, parameters};
use wardsum_protocol::form::Text;
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
    let changes: [fn(&mut StudyParameters); 18] = [
        |p| p.instance[15] ^= 1,
        |p| p.title = "Pain after the operation.".into(),
        |p| p.organisation.push('.'),
        |p| p.introduction = "We ask this.".into(),
        |p| p.form.sections[0].items[0].text = "How strong is your pain now?.".into(),
        |p| p.form.sections[0].items[0].unit = "points.".into(),
        |p| p.form = asking(-1, 10),
        |p| p.form = asking(0, 11),
        |p| p.minimum_cell = 3,
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
    refused(|p| p.title = "".into(), "title: it has 0 bytes");
    refused(|p| p.organisation = "x".repeat(256), "organisation has 256 bytes");
    refused(|p| p.organisation = "a\nb".into(), "organisation contains a control character");
    refused(|p| p.introduction = Text::plain("x".repeat(8_001)), "introduction: it has 8001 bytes");
    let question = |text: Text| refused(|p| p.form.sections[0].items[0].text = text, "item 1");
    assert!(question(Text::plain("x".repeat(2_001))).to_string().contains("it has 2001 bytes"));
    let control = "item 1: it contains a control character";
    refused(|p| p.form.sections[0].items[0].unit = "a\nb".into(), control);
}

#[test]
fn a_range_has_at_least_two_values() {
    refused(|p| p.form = asking(10, 10), "its range is empty");
    refused(|p| p.form = asking(10, 9), "its range is empty");
}

#[test]
fn a_sum_that_could_wrap_is_refused() {
    refused(|p| p.form = asking(0, i128::MAX), "could wrap");
    refused(|p| p.form = asking(i128::MIN, i128::MIN + 1), "could wrap");
    let width = i128::try_from(wardsum_protocol::field::modulus() / 2_000).unwrap();
    refused(|p| (p.form, p.maximum_cohort) = (asking(0, width), 2_001), "narrow the range");
}

/// What exceeds the smallest answer adds up to less than `2^127`, which is below the field's modulus.
#[test]
fn the_bound_is_127_bits() {
    let within = |width: i128| {
        let mut parameters = parameters();
        (parameters.committee_cap, parameters.maximum_cohort) = (3, 3);
        parameters.form = asking(-(1 << 125), width - (1 << 125));
        parameters
    };
    let widest = i128::MAX / 3;
    Study::new(within(widest)).expect("three answers cannot wrap");
    assert!(matches!(Study::new(within(widest + 1)), Err(StudyError::SumCouldWrap { .. })));
}

/// The bytes of a study as hospitals stored it up to version 3, which asks for a number.
fn stored(version: u16, (min, max): (i128, i128), maximum_cohort: u32) -> Vec<u8> {
    let bytes = common::unhex(VERSION_1);
    // Behind the texts and the minimum cohort stand both ends and the maximum cohort.
    let ends = 2 + 16 + 25 + 21 + 30 + 7;
    let (texts, rules) = (&bytes[2..ends], &bytes[ends + 32..]);
    let (minimum_cohort, rest) = (&rules[..4], &rules[8..]);
    let numbers = [min.to_be_bytes(), max.to_be_bytes()].concat();
    let cohorts = [minimum_cohort, &maximum_cohort.to_be_bytes()].concat();
    [&version.to_be_bytes(), texts, &numbers, &cohorts, rest, &[1]].concat()
}

#[test]
fn a_stored_study_of_version_2_or_3_asks_for_one_number_and_is_taken_part_in_by_nobody() {
    for version in [2, 3] {
        let bytes = stored(version, (-3, 9), 500);
        let study = Study::decode(&bytes).unwrap();
        assert!(!study.is_current());
        assert_eq!(study.encode(), bytes);
        let rules = (study.maximum_cohort(), study.minimum_cell(), study.title().first());
        assert_eq!(rules, (500, 1, "Pain after the operation"));
        assert_eq!(study.form().items().count(), 1);
        let form =
            wardsum_protocol::form::Form::number("How strong is your pain now?", "points", -3, 9);
        assert_eq!(study.form(), &form);
        for len in 0..bytes.len() {
            assert_eq!(Study::decode(&bytes[..len]), Err(StudyError::Encoding));
        }
        assert_eq!(Study::decode(&[&bytes, &[0_u8][..]].concat()), Err(StudyError::Encoding));
    }
    for version in [0, 5] {
        let error = Study::decode(&stored(version, (-3, 9), 500)).unwrap_err();
        assert_eq!(error, StudyError::Encoding);
    }
}

/// Up to version 3 a sum could take the whole field: a range of which three answers fit below the modulus, while four
/// make p + 3 and would read as 3, without any 128-bit number overflowing.
#[test]
fn stored_studies_could_use_the_whole_field() {
    let range = (-(1 << 125), 42_535_295_865_117_307_803_794_617_413_004_165_121_i128);
    assert_eq!(range.1.abs_diff(range.0) * 4 - wardsum_protocol::field::modulus(), 3);
    Study::decode(&stored(3, range, 3)).expect("three answers cannot wrap");
    let wraps = Study::decode(&stored(3, range, 4));
    assert!(matches!(wraps, Err(StudyError::SumCouldWrap { .. })));
    let mut today = parameters();
    (today.form, today.committee_cap, today.maximum_cohort) = (asking(range.0, range.1), 3, 3);
    assert!(matches!(Study::new(today), Err(StudyError::SumCouldWrap { .. })));
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
