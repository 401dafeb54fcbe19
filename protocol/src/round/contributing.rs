//! The committee is fixed; sealed shares are accepted and relayed.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::committee::Committee;
use crate::contribution::Contribution;
use crate::identity::PeerId;
use crate::invitation::{Ticket, UsedTickets};
use crate::messages::{EndReason, HospitalMessage, PeerMessage, Phase, Shortfall};
use crate::round::closing::{Attendance, Decision, decide};
use crate::round::ledger::Ledger;
use crate::round::record::Contributed;
use crate::round::room::Room;
use crate::round::seats::{Presence, Seats};
use crate::round::verifying::Verifying;
use crate::round::{
    AWAY_GRACE_MS, Arrival, Envelope, Event, Output, Record, Refusal, State, Status, bounds,
};
use crate::study::RulePhase;
use crate::time::Timestamp;
use crate::wire::{self, Rest};

/// How long, from the committee on, members that are here and have not contributed are waited for,
/// whatever else would close the phase: slow phones seal slowly. In milliseconds; the deadline goes first.
const MEMBER_GRACE_MS: u64 = 30_000;

/// The same in a study in which people compare the safety words first, in milliseconds: they may be many, and
/// the words are said aloud.
const COMPARING_GRACE_MS: u64 = 180_000;

/// Awaits contributions.
#[derive(Debug)]
pub(super) struct Contributing {
    began: Timestamp,
    last_arrival: Timestamp,
    pub(super) committee: Committee,
    /// The message that tells the committee, encoded once.
    pub(super) announcement: Bytes,
    pub(super) seats: Seats,
    pub(super) ledger: Ledger,
    /// The invitations of the committee and of those who have contributed.
    tickets: UsedTickets,
    /// The numbers of invitations that were taken back.
    revoked: BTreeSet<u32>,
    commanded: bool,
}

impl Contributing {
    /// Fixes the committee and tells everybody.
    pub(super) fn begin(committee: Committee, revoked: BTreeSet<u32>, room: &mut Room) -> Self {
        let bytes = Bytes::copy_from_slice(committee.bytes());
        room.persist(Record::CommitteeFixed(bytes));
        room.push(Output::Event(Event::PhaseChanged(Phase::Contributing)));
        let mut state = Self::restore(committee, revoked, room.now(), room.now());
        room.broadcast(&state.announcement);
        for (peer, connection) in room.peers() {
            if let Some(place) = state.committee.place_of(&peer) {
                state.seats.arrive(place, connection, 0, 0);
            }
        }
        state
    }

    /// The phase that began at `began`, as its records tell it `now`: nobody is here yet.
    pub(super) fn restore(
        committee: Committee,
        revoked: BTreeSet<u32>,
        began: Timestamp,
        now: Timestamp,
    ) -> Self {
        let bytes = Rest(Bytes::copy_from_slice(committee.bytes()));
        Self {
            began,
            last_arrival: began,
            announcement: wire::encode(&HospitalMessage::Committee(bytes)).into(),
            seats: Seats::of(&committee, now),
            tickets: committee.tickets().clone(),
            revoked,
            committee,
            ledger: Ledger::default(),
            commanded: false,
        }
    }

    /// Takes in that an invitation is used; `false` if it was by somebody else.
    pub(super) fn restore_ticket(&mut self, ticket: &Ticket, sender: PeerId) -> bool {
        self.tickets.enter(ticket, sender)
    }

    /// Enters a contribution that was written down.
    pub(super) fn restore_contribution(&mut self, contributed: &Contributed, at: Timestamp) {
        if let Some(place) = self.committee.place_of(&contributed.sender) {
            self.seats.set_contributed(place);
        }
        self.ledger.enter(contributed.sender, contributed.digest);
        self.last_arrival = at;
    }

    /// How many contributions are waited for: the minimum cohort, and every member that may still come.
    pub(super) fn expected(&self, room: &Room) -> u32 {
        let coming = self.ledger.len().saturating_add(self.missing_members(room.now()));
        room.study().minimum_cohort().max(coming)
    }

    /// How many members are waited for that have no connection.
    pub(super) fn away(&self, room: &Room) -> u32 {
        let lacking = self.hopeless();
        self.seats.count(|seat| {
            let away = matches!(seat.presence, Presence::Away(_));
            away && !seat.contributed && (lacking || seat.is_expected(room.now()))
        })
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status {
            phase: Phase::Contributing,
            enrolled: u32::from(self.committee.size()),
            committee: Some(self.committee.size()),
            threshold: Some(self.committee.threshold()),
            contributed: self.ledger.len(),
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
            PeerMessage::Received(held) => {
                if let Some(place) = self.committee.place_of(&envelope.peer) {
                    self.seats.confirm(place, held);
                    self.seats.catch_up(self.ledger.len(), room);
                }
                None
            }
            PeerMessage::Verification(_) | PeerMessage::Partial(_) | PeerMessage::Decline(_) => {
                Some(Refusal::WrongPhase(Phase::Contributing))
            }
            // An enrolment that crossed the committee on the way: a member's is stored already, and
            // whoever has no seat contributes without one.
            PeerMessage::Enrol(_)
            | PeerMessage::Identify(_)
            | PeerMessage::Leave
            | PeerMessage::WordsDiffer => None,
        };
        (State::Contributing(self), refusal)
    }

    fn accept(
        &mut self,
        contribution: Contribution,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let accepted =
            contribution.verify(room.study(), &self.committee).map_err(Refusal::Contribution)?;
        let sender = accepted.sender;
        if sender != envelope.peer {
            return Err(Refusal::NotMember);
        }
        if let Some(known) = self.ledger.digest_of(&sender) {
            if known != accepted.digest {
                return Err(Refusal::AlreadyContributed);
            }
            // A repetition counts once.
            envelope.acknowledge_contribution(known, room);
            return Ok(());
        }
        let place = self.committee.place_of(&sender);
        let number = self.ledger.len();
        let maximum = room.study().maximum_cohort();
        if let Some(ticket) = &accepted.ticket {
            if self.revoked.contains(&ticket.serial) {
                return Err(Refusal::InvitationRevoked);
            }
            if self.tickets.is_used_by_another(ticket, &sender) {
                return Err(Refusal::InvitationUsed);
            }
        }
        if number >= maximum {
            return Err(Refusal::Full);
        }
        // Members that may still come keep their place among the answers.
        if place.is_none() && number.saturating_add(self.reserved(room.now())) >= maximum {
            return Err(Refusal::PlacesKept);
        }
        if let Some(ticket) = accepted.ticket
            && self.tickets.enter(&ticket, sender)
        {
            // First: if the process dies in between, its sender may still use it, and nobody else.
            let credential = accepted.relayed.sender.credential().cloned().map(Box::new);
            room.persist(Record::InvitationUsed { ticket, sender, credential });
        }
        if let Some(place) = place {
            self.seats.set_contributed(place);
        }
        self.ledger.enter(sender, accepted.digest);
        self.last_arrival = room.now();
        let relayed = accepted.relayed;
        room.persist(Record::Contributed(Contributed {
            number,
            sender,
            digest: accepted.digest,
            signature: Some(relayed.signature),
            stored: accepted.stored,
            message: envelope.bytes.clone(),
        }));
        envelope.acknowledge_contribution(accepted.digest, room);
        self.seats.deliver(number, relayed, room);
        room.push(Output::Event(Event::Contributed { contributed: self.ledger.len() }));
        Ok(())
    }

    pub(super) fn loaded(mut self, number: u32, message: &Bytes, room: &mut Room) -> State {
        self.seats.loaded(number, message, self.ledger.len(), room);
        State::Contributing(self)
    }

    /// A peer has identified itself: a member gets what it lacks.
    pub(super) fn arrive(mut self, arrival: Arrival, room: &mut Room) -> State {
        if let Some(place) = self.committee.place_of(&arrival.peer) {
            let total = self.ledger.len();
            self.seats.arrive(place, arrival.connection, arrival.held, total);
            self.seats.catch_up(total, room);
        }
        State::Contributing(self)
    }

    /// A peer's connection is gone; it may come back.
    pub(super) fn go_away(mut self, peer: &PeerId, room: &Room) -> State {
        if let Some(place) = self.committee.place_of(peer) {
            self.seats.go_away(place, room.now());
        }
        State::Contributing(self)
    }

    /// A patient leaves for good. A contribution that it made counts all the same.
    pub(super) fn leave(mut self, peer: &PeerId, room: &mut Room) -> State {
        let Some(place) = self.committee.place_of(peer) else {
            return State::Contributing(self);
        };
        if self.seats.leave(place) {
            room.persist(Record::Left(*peer));
        }
        let have = self.seats.count(|seat| seat.presence != Presence::Left);
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
    pub(super) fn command(self, room: &mut Room) -> State {
        if !self.commanded {
            room.persist(Record::ContributingClosed);
        }
        State::Contributing(self.restore_command())
    }

    /// Takes in that the researcher has closed the phase.
    pub(super) fn restore_command(self) -> Self {
        Self { commanded: true, ..self }
    }

    /// Fixes the manifest, or ends the round if nothing could come of it.
    fn close(self, room: &mut Room) -> State {
        let have = self.ledger.len();
        let need = room.study().minimum_cohort();
        if have < need {
            let reason = EndReason::TooFewContributed(Shortfall { have, need });
            return State::Contributing(self).end(reason, room);
        }
        if self.hopeless() {
            let (have, need) = (self.able(), u32::from(self.committee.threshold()));
            let reason = EndReason::MembersLost(Shortfall { have, need });
            return State::Contributing(self).end(reason, room);
        }
        State::Verifying(Verifying::begin(self, room))
    }

    /// When the state acts by itself.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        match self.decision(room) {
            Decision::Wait(until) => until,
            Decision::Close => room.now(),
        }
    }

    fn decision(&self, room: &Room) -> Decision {
        let (minimum, maximum) = bounds(RulePhase::Contributing, room.study());
        let attendance = Attendance {
            began: self.began,
            last_arrival: self.last_arrival,
            present: self.ledger.len(),
            minimum,
            maximum,
            commanded: self.commanded,
            hold_until: self.hold_until(room),
            hopeless: self.hopeless(),
        };
        decide(room.study().contributing(), attendance, room.now())
    }

    /// How many members can give a partial aggregate: those whose answers are in no manifest open no sum.
    fn able(&self) -> u32 {
        self.seats.count(|seat| seat.contributed && seat.presence != Presence::Left)
    }

    /// Whether the threshold would be out of reach if the manifest were fixed now.
    fn hopeless(&self) -> bool {
        self.able() < u32::from(self.committee.threshold())
    }

    /// Until when members are waited for that have not contributed.
    fn hold_until(&self, room: &Room) -> Option<Timestamp> {
        let compares = room.study().needs_comparison();
        let grace = if compares { COMPARING_GRACE_MS } else { MEMBER_GRACE_MS };
        let missing = self.seats.iter().map(|(_, seat)| seat).filter(|seat| !seat.contributed);
        let hold = missing.filter_map(|seat| match seat.presence {
            Presence::Here(_) => Some(self.began.after(grace)),
            Presence::Away(since) => Some(since.after(AWAY_GRACE_MS)),
            Presence::Left => None,
        });
        hold.max().filter(|until| room.now() < *until)
    }

    /// How many places among the answers are kept for members: for all that are expected, and for as many
    /// as the threshold lacks however long they are away, because there is no sum without them.
    fn reserved(&self, now: Timestamp) -> u32 {
        let lacking = u32::from(self.committee.threshold()).saturating_sub(self.able());
        self.missing_members(now).max(lacking)
    }

    /// How many members have not contributed and may still come.
    fn missing_members(&self, now: Timestamp) -> u32 {
        self.seats.count(|seat| !seat.contributed && seat.is_expected(now))
    }
}
