//! What stands behind the messages of a round: keys, digests, opened shares and sums, computed
//! from the messages alone, as the document says and without the implementation's help.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use wardsum_protocol::Study;
use wardsum_protocol::field::{Field, SecretVector};
use wardsum_protocol::questionnaire::{Item, Question};
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};

use crate::conversation::{self, Sent};
use crate::json::{array, bytes, hex, number};
use crate::keys::{
    Keys, behind_its_length, contribution_digest, element_digest, elements_digest, hash, labelled,
    merkle_path, merkle_root, openings,
};
use crate::validity::{Circuit, encode, is_valid, weights};

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
                    "person": person["person"], "entropy": person["entropy"], "responses": person["responses"],
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
    let [Item { question: Question::Number(number), optional: false, squares: false }] =
        study.questionnaire().plan().items.as_slice()
    else {
        // What stands in such shares is said by `questionnaire.json`.
        return explain_result(&study, &sent);
    };
    let weights = weights(number.min(), number.max());
    let circuit = Circuit { len: weights.len() };
    let mut text = Explanation { sent: &sent, explained: Explained::new(), circuit };
    for (connection, body) in conversation::identifications(round, &sent, people, &study) {
        let signed = labelled("wardsum v1 sign identification", &[&body]);
        text.note(&format!("signed_identification_{connection}"), &signed);
    }
    let fixed = text.committee(&study);
    let given = text.contributions(&study, &fixed, people);
    conversation::check_acknowledgements(&sent, &given.digests);
    let manifest_digest = text.manifest(&fixed, &given.leaves);
    let valid = text.verifications(&manifest_digest, &given);
    let verdict_digest = text.verdict(&manifest_digest, &valid);
    let values = text.partials(&given, &valid, &weights);
    text.given_partials(&verdict_digest, Some(&values));
    text.result(&verdict_digest);
    text.explained
}

/// Explains a round but for what is in the shares.
fn explain_result(study: &Study, sent: &[Sent]) -> Explained {
    let mut text = Explanation { sent, explained: Explained::new(), circuit: Circuit { len: 0 } };
    text.committee(study);
    let verification = text.of("up", 3).next().expect("somebody verifies");
    let manifest = &signed_body(&verification.bytes)[..32];
    text.note("manifest_digest", manifest);
    let told = text.of("down", 8).next().expect("there is a verdict");
    let verdict_digest = hash("wardsum v1 verdict", &[manifest, &told.bytes[1..]]);
    text.note("verdict_digest", &verdict_digest);
    text.given_partials(&verdict_digest, None);
    text.result(&verdict_digest);
    text.explained
}

/// What is fixed before anybody contributes.
struct Fixed {
    study_digest: [u8; 32],
    committee_digest: [u8; 32],
    info: Vec<u8>,
}

/// What was contributed.
struct Given {
    /// The manifest's leaves, in the order in which the contributions reached the hospital.
    leaves: Vec<[u8; 64]>,
    /// The contributions' digests, by person.
    digests: BTreeMap<u64, [u8; 32]>,
    /// The shares, by contribution and place.
    shares: BTreeMap<(u32, u64), SecretVector>,
    scheme: Scheme,
}

impl Given {
    fn numbers(&self) -> core::ops::Range<u32> {
        0..u32::try_from(self.leaves.len()).expect("few contributions")
    }

    fn places(&self) -> core::ops::RangeInclusive<u64> {
        1..=self.scheme.shares().into()
    }
}

/// An explanation while it is written.
struct Explanation<'a> {
    sent: &'a [Sent],
    explained: Explained,
    circuit: Circuit,
}

impl<'a> Explanation<'a> {
    fn note(&mut self, name: &str, bytes: &[u8]) {
        self.explained.insert(name.to_owned(), hex(bytes).into());
    }

    /// The messages of one kind.
    fn of(&self, way: &'static str, kind: u8) -> impl Iterator<Item = &'a Sent> + use<'a> {
        self.sent.iter().filter(move |sent| sent.way == way && sent.bytes[0] == kind)
    }

    fn committee(&mut self, study: &Study) -> Fixed {
        let committee = &self.of("down", 4).next().expect("there is a committee").bytes[1..];
        let study_digest = hash("wardsum v1 study", &[study.encode()]);
        let committee_digest = hash("wardsum v1 committee", &[committee]);
        let info = labelled("wardsum v1 sealed share", &[&study_digest, &committee_digest]);
        self.note("study_digest", &study_digest);
        self.note("committee", committee);
        self.note("committee_digest", &committee_digest);
        self.note("hpke_info", &info);
        for Sent { person, bytes, .. } in self.of("up", 1) {
            let signed = labelled("wardsum v1 sign enrolment", &[signed_body(bytes)]);
            self.note(&format!("signed_enrolment_{person}"), &signed);
        }
        Fixed { study_digest, committee_digest, info }
    }

    fn contributions(&mut self, study: &Study, fixed: &Fixed, people: &People) -> Given {
        let encapsulated = if study.suite() as u8 == 1 { 1120 } else { 32 };
        let share_len = encapsulated + 16 * self.circuit.proven_len() + 16;
        let (mut leaves, mut digests, mut shares) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut scheme = None;
        let mut senders = BTreeSet::new();
        let contributions = self.of("up", 2).filter(|sent| senders.insert(sent.person));
        for (number, Sent { person, bytes, .. }) in (0..).zip(contributions) {
            let keys = &people.keys[person];
            let header = if bytes[1] == 1 { 3 } else { 34 };
            // Signature and number of shares.
            let sealed_shares: Vec<&[u8]> = bytes[header + 64 + 1..].chunks(share_len).collect();
            self.note(&format!("shares_root_{number}"), &merkle_root(&sealed_shares));
            let digests_of = [fixed.study_digest, fixed.committee_digest];
            let digests_of = digests_of.each_ref().map(<[u8; 32]>::as_slice);
            let digest = contribution_digest(digests_of, &keys.verifying(), &sealed_shares);
            self.note(&format!("contribution_digest_{number}"), &digest);
            let leaf: [u8; 64] = [keys.verifying(), digest].concat().try_into().expect("64 bytes");
            self.note(&format!("leaf_hash_{number}"), &merkle_root(&[leaf]));
            leaves.push(leaf);
            digests.insert(*person, digest);

            let mut plaintexts = Vec::new();
            for (position, sealed) in sealed_shares.iter().enumerate() {
                let member = u64::try_from(position + 1).expect("few members");
                let recipient = &people.keys[&member];
                let aad = [keys.verifying().as_slice(), &recipient.verifying(), &[1]].concat();
                let opened = recipient.open(&fixed.info, &aad, sealed);
                let to = format!("{number}_to_{member}");
                self.note(&format!("hpke_aad_{to}"), &aad);
                self.note(&format!("share_{to}"), &opened);
                self.note(&format!("path_{to}"), &merkle_path(&sealed_shares, position));
                let values = SecretVector::decode(&opened, self.circuit.proven_len());
                let values = values.expect("reduced elements");
                shares.insert((number, member), values.clone());
                plaintexts.push(Share { index: place(member), values });
            }
            let k = u8::try_from(plaintexts.len()).expect("few members");
            let combined = study.scheme(k).combine(&plaintexts).expect("an answer's shares agree");
            let (bits, proof) = combined.secret.elements().split_at(self.circuit.len);
            self.note(&format!("bits_{number}"), &encode(bits));
            self.note(&format!("proof_{number}"), &encode(proof));
            scheme = Some(study.scheme(k));
        }
        Given { leaves, digests, shares, scheme: scheme.expect("somebody has contributed") }
    }

    fn manifest(&mut self, fixed: &Fixed, leaves: &[[u8; 64]]) -> [u8; 32] {
        let size = u32::try_from(leaves.len()).expect("few leaves");
        let root = merkle_root(leaves);
        self.note("manifest_root", &root);
        let parts: [&[u8]; 4] =
            [&fixed.study_digest, &fixed.committee_digest, &size.to_be_bytes(), &root];
        let digest = hash("wardsum v1 manifest", &parts);
        self.note("manifest_digest", &digest);
        digest
    }

    /// What each member finds about each contribution, and which contributions are valid.
    fn verifications(&mut self, manifest: &[u8; 32], given: &Given) -> Vec<bool> {
        let mut findings: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut valid = Vec::new();
        for (number, leaf) in given.numbers().zip(&given.leaves) {
            let seed = hash("wardsum v1 query", &[manifest, &leaf[32..]]);
            let randomness = self.circuit.query_randomness(seed);
            self.note(&format!("query_randomness_{number}"), &encode(&randomness));
            let mut verifiers = Vec::new();
            for member in given.places() {
                let share = given.shares[&(number, member)].elements();
                let verifier = self.circuit.query(share, &randomness);
                self.note(&format!("verifier_share_{number}_to_{member}"), &encode(&verifier));
                let finding = [[1].as_slice(), &encode(&verifier)].concat();
                findings.entry(member).or_default().extend(finding);
                let values = SecretVector::new(verifier.to_vec());
                verifiers.push(Share { index: place(member), values });
            }
            let verifier = given.scheme.combine(&verifiers).expect("the query is linear").secret;
            self.note(&format!("verifier_{number}"), &encode(verifier.elements()));
            valid.push(is_valid(verifier.elements()));
        }
        for Sent { person, bytes, .. } in self.of("up", 3) {
            let found = &findings[person];
            let len = u16::try_from(found.len()).expect("few contributions").to_be_bytes();
            let head = [manifest.as_slice(), &[place(*person).number()], &[0; 4], &len].concat();
            let body = signed_body(bytes);
            assert_eq!(body, [&head, found.as_slice()].concat(), "a member says what it finds");
            let signed = labelled("wardsum v1 sign verification", &[body]);
            self.note(&format!("signed_verification_{person}"), &signed);
        }
        valid
    }

    /// The verdict of a round in which nobody disputes anything.
    fn verdict(&mut self, manifest: &[u8; 32], valid: &[bool]) -> [u8; 32] {
        let verdict = &self.of("down", 8).next().expect("there is a verdict").bytes[1..];
        let verified: BTreeSet<u8> =
            self.of("up", 3).map(|sent| place(sent.person).number()).collect();
        let members: Vec<u8> = verified.into_iter().collect();
        let rejected: Vec<u8> = (0u32..)
            .zip(valid)
            .filter(|(_, valid)| !**valid)
            .flat_map(|(number, _)| [number.to_be_bytes().as_slice(), &[1]].concat())
            .collect();
        let k = u8::try_from(members.len()).expect("few members");
        let len = u32::try_from(rejected.len()).expect("few contributions").to_be_bytes();
        let expected = [[k].as_slice(), &members, &len, &rejected].concat();
        assert_eq!(verdict, expected, "the verdict follows from what the members find");
        let same = |sent: &Sent| &sent.bytes[1..] == verdict;
        assert!(self.of("down", 8).all(same), "everybody is told the same verdict");
        let digest = hash("wardsum v1 verdict", &[manifest, verdict]);
        self.note("verdict_digest", &digest);
        digest
    }

    /// What each member adds up.
    fn partials(
        &mut self,
        given: &Given,
        valid: &[bool],
        weights: &[Field],
    ) -> BTreeMap<u64, Vec<u8>> {
        let mut values = BTreeMap::new();
        for member in given.places() {
            let mut sum = SecretVector::zeros(self.circuit.proven_len());
            for (number, _) in given.numbers().zip(valid).filter(|(_, valid)| **valid) {
                sum.add_assign(&given.shares[&(number, member)]);
            }
            let bits = &sum.elements()[..self.circuit.len];
            self.note(&format!("sum_of_shares_{member}"), &encode(bits));
            let weighted = bits.iter().zip(weights).map(|(bit, weight)| *bit * *weight);
            let value: Field = weighted.reduce(|sum, term| sum + term).expect("at least one bit");
            self.note(&format!("partial_value_{member}"), &encode(&[value]));
            values.insert(member, encode(&[value]));
        }
        values
    }

    /// What each member gives: of these elements, if they are known.
    fn given_partials(&mut self, verdict: &[u8; 32], values: Option<&BTreeMap<u64, Vec<u8>>>) {
        for Sent { person, bytes, .. } in self.of("up", 4) {
            let (body, given) = partial_parts(bytes);
            let elements: Vec<u8> =
                given.chunks(32).flat_map(|opening| &opening[16..]).copied().collect();
            if let Some(values) = values {
                assert_eq!(elements, values[person], "a member gives what it has added up");
            }
            let place = place(*person).number();
            let entropy = [u8::try_from(*person).expect("few people"); 32];
            let openings = openings(&entropy, verdict, place, &elements);
            assert_eq!(given, openings, "behind salts that follow from its entropy");
            for (at, opening) in (0..).zip(openings.chunks(32)) {
                self.note(&format!("opening_{person}_{at}"), opening);
                let digest = element_digest(verdict, place, at, opening);
                self.note(&format!("element_digest_{person}_{at}"), &digest);
            }
            let digest = elements_digest(verdict, place, &openings);
            self.note(&format!("elements_digest_{person}"), &digest);
            let expected = [verdict.as_slice(), &[place], &digest].concat();
            assert_eq!(body, expected, "a partial aggregate is bound to everything");
            let signed = labelled("wardsum v1 sign partial aggregate", &[body]);
            self.note(&format!("signed_partial_{person}"), &signed);
        }
    }

    /// What is published follows from what the members gave, and from which cells are shown.
    fn result(&mut self, verdict: &[u8; 32]) {
        let published = &self.of("down", 9).next().expect("there is a result").bytes;
        let told = &self.of("down", 8).next().expect("there is a verdict").bytes[1..];
        let size = u32::from_be_bytes(published[1..5].try_into().expect("four bytes"));
        let rejected = told[1 + usize::from(told[0]) + 4..].len() / 5;
        let count = size - u32::try_from(rejected).expect("few contributions");
        let (head, rest) = published.split_at(37 + told.len());
        assert_eq!(&head[37..], told, "the verdict that was told");
        let len = usize::from(rest[2]) | usize::from(rest[1]) << 8;
        let (cells, partials) = rest.split_at(3 + len);
        let mut shown = Vec::new();
        let mut tags = &cells[3..];
        while let Some((tag, after)) = tags.split_first() {
            shown.push(*tag == 1);
            tags = &after[if *tag == 1 { 16 } else { 0 }..];
        }
        let mut expected = BTreeMap::new();
        for Sent { person, bytes, .. } in self.of("up", 4) {
            let (_, openings) = partial_parts(bytes);
            let place = place(*person).number();
            let (mut open, mut hidden) = (Vec::new(), Vec::new());
            for ((at, opening), shown) in (0..).zip(openings.chunks(32)).zip(&shown) {
                if *shown {
                    open.extend_from_slice(opening);
                } else {
                    hidden.extend(element_digest(verdict, place, at, opening));
                }
            }
            let signed = &bytes[1..bytes.len() - openings.len() - 3];
            let disclosed =
                [signed, &behind_its_length(&open), &behind_its_length(&hidden)].concat();
            self.note(&format!("disclosed_partial_{person}"), &disclosed);
            expected.insert(place, disclosed);
        }
        let expected = expected.into_values().collect::<Vec<_>>().concat();
        assert_eq!(partials, behind_its_length(&expected), "what members gave is published");
        self.note("cells", cells);
        self.note("result_digest", &hash("wardsum v1 result", &[&count.to_be_bytes(), cells]));
    }
}

/// The signed body of a partial aggregate, and its elements with their salts.
fn partial_parts(message: &[u8]) -> (&[u8], &[u8]) {
    let body = usize::from(u16::from_be_bytes([message[1], message[2]]));
    (&message[3..3 + body], &message[3 + body + 64 + 3..])
}

/// The place of a member.
fn place(member: u64) -> ShareIndex {
    ShareIndex::new(u8::try_from(member).expect("few members")).expect("from 1 on")
}

/// The body of a message that is one signed body.
fn signed_body(message: &[u8]) -> &[u8] {
    &message[3..message.len() - 64]
}
