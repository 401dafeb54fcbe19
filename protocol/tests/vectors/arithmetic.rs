//! `encoding.json` and `sharing.json`: answers as bits, bits as shares, and back.

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value, json};
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::sharing::{self, Scheme, Share, ShareIndex};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{array, bytes, hex, list, small, text};

/// Gives out the bytes that a vector names, in their order.
pub(crate) struct Tape(pub(crate) VecDeque<u8>);

impl TryRng for Tape {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("field elements are drawn byte by byte")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("field elements are drawn byte by byte")
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for byte in target {
            *byte = self.0.pop_front().expect("the vector names enough randomness");
        }
        Ok(())
    }
}

impl TryCryptoRng for Tape {}

fn element(value: &Value) -> Field {
    let bytes = crate::json::unhex(value.as_str().expect("an element is a text"));
    field::decode(bytes.try_into().expect("16 bytes")).expect("a reduced element")
}

fn vector(value: &Value) -> SecretVector {
    SecretVector::new(value.as_array().expect("a list of elements").iter().map(element).collect())
}

fn elements(vector: &SecretVector) -> Value {
    vector.elements().iter().map(|element| hex(field::encode(*element))).collect()
}

fn scheme(case: &Value) -> Scheme {
    let (shares, threshold) = (small(case, "k"), small(case, "t"));
    match text(case, "scheme") {
        "additive" => Scheme::additive(shares),
        "shamir" => Scheme::new(shares, threshold).expect("an admissible scheme"),
        other => panic!("there is no scheme {other}"),
    }
}

// --- encoding.json

pub(crate) fn generate_encoding() -> Value {
    let range = |name: &str, min: i128, max: i128, values: &[i128], sums: &[(u32, u128)]| {
        let values: Value = values.iter().map(|v| json!({ "value": v.to_string() })).collect();
        let sums: Value = sums
            .iter()
            .map(|(count, aggregate)| {
                json!({ "count": count, "aggregate": hex(aggregate.to_le_bytes()) })
            })
            .collect();
        complete_range(json!({
            "name": name, "min": min.to_string(), "max": max.to_string(),
            "values": values, "sums": sums,
        }))
    };
    let largest = field::modulus() - 1;
    json!({ "ranges": [
        range("yes_or_no", 0, 1, &[0, 1, 2, -1], &[(3, 0), (3, 3), (3, 4)]),
        range("pain_scale", 0, 10, &[0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11], &[(3, 17), (3, 30), (3, 31)]),
        range("one_byte", 0, 255, &[0, 127, 128, 255, 256], &[(1_000, 255_000), (1_000, largest)]),
        range("weight_change", -40, 60, &[-41, -40, -1, 0, 23, 24, 60, 61], &[(6, 254), (6, 601)]),
        range("negative_only", -7, -3, &[-7, -6, -5, -4, -3, -2], &[(5, 0), (5, 20)]),
        range("two_to_the_64", 0, 1 << 64, &[0, (1 << 64) - 1, 1 << 64], &[(100_000, 100_000 << 64)]),
        range("widest", i128::MIN, i128::MAX, &[i128::MIN, -1, 0, i128::MAX], &[(1, 0), (2, 0)]),
        range("bad_one_value", 5, 5, &[5], &[]),
        range("bad_reversed", 6, 5, &[5], &[]),
    ] })
}

fn complete_range(mut case: Value) -> Value {
    let bound = |key: &str| text(&case, key).parse::<i128>().expect("a number");
    let Some(range) = IntegerRange::new(bound("min"), bound("max")) else {
        case["weights"] = Value::Null;
        return case;
    };
    // The weights are what the aggregate of each single bit is.
    case["weights"] = (0..range.len())
        .map(|position| {
            let mut bits = vec![field::zero(); range.len()];
            bits[position] = Field::from(1u128);
            u128::from(range.aggregate(&bits)).to_string()
        })
        .collect();
    for value in case["values"].as_array_mut().expect("a list") {
        let number = text(value, "value").parse().expect("a number");
        value["bits"] = match range.encode(number) {
            Some(bits) => {
                bits.elements().iter().map(|bit| u128::from(*bit) == 1).map(u8::from).collect()
            }
            None => Value::Null,
        };
    }
    for sum in case["sums"].as_array_mut().expect("a list") {
        let aggregate = field::decode(array(sum, "aggregate")).expect("a reduced element");
        let count = u32::try_from(crate::json::number(sum, "count")).expect("a count");
        sum["sum"] = range.sum(aggregate, count).map(|sum| sum.to_string()).into();
    }
    case
}

#[test]
fn answers_are_encoded_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    for case in list(&crate::load("encoding"), "ranges") {
        assert_eq!(&complete_range(case.clone()), case);
    }
}

// --- sharing.json

pub(crate) fn generate_sharing() -> Value {
    let thresholds: Value = (3..=13)
        .chain([32, 100, 254, 255])
        .map(|k| complete_threshold(json!({ "k": k })))
        .collect();
    let p = field::modulus();
    let elements: Value = [
        ("zero", 0),
        ("one", 1),
        ("largest", p - 1),
        ("bad_modulus", p),
        ("bad_modulus_plus_one", p + 1),
        ("bad_all_ones", u128::MAX),
    ]
    .into_iter()
    .map(|(name, value)| complete_element(json!({ "name": name, "hex": hex(value.to_le_bytes()) })))
    .collect();
    let splits = splits();
    let combinations = combinations(&splits);
    json!({
        "modulus": p.to_string(), "thresholds": thresholds, "elements": elements,
        "splits": splits, "combinations": combinations,
    })
}

/// Elements that look random and are the same each time.
fn noise(count: u64, salt: u64) -> Vec<u8> {
    (0..count)
        .flat_map(|i| {
            let low = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt);
            let high = low.rotate_left(23).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            [low.to_le_bytes(), high.to_le_bytes()].concat()
        })
        .collect()
}

fn splits() -> Value {
    let case = |name: &str, scheme: &str, (k, t): (u8, u8), secret: &[u128], randomness: &[u8]| {
        let secret: Value = secret.iter().map(|element| hex(element.to_le_bytes())).collect();
        complete_split(json!({
            "name": name, "scheme": scheme, "k": k, "t": t, "secret": secret,
            "randomness": hex(randomness),
        }))
    };
    let small = [1u128, 2, 3, 4, 5, 6].map(u128::to_le_bytes).concat();
    // The first draw is no reduced element and is drawn again.
    let rejected = [[0xff; 16].as_slice(), &noise(2, 3)].concat();
    let p = field::modulus();
    json!([
        case("additive_3_small", "additive", (3, 3), &[1, 0, 1], &small),
        case("additive_3_bits", "additive", (3, 3), &[1, 0, 1, 1], &noise(8, 1)),
        case("additive_4_of_a_large_secret", "additive", (4, 4), &[p - 1], &noise(3, 2)),
        case("additive_3_with_a_rejected_draw", "additive", (3, 3), &[1], &rejected),
        case("shamir_3_of_4_small", "shamir", (4, 3), &[1, 0, 1], &small),
        case("shamir_3_of_4_bits", "shamir", (4, 3), &[1, 1, 0, 1, 0, 0, 1], &noise(14, 4)),
        case("shamir_5_of_7_large", "shamir", (7, 5), &[p - 1, 0], &noise(8, 5)),
        case("shamir_9_of_13", "shamir", (13, 9), &[1, 0, 17], &noise(24, 6)),
    ])
}

fn combinations(splits: &Value) -> Value {
    let of = |name: &str, split: &str, take: &[usize], change: fn(&mut Vec<Value>)| {
        let split = splits.as_array().expect("a list").iter().find(|s| s["name"] == split);
        let split = split.expect("a split of that name");
        let share =
            |&index: &usize| json!({ "index": index, "values": split["shares"][index - 1] });
        let mut shares = take.iter().map(share).collect();
        change(&mut shares);
        complete_combination(json!({
            "name": name, "scheme": split["scheme"], "k": split["k"], "t": split["t"],
            "shares": shares,
        }))
    };
    json!([
        of("additive_3_of_3", "additive_3_bits", &[1, 2, 3], |_| {}),
        of("additive_in_another_order", "additive_3_bits", &[3, 1, 2], |_| {}),
        of("shamir_first_3_of_4", "shamir_3_of_4_bits", &[1, 2, 3], |_| {}),
        of("shamir_last_3_of_4", "shamir_3_of_4_bits", &[4, 3, 2], |_| {}),
        of("shamir_all_4", "shamir_3_of_4_bits", &[1, 2, 3, 4], |_| {}),
        of("shamir_5_of_7", "shamir_5_of_7_large", &[7, 1, 6, 2, 4], |_| {}),
        of("bad_additive_too_few", "additive_3_bits", &[1, 2], |_| {}),
        of("bad_shamir_too_few", "shamir_3_of_4_bits", &[1, 4], |_| {}),
        of("bad_none_at_all", "shamir_3_of_4_bits", &[], |_| {}),
        of("bad_duplicate", "shamir_3_of_4_bits", &[1, 2, 2], |_| {}),
        of("bad_duplicate_beyond_the_threshold", "shamir_3_of_4_bits", &[1, 2, 3, 1], |_| {}),
        of("bad_foreign", "shamir_3_of_4_bits", &[1, 2, 3], |shares| shares[2]["index"] = 5.into()),
        of("bad_length", "shamir_3_of_4_bits", &[1, 2, 3], |shares| {
            shares[1]["values"].as_array_mut().expect("a list").pop();
        }),
        of("bad_contradiction", "shamir_3_of_4_bits", &[1, 2, 3, 4], |shares| raise(shares, 3, 6)),
        of("corrected_1_of_7", "shamir_5_of_7_large", &all(7), |shares| raise(shares, 2, 0)),
        of("corrected_in_another_order", "shamir_5_of_7_large", &backwards(7), |shares| {
            raise(shares, 6, 1);
        }),
        of("bad_1_of_6_is_wrong", "shamir_5_of_7_large", &all(6), |shares| raise(shares, 2, 0)),
        of("bad_2_of_7_are_swapped", "shamir_5_of_7_large", &all(7), |shares| swap(shares, 2, 4)),
        // Five of the seven do lie on one polynomial: 3 and 6 are believed, and 1 is not.
        of("corrected_towards_2_of_7_with_one_mistake", "shamir_5_of_7_large", &all(7), |shares| {
            raise(shares, 2, 0);
            raise(shares, 5, 0);
        }),
        of(
            "bad_2_of_7_are_wrong_in_different_elements",
            "shamir_5_of_7_large",
            &all(7),
            |shares| {
                raise(shares, 2, 0);
                raise(shares, 5, 1);
            }
        ),
        of("corrected_1_of_12", "shamir_9_of_13", &all(12), |shares| {
            shares[11]["values"] = vec![hex([0; 16]); 3].into();
        }),
        of("corrected_2_of_13_swapped", "shamir_9_of_13", &all(13), |shares| swap(shares, 0, 12)),
        of("corrected_2_of_13_in_different_elements", "shamir_9_of_13", &backwards(13), |shares| {
            raise(shares, 0, 0);
            raise(shares, 7, 2);
        }),
        of("bad_2_of_12_are_swapped", "shamir_9_of_13", &all(12), |shares| swap(shares, 4, 5)),
        of("bad_3_of_13_are_wrong", "shamir_9_of_13", &all(13), |shares| {
            raise(shares, 3, 1);
            swap(shares, 8, 9);
        }),
    ])
}

fn all(k: usize) -> Vec<usize> {
    (1..=k).collect()
}

fn backwards(k: usize) -> Vec<usize> {
    (1..=k).rev().collect()
}

/// Adds one to one element of a share.
fn raise(shares: &mut [Value], share: usize, position: usize) {
    let value = &mut shares[share]["values"][position];
    let next = element(value) + Field::from(1u128);
    *value = hex(field::encode(next)).into();
}

/// Exchanges the values of two shares.
fn swap(shares: &mut [Value], one: usize, other: usize) {
    let values = shares[one]["values"].take();
    shares[one]["values"] = shares[other]["values"].take();
    shares[other]["values"] = values;
}

fn complete_threshold(mut case: Value) -> Value {
    case["t"] = sharing::threshold(small(&case, "k")).into();
    let additive = Scheme::threshold_of(small(&case, "k")).is_additive();
    case["scheme"] = if additive { "additive" } else { "shamir" }.into();
    case
}

fn complete_element(mut case: Value) -> Value {
    let decoded = field::decode(array(&case, "hex"));
    case["value"] = decoded.map(|element| u128::from(element).to_string()).into();
    case
}

fn complete_split(mut case: Value) -> Value {
    let mut tape = Tape(bytes(&case, "randomness").into());
    let shares = scheme(&case).split(&vector(&case["secret"]), &mut tape);
    assert!(tape.0.is_empty(), "the vector names no more randomness than is used");
    case["shares"] = shares.iter().map(|share| elements(&share.values)).collect();
    case
}

fn complete_combination(mut case: Value) -> Value {
    let share = |share: &Value| Share {
        index: ShareIndex::new(small(share, "index")).expect("an index from 1 on"),
        values: vector(&share["values"]),
    };
    let shares: Vec<Share> = list(&case, "shares").iter().map(share).collect();
    (case["secret"], case["wrong"], case["refused"]) = match scheme(&case).combine(&shares) {
        Ok(combined) => {
            let wrong = combined.wrong.iter().map(|index| index.number()).collect();
            (elements(&combined.secret), wrong, Value::Null)
        }
        Err(error) => (Value::Null, Value::Null, error.to_string().into()),
    };
    case
}

/// Computes what a case says about its inputs.
type Complete = fn(Value) -> Value;

#[test]
fn secrets_are_shared_and_combined_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let file = crate::load("sharing");
    assert_eq!(text(&file, "modulus"), field::modulus().to_string());
    let parts: [(&str, Complete); 4] = [
        ("thresholds", complete_threshold),
        ("elements", complete_element),
        ("splits", complete_split),
        ("combinations", complete_combination),
    ];
    for (part, complete) in parts {
        for case in list(&file, part) {
            assert_eq!(&complete(case.clone()), case, "{part}");
        }
    }
}

#[test]
fn good_vectors_are_accepted_and_bad_ones_refused() {
    if crate::writing() {
        return;
    }
    let is_bad = |case: &Value| text(case, "name").starts_with("bad_");
    for case in list(&crate::load("sharing"), "combinations") {
        assert_eq!(is_bad(case), case["secret"].is_null(), "{case}");
        let corrected = case["wrong"].as_array().is_some_and(|wrong| !wrong.is_empty());
        assert_eq!(text(case, "name").starts_with("corrected_"), corrected, "{case}");
    }
    for case in list(&crate::load("sharing"), "elements") {
        assert_eq!(is_bad(case), case["value"].is_null(), "{case}");
    }
    for case in list(&crate::load("encoding"), "ranges") {
        assert_eq!(is_bad(case), case["weights"].is_null(), "{case}");
    }
}
