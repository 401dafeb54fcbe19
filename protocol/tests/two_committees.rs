//! A hospital that tells groups of peers different committees: what is sealed for one is of no use in another.

mod common;

use std::collections::BTreeMap;

use common::invited::{committee, enrolment};
use common::{number, study};
use wardsum_protocol::committee::Committee;
use wardsum_protocol::contribution::Contribution;
use wardsum_protocol::messages::{Delivery, HospitalMessage, PeerMessage, Welcome};
use wardsum_protocol::peer::{Event, Failure, Input, Output, Peer, Stage};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{
    Challenge, CommitteeDigest, CommitteeError, ContributionError, Entropy, IdentityError, Study,
    Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_000);
const PEOPLE: u8 = if cfg!(target_arch = "wasm32") { 6 } else { 9 };

fn entropy(person: u8) -> Entropy {
    Entropy::new([person; 32])
}

/// The people of a group, which is a set of bits.
fn people(group: u16) -> impl Iterator<Item = u8> {
    (1..=PEOPLE).filter(move |person| group >> (person - 1) & 1 == 1)
}

fn committee_of(study: &Study, group: u16) -> Vec<u8> {
    let enrolments: Vec<_> =
        people(group).map(|person| enrolment(study, &entropy(person), |_| Vec::new())).collect();
    committee(study, &enrolments)
}

/// What a person contributes who is told this committee, whose words are over the digest that is returned; or why
/// the person's page goes no further.
fn told(
    study: &Study,
    person: u8,
    committee: &[u8],
) -> Result<(Peer, CommitteeDigest, Contribution), Failure> {
    let mut peer = Peer::new(entropy(person), NOW);
    let welcome = Welcome { challenge: Challenge([3; 32]), study: study.encode().into() };
    peer.handle(Input::Connected, NOW);
    peer.handle(Input::Message(wire::encode(&HospitalMessage::Welcome(welcome))), NOW);
    peer.answer(number(5), NOW).expect("the answer is admissible");
    let message = HospitalMessage::Committee(Rest(committee.to_vec().into()));
    peer.handle(Input::Message(wire::encode(&message)), NOW);
    let mut words = None;
    while let Some(output) = peer.poll_output() {
        match output {
            Output::Send(bytes) => {
                if let Ok(PeerMessage::Contribute(contribution)) = wire::decode(&bytes) {
                    let words = words.expect("the words come first");
                    return Ok((peer, words, contribution));
                }
            }
            Output::Event(Event::SafetyWords { committee, awaited, .. }) => {
                words = Some(committee);
                assert!(awaited, "people compare in an open study");
                peer.handle(Input::WordsMatch, NOW);
            }
            Output::Timeout(Some(at)) if at <= NOW => peer.handle(Input::Timeout, NOW),
            _ => {}
        }
    }
    Err(peer.failure().expect("it contributes or says why not"))
}

/// Every two groups of nine people that have nobody in common, and so every split of three to nine people in groups. Each
/// group is told that it is everybody.
#[test]
fn what_is_sealed_for_one_committee_is_of_no_use_in_another() {
    let study = study(|p| p.minimum_cohort = 3);
    let all = (1_u16 << PEOPLE) - 1;
    let mut groups: BTreeMap<u16, (Committee, Vec<Contribution>)> = BTreeMap::new();
    for group in 1..=all {
        let bytes = committee_of(&study, group);
        if group.count_ones() < 3 {
            let person = people(group).next().expect("somebody");
            let size = CommitteeError::Size { members: people(group).count(), min: 3, max: 32 };
            assert_eq!(told(&study, person, &bytes).err(), Some(Failure::Committee(size)));
            continue;
        }
        let committee = Committee::decode(&study, &bytes).expect("it is one");
        let contributed = people(group).map(|person| {
            let (_, words, contribution) =
                told(&study, person, &bytes).expect("the group is large enough");
            assert_eq!(words, committee.digest(), "everybody in it has the same words");
            contribution
        });
        let contributed = contributed.collect();
        groups.insert(group, (committee, contributed));
    }
    let mut pairs = 0;
    for (group, (committee, contributed)) in &groups {
        for contribution in contributed {
            assert!(contribution.clone().verify(&study, committee).is_ok());
        }
        for (_, (other, _)) in groups.iter().filter(|(other, _)| *other & group == 0) {
            pairs += 1;
            assert_ne!(committee.digest(), other.digest(), "the words of the two groups differ");
            // The place stands for somebody else there, or for nobody; the signature is for this committee.
            let expected = if committee.size() == other.size() {
                ContributionError::Identity(IdentityError::Signature)
            } else {
                ContributionError::Shares { have: committee.size(), need: other.size() }
            };
            for contribution in contributed {
                let error = contribution.clone().verify(&study, other).expect_err("of no use");
                assert_eq!(error, expected);
            }
        }
    }
    assert!(pairs >= if PEOPLE == 9 { 4_000 } else { 20 }, "{pairs}");
}

/// One person is told a committee of the hospital's keys and its own, everybody else the true one. Each of them is shown
/// words, and only by comparing them can anybody know.
#[test]
fn whoever_is_told_the_hospital_s_keys_alone_has_other_words_than_everybody_else() {
    let study = study(|p| p.minimum_cohort = 3);
    let true_one = committee_of(&study, (1 << PEOPLE) - 1);
    let words = |person: u8, bytes: &[u8]| {
        let (_, words, contribution) =
            told(&study, person, bytes).expect("nothing is wrong with it");
        (words, contribution)
    };
    let everybody_s = words(1, &true_one).0;
    assert!((2..=PEOPLE).all(|person| words(person, &true_one).0 == everybody_s));
    for victim in 1..=PEOPLE {
        let keys_of = |place: u8| if place == victim { victim } else { 100 + place };
        let swapped =
            (1..=PEOPLE).map(|place| enrolment(&study, &entropy(keys_of(place)), |_| vec![]));
        let bytes = committee(&study, &swapped.collect::<Vec<_>>());
        let (victim_s, contribution) = words(victim, &bytes);
        assert_ne!(victim_s, everybody_s);
        let true_one = Committee::decode(&study, &true_one).expect("it is one");
        assert!(contribution.verify(&study, &true_one).is_err(), "nobody else can use its shares");
    }
}

/// The same people in another order are another committee, too, and here every length fits.
#[test]
fn a_share_for_another_committee_is_refused_by_its_member() {
    let study = study(|p| p.minimum_cohort = 3);
    let enrolments: Vec<_> =
        (1..=5).map(|person| enrolment(&study, &entropy(person), |_| Vec::new())).collect();
    let bytes = committee(&study, &enrolments);
    let turned: Vec<_> = enrolments.iter().cycle().skip(1).take(5).cloned().collect();
    let turned_bytes = committee(&study, &turned);
    let turned = Committee::decode(&study, &turned_bytes).expect("it is one");
    let (_, _, contribution) = told(&study, 2, &turned_bytes).expect("it contributes");
    let relayed = contribution.verify(&study, &turned).expect("it is signed").relayed;
    for person in 1..=5 {
        let (mut peer, ..) = told(&study, person, &bytes).expect("it contributes");
        let place = ShareIndex::new(person).expect("places begin at 1");
        let delivery = Delivery {
            number: 0,
            sender: relayed.sender.clone(),
            signature: relayed.signature,
            path: relayed.shares.path(place).into(),
            share: Rest(relayed.shares.of(place).to_vec().into()),
        };
        peer.handle(Input::Message(wire::encode(&HospitalMessage::Deliver(delivery))), NOW);
        assert_eq!(peer.failure(), Some(Failure::ForgedShare));
        assert_eq!(peer.stage(), Stage::Failed);
    }
}
