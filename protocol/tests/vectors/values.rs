//! What stands behind the messages of a round: keys, digests, opened shares and sums, computed
//! from the messages alone, as the document says and without the implementation's help.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use wardsum_protocol::Study;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::sharing::{Share, ShareIndex};

use crate::conversation::{self, Sent};
use crate::json::{array, bytes, hex, number};
use crate::keys::{Keys, hash, labelled, merkle_root};

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
    let share_len = study.sealed_share_len();
    let mut leaves = Vec::new();
    let mut digests = BTreeMap::new();
    let mut sums: BTreeMap<u64, SecretVector> = BTreeMap::new();
    let mut senders = BTreeSet::new();
    let contributions = of("up", 2).filter(|sent| senders.insert(sent.person));
    for (index, Sent { person, bytes, .. }) in contributions.enumerate() {
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
                SecretVector::decode(&opened, study.range().len()).expect("reduced elements");
            sums.entry(member)
                .or_insert_with(|| SecretVector::zeros(values.len()))
                .add_assign(&values);
            let index =
                ShareIndex::new(u8::try_from(member).expect("few members")).expect("from 1 on");
            plaintexts.push(Share { index, values });
        }
        let scheme = study.scheme(u8::try_from(k).expect("few members"));
        let combined = scheme.combine(&plaintexts).expect("the shares of an answer agree");
        note(&format!("bits_{index}"), &combined.secret.encode());
    }

    conversation::check_acknowledgements(&sent, &digests);
    let size = u32::try_from(leaves.len()).expect("few leaves");
    let root = merkle_root(&leaves);
    note("manifest_root", &root);
    let parts: [&[u8]; 4] = [&study_digest, &committee_digest, &size.to_be_bytes(), &root];
    let manifest_digest = hash("wardsum v1 manifest", &parts);
    note("manifest_digest", &manifest_digest);
    for (member, sum) in &sums {
        note(&format!("sum_of_shares_{member}"), &sum.encode());
        let value = study.range().aggregate(sum);
        note(&format!("partial_value_{member}"), &field::encode(value));
    }
    for Sent { person, bytes, .. } in of("up", 4) {
        let digests = [study_digest, committee_digest, manifest_digest];
        let body = partial_body(bytes, &digests, study.range().aggregate(&sums[person]));
        note(
            &format!("signed_partial_{person}"),
            &labelled("wardsum v1 sign partial aggregate", &[body]),
        );
    }
    explained
}

/// The body of a partial aggregate, which is bound to study, committee and manifest and has this value.
fn partial_body<'a>(message: &'a [u8], digests: &[[u8; 32]; 3], value: Field) -> &'a [u8] {
    let body = &message[3..message.len() - 64];
    assert_eq!(body[..96], digests.concat(), "a partial aggregate is bound to everything");
    let sum = field::encode(value);
    assert_eq!(body[97..], sum, "a partial aggregate is the sum of the shares");
    body
}
