//! `hospital researcher`: through the running hospital if there is one, and else on the data directory itself.

use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::client::{self, CommandError};
use super::{Request, server};
use crate::access::{Access, AccessError};
use crate::store::{
    DataDir, ResearcherName, Role, Snapshot, Store, StoreError, StoredResearcher, unix_ms,
};
use crate::utc::rfc_3339;

/// What to do with a hospital's researchers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResearcherCommand {
    /// Make one, and its token.
    Add {
        /// Its name.
        name: ResearcherName,
        /// What it may do.
        role: Role,
        /// For how many days its token is accepted; for ever if there is none.
        days: Option<u32>,
    },
    /// Name all of them.
    List,
    /// Refuse the token of one from now on.
    Revoke {
        /// Its name.
        name: ResearcherName,
    },
}

/// Why a command about researchers was not carried out.
#[derive(Debug, Error)]
pub enum ResearcherError {
    /// The hospital that runs on the directory.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Nothing can wait here.
    #[error("the program cannot run here: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Carries a command out; returns what to tell whoever gave it.
pub fn carry_out(dir: &Path, command: ResearcherCommand) -> Result<String, ResearcherError> {
    match client::ask(dir, &Request::Researcher(command.clone())) {
        Err(CommandError::NotRunning { .. }) => {}
        answered => return Ok(answered?),
    }
    // Whoever only looks, or has mistyped the directory, makes no new one.
    if !matches!(command, ResearcherCommand::Add { .. }) {
        drop(Snapshot::open(dir)?);
    }
    let store = Store::open(DataDir::open(dir)?)?;
    let actor = server::user_actor(rustix::process::getuid().as_raw());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let access = Access::open(store.clone()).await?;
        let said = command.carry_out(&access, &actor).await;
        store.close().await;
        Ok(said?)
    })
}

impl ResearcherCommand {
    pub(super) async fn carry_out(
        self,
        access: &Access,
        actor: &str,
    ) -> Result<String, AccessError> {
        match self {
            Self::Add { name, role, days } => {
                let (added, token) = access.add(name, role, days, actor).await?;
                let until = days.map_or_else(
                    || format!("until `hospital researcher revoke {}`", added.name),
                    |days| format!("for {days} days"),
                );
                Ok(format!(
                    "{}\n{} is {role}. This token is shown once and kept nowhere: hand it over in private. It is \
                     accepted {until}.",
                    &*token.reveal(),
                    added.name,
                ))
            }
            Self::List => Ok(listed(&access.list().await?)),
            Self::Revoke { name } => {
                let revoked = access.revoke(&name, actor).await?;
                Ok(format!("the token of {} is not accepted any more", revoked.name))
            }
        }
    }
}

/// One line for each, with times in UTC.
fn listed(researchers: &[StoredResearcher]) -> String {
    if researchers.is_empty() {
        return "there are no researchers; `hospital researcher add NAME --role editor` makes one"
            .to_owned();
    }
    let now = unix_ms();
    let lines = researchers.iter().map(|researcher| {
        let state = match (researcher.revoked_unix_ms, researcher.expires_unix_ms) {
            (Some(at), _) => format!("revoked {}", rfc_3339(at)),
            (None, Some(at)) if at <= now => format!("expired {}", rfc_3339(at)),
            (None, Some(at)) => format!("accepted until {}", rfc_3339(at)),
            (None, None) => "accepted".to_owned(),
        };
        let used = researcher
            .used_unix_ms
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {}", rfc_3339(at)));
        let (name, role) = (&researcher.name, researcher.role);
        format!("{name}  {role}  {state}  {used}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
