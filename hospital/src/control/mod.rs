//! Commands to the hospital that runs on a data directory: `hospital study close`.
//!
//! ```text
//! hospital study close --> DIR/control.sock: one line of JSON each way --> the round's task
//! ```
//!
//! Whoever may open the socket may command: it is in a directory that only its owner can look into, and
//! has mode 0600. Every command is in the audit log before it is carried out.

mod client;
mod server;

use serde::{Deserialize, Serialize};

pub use client::{CommandError, send};
pub use server::ControlSocket;

/// The longest line on the socket, in bytes.
const LINE_MAX: u64 = 4 * 1024;

/// A command to a running hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyCommand {
    /// The study's id.
    pub study: String,
    /// What to do with its current round.
    pub action: Action,
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
