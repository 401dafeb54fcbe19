//! The patient has agreed to the committee: the peer seals its answer, keeps the shares it receives as a
//! member, and takes in one manifest.

use std::collections::{BTreeMap, BTreeSet};

use crate::committee::Committee;
use crate::contribution::{self, Resolved};
use crate::digest::{ContributionDigest, MessageDigest};
use crate::entropy::Purpose;
use crate::field::SecretVector;
use crate::identity::PeerId;
use crate::invitation::UsedTickets;
use crate::manifest::Commitment;
use crate::messages::{DeclineReason, Delivery, Inclusion, PeerMessage, Publication};
use crate::peer::result::AwaitingResult;
use crate::peer::state::State;
use crate::peer::verifying::AwaitingVerdict;
use crate::peer::{Answer, Event, Failure, OwnAnswer, Peer, Record, Role, Transition};
use crate::receipt::Receipt;
use crate::seal::OpeningKey;
use crate::sharing::ShareIndex;
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::VerdictBytes;
use crate::wire;

/// How many shares are sealed before the page gets its turn: about 10 ms of work in a browser.
const SEALING_SLICE: usize = 16;

/// After how many deliveries a member confirms them: well within the hospital's window.
const CONFIRM_EVERY: u32 = 64;

/// How often a result may come without the proof that this peer's acknowledged answer is counted, or
/// the manifest, before the hospital is taken to have broken its promise: either may be lost with a
/// connection.
const DOUBTS_MAX: u8 = 3;

/// What the states from the committee on know: the round as it stands, and this peer's duty in it.
#[derive(Debug)]
pub(super) struct FixedRound {
    pub(super) study: Study,
    pub(super) committee: Committee,
    duty: Option<Duty>,
}

/// What a member keeps.
#[derive(Debug)]
pub(super) struct Duty {
    pub(super) index: ShareIndex,
    opening_key: OpeningKey,
    received: BTreeMap<u32, Received>,
    /// How many of them there are from number 0 on without a gap.
    held: u32,
    senders: BTreeSet<PeerId>,
    /// The invitations of the committee and of those who only contribute.
    tickets: UsedTickets,
}

/// A contribution as one member sees it.
#[derive(Debug)]
struct Received {
    sender: PeerId,
    /// The contribution of which the share is a part.
    digest: ContributionDigest,
    share: Result<SecretVector, Unusable>,
}

/// Why a delivered share is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It cannot be opened, or is no vector of field elements.
    Unreadable,
    /// Its sender has another contribution.
    Repeated,
}

/// The answer is being split and sealed.
#[derive(Debug)]
pub(super) struct Sealing {
    pub(super) round: FixedRound,
    /// What came before the sealing was done.
    pub(super) early: Early,
    work: contribution::Sealing,
    encapsulation: chacha20::ChaCha20Rng,
}

/// What can only be checked once the peer has its own contribution: a peer that comes back makes it
/// again, and may hear how the round went on meanwhile.
#[derive(Debug, Default)]
pub(super) struct Early {
    pub(super) manifest: Option<Vec<ContributionDigest>>,
    pub(super) inclusion: Option<Inclusion>,
    pub(super) verdict: Option<VerdictBytes>,
    pub(super) publication: Option<Publication>,
    /// Whether the result came over the connection that stands.
    pub(super) result_told: bool,
}

/// The contribution is on its way, and the manifest is awaited.
#[derive(Debug)]
pub(super) struct AwaitingManifest {
    pub(super) round: FixedRound,
    contribution: ContributionDigest,
    /// The message, encoded.
    message: Vec<u8>,
    /// Whether it need not be repeated: the hospital has acknowledged it in this life of the peer.
    acknowledged: bool,
    /// A result that came before this peer knew what it counts.
    publication: Option<Publication>,
    /// Whether it came over the connection that stands, so that what it counts is to come there too.
    pub(super) result_told: bool,
    doubts: u8,
}

impl Sealing {
    /// Splits the answer, and binds the peer to the committee.
    pub(super) fn begin(round: FixedRound, answer: &Answer, peer: &mut Peer) -> State {
        let FixedRound { study, committee, .. } = &round;
        if peer.me.committee.replace(committee.digest()).is_none() {
            peer.persist(Record::Contributing(committee.digest()));
        }
        let questionnaire = study.questionnaire();
        let Ok(mut input) = questionnaire.encode(answer.responses()) else {
            unreachable!("the responses were checked when the answer was taken")
        };
        let conduct = peer.me.conduct;
        conduct.input(&mut input);
        // The streams depend on everything that goes into the shares: were any of it to change,
        // the shares would be drawn afresh and not from a stream that has made others.
        let value = answer.encode();
        let digests = (study.digest(), committee.digest());
        let context: [&[u8]; 3] = [digests.0.as_bytes(), digests.1.as_bytes(), value.as_slice()];
        let entropy = &peer.me.entropy;
        let mut proof = entropy.stream(Purpose::Proof, &context);
        let mut sharing = entropy.stream(Purpose::Sharing, &context);
        let encapsulation = entropy.stream(Purpose::Encapsulation, &context);
        let mut proven = questionnaire.prove(&input, &mut proof);
        conduct.proven(&mut proven, input.len());
        let work = contribution::Sealing::new(study, committee, &proven, conduct, &mut sharing);
        State::Sealing(Box::new(Self { round, early: Early::default(), work, encapsulation }))
    }

    /// Seals the next slice, and contributes after the last one.
    pub(super) fn advance(mut self: Box<Self>, peer: &mut Peer, now: Timestamp) -> Transition {
        let committee = &self.round.committee;
        let done = self
            .work
            .advance(SEALING_SLICE, &peer.me.id(), committee, &mut self.encapsulation)
            .map_err(|_| Failure::Sealing)?;
        if !done {
            return Ok(State::Sealing(self));
        }
        let Self { round, work, early, .. } = *self;
        let invitation = peer.me.invitation.as_ref();
        let (message, contribution) =
            work.finish(&peer.me.identity, &round.study, &round.committee, invitation);
        let receipt = Receipt::new(&round.study, &round.committee, peer.me.id(), contribution);
        peer.me.receipt = Some(receipt);
        let waiting = AwaitingManifest {
            round,
            contribution,
            message: wire::encode(&PeerMessage::Contribute(message)),
            acknowledged: false,
            result_told: early.result_told,
            publication: early.publication,
            doubts: 0,
        };
        waiting.catch_up((early.manifest, early.inclusion, early.verdict), peer, now)
    }
}

impl FixedRound {
    /// What this peer's duty is; `opening_key` is there if it has enrolled.
    pub(super) fn new(
        study: Study,
        committee: Committee,
        opening_key: Option<OpeningKey>,
        peer: &mut Peer,
    ) -> Self {
        let place = committee.place_of(&peer.me.id());
        let duty = place.zip(opening_key).map(|(index, opening_key)| Duty {
            index,
            opening_key,
            received: BTreeMap::new(),
            held: 0,
            senders: BTreeSet::new(),
            tickets: committee.tickets().clone(),
        });
        let role = match &duty {
            Some(duty) => Role::Member { index: duty.index.number() },
            None => Role::Contributor,
        };
        peer.emit(Event::CommitteeFixed {
            members: committee.size(),
            threshold: committee.threshold(),
            role,
        });
        Self { study, committee, duty }
    }

    /// How many deliveries this member holds, counted from the first without a gap.
    pub(super) fn deliveries_held(&self) -> u32 {
        self.duty.as_ref().map_or(0, |duty| duty.held)
    }

    /// Keeps a share that came for this member.
    pub(super) fn deliver(
        &mut self,
        delivery: &Delivery,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Result<(), Failure> {
        // Whoever is no member can open nothing.
        let Some(duty) = self.duty.as_mut() else { return Ok(()) };
        let Resolved { id: sender, ticket } = delivery
            .sender
            .resolve(&self.study, &self.committee)
            .map_err(|_| Failure::ForeignSender)?;
        // The first one under a number stays; another could only be a repetition.
        let beyond = delivery.number >= self.study.maximum_cohort();
        if beyond || duty.received.contains_key(&delivery.number) {
            return Ok(());
        }
        // No honest hospital lets an invitation count for two.
        if ticket.is_some_and(|ticket| !duty.tickets.enter(&ticket, sender)) {
            return Err(Failure::ForeignSender);
        }
        // What the sender has signed as a whole is what the manifest has to count.
        let digest = delivery
            .verify(&self.study, &self.committee, &sender, duty.index)
            .map_err(|_| Failure::ForgedShare)?;
        let me = peer.me.id();
        let share = if duty.senders.insert(sender) {
            let sealed = &delivery.share.0;
            let key = &duty.opening_key;
            contribution::open_share(&self.study, &self.committee, &sender, &me, key, sealed)
                .map_err(|_| Unusable::Unreadable)
        } else {
            Err(Unusable::Repeated)
        };
        duty.received.insert(delivery.number, Received { sender, digest, share });
        // What the hospital has to say comes behind the deliveries, however slow the line is.
        peer.link.renew_reply(now);
        while duty.received.contains_key(&duty.held) {
            duty.held += 1;
        }
        let received = u32::try_from(duty.received.len()).unwrap_or(u32::MAX);
        peer.emit(Event::ShareReceived { received });
        let held = self.deliveries_held();
        if held.is_multiple_of(CONFIRM_EVERY) {
            peer.send(&PeerMessage::Received(held));
        }
        Ok(())
    }
}

impl AwaitingManifest {
    /// Goes on with what is known already, or contributes.
    fn catch_up(
        self,
        (manifest, inclusion, verdict): (
            Option<Vec<ContributionDigest>>,
            Option<Inclusion>,
            Option<VerdictBytes>,
        ),
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        if let Some(inclusion) = inclusion {
            return Box::new(self).counted(&inclusion, peer, now);
        }
        if let Some(digests) = manifest {
            return match (Box::new(self).manifest(digests, peer, now)?, verdict) {
                (State::AwaitingVerdict(waiting), Some(verdict)) => {
                    waiting.verdict(&verdict, peer, now)
                }
                (state, _) => Ok(state),
            };
        }
        let state = State::AwaitingManifest(Box::new(self));
        peer.send_unacknowledged(&state, now);
        Ok(state)
    }

    /// The contribution, encoded, unless the hospital has acknowledged it.
    pub(super) fn unacknowledged(&self) -> Option<&[u8]> {
        (!self.acknowledged).then_some(&self.message)
    }

    /// Whether `digest` acknowledges this peer's contribution.
    pub(super) fn acknowledge(&mut self, digest: MessageDigest, peer: &mut Peer) -> bool {
        let own = MessageDigest::from(self.contribution) == digest;
        if own && !core::mem::replace(&mut self.acknowledged, true) {
            if !core::mem::replace(&mut peer.me.promised, true) {
                peer.persist(Record::Promised);
            }
            peer.emit(Event::ContributionAcknowledged);
        }
        own
    }

    /// A result came before this peer knows what it counts.
    pub(super) fn keep_publication(mut self: Box<Self>, publication: Publication) -> Box<Self> {
        (self.publication, self.result_told) = (Some(publication), true);
        self
    }

    /// The hospital did not say in time what it has to. That may be lost with a connection a few times.
    pub(super) fn doubt(mut self: Box<Self>, promised: bool) -> Result<Box<Self>, Failure> {
        if promised && self.result_told {
            self.doubts += 1;
        }
        if self.doubts < DOUBTS_MAX { Ok(self) } else { Err(Failure::ManifestInvalid) }
    }

    /// The proof comes that the contribution counts: for whoever only contributes, and for a member
    /// of whom no partial aggregate is needed any more.
    pub(super) fn counted(
        self: Box<Self>,
        inclusion: &Inclusion,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let commitment = Commitment { size: inclusion.size, root: inclusion.root };
        let path = inclusion.path.as_slice();
        let holds = commitment.fits(&self.round.study)
            && commitment.includes(inclusion.number, &peer.me.id(), self.contribution, path);
        if !holds {
            return Err(Failure::ManifestInvalid);
        }
        let manifest = commitment.digest(&self.round.study, &self.round.committee);
        if peer.me.manifest.is_some_and(|bound| bound != manifest) {
            return Err(Failure::Equivocation);
        }
        let own = OwnAnswer::Counted;
        peer.me.note_manifest(manifest, Some(inclusion.number));
        peer.link.replied();
        peer.emit(Event::ManifestAccepted { contributions: commitment.size, own });
        self.await_result(commitment, (own, Some(inclusion.number)), None, peer, now)
    }

    /// A member gets the whole manifest, checks it against what it holds, and verifies what it counts.
    pub(super) fn manifest(
        mut self: Box<Self>,
        digests: Vec<ContributionDigest>,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let held = usize::try_from(self.round.deliveries_held()).unwrap_or(usize::MAX);
        let Some(duty) = self.round.duty.as_ref().filter(|_| digests.len() <= held) else {
            // Deliveries are missing, and come again.
            return peer.out_of_order(State::AwaitingManifest(self), now);
        };
        let commitment = duty.commitment(&digests);
        let manifest = commitment.digest(&self.round.study, &self.round.committee);
        if peer.me.manifest.is_some_and(|bound| bound != manifest) {
            return Err(Failure::Equivocation);
        }
        let found = if usize::try_from(commitment.size) != Ok(digests.len()) {
            Err(DeclineReason::Mismatch)
        } else if !commitment.fits(&self.round.study) {
            Err(DeclineReason::BelowMinimum)
        } else {
            duty.find_own(&peer.me.id(), self.contribution, &digests)
        };
        let own = match found {
            Ok(number) => number,
            // Still on its way when contributing closed: nobody's fault, but a member whose answer is not in
            // the manifest opens no sum.
            Err(DeclineReason::OwnAnswer) if !peer.me.promised => {
                return self.not_counted(commitment, peer, now);
            }
            // Everything else is the hospital's doing.
            Err(reason) => {
                peer.send(&PeerMessage::Decline(reason));
                peer.emit(Event::Declined(reason));
                return Err(Failure::ManifestInvalid);
            }
        };
        peer.me.note_manifest(manifest, Some(own));
        // Written down before it is answered: a peer that comes back never answers another manifest.
        if peer.me.manifest.replace(manifest).is_none() {
            peer.persist(Record::Verifying(manifest));
        }
        peer.link.replied();
        peer.emit(Event::ManifestAccepted {
            contributions: commitment.size,
            own: OwnAnswer::Counted,
        });
        let Some(duty) = self.round.duty.take() else {
            unreachable!("it was there when the manifest was checked")
        };
        let known = (commitment, manifest);
        let verifying = AwaitingVerdict::begin(self.round, duty, known, digests, own);
        match self.publication {
            Some(publication) => Box::new(verifying).published(&publication, peer),
            None => Ok(State::AwaitingVerdict(Box::new(verifying))),
        }
    }

    /// This member's answer came too late, and it takes no further part. The round can do without as many
    /// members as the threshold allows, and the result is checked like any other.
    fn not_counted(
        self: Box<Self>,
        commitment: Commitment,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let (own, reason) = (OwnAnswer::NotCounted, DeclineReason::OwnAnswer);
        let manifest = commitment.digest(&self.round.study, &self.round.committee);
        peer.me.note_manifest(manifest, None);
        peer.emit(Event::ManifestAccepted { contributions: commitment.size, own });
        peer.emit(Event::Declined(reason));
        peer.link.replied();
        let last = wire::encode(&PeerMessage::Decline(reason));
        self.await_result(commitment, (own, None), Some(last), peer, now)
    }

    /// The shares of the others have served their purpose: only what checks the result stays.
    fn await_result(
        self: Box<Self>,
        commitment: Commitment,
        (own, number): (OwnAnswer, Option<u32>),
        unacknowledged: Option<Vec<u8>>,
        peer: &mut Peer,
        now: Timestamp,
    ) -> Transition {
        let Self { round: FixedRound { study, committee, .. }, publication, .. } = *self;
        let waiting = AwaitingResult {
            study,
            committee,
            commitment,
            own,
            number,
            verdict: None,
            unacknowledged,
            gives_partial: false,
        };
        let state = State::AwaitingResult(Box::new(waiting));
        peer.send_unacknowledged(&state, now);
        match publication {
            Some(publication) => peer.published(state, publication, now),
            None => Ok(state),
        }
    }
}

impl Duty {
    /// This member's share of contribution `number`, or why it has none; `None` if it never came.
    pub(super) fn share(&self, number: u32) -> Option<Result<&SecretVector, Unusable>> {
        let received = self.received.get(&number)?;
        Some(received.share.as_ref().map_err(|unusable| *unusable))
    }

    /// The numbers under which the manifest has the committee members' own contributions.
    pub(super) fn members_own(
        &self,
        committee: &Committee,
        commitment: Commitment,
    ) -> BTreeSet<u32> {
        let (mut members, mut own) = (BTreeSet::new(), BTreeSet::new());
        // Extended and not collected, which would link code that sorts.
        members.extend(committee.members().map(|(_, member)| member.id()));
        let counted = self.received.range(..commitment.size);
        let of_members = counted.filter(|(_, of)| members.contains(&of.sender));
        own.extend(of_members.map(|(number, _)| *number));
        own
    }

    /// What a manifest comes down to, with the senders whose shares came under the same numbers.
    fn commitment(&self, digests: &[ContributionDigest]) -> Commitment {
        let senders = (0u32..)
            .zip(digests)
            .map_while(|(number, digest)| Some((&self.received.get(&number)?.sender, *digest)));
        Commitment::of(senders)
    }

    /// The number of this peer's own contribution, which must be there once, and where its own share came.
    fn find_own(
        &self,
        me: &PeerId,
        own: ContributionDigest,
        digests: &[ContributionDigest],
    ) -> Result<u32, DeclineReason> {
        let mut found = None;
        for ((number, received), digest) in self.received.iter().zip(digests) {
            if let Err(Unusable::Repeated) = received.share {
                return Err(DeclineReason::Mismatch);
            }
            if received.sender == *me {
                if *digest != own {
                    return Err(DeclineReason::OwnAnswer);
                }
                found = Some(*number);
            }
            if received.digest != *digest {
                return Err(DeclineReason::Mismatch);
            }
        }
        found.ok_or(DeclineReason::OwnAnswer)
    }
}
