//! Commands to the hospital that runs on a data directory: `hospital study`, `hospital researcher`.
//!
//! ```text
//! hospital study, researcher --> DIR/control.sock: one line of JSON each way --> rounds, studies, access
//! ```
//!
//! Whoever may open the socket may command: it is in a directory that only its owner can look into, and
//! has mode 0600. Every command is in the audit log before it is carried out.

mod client;
mod researchers;
mod serials;
mod server;

use serde::{Deserialize, Serialize};
use wardsum_protocol::study::MAXIMUM_COHORT;

pub use client::{CommandError, ask};
pub use researchers::{ResearcherCommand, ResearcherError, carry_out as tell_about_researchers};
pub use serials::{Serials, SerialsError};
pub(crate) use server::Control;
pub use server::ControlSocket;

pub use crate::studies::change::Change;

/// The longest line on the socket, in bytes: the numbers of as many invitations as a round has people,
/// with ten digits and a comma each, and what stands around them.
const LINE_MAX: u64 = 11 * MAXIMUM_COHORT as u64 + 4 * 1024;

/// What a running hospital can be asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// To tell a study's current round something.
    Study(StudyCommand),
    /// To make or change a study.
    Change(Change),
    /// To name its studies.
    Studies,
    /// To admit researchers, or not.
    Researcher(ResearcherCommand),
}

/// A command to a study's current round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyCommand {
    /// The study's id.
    pub study: String,
    /// What to do with its current round.
    pub action: Action,
    /// The numbers of the invitations that [`Action::Revoke`] is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serials: Vec<u32>,
}

/// What to do with a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Close the phase that is open.
    Close,
    /// Fix the committee.
    CloseEnrolment,
    /// Fix what is counted.
    CloseContributing,
    /// End the round without a result.
    Abort,
    /// Take invitations back.
    Revoke,
}

/// What the hospital says to a command: a sentence for whoever gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// It is carried out and stored.
    Done(String),
    /// Nothing has changed.
    Refused(String),
}
