//! A study: the questionnaire and the rules of one round, and the digest that everything is bound to.

mod bytes;
mod checking;

use core::fmt;
use std::sync::Arc;

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

pub use self::checking::{RulePhase, StudyError};
use crate::digest::{DigestLabel, StudyDigest, hash};
use crate::field::ENCODED_LEN;
use crate::form::{Form, Text};
use crate::identity::PeerId;
use crate::questionnaire::Questionnaire;
use crate::seal::{Suite, TAG_LEN};
use crate::sharing::{SHARES_MAX, SHARES_MIN, Scheme};
use crate::verification::max_piece_len;

/// The smallest cohort that any study may publish about.
pub const MINIMUM_COHORT: u32 = SHARES_MIN as u32;

/// The largest cohort of one round; it bounds the size of a manifest (32 bytes per contribution).
pub const MAXIMUM_COHORT: u32 = 100_000;

/// The longest short text of a study in bytes, of title and organisation.
pub const SHORT_TEXT_MAX: usize = 255;

/// The longest introduction in bytes, in one language.
pub const INTRODUCTION_MAX: usize = 8_000;

/// The most canonical bytes that a study may have.
pub const STUDY_LEN_MAX: usize = 0xffff;

/// The smallest cell that a study publishes unless it says otherwise, and has as many people.
pub const MINIMUM_CELL: u32 = 5;

/// The longest time that a rule may name: 400 days, in milliseconds.
pub const DURATION_MS_MAX: u64 = 400 * 24 * 60 * 60 * 1_000;

/// What a researcher decides about a round; [`Study::new`] checks that it makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyParameters {
    /// 16 random bytes that tell two rounds of the same question apart.
    pub instance: [u8; 16],
    /// A short title, 1 to [`SHORT_TEXT_MAX`] bytes in each language.
    pub title: Text,
    /// Who asks, 1 to [`SHORT_TEXT_MAX`] bytes.
    pub organisation: String,
    /// What is asked and why, and who learns it, up to [`INTRODUCTION_MAX`] bytes in each language; may be empty.
    pub introduction: Text,
    /// What is asked.
    pub form: Form,
    /// How few people a published number may be about: what is about fewer, but at least one, is suppressed
    /// ([`crate::suppression`]). 1 to `minimum_cohort`; 1 suppresses nothing.
    pub minimum_cell: u32,
    /// How many people must have answered before anything is published, at least [`MINIMUM_COHORT`].
    pub minimum_cohort: u32,
    /// How many can take part at most, up to [`MAXIMUM_COHORT`].
    pub maximum_cohort: u32,
    /// The largest committee, 3 to 255.
    pub committee_cap: u16,
    /// When the committee is fixed.
    pub enrolment: Closing,
    /// When the manifest is fixed; its clock starts when the committee is fixed.
    pub contributing: Closing,
    /// How long members have to verify the contributions and for their partial aggregates, in
    /// milliseconds from the manifest on.
    pub aggregation_deadline_ms: u64,
    /// How answers are shared.
    pub scheme: SchemeChoice,
    /// The algorithms.
    pub suite: Suite,
    /// Who may take part.
    pub admission: Admission,
}

/// Who may take part in a study, and so who vouches that a committee consists of patients.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum Admission {
    /// Anybody.
    #[default]
    #[tls_codec(discriminant = 1)]
    Open,
    /// Whoever has an invitation that this authority signed ([`crate::invitation`]).
    #[tls_codec(discriminant = 2)]
    Invited {
        /// The authority's verifying key (Ed25519).
        authority: [u8; 32],
    },
}

/// When a phase closes: whichever of these comes first. Every phase has a deadline, so that nobody
/// waits for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// As soon as this many are there.
    pub count: Option<u32>,
    /// When the minimum is there and nobody new has come for this long, in milliseconds.
    pub settle_ms: Option<u64>,
    /// This long after the phase began, in milliseconds. Below the minimum the round then ends.
    pub deadline_ms: u64,
    /// When the researcher says so.
    pub by_command: bool,
}

impl Closing {
    /// Closes at the deadline only, `deadline_ms` milliseconds after the phase began.
    #[must_use]
    pub fn deadline(deadline_ms: u64) -> Self {
        Self { count: None, settle_ms: None, deadline_ms, by_command: false }
    }
}

/// Which sharing scheme a study asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum SchemeChoice {
    /// `T = floor(2k/3) + 1` of `k`; additive where that is `k`.
    Threshold = 1,
    /// Additive at any size: all members are needed.
    Additive = 2,
}

/// A study whose parameters have been checked, with its canonical bytes. Clones are cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Study(Arc<Checked>);

#[derive(PartialEq, Eq)]
struct Checked {
    parameters: StudyParameters,
    questionnaire: Questionnaire,
    authority: Option<PeerId>,
    version: u16,
    bytes: Vec<u8>,
    digest: StudyDigest,
}

impl Study {
    /// Checks the parameters.
    pub fn new(parameters: StudyParameters) -> Result<Self, StudyError> {
        let bytes = bytes::encode(&parameters);
        Self::checked(bytes::VERSION, parameters, bytes)
    }

    /// Reads canonical bytes and checks what they say, exactly as [`Study::new`] does.
    ///
    /// Hospitals have bytes of earlier versions in their stores, which ask for one number: nobody takes part in such a
    /// study any more ([`is_current`](Self::is_current)).
    pub fn decode(bytes: &[u8]) -> Result<Self, StudyError> {
        let (version, parameters) = bytes::decode(bytes).ok_or(StudyError::Encoding)?;
        Self::checked(version, parameters, bytes.to_vec())
    }

    /// The same, of this version only. A patient's peer takes part in no other, and the page that it is part of need not
    /// have in it how others are read.
    pub fn decode_current(bytes: &[u8]) -> Result<Self, StudyError> {
        let parameters = bytes::decode_current(bytes).ok_or(StudyError::Encoding)?;
        Self::checked(bytes::VERSION, parameters, bytes.to_vec())
    }

    fn checked(
        version: u16,
        parameters: StudyParameters,
        bytes: Vec<u8>,
    ) -> Result<Self, StudyError> {
        let questionnaire = parameters.check(version == bytes::VERSION)?;
        let authority = checking::authority(parameters.admission)?;
        if bytes.len() > STUDY_LEN_MAX {
            return Err(StudyError::TooLong { len: bytes.len() });
        }
        let digest = StudyDigest(hash(DigestLabel::Study, &[&bytes]));
        Ok(Self(Arc::new(Checked { parameters, questionnaire, authority, version, bytes, digest })))
    }

    /// Whether these bytes are of the version of this protocol. Whoever takes part refuses others.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.version == bytes::VERSION
    }

    /// The authority whose invitations admit people; none in an open study.
    #[must_use]
    pub fn authority(&self) -> Option<&PeerId> {
        self.0.authority.as_ref()
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The digest of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> StudyDigest {
        self.0.digest
    }

    /// Everything that was decided.
    #[must_use]
    pub fn parameters(&self) -> &StudyParameters {
        &self.0.parameters
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &Text {
        &self.0.parameters.title
    }

    /// Who asks.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.0.parameters.organisation
    }

    /// What is asked and why; may be empty.
    #[must_use]
    pub fn introduction(&self) -> &Text {
        &self.0.parameters.introduction
    }

    /// What is asked, as people read it.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.0.parameters.form
    }

    /// How few people a published number may be about; 1 if nothing is suppressed.
    #[must_use]
    pub fn minimum_cell(&self) -> u32 {
        self.0.parameters.minimum_cell
    }

    /// How many must have answered before anything is published.
    #[must_use]
    pub fn minimum_cohort(&self) -> u32 {
        self.0.parameters.minimum_cohort
    }

    /// How many can take part at most.
    #[must_use]
    pub fn maximum_cohort(&self) -> u32 {
        self.0.parameters.maximum_cohort
    }

    /// The largest committee, `3..=255`.
    #[must_use]
    pub fn committee_cap(&self) -> u8 {
        u8::try_from(self.0.parameters.committee_cap).unwrap_or(SHARES_MAX)
    }

    /// The smallest committee that peers accept: the minimum cohort, or the cap if that is less.
    #[must_use]
    pub fn minimum_committee(&self) -> u8 {
        u8::try_from(self.minimum_cohort()).unwrap_or(SHARES_MAX).min(self.committee_cap())
    }

    /// Whether people compare the safety words before anything of an answer is sent: in an open study, where nothing
    /// else shows whose keys the hospital hands out.
    #[must_use]
    pub fn needs_comparison(&self) -> bool {
        self.authority().is_none()
    }

    /// When the committee is fixed.
    #[must_use]
    pub fn enrolment(&self) -> Closing {
        self.0.parameters.enrolment
    }

    /// When the manifest is fixed.
    #[must_use]
    pub fn contributing(&self) -> Closing {
        self.0.parameters.contributing
    }

    /// How long members have for their partial aggregates, in milliseconds.
    #[must_use]
    pub fn aggregation_deadline_ms(&self) -> u64 {
        self.0.parameters.aggregation_deadline_ms
    }

    /// The longest that a round can take, all deadlines together, in milliseconds.
    #[must_use]
    pub fn longest_ms(&self) -> u64 {
        // Three durations of at most 400 days each.
        self.enrolment().deadline_ms
            + self.contributing().deadline_ms
            + self.aggregation_deadline_ms()
    }

    /// The algorithms.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.0.parameters.suite
    }

    /// What is asked, and how answers are encoded.
    #[must_use]
    pub fn questionnaire(&self) -> &Questionnaire {
        &self.0.questionnaire
    }

    /// The sharing scheme of a committee of `k`.
    #[must_use]
    pub fn scheme(&self, k: u8) -> Scheme {
        match self.0.parameters.scheme {
            SchemeChoice::Threshold => Scheme::threshold_of(k),
            SchemeChoice::Additive => Scheme::additive(k),
        }
    }

    /// Bytes of one sealed share: all shares of a study are of the same length.
    #[must_use]
    pub fn sealed_share_len(&self) -> usize {
        let plaintext = self.questionnaire().proven_len() * ENCODED_LEN;
        self.suite().encapsulated_len() + plaintext + TAG_LEN
    }

    /// The longest message that a peer has reason to send in this study, in bytes.
    #[must_use]
    pub fn max_peer_message_len(&self) -> usize {
        let contribution = usize::from(self.committee_cap()) * self.sealed_share_len();
        let verification = max_piece_len(self.maximum_cohort());
        let partial = self.questionnaire().output_len() * ENCODED_LEN;
        contribution.max(self.suite().public_key_len()).max(verification).max(partial) + 512
    }
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Study")
            .field("title", &self.0.parameters.title)
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}
