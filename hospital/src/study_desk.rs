//! One study at the hospital: which round is open now, and how the earlier ones ended.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use wardsum_protocol::{Admission, Study, StudyDigest, StudyError, StudyParameters};

use crate::commands::Happened;
use crate::result_json::ResultJson;
use crate::round_task::{ResumeError, RoundHandle, RoundHost, RoundLabel};
use crate::store::{StoreError, StoredRound};
use crate::transcripts::{TranscriptFault, Transcripts, WhichRound};

/// The shortest time between two rounds of a study, so that rounds which end at once cannot spin.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait before a round is opened again that could not be stored.
const REOPEN_RETRY: Duration = Duration::from_secs(10);

/// How many earlier rounds are kept at hand for whoever comes back to one.
const EARLIER_ROUNDS: usize = 8;

/// What is needed to open rounds of a study, checked once.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    id: StudyId,
    parameters: StudyParameters,
    reopen: bool,
}

impl StudyPlan {
    /// Checks the rules. In an open study `instance` is replaced for every round; `reopen` opens a new
    /// round when one is published or has ended, which an invited study never does.
    pub fn new(id: StudyId, parameters: StudyParameters, reopen: bool) -> Result<Self, StudyError> {
        Study::new(parameters.clone())?;
        Ok(Self { id, parameters, reopen })
    }

    /// Names the study in addresses and logs.
    #[must_use]
    pub fn id(&self) -> &StudyId {
        &self.id
    }

    /// The rules; in an open study `instance` says nothing here.
    #[must_use]
    pub fn parameters(&self) -> &StudyParameters {
        &self.parameters
    }

    /// Whether `study` is one of this plan's rounds.
    fn asks_the_same(&self, study: &Study) -> bool {
        let instance = match self.parameters.admission {
            Admission::Open => study.parameters().instance,
            Admission::Invited { .. } => self.parameters.instance,
        };
        *study.parameters() == StudyParameters { instance, ..self.parameters.clone() }
    }

    /// The digest of the one round that the study's invitations are for; none in an open study.
    pub(crate) fn invited_to(&self) -> Option<StudyDigest> {
        let study = Study::new(self.parameters.clone()).expect("`new` has checked it");
        study.authority().map(|_| study.digest())
    }

    /// The study of a new round, with a digest of its own.
    fn new_instance(&self) -> Result<Study, getrandom::Error> {
        let mut instance = self.parameters.instance;
        if self.parameters.admission == Admission::Open {
            getrandom::fill(&mut instance)?;
        }
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
    /// Earlier rounds whose tasks may still run: those that were current, and those that somebody came
    /// back to. The longest ago first.
    earlier: Mutex<VecDeque<RoundHandle>>,
    transcripts: Transcripts,
    /// Cancelled when no further round is to open.
    closed: CancellationToken,
    /// Held from the decision to open another round until that is the current one.
    opening: Mutex<()>,
    /// Cancelled when the study is not served any more.
    retired: CancellationToken,
    last_command: Mutex<Option<Happened>>,
}

/// Why a study cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No randomness for the round's digest.
    #[error("the operating system gives no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
    /// The invitations are for a round that the store has, of another study.
    #[error(
        "the invitations of study {study} are for round {number} of study {other}, which is in the data \
         directory; make others with `hospital invite`"
    )]
    InvitationsUsed {
        /// The study that is to be opened.
        study: StudyId,
        /// The one that the round belongs to.
        other: String,
        /// The round's number.
        number: u32,
    },
    /// The studies file has an id that a study has which was made at run time.
    #[error(
        "the studies file has a study {study}, and {by} has made another one of that id; give the one in the \
         file another id"
    )]
    MadeBefore {
        /// Their id.
        study: StudyId,
        /// Who made the other one.
        by: String,
    },
    /// The store takes no new round.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The study's last round cannot go on.
    #[error(transparent)]
    Resume(#[from] ResumeError),
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
#[derive(Clone, Debug, PartialEq)]
pub struct PreviousResult {
    /// The round's number, counted from one.
    pub round: u32,
    /// What it published.
    pub result: ResultJson,
}

impl StudyDesk {
    /// Goes on with the study's last round as the store has it, or opens the first one.
    pub(crate) async fn open(plan: StudyPlan, host: RoundHost) -> Result<Self, OpenError> {
        let mut stored = host.store.rounds().await?;
        stored.retain(|round| round.study_id == plan.id.as_str());
        let Some((last, left_behind)) = stored.split_last() else {
            return Self::open_next(plan, host, &stored).await;
        };
        for round in left_behind.iter().filter(|round| !round.is_over()) {
            // Left behind by a fault, and its peers with it. Only the last one can go on.
            warn!(
                study.id = %plan.id,
                "round {} of study {} was never over, and has a successor: it is ended", round.number,
                plan.id,
            );
            host.abort(round.key, round.clock).await?;
        }
        if !last.is_over() && !Study::decode(&last.study).is_ok_and(|study| study.is_current()) {
            warn!(
                study.id = %plan.id,
                "round {} of study {} was opened by an earlier version of this program and cannot go on: \
                 it is ended, and another one opens", last.number, plan.id,
            );
            host.abort(last.key, last.clock).await?;
            return Self::open_next(plan, host, &stored).await;
        }
        if let Some(digest) = plan.invited_to().filter(|_| last.is_over()) {
            if stored.iter().all(|round| round.digest != digest) {
                return Self::open_next(plan, host, &stored).await;
            }
            warn!(
                study.id = %plan.id,
                "the round of study {} that its invitations are for is over; for another one make a study \
                 file and invitations with `hospital invite`", plan.id,
            );
        }
        let previous = previous_results(left_behind, &host).await?;
        let current = host.resume(last, plan.id.clone()).await?;
        if !last.is_over() && !plan.asks_the_same(current.study()) {
            warn!(
                study.id = %plan.id,
                "study {} was changed while its round {} goes on; the change takes effect with the next",
                plan.id, last.number,
            );
        }
        Ok(Self::with(plan, host, current, previous))
    }

    /// Opens the round after these, all of which are over.
    async fn open_next(
        plan: StudyPlan,
        host: RoundHost,
        stored: &[StoredRound],
    ) -> Result<Self, OpenError> {
        // Served under another id, the round would know nothing of the invitations that are used.
        if let Some(digest) = plan.invited_to()
            && let Some(known) = host.store.round_by_digest(digest).await?
        {
            let (other, number) = (known.study_id, known.number);
            return Err(OpenError::InvitationsUsed { study: plan.id, other, number });
        }
        let number = stored.last().map_or(0, |last| last.number) + 1;
        let previous = previous_results(stored, &host).await?;
        let label = RoundLabel { study: plan.id.clone(), number };
        let current = host.open(plan.new_instance()?, label).await?;
        Ok(Self::with(plan, host, current, previous))
    }

    fn with(
        plan: StudyPlan,
        host: RoundHost,
        current: RoundHandle,
        previous: VecDeque<PreviousResult>,
    ) -> Self {
        let (rounds, _) = watch::channel(Rounds { current, previous });
        Self {
            plan,
            host,
            rounds,
            earlier: Mutex::default(),
            transcripts: Transcripts::default(),
            closed: CancellationToken::new(),
            opening: Mutex::default(),
            retired: CancellationToken::new(),
            last_command: Mutex::default(),
        }
    }

    /// The round with this digest, if it is one of this study: the current one, or an earlier one that
    /// somebody comes back to.
    pub(crate) async fn round(
        &self,
        digest: StudyDigest,
    ) -> Result<Option<RoundHandle>, ResumeError> {
        let current = self.current_round();
        if current.study().digest() == digest {
            return Ok(Some(current));
        }
        // Held meanwhile, so that two who come back at once do not start two tasks for one round. A round
        // that has had to make room for others while somebody was still there may get a second one: it is
        // over, so that either only tells how it ended.
        let mut earlier = self.earlier.lock().await;
        if let Some(known) = earlier.iter().find(|round| round.study().digest() == digest) {
            return Ok(Some(known.clone()));
        }
        let Some(stored) = self.host.store.round_by_digest(digest).await? else { return Ok(None) };
        // Only the current round can be going on.
        if stored.study_id != self.plan.id.as_str() || !stored.is_over() {
            return Ok(None);
        }
        let round = self.host.resume(&stored, self.plan.id.clone()).await?;
        round.supersede();
        remember(&mut earlier, round.clone());
        Ok(Some(round))
    }

    /// The transcript of the study's last round with a result, or of the one that is named, with its number.
    pub(crate) async fn transcript(
        &self,
        round: WhichRound,
    ) -> Result<(u32, Bytes), TranscriptFault> {
        self.transcripts.get(&self.host.store, self.plan.id.as_str(), round).await
    }

    /// Lets no further round open. The current one goes on to its end, and one that is about to open does.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Waits until a round that is about to open is the current one. Of a closed study no other follows it.
    pub(crate) async fn settled(&self) {
        drop(self.opening.lock().await);
    }

    /// Says that the study is not served any more.
    pub(crate) fn retire(&self) {
        self.retired.cancel();
    }

    /// Waits until the study is not served any more.
    pub(crate) async fn retired(&self) {
        self.retired.cancelled().await;
    }

    /// The last command to a round that was carried out; held while another one is.
    pub(crate) fn last_command(&self) -> &Mutex<Option<Happened>> {
        &self.last_command
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
    /// to stop. A round that failed is ended in the store too.
    pub(crate) async fn attend(self: Arc<Self>) {
        // What is dropped half-way is at most a round that is stored and has no task, with which the next
        // process goes on.
        tokio::select! {
            // First, because stopping is what finishes many a round.
            biased;
            () = self.host.drain.cancelled() => {}
            () = self.attend_rounds() => {}
        }
    }

    async fn attend_rounds(&self) {
        if self.plan.reopen {
            self.reopen().await;
        }
        let round = self.current_round();
        round.finished().await;
        while let Err(error) = self.end_if_failed(&round).await {
            error!(study.id = %self.plan.id, "a round that failed is not ended yet: {error}");
            time::sleep(REOPEN_RETRY).await;
        }
    }

    /// Opens one round after the other until the study is closed.
    async fn reopen(&self) {
        loop {
            let earliest = Instant::now() + REOPEN_PAUSE;
            let round = self.current_round();
            // Not while a round is opened: that would leave it without a task.
            let aggregate = tokio::select! {
                biased;
                () = self.closed.cancelled() => return,
                aggregate = round.finished() => aggregate,
            };
            time::sleep_until(earliest).await;
            let opening = self.opening.lock().await;
            if self.closed.is_cancelled() {
                return;
            }
            let number = round.label().number;
            let next = match self.open_after(&round).await {
                Ok(next) => next,
                Err(error) => {
                    error!(
                        study.id = %self.plan.id,
                        "study {} cannot open its next round, and tries again: {error}", self.plan.id,
                    );
                    drop(opening);
                    time::sleep(REOPEN_RETRY).await;
                    continue;
                }
            };
            let result = aggregate.map(|aggregate| ResultJson::new(round.study(), &aggregate));
            let previous = result.map(|result| PreviousResult { round: number, result });
            if !round.standing().failed {
                // Before it ceases to be the current one, so that it can be found all the time.
                remember(&mut *self.earlier.lock().await, round.clone());
            }
            self.succeed(next, previous);
            round.supersede();
        }
    }

    /// Opens the round after this one.
    async fn open_after(&self, round: &RoundHandle) -> Result<RoundHandle, OpenError> {
        let RoundLabel { study: id, number } = round.label().clone();
        self.end_if_failed(round).await?;
        let study = self.plan.new_instance()?;
        Ok(self.host.open(study, RoundLabel { study: id, number: number + 1 }).await?)
    }

    /// Ends a round in the store whose task has failed, so that what was sealed can be erased in its time.
    async fn end_if_failed(&self, round: &RoundHandle) -> Result<(), StoreError> {
        if !round.standing().failed {
            return Ok(());
        }
        match self.host.abandon(round).await {
            Err(error) if !error.is_temporary() => {
                let RoundLabel { study: id, number } = round.label();
                error!(
                    study.id = %id,
                    "round {number} of study {id} has failed and cannot even be ended, so that its sealed \
                     shares are kept: {error}",
                );
                Ok(())
            }
            ended => ended,
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

/// How many rounds, from the last one back, are looked through for results at a start: most rounds have
/// one, and reading takes time.
const ROUNDS_LOOKED_AT: usize = 256;

/// The results of these rounds, the oldest first, and the last ones if there are more than are shown.
async fn previous_results(
    rounds: &[StoredRound],
    host: &RoundHost,
) -> Result<VecDeque<PreviousResult>, StoreError> {
    let mut previous = VecDeque::new();
    for round in rounds.iter().rev().take(ROUNDS_LOOKED_AT) {
        if previous.len() >= host.limits.previous_results {
            break;
        }
        let records = match host.store.records(round.key).await {
            Ok((_, records)) => records,
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => {
                let number = round.number;
                warn!(
                    study.id = round.study_id,
                    "the result of round {number} of study {} is not shown: {error}",
                    round.study_id,
                );
                continue;
            }
        };
        let Ok(study) = Study::decode(&round.study) else { continue };
        let aggregate = records.iter().rev().find_map(|(_, record)| record.result(&study));
        if let Some(aggregate) = aggregate {
            let result = ResultJson::new(&study, &aggregate);
            previous.push_front(PreviousResult { round: round.number, result });
        }
    }
    Ok(previous)
}

/// Keeps an earlier round at hand, and lets go of the one that was needed longest ago.
fn remember(earlier: &mut VecDeque<RoundHandle>, round: RoundHandle) {
    earlier.push_back(round);
    if earlier.len() > EARLIER_ROUNDS {
        earlier.pop_front();
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
