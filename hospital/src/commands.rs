//! What a running round can be told, whoever says so: an operator through the control socket, a researcher
//! through the API.
//!
//! A command is in the audit log before it is carried out, and its outcome afterwards. Commands to a study are
//! carried out one after the other, so that of two who mean the same the second is told what happened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::{info, warn};
use utoipa::ToSchema;
use wardsum_protocol::Phase;
use wardsum_protocol::round::{Command, Status};

use crate::control::{Action, StudyCommand};
use crate::round_task::RoundHandle;
use crate::store::{Store, StoreError, unix_ms};
use crate::studies::{self, Studies};

/// How many numbers of invitations the audit log lists; the round's records have them all.
const AUDITED_SERIALS: usize = 100;

/// Carries out commands.
#[derive(Clone)]
pub(crate) struct Commands {
    studies: Arc<Studies>,
    store: Store,
}

/// The last command to a round that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Happened {
    /// The round's number.
    pub(crate) round: u32,
    /// What was done, such as "close enrolment".
    #[schema(example = "close enrolment")]
    pub(crate) action: String,
    /// By whom.
    #[schema(example = "researcher anna")]
    pub(crate) by: String,
    /// When, in milliseconds since 1970 by the hospital's clock.
    pub(crate) at_unix_ms: i64,
}

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub(crate) enum CommandRefused {
    /// No such study.
    #[error("{0}")]
    UnknownStudy(String),
    /// The round is not where the command belongs.
    #[error("{said}")]
    NotNow {
        said: String,
        /// What has been done to the round before, if anything.
        happened: Option<Happened>,
    },
    /// The study's rules do not allow it.
    #[error("{0}")]
    NotAllowed(String),
    /// The round stands still, because nothing can be stored.
    #[error("{0}")]
    Suspended(String),
    /// Nothing was done.
    #[error("the command cannot be written to the audit log, so nothing was done: {0}")]
    NotAudited(StoreError),
}

impl Commands {
    pub(crate) fn new(studies: Arc<Studies>, store: Store) -> Self {
        Self { studies, store }
    }

    /// Returns what to tell whoever gave the command, and how the round stands now.
    pub(crate) async fn carry_out(
        &self,
        command: &StudyCommand,
        round_number: Option<u32>,
        actor: &str,
    ) -> Result<(String, Status), CommandRefused> {
        let desk = self.studies.find(&command.study).ok_or_else(|| {
            let known = studies::names(&self.studies.served());
            let study = &command.study;
            let text = format!("this hospital has no study \"{study}\"; it has {known}");
            CommandRefused::UnknownStudy(text)
        })?;
        let mut last = desk.last_command().lock().await;
        let round = desk.current_round();
        let name = name(&round);
        let happened = last.clone().filter(|last| last.round == round.label().number);
        let given = match round_number {
            Some(number) if number != round.label().number => {
                let said = format!("{name} is the current one, not round {number}");
                Err(CommandRefused::NotNow { said, happened: happened.clone() })
            }
            _ => decide(command, &round, happened.as_ref()),
        };
        let given = match given {
            Ok(given) => given,
            Err(refused) => {
                self.note(
                    actor,
                    "refused",
                    &format!("{}, {name}: {refused}", asked(command.action)),
                )
                .await;
                return Err(refused);
            }
        };
        let (action, detail) = (action_name(&given), detail(&given, &name));
        self.store.audit(actor, action, &detail).await.map_err(CommandRefused::NotAudited)?;
        info!(actor, action, "{actor} commands: {action}, {detail}");
        let Some(status) = round.command(given.clone()).await else {
            let refused = match decide(command, &round, happened.as_ref()) {
                Err(refused) => refused,
                Ok(_) => CommandRefused::NotNow {
                    said: format!(
                        "{name} has not carried this out; it was {} at that moment, or could not be stored",
                        round.status().phase
                    ),
                    happened,
                },
            };
            self.note(actor, "refused", &format!("{action}, {detail}: {refused}")).await;
            return Err(refused);
        };
        *last = Some(Happened {
            round: round.label().number,
            action: action.to_owned(),
            by: actor.to_owned(),
            at_unix_ms: unix_ms(),
        });
        let said = outcome(&given, &name, &round, &status);
        self.note(actor, "done", &format!("{action}: {said}")).await;
        Ok((said, status))
    }

    /// Writes what became of a command beside it. The store may be what failed.
    async fn note(&self, actor: &str, outcome: &str, detail: &str) {
        if let Err(error) = self.store.audit(actor, outcome, detail).await {
            warn!(%error, "the audit log does not say that a command was {outcome}: {error}");
        }
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
fn decide(
    command: &StudyCommand,
    round: &RoundHandle,
    happened: Option<&Happened>,
) -> Result<Command, CommandRefused> {
    let action = command.action;
    let not_now = |said: String| CommandRefused::NotNow { said, happened: happened.cloned() };
    let (standing, name) = (round.standing(), name(round));
    let phase = standing.status.phase;
    if standing.is_over() {
        let said = format!("{name} is {phase} already; there is nothing to close or to abort");
        return Err(not_now(said));
    }
    if standing.suspended {
        let said = format!("{name} stands still, as nothing can be stored; try again later");
        return Err(CommandRefused::Suspended(said));
    }
    let (command, fits, by_command) = match (action, phase) {
        (Action::Abort, _) => return Ok(Command::Abort),
        (Action::Revoke, _) if round.study().authority().is_none() => {
            return Err(CommandRefused::NotAllowed(format!(
                "{name} is open to everybody, so there are no invitations to revoke"
            )));
        }
        (Action::Revoke, Phase::Enrolling) => {
            return Ok(Command::RevokeInvitations(command.serials.clone()));
        }
        (Action::Revoke, _) => {
            return Err(not_now(format!(
                "{name} is {phase}: its committee is fixed, and invitations can be revoked no more; \
                 `hospital study close --abort` ends the round"
            )));
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
        return Err(not_now(format!("{name} is {phase}, so {closing} cannot be closed")));
    }
    if !by_command {
        return Err(CommandRefused::NotAllowed(format!(
            "the rules of {name} do not let {closing} be closed by command; `by_command = true` under \
             [study.{closing}] in the studies file allows it from the next round on"
        )));
    }
    // Members are waited for, so that the phase is still the same.
    if let Some(before) = happened.filter(|before| before.action == action_name(&command)) {
        let by = &before.by;
        let said = format!("{name} was told to {} already, by {by}", before.action);
        return Err(not_now(said));
    }
    Ok(command)
}

/// What somebody asks for, before it is decided what that means.
fn asked(action: Action) -> &'static str {
    match action {
        Action::Close => "close",
        Action::CloseEnrolment => "close enrolment",
        Action::CloseContributing => "close contributing",
        Action::Abort => "abort",
        Action::Revoke => "revoke invitations",
    }
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
