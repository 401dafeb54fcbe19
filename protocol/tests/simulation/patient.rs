//! Drives a [`Peer`] as a browser's page does: a tab that can be closed, reloaded and killed at any
//! moment, a little storage that survives it, and a clock of its own.

use wardsum_protocol::identity::Identity;
use wardsum_protocol::peer::{Event, Failure, Input, Memory, Output, Peer, Record, Role, Stage};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::ConnectionId;
use wardsum_protocol::{Entropy, Timestamp};

use crate::network::{Direction, Mail};
use crate::plan::{Fate, PatientPlan};
use crate::world::{Happening, World, name_of_peer_message};

/// How often a patient tries again whose page has given up for a reason that may pass.
const RETRIES_MAX: u32 = 40;

pub struct Patient {
    pub tab: Option<Tab>,
    /// What survives the tab, encoded as the browser keeps it.
    pub memory: Option<Vec<u8>>,
    /// The randomness of the last peer that began without a memory.
    entropy: [u8; 32],
    /// Whether an answer was ever written down; then nobody asks again once it is erased.
    answered: bool,
    bound: Bound,
    /// Is not coming back.
    gone: bool,
    /// A closed tab that will be opened again.
    coming: bool,
    retries: u32,
    pub reloads: u32,
    /// How far sleep has set the clock forward, in milliseconds.
    pub clock_ahead: u64,
    /// No network before then.
    pub cut_off_until: u64,
}

/// What a peer has written down that it will answer.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that a peer wrote down")]
pub struct Bound {
    /// Whether its patient has agreed to the safety words, or need not.
    pub agreed: bool,
    pub committee: bool,
    pub manifest: bool,
    pub verdict: bool,
}

pub struct Tab {
    pub peer: Peer,
    number: u64,
    pub connection: Option<ConnectionId>,
    timer: u64,
    /// Whether the peer asked to be called, and was not called since.
    due: bool,
    /// How many deliveries it has, if it is a member.
    pub received: Option<u32>,
}

impl Patient {
    pub fn new(_: &PatientPlan) -> Self {
        Self {
            tab: None,
            memory: None,
            entropy: [0; 32],
            answered: false,
            bound: Bound::default(),
            gone: false,
            coming: true,
            retries: 0,
            reloads: 0,
            clock_ahead: 0,
            cut_off_until: 0,
        }
    }

    /// Whether nothing more is to be expected.
    pub fn is_done(&self) -> bool {
        match &self.tab {
            _ if self.gone => true,
            Some(tab) => {
                matches!(tab.peer.stage(), Stage::Finished | Stage::Failed) && !self.coming
            }
            None => !self.coming,
        }
    }

    /// Whether it answered, and its answer has been erased since.
    fn is_finished(&self) -> bool {
        self.answered && self.memory.is_none()
    }
}

impl World {
    /// A patient's clock.
    fn local_time(&self, patient: usize) -> Timestamp {
        let plan = &self.plan.patients[patient];
        let ahead = plan.clock_offset + self.patients[patient].clock_ahead;
        Timestamp(ahead + self.now * plan.clock_rate / 1_000)
    }

    /// When a patient's clock shows `local`.
    fn world_time(&self, patient: usize, local: Timestamp) -> u64 {
        let plan = &self.plan.patients[patient];
        let ahead = plan.clock_offset + self.patients[patient].clock_ahead;
        (local.0.saturating_sub(ahead) * 1_000).div_ceil(plan.clock_rate)
    }

    /// The page is opened, for the first time or again.
    pub fn open_page(&mut self, patient: usize) {
        let (now, entropy) = (self.local_time(patient), self.dice.bytes());
        let number = self.fresh();
        let this = &mut self.patients[patient];
        this.coming = false;
        if this.gone || this.tab.is_some() || this.is_finished() {
            return;
        }
        let memory =
            this.memory.as_ref().map(|bytes| Memory::decode(bytes).expect("what was kept decodes"));
        self.trace.note(self.now, || {
            format!("patient {patient} opens the page, memory: {}", memory.is_some())
        });
        let peer = if let Some(memory) = memory {
            Peer::resume(memory, now)
        } else {
            this.entropy = entropy;
            let id = Identity::derive(&Entropy::new(entropy)).id();
            self.evidence.peer_is(id, patient);
            match &self.plan.patients[patient].invitation {
                None => Peer::new(Entropy::new(entropy), now),
                Some(invitation) => Peer::invited(Entropy::new(entropy), invitation.clone(), now),
            }
        };
        let peer = match self.plan.patients[patient].misbehaviour {
            Some(misbehaviour) => peer.misbehaving(misbehaviour),
            None => peer,
        };
        this.tab =
            Some(Tab { peer, number, connection: None, timer: 0, due: false, received: None });
        self.pump_peer(patient);
    }

    /// The patient has thought about the question.
    pub fn answer(&mut self, patient: usize, tab: u64) {
        let (now, value) = (self.local_time(patient), self.plan.patients[patient].value);
        let Some(open) = self.patients[patient].tab.as_mut().filter(|open| open.number == tab)
        else {
            return;
        };
        let taken = open.peer.answer(vec![Response::Number(value)], now);
        self.note(|| format!("patient {patient} answers: {taken:?}"));
        self.pump_peer(patient);
    }

    /// The patient has compared the safety words.
    pub fn agree(&mut self, patient: usize, tab: u64) {
        if self.patients[patient].tab.as_ref().is_some_and(|open| open.number == tab) {
            self.patients[patient].bound.agreed = true;
            self.tell_peer(patient, Input::WordsMatch);
        }
    }

    pub fn tell_peer(&mut self, patient: usize, input: Input) {
        let now = self.local_time(patient);
        let Some(tab) = &mut self.patients[patient].tab else { return };
        tab.due &= !matches!(input, Input::Timeout);
        tab.peer.handle(input, now);
        self.pump_peer(patient);
    }

    pub fn peer_timer(&mut self, patient: usize, timer: u64) {
        if self.patients[patient].tab.as_ref().is_some_and(|tab| tab.timer == timer) {
            self.tell_peer(patient, Input::Timeout);
        }
    }

    fn pump_peer(&mut self, patient: usize) {
        while let Some(tab) = &mut self.patients[patient].tab
            && let Some(output) = tab.peer.poll_output()
        {
            self.perform_for_peer(patient, output);
        }
        if let Some(tab) = &self.patients[patient].tab {
            self.evidence.peer_timer(patient, tab.peer.stage(), tab.due);
        }
    }

    fn perform_for_peer(&mut self, patient: usize, output: Output) {
        match output {
            Output::Persist(record) => self.write_down(patient, &record),
            Output::Connect(_) => {
                self.hang_up(patient);
                let id = self.connect(patient);
                self.note(|| format!("  {patient} connects: {id:?}"));
                let calm = !self.weather_is_bad();
                if let Some(tab) = &mut self.patients[patient].tab {
                    tab.connection = Some(id);
                    if calm {
                        self.evidence.connects_in_calm(tab.number, patient);
                    }
                }
            }
            Output::Disconnect => {
                self.note(|| format!("  {patient} disconnects"));
                self.hang_up(patient);
            }
            Output::Send(bytes) => self.peer_sends(patient, bytes),
            Output::Event(event) => self.peer_shows(patient, &event),
            Output::Timeout(at) => {
                let timer = self.fresh();
                let late = self.dice.below(20);
                if let Some(tab) = &mut self.patients[patient].tab {
                    (tab.timer, tab.due) = (timer, at.is_some());
                }
                if let Some(at) = at {
                    let at = self.world_time(patient, at).max(self.now) + late;
                    self.schedule_at(at, Happening::PeerTimer { patient, timer });
                }
            }
        }
    }

    /// Makes a record durable; the tab may be killed just before or just after.
    fn write_down(&mut self, patient: usize, record: &Record) {
        let percent = self.plan.weather.peer_crash;
        if self.weather_is_bad() && self.dice.chance(percent) {
            self.note(|| format!("  {patient} is killed before it writes {record:?}"));
            return self.kill_tab(patient);
        }
        let this = &mut self.patients[patient];
        let memory =
            this.memory.as_ref().map(|bytes| Memory::decode(bytes).expect("what was kept decodes"));
        this.memory = Memory::after(memory, record).map(|memory| memory.encode().to_vec());
        this.answered |= matches!(record, Record::Answered { .. });
        this.bound.committee |= matches!(record, Record::Contributing(_));
        this.bound.manifest |= matches!(record, Record::Verifying(_));
        this.bound.verdict |= matches!(record, Record::Aggregating(_));
        self.note(|| format!("  {patient} writes {record:?}"));
        if self.weather_is_bad() && self.dice.chance(percent) {
            self.note(|| format!("  {patient} is killed after that"));
            self.kill_tab(patient);
        }
    }

    fn peer_sends(&mut self, patient: usize, bytes: Vec<u8>) {
        let bound = self.patients[patient].bound;
        let misbehaviour = self.plan.patients[patient].misbehaviour;
        self.evidence.peer_says(patient, bound, misbehaviour, &bytes);
        self.note(|| format!("  {patient} -> {}", name_of_peer_message(&bytes)));
        if let Some(id) = self.patients[patient].tab.as_ref().and_then(|tab| tab.connection) {
            self.send(id, Direction::Up, &Mail::Message(bytes.into()));
        }
    }

    fn peer_shows(&mut self, patient: usize, event: &Event) {
        if !matches!(event, Event::Waiting(_) | Event::StudyReceived(_) | Event::Resumed { .. }) {
            self.note(|| format!("  {patient} shows {event:?}"));
        }
        match event {
            Event::StudyReceived(_) => {
                let thinks = self.plan.patients[patient].thinks;
                let tab = self.patients[patient].tab.as_ref().map_or(0, |tab| tab.number);
                self.schedule(thinks, Happening::Answer { patient, tab });
            }
            Event::SafetyWords { awaited: true, .. } => {
                let compares = self.plan.patients[patient].compares;
                let tab = self.patients[patient].tab.as_ref().map_or(0, |tab| tab.number);
                self.schedule(compares, Happening::Agree { patient, tab });
            }
            // The invited have their invitations instead, and nothing to compare.
            Event::SafetyWords { .. } if !self.plan.study.needs_comparison() => {
                self.patients[patient].bound.agreed = true;
            }
            Event::CommitteeFixed { role: Role::Member { .. }, .. } => {
                self.has_received(patient, 0);
            }
            Event::ShareReceived { received } => self.has_received(patient, *received),
            Event::ContributionAcknowledged => self.evidence.acknowledged(patient),
            Event::Published(published) => {
                self.evidence.peer_publishes(&self.plan, patient, published);
            }
            Event::Failed(failure) => self.peer_fails(patient, *failure),
            Event::Disconnected { why: Failure::PlacesKept, .. } => {
                self.sent_away(patient);
                let tab = self.patients[patient].tab.as_ref().map(|tab| tab.number);
                self.evidence.finds_no_place(tab, patient);
            }
            _ => {}
        }
    }

    fn has_received(&mut self, patient: usize, received: u32) {
        if let Some(tab) = &mut self.patients[patient].tab {
            tab.received = Some(received);
        }
    }

    /// The page has given up. If the reason may pass, the patient tries again.
    fn peer_fails(&mut self, patient: usize, failure: Failure) {
        self.evidence.peer_fails(patient, failure);
        match failure {
            Failure::Full => self.sent_away(patient),
            Failure::TooLate => self.told_too_late(patient),
            _ => {}
        }
        let this = &mut self.patients[patient];
        if !failure.is_final() && this.retries < RETRIES_MAX {
            this.retries += 1;
            let pause = self.dice.between(500, 20_000);
            self.close_tab(patient);
            self.come_back(patient, pause);
        }
    }

    /// Drops the connection without a word: it is gone already.
    pub fn hang_up_quietly(&mut self, patient: usize) {
        if let Some(tab) = &mut self.patients[patient].tab {
            tab.connection = None;
        }
    }

    fn hang_up(&mut self, patient: usize) {
        let connection = self.patients[patient].tab.as_mut().and_then(|tab| tab.connection.take());
        if let Some(id) = connection {
            self.peer_closes(id);
        }
    }

    /// The tab is closed; its connection is closed with it.
    pub fn close_tab(&mut self, patient: usize) {
        self.note(|| format!("patient {patient} closes the tab"));
        self.hang_up(patient);
        self.patients[patient].tab = None;
    }

    /// The tab is gone without a word: the phone is out of power, or the system killed the browser.
    fn kill_tab(&mut self, patient: usize) {
        let connection = self.patients[patient].tab.as_ref().and_then(|tab| tab.connection);
        if let Some(id) = connection
            && self.dice.chance(50)
        {
            self.break_connection(id);
        }
        self.close_tab(patient);
        let pause = self.dice.wait(40_000);
        self.come_back(patient, pause);
    }

    pub fn come_back(&mut self, patient: usize, pause: u64) {
        let this = &mut self.patients[patient];
        if !this.gone && !this.is_finished() {
            this.coming = true;
            this.reloads += 1;
            self.schedule(pause, Happening::OpenPage { patient });
        }
    }

    pub fn schedule_fate(&mut self, patient: usize) {
        if let Fate::Leaves(at) | Fate::Vanishes(at) = self.plan.patients[patient].fate {
            self.schedule_at(at, Happening::Fate { patient });
        }
    }

    /// A patient goes for good.
    pub fn meet_fate(&mut self, patient: usize) {
        self.note(|| format!("patient {patient} goes for good"));
        if let Fate::Leaves(_) = self.plan.patients[patient].fate {
            if self.plan.patients[patient].disputes {
                self.tell_peer(patient, Input::WordsDiffer);
            }
            self.tell_peer(patient, Input::Leave);
        }
        let connection = self.patients[patient].tab.as_ref().and_then(|tab| tab.connection);
        if let Some(id) = connection
            && matches!(self.plan.patients[patient].fate, Fate::Vanishes(_))
            && self.dice.chance(30)
        {
            self.break_connection(id);
        }
        self.close_tab(patient);
        self.patients[patient].gone = true;
    }
}
