//! `additive-round.json`, `shamir-round.json`, `resumed-round.json`, `questionnaire-round.json` and `x-wing.json`: whole rounds,
//! message by message.
//!
//! All messages are delivered one after the other in the order in which they were sent, and the
//! clock moves only where a step says so.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use wardsum_protocol::peer::Input;
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{Aggregate, Study, StudyParameters};

use crate::forms::responses_json;
use crate::json::{bytes, hex, list};
use crate::machines::{Hospital, Person};
use crate::{studies, values};

/// Everybody's entropy: a byte that is the person's number, 32 times.
fn entropy(person: u64) -> [u8; 32] {
    [u8::try_from(person).expect("few people"); 32]
}

/// What a connection is given to sign: a byte that says which connection it is, 32 times.
fn challenge(connection: u64) -> [u8; 32] {
    [0xc0 + u8::try_from(connection).expect("few connections"); 32]
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
    stage.leave(4);
    stage.answer(5, 0);
    stage.connect(6);
    stage.answer(6, -12);
    stage.connect(7);
    stage.finish()
}

/// Four members and a visitor who lose their connections, reload their pages and come back, also when
/// it is over, and a hospital that restarts.
pub(crate) fn generate_resumed() -> Value {
    let mut stage = Stage::new(studies::follow_up());
    for person in 1..=5 {
        stage.connect(person);
    }
    stage.answer(1, 5);
    stage.lose(1);
    stage.clock(1_000);
    for (person, value) in [(2, -8), (3, 0), (4, 31)] {
        stage.answer(person, value);
    }
    stage.unload(3);
    stage.clock(3_000);
    stage.resume(3);
    // The manifest is fixed while one member is away.
    stage.lose(2);
    stage.answer(5, 2);
    stage.unload(4);
    stage.restart();
    stage.unload(1);
    stage.resume(1);
    // The verdict is reached, and one who has answered it comes back once more.
    stage.clock(4_000);
    stage.unload(1);
    stage.resume(1);
    stage.clock(6_000);
    stage.resume(4);
    stage.finish()
}

/// Four members and two visitors who answer two questions, of which some numbers are suppressed.
pub(crate) fn generate_questionnaire() -> Value {
    let mut stage = Stage::new(studies::survey());
    for person in 1..=6 {
        stage.connect(person);
    }
    for person in 1..=6 {
        let again = Response::YesNo(matches!(person, 1 | 3 | 6));
        stage.respond(person, vec![Response::Choice(u16::from(person > 3)), again]);
    }
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
    let mut round = stage.finish();
    let kept = ["enrol_1", "deliver_0_to_1", "deliver_0_to_2", "verdict_to_1", "published_to_1"];
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
    answers: BTreeMap<u64, Value>,
    /// Whose each connection is or was; the first one is 1.
    owners: Vec<u64>,
    /// The connection that each person has now.
    connections: BTreeMap<u64, u64>,
    /// What is under way, and over which connection.
    mail: VecDeque<(u64, Mail)>,
    now: u64,
    steps: Vec<Value>,
    names: BTreeMap<String, u32>,
}

/// What travels over a connection.
enum Mail {
    Up(Vec<u8>),
    Down(Vec<u8>),
    /// The peer closes it.
    Close,
}

impl Stage {
    fn new(parameters: StudyParameters) -> Self {
        let study = Study::new(parameters).expect("the study is admissible");
        Self {
            hospital: Hospital::open(study.clone()),
            study,
            people: BTreeMap::new(),
            answers: BTreeMap::new(),
            owners: Vec::new(),
            connections: BTreeMap::new(),
            mail: VecDeque::new(),
            now: 0,
            steps: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    /// Makes the connection that a person's peer wants; who is new opens the page first.
    fn connect(&mut self, person: u64) {
        self.owners.push(person);
        let connection = self.owners.len() as u64;
        let challenge = challenge(connection);
        self.steps.push(json!({
            "do": "connect", "person": person, "connection": connection, "challenge": hex(challenge),
        }));
        let now = self.now;
        let machine =
            self.people.entry(person).or_insert_with(|| Person::new(entropy(person), now));
        machine.connect();
        self.connections.insert(person, connection);
        self.hospital.connect(connection, challenge);
        self.deliver();
    }

    /// Somebody answers the one question with a number.
    fn answer(&mut self, person: u64, value: i128) {
        self.respond(person, vec![Response::Number(value)]);
    }

    fn respond(&mut self, person: u64, responses: Vec<Response>) {
        let answer = responses_json(&responses);
        self.steps.push(json!({ "do": "answer", "person": person, "responses": answer }));
        self.answers.insert(person, answer);
        self.person(person).answer(responses);
        self.deliver();
    }

    /// A patient leaves for good.
    fn leave(&mut self, person: u64) {
        self.steps.push(json!({ "do": "leave", "person": person }));
        self.person(person).input(Input::Leave);
        self.deliver();
    }

    /// A connection breaks.
    fn lose(&mut self, person: u64) {
        self.disconnect("lose", person);
        self.person(person).lose();
        self.deliver();
    }

    /// A page is closed without a word.
    fn unload(&mut self, person: u64) {
        if self.connections.contains_key(&person) {
            self.disconnect("unload", person);
        } else {
            self.steps.push(json!({ "do": "unload", "person": person }));
        }
        self.person(person).unload();
        self.deliver();
    }

    /// A page that was closed is opened again.
    fn resume(&mut self, person: u64) {
        self.steps.push(json!({ "do": "resume", "person": person }));
        self.person(person).resume();
        self.connect(person);
    }

    fn disconnect(&mut self, how: &str, person: u64) {
        let connection = self.connections.remove(&person).expect("the person is connected");
        self.steps.push(json!({ "do": how, "person": person, "connection": connection }));
        self.hospital.disconnect(connection);
    }

    /// The hospital starts again, and nobody has a connection any more.
    fn restart(&mut self) {
        self.steps.push(json!({ "do": "restart" }));
        self.hospital.restart();
        for person in core::mem::take(&mut self.connections).into_keys() {
            self.person(person).lose();
        }
        self.deliver();
    }

    /// Lets time pass, timer by timer.
    fn clock(&mut self, until: u64) {
        loop {
            let timers = self.people.values().map(Person::timer);
            let next = timers.chain([self.hospital.timer]).flatten().map(|at| at.0).min();
            self.now = next.filter(|at| *at < until).unwrap_or(until);
            self.steps.push(json!({ "do": "clock", "at_ms": self.now }));
            self.hospital.clock(self.now);
            for person in self.people.values_mut() {
                person.clock(self.now);
            }
            self.deliver();
            let coming: Vec<u64> = self
                .people
                .iter()
                .filter(|(_, person)| person.wants_connection)
                .map(|(number, _)| *number)
                .collect();
            for person in coming {
                self.connect(person);
            }
            if self.now == until {
                return;
            }
        }
    }

    fn person(&mut self, person: u64) -> &mut Person {
        self.people.get_mut(&person).expect("the person has connected")
    }

    fn collect(&mut self) {
        for (connection, bytes) in self.hospital.sent.drain(..) {
            self.mail.push_back((connection, Mail::Down(bytes)));
        }
        for (number, person) in &mut self.people {
            let hangs_up = core::mem::take(&mut person.hangs_up);
            let sent = person.sent.drain(..).map(Mail::Up).chain(hangs_up.then_some(Mail::Close));
            // Who has no connection has none to close.
            if let Some(connection) = self.connections.get(number) {
                self.mail.extend(sent.map(|mail| (*connection, mail)));
            }
        }
    }

    /// Delivers everything, and what comes of it.
    fn deliver(&mut self) {
        self.collect();
        while let Some((connection, mail)) = self.mail.pop_front() {
            let index = usize::try_from(connection - 1).expect("few connections");
            let person = self.owners[index];
            assert_eq!(self.connections.get(&person), Some(&connection), "nothing is lost");
            match mail {
                Mail::Up(bytes) => {
                    self.note(person, connection, "up", &bytes);
                    self.hospital.message(connection, bytes);
                }
                Mail::Down(bytes) => {
                    self.note(person, connection, "down", &bytes);
                    self.person(person).message(bytes);
                }
                // What is under way goes first, so that the file shows who would have sent what.
                Mail::Close if self.mail.iter().any(|(other, _)| *other == connection) => {
                    self.mail.push_back((connection, Mail::Close));
                }
                Mail::Close => self.disconnect("close", person),
            }
            self.collect();
        }
        assert!(self.hospital.closed.is_empty(), "nobody is refused: {:?}", self.hospital.closed);
    }

    fn note(&mut self, person: u64, connection: u64, way: &str, bytes: &[u8]) {
        let name = self.name(person, way, bytes);
        self.steps.push(json!({
            "do": "message", "way": way, "person": person, "connection": connection, "name": name,
            "hex": hex(bytes),
        }));
    }

    fn name(&mut self, person: u64, way: &str, bytes: &[u8]) -> String {
        let kind = match (way, bytes[0]) {
            ("up", 1) => "enrol",
            ("up", 2) => "contribute",
            ("up", 3) => "verification",
            ("up", 4) => "partial",
            ("up", 6) => "identify",
            ("up", 8) => "leave",
            ("down", 1) => "welcome",
            ("down", 2) => "progress",
            ("down", 3) => "acknowledge",
            ("down", 4) => "committee",
            ("down", 5) => "deliver",
            ("down", 6) => "manifest",
            ("down", 7) => "counted",
            ("down", 8) => "verdict",
            ("down", 9) => "published",
            (_, other) => panic!("message {other} has no part in a good round"),
        };
        let name = match way {
            "up" => format!("{kind}_{person}"),
            _ if kind == "deliver" => format!("deliver_{}_to_{person}", bytes[4]),
            _ => format!("{kind}_to_{person}"),
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
                    "responses": self.answers.get(person),
                })
            })
            .collect();
        let mut round = json!({
            "study": hex(self.study.encode()),
            "people": people,
            "steps": self.steps,
            "result": result_json(&aggregate),
        });
        round["values"] = Value::Object(values::explain(&round, &round_people(&round)));
        round["people"] = round_people(&round).people;
        round
    }
}

/// How many answers are counted, and the numbers that are published; null for those that are suppressed.
pub(crate) fn result_json(aggregate: &Aggregate) -> Value {
    let cells = aggregate.cells.iter().map(|number| number.map(|number| number.to_string()));
    json!({ "count": aggregate.count, "cells": cells.collect::<Vec<_>>() })
}

/// The people of a round with the keys that follow from their entropy.
pub(crate) fn round_people(round: &Value) -> values::People {
    let study = Study::decode(&bytes(round, "study")).expect("the study is admissible");
    values::People::derive(list(round, "people"), study.suite() as u8)
}
