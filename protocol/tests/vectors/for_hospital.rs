//! What comes to the hospital and is refused, or comes again and counts once.

use serde_json::Value;
use wardsum_protocol::field;

use crate::keys::behind_its_length;
use crate::refusals::{
    CONTRIBUTE, ENROL, Good, IDENTIFY, NEWCOMERS_CHALLENGE, PARTIAL, VERIFICATION, body, changed,
    flipped, keys_of, longer, partial, truncated, with_last_bit_flipped,
};

pub(crate) fn cases(additive: &Good, shamir: &Good) -> Vec<Value> {
    [
        framing(additive),
        identifications(additive),
        enrolments(additive),
        contributions(additive),
        verifications(additive),
        partials(additive, shamir),
        declines(additive, shamir),
        receipts(additive, shamir),
        goodbyes(additive),
        latecomers(shamir),
    ]
    .concat()
}

/// A point of small order, as a public key of either kind.
fn neutral_point() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

fn framing(good: &Good) -> Vec<Value> {
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "enrol_1", bytes);
    vec![
        at("bad_empty", &[]),
        at("bad_type_0", &[0]),
        at("bad_type_10", &[10]),
        at("bad_words_differ_while_enrolling", &[9]),
        at("bad_words_differ_trailing_byte", &[9, 0]),
        at("bad_type_255", &[255]),
        at("bad_contribute_while_enrolling", &good.message("contribute_1")),
        at("bad_partial_while_enrolling", &good.message("partial_1")),
        at("bad_verification_while_enrolling", &good.message("verification_1")),
        at("bad_decline_while_enrolling", &[5, 3]),
    ]
}

fn identifications(good: &Good) -> Vec<Value> {
    let message = good.message("identify_1");
    let (keys, body) = (keys_of(1), body(&message));
    let signed = |body: &[u8]| keys.signed_message(6, IDENTIFY, body);
    let with_key = |key: &[u8; 32]| signed(&[&body[..64], key, &body[96..]].concat());
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "identify_1", bytes);
    vec![
        at("bad_empty_before_identifying", &[]),
        at("bad_enrol_before_identifying", &good.message("enrol_1")),
        at("bad_received_before_identifying", &[7, 0, 0, 0, 0]),
        at("bad_leave_before_identifying", &[8]),
        at("bad_identify_truncated", &truncated(&message)),
        at("bad_identify_trailing_byte", &longer(&message)),
        at("bad_identify_body_truncated", &signed(&truncated(&body))),
        at("bad_identify_body_trailing_byte", &signed(&longer(&body))),
        at("bad_identify_signature", &with_last_bit_flipped(&message)),
        at("bad_identify_label", &keys.signed_message(6, ENROL, &body)),
        at("bad_identify_study", &signed(&flipped(&body, 0))),
        at("bad_identify_challenge", &signed(&flipped(&body, 32))),
        at("bad_identify_verifying_key_of_small_order", &with_key(&neutral_point())),
        at("bad_identify_verifying_key_of_another", &with_key(&keys_of(2).verifying())),
        good.hospital("bad_identify_over_another_connection", 2, "identify_2", &message),
        good.hospital(
            "bad_identify_as_somebody_else_too",
            1,
            "enrol_1",
            &keys_of(2).signed_message(6, IDENTIFY, &{
                [&body[..64], &keys_of(2).verifying(), &body[96..]].concat()
            }),
        ),
        good.hospital("identify_again", 1, "enrol_1", &message),
        good.newcomer(
            "replaced_by_a_second_connection",
            "contribute_2",
            &[],
            &good.identify(1, &NEWCOMERS_CHALLENGE, 0),
        ),
        Good::after_a_newcomer(
            good.hospital(
                "bad_identify_later_than_over_a_newer_connection",
                2,
                "identify_2",
                &good.message("identify_2"),
            ),
            &[good.identify(2, &NEWCOMERS_CHALLENGE, 0)],
        ),
        good.newcomer(
            "replaced_by_a_second_connection_that_holds_all",
            "contribute_2",
            &[],
            &good.identify(1, &NEWCOMERS_CHALLENGE, u32::MAX),
        ),
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
            &signed(&[&body[..32], &neutral_point(), &body[64..]].concat()),
        ),
        at(
            "bad_enrol_verifying_key_of_another",
            &signed(&[&body[..32], &keys_of(2).verifying(), &body[64..]].concat()),
        ),
        at("bad_enrol_sealing_key_short", &with_sealing_key(&body[66..97])),
        at("bad_enrol_sealing_key_of_small_order", &with_sealing_key(&[0; 32])),
        good.hospital("bad_enrol_of_another_peer", 1, "enrol_2", &good.message("enrol_2")),
        good.hospital(
            "bad_enrol_again_and_different",
            1,
            "enrol_2",
            &with_sealing_key(&keys_of(4).sealing_public),
        ),
        good.hospital("bad_enrol_sealing_key_of_another", 2, "enrol_2", &{
            let keys = keys_of(2);
            keys.signed_message(1, ENROL, &[&body[..32], &keys.verifying(), &body[64..]].concat())
        }),
        good.hospital("enrol_again", 1, "enrol_2", &message),
        good.hospital("enrol_while_contributing", 1, "contribute_1", &message),
        good.hospital("enrol_while_verifying", 1, "verification_1", &message),
        good.hospital("enrol_while_aggregating", 1, "partial_1", &message),
        good.hospital("enrol_after_the_result", 1, "published_to_1", &message),
    ]
}

fn contributions(good: &Good) -> Vec<Value> {
    let message = good.message("contribute_1");
    let keys = keys_of(1);
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "contribute_1", bytes);
    let from_visitor = [&[2, 2], keys.verifying().as_slice(), &message[3..]].concat();
    // Another contribution with a good signature.
    let another = {
        let shares = flipped(&message[68..], 0);
        good.contribution(&keys, &message[..3], &shares, 3)
    };
    vec![
        at("bad_contribute_truncated", &truncated(&message)),
        at("bad_contribute_trailing_byte", &longer(&message)),
        at("bad_contribute_header_only", &message[..2]),
        at("bad_contribute_signature", &flipped(&message, 3 + 20)),
        at("bad_contribute_share_altered", &flipped(&message, 3 + 64 + 1)),
        at("bad_contribute_of_2_shares", &changed(&message, 3 + 64, |_| 2)),
        at("bad_contribute_of_no_shares", &changed(&message, 3 + 64, |_| 0)),
        at("bad_contribute_of_2_shares_signed", &{
            let shares = &message[68..];
            good.contribution(&keys, &message[..3], &shares[..shares.len() / 3 * 2], 2)
        }),
        at("bad_contribute_sender_type_3", &changed(&message, 1, |_| 3)),
        at("bad_contribute_place_0", &changed(&message, 2, |_| 0)),
        at("bad_contribute_place_4", &changed(&message, 2, |_| 4)),
        at("bad_contribute_place_of_another", &changed(&message, 2, |_| 2)),
        at("bad_contribute_member_as_visitor", &from_visitor),
        at("bad_contribute_of_another_member", &good.message("contribute_2")),
        at("bad_verification_while_contributing", &good.message("verification_1")),
        at("bad_partial_while_contributing", &good.message("partial_1")),
        at("bad_decline_while_contributing", &[5, 1]),
        good.hospital("bad_contribute_again_and_different", 1, "contribute_2", &another),
        good.hospital("bad_contribute_different_after_the_result", 1, "published_to_1", &another),
        good.hospital("contribute_again", 1, "contribute_2", &message),
        good.hospital("contribute_again_while_verifying", 1, "verification_1", &message),
        good.hospital("contribute_again_while_aggregating", 1, "partial_1", &message),
        good.hospital("contribute_again_after_the_result", 1, "published_to_1", &message),
    ]
}

fn verifications(good: &Good) -> Vec<Value> {
    let message = good.message("verification_1");
    let (keys, body) = (keys_of(1), body(&message));
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "verification_1", bytes);
    let signed = |body: &[u8]| keys.signed_message(3, VERIFICATION, body);
    // Manifest, place, first number, length, then a finding of 49 bytes for each contribution.
    let with_findings = |findings: &[u8]| {
        let len = u16::try_from(findings.len()).expect("few findings").to_be_bytes();
        signed(&[&body[..37], &len, findings].concat())
    };
    let findings = &body[39..];
    let unreduced = [&findings[..1], &field::modulus().to_le_bytes(), &findings[17..]].concat();
    let unreadable = [&[2], &findings[49..]].concat();
    vec![
        at("bad_verification_truncated", &truncated(&message)),
        at("bad_verification_trailing_byte", &longer(&message)),
        at("bad_verification_body_trailing_byte", &signed(&longer(&body))),
        at("bad_verification_signature", &with_last_bit_flipped(&message)),
        at("bad_verification_label", &keys.signed_message(3, PARTIAL, &body)),
        at("bad_verification_manifest", &signed(&flipped(&body, 0))),
        at("bad_verification_place_0", &signed(&changed(&body, 32, |_| 0))),
        at("bad_verification_place_4", &signed(&changed(&body, 32, |_| 4))),
        at("bad_verification_of_a_later_piece", &signed(&changed(&body, 35, |_| 4))),
        at("bad_verification_from_number_1_on", &signed(&changed(&body, 36, |_| 1))),
        at("bad_verification_without_findings", &with_findings(&[])),
        at("bad_verification_too_few_findings", &with_findings(&findings[49..])),
        at("bad_verification_too_many_findings", &with_findings(&[findings, &[2]].concat())),
        at("bad_verification_finding_of_type_3", &with_findings(&changed(findings, 0, |_| 3))),
        at("bad_verification_unreduced", &with_findings(&unreduced)),
        at("bad_verification_of_another_member", &good.message("verification_2")),
        at("bad_partial_while_verifying", &good.message("partial_1")),
        at("verification_unreadable", &with_findings(&unreadable)),
        good.hospital(
            "bad_verification_again_and_different",
            1,
            "verification_2",
            &with_findings(&unreadable),
        ),
        good.hospital("verification_again", 1, "verification_2", &message),
        good.hospital("verification_while_aggregating", 1, "partial_1", &message),
        good.hospital("verification_after_the_result", 1, "published_to_1", &message),
    ]
}

fn partials(good: &Good, shamir: &Good) -> Vec<Value> {
    let message = good.message("partial_1");
    let keys = keys_of(1);
    // The signed body of 65 bytes stands behind type and length, and before its signature and the element with its salt.
    let body = message[3..3 + 65].to_vec();
    let at = |name: &str, bytes: &[u8]| good.hospital(name, 1, "partial_1", bytes);
    let opening = &message[message.len() - 32..];
    let signed = |label: &str, body: &[u8]| {
        [keys.signed_message(4, label, body), behind_its_length(opening)].concat()
    };
    let with_openings = |openings: &[u8]| partial(1, &body[..32], 1, openings);
    // Person 4 has left, and the verdict does without it.
    let left_out = partial(4, &shamir.message("verdict_digest"), 4, opening);
    vec![
        at("bad_partial_truncated", &truncated(&message)),
        at("bad_partial_trailing_byte", &longer(&message)),
        at("bad_partial_signature", &flipped(&message, 3 + 65 + 64 - 10)),
        at("bad_partial_label", &signed(ENROL, &body)),
        at("bad_partial_verdict", &signed(PARTIAL, &flipped(&body, 0))),
        at("bad_partial_place_0", &signed(PARTIAL, &changed(&body, 32, |_| 0))),
        at("bad_partial_place_4", &signed(PARTIAL, &changed(&body, 32, |_| 4))),
        at("bad_partial_body_trailing_byte", &signed(PARTIAL, &longer(&body))),
        at("bad_partial_of_another_element", &flipped(&message, message.len() - 16)),
        at("bad_partial_of_another_digest", &signed(PARTIAL, &flipped(&body, 33))),
        at("bad_partial_of_another_salt", &flipped(&message, message.len() - 32)),
        at("bad_partial_unreduced", &{
            with_openings(&[&opening[..16], &field::modulus().to_le_bytes()].concat())
        }),
        at("bad_partial_without_a_value", &with_openings(&[])),
        at("bad_partial_of_two_values", &with_openings(&[opening, opening].concat())),
        at("bad_partial_of_33_bytes", &with_openings(&longer(opening))),
        at("bad_partial_without_a_salt", &with_openings(&opening[16..])),
        at("bad_partial_of_another_member", &good.message("partial_2")),
        shamir.newcomer(
            "bad_partial_of_a_member_that_is_left_out",
            "partial_1",
            &[shamir.identify(4, &NEWCOMERS_CHALLENGE, u32::MAX)],
            &left_out,
        ),
        good.hospital(
            "bad_partial_again_and_different",
            1,
            "partial_2",
            &with_openings(&flipped(opening, 16)),
        ),
        good.hospital("partial_again", 1, "partial_2", &message),
        good.hospital("partial_after_the_result", 1, "published_to_1", &message),
    ]
}

fn declines(additive: &Good, shamir: &Good) -> Vec<Value> {
    let at = |name: &str, bytes: &[u8]| additive.hospital(name, 1, "partial_1", bytes);
    vec![
        at("bad_decline_reason_0", &[5, 0]),
        at("bad_decline_reason_4", &[5, 4]),
        shamir.hospital("bad_decline_by_a_visitor", 5, "partial_1", &[5, 1]),
        shamir.hospital("decline_while_verifying", 1, "verification_1", &[5, 2]),
        shamir.hospital("decline", 1, "partial_1", &[5, 3]),
        additive.hospital("decline_after_the_partial_aggregate", 1, "partial_2", &[5, 3]),
    ]
}

fn receipts(additive: &Good, shamir: &Good) -> Vec<Value> {
    let at = |name: &str, bytes: &[u8]| additive.hospital(name, 1, "contribute_2", bytes);
    vec![
        at("bad_received_truncated", &[7, 0, 0, 0]),
        at("bad_received_trailing_byte", &[7, 0, 0, 0, 1, 0]),
        at("received", &[7, 0, 0, 0, 1]),
        at("received_more_than_was_sent", &[7, 0, 0, 0, 200]),
        additive.hospital("received_while_enrolling", 1, "enrol_1", &[7, 0, 0, 0, 1]),
        shamir.hospital("received_by_a_visitor", 5, "contribute_5", &[7, 0, 0, 0, 1]),
    ]
}

fn goodbyes(good: &Good) -> Vec<Value> {
    vec![
        good.hospital("bad_leave_trailing_byte", 1, "enrol_1", &[8, 0]),
        good.hospital("leave_before_enrolling", 1, "enrol_1", &[8]),
        good.hospital("leave_while_enrolling", 1, "enrol_3", &[8]),
        // Three of three are needed: the round ends.
        good.hospital("leave_below_the_threshold", 1, "contribute_2", &[8]),
        good.hospital("leave_after_the_verification", 1, "verification_2", &[8]),
        good.hospital("leave_after_the_partial_aggregate", 1, "partial_2", &[8]),
    ]
}

/// Somebody who contributes when nothing is counted any more.
fn latecomers(good: &Good) -> Vec<Value> {
    let keys = keys_of(7);
    let shares = &good.message("contribute_5")[99..];
    let head = [&[2, 2], keys.verifying().as_slice()].concat();
    let message = good.contribution(&keys, &head, shares, 4);
    let first = [good.identify(7, &NEWCOMERS_CHALLENGE, 0)];
    vec![
        good.hospital(
            "bad_contribute_over_the_connection_of_another",
            1,
            "contribute_5",
            &good.message("contribute_5"),
        ),
        good.newcomer("contribute_in_time", "contribute_6", &first, &message),
        good.newcomer("bad_contribute_after_the_manifest", "verification_1", &first, &message),
        good.newcomer("bad_contribute_after_the_verdict", "partial_1", &first, &message),
        good.newcomer("bad_contribute_after_the_result", "welcome_to_7", &first, &message),
    ]
}
