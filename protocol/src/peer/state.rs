//! What a peer awaits, each with its data.

use crate::committee::Committee;
use crate::messages::Phase;
use crate::peer::comparing::Comparing;
use crate::peer::contributing::{AwaitingManifest, Sealing};
use crate::peer::result::AwaitingResult;
use crate::peer::verifying::AwaitingVerdict;
use crate::peer::{Answer, Failure};
use crate::seal::OpeningKey;
use crate::study::Study;

#[derive(Debug)]
pub(super) enum State {
    AwaitingStudy,
    AwaitingAnswer(Box<AwaitingAnswer>),
    AwaitingCommittee(Box<AwaitingCommittee>),
    Comparing(Box<Comparing>),
    Sealing(Box<Sealing>),
    AwaitingManifest(Box<AwaitingManifest>),
    AwaitingVerdict(Box<AwaitingVerdict>),
    AwaitingResult(Box<AwaitingResult>),
    Finished(Option<Study>),
    Failed(Failure, Option<Study>),
}

/// The study is known; the patient reads it.
#[derive(Debug)]
pub(super) struct AwaitingAnswer {
    pub(super) study: Study,
    pub(super) committee: Option<Committee>,
    pub(super) phase: Phase,
}

/// The patient has answered and the keys are on their way to the hospital.
#[derive(Debug)]
pub(super) struct AwaitingCommittee {
    pub(super) study: Study,
    pub(super) answer: Answer,
    pub(super) opening_key: OpeningKey,
    /// The enrolment, encoded; none if this peer's invitation does not let it serve.
    pub(super) enrolment: Option<Vec<u8>>,
    pub(super) enrolled: bool,
}

impl State {
    pub(super) fn study(&self) -> Option<&Study> {
        match self {
            Self::AwaitingStudy => None,
            Self::AwaitingAnswer(state) => Some(&state.study),
            Self::AwaitingCommittee(state) => Some(&state.study),
            Self::Comparing(state) => Some(&state.round.study),
            Self::Sealing(state) => Some(&state.round.study),
            Self::AwaitingManifest(state) => Some(&state.round.study),
            Self::AwaitingVerdict(state) => Some(&state.round.study),
            Self::AwaitingResult(state) => Some(&state.study),
            Self::Finished(study) | Self::Failed(_, study) => study.as_ref(),
        }
    }

    pub(super) fn committee(&self) -> Option<&Committee> {
        match self {
            Self::AwaitingAnswer(state) => state.committee.as_ref(),
            Self::Comparing(state) => Some(&state.round.committee),
            Self::Sealing(state) => Some(&state.round.committee),
            Self::AwaitingManifest(state) => Some(&state.round.committee),
            Self::AwaitingVerdict(state) => Some(&state.round.committee),
            Self::AwaitingResult(state) => Some(&state.committee),
            Self::AwaitingStudy
            | Self::AwaitingCommittee(_)
            | Self::Finished(_)
            | Self::Failed(..) => None,
        }
    }

    /// Whether the patient has answered and the round goes on for this peer.
    pub(super) fn has_answered(&self) -> bool {
        match self {
            Self::AwaitingCommittee(_)
            | Self::Comparing(_)
            | Self::Sealing(_)
            | Self::AwaitingManifest(_)
            | Self::AwaitingVerdict(_)
            | Self::AwaitingResult(_) => true,
            Self::AwaitingStudy
            | Self::AwaitingAnswer(_)
            | Self::Finished(_)
            | Self::Failed(..) => false,
        }
    }

    /// The message, encoded, that the hospital has not acknowledged yet. An enrolment is repeated in
    /// any case: whoever stayed away for too long has to enrol again.
    pub(super) fn unacknowledged(&self) -> Option<&[u8]> {
        match self {
            Self::AwaitingCommittee(state) => state.enrolment.as_deref(),
            Self::AwaitingManifest(state) => state.unacknowledged(),
            Self::AwaitingVerdict(state) => state.unacknowledged.as_deref(),
            Self::AwaitingResult(state) => state.unacknowledged.as_deref(),
            Self::AwaitingStudy
            | Self::AwaitingAnswer(_)
            | Self::Comparing(_)
            | Self::Sealing(_)
            | Self::Finished(_)
            | Self::Failed(..) => None,
        }
    }

    /// How many deliveries the peer holds without a gap. One that needs no more holds them all.
    pub(super) fn deliveries_held(&self) -> u32 {
        match self {
            Self::Comparing(state) => state.round.deliveries_held(),
            Self::Sealing(state) => state.round.deliveries_held(),
            Self::AwaitingManifest(state) => state.round.deliveries_held(),
            Self::AwaitingVerdict(_) | Self::AwaitingResult(_) => u32::MAX,
            Self::AwaitingStudy
            | Self::AwaitingAnswer(_)
            | Self::AwaitingCommittee(_)
            | Self::Finished(_)
            | Self::Failed(..) => 0,
        }
    }
}
