//! What can be done to studies while the hospital runs, each with its entries in the audit log.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task;
use tracing::{info, warn};

use super::definition::{Definition, Problem};
use super::{MadeStudy, Studies, StudiesError, could_be_id};
use crate::questionnaires::{self, read_file};
use crate::store::StoreError;
use crate::studies_file::StudiesFileError;

/// A change of the studies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Make a study.
    Make {
        /// What an entry of the studies file says.
        definition: Value,
        /// Whether it is written down only.
        draft: bool,
    },
    /// Replace what a draft says.
    Redraft {
        /// Its id.
        id: String,
        /// What an entry of the studies file says.
        definition: Value,
    },
    /// Say whose invitations admit people to a draft.
    Authority {
        /// The study's id.
        id: String,
        /// The authority's public key, in hexadecimal digits.
        authority: String,
        /// What tells the round from any other, likewise; drawn if there is none.
        instance: Option<String>,
    },
    /// Open a draft.
    Open {
        /// Its id.
        id: String,
    },
    /// Let no further round open.
    Close {
        /// The study's id.
        id: String,
    },
    /// Serve it no more.
    Archive {
        /// The study's id.
        id: String,
    },
}

impl Change {
    /// Making the one study of a studies file. A questionnaire that it names is read here, because the hospital
    /// looks for no files of whoever commands it.
    pub fn make_from_file(path: &Path, draft: bool) -> Result<Self, StudiesFileError> {
        #[derive(Deserialize)]
        struct Tables {
            #[serde(default)]
            study: Vec<Value>,
        }
        let place = || path.to_owned();
        let text = fs::read_to_string(path)
            .map_err(|source| StudiesFileError::Unreadable { path: place(), source })?;
        let Tables { mut study } = toml::from_str(&text)
            .map_err(|source| StudiesFileError::Toml { path: place(), source: Box::new(source) })?;
        match (study.pop(), study.len()) {
            (None, _) => Err(StudiesFileError::Empty(place())),
            (Some(mut definition), 0) => {
                if let Some(Value::String(name)) = definition.get("questionnaire") {
                    let file = path.parent().unwrap_or(Path::new("")).join(name);
                    definition["questionnaire"] = questionnaires::to_value(&read_file(&file)?);
                }
                Ok(Self::Make { definition, draft })
            }
            (Some(_), more) => Err(StudiesFileError::Several { path: place(), count: more + 1 }),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Make { draft: true, .. } => "draft study",
            Self::Make { draft: false, .. } => "create study",
            Self::Redraft { .. } => "change draft",
            Self::Authority { .. } => "set authority",
            Self::Open { .. } => "open study",
            Self::Close { .. } => "close study",
            Self::Archive { .. } => "archive study",
        }
    }

    /// The id of the study that this is about, as far as it is one.
    fn about(&self) -> &str {
        let id = match self {
            Self::Make { definition, .. } => definition.get("id").and_then(Value::as_str),
            Self::Redraft { id, .. }
            | Self::Authority { id, .. }
            | Self::Open { id }
            | Self::Close { id }
            | Self::Archive { id } => Some(id.as_str()),
        };
        id.filter(|id| could_be_id(id)).unwrap_or("(no id)")
    }
}

impl Studies {
    /// Carries out a change. It is in the audit log before, and its outcome afterwards.
    pub(crate) async fn carry_out(
        &self,
        change: Change,
        actor: &str,
    ) -> Result<MadeStudy, StudiesError> {
        let (action, about) = (change.name(), change.about().to_owned());
        let detail = match &change {
            // Public, and what everything in the study depends on.
            Change::Authority { authority, .. }
                if authority.len() == 64
                    && authority.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                format!("study \"{about}\": {authority}")
            }
            _ => format!("study \"{about}\""),
        };
        self.host.store.audit(actor, action, &detail).await?;
        info!(actor, action, "{actor} commands: {action}, {detail}");
        let changed = self.change_it(change, actor).await;
        let (outcome, detail) = match &changed {
            Ok(made) => ("done", format!("{action}: study \"{about}\" is {}", made.stored.state)),
            Err(StudiesError::Problems(problems)) => {
                ("refused", format!("{action}, {detail}: {}", fields(problems)))
            }
            Err(error) => ("refused", format!("{action}, {detail}: {error}")),
        };
        if let Err(error) = self.host.store.audit(actor, outcome, &detail).await {
            warn!(%error, "the audit log does not say that {action} was {outcome}: {error}");
        }
        changed
    }

    async fn change_it(&self, change: Change, actor: &str) -> Result<MadeStudy, StudiesError> {
        match change {
            Change::Make { definition, draft } => {
                self.make(read(definition).await?, draft, actor).await
            }
            Change::Redraft { id, definition } => self.redraft(&id, read(definition).await?).await,
            Change::Authority { id, authority, instance } => {
                self.set_authority(&id, &authority, instance.as_deref()).await
            }
            Change::Open { id } => self.open_draft(&id).await,
            Change::Close { id } => self.close(&id).await,
            Change::Archive { id } => self.archive(&id).await,
        }
    }
}

/// Reads an entry where a long questionnaire keeps nobody waiting.
async fn read(definition: Value) -> Result<Definition, StudiesError> {
    let reading = task::spawn_blocking(move || Definition::read(definition));
    let read = reading.await.map_err(|_| StudiesError::Store(StoreError::Closed))?;
    read.map_err(StudiesError::Problems)
}

/// The fields that are not right. What stands in them is nobody's but whoever wrote it.
fn fields(problems: &[Problem]) -> String {
    /// More than any form has.
    const LISTED: usize = 30;
    let named = problems.iter().take(LISTED).map(|problem| {
        let name =
            problem.field.bytes().all(|byte| byte.is_ascii_graphic()) && problem.field.len() <= 64;
        if name { problem.field.as_str() } else { "(a field)" }
    });
    format!("not right: {}", named.collect::<Vec<_>>().join(", "))
}
