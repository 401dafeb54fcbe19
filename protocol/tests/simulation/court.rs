//! What a verdict has to be: by the document's rules from what the members said, one contribution after the
//! other; and by what everybody really did.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use wardsum_protocol::field::{self, SecretVector};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::peer::Misbehaviour;
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};
use wardsum_protocol::verdict::VerdictBytes;
use wardsum_protocol::{Committee, PeerId, wire};

use crate::log::Summary;

/// Three elements of 16 bytes.
const VERIFIER_BYTES: usize = 48;

/// One dispute in so many contributions is tolerated.
const TOLERATED: usize = 20;

/// A member's share of a verifier message; none if it says that it cannot read the contribution.
type Finding = Option<SecretVector>;

/// The members that are left, and the contributions that are not counted: 1 for invalid, 2 for in dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    pub members: Vec<u8>,
    pub rejected: BTreeMap<u32, u8>,
}

impl Ruling {
    pub fn read(verdict: &VerdictBytes) -> Self {
        let bytes = wire::encode(verdict);
        let (members, rejected) = bytes[1..].split_at(usize::from(bytes[0]));
        let entry = |entry: &[u8]| {
            let number = entry[..4].try_into().expect("four of five bytes");
            (u32::from_be_bytes(number), entry[4])
        };
        Self { members: members.to_vec(), rejected: rejected[4..].chunks(5).map(entry).collect() }
    }

    /// What follows from the verifications that a log has.
    pub fn of(committee: &Committee, log: &Summary) -> Self {
        let declined = |place: &u8| {
            let place = ShareIndex::new(*place).expect("places begin at 1");
            committee.member(place).is_some_and(|member| log.declined.contains(&member.id()))
        };
        let mut findings: BTreeMap<u8, Vec<Finding>> =
            log.verified.iter().map(read_verification).collect();
        findings.retain(|place, _| !declined(place));
        let own = (0..log.contributors.len())
            .filter(|number| committee.place_of(&log.contributors[*number]).is_some());
        judge(committee.scheme(), &findings, &own.collect())
    }
}

/// The place of a member and what it finds. All manifests here fit one piece.
fn read_verification(message: &Bytes) -> (u8, Vec<Finding>) {
    let Ok(PeerMessage::Verification(signed)) = wire::decode(message) else {
        panic!("the log has verifications as they came")
    };
    // Manifest, place, number of the first contribution, length.
    let body = signed.body.as_slice();
    let (place, mut rest) = (body[32], &body[39..]);
    let mut findings = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        let len = if *kind == 1 { VERIFIER_BYTES } else { 0 };
        let (share, after) = after.split_at(len);
        let elements = || SecretVector::decode(share, 3).expect("the hospital has checked it");
        findings.push((*kind == 1).then(elements));
        rest = after;
    }
    (place, findings)
}

/// Whose verification a message is.
pub fn place_of_verification(message: &Bytes) -> u8 {
    read_verification(message).0
}

fn judge(scheme: Scheme, findings: &BTreeMap<u8, Vec<Finding>>, own: &BTreeSet<usize>) -> Ruling {
    let size = findings.values().next().map_or(0, Vec::len);
    // The members that cannot read a contribution, and the shares of those who can.
    let heard = |number: usize, members: &BTreeSet<u8>| {
        let (mut unreadable, mut shares) = (Vec::new(), Vec::new());
        for (place, of) in findings.iter().filter(|(place, _)| members.contains(place)) {
            let index = ShareIndex::new(*place).expect("places begin at 1");
            match &of[number] {
                Some(values) => shares.push(Share { index, values: values.clone() }),
                None => unreadable.push(*place),
            }
        }
        (unreadable, shares)
    };
    let mut members: BTreeSet<u8> = findings.keys().copied().collect();
    let mut disputes: BTreeMap<u8, BTreeSet<usize>> = BTreeMap::new();
    for number in 0..size {
        let (mut disputing, shares) = heard(number, &members);
        if let Ok(combined) = scheme.combine(&shares) {
            disputing.extend(combined.wrong.iter().map(|place| place.number()));
        }
        for place in disputing {
            disputes.entry(place).or_default().insert(number);
        }
    }
    // What more members dispute than can be spared is not held against them.
    let spare = members.len().saturating_sub(scheme.threshold().into());
    let disputing = |number: usize| disputes.values().filter(|of| of.contains(&number)).count();
    let mut suspects: Vec<(usize, u8)> = Vec::new();
    let mut of_own = Vec::new();
    for (place, of) in &disputes {
        let held: Vec<usize> = of.iter().copied().filter(|n| disputing(*n) <= spare).collect();
        let held_own = held.iter().filter(|number| own.contains(number)).count();
        let beyond_the_committee = usize::from(scheme.shares() - scheme.threshold());
        if held.len() > 1 && held.len() * TOLERATED > size {
            suspects.push((held.len(), *place));
        } else if held_own > 1 && held_own * held_own > beyond_the_committee {
            of_own.push((held.len(), *place));
        }
    }
    of_own.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let spare_of_all = usize::from(scheme.shares() - scheme.threshold());
    let most = (1..=spare_of_all.max(1)).take_while(|n| *n == 1 || n * n <= spare_of_all).count();
    suspects.extend(of_own.into_iter().take(most));
    suspects.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, place) in suspects {
        if members.len() > usize::from(scheme.threshold()) {
            members.remove(&place);
        }
    }
    let mut rejected = BTreeMap::new();
    for number in 0..size {
        let (unreadable, shares) = heard(number, &members);
        let in_dispute =
            disputes.iter().any(|(place, of)| members.contains(place) && of.contains(&number));
        let combined = scheme.combine(&shares).ok().filter(|combined| combined.wrong.is_empty());
        let reason = match combined.filter(|_| unreadable.is_empty() && !in_dispute) {
            None => Some(2),
            Some(combined) => {
                let [output, wire, gadget] = *combined.secret.elements() else {
                    panic!("a verifier message has three elements")
                };
                (output != field::zero() || wire * wire - wire != gadget).then_some(1)
            }
        };
        if let Some(reason) = reason {
            rejected.insert(u32::try_from(number).expect("small"), reason);
        }
    }
    Ruling { members: members.into_iter().collect(), rejected }
}

/// What everybody in a round did.
pub struct Deeds<'a> {
    pub committee: &'a Committee,
    pub contributors: &'a [PeerId],
    pub misbehaviour: &'a dyn Fn(&PeerId) -> Option<Misbehaviour>,
}

impl Deeds<'_> {
    /// Whether a contribution must not count, however it is judged.
    pub fn is_invalid(&self, number: u32) -> bool {
        let shamir = !self.committee.scheme().is_additive();
        match self.of_contribution(number) {
            Some(Misbehaviour::Input(_) | Misbehaviour::Proof(_)) => true,
            Some(Misbehaviour::Degree) => shamir,
            _ => false,
        }
    }

    fn of_contribution(&self, number: u32) -> Option<Misbehaviour> {
        let id = self.contributors.get(usize::try_from(number).expect("small"))?;
        (self.misbehaviour)(id)
    }

    fn of_member(&self, place: u8) -> Option<Misbehaviour> {
        let member = self.committee.member(ShareIndex::new(place)?)?;
        (self.misbehaviour)(&member.id())
    }

    /// Those who verified and have to be left out, and the contributions that have to count then; none if
    /// so many cheat that the rules promise nothing.
    ///
    /// What they promise, with `r` members that verified: if `u` of them dispute everything and `v` give wrong
    /// shares of everything, and `2v + u <= r - T`; if nobody else has a reason to dispute more than is
    /// tolerated; and if those that cheat dispute more than that; then they are left out, and every
    /// contribution counts whose sender is honest, but for one for each member that disputes one falsely.
    pub fn promise(&self, verified: &[u8]) -> Option<(Vec<u8>, Vec<u32>)> {
        let size = self.contributors.len();
        let numbers = || 0..u32::try_from(size).expect("small");
        let tolerated = (size / TOLERATED).max(1);
        let spare = verified.len().checked_sub(usize::from(self.committee.threshold()))?;
        let doing = |place: &u8| self.of_member(*place);
        let honest: Vec<u32> = numbers()
            .filter(|number| match self.of_contribution(*number) {
                None
                | Some(
                    Misbehaviour::Dispute(_)
                    | Misbehaviour::DisputeAll
                    | Misbehaviour::Verifier(_)
                    | Misbehaviour::Partial(_),
                ) => true,
                Some(
                    Misbehaviour::Input(_)
                    | Misbehaviour::Proof(_)
                    | Misbehaviour::Share(..)
                    | Misbehaviour::Unopenable(_)
                    | Misbehaviour::UnopenableByAll
                    | Misbehaviour::Degree,
                ) => false,
            })
            .collect();
        let (mut liars, mut cost, mut disputed) = (Vec::new(), 0, BTreeSet::new());
        for place in verified {
            let targeted = numbers().filter(|number| {
                matches!(self.of_contribution(*number),
                    Some(Misbehaviour::Share(to, _) | Misbehaviour::Unopenable(to)) if to == *place)
            });
            let mut claims = targeted.count();
            match doing(place) {
                Some(Misbehaviour::DisputeAll) => {
                    liars.push(*place);
                    cost += 1;
                    continue;
                }
                Some(Misbehaviour::Verifier(_)) => {
                    liars.push(*place);
                    cost += 2;
                    continue;
                }
                Some(Misbehaviour::Dispute(number)) if numbers().contains(&number) => {
                    disputed.insert(number);
                    claims += 1;
                }
                _ => {}
            }
            if claims > tolerated {
                return None;
            }
        }
        let told = honest.iter().filter(|number| !disputed.contains(number)).count();
        if cost > spare || (!liars.is_empty() && told <= tolerated) {
            return None;
        }
        let counted = honest.into_iter().filter(|number| !disputed.contains(number)).collect();
        Some((liars, counted))
    }
}
