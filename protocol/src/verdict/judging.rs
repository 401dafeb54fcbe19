//! How a verdict is reached.
//!
//! A member *disputes* a contribution if it says that it cannot open its share, or if its verifier share
//! does not lie on the polynomial of the others'. One of the two is lying, and nobody can tell which. The
//! verdict settles every dispute, so that all partial aggregates that are used agree:
//!
//! 1. What more members dispute than could be left out is its sender's fault, and not held against anybody.
//! 2. A member that disputes more than one in [`TOLERATED`] of the contributions, and more than one, is
//!    left out, those with the most disputes first, as long as as many members as the threshold remain. So is one that
//!    disputes more of the members' own contributions than the square root of how many members the threshold can
//!    spare, and more than one; but of those that have nothing else against them no more than that number.
//! 3. A contribution that a remaining member disputes is rejected, and so is one on which the remaining
//!    members' shares lie on no one polynomial.
//!
//! So a patient who lies to some members costs the round its own answer, and a member who disputes
//! falsely costs it one answer, or one in [`TOLERATED`]. The bound on the members' own contributions keeps a few
//! who dispute falsely from having so many of these rejected that nobody may open the sum any more
//! ([`Verdict::may_be_opened_by_all`]).

use core::cmp::Reverse;
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

use super::{Rejection, Verdict};
use crate::field::SecretVector;
use crate::questionnaire::Questionnaire;
use crate::sharing::{Scheme, Share, ShareIndex, ShareIndices};
use crate::validity::{VERIFIER_LEN, Verifier};
use crate::verification::{Finding, PIECE_LEN};

/// One dispute in so many contributions is no reason to leave a member out.
pub const TOLERATED: usize = 20;

/// What one member found about every contribution of a manifest, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// Whose findings they are.
    pub member: ShareIndex,
    /// One for each contribution.
    pub of: &'a [Finding],
}

/// Decides which contributions count, in one piece; see [`Judging`]. The committee members' `own` are among them,
/// under these numbers.
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
    assert!(findings.iter().all(|findings| findings.of.len() == contributions));
    let contributions = u32::try_from(contributions).expect("a cohort is at most 100,000");
    let members = findings.iter().map(|findings| findings.member).collect();
    let by_member: BTreeMap<_, _> =
        findings.iter().map(|findings| (findings.member, findings.of)).collect();
    let of = |member, numbers: Range<u32>| {
        &by_member[&member][position(numbers.start)..position(numbers.end)]
    };
    let mut judging = Judging::new(scheme, members, contributions, own.clone());
    judging.advance(questionnaire, of, u64::MAX).expect("nothing stops it before the verdict")
}

/// A verdict that is being reached, a slice at a time: for 100,000 contributions and 32 members it takes seconds,
/// during which others want their turn.
///
/// It follows from the findings alone, however it is cut up.
#[derive(Debug)]
pub struct Judging {
    scheme: Scheme,
    /// Those who are heard.
    members: ShareIndices,
    contributions: u32,
    /// The numbers of the committee members' own contributions.
    own: BTreeSet<u32>,
    /// The first contribution that was not looked at yet.
    next: u32,
    /// Contributions that were looked at together and have to be looked at in smaller numbers; the next ones last.
    parts: Vec<Range<u32>>,
    /// Which contributions each member disputes.
    disputes: BTreeMap<ShareIndex, Vec<u32>>,
    /// Set once all disputes are found and it is decided who is left out.
    settling: bool,
    rejected: BTreeMap<u32, Rejection>,
}

/// A member with more disputes than are tolerated.
struct Suspect {
    member: ShareIndex,
    /// How many disputes are held against it.
    count: usize,
    /// Whether it is only those over members' own contributions that are too many.
    by_own_alone: bool,
}

/// How many multiplications the shares that are looked at together may take for each of their elements, if they
/// are wrong: rarely more than 20 ms in all, and enough of them that no time is lost with what is done once for all.
const WORK_AT_ONCE: u32 = 1 << 19;

fn position(number: u32) -> usize {
    usize::try_from(number).expect("a cohort is at most 100,000")
}

impl Judging {
    /// Begins to judge so many contributions, which all of these members have verified. The committee members'
    /// `own` are among them, under these numbers.
    #[must_use]
    pub fn new(
        scheme: Scheme,
        members: ShareIndices,
        contributions: u32,
        own: BTreeSet<u32>,
    ) -> Self {
        Self {
            scheme,
            members,
            contributions,
            own,
            next: 0,
            parts: Vec::new(),
            disputes: BTreeMap::new(),
            settling: false,
            rejected: BTreeMap::new(),
        }
    }

    /// Goes on for about `work` multiplications of field elements, of some 8 ns each, and returns the verdict once
    /// it is reached; not to be called after that.
    ///
    /// `of` returns what a member found about these contributions, in their order. It is only asked for
    /// contributions of one [piece](crate::verification::PIECE_LEN) at a time.
    pub fn advance<'a>(
        &mut self,
        questionnaire: &Questionnaire,
        of: impl Fn(ShareIndex, Range<u32>) -> &'a [Finding],
        work: u64,
    ) -> Option<Verdict> {
        let mut spent = 0;
        loop {
            let Some(numbers) = self.next_numbers() else {
                if self.settling {
                    let rejected = core::mem::take(&mut self.rejected);
                    return Some(Verdict { members: self.members, rejected });
                }
                self.leave_out();
                continue;
            };
            if self.settling {
                self.settle(questionnaire, &of, &numbers);
            } else {
                self.find_disputes(&of, &numbers);
            }
            spent += self.work(&numbers);
            if spent >= work {
                return None;
            }
        }
    }

    /// The contributions that are looked at next, all of one piece; `None` if all were looked at.
    fn next_numbers(&mut self) -> Option<Range<u32>> {
        if let Some(part) = self.parts.pop() {
            return Some(part);
        }
        let first = self.next;
        let members = self.members.len().max(1);
        let at_once = (WORK_AT_ONCE / (members * members)).clamp(1, PIECE_LEN);
        let end = (first + at_once).min((first / PIECE_LEN + 1) * PIECE_LEN);
        self.next = end.min(self.contributions);
        (first < self.contributions).then_some(first..self.next)
    }

    /// How many multiplications it takes to look at these contributions if their shares agree. If they do not,
    /// it takes up to ten times as many.
    fn work(&self, numbers: &Range<u32>) -> u64 {
        let threshold = u64::from(self.scheme.threshold());
        let values = u64::from(self.members.len() + 1).saturating_sub(threshold);
        let elements = (numbers.end - numbers.start) as usize * VERIFIER_LEN;
        threshold * (threshold + values * elements as u64)
    }

    /// These are to be looked at again, those before `middle` first.
    fn split(&mut self, numbers: &Range<u32>, middle: u32) {
        self.parts.push(middle..numbers.end);
        self.parts.push(numbers.start..middle);
    }

    /// Of `numbers`, those `wanted`: the members who can read all of them, with their shares of the verifier messages
    /// one after the other; and those who can read none. `None` if there are others.
    fn hear<'a>(
        &self,
        of: impl Fn(ShareIndex, Range<u32>) -> &'a [Finding],
        numbers: &Range<u32>,
        wanted: &[u32],
    ) -> Option<(Vec<Share>, Vec<ShareIndex>)> {
        let (mut shares, mut unreadable) = (Vec::new(), Vec::new());
        for member in self.members.iter() {
            let found = of(member, numbers.clone());
            let mut verifiers = Vec::with_capacity(VERIFIER_LEN * wanted.len());
            for position in wanted.iter().map(|number| position(number - numbers.start)) {
                if let Finding::Share(verifier) = &found[position] {
                    verifiers.extend_from_slice(verifier);
                }
            }
            match verifiers.len() {
                0 => unreadable.push(member),
                len if len == VERIFIER_LEN * wanted.len() => {
                    shares.push(Share { index: member, values: SecretVector::new(verifiers) });
                }
                _ => return None,
            }
        }
        Some((shares, unreadable))
    }

    /// Which of these contributions each member disputes. Where more shares are off than can be told from the
    /// others, nobody is blamed but those who cannot read theirs.
    fn find_disputes<'a>(
        &mut self,
        of: impl Fn(ShareIndex, Range<u32>) -> &'a [Finding],
        numbers: &Range<u32>,
    ) {
        let len = numbers.end - numbers.start;
        let heard = self.hear(of, numbers, &numbers.clone().collect::<Vec<_>>());
        let combined = heard.and_then(|(shares, unreadable)| {
            let combined = self.scheme.combine(&shares).ok();
            (combined.is_some() || len == 1).then_some((shares, unreadable, combined))
        });
        let Some((shares, unreadable, combined)) = combined else {
            return self.split(numbers, numbers.start + len / 2);
        };
        for member in unreadable {
            self.disputes.entry(member).or_default().extend(numbers.clone());
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
            let off = numbers.clone().zip(pairs).filter(|(_, (have, expected))| have != expected);
            self.disputes.entry(share.index).or_default().extend(off.map(|(number, _)| number));
        }
    }

    /// All disputes are known: decides who is not heard any more. Whatever a member that remains has disputed
    /// stays in dispute, although the others may be too few now to contradict it.
    fn leave_out(&mut self) {
        let dispensable = self.members.len().saturating_sub(u32::from(self.scheme.threshold()));
        let dispensable = usize::try_from(dispensable).unwrap_or(usize::MAX);
        let tolerated = (position(self.contributions) / TOLERATED).max(1);
        let spare = self.scheme.shares() - self.scheme.threshold();
        let tolerated_own = usize::from(spare.isqrt()).max(1);
        let mut disputing = vec![0_usize; position(self.contributions)];
        for number in self.disputes.values().flatten() {
            disputing[position(*number)] += 1;
        }
        let mut suspects: Vec<Suspect> = Vec::new();
        for (member, of) in &self.disputes {
            let held = of.iter().filter(|number| disputing[position(**number)] <= dispensable);
            let (count, own) = held.fold((0, 0), |(count, own), number| {
                (count + 1, own + usize::from(self.own.contains(number)))
            });
            let by_own_alone = count <= tolerated;
            if !by_own_alone || own > tolerated_own {
                suspects.push(Suspect { member: *member, count, by_own_alone });
            }
        }
        suspects.sort_unstable_by_key(|suspect| (Reverse(suspect.count), suspect.member));
        // A few members could otherwise have so many honest ones left out, by spoiling their own shares for
        // them, that nothing checks the shares and the partial aggregates of those who remain.
        let mut by_own_alone = 0;
        suspects.retain(|suspect| {
            by_own_alone += usize::from(suspect.by_own_alone);
            !suspect.by_own_alone || by_own_alone <= tolerated_own
        });
        suspects.truncate(dispensable);
        let left_out: ShareIndices = suspects.iter().map(|suspect| suspect.member).collect();

        let mut disputes = core::mem::take(&mut self.disputes);
        disputes.retain(|member, _| !left_out.contains(*member));
        let in_dispute = disputes.into_values().flatten();
        self.rejected = in_dispute.map(|number| (number, Rejection::Disputed)).collect();
        self.members = self.members.iter().filter(|member| !left_out.contains(*member)).collect();
        self.settling = true;
        self.next = 0;
    }

    /// Decides each of these contributions that is not in dispute and whose shares all agree, and rejects the others.
    fn settle<'a>(
        &mut self,
        questionnaire: &Questionnaire,
        of: impl Fn(ShareIndex, Range<u32>) -> &'a [Finding],
        numbers: &Range<u32>,
    ) {
        let is_open = |number: &u32| !self.rejected.contains_key(number);
        let open: Vec<u32> = numbers.clone().filter(is_open).collect();
        if open.is_empty() {
            return;
        }
        let heard = self.hear(of, numbers, &open);
        let heard = heard.filter(|(_, unreadable)| unreadable.is_empty());
        match heard.and_then(|(shares, _)| self.scheme.agreed(&shares)) {
            Some(verifiers) => {
                for (number, verifier) in open.iter().zip(verifiers.elements().chunks(VERIFIER_LEN))
                {
                    let verifier = Verifier::try_from(verifier).expect("a chunk of this length");
                    if !questionnaire.accepts(&verifier) {
                        self.rejected.insert(*number, Rejection::Invalid);
                    }
                }
            }
            None if open.len() == 1 => {
                self.rejected.insert(open[0], Rejection::Disputed);
            }
            None => self.split(numbers, open[open.len() / 2]),
        }
    }
}
