//! The manifest is fixed; members send their partial aggregates.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::aggregate::{self, AggregateError};
use crate::committee::{Committee, Enrolment};
use crate::digest::ManifestDigest;
use crate::identity::{PeerId, SignedBytes};
use crate::manifest::{Commitment, Manifest};
use crate::messages::{
    DeclineReason, EndReason, HospitalMessage, Inclusion, PeerMessage, Phase, Publication,
    Shortfall,
};
use crate::round::contributing::{Contributed, Seat};
use crate::round::room::Room;
use crate::round::{ConnectionId, Envelope, Event, Output, Over, Record, Refusal, State, Status};
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
    committee: Committee,
    announcement: Bytes,
    commitment: Commitment,
    manifest: ManifestDigest,
    partials: BTreeMap<ShareIndex, (SignedBytes, Share)>,
    /// Members from which no partial aggregate is expected any more.
    gone: BTreeSet<ShareIndex>,
    enough_since: Option<Timestamp>,
}

impl Aggregating {
    pub(super) fn begin(
        committee: Committee,
        announcement: Bytes,
        seats: &[Seat],
        contributions: &[Contributed],
        room: &mut Room,
    ) -> State {
        let tree = Manifest::new(contributions.iter().map(|c| (&c.sender, c.digest)));
        let commitment = tree.commitment();
        let gone = committee.members().zip(seats).filter(|(_, seat)| seat.connection.is_none());
        let gone = gone.map(|((index, _), _)| index).collect();
        let state = Self {
            began: room.now(),
            manifest: commitment.digest(room.study(), &committee),
            committee,
            announcement,
            commitment,
            partials: BTreeMap::new(),
            gone,
            enough_since: None,
        };
        room.push(Output::Persist(Record::ManifestFixed { size: commitment.size }));
        room.push(Output::Event(Event::PhaseChanged(Phase::Aggregating)));
        state.tell_members(contributions, room);
        state.tell_visitors(contributions, &tree, room);
        State::Aggregating(state)
    }

    fn tell_members(&self, contributions: &[Contributed], room: &mut Room) {
        let digests = contributions.iter().map(|c| c.digest).collect::<Vec<_>>();
        let message = HospitalMessage::Manifest(digests.into());
        let committee = &self.committee;
        room.multicast(&wire::encode(&message).into(), |peer| {
            peer.is_some_and(|peer| committee.place_of(peer).is_some())
        });
    }

    fn tell_visitors(&self, contributions: &[Contributed], tree: &Manifest, room: &mut Room) {
        let connections: BTreeMap<PeerId, ConnectionId> =
            room.peers().map(|(connection, peer)| (peer, connection)).collect();
        for (number, contributed) in (0..).zip(contributions) {
            let Some(connection) = connections.get(&contributed.sender) else {
                continue;
            };
            if self.committee.place_of(&contributed.sender).is_some() {
                continue;
            }
            let inclusion = Inclusion {
                number,
                size: self.commitment.size,
                root: self.commitment.root,
                path: tree.path(number).into(),
            };
            room.send(*connection, &HospitalMessage::Counted(inclusion));
        }
    }

    /// The encoded message that tells the committee.
    pub(super) fn announcement(&self) -> &Bytes {
        &self.announcement
    }

    pub(super) fn partials(&self) -> u32 {
        u32::try_from(self.partials.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn threshold(&self) -> u32 {
        u32::from(self.committee.threshold())
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
        let refusal = match message {
            PeerMessage::Partial(signed) => self.accept(signed, envelope, room).err(),
            PeerMessage::Decline(reason) => match self.place(envelope.from, room) {
                Some(index) => return (self.decline(index, reason, room), None),
                None => Some(Refusal::NotMember),
            },
            // It crossed the manifest. The member stays, although its answer is not counted.
            PeerMessage::Contribute(_) if self.place(envelope.from, room).is_some() => None,
            // A moment too late to be counted.
            PeerMessage::Enrol(_) | PeerMessage::Contribute(_) => Some(Refusal::RoundOver),
        };
        (State::Aggregating(self), refusal)
    }

    fn accept(
        &mut self,
        signed: SignedBytes,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let share =
            aggregate::verify_partial(room.study(), &self.committee, self.manifest, &signed)
                .map_err(Refusal::Partial)?;
        let index = share.index;
        if self.place(envelope.from, room) != Some(index) {
            return Err(Refusal::NotMember);
        }
        if let Some((known, _)) = self.partials.get(&index) {
            if *known == signed {
                envelope.acknowledge(room);
                return Ok(());
            }
            return Err(Refusal::AlreadyAggregated);
        }
        if self.gone.contains(&index) {
            return Err(Refusal::AlreadyAggregated);
        }
        self.partials.insert(index, (signed, share));
        if self.partials() >= self.threshold() && self.enough_since.is_none() {
            self.enough_since = Some(room.now());
        }
        room.push(Output::Persist(Record::Partial(Bytes::copy_from_slice(envelope.bytes))));
        envelope.acknowledge(room);
        room.push(Output::Event(Event::PartialReceived { partials: self.partials() }));
        Ok(())
    }

    /// The share index of the member at the other end of a connection.
    fn place(&self, connection: ConnectionId, room: &Room) -> Option<ShareIndex> {
        room.peer(connection).and_then(|peer| self.committee.place_of(&peer))
    }

    fn decline(mut self, index: ShareIndex, reason: DeclineReason, room: &mut Room) -> State {
        if self.partials.contains_key(&index) || !self.gone.insert(index) {
            return State::Aggregating(self);
        }
        if let Some(peer) = self.committee.member(index).map(Enrolment::id) {
            room.push(Output::Persist(Record::Declined(peer, reason)));
        }
        room.push(Output::Event(Event::MemberDeclined(reason)));
        State::Aggregating(self)
    }

    pub(super) fn leave(mut self, peer: PeerId, _room: &mut Room) -> State {
        if let Some(index) = self.committee.place_of(&peer)
            && !self.partials.contains_key(&index)
        {
            self.gone.insert(index);
        }
        State::Aggregating(self)
    }

    pub(super) fn tick(self, room: &mut Room) -> State {
        let (have, need) = (self.partials(), self.threshold());
        let outstanding =
            usize::from(self.committee.size()) - self.partials.len() - self.gone.len();
        let left = have.saturating_add(u32::try_from(outstanding).unwrap_or(u32::MAX));
        if left < need {
            let reason = EndReason::MembersLost(Shortfall { have: left, need });
            return State::Aggregating(self).end(reason, room);
        }
        if have >= need && (outstanding == 0 || room.now() >= self.due(room)) {
            return self.publish(room);
        }
        if room.now() >= self.due(room) {
            let reason = EndReason::PartialsLate(Shortfall { have, need });
            return State::Aggregating(self).end(reason, room);
        }
        State::Aggregating(self)
    }

    fn publish(self, room: &mut Room) -> State {
        let shares: Vec<Share> = self.partials.values().map(|(_, share)| share.clone()).collect();
        let combined = aggregate::combine(room.study(), &self.committee, self.commitment, &shares);
        let aggregate = match combined {
            Ok(aggregate) => aggregate,
            // Number and indices hold by construction: what is left is that somebody is wrong.
            Err(
                AggregateError::Combine(CombineError::Inconsistent { .. })
                | AggregateError::Impossible { .. },
            ) => {
                return State::Aggregating(self).end(EndReason::Contradiction, room);
            }
            Err(error) => unreachable!("the partial aggregates were checked one by one: {error}"),
        };
        let partials = self.partials.values().map(|(signed, _)| signed.clone()).collect::<Vec<_>>();
        let outcome = HospitalMessage::Published(Publication {
            size: self.commitment.size,
            root: self.commitment.root,
            sum: aggregate.sum.into(),
            partials: partials.into(),
        });
        room.push(Output::Persist(Record::Published(aggregate)));
        room.push(Output::Event(Event::PhaseChanged(Phase::Published)));
        room.push(Output::Event(Event::Published(aggregate)));
        let announcement = Some(self.announcement.clone());
        let status = Status {
            phase: Phase::Published,
            closes_at: None,
            aggregate: Some(aggregate),
            ..State::Aggregating(self).status(room)
        };
        State::Over(Over::tell(status, announcement, &outcome, room))
    }

    /// When the state acts by itself: with enough partial aggregates soon, else at the deadline.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        let deadline = self.began.after(room.study().aggregation_deadline_ms());
        let settled = self.enough_since.map(|since| since.after(EXTRA_PARTIALS_MS));
        settled.map_or(deadline, |settled| settled.min(deadline))
    }
}
