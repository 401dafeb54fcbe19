//! A hospital and its patients on a virtual clock: what every test of a whole round drives.
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of the harness")]

mod dice;
pub mod invited;
pub mod survey;
pub mod victim;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use prio::field::FieldElement;
use wardsum_protocol::aggregate::PartialAggregate;
use wardsum_protocol::committee::Committee;
use wardsum_protocol::field::{self, Field};
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::identity::{Identity, PeerId};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::peer::{self, Memory, Misbehaviour, Peer};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::{self, ConnectionId, Record, Refusal, Round};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::transcript::{NoTranscript, Transcript};
use wardsum_protocol::verdict::VerdictBytes;
use wardsum_protocol::{
    Admission, Aggregate, Challenge, Closing, Entropy, Invitation, SchemeChoice, Study,
    StudyParameters, Suite, Timestamp, wire,
};

pub use dice::Dice;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Parameters that are admissible, for tests to change.
pub fn parameters() -> StudyParameters {
    StudyParameters {
        instance: [7; 16],
        title: "Pain after the operation".into(),
        organisation: "St. Example Hospital".into(),
        introduction: Text::default(),
        form: asking(0, 10),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 1_000,
        committee_cap: 32,
        enrolment: settle(5_000),
        contributing: settle(2_000),
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::X25519,
        admission: Admission::Open,
    }
}

/// One question, after a whole number in `min..=max`.
pub fn asking(min: i128, max: i128) -> Form {
    Form::number("How strong is your pain now?", "points", min, max)
}

/// The answer to it.
pub fn number(value: i128) -> Vec<Response> {
    vec![Response::Number(value)]
}

/// The bytes that hexadecimal digits stand for.
pub fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

pub fn settle(ms: u64) -> Closing {
    Closing { settle_ms: Some(ms), ..Closing::deadline(600_000) }
}

pub fn study(change: impl FnOnce(&mut StudyParameters)) -> Study {
    let mut parameters = parameters();
    change(&mut parameters);
    Study::new(parameters).expect("the test's study is admissible")
}

/// The value at `at` of the polynomial through `points`, whose first coordinates differ.
pub fn interpolated(points: &[(Field, Field)], at: Field) -> Field {
    points.iter().fold(field::zero(), |sum, (x, y)| {
        let weight = points
            .iter()
            .filter(|(other, _)| other != x)
            .fold(Field::one(), |w, (other, _)| w * (at - *other) * (*x - *other).inv());
        sum + weight * *y
    })
}

/// One patient: a peer, its connection, and everything that it was told.
pub struct Patient {
    pub peer: Peer,
    /// What its keys are made of.
    pub entropy: Entropy,
    /// What it does instead of what it should.
    misbehaviour: Option<Misbehaviour>,
    /// The connection that it has or, once it has none, that it had last.
    pub connection: ConnectionId,
    pub events: Vec<peer::Event>,
    /// What the peer wrote down and what it sent, in one order.
    pub history: Vec<PeerStep>,
    /// What the hospital told it, in order.
    pub told: Vec<Vec<u8>>,
    /// What the peer would come back with.
    pub memory: Option<Memory>,
    /// Why the hospital closed its connection.
    pub closed: Option<Refusal>,
    timer: Option<Timestamp>,
    /// Whether the page is open.
    open: bool,
    /// Whether it can reach the hospital.
    reachable: bool,
    /// Whether it says at once that the safety words match.
    pub agrees: bool,
}

/// What is on its way to a peer.
#[derive(Debug)]
pub enum Mail {
    Message(Vec<u8>),
    Close(Refusal),
}

/// Something that a peer did.
pub enum PeerStep {
    Wrote(peer::Record),
    Sent(Vec<u8>),
}

/// Something that the hospital did.
pub enum Step {
    Wrote(Box<Record>),
    Sent(Vec<u8>),
}

/// What is under way on one connection; messages of one connection keep their order, those of two
/// do not.
#[derive(Default)]
struct Mailboxes {
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Mail>,
}

impl Mailboxes {
    fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }
}

/// A round with its patients. Everything is determined by the seed.
pub struct Net {
    pub now: Timestamp,
    pub round: Round,
    pub patients: Vec<Patient>,
    pub events: Vec<round::Event>,
    /// What the hospital wrote down and what it sent, in one order.
    pub history: Vec<Step>,
    /// What the hospital wrote down, and when.
    pub journal: Vec<(Timestamp, Record)>,
    /// Everything that the hospital ever saw, in order: what an honest-but-curious one knows.
    pub seen_by_hospital: Vec<(ConnectionId, Vec<u8>)>,
    pub dice: Dice,
    opened: Timestamp,
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
            journal: Vec::new(),
            seen_by_hospital: Vec::new(),
            dice: Dice::new(seed),
            opened: now,
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
        self.join_fresh(None)
    }

    /// A patient opens a page that cheats; returns its number.
    pub fn join_misbehaving(&mut self, misbehaviour: Misbehaviour) -> usize {
        self.join_fresh(Some(misbehaviour))
    }

    fn join_fresh(&mut self, misbehaviour: Option<Misbehaviour>) -> usize {
        let entropy = Entropy::new(self.dice.bytes());
        let peer = Peer::new(entropy.clone(), self.now);
        self.join_as(peer, entropy, misbehaviour)
    }

    /// Somebody opens the link of an invitation; returns the patient's number.
    pub fn join_invited(&mut self, invitation: Invitation) -> usize {
        let entropy = Entropy::new(self.dice.bytes());
        let peer = Peer::invited(entropy.clone(), invitation, self.now);
        self.join_as(peer, entropy, None)
    }

    /// Somebody opens the link of an invitation that an answer was sent with before; returns the patient's number.
    pub fn join_invited_again(&mut self, invitation: Invitation) -> usize {
        let entropy = Entropy::new(self.dice.bytes());
        let peer = Peer::invited_again(entropy.clone(), invitation, self.now);
        self.join_as(peer, entropy, None)
    }

    fn join_as(
        &mut self,
        peer: Peer,
        entropy: Entropy,
        misbehaviour: Option<Misbehaviour>,
    ) -> usize {
        self.patients.push(Patient {
            peer: behaving(peer, misbehaviour),
            entropy,
            misbehaviour,
            connection: ConnectionId(0),
            events: Vec::new(),
            history: Vec::new(),
            told: Vec::new(),
            memory: None,
            closed: None,
            timer: None,
            open: true,
            reachable: true,
            agrees: true,
        });
        let patient = self.patients.len() - 1;
        self.drain_peer(patient);
        patient
    }

    /// A connection that the test itself speaks over.
    pub fn join_raw(&mut self) -> ConnectionId {
        let connection = self.new_connection();
        self.raw.insert(connection, Vec::new());
        self.connected(connection);
        connection
    }

    /// A connection that has shown to be the peer with this randomness.
    pub fn join_raw_as(&mut self, entropy: Entropy) -> ConnectionId {
        let connection = self.join_raw();
        let [identify, _] = self.compose(connection, entropy, 0);
        self.send_raw(connection, identify);
        connection
    }

    /// Everything public about the round, once it is over.
    pub fn transcript(&self) -> Result<Transcript, NoTranscript> {
        Transcript::of(self.round.study(), self.journal.iter().map(|(_, record)| record))
    }

    pub fn leave_raw(&mut self, connection: ConnectionId) {
        self.round.handle(round::Input::Disconnected(connection), self.now);
        self.drain_round();
    }

    pub fn send_raw(&mut self, from: ConnectionId, bytes: Vec<u8>) {
        self.round.handle(round::Input::Message { from, bytes: bytes.into() }, self.now);
        self.drain_round();
    }

    fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    fn connected(&mut self, connection: ConnectionId) {
        let challenge = Challenge(self.dice.bytes());
        self.round.handle(round::Input::Connected { connection, challenge }, self.now);
        self.drain_round();
    }

    /// A patient's peer asked to be connected.
    fn connect(&mut self, patient: usize) {
        if !self.patients[patient].reachable {
            return;
        }
        let connection = self.new_connection();
        self.mail.insert(connection, Mailboxes::default());
        self.patients[patient].connection = connection;
        self.patients[patient].peer.handle(peer::Input::Connected, self.now);
        self.connected(connection);
        self.drain_peer(patient);
    }

    fn disconnect(&mut self, connection: ConnectionId) {
        if self.mail.remove(&connection).is_some() {
            self.round.handle(round::Input::Disconnected(connection), self.now);
            self.drain_round();
        }
    }

    /// A patient answers the one question with a number.
    pub fn answer(&mut self, patient: usize, value: i128) {
        self.respond(patient, number(value));
    }

    /// A patient answers all questions.
    pub fn respond(&mut self, patient: usize, responses: Vec<Response>) {
        let now = self.now;
        self.patients[patient].peer.answer(responses, now).expect("the answer is admissible");
        self.drain_peer(patient);
    }

    /// A patient closes the tab.
    pub fn leave(&mut self, patient: usize) {
        self.patients[patient].open = false;
        self.disconnect(self.patients[patient].connection);
    }

    /// A patient says that the safety words match, or that they do not.
    pub fn compare(&mut self, patient: usize, they_match: bool) {
        let input = if they_match { peer::Input::WordsMatch } else { peer::Input::WordsDiffer };
        self.patients[patient].peer.handle(input, self.now);
        self.drain_peer(patient);
    }

    /// A patient leaves for good, and says so.
    pub fn leave_for_good(&mut self, patient: usize) {
        self.patients[patient].peer.handle(peer::Input::Leave, self.now);
        self.drain_peer(patient);
    }

    /// A patient reloads the page, or opens it again.
    pub fn reload(&mut self, patient: usize) {
        self.leave(patient);
        let memory = self.patients[patient].memory.as_ref().expect("the patient has answered");
        let memory = Memory::decode(&memory.encode()).expect("our own memory decodes");
        let misbehaviour = self.patients[patient].misbehaviour;
        let peer = behaving(Peer::resume(memory, self.now), misbehaviour);
        let patient_mut = &mut self.patients[patient];
        (patient_mut.peer, patient_mut.open, patient_mut.timer) = (peer, true, None);
        self.drain_peer(patient);
    }

    /// The hospital's process is killed and started again at once.
    pub fn restart(&mut self) {
        let study = self.round.study().clone();
        let records = self.journal.iter().map(|(at, record)| {
            (*at, Record::decode(&record.encode()).expect("our own records decode"))
        });
        self.round = Round::restore(study, self.opened, records, self.now)
            .expect("our own records are those of a round");
        self.round_timer = None;
        self.drain_round();
        self.mail.clear();
        for patient in 0..self.patients.len() {
            self.lose(patient);
        }
    }

    pub fn command(&mut self, command: round::Command) {
        self.round.handle(round::Input::Command(command), self.now);
        self.drain_round();
    }

    /// Puts a message of the hospital's, true or made up, before a patient.
    pub fn tell(&mut self, patient: usize, bytes: Vec<u8>) {
        self.patients[patient].told.push(bytes.clone());
        self.patients[patient].peer.handle(peer::Input::Message(bytes), self.now);
        self.drain_peer(patient);
    }

    /// Takes one step: delivers one message of a connection that chance picks, or lets time pass
    /// to the next timer. Returns `false` when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let busy: Vec<ConnectionId> = self
            .mail
            .iter()
            .filter(|(_, mailboxes)| !mailboxes.is_empty())
            .map(|(connection, _)| *connection)
            .collect();
        if busy.is_empty() {
            return self.pass_time();
        }
        let pick = busy[usize::try_from(self.dice.below(busy.len() as u64)).unwrap()];
        let upwards = self.dice.chance(50);
        let mailboxes = self.mail.get_mut(&pick).unwrap();
        let up_first = if upwards { !mailboxes.up.is_empty() } else { mailboxes.down.is_empty() };
        if up_first {
            let bytes = mailboxes.up.pop_front().unwrap();
            self.seen_by_hospital.push((pick, bytes.clone()));
            self.send_raw(pick, bytes);
            return true;
        }
        let mail = mailboxes.down.pop_front().unwrap();
        let patient = self.patients.iter().position(|p| p.connection == pick).unwrap();
        match mail {
            Mail::Message(bytes) => self.tell(patient, bytes),
            Mail::Close(reason) => self.closed(patient, reason),
        }
        true
    }

    fn pass_time(&mut self) -> bool {
        let timers = self.patients.iter().filter(|p| p.open).filter_map(|p| p.timer);
        let Some(next) = timers.chain(self.round_timer).min() else { return false };
        self.now = self.now.max(next);
        if self.round_timer.is_some_and(|at| at <= self.now) {
            self.round_timer = None;
            self.round.handle(round::Input::Timeout, self.now);
            self.drain_round();
        }
        for patient in 0..self.patients.len() {
            let due = self.patients[patient].timer.is_some_and(|at| at <= self.now);
            if due && self.patients[patient].open {
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

    /// How many messages are on their way to the peer at the other end of a connection.
    pub fn under_way(&self, connection: ConnectionId) -> usize {
        self.mail.get(&connection).map_or(0, |mailboxes| mailboxes.down.len())
    }

    /// Whether the round has asked to be called at once.
    pub fn round_is_due(&self) -> bool {
        self.round_timer.is_some_and(|at| at <= self.now)
    }

    /// Delivers all mail that is under way, without letting time pass.
    pub fn settle_mail(&mut self) {
        while self.mail.values().any(|mailboxes| !mailboxes.is_empty()) {
            self.step();
        }
    }

    fn round_sends(&mut self, to: ConnectionId, bytes: Vec<u8>) {
        self.history.push(Step::Sent(bytes.clone()));
        if let Some(inbox) = self.raw.get_mut(&to) {
            inbox.push(bytes);
        } else if let Some(mailboxes) = self.mail.get_mut(&to) {
            mailboxes.down.push_back(Mail::Message(bytes));
        }
    }

    fn drain_round(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                round::Output::Persist(record) => {
                    self.journal.push((self.now, (*record).clone()));
                    self.history.push(Step::Wrote(record));
                }
                round::Output::Send { to, bytes } => self.round_sends(to, bytes.into()),
                round::Output::Deliver(deliveries) => {
                    for (to, bytes) in deliveries.messages() {
                        self.round_sends(to, bytes.into());
                    }
                }
                round::Output::Load { numbers } => {
                    for number in numbers {
                        let message = self.stored(number);
                        self.round.handle(round::Input::Loaded { number, message }, self.now);
                    }
                }
                round::Output::Close { connection, reason } => {
                    if self.raw.contains_key(&connection) {
                        self.raw_closed.insert(connection, reason);
                    } else if let Some(mailboxes) = self.mail.get_mut(&connection) {
                        mailboxes.up.clear();
                        mailboxes.down.push_back(Mail::Close(reason));
                    }
                }
                round::Output::Event(event) => self.events.push(event),
                round::Output::Timeout(at) => self.round_timer = at,
            }
        }
    }

    /// The message of a contribution that the hospital has written down.
    fn stored(&self, number: u32) -> Bytes {
        let message = self.journal.iter().find_map(|(_, record)| match record {
            Record::Contributed(contributed) if contributed.number == number => {
                Some(contributed.message.clone())
            }
            _ => None,
        });
        message.expect("a round asks for what it wrote down")
    }

    fn closed(&mut self, patient: usize, reason: Refusal) {
        self.mail.remove(&self.patients[patient].connection);
        self.patients[patient].closed = Some(reason);
        let lost = peer::Input::ConnectionLost { code: reason.code() };
        self.patients[patient].peer.handle(lost, self.now);
        self.drain_peer(patient);
    }

    fn drain_peer(&mut self, number: usize) {
        while let Some(output) = self.patients[number].peer.poll_output() {
            let patient = &mut self.patients[number];
            match output {
                peer::Output::Persist(record) => {
                    patient.memory = Memory::after(patient.memory.take(), &record);
                    patient.history.push(PeerStep::Wrote(record));
                }
                peer::Output::Send(bytes) => {
                    patient.history.push(PeerStep::Sent(bytes.clone()));
                    if let Some(mailboxes) = self.mail.get_mut(&patient.connection) {
                        mailboxes.up.push_back(bytes);
                    }
                }
                peer::Output::Connect(_) => self.connect(number),
                peer::Output::Disconnect => {
                    // What was sent before still arrives.
                    let connection = patient.connection;
                    let under_way = self.mail.get_mut(&connection).map(|m| m.up.split_off(0));
                    for bytes in under_way.into_iter().flatten() {
                        self.seen_by_hospital.push((connection, bytes.clone()));
                        self.send_raw(connection, bytes);
                    }
                    self.disconnect(connection);
                }
                peer::Output::Event(event) => {
                    let asked = matches!(event, peer::Event::SafetyWords { awaited: true, .. });
                    patient.events.push(event);
                    if asked && patient.agrees {
                        patient.peer.handle(peer::Input::WordsMatch, self.now);
                    }
                }
                peer::Output::Timeout(at) => patient.timer = at,
            }
        }
    }

    /// The result that a patient was shown.
    pub fn published(&self, patient: usize) -> Option<peer::Published> {
        self.patients[patient].events.iter().find_map(|event| match event {
            peer::Event::Published(published) => Some(published.clone()),
            _ => None,
        })
    }

    /// Why a patient's part ended early.
    pub fn failure(&self, patient: usize) -> Option<peer::Failure> {
        self.patients[patient].peer.failure()
    }

    /// The result of the round.
    pub fn aggregate(&self) -> Option<Aggregate> {
        self.round.status().aggregate
    }

    /// How many answers the round counts and what they come to, in a round that asks for one number.
    pub fn counted(&self) -> Option<(u32, i128)> {
        let aggregate = self.aggregate()?;
        Some((aggregate.count, self.sum_in(&aggregate)))
    }

    /// What the answers come to, in a round that asks for one number.
    pub fn sum(&self) -> Option<i128> {
        Some(self.counted()?.1)
    }

    /// The sum in a result of this round.
    pub fn sum_in(&self, aggregate: &Aggregate) -> i128 {
        aggregate.sum(self.round.study()).expect("the sum of one number is not suppressed")
    }
}

fn behaving(peer: Peer, misbehaviour: Option<Misbehaviour>) -> Peer {
    match misbehaviour {
        Some(misbehaviour) => peer.misbehaving(misbehaviour),
        None => peer,
    }
}

/// What the hospital's journal says.
impl Net {
    /// The committee, once it is fixed.
    pub fn committee(&self) -> Option<Committee> {
        let bytes = self.journal.iter().find_map(|(_, record)| match record {
            Record::CommitteeFixed(bytes) => Some(bytes),
            _ => None,
        });
        bytes.map(|bytes| Committee::decode(self.round.study(), bytes).expect("it was accepted"))
    }

    /// What a patient's peer has sent, in order.
    pub fn sent(&self, patient: usize) -> impl Iterator<Item = PeerMessage> {
        self.patients[patient].history.iter().filter_map(|step| match step {
            PeerStep::Sent(bytes) => Some(wire::decode(bytes).expect("our own messages decode")),
            PeerStep::Wrote(_) => None,
        })
    }

    /// The one partial aggregate that a patient's peer has given, byte by byte the same however often.
    pub fn only_partial(&self, patient: usize) -> PartialAggregate {
        let partials = self.sent(patient).filter_map(|message| match message {
            PeerMessage::Partial(partial) => Some(partial),
            _ => None,
        });
        let mut partials: Vec<_> = partials.collect();
        partials.dedup();
        assert_eq!(partials.len(), 1, "one partial aggregate, whatever it is told");
        partials.remove(0)
    }

    pub fn id_of(&self, patient: usize) -> PeerId {
        Identity::derive(&self.patients[patient].entropy).id()
    }

    /// A patient's place on the committee.
    pub fn place_of(&self, patient: usize) -> Option<ShareIndex> {
        self.committee()?.place_of(&self.id_of(patient))
    }

    /// The number of a patient's contribution.
    pub fn number_of(&self, patient: usize) -> Option<u32> {
        let id = self.id_of(patient);
        self.journal.iter().find_map(|(_, record)| match record {
            Record::Contributed(contributed) if contributed.sender == id => {
                Some(contributed.number)
            }
            _ => None,
        })
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
        if self.mail.values().any(|mailboxes| !mailboxes.is_empty()) {
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
    /// What a peer with this randomness sends over a raw connection until it waits for others: who
    /// it is, and its enrolment, or its contribution if the committee is fixed already. Nothing is
    /// delivered.
    pub fn compose(&self, connection: ConnectionId, entropy: Entropy, value: i128) -> [Vec<u8>; 2] {
        self.composed_by(Peer::new(entropy, self.now), connection, value)
    }

    /// The same of a peer with this invitation.
    pub fn compose_invited(
        &self,
        connection: ConnectionId,
        entropy: Entropy,
        invitation: Invitation,
    ) -> [Vec<u8>; 2] {
        self.composed_by(Peer::invited(entropy, invitation, self.now), connection, 1)
    }

    fn composed_by(&self, mut peer: Peer, connection: ConnectionId, value: i128) -> [Vec<u8>; 2] {
        peer.handle(peer::Input::Connected, self.now);
        for bytes in &self.raw[&connection] {
            peer.handle(peer::Input::Message(bytes.clone()), self.now);
        }
        peer.answer(number(value), self.now).expect("the answer is admissible");
        let mut sent = Vec::new();
        loop {
            match peer.poll_output() {
                Some(peer::Output::Send(bytes)) => sent.push(bytes),
                Some(peer::Output::Timeout(Some(at))) if at <= self.now => {
                    peer.handle(peer::Input::Timeout, self.now);
                }
                Some(peer::Output::Event(peer::Event::SafetyWords { awaited: true, .. })) => {
                    peer.handle(peer::Input::WordsMatch, self.now);
                }
                Some(_) => {}
                None => panic!("the peer has nothing more to send"),
            }
            if let Ok(both) = <[Vec<u8>; 2]>::try_from(sent.clone()) {
                return both;
            }
        }
    }

    /// The connection of a patient is lost, without the hospital's noticing yet. The peer will make
    /// another.
    pub fn lose(&mut self, patient: usize) {
        self.mail.remove(&self.patients[patient].connection);
        if self.patients[patient].open {
            let lost = peer::Input::ConnectionLost { code: 1006 };
            self.patients[patient].peer.handle(lost, self.now);
            self.drain_peer(patient);
        }
    }
}

impl Net {
    /// From now on nothing reaches a patient or comes from it, and nobody is told.
    pub fn cut(&mut self, patient: usize) {
        self.mail.remove(&self.patients[patient].connection);
        self.patients[patient].reachable = false;
    }

    /// A patient that was cut off can reach the hospital again, and its page notices.
    pub fn reach_again(&mut self, patient: usize) {
        self.patients[patient].reachable = true;
        self.patients[patient].peer.handle(peer::Input::Wake, self.now);
        self.drain_peer(patient);
    }
}

/// A verdict's bytes with these members and rejections: numbers and reasons.
pub fn verdict_bytes(members: &[u8], rejected: &[(u32, u8)]) -> VerdictBytes {
    let entries: Vec<u8> = rejected
        .iter()
        .flat_map(|(number, reason)| [&number.to_be_bytes()[..], &[*reason]].concat())
        .collect();
    let (k, len) = (u8::try_from(members.len()).unwrap(), u32::try_from(entries.len()).unwrap());
    let bytes = [&[k], members, &len.to_be_bytes(), &entries].concat();
    wire::decode(&bytes).expect("the verdict's encoding")
}

/// A verdict's members and rejections.
pub fn verdict_parts(verdict: &VerdictBytes) -> (Vec<u8>, Vec<(u32, u8)>) {
    let bytes = wire::encode(verdict);
    let (members, rejected) = bytes[1..].split_at(usize::from(bytes[0]));
    let rejected = rejected[4..].chunks(5).map(|entry| {
        (u32::from_be_bytes(entry[..4].try_into().expect("four of five bytes")), entry[4])
    });
    (members.to_vec(), rejected.collect())
}
