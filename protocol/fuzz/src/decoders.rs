//! Every decoder of bytes that somebody else made: whatever is read is written again as it was, and checking
//! it ends in `Ok` or `Err`.

use bytes::Bytes;
use tls_codec::{DeserializeBytes, Serialize, TlsByteVecU24};
use wardsum_protocol::committee::Enrolment;
use wardsum_protocol::contribution::{Sender, open_share};
use wardsum_protocol::field::{self, SecretVector};
use wardsum_protocol::identity::{PeerId, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{
    Delivery, HospitalMessage, Inclusion, PeerMessage, Publication, Welcome,
};
use wardsum_protocol::peer::Memory;
use wardsum_protocol::round::{Record, Round};
use wardsum_protocol::seal::{OpeningKey, SealingKey};
use wardsum_protocol::sharing::{Scheme, ShareIndex};
use wardsum_protocol::verdict::{Verdict, VerdictBytes};
use wardsum_protocol::verification::Piece;
use wardsum_protocol::{
    Aggregate, Challenge, Committee, StoredDigest, Study, Suite, identification, wire,
};

use super::Seeds;
use super::common::survey::survey_study;
use super::recorded::{RECORDED, Recorded, SETTINGS};
use super::script::Script;
use super::table::{self, Entry};

/// Reads what the first byte says.
pub fn run(data: &[u8]) {
    table::run(DECODERS, data);
}

pub fn seeds() -> Seeds {
    table::seeds(DECODERS)
}

/// Every decoder of bytes. A new one comes last, in one entry.
pub const DECODERS: &[Entry] = &[
    Entry {
        covers: &[
            "PeerMessage",
            "PeerMessage::decode",
            "wire::decode",
            "Contribution::decode",
            "Contribution::verify",
            "SignedBytes",
            "DeclineReason",
            "InvitedVisitor",
            "Credential",
            "Grant",
            "Service",
            "PartialAggregate",
        ],
        read: peer_message,
        valid: || RECORDED.iter().flat_map(|of| of.rounds[0].kinds_sent()).collect(),
    },
    Entry {
        covers: &[
            "HospitalMessage",
            "Welcome",
            "Progress",
            "Phase",
            "Delivery",
            "Delivery::verify",
            "Inclusion",
            "Publication",
            "DisclosedPartial",
            "Aggregate::decode",
            "Questionnaire::decode",
            "Cell::decode",
            "EndReason",
            "Shortfall",
            "Challenge",
            "MessageDigest",
            "Rest",
            "Int128",
            "Sender",
        ],
        read: hospital_message,
        valid: || RECORDED.iter().flat_map(|of| of.rounds[0].kinds_told()).collect(),
    },
    Entry {
        covers: &[
            "Study::decode",
            "Study::decode_current",
            "StudyBytes",
            "OneNumberBytes",
            "RulesBytes",
            "ClosingBytes",
            "Form",
            "Section",
            "ItemForm",
            "Coding",
            "Kind",
            "NumberForm",
            "ScaleForm",
            "ChoicesForm",
            "OptionForm",
            "Steps",
            "ScoreForm",
            "ScoreTerm",
            "Text",
            "Localised",
            "Utf8",
            "Flag",
            "Int32",
            "Admission",
            "SchemeChoice",
            "Suite",
        ],
        read: study,
        valid: || {
            let recorded = RECORDED.iter().map(|of| of.rounds[0].study.encode().to_vec());
            recorded.chain([survey_study(|_| ()).encode().to_vec()]).collect()
        },
    },
    Entry {
        covers: &["Committee::decode", "CommitteeBytes", "StudyDigest", "CommitteeDigest"],
        read: committee,
        valid: || committees().collect(),
    },
    Entry {
        covers: &[
            "Record::decode",
            "RecordBytes",
            "ContributedBytes",
            "SignedContributedBytes",
            "DeclinedBytes",
            "PublishedBytes",
            "PublishedSumBytes",
            "InvitationUsedBytes",
            "InvitationNotedBytes",
            "ContributionDigest",
            "StoredDigest",
        ],
        read: record,
        valid: || {
            let journals = RECORDED.iter().flat_map(|of| &of.rounds[0].journal);
            journals.map(|(_, record)| record.encode()).collect()
        },
    },
    Entry {
        covers: &[
            "Memory::decode",
            "MemoryBytes",
            "Response",
            "ResponseBytes",
            "ManifestDigest",
            "VerdictDigest",
        ],
        read: memory,
        valid: || super::peer::memories().iter().map(|memory| memory.encode().to_vec()).collect(),
    },
    Entry {
        covers: &[
            "EnrolmentBody",
            "Enrolment::verify",
            "IdentificationBody",
            "identification::verify",
            "PieceBody",
            "FindingBytes",
            "Piece::verify",
            "PartialBody",
            "PartialAggregate::verify",
            "SignedBytes::verify",
            "Credential::verify",
            "Credential::verify_visitor",
            "PeerId::verify",
        ],
        read: signed_body,
        valid: signed_bodies,
    },
    Entry {
        covers: &["VerdictBytes", "RejectedBytes", "Rejection", "Verdict::read"],
        read: verdict,
        valid: || RECORDED.iter().map(|of| wire::encode(&of.rounds[0].verdict)).collect(),
    },
    Entry {
        covers: &["SecretVector::decode", "field::decode"],
        read: field_elements,
        valid: || vec![vec![0; 48], vec![1; 96]],
    },
    Entry {
        covers: &["SealingKey::decode", "PeerId::decode"],
        read: keys,
        valid: || {
            let patients = RECORDED.iter().flat_map(|of| &of.rounds[0].patients);
            patients.take(2).map(|patient| patient.identity.id().as_bytes().to_vec()).collect()
        },
    },
    Entry {
        covers: &["sealing::open_share"],
        read: sealed_share,
        valid: || RECORDED.iter().map(|of| of.rounds[0].delivered()).collect(),
    },
    Entry { covers: &[], read: shares, valid: || vec![vec![7; 64], vec![1; 9]] },
    Entry {
        covers: &["Round::restore"],
        read: journal,
        valid: || RECORDED.iter().map(|of| written(&of.rounds[0])).collect(),
    },
];

/// Reads a value; what is read must be written as it was.
fn exactly<T: DeserializeBytes + Serialize>(bytes: &[u8]) -> Option<T> {
    let value: T = wire::decode(bytes).ok()?;
    assert_eq!(wire::encode(&value), bytes, "read, but written otherwise");
    Some(value)
}

/// One round of every setting.
fn rounds() -> impl Iterator<Item = &'static Recorded> {
    RECORDED.iter().map(|setting| &setting.rounds[0])
}

fn peer_message(bytes: &[u8]) {
    let copy = Bytes::copy_from_slice(bytes);
    let _ = StoredDigest::of(&copy);
    let decoded = exactly::<PeerMessage>(bytes);
    let shared = PeerMessage::decode(&copy);
    assert_eq!(decoded.is_some(), shared.is_ok(), "two ways to read one message");
    let Some(message) = decoded else { return };
    for round in rounds() {
        check_peer_message(message.clone(), round);
    }
}

/// Checks a message as the hospital does.
fn check_peer_message(message: PeerMessage, round: &Recorded) {
    let Recorded { study, committee, commitment, manifest, verdict_digest, .. } = round;
    match message {
        PeerMessage::Enrol(signed) => drop(Enrolment::verify(study, signed)),
        PeerMessage::Contribute(contribution) => {
            if let Ok(accepted) = contribution.verify(study, committee) {
                for index in ShareIndex::all(committee.size()) {
                    let len = accepted.relayed.shares.of(index).len();
                    assert_eq!(len, study.sealed_share_len(), "a share of another length");
                }
            }
        }
        PeerMessage::Verification(signed) => {
            if let Ok(piece) = Piece::verify(committee, *manifest, commitment.size, &signed) {
                assert_eq!(piece.findings.len(), commitment.size as usize, "not all, once");
            }
        }
        PeerMessage::Partial(partial) => {
            let verdict = round.read_verdict();
            let verdict = (&verdict, *verdict_digest);
            if let Ok(share) = partial.verify(study, committee, verdict) {
                assert_eq!(share.values.len(), study.questionnaire().output_len());
            }
        }
        PeerMessage::Identify(signed) => {
            let _ = identification::verify(study, Challenge([0; 32]), &signed);
        }
        PeerMessage::Decline(_)
        | PeerMessage::Received(_)
        | PeerMessage::Leave
        | PeerMessage::WordsDiffer => {}
    }
}

fn hospital_message(bytes: &[u8]) {
    let Some(message) = exactly::<HospitalMessage>(bytes) else { return };
    for round in rounds() {
        let Recorded { study, committee, commitment, entries, .. } = round;
        match &message {
            HospitalMessage::Welcome(Welcome { study, .. }) => {
                drop(Study::decode(study.as_slice()));
            }
            HospitalMessage::Committee(bytes) => drop(Committee::decode(study, &bytes.0)),
            HospitalMessage::Deliver(delivery) => {
                let _ = exactly::<Sender>(&wire::encode(&delivery.sender));
                signed_by_its_sender(delivery, round);
                open(round, &delivery.share.0);
            }
            HospitalMessage::Counted(Inclusion { number, path, .. }) => {
                for (sender, digest) in entries {
                    let _ = commitment.includes(*number, sender, *digest, path.as_slice());
                }
            }
            HospitalMessage::Verdict(bytes) => {
                let _ = Verdict::read(bytes, study, committee, *commitment);
            }
            HospitalMessage::Published(publication) => published(publication, round),
            HospitalMessage::Progress(_)
            | HospitalMessage::Acknowledge(_)
            | HospitalMessage::Manifest(_)
            | HospitalMessage::Ended(_)
            | HospitalMessage::WordsDisputed(_) => {}
        }
    }
}

/// A share that passes is one of a contribution that its sender made.
fn signed_by_its_sender(delivery: &Delivery, round: &Recorded) {
    let Recorded { study, committee, entries, .. } = round;
    let Ok(sender) = delivery.sender.resolve(study, committee) else { return };
    for member in ShareIndex::all(committee.size()) {
        if let Ok(digest) = delivery.verify(study, committee, &sender.id, member) {
            assert!(entries.contains(&(sender.id, digest)), "a share that nobody has signed");
        }
    }
}

/// Nothing but what the members signed combines to a result, and what is suppressed stays so.
fn published(publication: &Publication, round: &Recorded) {
    let Recorded { study, committee, commitment, manifest, aggregate: right, .. } = round;
    let Ok(verdict) = Verdict::read(&publication.verdict, study, committee, *commitment) else {
        return;
    };
    let digest = verdict.digest(*manifest);
    let count = verdict.accepted(*commitment);
    let Some(aggregate) = Aggregate::decode(count, &publication.cells) else { return };
    let partials = publication.partials.as_slice();
    if aggregate.check(study, committee, (&verdict, digest), partials).is_ok() {
        assert_eq!(aggregate.count, right.count, "the members counted others");
        for (shown, right) in aggregate.cells.iter().zip(right.cells.iter()) {
            assert!(shown.is_none() || shown == right, "the members signed no other number");
        }
    }
}

fn study(bytes: &[u8]) {
    let current = Study::decode_current(bytes).ok();
    let known = Study::decode(bytes).ok();
    assert_eq!(current, known.clone().filter(Study::is_current), "a peer reads this version alone");
    if let Some(study) = known {
        assert_eq!(study.encode(), bytes, "read, but written otherwise");
        let (minimum, cell) = (study.minimum_cohort(), study.minimum_cell());
        assert!(minimum >= 3 && (1..=minimum).contains(&cell), "an inadmissible study");
        assert!(study.questionnaire().output_len() > 0, "a study that asks nothing");
        let items = study.form().items().count();
        assert_eq!(study.questionnaire().plan().items.len(), items);
        let _ = (study.longest_ms(), study.max_peer_message_len(), study.needs_comparison());
        if study.is_current() {
            let again = Study::new(study.parameters().clone()).expect("it was admissible");
            assert_eq!(again.digest(), study.digest());
        }
    }
}

/// The committees' bytes, as members were told them.
fn committees() -> impl Iterator<Item = Vec<u8>> {
    let told = RECORDED.iter().map(|of| &of.rounds[0].patients[0].told);
    told.filter_map(|told| {
        told.iter().find_map(|message| match wire::decode(message) {
            Ok(HospitalMessage::Committee(bytes)) => Some(bytes.0.to_vec()),
            _ => None,
        })
    })
}

fn committee(bytes: &[u8]) {
    for round in rounds() {
        if let Ok(committee) = Committee::decode(&round.study, bytes) {
            let (k, t) = (committee.size(), committee.threshold());
            assert_eq!(committee.members().count(), usize::from(k));
            assert!(k >= 3 && t > k / 2, "{t} of {k}");
            for (place, member) in committee.members() {
                assert_eq!(committee.place_of(&member.id()), Some(place), "a member twice");
            }
        }
    }
}

fn record(bytes: &[u8]) {
    let Ok(record) = Record::decode(bytes) else { return };
    let written = record.encode();
    // A record of an earlier version, of which only the meaning is kept.
    let old = matches!(record, Record::Declined(..)) && bytes.last() == Some(&4);
    assert!(written == bytes || old, "read, but written otherwise");
    assert_eq!(Record::decode(&written), Ok(record.clone()));
    assert!(record.weight() >= written.len() / 2, "it takes more than it says");
}

fn memory(bytes: &[u8]) {
    if let Ok(memory) = Memory::decode(bytes) {
        assert_eq!(*memory.encode(), bytes, "read, but written otherwise");
        let _ = memory.useful_for_ms();
    }
}

/// How long a partial aggregate's body is. Behind it stand the elements with their salts.
const PARTIAL_BODY: usize = 32 + 1 + 32;

/// What members sign, whose insides nobody else can reach: the body is the fuzzer's, the signature right.
fn signed_body(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let round = &RECORDED[script.index(SETTINGS)].rounds[0];
    let (signer, kind) = (script.index(round.patients.len()), script.byte());
    let whole = usize::from(u16::MAX);
    let (label, message, len) = match kind % 4 {
        0 => (SignatureLabel::Enrolment, 1_u8, whole),
        1 => (SignatureLabel::Identification, 6, whole),
        2 => (SignatureLabel::Verification, 3, whole),
        _ => (SignatureLabel::PartialAggregate, 4, PARTIAL_BODY),
    };
    let body = script.bytes(len);
    let signature = round.patients[signer].identity.sign(label, &[body]);
    let sent = wire::encode(&SignedBytes { body: body.into(), signature });
    let openings = match message {
        4 => wire::encode(&TlsByteVecU24::from(script.rest())),
        _ => Vec::new(),
    };
    match exactly::<PeerMessage>(&[&[message], sent.as_slice(), &openings].concat()) {
        Some(message) => check_peer_message(message, round),
        None => assert_eq!(message, 4, "whatever is signed can be sent"),
    }
}

fn signed_bodies() -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for (setting, round) in (0_u8..).zip(rounds()) {
        for (signer, patient) in (0_u8..).zip(&round.patients) {
            for message in &patient.sent {
                let (kind, body) = match wire::decode(message) {
                    Ok(PeerMessage::Enrol(signed)) => (0, signed.body.into_vec()),
                    Ok(PeerMessage::Identify(signed)) => (1, signed.body.into_vec()),
                    Ok(PeerMessage::Verification(signed)) => (2, signed.body.into_vec()),
                    Ok(PeerMessage::Partial(_)) => {
                        let (body, rest) = message[3..].split_at(PARTIAL_BODY);
                        // Behind the signature and the elements' length.
                        (3, [body, &rest[64 + 3..]].concat())
                    }
                    _ => continue,
                };
                if signer < 2 {
                    bodies.push([&[setting, signer, kind], body.as_slice()].concat());
                }
            }
        }
    }
    bodies
}

fn verdict(bytes: &[u8]) {
    let Some(decoded) = exactly::<VerdictBytes>(bytes) else { return };
    for Recorded { study, committee, commitment, .. } in rounds() {
        if let Ok(verdict) = Verdict::read(&decoded, study, committee, *commitment) {
            assert_eq!(verdict.bytes(), decoded, "read, but written otherwise");
            assert!(verdict.accepted(*commitment) >= study.minimum_cohort(), "too few answers");
            assert!(verdict.members().len() >= u32::from(committee.threshold()), "too few members");
        }
    }
}

fn field_elements(bytes: &[u8]) {
    if let Some(vector) = SecretVector::decode(bytes, bytes.len() / field::ENCODED_LEN) {
        assert_eq!(*vector.encode(), bytes, "read, but written otherwise");
    }
    if let Some(first) = bytes.first_chunk()
        && let Some(element) = field::decode(*first)
    {
        assert_eq!(field::encode(element), *first, "read, but written otherwise");
    }
}

fn keys(bytes: &[u8]) {
    if let Some(first) = bytes.first_chunk()
        && let Ok(id) = PeerId::decode(first)
    {
        assert_eq!(id.as_bytes(), first, "read, but written otherwise");
    }
    for suite in [Suite::XWing, Suite::X25519] {
        if let Ok(key) = SealingKey::decode(suite, bytes) {
            let _ = key.is_usable();
        }
    }
}

fn sealed_share(bytes: &[u8]) {
    rounds().for_each(|round| open(round, bytes));
}

/// A member opens what may have been anybody's.
fn open(round: &Recorded, share: &[u8]) {
    let Recorded { study, committee, entries, patients, .. } = round;
    let member = patients.iter().find(|p| committee.place_of(&p.identity.id()).is_some());
    let Some(member) = member else { unreachable!("patients are the committee") };
    let (key, _) = OpeningKey::derive(study.suite(), &member.entropy);
    let recipient = member.identity.id();
    for (sender, _) in entries {
        if let Ok(values) = open_share(study, committee, sender, &recipient, &key, share) {
            assert_eq!(values.len(), study.questionnaire().proven_len(), "of another length");
        }
    }
}

/// Shares with errors in them: few enough are corrected and named.
fn shares(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let k = 3 + script.byte() % 14;
    let scheme = Scheme::threshold_of(k);
    let secret = SecretVector::new(vec![field_element(&mut script), field_element(&mut script)]);
    let seed = script.bytes(32);
    let mut rng = super::common::Dice::new(seed.iter().map(|byte| u64::from(*byte)).sum());
    let mut shares = scheme.split(&secret, &mut rng.0);
    let kept =
        usize::from(scheme.threshold()) + script.index(usize::from(k - scheme.threshold()) + 1);
    shares.truncate(kept);
    let mut wrong = Vec::new();
    while let Some(at) = script.operation() {
        let at = usize::from(at) % shares.len();
        let mut values = shares[at].values.elements().to_vec();
        let change = field_element(&mut script);
        if change == field::zero() || wrong.contains(&shares[at].index) {
            continue;
        }
        values[0] += change;
        shares[at].values = SecretVector::new(values);
        wrong.push(shares[at].index);
    }
    let spare = kept - usize::from(scheme.threshold());
    let combined = scheme.combine(&shares);
    if wrong.len() * 2 <= spare && !scheme.is_additive() {
        let combined = combined.expect("few enough are wrong");
        wrong.sort();
        assert_eq!(combined.wrong, wrong, "others are named");
        assert_eq!(combined.secret.elements(), secret.elements(), "another secret");
    } else if wrong.is_empty() {
        assert_eq!(combined.expect("all are right").secret.elements(), secret.elements());
    }
}

fn field_element(script: &mut Script<'_>) -> field::Field {
    let mut bytes = [0; field::ENCODED_LEN];
    for (to, from) in bytes.iter_mut().zip(script.bytes(field::ENCODED_LEN)) {
        *to = *from;
    }
    field::decode(bytes).unwrap_or_else(field::zero)
}

/// Records one after the other, each behind its length: what a damaged store may hold.
fn journal(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let round = &RECORDED[script.index(SETTINGS)].rounds[0];
    let mut records = Vec::new();
    while let Some(high) = script.operation() {
        let len = usize::from(u16::from_be_bytes([high, script.byte()]));
        if let Ok(record) = Record::decode(script.bytes(len)) {
            records.push((round.journal[0].0, record));
        }
    }
    let end = round.journal.last().map_or(round.journal[0].0, |(at, _)| *at);
    if let Ok(mut restored) = Round::restore(round.study.clone(), end, records, end) {
        let _ = restored.status();
        restored.handle(wardsum_protocol::round::Input::Timeout, end.after(1_000_000));
        while restored.poll_output().is_some() {}
    }
}

/// A journal as [`journal`] reads it.
fn written(round: &Recorded) -> Vec<u8> {
    let position = rounds().position(|other| core::ptr::eq(other, round)).expect("one of these");
    let mut bytes = vec![u8::try_from(position).expect("few settings")];
    for (_, record) in &round.journal {
        let record = record.encode();
        let len = u16::try_from(record.len()).expect("records of small rounds are short");
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&record);
    }
    bytes
}
