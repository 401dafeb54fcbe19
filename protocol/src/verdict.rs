//! Which contributions of a manifest are counted, and whose partial aggregates make the sum
//! (PROTOCOL.md, "Verdict").
//!
//! The verdict follows from the members' findings, so that whoever has these can check it.
//!
//! # Disputes
//!
//! A member *disputes* a contribution if it says that it cannot open its share, or if its verifier share
//! does not lie on the polynomial of the others'. One of the two is lying, and nobody can tell which. The
//! verdict settles every dispute, so that all partial aggregates that are used agree:
//!
//! 1. What more members dispute than could be left out is its sender's fault, and not held against anybody.
//! 2. A member that disputes more than one in [`TOLERATED`] of the contributions, and more than one, is
//!    left out; so is one that disputes more of the members' own contributions than the square root of how many
//!    members the threshold can spare, and more than one. Those with the most disputes go first, as long as as
//!    many members as the threshold remain.
//! 3. A contribution that a remaining member disputes is rejected, and so is one on which the remaining
//!    members' shares lie on no one polynomial.
//!
//! So a patient who lies to some members costs the round its own answer, and a member who disputes
//! falsely costs it one answer, or one in [`TOLERATED`]. The bound on the members' own contributions keeps a few
//! who dispute falsely from having so many of these rejected that nobody may open the sum any more
//! ([`Verdict::may_be_opened_by_all`]).

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use tls_codec::{TlsByteVecU8, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU32};

use crate::committee::Committee;
use crate::digest::{DigestLabel, ManifestDigest, VerdictDigest, hash};
use crate::field::SecretVector;
use crate::manifest::Commitment;
use crate::questionnaire::Questionnaire;
use crate::sharing::{Scheme, Share, ShareIndex, ShareIndices};
use crate::study::Study;
use crate::validity::{VERIFIER_LEN, Verifier};
use crate::verification::Finding;
use crate::wire;

/// One dispute in so many contributions is no reason to leave a member out.
pub const TOLERATED: usize = 20;

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
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
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
        let rejected = rejected.iter().map(|entry| (entry.number, entry.reason)).collect();
        let verdict = Self { members, rejected };
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

/// What one member found about every contribution of a manifest, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// Whose findings they are.
    pub member: ShareIndex,
    /// One for each contribution.
    pub of: &'a [Finding],
}

/// Decides which contributions count. The committee members' `own` are among them, under these numbers.
///
/// # Panics
///
/// If the members' findings are about different numbers of contributions.
#[must_use]
pub fn judge(
    questionnaire: &Questionnaire,
    scheme: Scheme,
    findings: &[Findings<'_>],
    own: &BTreeSet<u32>,
) -> Verdict {
    let contributions = findings.first().map_or(0, |findings| findings.of.len());
    let all: Vec<usize> = (0..contributions).collect();
    let court = Court { scheme, findings };
    let mut disputes: BTreeMap<ShareIndex, Vec<usize>> = BTreeMap::new();
    for positions in all.chunks(AT_ONCE) {
        court.find_disputes(positions, &mut disputes);
    }

    let dispensable = findings.len().saturating_sub(usize::from(scheme.threshold()));
    let mut disputing = vec![0_usize; contributions];
    for position in disputes.values().flatten() {
        disputing[*position] += 1;
    }
    let tolerated = (contributions / TOLERATED).max(1);
    let tolerated_own = usize::from((scheme.shares() - scheme.threshold()).isqrt()).max(1);
    let mut suspects: Vec<(usize, ShareIndex)> = Vec::new();
    for (member, of) in &disputes {
        let held = of.iter().filter(|position| disputing[**position] <= dispensable);
        let held: Vec<u32> = held.map(|position| number(*position)).collect();
        let held_own = held.iter().filter(|number| own.contains(number)).count();
        if held.len() > tolerated || held_own > tolerated_own {
            suspects.push((held.len(), *member));
        }
    }
    suspects.sort_unstable_by_key(|&(count, member)| (core::cmp::Reverse(count), member));
    let left_out: BTreeSet<ShareIndex> =
        suspects.into_iter().take(dispensable).map(|(_, member)| member).collect();

    // Whatever a member that remains has disputed stays in dispute, although the others may be too few now to
    // contradict it.
    disputes.retain(|member, _| !left_out.contains(member));
    let in_dispute: BTreeSet<usize> = disputes.into_values().flatten().collect();
    let mut rejected: BTreeMap<u32, Rejection> =
        in_dispute.iter().map(|position| (number(*position), Rejection::Disputed)).collect();
    let remaining: Vec<Findings<'_>> =
        findings.iter().copied().filter(|of| !left_out.contains(&of.member)).collect();
    let court = Court { scheme, findings: &remaining };
    let undisputed: Vec<usize> =
        all.into_iter().filter(|position| !in_dispute.contains(position)).collect();
    for positions in undisputed.chunks(AT_ONCE) {
        court.settle(questionnaire, positions, &mut rejected);
    }
    Verdict { members: remaining.iter().map(|of| of.member).collect(), rejected }
}

/// How many contributions are looked at together, so that no second copy of all findings is made.
const AT_ONCE: usize = 1_024;

fn number(position: usize) -> u32 {
    u32::try_from(position).expect("a cohort is at most 100,000")
}

/// The findings of the members that are heard.
struct Court<'a> {
    scheme: Scheme,
    findings: &'a [Findings<'a>],
}

impl Court<'_> {
    /// Those who can read all of these contributions, with their shares of the verifier messages one after the
    /// other; and those who can read none of them. `None` if there are others.
    fn hear(&self, positions: &[usize]) -> Option<(Vec<Share>, Vec<ShareIndex>)> {
        let (mut shares, mut unreadable) = (Vec::new(), Vec::new());
        for Findings { member, of } in self.findings {
            let mut verifiers = Vec::with_capacity(VERIFIER_LEN * positions.len());
            for position in positions {
                if let Finding::Share(verifier) = &of[*position] {
                    verifiers.extend_from_slice(verifier);
                }
            }
            match verifiers.len() {
                0 => unreadable.push(*member),
                len if len == VERIFIER_LEN * positions.len() => {
                    shares.push(Share { index: *member, values: SecretVector::new(verifiers) });
                }
                _ => return None,
            }
        }
        Some((shares, unreadable))
    }

    /// Which contributions each member disputes. Where more shares are off than can be told from the others,
    /// nobody is blamed but those who cannot read theirs.
    fn find_disputes(&self, positions: &[usize], disputes: &mut BTreeMap<ShareIndex, Vec<usize>>) {
        if positions.is_empty() {
            return;
        }
        let heard = self.hear(positions);
        let combined = heard.and_then(|(shares, unreadable)| {
            let combined = self.scheme.combine(&shares).ok();
            (combined.is_some() || positions.len() == 1).then_some((shares, unreadable, combined))
        });
        let Some((shares, unreadable, combined)) = combined else {
            let (first, second) = positions.split_at(positions.len() / 2);
            self.find_disputes(first, disputes);
            self.find_disputes(second, disputes);
            return;
        };
        for member in unreadable {
            disputes.entry(member).or_default().extend_from_slice(positions);
        }
        let named = combined.map_or(Vec::new(), |combined| combined.wrong);
        let (wrong, right): (Vec<Share>, Vec<Share>) =
            shares.into_iter().partition(|share| named.contains(&share.index));
        for share in &wrong {
            let expected = self.scheme.share_at(&right, share.index);
            let pairs = share
                .values
                .elements()
                .chunks(VERIFIER_LEN)
                .zip(expected.elements().chunks(VERIFIER_LEN));
            let off = positions.iter().zip(pairs).filter(|(_, (have, expected))| have != expected);
            disputes.entry(share.index).or_default().extend(off.map(|(position, _)| *position));
        }
    }

    /// Decides each contribution whose shares all agree, and rejects the others.
    fn settle(
        &self,
        questionnaire: &Questionnaire,
        positions: &[usize],
        rejected: &mut BTreeMap<u32, Rejection>,
    ) {
        if positions.is_empty() {
            return;
        }
        let heard = self.hear(positions).filter(|(_, unreadable)| unreadable.is_empty());
        match heard.and_then(|(shares, _)| self.scheme.agreed(&shares)) {
            Some(verifiers) => {
                for (position, verifier) in
                    positions.iter().zip(verifiers.elements().chunks(VERIFIER_LEN))
                {
                    let verifier = Verifier::try_from(verifier).expect("a chunk of this length");
                    if !questionnaire.accepts(&verifier) {
                        rejected.insert(number(*position), Rejection::Invalid);
                    }
                }
            }
            None if positions.len() == 1 => {
                rejected.insert(number(positions[0]), Rejection::Disputed);
            }
            None => {
                let (first, second) = positions.split_at(positions.len() / 2);
                self.settle(questionnaire, first, rejected);
                self.settle(questionnaire, second, rejected);
            }
        }
    }
}
