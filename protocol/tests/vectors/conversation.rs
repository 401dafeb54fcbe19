//! How a hospital and its peers have to speak with each other, checked by the messages alone: how a
//! connection begins, who says who it is, what is said again, and what is acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wardsum_protocol::Study;

use crate::json::{array, bytes, list, number, text};
use crate::keys::hash;
use crate::values::People;

/// One message of a round.
pub(crate) struct Sent {
    pub(crate) way: String,
    pub(crate) person: u64,
    pub(crate) connection: u64,
    pub(crate) bytes: Vec<u8>,
}

/// All messages, in order.
pub(crate) fn messages(round: &Value) -> Vec<Sent> {
    list(round, "steps")
        .iter()
        .filter(|step| step["do"] == "message")
        .map(|step| Sent {
            way: text(step, "way").into(),
            person: number(step, "person"),
            connection: number(step, "connection"),
            bytes: bytes(step, "hex"),
        })
        .collect()
}

/// Checks what can be checked without the people's keys.
pub(crate) fn check(round: &Value, sent: &[Sent]) {
    check_beginnings(round, sent);
    check_repetitions(sent);
    check_held(round);
}

/// What every connection was given to sign.
fn challenges(round: &Value) -> BTreeMap<u64, [u8; 32]> {
    let steps = list(round, "steps").iter().filter(|step| step["do"] == "connect");
    steps.map(|step| (number(step, "connection"), array(step, "challenge"))).collect()
}

/// A connection begins with challenge and study, and a peer on it with who it is.
fn check_beginnings(round: &Value, sent: &[Sent]) {
    let study = bytes(round, "study");
    let len = u16::try_from(study.len()).expect("a study has a short length").to_be_bytes();
    for (connection, challenge) in challenges(round) {
        let first =
            |way: &str| sent.iter().find(|sent| sent.connection == connection && sent.way == way);
        let welcome = &first("down").expect("the hospital speaks over every connection").bytes;
        assert_eq!(*welcome, [&[1], challenge.as_slice(), &len, &study].concat());
        assert!(first("up").is_none_or(|sent| sent.bytes[0] == 6), "a peer says who it is");
    }
}

/// What was signed over which connection to show whose it is.
pub(crate) fn identifications(
    round: &Value,
    sent: &[Sent],
    people: &People,
    study: &Study,
) -> Vec<(u64, Vec<u8>)> {
    let study_digest = hash("wardsum v1 study", &[study.encode()]);
    let challenges = challenges(round);
    sent.iter()
        .filter(|sent| sent.way == "up" && sent.bytes[0] == 6)
        .map(|Sent { person, connection, bytes, .. }| {
            let keys = &people.keys[person];
            let held = &bytes[bytes.len() - 68..bytes.len() - 64];
            let challenge = &challenges[connection];
            let body = [&study_digest, challenge, keys.verifying().as_slice(), held].concat();
            let label = "wardsum v1 sign identification";
            assert_eq!(*bytes, keys.signed_message(6, label, &body), "it says who the person is");
            (*connection, body)
        })
        .collect()
}

/// Whoever enrols, contributes or answers the manifest again says the same again, byte by byte.
fn check_repetitions(sent: &[Sent]) {
    let mut first = BTreeMap::new();
    for Sent { person, bytes, .. } in sent.iter().filter(|sent| sent.way == "up") {
        if let kind @ 1..=5 = bytes[0] {
            let before = *first.entry((person, kind)).or_insert(bytes);
            assert_eq!(before, bytes, "person {person} repeats itself");
        }
    }
}

/// A peer that identifies itself says how many deliveries it has had since its page was loaded, and that
/// it needs no more once it awaits the result.
fn check_held(round: &Value) {
    let mut delivered: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for step in list(round, "steps").iter().filter(|step| step["person"].is_u64()) {
        let person = number(step, "person");
        if step["do"] == "resume" {
            delivered.remove(&person);
            done.remove(&person);
        }
        if step["do"] != "message" {
            continue;
        }
        let message = bytes(step, "hex");
        let number_at =
            |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().expect("four bytes"));
        match (text(step, "way"), message[0]) {
            ("down", 5) => {
                delivered.entry(person).or_default().insert(number_at(1));
            }
            ("down", 7) | ("up", 3..=5) => {
                done.insert(person);
            }
            ("up", 6) => {
                let numbers = delivered.get(&person).into_iter().flatten();
                let held = (0..).zip(numbers).take_while(|(at, number)| at == *number).count();
                let held = u32::try_from(held).expect("few deliveries");
                let expected = if done.contains(&person) { u32::MAX } else { held };
                assert_eq!(
                    number_at(message.len() - 68),
                    expected,
                    "person {person} holds so many"
                );
            }
            _ => {}
        }
    }
}

/// Everything that has to be acknowledged is, as often as it is sent, and nothing else. A contribution is
/// acknowledged by its digest, and a verification until there is a verdict, which answers it.
pub(crate) fn check_acknowledgements(sent: &[Sent], contributions: &BTreeMap<u64, [u8; 32]>) {
    let mut expected: BTreeMap<u64, Vec<[u8; 32]>> = BTreeMap::new();
    let mut acknowledged = expected.clone();
    let mut judged = false;
    for Sent { way, person, bytes, .. } in sent {
        judged |= (way.as_str(), bytes[0]) == ("down", 8);
        match (way.as_str(), bytes[0]) {
            ("up", 3) if judged => {}
            ("up", 1 | 3 | 4 | 5) => {
                let digest = hash("wardsum v1 message", &[bytes]);
                expected.entry(*person).or_default().push(digest);
            }
            ("up", 2) => expected.entry(*person).or_default().push(contributions[person]),
            ("down", 3) => {
                let digest = bytes[1..].try_into().expect("32 bytes");
                acknowledged.entry(*person).or_default().push(digest);
            }
            _ => {}
        }
    }
    assert_eq!(acknowledged, expected, "what is stored is acknowledged");
}
