//! `hospital study` and `hospital researcher`: what the hospital that runs on a data directory is told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::access::MOST_DAYS;
use crate::control::{
    Action, Change, Request, ResearcherCommand, Serials, SerialsError, StudyCommand,
};
use crate::store::{ResearcherName, Role};
use crate::study_desk::StudyId;

/// What a running hospital can be told about a study.
#[derive(Debug, Subcommand)]
pub enum StudyAction {
    /// Close enrolment or contributing of the study's current round, or end the round.
    ///
    /// A phase closes by command only if the study's rules say so (`by_command = true`). With --for-good, no
    /// further round of a study opens that was made with `hospital study create` or through the API.
    Close(CloseArgs),
    /// Make a study beside those of the studies file, and open it unless it is to be a draft.
    Create(CreateArgs),
    /// Open a draft.
    Open(StudyArgs),
    /// Stop serving a study that was made here and is closed and over, or drop a draft.
    Archive(StudyArgs),
    /// Name the studies, and where each stands.
    List(DataArgs),
    /// Take invitations to the study's current round back, before its committee is fixed.
    ///
    /// Whoever has enrolled with one of them is sent away, and nobody takes part with one any more.
    Revoke(RevokeArgs),
}

/// Flags of `hospital study list` and `hospital researcher list`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// The data directory of the hospital.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR", default_value = "wardsum-data")]
    pub data: PathBuf,
}

/// Flags of `hospital study open` and `hospital study archive`.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// The data directory of the hospital.
    #[command(flatten)]
    pub data: DataArgs,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,
}

/// Flags of `hospital study create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The data directory of the hospital.
    #[command(flatten)]
    pub data: DataArgs,

    /// A studies file (TOML) with one `[[study]]`, such as `hospital invite` makes. The questionnaire that it
    /// names is read beside it.
    #[arg(value_name = "STUDY.toml")]
    pub study: PathBuf,

    /// Write it down only; `hospital study open` opens it.
    #[arg(long)]
    pub draft: bool,
}

/// What can be said about researchers.
#[derive(Debug, Subcommand)]
pub enum ResearcherAction {
    /// Make a researcher, and print its token, which is shown this once.
    Add(AddResearcherArgs),
    /// Name the researchers: role, until when the token is accepted, when it was used last.
    List(DataArgs),
    /// Refuse a researcher's token from now on, and end what is open under it.
    Revoke(RevokeResearcherArgs),
}

/// Flags of `hospital researcher add`.
#[derive(Debug, Args)]
pub struct AddResearcherArgs {
    /// The data directory of the hospital.
    #[command(flatten)]
    pub data: DataArgs,

    /// Names the researcher in the audit log: 1 to 64 of a-z, A-Z, 0-9 and . _ - @.
    #[arg(value_name = "NAME")]
    pub name: ResearcherName,

    /// What the researcher may do: `editor` changes studies, `viewer` looks and exports.
    #[arg(long)]
    pub role: Role,

    /// For how many days the token is accepted, 1 to 3,650 [default: until it is revoked].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    pub days: Option<u32>,
}

/// Flags of `hospital researcher revoke`.
#[derive(Debug, Args)]
pub struct RevokeResearcherArgs {
    /// The data directory of the hospital.
    #[command(flatten)]
    pub data: DataArgs,

    /// The researcher.
    #[arg(value_name = "NAME")]
    pub name: ResearcherName,
}

impl ResearcherAction {
    /// The data directory, and what to do there.
    #[must_use]
    pub fn command(self) -> (PathBuf, ResearcherCommand) {
        match self {
            Self::Add(AddResearcherArgs { data, name, role, days }) => {
                (data.data, ResearcherCommand::Add { name, role, days })
            }
            Self::List(data) => (data.data, ResearcherCommand::List),
            Self::Revoke(RevokeResearcherArgs { data, name }) => {
                (data.data, ResearcherCommand::Revoke { name })
            }
        }
    }
}

/// Flags of `hospital study revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The data directory of the hospital.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR", default_value = "wardsum-data")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// A file with the number of one invitation on each line.
    #[arg(long, value_name = "FILE")]
    pub serials: PathBuf,
}

impl RevokeArgs {
    /// What the hospital is told.
    pub fn command(&self) -> Result<StudyCommand, SerialsError> {
        let serials = Serials::read(&self.serials)?.into_vec();
        Ok(StudyCommand { study: self.study.to_string(), action: Action::Revoke, serials })
    }
}

/// Flags of `hospital study close`.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// The data directory of the hospital.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR", default_value = "wardsum-data")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// Which phase to close; the command is refused while the round is in another one [default: the
    /// one that is open].
    #[arg(long, conflicts_with = "abort")]
    pub phase: Option<ClosablePhase>,

    /// Let no further round of a study open that was made at run time. The current round goes on to its end.
    #[arg(long, conflicts_with_all = ["abort", "phase"])]
    pub for_good: bool,

    /// End the round without a result, whatever phase it is in.
    #[arg(long)]
    pub abort: bool,
}

impl CloseArgs {
    /// What the hospital is told.
    #[must_use]
    pub fn request(&self) -> Request {
        let id = self.study.to_string();
        if self.for_good {
            return Request::Change(Change::Close { id });
        }
        let action = match self.phase {
            _ if self.abort => Action::Abort,
            None => Action::Close,
            Some(ClosablePhase::Enrolment) => Action::CloseEnrolment,
            Some(ClosablePhase::Contributing) => Action::CloseContributing,
        };
        Request::Study(StudyCommand { study: id, action, serials: Vec::new() })
    }
}

/// A phase that can be closed by command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClosablePhase {
    /// Until the committee is fixed.
    Enrolment,
    /// Until it is fixed what is counted.
    Contributing,
}
