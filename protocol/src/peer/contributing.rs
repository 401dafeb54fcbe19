//! The committee is fixed: the peer seals its answer, keeps the shares it receives as a member,
//! and answers one manifest.

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate;
use crate::committee::Committee;
use crate::contribution;
use crate::digest::{ContributionDigest, MessageDigest};
use crate::entropy::Purpose;
use crate::field::{Field, SecretVector};
use crate::identity::PeerId;
use crate::manifest::{Commitment, Manifest};
use crate::messages::{DeclineReason, Delivery, Inclusion, PeerMessage};
use crate::peer::{
    Answer, AwaitingResult, Event, Failure, OwnAnswer, Peer, Record, Role, State, Transition,
};
use crate::seal::OpeningKey;
use crate::sharing::ShareIndex;
use crate::study::Study;
use crate::time::Timestamp;

/// How many shares are sealed before the page gets its turn: about 10 ms of work in a browser.
const SEALING_SLICE: usize = 16;

/// What both states here know: the round as it stands, and this peer's duty in it.
#[derive(Debug)]
pub(super) struct FixedRound {
    pub(super) study: Study,
    pub(super) committee: Committee,
    duty: Option<Duty>,
}

/// What a member keeps.
#[derive(Debug)]
struct Duty {
    index: ShareIndex,
    opening_key: OpeningKey,
    received: BTreeMap<u32, Received>,
    senders: BTreeSet<PeerId>,
}

/// A contribution as one member sees it.
#[derive(Debug)]
struct Received {
    sender: PeerId,
    /// `Err` if the share could not be opened, or its sender has another contribution.
    share: Result<SecretVector, DeclineReason>,
}

/// The answer is being split and sealed.
#[derive(Debug)]
pub(super) struct Sealing {
    pub(super) round: FixedRound,
    work: contribution::Sealing,
    encapsulation: chacha20::ChaCha20Rng,
}

/// The contribution is on its way, and the manifest is awaited.
#[derive(Debug)]
pub(super) struct AwaitingManifest {
    pub(super) round: FixedRound,
    contribution: ContributionDigest,
    message: MessageDigest,
    acknowledged: bool,
}

impl Sealing {
    /// Splits the answer; `opening_key` is there if the peer has enrolled.
    pub(super) fn begin(
        study: Study,
        committee: Committee,
        answer: &Answer,
        opening_key: Option<OpeningKey>,
        peer: &mut Peer,
    ) -> State {
        let place = committee.place_of(&peer.me.id());
        let duty = place.zip(opening_key).map(|(index, opening_key)| Duty {
            index,
            opening_key,
            received: BTreeMap::new(),
            senders: BTreeSet::new(),
        });
        let role = match &duty {
            Some(duty) => Role::Member { index: duty.index.number() },
            None => Role::Contributor,
        };
        peer.persist(Record::Contributing(committee.digest()));
        peer.emit(Event::CommitteeFixed {
            members: committee.size(),
            threshold: committee.threshold(),
            role,
        });
        let Some(bits) = study.range().encode(answer.value()) else {
            unreachable!("the range was checked when the answer was taken")
        };
        // The streams depend on everything that goes into the shares: were any of it to change,
        // the shares would be drawn afresh and not from a stream that has made others.
        let value = zeroize::Zeroizing::new(answer.value().to_be_bytes());
        let digests = (study.digest(), committee.digest());
        let context: [&[u8]; 3] = [digests.0.as_bytes(), digests.1.as_bytes(), value.as_slice()];
        let entropy = &peer.me.entropy;
        let mut sharing = entropy.stream(Purpose::Sharing, &context);
        let encapsulation = entropy.stream(Purpose::Encapsulation, &context);
        let work = contribution::Sealing::new(&study, &committee, &bits, &mut sharing);
        let round = FixedRound { study, committee, duty };
        State::Sealing(Box::new(Self { round, work, encapsulation }))
    }

    /// Seals the next slice, and contributes after the last one.
    pub(super) fn advance(mut self: Box<Self>, peer: &mut Peer, now: Timestamp) -> Transition {
        let committee = &self.round.committee;
        let done = self
            .work
            .advance(SEALING_SLICE, &peer.me.identity, committee, &mut self.encapsulation)
            .map_err(|_| Failure::Sealing)?;
        if !done {
            return Ok(State::Sealing(self));
        }
        let Self { round, work, .. } = *self;
        let (message, contribution) =
            work.finish(&peer.me.identity, &round.study, &round.committee);
        let message = peer.send(&PeerMessage::Contribute(message));
        let shares = round.committee.size();
        peer.disclosure.shares_sent += u32::from(shares);
        peer.emit(Event::ContributionSent { shares });
        peer.expect_reply(now);
        Ok(State::AwaitingManifest(Box::new(AwaitingManifest {
            round,
            contribution,
            message,
            acknowledged: false,
        })))
    }
}

impl Sealing {
    /// The manifest is fixed while this member still seals its answer: it is not in it.
    pub(super) fn manifest(self, digests: &[ContributionDigest], peer: &mut Peer) -> Transition {
        let Self { round, .. } = self;
        let checked = round.check_manifest(&peer.me.id(), None, digests)?;
        match checked.value {
            Err(DeclineReason::OwnAnswer) => {
                Ok(round.decline(DeclineReason::OwnAnswer, checked.commitment, peer))
            }
            _ => Err(Failure::ManifestInvalid),
        }
    }
}

impl FixedRound {
    /// Keeps a share that came for this member.
    pub(super) fn deliver(&mut self, delivery: &Delivery, peer: &mut Peer) -> Result<(), Failure> {
        let duty = self.duty.as_mut().ok_or(Failure::Unexpected)?;
        let sender =
            delivery.sender.resolve(&self.committee).map_err(|_| Failure::ForeignSender)?;
        let beyond = delivery.number >= self.study.maximum_cohort();
        if beyond || duty.received.contains_key(&delivery.number) {
            return Err(Failure::Unexpected);
        }
        let me = peer.me.id();
        let share = if duty.senders.insert(sender) {
            let sealed = &delivery.share.0;
            let key = &duty.opening_key;
            contribution::open_share(&self.study, &self.committee, &sender, &me, key, sealed)
                .map_err(|_| DeclineReason::Unreadable)
        } else {
            Err(DeclineReason::Mismatch)
        };
        duty.received.insert(delivery.number, Received { sender, share });
        let received = u32::try_from(duty.received.len()).unwrap_or(u32::MAX);
        peer.emit(Event::ShareReceived { received });
        Ok(())
    }
}

impl AwaitingManifest {
    /// Whether the hospital has stored this peer's contribution and so promised to count it.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// Whether `digest` acknowledges this peer's contribution.
    pub(super) fn is_own(&self, digest: MessageDigest) -> bool {
        self.message == digest
    }

    pub(super) fn acknowledge(&mut self, peer: &mut Peer) {
        if !core::mem::replace(&mut self.acknowledged, true) {
            peer.emit(Event::ContributionAcknowledged);
        }
    }

    /// A visitor gets the proof that its contribution counts.
    pub(super) fn counted(self, inclusion: &Inclusion, peer: &mut Peer) -> Transition {
        let Self { round, contribution, message, .. } = self;
        let commitment = Commitment { size: inclusion.size, root: inclusion.root };
        let path = inclusion.path.as_slice();
        let holds = round.duty.is_none()
            && commitment.fits(&round.study)
            && commitment.includes(inclusion.number, &peer.me.id(), contribution, path);
        if !holds {
            return Err(Failure::ManifestInvalid);
        }
        let own = OwnAnswer::Counted;
        peer.reply_due = None;
        peer.emit(Event::ManifestAccepted { contributions: commitment.size, own });
        Ok(round.await_result(commitment, own, message))
    }

    /// A member gets the whole manifest, checks it against what it holds, and answers it once.
    pub(super) fn manifest(
        self,
        digests: &[ContributionDigest],
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let Self { round, contribution, acknowledged, .. } = self;
        let checked = round.check_manifest(&peer.me.id(), Some(contribution), digests)?;
        let commitment = checked.commitment;
        let (index, value) = match checked.value {
            Ok(partial) => partial,
            // Still on its way when contributing closed: nobody's fault, but a member vouches only
            // for sums that contain its own answer. Otherwise it could be made to open a sum over
            // one victim and people whom the hospital invented.
            Err(DeclineReason::OwnAnswer) if !acknowledged => {
                return Ok(round.decline(DeclineReason::OwnAnswer, commitment, peer));
            }
            Err(DeclineReason::Unreadable) => {
                return Ok(round.decline(DeclineReason::Unreadable, commitment, peer));
            }
            // Everything else is the hospital's doing.
            Err(reason) => {
                peer.send(&PeerMessage::Decline(reason));
                peer.emit(Event::Declined(reason));
                return Err(Failure::ManifestInvalid);
            }
        };
        let own = OwnAnswer::Counted;
        let manifest = commitment.digest(&round.study, &round.committee);
        // Written down before it is sent: a peer that comes back never answers another manifest.
        peer.persist(Record::Aggregating(manifest));
        peer.emit(Event::ManifestAccepted { contributions: commitment.size, own });
        let (study, committee) = (&round.study, &round.committee);
        let identity = &peer.me.identity;
        let signed = aggregate::sign_partial(identity, study, committee, manifest, index, value);
        let partial = peer.send(&PeerMessage::Partial(signed));
        peer.disclosure.partials_sent += 1;
        peer.emit(Event::PartialSent);
        peer.expect_reply(now);
        Ok(round.await_result(commitment, own, partial))
    }
}

/// What a member makes of a manifest.
struct CheckedManifest {
    commitment: Commitment,
    /// Its place and its share of the sum, or why it gives none.
    value: Result<(ShareIndex, Field), DeclineReason>,
}

impl Duty {
    /// The sum of the shares that a manifest counts, all of which have come.
    fn sum_counted(
        &self,
        me: &PeerId,
        own: Option<ContributionDigest>,
        digests: &[ContributionDigest],
        len: usize,
    ) -> Result<SecretVector, DeclineReason> {
        let (mut counted, mut unreadable) = (false, false);
        let mut sum = SecretVector::zeros(len);
        for (received, digest) in self.received.values().zip(digests) {
            match &received.share {
                Ok(share) => sum.add_assign(share),
                Err(DeclineReason::Unreadable) => unreadable = true,
                Err(reason) => return Err(*reason),
            }
            // The own digest stands where the own share came, and nowhere else.
            let mine = received.sender == *me;
            if mine != (Some(*digest) == own) {
                return Err(DeclineReason::OwnAnswer);
            }
            counted |= mine;
        }
        match (counted, unreadable) {
            (false, _) => Err(DeclineReason::OwnAnswer),
            (true, true) => Err(DeclineReason::Unreadable),
            (true, false) => Ok(sum),
        }
    }
}

impl FixedRound {
    /// Checks a manifest entry by entry against the shares that came under the same numbers.
    ///
    /// `Err` only if this peer is no member.
    fn check_manifest(
        &self,
        me: &PeerId,
        own: Option<ContributionDigest>,
        digests: &[ContributionDigest],
    ) -> Result<CheckedManifest, Failure> {
        let duty = self.duty.as_ref().ok_or(Failure::Unexpected)?;
        let senders = (0u32..)
            .zip(digests)
            .map_while(|(number, digest)| Some((&duty.received.get(&number)?.sender, *digest)));
        let commitment = Manifest::new(senders).commitment();
        let value = if usize::try_from(commitment.size) != Ok(digests.len()) {
            Err(DeclineReason::Mismatch)
        } else if !commitment.fits(&self.study) {
            Err(DeclineReason::BelowMinimum)
        } else {
            duty.sum_counted(me, own, digests, self.study.range().len())
                .map(|sum| (duty.index, self.study.range().aggregate(&sum)))
        };
        Ok(CheckedManifest { commitment, value })
    }

    /// This member gives no partial aggregate, through no fault of the hospital's. The round can do
    /// without as many as the threshold allows, and the result is checked like any other.
    fn decline(self, reason: DeclineReason, commitment: Commitment, peer: &mut Peer) -> State {
        let message = peer.send(&PeerMessage::Decline(reason));
        peer.emit(Event::Declined(reason));
        peer.reply_due = None;
        let own = match reason {
            DeclineReason::OwnAnswer => OwnAnswer::NotCounted,
            _ => OwnAnswer::Counted,
        };
        self.await_result(commitment, own, message)
    }

    /// The shares of the others have served their purpose: only what checks the result stays.
    fn await_result(self, commitment: Commitment, own: OwnAnswer, message: MessageDigest) -> State {
        let Self { study, committee, .. } = self;
        State::AwaitingResult(Box::new(AwaitingResult {
            study,
            committee,
            commitment,
            own,
            message,
        }))
    }
}
