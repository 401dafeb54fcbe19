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
use tracing::{debug, warn};

use super::{Answer, LINE_MAX, Request};
use crate::access::Access;
use crate::commands::Commands;
use crate::http::Site;
use crate::log_throttle::LogThrottle;
use crate::store::{CONTROL_SOCKET, StoreError};
use crate::studies::{Studies, StudiesError};

/// How long a command may take to be said, and its answer to be heard.
const PATIENCE: Duration = Duration::from_secs(5);

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
    pub(crate) async fn serve(self, control: Control) {
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

/// What commands are carried out with.
pub(crate) struct Control {
    commands: Commands,
    studies: Arc<Studies>,
    access: Access,
}

impl Control {
    pub(crate) fn new(site: &Site) -> Self {
        let Site { commands, studies, access, .. } = site.clone();
        Self { commands, studies, access }
    }

    async fn converse(&self, mut stream: UnixStream) -> io::Result<()> {
        let actor = stream.peer_cred().map(|cred| user_actor(cred.uid()))?;
        let mut line = String::new();
        let (reading, mut writing) = stream.split();
        let mut reading = BufReader::new(reading.take(LINE_MAX));
        time::timeout(PATIENCE, reading.read_line(&mut line)).await??;
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => match self.answer(request, &actor).await {
                Ok(text) => Answer::Done(text),
                Err(text) => Answer::Refused(text),
            },
            Err(error) => Answer::Refused(format!("this is no command: {error}")),
        };
        let mut line = serde_json::to_string(&answer)?;
        line.push('\n');
        time::timeout(PATIENCE, writing.write_all(line.as_bytes())).await?
    }

    /// Returns what to tell whoever asks: what happened, or why nothing did.
    async fn answer(&self, request: Request, actor: &str) -> Result<String, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        match request {
            Request::Study(command) => {
                let done = self.commands.carry_out(&command, None, actor).await;
                done.map(|(said, _)| said).map_err(|error| text(&error))
            }
            Request::Change(change) => match self.studies.carry_out(change, actor).await {
                Ok(made) => Ok(format!("study \"{}\" is {}", made.stored.id, made.stored.state)),
                Err(StudiesError::Problems(problems)) => {
                    let lines = problems.iter().map(|problem| match problem.field.as_str() {
                        "" => problem.message.clone(),
                        field => format!("{field}: {}", problem.message),
                    });
                    Err(lines.collect::<Vec<_>>().join("\n"))
                }
                Err(error) => Err(text(&error)),
            },
            Request::Studies => self.listed().await.map_err(|error| text(&error)),
            Request::Researcher(command) => {
                command.carry_out(&self.access, actor).await.map_err(|error| text(&error))
            }
        }
    }

    /// One line for each study.
    async fn listed(&self) -> Result<String, StoreError> {
        let mut lines = Vec::new();
        for desk in self.studies.served() {
            let id = desk.plan().id().as_str();
            if self.studies.is_in_file(id) {
                let round = desk.current_round();
                let (number, phase) = (round.label().number, round.status().phase);
                lines.push(format!("{id}  in the studies file  round {number} is {phase}"));
            }
        }
        for made in self.studies.made().await? {
            let id = &made.stored.id;
            let round = self.studies.find(id).map(|desk| desk.current_round());
            let round = round.map_or_else(String::new, |round| {
                format!("  round {} is {}", round.label().number, round.status().phase)
            });
            lines.push(format!(
                "{id}  {}, made by {}{round}",
                made.stored.state, made.stored.made_by
            ));
        }
        Ok(lines.join("\n"))
    }
}

/// How the audit log names a user of this computer.
pub(super) fn user_actor(uid: u32) -> String {
    format!("uid {uid}")
}
