//! `invitation.json`: links, what is signed for them, and what the invited show; and links that are refused.

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use wardsum_protocol::committee::Committee;
use wardsum_protocol::messages::{HospitalMessage, Welcome};
use wardsum_protocol::peer::{Input, Output, Peer};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{
    Admission, Authority, Challenge, Entropy, Invitation, Study, StudyParameters, Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{array, bytes, find, hex, list, text, unhex};
use crate::keys::{hash, labelled};
use crate::studies::pain_scale;

const NOW: Timestamp = Timestamp(0);
const AUTHORITY: [u8; 32] = [0xa7; 32];

/// The one-time seed of the invitation with this number.
fn one_time(serial: u32) -> [u8; 32] {
    core::array::from_fn(|at| serial.to_be_bytes()[at % 4] ^ 0x30)
}

fn study() -> Study {
    let authority = *Authority::new(&AUTHORITY).key().as_bytes();
    let admission = Admission::Invited { authority };
    let parameters = StudyParameters { instance: [0x77; 16], admission, ..pain_scale() };
    Study::new(parameters).expect("the study is admissible")
}

/// Invitation 4 does not let its holder serve.
fn invitation(serial: u32) -> Invitation {
    let seed = one_time(serial).into();
    Authority::new(&AUTHORITY).invite(&study(), serial, serial != 4, seed).expect("its own study")
}

/// What a peer with this invitation, and entropy of this byte, sends when its patient has answered 3.
fn sent(serial: u8, committee: Option<&[u8]>) -> Vec<Vec<u8>> {
    let mut peer = Peer::invited(Entropy::new([serial; 32]), invitation(serial.into()), NOW);
    peer.handle(Input::Connected, NOW);
    let welcome = Welcome { challenge: Challenge([0xc1; 32]), study: study().encode().into() };
    peer.handle(Input::Message(wire::encode(&HospitalMessage::Welcome(welcome))), NOW);
    peer.answer(vec![Response::Number(3)], NOW).expect("3 is in the range");
    if let Some(bytes) = committee {
        let message = HospitalMessage::Committee(Rest(bytes.to_vec().into()));
        peer.handle(Input::Message(wire::encode(&message)), NOW);
    }
    let mut sent = Vec::new();
    while let Some(output) = peer.poll_output() {
        match output {
            Output::Send(bytes) => sent.push(bytes),
            Output::Timeout(Some(at)) if at <= NOW => peer.handle(Input::Timeout, NOW),
            _ => {}
        }
    }
    sent
}

/// The committee of the people 1 to 3.
fn committee() -> Vec<u8> {
    let members: Vec<u8> = (1..=3).flat_map(|serial| sent(serial, None)[1][1..].to_vec()).collect();
    let len = u32::try_from(members.len()).expect("three members").to_be_bytes();
    [study().digest().as_bytes(), &len[1..], &members].concat()
}

pub(crate) fn generate() -> Value {
    let key = |seed: &[u8; 32]| hex(SigningKey::from_bytes(seed).verifying_key().as_bytes());
    let committee = committee();
    let link = |serial: u32| {
        json!({
            "serial": serial, "may_serve": serial != 4, "one_time_seed": hex(one_time(serial)),
            "one_time_key": key(&one_time(serial)), "fragment": *invitation(serial).fragment(),
            "name": format!("link_{serial}"), "hex": hex(decoded(&invitation(serial).fragment())),
        })
    };
    let contribution = sent(4, Some(&committee)).pop().expect("it contributes");
    json!({
        "study": hex(study().encode()), "study_digest": study().digest().to_string(),
        "authority_seed": hex(AUTHORITY), "authority_key": key(&AUTHORITY),
        "links": [link(1), link(4)],
        "enrol_1": hex(&sent(1, None)[1]),
        "committee": hex(&committee),
        // Type and sender; what follows is as in any contribution.
        "sender_4": hex(&contribution[1..=SENDER]),
        "bad": bad(),
    })
}

const CREDENTIAL: usize = 4 + 1 + 32 + 64 + 64;
const SENDER: usize = 1 + 32 + CREDENTIAL;

fn decoded(fragment: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let bits = |c: u8| (0..6).rev().map(move |bit| digit(c) >> bit & 1);
    let bits: Vec<u8> = fragment.bytes().flat_map(bits).collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    bits.chunks_exact(8).map(byte).collect()
}

/// Links that are refused, each with this implementation's reason.
fn bad() -> Value {
    let good = invitation(1).fragment();
    let edited = |at: usize, with: &str| {
        let mut edited = good.to_string();
        edited.replace_range(at..at + with.len(), with);
        edited
    };
    let cases = [
        ("bad_empty", String::new()),
        ("bad_cut", good[..200].to_owned()),
        ("bad_continued", format!("{}AA", *good)),
        ("bad_padded", format!("{}=", *good)),
        ("bad_with_a_space", edited(9, " ")),
        ("bad_one_character_changed", edited(140, if &good[140..=140] == "A" { "B" } else { "A" })),
    ];
    cases
        .into_iter()
        .map(|(name, fragment)| {
            let refused = Invitation::parse(&fragment).expect_err("a bad link is refused");
            json!({ "name": name, "fragment": fragment, "refused": refused.to_string() })
        })
        .collect()
}

/// The credential at the end of these bytes, checked against what the document says is signed.
fn check_credential(file: &Value, link: &Value, label: &str, fields: &[u8], credential: &[u8]) {
    let signed_by = |seed: &[u8; 32], label: &str, parts: &[&[u8]]| {
        SigningKey::from_bytes(seed).sign(&labelled(label, parts)).to_bytes()
    };
    let serial = u32::try_from(link["serial"].as_u64().unwrap()).unwrap();
    let service = if link["may_serve"].as_bool().unwrap() { 2 } else { 1 };
    let grant = [&serial.to_be_bytes()[..], &[service], &bytes(link, "one_time_key")].concat();
    let digest = bytes(file, "study_digest");
    let authority = array(file, "authority_seed");
    let authority = signed_by(&authority, "wardsum v1 sign invitation", &[&digest, &grant]);
    let holder = signed_by(&array(link, "one_time_seed"), label, &[fields]);
    assert_eq!(credential, [&grant[..], &authority, &holder].concat());

    let link_bytes = unhex(find(file, text(link, "name")).unwrap());
    let expected = [
        &[1][..],
        &digest,
        &bytes(file, "authority_key"),
        &bytes(link, "one_time_seed"),
        &grant[..5],
        &authority,
    ]
    .concat();
    let sum = hash("wardsum v1 invitation link", &[&expected]);
    assert_eq!(link_bytes, [&expected[..], &sum[..4]].concat());
    assert_eq!(decoded(text(link, "fragment")), link_bytes);
}

#[test]
fn invitations_are_shown_and_refused_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let file = crate::load("invitation");
    let links = list(&file, "links");
    // Behind the message's type and the body's length; the body ends with the credential, and the message
    // with a signature.
    let enrol = bytes(&file, "enrol_1");
    let (fields, credential) = enrol[3..enrol.len() - 64].split_at(enrol.len() - 67 - CREDENTIAL);
    check_credential(&file, &links[0], "wardsum v1 sign invited enrolment", fields, credential);

    let sender = bytes(&file, "sender_4");
    let (head, credential) = sender.split_at(33);
    let fields = [&bytes(&file, "study_digest"), &head[1..]].concat();
    let label = "wardsum v1 sign invited contribution";
    check_credential(&file, &links[1], label, &fields, credential);

    let study = Study::decode(&bytes(&file, "study")).expect("the study is admissible");
    let committee = Committee::decode(&study, &bytes(&file, "committee")).expect("it holds");
    assert_eq!((head[0], committee.size()), (3, 3));
    for case in list(&file, "bad") {
        let error = Invitation::parse(text(case, "fragment")).expect_err("a bad link is refused");
        assert_eq!(error.to_string(), text(case, "refused"));
    }
}
