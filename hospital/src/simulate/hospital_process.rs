//! A hospital in a process of its own, which can be killed at any instant.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use std::{env, fs, thread};

use clap::ValueEnum;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time;
use tracing::level_filters::LevelFilter;
use wardsum_protocol::{Admission, Closing, StudyParameters};

use super::{STUDY, Simulation, SimulationError};
use crate::native_peer::Connector;
use crate::questionnaires::{self, Imported};
use crate::studies_file;
use crate::tls;

/// How long a hospital may take until it listens. Reached only when something is wrong with it.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// Ports to listen on. The operating systems' own choice for outgoing connections begins above: while
/// the hospital is down, a peer that tries to reach it must not be given its port.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The process, and everything that outlives it.
pub(super) struct HospitalProcess {
    pub(super) connector: Connector,
    program: PathBuf,
    address: SocketAddr,
    /// Ends before its directory is removed.
    child: Running,
    /// Certificates, studies file and data.
    dir: TempDir,
}

/// A child process that does not outlive this.
struct Running {
    child: Child,
    /// Is told when it listens, and dropped when it has ended without.
    listens: Option<oneshot::Receiver<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing fails only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HospitalProcess {
    /// Starts a hospital on a free loopback port and waits until it listens.
    pub(super) async fn start(simulation: &Simulation) -> Result<Self, SimulationError> {
        let dir = tempfile::tempdir()?;
        let (certs, _) = wardsum_certs::ensure(&dir.path().join("certs"), SystemTime::now())?;
        write_studies(simulation, dir.path())?;
        fs::create_dir(dir.path().join("page"))?;
        fs::write(dir.path().join("page/index.html"), "<!doctype html><title>Simulation</title>")?;
        let program = env::current_exe()?;
        let address = free_address()?;
        let child = Running::spawn(&program, address, &dir)?;
        let connector = Connector::new(address, tls::client_config(&certs.ca_cert)?);
        let mut process = Self { connector, program, address, child, dir };
        process.until_listening().await?;
        Ok(process)
    }

    /// Waits until it listens.
    pub(super) async fn until_listening(&mut self) -> Result<(), SimulationError> {
        if let Some(listens) = &mut self.child.listens {
            let listening = time::timeout(STARTS_WITHIN, listens).await;
            if !matches!(listening, Ok(Ok(()))) {
                return Err(SimulationError::Hospital(self.child.how_it_ended()));
            }
            self.child.listens = None;
        }
        Ok(())
    }

    /// Kills the process (SIGKILL) and starts another one on the same data.
    pub(super) fn kill_and_restart(&mut self) -> Result<(), SimulationError> {
        if let Some(status) = self.child.child.try_wait()? {
            return Err(SimulationError::Hospital(format!("it ended by itself ({status})")));
        }
        self.child.child.kill()?;
        self.child.child.wait()?;
        self.child = Running::spawn(&self.program, self.address, &self.dir)?;
        Ok(())
    }
}

impl Running {
    fn spawn(program: &PathBuf, address: SocketAddr, dir: &TempDir) -> io::Result<Self> {
        let level = LevelFilter::current()
            .into_level()
            .map_or("error".to_owned(), |level| level.as_str().to_ascii_lowercase());
        let mut command = Command::new(program);
        // What is configured for another hospital is not meant for this one.
        let foreign = env::vars_os().map(|(name, _)| name);
        for name in foreign.filter(|name| name.as_encoded_bytes().starts_with(b"WARDSUM_")) {
            command.env_remove(name);
        }
        let mut child = command
            .args(["--log", &level, "serve", "--listen", &address.to_string()])
            .args(["--studies", "studies.toml", "--page", "page"])
            .args(["--data", "data", "--certs-dir", "certs"])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let (told, listens) = oneshot::channel();
        thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            let mut told = Some(told);
            for line in lines.map_while(Result::ok) {
                if line.starts_with("listening on ") {
                    // Nobody waits for a process that is killed at once.
                    let _ = told.take().map(|told| told.send(()));
                }
            }
        });
        Ok(Self { child, listens: Some(listens) })
    }

    fn how_it_ended(&mut self) -> String {
        match self.child.try_wait() {
            Ok(Some(status)) => format!("it ended by itself ({status})"),
            _ => format!("it does not listen after {} s", STARTS_WITHIN.as_secs()),
        }
    }
}

/// A loopback address on which nobody listens.
/// The file with what the patients are asked.
const QUESTIONNAIRE: &str = "questionnaire.toml";

fn free_address() -> io::Result<SocketAddr> {
    let mut drawn = [0; 2];
    getrandom::fill(&mut drawn).map_err(io::Error::other)?;
    let (first, ports) = (u16::from_le_bytes(drawn), PORTS.end - PORTS.start);
    let mut tried = Err(io::ErrorKind::AddrInUse.into());
    for step in 0..100 {
        let port = PORTS.start + first.wrapping_add(step) % ports;
        tried = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|free| free.local_addr());
        if tried.is_ok() {
            break;
        }
    }
    tried
}

/// Writes the simulated hospital's studies file, and the questionnaire beside it.
fn write_studies(simulation: &Simulation, dir: &Path) -> io::Result<PathBuf> {
    let StudyParameters { title, introduction, form, .. } = simulation.study_parameters();
    let questionnaire = questionnaires::to_toml(&Imported { title, introduction, form });
    fs::write(dir.join(QUESTIONNAIRE), questionnaire)?;
    let studies = dir.join("studies.toml");
    fs::write(&studies, studies_toml(simulation))?;
    Ok(studies)
}

/// The studies file of the simulated hospital.
fn studies_toml(simulation: &Simulation) -> String {
    let StudyParameters {
        organisation,
        minimum_cell,
        minimum_cohort,
        maximum_cohort,
        committee_cap,
        enrolment,
        contributing,
        aggregation_deadline_ms,
        instance,
        admission,
        ..
    } = simulation.study_parameters();
    let limits = simulation.limits();
    let lines = [
        "[limits]".to_owned(),
        format!("connections = {}", limits.connections),
        format!("connections_per_address = {}", limits.connections_per_address),
        format!("peers_per_address = {}", limits.peers_per_address),
        format!("handshake_seconds = {}", limits.handshake.as_secs_f64()),
        format!("silence_seconds = {}", limits.silence.as_secs_f64()),
        "[[study]]".to_owned(),
        format!("id = \"{STUDY}\""),
        format!("organisation = \"{organisation}\""),
        format!("questionnaire = \"{QUESTIONNAIRE}\""),
        format!("minimum_cohort = {minimum_cohort}"),
        format!("minimum_cell = {minimum_cell}"),
        format!("maximum_cohort = {maximum_cohort}"),
        format!("committee_cap = {committee_cap}"),
        format!("suite = \"{}\"", name(&simulation.suite)),
        format!("scheme = \"{}\"", name(&simulation.scheme)),
        format!("aggregation_deadline_seconds = {}", seconds(aggregation_deadline_ms)),
        format!("[study.enrolment]\n{}", closing_toml(enrolment)),
        format!("[study.contributing]\n{}", closing_toml(contributing)),
        admission_toml(admission, instance),
    ];
    lines.join("\n")
}

fn admission_toml(admission: Admission, instance: [u8; 16]) -> String {
    match admission {
        Admission::Open => String::new(),
        Admission::Invited { authority } => studies_file::admission_table(&authority, &instance),
    }
}

fn closing_toml(closing: Closing) -> String {
    let Closing { count, settle_ms, deadline_ms, by_command: _ } = closing;
    let count = count.map(|count| format!("count = {count}\n"));
    let settle = settle_ms.map(|settle| format!("settle_seconds = {}\n", seconds(settle)));
    let deadline = format!("deadline_seconds = {}", seconds(deadline_ms));
    count.into_iter().chain(settle).chain([deadline]).collect()
}

/// What files and flags call it.
fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {

    use super::super::{Answers, Inviting, Mishaps};
    use super::*;
    use crate::studies_file::{SchemeName, StudiesFile, SuiteName};

    #[test]
    fn the_process_runs_the_same_study_under_the_same_limits() {
        let drops = vec!["1@enrolled".parse().unwrap()];
        let simulation = Simulation {
            committee_cap: 3,
            suite: SuiteName::X25519,
            scheme: SchemeName::Additive,
            deadline: Duration::from_millis(12_500),
            invited: Some(Inviting::draw().unwrap()),
            mishaps: Mishaps { drops, kill_hospital: 1, ..Mishaps::default() },
            ..Simulation::of(Answers::given(vec![i128::from(i64::MIN) * 4, 3, 4, 5], None).unwrap())
        };
        let dir = tempfile::tempdir().unwrap();
        let file = StudiesFile::read(&write_studies(&simulation, dir.path()).unwrap()).unwrap();
        assert_eq!(file.plans[0].parameters(), simulation.plan().unwrap().parameters());
        assert_eq!(file.plans[0].parameters().contributing.settle_ms, Some(12_500));
        assert_eq!(file.limits, simulation.limits());
    }
}
