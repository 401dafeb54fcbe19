//! People answer and enrol; the committee is not fixed yet.

use bytes::Bytes;

use crate::committee::{Committee, CommitteeError, Enrolment};
use crate::identity::PeerId;
use crate::messages::{EndReason, PeerMessage, Phase, Shortfall};
use crate::round::closing::{Attendance, Decision, decide};
use crate::round::contributing::Contributing;
use crate::round::room::Room;
use crate::round::{ConnectionId, Envelope, Event, Output, Record, Refusal, State, bounds};
use crate::study::RulePhase;
use crate::time::Timestamp;

/// Awaits enrolments.
#[derive(Debug)]
pub(super) struct Enrolling {
    began: Timestamp,
    last_arrival: Timestamp,
    /// The most that were ever here at once.
    peak: u32,
    enrolments: Vec<(ConnectionId, Enrolment)>,
}

impl Enrolling {
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, last_arrival: began, peak: 0, enrolments: Vec::new() }
    }

    pub(super) fn enrolled(&self) -> u32 {
        u32::try_from(self.enrolments.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let refusal = match message {
            PeerMessage::Enrol(signed) => match Enrolment::verify(room.study(), signed) {
                Ok(enrolment) => self.enrol(enrolment, envelope, room).err(),
                Err(error) => Some(Refusal::Enrolment(error)),
            },
            PeerMessage::Contribute(_) | PeerMessage::Partial(_) | PeerMessage::Decline(_) => {
                Some(Refusal::WrongPhase(Phase::Enrolling))
            }
        };
        (State::Enrolling(self), refusal)
    }

    fn enrol(
        &mut self,
        enrolment: Enrolment,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let from = envelope.from;
        if let Some((connection, known)) =
            self.enrolments.iter().find(|(_, known)| known.shares_key_with(&enrolment))
        {
            // The same message again over the same connection is a repetition and counts once.
            if *connection == from && known.signed() == enrolment.signed() {
                envelope.acknowledge(room);
                return Ok(());
            }
            return Err(Refusal::AlreadyEnrolled);
        }
        if room.peer(from).is_some() {
            return Err(Refusal::AlreadyEnrolled);
        }
        // A key that nobody can seal to would keep everybody from contributing later.
        enrolment.check_sealing_key().map_err(Refusal::Enrolment)?;
        room.identify(from, enrolment.id());
        self.enrolments.push((from, enrolment));
        // Somebody who comes and goes is no reason for the others to wait longer.
        if self.enrolled() > self.peak {
            self.peak = self.enrolled();
            self.last_arrival = room.now();
        }
        room.push(Output::Persist(Record::Enrolled(Bytes::copy_from_slice(envelope.bytes))));
        envelope.acknowledge(room);
        room.push(Output::Event(Event::Enrolled { enrolled: self.enrolled() }));
        Ok(())
    }

    pub(super) fn leave(mut self, peer: PeerId, room: &mut Room) -> State {
        self.enrolments.retain(|(_, enrolment)| enrolment.id() != peer);
        room.push(Output::Persist(Record::Withdrawn(peer)));
        State::Enrolling(self)
    }

    pub(super) fn tick(self, room: &mut Room) -> State {
        match self.decision(room) {
            Decision::Wait(_) => State::Enrolling(self),
            Decision::Close => self.close(room),
        }
    }

    /// Fixes the committee, or ends the round if it would be too small.
    pub(super) fn close(self, room: &mut Room) -> State {
        let (need, _) = bounds(RulePhase::Enrolment, room.study());
        let have = self.enrolled();
        let members = self.enrolments.iter().map(|(_, enrolment)| enrolment.clone()).collect();
        match Committee::new(room.study(), members) {
            Ok(committee) => State::Contributing(Contributing::begin(committee, room)),
            Err(CommitteeError::Size { .. }) => {
                let reason = EndReason::TooFewEnrolled(Shortfall { have, need });
                State::Enrolling(self).end(reason, room)
            }
            Err(error) => unreachable!("every enrolment was checked when it came: {error}"),
        }
    }

    pub(super) fn due(&self, room: &Room) -> Option<Timestamp> {
        match self.decision(room) {
            Decision::Wait(until) => until,
            Decision::Close => Some(room.now()),
        }
    }

    fn decision(&self, room: &Room) -> Decision {
        let (minimum, maximum) = bounds(RulePhase::Enrolment, room.study());
        let attendance = Attendance {
            began: self.began,
            last_arrival: self.last_arrival,
            present: self.enrolled(),
            minimum,
            maximum,
            commanded: false,
            hold_until: None,
        };
        decide(room.study().enrolment(), attendance, room.now())
    }
}
