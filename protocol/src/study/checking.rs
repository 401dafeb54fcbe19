//! Whether what a researcher decides about a round makes sense.

use core::fmt;

use thiserror::Error;

use super::{
    Admission, Closing, DURATION_MS_MAX, INTRODUCTION_MAX, MAXIMUM_COHORT, MINIMUM_COHORT,
    SHORT_TEXT_MAX, STUDY_LEN_MAX, StudyParameters,
};
use crate::field;
use crate::form::{FormError, TextError};
use crate::identity::PeerId;
use crate::questionnaire::Questionnaire;
use crate::sharing::{SHARES_MAX, SHARES_MIN};

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
    /// The title or the introduction.
    #[error("{field}: {source}")]
    Text {
        /// Which of them.
        field: &'static str,
        /// What is wrong with it.
        source: TextError,
    },
    /// What is asked.
    #[error(transparent)]
    Form(#[from] FormError),
    /// All texts together take too many bytes.
    #[error("the study has {len} bytes with all its texts; no more than {STUDY_LEN_MAX} fit")]
    TooLong {
        /// How many.
        len: usize,
    },
    /// A number that could wrap around the field's modulus, or leave 128 bits.
    #[error(
        "what up to {participants} answers add up to could wrap around the field; \
         narrow the ranges or lower maximum_cohort"
    )]
    SumCouldWrap {
        /// `maximum_cohort`.
        participants: u32,
    },
    /// A minimum cell of nobody, or of more than the minimum cohort.
    #[error(
        "minimum_cell is {cell}; it must be 1 to {minimum} (minimum_cohort), since sums over everybody are \
         about as many people"
    )]
    MinimumCell {
        /// `minimum_cell`.
        cell: u32,
        /// `minimum_cohort`.
        minimum: u32,
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

impl StudyParameters {
    /// Checks everything but the admission, and that the study is not too long. In earlier versions a number could
    /// use the whole field.
    pub(super) fn check(&self, is_current: bool) -> Result<Questionnaire, StudyError> {
        let p = self;
        let text = |field| move |source| StudyError::Text { field, source };
        p.title.check((1, SHORT_TEXT_MAX), false).map_err(text("title"))?;
        check_text("organisation", &p.organisation, 1, SHORT_TEXT_MAX)?;
        p.introduction.check((0, INTRODUCTION_MAX), true).map_err(text("introduction"))?;
        let questionnaire = p.form.questionnaire()?;
        if p.minimum_cohort < MINIMUM_COHORT {
            return Err(StudyError::MinimumCohort(p.minimum_cohort));
        }
        if !(p.minimum_cohort..=MAXIMUM_COHORT).contains(&p.maximum_cohort) {
            return Err(StudyError::MaximumCohort {
                minimum: p.minimum_cohort,
                maximum: p.maximum_cohort,
            });
        }
        if !(1..=p.minimum_cohort).contains(&p.minimum_cell) {
            return Err(StudyError::MinimumCell {
                cell: p.minimum_cell,
                minimum: p.minimum_cohort,
            });
        }
        let fits = if is_current { questionnaire.fits(p.maximum_cohort) } else { true };
        if !fits || !sums_fit(p) {
            return Err(StudyError::SumCouldWrap { participants: p.maximum_cohort });
        }
        if !(u16::from(SHARES_MIN)..=u16::from(SHARES_MAX)).contains(&p.committee_cap) {
            return Err(StudyError::CommitteeCap(p.committee_cap));
        }
        // Whoever is on the committee must be able to contribute.
        let cap = u32::from(p.committee_cap).min(p.maximum_cohort);
        check_closing(RulePhase::Enrolment, p.enrolment, p.minimum_cohort.min(cap), cap)?;
        check_closing(RulePhase::Contributing, p.contributing, p.minimum_cohort, p.maximum_cohort)?;
        check_duration("the aggregation deadline", Some(p.aggregation_deadline_ms))?;
        Ok(questionnaire)
    }
}

/// The authority, if its key is one.
pub(super) fn authority(admission: Admission) -> Result<Option<PeerId>, StudyError> {
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

/// Whether every possible sum of numbers, and the field element that stands for it, is exact.
fn sums_fit(p: &StudyParameters) -> bool {
    let count = p.maximum_cohort;
    p.form.items().filter_map(|item| item.kind.steps()).all(|range| {
        let (min, max) = (i128::from(range.min), i128::from(range.max));
        let distance = max.abs_diff(min).checked_mul(u128::from(count));
        distance.is_some_and(|distance| distance < field::modulus())
            && [min, max].iter().all(|end| end.checked_mul(i128::from(count)).is_some())
    })
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
