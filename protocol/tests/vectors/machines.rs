//! A hospital and peers that a vector drives, one input at a time and on its own clock.

use bytes::Bytes;
use wardsum_protocol::peer::{self, Memory, Peer};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::{self, ConnectionId, Record, Refusal, Round};
use wardsum_protocol::{Challenge, Entropy, Study, Timestamp};

/// The hospital's machine.
pub(crate) struct Hospital {
    pub(crate) round: Round,
    /// Over which connection, and what.
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) closed: Vec<(u64, Refusal)>,
    /// What it wrote down, and when.
    journal: Vec<(Timestamp, Record)>,
    now: Timestamp,
    pub(crate) timer: Option<Timestamp>,
}

impl Hospital {
    pub(crate) fn open(study: Study) -> Self {
        let mut hospital = Self {
            round: Round::open(study, Timestamp(0)),
            sent: Vec::new(),
            closed: Vec::new(),
            journal: Vec::new(),
            now: Timestamp(0),
            timer: None,
        };
        hospital.drain();
        hospital
    }

    /// Dies, and starts again at once from what it wrote down. Every connection is gone.
    pub(crate) fn restart(&mut self) {
        let records = self.journal.iter().map(|(at, record)| {
            (*at, Record::decode(&record.encode()).expect("a round's own records decode"))
        });
        let study = self.round.study().clone();
        self.round = Round::restore(study, Timestamp(0), records, self.now)
            .expect("a round's own records are those of a round");
        self.timer = None;
        self.drain();
    }

    pub(crate) fn input(&mut self, input: round::Input) {
        self.round.handle(input, self.now);
        self.drain();
    }

    pub(crate) fn connect(&mut self, connection: u64, challenge: [u8; 32]) {
        let (connection, challenge) = (ConnectionId(connection), Challenge(challenge));
        self.input(round::Input::Connected { connection, challenge });
    }

    pub(crate) fn disconnect(&mut self, connection: u64) {
        self.input(round::Input::Disconnected(ConnectionId(connection)));
    }

    pub(crate) fn message(&mut self, connection: u64, bytes: Vec<u8>) {
        self.input(round::Input::Message { from: ConnectionId(connection), bytes: bytes.into() });
    }

    pub(crate) fn clock(&mut self, ms: u64) {
        self.now = Timestamp(ms);
        while self.timer.take_if(|at| *at <= self.now).is_some() {
            self.input(round::Input::Timeout);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                round::Output::Send { to, bytes } => self.sent.push((to.0, bytes.into())),
                round::Output::Deliver(deliveries) => {
                    let messages = deliveries.messages().map(|(to, bytes)| (to.0, bytes.into()));
                    self.sent.extend(messages);
                }
                round::Output::Close { connection, reason } => {
                    self.closed.push((connection.0, reason));
                }
                round::Output::Load { numbers } => {
                    for number in numbers {
                        let message = self.stored(number);
                        self.round.handle(round::Input::Loaded { number, message }, self.now);
                    }
                }
                round::Output::Persist(record) => self.journal.push((self.now, *record)),
                round::Output::Timeout(at) => self.timer = at,
                round::Output::Event(_) => {}
            }
        }
    }

    /// The message of a contribution that was written down.
    fn stored(&self, number: u32) -> Bytes {
        let message = self.journal.iter().find_map(|(_, record)| match record {
            Record::Contributed(contributed) if contributed.number == number => {
                Some(contributed.message.clone())
            }
            _ => None,
        });
        message.expect("a round asks for what it wrote down")
    }
}

/// One person's page and the machine in it.
pub(crate) struct Person {
    pub(crate) peer: Peer,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) events: Vec<peer::Event>,
    pub(crate) records: Vec<peer::Record>,
    /// Whether the peer wants to be connected and is not.
    pub(crate) wants_connection: bool,
    /// Whether the peer wants its connection to be closed.
    pub(crate) hangs_up: bool,
    /// Whether the page is open.
    pub(crate) open: bool,
    memory: Option<Memory>,
    now: Timestamp,
    timer: Option<Timestamp>,
}

impl Person {
    /// A person who opens the page at `now`.
    pub(crate) fn new(entropy: [u8; 32], now: u64) -> Self {
        let now = Timestamp(now);
        let mut person = Self {
            peer: Peer::new(Entropy::new(entropy), now),
            sent: Vec::new(),
            events: Vec::new(),
            records: Vec::new(),
            wants_connection: false,
            hangs_up: false,
            open: true,
            memory: None,
            now,
            timer: None,
        };
        person.drain();
        person
    }

    /// Closes the page without a word.
    pub(crate) fn unload(&mut self) {
        (self.open, self.timer, self.wants_connection) = (false, None, false);
    }

    /// Opens the page again: the peer goes on from what it wrote down.
    pub(crate) fn resume(&mut self) {
        let memory = self.memory.as_ref().expect("who has answered has something to come back to");
        let memory = Memory::decode(&memory.encode()).expect("a peer's own memory decodes");
        self.peer = Peer::resume(memory, self.now);
        self.open = true;
        self.drain();
    }

    pub(crate) fn input(&mut self, input: peer::Input) {
        self.peer.handle(input, self.now);
        self.drain();
    }

    /// The connection stands that the peer wanted.
    pub(crate) fn connect(&mut self) {
        assert!(self.wants_connection, "a connection is made for a peer that wants one");
        self.wants_connection = false;
        self.input(peer::Input::Connected);
    }

    /// The connection is gone, without a close code.
    pub(crate) fn lose(&mut self) {
        self.input(peer::Input::ConnectionLost { code: 1006 });
    }

    pub(crate) fn message(&mut self, bytes: Vec<u8>) {
        self.input(peer::Input::Message(bytes));
    }

    pub(crate) fn answer(&mut self, responses: Vec<Response>) {
        self.peer.answer(responses, self.now).expect("the vector's answer is taken");
        self.drain();
    }

    pub(crate) fn clock(&mut self, ms: u64) {
        self.now = Timestamp(ms);
        self.settle();
    }

    /// When the peer wants to be called again.
    pub(crate) fn timer(&self) -> Option<Timestamp> {
        self.timer
    }

    /// Does what is due now: sealing goes on slice by slice.
    fn settle(&mut self) {
        while self.timer.take_if(|at| *at <= self.now).is_some() {
            self.input(peer::Input::Timeout);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                peer::Output::Send(bytes) => self.sent.push(bytes),
                peer::Output::Event(event) => {
                    let asked = matches!(event, peer::Event::SafetyWords { awaited: true, .. });
                    self.events.push(event);
                    if asked {
                        self.peer.handle(peer::Input::WordsMatch, self.now);
                    }
                }
                peer::Output::Persist(record) => {
                    self.memory = Memory::after(self.memory.take(), &record);
                    self.records.push(record);
                }
                peer::Output::Connect(_) => self.wants_connection = true,
                peer::Output::Disconnect => {
                    (self.wants_connection, self.hangs_up) = (false, true);
                }
                peer::Output::Timeout(at) => self.timer = at,
            }
        }
        self.settle();
    }
}
