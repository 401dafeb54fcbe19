//! The verdict is reached; members send their partial aggregates.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::aggregate::{self, Aggregate, AggregateError, Decoded, PartialAggregate};
use crate::digest::VerdictDigest;
use crate::identity::PeerId;
use crate::messages::{EndReason, HospitalMessage, PeerMessage, Phase, Publication};
use crate::round::closed::{Closed, Patience};
use crate::round::over::Over;
use crate::round::room::Room;
use crate::round::verifying::Verifying;
use crate::round::{Arrival, Envelope, Event, Output, Record, Refusal, State, Status};
use crate::sharing::{CombineError, Share, ShareIndex, ShareIndices};
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire;

/// How long the partial aggregates beyond the threshold are waited for, in milliseconds. They are
/// not needed for the sum, but each one more checks the others.
const EXTRA_PARTIALS_MS: u64 = 3_000;

/// Awaits partial aggregates.
#[derive(Debug)]
pub(super) struct Aggregating {
    pub(super) closed: Closed,
    verdict: Verdict,
    digest: VerdictDigest,
    /// The members that verified everything and were left out all the same.
    left_out: ShareIndices,
    /// The message that tells members the verdict, encoded once.
    telling: Bytes,
    partials: BTreeMap<ShareIndex, (PartialAggregate, Share)>,
    enough_since: Option<Timestamp>,
    /// How many partial aggregates there were when they were found to contradict each other.
    contradiction: Option<usize>,
}

impl Aggregating {
    /// Tells the verdict to the members.
    pub(super) fn begin(state: Verifying, verdict: Verdict, room: &mut Room) -> Self {
        let state = Self::restore(state, verdict);
        room.persist(Record::Judged(state.verdict.bytes()));
        room.push(Output::Event(Event::PhaseChanged(Phase::Aggregating)));
        room.push(Output::Event(Event::Judged {
            accepted: state.accepted(),
            rejected: state.verdict.rejected_len(),
            left_out: state.left_out,
        }));
        state.closed.tell_told(&state.telling, room);
        state
    }

    /// The phase that follows from this verdict.
    pub(super) fn restore(state: Verifying, verdict: Verdict) -> Self {
        let left_out = state.verified().filter(|place| !verdict.members().contains(*place));
        Self {
            left_out: left_out.collect(),
            digest: verdict.digest(state.closed.manifest),
            telling: wire::encode(&HospitalMessage::Verdict(verdict.bytes())).into(),
            closed: state.closed,
            verdict,
            partials: BTreeMap::new(),
            enough_since: None,
            contradiction: None,
        }
    }

    /// Takes in a partial aggregate that was written down. The extra ones are waited for anew.
    pub(super) fn restore_partial(
        &mut self,
        partial: PartialAggregate,
        study: &Study,
        now: Timestamp,
    ) -> Result<(), AggregateError> {
        let share = self.verify(study, &partial)?;
        self.keep(partial, share, now);
        Ok(())
    }

    fn verify(&self, study: &Study, partial: &PartialAggregate) -> Result<Share, AggregateError> {
        let verdict = (&self.verdict, self.digest);
        partial.verify(study, &self.closed.committee, verdict)
    }

    fn keep(&mut self, partial: PartialAggregate, share: Share, now: Timestamp) {
        self.partials.insert(share.index, (partial, share));
        if self.partials() >= self.closed.threshold() && self.enough_since.is_none() {
            self.enough_since = Some(now);
        }
    }

    pub(super) fn partials(&self) -> u32 {
        u32::try_from(self.partials.len()).unwrap_or(u32::MAX)
    }

    /// How many answers the sum counts.
    pub(super) fn accepted(&self) -> u32 {
        self.verdict.accepted(self.closed.commitment)
    }

    /// Members that may still give a partial aggregate.
    fn outstanding(&self) -> impl Iterator<Item = ShareIndex> {
        let members = self.verdict.members();
        self.closed.outstanding(move |place| {
            !members.contains(place) || self.partials.contains_key(&place)
        })
    }

    /// How many members are waited for that have no connection.
    pub(super) fn away(&self) -> u32 {
        self.closed.away(self.outstanding())
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status {
            phase: Phase::Aggregating,
            verified: self.verdict.members().len() + self.left_out.len(),
            rejected: self.verdict.rejected_len(),
            left_out: self.left_out,
            partials: self.partials(),
            ..self.closed.status(blank)
        }
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let result = match message {
            PeerMessage::Partial(partial) => self.accept(partial, envelope, room),
            PeerMessage::Decline(reason) => {
                let given = |place| self.partials.contains_key(&place);
                self.closed.decline(reason, given, envelope, room)
            }
            PeerMessage::Contribute(contribution) => {
                self.closed.repeated(contribution, envelope, room)
            }
            PeerMessage::Received(held) => {
                self.closed.received(&envelope.peer, held, room);
                Ok(())
            }
            // A verification comes too late, or again: what its member waits for is the verdict, which is on
            // its way. An enrolment crossed the committee on the way; its peer contributes next.
            PeerMessage::Verification(_)
            | PeerMessage::Enrol(_)
            | PeerMessage::Identify(_)
            | PeerMessage::Leave
            | PeerMessage::WordsDiffer => Ok(()),
        };
        (State::Aggregating(self), result.err())
    }

    fn accept(
        &mut self,
        partial: PartialAggregate,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let share = self.verify(room.study(), &partial).map_err(Refusal::Partial)?;
        let index = share.index;
        if self.closed.committee.place_of(&envelope.peer) != Some(index) {
            return Err(Refusal::NotMember);
        }
        match self.partials.get(&index) {
            Some((known, _)) if *known == partial => {}
            Some(_) => return Err(Refusal::AlreadyAggregated),
            None if self.closed.has_declined(index) => return Err(Refusal::AlreadyAggregated),
            None => {
                self.keep(partial, share, room.now());
                room.persist(Record::Partial(envelope.bytes.clone()));
                let partials = self.partials();
                envelope.acknowledge(room);
                room.push(Output::Event(Event::PartialReceived { partials }));
                return Ok(());
            }
        }
        envelope.acknowledge(room);
        Ok(())
    }

    pub(super) fn loaded(mut self, number: u32, message: &Bytes, room: &mut Room) -> State {
        self.closed.loaded(number, message, Some(&self.telling), room);
        State::Aggregating(self)
    }

    pub(super) fn arrive(mut self, arrival: Arrival, room: &mut Room) -> State {
        let members = self.verdict.members();
        let takes_part = move |place| members.contains(place);
        self.closed.arrive(arrival, takes_part, Some(&self.telling), room);
        State::Aggregating(self)
    }

    pub(super) fn go_away(mut self, peer: &PeerId, room: &Room) -> State {
        self.closed.go_away(peer, room);
        State::Aggregating(self)
    }

    pub(super) fn leave(mut self, peer: &PeerId, room: &mut Room) -> State {
        self.closed.leave(peer, room);
        State::Aggregating(self)
    }

    pub(super) fn tick(mut self, room: &mut Room) -> State {
        let (have, others) = (self.partials(), self.outstanding());
        let late = EndReason::PartialsLate;
        let may_come = match self.closed.patience(have, others, self.settles_at(), late, room) {
            Patience::End(reason) => return State::Aggregating(self).end(reason, room),
            Patience::Wait => return State::Aggregating(self),
            Patience::Decide { may_come } => may_come,
        };
        if may_come && self.contradiction == Some(self.partials.len()) {
            return State::Aggregating(self);
        }
        match self.decode(room) {
            Ok(decoded) => self.publish(decoded, room),
            // Another one that comes back may still tell which of them are wrong.
            Err(_) if may_come => {
                self.contradiction = Some(self.partials.len());
                State::Aggregating(self)
            }
            // As many hold as the threshold: what is left is that somebody is wrong.
            Err(
                AggregateError::Combine(CombineError::Undecodable { .. })
                | AggregateError::Impossible { .. },
            ) => State::Aggregating(self).end(EndReason::Contradiction, room),
            Err(error) => unreachable!("the partial aggregates were checked one by one: {error}"),
        }
    }

    /// Combines the partial aggregates and finds out which of them are wrong.
    pub(super) fn decode(&self, room: &Room) -> Result<Decoded<Vec<u128>>, AggregateError> {
        let shares: Vec<Share> = self.partials.values().map(|(_, share)| share.clone()).collect();
        aggregate::combine(room.study(), &self.closed.committee, self.accepted(), &shares)
    }

    fn publish(self, decoded: Decoded<Vec<u128>>, room: &mut Room) -> State {
        let Decoded { result: numbers, wrong } = decoded;
        let aggregate = Aggregate::suppressed(room.study(), self.accepted(), &numbers);
        let partials = self.partials.values().map(|(partial, _)| partial.disclosed(&aggregate));
        let outcome = HospitalMessage::Published(Publication {
            size: self.closed.commitment.size,
            root: self.closed.commitment.root,
            verdict: self.verdict.bytes(),
            cells: aggregate.encode_cells(),
            partials: partials.collect::<Vec<_>>().into(),
        });
        let message = Bytes::from(wire::encode(&outcome));
        room.persist(Record::Published { aggregate: aggregate.clone(), message: message.clone() });
        room.push(Output::Event(Event::PhaseChanged(Phase::Published)));
        let wrong: ShareIndices = wrong.into_iter().collect();
        room.push(Output::Event(Event::Published { aggregate: aggregate.clone(), wrong }));
        room.broadcast(&message);
        State::Over(Over::published(self, (aggregate, wrong), message, room))
    }

    /// When the state acts by itself.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        self.closed.due(self.settles_at(), room)
    }

    /// Until when the partial aggregates beyond the threshold are waited for.
    fn settles_at(&self) -> Option<Timestamp> {
        Some(self.enough_since?.after(EXTRA_PARTIALS_MS))
    }
}
