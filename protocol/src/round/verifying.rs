//! The manifest is fixed; members verify the contributions.

use core::ops::Range;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::identity::{PeerId, SignedBytes};
use crate::messages::{EndReason, PeerMessage, Phase, Shortfall};
use crate::round::aggregating::Aggregating;
use crate::round::closed::{Closed, Patience};
use crate::round::contributing::Contributing;
use crate::round::room::Room;
use crate::round::{
    Arrival, ConnectionId, Envelope, Event, Output, Record, Refusal, State, Status,
};
use crate::sharing::ShareIndex;
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::{Judging, Verdict, VerdictError};
use crate::verification::{Finding, PIECE_LEN, Piece, VerificationError};

/// How long the verifications beyond the threshold are waited for, in milliseconds, and how much longer for
/// every contribution. They are not needed, but each one more checks the others, and a member whose
/// verification is not there when the verdict is reached cannot help to open the sum.
const EXTRA_VERIFICATIONS_MS: u64 = 10_000;
const EXTRA_VERIFICATIONS_MS_EACH: u64 = 1;

/// Awaits verifications.
#[derive(Debug)]
pub(super) struct Verifying {
    pub(super) closed: Closed,
    verifications: BTreeMap<ShareIndex, Verification>,
    enough_since: Option<Timestamp>,
    /// How many verifications there were when they left too few answers, or members to open the sum.
    insufficient: Option<u32>,
    judgement: Option<Judgement>,
}

/// The verdict is being reached, a slice at a time, with the verifications that were complete when that began. What
/// would change them waits until then, so that the verdict is the one that follows from what is written down before it.
#[derive(Debug)]
struct Judgement {
    since: Timestamp,
    judging: Judging,
    verdict: Option<Verdict>,
    /// The last verification or decline of each member that came meanwhile. An honest one sends its next one when it
    /// is acknowledged.
    waiting: BTreeMap<PeerId, (ConnectionId, Bytes)>,
}

/// What has come from one member.
#[derive(Debug, Default)]
struct Verification {
    pieces: BTreeMap<u32, Vec<Finding>>,
    findings: usize,
}

impl Verification {
    fn is_complete(&self, size: u32) -> bool {
        u32::try_from(self.findings) == Ok(size)
    }
}

impl Verifying {
    /// Fixes the manifest and tells everybody.
    pub(super) fn begin(state: Contributing, room: &mut Room) -> Self {
        let mut state = Self::restore(state, room.study(), room.now());
        room.persist(Record::ManifestFixed { size: state.closed.commitment.size });
        room.push(Output::Event(Event::PhaseChanged(Phase::Verifying)));
        state.closed.tell_members(None, room);
        for (peer, connection) in room.peers().collect::<Vec<_>>() {
            if state.closed.committee.place_of(&peer).is_none() {
                state.closed.tell_counted(&peer, connection, room);
            }
        }
        state
    }

    /// The phase that began at `began`, as its records tell it.
    pub(super) fn restore(state: Contributing, study: &Study, began: Timestamp) -> Self {
        Self {
            closed: Closed::new(state, study, began),
            verifications: BTreeMap::new(),
            enough_since: None,
            insufficient: None,
            judgement: None,
        }
    }

    /// Takes in a piece that was written down. The extra verifications are waited for anew.
    pub(super) fn restore_piece(
        &mut self,
        signed: &SignedBytes,
        now: Timestamp,
    ) -> Result<(), VerificationError> {
        let piece = self.piece(signed)?;
        self.keep(piece, now);
        Ok(())
    }

    /// Takes in that a member declined.
    pub(super) fn restore_decline(&mut self, peer: &PeerId) -> bool {
        let known = self.closed.restore_decline(peer);
        self.forget_declined();
        known
    }

    /// Whoever declines will not open the sum either.
    fn forget_declined(&mut self) {
        let before = self.complete();
        self.verifications.retain(|place, _| !self.closed.has_declined(*place));
        if self.complete() < before {
            self.insufficient = None;
        }
        if self.complete() < self.closed.threshold() {
            self.enough_since = None;
        }
    }

    fn piece(&self, signed: &SignedBytes) -> Result<Piece, VerificationError> {
        let Closed { committee, manifest, commitment, .. } = &self.closed;
        Piece::verify(committee, *manifest, commitment.size, signed)
    }

    fn keep(&mut self, piece: Piece, now: Timestamp) {
        let verification = self.verifications.entry(piece.member).or_default();
        verification.findings += piece.findings.len();
        verification.pieces.insert(piece.first, piece.findings);
        if self.enough_since.is_none() && self.complete() >= self.closed.threshold() {
            self.enough_since = Some(now);
        }
    }

    /// How many members have verified everything.
    pub(super) fn complete(&self) -> u32 {
        let size = self.closed.commitment.size;
        let complete = self.verifications.values().filter(|of| of.is_complete(size)).count();
        u32::try_from(complete).unwrap_or(u32::MAX)
    }

    fn is_complete(&self, place: ShareIndex) -> bool {
        let size = self.closed.commitment.size;
        self.verifications.get(&place).is_some_and(|of| of.is_complete(size))
    }

    /// Members that may still verify.
    fn outstanding(&self) -> impl Iterator<Item = ShareIndex> {
        self.closed.outstanding(|place| self.is_complete(place))
    }

    /// How many members are waited for that have no connection.
    pub(super) fn away(&self) -> u32 {
        self.closed.away(self.outstanding())
    }

    pub(super) fn status(&self, blank: Status) -> Status {
        Status { phase: Phase::Verifying, verified: self.complete(), ..self.closed.status(blank) }
    }

    pub(super) fn message(
        mut self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        if let (Some(judgement), Some(_)) =
            (&mut self.judgement, self.closed.committee.place_of(&envelope.peer))
            && let PeerMessage::Verification(_) | PeerMessage::Decline(_) = message
        {
            judgement.waiting.insert(envelope.peer, (envelope.from, envelope.bytes.clone()));
            return (State::Verifying(self), None);
        }
        let result = match message {
            PeerMessage::Verification(signed) => self.accept(&signed, envelope, room),
            PeerMessage::Decline(reason) => {
                let declined = self.closed.decline(reason, |_| false, envelope, room);
                self.forget_declined();
                declined
            }
            PeerMessage::Contribute(contribution) => {
                self.closed.repeated(contribution, envelope, room)
            }
            PeerMessage::Received(held) => {
                self.closed.received(&envelope.peer, held, room);
                Ok(())
            }
            PeerMessage::Partial(_) => Err(Refusal::WrongPhase(Phase::Verifying)),
            // An enrolment that crossed the committee on the way; its peer contributes next.
            PeerMessage::Enrol(_)
            | PeerMessage::Identify(_)
            | PeerMessage::Leave
            | PeerMessage::WordsDiffer => Ok(()),
        };
        (State::Verifying(self), result.err())
    }

    fn accept(
        &mut self,
        signed: &SignedBytes,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let piece = self.piece(signed).map_err(Refusal::Verification)?;
        let member = piece.member;
        if self.closed.committee.place_of(&envelope.peer) != Some(member) {
            return Err(Refusal::NotMember);
        }
        let known = self.verifications.get(&member).and_then(|of| of.pieces.get(&piece.first));
        match known {
            Some(known) if *known == piece.findings => {}
            Some(_) => return Err(Refusal::AlreadyVerified),
            None if self.closed.has_declined(member) => return Err(Refusal::AlreadyVerified),
            None => {
                self.keep(piece, room.now());
                room.persist(Record::Verified(envelope.bytes.clone()));
                if self.is_complete(member) {
                    let verified = self.complete();
                    room.push(Output::Event(Event::VerificationReceived { verified }));
                }
            }
        }
        envelope.acknowledge(room);
        Ok(())
    }

    pub(super) fn loaded(mut self, number: u32, message: &Bytes, room: &mut Room) -> State {
        self.closed.loaded(number, message, None, room);
        State::Verifying(self)
    }

    pub(super) fn arrive(mut self, arrival: Arrival, room: &mut Room) -> State {
        self.closed.arrive(arrival, |_| true, None, room);
        State::Verifying(self)
    }

    pub(super) fn go_away(mut self, peer: &PeerId, room: &Room) -> State {
        self.closed.go_away(peer, room);
        State::Verifying(self)
    }

    pub(super) fn leave(mut self, peer: &PeerId, room: &mut Room) -> State {
        self.closed.leave(peer, room);
        State::Verifying(self)
    }

    pub(super) fn tick(mut self, room: &mut Room) -> State {
        let have = self.complete();
        let (others, settles_at) = (self.outstanding(), self.settles_at(room));
        let late = EndReason::VerificationsLate;
        let may_come = match self.closed.patience(have, others, settles_at, late, room) {
            Patience::End(reason) => return State::Verifying(self).end(reason, room),
            // What has begun is brought to its end.
            Patience::Wait if self.judgement.is_none() => return State::Verifying(self),
            Patience::Wait => true,
            Patience::Decide { may_come } => may_come,
        };
        if self.judgement.is_none() {
            if may_come && self.insufficient == Some(have) {
                return State::Verifying(self);
            }
            self.judgement = Some(self.begin_judging(room.now()));
            self.judge(room);
        }
        let Some(judgement) = self.judgement.take_if(|judgement| judgement.verdict.is_some())
        else {
            return State::Verifying(self);
        };
        let Judgement { verdict: Some(verdict), waiting, .. } = judgement else {
            unreachable!("there is a verdict")
        };
        // What came before the deadline and waited may be what is missing.
        let may_come = may_come || !waiting.is_empty();
        let state =
            match verdict.check(room.study(), &self.closed.committee, self.closed.commitment) {
                // Whoever comes back may still open the sum, and not once there is a verdict without it.
                Ok(()) if may_come && self.closed.openers(&verdict) < self.closed.threshold() => {
                    self.insufficient = Some(have);
                    State::Verifying(self)
                }
                Ok(()) => State::Aggregating(Aggregating::begin(self, verdict, room)),
                // Another one that comes back may still tell who is wrong.
                Err(_) if may_come => {
                    self.insufficient = Some(have);
                    State::Verifying(self)
                }
                Err(VerdictError::TooFewAnswers { have, need }) => {
                    let reason = EndReason::TooFewValid(Shortfall { have, need });
                    State::Verifying(self).end(reason, room)
                }
                Err(error) => unreachable!("as many members as the threshold remain: {error}"),
            };
        if waiting.is_empty() {
            return state;
        }
        let hear = |state: State, (peer, (from, bytes)): (PeerId, (ConnectionId, Bytes))| {
            state.deliver_late(peer, from, &bytes, room)
        };
        waiting.into_iter().fold(state, hear).tick(room)
    }

    fn begin_judging(&self, since: Timestamp) -> Judgement {
        let (scheme, members) = (self.closed.committee.scheme(), self.verified().collect());
        let Closed { commitment, own, .. } = &self.closed;
        let judging = Judging::new(scheme, members, commitment.size, own.clone());
        Judgement { since, judging, verdict: None, waiting: BTreeMap::new() }
    }

    /// Judges the next slice, if a verdict is being reached.
    pub(super) fn judge(&mut self, room: &Room) {
        let Self { judgement: Some(Judgement { judging, verdict, .. }), verifications, .. } = self
        else {
            return;
        };
        if verdict.is_none() {
            let of = |member, numbers| of(verifications, member, &numbers);
            *verdict = judging.advance(room.study().questionnaire(), of, room.judging_slice());
        }
    }

    /// The verdict with the verifications that are complete, in one piece.
    pub(super) fn verdict(&self, study: &Study) -> Verdict {
        let Judgement { mut judging, .. } = self.begin_judging(Timestamp::default());
        let of = |member, numbers| of(&self.verifications, member, &numbers);
        let verdict = judging.advance(study.questionnaire(), of, u64::MAX);
        verdict.unwrap_or_else(|| unreachable!("nothing stops it before the verdict"))
    }

    /// The members that have verified everything.
    pub(super) fn verified(&self) -> impl Iterator<Item = ShareIndex> {
        self.verifications.keys().copied().filter(|place| self.is_complete(*place))
    }

    /// When the state acts by itself: at once, while a verdict is being reached.
    pub(super) fn due(&self, room: &Room) -> Timestamp {
        let closes_at = self.closes_at(room);
        self.judgement.as_ref().map_or(closes_at, |judgement| judgement.since.min(closes_at))
    }

    /// When the phase closes if nothing happens before.
    pub(super) fn closes_at(&self, room: &Room) -> Timestamp {
        self.closed.due(self.settles_at(room), room)
    }

    /// Until when the verifications beyond the threshold are waited for. That leaves the members half of their
    /// time for their partial aggregates.
    fn settles_at(&self, room: &Room) -> Option<Timestamp> {
        let each = EXTRA_VERIFICATIONS_MS_EACH * u64::from(self.closed.commitment.size);
        let settled = self.enough_since?.after(EXTRA_VERIFICATIONS_MS + each);
        Some(settled.min(self.closed.half_time(room)))
    }
}

/// What a member that has verified everything found about these contributions, which are of one piece.
fn of<'a>(
    verifications: &'a BTreeMap<ShareIndex, Verification>,
    member: ShareIndex,
    numbers: &Range<u32>,
) -> &'a [Finding] {
    let first = numbers.start - numbers.start % PIECE_LEN;
    let piece = &verifications[&member].pieces[&first];
    let position = |number| usize::try_from(number - first).expect("a piece is short");
    &piece[position(numbers.start)..position(numbers.end)]
}
