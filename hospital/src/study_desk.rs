//! One study at the hospital: which round is open now, and how the earlier ones ended.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{self, Instant};
use tracing::error;
use wardsum_protocol::{Aggregate, Study, StudyError, StudyParameters};

use crate::round_task::{RoundHandle, RoundHost, RoundLabel};

/// The shortest time between two rounds of a study, so that rounds which end at once cannot spin.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// What is needed to open rounds of a study, checked once.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    id: StudyId,
    parameters: StudyParameters,
    reopen: bool,
}

impl StudyPlan {
    /// Checks the rules. `instance` is replaced for every round; `reopen` opens a new round when one
    /// is published or has ended.
    pub fn new(id: StudyId, parameters: StudyParameters, reopen: bool) -> Result<Self, StudyError> {
        Study::new(parameters.clone())?;
        Ok(Self { id, parameters, reopen })
    }

    /// Names the study in addresses and logs.
    #[must_use]
    pub fn id(&self) -> &StudyId {
        &self.id
    }

    /// The rules; `instance` says nothing here.
    #[must_use]
    pub fn parameters(&self) -> &StudyParameters {
        &self.parameters
    }

    /// The study of a new round, with a digest of its own.
    fn new_instance(&self) -> Result<Study, getrandom::Error> {
        let mut instance = [0; 16];
        getrandom::fill(&mut instance)?;
        let parameters = StudyParameters { instance, ..self.parameters.clone() };
        Ok(Study::new(parameters)
            .expect("only `instance`, which is free, differs from what `new` checked"))
    }
}

/// One study while the hospital runs.
pub struct StudyDesk {
    plan: StudyPlan,
    host: RoundHost,
    rounds: watch::Sender<Rounds>,
}

/// The rounds of one study.
#[derive(Clone)]
pub struct Rounds {
    /// Where whoever connects now takes part.
    pub current: RoundHandle,
    /// The results of earlier rounds, the oldest first; bounded by [`Limits::previous_results`].
    pub previous: VecDeque<PreviousResult>,
}

/// What an earlier round published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousResult {
    /// The round's number, counted from one.
    pub round: u32,
    /// What it published.
    pub aggregate: Aggregate,
}

impl StudyDesk {
    /// Opens the first round.
    pub(crate) fn open(plan: StudyPlan, host: RoundHost) -> Result<Self, getrandom::Error> {
        let label = RoundLabel { study: plan.id.clone(), number: 1 };
        let current = host.open(plan.new_instance()?, label);
        let (rounds, _) = watch::channel(Rounds { current, previous: VecDeque::new() });
        Ok(Self { plan, host, rounds })
    }

    /// The study's id, rules and whether it reopens.
    #[must_use]
    pub fn plan(&self) -> &StudyPlan {
        &self.plan
    }

    /// Where whoever connects now takes part.
    #[must_use]
    pub fn current_round(&self) -> RoundHandle {
        self.rounds.borrow().current.clone()
    }

    /// The rounds as they are now, and again whenever a new one opens.
    #[must_use]
    pub fn rounds(&self) -> watch::Receiver<Rounds> {
        self.rounds.subscribe()
    }

    /// Opens a new round whenever one has finished, if the study says so, until the hospital is told
    /// to stop.
    pub(crate) async fn attend(self: Arc<Self>) {
        if !self.plan.reopen {
            return;
        }
        loop {
            let earliest = Instant::now() + REOPEN_PAUSE;
            let round = self.current_round();
            let finished = async {
                let aggregate = round.finished().await;
                time::sleep_until(earliest).await;
                aggregate
            };
            let aggregate = tokio::select! {
                // First, because stopping is what finishes many a round.
                biased;
                () = self.host.drain.cancelled() => return,
                aggregate = finished => aggregate,
            };
            let study = match self.plan.new_instance() {
                Ok(study) => study,
                Err(error) => {
                    error!(
                        study.id = %self.plan.id, %error,
                        "study {} opens no more rounds, because there is no randomness", self.plan.id,
                    );
                    return;
                }
            };
            let label =
                RoundLabel { study: self.plan.id.clone(), number: round.label().number + 1 };
            let previous = aggregate
                .map(|aggregate| PreviousResult { round: round.label().number, aggregate });
            self.succeed(self.host.open(study, label), previous);
            round.supersede();
        }
    }

    /// Makes `next` the current round and keeps the last one's result.
    fn succeed(&self, next: RoundHandle, previous: Option<PreviousResult>) {
        self.rounds.send_modify(|rounds| {
            rounds.current = next;
            rounds.previous.extend(previous);
            while rounds.previous.len() > self.host.limits.previous_results {
                rounds.previous.pop_front();
            }
        });
    }
}

/// Names a study in addresses and logs: 1 to 64 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StudyId(Arc<str>);

/// Not an id of a study.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" cannot be the id of a study; use 1 to 64 of a-z, 0-9 and -")]
pub struct StudyIdError(String);

impl StudyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StudyId {
    type Err = StudyIdError;

    fn from_str(text: &str) -> Result<Self, StudyIdError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits { Ok(Self(text.into())) } else { Err(StudyIdError(text.to_owned())) }
    }
}

impl fmt::Display for StudyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
