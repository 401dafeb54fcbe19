//! A whole round in one process: a hospital on a free loopback port, and patients' native peers over
//! real `wss`.
//!
//! Hospital and peers have a runtime each. The peers' cryptography then cannot keep the hospital from
//! its sockets, and the processor time of either side can be told apart.

mod patients;
mod report;
mod running_hospital;
mod values;

use std::io;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::time;
use wardsum_certs::CertError;
use wardsum_protocol::peer::{OwnAnswer, Published};
use wardsum_protocol::round::Status;
use wardsum_protocol::{Closing, SchemeChoice, StudyError, StudyParameters, Suite};

use patients::{Outcome, PeerTrouble, answer_all, connect_all};
pub use report::Report;
pub(crate) use running_hospital::RunningHospital;
pub use values::{Range, Values, ValuesError};

use crate::cpu::CpuMeter;
use crate::limits::Limits;
use crate::round_task::RoundHandle;
use crate::server::ServerError;
use crate::studies_file::{SchemeName, SuiteName};
use crate::study_desk::{StudyId, StudyPlan};
use crate::tls::TlsError;

/// The simulated study's id.
pub(crate) const STUDY: &str = "simulation";

/// How many peers connect at once. More only make every handshake slower.
const CONNECTING_AT_ONCE: usize = 64;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Each patient's answer.
    pub values: Values,
    /// The largest committee, 3 to 255.
    pub committee_cap: u16,
    /// The algorithms.
    pub suite: SuiteName,
    /// How answers are shared.
    pub scheme: SchemeName,
    /// How long everything may take.
    pub deadline: Duration,
}

/// How long a simulation took, and how much processor time from the first answer on.
#[derive(Clone, Copy)]
struct Times {
    connect: Duration,
    wall: Duration,
    hospital_cpu: Duration,
    peers_cpu: Duration,
}

/// Why a simulation cannot be run, or came to no result.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The study breaks a rule.
    #[error("this round cannot be simulated: {0}")]
    Study(#[from] StudyError),
    /// No temporary directory, port or runtime.
    #[error("the simulation cannot be set up: {0}")]
    Setup(#[from] io::Error),
    /// No certificate.
    #[error("the simulation's certificate cannot be made: {0}")]
    Certificate(#[from] CertError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The hospital did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl SimulationError {
    /// Whether what was asked for can never be simulated.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Study(_))
    }
}

impl Simulation {
    /// Runs the round. `observe` sees the hospital's status whenever it changes.
    ///
    /// Must not be called on a Tokio runtime, because it makes its own. A round that comes to no
    /// result, or to a wrong one, is reported and no error.
    pub fn run(
        &self,
        observe: impl Fn(&Status) + Send + 'static,
    ) -> Result<Report, SimulationError> {
        let plan = self.plan()?;
        let (hospital_runtime, hospital_cpu) = CpuMeter::runtime("hospital")?;
        let (peers_runtime, peers_cpu) = CpuMeter::runtime("peers")?;

        let began = Instant::now();
        let hospital = hospital_runtime.block_on(RunningHospital::start(plan, self.limits()))?;
        hospital_runtime.spawn(watch(hospital.round.clone(), observe));
        let deadline = time::Instant::from_std(began + self.deadline);
        let connected = peers_runtime.block_on(
            self.in_time(deadline, connect_all(&hospital.connector, self.values.answers())),
        );
        let connect = began.elapsed();
        let cpu_before = (hospital_cpu.read(), peers_cpu.read());
        let answered = connected
            .and_then(|peers| peers_runtime.block_on(self.in_time(deadline, answer_all(peers))));
        let wall = began.elapsed();
        let status = hospital.round.status();
        // The hospital's threads then have nothing left to do, and so have noted what they spent.
        hospital_runtime.block_on(hospital.stop());
        let times = Times {
            connect,
            wall,
            hospital_cpu: hospital_cpu.read().saturating_sub(cpu_before.0),
            peers_cpu: peers_cpu.read().saturating_sub(cpu_before.1),
        };
        Ok(self.report(&status, answered, times))
    }

    /// The study of the simulated round.
    pub(crate) fn plan(&self) -> Result<StudyPlan, StudyError> {
        StudyPlan::new(study_id(), self.study_parameters(), false)
    }

    fn patients(&self) -> u32 {
        u32::try_from(self.values.answers().len()).unwrap_or(u32::MAX)
    }

    fn study_parameters(&self) -> StudyParameters {
        let patients = self.patients();
        let committee = patients.min(self.committee_cap.into());
        let closing = |count| Closing { count: Some(count), ..Closing::default() };
        let Range { min, max } = self.values.range();
        StudyParameters {
            instance: [0; 16],
            title: "Simulation".to_owned(),
            organisation: "Wardsum".to_owned(),
            question: "What is your number?".to_owned(),
            unit: String::new(),
            min,
            max,
            minimum_cohort: 3,
            maximum_cohort: patients,
            committee_cap: self.committee_cap,
            enrolment: closing(committee),
            contributing: closing(patients),
            aggregation_deadline_ms: u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX),
            scheme: SchemeChoice::from(self.scheme),
            suite: Suite::from(self.suite),
        }
    }

    /// Everybody comes from one address here, and at once.
    pub(crate) fn limits(&self) -> Limits {
        let everybody = self.values.answers().len() + CONNECTING_AT_ONCE;
        let defaults = Limits::default();
        Limits {
            connections: defaults.connections.max(everybody),
            connections_per_address: everybody,
            peers_per_address: everybody,
            handshake: self.deadline,
            silence: self.deadline.max(defaults.silence),
            ..defaults
        }
    }

    /// Lets everybody do something, until all have, one fails or time is up.
    async fn in_time<T>(
        &self,
        deadline: time::Instant,
        everybody: impl Future<Output = Result<T, PeerTrouble>>,
    ) -> Result<T, PeerTrouble> {
        time::timeout_at(deadline, everybody)
            .await
            .unwrap_or_else(|_| Err(PeerTrouble::TimeIsUp(self.deadline)))
    }

    fn report(
        &self,
        status: &Status,
        round: Result<Vec<Outcome>, PeerTrouble>,
        times: Times,
    ) -> Report {
        let (outcomes, trouble) = match round {
            Ok(outcomes) => (outcomes, None),
            Err(trouble) => (Vec::new(), Some(trouble.explain(status, self.patients()))),
        };
        let agreed = status.aggregate.filter(|aggregate| {
            outcomes.iter().all(|outcome| {
                let Published { aggregate: seen, own } = outcome.published;
                seen == *aggregate && own == OwnAnswer::Counted
            })
        });
        let traffic = outcomes.iter().map(|outcome| outcome.traffic);
        let expected = self.values.sum();
        let sum = status.aggregate.map(|aggregate| aggregate.sum);
        let exact = trouble.is_none()
            && agreed.is_some_and(|a| a.sum == expected && a.count == self.patients());
        Report {
            patients: self.patients(),
            committee: status.committee,
            threshold: status.threshold,
            accepted: status.aggregate.map_or(0, |aggregate| aggregate.count),
            sum,
            expected,
            exact,
            wall_ms: u64::try_from(times.wall.as_millis()).unwrap_or(u64::MAX),
            connect_us: micros(times.connect),
            round_us: micros(times.wall.saturating_sub(times.connect)),
            hospital_cpu_us: micros(times.hospital_cpu),
            peers_cpu_us: micros(times.peers_cpu),
            bytes_up: traffic.clone().map(|traffic| traffic.bytes_up).sum(),
            bytes_down: traffic.map(|traffic| traffic.bytes_down).sum(),
            suite: self.suite,
            scheme: self.scheme,
            reason: trouble.or_else(|| {
                let differs =
                    "a peer saw another result than the hospital, or its answer is not in it";
                (!exact).then(|| differs.to_owned())
            }),
        }
    }
}

fn study_id() -> StudyId {
    STUDY.parse().expect("the id is made of a-z")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn watch(round: RoundHandle, observe: impl Fn(&Status)) {
    let mut standing = round.watch();
    drop(round);
    loop {
        observe(&standing.borrow_and_update().status);
        if standing.changed().await.is_err() {
            return;
        }
    }
}
