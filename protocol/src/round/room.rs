//! Who is connected to a round, and what is to be sent.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::identity::PeerId;
use crate::messages::{HospitalMessage, Progress};
use crate::round::{ConnectionId, Event, Output, Refusal};
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;

/// The shortest time between two progress messages to everybody, in milliseconds.
const PROGRESS_INTERVAL_MS: u64 = 200;

/// How often progress is told again although nothing has changed, in milliseconds: by its absence a
/// peer notices a connection that is gone without having been closed.
const HEARTBEAT_MS: u64 = 20_000;

/// The study, the clock, the connections and the outputs: what every state works with.
#[derive(Debug)]
pub(super) struct Room {
    study: Study,
    now: Timestamp,
    /// Each connection, and the peer that it has shown to be.
    connections: BTreeMap<ConnectionId, Option<PeerId>>,
    outputs: VecDeque<Output>,
    /// The last progress that was told to everybody, and when.
    told: Option<(Progress, Timestamp)>,
    progress_due: Option<Timestamp>,
}

impl Room {
    pub(super) fn new(study: Study, now: Timestamp) -> Self {
        Self {
            study,
            now,
            connections: BTreeMap::new(),
            outputs: VecDeque::new(),
            told: None,
            progress_due: None,
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

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
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

    /// Takes in a connection and tells it the study.
    pub(super) fn welcome(&mut self, connection: ConnectionId) {
        self.connections.insert(connection, None);
        let study = self.study.encode().into();
        self.send(connection, &HospitalMessage::Welcome(study));
    }

    /// Forgets a connection; returns the peer that it was.
    pub(super) fn remove(&mut self, connection: ConnectionId) -> Option<PeerId> {
        self.connections.remove(&connection).flatten()
    }

    /// Remembers which peer a connection has shown to be.
    pub(super) fn identify(&mut self, connection: ConnectionId, peer: PeerId) {
        self.connections.insert(connection, Some(peer));
    }

    /// The peer that a connection has shown to be.
    pub(super) fn peer(&self, connection: ConnectionId) -> Option<PeerId> {
        self.connections.get(&connection).copied().flatten()
    }

    /// All connections that have shown which peer they are.
    pub(super) fn peers(&self) -> impl Iterator<Item = (ConnectionId, PeerId)> {
        self.connections.iter().filter_map(|(connection, peer)| Some((*connection, (*peer)?)))
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
        self.multicast(bytes, |_| true);
    }

    /// Sends one encoded message to every connection whose peer, if it has shown to be one, is
    /// `wanted`.
    pub(super) fn multicast(&mut self, bytes: &Bytes, wanted: impl Fn(Option<&PeerId>) -> bool) {
        for (to, peer) in &self.connections {
            if wanted(peer.as_ref()) {
                self.outputs.push_back(Output::Send { to: *to, bytes: bytes.clone() });
            }
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
            (told.phase, told.present, told.needed)
                == (progress.phase, progress.present, progress.needed)
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
