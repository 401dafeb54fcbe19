//! The committee is fixed; sealed shares are accepted and relayed.

use std::collections::BTreeMap;

use crate::committee::Committee;
use crate::contribution::{Contribution, Sender};
use crate::digest::ContributionDigest;
use crate::identity::PeerId;
use crate::messages::{Delivery, EndReason, HospitalMessage, PeerMessage, Phase, Shortfall};
use crate::round::aggregating::Aggregating;
use crate::round::closing::{Attendance, Decision, decide};
use crate::round::room::Room;
use crate::round::{ConnectionId, Envelope, Event, Output, Record, Refusal, State, Status, bounds};
use crate::study::{Closing, RulePhase};
use crate::time::Timestamp;
use crate::wire::Rest;

/// How long, at least, a member that is connected and has not contributed yet is waited for once
/// the others have: slow phones seal slowly. In milliseconds; the deadline goes first.
const MEMBER_GRACE_MS: u64 = 30_000;

/// Awaits contributions.
#[derive(Debug)]
pub(super) struct Contributing {
    began: Timestamp,
    last_arrival: Timestamp,
    committee: Committee,
    /// Each member's connection, while it has one.
    seats: Vec<Option<ConnectionId>>,
    /// By number.
    contributions: Vec<Contributed>,
    numbers: BTreeMap<PeerId, u32>,
}

/// What is kept of a contribution once its shares are on their way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contributed {
    pub(super) sender: PeerId,
    pub(super) digest: ContributionDigest,
}

impl Contributing {
    pub(super) fn begin(committee: Committee, room: &mut Room) -> Self {
        let mut seats = vec![None; usize::from(committee.size())];
        for (connection, peer) in room.peers() {
            if let Some(place) = committee.place_of(&peer) {
                seats[place.position()] = Some(connection);
            }
        }
        let began = room.now();
        let state = Self {
            began,
            last_arrival: began,
            committee,
            seats,
            contributions: Vec::new(),
            numbers: BTreeMap::new(),
        };
        room.push(Output::Persist(Record::CommitteeFixed(state.committee_bytes())));
        room.push(Output::Event(Event::PhaseChanged(Phase::Contributing)));
        room.broadcast(&state.committee_message());
        state
    }

    pub(super) fn committee_bytes(&self) -> Vec<u8> {
        self.committee.bytes().to_vec()
    }

    pub(super) fn committee_message(&self) -> HospitalMessage {
        HospitalMessage::Committee(Rest(self.committee_bytes()))
    }

    pub(super) fn contributed(&self) -> u32 {
        u32::try_from(self.contributions.len()).unwrap_or(u32::MAX)
    }

    /// How many contributions are waited for: the minimum cohort, and every member that is still here.
    pub(super) fn expected(&self, room: &Room) -> u32 {
        let missing = u32::try_from(self.missing_members()).unwrap_or(u32::MAX);
        room.study().minimum_cohort().max(self.contributed().saturating_add(missing))
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status {
            phase: Phase::Contributing,
            enrolled: u32::from(self.committee.size()),
            committee: Some(self.committee.size()),
            threshold: Some(self.committee.threshold()),
            contributed: self.contributed(),
            ..blank
        }
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let refusal = match message {
            PeerMessage::Contribute(contribution) => {
                self.accept(contribution, envelope, room).err()
            }
            // It crossed the committee on the way; the peer now contributes without a seat.
            PeerMessage::Enrol(_) if room.peer(envelope.from).is_none() => None,
            PeerMessage::Enrol(_) => Some(Refusal::AlreadyEnrolled),
            PeerMessage::Partial(_) | PeerMessage::Decline(_) => {
                Some(Refusal::WrongPhase(Phase::Contributing))
            }
        };
        (State::Contributing(self), refusal)
    }

    fn accept(
        &mut self,
        contribution: Contribution,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let wire_sender = contribution.sender;
        let accepted =
            contribution.verify(room.study(), &self.committee).map_err(Refusal::Contribution)?;
        if let Some(&number) = self.numbers.get(&accepted.sender) {
            let known = self.contributions.get(number as usize);
            if known.is_some_and(|known| known.digest == accepted.digest) {
                envelope.acknowledge(room);
                return Ok(());
            }
            return Err(Refusal::AlreadyContributed);
        }
        self.check_connection(&accepted.sender, envelope.from, room)?;
        let number = self.contributed();
        if number >= room.study().maximum_cohort() {
            return Err(Refusal::Full);
        }
        room.identify(envelope.from, accepted.sender);
        self.numbers.insert(accepted.sender, number);
        self.contributions.push(Contributed { sender: accepted.sender, digest: accepted.digest });
        self.last_arrival = room.now();
        room.push(Output::Persist(Record::Contributed {
            number,
            message: envelope.bytes.to_vec(),
        }));
        envelope.acknowledge(room);
        self.deliver(number, wire_sender, accepted.shares(), room);
        room.push(Output::Event(Event::Contributed { contributed: self.contributed() }));
        Ok(())
    }

    /// A member contributes over its own connection, and nobody contributes for two.
    fn check_connection(
        &self,
        sender: &PeerId,
        from: ConnectionId,
        room: &Room,
    ) -> Result<(), Refusal> {
        if let Some(place) = self.committee.place_of(sender) {
            let own = self.seats[place.position()] == Some(from);
            return if own { Ok(()) } else { Err(Refusal::NotMember) };
        }
        match room.peer(from) {
            Some(other) if other != *sender => Err(Refusal::NotMember),
            _ => Ok(()),
        }
    }

    fn deliver<'a>(
        &self,
        number: u32,
        sender: Sender,
        shares: impl Iterator<Item = &'a [u8]>,
        room: &mut Room,
    ) {
        for (seat, share) in self.seats.iter().zip(shares) {
            if let Some(connection) = seat {
                let delivery = Delivery { number, sender, share: Rest(share.to_vec()) };
                room.send(*connection, &HospitalMessage::Deliver(delivery));
            }
        }
    }

    pub(super) fn leave(mut self, peer: PeerId, room: &mut Room) -> State {
        let Some(place) = self.committee.place_of(&peer) else {
            return State::Contributing(self);
        };
        self.seats[place.position()] = None;
        let have = u32::try_from(self.seats.iter().flatten().count()).unwrap_or(u32::MAX);
        let need = u32::from(self.committee.threshold());
        if have < need {
            let reason = EndReason::MembersLost(Shortfall { have, need });
            return State::Contributing(self).end(reason, room);
        }
        State::Contributing(self)
    }

    pub(super) fn tick(self, room: &mut Room) -> State {
        match self.decision(room) {
            Decision::Wait(_) => State::Contributing(self),
            Decision::Close | Decision::GiveUp => self.close(room),
        }
    }

    /// Fixes the manifest, or ends the round if it would be too small.
    pub(super) fn close(self, room: &mut Room) -> State {
        let have = self.contributed();
        let need = room.study().minimum_cohort();
        if have < need {
            let reason = EndReason::TooFewContributed(Shortfall { have, need });
            return State::Contributing(self).end(reason, room);
        }
        Aggregating::begin(self.committee, &self.seats, &self.contributions, room)
    }

    pub(super) fn due(&self, room: &Room) -> Option<Timestamp> {
        match self.decision(room) {
            Decision::Wait(until) => until,
            Decision::Close | Decision::GiveUp => Some(room.now()),
        }
    }

    fn decision(&self, room: &Room) -> Decision {
        let (minimum, maximum) = bounds(RulePhase::Contributing, room.study());
        let attendance = Attendance {
            began: self.began,
            last_arrival: self.last_arrival,
            present: self.contributed(),
            minimum,
            maximum,
        };
        let rule = room.study().contributing();
        let patience = if self.missing_members() > 0 { MEMBER_GRACE_MS } else { 0 };
        let settle_ms = rule.settle_ms.map(|ms| ms.max(patience));
        decide(Closing { settle_ms, ..rule }, attendance, room.now())
    }

    /// How many members are connected and have not contributed.
    fn missing_members(&self) -> usize {
        let seated = self.committee.members().zip(&self.seats).filter(|(_, seat)| seat.is_some());
        seated.filter(|((_, member), _)| !self.numbers.contains_key(&member.id())).count()
    }
}
