//! Who is connected to a round, and what is to be sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::identification::Challenge;
use crate::identity::PeerId;
use crate::messages::{HospitalMessage, Progress, Welcome};
use crate::round::{ConnectionId, Event, Output, Record, Refusal};
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;

/// The shortest time between two progress messages to everybody, in milliseconds.
const PROGRESS_INTERVAL_MS: u64 = 200;

/// How often progress is told again although nothing has changed, in milliseconds: by its absence a
/// peer notices a connection that is gone without having been closed.
const HEARTBEAT_MS: u64 = 20_000;

/// How many people's reports that the safety words differ are told to the others. Keys cost nothing, and
/// each report goes to everybody; after so many of them one more is no news.
pub const REPORTS_MAX: usize = 64;

/// How many multiplications a slice of judging takes: some 10 ms.
const JUDGING_SLICE: u64 = 1 << 20;

/// The study, the clock, the connections and the outputs: what every state works with.
#[derive(Debug)]
pub(super) struct Room {
    study: Study,
    now: Timestamp,
    connections: BTreeMap<ConnectionId, Guest>,
    /// The connection of each peer that has identified itself.
    peers: BTreeMap<PeerId, ConnectionId>,
    /// The peers that said that their safety words differ.
    disputed_by: BTreeSet<PeerId>,
    outputs: VecDeque<Output>,
    /// The last progress that was told to everybody, and when.
    told: Option<(Progress, Timestamp)>,
    progress_due: Option<Timestamp>,
    judging_slice: u64,
}

/// The other end of a connection.
#[derive(Debug)]
struct Guest {
    challenge: Challenge,
    /// The peer that it has shown to be.
    peer: Option<PeerId>,
    /// Whether its patient has left for good.
    left: bool,
}

impl Room {
    pub(super) fn new(study: Study, now: Timestamp) -> Self {
        Self {
            study,
            now,
            connections: BTreeMap::new(),
            peers: BTreeMap::new(),
            disputed_by: BTreeSet::new(),
            outputs: VecDeque::new(),
            told: None,
            progress_due: None,
            judging_slice: JUDGING_SLICE,
        }
    }

    pub(super) fn study(&self) -> &Study {
        &self.study
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock; a driver whose clock went back is treated as if it had stood still.
    pub(super) fn advance_clock(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// How many multiplications a slice of judging takes.
    pub(super) fn judging_slice(&self) -> u64 {
        self.judging_slice
    }

    pub(super) fn set_judging_slice(&mut self, multiplications: u64) {
        self.judging_slice = multiplications;
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn persist(&mut self, record: Record) {
        self.push(Output::Persist(Box::new(record)));
    }

    pub(super) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn connected(&self) -> u32 {
        u32::try_from(self.connections.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn is_connected(&self, connection: ConnectionId) -> bool {
        self.connections.contains_key(&connection)
    }

    /// Takes in a connection and tells it challenge and study.
    pub(super) fn welcome(&mut self, connection: ConnectionId, challenge: Challenge) {
        self.connections.insert(connection, Guest { challenge, peer: None, left: false });
        let study = self.study.encode().into();
        self.send(connection, &HospitalMessage::Welcome(Welcome { challenge, study }));
    }

    /// What a connection was asked to sign.
    pub(super) fn challenge(&self, connection: ConnectionId) -> Option<Challenge> {
        self.connections.get(&connection).map(|guest| guest.challenge)
    }

    /// Forgets a connection; returns the peer that it was.
    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<PeerId> {
        let peer = self.connections.remove(&connection)?.peer?;
        self.peers.remove(&peer);
        Some(peer)
    }

    /// Whether this peer has shown itself over a connection that began later. Then this one is a
    /// straggler that the peer has given up: what it sent before that arrives only now.
    pub(super) fn is_outdated(&self, connection: ConnectionId, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|current| *current > connection)
    }

    /// Remembers which peer a connection has shown to be. The connection that this peer had until
    /// now is closed: it is half open, or another tab took the peer over.
    pub(super) fn identify(&mut self, connection: ConnectionId, peer: PeerId) {
        let Some(guest) = self.connections.get_mut(&connection) else { return };
        guest.peer = Some(peer);
        let before = self.peers.insert(peer, connection);
        if let Some(before) = before.filter(|before| *before != connection) {
            self.connections.remove(&before);
            self.push(Output::Close { connection: before, reason: Refusal::Replaced });
        }
    }

    /// The peer that a connection has shown to be.
    pub(super) fn peer(&self, connection: ConnectionId) -> Option<PeerId> {
        self.connections.get(&connection)?.peer
    }

    /// The connection over which this peer has shown itself.
    pub(super) fn connection_of(&self, peer: &PeerId) -> Option<ConnectionId> {
        self.peers.get(peer).copied()
    }

    /// The patient at the other end leaves for good. Nothing more is heard from there, so that nobody
    /// comes and goes a thousand times over one connection.
    pub(super) fn leave(&mut self, connection: ConnectionId) {
        if let Some(guest) = self.connections.get_mut(&connection) {
            guest.left = true;
        }
    }

    pub(super) fn has_left(&self, connection: ConnectionId) -> bool {
        self.connections.get(&connection).is_some_and(|guest| guest.left)
    }

    /// Notes that this peer's safety words differ; `false` if that is no news.
    pub(super) fn dispute(&mut self, peer: PeerId) -> bool {
        self.disputed_by.len() < REPORTS_MAX && self.disputed_by.insert(peer)
    }

    /// How many have said that their safety words differ.
    pub(super) fn disputes(&self) -> u32 {
        u32::try_from(self.disputed_by.len()).unwrap_or(u32::MAX)
    }

    /// Tells a newcomer that safety words differ, if they do.
    pub(super) fn tell_disputes(&mut self, connection: ConnectionId) {
        if !self.disputed_by.is_empty() {
            self.send(connection, &HospitalMessage::WordsDisputed(self.disputes()));
        }
    }

    /// Tells everybody but the one who has just said so.
    pub(super) fn broadcast_disputes(&mut self, from: ConnectionId) {
        let message: Bytes = wire::encode(&HospitalMessage::WordsDisputed(self.disputes())).into();
        let others = self.connections.keys().filter(|to| **to != from);
        let sends = others.map(|to| Output::Send { to: *to, bytes: message.clone() });
        self.outputs.extend(sends);
    }

    /// All peers that have shown who they are.
    pub(super) fn peers(&self) -> impl Iterator<Item = (PeerId, ConnectionId)> {
        self.peers.iter().map(|(peer, connection)| (*peer, *connection))
    }

    pub(super) fn send(&mut self, to: ConnectionId, message: &HospitalMessage) {
        self.send_encoded(to, wire::encode(message).into());
    }

    /// Sends a message that many get and that was encoded once.
    pub(super) fn send_encoded(&mut self, to: ConnectionId, bytes: Bytes) {
        self.push(Output::Send { to, bytes });
    }

    /// Sends one encoded message to everybody.
    pub(super) fn broadcast(&mut self, bytes: &Bytes) {
        for to in self.connections.keys() {
            self.outputs.push_back(Output::Send { to: *to, bytes: bytes.clone() });
        }
    }

    /// Closes a connection that misbehaved; returns the peer that it was.
    pub(super) fn refuse(&mut self, connection: ConnectionId, reason: Refusal) -> Option<PeerId> {
        self.push(Output::Event(Event::PeerRefused { connection, reason }));
        self.push(Output::Close { connection, reason });
        self.remove(connection)
    }

    /// Tells everybody how far the round is: at once if nothing was told lately, else a little later,
    /// and again from time to time.
    pub(super) fn tell_progress(&mut self, progress: Progress) {
        let (told, told_at) = match self.told {
            Some((told, at)) => (Some(told), Some(at)),
            None => (None, None),
        };
        // The countdown runs by itself at the other side and is no news of its own: it jumps only
        // where the counts or the phase change.
        let unchanged = told.is_some_and(|told| {
            let Progress { phase, present, needed, away, .. } = progress;
            (told.phase, told.present, told.needed, told.away) == (phase, present, needed, away)
        });
        let pause = if unchanged { HEARTBEAT_MS } else { self.progress_interval() };
        let due = told_at.map_or(self.now, |at| at.after(pause));
        if self.connections.is_empty() {
            self.progress_due = None;
        } else if self.now >= due {
            self.broadcast(&wire::encode(&HospitalMessage::Progress(progress)).into());
            self.told = Some((progress, self.now));
            self.progress_due = Some(self.now.after(HEARTBEAT_MS));
        } else {
            self.progress_due = Some(due);
        }
    }

    /// With many people each message goes to many: a millisecond per connection keeps the rate
    /// of messages below a thousand in a second, however many there are.
    fn progress_interval(&self) -> u64 {
        PROGRESS_INTERVAL_MS.max(u64::from(self.connected()))
    }

    /// The round is over: there is no more progress to tell.
    pub(super) fn stop_progress(&mut self) {
        self.progress_due = None;
    }

    pub(super) fn progress_due(&self) -> Option<Timestamp> {
        self.progress_due
    }
}
