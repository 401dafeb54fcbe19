//! A transcript holds, and no byte of it can be changed without being noticed.

mod common;

use std::collections::BTreeSet;

use common::invited::{CONTRIBUTION, Forged, invitation, invited_study};
use common::{Net, all_answer, study};
use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::peer::{Change, Misbehaviour};
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::transcript::{NoTranscript, Transcript, TranscriptError};
use wardsum_protocol::{
    ContributionDigest, CredentialError, Entropy, SchemeChoice, StoredDigest, Study,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Plays a round in which some cheat, each from the moment at which its study arrives.
fn played(study: Study, values: &[i128], cheats: &[(usize, Misbehaviour)]) -> Net {
    let mut net = Net::new(study, 7);
    let patients: Vec<usize> = values.iter().map(|_| net.join()).collect();
    net.settle_mail();
    for (patient, misbehaviour) in cheats {
        net.patients[*patient].peer.misbehave(*misbehaviour);
    }
    for (patient, value) in patients.into_iter().zip(values) {
        net.answer(patient, *value);
    }
    net.run();
    net
}

fn transcript(net: &Net) -> Result<Transcript, NoTranscript> {
    Transcript::of(net.round.study(), net.journal.iter().map(|(_, record)| record))
}

#[test]
fn an_honest_round_of_any_sharing_has_a_transcript_that_holds() {
    for (people, scheme) in
        [(3, SchemeChoice::Threshold), (7, SchemeChoice::Threshold), (4, SchemeChoice::Additive)]
    {
        let values: Vec<i128> = (1..=people).collect();
        let net = played(study(|p| p.scheme = scheme), &values, &[]);
        let made = transcript(&net).expect("the round is published");
        let read = Transcript::decode(&made.encode()).expect("our own bytes");
        assert_eq!(read, made);
        let checked = read.check().expect("it holds");
        assert_eq!(Some(checked.aggregate), net.aggregate());
        assert_eq!(i128::from(checked.verified.len()), people);
        assert!(checked.wrong.is_empty() && checked.left_out.is_empty());
        let sum: i128 = values.iter().sum();
        let said = checked.to_string();
        assert!(said.contains(&format!("the sum of {people} answers is {sum}")), "{said}");
    }
}

/// With everything in it that a transcript can have: an answer that is not valid, a member that was left
/// out, a partial aggregate that was corrected, somebody who only contributes. Eleven members, T = 8.
fn eventful() -> Net {
    let change = Change { position: 1, add: 12_345 };
    let cheats = [
        (1, Misbehaviour::Input(change)),
        (2, Misbehaviour::DisputeAll),
        (3, Misbehaviour::Partial(change)),
    ];
    let study = study(|p| p.committee_cap = 13);
    let mut net = Net::new(study, 11);
    let patients: Vec<usize> = (0..13).map(|_| net.join()).collect();
    net.settle_mail();
    for (patient, misbehaviour) in cheats {
        net.patients[patient].peer.misbehave(misbehaviour);
    }
    for patient in patients {
        net.answer(patient, 2);
    }
    net.settle_mail();
    all_answer(&mut net, &[1, 3]);
    net.run();
    net
}

#[test]
fn what_went_wrong_is_named_in_the_check() {
    let net = eventful();
    let status = net.round.status();
    let checked = transcript(&net).expect("published").check().expect("it holds");
    assert_eq!(Some(checked.aggregate), status.aggregate, "{:?}", status.ended);
    assert_eq!((checked.contributions, checked.rejected), (15, 1));
    assert_eq!((checked.aggregate.count, checked.aggregate.sum), (14, 28));
    assert_eq!((checked.left_out, checked.wrong), (status.left_out, status.wrong));
    assert_eq!((checked.left_out.len(), checked.wrong.len()), (1, 1));
    let said = checked.to_string();
    for member in checked.left_out.iter().chain(checked.wrong.iter()).map(ShareIndex::number) {
        assert!(said.contains(&format!("member {member} ")), "{said}");
    }
}

/// Every position, and two changes at each: the lowest bit and all of them.
fn every_byte_counts(bytes: &[u8], expected: &BTreeSet<&'static str>) {
    Transcript::decode(bytes).and_then(|t| t.check()).expect("it holds");
    let mut parts = BTreeSet::new();
    let every = if cfg!(target_arch = "wasm32") { 17 } else { 1 };
    for position in (0..bytes.len()).step_by(every) {
        for change in [1, 0xff] {
            let mut changed = bytes.to_vec();
            changed[position] ^= change;
            let error = Transcript::decode(&changed)
                .and_then(|transcript| transcript.check())
                .expect_err(&format!("byte {position} ^ {change}"));
            parts.insert(part(&error));
        }
    }
    // Browsers only look at some.
    assert!(parts == *expected || every > 1, "{parts:?}");
}

const PARTS: [&str; 8] =
    ["file", "study", "committee", "contribution", "verification", "verdict", "partial", "result"];

#[test]
fn every_byte_that_is_changed_is_noticed_and_the_part_is_named() {
    let net = played(study(|p| p.minimum_cohort = 4), &[1, 2, 3, 4], &[]);
    every_byte_counts(&transcript(&net).expect("published").encode(), &PARTS.into());
}

/// Three members and one who only contributes, all invited.
fn invited_round() -> Net {
    let mut net = Net::new(invited_study(|_| {}), 5);
    let study = net.round.study().clone();
    let links = (1..=4).map(|serial| invitation(&study, serial, serial < 4));
    let patients: Vec<usize> = links.map(|link| net.join_invited(link)).collect();
    net.settle_mail();
    for patient in patients {
        net.answer(patient, 2);
    }
    net.run();
    assert_eq!(net.aggregate().map(|a| (a.count, a.sum)), Some((4, 8)));
    net
}

#[test]
fn every_byte_of_an_invited_round_that_is_changed_is_noticed() {
    let parts = PARTS.into_iter().chain(["invitation"]).collect();
    every_byte_counts(&transcript(&invited_round()).expect("published").encode(), &parts);
}

/// Number, service, one-time key, and two signatures.
const CREDENTIAL: usize = 4 + 1 + 32 + 64 + 64;

#[test]
fn whoever_only_contributed_shows_an_invitation_and_nobody_else_does() {
    let net = invited_round();
    let bytes = transcript(&net).expect("published").encode();
    // Behind a contribution's sender, digest and signature.
    let credential_of = |patient: usize| {
        let id = *net.id_of(patient).as_bytes();
        let contributions = bytes.windows(32).rposition(|key| key == id);
        contributions.expect("everybody contributed") + 32 + 32 + 64
    };
    let error = |bytes: &[u8]| {
        Transcript::decode(bytes).expect("it is well-formed").check().expect_err("it is refused")
    };
    let spliced = |at: usize, len: usize, with: &[u8]| {
        // The list's length stands before the first contribution.
        let mut changed = [&bytes[..at], with, &bytes[at + len..]].concat();
        let len_at = (0..4).map(credential_of).min().unwrap() - (32 + 32 + 64) - 4;
        let len_bytes = <[u8; 4]>::try_from(&bytes[len_at..len_at + 4]).unwrap();
        let list = u32::from_be_bytes(len_bytes).wrapping_add(u32::try_from(with.len()).unwrap());
        let list = list.wrapping_sub(u32::try_from(len).unwrap());
        changed[len_at..len_at + 4].copy_from_slice(&list.to_be_bytes());
        changed
    };
    let visitors = credential_of(3);
    let shown = &bytes[visitors..=visitors + CREDENTIAL];
    assert_eq!(shown[0], 1, "the visitor's is there");
    let number = net.number_of(3).unwrap();
    let missing = TranscriptError::Credential { number, source: CredentialError::Missing };
    assert_eq!(error(&spliced(visitors, 1 + CREDENTIAL, &[0])), missing);

    let number = net.number_of(0).unwrap();
    let unneeded = TranscriptError::Credential { number, source: CredentialError::Unneeded };
    assert_eq!(error(&spliced(credential_of(0), 1, shown)), unneeded);
}

fn part(error: &TranscriptError) -> &'static str {
    match error {
        TranscriptError::Encoding => "file",
        TranscriptError::Study => "study",
        TranscriptError::Committee(_) => "committee",
        TranscriptError::Contribution { .. }
        | TranscriptError::SecondContribution { .. }
        | TranscriptError::Contributions { .. } => "contribution",
        TranscriptError::Credential { .. } | TranscriptError::InvitationTwice { .. } => {
            "invitation"
        }
        TranscriptError::Verification { .. }
        | TranscriptError::VerificationOrder { .. }
        | TranscriptError::TooFewVerified { .. } => "verification",
        TranscriptError::Verdict(_) | TranscriptError::OtherVerdict => "verdict",
        TranscriptError::Partial { .. } | TranscriptError::PartialOrder { .. } => "partial",
        TranscriptError::Result(_) | TranscriptError::OtherSum => "result",
    }
}

/// The records of an invited round, with somebody in it whom the hospital has added afterwards: person 9, who has
/// signed an answer and shows this credential.
fn with_an_invented_person(net: &Net, credential: &[u8]) -> TranscriptError {
    let identity = Identity::derive(&Entropy::new([9; 32]));
    let shown = [&[0x20], identity.id().as_bytes().as_slice(), credential].concat();
    let digest = ContributionDigest([9; 32]);
    let message = bytes::Bytes::new();
    let contributed = Record::Contributed(Contributed {
        number: 4,
        sender: identity.id(),
        digest,
        signature: Some(identity.sign(SignatureLabel::Contribution, &[digest.as_bytes()])),
        stored: StoredDigest::of(&message),
        message,
    });
    let mut records = Vec::new();
    for (_, record) in &net.journal {
        match record {
            // These are for the manifest without person 9, and are looked at later.
            Record::Verified(_) => continue,
            Record::ManifestFixed { .. } => {
                records.push(Record::decode(&shown).expect("it is a record"));
                records.push(contributed.clone());
            }
            _ => {}
        }
        records.push(record.clone());
    }
    let made = Transcript::of(net.round.study(), &records).expect("it is published");
    made.check().expect_err("nobody invited person 9")
}

#[test]
fn nobody_can_be_added_to_an_invited_round() {
    let net = invited_round();
    let study = net.round.study();
    let id = Identity::derive(&Entropy::new([9; 32])).id();
    let digest = study.digest();
    let error = |forged: &Forged| {
        let credential = forged.credential(CONTRIBUTION, &[digest.as_bytes(), id.as_bytes()]);
        with_an_invented_person(&net, &credential)
    };
    let number = 4;
    let refused = |source| TranscriptError::Credential { number, source };
    let good = Forged::honest(study, 9);
    // An authority of the hospital's own, and somebody else's invitation.
    let authority = Forged { authority: [0x66; 32], ..good.clone() };
    assert_eq!(error(&authority), refused(CredentialError::Authority));
    let holder = Forged { holder: [1; 32], ..Forged::honest(study, 4) };
    assert_eq!(error(&holder), refused(CredentialError::Holder));
    // The invitation of a member, and of the visitor, who helps.
    for serial in [2, 4] {
        let may_serve = if serial == 4 { 1 } else { 2 };
        let used = Forged {
            service: may_serve,
            shown_service: may_serve,
            ..Forged::honest(study, serial)
        };
        assert_eq!(error(&used), TranscriptError::InvitationTwice { number });
    }
    // With one of its own it is missing from what the members have verified, and nothing else.
    let verified = TranscriptError::TooFewVerified { have: 0, need: 3 };
    assert_eq!(error(&good), verified);
}

#[test]
fn a_file_that_is_cut_off_or_goes_on_is_no_transcript() {
    let net = played(study(|_| {}), &[1, 2, 3], &[]);
    let bytes = transcript(&net).expect("published").encode();
    for len in 0..bytes.len() {
        assert_eq!(Transcript::decode(&bytes[..len]), Err(TranscriptError::Encoding), "{len}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Transcript::decode(&longer), Err(TranscriptError::Encoding));
}

#[test]
fn a_round_without_a_result_has_no_transcript() {
    let net = Net::new(study(|_| {}), 1);
    assert_eq!(transcript(&net), Err(NoTranscript::NotPublished));
    let cheat = Misbehaviour::Input(Change { position: 0, add: 5 });
    let net = played(study(|_| {}), &[1, 2, 3], &[(0, cheat)]);
    assert!(net.journal.iter().any(|(_, record)| matches!(record, Record::Ended(_))));
    assert_eq!(transcript(&net), Err(NoTranscript::NotPublished));
}
