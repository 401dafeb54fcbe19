//! The committee is fixed; sealed shares are accepted and relayed.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::committee::Committee;
use crate::contribution::{Contribution, Sender};
use crate::digest::ContributionDigest;
use crate::identity::PeerId;
use crate::messages::{Delivery, EndReason, HospitalMessage, PeerMessage, Phase, Shortfall};
use crate::round::aggregating::Aggregating;
use crate::round::closing::{Attendance, Decision, decide};
use crate::round::room::Room;
use crate::round::{ConnectionId, Envelope, Event, Output, Record, Refusal, State, Status, bounds};
use crate::sharing::ShareIndex;
use crate::study::RulePhase;
use crate::time::Timestamp;
use crate::wire::{self, Rest};

/// How long, from the committee on, members that are here and have not contributed are waited for,
/// whatever else would close the phase: slow phones seal slowly. In milliseconds; the deadline goes first.
const MEMBER_GRACE_MS: u64 = 30_000;

/// Awaits contributions.
#[derive(Debug)]
pub(super) struct Contributing {
    began: Timestamp,
    last_arrival: Timestamp,
    committee: Committee,
    /// The message that tells the committee, encoded once.
    announcement: Bytes,
    /// By place.
    seats: Vec<Seat>,
    /// By number.
    contributions: Vec<Contributed>,
    numbers: BTreeMap<[u8; 32], u32>,
    commanded: bool,
}

/// A member's place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seat {
    /// Its connection, while it has one.
    pub(super) connection: Option<ConnectionId>,
    contributed: bool,
}

/// What is kept of a contribution once its shares are on their way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contributed {
    pub(super) sender: PeerId,
    pub(super) digest: ContributionDigest,
}

impl Contributing {
    pub(super) fn begin(committee: Committee, room: &mut Room) -> Self {
        let mut seats = vec![Seat::default(); usize::from(committee.size())];
        for (connection, peer) in room.peers() {
            if let Some(place) = committee.place_of(&peer) {
                seats[place.position()].connection = Some(connection);
            }
        }
        let began = room.now();
        let bytes = Bytes::copy_from_slice(committee.bytes());
        room.push(Output::Persist(Record::CommitteeFixed(bytes.clone())));
        room.push(Output::Event(Event::PhaseChanged(Phase::Contributing)));
        let announcement = wire::encode(&HospitalMessage::Committee(Rest(bytes))).into();
        room.broadcast(&announcement);
        Self {
            began,
            last_arrival: began,
            committee,
            announcement,
            seats,
            contributions: Vec::new(),
            numbers: BTreeMap::new(),
            commanded: false,
        }
    }

    /// The encoded message that tells the committee.
    pub(super) fn announcement(&self) -> &Bytes {
        &self.announcement
    }

    pub(super) fn contributed(&self) -> u32 {
        u32::try_from(self.contributions.len()).unwrap_or(u32::MAX)
    }

    /// How many contributions are waited for: the minimum cohort, and every member that is still here.
    pub(super) fn expected(&self, room: &Room) -> u32 {
        room.study().minimum_cohort().max(self.contributed().saturating_add(self.missing_members()))
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
        let sender = accepted.sender;
        let place = self.check_connection(&sender, envelope.from, room)?;
        if let Some(&number) = self.numbers.get(sender.as_bytes()) {
            let known = self.contributions.get(number as usize);
            if known.is_none_or(|known| known.digest != accepted.digest) {
                return Err(Refusal::AlreadyContributed);
            }
            // A repetition counts once. Whoever only contributes may have come back for it.
            room.identify(envelope.from, sender);
            envelope.acknowledge(room);
            return Ok(());
        }
        let number = self.contributed();
        // Members that are still here keep their place among the answers.
        let reserved = if place.is_some() { 0 } else { self.missing_members() };
        if number.saturating_add(reserved) >= room.study().maximum_cohort() {
            return Err(Refusal::Full);
        }
        if let Some(place) = place {
            self.seats[place.position()].contributed = true;
        }
        room.identify(envelope.from, sender);
        self.numbers.insert(*sender.as_bytes(), number);
        self.contributions.push(Contributed { sender, digest: accepted.digest });
        self.last_arrival = room.now();
        let message = envelope.bytes.clone();
        room.push(Output::Persist(Record::Contributed { number, message }));
        envelope.acknowledge(room);
        self.deliver(number, wire_sender, accepted.shares(), room);
        room.push(Output::Event(Event::Contributed { contributed: self.contributed() }));
        Ok(())
    }

    /// A member contributes over its own connection, and nobody contributes for two. Returns the
    /// member's place.
    fn check_connection(
        &self,
        sender: &PeerId,
        from: ConnectionId,
        room: &Room,
    ) -> Result<Option<ShareIndex>, Refusal> {
        let place = self.committee.place_of(sender);
        let own = match place {
            Some(place) => self.seats[place.position()].connection == Some(from),
            None => room.peer(from).is_none_or(|peer| peer == *sender),
        };
        if own { Ok(place) } else { Err(Refusal::NotMember) }
    }

    fn deliver(
        &self,
        number: u32,
        sender: Sender,
        shares: impl Iterator<Item = Bytes>,
        room: &mut Room,
    ) {
        for (seat, share) in self.seats.iter().zip(shares) {
            if let Some(connection) = seat.connection {
                let delivery = Delivery { number, sender, share: Rest(share) };
                room.send(connection, &HospitalMessage::Deliver(delivery));
            }
        }
    }

    pub(super) fn leave(mut self, peer: PeerId, room: &mut Room) -> State {
        let Some(place) = self.committee.place_of(&peer) else {
            return State::Contributing(self);
        };
        self.seats[place.position()].connection = None;
        let have = count(&self.seats, |seat| seat.connection.is_some());
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
            Decision::Close => self.close(room),
        }
    }

    /// The researcher closes the phase, as soon as members that are here have contributed.
    pub(super) fn command(self) -> State {
        State::Contributing(Self { commanded: true, ..self })
    }

    /// Fixes the manifest, or ends the round if it would be too small.
    fn close(self, room: &mut Room) -> State {
        let have = self.contributed();
        let need = room.study().minimum_cohort();
        if have < need {
            let reason = EndReason::TooFewContributed(Shortfall { have, need });
            return State::Contributing(self).end(reason, room);
        }
        Aggregating::begin(
            self.committee,
            self.announcement,
            &self.seats,
            &self.contributions,
            room,
        )
    }

    pub(super) fn due(&self, room: &Room) -> Option<Timestamp> {
        match self.decision(room) {
            Decision::Wait(until) => until,
            Decision::Close => Some(room.now()),
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
            commanded: self.commanded,
            hold_until: (self.missing_members() > 0).then(|| self.began.after(MEMBER_GRACE_MS)),
        };
        decide(room.study().contributing(), attendance, room.now())
    }

    /// How many members are connected and have not contributed.
    fn missing_members(&self) -> u32 {
        count(&self.seats, |seat| seat.connection.is_some() && !seat.contributed)
    }
}

fn count(seats: &[Seat], which: impl Fn(&Seat) -> bool) -> u32 {
    u32::try_from(seats.iter().filter(|seat| which(seat)).count()).unwrap_or(u32::MAX)
}
