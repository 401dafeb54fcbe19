//! A hospital and its patients on a virtual clock: what every test of a whole round drives.
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of the harness")]

use std::collections::{BTreeMap, VecDeque};

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use wardsum_protocol::peer::{self, Peer};
use wardsum_protocol::round::{self, ConnectionId, Refusal, Round};
use wardsum_protocol::{Closing, Entropy, SchemeChoice, Study, StudyParameters, Suite, Timestamp};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Parameters that are admissible, for tests to change.
pub fn parameters() -> StudyParameters {
    StudyParameters {
        instance: [7; 16],
        title: "Pain after the operation".into(),
        organisation: "St. Example Hospital".into(),
        question: "How strong is your pain now?".into(),
        unit: "points".into(),
        min: 0,
        max: 10,
        minimum_cohort: 3,
        maximum_cohort: 1_000,
        committee_cap: 32,
        enrolment: settle(5_000),
        contributing: settle(2_000),
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
    }
}

pub fn settle(ms: u64) -> Closing {
    Closing { settle_ms: Some(ms), deadline_ms: Some(600_000), ..Closing::default() }
}

pub fn study(change: impl FnOnce(&mut StudyParameters)) -> Study {
    let mut parameters = parameters();
    change(&mut parameters);
    Study::new(parameters).expect("the test's study is admissible")
}

/// Random numbers that a seed determines.
pub struct Dice(pub ChaCha20Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    /// A number in `min..=max`, an end of the range one time out of four.
    pub fn value(&mut self, min: i128, max: i128) -> i128 {
        match self.below(8) {
            0 => min,
            1 => max,
            _ => match max.abs_diff(min).checked_add(1) {
                Some(width) => min.wrapping_add_unsigned(self.u128() % width),
                None => min.wrapping_add_unsigned(self.u128()),
            },
        }
    }
}

/// One patient: a peer, its connection, and everything that it was told.
pub struct Patient {
    pub peer: Peer,
    pub connection: ConnectionId,
    pub events: Vec<peer::Event>,
    /// What the peer wrote down and what it sent, in one order.
    pub history: Vec<PeerStep>,
    pub closed: Option<Refusal>,
    timer: Option<Timestamp>,
    connected: bool,
}

/// A message on its way; messages of one connection keep their order, those of two do not.
#[derive(Debug)]
pub enum Mail {
    ToHospital(Vec<u8>),
    ToPeer(Vec<u8>),
}

/// Something that a peer did.
pub enum PeerStep {
    Wrote(peer::Record),
    Sent(Vec<u8>),
}

/// Something that the hospital did.
pub enum Step {
    Wrote(round::Record),
    Sent(Vec<u8>),
}

/// What is under way on one connection: to the hospital, and to the peer.
type Mailboxes = (VecDeque<Vec<u8>>, VecDeque<Vec<u8>>);

/// A round with its patients. Everything is determined by the seed.
pub struct Net {
    pub now: Timestamp,
    pub round: Round,
    pub patients: Vec<Patient>,
    pub events: Vec<round::Event>,
    /// What the hospital wrote down and what it sent, in one order.
    pub history: Vec<Step>,
    /// Everything that the hospital ever saw, in order: what an honest-but-curious one knows.
    pub seen_by_hospital: Vec<(ConnectionId, Vec<u8>)>,
    pub dice: Dice,
    mail: BTreeMap<ConnectionId, Mailboxes>,
    round_timer: Option<Timestamp>,
    next_connection: u64,
    /// Connections that no `Patient` stands behind: the test reads and writes them itself.
    pub raw: BTreeMap<ConnectionId, Vec<Vec<u8>>>,
    pub raw_closed: BTreeMap<ConnectionId, Refusal>,
}

impl Net {
    pub fn new(study: Study, seed: u64) -> Self {
        let now = Timestamp(1_000);
        let mut net = Self {
            now,
            round: Round::open(study, now),
            patients: Vec::new(),
            events: Vec::new(),
            history: Vec::new(),
            seen_by_hospital: Vec::new(),
            dice: Dice::new(seed),
            mail: BTreeMap::new(),
            round_timer: None,
            next_connection: 0,
            raw: BTreeMap::new(),
            raw_closed: BTreeMap::new(),
        };
        net.drain_round();
        net
    }

    /// A patient opens the page; returns its number.
    pub fn join(&mut self) -> usize {
        let entropy = Entropy::new(self.dice.bytes());
        let connection = self.connect();
        self.patients.push(Patient {
            peer: Peer::new(entropy),
            connection,
            events: Vec::new(),
            history: Vec::new(),
            closed: None,
            timer: None,
            connected: true,
        });
        let patient = self.patients.len() - 1;
        self.patients[patient].peer.handle(peer::Input::Connected, self.now);
        self.drain_peer(patient);
        self.round.handle(round::Input::Connected(connection), self.now);
        self.drain_round();
        patient
    }

    /// A connection that the test itself speaks over.
    pub fn join_raw(&mut self) -> ConnectionId {
        let connection = self.connect();
        self.raw.insert(connection, Vec::new());
        self.round.handle(round::Input::Connected(connection), self.now);
        self.drain_round();
        connection
    }

    pub fn send_raw(&mut self, from: ConnectionId, bytes: Vec<u8>) {
        self.round.handle(round::Input::Message { from, bytes: bytes.into() }, self.now);
        self.drain_round();
    }

    fn connect(&mut self) -> ConnectionId {
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        self.mail.insert(connection, Default::default());
        connection
    }

    pub fn answer(&mut self, patient: usize, value: i128) {
        let now = self.now;
        self.patients[patient].peer.answer(value, now).expect("the answer is admissible");
        self.drain_peer(patient);
    }

    /// A patient closes the tab.
    pub fn leave(&mut self, patient: usize) {
        let connection = self.patients[patient].connection;
        self.patients[patient].connected = false;
        self.mail.remove(&connection);
        self.round.handle(round::Input::Disconnected(connection), self.now);
        self.drain_round();
    }

    pub fn command(&mut self, command: round::Command) {
        self.round.handle(round::Input::Command(command), self.now);
        self.drain_round();
    }

    /// Puts a message of the hospital's, true or made up, before a patient.
    pub fn tell(&mut self, patient: usize, bytes: Vec<u8>) {
        self.patients[patient].peer.handle(peer::Input::Message(bytes), self.now);
        self.drain_peer(patient);
    }

    /// Takes one step: delivers one message of a connection that chance picks, or lets time pass
    /// to the next timer. Returns `false` when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let busy: Vec<ConnectionId> = self
            .mail
            .iter()
            .filter(|(_, (up, down))| !up.is_empty() || !down.is_empty())
            .map(|(connection, _)| *connection)
            .collect();
        if busy.is_empty() {
            return self.pass_time();
        }
        let pick = busy[usize::try_from(self.dice.below(busy.len() as u64)).unwrap()];
        let upwards = self.dice.chance(50);
        match self.take_mail(pick, upwards) {
            Mail::ToHospital(bytes) => {
                self.seen_by_hospital.push((pick, bytes.clone()));
                self.round
                    .handle(round::Input::Message { from: pick, bytes: bytes.into() }, self.now);
                self.drain_round();
            }
            Mail::ToPeer(bytes) => {
                let patient = self.patients.iter().position(|p| p.connection == pick).unwrap();
                self.tell(patient, bytes);
            }
        }
        true
    }

    fn take_mail(&mut self, connection: ConnectionId, upwards: bool) -> Mail {
        let (up, down) = self.mail.get_mut(&connection).unwrap();
        let up_first = if upwards { !up.is_empty() } else { down.is_empty() };
        if up_first {
            Mail::ToHospital(up.pop_front().unwrap())
        } else {
            Mail::ToPeer(down.pop_front().unwrap())
        }
    }

    fn pass_time(&mut self) -> bool {
        let timers = self.patients.iter().filter(|p| p.connected).filter_map(|p| p.timer);
        let Some(next) = timers.chain(self.round_timer).min() else { return false };
        self.now = self.now.max(next);
        if self.round_timer.is_some_and(|at| at <= self.now) {
            self.round_timer = None;
            self.round.handle(round::Input::Timeout, self.now);
            self.drain_round();
        }
        for patient in 0..self.patients.len() {
            let due = self.patients[patient].timer.is_some_and(|at| at <= self.now);
            if due && self.patients[patient].connected {
                self.patients[patient].timer = None;
                self.patients[patient].peer.handle(peer::Input::Timeout, self.now);
                self.drain_peer(patient);
            }
        }
        true
    }

    /// Runs until nothing is left to happen.
    pub fn run(&mut self) {
        let mut steps = 0u32;
        while self.step() {
            steps += 1;
            assert!(steps < 2_000_000, "the round does not come to an end");
        }
    }

    /// Runs until `done` says so.
    pub fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            assert!(self.step(), "everything came to rest before the condition held");
        }
    }

    /// Delivers all mail that is under way, without letting time pass.
    pub fn settle_mail(&mut self) {
        while self.mail.values().any(|(up, down)| !up.is_empty() || !down.is_empty()) {
            self.step();
        }
    }

    fn drain_round(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                round::Output::Persist(record) => self.history.push(Step::Wrote(record)),
                round::Output::Send { to, bytes } => {
                    self.history.push(Step::Sent(bytes.to_vec()));
                    if let Some(inbox) = self.raw.get_mut(&to) {
                        inbox.push(bytes.into());
                    } else if let Some((_, down)) = self.mail.get_mut(&to) {
                        down.push_back(bytes.into());
                    }
                }
                round::Output::Close { connection, reason } => self.close(connection, reason),
                round::Output::Event(event) => self.events.push(event),
                round::Output::Timeout(at) => self.round_timer = at,
            }
        }
    }

    fn close(&mut self, connection: ConnectionId, reason: Refusal) {
        if self.raw.contains_key(&connection) {
            self.raw_closed.insert(connection, reason);
            return;
        }
        self.mail.remove(&connection);
        let patient = self.patients.iter().position(|p| p.connection == connection).unwrap();
        self.patients[patient].closed = Some(reason);
        self.patients[patient].connected = false;
        let lost = peer::Input::ConnectionLost { code: reason.code() };
        self.patients[patient].peer.handle(lost, self.now);
        self.drain_peer(patient);
    }

    fn drain_peer(&mut self, patient: usize) {
        while let Some(output) = self.patients[patient].peer.poll_output() {
            let patient = &mut self.patients[patient];
            match output {
                peer::Output::Persist(record) => patient.history.push(PeerStep::Wrote(record)),
                peer::Output::Send(bytes) => {
                    patient.history.push(PeerStep::Sent(bytes.clone()));
                    if let Some((up, _)) = self.mail.get_mut(&patient.connection) {
                        up.push_back(bytes);
                    }
                }
                peer::Output::Event(event) => patient.events.push(event),
                peer::Output::Timeout(at) => patient.timer = at,
            }
        }
    }

    /// The result that a patient was shown.
    pub fn published(&self, patient: usize) -> Option<peer::Published> {
        self.patients[patient].events.iter().find_map(|event| match event {
            peer::Event::Published(published) => Some(*published),
            _ => None,
        })
    }

    /// Why a patient's part ended early.
    pub fn failure(&self, patient: usize) -> Option<peer::Failure> {
        self.patients[patient].peer.failure()
    }

    /// The result of the round.
    pub fn aggregate(&self) -> Option<wardsum_protocol::Aggregate> {
        self.round.status().aggregate
    }
}

/// Opens the page for each value and answers; returns when everybody has answered.
pub fn all_answer(net: &mut Net, values: &[i128]) {
    let patients: Vec<usize> = values.iter().map(|_| net.join()).collect();
    net.settle_mail();
    for (patient, value) in patients.into_iter().zip(values) {
        net.answer(patient, *value);
    }
}

impl Net {
    /// Delivers one message, if there is any, without letting time pass.
    pub fn step_mail(&mut self) {
        if self.mail.values().any(|(up, down)| !up.is_empty() || !down.is_empty()) {
            self.step();
        }
    }

    /// Performs what a patient's peer wants done.
    pub fn flush(&mut self, patient: usize) {
        self.drain_peer(patient);
    }
}

impl Net {
    /// Loses everything that is under way for a patient.
    pub fn mute(&mut self, patient: usize) {
        let connection = self.patients[patient].connection;
        if let Some(mailboxes) = self.mail.get_mut(&connection) {
            *mailboxes = Mailboxes::default();
        }
    }
}

impl Net {
    /// What a peer with this randomness sends over a raw connection until it waits for others:
    /// its enrolment, or its contribution if the committee is fixed already. Nothing is delivered.
    pub fn compose(&self, connection: ConnectionId, entropy: Entropy, value: i128) -> Vec<u8> {
        let mut peer = Peer::new(entropy);
        peer.handle(peer::Input::Connected, self.now);
        for bytes in &self.raw[&connection] {
            peer.handle(peer::Input::Message(bytes.clone()), self.now);
        }
        peer.answer(value, self.now).expect("the answer is admissible");
        loop {
            match peer.poll_output() {
                Some(peer::Output::Send(bytes)) => return bytes,
                Some(peer::Output::Timeout(Some(at))) if at <= self.now => {
                    peer.handle(peer::Input::Timeout, self.now);
                }
                Some(_) => {}
                None => panic!("the peer has nothing to send"),
            }
        }
    }

    /// The connection of a patient is lost, without the hospital's noticing yet.
    pub fn lose(&mut self, patient: usize) {
        let lost = peer::Input::ConnectionLost { code: 1006 };
        self.patients[patient].peer.handle(lost, self.now);
        self.drain_peer(patient);
    }
}

impl Net {
    /// From now on nothing reaches a patient or comes from it, and nobody is told.
    pub fn cut(&mut self, patient: usize) {
        self.mail.remove(&self.patients[patient].connection);
    }
}
