//! A hospital and peers that a vector drives, one input at a time and on its own clock.

use wardsum_protocol::peer::{self, Peer};
use wardsum_protocol::round::{self, ConnectionId, Refusal, Round};
use wardsum_protocol::{Entropy, Study, Timestamp};

/// The hospital's machine. Connection `n` is person `n`.
pub(crate) struct Hospital {
    pub(crate) round: Round,
    /// To whom, and what.
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) closed: Vec<(u64, Refusal)>,
    now: Timestamp,
    pub(crate) timer: Option<Timestamp>,
}

impl Hospital {
    pub(crate) fn open(study: Study) -> Self {
        let round = Round::open(study, Timestamp(0));
        let mut hospital =
            Self { round, sent: Vec::new(), closed: Vec::new(), now: Timestamp(0), timer: None };
        hospital.drain();
        hospital
    }

    pub(crate) fn input(&mut self, input: round::Input) {
        self.round.handle(input, self.now);
        self.drain();
    }

    pub(crate) fn message(&mut self, person: u64, bytes: Vec<u8>) {
        self.input(round::Input::Message { from: ConnectionId(person), bytes: bytes.into() });
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
                round::Output::Close { connection, reason } => {
                    self.closed.push((connection.0, reason));
                }
                round::Output::Timeout(at) => self.timer = at,
                round::Output::Persist(_) | round::Output::Event(_) => {}
            }
        }
    }
}

/// One person's machine.
pub(crate) struct Person {
    pub(crate) peer: Peer,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) events: Vec<peer::Event>,
    pub(crate) records: Vec<peer::Record>,
    now: Timestamp,
    pub(crate) timer: Option<Timestamp>,
}

impl Person {
    /// A person whose connection stands at `now`.
    pub(crate) fn connect(entropy: [u8; 32], now: u64) -> Self {
        let mut person = Self {
            peer: Peer::new(Entropy::new(entropy)),
            sent: Vec::new(),
            events: Vec::new(),
            records: Vec::new(),
            now: Timestamp(now),
            timer: None,
        };
        person.input(peer::Input::Connected);
        person
    }

    pub(crate) fn input(&mut self, input: peer::Input) {
        self.peer.handle(input, self.now);
        self.drain();
    }

    pub(crate) fn message(&mut self, bytes: Vec<u8>) {
        self.input(peer::Input::Message(bytes));
    }

    pub(crate) fn answer(&mut self, value: i128) {
        self.peer.answer(value, self.now).expect("the vector's answer is taken");
        self.drain();
    }

    pub(crate) fn clock(&mut self, ms: u64) {
        self.now = Timestamp(ms);
        self.settle();
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
                peer::Output::Event(event) => self.events.push(event),
                peer::Output::Persist(record) => self.records.push(record),
                peer::Output::Timeout(at) => self.timer = at,
            }
        }
        self.settle();
    }
}
