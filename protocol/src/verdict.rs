//! Which contributions of a manifest are counted, and whose partial aggregates make the sum
//! (PROTOCOL.md, "Verdict").
//!
//! The verdict follows from the members' findings, so that whoever has these can check it.

mod judging;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use tls_codec::{TlsByteVecU8, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU32};

use crate::committee::Committee;
use crate::digest::{DigestLabel, ManifestDigest, VerdictDigest, hash};
use crate::manifest::Commitment;
use crate::sharing::{ShareIndex, ShareIndices};
use crate::study::Study;
use crate::wire;

pub use self::judging::{Findings, Judging, TOLERATED, judge};

/// Why a contribution is not counted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    thiserror::Error,
    TlsSize,
    TlsSerialize,
    TlsDeserializeBytes,
)]
#[repr(u8)]
pub enum Rejection {
    /// It is not an answer that the study allows, or its proof is not valid.
    #[error("the answer is not valid")]
    Invalid = 1,
    /// A member could not use its share of it, or the members' shares contradict each other.
    #[error("the members of the committee could not agree on the answer's shares")]
    Disputed = 2,
}

/// What becomes of the contributions of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The members whose partial aggregates make the sum.
    members: ShareIndices,
    /// The contributions that are not counted, by number.
    rejected: BTreeMap<u32, Rejection>,
}

/// A verdict on the wire, in what tells it and in what is hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct VerdictBytes {
    members: TlsByteVecU8,
    rejected: TlsVecU32<RejectedBytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct RejectedBytes {
    number: u32,
    reason: Rejection,
}

/// Why a verdict is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerdictError {
    /// Members or contributions out of order, or twice.
    #[error("the verdict is not in order")]
    Order,
    /// A member that the committee does not have.
    #[error("the committee has no member {number}")]
    UnknownMember {
        /// Its place.
        number: u8,
    },
    /// A contribution that the manifest does not have.
    #[error("the manifest has no contribution {number}")]
    UnknownContribution {
        /// Its number.
        number: u32,
    },
    /// Fewer members than it takes to open a sum.
    #[error("the verdict counts on {have} members; it takes {need}")]
    TooFewMembers {
        /// How many there are.
        have: u32,
        /// The threshold.
        need: u8,
    },
    /// Fewer answers than the study's minimum.
    #[error("the verdict accepts {have} answers; the study needs {need}")]
    TooFewAnswers {
        /// How many it accepts.
        have: u32,
        /// The study's minimum cohort.
        need: u32,
    },
}

impl VerdictBytes {
    /// How many contributions it rejects.
    #[must_use]
    pub fn rejected_len(&self) -> u32 {
        u32::try_from(self.rejected.len()).unwrap_or(u32::MAX)
    }
}

impl Verdict {
    /// Reads a verdict and checks that a member may act on it.
    pub fn read(
        bytes: &VerdictBytes,
        study: &Study,
        committee: &Committee,
        commitment: Commitment,
    ) -> Result<Self, VerdictError> {
        let members = bytes.members.as_slice();
        let rejected = bytes.rejected.as_slice();
        let in_order =
            members.is_sorted_by(|a, b| a < b) && rejected.is_sorted_by(|a, b| a.number < b.number);
        if !in_order {
            return Err(VerdictError::Order);
        }
        let member = |&number: &u8| {
            let known = ShareIndex::new(number).filter(|index| committee.member(*index).is_some());
            known.ok_or(VerdictError::UnknownMember { number })
        };
        let members = members.iter().map(member).collect::<Result<ShareIndices, _>>()?;
        if let Some(last) = rejected.last().filter(|last| last.number >= commitment.size) {
            return Err(VerdictError::UnknownContribution { number: last.number });
        }
        let mut verdict = Self { members, rejected: BTreeMap::new() };
        // One after the other: collecting them would sort them first, by code that weighs more than the rest.
        verdict.rejected.extend(rejected.iter().map(|entry| (entry.number, entry.reason)));
        verdict.check(study, committee, commitment)?;
        Ok(verdict)
    }

    /// Whether enough members and answers are left.
    pub fn check(
        &self,
        study: &Study,
        committee: &Committee,
        commitment: Commitment,
    ) -> Result<(), VerdictError> {
        let (have, need) = (self.members.len(), committee.threshold());
        if have < u32::from(need) {
            return Err(VerdictError::TooFewMembers { have, need });
        }
        let (have, need) = (self.accepted(commitment), study.minimum_cohort());
        if have < need {
            return Err(VerdictError::TooFewAnswers { have, need });
        }
        Ok(())
    }

    /// The verdict as it is sent and hashed.
    #[must_use]
    pub fn bytes(&self) -> VerdictBytes {
        let members: Vec<u8> = self.members.iter().map(ShareIndex::number).collect();
        let rejected = self.rejected.iter();
        let rejected = rejected.map(|(&number, &reason)| RejectedBytes { number, reason });
        VerdictBytes { members: members.into(), rejected: rejected.collect::<Vec<_>>().into() }
    }

    /// What partial aggregates are bound to.
    #[must_use]
    pub fn digest(&self, manifest: ManifestDigest) -> VerdictDigest {
        let bytes = wire::encode(&self.bytes());
        VerdictDigest(hash(DigestLabel::Verdict, &[manifest.as_bytes(), &bytes]))
    }

    /// The members whose partial aggregates make the sum.
    #[must_use]
    pub fn members(&self) -> ShareIndices {
        self.members
    }

    /// Why contribution `number` is not counted, if it is not.
    #[must_use]
    pub fn rejection(&self, number: u32) -> Option<Rejection> {
        self.rejected.get(&number).copied()
    }

    /// The contributions that are not counted, by number.
    pub fn rejected(&self) -> impl Iterator<Item = (u32, Rejection)> {
        self.rejected.iter().map(|(&number, &reason)| (number, reason))
    }

    /// Whether it accepts as many of the committee members' `own` contributions, given by their numbers, as the
    /// threshold. A member whose own answer is not accepted may then open the sum all the same.
    ///
    /// A member vouches for no sum without its own answer, or else it could be made to open one over a single
    /// victim and people whom the hospital invented. What this achieves is that a sum contains as many members'
    /// answers as the threshold, and a sum that does may be opened by anybody.
    #[must_use]
    pub fn may_be_opened_by_all(&self, own: &BTreeSet<u32>, committee: &Committee) -> bool {
        let accepted = own.iter().filter(|number| !self.rejected.contains_key(number)).count();
        accepted >= usize::from(committee.threshold())
    }

    /// How many contributions are not counted.
    #[must_use]
    pub fn rejected_len(&self) -> u32 {
        u32::try_from(self.rejected.len()).unwrap_or(u32::MAX)
    }

    /// How many contributions are counted.
    #[must_use]
    pub fn accepted(&self, commitment: Commitment) -> u32 {
        commitment.size.saturating_sub(self.rejected_len())
    }
}
