//! `refusals.json`: what a round must not swallow, and what it must bear. Each case replays one side of
//! a good round up to a message and gives it another one instead.

use serde_json::{Value, json};
use wardsum_protocol::peer::Stage;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{array, bytes, hex, list, named, number, text, unhex};
use crate::keys::{Keys, behind_its_length, contribution_digest, elements_digest};
use crate::{for_hospital, for_peers, replay, rounds};

pub(crate) const ENROL: &str = "wardsum v1 sign enrolment";
pub(crate) const CONTRIBUTE: &str = "wardsum v1 sign contribution";
pub(crate) const VERIFICATION: &str = "wardsum v1 sign verification";
pub(crate) const PARTIAL: &str = "wardsum v1 sign partial aggregate";
pub(crate) const IDENTIFY: &str = "wardsum v1 sign identification";

/// A good round, and what it takes to depart from it.
pub(crate) struct Good {
    round: Value,
    name: &'static str,
}

impl Good {
    pub(crate) fn message(&self, name: &str) -> Vec<u8> {
        named(&self.round, name)
    }

    /// What comes to the hospital over `connection` instead of the message `before`.
    pub(crate) fn hospital(
        &self,
        name: &str,
        connection: u64,
        before: &str,
        bytes: &[u8],
    ) -> Value {
        json!({
            "name": name, "round": self.name, "to": "hospital", "connection": connection,
            "before": before, "hex": hex(bytes),
        })
    }

    /// The same over a connection that is made for it, after the messages `first`.
    pub(crate) fn newcomer(
        &self,
        name: &str,
        before: &str,
        first: &[Vec<u8>],
        bytes: &[u8],
    ) -> Value {
        let case = self.hospital(name, NEWCOMER, before, bytes);
        Self::after_a_newcomer(case, first)
    }

    /// The same as `case`, after another connection was made and these messages came over it.
    pub(crate) fn after_a_newcomer(mut case: Value, messages: &[Vec<u8>]) -> Value {
        let messages: Value = messages.iter().map(hex).collect();
        case["newcomer"] = json!({
            "connection": NEWCOMER, "challenge": hex(NEWCOMERS_CHALLENGE), "messages": messages,
        });
        case
    }

    /// What comes to `person` instead of the message `before`.
    pub(crate) fn person(&self, name: &str, person: u64, before: &str, bytes: &[u8]) -> Value {
        json!({
            "name": name, "round": self.name, "to": "person", "person": person, "before": before,
            "hex": hex(bytes), "then": [],
        })
    }

    /// The same, with more messages after it.
    pub(crate) fn person_then(
        &self,
        name: &str,
        person: u64,
        before: &str,
        bytes: &[u8],
        then: &[Vec<u8>],
    ) -> Value {
        let mut case = self.person(name, person, before, bytes);
        case["then"] = then.iter().map(hex).collect();
        case
    }

    /// A contribution of these shares, which the sender has signed; `head` is what stands before the signature.
    pub(crate) fn contribution(
        &self,
        keys: &Keys,
        head: &[u8],
        shares: &[u8],
        count: u8,
    ) -> Vec<u8> {
        let pieces: Vec<&[u8]> = shares.chunks(shares.len() / usize::from(count)).collect();
        let digest = self.contribution_digest(keys, &pieces);
        [head, &keys.sign(CONTRIBUTE, &[&digest]), &[count], shares].concat()
    }

    pub(crate) fn contribution_digest(&self, keys: &Keys, shares: &[&[u8]]) -> [u8; 32] {
        let digests = ["study_digest", "committee_digest"].map(|name| self.message(name));
        contribution_digest([&digests[0], &digests[1]], &keys.verifying(), shares)
    }

    /// Who a person is, over a connection with this challenge.
    pub(crate) fn identify(&self, person: u64, challenge: &[u8; 32], held: u32) -> Vec<u8> {
        let keys = keys_of(person);
        let study_digest = self.message("study_digest");
        let body = [&study_digest, challenge.as_slice(), &keys.verifying(), &held.to_be_bytes()];
        keys.signed_message(6, IDENTIFY, &body.concat())
    }
}

/// The number of a connection that no round has.
const NEWCOMER: u64 = 99;

/// What it is given to sign.
pub(crate) const NEWCOMERS_CHALLENGE: [u8; 32] = [0xff; 32];

/// The keys of a person of these rounds.
pub(crate) fn keys_of(person: u64) -> Keys {
    let entropy = [u8::try_from(person).expect("few people"); 32];
    Keys::derive(&entropy, 2)
}

pub(crate) fn changed(bytes: &[u8], at: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = change(bytes[at]);
    bytes
}

pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    changed(bytes, at, |byte| byte ^ 1)
}

pub(crate) fn with_last_bit_flipped(bytes: &[u8]) -> Vec<u8> {
    // The last bits of a signature are always zero; this one belongs to S as well.
    flipped(bytes, bytes.len() - 10)
}

pub(crate) fn truncated(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

pub(crate) fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// A partial aggregate of these elements with their salts, one after the other, as a message.
pub(crate) fn partial(person: u64, verdict: &[u8], place: u8, openings: &[u8]) -> Vec<u8> {
    let body = [verdict, &[place], &elements_digest(verdict, place, openings)].concat();
    let signed = keys_of(person).signed_message(4, PARTIAL, &body);
    [signed, behind_its_length(openings)].concat()
}

/// The body of a message that is one signed body.
pub(crate) fn body(message: &[u8]) -> Vec<u8> {
    message[3..message.len() - 64].to_vec()
}

pub(crate) fn generate() -> Value {
    let additive = Good { round: rounds::generate_additive(), name: "additive-round" };
    let shamir = Good { round: rounds::generate_shamir(), name: "shamir-round" };
    let resumed = Good { round: rounds::generate_resumed(), name: "resumed-round" };
    let goods = [&additive, &shamir, &resumed];
    let complete = |case| {
        let round =
            |name: &str| &goods.iter().find(|good| good.name == name).expect("a round").round;
        complete(case, round)
    };
    let cases =
        [for_hospital::cases(&additive, &shamir), for_peers::cases(&additive, &shamir, &resumed)];
    json!({ "cases": cases.into_iter().flatten().map(complete).collect::<Vec<_>>() })
}

/// Plays a case and notes what comes of it.
fn complete<'a>(case: Value, round: impl Fn(&str) -> &'a Value) -> Value {
    let vector = round(text(&case, "round"));
    match text(&case, "to") {
        "hospital" => complete_hospital(case, vector),
        _ => complete_person(case, vector),
    }
}

fn complete_hospital(mut case: Value, vector: &Value) -> Value {
    let mut hospital = replay::hospital(vector, Some(text(&case, "before")));
    let connection = number(&case, "connection");
    if case["newcomer"].is_object() {
        let newcomer = number(&case["newcomer"], "connection");
        hospital.connect(newcomer, array(&case["newcomer"], "challenge"));
        for message in list(&case["newcomer"], "messages") {
            hospital.message(newcomer, unhex(message.as_str().expect("a text")));
        }
    }
    hospital.sent.clear();
    hospital.message(connection, bytes(&case, "hex"));
    assert!(hospital.closed.len() <= 1, "{} closes one connection", case["name"]);
    if let Some((closed, refusal)) = hospital.closed.pop() {
        case["closes"] = closed.into();
        case["close_code"] = refusal.code().into();
        case["reason"] = refusal.to_string().into();
    }
    let replies = hospital.sent.iter().filter(|(to, _)| *to == connection);
    case["replies"] = replies.map(|(_, bytes)| hex(bytes)).collect();
    case
}

fn complete_person(mut case: Value, vector: &Value) -> Value {
    let before = Some(text(&case, "before"));
    let mut machine = replay::person(vector, number(&case, "person"), before);
    machine.sent.clear();
    machine.hangs_up = false;
    machine.message(bytes(&case, "hex"));
    for message in list(&case, "then") {
        machine.message(unhex(message.as_str().expect("a text")));
    }
    case["sends"] = machine.sent.iter().map(hex).collect();
    let failure = machine.peer.failure();
    case["failure"] = failure.map(|failure| failure.code()).into();
    case["text"] = failure.map(|failure| failure.to_string()).into();
    let finished = machine.peer.stage() == Stage::Finished;
    case["reconnects"] = (machine.hangs_up && failure.is_none() && !finished).into();
    case
}

/// Whether a bad message had consequences: the connection is closed or given up, the peer's part
/// ends, or it declines.
fn is_refused(case: &Value) -> bool {
    let declines = case["sends"].as_array().is_some_and(|sends| {
        sends.iter().any(|sent| sent.as_str().is_some_and(|sent| sent.starts_with("05")))
    });
    let closes = case["closes"].is_u64() && case["closes"] == case["connection"];
    closes || case["failure"].is_string() || case["reconnects"] == true || declines
}

#[test]
fn messages_are_refused_or_borne_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let files = ["additive-round", "shamir-round", "resumed-round"];
    let files = files.map(|name| (name, crate::load(name)));
    for case in list(&crate::load("refusals"), "cases") {
        let round = |name: &str| &files.iter().find(|file| file.0 == name).expect("a round").1;
        assert_eq!(&complete(case.clone(), round), case);
        let name = text(case, "name");
        let expected = name.starts_with("bad_") || name.starts_with("ended_");
        assert_eq!(is_refused(case), expected, "{name}");
    }
}
