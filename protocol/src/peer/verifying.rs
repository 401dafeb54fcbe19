//! The manifest is known: a member verifies what it counts, and answers one verdict.

use crate::aggregate;
use crate::digest::{ContributionDigest, ManifestDigest, MessageDigest, VerdictDigest};
use crate::field::SecretVector;
use crate::manifest::Commitment;
use crate::messages::{DeclineReason, Inclusion, PeerMessage, Publication};
use crate::peer::contributing::{Duty, FixedRound, Unusable};
use crate::peer::result::AwaitingResult;
use crate::peer::state::State;
use crate::peer::{Event, Failure, OwnAnswer, Peer, Record, Transition};
use crate::time::Timestamp;
use crate::validity::QueryRandomness;
use crate::verdict::{Verdict, VerdictBytes};
use crate::verification::{Finding, Piece, piece_len};
use crate::wire;

/// How many elements of shares are looked at before the page gets its turn: about 10 ms of work in a
/// browser.
const VERIFYING_SLICE: usize = 2_048;

/// The verdict is awaited; before that the contributions are verified, a slice at a time.
#[derive(Debug)]
pub(super) struct AwaitingVerdict {
    pub(super) round: FixedRound,
    duty: Duty,
    commitment: Commitment,
    manifest: ManifestDigest,
    digests: Vec<ContributionDigest>,
    /// The number of this peer's own contribution.
    own: u32,
    /// Where the piece begins that is being made.
    first: u32,
    findings: Vec<Finding>,
    /// The message with the last finished piece, encoded, until it is acknowledged.
    pub(super) unacknowledged: Option<Vec<u8>>,
}

impl AwaitingVerdict {
    /// Begins to verify what this manifest counts, this peer's own contribution under the number `own`.
    pub(super) fn begin(
        round: FixedRound,
        duty: Duty,
        (commitment, manifest): (Commitment, ManifestDigest),
        digests: Vec<ContributionDigest>,
        own: u32,
    ) -> Self {
        Self {
            round,
            duty,
            commitment,
            manifest,
            digests,
            own,
            first: 0,
            findings: Vec::new(),
            unacknowledged: None,
        }
    }

    /// Whether there is something to do that waits for nobody.
    pub(super) fn is_working(&self) -> bool {
        self.unacknowledged.is_none() && self.first < self.commitment.size
    }

    /// Verifies the next slice, and sends the piece when it is complete.
    pub(super) fn advance(mut self: Box<Self>, peer: &mut Peer, now: Timestamp) -> State {
        let Some(len) = piece_len(self.first, self.commitment.size).filter(|_| self.is_working())
        else {
            return State::AwaitingVerdict(self);
        };
        let slice = VERIFYING_SLICE.div_ceil(self.round.study.questionnaire().proven_len());
        for _ in 0..slice.min(len - self.findings.len()) {
            let number = self.first + u32::try_from(self.findings.len()).unwrap_or(u32::MAX);
            let mut finding = self.finding(number);
            peer.me.conduct.finding(number, &mut finding);
            self.findings.push(finding);
        }
        if self.findings.len() < len {
            return State::AwaitingVerdict(self);
        }
        let findings = core::mem::take(&mut self.findings);
        let piece = Piece { member: self.duty.index, first: self.first, findings };
        let signed = piece.sign(&peer.me.identity, self.manifest);
        self.unacknowledged = Some(wire::encode(&PeerMessage::Verification(signed)));
        peer.disclosure.verifications_sent += 1;
        let state = State::AwaitingVerdict(self);
        peer.send_unacknowledged(&state, now);
        state
    }

    fn finding(&self, number: u32) -> Finding {
        let digest = usize::try_from(number).ok().and_then(|position| self.digests.get(position));
        let (Some(digest), Some(Ok(share))) = (digest, self.duty.share(number)) else {
            return Finding::Unreadable;
        };
        let questionnaire = self.round.study.questionnaire();
        let randomness = QueryRandomness::new(questionnaire, self.manifest, *digest);
        let scheme = self.round.committee.scheme();
        Finding::Share(questionnaire.verifier_share(share, &randomness, scheme))
    }

    /// Whether `digest` acknowledges the last piece; the next one is then begun.
    pub(super) fn acknowledge(&mut self, digest: MessageDigest, peer: &mut Peer) -> bool {
        let own = |message: &Vec<u8>| MessageDigest::of(message) == digest;
        let acknowledged = self.unacknowledged.as_ref().is_some_and(own);
        if acknowledged {
            self.unacknowledged = None;
            let len = piece_len(self.first, self.commitment.size).unwrap_or_default();
            self.first += u32::try_from(len).unwrap_or(u32::MAX);
            if self.first >= self.commitment.size {
                peer.emit(Event::VerificationSent { contributions: self.commitment.size });
            }
        }
        acknowledged
    }

    /// The manifest is told again, over another connection, and must stay the same.
    pub(super) fn repeated(self: Box<Self>, digests: &[ContributionDigest]) -> Transition {
        if self.digests == digests {
            Ok(State::AwaitingVerdict(self))
        } else {
            Err(Failure::Equivocation)
        }
    }

    /// The verdict comes, and is answered once.
    pub(super) fn verdict(
        self: Box<Self>,
        bytes: &VerdictBytes,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let FixedRound { study, committee, .. } = &self.round;
        let verdict = match Verdict::read(bytes, study, committee, self.commitment) {
            Ok(verdict) => verdict,
            Err(error) => {
                peer.send(&PeerMessage::Decline(DeclineReason::BelowMinimum));
                peer.emit(Event::Declined(DeclineReason::BelowMinimum));
                return Err(Failure::VerdictInvalid(error));
            }
        };
        let digest = verdict.digest(self.manifest);
        if peer.me.verdict.is_some_and(|bound| bound != digest) {
            return Err(Failure::Equivocation);
        }
        let rejection = verdict.rejection(self.own);
        peer.link.replied();
        peer.emit(Event::VerdictAccepted {
            accepted: verdict.accepted(self.commitment),
            rejected: verdict.rejected_len(),
            own: rejection,
        });
        if !verdict.members().contains(self.duty.index) {
            return Ok(self.await_result(digest, None, peer, now));
        }
        if rejection.is_some() && !self.may_be_opened_by_all(&verdict) {
            let reason = DeclineReason::OwnAnswer;
            peer.emit(Event::Declined(reason));
            let last = LastMessage { message: PeerMessage::Decline(reason), gives_partial: false };
            return Ok(self.await_result(digest, Some(last), peer, now));
        }
        let Some(mut values) = self.sum(&verdict) else {
            // It counts on this member for an answer that this member has said it cannot read.
            peer.send(&PeerMessage::Decline(DeclineReason::Mismatch));
            peer.emit(Event::Declined(DeclineReason::Mismatch));
            return Err(Failure::VerdictContradicted);
        };
        peer.me.conduct.partial(&mut values);
        // Written down before it is sent: a peer that comes back never answers another verdict.
        if peer.me.verdict.replace(digest).is_none() {
            peer.persist(Record::Aggregating(digest));
        }
        let index = self.duty.index;
        let signed =
            aggregate::sign_partial((&peer.me.identity, &peer.me.entropy), digest, index, &values);
        let last = LastMessage { message: PeerMessage::Partial(signed), gives_partial: true };
        Ok(self.await_result(digest, Some(last), peer, now))
    }

    /// Whether whose answer is rejected may open the sum all the same.
    fn may_be_opened_by_all(&self, verdict: &Verdict) -> bool {
        let committee = &self.round.committee;
        verdict.may_be_opened_by_all(&self.duty.members_own(committee, self.commitment), committee)
    }

    /// This member's share of what is published; `None` if it lacks a share of what is counted.
    fn sum(&self, verdict: &Verdict) -> Option<SecretVector> {
        let questionnaire = self.round.study.questionnaire();
        let mut sum = SecretVector::zeros(questionnaire.input_len());
        for number in
            (0..self.commitment.size).filter(|number| verdict.rejection(*number).is_none())
        {
            match self.duty.share(number)? {
                // The proof behind the answer has served its purpose.
                Ok(share) => sum.add_from(0, &share.elements()[..sum.len()]),
                Err(Unusable::Unreadable | Unusable::Repeated) => return None,
            }
        }
        let accepted = verdict.accepted(self.commitment);
        Some(questionnaire.aggregate(&sum, accepted, self.round.committee.scheme()))
    }

    /// No partial aggregate of this member is needed any more.
    pub(super) fn counted(
        self: Box<Self>,
        inclusion: &Inclusion,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let commitment = Commitment { size: inclusion.size, root: inclusion.root };
        if commitment != self.commitment {
            return Err(Failure::Equivocation);
        }
        peer.link.replied();
        let waiting = self.awaiting_result(None, None);
        let state = State::AwaitingResult(Box::new(waiting));
        peer.send_unacknowledged(&state, now);
        Ok(state)
    }

    /// The result comes before the verdict: it was reached without this member.
    pub(super) fn published(
        self: Box<Self>,
        publication: &Publication,
        peer: &mut Peer,
    ) -> Transition {
        self.awaiting_result(None, None).published(publication, peer)
    }

    fn await_result(
        self: Box<Self>,
        verdict: VerdictDigest,
        last: Option<LastMessage>,
        peer: &mut Peer,
        now: Timestamp,
    ) -> State {
        let state = State::AwaitingResult(Box::new(self.awaiting_result(Some(verdict), last)));
        peer.send_unacknowledged(&state, now);
        state
    }

    /// The shares of the others have served their purpose: only what checks the result stays.
    fn awaiting_result(
        self: Box<Self>,
        verdict: Option<VerdictDigest>,
        last: Option<LastMessage>,
    ) -> AwaitingResult {
        let Self { round: FixedRound { study, committee, .. }, commitment, own, .. } = *self;
        AwaitingResult {
            study,
            committee,
            commitment,
            own: OwnAnswer::Counted,
            number: Some(own),
            verdict,
            gives_partial: last.as_ref().is_some_and(|last| last.gives_partial),
            unacknowledged: last.map(|last| wire::encode(&last.message)),
        }
    }
}

/// The last message of a member.
struct LastMessage {
    message: PeerMessage,
    gives_partial: bool,
}
