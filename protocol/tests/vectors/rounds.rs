//! `additive-round.json`, `shamir-round.json` and `x-wing.json`: whole rounds, message by message.
//!
//! All messages are delivered one after the other in the order in which they were sent, and the
//! clock moves only where a step says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};
use wardsum_protocol::peer::{Event, Input, Record};
use wardsum_protocol::round::{self, ConnectionId};
use wardsum_protocol::{Study, StudyParameters};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{array, bytes, hex, list, named, number, text};
use crate::machines::{Hospital, Person};
use crate::{studies, values};

/// Everybody's entropy: a byte that is the person's number, 32 times.
fn entropy(person: u64) -> [u8; 32] {
    [u8::try_from(person).expect("few people"); 32]
}

/// Three people, who are all on the committee: additive sharing.
pub(crate) fn generate_additive() -> Value {
    let mut stage = Stage::new(studies::pain_scale());
    for person in 1..=3 {
        stage.connect(person);
        stage.clock(person * 1_000);
    }
    for (person, value) in [(1, 3), (2, 10), (3, 4)] {
        stage.answer(person, value);
        stage.clock(3_000 + person * 1_000);
    }
    stage.clock(10_000);
    stage.finish()
}

/// A committee of four of which one leaves, two people who only contribute, and somebody who comes
/// when it is over.
pub(crate) fn generate_shamir() -> Value {
    let mut stage = Stage::new(studies::weight_change());
    for person in 1..=5 {
        stage.connect(person);
    }
    for (person, value) in [(1, -40), (2, 60), (3, -1), (4, 7)] {
        stage.answer(person, value);
    }
    stage.disconnect(4);
    stage.answer(5, 0);
    stage.connect(6);
    stage.answer(6, -12);
    stage.connect(7);
    stage.finish()
}

/// The parts of a round with X-Wing that differ; the rest would only be long.
pub(crate) fn generate_x_wing() -> Value {
    let mut stage = Stage::new(studies::yes_or_no());
    for person in 1..=3 {
        stage.connect(person);
    }
    for (person, value) in [(1, 1), (2, 0), (3, 1)] {
        stage.answer(person, value);
    }
    stage.clock(2_000);
    stage.clock(4_000);
    stage.clock(40_000);
    let mut round = stage.finish();
    let kept = ["enrol_1", "deliver_0_to_1", "deliver_0_to_2", "published_to_1"];
    let steps = round["steps"].as_array_mut().expect("a list");
    steps.retain(|step| kept.iter().any(|name| step["name"] == *name));
    let about = ["hpke_info", "_digest", "_0_to_1", "_0_to_2", "partial_value", "manifest"];
    let values = round["values"].as_object_mut().expect("an object");
    values.retain(|name, _| about.iter().any(|part| name.contains(part)));
    round
}

/// A round while it is played and written down.
struct Stage {
    study: Study,
    hospital: Hospital,
    people: BTreeMap<u64, Person>,
    answers: BTreeMap<u64, i128>,
    present: BTreeSet<u64>,
    mail: VecDeque<(u64, Direction, Vec<u8>)>,
    now: u64,
    steps: Vec<Value>,
    names: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Stage {
    fn new(parameters: StudyParameters) -> Self {
        let study = Study::new(parameters).expect("the study is admissible");
        Self {
            hospital: Hospital::open(study.clone()),
            study,
            people: BTreeMap::new(),
            answers: BTreeMap::new(),
            present: BTreeSet::new(),
            mail: VecDeque::new(),
            now: 0,
            steps: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    fn connect(&mut self, person: u64) {
        self.steps.push(json!({ "do": "connect", "person": person }));
        self.people.insert(person, Person::connect(entropy(person), self.now));
        self.present.insert(person);
        self.hospital.input(round::Input::Connected(ConnectionId(person)));
        self.deliver();
    }

    fn answer(&mut self, person: u64, value: i128) {
        self.steps.push(json!({ "do": "answer", "person": person, "value": value.to_string() }));
        self.answers.insert(person, value);
        self.person(person).answer(value);
        self.deliver();
    }

    fn disconnect(&mut self, person: u64) {
        self.steps.push(json!({ "do": "disconnect", "person": person }));
        self.present.remove(&person);
        self.hospital.input(round::Input::Disconnected(ConnectionId(person)));
        self.deliver();
    }

    /// Lets time pass, timer by timer.
    fn clock(&mut self, until: u64) {
        loop {
            let timers = self.people.values().map(|person| person.timer);
            let next = timers.chain([self.hospital.timer]).flatten().map(|at| at.0).min();
            self.now = next.filter(|at| *at < until).unwrap_or(until);
            self.steps.push(json!({ "do": "clock", "at_ms": self.now }));
            self.hospital.clock(self.now);
            for person in self.people.values_mut() {
                person.clock(self.now);
            }
            self.deliver();
            if self.now == until {
                return;
            }
        }
    }

    fn person(&mut self, person: u64) -> &mut Person {
        self.people.get_mut(&person).expect("the person has connected")
    }

    fn collect(&mut self) {
        for (person, bytes) in self.hospital.sent.drain(..) {
            self.mail.push_back((person, Direction::Down, bytes));
        }
        for (number, person) in &mut self.people {
            for bytes in person.sent.drain(..) {
                self.mail.push_back((*number, Direction::Up, bytes));
            }
        }
        self.mail.retain(|(person, ..)| self.present.contains(person));
    }

    /// Delivers everything, and what comes of it.
    fn deliver(&mut self) {
        self.collect();
        while let Some((person, direction, bytes)) = self.mail.pop_front() {
            let name = self.name(person, direction, &bytes);
            let way = if direction == Direction::Up { "up" } else { "down" };
            self.steps.push(json!({
                "do": "message", "way": way, "person": person, "name": name, "hex": hex(&bytes),
            }));
            match direction {
                Direction::Up => self.hospital.message(person, bytes),
                Direction::Down => self.person(person).message(bytes),
            }
            self.collect();
        }
        assert!(self.hospital.closed.is_empty(), "nobody is refused: {:?}", self.hospital.closed);
    }

    fn name(&mut self, person: u64, direction: Direction, bytes: &[u8]) -> String {
        let kind = match (direction, bytes[0]) {
            (Direction::Up, 1) => "enrol",
            (Direction::Up, 2) => "contribute",
            (Direction::Up, 4) => "partial",
            (Direction::Down, 1) => "welcome",
            (Direction::Down, 2) => "progress",
            (Direction::Down, 3) => "acknowledge",
            (Direction::Down, 4) => "committee",
            (Direction::Down, 5) => "deliver",
            (Direction::Down, 6) => "manifest",
            (Direction::Down, 7) => "counted",
            (Direction::Down, 9) => "published",
            (_, other) => panic!("message {other} has no part in a good round"),
        };
        let name = match direction {
            Direction::Up => format!("{kind}_{person}"),
            Direction::Down if kind == "deliver" => format!("deliver_{}_to_{person}", bytes[4]),
            Direction::Down => format!("{kind}_to_{person}"),
        };
        let times = self.names.entry(name.clone()).or_default();
        *times += 1;
        if *times == 1 { name } else { format!("{name}_{times}") }
    }

    fn finish(self) -> Value {
        let aggregate = self.hospital.round.status().aggregate.expect("the round has a result");
        let people: Value = self
            .people
            .keys()
            .map(|person| {
                json!({
                    "person": person, "entropy": hex(entropy(*person)),
                    "answer": self.answers.get(person).map(ToString::to_string),
                })
            })
            .collect();
        let mut round = json!({
            "study": hex(self.study.encode()),
            "people": people,
            "steps": self.steps,
            "result": { "count": aggregate.count, "sum": aggregate.sum.to_string() },
        });
        round["values"] = Value::Object(values::explain(&round, &round_people(&round)));
        round["people"] = round_people(&round).people;
        round
    }
}

/// The people of a round with the keys that follow from their entropy.
fn round_people(round: &Value) -> values::People {
    let study = Study::decode(&bytes(round, "study")).expect("the study is admissible");
    values::People::derive(list(round, "people"), study.suite() as u8)
}

// --- Replaying: one machine gets what the vector says, and must say what the vector says.

/// Whether `step` is the one that is called `name`.
fn is_named(step: &Value, name: Option<&str>) -> bool {
    name.is_some() && step["name"].as_str() == name
}

/// The hospital, up to the message that is called `before`.
pub(crate) fn replay_hospital(vector: &Value, before: Option<&str>) -> Hospital {
    let study = Study::decode(&bytes(vector, "study")).expect("the study is admissible");
    let mut hospital = Hospital::open(study);
    for step in list(vector, "steps") {
        if is_named(step, before) {
            return hospital;
        }
        match text(step, "do") {
            "clock" => hospital.clock(number(step, "at_ms")),
            "connect" => {
                hospital.input(round::Input::Connected(ConnectionId(number(step, "person"))));
            }
            "disconnect" => {
                hospital.input(round::Input::Disconnected(ConnectionId(number(step, "person"))));
            }
            "message" if text(step, "way") == "up" => {
                hospital.message(number(step, "person"), bytes(step, "hex"));
            }
            _ => {}
        }
    }
    assert_eq!(before, None, "the vector has this message");
    hospital
}

/// One person, up to the message that is called `before`.
pub(crate) fn replay_person(vector: &Value, number_of: u64, before: Option<&str>) -> Person {
    let me = list(vector, "people").iter().find(|person| number(person, "person") == number_of);
    let entropy = array(me.expect("the vector has this person"), "entropy");
    let mut now = 0;
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
            ("connect", machine) if mine => *machine = Some(Person::connect(entropy, now)),
            ("answer", Some(person)) if mine => {
                person.answer(text(step, "value").parse().expect("a number"));
            }
            ("message", Some(person)) if mine && text(step, "way") == "down" => {
                person.message(bytes(step, "hex"));
            }
            // A patient who closes the page notices no more.
            ("disconnect", Some(person)) if mine => person.input(Input::Leave),
            _ => {}
        }
    }
    machine.expect("the person has connected")
}

fn messages<'a>(vector: &'a Value, way: &str) -> impl Iterator<Item = (u64, Vec<u8>)> + use<'a> {
    let way = way.to_owned();
    list(vector, "steps").iter().filter_map(move |step| {
        let fits = step["way"].as_str() == Some(&way);
        fits.then(|| (number(step, "person"), bytes(step, "hex")))
    })
}

fn check_round(name: &str) {
    if crate::writing() {
        return;
    }
    let vector = crate::load(name);
    let hospital = replay_hospital(&vector, None);
    assert!(hospital.closed.is_empty(), "{:?}", hospital.closed);
    let expected: Vec<_> = messages(&vector, "down").collect();
    assert!(hospital.sent == expected, "the hospital sends what the vector says");
    let aggregate = hospital.round.status().aggregate.expect("the round has a result");
    assert_eq!(
        vector["result"],
        json!({ "count": aggregate.count, "sum": aggregate.sum.to_string() })
    );

    for entry in list(&vector, "people") {
        let me = number(entry, "person");
        let person = replay_person(&vector, me, None);
        let expected: Vec<_> = messages(&vector, "up")
            .filter(|(from, _)| *from == me)
            .map(|(_, bytes)| bytes)
            .collect();
        assert!(person.sent == expected, "person {me} sends what the vector says");
        check_records(&vector, &person);
        let published = person.events.iter().find_map(|event| match event {
            Event::Published(published) => Some(published.aggregate),
            _ => None,
        });
        let left =
            list(&vector, "steps").iter().any(|s| s["do"] == "disconnect" && s["person"] == me);
        assert_eq!(published, (!left).then_some(aggregate), "person {me} is shown the result");
    }
    let explained = values::explain(&vector, &round_people(&vector));
    assert_eq!(Value::Object(explained), vector["values"]);
}

/// The digests that a peer writes down are those of the vector.
fn check_records(vector: &Value, person: &Person) {
    for record in &person.records {
        match record {
            Record::Contributing(digest) => {
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "committee_digest"));
            }
            Record::Aggregating(digest) => {
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "manifest_digest"));
            }
            Record::Finished(digest) => {
                assert_eq!(digest.as_bytes().as_slice(), named(vector, "study_digest"));
            }
            Record::Answered { study, .. } => assert_eq!(*study, bytes(vector, "study")),
        }
    }
}

#[test]
fn additive_round_is_replayed() {
    check_round("additive-round");
}

#[test]
fn shamir_round_is_replayed() {
    check_round("shamir-round");
}

/// A map with its entries, in the order in which they are explained.
pub(crate) type Explained = Map<String, Value>;
