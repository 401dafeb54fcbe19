//! A transcript holds, and no byte of it can be changed without being noticed.

mod common;

use std::ops::Range;

use common::invited::{CONTRIBUTION, Forged, invitation, invited_study};
use common::survey::{short_survey, survey_study};
use common::{Net, all_answer, study};
use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::peer::{Change, Misbehaviour};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::transcript::{NoTranscript, Section, Transcript, TranscriptError};
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

#[test]
fn an_honest_round_of_any_sharing_has_a_transcript_that_holds() {
    for (people, scheme) in
        [(3, SchemeChoice::Threshold), (7, SchemeChoice::Threshold), (4, SchemeChoice::Additive)]
    {
        let values: Vec<i128> = (1..=people).collect();
        let net = played(study(|p| p.scheme = scheme), &values, &[]);
        let made = net.transcript().expect("the round is published");
        let read = Transcript::decode(&made.encode()).expect("our own bytes");
        assert_eq!(read, made);
        let checked = read.check().expect("it holds");
        assert_eq!(Some(&checked.aggregate), net.aggregate().as_ref());
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
    let checked = net.transcript().expect("published").check().expect("it holds");
    assert_eq!(Some(&checked.aggregate), status.aggregate.as_ref(), "{:?}", status.ended);
    assert_eq!((checked.contributions, checked.rejected), (15, 1));
    assert_eq!((checked.aggregate.count, net.sum_in(&checked.aggregate)), (14, 28));
    assert_eq!((checked.left_out, checked.wrong), (status.left_out, status.wrong));
    assert_eq!((checked.left_out.len(), checked.wrong.len()), (1, 1));
    let said = checked.to_string();
    for member in checked.left_out.iter().chain(checked.wrong.iter()).map(ShareIndex::number) {
        assert!(said.contains(&format!("member {member} ")), "{said}");
    }
}

/// Where one part of a transcript's file is, and what an error about it begins with.
struct Place {
    bytes: Range<usize>,
    names: Vec<String>,
}

impl Place {
    /// Whether a text is about this part: what follows its name is not another digit of its number.
    fn is_named_by(&self, text: &str) -> bool {
        let rests = self.names.iter().filter_map(|name| text.strip_prefix(name.as_str()));
        rests.into_iter().any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    }
}

/// The parts of a transcript's file, by a walk along its bytes (PROTOCOL.md, 13A.1).
fn places(bytes: &[u8]) -> Vec<Place> {
    struct Walk<'a>(&'a [u8], usize, Vec<Place>);
    impl Walk<'_> {
        fn part(&mut self, len: usize, names: &[&str]) {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            self.2.push(Place { bytes: self.1..self.1 + len, names });
            self.1 += len;
        }

        /// A length in so many bytes, which belongs to what it is the length of; and what it says.
        fn length(&mut self, len: usize, names: &[&str]) -> usize {
            let told = self.0[self.1..self.1 + len].iter();
            self.part(len, names);
            told.fold(0, |told, byte| told << 8 | usize::from(*byte))
        }

        /// Signed bodies, each with this many lists behind it, whose lengths are told in three bytes.
        fn signed(&mut self, list_len: usize, one: &str, behind: usize) {
            let list = format!("the list of {one}s");
            let end = self.length(list_len, &[&list, one]) + self.1;
            let mut position = 0;
            while self.1 < end {
                let name = format!("{one} {position}");
                let len = self.length(2, &[&name]);
                self.part(len + 64, &[&name]);
                for _ in 0..behind {
                    let len = self.length(3, &[&name]);
                    self.part(len, &[&name]);
                }
                position += 1;
            }
        }
    }
    let mut walk = Walk(bytes, 0, Vec::new());
    walk.part(20, &["the file"]);
    let len = walk.length(2, &["the study"]);
    walk.part(len, &["the study"]);
    let len = walk.length(4, &["the committee"]);
    walk.part(len, &["the committee"]);
    let end = walk.length(4, &["the list of contributions", "contribution"]) + walk.1;
    let mut number = 0;
    while walk.1 < end {
        let name = format!("contribution {number}");
        walk.part(32 + 32 + 64, &[&name]);
        let credential = if bytes[walk.1] == 1 { CREDENTIAL } else { 0 };
        walk.part(1 + credential, &[&format!("the invitation of {name}"), &name]);
        number += 1;
    }
    walk.signed(4, "verification", 0);
    for len in [1, 4] {
        let len = walk.length(len, &["the verdict"]);
        walk.part(len, &["the verdict"]);
    }
    // Which numbers are shown says what the first partial aggregate has to be.
    let len = walk.length(3, &["the result"]);
    walk.part(len, &["the result", "partial aggregate 0"]);
    walk.signed(3, "partial aggregate", 2);
    assert_eq!(walk.1, bytes.len(), "these are all parts");
    walk.2
}

fn error_of(bytes: &[u8]) -> Option<String> {
    let error = Transcript::decode(bytes).and_then(|transcript| transcript.check()).err();
    error.map(|error| error.to_string())
}

/// Every position, and two changes at each: the lowest bit and all of them. The error says which part it is in.
fn every_byte_counts(bytes: &[u8]) {
    assert_eq!(error_of(bytes), None, "it holds");
    let every = if cfg!(target_arch = "wasm32") { 17 } else { 1 };
    let places = places(bytes);
    for position in (0..bytes.len()).step_by(every) {
        let place = places.iter().find(|place| place.bytes.contains(&position)).unwrap();
        for change in [1, 0xff] {
            let mut changed = bytes.to_vec();
            changed[position] ^= change;
            let said = error_of(&changed).unwrap_or_else(|| panic!("byte {position} ^ {change}"));
            let names = &place.names;
            assert!(place.is_named_by(&said), "byte {position} ^ {change}, {names:?}: {said}");
        }
    }
}

#[test]
fn every_byte_that_is_changed_is_noticed_and_the_part_is_named() {
    let net = played(study(|p| p.minimum_cohort = 4), &[1, 2, 3, 4], &[]);
    every_byte_counts(&net.transcript().expect("published").encode());
}

/// With a rejected contribution, a member that was left out, and numbers of two digits: both ends of each part.
#[test]
fn every_part_of_an_eventful_round_that_is_changed_is_named() {
    let bytes = eventful().transcript().expect("published").encode();
    let places = places(&bytes);
    assert_eq!(error_of(&bytes), None, "it holds");
    for place in places.iter().filter(|place| !place.bytes.is_empty()) {
        for position in [place.bytes.start, place.bytes.end - 1] {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let said = error_of(&changed).unwrap_or_else(|| panic!("byte {position}"));
            assert!(place.is_named_by(&said), "byte {position}, {:?}: {said}", place.names);
        }
    }
}

/// Numbers that are shown, and others that are not.
#[test]
fn every_byte_of_a_round_with_suppressed_numbers_that_is_changed_is_noticed() {
    let mut net = Net::new(survey_study(|p| (p.form, p.committee_cap) = (short_survey(), 3)), 5);
    let patients: Vec<usize> = (0..7).map(|_| net.join()).collect();
    net.settle_mail();
    for patient in patients {
        let ward = Response::Choice(u16::from(patient > 3));
        net.respond(patient, vec![ward, Response::YesNo(patient % 2 == 0)]);
    }
    net.run();
    let cells = net.aggregate().expect("there is a result").cells;
    assert!(cells.iter().any(Option::is_some) && cells.iter().any(Option::is_none), "{cells:?}");
    every_byte_counts(&net.transcript().expect("published").encode());
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
    assert_eq!(net.counted(), Some((4, 8)));
    net
}

#[test]
fn every_byte_of_an_invited_round_that_is_changed_is_noticed() {
    every_byte_counts(&invited_round().transcript().expect("published").encode());
}

/// Number, service, one-time key, and two signatures.
const CREDENTIAL: usize = 4 + 1 + 32 + 64 + 64;

#[test]
fn whoever_only_contributed_shows_an_invitation_and_nobody_else_does() {
    let net = invited_round();
    let bytes = net.transcript().expect("published").encode();
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

/// It is said where it is cut off, which in a list is before its first entry: its length is of no use.
#[test]
fn a_file_that_is_cut_off_or_goes_on_is_no_transcript() {
    let net = played(study(|_| {}), &[1, 2, 3], &[]);
    let bytes = net.transcript().expect("published").encode();
    let unreadable = "it is cut off or altered, or a length is wrong";
    for place in places(&bytes) {
        for len in place.bytes {
            let said = Transcript::decode(&bytes[..len]).unwrap_err().to_string();
            if len < 20 {
                assert_eq!(said, "the file is not a transcript of this version");
                continue;
            }
            let name = match place.names[0]
                .trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ')
            {
                "contribution" | "the invitation of contribution" => "the list of contributions",
                "verification" => "the list of verifications",
                "partial aggregate" => "the list of partial aggregates",
                name => name,
            };
            assert_eq!(said, format!("{name} cannot be read: {unreadable}"), "{len}");
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    let part = Section::Partials.into();
    assert_eq!(Transcript::decode(&longer), Err(TranscriptError::Unreadable { part }));
}

#[test]
fn a_round_without_a_result_has_no_transcript() {
    let net = Net::new(study(|_| {}), 1);
    assert_eq!(net.transcript(), Err(NoTranscript::NotPublished));
    let cheat = Misbehaviour::Input(Change { position: 0, add: 5 });
    let net = played(study(|_| {}), &[1, 2, 3], &[(0, cheat)]);
    assert!(net.journal.iter().any(|(_, record)| matches!(record, Record::Ended(_))));
    assert_eq!(net.transcript(), Err(NoTranscript::NotPublished));
}
