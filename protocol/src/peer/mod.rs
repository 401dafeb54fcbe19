//! The patient's side of a round, without I/O.
//!
//! A [`Peer`] keeps to the driving contract of [`crate::round`]. It trusts the hospital with
//! nothing but delivery: every message is checked against the study, the committee and what the
//! peer itself did, and a check that fails ends the peer's part in the round with a [`Failure`].
//!
//! # States
//!
//! Named for what they await, each with its data: a study, an answer, the committee, its own
//! sealing to be done, the manifest, the result. The peer enrols only when its patient has
//! answered, so that a committee consists of people who have.

mod contributing;
mod event;
mod result;

use std::collections::VecDeque;

use thiserror::Error;

use crate::committee::{Committee, Enrolment};
use crate::digest::{ManifestDigest, MessageDigest, StudyDigest};
use crate::entropy::Entropy;
use crate::identity::{Identity, PeerId, SignedBytes};
use crate::messages::{HospitalMessage, PeerMessage, Phase};
use crate::seal::OpeningKey;
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;
use contributing::{AwaitingManifest, Sealing};
pub use event::{Disclosure, Event, Failure, OwnAnswer, Published, Role, Stage, Waiting};
use result::AwaitingResult;

/// How long the hospital may take to answer, in milliseconds, before the peer gives up on it.
pub const REPLY_TIMEOUT_MS: u64 = 30_000;

/// How long a peer waits for others without a word from the hospital, which repeats its progress
/// every 20 s, before it takes the connection for lost. In milliseconds.
pub const SILENCE_MS: u64 = 60_000;

/// What happens to a peer.
#[derive(Debug)]
pub enum Input {
    /// The connection stands.
    Connected,
    /// One WebSocket message, unread.
    Message(Vec<u8>),
    /// The connection is gone, with this WebSocket close code (1006 where there was none).
    ConnectionLost {
        /// The close code.
        code: u16,
    },
    /// The patient leaves.
    Leave,
    /// The time of the last [`Output::Timeout`] has come.
    Timeout,
}

/// What a peer wants done, in order.
#[derive(Debug)]
pub enum Output {
    /// Make this durable before anything that follows is performed.
    Persist(Record),
    /// Send one WebSocket message.
    Send(Vec<u8>),
    /// Something that the patient should see.
    Event(Event),
    /// Set the timer, or clear it. A time that has passed already asks to be called again as soon
    /// as the page has had its turn: long work is done in slices.
    Timeout(Option<Timestamp>),
}

/// What has to survive a reload. It never leaves the patient's device.
#[derive(Clone, Debug)]
pub enum Record {
    /// The patient has answered; entropy, study and answer determine all keys and shares.
    Answered {
        /// The peer's randomness.
        entropy: Entropy,
        /// The study's canonical bytes.
        study: Vec<u8>,
        /// The answer.
        answer: Answer,
    },
    /// The peer contributes to this committee and will contribute to no other.
    Contributing(crate::digest::CommitteeDigest),
    /// The peer gives its partial aggregate for this manifest and will for no other.
    Aggregating(ManifestDigest),
    /// The round is over for this peer: erase everything.
    Finished(StudyDigest),
}

/// A patient's answer. It does not show in `Debug`.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Answer(i128);

impl Answer {
    /// The number.
    #[must_use]
    pub fn value(&self) -> i128 {
        self.0
    }
}

impl core::fmt::Debug for Answer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// Why an answer is not taken: the caller's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// Outside the study's range.
    #[error("{value} is out of range: the answer must be from {min} to {max}")]
    OutOfRange {
        /// The smallest answer.
        min: i128,
        /// The largest answer.
        max: i128,
        /// What was given.
        value: i128,
    },
    /// The patient has answered before.
    #[error("this patient has already answered; one answer counts")]
    AlreadyAnswered,
    /// The study has not arrived yet.
    #[error("the study has not arrived yet")]
    NoStudy,
    /// The round counts no more answers.
    #[error("the round is over or counts no more answers")]
    Closed,
}

/// The patient's side of one round.
#[derive(Debug)]
pub struct Peer {
    me: Me,
    /// `None` only while a transition runs.
    state: Option<State>,
    outputs: VecDeque<Output>,
    reply_due: Option<Timestamp>,
    last_heard: Timestamp,
    timer: Option<Timestamp>,
    disclosure: Disclosure,
}

/// Who the peer is.
#[derive(Debug)]
struct Me {
    entropy: Entropy,
    identity: Identity,
}

impl Me {
    fn id(&self) -> PeerId {
        self.identity.id()
    }
}

#[derive(Debug)]
enum State {
    AwaitingConnection,
    AwaitingStudy,
    AwaitingAnswer(Box<AwaitingAnswer>),
    AwaitingCommittee(Box<AwaitingCommittee>),
    Sealing(Box<Sealing>),
    AwaitingManifest(Box<AwaitingManifest>),
    AwaitingResult(Box<AwaitingResult>),
    Finished(Option<Study>),
    Failed(Failure, Option<Study>),
}

/// The study is known; the patient reads it.
#[derive(Debug)]
struct AwaitingAnswer {
    study: Study,
    committee: Option<Committee>,
    phase: Phase,
}

/// The patient has answered and the keys are on their way to the hospital.
#[derive(Debug)]
struct AwaitingCommittee {
    study: Study,
    answer: Answer,
    opening_key: OpeningKey,
    enrolment: MessageDigest,
}

/// What a state makes of an input: the next state, or the end of the peer's part.
type Transition = Result<State, Failure>;

impl Peer {
    /// A peer with fresh keys.
    #[must_use]
    pub fn new(entropy: Entropy) -> Self {
        let identity = Identity::derive(&entropy);
        Self {
            me: Me { entropy, identity },
            state: Some(State::AwaitingConnection),
            outputs: VecDeque::new(),
            reply_due: None,
            last_heard: Timestamp::default(),
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
            Input::Connected => Ok(self.connected(state, now)),
            Input::Message(bytes) => {
                self.last_heard = now;
                self.message(state, &bytes, now)
            }
            Input::ConnectionLost { code } => Err(Failure::from_close_code(code)),
            Input::Leave => Err(Failure::Left),
            Input::Timeout => {
                self.timer = None;
                self.timeout(state, now)
            }
        };
        let next = next.unwrap_or_else(|failure| self.fail(failure, study));
        self.put(next, now);
    }

    /// Takes the patient's answer: the peer enrols, or contributes at once if the committee is fixed.
    pub fn answer(&mut self, value: i128, now: Timestamp) -> Result<(), AnswerError> {
        let state = match self.take() {
            State::AwaitingAnswer(state) => state,
            other => {
                let error = match other {
                    State::AwaitingConnection | State::AwaitingStudy => AnswerError::NoStudy,
                    State::Finished(_) | State::Failed(..) => AnswerError::Closed,
                    _ => AnswerError::AlreadyAnswered,
                };
                self.state = Some(other);
                return Err(error);
            }
        };
        let (min, max) = (state.study.min(), state.study.max());
        let closed = matches!(state.phase, Phase::Aggregating | Phase::Published | Phase::Ended);
        if closed || !(min..=max).contains(&value) {
            self.state = Some(State::AwaitingAnswer(state));
            return Err(if closed {
                AnswerError::Closed
            } else {
                AnswerError::OutOfRange { min, max, value }
            });
        }
        let next = self.answered(*state, Answer(value), now);
        self.put(next, now);
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
            State::AwaitingConnection | State::AwaitingStudy => Stage::Connecting,
            State::AwaitingAnswer(_) => Stage::AwaitingAnswer,
            State::AwaitingCommittee(_) => Stage::AwaitingCommittee,
            State::Sealing(_) => Stage::Sealing,
            State::AwaitingManifest(_) => Stage::AwaitingManifest,
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

    fn put(&mut self, state: State, now: Timestamp) {
        // Sealing asks to be called again at once, in slices.
        let due = match state {
            State::Sealing(_) => Some(self.timer.map_or(now, |timer| timer.min(now))),
            _ => [self.reply_due, self.silence_due(&state)].into_iter().flatten().min(),
        };
        self.state = Some(state);
        if due != self.timer {
            self.timer = due;
            self.outputs.push_back(Output::Timeout(due));
        }
    }

    /// When the hospital will have been silent for too long, if the peer waits for others.
    fn silence_due(&self, state: &State) -> Option<Timestamp> {
        match state {
            State::AwaitingCommittee(_) | State::AwaitingManifest(_) | State::AwaitingResult(_) => {
                Some(self.last_heard.after(SILENCE_MS))
            }
            _ => None,
        }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn persist(&mut self, record: Record) {
        self.outputs.push_back(Output::Persist(record));
    }

    /// Sends a message; returns what will acknowledge it.
    fn send(&mut self, message: &PeerMessage) -> MessageDigest {
        let bytes = wire::encode(message);
        let digest = MessageDigest::of(&bytes);
        self.disclosure.messages_sent += 1;
        self.disclosure.bytes_sent += bytes.len() as u64;
        self.outputs.push_back(Output::Send(bytes));
        digest
    }

    fn expect_reply(&mut self, now: Timestamp) {
        self.reply_due = Some(now.after(REPLY_TIMEOUT_MS));
    }

    fn fail(&mut self, failure: Failure, study: Option<Study>) -> State {
        self.reply_due = None;
        if let Some(study) = study.as_ref().filter(|_| failure.is_final()) {
            self.persist(Record::Finished(study.digest()));
        }
        self.emit(Event::Failed(failure));
        State::Failed(failure, study)
    }

    fn connected(&mut self, state: State, now: Timestamp) -> State {
        match state {
            State::AwaitingConnection => {
                self.expect_reply(now);
                State::AwaitingStudy
            }
            other => other,
        }
    }

    fn timeout(&mut self, state: State, now: Timestamp) -> Transition {
        if let State::Sealing(sealing) = state {
            return sealing.advance(self, now);
        }
        if self.reply_due.is_some_and(|due| now >= due) {
            return Err(Failure::HospitalSilent);
        }
        if self.silence_due(&state).is_some_and(|due| now >= due) {
            return Err(Failure::ConnectionLost);
        }
        Ok(state)
    }

    fn message(&mut self, state: State, bytes: &[u8], now: Timestamp) -> Transition {
        let message = wire::decode(bytes).map_err(|_| Failure::Malformed)?;
        match message {
            HospitalMessage::Welcome(study) => self.welcome(&state, study.as_slice()),
            HospitalMessage::Progress(progress) => {
                self.emit(Event::Waiting(Waiting::from(progress)));
                Ok(match state {
                    State::AwaitingAnswer(mut waiting) => {
                        waiting.phase = progress.phase;
                        State::AwaitingAnswer(waiting)
                    }
                    other => other,
                })
            }
            HospitalMessage::Acknowledge(digest) => Ok(self.acknowledged(state, digest)),
            HospitalMessage::Committee(bytes) => self.committee_fixed(state, &bytes.0),
            HospitalMessage::Ended(reason) => Err(Failure::RoundEnded(reason)),
            HospitalMessage::Deliver(delivery) => match state {
                State::Sealing(mut sealing) => {
                    sealing.round.deliver(&delivery, self)?;
                    Ok(State::Sealing(sealing))
                }
                State::AwaitingManifest(mut waiting) => {
                    waiting.round.deliver(&delivery, self)?;
                    Ok(State::AwaitingManifest(waiting))
                }
                _ => Err(Failure::Unexpected),
            },
            HospitalMessage::Manifest(digests) => match state {
                State::AwaitingManifest(waiting) => {
                    (*waiting).manifest(digests.as_slice(), self, now)
                }
                State::Sealing(sealing) => (*sealing).manifest(digests.as_slice(), self),
                _ => Err(Failure::Unexpected),
            },
            HospitalMessage::Counted(inclusion) => match state {
                State::AwaitingManifest(waiting) => (*waiting).counted(&inclusion, self),
                _ => Err(Failure::Unexpected),
            },
            HospitalMessage::Published(publication) => self.published(state, &publication),
        }
    }

    fn welcome(&mut self, state: &State, bytes: &[u8]) -> Transition {
        let State::AwaitingStudy = state else {
            return Err(Failure::Unexpected);
        };
        let study = Study::decode(bytes).map_err(|_| Failure::StudyInvalid)?;
        self.reply_due = None;
        self.emit(Event::StudyReceived(Box::new(study.clone())));
        Ok(State::AwaitingAnswer(Box::new(AwaitingAnswer {
            study,
            committee: None,
            phase: Phase::Enrolling,
        })))
    }

    fn answered(&mut self, state: AwaitingAnswer, answer: Answer, now: Timestamp) -> State {
        let AwaitingAnswer { study, committee, .. } = state;
        self.persist(Record::Answered {
            entropy: self.me.entropy.clone(),
            study: study.encode().to_vec(),
            answer: answer.clone(),
        });
        if let Some(committee) = committee {
            return Sealing::begin(study, committee, &answer, None, self);
        }
        let (opening_key, public) = OpeningKey::derive(study.suite(), &self.me.entropy);
        let signed: SignedBytes = Enrolment::sign(&study, &self.me.identity, &public);
        let enrolment = self.send(&PeerMessage::Enrol(signed));
        self.expect_reply(now);
        let waiting = AwaitingCommittee { study, answer, opening_key, enrolment };
        State::AwaitingCommittee(Box::new(waiting))
    }

    fn acknowledged(&mut self, state: State, digest: MessageDigest) -> State {
        match state {
            State::AwaitingCommittee(waiting) if waiting.enrolment == digest => {
                self.reply_due = None;
                self.emit(Event::Enrolled);
                State::AwaitingCommittee(waiting)
            }
            State::AwaitingManifest(mut waiting) if waiting.is_own(digest) => {
                self.reply_due = None;
                waiting.acknowledge(self);
                State::AwaitingManifest(waiting)
            }
            State::AwaitingResult(waiting) if waiting.is_own(digest) => {
                self.reply_due = None;
                State::AwaitingResult(waiting)
            }
            // An acknowledgement of something that is settled already.
            other => other,
        }
    }

    fn committee_fixed(&mut self, state: State, bytes: &[u8]) -> Transition {
        match state {
            State::AwaitingAnswer(mut waiting) if waiting.committee.is_none() => {
                let committee =
                    Committee::decode(&waiting.study, bytes).map_err(Failure::Committee)?;
                waiting.committee = Some(committee);
                Ok(State::AwaitingAnswer(waiting))
            }
            State::AwaitingCommittee(waiting) => {
                let AwaitingCommittee { study, answer, opening_key, .. } = *waiting;
                let committee = Committee::decode(&study, bytes).map_err(Failure::Committee)?;
                self.reply_due = None;
                Ok(Sealing::begin(study, committee, &answer, Some(opening_key), self))
            }
            _ => Err(Failure::Unexpected),
        }
    }
}

impl State {
    fn study(&self) -> Option<&Study> {
        match self {
            Self::AwaitingConnection | Self::AwaitingStudy => None,
            Self::AwaitingAnswer(state) => Some(&state.study),
            Self::AwaitingCommittee(state) => Some(&state.study),
            Self::Sealing(state) => Some(&state.round.study),
            Self::AwaitingManifest(state) => Some(&state.round.study),
            Self::AwaitingResult(state) => Some(&state.study),
            Self::Finished(study) | Self::Failed(_, study) => study.as_ref(),
        }
    }
}
