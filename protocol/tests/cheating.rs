//! Patients and members of the committee that cheat. Each case says beside it what comes of it: an invalid
//! answer is dropped and its page says so, a dispute costs one answer or the member that disputes too much,
//! and where more cheat than can be told from the honest the round ends with a reason. No sum is ever wrong.
//!
//! `two_verdicts.rs` has the hospitals that cheat with verdicts.

mod common;

use common::{Net, number, settle, study};
use wardsum_protocol::field;
use wardsum_protocol::identity::{Identity, SignedBytes};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::peer::{self, Change, Event, Misbehaviour, OwnAnswer, Peer};
use wardsum_protocol::round::{ConnectionId, Refusal};
use wardsum_protocol::verdict::Rejection;
use wardsum_protocol::verification::{Finding, Piece};
use wardsum_protocol::{EndReason, Entropy, ManifestDigest, Phase, SchemeChoice, Shortfall, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A cheater's answer in 0..=10: the bits of weights 1 and 2 are set, those of 4 and 3 are not.
const ANSWER: i128 = 3;
const BITS: [bool; 4] = [true, true, false, false];

/// Elements of its proof: the wire's seed, and 2 * 8 - 1 values of the gadget polynomial.
const PROOF_LEN: usize = 16;

/// How a committee shares.
#[derive(Clone, Copy, Debug)]
struct Committee {
    k: u8,
    scheme: SchemeChoice,
}

const fn shamir(k: u8) -> Committee {
    Committee { k, scheme: SchemeChoice::Threshold }
}

/// Three of three are additive by themselves, more where the study says so.
const ADDITIVE: [Committee; 2] = [shamir(3), Committee { k: 5, scheme: SchemeChoice::Additive }];
const SHAMIR: &[Committee] = if cfg!(target_arch = "wasm32") {
    &[shamir(4), shamir(7)]
} else {
    &[shamir(4), shamir(5), shamir(7), shamir(10)]
};

fn committees() -> impl Iterator<Item = Committee> {
    ADDITIVE.iter().chain(SHAMIR).copied()
}

/// A round whose members misbehave as `members` say; the others are honest.
fn enrolled(committee: Committee, members: &[Misbehaviour]) -> Net {
    let Committee { k, scheme } = committee;
    let mut net = Net::new(
        study(|p| {
            (p.committee_cap, p.scheme) = (k.into(), scheme);
            p.contributing = settle(5_000);
        }),
        23,
    );
    for number in 0..usize::from(k) {
        let patient = match members.get(number) {
            Some(misbehaviour) => net.join_misbehaving(*misbehaviour),
            None => net.join(),
        };
        net.settle_mail();
        net.answer(patient, honest_answer(patient));
    }
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net
}

fn honest_answer(patient: usize) -> i128 {
    i128::try_from(patient % 11).unwrap()
}

/// Somebody who is not on the committee answers.
fn visit(net: &mut Net, misbehaviour: Option<Misbehaviour>, value: i128) -> usize {
    let visitor = match misbehaviour {
        Some(misbehaviour) => net.join_misbehaving(misbehaviour),
        None => net.join(),
    };
    net.settle_mail();
    net.answer(visitor, value);
    visitor
}

/// One visitor cheats among honest members: its answer is dropped for this reason, everybody is told, and
/// the sum of the others is exact.
fn is_dropped(committee: Committee, misbehaviour: Misbehaviour, reason: Rejection) {
    let mut net = enrolled(committee, &[]);
    let cheater = visit(&mut net, Some(misbehaviour), ANSWER);
    net.run();
    let case = format!("{committee:?}, {misbehaviour:?}");
    let honest = usize::from(committee.k);
    let sum: i128 = (0..honest).map(honest_answer).sum();
    let status = net.round.status();
    let counted = net.counted();
    assert_eq!(counted, Some((committee.k.into(), sum)), "{case}: {:?}", net.events);
    assert_eq!((status.rejected, status.left_out.len()), (1, 0), "{case}");
    for patient in 0..=cheater {
        let published = net.published(patient).expect("everybody is shown the result");
        let own = if patient == cheater { OwnAnswer::Rejected(reason) } else { OwnAnswer::Counted };
        assert_eq!((published.own, published.rejected), (own, 1), "{case}: patient {patient}");
    }
}

/// Additions that make something else than a bit of this one: the least, and one that wraps around.
fn no_bit(position: usize, bit: bool) -> [Change; 2] {
    let least = if bit { 1 } else { field::modulus() - 1 };
    [least, 1 << 127].map(|add| Change { position, add })
}

#[test]
fn an_answer_that_is_no_bit_somewhere_is_invalid() {
    for committee in committees() {
        for (position, bit) in BITS.into_iter().enumerate() {
            for change in no_bit(position, bit) {
                is_dropped(committee, Misbehaviour::Input(change), Rejection::Invalid);
            }
        }
    }
}

#[test]
fn a_proof_with_any_element_changed_proves_nothing() {
    for committee in committees() {
        for position in 0..PROOF_LEN {
            let add = [1, field::modulus() - 1, 1 << 127][position % 3];
            let change = Change { position, add };
            is_dropped(committee, Misbehaviour::Proof(change), Rejection::Invalid);
        }
    }
}

/// Shamir's shares check each other, so that one is off; additive shares are the answer together.
#[test]
fn a_share_with_any_element_changed_does_not_fit_the_others() {
    for (committees, reason) in [(&ADDITIVE[..], Rejection::Invalid), (SHAMIR, Rejection::Disputed)]
    {
        for committee in committees {
            for position in 0..BITS.len() + PROOF_LEN {
                let member = 1 + u8::try_from(position).unwrap() % committee.k;
                let change = Change { position, add: 1 };
                is_dropped(*committee, Misbehaviour::Share(member, change), reason);
            }
        }
    }
}

#[test]
fn a_share_that_does_not_open_puts_its_answer_in_dispute() {
    for committee in committees() {
        for member in 1..=committee.k {
            is_dropped(committee, Misbehaviour::Unopenable(member), Rejection::Disputed);
        }
    }
}

/// Any `T` of these shares make something, and each time something else.
#[test]
fn a_polynomial_of_too_high_a_degree_fits_nowhere() {
    for committee in SHAMIR.iter().copied() {
        is_dropped(committee, Misbehaviour::Degree, Rejection::Disputed);
    }
}

/// A member whose own answer is dropped helps to open the sum, because it has the answers of enough other members.
/// Where all are needed, this is the end.
#[test]
fn a_member_that_answers_invalidly_helps_to_open_the_sum_of_enough_others() {
    let invalid = Misbehaviour::Input(no_bit(0, false)[0]);
    for committee in SHAMIR.iter().copied() {
        let mut net = enrolled(committee, &[invalid]);
        net.run();
        let sum: i128 = (1..usize::from(committee.k)).map(honest_answer).sum();
        let counted = net.counted();
        assert_eq!(counted, Some((u32::from(committee.k) - 1, sum)), "{committee:?}");
        let own = net.published(0).map(|published| published.own);
        assert_eq!(own, Some(OwnAnswer::Rejected(Rejection::Invalid)));
        assert!(net.patients[0].events.contains(&Event::PartialSent), "{committee:?}");
    }
    for committee in ADDITIVE {
        let mut net = enrolled(committee, &[invalid]);
        for _ in 0..3 {
            visit(&mut net, None, 1);
        }
        let (have, need) = (u32::from(committee.k) - 1, committee.k.into());
        ends(net, EndReason::MembersLost(Shortfall { have, need }));
    }
}

fn ends(mut net: Net, reason: EndReason) {
    net.run();
    let status = net.round.status();
    assert_eq!((status.ended, status.aggregate), (Some(reason), None), "{:?}", net.events);
    assert!((0..net.patients.len()).all(|patient| net.published(patient).is_none()));
}

/// The round counts everybody but `rejected` patients, and these members are left out.
fn counts_all_but(mut net: Net, rejected: &[usize], left_out: &[usize]) -> Net {
    net.run();
    let answers = (0..net.patients.len()).filter(|patient| !rejected.contains(patient));
    let sum: i128 = answers.clone().map(honest_answer).sum();
    let status = net.round.status();
    let counted = net.counted().map(|(count, sum)| (count as usize, sum));
    assert_eq!(counted, Some((answers.count(), sum)), "{:?}", net.events);
    let left_out: Vec<_> = left_out.iter().map(|patient| net.place_of(*patient).unwrap()).collect();
    assert_eq!(status.left_out, left_out.into_iter().collect());
    for patient in 0..net.patients.len() {
        let own = net.published(patient).expect("everybody is shown the result").own;
        let expected = if rejected.contains(&patient) {
            OwnAnswer::Rejected(Rejection::Disputed)
        } else {
            OwnAnswer::Counted
        };
        assert_eq!(own, expected, "patient {patient}");
    }
    net
}

/// Nobody can tell which of the two lies, so one answer is lost, and no more.
#[test]
fn a_member_that_disputes_one_answer_falsely_costs_that_answer() {
    for committee in SHAMIR.iter().copied() {
        // The members contribute first.
        let number = committee.k.into();
        let mut net = enrolled(committee, &[Misbehaviour::Dispute(number)]);
        net.run_until(|net| net.round.status().contributed == number);
        let visitor = visit(&mut net, None, 4);
        net.run_until(|net| net.round.status().contributed == number + 1);
        visit(&mut net, None, honest_answer(visitor + 1));
        counts_all_but(net, &[visitor], &[]);
    }
}

/// As many as may be spared: they are left out, and everybody's answer counts, theirs too.
#[test]
fn members_that_dispute_everything_are_left_out_while_they_can_be_spared() {
    for (k, liars) in [(4, 1), (5, 1), (7, 2), (10, 3)] {
        let net = enrolled(shamir(k), &vec![Misbehaviour::DisputeAll; liars]);
        counts_all_but(net, &[], &(0..liars).collect::<Vec<_>>());
    }
}

#[test]
fn members_that_dispute_everything_and_cannot_be_spared_end_the_round() {
    for (k, liars) in [(3, 1), (4, 2), (5, 2), (7, 3), (10, 4)] {
        let net = enrolled(shamir(k), &vec![Misbehaviour::DisputeAll; liars]);
        ends(net, EndReason::TooFewValid(Shortfall { have: 0, need: 3 }));
    }
    let net = enrolled(ADDITIVE[1], &[Misbehaviour::DisputeAll]);
    ends(net, EndReason::TooFewValid(Shortfall { have: 0, need: 3 }));
}

/// Changes of the verifier share, the same one for all, or to each its own.
fn wrong_verifiers(number: usize, alike: bool) -> Vec<Misbehaviour> {
    let change = |i: usize| {
        let position = if alike { 1 } else { i };
        Change { position, add: if alike { 1 } else { 1u128 << (7 * i + 40) } }
    };
    (0..number).map(|i| Misbehaviour::Verifier(change(i))).collect()
}

/// Two to spare for each: then it shows whose shares are wrong.
#[test]
fn members_that_give_wrong_verifier_shares_are_left_out_while_they_can_be_told() {
    for (k, liars) in [(7, 1), (10, 1), (13, 2)] {
        for alike in [false, true] {
            let net = enrolled(shamir(k), &wrong_verifiers(liars, alike));
            counts_all_but(net, &[], &(0..liars).collect::<Vec<_>>());
        }
    }
    // With three to spare, one that gives wrong shares and one that disputes everything.
    let change = Change { position: 2, add: 1 };
    let net = enrolled(shamir(10), &[Misbehaviour::Verifier(change), Misbehaviour::DisputeAll]);
    counts_all_but(net, &[], &[0, 1]);
}

#[test]
fn members_that_give_wrong_verifier_shares_and_cannot_be_told_end_the_round() {
    for (k, liars) in [(3, 1), (4, 1), (5, 1), (7, 2), (10, 2), (13, 3)] {
        for alike in [false, true] {
            let net = enrolled(shamir(k), &wrong_verifiers(liars, alike));
            ends(net, EndReason::TooFewValid(Shortfall { have: 0, need: 3 }));
        }
    }
}

/// With the answers of fewer members than the threshold, whoever's is rejected helps to open nothing: so many false
/// disputes end a round, and reveal nothing.
#[test]
fn members_that_dispute_each_other_s_answers_end_the_round() {
    let mut net = enrolled(shamir(4), &[0, 1, 2].map(Misbehaviour::Dispute));
    net.run_until(|net| net.round.status().contributed == 4);
    for _ in 0..3 {
        visit(&mut net, None, 1);
    }
    // With the second who declines the threshold is out of reach.
    ends(net, EndReason::MembersLost(Shortfall { have: 2, need: 3 }));
}

#[test]
fn wrong_partial_aggregates_are_corrected_or_end_the_round() {
    let wrong = |number: usize| {
        let change = |i: usize| Change { position: 0, add: 1u128 << (9 * i + 50) };
        (0..number).map(|i| Misbehaviour::Partial(change(i))).collect::<Vec<_>>()
    };
    for (k, liars) in [(7, 1), (10, 1), (13, 2)] {
        let net = counts_all_but(enrolled(shamir(k), &wrong(liars)), &[], &[]);
        let named = (0..liars).map(|patient| net.place_of(patient).unwrap()).collect();
        assert_eq!(net.round.status().wrong, named);
    }
    for (k, liars) in [(4, 1), (5, 1), (7, 2), (10, 2), (13, 3)] {
        ends(enrolled(shamir(k), &wrong(liars)), EndReason::Contradiction);
    }
}

/// A member whose messages the test may change.
struct Puppet {
    net: Net,
    identity: Identity,
    peer: Peer,
    connection: ConnectionId,
    read: usize,
}

impl Puppet {
    /// One of seven members, of whom the others are honest, with so many visitors.
    fn new(visitors: usize) -> Self {
        Self::among(7, visitors)
    }

    /// One of `k` members.
    fn among(k: u8, visitors: usize) -> Self {
        let mut net = Net::new(study(|p| p.committee_cap = k.into()), 29);
        let entropy = Entropy::new([42; 32]);
        let (connection, now) = (net.join_raw(), net.now);
        let identity = Identity::derive(&entropy);
        let peer = Peer::new(entropy, now);
        let mut puppet = Self { net, identity, peer, connection, read: 0 };
        puppet.peer.handle(peer::Input::Connected, now);
        puppet.pump(&mut honestly);
        puppet.peer.answer(number(1), now).expect("the answer is admissible");
        puppet.pump(&mut honestly);
        common::all_answer(&mut puppet.net, &vec![1; usize::from(k) - 1]);
        puppet.run_until(honestly, |net| net.round.status().contributed == u32::from(k));
        common::all_answer(&mut puppet.net, &vec![1; visitors]);
        puppet
    }

    /// Runs until `done`, or until nothing is left to happen. What the peer sends is changed by `meddle`.
    fn run_until(
        &mut self,
        mut meddle: impl FnMut(&Self, PeerMessage) -> Vec<PeerMessage>,
        done: impl Fn(&Net) -> bool,
    ) {
        while !done(&self.net) {
            self.pump(&mut meddle);
            if !self.net.step() && self.net.raw[&self.connection].len() == self.read {
                return;
            }
        }
    }

    fn pump(&mut self, meddle: &mut impl FnMut(&Self, PeerMessage) -> Vec<PeerMessage>) {
        loop {
            while let Some(output) = self.peer.poll_output() {
                match output {
                    peer::Output::Send(bytes) => {
                        let message = wire::decode(&bytes).expect("our own messages decode");
                        for message in meddle(self, message) {
                            self.say(&message);
                        }
                    }
                    peer::Output::Timeout(Some(at)) if at <= self.net.now => {
                        self.peer.handle(peer::Input::Timeout, self.net.now);
                    }
                    peer::Output::Event(Event::SafetyWords { awaited: true, .. }) => {
                        self.peer.handle(peer::Input::WordsMatch, self.net.now);
                    }
                    _ => {}
                }
            }
            let Some(bytes) = self.net.raw[&self.connection].get(self.read).cloned() else {
                return;
            };
            self.read += 1;
            self.peer.handle(peer::Input::Message(bytes), self.net.now);
        }
    }

    fn say(&mut self, message: &PeerMessage) {
        self.net.send_raw(self.connection, wire::encode(message));
    }

    /// A verification that says of these contributions that they cannot be read.
    fn disputing(&self, signed: &SignedBytes, numbers: &[u32]) -> PeerMessage {
        let manifest = ManifestDigest(signed.body.as_slice()[..32].try_into().unwrap());
        let (committee, size) =
            (self.net.committee().unwrap(), self.net.round.status().contributed);
        let mut piece = Piece::verify(&committee, manifest, size, signed).expect("an honest one");
        for number in numbers {
            piece.findings[*number as usize] = Finding::Unreadable;
        }
        PeerMessage::Verification(piece.sign(&self.identity, manifest))
    }

    /// The round counts this many of all answers, each of which is 1.
    fn counts(&mut self, count: u32) {
        let counted = self.net.counted();
        assert_eq!(counted, Some((count, count.into())), "{:?}", self.net.events);
    }

    fn left_out(&self) -> bool {
        let place = self.net.committee().unwrap().place_of(&self.identity.id()).unwrap();
        self.net.round.status().left_out.contains(place)
    }
}

fn honestly(_: &Puppet, message: PeerMessage) -> Vec<PeerMessage> {
    vec![message]
}

/// Of 40 contributions two may be disputed by one member, and three may not.
#[test]
fn a_member_that_disputes_more_than_a_few_per_cent_is_left_out() {
    for (disputed, rejected) in [(&[7, 39][..], 2), (&[7, 20, 39], 0)] {
        let mut puppet = Puppet::new(33);
        let dispute = |puppet: &Puppet, message| match message {
            PeerMessage::Verification(signed) => vec![puppet.disputing(&signed, disputed)],
            other => vec![other],
        };
        puppet.run_until(dispute, |_| false);
        assert_eq!(puppet.net.round.status().contributed, 40);
        puppet.counts(40 - rejected);
        assert_eq!(puppet.left_out(), rejected == 0);
        assert_eq!(puppet.net.round.status().rejected, rejected);
    }
}

/// It disputes other members' answers and then gives no partial aggregate. Whose answer it has disputed opens
/// the sum all the same, and where it disputes so many that these might not, it is left out.
#[test]
fn a_member_that_disputes_other_members_answers_and_withholds_its_own_sum_ends_no_round() {
    let of_members = |puppet: &Puppet, most: usize| -> Vec<u32> {
        let others = (0..puppet.net.patients.len()).filter(|n| puppet.net.place_of(*n).is_some());
        others.filter_map(|member| puppet.net.number_of(member)).take(most).collect()
    };
    // Of 61 contributions and more three may be disputed, but of the members' own as many as the square root of
    // how many members can be spared.
    for (k, disputed, rejected) in
        [(4, 1, 1), (6, 1, 1), (6, 2, 0), (7, 1, 1), (7, 2, 0), (13, 2, 2), (13, 3, 0)]
    {
        let mut puppet = Puppet::among(k, 61);
        let cheat = |puppet: &Puppet, message| match message {
            PeerMessage::Verification(signed) => {
                vec![puppet.disputing(&signed, &of_members(puppet, disputed))]
            }
            PeerMessage::Partial(_) => vec![],
            other => vec![other],
        };
        puppet.run_until(cheat, |_| false);
        assert_eq!(puppet.net.round.status().rejected, rejected, "{k} members");
        assert_eq!(puppet.left_out(), rejected == 0, "{k} members");
        puppet.counts(u32::from(k) + 61 - rejected);
    }
}

/// Patients whose shares fit nowhere are told from members who dispute falsely, however many they are.
#[test]
fn patients_who_spoil_their_shares_for_everybody_cost_no_member_its_place() {
    for k in [4, 7] {
        let mut net = enrolled(shamir(k), &[]);
        let spoilers: Vec<usize> =
            (0..4).map(|_| visit(&mut net, Some(Misbehaviour::UnopenableByAll), 4)).collect();
        for _ in 0..6 {
            let visitor = net.patients.len();
            visit(&mut net, None, honest_answer(visitor));
        }
        counts_all_but(net, &spoilers, &[]);
    }
}

/// The others reach the verdict without it. What it says then is not needed, and no offence.
#[test]
fn a_verification_that_comes_after_the_verdict_changes_nothing() {
    let mut puppet = Puppet::new(1);
    let mut late = None;
    let withhold = |_: &Puppet, message| match message {
        PeerMessage::Verification(_) => {
            late = Some(message);
            vec![]
        }
        other => vec![other],
    };
    puppet.run_until(withhold, |net| net.round.status().phase == Phase::Aggregating);
    puppet.say(&late.expect("it has verified"));
    puppet.run_until(honestly, |_| false);
    assert_eq!(puppet.net.raw_closed.get(&puppet.connection), None);
    assert_eq!(puppet.net.round.status().partials, 6);
    puppet.counts(8);
}

#[test]
fn a_second_different_verification_is_refused() {
    let mut puppet = Puppet::new(1);
    let twice = |puppet: &Puppet, message: PeerMessage| match &message {
        PeerMessage::Verification(signed) => {
            let other = puppet.disputing(signed, &[7]);
            vec![message, other]
        }
        _ => vec![message],
    };
    puppet.run_until(twice, |_| false);
    let closed = puppet.net.raw_closed.get(&puppet.connection);
    assert_eq!(closed, Some(&Refusal::AlreadyVerified));
    puppet.counts(8);
}
