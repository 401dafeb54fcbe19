//! The studies of a hospital: those of its studies file, and those that are made while it runs.
//!
//! A study that is made at run time is written down first, as a draft or at once as an open one. It is
//! served like any other from the moment it is opened, and again after a restart. Who changes studies waits for
//! whoever does at the moment, so that nothing is decided on what is out of date.

pub(crate) mod change;
pub(crate) mod definition;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use thiserror::Error;
use tokio::task;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use wardsum_protocol::Study;

use crate::round_task::RoundHost;
use crate::store::{NewStudy, StoreError, StoredStudy, StudyState};
use crate::study_desk::{OpenError, StudyDesk, StudyId, StudyPlan};

use definition::{Definition, Problem};

/// How many studies that are made at run time may be there besides archived ones.
const MOST_STUDIES: usize = 1_000;

/// All studies, while the hospital runs.
pub(crate) struct Studies {
    host: RoundHost,
    desks: RwLock<Vec<Arc<StudyDesk>>>,
    /// The ids of the studies file.
    in_file: BTreeSet<String>,
    /// Held while studies are made or changed.
    changing: tokio::sync::Mutex<()>,
    /// Whether rounds are attended to already, as those of studies that are opened now have to be.
    attending: Mutex<bool>,
    /// Cancelled when nobody serves studies any more.
    drain: CancellationToken,
}

/// A study and what it says.
#[derive(Clone, Debug)]
pub(crate) struct MadeStudy {
    pub(crate) stored: StoredStudy,
    pub(crate) definition: Definition,
}

/// Why a study is not made, or not changed.
#[derive(Debug, Error)]
pub(crate) enum StudiesError {
    #[error("the study is not right; see `problems`")]
    Problems(Vec<Problem>),
    #[error("{0}")]
    Exists(String),
    #[error("this hospital has no study \"{0}\"")]
    Unknown(String),
    #[error("{0}")]
    Conflict(String),
    #[error("the study could not be opened, and is a draft: {0}")]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for StudiesError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::StudyExists { .. } => Self::Exists(error.to_string()),
            StoreError::StudyChanged { .. } => Self::Conflict(error.to_string()),
            other => Self::Store(other),
        }
    }
}

impl Studies {
    /// Goes on with the studies of the file and with those that the store has.
    pub(crate) async fn open(plans: Vec<StudyPlan>, host: RoundHost) -> Result<Self, OpenError> {
        let made = host.store.studies().await?;
        let mut desks = Vec::with_capacity(plans.len());
        let mut in_file = BTreeSet::new();
        for plan in plans {
            if let Some(made) = made.iter().find(|made| made.id == plan.id().as_str()) {
                return Err(OpenError::MadeBefore {
                    study: plan.id().clone(),
                    by: made.made_by.clone(),
                });
            }
            in_file.insert(plan.id().to_string());
            desks.push(Arc::new(StudyDesk::open(plan, host.clone()).await?));
        }
        for stored in made {
            let id = stored.id.clone();
            if let Some(desk) = open_made(stored, &host).await? {
                desks.push(Arc::new(desk));
            } else {
                tracing::debug!(study.id = id, "study {id} is not served");
            }
        }
        let drain = host.drain.clone();
        Ok(Self {
            host,
            desks: RwLock::new(desks),
            in_file,
            changing: tokio::sync::Mutex::default(),
            attending: Mutex::new(false),
            drain,
        })
    }

    /// Those that are served: of the file, in its order, and then others as they were opened.
    pub(crate) fn served(&self) -> Vec<Arc<StudyDesk>> {
        // It holds handles only, and is right after every statement.
        self.desks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The study of that id, if it is served.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<StudyDesk>> {
        let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
        desks.iter().find(|desk| desk.plan().id().as_str() == id).cloned()
    }

    /// Whether the studies file has it.
    pub(crate) fn is_in_file(&self, id: &str) -> bool {
        self.in_file.contains(id)
    }

    /// Attends to the rounds of what is served, and of what is opened from now on.
    pub(crate) fn attend(&self) {
        *self.attending.lock().unwrap_or_else(PoisonError::into_inner) = true;
        for desk in self.served() {
            self.host.tasks.spawn(desk.attend());
        }
    }

    /// The studies that were made at run time, in the order in which they were made.
    pub(crate) async fn made(&self) -> Result<Vec<MadeStudy>, StoreError> {
        let stored = self.host.store.studies().await?;
        understood(stored).await
    }

    /// One of them.
    pub(crate) async fn made_one(&self, id: &str) -> Result<Option<MadeStudy>, StoreError> {
        let mut stored = self.host.store.studies().await?;
        stored.retain(|made| made.id == id);
        Ok(understood(stored).await?.pop())
    }

    /// Whether there is such a study, served or not.
    pub(crate) async fn has(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.find(id).is_some()
            || self.host.store.studies().await?.iter().any(|made| made.id == id))
    }

    /// Writes a study down, and opens it unless it is to be a draft.
    pub(crate) async fn make(
        &self,
        definition: Definition,
        draft: bool,
        by: &str,
    ) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        let id = definition.id().clone();
        if self.is_in_file(id.as_str()) {
            let text = format!("there is a study \"{id}\" in the studies file; choose another id");
            return Err(StudiesError::Exists(text));
        }
        let made = self.host.store.studies().await?;
        if let Some(made) = made.iter().find(|made| made.id == id.as_str()) {
            let StoredStudy { state, made_by, .. } = made;
            let text = format!(
                "there is a study \"{id}\" already, {state}, made by {made_by}; choose another id"
            );
            return Err(StudiesError::Exists(text));
        }
        // Its rounds would be continued as this one's.
        if self.host.store.rounds().await?.iter().any(|round| round.study_id == id.as_str()) {
            let text = format!(
                "the data directory has rounds of a study \"{id}\", which was in the studies file once; \
                 choose another id"
            );
            return Err(StudiesError::Exists(text));
        }
        if made.iter().filter(|made| made.state != StudyState::Archived).count() >= MOST_STUDIES {
            let text = format!("there are {MOST_STUDIES} studies; archive those that are over");
            return Err(StudiesError::Conflict(text));
        }
        let plan = if draft { None } else { Some(self.ready(&definition).await?) };
        let state = if draft { StudyState::Draft } else { StudyState::Open };
        let new = NewStudy {
            id: id.to_string(),
            state,
            definition: definition.to_json(),
            made_by: by.to_owned(),
        };
        let stored = self.host.store.add_study(new).await?;
        if let Some(plan) = plan {
            self.serve(plan).await?;
        }
        Ok(MadeStudy { stored, definition })
    }

    /// Puts another definition in the place of a draft's.
    pub(crate) async fn redraft(
        &self,
        id: &str,
        definition: Definition,
    ) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        self.in_state(id, StudyState::Draft, "changed").await?;
        if definition.id().as_str() != id {
            let message = format!("the study's id is \"{id}\", which cannot be changed");
            return Err(StudiesError::Problems(vec![Problem::new("id", message)]));
        }
        self.change(id, StudyState::Draft, StudyState::Draft, Some(definition)).await
    }

    /// Says whose invitations admit people to a draft.
    pub(crate) async fn set_authority(
        &self,
        id: &str,
        authority: &str,
        instance: Option<&str>,
    ) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        let made = self.in_state(id, StudyState::Draft, "given an authority").await?;
        if !made.definition.is_invited() {
            let text =
                format!("study \"{id}\" is open to everybody; give the draft an `admission` first");
            return Err(StudiesError::Conflict(text));
        }
        let definition = made.definition.with_authority(authority, instance);
        let definition = definition.map_err(StudiesError::Problems)?;
        self.change(id, StudyState::Draft, StudyState::Draft, Some(definition)).await
    }

    /// Opens a draft.
    pub(crate) async fn open_draft(&self, id: &str) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        let made = self.in_state(id, StudyState::Draft, "opened").await?;
        let plan = self.ready(&made.definition).await?;
        let made = self.change(id, StudyState::Draft, StudyState::Open, None).await?;
        self.serve(plan).await?;
        Ok(made)
    }

    /// Lets no further round of a study open. The current one goes on to its end.
    pub(crate) async fn close(&self, id: &str) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        self.in_state(id, StudyState::Open, "closed").await?;
        let made = self.change(id, StudyState::Open, StudyState::Closed, None).await?;
        if let Some(desk) = self.find(id) {
            desk.close();
        }
        Ok(made)
    }

    /// Serves a study no more whose last round is over, or drops a draft.
    pub(crate) async fn archive(&self, id: &str) -> Result<MadeStudy, StudiesError> {
        let _changing = self.changing.lock().await;
        let made = self.of_any_state(id).await?;
        let from = made.stored.state;
        match from {
            StudyState::Draft => {}
            StudyState::Closed => {
                let desk = self.find(id);
                if let Some(desk) = &desk {
                    // Or it would be left in the store without anybody to serve it.
                    desk.settled().await;
                }
                let round = desk.map(|desk| desk.current_round());
                if let Some(round) = round.filter(|round| !round.standing().is_over()) {
                    let (number, phase) = (round.label().number, round.status().phase);
                    return Err(StudiesError::Conflict(format!(
                        "round {number} of study \"{id}\" is {phase}; it can be archived when that is over"
                    )));
                }
            }
            StudyState::Open => {
                let text = format!("study \"{id}\" is open; close it first");
                return Err(StudiesError::Conflict(text));
            }
            StudyState::Archived => {
                let text = format!("study \"{id}\" is archived already");
                return Err(StudiesError::Conflict(text));
            }
        }
        let made = self.change(id, from, StudyState::Archived, None).await?;
        let mut desks = self.desks.write().unwrap_or_else(PoisonError::into_inner);
        desks.retain(|desk| {
            let stays = desk.plan().id().as_str() != id;
            if !stays {
                desk.retire();
            }
            stays
        });
        Ok(made)
    }

    /// What rounds are opened by, if the definition is complete and no other study has its invitations.
    async fn ready(&self, definition: &Definition) -> Result<StudyPlan, StudiesError> {
        let Some(plan) = definition.plan() else {
            let message =
                "an invited study needs its authority's public key before it can be opened";
            return Err(StudiesError::Problems(vec![Problem::new("admission.authority", message)]));
        };
        if let Some(digest) = plan.invited_to()
            && let Some(known) = self.host.store.round_by_digest(digest).await?
        {
            let (id, number) = (known.study_id, known.number);
            return Err(StudiesError::Conflict(format!(
                "these invitations are for round {number} of study \"{id}\"; make others with \
                 `hospital invite`"
            )));
        }
        if self.drain.is_cancelled() {
            return Err(StudiesError::Store(StoreError::Closed));
        }
        Ok(plan.clone())
    }

    /// Serves a study that is open in the store. If that fails it becomes a draft, so that it can be tried again.
    async fn serve(&self, plan: StudyPlan) -> Result<(), StudiesError> {
        let id = plan.id().clone();
        let desk = match StudyDesk::open(plan, self.host.clone()).await {
            Ok(desk) => Arc::new(desk),
            Err(failed) => {
                let back = self.host.store.change_study(
                    id.as_str(),
                    StudyState::Open,
                    StudyState::Draft,
                    None,
                );
                if let Err(error) = back.await {
                    error!(
                        study.id = %id,
                        "study {id} could not be opened ({failed}), nor be made a draft again ({error}); it \
                         opens when the hospital is started again"
                    );
                }
                return Err(failed.into());
            }
        };
        let mut desks = self.desks.write().unwrap_or_else(PoisonError::into_inner);
        desks.push(Arc::clone(&desk));
        drop(desks);
        if *self.attending.lock().unwrap_or_else(PoisonError::into_inner) {
            self.host.tasks.spawn(desk.attend());
        }
        Ok(())
    }

    async fn change(
        &self,
        id: &str,
        from: StudyState,
        to: StudyState,
        definition: Option<Definition>,
    ) -> Result<MadeStudy, StudiesError> {
        let text = definition.as_ref().map(Definition::to_json);
        let stored = self.host.store.change_study(id, from, to, text).await?;
        MadeStudy::of(stored).ok_or_else(|| StudiesError::Unknown(id.to_owned()))
    }

    /// A study that was made at run time; one of the file is changed there.
    async fn of_any_state(&self, id: &str) -> Result<MadeStudy, StudiesError> {
        if self.is_in_file(id) {
            let text = format!(
                "study \"{id}\" is in the studies file, and is changed there; its phases can be closed here, \
                 and its round ended"
            );
            return Err(StudiesError::Conflict(text));
        }
        self.made_one(id).await?.ok_or_else(|| StudiesError::Unknown(id.to_owned()))
    }

    async fn in_state(
        &self,
        id: &str,
        state: StudyState,
        what: &str,
    ) -> Result<MadeStudy, StudiesError> {
        let made = self.of_any_state(id).await?;
        if made.stored.state != state {
            return Err(StudiesError::Conflict(format!(
                "study \"{id}\" is {}, so it cannot be {what}",
                made.stored.state
            )));
        }
        Ok(made)
    }
}

impl MadeStudy {
    /// None, with a warning, if another version of the program wrote it and this one does not understand it.
    fn of(stored: StoredStudy) -> Option<Self> {
        match Definition::of_json(&stored.definition) {
            Ok(definition) => Some(Self { stored, definition }),
            Err(error) => {
                let id = &stored.id;
                warn!(
                    study.id = id,
                    "study {id}, as it was made, is none for this program: {error}"
                );
                None
            }
        }
    }

    /// The study's digest, if it is for people with invitations and complete.
    pub(crate) fn invited_digest(&self) -> Option<String> {
        self.definition.plan()?.invited_to().map(|digest| digest.to_string())
    }
}

/// What these studies say, read where long questionnaires keep nobody waiting.
async fn understood(stored: Vec<StoredStudy>) -> Result<Vec<MadeStudy>, StoreError> {
    let reading = task::spawn_blocking(|| stored.into_iter().filter_map(MadeStudy::of).collect());
    reading.await.map_err(|_| StoreError::Closed)
}

/// Goes on with a study that the store has; `None` if nobody is to be served it.
async fn open_made(stored: StoredStudy, host: &RoundHost) -> Result<Option<StudyDesk>, OpenError> {
    let state = stored.state;
    let id = stored.id.clone();
    let plan = match state {
        StudyState::Draft | StudyState::Archived => return Ok(None),
        StudyState::Open | StudyState::Closed => {
            MadeStudy::of(stored).and_then(|made| made.definition.plan().cloned())
        }
    };
    let Some(plan) = plan else { return Ok(None) };
    if state == StudyState::Open {
        return StudyDesk::open(plan, host.clone()).await.map(Some);
    }
    let rounds = host.store.rounds().await?;
    let can_go_on = rounds.iter().rev().find(|round| round.study_id == id).is_some_and(|last| {
        last.is_over() || Study::decode(&last.study).is_ok_and(|study| study.is_current())
    });
    // A closed study opens no round, not even in the place of one that an earlier version of the program left.
    if !can_go_on {
        warn!(
            study.id = id,
            "study {id} is closed, and its last round cannot go on: it is not served"
        );
        return Ok(None);
    }
    let desk = StudyDesk::open(plan, host.clone()).await?;
    desk.close();
    Ok(Some(desk))
}

/// The ids of what is served, for a message.
pub(crate) fn names(desks: &[Arc<StudyDesk>]) -> String {
    if desks.is_empty() {
        return "none".to_owned();
    }
    desks.iter().map(|desk| desk.plan().id().as_str()).collect::<Vec<_>>().join(", ")
}

/// Whether this is an id that a study could have.
pub(crate) fn could_be_id(id: &str) -> bool {
    id.parse::<StudyId>().is_ok()
}
