//! What stands behind the messages of a round: keys, digests, opened shares and sums, computed
//! from the messages alone, as the document says and without the implementation's help.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use wardsum_protocol::Study;
use wardsum_protocol::field::{Field, SecretVector};
use wardsum_protocol::sharing::{Share, ShareIndex};

use crate::conversation::{self, Sent};
use crate::json::{array, bytes, hex, number};
use crate::keys::{Keys, hash, labelled, merkle_root};
use crate::validity::{Circuit, encode, weights};

/// What is explained, by name.
pub(crate) type Explained = Map<String, Value>;

/// The people of a round.
pub(crate) struct People {
    /// What the file says about them.
    pub(crate) people: Value,
    pub(crate) keys: BTreeMap<u64, Keys>,
}

impl People {
    pub(crate) fn derive(people: &[Value], suite: u8) -> Self {
        let keys: BTreeMap<u64, Keys> = people
            .iter()
            .map(|person| {
                (number(person, "person"), Keys::derive(&array(person, "entropy"), suite))
            })
            .collect();
        let people = people
            .iter()
            .map(|person| {
                let keys = &keys[&number(person, "person")];
                json!({
                    "person": person["person"], "entropy": person["entropy"], "answer": person["answer"],
                    "signing_key": hex(keys.signing.to_bytes()),
                    "verifying_key": hex(keys.verifying()),
                    "sealing_private_key": hex(&keys.sealing_private),
                    "sealing_public_key": hex(&keys.sealing_public),
                })
            })
            .collect();
        Self { people, keys }
    }
}

/// Explains a round in which person `i` of the first `k` has place `i` on the committee.
pub(crate) fn explain(round: &Value, people: &People) -> Explained {
    let sent = conversation::messages(round);
    conversation::check(round, &sent);
    let study = Study::decode(&bytes(round, "study")).expect("the study is admissible");
    let of = |way: &str, kind: u8| {
        let way = way.to_owned();
        sent.iter().filter(move |sent| sent.way == way && sent.bytes[0] == kind)
    };
    let committee = &of("down", 4).next().expect("there is a committee").bytes[1..];
    let mut explained = Explained::new();
    let mut note = |name: &str, bytes: &[u8]| {
        explained.insert(name.to_owned(), hex(bytes).into());
    };

    let study_digest = hash("wardsum v1 study", &[study.encode()]);
    let committee_digest = hash("wardsum v1 committee", &[committee]);
    let info = labelled("wardsum v1 sealed share", &[&study_digest, &committee_digest]);
    note("study_digest", &study_digest);
    note("committee", committee);
    note("committee_digest", &committee_digest);
    note("hpke_info", &info);
    for (connection, body) in conversation::identifications(round, &sent, people, &study) {
        let signed = labelled("wardsum v1 sign identification", &[&body]);
        note(&format!("signed_identification_{connection}"), &signed);
    }
    for Sent { person, bytes, .. } in of("up", 1) {
        let body = &bytes[3..bytes.len() - 64];
        note(
            &format!("signed_enrolment_{person}"),
            &labelled("wardsum v1 sign enrolment", &[body]),
        );
    }

    // Contributions, in the order in which they reach the hospital.
    let weights = weights(study.min(), study.max());
    let circuit = Circuit { len: weights.len() };
    let share_len = study.sealed_share_len();
    let mut leaves = Vec::new();
    let mut digests = BTreeMap::new();
    let mut shares: BTreeMap<(u32, u64), SecretVector> = BTreeMap::new();
    let mut scheme = None;
    let mut senders = BTreeSet::new();
    let contributions = of("up", 2).filter(|sent| senders.insert(sent.person));
    for (index, Sent { person, bytes, .. }) in (0..).zip(contributions) {
        let keys = &people.keys[person];
        let header = if bytes[1] == 1 { 3 } else { 34 };
        let sealed_shares = &bytes[header + 64..];
        let k = sealed_shares.len() / share_len;
        let shares_hash = hash("wardsum v1 shares", &[sealed_shares]);
        let digest = hash(
            "wardsum v1 contribution",
            &[&study_digest, &committee_digest, &keys.verifying(), &shares_hash],
        );
        note(&format!("shares_hash_{index}"), &shares_hash);
        note(&format!("contribution_digest_{index}"), &digest);
        let leaf: [u8; 64] = [keys.verifying(), digest].concat().try_into().expect("64 bytes");
        note(&format!("leaf_hash_{index}"), &merkle_root(&[leaf]));
        leaves.push(leaf);
        digests.insert(*person, digest);

        let mut plaintexts = Vec::new();
        for (member, sealed) in (1..).zip(sealed_shares.chunks(share_len)) {
            let recipient = &people.keys[&member];
            let aad = [keys.verifying().as_slice(), &recipient.verifying(), &[1]].concat();
            let sealed = &sealed[..share_len - 64];
            let opened = recipient.open(&info, &aad, sealed);
            let to = format!("{index}_to_{member}");
            note(&format!("hpke_aad_{to}"), &aad);
            note(&format!("share_{to}"), &opened);
            let values =
                SecretVector::decode(&opened, circuit.proven_len()).expect("reduced elements");
            shares.insert((index, member), values.clone());
            let index =
                ShareIndex::new(u8::try_from(member).expect("few members")).expect("from 1 on");
            plaintexts.push(Share { index, values });
        }
        let shared = study.scheme(u8::try_from(k).expect("few members"));
        let combined = shared.combine(&plaintexts).expect("the shares of an answer agree");
        let (bits, proof) = combined.secret.elements().split_at(circuit.len);
        note(&format!("bits_{index}"), &encode(bits));
        note(&format!("proof_{index}"), &encode(proof));
        scheme = Some(shared);
    }

    conversation::check_acknowledgements(&sent, &digests);
    let scheme = scheme.expect("somebody has contributed");
    let size = u32::try_from(leaves.len()).expect("few leaves");
    let root = merkle_root(&leaves);
    note("manifest_root", &root);
    let parts: [&[u8]; 4] = [&study_digest, &committee_digest, &size.to_be_bytes(), &root];
    let manifest_digest = hash("wardsum v1 manifest", &parts);
    note("manifest_digest", &manifest_digest);

    // What each member finds about each contribution.
    let mut findings: BTreeMap<(u32, u64), Vec<u8>> = BTreeMap::new();
    let mut valid = BTreeMap::new();
    for (index, leaf) in (0u32..).zip(&leaves) {
        let seed = hash("wardsum v1 query", &[&manifest_digest, &leaf[32..]]);
        let randomness = circuit.query_randomness(seed);
        note(&format!("query_randomness_{index}"), &encode(&randomness));
        let mut verifiers = Vec::new();
        for member in 1..=u64::from(scheme.shares()) {
            let share = shares[&(index, member)].elements();
            let verifier = circuit.query(share, &randomness);
            note(&format!("verifier_share_{index}_to_{member}"), &encode(&verifier));
            findings.insert((index, member), encode(&verifier));
            let place = u8::try_from(member).expect("few members");
            let place = ShareIndex::new(place).expect("from 1 on");
            verifiers.push(Share { index: place, values: SecretVector::new(verifier.to_vec()) });
        }
        let verifier = scheme.combine(&verifiers).expect("the query is linear").secret;
        note(&format!("verifier_{index}"), &encode(verifier.elements()));
        valid.insert(index, circuit.decide(verifier.elements()));
    }
    for Sent { person, bytes, .. } in of("up", 3) {
        let body = signed_body(bytes);
        let found: Vec<u8> = (0..size)
            .flat_map(|index| [[1].as_slice(), &findings[&(index, *person)]].concat())
            .collect();
        let place = u8::try_from(*person).expect("few members");
        let len = u16::try_from(found.len()).expect("few contributions").to_be_bytes();
        let expected =
            [manifest_digest.as_slice(), &[place], &0u32.to_be_bytes(), &len, &found].concat();
        assert_eq!(body, expected, "a member says what it finds");
        let signed = labelled("wardsum v1 sign verification", &[body]);
        note(&format!("signed_verification_{person}"), &signed);
    }

    // The verdict follows from what was found.
    let verdict = &of("down", 8).next().expect("there is a verdict").bytes[1..];
    let verified: BTreeSet<u64> = of("up", 3).map(|sent| sent.person).collect();
    let members: Vec<u8> =
        verified.iter().map(|member| u8::try_from(*member).expect("few members")).collect();
    let rejected: Vec<u8> = (0..size)
        .filter(|index| !valid[index])
        .flat_map(|index| [index.to_be_bytes().as_slice(), &[1]].concat())
        .collect();
    let k = u8::try_from(members.len()).expect("few members");
    let len = u32::try_from(rejected.len()).expect("few contributions").to_be_bytes();
    let expected = [[k].as_slice(), &members, &len, &rejected].concat();
    assert_eq!(verdict, expected, "the verdict follows from what the members find");
    for Sent { bytes, .. } in of("down", 8) {
        assert_eq!(&bytes[1..], verdict, "everybody is told the same verdict");
    }
    let verdict_digest = hash("wardsum v1 verdict", &[&manifest_digest, verdict]);
    note("verdict_digest", &verdict_digest);

    let mut values = BTreeMap::new();
    for member in 1..=u64::from(scheme.shares()) {
        let mut sum = SecretVector::zeros(circuit.proven_len());
        for index in (0..size).filter(|index| valid[index]) {
            sum.add_assign(&shares[&(index, member)]);
        }
        let bits = &sum.elements()[..circuit.len];
        note(&format!("sum_of_shares_{member}"), &encode(bits));
        let weighted = bits.iter().zip(&weights).map(|(bit, weight)| *bit * *weight);
        let value: Field = weighted.reduce(|sum, term| sum + term).expect("at least one bit");
        note(&format!("partial_value_{member}"), &encode(&[value]));
        values.insert(member, value);
    }
    for Sent { person, bytes, .. } in of("up", 4) {
        let body = signed_body(bytes);
        let place = u8::try_from(*person).expect("few members");
        let value = encode(&[values[person]]);
        let expected = [verdict_digest.as_slice(), &[place], &[0, 16], &value].concat();
        assert_eq!(body, expected, "a partial aggregate is bound to everything");
        let signed = labelled("wardsum v1 sign partial aggregate", &[body]);
        note(&format!("signed_partial_{person}"), &signed);
    }
    explained
}

/// The body of a message that is one signed body.
fn signed_body(message: &[u8]) -> &[u8] {
    &message[3..message.len() - 64]
}
