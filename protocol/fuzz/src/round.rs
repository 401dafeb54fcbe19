//! A hospital's round among honest peers, to which the fuzzer's script adds what goes wrong: messages that are
//! altered, repeated, from another connection or another round, connections that break, pages that are
//! reloaded, commands, and a process that is killed, with records that are damaged.
//!
//! Whatever happens to it, a round
//!
//! * does not panic, and what it sends and writes down can be read;
//! * publishes the exact sum of the answers that its verdict accepts, of different people who gave them, as many
//!   as the study asks for; and everybody who shows a result shows that one;
//! * keeps what it has acknowledged, and is the same after its process was killed;
//! * says nothing but what it has written down;
//! * gives honest peers no reason to accuse it, as long as nobody speaks over their connections.

use std::collections::{BTreeMap, BTreeSet};

use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{self, Failure, Stage};
use wardsum_protocol::round::{self, Command, ConnectionId, Record, Round, Status};
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{MessageDigest, PeerId, Phase, Study};

use super::Seeds;
use super::common::{Net, PeerStep, Step};
use super::recorded::{self, RECORDED, SETTINGS, Setting, answer_of, entry, number_of};
use super::script::Script;

/// Longer scripts find nothing that shorter ones do not.
const OPERATIONS_MAX: usize = 200;

/// A round among a handful is over after fewer steps than that.
const STEPS_MAX: u32 = 20_000;

/// The same people as in the recorded rounds, so that what they said there is theirs.
const PEOPLE: [fn(u8) -> (Study, usize); SETTINGS] =
    [recorded::additive, recorded::shamir, recorded::invited];

/// Plays what the script says, and then until everything has come to rest.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let (setting, course) = (script.byte(), script.byte());
    let mut ward = Ward::open(setting, course);
    for _ in 0..OPERATIONS_MAX {
        let Some(operation) = script.operation() else { break };
        ward.perform(operation, &mut script);
    }
    ward.finish();
    ward.check();
}

struct Ward {
    setting: &'static Setting,
    net: Net,
    /// Connections behind which nobody honest is.
    raw: Vec<ConnectionId>,
    /// Somebody spoke over the connection of an honest peer, which TLS does not let anybody.
    impersonated: bool,
}

impl Ward {
    fn open(setting: u8, course: u8) -> Self {
        let setting = usize::from(setting) % SETTINGS;
        let (study, people) = PEOPLE[setting](7);
        let net = recorded::gather(&study, people, u64::from(course));
        Self { setting: &RECORDED[setting], net, raw: Vec::new(), impersonated: false }
    }

    fn perform(&mut self, operation: u8, script: &mut Script<'_>) {
        let people = self.net.patients.len();
        match operation {
            1 => {
                let patient = script.index(people);
                self.answer(patient);
            }
            2 => (0..people).for_each(|patient| self.answer(patient)),
            3 => drop(self.net.step()),
            4 => self.net.lose(script.index(people)),
            5 => {
                let patient = script.index(people);
                if self.net.patients[patient].memory.is_some() {
                    self.net.reload(patient);
                }
            }
            6 => self.net.mute(script.index(people)),
            7 => self.net.leave(script.index(people)),
            8 => self.net.leave_for_good(script.index(people)),
            9 => self.net.cut(script.index(people)),
            10 => self.net.reach_again(script.index(people)),
            11 => self.net.compare(script.index(people), false),
            12 => {
                let patient = script.index(people);
                self.net.patients[patient].agrees = false;
            }
            13 => self.net.compare(script.index(people), true),
            14 => self.restart(),
            15 => self.restore_damaged(script),
            16 => self.net.command(Command::CloseEnrolment),
            17 => self.net.command(Command::CloseContributing),
            18 => self.net.command(Command::Abort),
            19 => {
                let serials = script.bytes(2).iter().map(|serial| u32::from(*serial % 8));
                self.net.command(Command::RevokeInvitations(serials.collect()));
            }
            20 => self.connect(script),
            21 => {
                let message = self.message(script);
                self.say(script, message);
            }
            22 => {
                let mut message = self.message(script);
                script.mutate(&mut message);
                self.say(script, message);
            }
            23 => {
                let (mut message, other) = (self.message(script), self.message(script));
                script.splice(&mut message, &other);
                self.say(script, message);
            }
            24 => {
                let len = usize::from(script.byte());
                let message = script.bytes(len).to_vec();
                self.say(script, message);
            }
            25 => {
                if !self.raw.is_empty() {
                    let connection = self.raw.swap_remove(script.index(self.raw.len()));
                    self.net.leave_raw(connection);
                }
            }
            // A few messages, as most of what happens.
            _ => (0..=operation % 16).for_each(|_| self.net.step_mail()),
        }
    }

    fn answer(&mut self, patient: usize) {
        if self.net.patients[patient].peer.stage() == Stage::AwaitingAnswer {
            let closed = self.net.round.status().phase > Phase::Contributing;
            if !closed {
                self.net.respond(patient, answer_of(patient));
            }
        }
    }

    /// Somebody opens a connection: a stranger, or somebody who holds a patient's keys.
    fn connect(&mut self, script: &mut Script<'_>) {
        let who = usize::from(script.byte());
        let connection = self.net.join_raw();
        self.raw.push(connection);
        if let Some(patient) = self.net.patients.get(who) {
            let identity = Identity::derive(&patient.entropy);
            let hello = self.identification(connection, &identity, u32::from(script.byte() % 4));
            self.net.send_raw(connection, hello);
        }
    }

    /// Shows to hold a patient's keys.
    fn identification(&self, over: ConnectionId, identity: &Identity, held: u32) -> Vec<u8> {
        let mut told = self.net.raw[&over].iter();
        let challenge = told.find_map(|bytes| match wire::decode(bytes) {
            Ok(HospitalMessage::Welcome(welcome)) => Some(welcome.challenge),
            _ => None,
        });
        let challenge = challenge.expect("every connection begins with a challenge");
        // Study, challenge, key, and how many deliveries it holds.
        let (study, id) = (self.net.round.study().digest(), identity.id());
        let held = held.to_be_bytes();
        let body = [study.as_bytes(), &challenge.0, id.as_bytes(), &held[..]].concat();
        let signed = identity.sign_body(SignatureLabel::Identification, &[], &Rest(body.into()));
        wire::encode(&PeerMessage::Identify(signed))
    }

    fn pick_raw(&self, script: &mut Script<'_>) -> Option<ConnectionId> {
        (!self.raw.is_empty()).then(|| self.raw[script.index(self.raw.len())])
    }

    /// Something that was said before, in this round or in a recorded one.
    fn message(&self, script: &mut Script<'_>) -> Vec<u8> {
        let seen = &self.net.seen_by_hospital;
        let which = script.byte();
        if which.is_multiple_of(2) && !seen.is_empty() {
            return seen[seen.len() - 1 - script.index(seen.len())].1.clone();
        }
        let round = &self.setting.rounds[usize::from(which / 2) % self.setting.rounds.len()];
        let sent = &round.patients[script.index(round.patients.len())].sent;
        sent[script.index(sent.len())].clone()
    }

    /// Says something over a connection that is nobody's, or a patient's.
    fn say(&mut self, script: &mut Script<'_>, message: Vec<u8>) {
        let who = usize::from(script.byte());
        match self.net.patients.get(who) {
            Some(patient) => {
                self.impersonated = true;
                let connection = patient.connection;
                self.net.send_raw(connection, message);
            }
            None => {
                if let Some(connection) = self.pick_raw(script) {
                    self.net.send_raw(connection, message);
                }
            }
        }
    }

    /// The process is killed and comes back: it is where it was, but for its connections.
    fn restart(&mut self) {
        let before = lasting(self.net.round.status());
        self.net.restart();
        // What was timed out meanwhile is not: the same moment.
        let after = lasting(self.net.round.status());
        assert_eq!(before, after, "a round comes back as another");
        self.raw.clear();
    }

    /// Records with one damaged, lost, repeated or moved are refused, or are a round in which nothing is
    /// undefined.
    fn restore_damaged(&self, script: &mut Script<'_>) {
        let mut records = self.net.journal.clone();
        if records.is_empty() {
            return;
        }
        let at = script.index(records.len());
        match script.byte() % 4 {
            0 => drop(records.remove(at)),
            1 => records.insert(at, records[at].clone()),
            2 => {
                let to = script.index(records.len());
                records.swap(at, to);
            }
            _ => {
                let mut bytes = records[at].1.encode();
                script.mutate(&mut bytes);
                let Ok(record) = Record::decode(&bytes) else { return };
                records[at].1 = record;
            }
        }
        let (study, opened) = (self.net.round.study().clone(), self.net.journal[0].0);
        if let Ok(mut round) = Round::restore(study, opened, records, self.net.now) {
            round.handle(round::Input::Timeout, self.net.now);
            while round.poll_output().is_some() {}
            let _ = round.status();
        }
    }

    /// Lets everything come to rest.
    fn finish(&mut self) {
        (0..self.net.patients.len()).for_each(|patient| self.answer(patient));
        let mut steps = 0;
        while self.net.step() {
            steps += 1;
            assert!(steps <= STEPS_MAX, "the round does not come to an end");
        }
    }
}

/// What of a status outlives a process.
fn lasting(status: Status) -> Status {
    Status { connected: 0, away: 0, closes_at: None, ..status }
}

/// What is checked at the end.
impl Ward {
    fn check(&self) {
        self.check_said();
        self.check_result();
        self.check_acknowledged();
        self.check_peers();
    }

    /// What the hospital said stands in its journal before.
    fn check_said(&self) {
        let mut committee = false;
        let (mut contributions, mut manifest, mut verdict, mut over) = (0, None, None, false);
        for step in &self.net.history {
            match step {
                Step::Wrote(record) => match &**record {
                    Record::CommitteeFixed(_) => committee = true,
                    Record::Contributed(_) => contributions += 1,
                    Record::ManifestFixed { size } => manifest = Some(*size),
                    Record::Judged(bytes) => verdict = Some(bytes.clone()),
                    Record::Published { .. } | Record::Ended(_) => over = true,
                    _ => {}
                },
                Step::Sent(bytes) => {
                    let message: HospitalMessage = wire::decode(bytes).expect("it can be read");
                    let durable = match &message {
                        HospitalMessage::Committee(_) => committee,
                        HospitalMessage::Deliver(delivery) => delivery.number < contributions,
                        HospitalMessage::Manifest(digests) => {
                            manifest == u32::try_from(digests.len()).ok()
                        }
                        HospitalMessage::Counted(_) => manifest.is_some(),
                        HospitalMessage::Verdict(bytes) => verdict.as_ref() == Some(bytes),
                        HospitalMessage::Published(_) | HospitalMessage::Ended(_) => over,
                        _ => true,
                    };
                    assert!(durable, "said before it was written down: {message:?}");
                }
            }
        }
    }

    /// What each of the patients answered, by key.
    fn answers(&self) -> BTreeMap<PeerId, i128> {
        let ids = self.net.patients.iter().map(|p| Identity::derive(&p.entropy).id());
        ids.enumerate().map(|(patient, id)| (id, number_of(patient))).collect()
    }

    fn check_result(&self) {
        let published = self.net.journal.iter().filter_map(|(_, record)| match record {
            Record::Published { aggregate, .. } => Some(aggregate.clone()),
            _ => None,
        });
        let published: Vec<_> = published.collect();
        assert!(published.len() <= 1, "two results");
        for (number, patient) in self.net.patients.iter().enumerate() {
            for event in &patient.events {
                if let peer::Event::Published(shown) = event {
                    assert_eq!(Some(&shown.aggregate), published.first(), "shown to {number}");
                }
            }
        }
        let Some(aggregate) = published.first() else { return };
        let records = self.net.journal.iter().map(|(_, record)| record);
        let senders: Vec<PeerId> =
            records.clone().filter_map(entry).map(|(sender, _)| sender).collect();
        let different: BTreeSet<_> = senders.iter().collect();
        assert_eq!(different.len(), senders.len(), "somebody counts twice");
        let verdict = records.clone().find_map(|record| match record {
            Record::Judged(bytes) => Some(super::common::verdict_parts(bytes).1),
            _ => None,
        });
        let rejected = verdict.expect("no result without a verdict");
        let answers = self.answers();
        let accepted: Vec<i128> = (0_u32..)
            .zip(&senders)
            .filter(|(number, _)| rejected.iter().all(|(other, _)| other != number))
            .map(|(_, sender)| answers[sender])
            .collect();
        let sum = self.net.sum_in(aggregate);
        assert_eq!(sum, accepted.iter().sum::<i128>(), "of {accepted:?}");
        assert_eq!(aggregate.count as usize, accepted.len());
        let minimum = self.net.round.study().minimum_cohort();
        assert!(aggregate.count >= minimum, "a sum of {} answers", aggregate.count);
        assert!(rejected.is_empty(), "honest answers are rejected: {rejected:?}");
    }

    /// What was acknowledged to anybody is in the journal.
    fn check_acknowledged(&self) {
        let mut stored = BTreeSet::new();
        for (_, record) in &self.net.journal {
            match record {
                Record::Enrolled(message)
                | Record::Verified(message)
                | Record::Partial(message) => {
                    stored.insert(*MessageDigest::of(message).as_bytes());
                }
                Record::Contributed(contributed) => {
                    stored.insert(*contributed.digest.as_bytes());
                }
                _ => {}
            }
        }
        for (_, message) in &self.net.seen_by_hospital {
            if let Ok(PeerMessage::Decline(_)) = wire::decode(message) {
                stored.insert(*MessageDigest::of(message).as_bytes());
            }
        }
        for step in &self.net.history {
            if let Step::Sent(bytes) = step
                && let Ok(HospitalMessage::Acknowledge(digest)) = wire::decode(bytes)
            {
                assert!(stored.contains(digest.as_bytes()), "acknowledged and not kept");
            }
        }
    }

    /// Peers say one thing, and accuse nobody.
    fn check_peers(&self) {
        for (number, patient) in self.net.patients.iter().enumerate() {
            let mut said = BTreeMap::new();
            for step in &patient.history {
                if let PeerStep::Sent(bytes) = step
                    && matches!(bytes[0], 2..=4)
                {
                    let first = said.entry(bytes[0]).or_insert(bytes);
                    assert!(*first == bytes, "patient {number} says two things");
                }
            }
            let accusation = patient.peer.failure().filter(|failure| !is_blameless(failure));
            assert!(
                self.impersonated || accusation.is_none(),
                "patient {number} is told: {accusation:?}"
            );
        }
    }
}

/// What may happen to an honest peer of an honest hospital.
fn is_blameless(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::ConnectionLost
            | Failure::HospitalStopping
            | Failure::HospitalSilent
            | Failure::TooLate
            | Failure::Full
            | Failure::PlacesKept
            | Failure::Replaced
            | Failure::InvitationRevoked
            | Failure::InvitationUsed
            | Failure::Left
            | Failure::WordsDiffer
            | Failure::RoundEnded(_)
    )
}

/// Rounds that go well, and some in which something goes wrong that rounds survive.
pub fn seeds() -> Seeds {
    const ALL_MAIL: [u8; 4] = [47, 63, 79, 95];
    let mut seeds = Seeds::new();
    for setting in 0..u8::try_from(SETTINGS).expect("a few") {
        let scripts: [(&str, &[&[u8]]); 6] = [
            ("plain", &[&[2]]),
            ("broken", &[&[2], &ALL_MAIL, &[4, 0, 4, 1], &ALL_MAIL, &[4, 2]]),
            ("reloaded", &[&[2], &ALL_MAIL, &[5, 0], &ALL_MAIL, &[5, 1, 5, 2]]),
            ("killed", &[&[2], &ALL_MAIL, &[14], &ALL_MAIL, &[3; 12], &[14], &ALL_MAIL, &[14]]),
            (
                "strangers",
                &[&[2], &ALL_MAIL, &[20, 9, 21, 0, 3, 9, 0], &[20, 1, 0, 22, 0, 1, 0, 9, 1, 9]],
            ),
            (
                "damaged",
                &[&[2], &ALL_MAIL, &[3; 20], &[15, 3, 0], &[15, 1, 1], &[15, 2, 3, 0, 0, 9]],
            ),
        ];
        for (name, parts) in scripts {
            let head = [setting, 1];
            let script = [&head[..], &ALL_MAIL, &parts.concat(), &ALL_MAIL].concat();
            seeds.push((format!("seed-{setting}-{name}"), script));
        }
    }
    seeds
}
