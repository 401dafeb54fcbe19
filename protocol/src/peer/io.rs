//! What goes into a peer and what comes out of it.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::digest::{CommitteeDigest, ManifestDigest, StudyDigest, VerdictDigest};
use crate::entropy::Entropy;
use crate::invitation::Invitation;
use crate::peer::{Event, Published};
use crate::questionnaire::{Response, ResponseError};
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;

/// What happens to a peer.
#[derive(Debug)]
pub enum Input {
    /// The connection stands that [`Output::Connect`] asked for.
    Connected,
    /// One WebSocket message, unread.
    Message(Vec<u8>),
    /// The connection is gone, or could not be made, with this WebSocket close code (1006 where
    /// there was none).
    ConnectionLost {
        /// The close code.
        code: u16,
    },
    /// The network is back or the page is seen again: a good time to connect.
    Wake,
    /// The patient has compared the safety words, and they are those of the others. Without
    /// [`Event::SafetyWords`] that asked for it, nothing happens.
    WordsMatch,
    /// They are not those of the others: the patient leaves, and the others are told.
    WordsDiffer,
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
    /// Connect to the hospital: to this round, or to the one that is open if there is none yet.
    Connect(Option<StudyDigest>),
    /// Close the connection, or stop connecting. No [`Input::ConnectionLost`] is expected.
    Disconnect,
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
        /// What admits it, in a study that is not open.
        invitation: Option<Box<Invitation>>,
        /// The study.
        study: Study,
        /// The answer.
        answer: Answer,
    },
    /// The peer contributes to this committee and will contribute to no other.
    Contributing(CommitteeDigest),
    /// The hospital has acknowledged the contribution, and so promised to count it.
    Promised,
    /// The peer verifies the contributions of this manifest and will those of no other.
    Verifying(ManifestDigest),
    /// The peer gives its partial aggregate for this verdict and will for no other.
    Aggregating(VerdictDigest),
    /// The round is over for this peer: erase everything that was written down before.
    Finished {
        /// The round.
        study: StudyDigest,
        /// What it has published, if it has. It is no secret, and may be kept.
        published: Option<Published>,
    },
}

/// A patient's answer: a response to each question. It does not show in `Debug`.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Answer(pub(super) Vec<Response>);

impl Answer {
    /// The responses, in the order of the questions.
    #[must_use]
    pub fn responses(&self) -> &[Response] {
        &self.0
    }

    /// The bytes that say the same.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(wire::encode(&self.0))
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
    /// Not an answer to these questions.
    #[error(transparent)]
    Response(#[from] ResponseError),
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
