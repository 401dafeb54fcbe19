//! Decoders of what people hand to each other: links, names of studies, transcripts.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use wardsum_protocol::receipt::Receipt;
use wardsum_protocol::transcript::{Checked, Transcript};
use wardsum_protocol::{Invitation, SafetyWords, StudyDigest};

use super::Seeds;
use super::common::invited::{Forged, authority, invitation, link_of};
use super::recorded::RECORDED;
use super::table::{self, Entry};

/// Reads what the first byte says.
pub fn run(data: &[u8]) {
    table::run(TEXTS, data);
}

pub fn seeds() -> Seeds {
    table::seeds(TEXTS)
}

/// Every decoder of texts and files. A new one comes last, in one entry.
pub const TEXTS: &[Entry] = &[
    Entry { covers: &["Invitation::parse"], read: link, valid: links },
    Entry {
        covers: &["Invitation::decode", "LinkBytes"],
        read: link_with_checksum,
        valid: || {
            link_parts()
                .into_iter()
                .map(|(version, parts)| [&[version], &parts[..]].concat())
                .collect()
        },
    },
    Entry {
        covers: &["StudyDigest::from_str"],
        read: study_digest,
        valid: || {
            RECORDED.iter().map(|of| of.rounds[0].study.digest().to_string().into()).collect()
        },
    },
    Entry {
        covers: &["Transcript::decode", "ContributionEntry"],
        read: transcript,
        valid: || RECORDED.iter().map(|of| of.rounds[0].transcript.clone()).collect(),
    },
    Entry { covers: &[], read: safety_words, valid: || vec![vec![0; 8], vec![255; 8]] },
    Entry { covers: &["Receipt::decode", "ResultDigest"], read: receipt, valid: receipts },
    Entry {
        covers: &[],
        read: receipt_with_check,
        valid: || receipts().into_iter().map(without_check).collect(),
    },
];

fn link(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Invitation::parse(&text) {
        Ok(invitation) => {
            assert_eq!(invitation.fragment().as_str(), text, "read, but written otherwise");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Behind the checksum, where a slip of the pen does not reach.
fn link_with_checksum(bytes: &[u8]) {
    if let Some((version, parts)) = bytes.split_first() {
        link(link_of(*version, &[parts]).as_bytes());
    }
}

fn links() -> Vec<Vec<u8>> {
    let study = &RECORDED[2].rounds[0].study;
    let links = [(0, true), (3, false)].map(|(serial, may_serve)| {
        invitation(study, serial, may_serve).fragment().as_bytes().to_vec()
    });
    links.to_vec()
}

/// Version and rest of what the links say.
fn link_parts() -> Vec<(u8, Vec<u8>)> {
    let study = &RECORDED[2].rounds[0].study;
    let parts = [(1, true), (4, false)].map(|(serial, may_serve)| {
        let service = if may_serve { 2 } else { 1 };
        let forged = Forged { service, ..Forged::honest(study, serial) };
        let (digest, authority) = (study.digest(), authority().key());
        let parts: [&[u8]; 6] = [
            digest.as_bytes(),
            authority.as_bytes(),
            &forged.one_time,
            &serial.to_be_bytes(),
            &[service],
            &forged.authority_signature(),
        ];
        (1, parts.concat())
    });
    parts.to_vec()
}

fn study_digest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(digest) = text.parse::<StudyDigest>() {
        assert_eq!(digest.to_string(), text.to_ascii_lowercase(), "read, but written otherwise");
    }
}

/// Every byte is signed or follows from what is: nobody makes a transcript of a recorded round that holds and
/// says something else.
fn transcript(bytes: &[u8]) {
    let Ok(transcript) = Transcript::decode(bytes) else { return };
    assert_eq!(transcript.encode(), bytes, "read, but written otherwise");
    let Ok(checked) = transcript.check() else { return };
    let mut rounds = RECORDED.iter().flat_map(|setting| &setting.rounds);
    let known = rounds.any(|round| {
        round.study.digest() == checked.study.digest()
            && round.manifest == checked.manifest
            && round.aggregate == checked.aggregate
    });
    assert!(known, "a transcript that nobody signed holds: {checked}");
}

fn receipt(bytes: &[u8]) {
    let Ok(receipt) = Receipt::decode(bytes) else { return };
    assert_eq!(receipt.encode().as_bytes(), bytes, "read, but written otherwise");
    let said = receipt.encode();
    for (transcript, checked) in &*CHECKED {
        let Ok(found) = receipt.check(transcript, checked) else { continue };
        assert!(found.number.is_none_or(|number| number < checked.contributions));
        if found.number.is_none() {
            // Of a contribution that came too late nothing stands there to hold it against.
            continue;
        }
        // What fits says nothing that no patient's tab has seen.
        let is_said_by = |whole: &String| {
            let mut lines = said.lines().filter(|line| !line.starts_with("check: "));
            lines.all(|line| whole.lines().any(|known| known == line))
        };
        let mut known = RECORDED.iter().flat_map(|of| &of.rounds[0].receipts);
        assert!(known.any(is_said_by), "a receipt fits that nobody was given: {said}");
    }
}

/// The last line made to fit those before it.
fn receipt_with_check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let check = Sha256::digest([b"\x12wardsum v1 receipt".as_slice(), text.as_bytes()].concat());
    receipt(format!("{text}check: {}\n", StudyDigest(check.into())).as_bytes());
}

fn receipts() -> Vec<Vec<u8>> {
    let rounds = RECORDED.iter().map(|of| &of.rounds[0]);
    rounds.flat_map(|round| round.receipts.iter().take(2)).map(|text| text.clone().into()).collect()
}

fn without_check(mut receipt: Vec<u8>) -> Vec<u8> {
    receipt.truncate(receipt.len() - "check: \n".len() - 64);
    receipt
}

/// The recorded rounds as whoever holds a receipt against them has them.
static CHECKED: LazyLock<Vec<(Transcript, Checked)>> = LazyLock::new(|| {
    let rounds = RECORDED.iter().map(|of| &of.rounds[0]);
    let checked = rounds.map(|round| {
        let transcript = Transcript::decode(&round.transcript).expect("it was made");
        let checked = transcript.check().expect("it holds");
        (transcript, checked)
    });
    checked.collect()
});

fn safety_words(bytes: &[u8]) {
    if let Some(tag) = bytes.first_chunk() {
        assert!(!SafetyWords::from_bytes(*tag).to_string().is_empty());
    }
}
