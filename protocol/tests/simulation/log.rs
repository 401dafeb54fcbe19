//! The hospital's durable log, as the real store keeps it, and what it says.

use std::collections::BTreeSet;

use bytes::Bytes;
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::round::Record;
use wardsum_protocol::verdict::VerdictBytes;
use wardsum_protocol::{Aggregate, EndReason, MessageDigest, PeerId, Timestamp, wire};

/// Records without the sealed messages, which stand beside.
#[derive(Default)]
pub struct Log {
    entries: Vec<Entry>,
    /// Where the round's clock stood when that was last written down.
    pub clock: u64,
    pub summary: Summary,
}

struct Entry {
    at: Timestamp,
    record: Vec<u8>,
    sealed: Option<Bytes>,
}

/// What the log says.
#[derive(Default)]
pub struct Summary {
    /// The digest of every message that may be acknowledged.
    pub stored: BTreeSet<[u8; 32]>,
    pub committee: Option<Bytes>,
    /// Who contributed, by number.
    pub contributors: Vec<PeerId>,
    pub manifest: Option<u32>,
    /// The messages of verifications, in order.
    pub verified: Vec<Bytes>,
    /// Who declined before there was a verdict.
    pub declined: BTreeSet<PeerId>,
    pub verdict: Option<VerdictBytes>,
    /// How many partial aggregates there are.
    pub partials: u32,
    /// How many have said that their safety words differ.
    pub disputes: u32,
    pub published: Option<(Aggregate, Bytes)>,
    pub ended: Option<EndReason>,
}

impl Summary {
    pub fn is_over(&self) -> bool {
        self.published.is_some() || self.ended.is_some()
    }

    fn take_in(&mut self, record: &Record) {
        let mut store = |message: &[u8]| self.stored.insert(*MessageDigest::of(message).as_bytes());
        match record {
            Record::Enrolled(message) => {
                store(message);
            }
            Record::Withdrawn(_)
            | Record::Left(_)
            | Record::ContributingClosed
            | Record::InvitationUsed { .. }
            | Record::PublishedSum { .. }
            | Record::InvitationsRevoked(_) => {}
            Record::WordsDisputed(_) => self.disputes += 1,
            Record::CommitteeFixed(bytes) => self.committee = Some(bytes.clone()),
            Record::Contributed(contributed) => {
                self.stored.insert(*contributed.digest.as_bytes());
                self.contributors.push(contributed.sender);
            }
            Record::ManifestFixed { size } => self.manifest = Some(*size),
            Record::Verified(message) => {
                store(message);
                self.verified.push(message.clone());
            }
            Record::Judged(verdict) => self.verdict = Some(verdict.clone()),
            Record::Partial(message) => {
                store(message);
                self.partials += 1;
            }
            Record::Declined(peer, reason) => {
                if self.verdict.is_none() {
                    self.declined.insert(*peer);
                }
                store(&wire::encode(&PeerMessage::Decline(*reason)));
            }
            Record::Published { aggregate, message } => {
                self.published = Some((aggregate.clone(), message.clone()));
            }
            Record::Ended(reason) => self.ended = Some(*reason),
        }
    }
}

impl Log {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The positions of the manifest and of the verdict.
    pub fn decisions(&self) -> Vec<usize> {
        let decision =
            |record: Record| matches!(record, Record::ManifestFixed { .. } | Record::Judged(_));
        let records = self.records().map(|(_, record)| decision(record)).enumerate();
        records.filter_map(|(position, is_decision)| is_decision.then_some(position)).collect()
    }

    pub fn append(&mut self, at: Timestamp, record: &Record) {
        self.summary.take_in(record);
        let sealed = match record {
            Record::Contributed(contributed) => Some(contributed.message.clone()),
            _ => None,
        };
        self.entries.push(Entry { at, record: record.encode(), sealed });
        self.clock = self.clock.max(at.0);
    }

    pub fn records(&self) -> impl Iterator<Item = (Timestamp, Record)> {
        self.entries.iter().map(|entry| {
            let record = Record::decode(&entry.record).expect("what was encoded decodes");
            (entry.at, record)
        })
    }

    pub fn contribution(&self, number: u32) -> Option<&Bytes> {
        let messages = self.entries.iter().filter_map(|entry| entry.sealed.as_ref());
        messages.into_iter().nth(usize::try_from(number).ok()?)
    }

    /// Goes back to how the log was when it had `len` records.
    pub fn roll_back(&mut self, len: usize) {
        self.entries.truncate(len);
        self.clock = self.entries.last().map_or(0, |entry| entry.at.0);
        self.summary = Summary::default();
        for entry in &self.entries {
            let record = Record::decode(&entry.record).expect("what was encoded decodes");
            self.summary.take_in(&record);
        }
    }
}
