//! A whole round on one machine: a hospital on a free loopback port, and patients' native peers over
//! real `wss`. On demand peers vanish, connections break, and the hospital is killed.
//!
//! Hospital and peers have a runtime each. The peers' cryptography then cannot keep the hospital from
//! its sockets, and the processor time of either side can be told apart. A hospital that is to be
//! killed is a process of its own.

mod answers;
mod answers_file;
mod cheats;
mod counting;
mod hospital_process;
mod inviting;
mod killer;
mod mishaps;
mod patients;
mod report;
mod round_view;
mod running_hospital;
mod tally;
mod venue;
mod verdict;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::time;
use wardsum_certs::CertError;
use wardsum_protocol::form::Text;
use wardsum_protocol::sharing;
use wardsum_protocol::study::DURATION_MS_MAX;
use wardsum_protocol::{
    Admission, Aggregate, Closing, Invitation, SchemeChoice, Study, StudyError, StudyParameters,
    Suite,
};

pub use answers::{Answers, AnswersError};
pub use answers_file::answers_csv;
pub use cheats::{Cheat, NotACheat, PlannedCheat};
pub use inviting::Inviting;
pub use mishaps::{DropPhase, Mishaps, NotADrop, PlannedDrop};
use patients::{Outcome, Patients};
pub use report::Report;
pub use round_view::RoundView;
pub(crate) use running_hospital::RunningHospital;
pub use tally::MishapCounts;
use tally::Tally;
use venue::Venue;
use verdict::Verdict;

use crate::cpu::CpuMeter;
use crate::limits::Limits;
use crate::result_json::ResultJson;
use crate::results::PublishedResults;
use crate::server::ServerError;
use crate::store::{StoreError, unix_ms};
use crate::studies_file::{SchemeName, SuiteName};
use crate::study_desk::{StudyId, StudyPlan};
use crate::tls::TlsError;

/// The simulated study's id.
pub(crate) const STUDY: &str = "simulation";

/// How many peers connect at once. More only make every handshake slower.
const CONNECTING_AT_ONCE: usize = 64;

/// When peers vanish before they contribute, how long after the last arrival a phase closes: those who
/// are gone are never counted in. On a quiet network everybody comes within moments; a peer whose
/// connection broke again and again pauses for up to half a minute.
const SETTLES: Duration = Duration::from_secs(10);
const SETTLES_DISTURBED: Duration = Duration::from_mins(1);

/// How long everything besides the phases may take, and what each restart of the hospital adds.
const SLACK: Duration = Duration::from_mins(1);
const RESTART_SLACK: Duration = Duration::from_secs(10);

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// What is asked, and each patient's answer.
    pub answers: Answers,
    /// How few people a published number may be about; 1 suppresses nothing.
    pub minimum_cell: u32,
    /// The largest committee, 3 to 255.
    pub committee_cap: u16,
    /// The algorithms.
    pub suite: SuiteName,
    /// How answers are shared.
    pub scheme: SchemeName,
    /// The deadline of each phase.
    pub deadline: Duration,
    /// Who invites the patients; none if the study is open.
    pub invited: Option<Inviting>,
    /// What goes wrong.
    pub mishaps: Mishaps,
}

/// How far a simulation is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The round.
    pub round: RoundView,
    /// What went wrong on purpose so far.
    pub mishaps: MishapCounts,
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
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
    /// No certificate.
    #[error("the simulation's certificate cannot be made: {0}")]
    Certificate(#[from] CertError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The simulation's data cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hospital did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The hospital's process did not start, or not again.
    #[error("the hospital's process failed: {0}")]
    Hospital(String),
    /// Fewer people hold shares than are to vanish.
    #[error("{dropped} peers cannot be dropped: {committee} hold shares; drop fewer with --drop")]
    Drops {
        /// How many are to vanish.
        dropped: u32,
        /// How many hold shares.
        committee: u32,
    },
    /// A signal.
    #[error("the simulation was told to stop")]
    Stopped,
}

impl SimulationError {
    /// Whether what was asked for can never be simulated.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Study(_) | Self::Drops { .. })
    }
}

impl Simulation {
    /// A round in which nothing goes wrong, of an open study with the usual rules.
    #[must_use]
    pub fn of(answers: Answers) -> Self {
        Self {
            answers,
            minimum_cell: 1,
            committee_cap: 32,
            suite: SuiteName::default(),
            scheme: SchemeName::default(),
            deadline: Mishaps::default().usual_deadline(),
            invited: None,
            mishaps: Mishaps::default(),
        }
    }

    /// Runs the round. `observe` sees how far it is every now and then.
    ///
    /// Must not be called on a Tokio runtime, because it makes its own. A round that comes to no
    /// result, or to a wrong one, is reported and no error.
    pub fn run(
        &self,
        observe: impl Fn(&Progress) + Send + 'static,
    ) -> Result<Report, SimulationError> {
        let plan = self.plan()?;
        let study = Study::new(self.study_parameters())?;
        let invitations = self.invitations()?;
        let (dropped, committee) = (self.mishaps.dropped(), self.committee());
        if dropped > committee {
            return Err(SimulationError::Drops { dropped, committee });
        }
        let (hospital_runtime, hospital_cpu) = CpuMeter::runtime("hospital")?;
        let (peers_runtime, peers_cpu) = CpuMeter::runtime("peers")?;
        let tally = Arc::new(Tally::default());

        let began = Instant::now();
        let deadline = time::Instant::from_std(began + self.time_limit());
        let venue = hospital_runtime.block_on(Venue::open(self, plan))?;
        let window = venue.window();
        let watching = window.clone().watch(Arc::clone(&tally), observe);
        let watching = hospital_runtime.spawn(watching);
        let (connector, size) = (venue.connector().clone(), (self.patients(), self.committee()));
        let patients = Arc::new(Patients::new(connector, &self.mishaps, size, Arc::clone(&tally)));
        let people = self.answers.all().iter().cloned().zip(invitations).collect();
        let connected = peers_runtime.block_on(patients.connect_all(people, deadline));
        let connect = began.elapsed();
        let cpu_before = (hospital_cpu.read(), peers_cpu.read());

        let stage = venue.begin(self, &tally, &hospital_runtime);
        let (outcomes, trouble) = match connected {
            Ok(connected) => {
                let answered = patients.answer_all(connected, deadline);
                let answered = stage.broken.clone().run_until_cancelled_owned(answered);
                peers_runtime.block_on(answered).unwrap_or_default()
            }
            Err(trouble) => (Vec::new(), Some(trouble.to_string())),
        };
        let wall = began.elapsed();
        let venue = hospital_runtime.block_on(stage.end());
        // Without a peer that is left, only the hospital sees the end.
        let patience =
            if trouble.is_none() && venue.is_ok() { deadline } else { time::Instant::now() };
        let view = hospital_runtime.block_on(window.look_at_the_end(patience));
        watching.abort();
        let trouble = match venue {
            Ok(venue) => {
                // The hospital's threads then have nothing left to do, and so have noted what they spent.
                hospital_runtime.block_on(venue.close());
                trouble
            }
            Err(failure) => Some(failure.to_string()),
        };
        let times = Times {
            connect,
            wall,
            hospital_cpu: if self.mishaps.kill_hospital > 0 {
                Duration::ZERO
            } else {
                hospital_cpu.read().saturating_sub(cpu_before.0)
            },
            peers_cpu: peers_cpu.read().saturating_sub(cpu_before.1),
        };
        let verdict = Verdict::of(view.as_ref(), &outcomes, &study, trouble);
        Ok(self.report(view.as_ref(), &verdict, &outcomes, tally.mishaps(), times))
    }

    /// What was published, in JSON, as a hospital's researchers get it.
    #[must_use]
    pub fn result(&self, published: &Aggregate, rejected: u32) -> String {
        let now_ms = unix_ms();
        let results = PublishedResults {
            title: "Simulation",
            organisation: "Wardsum",
            form: self.answers.form(),
            questionnaire: self.answers.questionnaire(),
            count: published.count,
            rejected,
            cells: &published.cells,
            started_ms: now_ms,
            ended_ms: now_ms,
            study_digest: "",
            language: "",
        };
        format!("{:#}\n", results.json())
    }

    /// The study of the simulated round.
    pub(crate) fn plan(&self) -> Result<StudyPlan, StudyError> {
        StudyPlan::new(study_id(), self.study_parameters(), false)
    }

    /// Everybody's invitation, where the study is not open. As many may serve as are wanted on the
    /// committee, and as vanish before it is fixed.
    fn invitations(&self) -> Result<Vec<Option<Invitation>>, SimulationError> {
        let Some(inviting) = &self.invited else {
            return Ok(vec![None; self.answers.all().len()]);
        };
        let serving = self.committee() + self.mishaps.dropped_at(DropPhase::Enrolled);
        let study = Study::new(self.study_parameters())?;
        let invitations = inviting.invite(&study, self.patients(), serving)?;
        Ok(invitations.into_iter().map(Some).collect())
    }

    fn patients(&self) -> u32 {
        u32::try_from(self.answers.all().len()).unwrap_or(u32::MAX)
    }

    /// How many can hold shares.
    fn committee(&self) -> u32 {
        self.patients().min(self.committee_cap.into())
    }

    /// How long the hospital and its peers may take for everything, before they are given up.
    fn time_limit(&self) -> Duration {
        let restarts = RESTART_SLACK.saturating_mul(self.mishaps.kill_hospital);
        // Nobody waits for years, and an instant must not overflow.
        let phases = self.deadline.min(Duration::from_millis(DURATION_MS_MAX)).saturating_mul(3);
        phases + SLACK + restarts
    }

    /// After how many steps of the members the result is still to come: those who contribute have enrolled,
    /// and of a threshold of them one has not gone on from the manifest.
    fn steps(&self) -> u32 {
        let gone = self.mishaps.dropped_at(DropPhase::Enrolled);
        let committee = u8::try_from(self.committee().saturating_sub(gone)).unwrap_or(u8::MAX);
        let threshold = u32::from(match self.scheme {
            SchemeName::Threshold => sharing::threshold(committee),
            SchemeName::Additive => committee,
        });
        let contributing = self.committee().saturating_sub(self.mishaps.dropped_early());
        (contributing.max(threshold) + 2 * threshold).saturating_sub(1)
    }

    fn study_parameters(&self) -> StudyParameters {
        let patients = self.patients();
        let deadline_ms = milliseconds(self.deadline).clamp(1, DURATION_MS_MAX);
        // If nobody vanishes, everybody comes and the count closes.
        let settles =
            |vanish: u32, time: Duration| (vanish > 0).then(|| milliseconds(time).min(deadline_ms));
        let patience = if self.mishaps.disturbs() { SETTLES_DISTURBED } else { SETTLES };
        let enrolment = settles(self.mishaps.dropped_at(DropPhase::Enrolled), SETTLES);
        let contributing = settles(self.mishaps.dropped_early(), patience);
        let closing = |count, settle_ms| Closing {
            count: Some(count),
            settle_ms,
            ..Closing::deadline(deadline_ms)
        };
        StudyParameters {
            instance: self.invited.as_ref().map_or([0; 16], |inviting| inviting.instance),
            title: "Simulation".into(),
            organisation: "Wardsum".to_owned(),
            introduction: Text::default(),
            form: self.answers.form().clone(),
            minimum_cell: self.minimum_cell,
            minimum_cohort: 3,
            maximum_cohort: patients,
            committee_cap: self.committee_cap,
            enrolment: closing(self.committee(), enrolment),
            contributing: closing(patients, contributing),
            aggregation_deadline_ms: deadline_ms,
            scheme: SchemeChoice::from(self.scheme),
            suite: Suite::from(self.suite),
            admission: self.invited.as_ref().map_or(Admission::Open, Inviting::admission),
        }
    }

    /// Everybody comes from one address here, and at once.
    pub(crate) fn limits(&self) -> Limits {
        // A peer may be back before its broken connection is noticed.
        let everybody = 2 * self.answers.all().len() + CONNECTING_AT_ONCE;
        let defaults = Limits::default();
        Limits {
            connections: defaults.connections.max(everybody),
            connections_per_address: everybody,
            peers_per_address: everybody,
            handshake: self.deadline.max(defaults.handshake),
            silence: self.deadline.max(defaults.silence),
            ..defaults
        }
    }

    fn report(
        &self,
        view: Option<&RoundView>,
        verdict: &Verdict,
        outcomes: &[Outcome],
        mishaps: MishapCounts,
        times: Times,
    ) -> Report {
        let traffic = outcomes.iter().map(|outcome| outcome.traffic);
        let MishapCounts { dropped, reconnects, restarts } = mishaps;
        let result = view.and_then(|view| view.result.as_ref());
        let expected = &verdict.expected;
        Report {
            patients: self.patients(),
            committee: view.and_then(|view| view.committee),
            threshold: view.and_then(|view| view.threshold),
            accepted: result.map_or(0, |result| result.count),
            rejected: view.map_or(0, |view| view.rejected),
            left_out: view.map_or(0, |view| view.left_out),
            corrected: view.map_or(0, |view| view.wrong),
            sum: result.and_then(|result| result.sum.as_deref()?.parse().ok()),
            expected: expected.sum.as_deref().and_then(|sum| sum.parse().ok()),
            cells: expected.cells.len(),
            suppressed: result
                .map(|result| result.cells.iter().filter(|cell| cell.is_none()).count()),
            published: result.and_then(ResultJson::aggregate),
            exact: verdict.reason.is_none(),
            dropped,
            reconnects,
            restarts,
            wall_ms: u64::try_from(times.wall.as_millis()).unwrap_or(u64::MAX),
            connect_us: micros(times.connect),
            round_us: micros(times.wall.saturating_sub(times.connect)),
            hospital_cpu_us: micros(times.hospital_cpu),
            peers_cpu_us: micros(times.peers_cpu),
            bytes_up: traffic.clone().map(|traffic| traffic.bytes_up).sum(),
            bytes_down: traffic.map(|traffic| traffic.bytes_down).sum(),
            suite: self.suite,
            scheme: self.scheme,
            invited: self.invited.is_some(),
            reason: verdict.reason.clone(),
        }
    }
}

fn study_id() -> StudyId {
    STUDY.parse().expect("the id is made of a-z")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A study after one number from `min` to `max`.
#[cfg(test)]
pub(crate) fn one_number(min: i128, max: i128) -> Study {
    let answers = Answers::given(vec![min, min, max], None).expect("three answers");
    let parameters = Simulation::of(answers).study_parameters();
    let form = wardsum_protocol::form::Form::number("How many?", "", min, max);
    Study::new(StudyParameters { form, ..parameters }).expect("a study")
}
