//! Drives a [`Round`] as the hospital's server does: a durable log, one writer that commits in groups,
//! and nothing said before what it rests on is durable.

use std::collections::VecDeque;

use wardsum_protocol::round::{Command, Input, Output, Record, RestoreError, Round};
use wardsum_protocol::{Phase, Study, Timestamp};

use crate::log::Log;
use crate::network::{Direction, Mail};
use crate::plan::RECOVERY_MS;
use crate::world::{Happening, World};

/// How often the store writes down how late it is on the round's clock, in milliseconds.
const CLOCK_EVERY_MS: u64 = 5_000;

pub struct Hospital {
    pub log: Log,
    running: Option<Running>,
    /// The store cannot be written before then.
    pub disk_full_until: u64,
    pub restarts: u32,
    pub from_backup: bool,
}

/// The process that serves the round.
struct Running {
    round: Round,
    /// Tells processes apart: what another one had under way is of no interest.
    process: u64,
    /// Where the round's clock stood when the process began, and the world's.
    clock: u64,
    since: u64,
    /// What is to be done, in order. A barrier stands where something has to be durable first.
    todo: VecDeque<Todo>,
    /// What the writer was given and has not committed.
    unwritten: VecDeque<(Timestamp, Record)>,
    /// How much of it is in the commit that is under way.
    writing: usize,
    timer: u64,
    /// When the round asked to be called, if it was not called since.
    due: Option<Timestamp>,
}

enum Todo {
    Barrier,
    Output(Output),
}

impl Hospital {
    pub fn new() -> Self {
        Self {
            log: Log::default(),
            running: None,
            disk_full_until: 0,
            restarts: 0,
            from_backup: false,
        }
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How many the round waits for that have no connection.
    pub fn away(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.round.status().away as usize)
    }

    pub fn phase(&self) -> Option<Phase> {
        self.running.as_ref().map(|running| running.round.status().phase)
    }

    fn restore(&self, study: Study) -> Result<Round, RestoreError> {
        Round::restore(study, Timestamp(0), self.log.records(), Timestamp(self.log.clock))
    }
}

impl World {
    /// The process starts, for the first time or again.
    pub fn start_hospital(&mut self) {
        if self.hospital.is_running() {
            return;
        }
        if self.hospital.disk_full_until > self.now {
            let at = self.hospital.disk_full_until;
            return self.schedule_at(at, Happening::StartHospital);
        }
        self.use_backup();
        let study = self.plan.study.clone();
        let mut round = if self.hospital.log.len() == 0 && self.hospital.restarts == 0 {
            Round::open(study, Timestamp(0))
        } else {
            match self.hospital.restore(study) {
                Ok(round) => round,
                Err(error) => return self.evidence.cannot_restore(error),
            }
        };
        if let Some(multiplications) = self.plan.judging_slice {
            round.judge_in_slices_of(multiplications);
        }
        self.note(|| "hospital starts".to_owned());
        let running = Running {
            round,
            process: self.fresh(),
            clock: self.hospital.log.clock,
            since: self.now,
            todo: VecDeque::new(),
            unwritten: VecDeque::new(),
            writing: 0,
            timer: 0,
            due: None,
        };
        self.hospital.running = Some(running);
        self.pump_hospital();
    }

    /// Sometimes what comes back is a backup that somebody made a while ago, most often when there is
    /// something that members are bound to. That takes a while, and some look after their page meanwhile.
    fn use_backup(&mut self) {
        let log = &self.hospital.log;
        let (len, decided) = (log.len(), log.decisions());
        let percent = if decided.is_empty() { 10 } else { 60 };
        if !self.plan.weather.backup || self.hospital.from_backup || len <= 2 {
            return;
        }
        if !self.dice.chance(percent) {
            return;
        }
        let kept = if !decided.is_empty() && self.dice.chance(70) {
            let decision = decided[self.dice.index(decided.len())];
            decision.saturating_sub(self.dice.index(4)).max(1)
        } else {
            self.dice.index(len)
        };
        self.hospital.log.roll_back(kept);
        self.hospital.from_backup = true;
        self.evidence.went_back();
        self.note(|| format!("hospital goes back to {kept} of {len} records"));
        for patient in 0..self.patients.len() {
            if self.dice.chance(50) {
                self.reload(patient, 1_000);
            }
        }
    }

    /// The process is gone, now; it comes back by itself.
    pub fn crash_hospital(&mut self, close_code: Option<u16>) {
        let Some(running) = self.hospital.running.take() else { return };
        let clock = running.clock + (self.now - running.since) / CLOCK_EVERY_MS * CLOCK_EVERY_MS;
        self.hospital.log.clock = self.hospital.log.clock.max(clock);
        self.hospital.restarts += 1;
        self.note(|| format!("hospital stops (close code {close_code:?})"));
        if let Some(code) = close_code {
            for id in self.hospital_connections() {
                self.hospital_closes(id, code);
            }
        } else {
            let power_failure = self.dice.chance(25);
            self.cut_hospital_off(power_failure);
        }
        let downtime = self.dice.wait(30_000);
        let back = (self.now + downtime).min(self.plan.calm_from);
        self.schedule_at(back, Happening::StartHospital);
    }

    /// Gives the round one input.
    pub fn tell_hospital(&mut self, input: Input) {
        let Some(running) = &mut self.hospital.running else { return };
        let clock = Timestamp(running.clock + self.now - running.since);
        if matches!(input, Input::Timeout) {
            running.due = None;
        }
        running.round.handle(input, clock);
        self.pump_hospital();
    }

    fn pump_hospital(&mut self) {
        let Some(running) = &mut self.hospital.running else { return };
        let at = Timestamp(running.clock + self.now - running.since);
        while let Some(output) = running.round.poll_output() {
            if let Output::Timeout(due) = &output {
                running.due = *due;
            }
            match output {
                Output::Persist(record) => {
                    running.unwritten.push_back((at, *record));
                    running.todo.push_back(Todo::Barrier);
                }
                // One by one, so that a crash can come between any two.
                Output::Deliver(deliveries) => {
                    let sends = deliveries.messages().map(|(to, bytes)| Output::Send { to, bytes });
                    running.todo.extend(sends.map(Todo::Output));
                }
                output => running.todo.push_back(Todo::Output(output)),
            }
        }
        let closes_at = running.round.status().closes_at;
        self.evidence.round_timer(closes_at, running.due);
        self.start_commit();
        self.perform_hospital(usize::MAX);
    }

    fn start_commit(&mut self) {
        let Some(running) = &mut self.hospital.running else { return };
        if running.writing == 0 && !running.unwritten.is_empty() {
            running.writing = running.unwritten.len();
            let process = running.process;
            let delay = self.dice.between(1, self.plan.weather.commit);
            self.schedule(delay, Happening::Committed { process });
        }
    }

    /// The commit that was under way is through, or is not.
    pub fn committed(&mut self, process: u64) {
        let (bad, percent) = (self.weather_is_bad(), self.plan.weather.hospital_crash);
        let crash = |world: &mut Self| bad && world.dice.chance(percent);
        let disk_full = self.hospital.disk_full_until > self.now;
        if self.hospital.running.as_ref().is_none_or(|running| running.process != process) {
            return;
        }
        if disk_full {
            self.note(|| "hospital cannot write".to_owned());
            return self.crash_hospital(Some(1013));
        }
        if crash(self) {
            self.note(|| "hospital dies before its commit".to_owned());
            return self.crash_hospital(None);
        }
        let Some(running) = &mut self.hospital.running else { return };
        let written: Vec<_> = running.unwritten.drain(..running.writing).collect();
        running.writing = 0;
        for (at, record) in &written {
            self.hospital.log.append(*at, record);
            self.evidence.record(record);
            self.trace.note(self.now, || format!("hospital committed {}", record_name(record)));
        }
        self.evidence.check_log(&self.plan, &self.hospital.log.summary);
        if crash(self) {
            self.note(|| "hospital dies after its commit".to_owned());
            return self.crash_hospital(None);
        }
        // The barriers of what is durable now are passed one by one, and death may come at each.
        for _ in &written {
            let upto = if crash(self) { self.dice.index(6) } else { usize::MAX };
            self.pass_barrier();
            self.perform_hospital(upto);
            if upto != usize::MAX {
                self.note(|| "hospital dies in the middle of what it does".to_owned());
                return self.crash_hospital(None);
            }
        }
        self.start_commit();
    }

    fn pass_barrier(&mut self) {
        let Some(running) = &mut self.hospital.running else { return };
        let first = running.todo.pop_front();
        assert!(matches!(first, Some(Todo::Barrier)), "a barrier for every record");
    }

    /// Performs what is to be done up to the next barrier, and at most `upto` of it.
    fn perform_hospital(&mut self, upto: usize) {
        for _ in 0..upto {
            let Some(running) = &mut self.hospital.running else { return };
            let Some(Todo::Output(_)) = running.todo.front() else { return };
            if let Some(Todo::Output(output)) = running.todo.pop_front() {
                self.perform_for_hospital(output);
            }
        }
    }

    fn perform_for_hospital(&mut self, output: Output) {
        match output {
            Output::Persist(_) => unreachable!("the writer has it"),
            Output::Deliver(_) => unreachable!("each message is an output of its own here"),
            Output::Send { to, bytes } => {
                self.evidence.hospital_says(&bytes, &self.hospital.log.summary);
                self.note_message(&bytes, |name| format!("  hospital -> {to:?} {name}"));
                self.send(to, Direction::Down, &Mail::Message(bytes));
            }
            Output::Load { numbers } => {
                let Some(running) = &self.hospital.running else { return };
                let process = running.process;
                let mut delay = 0;
                for number in numbers {
                    delay += self.dice.below(20);
                    self.schedule(delay, Happening::Loaded { process, number });
                }
            }
            Output::Close { connection, reason } => {
                self.note(|| format!("  hospital closes {connection:?}: {reason}"));
                self.hospital_closes(connection, reason.code());
            }
            Output::Event(event) => {
                self.note(|| format!("  hospital: {event:?}"));
                self.evidence.hospital_event(&event);
            }
            Output::Timeout(at) => self.set_hospital_timer(at),
        }
    }

    fn set_hospital_timer(&mut self, at: Option<Timestamp>) {
        let timer = self.fresh();
        let late = self.dice.below(30);
        let Some(running) = &mut self.hospital.running else { return };
        running.timer = timer;
        if let Some(at) = at {
            let at = running.since + at.0.saturating_sub(running.clock);
            self.schedule_at(at.max(self.now) + late, Happening::HospitalTimer { timer });
        }
    }

    pub fn hospital_timer(&mut self, timer: u64) {
        if self.hospital.running.as_ref().is_some_and(|running| running.timer == timer) {
            self.tell_hospital(Input::Timeout);
        }
    }

    /// The store has read a contribution.
    pub fn loaded(&mut self, process: u64, number: u32) {
        if self.hospital.running.as_ref().is_some_and(|running| running.process == process) {
            match self.hospital.log.contribution(number).cloned() {
                Some(message) => self.tell_hospital(Input::Loaded { number, message }),
                None => self.evidence.not_stored(number),
            }
        }
    }

    /// The researcher looks after her round.
    pub fn command(&mut self) {
        let (enrolment, contributing) =
            (self.plan.study.enrolment(), self.plan.study.contributing());
        let aborts = self.plan.abort_at.is_some_and(|at| self.now >= at);
        let command = match self.hospital.phase() {
            Some(Phase::Published | Phase::Ended) => return,
            Some(_) if aborts => Some(Command::Abort),
            Some(Phase::Enrolling) if enrolment.by_command => Some(Command::CloseEnrolment),
            Some(Phase::Contributing) if contributing.by_command => {
                Some(Command::CloseContributing)
            }
            _ => None,
        };
        if let Some(command) = command {
            self.note(|| format!("the researcher says {command:?}"));
            self.tell_hospital(Input::Command(command));
        }
        let pause = self.dice.between(1_000, RECOVERY_MS);
        self.schedule(pause, Happening::Command);
    }
}

/// A record in a word.
fn record_name(record: &Record) -> String {
    match record {
        Record::Enrolled(_) => "an enrolment".to_owned(),
        Record::CommitteeFixed(_) => "the committee".to_owned(),
        Record::Contributed(contributed) => format!("contribution {}", contributed.number),
        Record::Verified(_) => "a verification".to_owned(),
        Record::Partial(_) => "a partial aggregate".to_owned(),
        Record::Published { aggregate, .. } => format!("the result {aggregate:?}"),
        other => format!("{other:?}"),
    }
}
