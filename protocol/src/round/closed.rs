//! Contributing is closed: what the phases behind it have in common.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::committee::{Committee, Enrolment};
use crate::contribution::Contribution;
use crate::digest::ManifestDigest;
use crate::identity::PeerId;
use crate::manifest::Commitment;
use crate::messages::{DeclineReason, EndReason, HospitalMessage, Shortfall};
use crate::round::contributing::Contributing;
use crate::round::ledger::SealedLedger;
use crate::round::room::Room;
use crate::round::seats::{Presence, Seats};
use crate::round::{Arrival, ConnectionId, Envelope, Event, Output, Record, Refusal, Status};
use crate::sharing::ShareIndex;
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire;

/// The manifest, who was told it, and who still takes part.
#[derive(Debug)]
pub(super) struct Closed {
    began: Timestamp,
    pub(super) committee: Committee,
    pub(super) announcement: Bytes,
    pub(super) ledger: SealedLedger,
    pub(super) seats: Seats,
    pub(super) commitment: Commitment,
    pub(super) manifest: ManifestDigest,
    /// The numbers of the members' own contributions.
    pub(super) own: BTreeSet<u32>,
    /// The message that tells members the manifest, encoded once.
    telling: Bytes,
    /// The members that were told it over the connection that they have now.
    told: BTreeSet<ShareIndex>,
    /// Members that will not go on.
    declined: BTreeSet<ShareIndex>,
}

/// What a phase does that has heard from some of the members.
pub(super) enum Patience {
    /// It cannot succeed any more.
    End(EndReason),
    Wait,
    /// There are enough; others `may_come` all the same.
    Decide {
        may_come: bool,
    },
}

impl Closed {
    /// The manifest was fixed at `began`.
    pub(super) fn new(state: Contributing, study: &Study, began: Timestamp) -> Self {
        let Contributing { committee, announcement, seats, ledger, .. } = state;
        let telling = wire::encode(&HospitalMessage::Manifest(ledger.digests().into())).into();
        let ledger = ledger.seal();
        let commitment = ledger.manifest.commitment();
        let ids = committee.members().map(|(_, member)| member.id());
        let own = ids.filter_map(|id| ledger.number_of(&id)).collect();
        Self {
            began,
            manifest: commitment.digest(study, &committee),
            committee,
            announcement,
            ledger,
            seats,
            commitment,
            own,
            telling,
            told: BTreeSet::new(),
            declined: BTreeSet::new(),
        }
    }

    pub(super) fn threshold(&self) -> u32 {
        u32::from(self.committee.threshold())
    }

    /// By when members have to be done.
    pub(super) fn deadline(&self, room: &Room) -> Timestamp {
        self.began.after(room.study().aggregation_deadline_ms())
    }

    /// When half of the members' time is over.
    pub(super) fn half_time(&self, room: &Room) -> Timestamp {
        self.began.after(room.study().aggregation_deadline_ms() / 2)
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status {
            enrolled: u32::from(self.committee.size()),
            committee: Some(self.committee.size()),
            threshold: Some(self.committee.threshold()),
            contributed: self.commitment.size,
            ..blank
        }
    }

    /// Members that take part and may still do what they have not done.
    pub(super) fn outstanding(
        &self,
        done: impl Fn(ShareIndex) -> bool,
    ) -> impl Iterator<Item = ShareIndex> {
        self.seats.iter().filter_map(move |(place, seat)| {
            let may = seat.contributed
                && seat.presence != Presence::Left
                && !self.declined.contains(&place)
                && !done(place);
            may.then_some(place)
        })
    }

    /// How many of these members have no connection.
    pub(super) fn away(&self, members: impl Iterator<Item = ShareIndex>) -> u32 {
        let away = |seat: &ShareIndex| matches!(self.seats.seat(*seat).presence, Presence::Away(_));
        u32::try_from(members.filter(away).count()).unwrap_or(u32::MAX)
    }

    /// How many members can be expected to open a sum by this verdict: those that have not left, and that may.
    pub(super) fn openers(&self, verdict: &Verdict) -> u32 {
        let all_may = verdict.may_be_opened_by_all(&self.own, &self.committee);
        let opens = |place: &ShareIndex| {
            let member = self.committee.member(*place).map(Enrolment::id);
            let number = member.and_then(|id| self.ledger.number_of(&id));
            let accepted = number.is_some_and(|number| verdict.rejection(number).is_none());
            (accepted || all_may) && self.seats.seat(*place).presence != Presence::Left
        };
        u32::try_from(verdict.members().iter().filter(opens).count()).unwrap_or(u32::MAX)
    }

    /// Why the round ends, if so many members cannot reach the threshold.
    pub(super) fn shortfall(&self, have: u32) -> Option<EndReason> {
        let need = self.threshold();
        (have < need).then_some(EndReason::MembersLost(Shortfall { have, need }))
    }

    /// How long a phase waits that has heard from `have` members, and not from those `outstanding`: until the
    /// deadline for a threshold of them, and until `settles_at` for the others that can be expected. The round
    /// ends with `late` if there is no threshold by the deadline.
    pub(super) fn patience(
        &self,
        have: u32,
        outstanding: impl Iterator<Item = ShareIndex>,
        settles_at: Option<Timestamp>,
        late: impl FnOnce(Shortfall) -> EndReason,
        room: &Room,
    ) -> Patience {
        let need = self.threshold();
        let (mut others, mut expected) = (0_u32, false);
        for place in outstanding {
            others = others.saturating_add(1);
            expected |= self.seats.seat(place).is_expected(room.now());
        }
        if let Some(reason) = self.shortfall(have.saturating_add(others)) {
            return Patience::End(reason);
        }
        if room.now() >= self.deadline(room) {
            return if have < need {
                Patience::End(late(Shortfall { have, need }))
            } else {
                Patience::Decide { may_come: false }
            };
        }
        let settled = settles_at.is_none_or(|at| room.now() >= at);
        if have < need || (expected && !settled) {
            return Patience::Wait;
        }
        Patience::Decide { may_come: others > 0 }
    }

    /// When a phase acts by itself that waits until `settles_at` once it has heard from enough.
    pub(super) fn due(&self, settles_at: Option<Timestamp>, room: &Room) -> Timestamp {
        let deadline = self.deadline(room);
        settles_at.filter(|at| room.now() < *at).map_or(deadline, |at| deadline.min(at))
    }

    /// Tells the manifest to members who were given everything that it counts, and `then` what follows.
    pub(super) fn tell_members(&mut self, then: Option<&Bytes>, room: &mut Room) {
        for (place, connection) in self.seats.caught_up(self.commitment.size) {
            if self.told.insert(place) {
                room.send_encoded(connection, self.telling.clone());
                if let Some(message) = then {
                    room.send_encoded(connection, message.clone());
                }
            }
        }
    }

    /// Tells something to all members that were told the manifest.
    pub(super) fn tell_told(&self, message: &Bytes, room: &mut Room) {
        for (place, connection) in self.seats.caught_up(self.commitment.size) {
            if self.told.contains(&place) {
                room.send_encoded(connection, message.clone());
            }
        }
    }

    /// Proves to somebody whose part is done that the manifest has its contribution.
    pub(super) fn tell_counted(&self, peer: &PeerId, connection: ConnectionId, room: &mut Room) {
        if let Some(inclusion) = self.ledger.inclusion(peer) {
            room.send(connection, &HospitalMessage::Counted(inclusion));
        }
    }

    /// A contribution that comes now is a repetition, or too late to be counted.
    pub(super) fn repeated(
        &self,
        contribution: Contribution,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let accepted =
            contribution.verify(room.study(), &self.committee).map_err(Refusal::Contribution)?;
        if accepted.sender != envelope.peer {
            return Err(Refusal::NotMember);
        }
        if self.ledger.digest_of(&accepted.sender) == Some(accepted.digest) {
            envelope.acknowledge_contribution(accepted.digest, room);
            return Ok(());
        }
        // A member stays, although its answer is not counted: it hears of the result.
        match self.committee.place_of(&accepted.sender) {
            Some(_) => Ok(()),
            None => Err(Refusal::RoundOver),
        }
    }

    /// A member says how many deliveries it holds.
    pub(super) fn received(&mut self, peer: &PeerId, held: u32, room: &mut Room) {
        if let Some(place) = self.committee.place_of(peer) {
            self.seats.confirm(place, held);
            self.seats.catch_up(self.commitment.size, room);
        }
    }

    /// Whether this member will not go on.
    pub(super) fn has_declined(&self, place: ShareIndex) -> bool {
        self.declined.contains(&place)
    }

    /// A member will not go on; `done` if it has done already what this phase is about.
    pub(super) fn decline(
        &mut self,
        reason: DeclineReason,
        done: impl Fn(ShareIndex) -> bool,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let place = self.committee.place_of(&envelope.peer).ok_or(Refusal::NotMember)?;
        if !done(place) && self.declined.insert(place) {
            room.persist(Record::Declined(envelope.peer, reason));
            room.push(Output::Event(Event::MemberDeclined(reason)));
        }
        envelope.acknowledge(room);
        Ok(())
    }

    /// Takes in that a member declined.
    pub(super) fn restore_decline(&mut self, peer: &PeerId) -> bool {
        self.committee.place_of(peer).is_some_and(|place| self.declined.insert(place))
    }

    /// A peer has identified itself. A member that `takes_part` gets what it lacks, the manifest, and `then`
    /// what follows; anybody else the proof that the manifest has its contribution.
    pub(super) fn arrive(
        &mut self,
        arrival: Arrival,
        takes_part: impl Fn(ShareIndex) -> bool,
        then: Option<&Bytes>,
        room: &mut Room,
    ) {
        let total = self.commitment.size;
        let place = self.committee.place_of(&arrival.peer);
        if let Some(place) = place {
            // Whoever has not contributed has to be told that it is too late for that.
            let takes_part = takes_part(place) || !self.seats.seat(place).contributed;
            // Nobody else needs the shares any more.
            let held = if takes_part { arrival.held } else { total };
            self.seats.arrive(place, arrival.connection, held, total);
            if takes_part {
                self.told.remove(&place);
                self.seats.catch_up(total, room);
                self.tell_members(then, room);
                return;
            }
            self.told.insert(place);
        }
        self.tell_counted(&arrival.peer, arrival.connection, room);
    }

    /// A peer's connection is gone; it may come back.
    pub(super) fn go_away(&mut self, peer: &PeerId, room: &Room) {
        if let Some(place) = self.committee.place_of(peer) {
            self.seats.go_away(place, room.now());
        }
    }

    /// A patient leaves for good. What it has given is used all the same.
    pub(super) fn leave(&mut self, peer: &PeerId, room: &mut Room) {
        if self.restore_leave(peer) == Some(true) {
            room.persist(Record::Left(*peer));
        }
    }

    /// Takes in that a patient left; whether it had not before, if it was a member's.
    pub(super) fn restore_leave(&mut self, peer: &PeerId) -> Option<bool> {
        let place = self.committee.place_of(peer)?;
        Some(self.seats.leave(place))
    }

    /// A contribution that was asked from the store.
    pub(super) fn loaded(
        &mut self,
        number: u32,
        message: &Bytes,
        then: Option<&Bytes>,
        room: &mut Room,
    ) {
        self.seats.loaded(number, message, self.commitment.size, room);
        self.tell_members(then, room);
    }
}
