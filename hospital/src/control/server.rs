//! The end of the control socket at which commands are carried out.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{self, Instant};
use tracing::{debug, info, warn};
use wardsum_protocol::Phase;
use wardsum_protocol::round::{Command, Status};

use super::{Action, Answer, LINE_MAX, StudyCommand};
use crate::log_throttle::LogThrottle;
use crate::round_task::RoundHandle;
use crate::store::{CONTROL_SOCKET, Store};
use crate::study_desk::StudyDesk;

/// How long a command may take to be said, and its answer to be heard.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many numbers of invitations the audit log lists; the round's records have them all.
const AUDITED_SERIALS: usize = 100;

/// How long to wait after the operating system refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the hospital on a data directory takes commands. The socket goes when this is dropped.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Listens in a data directory that the caller has locked, so that a socket which is there was left
    /// behind by a hospital that was killed.
    pub fn bind(dir: &Path) -> io::Result<Self> {
        let path = dir.join(CONTROL_SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        let socket = Self { listener, path };
        // Nobody else could have come so far, as the directory is its owner's.
        fs::set_permissions(&socket.path, Permissions::from_mode(0o600))?;
        Ok(socket)
    }

    /// Carries out commands, one after the other, for as long as it is polled.
    pub(crate) async fn serve(self, desks: Arc<[Arc<StudyDesk>]>, store: Store) {
        let control = Control { desks, store };
        let not_accepted = LogThrottle::default();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = control.converse(stream).await {
                        debug!(%error, "a command could not be heard, or answered: {error}");
                    }
                }
                Err(error) => {
                    if let Some(withheld) = not_accepted.admit(Instant::now()) {
                        warn!(
                            %error, withheld,
                            "a command could not be accepted: {error} ({withheld} such lines withheld before)"
                        );
                    }
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it stays, the next hospital removes it.
        let _ = fs::remove_file(&self.path);
    }
}

struct Control {
    desks: Arc<[Arc<StudyDesk>]>,
    store: Store,
}

impl Control {
    async fn converse(&self, mut stream: UnixStream) -> io::Result<()> {
        let actor = stream.peer_cred().map(|cred| format!("uid {}", cred.uid()))?;
        let mut line = String::new();
        let (reading, mut writing) = stream.split();
        let mut reading = BufReader::new(reading.take(LINE_MAX));
        time::timeout(PATIENCE, reading.read_line(&mut line)).await??;
        let answer = match serde_json::from_str::<StudyCommand>(&line) {
            Ok(command) => match self.carry_out(&command, &actor).await {
                Ok(text) => Answer::Done(text),
                Err(text) => Answer::Refused(text),
            },
            Err(error) => Answer::Refused(format!("this is no command: {error}")),
        };
        let mut line = serde_json::to_string(&answer)?;
        line.push('\n');
        time::timeout(PATIENCE, writing.write_all(line.as_bytes())).await?
    }

    /// Returns what to tell whoever gave the command: what happened, or why nothing did.
    async fn carry_out(&self, command: &StudyCommand, actor: &str) -> Result<String, String> {
        let round = self.round(&command.study)?;
        let given = decide(command, &round)?;
        let (action, name) = (action_name(&given), name(&round));
        let detail = detail(&given, &name);
        self.store.audit(actor, action, &detail).await.map_err(|error| {
            format!("the command cannot be written to the audit log, so nothing was done: {error}")
        })?;
        info!(actor, action, "{actor} commands: {action}, {detail}");
        let Some(status) = round.command(given.clone()).await else {
            // That it failed belongs beside the command. The store may be what failed.
            if let Err(error) =
                self.store.audit(actor, "refused", &format!("{action}, {detail}")).await
            {
                warn!(%error, "the audit log does not say that a command was refused: {error}");
            }
            return Err(match decide(command, &round) {
                Err(reason) => reason,
                Ok(_) => format!(
                    "{name} has not carried this out; it was {} at that moment, or could not be stored",
                    round.status().phase
                ),
            });
        };
        Ok(outcome(&given, &name, &round, &status))
    }

    fn round(&self, study: &str) -> Result<RoundHandle, String> {
        let desk = self.desks.iter().find(|desk| desk.plan().id().as_str() == study);
        desk.map(|desk| desk.current_round()).ok_or_else(|| {
            let known: Vec<_> = self.desks.iter().map(|desk| desk.plan().id().as_str()).collect();
            format!("this hospital has no study \"{study}\"; it has {}", known.join(", "))
        })
    }
}

fn name(round: &RoundHandle) -> String {
    format!("round {} of study \"{}\"", round.label().number, round.label().study)
}

/// What the audit log says a command is about: the round, and which invitations.
fn detail(command: &Command, name: &str) -> String {
    let Command::RevokeInvitations(serials) = command else { return name.to_owned() };
    let listed = serials.iter().take(AUDITED_SERIALS).map(u32::to_string).collect::<Vec<_>>();
    let more = match serials.len().saturating_sub(AUDITED_SERIALS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{name}: {}{more}", listed.join(", "))
}

/// Which command a round is given, if its phase and its study's rules allow it.
fn decide(command: &StudyCommand, round: &RoundHandle) -> Result<Command, String> {
    let action = command.action;
    let (standing, name) = (round.standing(), name(round));
    let phase = standing.status.phase;
    if standing.is_over() {
        return Err(format!("{name} is {phase} already; there is nothing to close or to abort"));
    }
    if standing.suspended {
        return Err(format!("{name} stands still, as nothing can be stored; try again later"));
    }
    let (command, fits, by_command) = match (action, phase) {
        (Action::Abort, _) => return Ok(Command::Abort),
        (Action::Revoke, _) if round.study().authority().is_none() => {
            return Err(format!(
                "{name} is open to everybody, so there are no invitations to revoke"
            ));
        }
        (Action::Revoke, Phase::Enrolling) => {
            return Ok(Command::RevokeInvitations(command.serials.clone()));
        }
        (Action::Revoke, _) => {
            return Err(format!(
                "{name} is {phase}: its committee is fixed, and invitations can be revoked no more; \
                 `hospital study close --abort` ends the round"
            ));
        }
        (Action::CloseEnrolment, _) | (Action::Close, Phase::Enrolling) => {
            let rule = round.study().enrolment();
            (Command::CloseEnrolment, phase == Phase::Enrolling, rule.by_command)
        }
        (Action::CloseContributing | Action::Close, _) => {
            let rule = round.study().contributing();
            (Command::CloseContributing, phase == Phase::Contributing, rule.by_command)
        }
    };
    let closing = if command == Command::CloseEnrolment { "enrolment" } else { "contributing" };
    if !fits {
        return Err(format!("{name} is {phase}, so {closing} cannot be closed"));
    }
    if !by_command {
        return Err(format!(
            "the rules of {name} do not let {closing} be closed by command; `by_command = true` under \
             [study.{closing}] in the studies file allows it from the next round on"
        ));
    }
    Ok(command)
}

fn action_name(command: &Command) -> &'static str {
    match command {
        Command::RevokeInvitations(_) => "revoke invitations",
        Command::CloseEnrolment => "close enrolment",
        Command::CloseContributing => "close contributing",
        Command::Abort => "abort",
    }
}

/// What a command has led to.
fn outcome(command: &Command, name: &str, round: &RoundHandle, status: &Status) -> String {
    if let Some(reason) = status.ended {
        return format!("{name} has ended without a result: {reason}");
    }
    match command {
        Command::RevokeInvitations(serials) => format!(
            "{} invitations to {name} are revoked; {} people have enrolled",
            serials.len(),
            status.enrolled
        ),
        Command::CloseContributing if status.phase == Phase::Contributing => {
            let within = status.closes_at.map_or(0, |at| round.ms_until(at)).div_ceil(1_000);
            format!(
                "contributing closes in {name} as soon as connected members have contributed, in {within} s \
                 at the latest; {} contributions so far",
                status.contributed
            )
        }
        Command::CloseContributing => {
            format!("contributing is closed in {name}, with {} contributions", status.contributed)
        }
        Command::CloseEnrolment | Command::Abort => {
            let members = status.committee.unwrap_or_default();
            format!("enrolment is closed in {name}, with a committee of {members}")
        }
    }
}
