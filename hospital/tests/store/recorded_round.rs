//! A real round of three, and what it writes down.

use std::collections::VecDeque;

use wardsum_protocol::peer::{self, Peer};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::{self, ConnectionId, Record, Round};
use wardsum_protocol::{Aggregate, Challenge, Entropy, Study, Timestamp};

/// What the three answer.
const ANSWERS: [i128; 3] = [3, 1, 4];

/// What they exceed -100 by, together.
pub(crate) fn result() -> Aggregate {
    Aggregate { count: 3, cells: [Some(308)].into() }
}

/// When the round opens, on its own clock.
pub(crate) const OPENED: Timestamp = Timestamp(1_000);

/// The records of a round of this study from its opening to its result, the same every time.
pub(crate) fn records(study: &Study) -> Vec<(Timestamp, Record)> {
    let mut table = Table {
        now: OPENED,
        round: Round::open(study.clone(), OPENED),
        round_timer: None,
        peers: (1..=3).map(|n| Peer::new(Entropy::new([n; 32]), OPENED)).collect(),
        mail: VecDeque::new(),
        records: Vec::new(),
    };
    table.drain_round();
    for place in 0..ANSWERS.len() {
        table.drain_peer(place);
    }
    while table.round.status().aggregate.is_none() {
        table.step();
    }
    table.records
}

/// Everybody at one table: nothing is lost and nothing takes time.
struct Table {
    now: Timestamp,
    round: Round,
    round_timer: Option<Timestamp>,
    peers: Vec<Peer>,
    /// What is on its way to which peer.
    mail: VecDeque<(usize, Vec<u8>)>,
    records: Vec<(Timestamp, Record)>,
}

impl Table {
    fn step(&mut self) {
        if let Some((place, bytes)) = self.mail.pop_front() {
            self.peers[place].handle(peer::Input::Message(bytes), self.now);
            return self.drain_peer(place);
        }
        self.now = self.now.max(self.round_timer.take().expect("the round waits for something"));
        self.round.handle(round::Input::Timeout, self.now);
        self.drain_round();
    }

    fn tell_round(&mut self, input: round::Input) {
        self.round.handle(input, self.now);
        self.drain_round();
    }

    fn post(&mut self, to: ConnectionId, bytes: &[u8]) {
        let place = usize::try_from(to.0).expect("a place at the table");
        self.mail.push_back((place, bytes.to_vec()));
    }

    fn drain_round(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                round::Output::Persist(record) => self.records.push((self.now, *record)),
                round::Output::Send { to, bytes } => self.post(to, &bytes),
                round::Output::Deliver(deliveries) => {
                    for (to, bytes) in deliveries.messages() {
                        self.post(to, &bytes);
                    }
                }
                round::Output::Timeout(at) => self.round_timer = at,
                round::Output::Event(_) => {}
                other => panic!("nobody here gives a reason for {other:?}"),
            }
        }
    }

    fn drain_peer(&mut self, place: usize) {
        let connection = ConnectionId(place as u64);
        while let Some(output) = self.peers[place].poll_output() {
            match output {
                peer::Output::Connect(_) => {
                    self.peers[place].handle(peer::Input::Connected, self.now);
                    let challenge = Challenge([7; 32]);
                    self.tell_round(round::Input::Connected { connection, challenge });
                }
                peer::Output::Send(bytes) => {
                    let message = round::Input::Message { from: connection, bytes: bytes.into() };
                    self.tell_round(message);
                }
                peer::Output::Event(peer::Event::StudyReceived(_)) => {
                    self.peers[place]
                        .answer(vec![Response::Number(ANSWERS[place])], self.now)
                        .expect("it is admissible");
                }
                peer::Output::Event(peer::Event::SafetyWords { awaited: true, .. }) => {
                    self.peers[place].handle(peer::Input::WordsMatch, self.now);
                }
                // Sealing goes on at once.
                peer::Output::Timeout(Some(at)) if at <= self.now => {
                    self.peers[place].handle(peer::Input::Timeout, self.now);
                }
                peer::Output::Disconnect
                | peer::Output::Persist(_)
                | peer::Output::Event(_)
                | peer::Output::Timeout(_) => {}
            }
        }
    }
}
