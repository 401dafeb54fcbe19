//! Connections: ordered streams that take their time, stall, and break without a word.

use std::collections::VecDeque;

use bytes::Bytes;
use wardsum_protocol::Challenge;
use wardsum_protocol::peer;
use wardsum_protocol::round::{self, ConnectionId};

use crate::world::{Happening, World, name_of_peer_message};

/// The longest that a broken connection stays unnoticed at the hospital, which pings, in
/// milliseconds. A peer may never notice by itself.
const HALF_OPEN_MS: u64 = 90_000;

/// The close code where there was none.
pub const ABNORMAL: u16 = 1006;

/// What travels over a connection.
#[derive(Clone, Debug)]
pub enum Mail {
    /// Towards the peer: the connection stands.
    Opened,
    Message(Bytes),
    Close(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Opening,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// One direction: what is under way, and when the last of it arrives.
#[derive(Default)]
struct Lane {
    mail: VecDeque<Mail>,
    last: u64,
}

pub struct Connection {
    pub patient: usize,
    up: Lane,
    down: Lane,
    pub peer_end: End,
    pub hospital_end: End,
    /// Nothing passes any more, and nobody was told.
    broken: bool,
    /// Nothing passes before then, and nothing is lost.
    stalled_until: u64,
}

impl Connection {
    fn lane(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

impl World {
    fn latency(&mut self) -> u64 {
        self.dice.between(1, self.plan.weather.latency)
    }

    /// A peer asks for a connection.
    pub fn connect(&mut self, patient: usize) -> ConnectionId {
        let id = ConnectionId(self.fresh());
        self.connections.insert(
            id,
            Connection {
                patient,
                up: Lane::default(),
                down: Lane::default(),
                peer_end: End::Opening,
                hospital_end: End::Opening,
                broken: false,
                stalled_until: 0,
            },
        );
        let delay = self.latency();
        self.schedule(delay, Happening::Accept(id));
        id
    }

    /// The connection reaches the hospital.
    pub fn accept(&mut self, id: ConnectionId) {
        let (delay, blocked) = (self.latency(), self.blocked_until(id));
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.broken || connection.peer_end == End::Closed {
            return;
        }
        if blocked > self.now {
            return self.schedule_at(blocked, Happening::Accept(id));
        }
        if !self.hospital.is_running() {
            return self.schedule(delay, Happening::PeerNotices(id));
        }
        connection.hospital_end = End::Open;
        self.send(id, Direction::Down, &Mail::Opened);
        let challenge = Challenge(self.dice.bytes());
        self.tell_hospital(round::Input::Connected { connection: id, challenge });
    }

    /// Until when nothing passes over a connection.
    fn blocked_until(&self, id: ConnectionId) -> u64 {
        let Some(connection) = self.connections.get(&id) else { return 0 };
        connection.stalled_until.max(self.patients[connection.patient].cut_off_until)
    }

    /// Puts something on its way.
    pub fn send(&mut self, id: ConnectionId, direction: Direction, mail: &Mail) {
        let mut delay = self.latency();
        let lossy = self.plan.weather.lossy && self.weather_is_bad();
        let (mut copies, mut swap) = (1, false);
        if lossy && matches!(mail, Mail::Message(_)) {
            match self.dice.below(100) {
                0..3 => copies = 0,
                3..6 => copies = 2,
                6..11 => swap = true,
                11..16 => delay += self.dice.wait(60_000),
                _ => {}
            }
        }
        let place = self.dice.below(1 << 32);
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id).filter(|c| !c.broken) else { return };
        let lane = connection.lane(direction);
        for _ in 0..copies {
            let first = usize::from(matches!(lane.mail.front(), Some(Mail::Opened)));
            let behind = lane.mail.len().saturating_sub(first) as u64;
            let at = if swap && behind > 0 {
                first + usize::try_from(place % behind).expect("below a length")
            } else {
                lane.mail.len()
            };
            lane.mail.insert(at, mail.clone());
            lane.last = lane.last.max(now + delay);
        }
        let at = lane.last;
        for _ in 0..copies {
            self.schedule_at(at, Happening::Mail(id, direction));
        }
        if copies != 1 {
            self.note(|| format!("  a message over {id:?} comes {copies} times"));
        }
    }

    /// What is next in one direction arrives.
    pub fn arrive(&mut self, id: ConnectionId, direction: Direction) {
        let blocked = self.blocked_until(id);
        if blocked > self.now {
            return self.schedule_at(blocked, Happening::Mail(id, direction));
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(mail) = connection.lane(direction).mail.pop_front() else { return };
        let patient = connection.patient;
        match direction {
            Direction::Up if connection.hospital_end == End::Open => match mail {
                Mail::Message(bytes) => {
                    self.note(|| {
                        format!("  hospital <- {patient} {id:?} {}", name_of_peer_message(&bytes))
                    });
                    self.tell_hospital(round::Input::Message { from: id, bytes });
                }
                Mail::Close(_) | Mail::Opened => self.hospital_notices(id),
            },
            Direction::Down if connection.peer_end != End::Closed => match mail {
                Mail::Opened => {
                    connection.peer_end = End::Open;
                    self.tell_peer(patient, peer::Input::Connected);
                }
                Mail::Message(bytes) => {
                    self.note_message(&bytes, |name| format!("  {patient} <- {name}"));
                    self.tell_peer(patient, peer::Input::Message(bytes.into()));
                }
                Mail::Close(code) => self.peer_loses(id, code),
            },
            Direction::Up | Direction::Down => {}
        }
    }

    /// The peer learns that its connection is gone, or cannot be made.
    pub fn peer_loses(&mut self, id: ConnectionId, code: u16) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.peer_end == End::Closed {
            return;
        }
        connection.peer_end = End::Closed;
        let patient = connection.patient;
        self.note(|| format!("  {patient} loses {id:?} with code {code}"));
        self.hang_up_quietly(patient);
        self.tell_peer(patient, peer::Input::ConnectionLost { code });
    }

    /// The hospital learns that a connection is gone.
    pub fn hospital_notices(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.hospital_end == End::Open {
            connection.hospital_end = End::Closed;
            self.note(|| format!("  hospital notices that {id:?} is gone"));
            self.tell_hospital(round::Input::Disconnected(id));
        }
    }

    /// The peer closes its end; the hospital hears of it behind everything that was sent before.
    pub fn peer_closes(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.peer_end = End::Closed;
            connection.down.mail.clear();
            self.send(id, Direction::Up, &Mail::Close(ABNORMAL));
        }
    }

    /// The hospital closes its end.
    pub fn hospital_closes(&mut self, id: ConnectionId, code: u16) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.hospital_end = End::Closed;
            connection.up.mail.clear();
            self.send(id, Direction::Down, &Mail::Close(code));
        }
    }

    /// A connection breaks: what is under way is lost, and each side learns of it in its own time.
    pub fn break_connection(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.broken = true;
        (connection.up, connection.down) = (Lane::default(), Lane::default());
        let (sooner, later) = (self.dice.wait(HALF_OPEN_MS), self.dice.wait(HALF_OPEN_MS));
        self.schedule(sooner, Happening::HospitalNotices(id));
        if self.dice.chance(60) {
            self.schedule(later, Happening::PeerNotices(id));
        }
    }

    /// Nothing passes over a connection for a while.
    pub fn stall_connection(&mut self, id: ConnectionId, ms: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stalled_until = self.now + ms;
        }
    }

    /// The connections that the hospital believes to stand.
    pub fn hospital_connections(&self) -> Vec<ConnectionId> {
        let open = self.connections.iter().filter(|(_, c)| c.hospital_end == End::Open);
        open.map(|(id, _)| *id).collect()
    }

    /// The hospital is gone: its kernel closes the sockets, or the power is off and nobody does. Of
    /// what it sent, a part is still on its way.
    pub fn cut_hospital_off(&mut self, power_failure: bool) {
        for id in self.hospital_connections() {
            if power_failure {
                self.break_connection(id);
            }
            let arrives = self.dice.below(8);
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let arrives = usize::try_from(arrives).expect("small");
            connection.down.mail.truncate(arrives.max(1));
            self.hospital_closes(id, ABNORMAL);
        }
    }
}
