//! `refusals.json`: what a round must not swallow. Each case replays one side of a good round up to a
//! message and gives it a bad one instead.

use serde_json::{Value, json};
use wardsum_protocol::field;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::json::{bytes, hex, list, named, number, text, unhex};
use crate::keys::{self, Keys, hash};
use crate::rounds;

const ENROL: &str = "wardsum v1 sign enrolment";
const CONTRIBUTE: &str = "wardsum v1 sign contribution";
const PARTIAL: &str = "wardsum v1 sign partial aggregate";
const SHARE: &str = "wardsum v1 sign sealed share";

/// The good round, and what a liar needs to depart from it.
struct Good {
    round: Value,
    name: &'static str,
}

impl Good {
    fn additive() -> Self {
        Self { round: rounds::generate_additive(), name: "additive-round" }
    }

    fn shamir() -> Self {
        Self { round: rounds::generate_shamir(), name: "shamir-round" }
    }

    fn message(&self, name: &str) -> Vec<u8> {
        named(&self.round, name)
    }

    /// What comes to the hospital from `person` instead of the message `before`.
    fn hospital(&self, name: &str, person: u64, before: &str, bytes: &[u8]) -> Value {
        json!({
            "name": name, "round": self.name, "to": "hospital", "person": person, "before": before,
            "hex": hex(bytes),
        })
    }

    /// What comes to `person` instead of the message `before`.
    fn person(&self, name: &str, person: u64, before: &str, bytes: &[u8]) -> Value {
        json!({
            "name": name, "round": self.name, "to": "person", "person": person, "before": before,
            "hex": hex(bytes), "then": [],
        })
    }

    /// The same, with good messages after it.
    fn person_then(
        &self,
        name: &str,
        person: u64,
        before: &str,
        bytes: &[u8],
        then: &[&str],
    ) -> Value {
        let mut case = self.person(name, person, before, bytes);
        case["then"] = then.iter().map(|name| hex(self.message(name))).collect();
        case
    }
}

/// The keys of a person of either round.
fn keys_of(person: u64) -> Keys {
    let entropy = [u8::try_from(person).expect("few people"); 32];
    Keys::derive(&entropy, 2)
}

fn changed(bytes: &[u8], at: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = change(bytes[at]);
    bytes
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    changed(bytes, at, |byte| byte ^ 1)
}

fn with_last_bit_flipped(bytes: &[u8]) -> Vec<u8> {
    // The last bits of a signature are always zero; this one belongs to S as well.
    flipped(bytes, bytes.len() - 10)
}

fn truncated(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// The body of a message that is one signed body.
fn body(message: &[u8]) -> Vec<u8> {
    message[3..message.len() - 64].to_vec()
}

pub(crate) fn generate() -> Value {
    let (additive, shamir) = (Good::additive(), Good::shamir());
    let cases = [
        framing(&additive),
        enrolments(&additive),
        contributions(&additive),
        partials(&additive),
        welcomes(&additive),
        committees(&additive),
        deliveries(&additive),
        manifests(&additive),
        inclusions(&shamir),
        publications(&additive, &shamir),
    ];
    let complete = |case| {
        complete(case, |name| if name == additive.name { &additive.round } else { &shamir.round })
    };
    json!({ "cases": cases.into_iter().flatten().map(complete).collect::<Vec<_>>() })
}

fn framing(good: &Good) -> Vec<Value> {
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "enrol_1", bytes);
    let told = |name: &str, bytes: &[u8]| good.person(name, 1, "committee_to_1", bytes);
    vec![
        at("bad_empty", &[]),
        at("bad_type_0", &[0]),
        at("bad_type_3_reserved", &[3]),
        at("bad_type_6", &[6]),
        at("bad_type_255", &[255]),
        at("bad_contribute_while_enrolling", &good.message("contribute_1")),
        at("bad_partial_while_enrolling", &good.message("partial_1")),
        at("bad_decline_while_enrolling", &[5, 4]),
        told("bad_empty_from_hospital", &[]),
        told("bad_type_8_reserved", &[8]),
        told("bad_type_11", &[11]),
        told("bad_acknowledge_truncated", &truncated(&good.message("acknowledge_to_1"))),
        told("bad_progress_phase_6", &changed(&good.message("progress_to_1"), 1, |_| 6)),
        told("bad_ended_reason_7", &[10, 7]),
        told("bad_ended_trailing_byte", &[10, 6, 0]),
        told("ended_too_few_enrolled", &[10, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        told("ended_called_off", &[10, 6]),
    ]
}

fn enrolments(good: &Good) -> Vec<Value> {
    let message = good.message("enrol_1");
    let (keys, body) = (keys_of(1), body(&message));
    let signed = |body: &[u8]| keys.signed_message(1, ENROL, body);
    let with_sealing_key = |key: &[u8]| {
        let len = u16::try_from(key.len()).expect("a short key").to_be_bytes();
        signed(&[&body[..64], &len, key].concat())
    };
    let neutral_point = {
        let mut point = [0; 32];
        point[0] = 1;
        point
    };
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "enrol_1", bytes);
    vec![
        at("bad_enrol_truncated", &truncated(&message)),
        at("bad_enrol_trailing_byte", &longer(&message)),
        at("bad_enrol_signature", &with_last_bit_flipped(&message)),
        at("bad_enrol_label", &keys.signed_message(1, CONTRIBUTE, &body)),
        at("bad_enrol_study", &signed(&flipped(&body, 0))),
        at("bad_enrol_body_trailing_byte", &signed(&longer(&body))),
        at(
            "bad_enrol_verifying_key_of_small_order",
            &signed(&[&body[..32], &neutral_point, &body[64..]].concat()),
        ),
        at(
            "bad_enrol_verifying_key_of_another",
            &signed(&[&body[..32], &keys_of(2).verifying(), &body[64..]].concat()),
        ),
        at("bad_enrol_sealing_key_short", &with_sealing_key(&body[66..97])),
        at("bad_enrol_sealing_key_of_small_order", &with_sealing_key(&[0; 32])),
        good.hospital("bad_enrol_keys_of_another", 2, "enrol_2", &message),
        good.hospital("bad_enrol_twice_with_other_keys", 1, "enrol_2", &good.message("enrol_2")),
        good.hospital("bad_enrol_sealing_key_of_another", 2, "enrol_2", &{
            let keys = keys_of(2);
            keys.signed_message(1, ENROL, &[&body[..32], &keys.verifying(), &body[64..]].concat())
        }),
        good.hospital("bad_enrol_while_contributing", 1, "contribute_1", &message),
        good.hospital("bad_enrol_while_aggregating", 1, "partial_1", &message),
    ]
}

fn contributions(good: &Good) -> Vec<Value> {
    let message = good.message("contribute_1");
    let keys = keys_of(1);
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "contribute_1", bytes);
    let from_visitor = [&[2, 2], keys.verifying().as_slice(), &message[3..]].concat();
    // Another contribution with a good signature.
    let another = {
        let shares = flipped(&message[67..], 0);
        let shares_hash = hash("wardsum v1 shares", &[&shares]);
        let digests = ["study_digest", "committee_digest"].map(|name| good.message(name));
        let parts: [&[u8]; 4] = [&digests[0], &digests[1], &keys.verifying(), &shares_hash];
        let digest = hash("wardsum v1 contribution", &parts);
        [&message[..3], &keys.sign(CONTRIBUTE, &[&digest]), &shares].concat()
    };
    vec![
        at("bad_contribute_truncated", &truncated(&message)),
        at("bad_contribute_trailing_byte", &longer(&message)),
        at("bad_contribute_header_only", &message[..2]),
        at("bad_contribute_signature", &flipped(&message, 3 + 20)),
        at("bad_contribute_share_altered", &flipped(&message, 3 + 64)),
        at("bad_contribute_sender_type_3", &changed(&message, 1, |_| 3)),
        at("bad_contribute_place_0", &changed(&message, 2, |_| 0)),
        at("bad_contribute_place_4", &changed(&message, 2, |_| 4)),
        at("bad_contribute_place_of_another", &changed(&message, 2, |_| 2)),
        at("bad_contribute_member_as_visitor", &from_visitor),
        at("bad_contribute_of_another_member", &good.message("contribute_2")),
        at("bad_partial_while_contributing", &good.message("partial_1")),
        at("bad_decline_while_contributing", &[5, 1]),
        good.hospital("bad_contribute_again_and_different", 1, "contribute_2", &another),
    ]
}

fn partials(good: &Good) -> Vec<Value> {
    let message = good.message("partial_1");
    let (keys, body) = (keys_of(1), body(&message));
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "partial_1", bytes);
    let signed = |body: &[u8]| keys.signed_message(4, PARTIAL, body);
    let unreduced = [&body[..97], &field::modulus().to_le_bytes()].concat();
    vec![
        at("bad_partial_truncated", &truncated(&message)),
        at("bad_partial_trailing_byte", &longer(&message)),
        at("bad_partial_signature", &with_last_bit_flipped(&message)),
        at("bad_partial_label", &keys.signed_message(4, ENROL, &body)),
        at("bad_partial_study", &signed(&flipped(&body, 0))),
        at("bad_partial_committee", &signed(&flipped(&body, 32))),
        at("bad_partial_manifest", &signed(&flipped(&body, 64))),
        at("bad_partial_place_0", &signed(&changed(&body, 96, |_| 0))),
        at("bad_partial_place_4", &signed(&changed(&body, 96, |_| 4))),
        at("bad_partial_unreduced", &signed(&unreduced)),
        at("bad_partial_of_another_member", &good.message("partial_2")),
        at("bad_decline_reason_0", &[5, 0]),
        at("bad_decline_reason_5", &[5, 5]),
        good.hospital(
            "bad_partial_again_and_different",
            1,
            "partial_2",
            &signed(&flipped(&body, 97)),
        ),
        good.hospital("bad_partial_after_the_result", 1, "published_to_1", &message),
    ]
}

fn welcomes(good: &Good) -> Vec<Value> {
    let message = good.message("welcome_to_1");
    let at = |name: &str, bytes: &[u8]| good.person(name, 1, "welcome_to_1", bytes);
    vec![
        at("bad_welcome_truncated", &truncated(&message)),
        at("bad_welcome_trailing_byte", &longer(&message)),
        at("bad_welcome_study_version_2", &changed(&message, 4, |_| 2)),
        at("bad_committee_before_welcome", &good.message("committee_to_1")),
        good.person("bad_welcome_twice", 1, "committee_to_1", &message),
    ]
}

fn committees(good: &Good) -> Vec<Value> {
    let message = good.message("committee_to_1");
    let enrolments: Vec<Vec<u8>> =
        (1..=3).map(|n| good.message(&format!("enrol_{n}"))[1..].to_vec()).collect();
    let committee = |members: &[&[u8]]| {
        let members = members.concat();
        let len = u32::try_from(members.len()).expect("few members").to_be_bytes();
        [&[4], &message[1..33], &len[1..], &members].concat()
    };
    let [one, two, three] = [&enrolments[0], &enrolments[1], &enrolments[2]].map(Vec::as_slice);
    let weak_key = {
        let keys = keys_of(2);
        let body = [&body(&good.message("enrol_2"))[..66], &[0; 32]].concat();
        keys.signed_message(1, ENROL, &body)[1..].to_vec()
    };
    let at = |name: &str, bytes: &[u8]| good.person(name, 1, "committee_to_1", bytes);
    vec![
        at("bad_committee_truncated", &truncated(&message)),
        at("bad_committee_trailing_byte", &longer(&message)),
        at("bad_committee_of_another_study", &flipped(&message, 1)),
        at("bad_committee_of_two", &committee(&[one, two])),
        at("bad_committee_with_a_member_twice", &committee(&[one, two, two])),
        at(
            "bad_committee_with_a_bad_signature",
            &committee(&[one, &with_last_bit_flipped(two), three]),
        ),
        at("bad_committee_with_a_sealing_key_of_small_order", &committee(&[one, &weak_key, three])),
        good.person("bad_committee_twice", 1, "deliver_0_to_1", &message),
    ]
}

fn deliveries(good: &Good) -> Vec<Value> {
    let message = good.message("deliver_0_to_2");
    let (sender, recipient) = (keys_of(1), keys_of(2));
    let info = good.message("hpke_info");
    let aad = good.message("hpke_aad_0_to_2");
    // A share that is sealed and signed as it should be, with any plaintext.
    let share = |aad: &[u8], plaintext: &[u8]| {
        let sealed = keys::seal(&recipient.sealing_public, &info, aad, plaintext);
        let signature = sender.sign(SHARE, &[&info, aad, &sealed]);
        [&message[..7], &sealed, &signature].concat()
    };
    let plaintext = good.message("share_0_to_2");
    let unreduced = [&plaintext[..48], &field::modulus().to_le_bytes()].concat();
    let for_another = good.message("hpke_aad_0_to_3");
    let rest = ["deliver_1_to_2", "deliver_2_to_2", "manifest_to_2"];
    let at = |name: &str, bytes: &[u8]| good.person(name, 2, "deliver_0_to_2", bytes);
    let declined =
        |name: &str, bytes: &[u8]| good.person_then(name, 2, "deliver_0_to_2", bytes, &rest);
    let visitor = [&message[..5], &[2], &sender.verifying(), &message[7..]].concat();
    // Person 1 a second time, as contribution 1.
    let second = changed(&message, 4, |_| 1);
    vec![
        declined("deliver_resealed", &share(&aad, &plaintext)),
        declined("bad_deliver_truncated", &truncated(&message)),
        declined("bad_deliver_trailing_byte", &longer(&message)),
        declined("bad_deliver_signature", &with_last_bit_flipped(&message)),
        declined("bad_deliver_ciphertext", &flipped(&message, 7 + 40)),
        declined("bad_deliver_sealed_for_another", &share(&for_another, &plaintext)),
        declined("bad_deliver_unreduced", &share(&aad, &unreduced)),
        declined(
            "bad_deliver_of_another_share",
            &[&message[..7], &good.message("deliver_0_to_3")[7..]].concat(),
        ),
        at("bad_deliver_header_only", &message[..5]),
        at("bad_deliver_place_0", &changed(&message, 6, |_| 0)),
        at("bad_deliver_place_4", &changed(&message, 6, |_| 4)),
        at("bad_deliver_member_as_visitor", &visitor),
        good.person("bad_deliver_number_twice", 2, "deliver_1_to_2", &message),
        good.person_then(
            "bad_deliver_sender_twice",
            2,
            "deliver_1_to_2",
            &second,
            &["deliver_2_to_2", "manifest_to_2"],
        ),
    ]
}

fn manifests(good: &Good) -> Vec<Value> {
    let message = good.message("manifest_to_1");
    let digests: Vec<Vec<u8>> =
        (0..3).map(|n| good.message(&format!("contribution_digest_{n}"))).collect();
    let manifest = |digests: &[&[u8]]| {
        let digests = digests.concat();
        let len = u32::try_from(digests.len()).expect("few contributions").to_be_bytes();
        [&[6], len.as_slice(), &digests].concat()
    };
    let [own, two, three] = [&digests[0], &digests[1], &digests[2]].map(Vec::as_slice);
    let at = |name: &str, bytes: &[u8]| good.person(name, 1, "manifest_to_1", bytes);
    vec![
        at("bad_manifest_truncated", &truncated(&message)),
        at("bad_manifest_trailing_byte", &longer(&message)),
        at("bad_manifest_length_33", &[&[6, 0, 0, 0, 33], own, &[0]].concat()),
        at("bad_manifest_without_own_answer", &manifest(&[three, two, three])),
        at("bad_manifest_with_own_answer_twice", &manifest(&[own, two, own])),
        at("bad_manifest_below_minimum", &manifest(&[own, two])),
        at("bad_manifest_with_an_undelivered_share", &manifest(&[own, two, three, two])),
        good.person("bad_manifest_before_the_last_share", 1, "deliver_2_to_1", &message),
        good.person("bad_manifest_twice", 1, "published_to_1", &manifest(&[own, three, two])),
        good.person(
            "bad_published_instead_of_manifest",
            1,
            "manifest_to_1",
            &good.message("published_to_1"),
        ),
        good.person(
            "bad_counted_to_a_member",
            1,
            "manifest_to_1",
            &[[7].as_slice(), &[0; 4], &[0, 0, 0, 3], &good.message("manifest_root"), &[0, 0]]
                .concat(),
        ),
    ]
}

fn inclusions(good: &Good) -> Vec<Value> {
    let message = good.message("counted_to_5");
    let at = |name: &str, bytes: &[u8]| good.person(name, 5, "counted_to_5", bytes);
    let path_len = 1 + 4 + 4 + 32;
    let shorter_path = {
        let mut bytes = message[..message.len() - 32].to_vec();
        bytes[path_len + 1] -= 32;
        bytes
    };
    vec![
        at("bad_counted_truncated", &truncated(&message)),
        at("bad_counted_path_altered", &flipped(&message, path_len + 2)),
        at("bad_counted_path_too_short", &shorter_path),
        at("bad_counted_path_of_33_bytes", &{
            let mut bytes =
                [&message[..path_len], &[0, 33], &message[path_len + 2..path_len + 34], &[0]]
                    .concat();
            bytes.truncate(path_len + 2 + 33);
            bytes
        }),
        at("bad_counted_number", &flipped(&message, 4)),
        at("bad_counted_number_beyond_the_size", &changed(&message, 4, |_| 6)),
        at("bad_counted_below_minimum", &changed(&message, 8, |_| 3)),
        at("bad_counted_root", &flipped(&message, 9)),
        good.hospital(
            "bad_contribute_over_the_connection_of_another",
            1,
            "contribute_5",
            &good.message("contribute_5"),
        ),
        at("bad_deliver_to_a_visitor", &good.message("deliver_0_to_1")),
        at("bad_manifest_to_a_visitor", &good.message("manifest_to_1")),
        at("bad_published_instead_of_counted", &good.message("published_to_5")),
    ]
}

fn publications(additive: &Good, shamir: &Good) -> Vec<Value> {
    let message = additive.message("published_to_1");
    let partials: Vec<Vec<u8>> =
        (1..=3).map(|n| additive.message(&format!("partial_{n}"))[1..].to_vec()).collect();
    let published = |partials: &[&[u8]]| {
        let partials = partials.concat();
        let len = u32::try_from(partials.len()).expect("few members").to_be_bytes();
        [&message[..53], &len[1..], &partials].concat()
    };
    let [one, two, three] = [&partials[0], &partials[1], &partials[2]].map(Vec::as_slice);
    let keys = keys_of(2);
    let lie = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body(&additive.message("partial_2"));
        change(&mut body);
        keys.signed_message(4, PARTIAL, &body)[1..].to_vec()
    };
    let unreduced = lie(&|body| body[97..].copy_from_slice(&[0xff; 16]));
    let other_manifest = lie(&|body| body[64] ^= 1);
    let other_value = lie(&|body| body[97] ^= 1);
    let impossible = lie(&|body| body[112] ^= 1);
    let at = |name: &str, bytes: &[u8]| additive.person(name, 1, "published_to_1", bytes);
    // A fourth partial aggregate that contradicts the first three.
    let contradiction = {
        let message = shamir.message("published_to_1");
        let mut body = body(&shamir.message("partial_3"));
        (body[96], body[97]) = (4, 7);
        let fourth = keys_of(4).signed_message(4, PARTIAL, &body)[1..].to_vec();
        let partials = [&message[56..], &fourth].concat();
        let len = u32::try_from(partials.len()).expect("few members").to_be_bytes();
        [&message[..53], &len[1..], &partials].concat()
    };
    vec![
        at("bad_published_truncated", &truncated(&message)),
        at("bad_published_trailing_byte", &longer(&message)),
        at("bad_published_sum", &flipped(&message, 52)),
        at("bad_published_size", &flipped(&message, 4)),
        at("bad_published_root", &flipped(&message, 5)),
        at("bad_published_signature", &published(&[one, two, &with_last_bit_flipped(three)])),
        at("bad_published_too_few", &published(&[one, three])),
        at("bad_published_duplicate", &published(&[one, two, two])),
        at("bad_published_unreduced", &published(&[one, &unreduced, three])),
        at("bad_published_for_another_manifest", &published(&[one, &other_manifest, three])),
        at("bad_published_partial_of_another_value", &published(&[one, &other_value, three])),
        at("bad_published_impossible_sum", &published(&[one, &impossible, three])),
        shamir.person("bad_published_contradiction", 1, "published_to_1", &contradiction),
        shamir.person(
            "bad_published_to_an_observer",
            7,
            "published_to_7",
            &flipped(&shamir.message("published_to_7"), 52),
        ),
    ]
}

/// Plays a case and notes what comes of it.
fn complete<'a>(mut case: Value, round: impl Fn(&str) -> &'a Value) -> Value {
    let vector = round(text(&case, "round"));
    let (person, before) = (number(&case, "person"), Some(text(&case, "before")));
    if text(&case, "to") == "hospital" {
        let mut hospital = rounds::replay_hospital(vector, before);
        hospital.message(person, bytes(&case, "hex"));
        assert_eq!(hospital.closed.len(), 1, "{} closes one connection", case["name"]);
        let (closed, refusal) = hospital.closed[0];
        assert_eq!(closed, person, "{} closes the connection that it came over", case["name"]);
        case["close_code"] = refusal.code().into();
        case["reason"] = refusal.to_string().into();
        return case;
    }
    let mut machine = rounds::replay_person(vector, person, before);
    machine.sent.clear();
    machine.message(bytes(&case, "hex"));
    for message in list(&case, "then") {
        machine.message(unhex(message.as_str().expect("a text")));
    }
    case["sends"] = machine.sent.iter().map(hex).collect();
    let failure = machine.peer.failure();
    case["failure"] = failure.map(|failure| failure.code()).into();
    case["text"] = failure.map(|failure| failure.to_string()).into();
    case
}

#[test]
fn bad_messages_are_refused_as_the_vectors_say() {
    if crate::writing() {
        return;
    }
    let files = ["additive-round", "shamir-round"].map(|name| (name, crate::load(name)));
    for case in list(&crate::load("refusals"), "cases") {
        let round = |name: &str| &files.iter().find(|file| file.0 == name).expect("a round").1;
        assert_eq!(&complete(case.clone(), round), case);
        // A bad message ends the peer's part, or makes it decline.
        let declines = case["sends"].as_array().is_some_and(|sends| {
            sends.iter().any(|sent| sent.as_str().is_some_and(|sent| sent.starts_with("05")))
        });
        let refused = case["close_code"].is_u64() || case["failure"].is_string() || declines;
        let expected = !text(case, "name").starts_with("deliver_");
        assert_eq!(refused, expected, "{}", case["name"]);
    }
}
