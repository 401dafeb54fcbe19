//! Replaying a round: one machine gets what the vector says, and must say what the vector says.

use serde_json::Value;
use wardsum_protocol::Study;
use wardsum_protocol::peer::{Event, Input, Record};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::forms::responses;
use crate::json::{array, bytes, list, named, number, text};
use crate::machines::{Hospital, Person};
use crate::rounds::{self, round_people};
use crate::values;

/// Whether `step` is the one that is called `name`.
fn is_named(step: &Value, name: Option<&str>) -> bool {
    name.is_some() && step["name"].as_str() == name
}

/// The hospital, up to the message that is called `before`.
pub(crate) fn hospital(vector: &Value, before: Option<&str>) -> Hospital {
    let study = Study::decode(&bytes(vector, "study")).expect("the study is admissible");
    let mut hospital = Hospital::open(study);
    for step in list(vector, "steps") {
        if is_named(step, before) {
            return hospital;
        }
        match text(step, "do") {
            "clock" => hospital.clock(number(step, "at_ms")),
            "connect" => hospital.connect(number(step, "connection"), array(step, "challenge")),
            "close" | "lose" => hospital.disconnect(number(step, "connection")),
            // Who closes a page may have had no connection.
            "unload" if step["connection"].is_u64() => {
                hospital.disconnect(number(step, "connection"));
            }
            "restart" => hospital.restart(),
            "message" if text(step, "way") == "up" => {
                hospital.message(number(step, "connection"), bytes(step, "hex"));
            }
            _ => {}
        }
    }
    assert_eq!(before, None, "the vector has this message");
    hospital
}

/// One person, up to the message that is called `before`.
pub(crate) fn person(vector: &Value, number_of: u64, before: Option<&str>) -> Person {
    let me = list(vector, "people").iter().find(|person| number(person, "person") == number_of);
    let entropy = array(me.expect("the vector has this person"), "entropy");
    let mut now = 0;
    let mut connected = false;
    let mut machine: Option<Person> = None;
    for step in list(vector, "steps") {
        if is_named(step, before) {
            break;
        }
        let mine = step["person"].as_u64() == Some(number_of);
        match (text(step, "do"), &mut machine) {
            ("clock", machine) => {
                now = number(step, "at_ms");
                if let Some(person) = machine {
                    person.clock(now);
                }
            }
            ("connect", machine) if mine => {
                connected = true;
                machine.get_or_insert_with(|| Person::new(entropy, now)).connect();
            }
            ("answer", Some(person)) if mine => {
                person.answer(responses(step));
            }
            ("message", Some(person)) if mine && text(step, "way") == "down" => {
                person.message(bytes(step, "hex"));
            }
            ("leave", Some(person)) if mine => person.input(Input::Leave),
            ("close", Some(person)) if mine => {
                connected = false;
                assert!(person.hangs_up, "person {number_of} closes where the vector says");
            }
            ("lose", Some(person)) if mine => {
                connected = false;
                person.lose();
            }
            ("unload", Some(person)) if mine => {
                connected = false;
                person.unload();
            }
            ("resume", Some(person)) if mine => person.resume(),
            ("restart", Some(person)) if connected => {
                connected = false;
                person.lose();
            }
            _ => {}
        }
    }
    machine.expect("the person has connected")
}

fn messages<'a>(vector: &'a Value, way: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let way = way.to_owned();
    list(vector, "steps").iter().filter(move |step| step["way"].as_str() == Some(&way))
}

fn check_round(name: &str) {
    if crate::writing() {
        return;
    }
    let vector = crate::load(name);
    let hospital = hospital(&vector, None);
    assert!(hospital.closed.is_empty(), "{:?}", hospital.closed);
    let expected: Vec<_> = messages(&vector, "down")
        .map(|step| (number(step, "connection"), bytes(step, "hex")))
        .collect();
    assert!(hospital.sent == expected, "the hospital sends what the vector says");
    let aggregate = hospital.round.status().aggregate.expect("the round has a result");
    assert_eq!(vector["result"], rounds::result_json(&aggregate));

    for entry in list(&vector, "people") {
        let me = number(entry, "person");
        let person = person(&vector, me, None);
        let expected: Vec<_> = messages(&vector, "up")
            .filter(|step| number(step, "person") == me)
            .map(|step| bytes(step, "hex"))
            .collect();
        assert!(person.sent == expected, "person {me} sends what the vector says");
        check_records(&vector, &person);
        let published = person.events.iter().find_map(|event| match event {
            Event::Published(published) => Some(published.aggregate.clone()),
            _ => None,
        });
        let left = list(&vector, "steps").iter().any(|s| s["do"] == "leave" && s["person"] == me);
        assert_eq!(
            published,
            (!left).then(|| aggregate.clone()),
            "person {me} is shown the result"
        );
    }
    let explained = values::explain(&vector, &round_people(&vector));
    assert_eq!(Value::Object(explained), vector["values"]);
}

/// The digests that a peer writes down are those of the vector, and it writes each down once.
fn check_records(vector: &Value, person: &Person) {
    let (mut contributing, mut promised, mut verifying, mut aggregating) = (0, 0, 0, 0);
    for record in &person.records {
        match record {
            Record::Contributing(digest) => {
                contributing += 1;
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "committee_digest"));
            }
            Record::Verifying(digest) => {
                verifying += 1;
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "manifest_digest"));
            }
            Record::Aggregating(digest) => {
                aggregating += 1;
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "verdict_digest"));
            }
            Record::Finished { study, .. } => {
                assert_eq!(study.as_bytes().as_slice(), named(vector, "study_digest"));
            }
            Record::Promised => promised += 1,
            Record::Answered { study, .. } => assert_eq!(study.encode(), bytes(vector, "study")),
        }
    }
    assert!(contributing <= 1 && promised <= 1, "once each");
    assert!(verifying <= 1 && aggregating <= 1, "once each");
}

#[test]
fn additive_round_is_replayed() {
    check_round("additive-round");
}

#[test]
fn shamir_round_is_replayed() {
    check_round("shamir-round");
}

#[test]
fn questionnaire_round_is_replayed() {
    check_round("questionnaire-round");
}

#[test]
fn resumed_round_is_replayed() {
    check_round("resumed-round");
}
