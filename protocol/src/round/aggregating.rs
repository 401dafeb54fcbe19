//! The manifest is fixed; members send their partial aggregates.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::aggregate::{self, AggregateError, Decoded};
use crate::committee::Committee;
use crate::digest::ManifestDigest;
use crate::identity::{PeerId, SignedBytes};
use crate::manifest::Commitment;
use crate::messages::{
    DeclineReason, EndReason, HospitalMessage, PeerMessage, Phase, Publication, Shortfall,
};
use crate::round::contributing::Contributing;
use crate::round::ledger::SealedLedger;
use crate::round::over::Over;
use crate::round::room::Room;
use crate::round::seats::{Presence, Seats};
use crate::round::{Arrival, Envelope, Event, Output, Record, Refusal, State, Status};
use crate::sharing::{CombineError, Share, ShareIndex};
use crate::time::Timestamp;
use crate::wire;

/// How long the partial aggregates beyond the threshold are waited for, in milliseconds. They are
/// not needed for the sum, but each one more checks the others.
const EXTRA_PARTIALS_MS: u64 = 3_000;

/// Awaits partial aggregates.
#[derive(Debug)]
pub(super) struct Aggregating {
    began: Timestamp,
    pub(super) committee: Committee,
    pub(super) announcement: Bytes,
    pub(super) ledger: SealedLedger,
    pub(super) seats: Seats,
    commitment: Commitment,
    digest: ManifestDigest,
    /// The message that tells members the manifest, encoded once.
    manifest: Bytes,
    /// The members that were told it over the connection that they have now.
    told: BTreeSet<ShareIndex>,
    partials: BTreeMap<ShareIndex, (SignedBytes, Share)>,
    /// Members that will not give one.
    declined: BTreeSet<ShareIndex>,
    enough_since: Option<Timestamp>,
    /// How many partial aggregates there were when they were found to contradict each other.
    contradiction: Option<usize>,
}

impl Aggregating {
    /// Fixes the manifest and tells everybody.
    pub(super) fn begin(state: Contributing, room: &mut Room) -> Self {
        let mut state = Self::restore(state, room.study(), room.now());
        room.persist(Record::ManifestFixed { size: state.commitment.size });
        room.push(Output::Event(Event::PhaseChanged(Phase::Aggregating)));
        state.tell_members(room);
        for (peer, connection) in room.peers().collect::<Vec<_>>() {
            state.tell_visitor(&peer, connection, room);
        }
        state
    }

    /// The phase that began at `began`, as its records tell it.
    pub(super) fn restore(
        state: Contributing,
        study: &crate::study::Study,
        began: Timestamp,
    ) -> Self {
        let Contributing { committee, announcement, seats, ledger, .. } = state;
        let manifest = HospitalMessage::Manifest(ledger.digests().into());
        let ledger = ledger.seal();
        let commitment = ledger.manifest.commitment();
        Self {
            began,
            digest: commitment.digest(study, &committee),
            committee,
            announcement,
            ledger,
            seats,
            commitment,
            manifest: wire::encode(&manifest).into(),
            told: BTreeSet::new(),
            partials: BTreeMap::new(),
            declined: BTreeSet::new(),
            enough_since: None,
            contradiction: None,
        }
    }

    /// Takes in a partial aggregate that was written down. The extra ones are waited for anew.
    pub(super) fn restore_partial(
        &mut self,
        signed: SignedBytes,
        study: &crate::study::Study,
        now: Timestamp,
    ) -> Result<(), AggregateError> {
        let share = aggregate::verify_partial(study, &self.committee, self.digest, &signed)?;
        self.keep(signed, share, now);
        Ok(())
    }

    /// Takes in that a member declined.
    pub(super) fn restore_decline(&mut self, peer: &PeerId) -> bool {
        self.committee.place_of(peer).is_some_and(|place| self.declined.insert(place))
    }

    fn keep(&mut self, signed: SignedBytes, share: Share, now: Timestamp) {
        self.partials.insert(share.index, (signed, share));
        if self.partials() >= self.threshold() && self.enough_since.is_none() {
            self.enough_since = Some(now);
        }
    }

    /// Tells the manifest to members who were given everything that it counts.
    fn tell_members(&mut self, room: &mut Room) {
        for (place, connection) in self.seats.caught_up(self.commitment.size) {
            if self.told.insert(place) {
                room.send_encoded(connection, self.manifest.clone());
            }
        }
    }

    /// Proves to somebody who only contributed that it is counted.
    fn tell_visitor(&self, peer: &PeerId, connection: super::ConnectionId, room: &mut Room) {
        if self.committee.place_of(peer).is_none()
            && let Some(inclusion) = self.ledger.inclusion(peer)
        {
            room.send(connection, &HospitalMessage::Counted(inclusion));
        }
    }

    pub(super) fn partials(&self) -> u32 {
        u32::try_from(self.partials.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn threshold(&self) -> u32 {
        u32::from(self.committee.threshold())
    }

    /// How many members are waited for that have no connection.
    pub(super) fn away(&self) -> u32 {
        let away = |seat: ShareIndex| matches!(self.seats.seat(seat).presence, Presence::Away(_));
        let away = self.outstanding().filter(|place| away(*place)).count();
        u32::try_from(away).unwrap_or(u32::MAX)
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status {
            phase: Phase::Aggregating,
            enrolled: u32::from(self.committee.size()),
            committee: Some(self.committee.size()),
            threshold: Some(self.committee.threshold()),
            contributed: self.commitment.size,
            partials: self.partials(),
            ..blank
        }
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let place = self.committee.place_of(&envelope.peer);
        let refusal = match message {
            PeerMessage::Partial(signed) => self.accept(signed, envelope, room).err(),
            PeerMessage::Decline(reason) => match place {
                Some(place) => {
                    self.decline(place, reason, envelope, room);
                    None
                }
                None => Some(Refusal::NotMember),
            },
            PeerMessage::Contribute(contribution) => {
                self.repeated(&contribution.verify(room.study(), &self.committee), envelope, room)
            }
            PeerMessage::Received(held) => {
                if let Some(place) = place {
                    self.seats.confirm(place, held);
                    self.seats.catch_up(self.commitment.size, room);
                }
                None
            }
            // An enrolment that crossed the committee on the way; its peer contributes next.
            PeerMessage::Enrol(_)
            | PeerMessage::Identify(_)
            | PeerMessage::Leave
            | PeerMessage::WordsDiffer => None,
        };
        (State::Aggregating(self), refusal)
    }

    /// A contribution that comes now is a repetition, or too late to be counted.
    fn repeated(
        &self,
        verified: &Result<crate::contribution::Accepted, crate::ContributionError>,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Option<Refusal> {
        match verified {
            Err(error) => Some(Refusal::Contribution(*error)),
            Ok(accepted) if accepted.sender != envelope.peer => Some(Refusal::NotMember),
            Ok(accepted) if self.ledger.digest_of(&accepted.sender) == Some(accepted.digest) => {
                envelope.acknowledge_contribution(accepted.digest, room);
                None
            }
            // A member stays, although its answer is not counted: it hears of the result.
            Ok(accepted) if self.committee.place_of(&accepted.sender).is_some() => None,
            Ok(_) => Some(Refusal::RoundOver),
        }
    }

    fn accept(
        &mut self,
        signed: SignedBytes,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let share = aggregate::verify_partial(room.study(), &self.committee, self.digest, &signed)
            .map_err(Refusal::Partial)?;
        let index = share.index;
        if self.committee.place_of(&envelope.peer) != Some(index) {
            return Err(Refusal::NotMember);
        }
        if let Some((known, _)) = self.partials.get(&index) {
            if *known == signed {
                envelope.acknowledge(room);
                return Ok(());
            }
            return Err(Refusal::AlreadyAggregated);
        }
        if self.declined.contains(&index) {
            return Err(Refusal::AlreadyAggregated);
        }
        self.keep(signed, share, room.now());
        room.persist(Record::Partial(envelope.bytes.clone()));
        envelope.acknowledge(room);
        room.push(Output::Event(Event::PartialReceived { partials: self.partials() }));
        Ok(())
    }

    fn decline(
        &mut self,
        place: ShareIndex,
        reason: DeclineReason,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) {
        if !self.partials.contains_key(&place) && self.declined.insert(place) {
            room.persist(Record::Declined(envelope.peer, reason));
            room.push(Output::Event(Event::MemberDeclined(reason)));
        }
        envelope.acknowledge(room);
    }

    pub(super) fn loaded(mut self, number: u32, message: &Bytes, room: &mut Room) -> State {
        self.seats.loaded(number, message, self.commitment.size, room);
        self.tell_members(room);
        State::Aggregating(self)
    }

    /// A peer has identified itself: it gets what it lacks.
    pub(super) fn arrive(mut self, arrival: Arrival, room: &mut Room) -> State {
        if let Some(place) = self.committee.place_of(&arrival.peer) {
            let total = self.commitment.size;
            self.told.remove(&place);
            self.seats.arrive(place, arrival.connection, arrival.held, total);
            self.seats.catch_up(total, room);
            self.tell_members(room);
        } else {
            self.tell_visitor(&arrival.peer, arrival.connection, room);
        }
        State::Aggregating(self)
    }

    /// A peer's connection is gone; it may come back.
    pub(super) fn go_away(mut self, peer: &PeerId, room: &Room) -> State {
        if let Some(place) = self.committee.place_of(peer) {
            self.seats.go_away(place, room.now());
        }
        State::Aggregating(self)
    }

    /// A patient leaves for good. A partial aggregate that it gave is used all the same.
    pub(super) fn leave(mut self, peer: &PeerId, room: &mut Room) -> State {
        if let Some(place) = self.committee.place_of(peer)
            && self.seats.leave(place)
        {
            room.persist(Record::Left(*peer));
        }
        State::Aggregating(self)
    }

    /// Members that may still give a partial aggregate.
    fn outstanding(&self) -> impl Iterator<Item = ShareIndex> {
        self.seats.iter().filter_map(|(place, seat)| {
            let may = seat.contributed
                && seat.presence != Presence::Left
                && !self.declined.contains(&place)
                && !self.partials.contains_key(&place);
            may.then_some(place)
        })
    }

    pub(super) fn tick(mut self, room: &mut Room) -> State {
        let (have, need) = (self.partials(), self.threshold());
        let outstanding = u32::try_from(self.outstanding().count()).unwrap_or(u32::MAX);
        let left = have.saturating_add(outstanding);
        if left < need {
            let reason = EndReason::MembersLost(Shortfall { have: left, need });
            return State::Aggregating(self).end(reason, room);
        }
        let late = room.now() >= self.deadline(room);
        if have < need {
            if late {
                let reason = EndReason::PartialsLate(Shortfall { have, need });
                return State::Aggregating(self).end(reason, room);
            }
            return State::Aggregating(self);
        }
        let expected = self.outstanding().any(|p| self.seats.seat(p).is_expected(room.now()));
        if !late && expected && room.now() < self.settles_at() {
            return State::Aggregating(self);
        }
        let may_come = !late && outstanding > 0;
        if may_come && self.contradiction == Some(self.partials.len()) {
            return State::Aggregating(self);
        }
        match self.decode(room) {
            Ok(decoded) => self.publish(&decoded, room),
            // Another one that comes back may still tell which of them are wrong.
            Err(_) if may_come => {
                self.contradiction = Some(self.partials.len());
                State::Aggregating(self)
            }
            Err(reason) => State::Aggregating(self).end(reason, room),
        }
    }

    /// Combines the partial aggregates and finds out which of them are wrong.
    pub(super) fn decode(&self, room: &Room) -> Result<Decoded, EndReason> {
        let shares: Vec<Share> = self.partials.values().map(|(_, share)| share.clone()).collect();
        aggregate::combine(room.study(), &self.committee, self.commitment, &shares).map_err(
            |error| match error {
                // Number and indices hold by construction: what is left is that somebody is wrong.
                AggregateError::Combine(CombineError::Undecodable { .. })
                | AggregateError::Impossible { .. } => EndReason::Contradiction,
                error => unreachable!("the partial aggregates were checked one by one: {error}"),
            },
        )
    }

    fn publish(self, decoded: &Decoded, room: &mut Room) -> State {
        let aggregate = decoded.aggregate;
        let partials = self.partials.values().map(|(signed, _)| signed.clone()).collect::<Vec<_>>();
        let outcome = HospitalMessage::Published(Publication {
            size: self.commitment.size,
            root: self.commitment.root,
            sum: aggregate.sum.into(),
            partials: partials.into(),
        });
        let message = Bytes::from(wire::encode(&outcome));
        room.persist(Record::Published { aggregate, message: message.clone() });
        room.push(Output::Event(Event::PhaseChanged(Phase::Published)));
        let wrong = decoded.wrong.iter().copied().collect();
        room.push(Output::Event(Event::Published { aggregate, wrong }));
        room.broadcast(&message);
        State::Over(Over::published(self, decoded, message, room))
    }

    /// When the state acts by itself.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        let deadline = self.deadline(room);
        if self.enough_since.is_some() && room.now() < self.settles_at() {
            deadline.min(self.settles_at())
        } else {
            deadline
        }
    }

    fn deadline(&self, room: &Room) -> Timestamp {
        self.began.after(room.study().aggregation_deadline_ms())
    }

    /// Until when the partial aggregates beyond the threshold are waited for.
    fn settles_at(&self) -> Timestamp {
        self.enough_since.unwrap_or_default().after(EXTRA_PARTIALS_MS)
    }
}
