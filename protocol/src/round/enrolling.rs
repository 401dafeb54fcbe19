//! People answer and enrol; the committee is not fixed yet.

use std::collections::BTreeSet;

use crate::committee::{Committee, CommitteeError, Enrolment};
use crate::identity::{PeerId, SignedBytes};
use crate::messages::{EndReason, PeerMessage, Phase, Shortfall};
use crate::round::closing::{Attendance, Decision, decide};
use crate::round::contributing::Contributing;
use crate::round::room::Room;
use crate::round::{
    AWAY_GRACE_MS, Envelope, Event, Output, Record, Refusal, State, Status, bounds,
};
use crate::study::RulePhase;
use crate::time::Timestamp;

/// Awaits enrolments.
#[derive(Debug)]
pub(super) struct Enrolling {
    began: Timestamp,
    last_arrival: Timestamp,
    /// The most that were ever here at once.
    peak: u32,
    /// In the order in which they came, which will be the order of the members.
    candidates: Vec<Candidate>,
    /// The numbers of invitations that were taken back.
    revoked: BTreeSet<u32>,
}

/// Somebody who may serve on the committee.
#[derive(Debug)]
struct Candidate {
    enrolment: Enrolment,
    /// Since when it has had no connection.
    away_since: Option<Timestamp>,
}

impl Enrolling {
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            last_arrival: began,
            peak: 0,
            candidates: Vec::new(),
            revoked: BTreeSet::new(),
        }
    }

    pub(super) fn enrolled(&self) -> u32 {
        u32::try_from(self.candidates.len()).unwrap_or(u32::MAX)
    }

    /// How many have enrolled and are not here at the moment.
    pub(super) fn away(&self) -> u32 {
        let away = self.candidates.iter().filter(|candidate| candidate.away_since.is_some());
        u32::try_from(away.count()).unwrap_or(u32::MAX)
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status { enrolled: self.enrolled(), ..blank }
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let refusal = match message {
            PeerMessage::Enrol(signed) => self.enrol(signed, envelope, room).err(),
            PeerMessage::Contribute(_)
            | PeerMessage::Verification(_)
            | PeerMessage::Partial(_)
            | PeerMessage::Decline(_) => Some(Refusal::WrongPhase(Phase::Enrolling)),
            PeerMessage::Identify(_)
            | PeerMessage::Received(_)
            | PeerMessage::Leave
            | PeerMessage::WordsDiffer => None,
        };
        (State::Enrolling(self), refusal)
    }

    fn enrol(
        &mut self,
        signed: SignedBytes,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let enrolment = Enrolment::verify(room.study(), signed).map_err(Refusal::Enrolment)?;
        if enrolment.id() != envelope.peer {
            return Err(Refusal::NotMember);
        }
        let known = self.candidates.iter().map(|candidate| &candidate.enrolment);
        if let Some(known) = known.clone().find(|known| known.shares_key_with(&enrolment)) {
            // The same message again is a repetition and counts once.
            if known.signed() == enrolment.signed() {
                envelope.acknowledge(room);
                return Ok(());
            }
            return Err(Refusal::AlreadyEnrolled);
        }
        if let Some(ticket) = enrolment.ticket() {
            if self.revoked.contains(&ticket.serial) {
                return Err(Refusal::InvitationRevoked);
            }
            if known.filter_map(Enrolment::ticket).any(|used| used.clashes_with(ticket)) {
                return Err(Refusal::InvitationUsed);
            }
        }
        let (_, maximum) = bounds(RulePhase::Enrolment, room.study());
        if self.enrolled() >= maximum {
            // Somebody with a seat is away for a moment. Once it is back, or given up, the committee
            // is fixed, and the newcomer hears of that; until then its page repeats the message.
            return Ok(());
        }
        // A key that nobody can seal to would keep everybody from contributing later.
        enrolment.check_sealing_key().map_err(Refusal::Enrolment)?;
        room.persist(Record::Enrolled(envelope.bytes.clone()));
        self.enter(enrolment, None, room.now());
        envelope.acknowledge(room);
        room.push(Output::Event(Event::Enrolled { enrolled: self.enrolled() }));
        Ok(())
    }

    fn enter(&mut self, enrolment: Enrolment, away_since: Option<Timestamp>, now: Timestamp) {
        self.candidates.push(Candidate { enrolment, away_since });
        // Somebody who comes and goes is no reason for the others to wait longer.
        if self.enrolled() > self.peak {
            self.peak = self.enrolled();
            self.last_arrival = now;
        }
    }

    /// Takes in an enrolment that was written down.
    pub(super) fn restore(&mut self, enrolment: Enrolment, at: Timestamp, now: Timestamp) {
        self.enter(enrolment, Some(now), at);
    }

    /// Forgets somebody who has withdrawn; `false` if it was never there.
    pub(super) fn forget(&mut self, peer: &PeerId) -> bool {
        let before = self.candidates.len();
        self.candidates.retain(|candidate| candidate.enrolment.id() != *peer);
        self.candidates.len() < before
    }

    /// Takes invitations back. Whoever has enrolled with one is sent away as time goes on, which is at
    /// once, or when the round has come back from its records.
    pub(super) fn revoke(mut self, serials: &[u32], room: &mut Room) -> State {
        let new: Vec<u32> =
            serials.iter().copied().filter(|serial| !self.revoked.contains(serial)).collect();
        if !new.is_empty() {
            self.restore_revocation(&new);
            room.persist(Record::InvitationsRevoked(new));
        }
        State::Enrolling(self)
    }

    fn send_revoked_away(&mut self, room: &mut Room) {
        let Self { candidates, revoked, .. } = self;
        let is_revoked = |candidate: &mut Candidate| {
            candidate.enrolment.ticket().is_some_and(|ticket| revoked.contains(&ticket.serial))
        };
        for candidate in candidates.extract_if(.., is_revoked) {
            let peer = candidate.enrolment.id();
            room.persist(Record::Withdrawn(peer));
            if let Some(connection) = room.connection_of(&peer) {
                room.refuse(connection, Refusal::InvitationRevoked);
            }
        }
    }

    /// Takes in that invitations were taken back. Those who had enrolled have records of their own.
    pub(super) fn restore_revocation(&mut self, serials: &[u32]) {
        self.revoked.extend(serials);
    }

    /// The numbers of invitations that were taken back.
    pub(super) fn into_revoked(self) -> BTreeSet<u32> {
        self.revoked
    }

    /// A peer has identified itself.
    pub(super) fn arrive(mut self, peer: &PeerId) -> State {
        self.set_away(peer, None);
        State::Enrolling(self)
    }

    /// A peer's connection is gone. It keeps its place for a while.
    pub(super) fn go_away(mut self, peer: &PeerId, room: &Room) -> State {
        self.set_away(peer, Some(room.now()));
        State::Enrolling(self)
    }

    fn set_away(&mut self, peer: &PeerId, since: Option<Timestamp>) {
        let candidate = self.candidates.iter_mut().find(|c| c.enrolment.id() == *peer);
        if let Some(candidate) = candidate {
            candidate.away_since = since;
        }
    }

    /// A patient leaves for good.
    pub(super) fn leave(mut self, peer: &PeerId, room: &mut Room) -> State {
        if self.forget(peer) {
            room.persist(Record::Withdrawn(*peer));
        }
        State::Enrolling(self)
    }

    pub(super) fn tick(mut self, room: &mut Room) -> State {
        self.send_revoked_away(room);
        let now = room.now();
        let lost = |candidate: &Candidate| {
            candidate.away_since.is_some_and(|since| now >= since.after(AWAY_GRACE_MS))
        };
        for candidate in self.candidates.extract_if(.., |candidate| lost(candidate)) {
            room.persist(Record::Withdrawn(candidate.enrolment.id()));
        }
        match self.decision(room) {
            Decision::Wait(_) => State::Enrolling(self),
            Decision::Close => self.close(room),
        }
    }

    /// Fixes the committee of those who are here, or ends the round if it would be too small.
    pub(super) fn close(self, room: &mut Room) -> State {
        let (need, _) = bounds(RulePhase::Enrolment, room.study());
        let present = self.candidates.iter().filter(|candidate| candidate.away_since.is_none());
        let members: Vec<_> = present.map(|candidate| candidate.enrolment.clone()).collect();
        let have = u32::try_from(members.len()).unwrap_or(u32::MAX);
        match Committee::new(room.study(), members) {
            Ok(committee) => {
                State::Contributing(Contributing::begin(committee, self.into_revoked(), room))
            }
            Err(CommitteeError::Size { .. }) => {
                let reason = EndReason::TooFewEnrolled(Shortfall { have, need });
                State::Enrolling(self).end(reason, room)
            }
            Err(error) => unreachable!("every enrolment was checked when it came: {error}"),
        }
    }

    /// When the state acts by itself.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        let closes = self.closes_at(room);
        self.patience_ends().map_or(closes, |at| at.min(closes))
    }

    /// When the phase closes if nothing happens before.
    pub(super) fn closes_at(&self, room: &Room) -> Timestamp {
        match self.decision(room) {
            Decision::Wait(until) => until,
            Decision::Close => room.now(),
        }
    }

    /// When the first of those who are away is given up.
    fn patience_ends(&self) -> Option<Timestamp> {
        let away = self.candidates.iter().filter_map(|candidate| candidate.away_since);
        away.min().map(|since| since.after(AWAY_GRACE_MS))
    }

    fn decision(&self, room: &Room) -> Decision {
        let (minimum, maximum) = bounds(RulePhase::Enrolment, room.study());
        let away = self.candidates.iter().filter_map(|candidate| candidate.away_since);
        let attendance = Attendance {
            began: self.began,
            last_arrival: self.last_arrival,
            present: self.enrolled(),
            minimum,
            maximum,
            commanded: false,
            hold_until: away.max().map(|since| since.after(AWAY_GRACE_MS)),
            hopeless: false,
        };
        decide(room.study().enrolment(), attendance, room.now())
    }
}
