//! The virtual clock and everything that happens by it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::round::ConnectionId;
use wardsum_protocol::wire;

use crate::dice::Dice;
use crate::hospital::Hospital;
use crate::invariants::{Broken, Evidence, Invariant};
use crate::network::{ABNORMAL, Connection, Direction};
use crate::patient::Patient;
use crate::plan::{Plan, RECOVERY_MS};

/// How long after the round is over, and the weather calm, the last peer has heard of it. In milliseconds.
const LAST_WORD_MS: u64 = 2 * RECOVERY_MS;

pub struct World {
    pub plan: Plan,
    pub now: u64,
    pub dice: Dice,
    agenda: BTreeMap<(u64, u64), Happening>,
    next: u64,
    /// When everything has to have ended.
    limit: u64,
    pub connections: BTreeMap<ConnectionId, Connection>,
    pub hospital: Hospital,
    pub patients: Vec<Patient>,
    pub evidence: Evidence,
    pub trace: Trace,
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    StartHospital,
    Committed {
        process: u64,
    },
    Loaded {
        process: u64,
        number: u32,
    },
    HospitalTimer {
        timer: u64,
    },
    Command,
    OpenPage {
        patient: usize,
    },
    Answer {
        patient: usize,
        tab: u64,
    },
    Agree {
        patient: usize,
        tab: u64,
    },
    PeerTimer {
        patient: usize,
        timer: u64,
    },
    Fate {
        patient: usize,
    },
    Accept(ConnectionId),
    Mail(ConnectionId, Direction),
    PeerNotices(ConnectionId),
    HospitalNotices(ConnectionId),
    Mishap,
    /// Everybody has had time to recover.
    Inspect,
}

/// How a run went, for the summary of many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub runs: u32,
    pub published: u32,
    /// Runs whose deadlines are beyond the bad weather, and how many of them have a result.
    pub gentle: u32,
    pub gentle_published: u32,
    pub restarts: u32,
    pub connections: u64,
    pub reloads: u32,
    pub corrected: u32,
    /// Runs with a result that does not count every contribution, and with one that leaves members out.
    pub rejecting: u32,
    pub leaving_out: u32,
}

impl World {
    pub fn new(seed: u64, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        // The round's clock stands still while the hospital is down, which it is only in bad weather.
        let limit = plan.calm_from + plan.study.longest_ms() + LAST_WORD_MS;
        let patients = plan.patients.iter().map(Patient::new).collect();
        Self {
            now: 0,
            dice,
            agenda: BTreeMap::new(),
            next: 0,
            limit,
            connections: BTreeMap::new(),
            hospital: Hospital::new(),
            patients,
            evidence: Evidence::default(),
            trace,
            plan,
        }
    }

    /// Plays the run to its end.
    pub fn play(mut self) -> Result<Tally, Broken> {
        self.trace.note(0, || format!("{:?} calm from {}", self.plan.weather, self.plan.calm_from));
        self.trace.note(0, || format!("{:?}", self.plan.study.parameters()));
        for (patient, plan) in self.plan.patients.iter().enumerate() {
            if let Some(misbehaviour) = plan.misbehaviour {
                self.trace.note(0, || format!("patient {patient} cheats: {misbehaviour:?}"));
            }
        }
        self.schedule_at(0, Happening::StartHospital);
        self.schedule_at(self.plan.command_at, Happening::Command);
        self.schedule_at(self.plan.calm_from + RECOVERY_MS, Happening::Inspect);
        for patient in 0..self.patients.len() {
            let arrives = self.plan.patients[patient].arrives;
            self.schedule_at(arrives, Happening::OpenPage { patient });
            self.schedule_fate(patient);
        }
        self.schedule_mishap();
        let mut over = false;
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            self.now = at;
            if at > self.limit {
                self.everything_has_ended();
                break;
            }
            self.happen(happening);
            if self.evidence.broken.is_some() {
                break;
            }
            if !over && !self.weather_is_bad() && self.hospital.log.summary.is_over() {
                over = true;
                self.limit = self.limit.min(self.now + LAST_WORD_MS);
            }
            if self.hospital.log.summary.is_over() && self.patients.iter().all(Patient::is_done) {
                break;
            }
        }
        self.check_outcome();
        match self.evidence.broken.take() {
            Some(broken) => Err(broken),
            None => Ok(self.tally()),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::StartHospital => self.start_hospital(),
            Happening::Committed { process } => self.committed(process),
            Happening::Loaded { process, number } => self.loaded(process, number),
            Happening::HospitalTimer { timer } => self.hospital_timer(timer),
            Happening::Command => self.command(),
            Happening::OpenPage { patient } => self.open_page(patient),
            Happening::Answer { patient, tab } => self.answer(patient, tab),
            Happening::Agree { patient, tab } => self.agree(patient, tab),
            Happening::PeerTimer { patient, timer } => self.peer_timer(patient, timer),
            Happening::Fate { patient } => self.meet_fate(patient),
            Happening::Accept(id) => self.accept(id),
            Happening::Mail(id, direction) => self.arrive(id, direction),
            Happening::PeerNotices(id) => self.peer_loses(id, ABNORMAL),
            Happening::HospitalNotices(id) => self.hospital_notices(id),
            Happening::Mishap => self.mishap(),
            Happening::Inspect => self.check_recovery(),
        }
    }

    fn everything_has_ended(&mut self) {
        let phase = self.hospital.phase();
        if !self.hospital.log.summary.is_over() {
            self.evidence.breaks(Invariant::Ends, format!("the round is still {phase:?}"));
        }
        for (number, patient) in self.patients.iter().enumerate().filter(|(_, p)| !p.is_done()) {
            let stage = patient.tab.as_ref().map(|tab| tab.peer.stage());
            let detail = format!("patient {number} is still {stage:?}, the round {phase:?}");
            self.evidence.breaks(Invariant::Ends, detail);
        }
    }

    fn tally(&self) -> Tally {
        let published = u32::from(self.hospital.log.summary.published.is_some());
        let gentle = u32::from(self.plan.weather.gentle);
        Tally {
            runs: 1,
            published,
            gentle,
            gentle_published: gentle * published,
            restarts: self.hospital.restarts,
            connections: self.connections.len() as u64,
            reloads: self.patients.iter().map(|patient| patient.reloads).sum(),
            corrected: u32::from(self.evidence.corrected),
            rejecting: published * u32::from(self.evidence.rejected > 0),
            leaving_out: published * u32::from(self.evidence.left_out > 0),
        }
    }

    pub fn weather_is_bad(&self) -> bool {
        self.now < self.plan.calm_from
    }

    /// A number that was not used before.
    pub fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub fn schedule(&mut self, delay: u64, happening: Happening) {
        self.schedule_at(self.now + delay, happening);
    }

    pub fn schedule_at(&mut self, at: u64, happening: Happening) {
        let order = self.fresh();
        self.agenda.insert((at.max(self.now), order), happening);
    }

    pub fn note(&self, text: impl FnOnce() -> String) {
        self.trace.note(self.now, text);
    }

    /// Notes a message of the hospital's, but for progress, of which there is too much.
    pub fn note_message(&self, bytes: &[u8], text: impl FnOnce(String) -> String) {
        let name = self.trace.0.as_ref().and_then(|_| name_of_hospital_message(bytes));
        if let Some(name) = name {
            self.note(|| text(name));
        }
    }
}

/// What happened, in words, kept only when one run is replayed. It outlives a panic.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Mutex<VecDeque<String>>>>);

/// How many lines are kept.
const TRACE_LINES: usize = 20_000;

impl Trace {
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    pub fn note(&self, now: u64, text: impl FnOnce() -> String) {
        let Some(lines) = &self.0 else { return };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TRACE_LINES {
            lines.pop_front();
        }
        lines.push_back(format!("{:>7}.{:03}  {}", now / 1_000, now % 1_000, text()));
    }

    /// The last lines, the newest last.
    pub fn last(&self, count: usize) -> Vec<String> {
        let Some(lines) = &self.0 else { return Vec::new() };
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(count)).cloned().collect()
    }
}

/// A peer's message in a few words.
pub fn name_of_peer_message(bytes: &[u8]) -> String {
    match wire::decode(bytes) {
        Ok(PeerMessage::Enrol(_)) => "Enrol".to_owned(),
        Ok(PeerMessage::Contribute(_)) => "Contribute".to_owned(),
        Ok(PeerMessage::Verification(_)) => "Verification".to_owned(),
        Ok(PeerMessage::Partial(_)) => "Partial".to_owned(),
        Ok(PeerMessage::Identify(_)) => "Identify".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(_) => "something malformed".to_owned(),
    }
}

/// A hospital's message in a few words; none if it is progress.
fn name_of_hospital_message(bytes: &[u8]) -> Option<String> {
    Some(match wire::decode(bytes) {
        Ok(HospitalMessage::Progress(_)) => return None,
        Ok(HospitalMessage::Welcome(_)) => "Welcome".to_owned(),
        Ok(HospitalMessage::Acknowledge(_)) => "Acknowledge".to_owned(),
        Ok(HospitalMessage::Committee(_)) => "Committee".to_owned(),
        Ok(HospitalMessage::Deliver(delivery)) => format!("Deliver {}", delivery.number),
        Ok(HospitalMessage::Manifest(digests)) => format!("Manifest of {}", digests.len()),
        Ok(HospitalMessage::Counted(counted)) => format!("Counted {}", counted.number),
        Ok(HospitalMessage::Published(result)) => format!("Published {:?}", result.cells),
        Ok(
            other @ (HospitalMessage::Verdict(_)
            | HospitalMessage::Ended(_)
            | HospitalMessage::WordsDisputed(_)),
        ) => {
            format!("{other:?}")
        }
        Err(_) => "something malformed".to_owned(),
    })
}
