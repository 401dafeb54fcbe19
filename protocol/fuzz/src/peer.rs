//! A peer whose hospital does what the fuzzer's script says: a valid round's messages, left out, repeated, in
//! another order, altered, of another course or another round, or made up.
//!
//! Whatever a hospital does, a peer
//!
//! * does not panic, and what it sends and writes down can be read;
//! * sends one contribution, one verification and one partial aggregate, byte by byte, however often its page
//!   is reloaded, each bound by what it wrote down before, and the first after its patient agreed to the words;
//! * gives its partial aggregate only for a verdict that it was told, which counts as many answers as the
//!   study asks for, about a manifest with its own answer in it once;
//! * sends nothing once its part is over, and asks to be called as long as it is not;
//! * shows no result but one that the members signed.

use std::collections::BTreeMap;

use wardsum_protocol::manifest::Commitment;
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Event, Input, Memory, Output, Peer, Record, Stage};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::verdict::{Verdict, VerdictBytes};
use wardsum_protocol::{
    Committee, CommitteeDigest, ContributionDigest, ManifestDigest, PeerId, Study, Timestamp,
    VerdictDigest, wire,
};

use super::Seeds;
use super::common::invited::invitation;
use super::common::verdict_bytes;
use super::recorded::{RECORDED, SETTINGS, Setting, answer_of};
use super::script::Script;

/// Longer scripts find nothing that shorter ones do not.
const OPERATIONS_MAX: usize = 300;

/// What a peer may want done at a time: more would be work without end.
const OUTPUTS_MAX: u32 = 100;

/// Close codes that mean something to a peer, and one that does not.
const CODES: [u16; 14] =
    [1006, 1001, 1009, 1012, 4400, 4404, 4405, 4410, 4411, 4412, 4413, 4414, 4415, 3000];

/// Plays what the script says.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let (setting, patient) = (script.byte(), script.byte());
    let mut page = Page::open(setting, patient);
    for _ in 0..OPERATIONS_MAX {
        let Some(operation) = script.operation() else { break };
        page.perform(operation, &mut script);
    }
}

/// What the peer is bound to.
#[derive(Default)]
struct Bound {
    committee: Option<CommitteeDigest>,
    manifest: Option<ManifestDigest>,
    verdict: Option<VerdictDigest>,
}

/// What the hospital has said, in whatever form.
#[derive(Default)]
struct Told {
    committees: BTreeMap<Vec<u8>, Committee>,
    manifests: Vec<Vec<ContributionDigest>>,
    verdicts: Vec<VerdictBytes>,
}

/// A patient's page: the peer, and what holds it to its word.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that may or may not have happened"
)]
struct Page {
    setting: &'static Setting,
    patient: usize,
    /// Which of the rounds the next message is from, and its number.
    course: usize,
    cursor: usize,
    peer: Peer,
    now: Timestamp,
    due: Option<Timestamp>,
    memory: Option<Memory>,
    wants_connection: bool,
    connected: bool,
    asked: bool,
    agreed: bool,
    over: bool,
    /// Whether what the page remembers is what the peer wrote down; nobody is held to what others wrote.
    own_memory: bool,
    bound: Bound,
    told: Told,
    /// What it sent that it may not send otherwise, by type.
    said: BTreeMap<u8, Vec<u8>>,
}

impl Page {
    fn open(setting: u8, patient: u8) -> Self {
        let setting = &RECORDED[usize::from(setting) % SETTINGS];
        let patient = usize::from(patient) % setting.rounds[0].patients.len();
        let (study, now) = (&setting.rounds[0].study, Timestamp(1_000));
        let entropy = setting.rounds[0].patients[patient].entropy.clone();
        let peer = if study.authority().is_some() {
            let serial = u32::try_from(patient).expect("a handful");
            Peer::invited(entropy, invitation(study, serial, patient < 3), now)
        } else {
            Peer::new(entropy, now)
        };
        let mut page = Self {
            setting,
            patient,
            course: 0,
            cursor: 0,
            peer,
            now,
            due: None,
            memory: None,
            wants_connection: false,
            connected: false,
            asked: false,
            agreed: false,
            over: false,
            own_memory: true,
            bound: Bound::default(),
            told: Told::default(),
            said: BTreeMap::new(),
        };
        page.drain();
        page
    }

    /// The study that the peer takes part in, or would.
    fn study(&self) -> &Study {
        self.peer.study().unwrap_or(&self.setting.rounds[0].study)
    }

    /// What the hospital said to this patient in the course that is played.
    fn recording(&self) -> &'static [Vec<u8>] {
        &self.setting.rounds[self.course].patients[self.patient].told
    }

    /// The message that would come next.
    fn next(&mut self) -> Option<Vec<u8>> {
        let message = self.recording().get(self.cursor)?.clone();
        self.cursor += 1;
        Some(message)
    }

    /// Any message that anybody was told in any of the rounds.
    fn any(&self, script: &mut Script<'_>) -> Vec<u8> {
        let round = &self.setting.rounds[script.index(self.setting.rounds.len())];
        let told = &round.patients[script.index(round.patients.len())].told;
        told[script.index(told.len())].clone()
    }

    fn perform(&mut self, operation: u8, script: &mut Script<'_>) {
        match operation {
            1 => {
                if let Some(message) = self.next() {
                    self.deliver(message);
                }
                return;
            }
            2 => drop(self.next()),
            3 => {
                let message = self.any(script);
                self.deliver(message);
            }
            4 => self.altered(script, |_, message, script| script.mutate(message)),
            5 => self.altered(script, |page, message, script| {
                let other = page.any(script);
                script.splice(message, &other);
            }),
            6 => {
                let mut message = self.any(script);
                script.mutate(&mut message);
                self.deliver(message);
            }
            7 => self.cursor = self.cursor.saturating_sub(1 + usize::from(script.byte() % 8)),
            8 => self.course = script.index(self.setting.rounds.len()),
            9 => {
                let answer = answer_from(script.byte());
                let _ = self.peer.answer(answer, self.now);
            }
            10 => {
                self.agreed |= self.asked;
                self.peer.handle(Input::WordsMatch, self.now);
            }
            11 => self.peer.handle(Input::WordsDiffer, self.now),
            12 => self.peer.handle(Input::Leave, self.now),
            13 => {
                self.connected = false;
                let code = CODES[script.index(CODES.len())];
                self.peer.handle(Input::ConnectionLost { code }, self.now);
            }
            // A connection that was given up stands after all.
            14 if !self.connected => self.peer.handle(Input::Connected, self.now),
            15 => self.peer.handle(Input::Wake, self.now),
            16 => {
                self.now = self.due.map_or(self.now, |due| due.max(self.now));
                self.called();
            }
            17 => self.called(),
            18 => self.now = self.now.after(1 << (script.byte() % 40)),
            19 => self.reload(),
            20 => self.reload_damaged(script),
            21 => {
                let message = self.made_up_manifest(script);
                self.deliver(message);
            }
            22 => {
                let message = made_up_verdict(script);
                self.deliver(message);
            }
            23 => {
                let len = usize::from(script.byte());
                self.deliver(script.bytes(len).to_vec());
            }
            24 => self.cursor = 0,
            _ => {
                if let Some(message) = self.next() {
                    self.deliver(message);
                }
            }
        }
        self.drain();
        self.work();
    }

    fn altered(
        &mut self,
        script: &mut Script<'_>,
        alter: impl FnOnce(&Self, &mut Vec<u8>, &mut Script<'_>),
    ) {
        if let Some(mut message) = self.next() {
            alter(self, &mut message, script);
            self.deliver(message);
        }
    }

    fn deliver(&mut self, message: Vec<u8>) {
        match wire::decode(&message) {
            Ok(HospitalMessage::Committee(bytes)) => {
                if let Ok(committee) = Committee::decode(self.study(), &bytes.0) {
                    self.told.committees.insert(bytes.0.to_vec(), committee);
                }
            }
            Ok(HospitalMessage::Manifest(digests)) => self.told.manifests.push(digests.into_vec()),
            Ok(HospitalMessage::Verdict(verdict)) => self.told.verdicts.push(verdict),
            _ => {}
        }
        self.peer.handle(Input::Message(message), self.now);
        self.drain();
    }

    fn called(&mut self) {
        self.due = None;
        self.peer.handle(Input::Timeout, self.now);
        self.drain();
    }

    /// Gives the peer the time that it asks for at once.
    fn work(&mut self) {
        let mut slices = 0;
        while self.due.is_some_and(|due| due <= self.now) {
            slices += 1;
            assert!(slices <= OUTPUTS_MAX, "work without end");
            self.called();
        }
    }

    fn reload(&mut self) {
        let Some(memory) = &self.memory else { return };
        let memory = Memory::decode(&memory.encode()).expect("its own memory");
        self.resume(memory);
    }

    fn reload_damaged(&mut self, script: &mut Script<'_>) {
        let Some(memory) = &self.memory else { return };
        let mut bytes = memory.encode().to_vec();
        script.mutate(&mut bytes);
        if let Ok(memory) = Memory::decode(&bytes) {
            assert_eq!(*memory.encode(), bytes, "read, but written otherwise");
            self.own_memory = false;
            self.memory = Some(memory.clone());
            self.resume(memory);
        }
    }

    fn resume(&mut self, memory: Memory) {
        self.peer = Peer::resume(memory, self.now);
        (self.due, self.over, self.asked) = (None, false, false);
        (self.connected, self.wants_connection) = (false, false);
        self.drain();
    }

    fn made_up_manifest(&self, script: &mut Script<'_>) -> Vec<u8> {
        let entries: Vec<_> = self.setting.rounds[..2].iter().flat_map(|of| &of.entries).collect();
        let len = script.byte() % 8;
        let digests = (0..len).map(|_| entries[script.index(entries.len())].1);
        wire::encode(&HospitalMessage::Manifest(digests.collect::<Vec<_>>().into()))
    }
}

fn made_up_verdict(script: &mut Script<'_>) -> Vec<u8> {
    let (members, rejected) = (script.byte(), script.byte() % 4);
    let members: Vec<u8> = (1..=8).filter(|place| members >> (place - 1) & 1 == 1).collect();
    let rejected = (0..rejected).map(|_| {
        let number = script.byte();
        (u32::from(number % 8), 1 + number / 128)
    });
    let verdict = verdict_bytes(&members, &rejected.collect::<Vec<_>>());
    wire::encode(&HospitalMessage::Verdict(verdict))
}

/// What is checked.
impl Page {
    /// Does what the peer wants done. Every connection that it asks for stands at once.
    fn drain(&mut self) {
        let mut outputs = 0;
        loop {
            while let Some(output) = self.peer.poll_output() {
                outputs += 1;
                assert!(outputs <= OUTPUTS_MAX, "it wants more and more done");
                self.output(output);
            }
            if !std::mem::take(&mut self.wants_connection) {
                break;
            }
            self.connected = true;
            self.peer.handle(Input::Connected, self.now);
        }
        let stage = self.peer.stage();
        let over = matches!(stage, Stage::Finished | Stage::Failed);
        assert!(over || !self.over, "over, and now {stage:?}");
        assert!(over || self.due.is_some(), "it waits in {stage:?} for ever");
        assert_eq!(self.peer.failure().is_some(), stage == Stage::Failed);
        self.over = over;
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Persist(record) => self.wrote(&record),
            Output::Send(bytes) => {
                assert!(!self.over && self.connected, "sent over no connection, or after the end");
                self.sent(&bytes);
            }
            Output::Connect(_) => self.wants_connection = true,
            Output::Disconnect => self.connected = false,
            Output::Event(event) => self.event(&event),
            Output::Timeout(at) => self.due = at,
        }
    }

    fn wrote(&mut self, record: &Record) {
        self.memory = Memory::after(self.memory.take(), record);
        if let Some(memory) = &self.memory {
            let again = Memory::decode(&memory.encode()).expect("its own memory");
            assert_eq!(again.encode(), memory.encode());
        }
        if !self.own_memory {
            return;
        }
        match record {
            Record::Contributing(digest) => bind(&mut self.bound.committee, *digest),
            Record::Verifying(digest) => bind(&mut self.bound.manifest, *digest),
            Record::Aggregating(digest) => bind(&mut self.bound.verdict, *digest),
            Record::Answered { .. } | Record::Promised | Record::Finished { .. } => {}
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        let message: PeerMessage = wire::decode(bytes).expect("a peer's message can be read");
        assert_eq!(wire::encode(&message), bytes, "sent otherwise than it is read");
        if !self.own_memory {
            return;
        }
        match message {
            PeerMessage::Contribute(_) => {
                let agreed = self.agreed || !self.study().needs_comparison();
                assert!(self.bound.committee.is_some() && agreed, "contributed unbound");
            }
            PeerMessage::Verification(_) => {
                assert!(self.bound.manifest.is_some(), "verified unbound");
            }
            PeerMessage::Partial(_) => self.check_partial(),
            _ => return,
        }
        let said = self.said.entry(bytes[0]).or_insert_with(|| bytes.to_vec());
        assert!(*said == bytes, "it says another thing than before: type {}", bytes[0]);
    }

    /// A partial aggregate opens a sum: it has to be one that the study allows.
    fn check_partial(&self) {
        let verdict = self.bound.verdict.expect("bound before a partial aggregate is given");
        let (senders, study) = (self.setting.senders(), self.study());
        let own = self.setting.rounds[0].patients[self.patient].identity.id();
        let meant = self.told.committees.values().find_map(|committee| {
            self.told.manifests.iter().find_map(|digests| {
                let entry = |digest| senders.get(digest).map(|sender| (sender, *digest));
                let entries: Vec<(&PeerId, _)> =
                    digests.iter().map(entry).collect::<Option<_>>()?;
                let commitment = Commitment::of(entries.iter().copied());
                let manifest = commitment.digest(study, committee);
                let mut verdicts = self.told.verdicts.iter();
                let rejected = verdicts.find_map(|bytes| {
                    let read = Verdict::read(bytes, study, committee, commitment).ok()?;
                    (read.digest(manifest) == verdict).then(|| bytes.rejected_len())
                })?;
                Some((entries, rejected))
            })
        });
        let (entries, rejected) = meant.expect("a partial aggregate for what it was not told");
        let accepted = entries.len() - rejected as usize;
        assert!(accepted >= study.minimum_cohort() as usize, "a sum of {accepted} answers");
        let mine = entries.iter().filter(|(sender, _)| **sender == own).count();
        assert_eq!(mine, 1, "its own answer counts {mine} times");
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::SafetyWords { awaited, .. } => self.asked = *awaited,
            Event::Published(published) if self.own_memory => {
                let mut rounds = self.setting.rounds.iter();
                let signed = rounds.any(|round| round.aggregate == published.aggregate);
                assert!(signed, "a result that nobody signed: {published:?}");
            }
            _ => {}
        }
    }
}

/// What is written down once is never written down otherwise.
/// What a byte answers: a number that may be out of range, and yes, no or nothing.
fn answer_from(byte: u8) -> Vec<Response> {
    let yes_or_no = match byte / 16 % 3 {
        0 => Response::None,
        other => Response::YesNo(other == 1),
    };
    vec![Response::Number((byte % 16).into()), yes_or_no]
}

fn bind<T: PartialEq + std::fmt::Debug + Copy>(bound: &mut Option<T>, to: T) {
    assert_eq!(*bound.get_or_insert(to), to, "bound to two");
}

/// A script that gets a page to the end of a course.
struct Composed {
    page: Page,
    script: Vec<u8>,
    memories: Vec<Memory>,
}

impl Composed {
    fn new(setting: u8, patient: u8, course: u8) -> Self {
        let page = Page::open(setting, patient);
        let mut composed = Self { page, script: vec![setting, patient], memories: Vec::new() };
        composed.then(&[8, course]);
        composed.play();
        composed
    }

    /// One operation with what it reads.
    fn then(&mut self, operation: &[u8]) {
        self.script.extend_from_slice(operation);
        self.page.perform(operation[0], &mut Script::new(&operation[1..]));
        self.memories.extend(self.page.memory.clone());
    }

    fn play(&mut self) {
        while let Some(message) = self.page.recording().get(self.page.cursor) {
            let again = self.page.cursor > 0
                && matches!(wire::decode(message), Ok(HospitalMessage::Welcome(_)));
            match self.page.peer.stage() {
                Stage::AwaitingAnswer => {
                    let answer = answer_of(self.page.patient);
                    let byte = (0..=u8::MAX).find(|byte| answer_from(*byte) == answer);
                    self.then(&[9, byte.expect("there is one for each answer")]);
                }
                Stage::Comparing => self.then(&[10]),
                Stage::Finished | Stage::Failed => break,
                // The connection broke, or the page was reloaded.
                _ if again && self.page.patient == 0 && self.page.bound.manifest.is_some() => {
                    self.then(&[19]);
                    self.then(&[0]);
                }
                _ if again => {
                    self.then(&[13, 0]);
                    while !self.page.connected {
                        self.then(&[16]);
                    }
                    self.then(&[0]);
                }
                _ => self.then(&[0]),
            }
        }
    }
}

/// Every patient in every course of every setting.
fn composed() -> impl Iterator<Item = (String, Composed)> {
    let settings = (0_u8..).zip(RECORDED.iter());
    settings.flat_map(|(setting, recorded)| {
        let patients = u8::try_from(recorded.rounds[0].patients.len()).expect("a handful");
        let all = (0..patients).flat_map(|patient| [(patient, 0), (patient, 1)]);
        all.map(move |(patient, course)| {
            let name = format!("seed-{setting}-{patient}-{course}");
            (name, Composed::new(setting, patient, course))
        })
    })
}

pub fn seeds() -> Seeds {
    composed()
        .map(|(name, composed)| {
            let stage = composed.page.peer.stage();
            assert_eq!(stage, Stage::Finished, "{name}: {:?}", composed.page.peer.failure());
            (name, composed.script)
        })
        .collect()
}

/// What peers remember in the courses, in any state.
pub fn memories() -> Vec<Memory> {
    let memories: BTreeMap<Vec<u8>, Memory> = composed()
        .filter(|(name, _)| name.ends_with("-0-0") || name.ends_with("-3-0"))
        .flat_map(|(_, composed)| composed.memories)
        .map(|memory| (memory.encode().to_vec(), memory))
        .collect();
    memories.into_values().collect()
}
