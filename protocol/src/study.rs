//! A study: the question and the rules of one round, and the digest that everything is bound to.

use core::fmt;
use std::sync::Arc;

use thiserror::Error;
use tls_codec::{
    DeserializeBytes, TlsByteVecU8, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize,
};

use crate::digest::{DigestLabel, StudyDigest, hash};
use crate::encoding::IntegerRange;
use crate::field::{self, ENCODED_LEN};
use crate::identity::PeerId;
use crate::questionnaire::{Question, Questionnaire};
use crate::seal::{Suite, TAG_LEN};
use crate::sharing::{SHARES_MAX, SHARES_MIN, Scheme};
use crate::verification::max_piece_len;
use crate::wire::{self, Int128};

/// The smallest cohort that any study may publish about.
pub const MINIMUM_COHORT: u32 = SHARES_MIN as u32;

/// The largest cohort of one round; it bounds the size of a manifest (32 bytes per contribution).
pub const MAXIMUM_COHORT: u32 = 100_000;

/// The longest text of a study in bytes, for title, organisation and unit.
pub const SHORT_TEXT_MAX: usize = 255;

/// The longest question in bytes.
pub const QUESTION_MAX: usize = 2_000;

/// The longest time that a rule may name: 400 days, in milliseconds.
pub const DURATION_MS_MAX: u64 = 400 * 24 * 60 * 60 * 1_000;

/// What a researcher decides about a round; [`Study::new`] checks that it makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyParameters {
    /// 16 random bytes that tell two rounds of the same question apart.
    pub instance: [u8; 16],
    /// A short title, 1 to [`SHORT_TEXT_MAX`] bytes.
    pub title: String,
    /// Who asks, 1 to [`SHORT_TEXT_MAX`] bytes.
    pub organisation: String,
    /// The question, 1 to [`QUESTION_MAX`] bytes.
    pub question: String,
    /// The unit of the answer, up to [`SHORT_TEXT_MAX`] bytes; may be empty.
    pub unit: String,
    /// The smallest answer.
    pub min: i128,
    /// The largest answer, more than `min`.
    pub max: i128,
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
        Self::of_version(VERSION, parameters)
    }

    fn of_version(version: u16, parameters: StudyParameters) -> Result<Self, StudyError> {
        let questionnaire = check(&parameters)?;
        let authority = check_admission(parameters.admission)?;
        let mut bytes = wire::encode(&StudyBytes::of(version, &parameters));
        if version != VERSION_OPEN_ONLY {
            bytes.extend_from_slice(&wire::encode(&parameters.admission));
        }
        let digest = StudyDigest(hash(DigestLabel::Study, &[&bytes]));
        Ok(Self(Arc::new(Checked { parameters, questionnaire, authority, version, bytes, digest })))
    }

    /// Reads canonical bytes and checks what they say, exactly as [`Study::new`] does.
    ///
    /// Bytes of version 1, which knew no invitations, are those of an open study. Hospitals have
    /// these and those of version 2 in their stores; nobody takes part in such a study any more
    /// ([`is_current`](Self::is_current)).
    pub fn decode(bytes: &[u8]) -> Result<Self, StudyError> {
        let (decoded, rest) =
            StudyBytes::tls_deserialize_bytes(bytes).map_err(|_| StudyError::Encoding)?;
        let version = decoded.version;
        let admission = match version {
            VERSION_OPEN_ONLY if rest.is_empty() => Admission::Open,
            VERSION_SHARES_SIGNED | VERSION => {
                wire::decode(rest).map_err(|_| StudyError::Encoding)?
            }
            _ => return Err(StudyError::Encoding),
        };
        let study = Self::of_version(version, decoded.into_parameters(admission)?)?;
        // Every value has one encoding, so this can only fail if that ever stops being true.
        if study.encode() != bytes {
            return Err(StudyError::Encoding);
        }
        Ok(study)
    }

    /// Whether these bytes are of the version of this protocol. Whoever takes part refuses others.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.version == VERSION
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
    pub fn title(&self) -> &str {
        &self.0.parameters.title
    }

    /// Who asks.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.0.parameters.organisation
    }

    /// The question.
    #[must_use]
    pub fn question(&self) -> &str {
        &self.0.parameters.question
    }

    /// The unit of an answer; may be empty.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.0.parameters.unit
    }

    /// The smallest answer.
    #[must_use]
    pub fn min(&self) -> i128 {
        self.0.parameters.min
    }

    /// The largest answer.
    #[must_use]
    pub fn max(&self) -> i128 {
        self.0.parameters.max
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

    /// What is asked, and how answers are encoded: one whole number.
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
        contribution.max(self.suite().public_key_len()).max(verification) + 512
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

/// Which phase a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePhase {
    /// Until the committee is fixed.
    Enrolment,
    /// Until the manifest is fixed.
    Contributing,
}

impl fmt::Display for RulePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enrolment => "enrolment",
            Self::Contributing => "contributing",
        })
    }
}

/// Why a study is refused. Each text names the rule and what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StudyError {
    /// Not the canonical encoding of a study.
    #[error("these bytes are not a study of this version")]
    Encoding,
    /// A text is missing or too long.
    #[error("{field} has {len} bytes; give it {min} to {max}")]
    TextLength {
        /// Which text.
        field: &'static str,
        /// Its length.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A text with control characters.
    #[error("{field} contains a control character; use plain text on one line")]
    TextControl {
        /// Which text.
        field: &'static str,
    },
    /// A range without two values.
    #[error("the range {min}..={max} is empty or has one value only; max must be more than min")]
    Range {
        /// `min`.
        min: i128,
        /// `max`.
        max: i128,
    },
    /// A sum that could wrap around the field's modulus, or leave 128 bits.
    #[error(
        "the sum of up to {participants} answers in {min}..={max} could wrap around the field; \
         narrow the range or lower maximum_cohort"
    )]
    SumCouldWrap {
        /// `min`.
        min: i128,
        /// `max`.
        max: i128,
        /// `maximum_cohort`.
        participants: u32,
    },
    /// A minimum cohort below three.
    #[error("minimum_cohort is {0}; below {MINIMUM_COHORT} people a sum gives answers away")]
    MinimumCohort(u32),
    /// A maximum cohort below the minimum, or above what one round can hold.
    #[error(
        "maximum_cohort is {maximum}; it must be {minimum} (minimum_cohort) to {MAXIMUM_COHORT}"
    )]
    MaximumCohort {
        /// `minimum_cohort`.
        minimum: u32,
        /// `maximum_cohort`.
        maximum: u32,
    },
    /// A committee cap outside `3..=255`.
    #[error("committee_cap is {0}; a committee has {SHARES_MIN} to {SHARES_MAX} members")]
    CommitteeCap(u16),
    /// A phase that waits for people and gives up on none.
    #[error("{phase} closes at {count} people, below the {minimum} it must have; raise its count")]
    CountBelowMinimum {
        /// The phase.
        phase: RulePhase,
        /// Its count.
        count: u32,
        /// What the study needs.
        minimum: u32,
    },
    /// A count that can never be reached.
    #[error(
        "{phase} closes at {count} people, but no more than {maximum} can be there; lower its count"
    )]
    CountUnreachable {
        /// The phase.
        phase: RulePhase,
        /// Its count.
        count: u32,
        /// What is possible.
        maximum: u32,
    },
    /// An authority's key that is none.
    #[error(
        "the authority's key is not a valid Ed25519 key; take it from the study file of its invitations"
    )]
    Authority,
    /// A time of zero, or of more than [`DURATION_MS_MAX`].
    #[error("{what} is {ms} ms; it must be 1 ms to 400 days")]
    Duration {
        /// Which time.
        what: &'static str,
        /// How long, in milliseconds.
        ms: u64,
    },
}

fn check(p: &StudyParameters) -> Result<Questionnaire, StudyError> {
    check_text("title", &p.title, 1, SHORT_TEXT_MAX)?;
    check_text("organisation", &p.organisation, 1, SHORT_TEXT_MAX)?;
    check_text("question", &p.question, 1, QUESTION_MAX)?;
    check_text("unit", &p.unit, 0, SHORT_TEXT_MAX)?;

    let (min, max) = (p.min, p.max);
    let range = IntegerRange::new(min, max).ok_or(StudyError::Range { min, max })?;
    if p.minimum_cohort < MINIMUM_COHORT {
        return Err(StudyError::MinimumCohort(p.minimum_cohort));
    }
    if !(p.minimum_cohort..=MAXIMUM_COHORT).contains(&p.maximum_cohort) {
        return Err(StudyError::MaximumCohort {
            minimum: p.minimum_cohort,
            maximum: p.maximum_cohort,
        });
    }
    if !sums_fit(p) {
        return Err(StudyError::SumCouldWrap { min, max, participants: p.maximum_cohort });
    }
    if !(u16::from(SHARES_MIN)..=u16::from(SHARES_MAX)).contains(&p.committee_cap) {
        return Err(StudyError::CommitteeCap(p.committee_cap));
    }
    // Whoever is on the committee must be able to contribute.
    let cap = u32::from(p.committee_cap).min(p.maximum_cohort);
    check_closing(RulePhase::Enrolment, p.enrolment, p.minimum_cohort.min(cap), cap)?;
    check_closing(RulePhase::Contributing, p.contributing, p.minimum_cohort, p.maximum_cohort)?;
    check_duration("the aggregation deadline", Some(p.aggregation_deadline_ms))?;
    let questionnaire = Questionnaire::new(vec![Question::Number(range)]);
    Ok(questionnaire.unwrap_or_else(|_| unreachable!("one whole number has at most 128 bits")))
}

fn check_admission(admission: Admission) -> Result<Option<PeerId>, StudyError> {
    match admission {
        Admission::Open => Ok(None),
        Admission::Invited { authority } => {
            PeerId::decode(&authority).map(Some).map_err(|_| StudyError::Authority)
        }
    }
}

fn check_text(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), StudyError> {
    if !(min..=max).contains(&text.len()) {
        return Err(StudyError::TextLength { field, len: text.len(), min, max });
    }
    if text.chars().any(char::is_control) {
        return Err(StudyError::TextControl { field });
    }
    Ok(())
}

/// Whether every possible sum, and the field element that stands for it, is exact.
fn sums_fit(p: &StudyParameters) -> bool {
    let distance = p.max.abs_diff(p.min).checked_mul(u128::from(p.maximum_cohort));
    let count = i128::from(p.maximum_cohort);
    distance.is_some_and(|distance| distance < field::modulus())
        && p.min.checked_mul(count).is_some()
        && p.max.checked_mul(count).is_some()
}

fn check_closing(
    phase: RulePhase,
    rule: Closing,
    minimum: u32,
    maximum: u32,
) -> Result<(), StudyError> {
    let Closing { count, settle_ms, deadline_ms, by_command: _ } = rule;
    match count {
        Some(count) if count < minimum => {
            return Err(StudyError::CountBelowMinimum { phase, count, minimum });
        }
        Some(count) if count > maximum => {
            return Err(StudyError::CountUnreachable { phase, count, maximum });
        }
        _ => {}
    }
    let (settle, deadline) = match phase {
        RulePhase::Enrolment => ("the settle time of enrolment", "the deadline of enrolment"),
        RulePhase::Contributing => {
            ("the settle time of contributing", "the deadline of contributing")
        }
    };
    check_duration(settle, settle_ms)?;
    check_duration(deadline, Some(deadline_ms))
}

fn check_duration(what: &'static str, ms: Option<u64>) -> Result<(), StudyError> {
    match ms {
        Some(ms) if ms == 0 || ms > DURATION_MS_MAX => Err(StudyError::Duration { what, ms }),
        _ => Ok(()),
    }
}

/// The version of the canonical bytes, and of everything that is bound to them.
const VERSION: u16 = 3;

/// The version before: the same bytes, for contributions whose shares were signed one by one.
const VERSION_SHARES_SIGNED: u16 = 2;

/// The first version, which ends with the suite.
const VERSION_OPEN_ONLY: u16 = 1;

/// The canonical bytes (PROTOCOL.md, "Study") up to the [`Admission`], which follows.
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct StudyBytes {
    version: u16,
    instance: [u8; 16],
    title: TlsByteVecU8,
    organisation: TlsByteVecU8,
    question: TlsByteVecU16,
    unit: TlsByteVecU8,
    min: Int128,
    max: Int128,
    minimum_cohort: u32,
    maximum_cohort: u32,
    committee_cap: u16,
    enrolment: ClosingBytes,
    contributing: ClosingBytes,
    aggregation_deadline_ms: u64,
    scheme: SchemeChoice,
    suite: Suite,
}

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct ClosingBytes {
    count: Option<u32>,
    settle_ms: Option<u64>,
    deadline_ms: u64,
    by_command: u8,
}

impl StudyBytes {
    fn of(version: u16, p: &StudyParameters) -> Self {
        let closing = |rule: Closing| ClosingBytes {
            count: rule.count,
            settle_ms: rule.settle_ms,
            deadline_ms: rule.deadline_ms,
            by_command: u8::from(rule.by_command),
        };
        Self {
            version,
            instance: p.instance,
            title: p.title.as_bytes().into(),
            organisation: p.organisation.as_bytes().into(),
            question: p.question.as_bytes().into(),
            unit: p.unit.as_bytes().into(),
            min: p.min.into(),
            max: p.max.into(),
            minimum_cohort: p.minimum_cohort,
            maximum_cohort: p.maximum_cohort,
            committee_cap: p.committee_cap,
            enrolment: closing(p.enrolment),
            contributing: closing(p.contributing),
            aggregation_deadline_ms: p.aggregation_deadline_ms,
            scheme: p.scheme,
            suite: p.suite,
        }
    }

    fn into_parameters(self, admission: Admission) -> Result<StudyParameters, StudyError> {
        let b = self;
        let text =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| StudyError::Encoding);
        let closing = |rule: &ClosingBytes| {
            Ok(Closing {
                count: rule.count,
                settle_ms: rule.settle_ms,
                deadline_ms: rule.deadline_ms,
                by_command: match rule.by_command {
                    0 => false,
                    1 => true,
                    _ => return Err(StudyError::Encoding),
                },
            })
        };
        Ok(StudyParameters {
            instance: b.instance,
            title: text(b.title.as_slice())?,
            organisation: text(b.organisation.as_slice())?,
            question: text(b.question.as_slice())?,
            unit: text(b.unit.as_slice())?,
            min: b.min.into(),
            max: b.max.into(),
            minimum_cohort: b.minimum_cohort,
            maximum_cohort: b.maximum_cohort,
            committee_cap: b.committee_cap,
            enrolment: closing(&b.enrolment)?,
            contributing: closing(&b.contributing)?,
            aggregation_deadline_ms: b.aggregation_deadline_ms,
            scheme: b.scheme,
            suite: b.suite,
            admission,
        })
    }
}
