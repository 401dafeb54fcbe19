//! Valid rounds, each played once: what the fuzzer's scripts cut up and put together anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use wardsum_protocol::form::{ItemForm, Kind};
use wardsum_protocol::identity::{Identity, PeerId};
use wardsum_protocol::manifest::Commitment;
use wardsum_protocol::messages::HospitalMessage;
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::receipt::Receipt;
use wardsum_protocol::round::Record;
use wardsum_protocol::transcript::Transcript;
use wardsum_protocol::verdict::{Verdict, VerdictBytes};
use wardsum_protocol::wire::Flag;
use wardsum_protocol::{
    Aggregate, Committee, ContributionDigest, Entropy, ManifestDigest, Phase, Study,
    StudyParameters, Timestamp, VerdictDigest, wire,
};

use super::common::invited::{invitation, invited_study};
use super::common::{Dice, Net, PeerStep, asking, study};

/// Somebody in a recorded round.
pub struct Patient {
    pub entropy: Entropy,
    pub identity: Identity,
    /// What it was told, in order.
    pub told: Vec<Vec<u8>>,
    /// What it sent, in order.
    pub sent: Vec<Vec<u8>>,
}

/// A round that went well.
pub struct Recorded {
    pub study: Study,
    pub patients: Vec<Patient>,
    pub journal: Vec<(Timestamp, Record)>,
    pub committee: Committee,
    /// In the order of the manifest.
    pub entries: Vec<(PeerId, ContributionDigest)>,
    pub commitment: Commitment,
    pub manifest: ManifestDigest,
    pub verdict: VerdictBytes,
    pub verdict_digest: VerdictDigest,
    pub aggregate: Aggregate,
    pub transcript: Vec<u8>,
    /// What the patients can keep.
    pub receipts: Vec<String>,
}

/// Rounds of the same people: two courses of one study, and one of another.
pub struct Setting {
    pub rounds: [Recorded; 3],
}

/// What rounds are played.
const KINDS: [fn(u8) -> (Study, usize); 3] = [additive, shamir, invited];

/// The course in which connections break.
const WITH_BREAKS: u64 = 2;

/// How many settings there are.
pub const SETTINGS: usize = KINDS.len();

/// The settings: additive among three of four people, three of four members, invited.
pub static RECORDED: LazyLock<[Setting; SETTINGS]> = LazyLock::new(|| {
    KINDS.map(|kind| {
        let rounds = [(7, 1), (7, 2), (8, 3)].map(|(instance, course)| {
            let (study, people) = kind(instance);
            record(play(&study, people, course))
        });
        Setting { rounds }
    })
});

/// The number that a patient answers.
pub fn number_of(patient: usize) -> i128 {
    [2, 3, 1, 0, 3][patient % 5]
}

/// What a patient answers: the first one says yes and the fourth one nothing, of which nobody shall learn.
pub fn answer_of(patient: usize) -> Vec<Response> {
    let yes_or_no = match patient % 5 {
        0 => Response::YesNo(true),
        3 => Response::None,
        _ => Response::YesNo(false),
    };
    vec![Response::Number(number_of(patient)), yes_or_no]
}

/// A question that may be left out.
fn yes_or_no() -> ItemForm {
    let asked = ItemForm::new("again", "Would you do it again?", Kind::YesNo);
    ItemForm { optional: Flag(true), ..asked }
}

/// A study of short answers, so that little is spent on sharing them.
fn small(instance: u8) -> impl FnOnce(&mut StudyParameters) {
    move |p| {
        p.instance = [instance; 16];
        p.form = asking(0, 3);
        p.form.sections[0].items.push(yes_or_no());
        p.minimum_cell = 3;
        p.committee_cap = 3;
        p.maximum_cohort = 20;
    }
}

/// A committee of three, of whom all are needed, and a visitor.
pub fn additive(instance: u8) -> (Study, usize) {
    (study(small(instance)), 4)
}

/// A committee of four, of whom three are needed.
pub fn shamir(instance: u8) -> (Study, usize) {
    let larger = |p: &mut StudyParameters| {
        small(instance)(p);
        p.committee_cap = 4;
    };
    (study(larger), 4)
}

/// The invited, of whom the fourth may not serve.
pub fn invited(instance: u8) -> (Study, usize) {
    (invited_study(small(instance)), 4)
}

/// People open the page, with an invitation if they need one. Whoever they are depends on the seed alone.
pub fn gather(study: &Study, people: usize, course: u64) -> Net {
    let mut net = Net::new(study.clone(), 1);
    for number in 0..people {
        if study.authority().is_some() {
            let serial = u32::try_from(number).expect("a handful");
            net.join_invited(invitation(study, serial, number < 3));
        } else {
            net.join();
        }
    }
    net.dice = Dice::new(course);
    net
}

fn play(study: &Study, people: usize, course: u64) -> Net {
    let mut net = gather(study, people, course);
    net.settle_mail();
    for patient in 0..people {
        net.respond(patient, answer_of(patient));
    }
    if course == WITH_BREAKS {
        // Everybody's connection breaks once, and somebody reloads the page.
        net.run_until(|net| net.round.status().contributed == 2);
        (0..people).for_each(|patient| net.lose(patient));
        net.run_until(|net| net.round.status().phase == Phase::Verifying);
        net.reload(0);
    }
    net.run();
    net
}

fn record(mut net: Net) -> Recorded {
    let study = net.round.study().clone();
    let committee = net.committee().expect("the round went well");
    let entries: Vec<_> = net.journal.iter().filter_map(|(_, record)| entry(record)).collect();
    let commitment = Commitment::of(entries.iter().map(|(sender, digest)| (sender, *digest)));
    let manifest = commitment.digest(&study, &committee);
    let judged = net.journal.iter().find_map(|(_, record)| match record {
        Record::Judged(verdict) => Some(verdict.clone()),
        _ => None,
    });
    let verdict = judged.expect("the round went well");
    let read = Verdict::read(&verdict, &study, &committee, commitment).expect("it was accepted");
    let records = net.journal.iter().map(|(_, record)| record);
    let transcript = Transcript::of(&study, records).expect("there is a result").encode();
    let receipts = net.patients.iter().filter_map(|patient| patient.peer.receipt());
    let receipts = receipts.map(Receipt::encode).collect();
    let patients = net.patients.drain(..).map(|patient| Patient {
        identity: Identity::derive(&patient.entropy),
        entropy: patient.entropy,
        told: patient.told,
        sent: patient.history.into_iter().filter_map(sent).collect(),
    });
    Recorded {
        patients: patients.collect(),
        aggregate: net.round.status().aggregate.expect("the round went well"),
        journal: net.journal,
        committee,
        entries,
        commitment,
        manifest,
        verdict,
        verdict_digest: read.digest(manifest),
        transcript,
        receipts,
        study,
    }
}

/// What a record adds to the manifest.
pub fn entry(record: &Record) -> Option<(PeerId, ContributionDigest)> {
    match record {
        Record::Contributed(contributed) => Some((contributed.sender, contributed.digest)),
        _ => None,
    }
}

fn sent(step: PeerStep) -> Option<Vec<u8>> {
    match step {
        PeerStep::Sent(bytes) => Some(bytes),
        PeerStep::Wrote(_) => None,
    }
}

impl Recorded {
    /// The verdict, read.
    pub fn read_verdict(&self) -> Verdict {
        Verdict::read(&self.verdict, &self.study, &self.committee, self.commitment)
            .expect("it was accepted")
    }

    /// One message of each kind that anybody sent.
    pub fn kinds_sent(&self) -> Vec<Vec<u8>> {
        kinds(self.patients.iter().flat_map(|patient| &patient.sent))
    }

    /// One message of each kind that anybody was told.
    pub fn kinds_told(&self) -> Vec<Vec<u8>> {
        kinds(self.patients.iter().flat_map(|patient| &patient.told))
    }

    /// The sealed share in the first delivery, with the number of whose it is.
    pub fn delivered(&self) -> Vec<u8> {
        let mut told = self.patients.iter().flat_map(|patient| &patient.told);
        let delivered = told.find_map(|message| match wire::decode(message) {
            Ok(HospitalMessage::Deliver(delivery)) => Some(delivery.share.0.to_vec()),
            _ => None,
        });
        delivered.expect("members get shares")
    }
}

/// The first of each kind, which is what a message begins with.
fn kinds<'a>(messages: impl Iterator<Item = &'a Vec<u8>>) -> Vec<Vec<u8>> {
    let mut seen = BTreeSet::new();
    messages.filter(|message| seen.insert(message.first())).cloned().collect()
}

impl Setting {
    /// Who made which contribution, in any of the rounds.
    pub fn senders(&self) -> BTreeMap<ContributionDigest, PeerId> {
        let entries = self.rounds.iter().flat_map(|round| &round.entries);
        entries.map(|(sender, digest)| (*digest, *sender)).collect()
    }
}
