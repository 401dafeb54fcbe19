//! The patient's side of a round, without I/O.
//!
//! A [`Peer`] keeps to the driving contract of [`crate::round`]. It trusts the hospital with
//! nothing but delivery: every message is checked against the study, the committee and what the
//! peer itself did, and a check that fails ends the peer's part in the round with a [`Failure`].
//!
//! # States
//!
//! Named for what they await, each with its data: a study, an answer, the committee, the patient to compare
//! the safety words, its own sealing to be done, the manifest, the verdict, the result. The peer enrols only
//! when its patient has answered, so that a committee consists of people who have.
//!
//! # Connections
//!
//! Beside its state a peer has a connection, or tries to get one ([`Output::Connect`]). Once it knows
//! its study it outlives its connections: over a new one it shows who it is and repeats what was not
//! acknowledged. What comes out of order, or does not come, is cured by connecting anew; only what no
//! honest hospital says ends the peer's part.
//!
//! # Coming back
//!
//! What a peer writes down ([`Record`]) folds into a [`Memory`], and [`Peer::resume`] goes on from it
//! with the same keys. It is bound to the committee, the manifest and the verdict that it wrote down, and to
//! no other.

mod comparing;
mod conduct;
mod contributing;
mod event;
mod io;
mod link;
mod memory;
mod messages;
mod result;
mod state;
mod verifying;

use std::collections::VecDeque;

use crate::committee::Enrolment;
use crate::digest::{CommitteeDigest, ManifestDigest, VerdictDigest};
use crate::entropy::Entropy;
use crate::identification;
use crate::identity::{Identity, PeerId};
use crate::invitation::{Invitation, MismatchError};
use crate::messages::{PeerMessage, Phase};
use crate::questionnaire::Response;
use crate::receipt::Receipt;
use crate::seal::OpeningKey;
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;
use comparing::Comparing;
pub(crate) use conduct::Conduct;
#[cfg(feature = "adversary")]
pub use conduct::{Change, Misbehaviour};
pub use event::{Disclosure, Event, Failure, OwnAnswer, Published, Role, Stage, Waiting};
pub use io::{Answer, AnswerError, Input, Output, Record};
use link::{Link, LinkDue};
pub use memory::{Memory, MemoryError};
use state::{AwaitingAnswer, AwaitingCommittee, State};

/// How long the hospital may take to answer, in milliseconds, before the peer connects anew.
pub const REPLY_TIMEOUT_MS: u64 = 30_000;

/// How long a peer waits without a word from the hospital, which repeats its progress every 20 s,
/// before it takes the connection for lost. In milliseconds.
pub const SILENCE_MS: u64 = 60_000;

/// How long a peer tries to come back after the longest time that the round can take, in
/// milliseconds: the round's clock stands still while the hospital is down.
const GIVE_UP_SLACK_MS: u64 = 60 * 60 * 1_000;

/// The patient's side of one round.
#[derive(Debug)]
pub struct Peer {
    me: Me,
    /// `None` only while a transition runs.
    state: Option<State>,
    link: Link,
    /// When the peer stops trying to connect, once it knows its study.
    give_up_at: Option<Timestamp>,
    outputs: VecDeque<Output>,
    timer: Option<Timestamp>,
    disclosure: Disclosure,
}

/// Who the peer is, and what it is bound to.
#[derive(Debug)]
struct Me {
    entropy: Entropy,
    identity: Identity,
    /// What admits it to a study that is not open.
    invitation: Option<Invitation>,
    /// Whether an answer was sent with it before, by another peer.
    spent: bool,
    /// The only committee that it contributes to, once it has written that down.
    committee: Option<CommitteeDigest>,
    /// Whether the hospital has promised to count its answer, by acknowledging the contribution.
    promised: bool,
    /// The only manifest that it answers, once it has written that down.
    manifest: Option<ManifestDigest>,
    /// The only verdict that it answers, once it has written that down.
    verdict: Option<VerdictDigest>,
    conduct: Conduct,
    /// What is known of its contribution, once that is made.
    receipt: Option<Receipt>,
}

impl Me {
    fn id(&self) -> PeerId {
        self.identity.id()
    }

    /// The manifest is known, and the number of this peer's contribution in it.
    fn note_manifest(&mut self, manifest: ManifestDigest, number: Option<u32>) {
        if let Some(receipt) = &mut self.receipt {
            receipt.fixed(manifest, number);
        }
    }
}

/// What a state makes of an input: the next state, or the end of the peer's part.
type Transition = Result<State, Failure>;

impl Peer {
    /// A peer with fresh keys. It asks to be connected.
    #[must_use]
    pub fn new(entropy: Entropy, now: Timestamp) -> Self {
        let mut peer = Self::with(entropy, State::AwaitingStudy, now);
        peer.outputs.push_back(Output::Connect(None));
        peer.set_timer(now);
        peer
    }

    /// A peer with fresh keys and an invitation. It asks to be connected to the round that the
    /// invitation is for.
    #[must_use]
    pub fn invited(entropy: Entropy, invitation: Invitation, now: Timestamp) -> Self {
        let mut peer = Self::with(entropy, State::AwaitingStudy, now);
        peer.outputs.push_back(Output::Connect(Some(invitation.study())));
        peer.me.invitation = Some(invitation);
        peer.set_timer(now);
        peer
    }

    /// The same where an answer was sent with this invitation before, and nothing is left of the peer that sent it.
    ///
    /// A hospital that is honest asks nobody twice: every round is another study. One that is not could say that a round
    /// has ended, play it again with fewer of the same people, and subtract one sum from the other. So this peer takes
    /// no answer ([`AnswerError::Closed`]) and no part in a round that does ([`Failure::InvitationUsed`]). The result of
    /// one that is over it hears and checks.
    #[must_use]
    pub fn invited_again(entropy: Entropy, invitation: Invitation, now: Timestamp) -> Self {
        let mut peer = Self::invited(entropy, invitation, now);
        peer.me.spent = true;
        peer
    }

    /// A peer that has answered before and comes back.
    #[must_use]
    pub fn resume(memory: Memory, now: Timestamp) -> Self {
        let Memory { entropy, invitation, study, answer, committee, promised, manifest, verdict } =
            memory;
        let mut peer = Self::with(entropy, State::AwaitingStudy, now);
        (peer.me.invitation, peer.me.promised) = (invitation, promised);
        (peer.me.committee, peer.me.manifest, peer.me.verdict) = (committee, manifest, verdict);
        peer.give_up_at = Some(give_up_at(&study, now));
        peer.outputs.push_back(Output::Connect(Some(study.digest())));
        let (sent, study_known) = (committee.is_some(), Box::new(study.clone()));
        peer.emit(Event::Resumed { study: study_known, sent, promised });
        peer.state = Some(State::AwaitingCommittee(Box::new(peer.enrolment(study, answer))));
        peer.set_timer(now);
        peer
    }

    /// Makes the peer cheat from now on. Whoever spoils its answer has to before it is split.
    #[cfg(feature = "adversary")]
    pub fn misbehave(&mut self, misbehaviour: Misbehaviour) {
        self.me.conduct = Conduct::of(misbehaviour);
    }

    /// As [`misbehave`](Self::misbehave).
    #[cfg(feature = "adversary")]
    #[must_use]
    pub fn misbehaving(mut self, misbehaviour: Misbehaviour) -> Self {
        self.misbehave(misbehaviour);
        self
    }

    fn with(entropy: Entropy, state: State, now: Timestamp) -> Self {
        let identity = Identity::derive(&entropy);
        Self {
            link: Link::opening(&entropy, now),
            me: Me {
                entropy,
                identity,
                invitation: None,
                spent: false,
                committee: None,
                promised: false,
                manifest: None,
                verdict: None,
                conduct: Conduct::default(),
                receipt: None,
            },
            state: Some(state),
            give_up_at: None,
            outputs: VecDeque::new(),
            timer: None,
            disclosure: Disclosure::default(),
        }
    }

    /// Handles one input; see the driving contract of [`crate::round`].
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        let state = self.take();
        let study = state.study().cloned();
        let over = matches!(state, State::Finished(_) | State::Failed(..));
        let next = match input {
            _ if over => Ok(state),
            Input::Connected => {
                if !self.link.opened(now) {
                    self.outputs.push_back(Output::Disconnect);
                }
                Ok(state)
            }
            Input::Message(bytes) if self.link.heard(now) => self.message(state, &bytes, now),
            // It came over a connection that was given up.
            Input::Message(_) => Ok(state),
            Input::ConnectionLost { code } => {
                self.connection_lost(state, Failure::from_close_code(code), now)
            }
            Input::Wake => Ok(self.wake(state, now)),
            Input::WordsMatch => Ok(match state {
                State::Comparing(comparing) => comparing.agree(self),
                // Said before, or nobody has asked.
                other => other,
            }),
            Input::WordsDiffer if state.committee().is_none() => Ok(state),
            Input::WordsDiffer => {
                if self.link.challenge().is_some() && state.has_answered() {
                    self.send(&PeerMessage::WordsDiffer);
                }
                Err(Failure::WordsDiffer)
            }
            Input::Leave => {
                if self.link.challenge().is_some() && state.has_answered() {
                    self.send(&PeerMessage::Leave);
                }
                Err(Failure::Left)
            }
            Input::Timeout => {
                self.timer = None;
                self.timeout(state, now)
            }
        };
        let next = next.unwrap_or_else(|failure| self.fail(failure, study));
        self.state = Some(next);
        self.set_timer(now);
    }

    /// Takes the patient's answer, a response to each question: the peer enrols, or contributes at once if the
    /// committee is fixed.
    pub fn answer(&mut self, responses: Vec<Response>, now: Timestamp) -> Result<(), AnswerError> {
        let state = match self.take() {
            State::AwaitingAnswer(state) => state,
            other => {
                let error = match other {
                    State::AwaitingStudy => AnswerError::NoStudy,
                    State::Finished(_) | State::Failed(..) => AnswerError::Closed,
                    _ => AnswerError::AlreadyAnswered,
                };
                self.state = Some(other);
                return Err(error);
            }
        };
        let answer = Answer(responses);
        let closed =
            self.me.spent || !matches!(state.phase, Phase::Enrolling | Phase::Contributing);
        let refused = if closed {
            Some(AnswerError::Closed)
        } else {
            state.study.questionnaire().encode(&answer.0).err().map(AnswerError::from)
        };
        if let Some(refused) = refused {
            self.state = Some(State::AwaitingAnswer(state));
            return Err(refused);
        }
        let next = self.answered(*state, answer, now);
        self.state = Some(next);
        self.set_timer(now);
        Ok(())
    }

    /// The next thing to do, if there is any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What the peer is waiting for.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.state() {
            State::AwaitingStudy => Stage::Connecting,
            State::AwaitingAnswer(_) => Stage::AwaitingAnswer,
            State::AwaitingCommittee(_) => Stage::AwaitingCommittee,
            State::Comparing(_) => Stage::Comparing,
            State::Sealing(_) => Stage::Sealing,
            State::AwaitingManifest(_) => Stage::AwaitingManifest,
            State::AwaitingVerdict(_) => Stage::AwaitingVerdict,
            State::AwaitingResult(_) => Stage::AwaitingResult,
            State::Finished(_) => Stage::Finished,
            State::Failed(..) => Stage::Failed,
        }
    }

    /// Why the peer's part ended early, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self.state() {
            State::Failed(failure, _) => Some(*failure),
            _ => None,
        }
    }

    /// What has left this device so far.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// What this peer's patient can hold against the round's transcript: from the moment on at which the
    /// hospital has acknowledged the contribution, or shown what became of it. Later ones say more.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        let receipt = self.me.receipt.as_ref();
        receipt.filter(|receipt| self.me.promised || receipt.is_fixed())
    }

    /// The study, once it has arrived.
    #[must_use]
    pub fn study(&self) -> Option<&Study> {
        self.state().study()
    }

    fn state(&self) -> &State {
        self.state.as_ref().unwrap_or_else(|| unreachable!("every transition puts a state back"))
    }

    fn take(&mut self) -> State {
        self.state.take().unwrap_or_else(|| unreachable!("every transition puts a state back"))
    }

    fn set_timer(&mut self, now: Timestamp) {
        // Sealing and verifying ask to be called again at once, in slices.
        let working = match self.state() {
            State::Sealing(_) => true,
            State::AwaitingVerdict(waiting) => waiting.is_working(),
            _ => false,
        };
        let due = match self.state() {
            _ if working => Some(self.timer.map_or(now, |timer| timer.min(now))),
            _ => self.link.due(),
        };
        if due != self.timer {
            self.timer = due;
            self.outputs.push_back(Output::Timeout(due));
        }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn persist(&mut self, record: Record) {
        self.outputs.push_back(Output::Persist(record));
    }

    /// Sends a message that needs no acknowledgement.
    fn send(&mut self, message: &PeerMessage) {
        self.send_encoded(wire::encode(message));
    }

    fn send_encoded(&mut self, bytes: Vec<u8>) {
        self.disclosure.messages_sent += 1;
        self.disclosure.bytes_sent += bytes.len() as u64;
        self.outputs.push_back(Output::Send(bytes));
    }

    /// Sends what the hospital has to acknowledge. Without a connection it is sent over the next one.
    fn send_unacknowledged(&mut self, state: &State, now: Timestamp) {
        let Some(message) = state.unacknowledged().filter(|_| self.link.challenge().is_some())
        else {
            return;
        };
        self.send_encoded(message.to_vec());
        self.link.expect_reply_to(message.len(), now);
        match state {
            State::AwaitingManifest(waiting) if self.disclosure.shares_sent == 0 => {
                let shares = waiting.round.committee.size();
                self.disclosure.shares_sent = u32::from(shares);
                self.emit(Event::ContributionSent { shares });
            }
            State::AwaitingResult(waiting)
                if waiting.gives_partial && self.disclosure.partials_sent == 0 =>
            {
                self.disclosure.partials_sent = 1;
                self.emit(Event::PartialSent);
            }
            _ => {}
        }
    }

    fn fail(&mut self, failure: Failure, study: Option<Study>) -> State {
        if let Some(study) = study.as_ref().filter(|_| failure.is_final()) {
            self.persist(Record::Finished { study: study.digest(), published: None });
        }
        self.close();
        self.emit(Event::Failed(failure));
        State::Failed(failure, study)
    }

    /// The peer needs no connection any more.
    fn close(&mut self) {
        self.link.end();
        self.outputs.push_back(Output::Disconnect);
    }

    /// The connection ended, which ends the peer's part only if the hospital refused it, or if there
    /// is nothing yet to come back to.
    fn connection_lost(&mut self, state: State, why: Failure, now: Timestamp) -> Transition {
        // Too late, or no room, for an answer that it has acknowledged: the hospital has broken its promise.
        let why = match why {
            Failure::TooLate
            | Failure::Full
            | Failure::InvitationUsed
            | Failure::InvitationRevoked
                if self.me.promised =>
            {
                Failure::ManifestInvalid
            }
            // The round that the invitation is for is not there.
            Failure::RoundGone
                if matches!(state, State::AwaitingStudy) && self.me.invitation.is_some() =>
            {
                Failure::ForeignInvitation(MismatchError::ForeignStudy)
            }
            why => why,
        };
        let given_up = self.give_up_at.is_none_or(|at| now >= at);
        if why.ends_part() || given_up {
            return Err(why);
        }
        let retry_in_ms = self.link.lost(why, now);
        self.emit(Event::Disconnected { why, retry_in_ms });
        Ok(state)
    }

    /// Gives the connection up and makes another: what is missing or out of order comes again.
    fn reconnect(&mut self, state: State, why: Failure, now: Timestamp) -> Transition {
        self.outputs.push_back(Output::Disconnect);
        self.connection_lost(state, why, now)
    }

    fn wake(&mut self, state: State, now: Timestamp) -> State {
        if self.link.wake(now) {
            self.outputs.push_back(Output::Disconnect);
            self.connect(&state, now);
        }
        state
    }

    fn answered(&mut self, state: AwaitingAnswer, answer: Answer, now: Timestamp) -> State {
        let AwaitingAnswer { study, committee, .. } = state;
        self.persist(Record::Answered {
            entropy: self.me.entropy.clone(),
            invitation: self.me.invitation.clone().map(Box::new),
            study: study.clone(),
            answer: answer.clone(),
        });
        let state = match committee {
            Some(committee) => Comparing::begin(study, committee, answer, None, self),
            None => State::AwaitingCommittee(Box::new(self.enrolment(study, answer))),
        };
        self.introduce(&state, now);
        state
    }

    /// The peer's keys for this study, and the message that enrols it if it may serve.
    fn enrolment(&self, study: Study, answer: Answer) -> AwaitingCommittee {
        let (opening_key, public) = OpeningKey::derive(study.suite(), &self.me.entropy);
        let invitation = self.me.invitation.as_ref();
        let may_serve = invitation.is_none_or(Invitation::may_serve);
        let enrolment = may_serve.then(|| {
            let signed = Enrolment::sign(&study, &self.me.identity, &public, invitation);
            wire::encode(&PeerMessage::Enrol(signed))
        });
        AwaitingCommittee { study, answer, opening_key, enrolment, enrolled: false }
    }

    /// Shows who the peer is, as soon as there is an answer to contribute, and repeats what was not
    /// acknowledged.
    fn introduce(&mut self, state: &State, now: Timestamp) {
        if let Some(study) = state.study().filter(|_| state.has_answered())
            && let Some(challenge) = self.link.challenge()
        {
            let signed =
                identification::sign(study, &self.me.identity, challenge, state.deliveries_held());
            self.send(&PeerMessage::Identify(signed));
            // Who is bound to a committee already needs no place on it.
            let enrolled =
                matches!(state, State::AwaitingCommittee(_)) && self.me.committee.is_some();
            if !enrolled {
                self.send_unacknowledged(state, now);
            }
        }
    }

    fn connect(&mut self, state: &State, now: Timestamp) {
        self.link.connecting(now);
        self.outputs.push_back(Output::Connect(state.study().map(Study::digest)));
    }

    fn timeout(&mut self, state: State, now: Timestamp) -> Transition {
        let state = match self.link.act(now) {
            None => state,
            Some(LinkDue::Connect) => {
                self.connect(&state, now);
                state
            }
            Some(LinkDue::Silence) => self.reconnect(state, Failure::ConnectionLost, now)?,
            Some(LinkDue::NoReply) => {
                let state = match state {
                    State::AwaitingManifest(waiting) => {
                        State::AwaitingManifest(waiting.doubt(self.me.promised)?)
                    }
                    other => other,
                };
                self.reconnect(state, Failure::HospitalSilent, now)?
            }
        };
        match state {
            State::Sealing(sealing) => sealing.advance(self, now),
            State::AwaitingVerdict(waiting) => Ok(waiting.advance(self, now)),
            other => Ok(other),
        }
    }
}

/// When a peer of this study stops trying to come back.
fn give_up_at(study: &Study, now: Timestamp) -> Timestamp {
    now.after(given_up_after_ms(study))
}

/// How long a peer of this study tries to come back, in milliseconds.
fn given_up_after_ms(study: &Study) -> u64 {
    // 1,200 days and an hour at most.
    study.longest_ms() + GIVE_UP_SLACK_MS
}
