//! What comes to a peer and is refused, or comes again and changes nothing.

use serde_json::Value;
use wardsum_protocol::field;

use crate::keys::{self, behind_its_length, merkle_path};
use crate::refusals::{
    CONTRIBUTE, ENROL, Good, body, changed, flipped, keys_of, longer, partial, truncated,
    with_last_bit_flipped,
};

pub(crate) fn cases(additive: &Good, shamir: &Good, resumed: &Good) -> Vec<Value> {
    [
        framing(additive),
        welcomes(additive, resumed),
        committees(additive),
        other_committees(additive, resumed),
        deliveries(additive),
        manifests(additive, resumed),
        inclusions(additive, shamir),
        verdicts(additive, shamir, resumed),
        publications(additive, shamir),
    ]
    .concat()
}

fn framing(good: &Good) -> Vec<Value> {
    let told = |name: &str, bytes: &[u8]| good.person(name, 1, "committee_to_1", bytes);
    let progress = good.message("progress_to_1");
    vec![
        told("bad_empty_from_hospital", &[]),
        told("bad_type_12", &[12]),
        told("words_disputed", &[11, 0, 0, 0, 1]),
        told("bad_words_disputed_truncated", &[11, 0, 0, 0]),
        told("bad_acknowledge_truncated", &truncated(&good.message("acknowledge_to_1"))),
        told("bad_progress_truncated", &truncated(&progress)),
        told("bad_progress_phase_7", &changed(&progress, 1, |_| 7)),
        told("bad_ended_reason_9", &[10, 9]),
        told("bad_ended_trailing_byte", &[10, 6, 0]),
        told("ended_too_few_enrolled", &[10, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        told("ended_verifications_late", &[10, 7, 0, 0, 0, 2, 0, 0, 0, 3]),
        told("ended_too_few_valid", &[10, 8, 0, 0, 0, 2, 0, 0, 0, 3]),
        told("ended_called_off", &[10, 6]),
        told("acknowledge_of_something_else", &flipped(&good.message("acknowledge_to_1"), 1)),
    ]
}

fn welcomes(good: &Good, resumed: &Good) -> Vec<Value> {
    let message = good.message("welcome_to_1");
    let at = |name: &str, bytes: &[u8]| good.person(name, 1, "welcome_to_1", bytes);
    vec![
        at("bad_welcome_truncated", &truncated(&message)),
        at("bad_welcome_trailing_byte", &longer(&message)),
        at("bad_welcome_study_version_3", &changed(&message, 36, |_| 3)),
        at("bad_welcome_study_version_5", &changed(&message, 36, |_| 5)),
        at("bad_committee_before_welcome", &good.message("committee_to_1")),
        good.person("bad_welcome_twice", 1, "committee_to_1", &message),
        resumed.person("bad_welcome_to_another_study", 3, "welcome_to_3_2", &message),
    ]
}

/// A message like `message` with other members.
fn committee(message: &[u8], members: &[&[u8]]) -> Vec<u8> {
    let members = members.concat();
    let len = u32::try_from(members.len()).expect("few members").to_be_bytes();
    [&[4], &message[1..33], &len[1..], &members].concat()
}

fn committees(good: &Good) -> Vec<Value> {
    let message = good.message("committee_to_1");
    let enrolments: Vec<Vec<u8>> =
        (1..=3).map(|n| good.message(&format!("enrol_{n}"))[1..].to_vec()).collect();
    let committee = |members: &[&[u8]]| committee(&message, members);
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
        good.person("committee_again", 1, "deliver_0_to_1", &message),
    ]
}

/// Committees that would be good if there were not another one.
fn other_committees(good: &Good, resumed: &Good) -> Vec<Value> {
    let reversed = |good: &Good, members: u64| {
        let enrolments: Vec<Vec<u8>> = (1..=members)
            .rev()
            .map(|n| good.message(&format!("enrol_{n}"))[1..].to_vec())
            .collect();
        let enrolments: Vec<&[u8]> = enrolments.iter().map(Vec::as_slice).collect();
        committee(&good.message("committee_to_1"), &enrolments)
    };
    let other = reversed(resumed, 4);
    vec![
        good.person("bad_committee_changed", 1, "deliver_0_to_1", &reversed(good, 3)),
        resumed.person("bad_committee_changed_after_a_reload", 3, "committee_to_3_2", &other),
        resumed.person("bad_committee_changed_for_a_member", 2, "committee_to_2_2", &other),
        resumed.person("bad_committee_changed_for_a_visitor", 5, "committee_to_5_2", &other),
    ]
}

/// Person 1's contribution with another share for person 2, signed by person 1: its digest, and its delivery.
fn resigned(good: &Good, share: &[u8]) -> ([u8; 32], Vec<u8>) {
    let (message, sender) = (good.message("contribute_1"), keys_of(1));
    let shares = &message[3 + 64 + 1..];
    let mut shares: Vec<&[u8]> = shares.chunks(shares.len() / 3).collect();
    shares[1] = share;
    let digest = good.contribution_digest(&sender, &shares);
    let path = merkle_path(&shares, 1);
    let len = u16::try_from(path.len()).expect("two hashes").to_be_bytes();
    let head = &good.message("deliver_0_to_2")[..7];
    let signature = sender.sign(CONTRIBUTE, &[&digest]);
    (digest, [head, &signature, &len, &path, share].concat())
}

fn deliveries(good: &Good) -> Vec<Value> {
    let message = good.message("deliver_0_to_2");
    let (sender, recipient) = (keys_of(1), keys_of(2));
    let info = good.message("hpke_info");
    let aad = good.message("hpke_aad_0_to_2");
    let sealed =
        |aad: &[u8], plaintext: &[u8]| keys::seal(&recipient.sealing_public, &info, aad, plaintext);
    let plaintext = good.message("share_0_to_2");
    let last = plaintext.len() - 16;
    let unreduced = [&plaintext[..last], &field::modulus().to_le_bytes()].concat();
    let for_another = good.message("hpke_aad_0_to_3");
    let path_at = 7 + 64 + 2;
    let share_at = path_at + 64;
    // The sender has signed the share that comes, and the manifest counts it. If the member cannot read it, it
    // says so, and the verdict counts on it all the same.
    let signed = |name: &str, share: &[u8]| {
        let (digest, delivery) = resigned(good, share);
        let mut manifest = good.message("manifest_to_2");
        manifest[5..5 + 32].copy_from_slice(&digest);
        let [second, third, verdict] =
            ["deliver_1_to_2", "deliver_2_to_2", "verdict_to_2"].map(|name| good.message(name));
        let then = [second, third, manifest, verdict];
        good.person_then(name, 2, "deliver_0_to_2", &delivery, &then)
    };
    let at = |name: &str, bytes: &[u8]| good.person(name, 2, "deliver_0_to_2", bytes);
    let visitor = [&message[..5], &[2], &sender.verifying(), &message[7..]].concat();
    let path_of = |path: &[u8], share: &[u8]| {
        let len = u16::try_from(path.len()).expect("short").to_be_bytes();
        [&message[..7 + 64], &len, path, share].concat()
    };
    let (path, share) = (&message[path_at..share_at], &message[share_at..]);
    let to_another = good.message("deliver_0_to_3");
    // Person 1 a second time, as contribution 1.
    let second = changed(&message, 4, |_| 1);
    vec![
        signed("deliver_resealed", &sealed(&aad, &plaintext)),
        signed("bad_deliver_ciphertext", &flipped(share, 40)),
        signed("bad_deliver_sealed_for_another", &sealed(&for_another, &plaintext)),
        signed("bad_deliver_unreduced", &sealed(&aad, &unreduced)),
        // The sender's second contribution: the manifest counts the first.
        good.person_then(
            "bad_deliver_of_another_contribution",
            2,
            "deliver_0_to_2",
            &resigned(good, &sealed(&aad, &plaintext)).1,
            &["deliver_1_to_2", "deliver_2_to_2", "manifest_to_2"].map(|name| good.message(name)),
        ),
        at("bad_deliver_truncated", &truncated(&message)),
        at("bad_deliver_trailing_byte", &longer(&message)),
        at("bad_deliver_signature", &flipped(&message, 7 + 20)),
        at("bad_deliver_path", &flipped(&message, path_at)),
        at("bad_deliver_path_too_short", &path_of(&path[..32], share)),
        at("bad_deliver_path_too_long", &path_of(&[path, path].concat(), share)),
        at("bad_deliver_path_of_63_bytes", &path_of(&path[..63], share)),
        at("bad_deliver_no_path", &path_of(&[], share)),
        at("bad_deliver_share_altered", &flipped(&message, share_at + 40)),
        at(
            "bad_deliver_of_another_share",
            &[&message[..share_at], &to_another[share_at..]].concat(),
        ),
        at("bad_deliver_for_another_member", &to_another),
        at("bad_deliver_header_only", &message[..5]),
        at("bad_deliver_place_0", &changed(&message, 6, |_| 0)),
        at("bad_deliver_place_3", &changed(&message, 6, |_| 3)),
        at("bad_deliver_place_4", &changed(&message, 6, |_| 4)),
        at("bad_deliver_member_as_visitor", &visitor),
        good.person("bad_deliver_before_the_committee", 2, "committee_to_2", &message),
        good.person("deliver_again", 2, "deliver_1_to_2", &message),
        good.person(
            "deliver_number_beyond_the_maximum",
            2,
            "deliver_0_to_2",
            &[&message[..1], &1_000u32.to_be_bytes(), &message[5..]].concat(),
        ),
        good.person_then(
            "bad_deliver_sender_twice",
            2,
            "deliver_1_to_2",
            &second,
            &["deliver_2_to_2", "manifest_to_2"].map(|name| good.message(name)),
        ),
    ]
}

fn manifests(good: &Good, resumed: &Good) -> Vec<Value> {
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
        good.person("bad_manifest_before_the_committee", 1, "committee_to_1", &message),
        good.person("manifest_again", 1, "verdict_to_1", &message),
        good.person("bad_manifest_again_and_different", 1, "verdict_to_1", &manifest(&[own, two])),
        good.person("manifest_after_the_verdict", 1, "published_to_1", &message),
        good.person(
            "manifest_after_the_verdict_and_different",
            1,
            "published_to_1",
            &manifest(&[own, two]),
        ),
        resumed.person("bad_counted_changed_after_a_reload", 1, "manifest_to_1_2", &{
            // Contributions 0 to 3 alone; person 1's is number 3.
            let leaves = [0, 1, 2, 3].map(|n| resumed.message(&format!("leaf_hash_{n}")));
            let node = |left: &[u8], right: &[u8]| {
                use sha2::Digest as _;
                sha2::Sha256::digest([&[1], left, right].concat()).to_vec()
            };
            let left = node(&leaves[0], &leaves[1]);
            let root = node(&left, &node(&leaves[2], &leaves[3]));
            let head: [&[u8]; 3] = [&[7], &[0, 0, 0, 3], &[0, 0, 0, 4]];
            [&head.concat(), root.as_slice(), &[0, 64], &leaves[2], &left].concat()
        }),
        // A member that has answered one manifest comes back and is given another.
        resumed.person("bad_manifest_changed_after_a_reload", 1, "manifest_to_1_2", &{
            let digests: Vec<Vec<u8>> =
                (0..4).map(|n| resumed.message(&format!("contribution_digest_{n}"))).collect();
            manifest(&digests.iter().map(Vec::as_slice).collect::<Vec<_>>())
        }),
    ]
}

fn inclusions(additive: &Good, good: &Good) -> Vec<Value> {
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
        at("bad_manifest_to_a_visitor", &good.message("manifest_to_1")),
        at("deliver_to_a_visitor", &good.message("deliver_0_to_1")),
        good.person_then(
            "published_before_counted",
            5,
            "counted_to_5",
            &good.message("published_to_5"),
            &[good.message("counted_to_5")],
        ),
        good.person("counted_again", 5, "published_to_5", &message),
        additive.person("bad_counted_to_a_member", 1, "manifest_to_1", &{
            let root = additive.message("manifest_root");
            [[7].as_slice(), &[0; 4], &[0, 0, 0, 3], &root, &[0, 0]].concat()
        }),
        // As if so many others had answered that this member's partial aggregate is not needed.
        additive.person("counted_to_a_member", 1, "manifest_to_1", &{
            let values =
                ["manifest_root", "leaf_hash_1", "leaf_hash_2"].map(|n| additive.message(n));
            let [root, one, two] = &values;
            [[7].as_slice(), &[0; 4], &[0, 0, 0, 3], root, &[0, 64], one, two].concat()
        }),
        additive.person_then(
            "published_before_the_manifest",
            1,
            "manifest_to_1",
            &additive.message("published_to_1"),
            &[additive.message("manifest_to_1")],
        ),
    ]
}

/// A verdict, as a message.
fn verdict(members: &[u8], rejected: &[(u32, u8)]) -> Vec<u8> {
    let k = u8::try_from(members.len()).expect("few members");
    let rejected: Vec<u8> = rejected
        .iter()
        .flat_map(|(number, reason)| [number.to_be_bytes().as_slice(), &[*reason]].concat())
        .collect();
    let len = u32::try_from(rejected.len()).expect("few contributions").to_be_bytes();
    [&[8, k], members, &len, &rejected].concat()
}

fn verdicts(additive: &Good, shamir: &Good, resumed: &Good) -> Vec<Value> {
    let message = additive.message("verdict_to_1");
    let at = |name: &str, bytes: &[u8]| additive.person(name, 1, "verdict_to_1", bytes);
    // Six contributions, of which three would be enough, and places 1 to 3; person 1's number is 0.
    let of_six = |name: &str, members: &[u8], rejected: &[(u32, u8)]| {
        shamir.person(name, 1, "verdict_to_1", &verdict(members, rejected))
    };
    let good = [1, 2, 3];
    vec![
        at("bad_verdict_truncated", &truncated(&message)),
        at("bad_verdict_trailing_byte", &longer(&message)),
        at("bad_verdict_below_minimum", &verdict(&good, &[(1, 1)])),
        of_six("bad_verdict_members_out_of_order", &[2, 1, 3], &[]),
        of_six("bad_verdict_member_twice", &[1, 2, 3, 3], &[]),
        of_six("bad_verdict_member_0", &[0, 1, 2, 3], &[]),
        of_six("bad_verdict_member_5", &[1, 2, 3, 5], &[]),
        of_six("bad_verdict_too_few_members", &[1, 2], &[]),
        of_six("bad_verdict_contributions_out_of_order", &good, &[(2, 1), (1, 1)]),
        of_six("bad_verdict_contribution_twice", &good, &[(1, 1), (1, 2)]),
        of_six("bad_verdict_contribution_6", &good, &[(6, 1)]),
        of_six("bad_verdict_reason_0", &good, &[(1, 0)]),
        of_six("bad_verdict_reason_3", &good, &[(1, 3)]),
        of_six("bad_verdict_rejects_too_many", &good, &[(1, 1), (2, 1), (3, 2), (4, 2)]),
        // The member's own answer: with those of three others it helps all the same, and with fewer it stays to
        // see the result.
        of_six("verdict_rejects_own_answer", &good, &[(0, 2)]),
        of_six("bad_verdict_rejects_own_answer_and_another_member_s", &good, &[(0, 2), (1, 2)]),
        // Nothing is wrong with these.
        of_six("verdict_rejects_others", &good, &[(1, 1), (5, 2)]),
        of_six("verdict_without_this_member", &[2, 3, 4], &[]),
        additive.person("bad_verdict_before_the_manifest", 1, "manifest_to_1", &message),
        shamir.person("bad_verdict_to_a_visitor", 5, "counted_to_5", &verdict(&good, &[])),
        additive.person("verdict_again", 1, "published_to_1", &message),
        shamir.person(
            "verdict_again_and_different",
            1,
            "published_to_1",
            &verdict(&good, &[(1, 1)]),
        ),
        // A member that has answered one verdict comes back and is given another.
        resumed.person(
            "bad_verdict_changed_after_a_reload",
            1,
            "verdict_to_1_2",
            &verdict(&[1, 2, 3, 4], &[(4, 1)]),
        ),
    ]
}

/// What a member gave, of which nothing is suppressed.
fn shown(message: &[u8]) -> Vec<u8> {
    [&message[1..], &[0; 3]].concat()
}

fn publications(additive: &Good, shamir: &Good) -> Vec<Value> {
    let message = additive.message("published_to_1");
    let partials: Vec<Vec<u8>> =
        (1..=3).map(|n| shown(&additive.message(&format!("partial_{n}")))).collect();
    // Type, size, root, verdict of 8 bytes, a cell of 17 behind its length; then the partial aggregates.
    let published =
        |partials: &[&[u8]]| [&message[..65], &behind_its_length(&partials.concat())].concat();
    let [one, two, three] = [&partials[0], &partials[1], &partials[2]].map(Vec::as_slice);
    let verdict_digest = additive.message("verdict_digest");
    let opening = additive.message("opening_2_0");
    let lie = |openings: &[u8]| shown(&partial(2, &verdict_digest, 2, openings));
    let unreduced = lie(&[&opening[..16], &[0xff; 16]].concat());
    let other_verdict = shown(&partial(2, &flipped(&verdict_digest, 0), 2, &opening));
    let other_value = lie(&flipped(&opening, 16));
    let impossible = lie(&flipped(&opening, 31));
    let other_salt = flipped(two, two.len() - 3 - 32);
    let unsigned = flipped(two, two.len() - 3 - 16);
    let hidden = {
        let digest = keys::element_digest(&verdict_digest, 2, 0, &opening);
        [&two[..2 + 65 + 64], &[0; 3], behind_its_length(&digest).as_slice()].concat()
    };
    // A hospital that hides more than it has to, in all partial aggregates.
    let all_hidden = {
        let partials = (1..=3).flat_map(|n| {
            let opening = additive.message(&format!("opening_{n}_0"));
            let digest = keys::element_digest(&verdict_digest, n, 0, &opening);
            let signed = &partials[usize::from(n) - 1][..2 + 65 + 64];
            [signed, &[0; 3], behind_its_length(&digest).as_slice()].concat()
        });
        let partials: Vec<u8> = partials.collect();
        [&message[..45], &[0, 0, 1, 0], behind_its_length(&partials).as_slice()].concat()
    };
    let at = |name: &str, bytes: &[u8]| additive.person(name, 1, "published_to_1", bytes);
    let rejecting = |rejected: &[(u32, u8)]| {
        let verdict = &verdict(&[1, 2, 3], rejected)[1..];
        [&message[..37], verdict, &message[45..]].concat()
    };
    vec![
        at("bad_published_truncated", &truncated(&message)),
        at("bad_published_trailing_byte", &longer(&message)),
        at("bad_published_number", &flipped(&message, 49)),
        at(
            "bad_published_number_unreduced",
            &[&message[..49], &[0xff; 16], &message[65..]].concat(),
        ),
        at("bad_published_cell_of_type_2", &changed(&message, 48, |_| 2)),
        at("bad_published_without_a_cell", &[&message[..45], &[0; 3], &message[65..]].concat()),
        at("bad_published_two_cells", &{
            let cells = behind_its_length(&[&message[48..65], &message[48..65]].concat());
            [&message[..45], &cells, &message[65..]].concat()
        }),
        at("bad_published_cell_hidden_and_its_elements_shown", &{
            [&message[..45], &[0, 0, 1, 0], &message[65..]].concat()
        }),
        at("published_with_all_hidden", &all_hidden),
        at("bad_published_size", &flipped(&message, 4)),
        at("bad_published_root", &flipped(&message, 5)),
        at("bad_published_signature", &published(&[one, two, &flipped(three, 2 + 65 + 64 - 10)])),
        at("bad_published_too_few", &published(&[one, three])),
        at("bad_published_duplicate", &published(&[one, two, two])),
        at("bad_published_element_not_signed", &published(&[one, &unsigned, three])),
        at("bad_published_salt_not_signed", &published(&[one, &other_salt, three])),
        at("bad_published_element_of_one_hidden", &published(&[one, &hidden, three])),
        at("bad_published_unreduced", &published(&[one, &unreduced, three])),
        at("bad_published_for_another_verdict", &published(&[one, &other_verdict, three])),
        at("bad_published_partial_of_another_value", &published(&[one, &other_value, three])),
        at("bad_published_impossible_sum", &published(&[one, &impossible, three])),
        at("bad_published_verdict_below_minimum", &rejecting(&[(1, 1)])),
        at("bad_published_verdict_out_of_order", &rejecting(&[(1, 1), (0, 1)])),
        shamir.person("bad_published_another_verdict_than_was_told", 1, "published_to_1", &{
            let message = shamir.message("published_to_1");
            [&message[..37], &verdict(&[1, 2, 3], &[(1, 1)])[1..], &message[45..]].concat()
        }),
        shamir.person("bad_published_another_verdict_to_a_visitor", 5, "published_to_5", &{
            let message = shamir.message("published_to_5");
            [&message[..37], &verdict(&[1, 2, 3], &[(1, 1)])[1..], &message[45..]].concat()
        }),
        shamir.person("bad_published_contradiction", 5, "published_to_5", &contradiction(shamir)),
        shamir.person(
            "bad_published_to_an_observer",
            7,
            "published_to_7",
            &flipped(&shamir.message("published_to_7"), 49),
        ),
    ]
}

/// To somebody who was told no verdict: with a fourth partial aggregate that contradicts the first three.
fn contradiction(shamir: &Good) -> Vec<u8> {
    let message = shamir.message("published_to_5");
    let verdict = &verdict(&[1, 2, 3, 4], &[])[1..];
    let manifest = shamir.message("manifest_digest");
    let digest = keys::hash("wardsum v1 verdict", &[&manifest, verdict]);
    let partials: Vec<u8> = (1..=4)
        .flat_map(|person| {
            let value = match person {
                4 => vec![7; 16],
                _ => shamir.message(&format!("partial_value_{person}")),
            };
            let place = u8::try_from(person).expect("few members");
            let entropy = [place; 32];
            let openings = keys::openings(&entropy, &digest, place, &value);
            shown(&partial(person, &digest, place, &openings))
        })
        .collect();
    [&message[..37], verdict, &message[45..65], &behind_its_length(&partials)].concat()
}
