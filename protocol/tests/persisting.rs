//! What must be durable comes before what depends on it: nothing is acknowledged, announced or
//! answered that was not written down first.

mod common;

use bytes::Bytes;
use common::{Net, PeerStep, Step, all_answer, study};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer;
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::{MessageDigest, StoredDigest, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A round of seven, two of whom only contribute, that ran to its end.
fn finished() -> Net {
    let mut net = Net::new(study(|p| p.committee_cap = 5), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7]);
    net.run();
    assert_eq!(net.sum(), Some(28));
    net
}

#[test]
fn the_stored_digest_covers_every_byte_of_a_contribution() {
    let net = finished();
    let contributions = net.journal.iter().filter_map(|(_, record)| match record {
        Record::Contributed(contributed) => Some(contributed),
        _ => None,
    });
    let contributed: Vec<_> = contributions.collect();
    assert_eq!(contributed.len(), 7);
    for Contributed { stored, message, .. } in contributed {
        assert_eq!(StoredDigest::of(message), *stored);
        for place in 0..message.len() {
            let mut altered = message.to_vec();
            altered[place] ^= [0x01, 0x80, 0xff][place % 3];
            assert_ne!(StoredDigest::of(&altered.into()), *stored, "byte {place}");
        }
        for other in [message.slice(1..), message.slice(..message.len() - 1), Bytes::new()] {
            assert_ne!(StoredDigest::of(&other), *stored);
        }
    }
}

#[test]
fn the_hospital_writes_down_before_it_says() {
    let net = finished();
    let (mut acknowledged, mut announced) = (0, [0; 4]);
    for (position, step) in net.history.iter().enumerate() {
        let Step::Sent(bytes) = step else { continue };
        let written = |wanted: &dyn Fn(&Record) -> bool| {
            let before = &net.history[..position];
            before.iter().any(|step| matches!(step, Step::Wrote(record) if wanted(record)))
        };
        match wire::decode(bytes).expect("the hospital's messages decode") {
            HospitalMessage::Acknowledge(digest) => {
                acknowledged += 1;
                assert!(written(&|record| match record {
                    Record::Enrolled(message)
                    | Record::Verified(message)
                    | Record::Partial(message) => MessageDigest::of(message) == digest,
                    Record::Contributed(contributed) => {
                        MessageDigest::from(contributed.digest) == digest
                    }
                    _ => false,
                }));
            }
            HospitalMessage::Deliver(delivery) => {
                assert!(written(
                    &|record| matches!(record, Record::Contributed(c) if c.number == delivery.number)
                ));
            }
            HospitalMessage::Committee(_) => {
                announced[0] += 1;
                assert!(written(&|record| matches!(record, Record::CommitteeFixed(_))));
            }
            HospitalMessage::Manifest(_) | HospitalMessage::Counted(_) => {
                announced[1] += 1;
                assert!(written(&|record| matches!(record, Record::ManifestFixed { size: 7 })));
            }
            HospitalMessage::Verdict(verdict) => {
                announced[2] += 1;
                assert!(written(&|record| *record == Record::Judged(verdict.clone())));
            }
            HospitalMessage::Published(_) => {
                announced[3] += 1;
                assert!(written(&|record| matches!(record, Record::Published { .. })));
            }
            HospitalMessage::Welcome(_)
            | HospitalMessage::Progress(_)
            | HospitalMessage::Ended(_) => {}
            HospitalMessage::WordsDisputed(_) => panic!("nobody disputes the words here"),
        }
    }
    // Five enrolments, seven contributions, five verifications, five partial aggregates; everybody was
    // told how it went on, and the members of the verdict.
    assert_eq!(acknowledged, 22);
    assert_eq!(announced, [7, 7, 5, 7]);
}

#[test]
fn a_peer_writes_down_before_it_says() {
    let net = finished();
    let (mut verifications, mut partials) = (0, 0);
    for patient in &net.patients {
        for (position, step) in patient.history.iter().enumerate() {
            let PeerStep::Sent(bytes) = step else { continue };
            let written = |wanted: fn(&peer::Record) -> bool| {
                let before = &patient.history[..position];
                before.iter().any(|step| matches!(step, PeerStep::Wrote(record) if wanted(record)))
            };
            match wire::decode(bytes).expect("our own messages decode") {
                PeerMessage::Enrol(_) => {
                    assert!(written(|record| matches!(record, peer::Record::Answered { .. })));
                }
                PeerMessage::Contribute(_) => {
                    assert!(written(|record| matches!(record, peer::Record::Contributing(_))));
                }
                PeerMessage::Verification(_) => {
                    verifications += 1;
                    assert!(written(|record| matches!(record, peer::Record::Verifying(_))));
                }
                PeerMessage::Partial(_) => {
                    partials += 1;
                    assert!(written(|record| matches!(record, peer::Record::Aggregating(_))));
                }
                PeerMessage::Identify(_) => {
                    assert!(written(|record| matches!(record, peer::Record::Answered { .. })));
                }
                PeerMessage::Received(_) => {}
                PeerMessage::Leave | PeerMessage::WordsDiffer => panic!("nobody leaves here"),
                PeerMessage::Decline(reason) => panic!("nobody declines here: {reason}"),
            }
        }
        let last = patient.history.last();
        assert!(matches!(
            last,
            Some(PeerStep::Wrote(peer::Record::Finished { published: Some(_), .. }))
        ));
    }
    assert_eq!((verifications, partials), (5, 5));
}

/// What a broken connection leaves behind is what the peer comes back with.
#[test]
fn a_lost_connection_erases_nothing_and_the_end_erases_everything() {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2, 3]);
    net.settle_mail();
    net.lose(0);
    assert_eq!(net.failure(0), None);
    assert!(net.patients[0].memory.is_some());
    net.run();
    assert_eq!(net.sum(), Some(6));
    assert!(net.patients.iter().all(|patient| patient.memory.is_none()));
}
