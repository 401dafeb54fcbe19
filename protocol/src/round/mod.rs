//! The hospital's side of a round, without I/O.
//!
//! # Driving a [`Round`]
//!
//! This is the *driving contract* of the crate, and [`crate::peer::Peer`] keeps to it too:
//!
//! 1. Give the machine one [`Input`] with [`Round::handle`], and the time. Time never goes back.
//! 2. Drain [`Round::poll_output`] until it returns `None`, and perform the outputs **in order**.
//! 3. [`Output::Persist`] is a barrier: nothing behind it may be performed before it is durable.
//! 4. [`Output::Timeout`] replaces the timer that was set before. When the time has come, give
//!    [`Input::Timeout`] **once**: that uses the timer up, and the machine sets another if it needs
//!    one. To come late is harmless, and after coming early the same time is set again.
//! 5. Nothing else happens: no clock is read, no randomness drawn, no task started.
//!
//! # Coming back
//!
//! A round that crashed is opened again with [`Round::restore`] from the records that are durable. Its
//! time goes on where the last record, or whatever else the driver kept of its clock, left it: the
//! clock stands still while nobody serves the round. Connections are new, and every peer repeats what
//! was not acknowledged.
//!
//! # States
//!
//! `Enrolling -> Contributing -> Verifying -> Aggregating -> Over`, each a module here. A state is
//! consumed by what it handles and returns the one that follows.

mod aggregating;
mod closed;
mod closing;
mod contributing;
mod enrolling;
mod io;
mod ledger;
mod over;
mod record;
mod refusal;
mod restore;
mod room;
mod seats;
mod verifying;

use bytes::Bytes;

use crate::digest::{ContributionDigest, MessageDigest};
use crate::identification;
use crate::identity::{PeerId, SignedBytes};
use crate::messages::{EndReason, HospitalMessage, PeerMessage, Phase, Progress};
use crate::study::{RulePhase, Study};
use crate::time::Timestamp;
use aggregating::Aggregating;
use contributing::Contributing;
use enrolling::Enrolling;
pub use io::{Command, ConnectionId, Deliveries, Event, Input, Output, Status};
use over::Over;
pub use record::{Contributed, Record, RecordError};
pub use refusal::Refusal;
pub use restore::RestoreError;
pub use room::REPORTS_MAX;
use room::Room;
pub use seats::DELIVERY_WINDOW;
use verifying::Verifying;

/// How long somebody who has lost the connection is waited for as if it were still there, in
/// milliseconds: phones change networks and pages reload.
pub const AWAY_GRACE_MS: u64 = 20_000;

/// The hospital's side of one round.
#[derive(Debug)]
pub struct Round {
    room: Room,
    /// `None` only while a transition runs.
    state: Option<State>,
    timer: Option<Timestamp>,
}

#[derive(Debug)]
enum State {
    Enrolling(Enrolling),
    Contributing(Contributing),
    Verifying(Verifying),
    Aggregating(Aggregating),
    Over(Over),
}

/// A peer that has just shown who it is.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    peer: PeerId,
    connection: ConnectionId,
    /// How many deliveries it holds.
    held: u32,
}

impl Round {
    /// Opens a round; enrolment begins `now`.
    #[must_use]
    pub fn open(study: Study, now: Timestamp) -> Self {
        let mut round = Self {
            room: Room::new(study, now),
            state: Some(State::Enrolling(Enrolling::new(now))),
            timer: None,
        };
        round.set_timer();
        round
    }

    /// Handles one input; see the driving contract above.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.room.advance_clock(now);
        if matches!(input, Input::Timeout) {
            self.timer = None;
        }
        let Some(state) = self.state.take() else {
            unreachable!("every transition puts a state back")
        };
        let state = state.handle(input, &mut self.room).tick(&mut self.room);
        match state.progress(&self.room) {
            Some(progress) => self.room.tell_progress(progress),
            None => self.room.stop_progress(),
        }
        self.state = Some(state);
        self.set_timer();
    }

    /// The next thing to do, if there is any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.room.next_output()
    }

    /// Sets how much is judged before other inputs get their turn, in multiplications of field elements, of some
    /// 8 ns each; 2^20 if nothing is set. The verdict is the same, whatever it is.
    pub fn judge_in_slices_of(&mut self, multiplications: u64) {
        self.room.set_judging_slice(multiplications);
    }

    /// Where the round stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state().status(&self.room)
    }

    /// The study of this round.
    #[must_use]
    pub fn study(&self) -> &Study {
        self.room.study()
    }

    fn state(&self) -> &State {
        self.state.as_ref().unwrap_or_else(|| unreachable!("every transition puts a state back"))
    }

    fn set_timer(&mut self) {
        let due =
            [self.state().due(&self.room), self.room.progress_due()].into_iter().flatten().min();
        if due != self.timer {
            self.timer = due;
            self.room.push(Output::Timeout(due));
        }
    }
}

impl State {
    fn handle(self, input: Input, room: &mut Room) -> Self {
        match input {
            Input::Connected { connection, challenge } => {
                room.welcome(connection, challenge);
                self.introduce(connection, room);
                self
            }
            Input::Disconnected(connection) => {
                let peer = room.remove(connection);
                self.gone(peer, room)
            }
            Input::Message { from, bytes } if room.is_connected(from) => {
                match self.message(from, &bytes, room) {
                    (state, None) => state,
                    (state, Some(reason)) => {
                        let peer = room.refuse(from, reason);
                        state.gone(peer, room)
                    }
                }
            }
            Input::Loaded { number, message } => match self {
                Self::Contributing(state) => state.loaded(number, &message, room),
                Self::Verifying(state) => state.loaded(number, &message, room),
                Self::Aggregating(state) => state.loaded(number, &message, room),
                // Nobody needs it any more.
                state @ (Self::Enrolling(_) | Self::Over(_)) => state,
            },
            Input::Timeout => match self {
                Self::Verifying(mut state) => {
                    state.judge(room);
                    Self::Verifying(state)
                }
                state => state,
            },
            // What was under way when the connection was closed is of no interest any more.
            Input::Message { .. } => self,
            Input::Command(command) => self.command(command, room),
        }
    }

    fn message(
        self,
        from: ConnectionId,
        bytes: &Bytes,
        room: &mut Room,
    ) -> (Self, Option<Refusal>) {
        if room.has_left(from) {
            return (self, Some(Refusal::Gone));
        }
        let message = match PeerMessage::decode(bytes) {
            Ok(PeerMessage::Identify(signed)) => return self.identify(&signed, from, room),
            Ok(message) => message,
            Err(_) => return (self, Some(Refusal::Malformed)),
        };
        let Some(peer) = room.peer(from) else {
            return (self, Some(Refusal::Unidentified));
        };
        if let PeerMessage::Leave = message {
            room.leave(from);
            return (self.leave(&peer, room), None);
        }
        if let PeerMessage::WordsDiffer = message {
            return self.words_differ(from, &peer, room);
        }
        self.deliver(message, &Envelope { from, peer, bytes }, room)
    }

    fn deliver(
        self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (Self, Option<Refusal>) {
        match self {
            Self::Enrolling(state) => state.message(message, envelope, room),
            Self::Contributing(state) => state.message(message, envelope, room),
            Self::Verifying(state) => state.message(message, envelope, room),
            Self::Aggregating(state) => state.message(message, envelope, room),
            Self::Over(state) => state.message(message, envelope, room),
        }
    }

    /// Takes in a message that has waited. Its sender may be gone by now, and what it has said holds all the same.
    fn deliver_late(
        self,
        peer: PeerId,
        from: ConnectionId,
        bytes: &Bytes,
        room: &mut Room,
    ) -> Self {
        let Ok(message) = PeerMessage::decode(bytes) else {
            unreachable!("it was decoded when it came")
        };
        let (state, refusal) = self.deliver(message, &Envelope { from, peer, bytes }, room);
        match refusal.filter(|_| room.is_connected(from)) {
            None => state,
            Some(reason) => {
                let peer = room.refuse(from, reason);
                state.gone(peer, room)
            }
        }
    }

    /// A peer shows who it is, and gets what it has missed.
    fn identify(
        self,
        signed: &SignedBytes,
        from: ConnectionId,
        room: &mut Room,
    ) -> (Self, Option<Refusal>) {
        let Some(challenge) = room.challenge(from) else { return (self, None) };
        let shown = match identification::verify(room.study(), challenge, signed) {
            Ok(shown) => shown,
            Err(error) => return (self, Some(Refusal::Identification(error))),
        };
        if room.peer(from).is_some_and(|known| known != shown.peer) {
            return (self, Some(Refusal::NotMember));
        }
        if room.peer(from).is_some() {
            // It has come before, and what it asks for is on its way.
            return (self, None);
        }
        if room.is_outdated(from, &shown.peer) {
            return (self, Some(Refusal::Replaced));
        }
        room.identify(from, shown.peer);
        let arrival = Arrival { peer: shown.peer, connection: from, held: shown.held };
        let state = match self {
            Self::Enrolling(state) => state.arrive(&arrival.peer),
            Self::Contributing(state) => state.arrive(arrival, room),
            Self::Verifying(state) => state.arrive(arrival, room),
            Self::Aggregating(state) => state.arrive(arrival, room),
            Self::Over(state) => state.arrive(arrival, room),
        };
        (state, None)
    }

    /// The connection of a peer, if it had shown to be one, is gone.
    fn gone(self, peer: Option<PeerId>, room: &Room) -> Self {
        let Some(peer) = peer else { return self };
        match self {
            Self::Enrolling(state) => state.go_away(&peer, room),
            Self::Contributing(state) => state.go_away(&peer, room),
            Self::Verifying(state) => state.go_away(&peer, room),
            Self::Aggregating(state) => state.go_away(&peer, room),
            Self::Over(over) => Self::Over(over),
        }
    }

    /// A patient leaves for good.
    fn leave(self, peer: &PeerId, room: &mut Room) -> Self {
        match self {
            Self::Enrolling(state) => state.leave(peer, room),
            Self::Contributing(state) => state.leave(peer, room),
            Self::Verifying(state) => state.leave(peer, room),
            Self::Aggregating(state) => state.leave(peer, room),
            Self::Over(over) => Self::Over(over),
        }
    }

    /// A patient leaves for good because of other safety words, and everybody else is told. The round goes on: a
    /// single troll could otherwise end any round. Whoever has not sent anything yet decides anew.
    fn words_differ(
        self,
        from: ConnectionId,
        peer: &PeerId,
        room: &mut Room,
    ) -> (Self, Option<Refusal>) {
        if let Self::Enrolling(_) = self {
            return (self, Some(Refusal::WrongPhase(Phase::Enrolling)));
        }
        room.leave(from);
        let over = matches!(self, Self::Over(_));
        if !over && room.dispute(*peer) {
            room.persist(Record::WordsDisputed(*peer));
            room.push(Output::Event(Event::WordsDisputed { reports: room.disputes() }));
            room.broadcast_disputes(from);
        }
        (self.leave(peer, room), None)
    }

    fn command(self, command: Command, room: &mut Room) -> Self {
        match (self, command) {
            (Self::Enrolling(state), Command::CloseEnrolment)
                if room.study().enrolment().by_command =>
            {
                state.close(room)
            }
            (Self::Contributing(state), Command::CloseContributing)
                if room.study().contributing().by_command =>
            {
                state.command(room)
            }
            (Self::Enrolling(state), Command::RevokeInvitations(serials))
                if room.study().authority().is_some() =>
            {
                state.revoke(&serials, room)
            }
            (
                state @ (Self::Enrolling(_)
                | Self::Contributing(_)
                | Self::Verifying(_)
                | Self::Aggregating(_)),
                Command::Abort,
            ) => state.end(EndReason::Aborted, room),
            (state, command) => {
                room.push(Output::Event(Event::CommandRefused(command)));
                state
            }
        }
    }

    /// Lets the clock act.
    fn tick(self, room: &mut Room) -> Self {
        match self {
            Self::Enrolling(state) => state.tick(room),
            Self::Contributing(state) => state.tick(room),
            Self::Verifying(state) => state.tick(room),
            Self::Aggregating(state) => state.tick(room),
            Self::Over(over) => Self::Over(over),
        }
    }

    /// Says to a newcomer what everybody knows.
    fn introduce(&self, connection: ConnectionId, room: &mut Room) {
        room.tell_disputes(connection);
        match self {
            Self::Enrolling(_) => {}
            Self::Contributing(state) => room.send_encoded(connection, state.announcement.clone()),
            Self::Verifying(state) => {
                room.send_encoded(connection, state.closed.announcement.clone());
            }
            Self::Aggregating(state) => {
                room.send_encoded(connection, state.closed.announcement.clone());
            }
            Self::Over(over) => over.tell(connection, room),
        }
        if let Some(progress) = self.progress(room) {
            room.send(connection, &HospitalMessage::Progress(progress));
        }
    }

    fn end(self, reason: EndReason, room: &mut Room) -> Self {
        room.persist(Record::Ended(reason));
        room.push(Output::Event(Event::PhaseChanged(Phase::Ended)));
        room.push(Output::Event(Event::Ended(reason)));
        let over = self.ended(reason, room);
        room.broadcast(over.outcome());
        Self::Over(over)
    }

    /// What is left of a round that ended without a result.
    fn ended(self, reason: EndReason, room: &Room) -> Over {
        let status = self.status(room);
        let announcement = match self {
            Self::Contributing(state) => Some(state.announcement),
            Self::Verifying(state) => Some(state.closed.announcement),
            Self::Aggregating(state) => Some(state.closed.announcement),
            Self::Enrolling(_) | Self::Over(_) => None,
        };
        Over::ended(status, announcement, reason)
    }

    fn due(&self, room: &Room) -> Option<Timestamp> {
        match self {
            Self::Enrolling(state) => Some(state.due(room)),
            Self::Contributing(state) => Some(state.due(room)),
            Self::Verifying(state) => Some(state.due(room)),
            Self::Aggregating(state) => Some(state.due(room)),
            Self::Over(_) => None,
        }
    }

    fn progress(&self, room: &Room) -> Option<Progress> {
        let (phase, present, needed, away, closes_at) = match self {
            Self::Enrolling(state) => {
                let needed = room.study().minimum_cohort();
                (Phase::Enrolling, state.enrolled(), needed, state.away(), state.closes_at(room))
            }
            Self::Contributing(state) => {
                let (present, needed) = (state.ledger.len(), state.expected(room));
                (Phase::Contributing, present, needed, state.away(room), state.due(room))
            }
            Self::Verifying(state) => {
                let (present, needed) = (state.complete(), state.closed.threshold());
                (Phase::Verifying, present, needed, state.away(), state.closes_at(room))
            }
            Self::Aggregating(state) => {
                let (present, needed) = (state.partials(), state.closed.threshold());
                (Phase::Aggregating, present, needed, state.away(), state.due(room))
            }
            Self::Over(_) => return None,
        };
        let closes_in_ms = closes_at.since(room.now());
        Some(Progress { phase, present, needed, away, closes_in_ms })
    }

    fn status(&self, room: &Room) -> Status {
        let blank = Status::blank(room);
        match self {
            Self::Enrolling(state) => Status {
                away: state.away(),
                closes_at: Some(state.closes_at(room)),
                ..state.status(blank)
            },
            Self::Contributing(state) => Status {
                away: state.away(room),
                closes_at: Some(state.due(room)),
                ..state.status(blank)
            },
            Self::Verifying(state) => Status {
                away: state.away(),
                closes_at: Some(state.closes_at(room)),
                ..state.status(blank)
            },
            Self::Aggregating(state) => Status {
                away: state.away(),
                closes_at: Some(state.due(room)),
                ..state.status(blank)
            },
            Self::Over(over) => Status { connected: room.connected(), ..over.status.clone() },
        }
    }
}

/// A message's way back: where it came from, its bytes, and what acknowledges it.
struct Envelope<'a> {
    from: ConnectionId,
    /// The peer that the connection has shown to be.
    peer: PeerId,
    bytes: &'a Bytes,
}

impl Envelope<'_> {
    fn acknowledge(&self, room: &mut Room) {
        let digest = MessageDigest::of(self.bytes);
        room.send(self.from, &HospitalMessage::Acknowledge(digest));
    }

    /// A contribution has a digest already, and is long.
    fn acknowledge_contribution(&self, digest: ContributionDigest, room: &mut Room) {
        room.send(self.from, &HospitalMessage::Acknowledge(digest.into()));
    }
}

/// Which minimum and maximum a phase has.
fn bounds(phase: RulePhase, study: &Study) -> (u32, u32) {
    match phase {
        RulePhase::Enrolment => {
            let cap = u32::from(study.committee_cap()).min(study.maximum_cohort());
            (u32::from(study.minimum_committee()), cap)
        }
        RulePhase::Contributing => (study.minimum_cohort(), study.maximum_cohort()),
    }
}
