//! A receipt says what one tab saw, and a transcript that says anything else is noticed.

mod common;

use common::{Net, all_answer, study};
use sha2::{Digest, Sha256};
use wardsum_protocol::StudyDigest;
use wardsum_protocol::peer::{Change, Event, Misbehaviour, OwnAnswer};
use wardsum_protocol::receipt::{Found, ParseReceiptError, Receipt, ReceiptError};
use wardsum_protocol::transcript::Transcript;
use wardsum_protocol::verdict::Rejection;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SPOILT: Misbehaviour = Misbehaviour::Input(Change { position: 1, add: 12_345 });

/// Five members, of whom the first one's answer is not valid, and a visitor who comes last.
fn played(seed: u64) -> Net {
    let study = study(|p| (p.committee_cap, p.maximum_cohort) = (5, 6));
    let mut net = Net::new(study, seed);
    let members: Vec<usize> = (0..5).map(|_| net.join()).collect();
    net.settle_mail();
    net.patients[0].peer.misbehave(SPOILT);
    for member in members {
        net.answer(member, 3);
    }
    net.settle_mail();
    all_answer(&mut net, &[2]);
    net.run();
    net
}

fn transcript(net: &Net) -> Transcript {
    net.transcript().expect("the round is published")
}

fn receipt(net: &Net, patient: usize) -> Receipt {
    net.patients[patient].peer.receipt().expect("the patient has contributed").clone()
}

fn held_against(receipt: &Receipt, net: &Net) -> Result<Found, ReceiptError> {
    let transcript = transcript(net);
    receipt.check(&transcript, &transcript.check().expect("it holds"))
}

/// The receipt with these lines replaced, or left out where nothing stands for them, and with the check that this text should have.
fn rewritten(receipt: &Receipt, lines: &[(&str, &str)]) -> Result<Receipt, ParseReceiptError> {
    let text = receipt.encode();
    let mut changed = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("check: ")) {
        let named = |(name, _): &&(&str, &str)| line.starts_with(&format!("{name}: "));
        changed.push(match lines.iter().find(named) {
            Some((_, "")) => String::new(),
            Some((name, value)) => format!("{name}: {value}\n"),
            None => format!("{line}\n"),
        });
    }
    let (said, label) = (changed.concat(), "wardsum v1 receipt");
    let len = u8::try_from(label.len()).unwrap();
    let check =
        Sha256::new().chain_update([len]).chain_update(label).chain_update(&said).finalize();
    let check = StudyDigest(check.into());
    Receipt::decode(format!("{said}check: {check}\n").as_bytes())
}

/// What this line of a receipt says.
fn said(receipt: &Receipt, name: &str) -> String {
    let text = receipt.encode();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
}

#[test]
fn everybody_finds_their_contribution_in_the_transcript() {
    let net = played(1);
    for patient in 0..6 {
        let receipt = receipt(&net, patient);
        let number = net.number_of(patient);
        assert!(number.is_some(), "patient {patient}");
        let rejection = (patient == 0).then_some(Rejection::Invalid);
        assert_eq!(held_against(&receipt, &net), Ok(Found { number, rejection }), "{patient}");
        assert_eq!(Receipt::decode(receipt.encode().as_bytes()), Ok(receipt), "{patient}");
    }
    let found = held_against(&receipt(&net, 0), &net).unwrap().to_string();
    assert!(found.contains("NOT counted: the answer is not valid"), "{found}");
}

#[test]
fn a_receipt_of_somebody_who_left_at_once_is_enough() {
    let mut net = Net::new(study(|p| p.committee_cap = 3), 2);
    all_answer(&mut net, &[1, 2, 3]);
    let acknowledged = |net: &Net, patient: usize| {
        net.patients[patient].events.contains(&Event::ContributionAcknowledged)
    };
    net.run_until(|net| acknowledged(net, 0));
    let early = receipt(&net, 0);
    net.run();
    let late = receipt(&net, 0);
    assert!(early.encode().len() < late.encode().len(), "the later one says more");
    assert!(!early.encode().contains("manifest"), "{}", early.encode());
    for receipt in [early, late] {
        let found = held_against(&receipt, &net).expect("counted");
        assert_eq!(found, Found { number: net.number_of(0), rejection: None });
    }
}

#[test]
fn nobody_has_a_receipt_before_the_hospital_has_the_contribution() {
    let mut net = Net::new(study(|_| {}), 3);
    all_answer(&mut net, &[1, 2, 3]);
    let onlooker = net.join();
    while net.step() {
        for patient in &net.patients {
            let shown = |event: &Event| {
                matches!(event, Event::ContributionAcknowledged | Event::ManifestAccepted { .. })
            };
            // Told behind the receipt, as everything that was to be done.
            if patient.events.iter().any(shown) {
                assert!(patient.peer.receipt().is_some());
            }
            if !patient.events.iter().any(|event| matches!(event, Event::ContributionSent { .. })) {
                assert_eq!(patient.peer.receipt(), None);
            }
        }
    }
    assert!(net.aggregate().is_some());
    assert_eq!(net.patients[onlooker].peer.receipt(), None, "who gave no answer has none");
}

#[test]
fn a_receipt_after_a_reload_is_the_same() {
    let mut net = Net::new(study(|_| {}), 4);
    all_answer(&mut net, &[1, 2, 3]);
    net.run_until(|net| net.patients[1].peer.receipt().is_some());
    let before = receipt(&net, 1);
    net.reload(1);
    assert_eq!(net.patients[1].peer.receipt(), None, "not before the shares are made again");
    net.run_until(|net| net.patients[1].peer.receipt().is_some());
    assert_eq!(receipt(&net, 1), before);
    net.run();
    assert!(held_against(&receipt(&net, 1), &net).is_ok());
}

/// A member whose contribution does not arrive before the deadline.
#[test]
fn an_answer_that_came_too_late_is_not_in_the_transcript() {
    let mut net = Net::new(study(|p| p.minimum_cohort = 4), 5);
    all_answer(&mut net, &[1, 2, 3, 4, 5]);
    net.run_until(|net| net.committee().is_some());
    net.cut(4);
    net.run_until(|net| net.round.status().phase.as_str() == "verifying");
    net.reach_again(4);
    net.run();
    assert_eq!(net.published(4).map(|published| published.own), Some(OwnAnswer::NotCounted));
    let late = receipt(&net, 4);
    assert_eq!(held_against(&late, &net), Ok(Found { number: None, rejection: None }));
    assert!(late.encode().contains("number: late\n") && late.encode().contains("answer: late\n"));
    // An answer is late if and only if it has no number.
    let (counted, number) = (receipt(&net, 0), net.number_of(0).unwrap());
    assert_eq!(rewritten(&counted, &[("answer", "late")]), Err(ParseReceiptError));
    let (key, contribution) = (said(&counted, "key"), said(&counted, "contribution"));
    let there = rewritten(&late, &[("key", &key), ("contribution", &contribution)]).unwrap();
    assert_eq!(held_against(&there, &net), Err(ReceiptError::NotLate { number }));
}

#[test]
fn every_byte_that_is_changed_is_noticed() {
    let net = played(6);
    for patient in [0, 5] {
        let bytes = receipt(&net, patient).encode().into_bytes();
        assert!(Receipt::decode(&bytes).is_ok());
        for position in 0..bytes.len() {
            for change in [1, 0x20, 0xff] {
                let mut changed = bytes.clone();
                changed[position] ^= change;
                assert_eq!(Receipt::decode(&changed), Err(ParseReceiptError), "{position}");
            }
            let cut_off = Receipt::decode(&bytes[..position]);
            assert_eq!(cut_off, Err(ParseReceiptError), "{position}");
        }
        for more in ["\n", "x", "\r\n"] {
            let longer = [&bytes[..], more.as_bytes()].concat();
            assert_eq!(Receipt::decode(&longer), Err(ParseReceiptError), "{more:?}");
        }
    }
}

/// Whoever changes a receipt so that it still is one is told by each line that it is another round's.
#[test]
fn every_line_is_held_against_the_transcript() {
    let (net, other) = (played(7), played(8));
    let (own, foreign) = (receipt(&net, 1), receipt(&other, 1));
    let (number, others) = (net.number_of(1).unwrap(), net.number_of(2).unwrap());
    let (shown, elsewhere) = (5 - number, |name| said(&foreign, name));
    assert_ne!(number, shown);
    let cases = [
        ("study", "0".repeat(64), ReceiptError::Study),
        ("title", "Something else".to_owned(), ReceiptError::Title),
        ("committee", elsewhere("committee"), ReceiptError::Committee),
        ("key", elsewhere("key"), ReceiptError::Repeated { number }),
        ("contribution", elsewhere("contribution"), ReceiptError::Replaced { number }),
        ("manifest", elsewhere("manifest"), ReceiptError::Manifest),
        ("number", shown.to_string(), ReceiptError::Number { there: number, shown }),
        ("verdict", elsewhere("verdict"), ReceiptError::Verdict),
        ("answer", "invalid".to_owned(), ReceiptError::Answer),
        ("count", "6".to_owned(), ReceiptError::Result { count: 6 }),
        ("result", "0".repeat(64), ReceiptError::Result { count: 5 }),
    ];
    assert!(held_against(&own, &net).is_ok());
    for (name, value, expected) in cases {
        let changed = rewritten(&own, &[(name, &value)]).expect(name);
        assert_eq!(held_against(&changed, &net), Err(expected), "{name}: {value}");
    }
    let late = rewritten(&own, &[("number", "late"), ("answer", "late")]).unwrap();
    assert_eq!(held_against(&late, &net), Err(ReceiptError::NotLate { number }));
    let (key, contribution) = (elsewhere("key"), elsewhere("contribution"));
    let strange = rewritten(&own, &[("key", &key), ("contribution", &contribution)]).unwrap();
    assert_eq!(held_against(&strange, &net), Err(ReceiptError::Missing));
    let key = said(&receipt(&net, 2), "key");
    let neighbour = rewritten(&own, &[("key", &key)]).unwrap();
    let expected = if number < others {
        ReceiptError::Repeated { number }
    } else {
        ReceiptError::Replaced { number: others }
    };
    assert_eq!(held_against(&neighbour, &net), Err(expected));
}

#[test]
fn the_transcript_of_another_round_is_told_apart() {
    let (net, same_study) = (played(9), played(10));
    let own = receipt(&net, 1);
    assert_eq!(held_against(&own, &same_study), Err(ReceiptError::Committee));
    let mut another = Net::new(study(|p| p.title = "Another study".into()), 9);
    all_answer(&mut another, &[1, 2, 3]);
    another.run();
    assert_eq!(held_against(&own, &another), Err(ReceiptError::Study));
}

/// Nobody is shown a result before what it counts.
#[test]
fn a_result_without_a_manifest_is_no_receipt() {
    let net = played(3);
    let changed = [("manifest", ""), ("number", ""), ("answer", "late")];
    assert_eq!(rewritten(&receipt(&net, 0), &changed), Err(ParseReceiptError));
}
