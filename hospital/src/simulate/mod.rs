//! A whole round in one process: a hospital on a free loopback port, and patients' native peers over
//! real `wss`.
//!
//! Hospital and peers have a runtime each. The peers' cryptography then cannot keep the hospital from
//! its sockets, and the processor time of either side can be told apart by the names of its threads.

mod report;
mod values;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time;
use wardsum_certs::CertError;
use wardsum_protocol::peer::{Event, OwnAnswer, Published};
use wardsum_protocol::round::Status;
use wardsum_protocol::{Closing, Phase, SchemeChoice, StudyError, StudyParameters, Suite};

pub use report::Report;
pub use values::{Range, Values, ValuesError};

use crate::announcement::Announce;
use crate::limits::Limits;
use crate::native_peer::{ConnectError, Connector, NativePeer, Traffic};
use crate::round_task::RoundHandle;
use crate::server::{Hospital, ServerConfig, ServerError};
use crate::studies_file::{SchemeName, SuiteName};
use crate::study_desk::{StudyId, StudyPlan};
use crate::tls::{self, CertificateFiles, TlsError};

/// The simulated study's id.
const STUDY: &str = "simulation";

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
        let plan = StudyPlan::new(study_id(), self.study_parameters(), false)?;
        let hospital_runtime = runtime("hospital")?;
        let peers_runtime = runtime("peers")?;

        let began = Instant::now();
        let hospital = hospital_runtime.block_on(RunningHospital::start(plan, self.limits()))?;
        hospital_runtime.spawn(watch(hospital.round.clone(), observe));
        let round = peers_runtime.block_on(self.take_part(&hospital));
        let wall = began.elapsed();
        let report = self.report(&hospital.round.status(), round, wall);
        hospital_runtime.block_on(hospital.stop());
        Ok(report)
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
    fn limits(&self) -> Limits {
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

    /// Has every patient take part, until all have a result, one fails or time is up.
    async fn take_part(&self, hospital: &RunningHospital) -> Result<Vec<Outcome>, PeerTrouble> {
        let everybody = async {
            let peers = connect_all(&hospital.connector, self.values.answers()).await?;
            answer_all(peers).await
        };
        time::timeout(self.deadline, everybody)
            .await
            .unwrap_or_else(|_| Err(PeerTrouble::TimeIsUp(self.deadline)))
    }

    fn report(
        &self,
        status: &Status,
        round: Result<Vec<Outcome>, PeerTrouble>,
        wall: Duration,
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
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
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

fn runtime(name: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread().thread_name(name).enable_all().build()
}

async fn watch(round: RoundHandle, observe: impl Fn(&Status)) {
    let mut status = round.watch();
    drop(round);
    loop {
        observe(&status.borrow_and_update());
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// The simulation's hospital while it runs.
struct RunningHospital {
    connector: Connector,
    round: RoundHandle,
    stop: oneshot::Sender<()>,
    stopped: tokio::task::JoinHandle<()>,
}

impl RunningHospital {
    async fn start(plan: StudyPlan, limits: Limits) -> Result<Self, SimulationError> {
        let dir = tempfile::tempdir()?;
        let (certs, _) = wardsum_certs::ensure(dir.path(), SystemTime::now())?;
        let files = CertificateFiles { cert: certs.leaf_cert, key: certs.leaf_key };
        let config = ServerConfig {
            tls: tls::server_config(&files, SystemTime::now())?,
            plans: vec![plan],
            page: None,
            allowed_origins: Vec::new(),
            limits,
            announce: Announce::nobody(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let connector = Connector::new(address, tls::client_config(&certs.ca_cert)?);
        let hospital = Hospital::open(listener, config)?;
        let round = hospital.desks()[0].current_round();
        let (stop, stopping) = oneshot::channel::<()>();
        let stopped = tokio::spawn(hospital.serve(async {
            // Either way it is time to stop.
            let _ = stopping.await;
        }));
        Ok(Self { connector, round, stop, stopped })
    }

    async fn stop(self) {
        drop(self.stop);
        // A hospital that failed while stopping has already done what it was for.
        let _ = self.stopped.await;
    }
}

/// How one peer fared.
struct Outcome {
    published: Published,
    traffic: Traffic,
}

/// Why there is no result.
#[derive(Debug, Error)]
enum PeerTrouble {
    #[error("a peer could not connect: {0}")]
    Connect(#[from] ConnectError),
    #[error("a peer failed: {0}")]
    Peer(String),
    #[error("it was not over after {} s", .0.as_secs())]
    TimeIsUp(Duration),
}

impl PeerTrouble {
    /// Says where the round stood as well.
    fn explain(&self, status: &Status, patients: u32) -> String {
        let Status { phase, connected, enrolled, contributed, partials, .. } = status;
        match (self, phase) {
            (_, Phase::Ended) => match status.ended {
                Some(reason) => format!("{self}; the round ended: {reason}"),
                None => self.to_string(),
            },
            _ => format!(
                "{self}; the round was {phase} with {connected} of {patients} peers connected, \
                 {enrolled} enrolled, {contributed} contributions and {partials} partial sums"
            ),
        }
    }
}

async fn connect_all(
    connector: &Connector,
    answers: &[i128],
) -> Result<Vec<(NativePeer, i128)>, PeerTrouble> {
    let connecting = Arc::new(Semaphore::new(CONNECTING_AT_ONCE));
    let mut tasks = JoinSet::new();
    for answer in answers.iter().copied() {
        let (connector, connecting) = (connector.clone(), Arc::clone(&connecting));
        tasks.spawn(async move {
            let turn = connecting.acquire().await;
            let mut peer = NativePeer::connect(&connector, STUDY).await?;
            drop(turn);
            wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_)).then_some(()))
                .await?;
            Ok((peer, answer))
        });
    }
    collect(tasks).await
}

async fn answer_all(peers: Vec<(NativePeer, i128)>) -> Result<Vec<Outcome>, PeerTrouble> {
    let mut tasks = JoinSet::new();
    for (mut peer, answer) in peers {
        tasks.spawn(async move {
            peer.answer(answer).await.map_err(|error| PeerTrouble::Peer(error.to_string()))?;
            let published = wait_for(&mut peer, |event| match event {
                Event::Published(published) => Some(*published),
                _ => None,
            })
            .await?;
            peer.close().await;
            Ok(Outcome { published, traffic: peer.traffic() })
        });
    }
    collect(tasks).await
}

/// Waits for an event that `pick` picks.
async fn wait_for<T>(
    peer: &mut NativePeer,
    pick: impl Fn(&Event) -> Option<T>,
) -> Result<T, PeerTrouble> {
    while let Some(event) = peer.next_event().await {
        if let Event::Failed(failure) = &event {
            let reason = peer.close_reason().map(|reason| format!(" ({reason})"));
            return Err(PeerTrouble::Peer(format!("{failure}{}", reason.unwrap_or_default())));
        }
        if let Some(picked) = pick(&event) {
            return Ok(picked);
        }
    }
    Err(PeerTrouble::Peer("its part was over early".to_owned()))
}

/// Collects what all tasks return; the first one that fails ends the others.
async fn collect<T: 'static>(
    mut tasks: JoinSet<Result<T, PeerTrouble>>,
) -> Result<Vec<T>, PeerTrouble> {
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        let joined =
            joined.map_err(|error| PeerTrouble::Peer(format!("its task stopped: {error}")))?;
        all.push(joined?);
    }
    Ok(all)
}
