//! What is checked of verdicts, and of the partial aggregates behind a result.

use std::collections::BTreeMap;

use wardsum_protocol::aggregate::DisclosedPartial;
use wardsum_protocol::messages::HospitalMessage;
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Committee, PeerId, wire};

use crate::court::{Deeds, Ruling, place_of_verification};
use crate::invariants::{Evidence, Invariant};
use crate::log::Summary;
use crate::plan::Plan;
use crate::world::World;

impl Evidence {
    /// The verdict follows from the log, and from what everybody did.
    pub(super) fn check_verdict(&mut self, plan: &Plan, log: &Summary) {
        let Some(told) = log.verdict.as_ref().map(Ruling::read) else {
            self.verdict = None;
            return;
        };
        let committee = log.committee.as_ref().map(|bytes| Committee::decode(&plan.study, bytes));
        let Some(Ok(committee)) = committee.filter(|_| self.verdict.as_ref() != Some(&told)) else {
            return;
        };
        let ruling = Ruling::of(&committee, log);
        if told != ruling {
            self.breaks(Invariant::Judged, format!("{told:?} instead of {ruling:?}"));
        }
        let misbehaviour = |id: &PeerId| plan.patients[self.patients[id]].misbehaviour;
        let contributors = &log.contributors;
        let deeds = Deeds { committee: &committee, contributors, misbehaviour: &misbehaviour };
        let (_, verified) = verified(&committee, log);
        let accepted = |number: &u32| !told.rejected.contains_key(number);
        let numbers = || (0u32..).take(contributors.len());
        let mut broken = numbers()
            .filter(|number| accepted(number) && deeds.is_invalid(*number))
            .map(|number| format!("contribution {number} is invalid and counted"))
            .collect::<Vec<_>>();
        if let Some((liars, counted)) = deeds.promise(&verified) {
            let lost = counted.iter().filter(|number| !accepted(number));
            broken.extend(lost.map(|number| format!("contribution {number} is honest")));
            let left_out = |place: &&u8| !told.members.contains(place);
            let left_out: Vec<u8> = verified.iter().filter(left_out).copied().collect();
            if left_out != liars {
                broken.push(format!("{left_out:?} are left out, and {liars:?} lie"));
            }
        }
        self.rejected = told.rejected.len();
        self.left_out = verified.len().saturating_sub(told.members.len());
        if let Some(detail) = broken.pop() {
            self.breaks(Invariant::Judged, format!("{detail}: {told:?}"));
        }
        self.verdict = Some(told);
    }

    /// Looks at how many of a result's partial aggregates are false. If they are few enough they are
    /// named. If they are so many that nobody can tell, and all false in the same way, they agree.
    pub(super) fn look_for_lies(&mut self, plan: &Plan, log: &Summary, message: &[u8]) {
        let committee = log.committee.as_ref().map(|bytes| Committee::decode(&plan.study, bytes));
        let (Some(Ok(committee)), Ok(HospitalMessage::Published(publication))) =
            (committee, wire::decode(message))
        else {
            return self.breaks(Invariant::Exact, "a result without a committee".to_owned());
        };
        let partials = publication.partials.as_slice();
        let spare = partials.len() - usize::from(committee.threshold());
        let mut lies = BTreeMap::new();
        for (place, member) in committee.members() {
            let lie = self.lies.get(&self.patients[&member.id()]);
            // The place stands behind the body's length and the verdict's digest.
            let gave = |partial: &DisclosedPartial| wire::encode(partial)[34] == place.number();
            if let Some(lie) = lie.filter(|_| partials.iter().any(gave)) {
                lies.insert(place.number(), *lie);
            }
        }
        self.to_be_named = (lies.len() <= spare / 2).then(|| lies.keys().copied().collect());
        let alike = lies.values().any(|lie| *lie == 1);
        self.beyond_telling = lies.len() > spare.div_ceil(2) && alike;
    }
}

impl World {
    /// Whether enough honest answers have to be accepted, by those who verified.
    pub(super) fn enough_are_valid(&self) -> bool {
        let log = &self.hospital.log.summary;
        let Some(committee) = self.committee() else { return false };
        let misbehaviour =
            |id: &PeerId| self.plan.patients[self.evidence.patients[id]].misbehaviour;
        let contributors = &log.contributors;
        let deeds = Deeds { committee: &committee, contributors, misbehaviour: &misbehaviour };
        let (ruling, verified) = verified(&committee, log);
        let promised = deeds.promise(&verified).map_or(0, |(_, counted)| counted.len());
        let judged = contributors.len() - ruling.rejected.len();
        promised.max(judged) >= self.plan.study.minimum_cohort() as usize
    }
}

/// What follows from the verifications in a log, and the places of the members that gave them and have not
/// declined.
fn verified(committee: &Committee, log: &Summary) -> (Ruling, Vec<u8>) {
    let declined = |place: &u8| {
        let member = ShareIndex::new(*place).and_then(|place| committee.member(place));
        member.is_some_and(|member| log.declined.contains(&member.id()))
    };
    let mut verified: Vec<u8> =
        log.verified.iter().map(place_of_verification).filter(|place| !declined(place)).collect();
    verified.sort_unstable();
    (Ruling::of(committee, log), verified)
}
