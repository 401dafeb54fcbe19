//! One patient before a hospital that cheats: the test sees and may change whatever it is told.

use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Event, Input, Output, Peer, Stage};
use wardsum_protocol::round::ConnectionId;
use wardsum_protocol::{DeclineReason, Entropy, Study, Timestamp, wire};

use super::{Net, all_answer, number, study};

/// One patient between a net of honest others and the test, which sees and may change all that
/// the hospital tells it.
pub struct Victim {
    pub net: Net,
    pub peer: Peer,
    pub connection: ConnectionId,
    read: usize,
    pub sent: Vec<PeerMessage>,
    /// How many shares it has kept.
    pub kept: usize,
    /// When the peer wants to be woken.
    timer: Option<Timestamp>,
}

impl Victim {
    /// The victim and `others` who answer 1, 2, 3, and so on; the victim answers 5.
    pub fn new(others: i128, cap: u16) -> Self {
        Self::of(study(|p| p.committee_cap = cap), others)
    }

    /// The same in another study. The same people have the same keys in each.
    pub fn of(study: Study, others: i128) -> Self {
        let mut net = Net::new(study, 5);
        let connection = net.join_raw();
        let mut victim = Self {
            net,
            peer: Peer::new(Entropy::new([42; 32]), Timestamp(1_000)),
            connection,
            read: 0,
            sent: Vec::new(),
            kept: 0,
            timer: None,
        };
        victim.drain();
        all_answer(&mut victim.net, &(1..=others).collect::<Vec<_>>());
        victim
    }

    /// Hands on what the hospital says, unless `meddle` makes something else of it, until the
    /// victim's part is over or nothing more happens.
    pub fn run(&mut self, mut meddle: impl FnMut(HospitalMessage) -> Vec<HospitalMessage>) {
        self.run_with(|_, message| meddle(message));
    }

    /// The same with a hospital that does something to the others at the same time.
    pub fn run_with(
        &mut self,
        mut meddle: impl FnMut(&mut Net, HospitalMessage) -> Vec<HospitalMessage>,
    ) {
        let mut answered = false;
        for _ in 0..100_000 {
            if let Some(bytes) = self.net.raw[&self.connection].get(self.read).cloned() {
                self.read += 1;
                let message = wire::decode(&bytes).expect("the hospital's messages decode");
                for message in meddle(&mut self.net, message) {
                    self.tell(wire::encode(&message));
                }
                if !answered && self.peer.study().is_some() {
                    answered = self.peer.answer(number(5), self.net.now).is_ok();
                    self.drain();
                }
            } else if matches!(self.peer.stage(), Stage::Finished | Stage::Failed) {
                return;
            } else if self.timer.is_some_and(|at| at <= self.net.now) || !self.net.step() {
                // Nothing else happens any more: time passes for the victim alone.
                let Some(at) = self.timer.take() else { return };
                self.net.now = self.net.now.max(at);
                self.peer.handle(Input::Timeout, self.net.now);
                self.drain();
            }
        }
        panic!("the round does not come to an end");
    }

    pub fn tell(&mut self, bytes: Vec<u8>) {
        self.peer.handle(Input::Message(bytes), self.net.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                Output::Send(bytes) => {
                    self.sent.push(wire::decode(&bytes).expect("our own messages decode"));
                    self.net.send_raw(self.connection, bytes);
                }
                Output::Connect(_) => {
                    // The first connection stands already.
                    if self.read > 0 {
                        self.connection = self.net.join_raw();
                        self.read = 0;
                    }
                    self.peer.handle(Input::Connected, self.net.now);
                }
                Output::Disconnect => self.net.leave_raw(self.connection),
                Output::Timeout(at) => self.timer = at,
                Output::Event(Event::SafetyWords { awaited: true, .. }) => {
                    self.peer.handle(Input::WordsMatch, self.net.now);
                }
                Output::Event(Event::ShareReceived { .. }) => self.kept += 1,
                Output::Persist(_) | Output::Event(_) => {}
            }
        }
    }

    pub fn sent_a_partial(&self) -> bool {
        self.sent.iter().any(|message| matches!(message, PeerMessage::Partial(_)))
    }

    pub fn verifications(&self) -> usize {
        let sent = self.sent.iter();
        sent.filter(|message| matches!(message, PeerMessage::Verification(_))).count()
    }

    pub fn sent_a_contribution(&self) -> bool {
        self.sent.iter().any(|message| matches!(message, PeerMessage::Contribute(_)))
    }

    pub fn declined(&self) -> Option<DeclineReason> {
        self.sent.iter().find_map(|message| match message {
            PeerMessage::Decline(reason) => Some(*reason),
            _ => None,
        })
    }
}
