//! What holds in every run, whatever goes wrong.
//!
//! 1. **Exact or refused.** A published sum is the plain sum of the buckets of those whom its verdict accepts,
//!    and it says how many they are. Every peer that shows a result shows the same, and whether its own answer
//!    is in it. The only exception: more partial aggregates are false in the same way than half of those
//!    beyond the threshold, so that nobody can tell.
//! 2. **No acknowledged answer lost.** A published sum contains every answer that a peer was told to be
//!    stored, unless the verdict rejects it.
//! 3. **No answer twice.** Every bucket is in a published sum once or not at all, and nobody is counted
//!    under two numbers.
//! 4. **One answer each, for good.** Whatever happens to a peer, it only ever sends one contribution, one
//!    verification and one partial aggregate, byte by byte, and so never for two committees, two manifests or
//!    two verdicts.
//! 5. **Every run ends.** Once the weather is calm the round is over within its deadlines, and soon after
//!    that every open page has a result or a reason. Whoever waits has a timer. Nobody connects again
//!    and again, and nobody who is here is taken to be away or lacks what the others have.
//! 6. **Durable before said.** What the hospital acknowledges, delivers or announces is in its log, its verdict
//!    too, and what a peer contributes, finds or releases is bound by what it wrote down. It contributes
//!    nothing before its patient has agreed to the safety words.
//! 7. **Alive.** If the deadlines are no excuse and no more members are gone than the threshold allows,
//!    there is a result, and no member is sent away that it takes. Members count here until the verdict if
//!    they may verify, and then if the verdict counts on them and accepts their own answers. If there is no
//!    result, there is a reason, and too few partial aggregates for a sum.
//! 8. **Nobody is blamed.** An honest peer is not refused, an honest hospital not accused, and a log that
//!    was written can be restored. Members whose partial aggregate is false are named, and no others.
//! 9. **Judged by the rules.** The verdict is the one that the document's rules give for the verifications in
//!    the log. An answer or a proof that is none is never accepted, however many members lie (each in its own
//!    way). As long as few enough cheat for the rules to promise something (`court::Deeds::promise`),
//!    every honest answer is accepted, and exactly those members are left out that lie about all of them.
//!
//! Where the hospital comes back from an old backup it breaks its word, and peers may say so: then 2, 7
//! and 8 are not asked for, the others are.

mod verdicts;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Failure, Misbehaviour, OwnAnswer, Published, Stage};
use wardsum_protocol::round::{Event, Record, RestoreError};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Aggregate, Committee, EndReason, Invitation, PeerId, Timestamp, wire};

use crate::court::Ruling;
use crate::log::Summary;
use crate::patient::Bound;
use crate::plan::Plan;
use crate::world::World;

/// How often a tab may connect once the weather is calm: what broke before is noticed late, and
/// somebody who finds no seat asks again.
const CALM_CONNECTIONS_MAX: u32 = 15;

/// How often somebody may ask for a place that is kept: every 15 to 30 s while members are missing, at
/// the most until the deadline.
const PLACE_ASKED_MAX: u32 = 100;

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Invariant {
    #[error("1, exact or refused")]
    Exact,
    #[error("2, no acknowledged answer lost")]
    Acknowledged,
    #[error("3, no answer twice")]
    Once,
    #[error("4, one contribution, verification and partial aggregate for good")]
    OneAnswer,
    #[error("5, every run ends")]
    Ends,
    #[error("6, durable before said")]
    Durable,
    #[error("7, a result unless too many are gone, and otherwise nothing revealed")]
    Alive,
    #[error("8, nobody honest is blamed")]
    Blame,
    #[error("9, judged by the rules")]
    Judged,
}

/// An invariant that does not hold.
#[derive(Clone, Debug, Error)]
#[error("broken invariant {invariant}: {detail}")]
pub struct Broken {
    pub invariant: Invariant,
    pub detail: String,
}

/// What was seen in a run, from outside of both state machines.
#[derive(Default)]
pub struct Evidence {
    pub broken: Option<Broken>,
    /// Which patient stands behind a key.
    patients: BTreeMap<PeerId, usize>,
    acknowledged: BTreeSet<usize>,
    /// What each patient's peer has sent, and may not send otherwise.
    contributions: BTreeMap<usize, Vec<u8>>,
    verifications: BTreeMap<usize, Vec<u8>>,
    partials: BTreeMap<usize, Vec<u8>>,
    shown: BTreeMap<usize, Published>,
    /// Who came too late, or when all places were taken.
    turned_away: BTreeSet<usize>,
    /// Who has sent a false partial aggregate, and by how much it is off.
    lies: BTreeMap<usize, u128>,
    /// The places of those that the hospital has to name beside its result.
    to_be_named: Option<Vec<u8>>,
    beyond_telling: bool,
    calm_connections: BTreeMap<u64, u32>,
    asked_for_a_place: BTreeMap<usize, u32>,
    /// The hospital came back from an old backup.
    went_back: bool,
    published: Option<Aggregate>,
    verdict: Option<Ruling>,
    pub corrected: bool,
    /// How many contributions the verdict rejects, and how many members it leaves out.
    pub rejected: usize,
    pub left_out: usize,
}

impl Evidence {
    pub fn breaks(&mut self, invariant: Invariant, detail: String) {
        self.broken.get_or_insert(Broken { invariant, detail });
    }

    pub fn peer_is(&mut self, id: PeerId, patient: usize) {
        self.patients.insert(id, patient);
    }

    pub fn went_back(&mut self) {
        self.went_back = true;
    }

    pub fn acknowledged(&mut self, patient: usize) {
        self.acknowledged.insert(patient);
    }

    pub fn cannot_restore(&mut self, error: RestoreError) {
        self.breaks(Invariant::Blame, format!("the round cannot be restored: {error}"));
    }

    pub fn not_stored(&mut self, number: u32) {
        self.breaks(Invariant::Durable, format!("contribution {number} was asked for too early"));
    }

    /// A round that closes at a time has asked to be called by then.
    pub fn round_timer(&mut self, closes_at: Option<Timestamp>, due: Option<Timestamp>) {
        if let Some(at) = closes_at
            && due.is_none_or(|due| due > at)
        {
            let detail = format!("the round closes at {at:?} and is to be called at {due:?}");
            self.breaks(Invariant::Ends, detail);
        }
    }

    /// A peer that is not done has asked to be called.
    pub fn peer_timer(&mut self, patient: usize, stage: Stage, due: bool) {
        if !due && !matches!(stage, Stage::Finished | Stage::Failed) {
            self.breaks(Invariant::Ends, format!("patient {patient} waits in {stage:?} for ever"));
        }
    }

    pub fn connects_in_calm(&mut self, tab: u64, patient: usize) {
        let connections = self.calm_connections.entry(tab).or_default();
        *connections += 1;
        if *connections > CALM_CONNECTIONS_MAX {
            let detail = format!("patient {patient} connects again and again");
            self.breaks(Invariant::Ends, detail);
        }
    }
}

/// What is said, while it is said.
impl Evidence {
    /// Places are kept for others: asking again and again is right then, and it is not for ever.
    pub fn finds_no_place(&mut self, tab: Option<u64>, patient: usize) {
        let asked = self.asked_for_a_place.entry(patient).or_default();
        *asked += 1;
        if *asked > PLACE_ASKED_MAX {
            let detail = format!("patient {patient} asks for a place {asked} times");
            self.breaks(Invariant::Ends, detail);
        }
        if let Some(connections) = tab.and_then(|tab| self.calm_connections.get_mut(&tab)) {
            *connections = connections.saturating_sub(1);
        }
    }

    pub fn peer_says(
        &mut self,
        patient: usize,
        bound: Bound,
        misbehaviour: Option<Misbehaviour>,
        bytes: &[u8],
    ) {
        let (said, bound) = match wire::decode(bytes) {
            Ok(PeerMessage::Contribute(_)) => {
                (&mut self.contributions, bound.committee && bound.agreed)
            }
            // All contributions of these rounds fit one piece.
            Ok(PeerMessage::Verification(_)) => (&mut self.verifications, bound.manifest),
            Ok(PeerMessage::Partial(_)) => {
                if let Some(Misbehaviour::Partial(change)) = misbehaviour {
                    self.lies.insert(patient, change.add);
                }
                (&mut self.partials, bound.verdict)
            }
            Ok(_) => return,
            Err(_) => {
                let detail = format!("patient {patient} sends something malformed");
                return self.breaks(Invariant::Blame, detail);
            }
        };
        let first = said.entry(patient).or_insert_with(|| bytes.to_vec());
        if first != bytes {
            let detail = format!("patient {patient} sends a second one");
            self.breaks(Invariant::OneAnswer, detail);
        } else if !bound {
            let detail = format!("patient {patient} has not written down what it answers");
            self.breaks(Invariant::Durable, detail);
        }
    }

    pub fn hospital_says(&mut self, bytes: &[u8], log: &Summary) {
        let (durable, what) = match wire::decode(bytes) {
            Ok(HospitalMessage::Welcome(_) | HospitalMessage::Progress(_)) => return,
            Ok(HospitalMessage::Acknowledge(digest)) => {
                (log.stored.contains(digest.as_bytes()), "an acknowledgement".to_owned())
            }
            Ok(HospitalMessage::Committee(committee)) => (
                log.committee.as_ref().is_some_and(|c| *c == committee.0),
                "a committee".to_owned(),
            ),
            Ok(HospitalMessage::Deliver(delivery)) => {
                let stored =
                    u32::try_from(log.contributors.len()).is_ok_and(|n| delivery.number < n);
                (stored, format!("contribution {}", delivery.number))
            }
            Ok(HospitalMessage::Manifest(digests)) => {
                let size = u32::try_from(digests.len()).ok();
                (log.manifest.is_some() && log.manifest == size, "a manifest".to_owned())
            }
            Ok(HospitalMessage::Verdict(verdict)) => {
                (log.verdict == Some(verdict), "a verdict".to_owned())
            }
            Ok(HospitalMessage::Counted(_)) => (log.manifest.is_some(), "a proof".to_owned()),
            Ok(HospitalMessage::Published(_)) => {
                let same = |(_, message): &(_, bytes::Bytes)| message == bytes;
                (log.published.as_ref().is_some_and(same), "a result".to_owned())
            }
            Ok(HospitalMessage::WordsDisputed(reports)) => {
                ((1..=log.disputes).contains(&reports), format!("{reports} disputes"))
            }
            Ok(HospitalMessage::Ended(reason)) => (log.ended == Some(reason), "the end".to_owned()),
            Err(_) => (false, "something malformed".to_owned()),
        };
        if !durable {
            self.breaks(Invariant::Durable, format!("the hospital says {what}, not in its log"));
        }
    }

    pub fn hospital_event(&mut self, event: &Event) {
        if let Event::Published { wrong, .. } = event {
            self.corrected |= !wrong.is_empty();
            let named: Vec<u8> = wrong.iter().map(ShareIndex::number).collect();
            if let Some(right) = self.to_be_named.as_ref().filter(|right| **right != named) {
                let detail = format!("{named:?} are said to be wrong, and {right:?} are");
                self.breaks(Invariant::Blame, detail);
            }
        }
    }

    pub fn record(&mut self, record: &Record) {
        let decoded = Record::decode(&record.encode());
        let same = match (&decoded, record) {
            (Ok(Record::Contributed(decoded)), Record::Contributed(contributed)) => {
                (decoded.number, decoded.sender, decoded.digest)
                    == (contributed.number, contributed.sender, contributed.digest)
            }
            (decoded, record) => decoded.as_ref() == Ok(record),
        };
        if !same {
            self.breaks(Invariant::Durable, format!("{record:?} is not what comes back"));
        }
    }

    pub fn peer_fails(&mut self, patient: usize, failure: Failure) {
        if matches!(failure, Failure::TooLate | Failure::Full) {
            self.turned_away.insert(patient);
        }
        let blameless = match failure {
            Failure::ConnectionLost
            | Failure::HospitalStopping
            | Failure::HospitalSilent
            | Failure::TooLate
            | Failure::Full
            | Failure::Left
            | Failure::WordsDiffer
            | Failure::RoundEnded(_) => true,
            // More false partial aggregates than can be told from true ones.
            Failure::ResultInvalid(_) | Failure::SumMismatch => !self.lies.is_empty(),
            _ => false,
        };
        if !blameless && !self.went_back {
            let detail = format!("patient {patient} is told: {failure}");
            self.breaks(Invariant::Blame, detail);
        }
    }
}

/// Results.
impl Evidence {
    /// Checks what the hospital has just made durable.
    pub fn check_log(&mut self, plan: &Plan, log: &Summary) {
        let unique: BTreeSet<_> = log.contributors.iter().collect();
        if unique.len() != log.contributors.len() {
            self.breaks(Invariant::Once, "somebody contributed twice".to_owned());
        }
        self.check_verdict(plan, log);
        let Some((aggregate, message)) = &log.published else { return };
        if self.published.replace(aggregate.clone()).as_ref() == Some(aggregate) {
            return;
        }
        self.look_for_lies(plan, log, message);
        if self.beyond_telling {
            return;
        }
        let Some(verdict) = self.verdict.clone() else {
            return self.breaks(Invariant::Judged, "a result without a verdict".to_owned());
        };
        let rejected = |number: &u32| verdict.rejected.contains_key(number);
        let numbered = || (0u32..).zip(&log.contributors);
        let accepted: Vec<usize> = numbered()
            .filter(|(number, _)| !rejected(number))
            .map(|(_, id)| self.patients[id])
            .collect();
        let sum: i128 = accepted.iter().map(|patient| plan.patients[*patient].value).sum();
        let Some(counted) = aggregate.sum(&plan.study) else {
            return self.breaks(Invariant::Exact, format!("{aggregate:?} shows no sum"));
        };
        if counted != sum || aggregate.count as usize != accepted.len() {
            self.breaks(Invariant::Exact, format!("{aggregate:?} of {accepted:?}"));
        }
        let rejected: BTreeSet<usize> = numbered()
            .filter(|(number, _)| rejected(number))
            .map(|(_, id)| self.patients[id])
            .collect();
        for patient in 0..plan.patients.len() {
            match (counted >> (2 * patient)) & 3 {
                0 if self.acknowledged.contains(&patient)
                    && !rejected.contains(&patient)
                    && !self.went_back =>
                {
                    let detail = format!("patient {patient} is not in {counted:o}");
                    self.breaks(Invariant::Acknowledged, detail);
                }
                0 | 1 => {}
                times => {
                    let detail = format!("patient {patient} is counted {times} times");
                    self.breaks(Invariant::Once, detail);
                }
            }
        }
    }

    pub fn peer_publishes(&mut self, plan: &Plan, patient: usize, published: &Published) {
        self.shown.insert(patient, published.clone());
        if self.published.as_ref() != Some(&published.aggregate) {
            let detail = format!("patient {patient} shows {published:?}, not {:?}", self.published);
            return self.breaks(Invariant::Exact, detail);
        }
        let named: Vec<u8> = published.wrong.iter().map(ShareIndex::number).collect();
        if self.to_be_named.as_ref().is_some_and(|right| *right != named) {
            let detail = format!("patient {patient} names {named:?}, not {:?}", self.to_be_named);
            self.breaks(Invariant::Blame, detail);
        }
        let sum = published.aggregate.sum(&plan.study).unwrap_or_default();
        let bucket = (sum >> (2 * patient)) & 3;
        let counted = match published.own {
            OwnAnswer::Counted => 1,
            OwnAnswer::NotCounted | OwnAnswer::Rejected(_) | OwnAnswer::None => 0,
        };
        if bucket != counted && !self.beyond_telling {
            let detail =
                format!("patient {patient} of {} shows {published:?}", plan.patients.len());
            self.breaks(Invariant::Exact, detail);
        }
    }
}

/// How it goes on, and how it ended.
impl World {
    /// The weather has been calm for long enough: nobody who is here is waited for, or waits for shares.
    pub fn check_recovery(&mut self) {
        // That a single message was lost, a proof of identity or a delivery, shows when the manifest comes.
        if self.evidence.went_back || self.plan.weather.lossy {
            return;
        }
        let gone = (0..self.patients.len()).filter(|patient| !self.stays(*patient)).count();
        let away = self.hospital.away();
        if away > gone {
            let detail = format!("{away} are away for the hospital, and {gone} are gone");
            self.evidence.breaks(Invariant::Ends, detail);
        }
        let stored = u32::try_from(self.hospital.log.summary.contributors.len()).ok();
        for (number, patient) in self.patients.iter().enumerate() {
            if let Some(tab) = &patient.tab
                && tab.peer.stage() == Stage::AwaitingManifest
                && tab.received.is_some()
                && tab.received != stored
            {
                let detail = format!("{number} has {:?} of {stored:?} shares", tab.received);
                self.evidence.breaks(Invariant::Ends, detail);
            }
        }
    }

    pub fn check_outcome(&mut self) {
        if self.evidence.went_back || self.evidence.broken.is_some() {
            return;
        }
        let Some(reason) = self.hospital.log.summary.ended else { return };
        let (alive, detail) = self.could_have_published(reason);
        if alive {
            let detail = format!("the round ended because {reason}, with {detail}");
            self.evidence.breaks(Invariant::Alive, detail);
        }
        let revealed = self.hospital.log.summary.partials;
        let allowed = matches!(reason, EndReason::Contradiction | EndReason::Aborted);
        if let Some(committee) = self.committee()
            && revealed >= u32::from(committee.threshold())
            && !allowed
        {
            let detail = format!("{revealed} partial aggregates, and it ended because {reason}");
            self.evidence.breaks(Invariant::Alive, detail);
        }
    }

    /// A peer was told that it came too late: whoever is counted did not, nor did a member before the
    /// manifest was fixed.
    pub fn told_too_late(&mut self, patient: usize) {
        let log = &self.hospital.log.summary;
        let is_patient = |id: &PeerId| self.evidence.patients.get(id) == Some(&patient);
        let counted = log.contributors.iter().any(is_patient);
        let early = log.manifest.is_none() && !log.is_over();
        let member = self.committee().is_some_and(|committee| {
            committee.members().any(|(_, member)| is_patient(&member.id()))
        });
        if (counted || (early && member)) && !self.evidence.went_back {
            let detail = format!("{patient} is told that it came too late, counted: {counted}");
            self.evidence.breaks(Invariant::Alive, detail);
        }
    }

    /// A peer was sent away because all places are taken, or kept. Of the members' places the threshold
    /// is kept.
    pub fn sent_away(&mut self, patient: usize) {
        let Some(committee) = self.committee() else { return };
        let contributors = &self.hospital.log.summary.contributors;
        let is_patient = |id: PeerId| self.evidence.patients[&id] == patient;
        if contributors.iter().any(|id| is_patient(*id)) && !self.evidence.went_back {
            let detail = format!("{patient} is told that there is no place, and is counted");
            return self.evidence.breaks(Invariant::Alive, detail);
        }
        let place = committee.members().find(|(_, member)| is_patient(member.id()));
        let have = committee.members().filter(|(_, m)| contributors.contains(&m.id())).count();
        if place.is_some() && have < usize::from(committee.threshold()) && !self.evidence.went_back
        {
            let detail = format!("member {patient} is sent away, and {have} have contributed");
            self.evidence.breaks(Invariant::Alive, detail);
        }
    }

    /// Whether a patient is there to the end, and was not sent away.
    fn stays(&self, patient: usize) -> bool {
        let sent_away = self.evidence.turned_away.contains(&patient);
        self.plan.patients[patient].fate.stays() && !sent_away
    }

    fn committee(&self) -> Option<Committee> {
        let bytes = self.hospital.log.summary.committee.as_ref()?;
        Committee::decode(&self.plan.study, bytes).ok()
    }

    /// Whether enough people stayed for a result, although the round ended without one.
    fn could_have_published(&self, reason: EndReason) -> (bool, String) {
        let log = &self.hospital.log.summary;
        let staying = (0..self.patients.len()).filter(|patient| self.stays(*patient)).count();
        let study = &self.plan.study;
        // Whoever stays and has contributed can vouch for the sum; before the manifest, all who stay. Once
        // there is a verdict, those on whom it counts and whose own answers it accepts.
        let counts_on = |place: ShareIndex, id: &PeerId| {
            let number = log.contributors.iter().position(|contributor| contributor == id);
            let number = number.and_then(|number| u32::try_from(number).ok());
            log.verdict.as_ref().map(Ruling::read).is_none_or(|verdict| {
                verdict.members.contains(&place.number())
                    && number.is_some_and(|number| !verdict.rejected.contains_key(&number))
            })
        };
        let able = self.committee().map_or(0, |committee| {
            let able = committee.members().filter(|(place, member)| {
                let contributed = log.contributors.contains(&member.id());
                self.stays(self.evidence.patients[&member.id()])
                    && (contributed || log.manifest.is_none())
                    && counts_on(*place, &member.id())
            });
            able.count()
        });
        let threshold = self.committee().map_or(0, |committee| usize::from(committee.threshold()));
        let enough = match reason {
            EndReason::TooFewEnrolled(_) => {
                let serves = |patient: &usize| {
                    let invitation = &self.plan.patients[*patient].invitation;
                    self.stays(*patient) && invitation.as_ref().is_none_or(Invitation::may_serve)
                };
                let serving = (0..self.patients.len()).filter(serves).count();
                serving >= usize::from(study.minimum_committee())
            }
            EndReason::TooFewContributed(_) => {
                able >= threshold && staying >= study.minimum_cohort() as usize
            }
            EndReason::MembersLost(_)
            | EndReason::VerificationsLate(_)
            | EndReason::PartialsLate(_) => able >= threshold,
            EndReason::TooFewValid(_) => self.enough_are_valid(),
            EndReason::Contradiction => self.evidence.lies.is_empty(),
            EndReason::Aborted => false,
        };
        let detail = format!("{staying} who stayed, {able} of them able, T = {threshold}");
        let excused = !matches!(reason, EndReason::Contradiction | EndReason::TooFewValid(_));
        (enough && (self.plan.weather.gentle || !excused), detail)
    }
}
