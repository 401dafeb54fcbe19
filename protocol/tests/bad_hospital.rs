//! A hospital that cheats, as far as a peer can notice by itself: every deviation ends in a
//! refusal with its own code, and no wrong sum is ever shown.
//!
//! The hospital here is scripted: it takes what the honest one sends, changes it, and puts it
//! before a patient. One that hands out keys of its own making is tried in `bad_invitations.rs`, and
//! in `two_committees.rs` and `comparing_words.rs` where anybody may take part.

mod common;

use common::victim::Victim;
use common::{Net, all_answer, number, study, verdict_bytes};
use wardsum_protocol::aggregate::CellBytes;
use wardsum_protocol::committee::Committee;
use wardsum_protocol::contribution::Sender;
use wardsum_protocol::field::{self, Field};
use wardsum_protocol::identity::Identity;
use wardsum_protocol::messages::{Delivery, HospitalMessage, Inclusion, PeerMessage, Publication};
use wardsum_protocol::peer::{AnswerError, Failure, Stage};
use wardsum_protocol::questionnaire::ResponseError;
use wardsum_protocol::sharing::{CombineError, ShareIndex};
use wardsum_protocol::{
    AggregateError, CommitteeError, ContributionDigest, DeclineReason, EnrolmentError, Entropy,
    IdentityError, Timestamp, wire,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Runs a round of a victim among `others` with a committee of up to `cap`.
fn meddled(
    others: i128,
    cap: u16,
    meddle: impl FnMut(HospitalMessage) -> Vec<HospitalMessage>,
) -> Victim {
    let mut victim = Victim::new(others, cap);
    victim.run(meddle);
    victim
}

#[test]
fn an_honest_hospital_is_believed() {
    let victim = meddled(4, 32, |message| vec![message]);
    assert_eq!(victim.peer.stage(), Stage::Finished);
    assert_eq!(victim.net.sum(), Some(15));
    assert!(victim.sent_a_partial());
}

/// Nothing keeps the hospital from taking part in an open study: where all others are patients of its own, whose answers
/// it knows, the sum tells it the victim's. That is what the threat model admits, and what invitations are for.
#[test]
fn in_an_open_study_whoever_plays_all_others_learns_what_is_left() {
    let invented = 6;
    let victim = meddled(invented, 32, |message| vec![message]);
    assert_eq!(victim.peer.stage(), Stage::Finished, "its page notices nothing");
    let known: i128 = (1..=invented).sum();
    assert_eq!(victim.net.sum().map(|sum| sum - known), Some(5), "the victim's answer");
}

#[test]
fn garbage_and_messages_out_of_order_end_it() {
    for (bytes, failure) in [
        (vec![], Failure::Malformed),
        (vec![200], Failure::Malformed),
        // There is no round yet that it could come back to.
        (wire::encode(&HospitalMessage::Manifest(Vec::new().into())), Failure::ConnectionLost),
    ] {
        let mut victim = Victim::new(2, 32);
        victim.tell(bytes);
        assert_eq!(victim.peer.failure(), Some(failure));
        assert_eq!(victim.peer.answer(number(5), Timestamp(2_000)), Err(AnswerError::Closed));
    }
}

#[test]
fn a_study_that_breaks_the_rules_is_refused() {
    // The minimum cohort, lowered to two behind the patient's back: it stands 4 bytes before the
    // maximum, which is 1,000.
    let victim = meddled(2, 32, |message| match message {
        HospitalMessage::Welcome(mut welcome) => {
            let mut bytes = welcome.study.as_slice().to_vec();
            let at = bytes.windows(8).position(|w| w == [0, 0, 0, 3, 0, 0, 3, 232]).unwrap();
            bytes[at + 3] = 2;
            welcome.study = bytes.into();
            vec![HospitalMessage::Welcome(welcome)]
        }
        other => vec![other],
    });
    assert_eq!(victim.peer.failure(), Some(Failure::StudyInvalid));
    assert!(victim.sent.is_empty(), "nothing was sent");
}

/// The committee's bytes with its members changed; the layout is study digest, uint24 length,
/// then for each member a uint16 length, the body and the signature.
fn change_members(bytes: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let (head, mut rest) = bytes.split_at(35);
    let mut members = Vec::new();
    while !rest.is_empty() {
        let len = 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]])) + 64;
        members.push(rest[..len].to_vec());
        rest = &rest[len..];
    }
    change(&mut members);
    let body = members.concat();
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&head[..32], &len[1..], &body].concat()
}

fn meddled_committee(change: fn(&mut Vec<Vec<u8>>)) -> Victim {
    meddled(4, 32, move |message| match message {
        HospitalMessage::Committee(bytes) => {
            vec![HospitalMessage::Committee(wire::Rest(change_members(&bytes.0, change).into()))]
        }
        other => vec![other],
    })
}

#[test]
fn a_committee_below_the_minimum_is_refused() {
    let victim = meddled_committee(|members| members.truncate(2));
    let error = CommitteeError::Size { members: 2, min: 3, max: 32 };
    assert_eq!(victim.peer.failure(), Some(Failure::Committee(error)));
    assert!(!victim.sent_a_contribution(), "nothing of the answer was sent");
}

#[test]
fn a_committee_with_somebody_twice_is_refused() {
    let victim = meddled_committee(|members| {
        let twin = members[1].clone();
        members[3] = twin;
    });
    let error = CommitteeError::Duplicate { number: 4 };
    assert_eq!(victim.peer.failure(), Some(Failure::Committee(error)));
    assert!(!victim.sent_a_contribution());
}

/// Nobody has signed the key that is there now: the enrolment ends with the sealing key, and the signature follows.
#[test]
fn a_committee_with_an_altered_key_is_refused() {
    let victim = meddled_committee(|members| {
        let last = members[2].len() - 65;
        members[2][last] ^= 1;
    });
    let source = EnrolmentError::Identity(IdentityError::Signature);
    let error = CommitteeError::Member { number: 3, source };
    assert_eq!(victim.peer.failure(), Some(Failure::Committee(error)));
    assert!(!victim.sent_a_contribution());
}

#[test]
fn another_committee_than_before_is_refused() {
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Committee(ref bytes) => {
            let other = change_members(&bytes.0, |members| members.swap(0, 1));
            vec![message.clone(), message, HospitalMessage::Committee(wire::Rest(other.into()))]
        }
        other => vec![other],
    });
    assert_eq!(victim.peer.failure(), Some(Failure::Equivocation));
    assert!(!victim.sent_a_contribution());
}

/// Changes the first delivery that the victim gets.
fn meddled_delivery(change: impl Fn(&mut Delivery)) -> Victim {
    let mut meddled_with = false;
    meddled(4, 32, |message| match message {
        HospitalMessage::Deliver(mut delivery) if !meddled_with => {
            meddled_with = true;
            change(&mut delivery);
            vec![HospitalMessage::Deliver(delivery)]
        }
        other => vec![other],
    })
}

/// Its sender has signed the root over all its shares, and the path leads there from no other share.
#[test]
fn an_altered_share_is_refused() {
    type Change = fn(&mut Delivery);
    let altered: [Change; 6] = [
        |delivery| {
            let mut share = delivery.share.0.to_vec();
            share[40] ^= 1;
            delivery.share = wire::Rest(share.into());
        },
        |delivery| delivery.share.0.truncate(delivery.share.0.len() - 1),
        |delivery| delivery.signature[0] ^= 1,
        |delivery| {
            let mut path = delivery.path.as_slice().to_vec();
            path[32] ^= 1;
            delivery.path = path.into();
        },
        |delivery| delivery.path = delivery.path.as_slice()[32..].to_vec().into(),
        // Somebody else's signature is on it.
        |delivery| {
            let Sender::Member(place) = &mut delivery.sender else { panic!("members are first") };
            *place = *place % 4 + 1;
        },
    ];
    for change in altered {
        let victim = meddled_delivery(change);
        assert_eq!(victim.peer.failure(), Some(Failure::ForgedShare));
        assert!(!victim.sent_a_partial());
    }
}

/// A patient helps the hospital: it has signed a second contribution, whose shares the members are delivered, while
/// the manifest counts the first one, so that its sender could still choose what is checked with randomness that is
/// known.
#[test]
fn shares_that_a_patient_lets_the_hospital_exchange_are_noticed() {
    let accomplice = || Entropy::new([77; 32]);
    let mut exchanged = None;
    let mut victim = Victim::new(3, 4);
    victim.run_with(|net, message| match message {
        HospitalMessage::Committee(_) => {
            let connection = net.join_raw_as(accomplice());
            let [_, counted] = net.compose(connection, accomplice(), 3);
            let [_, delivered] = net.compose(connection, accomplice(), 4);
            net.send_raw(connection, counted);
            exchanged = Some(delivered);
            vec![message]
        }
        HospitalMessage::Deliver(mut delivery) if matches!(delivery.sender, Sender::Visitor(_)) => {
            let (study, committee) = (net.round.study().clone(), net.committee().unwrap());
            let Ok(PeerMessage::Contribute(other)) =
                wire::decode(exchanged.as_ref().expect("it was made before"))
            else {
                panic!("it is a contribution")
            };
            let relayed = other.verify(&study, &committee).expect("it is signed").relayed;
            let me = Identity::derive(&Entropy::new([42; 32])).id();
            let place = committee.place_of(&me).expect("the victim is a member");
            delivery.signature = relayed.signature;
            delivery.path = relayed.shares.path(place).into();
            delivery.share = wire::Rest(relayed.shares.of(place).to_vec().into());
            vec![HospitalMessage::Deliver(delivery)]
        }
        other => vec![other],
    });
    assert!(exchanged.is_some());
    assert_eq!(victim.declined(), Some(DeclineReason::Mismatch));
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    assert_eq!(victim.verifications(), 0, "nothing is said about the exchanged share");
}

/// Whose answer is rejected opens a sum with the answers of enough members in the manifest. Those that were
/// delivered beyond it are in no sum.
#[test]
fn members_that_the_manifest_leaves_out_let_nobody_open_a_sum() {
    let mut delivered: Vec<(bool, Delivery)> = Vec::new();
    let mut victim = Victim::new(6, 4);
    let me = Identity::derive(&Entropy::new([42; 32])).id();
    victim.run_with(|net, message| match message {
        HospitalMessage::Deliver(delivery) => {
            let place = net.committee().unwrap().place_of(&me).expect("the victim is a member");
            delivered.push((delivery.sender == Sender::Member(place.number()), delivery));
            vec![]
        }
        HospitalMessage::Manifest(digests) => {
            // The victim, a member, the three visitors; and two more members beyond the manifest.
            let is_member = |delivery: &Delivery| matches!(delivery.sender, Sender::Member(_));
            let (own, others): (Vec<_>, Vec<_>) = delivered.drain(..).partition(|(own, _)| *own);
            let (members, visitors): (Vec<_>, Vec<_>) =
                others.into_iter().map(|(_, delivery)| delivery).partition(is_member);
            let own = own.into_iter().map(|(_, delivery)| delivery);
            let (first, beyond) = members.split_at(1);
            let order = own.chain(first.to_vec()).chain(visitors).chain(beyond.to_vec());
            let mut counted = Vec::new();
            let mut messages: Vec<_> = (0..)
                .zip(order)
                .map(|(number, mut delivery)| {
                    counted.push(digests.as_slice()[delivery.number as usize]);
                    delivery.number = number;
                    HospitalMessage::Deliver(delivery)
                })
                .collect();
            assert_eq!(counted.len(), 7);
            counted.truncate(5);
            messages.push(HospitalMessage::Manifest(counted.into()));
            messages.push(HospitalMessage::Verdict(verdict_bytes(&[1, 2, 3, 4], &[(0, 2)])));
            messages
        }
        HospitalMessage::Verdict(_) => vec![],
        other => vec![other],
    });
    assert_eq!(victim.declined(), Some(DeclineReason::OwnAnswer));
    assert!(!victim.sent_a_partial());
}

#[test]
fn a_share_delivered_twice_counts_once() {
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Deliver(_) => vec![message.clone(), message],
        other => vec![other],
    });
    assert_eq!(victim.peer.stage(), Stage::Finished);
    assert!(victim.sent_a_partial());
    assert_eq!(victim.net.counted(), Some((5, 15)));
}

#[test]
fn one_contribution_under_two_numbers_is_refused() {
    let mut first = None;
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Deliver(mut delivery) => {
            let number = delivery.number;
            delivery = first.get_or_insert(delivery).clone();
            delivery.number = number;
            vec![HospitalMessage::Deliver(delivery)]
        }
        other => vec![other],
    });
    assert_eq!(victim.declined(), Some(DeclineReason::Mismatch));
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    assert!(!victim.sent_a_partial());
}

fn meddled_manifest(change: fn(&mut Vec<ContributionDigest>)) -> Victim {
    meddled(4, 32, move |message| match message {
        HospitalMessage::Manifest(digests) => {
            let mut digests = digests.as_slice().to_vec();
            change(&mut digests);
            vec![HospitalMessage::Manifest(digests.into())]
        }
        other => vec![other],
    })
}

#[test]
fn a_manifest_below_the_minimum_is_not_answered() {
    let victim = meddled_manifest(|digests| digests.truncate(2));
    assert_eq!(victim.declined(), Some(DeclineReason::BelowMinimum));
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    assert!(!victim.sent_a_partial());
}

#[test]
fn a_manifest_that_leaves_out_an_acknowledged_answer_is_not_answered() {
    let victim = meddled_manifest(|digests| {
        digests.fill(ContributionDigest([1; 32]));
    });
    assert_eq!(victim.declined(), Some(DeclineReason::OwnAnswer));
    assert!(!victim.sent_a_partial());
}

/// The victim's digest at the place of another: the sum would contain somebody else in the victim's
/// stead, and the victim would read "counted".
#[test]
fn a_manifest_that_puts_an_answer_at_another_s_number_is_not_answered() {
    let victim = meddled_manifest(|digests| digests.rotate_left(1));
    assert_eq!(victim.declined(), Some(DeclineReason::OwnAnswer));
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    assert!(!victim.sent_a_partial());
}

/// A hospital that never acknowledges and leaves the victim out could otherwise have it help to open a
/// sum over people of the hospital's choosing.
#[test]
fn a_member_vouches_for_no_sum_without_its_own_answer() {
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Acknowledge(_) => vec![],
        HospitalMessage::Manifest(digests) => {
            let mut digests = digests.as_slice().to_vec();
            digests.fill(ContributionDigest([1; 32]));
            vec![HospitalMessage::Manifest(digests.into())]
        }
        other => vec![other],
    });
    assert_eq!(victim.declined(), Some(DeclineReason::OwnAnswer));
    assert!(!victim.sent_a_partial());
}

#[test]
fn a_share_beyond_the_study_s_maximum_is_not_kept() {
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Deliver(mut delivery) => {
            delivery.number += 1_000;
            vec![HospitalMessage::Deliver(delivery)]
        }
        other => vec![other],
    });
    assert_eq!(victim.kept, 0);
    assert!(!victim.sent_a_partial());
    assert_eq!(victim.peer.stage(), Stage::Finished, "the others did without it");
}

#[test]
fn a_manifest_with_more_than_was_delivered_is_not_answered() {
    let victim = meddled_manifest(|digests| digests.push(ContributionDigest([1; 32])));
    // The victim asks again and again for what is missing.
    assert!(!victim.sent_a_partial());
}

#[test]
fn a_second_manifest_is_not_answered() {
    let mut meddled_with = false;
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Manifest(ref digests) => {
            meddled_with = true;
            let mut shorter = digests.as_slice().to_vec();
            shorter.pop();
            vec![message.clone(), HospitalMessage::Manifest(shorter.into())]
        }
        other => vec![other],
    });
    assert!(meddled_with);
    assert_eq!(victim.peer.failure(), Some(Failure::Equivocation));
    assert!(victim.verifications() <= 1, "one manifest, one verification");
    assert!(!victim.sent_a_partial());
}

#[test]
fn the_same_manifest_twice_is_answered_once() {
    let victim = meddled(4, 32, |message| match message {
        HospitalMessage::Manifest(_) => vec![message.clone(), message],
        other => vec![other],
    });
    assert_eq!(victim.peer.stage(), Stage::Finished);
    assert_eq!(victim.verifications(), 1);
    let partials = victim.sent.iter().filter(|m| matches!(m, PeerMessage::Partial(_))).count();
    assert_eq!(partials, 1, "one verdict, one partial aggregate");
}

fn meddled_result(change: fn(&mut Publication)) -> Option<Failure> {
    meddled_result_among(4, change)
}

fn meddled_result_among(others: i128, change: fn(&mut Publication)) -> Option<Failure> {
    let victim = meddled(others, 32, move |message| match message {
        HospitalMessage::Published(mut publication) => {
            change(&mut publication);
            vec![HospitalMessage::Published(publication)]
        }
        other => vec![other],
    });
    assert_ne!(victim.peer.stage(), Stage::Finished);
    victim.peer.failure()
}

/// A result of one cell.
fn one_cell(number: Option<u128>) -> CellBytes {
    vec![number.map(|number| field::encode(Field::from(number)))].into()
}

#[test]
fn a_wrong_sum_is_not_believed() {
    assert_eq!(meddled_result(|p| p.cells = one_cell(Some(16))), Some(Failure::SumMismatch));
}

#[test]
fn a_result_about_another_manifest_is_not_believed() {
    assert_eq!(meddled_result(|p| p.size += 1), Some(Failure::ManifestInvalid));
    assert_eq!(meddled_result(|p| p.root[0] ^= 1), Some(Failure::ManifestInvalid));
}

/// The first partial aggregate with a byte changed. The other six are right and could correct this one, if its member had
/// signed it. The body of 65 bytes stands behind its length and ends with a digest of the elements, of which there is one
/// behind signature, length and salt.
fn forged(p: &mut Publication, at: usize) {
    let mut partials = p.partials.as_slice().to_vec();
    let mut bytes = wire::encode(&partials[0]);
    assert_eq!(bytes.len(), 2 + 65 + 64 + 3 + 32 + 3);
    bytes[at] ^= 1;
    partials[0] = wire::decode(&bytes).expect("it is well-formed");
    p.partials = partials.into();
}

#[test]
fn forged_missing_or_doubled_partial_aggregates_are_not_believed() {
    type Change = fn(&mut Publication);
    // Of seven, whose threshold is five.
    let drop_three = |p: &mut Publication| {
        assert_eq!(p.partials.len(), 7, "everybody has given one");
        p.partials = p.partials.as_slice()[..4].to_vec().into();
    };
    let double = |p: &mut Publication| {
        let first = p.partials.as_slice()[0].clone();
        p.partials.push(first);
    };
    let forge_digest = |p: &mut Publication| forged(p, 2 + 64);
    let forge_salt = |p: &mut Publication| forged(p, 2 + 65 + 64 + 3);
    let forge_element = |p: &mut Publication| forged(p, 2 + 65 + 64 + 3 + 16);
    let index = ShareIndex::new(1).expect("a place");
    let cases: [(Change, AggregateError); 5] = [
        (drop_three, CombineError::TooFew { have: 4, need: 5 }.into()),
        (double, CombineError::Duplicate { index }.into()),
        (forge_digest, IdentityError::Signature.into()),
        (forge_salt, AggregateError::Value),
        (forge_element, AggregateError::Value),
    ];
    for (change, error) in cases {
        assert_eq!(meddled_result_among(6, change), Some(Failure::ResultInvalid(error)));
    }
}

#[test]
fn a_visitor_checks_the_proof_that_its_answer_counts() {
    let honest = meddled(4, 4, |message| vec![message]);
    assert_eq!(honest.peer.stage(), Stage::Finished);

    let changes: [fn(&mut Inclusion); 4] = [
        |i| i.number += 1,
        |i| i.size += 1,
        |i| i.root[31] ^= 1,
        |i| {
            let mut path = i.path.as_slice().to_vec();
            path[0] ^= 1;
            i.path = path.into();
        },
    ];
    for change in changes {
        // Four others fill the committee while the victim is still reading.
        let mut victim = Victim::new(4, 4);
        victim.net.run_until(|net| net.round.status().committee.is_some());
        let mut seen = false;
        victim.run(|message| match message {
            HospitalMessage::Counted(mut inclusion) => {
                seen = true;
                change(&mut inclusion);
                vec![HospitalMessage::Counted(inclusion)]
            }
            other => vec![other],
        });
        assert!(seen, "the victim only contributes");
        assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
    }
}

#[test]
fn what_is_acknowledged_must_be_counted() {
    // The hospital acknowledges the visitor's answer and then publishes without a word about it.
    let mut victim = Victim::new(4, 4);
    victim.net.run_until(|net| net.round.status().committee.is_some());
    victim.run(|message| match message {
        HospitalMessage::Counted(_) => vec![],
        other => vec![other],
    });
    assert_eq!(victim.peer.failure(), Some(Failure::ManifestInvalid));
}

#[test]
fn a_committee_is_only_good_for_its_study() {
    let bytes = {
        let mut net = Net::new(study(|p| p.instance = [9; 16]), 1);
        let raw = net.join_raw();
        all_answer(&mut net, &[1, 2, 3]);
        net.run_until(|net| net.round.status().committee.is_some());
        net.raw[&raw]
            .iter()
            .find_map(|bytes| match wire::decode(bytes) {
                Ok(HospitalMessage::Committee(bytes)) => Some(bytes.0),
                _ => None,
            })
            .unwrap()
    };
    assert_eq!(Committee::decode(&study(|_| {}), &bytes).err(), Some(CommitteeError::ForeignStudy));
}

#[test]
fn answers_are_checked_before_anything_is_sent() {
    let mut victim = Victim::new(2, 32);
    let now = victim.net.now;
    assert_eq!(victim.peer.answer(number(5), now), Err(AnswerError::NoStudy));
    let welcome = victim.net.raw[&victim.connection][0].clone();
    victim.tell(welcome);
    for value in [-1, 11, i128::MAX, i128::MIN] {
        let refused = ResponseError::NotAllowed { number: 1 };
        assert_eq!(victim.peer.answer(number(value), now), Err(refused.into()));
    }
    assert!(victim.sent.is_empty());
    assert_eq!(victim.peer.answer(number(10), now), Ok(()));
    assert_eq!(victim.peer.answer(number(10), now), Err(AnswerError::AlreadyAnswered));
}
