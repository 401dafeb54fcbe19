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
//! # States
//!
//! `Enrolling -> Contributing -> Aggregating -> Over`, each a module here. A state is consumed by
//! what it handles and returns the one that follows. Validity proofs will stand between
//! `Contributing` and `Aggregating`, as a state of their own.

mod aggregating;
mod closing;
mod contributing;
mod enrolling;
mod refusal;
mod room;

use bytes::Bytes;

use crate::aggregate::Aggregate;
use crate::digest::MessageDigest;
use crate::identity::PeerId;
use crate::messages::{DeclineReason, EndReason, HospitalMessage, PeerMessage, Phase, Progress};
use crate::study::{RulePhase, Study};
use crate::time::Timestamp;
use crate::wire;
use aggregating::Aggregating;
use contributing::Contributing;
use enrolling::Enrolling;
pub use refusal::Refusal;
use room::Room;

/// Names a connection; the driver gives each a number that it never uses again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What happens to a round.
#[derive(Debug)]
pub enum Input {
    /// A peer connected.
    Connected(ConnectionId),
    /// A connection is gone.
    Disconnected(ConnectionId),
    /// One WebSocket message, unread.
    Message {
        /// From which connection.
        from: ConnectionId,
        /// Its bytes. A contribution is kept and relayed without another copy of them.
        bytes: Bytes,
    },
    /// The researcher decided something.
    Command(Command),
    /// The time of the last [`Output::Timeout`] has come.
    Timeout,
}

/// What a researcher can decide while a round runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Fix the committee now; below the minimum the round ends.
    CloseEnrolment,
    /// Fix the manifest, as soon as members that are here have contributed or had time to; below
    /// the minimum the round ends.
    CloseContributing,
    /// End the round without a result.
    Abort,
}

/// What a round wants done, in order.
#[derive(Debug)]
pub enum Output {
    /// Make this durable before anything that follows is performed.
    Persist(Record),
    /// Send one WebSocket message.
    Send {
        /// To which connection.
        to: ConnectionId,
        /// Its bytes, shared where the same message goes to many.
        bytes: Bytes,
    },
    /// Close with `reason.code()` and `reason.to_string()`. No [`Input::Disconnected`] is expected.
    Close {
        /// Which connection.
        connection: ConnectionId,
        /// Why.
        reason: Refusal,
    },
    /// Something worth telling the people who run the round.
    Event(Event),
    /// Set the timer, or clear it.
    Timeout(Option<Timestamp>),
}

/// What has to survive the process, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Record {
    /// A peer enrolled: its message.
    Enrolled(Bytes),
    /// A peer that had enrolled left before the committee was fixed.
    Withdrawn(PeerId),
    /// The committee is fixed: its bytes.
    CommitteeFixed(Bytes),
    /// A contribution was accepted: its number, and the message with all sealed shares.
    Contributed {
        /// From 0, in the order of acceptance.
        number: u32,
        /// The message.
        message: Bytes,
    },
    /// The manifest is fixed: it has this many contributions, in the order of their numbers.
    ManifestFixed {
        /// How many.
        size: u32,
    },
    /// A member gave its partial aggregate: its message.
    Partial(Bytes),
    /// A member will not give one.
    Declined(PeerId, DeclineReason),
    /// There is a result.
    Published(Aggregate),
    /// The round ended without a result.
    Ended(EndReason),
}

/// What the people who run the round get to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The round went on to this phase.
    PhaseChanged(Phase),
    /// One more person has answered and could serve on the committee.
    Enrolled {
        /// How many now.
        enrolled: u32,
    },
    /// One more contribution has been accepted.
    Contributed {
        /// How many now.
        contributed: u32,
    },
    /// One more partial aggregate has come.
    PartialReceived {
        /// How many now.
        partials: u32,
    },
    /// A member will not give a partial aggregate.
    MemberDeclined(DeclineReason),
    /// A peer did something that no honest one does, or came too late; its connection is closed.
    PeerRefused {
        /// Which connection.
        connection: ConnectionId,
        /// What it did.
        reason: Refusal,
    },
    /// A command does not fit the phase, or the study does not allow it.
    CommandRefused(Command),
    /// The result.
    Published(Aggregate),
    /// The round ended without a result.
    Ended(EndReason),
}

/// A snapshot for the status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where the round stands.
    pub phase: Phase,
    /// How many people have enrolled.
    pub enrolled: u32,
    /// `k`, once the committee is fixed.
    pub committee: Option<u8>,
    /// `T`, once the committee is fixed.
    pub threshold: Option<u8>,
    /// How many contributions were accepted.
    pub contributed: u32,
    /// How many partial aggregates have come.
    pub partials: u32,
    /// How many connections there are.
    pub connected: u32,
    /// When the phase closes by itself, if nothing happens before.
    pub closes_at: Option<Timestamp>,
    /// The result.
    pub aggregate: Option<Aggregate>,
    /// Why there is none.
    pub ended: Option<EndReason>,
}

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
    Aggregating(Aggregating),
    Over(Over),
}

/// The round is over, and what is said to everybody who still comes.
#[derive(Debug)]
struct Over {
    status: Status,
    /// The encoded message that tells the committee, if there was one.
    committee: Option<Bytes>,
    /// The encoded message that tells how the round ended.
    outcome: Bytes,
}

impl Over {
    /// Tells everybody how the round ended.
    fn tell(
        status: Status,
        committee: Option<Bytes>,
        outcome: &HospitalMessage,
        room: &mut Room,
    ) -> Self {
        let outcome = wire::encode(outcome).into();
        room.broadcast(&outcome);
        Self { status, committee, outcome }
    }
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
            Input::Connected(connection) => {
                room.welcome(connection);
                self.catch_up(connection, room);
                self
            }
            Input::Disconnected(connection) => match room.remove(connection) {
                Some(peer) => self.leave(peer, room),
                None => self,
            },
            Input::Message { from, bytes } if room.is_connected(from) => {
                self.message(from, &bytes, room)
            }
            // What was under way when the connection was closed is of no interest any more.
            Input::Message { .. } | Input::Timeout => self,
            Input::Command(command) => self.command(command, room),
        }
    }

    fn message(self, from: ConnectionId, bytes: &Bytes, room: &mut Room) -> Self {
        let Ok(message) = PeerMessage::decode(bytes) else {
            let peer = room.refuse(from, Refusal::Malformed);
            return self.left(peer, room);
        };
        let digest = MessageDigest::of(bytes);
        let envelope = Envelope { from, bytes, digest };
        let (state, refusal) = match self {
            Self::Enrolling(state) => state.message(message, &envelope, room),
            Self::Contributing(state) => state.message(message, &envelope, room),
            Self::Aggregating(state) => state.message(message, &envelope, room),
            Self::Over(over) => (Self::Over(over), Some(Refusal::RoundOver)),
        };
        match refusal {
            Some(reason) => {
                let peer = room.refuse(from, reason);
                state.left(peer, room)
            }
            None => state,
        }
    }

    fn left(self, peer: Option<PeerId>, room: &mut Room) -> Self {
        match peer {
            Some(peer) => self.leave(peer, room),
            None => self,
        }
    }

    /// A peer that had said who it is has gone.
    fn leave(self, peer: PeerId, room: &mut Room) -> Self {
        match self {
            Self::Enrolling(state) => state.leave(peer, room),
            Self::Contributing(state) => state.leave(peer, room),
            Self::Aggregating(state) => state.leave(peer, room),
            Self::Over(over) => Self::Over(over),
        }
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
                state.command()
            }
            (
                state @ (Self::Enrolling(_) | Self::Contributing(_) | Self::Aggregating(_)),
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
            Self::Aggregating(state) => state.tick(room),
            Self::Over(over) => Self::Over(over),
        }
    }

    /// Says what a newcomer has missed.
    fn catch_up(&self, connection: ConnectionId, room: &mut Room) {
        match self {
            Self::Enrolling(_) => {}
            Self::Contributing(state) => {
                room.send_encoded(connection, state.announcement().clone());
            }
            Self::Aggregating(state) => room.send_encoded(connection, state.announcement().clone()),
            Self::Over(over) => {
                for message in over.committee.iter().chain([&over.outcome]) {
                    room.send_encoded(connection, message.clone());
                }
            }
        }
        if let Some(progress) = self.progress(room) {
            room.send(connection, &HospitalMessage::Progress(progress));
        }
    }

    fn end(self, reason: EndReason, room: &mut Room) -> Self {
        let committee = match &self {
            Self::Contributing(state) => Some(state.announcement().clone()),
            Self::Aggregating(state) => Some(state.announcement().clone()),
            Self::Enrolling(_) | Self::Over(_) => None,
        };
        let status = Status {
            phase: Phase::Ended,
            closes_at: None,
            ended: Some(reason),
            ..self.status(room)
        };
        room.push(Output::Persist(Record::Ended(reason)));
        room.push(Output::Event(Event::PhaseChanged(Phase::Ended)));
        room.push(Output::Event(Event::Ended(reason)));
        Self::Over(Over::tell(status, committee, &HospitalMessage::Ended(reason), room))
    }

    fn due(&self, room: &Room) -> Option<Timestamp> {
        match self {
            Self::Enrolling(state) => state.due(room),
            Self::Contributing(state) => state.due(room),
            Self::Aggregating(state) => Some(state.due(room)),
            Self::Over(_) => None,
        }
    }

    fn progress(&self, room: &Room) -> Option<Progress> {
        let (phase, present, needed) = match self {
            Self::Enrolling(state) => {
                (Phase::Enrolling, state.enrolled(), room.study().minimum_cohort())
            }
            Self::Contributing(state) => {
                (Phase::Contributing, state.contributed(), state.expected(room))
            }
            Self::Aggregating(state) => (Phase::Aggregating, state.partials(), state.threshold()),
            Self::Over(_) => return None,
        };
        let closes_in_ms = self.due(room).map(|due| due.since(room.now()));
        Some(Progress { phase, present, needed, closes_in_ms })
    }

    fn status(&self, room: &Room) -> Status {
        let connected = room.connected();
        let closes_at = self.due(room);
        let blank = Status {
            phase: Phase::Enrolling,
            enrolled: 0,
            committee: None,
            threshold: None,
            contributed: 0,
            partials: 0,
            connected,
            closes_at,
            aggregate: None,
            ended: None,
        };
        match self {
            Self::Enrolling(state) => Status { enrolled: state.enrolled(), ..blank },
            Self::Contributing(state) => state.status(blank),
            Self::Aggregating(state) => state.status(blank),
            Self::Over(over) => Status { connected, ..over.status },
        }
    }
}

/// A message's way back: where it came from, its bytes, and what acknowledges it.
struct Envelope<'a> {
    from: ConnectionId,
    bytes: &'a Bytes,
    digest: MessageDigest,
}

impl Envelope<'_> {
    fn acknowledge(&self, room: &mut Room) {
        room.send(self.from, &HospitalMessage::Acknowledge(self.digest));
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
