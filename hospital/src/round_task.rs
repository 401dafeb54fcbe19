//! The task that owns one round: messages in, the state machine, outputs performed in order.
//!
//! Nothing else touches the [`Round`]. Connections hand it their messages through a bounded inbox and
//! are handed theirs through a bounded outbox each; whoever wants to know how the round stands watches
//! its [`Standing`]. Sealed shares pass through as bytes.
//!
//! What the round writes down is committed before anything that follows is done. When the store fails,
//! the task throws away the round that is ahead of it, tells the peers to come again, and restores the
//! round from the store once that works: the same that happens after a crash.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::panic;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use metrics::Counter;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, debug, error, info, info_span, trace, warn};
use wardsum_protocol::round::{
    Command, ConnectionId, Event, Input, Output, Record, RestoreError, Round, Status,
};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Aggregate, Challenge, EndReason, Study, Timestamp};

use crate::announcement::{Announce, Announcement};
use crate::clock::Clock;
use crate::commits::{Commits, Committed, Step};
use crate::inbox::{Inbox, ToRound, inbox};
use crate::limits::{BATCH, Limits};
use crate::metrics::Metrics;
use crate::outbox::{Closing, Outbox, Overflow};
use crate::result_json::ResultJson;
use crate::standing::{Standing, supervise};
use crate::store::{NewRound, RoundKey, Store, StoreError, StoredRound};
use crate::study_desk::StudyId;

/// How often a round's clock is stored although nothing happens.
const KEEP_TIME: time::Duration = time::Duration::from_secs(5);

/// The first pause before a store that failed is tried again; it doubles up to [`LONGEST_RETRY`] until
/// something was stored.
const FIRST_RETRY: time::Duration = time::Duration::from_millis(250);
const LONGEST_RETRY: time::Duration = time::Duration::from_secs(10);

/// Contributions that were asked for, with their numbers.
type Load = BoxFuture<'static, (Range<u32>, Result<Vec<(u32, Bytes)>, StoreError>)>;

/// Names a round for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundLabel {
    /// The study.
    pub study: StudyId,
    /// The round's number, counted from one.
    pub number: u32,
}

/// A way to talk to a round's task. The task ends when the last handle is gone.
#[derive(Clone)]
pub struct RoundHandle {
    key: RoundKey,
    label: RoundLabel,
    study: Arc<Study>,
    clock: Clock,
    inbox: Inbox,
    standing: watch::Receiver<Standing>,
    superseded: CancellationToken,
}

impl RoundHandle {
    /// Which round this is.
    #[must_use]
    pub fn label(&self) -> &RoundLabel {
        &self.label
    }

    /// Its name in the store.
    pub(crate) fn key(&self) -> RoundKey {
        self.key
    }

    /// The round's study, whose digest is this round's own.
    #[must_use]
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// What the round says of itself now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.standing().status
    }

    /// How the round stands now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// How the round stands now, and again whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Milliseconds from now until `at` on the round's clock; zero if that has passed.
    #[must_use]
    pub fn ms_until(&self, at: Timestamp) -> u64 {
        at.since(self.clock.now())
    }

    /// Tells the round what the researcher wants, and waits until that is carried out and durable.
    /// Returns how the round stands then; `None` if the round refuses the command, or loses it because
    /// it cannot be stored.
    pub async fn command(&self, command: Command) -> Option<Status> {
        let (reply, carried) = oneshot::channel();
        self.inbox.tell(ToRound::Command(command, reply)).await.ok()?;
        carried.await.ok()
    }

    /// Waits until the round is published, or has ended without a result.
    pub async fn finished(&self) -> Option<Aggregate> {
        let mut standing = self.standing.clone();
        // An error means that the task was stopped, which counts as finished without a result.
        standing.wait_for(Standing::is_over).await.ok()?.status.aggregate.clone()
    }

    /// Where what the round's task is to hear is handed in.
    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Says that the next round is open, so that this one's peers need not stay.
    pub(crate) fn supersede(&self) {
        self.superseded.cancel();
    }
}

/// What all rounds of a hospital share.
#[derive(Clone)]
pub(crate) struct RoundHost {
    pub(crate) limits: Arc<Limits>,
    pub(crate) store: Store,
    pub(crate) announce: Announce,
    pub(crate) metrics: Metrics,
    /// The rounds' tasks. Each ends when nobody holds its round any more, or with `stop`.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Cancelled when the hospital is told to stop: from then on no next round opens.
    pub(crate) drain: CancellationToken,
}

/// Why a stored round cannot go on.
#[derive(Clone, Debug, Error)]
pub enum ResumeError {
    /// The store does not give it back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store gave back is no round.
    #[error("the stored records of the round make no sense: {0}; please report this fault")]
    Records(#[from] RestoreError),
    /// What the store gave back is no study.
    #[error("the stored study of the round makes no sense: {0}; please report this fault")]
    Study(#[from] wardsum_protocol::StudyError),
}

impl ResumeError {
    /// Whether trying again may help.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            Self::Records(_) | Self::Study(_) => false,
        }
    }
}

impl RoundHost {
    /// Stores a new round and starts the task that owns it.
    pub(crate) async fn open(
        &self,
        study: Study,
        label: RoundLabel,
    ) -> Result<RoundHandle, StoreError> {
        let key = self
            .store
            .open_round(NewRound {
                study_id: label.study.to_string(),
                number: label.number,
                study: study.encode().to_vec(),
                digest: study.digest(),
            })
            .await?;
        let clock = Clock::starting_at(Timestamp::default());
        let round = Round::open(study, clock.now());
        let span = span(&label);
        span.in_scope(|| info!("the round is open"));
        self.announce.say(&Announcement::RoundOpened { label: label.clone() });
        Ok(self.start(Started { round, clock, key, label, span }))
    }

    /// Goes on with a round that the store has, or only tells how it ended.
    pub(crate) async fn resume(
        &self,
        stored: &StoredRound,
        study: StudyId,
    ) -> Result<RoundHandle, ResumeError> {
        let label = RoundLabel { study, number: stored.number };
        let span = span(&label);
        let (clock, round) =
            restore(&self.store, stored.key, Study::decode(&stored.study)?).await?;
        if !stored.is_over() {
            let phase = round.status().phase;
            span.in_scope(|| info!(%phase, "the round goes on; it is {phase}"));
            self.announce.say(&Announcement::RoundResumed { label: label.clone() });
        }
        let clock = Clock::starting_at(clock);
        Ok(self.start(Started { round, clock, key: stored.key, label, span }))
    }

    /// Lets a round be over in the store that nobody goes on with, because its task has failed. Nothing is
    /// done if it is over already.
    pub(crate) async fn abandon(&self, round: &RoundHandle) -> Result<(), StoreError> {
        // Behind what the task may have handed over last.
        self.store.resume(round.key).await?;
        let stored = self.store.round_by_digest(round.study.digest()).await?;
        if stored.is_some_and(|stored| stored.is_over()) {
            return Ok(());
        }
        self.abort(round.key, round.clock.now()).await
    }

    /// Lets a round without a task be over in the store.
    pub(crate) async fn abort(&self, round: RoundKey, at: Timestamp) -> Result<(), StoreError> {
        self.store.append(round, at, vec![Record::Ended(EndReason::Aborted)]).await
    }

    fn start(&self, started: Started) -> RoundHandle {
        let Started { round, clock, key, label, span } = started;
        let study = Arc::new(round.study().clone());
        let (inbox, messages) = inbox(&self.limits);
        let (stands, standing) = watch::channel(round.status().into());
        let superseded = CancellationToken::new();
        let task = RoundTask {
            round,
            key,
            label: label.clone(),
            host: self.clone(),
            clock: clock.clone(),
            messages,
            outboxes: HashMap::new(),
            unflushed: Vec::new(),
            given_up: Vec::new(),
            commits: Commits::new(self.store.clone(), key, self.metrics.clone()),
            contributions: self.metrics.contributions(label.study.as_str()),
            rejections: self.metrics.rejections(label.study.as_str()),
            words_disputed: self.metrics.words_disputed(label.study.as_str()),
            command_refused: false,
            loads: FuturesOrdered::new(),
            lost: HashSet::new(),
            outage: None,
            pause: FIRST_RETRY,
            timer: None,
            standing: stands.clone(),
            superseded: superseded.clone(),
        };
        let (announce, failed) = (self.announce.clone(), label.clone());
        let task = supervise(task.run(), stands, move || {
            announce.say(&Announcement::Failed { label: failed });
        });
        let task = self.stop.clone().run_until_cancelled_owned(task);
        self.tasks.spawn(task.instrument(span));
        RoundHandle { key, label, study, clock, inbox, standing, superseded }
    }
}

/// A round that is about to have a task.
struct Started {
    round: Round,
    clock: Clock,
    key: RoundKey,
    label: RoundLabel,
    span: Span,
}

fn span(label: &RoundLabel) -> Span {
    info_span!("round", study.id = %label.study, round.number = label.number)
}

/// The round as the store knows it, and the time on its clock.
async fn restore(
    store: &Store,
    key: RoundKey,
    study: Study,
) -> Result<(Timestamp, Round), ResumeError> {
    let (clock, records) = store.records(key).await?;
    // Signatures are verified and a verdict is reached again, which takes long for a large round.
    let restoring = move || Round::restore(study, Timestamp::default(), records, clock);
    let restored = task::spawn_blocking(restoring).await.map_err(|failed| {
        let Ok(panic) = failed.try_into_panic() else { return StoreError::Closed };
        panic::resume_unwind(panic)
    });
    let round = restored??;
    Ok((clock, round))
}

/// The same after the store has failed, once it works again.
async fn restore_again(
    store: Store,
    key: RoundKey,
    study: Study,
) -> Result<(Timestamp, Round), ResumeError> {
    store.resume(key).await?;
    store.probe().await?;
    restore(&store, key, study).await
}

struct RoundTask {
    round: Round,
    key: RoundKey,
    label: RoundLabel,
    host: RoundHost,
    clock: Clock,
    messages: mpsc::Receiver<ToRound>,
    outboxes: HashMap<ConnectionId, Outbox>,
    /// Connections whose outboxes hold messages that were not handed over yet.
    unflushed: Vec<ConnectionId>,
    /// Connections that the task has given up and of which the round does not know yet.
    given_up: Vec<ConnectionId>,
    commits: Commits,
    contributions: Counter,
    rejections: Counter,
    words_disputed: Counter,
    /// Whether the round has refused the last command.
    command_refused: bool,
    /// What the round has asked the store for, in the order in which it did.
    loads: FuturesOrdered<Load>,
    /// The numbers of contributions that the store cannot give back.
    lost: HashSet<u32>,
    /// Why nothing could be stored, as it was logged last; until something is.
    outage: Option<String>,
    /// How long to wait before a store that failed is tried again.
    pause: time::Duration,
    /// When the round wants to be woken.
    timer: Option<Timestamp>,
    standing: watch::Sender<Standing>,
    /// Cancelled when the next round is open.
    superseded: CancellationToken,
}

impl RoundTask {
    async fn run(mut self) {
        let farewell = farewell_time(self.superseded.clone(), time::Duration::ZERO);
        tokio::pin!(farewell);
        let mut stayed = HashSet::new();
        let drain = self.host.drain.clone().cancelled_owned();
        tokio::pin!(drain);
        let mut stopping = false;
        let mut batch = Vec::with_capacity(BATCH);
        let mut keep_time = time::interval(KEEP_TIME);
        keep_time.set_missed_tick_behavior(MissedTickBehavior::Delay);

        self.perform_outputs();
        loop {
            self.commit();
            self.flush_outboxes();
            let wakes = self.clock.instant(self.timer.unwrap_or_default());
            let failed = tokio::select! {
                committed = self.commits.next() => match committed {
                    Ok(Committed { steps, status }) => {
                        self.pause = FIRST_RETRY;
                        if self.outage.take().is_some() {
                            info!("what the round has to store is stored again");
                        }
                        for step in steps {
                            self.take(step, &status);
                        }
                        self.standing.send_replace(status.into());
                        self.hear_of_slow_readers();
                        None
                    }
                    Err(error) => Some(error),
                },
                Some((numbers, loaded)) = self.loads.next() => match loaded {
                    Ok(contributions) => {
                        for (number, message) in contributions {
                            self.feed(Input::Loaded { number, message });
                        }
                        None
                    }
                    Err(error) if error.is_temporary() => Some(error),
                    Err(error) => {
                        self.lose(numbers, &error);
                        None
                    }
                },
                count = self.messages.recv_many(&mut batch, BATCH), if !self.commits.is_full() => {
                    if count == 0 {
                        break;
                    }
                    for item in batch.drain(..) {
                        self.receive(item);
                        if self.commits.is_due() {
                            self.commit();
                        }
                    }
                    None
                }
                // Peers are being sent away, and no deadline is to find the round without them.
                () = &mut drain, if !stopping => {
                    stopping = true;
                    self.clock.stop();
                    None
                }
                () = time::sleep_until(wakes), if self.timer.is_some() && !stopping => {
                    self.timer = None;
                    self.feed(Input::Timeout);
                    // The round may have asked to be called at once, again and again: others come first.
                    task::yield_now().await;
                    None
                }
                _ = keep_time.tick() => {
                    if !self.standing.borrow().is_over() {
                        self.host.store.keep_time(self.key, self.clock.now());
                    }
                    None
                }
                () = &mut farewell, if !self.outboxes.is_empty() => {
                    self.dismiss(&stayed);
                    stayed = self.outboxes.keys().copied().collect();
                    let stay = self.host.limits.finished_round;
                    farewell.set(farewell_time(self.superseded.clone(), stay));
                    None
                }
            };
            if let Some(error) = failed
                && !self.recover(&error).await
            {
                break;
            }
        }
        debug!("the round's task ends");
    }

    /// Asks the store for contributions.
    fn load(&mut self, numbers: Range<u32>) {
        // Deliveries come in order, so whoever needs a lost one first cannot be helped, and would ask for
        // ever.
        if self.lost.contains(&numbers.start) {
            return;
        }
        let (store, key) = (self.host.store.clone(), self.key);
        let load = async move { (numbers.clone(), store.contributions(key, numbers).await) };
        self.loads.push_back(Box::pin(load));
    }

    /// Not all of these contributions can be read back, and trying again does not help. Members who have to
    /// be sent one that is lost wait in vain, and the round goes on with the others.
    fn lose(&mut self, numbers: Range<u32>, error: &StoreError) {
        self.host.metrics.store_failed();
        if numbers.len() > 1 {
            // Which of them it is.
            for number in numbers {
                self.load(number..number + 1);
            }
            return;
        }
        // Once is enough: a member may come and ask again as often as it likes.
        if self.lost.is_empty() {
            error!(
                "a contribution cannot be read back, so that members who come back may not be able to help; \
                 the round goes on without them: {error}"
            );
        }
        self.lost.extend(numbers);
    }

    /// The store will never take this round any further, and neither will anybody else.
    fn fail(&mut self, error: &dyn fmt::Display) {
        error!("the round cannot go on: {error}");
        for (_, outbox) in self.outboxes.drain() {
            outbox.close(Closing::round_stopped());
        }
        self.standing.send_modify(Standing::fail);
        // A result that is out stays out.
        if self.standing.borrow().failed {
            self.announce(Announcement::Failed { label: self.label.clone() });
        }
    }

    /// Hands the store what was written down; tells how the round stands, unless that is not durable yet.
    fn commit(&mut self) {
        if let Some(status) = self.commits.commit(self.clock.now(), self.round.status()) {
            self.standing.send_replace(status.into());
        }
    }

    /// The store has failed: forgets what it does not have, and waits until it works again. `false` if
    /// the round is at its end: nobody holds it any more, or the store's fault is none that passes.
    async fn recover(&mut self, error: &StoreError) -> bool {
        self.host.metrics.store_failed();
        if !error.is_temporary() {
            self.fail(error);
            return false;
        }
        self.report_outage(error);
        let since = self.clock.now();
        self.commits.forget();
        self.loads.clear();
        self.timer = None;
        self.given_up.clear();
        for (_, outbox) in self.outboxes.drain() {
            outbox.close(Closing::suspended());
        }
        self.standing.send_modify(Standing::suspend);

        loop {
            let retry = time::sleep(self.pause);
            self.pause = LONGEST_RETRY.min(self.pause * 2);
            tokio::pin!(retry);
            loop {
                tokio::select! {
                    () = &mut retry => break,
                    news = self.messages.recv() => match news {
                        Some(ToRound::Connected(_, outbox)) => outbox.close(Closing::suspended()),
                        Some(
                            ToRound::Message(..) | ToRound::Disconnected(_) | ToRound::Command(..),
                        ) => {}
                        None => return false,
                    },
                }
            }
            let (store, study) = (self.host.store.clone(), self.round.study().clone());
            match restore_again(store, self.key, study).await {
                Ok((stored, round)) => {
                    // What was not stored has not happened, and neither has the time since.
                    self.clock.stand_still_since(since.max(stored));
                    self.round = round;
                    info!("the round goes on: it can be stored again");
                    self.perform_outputs();
                    return true;
                }
                Err(error) => {
                    self.host.metrics.store_failed();
                    if !error.is_temporary() {
                        self.fail(&error);
                        return false;
                    }
                    self.report_outage(&error);
                }
            }
        }
    }

    /// Logs why the round is suspended, once for each reason: it may go on and fail again, until
    /// something was really stored.
    fn report_outage(&mut self, error: &dyn fmt::Display) {
        let reason = error.to_string();
        if self.outage.as_ref() == Some(&reason) {
            debug!("the round is suspended for the same reason: {reason}");
        } else {
            error!("the round is suspended until it can be stored again: {reason}");
            self.outage = Some(reason);
        }
    }

    fn receive(&mut self, item: ToRound) {
        match item {
            ToRound::Connected(connection, outbox) => {
                let mut challenge = [0; 32];
                if let Err(error) = getrandom::fill(&mut challenge) {
                    error!(%error, "a peer cannot be welcomed, because there is no randomness");
                    outbox.close(Closing::suspended());
                    return;
                }
                self.outboxes.insert(connection, outbox);
                self.feed(Input::Connected { connection, challenge: Challenge(challenge) });
            }
            // What a peer sent before it heard that its connection is closed is of no interest. The
            // message's room in the inbox is free again when it was handled.
            ToRound::Message(from, bytes, _room) => {
                trace!(
                    connection = from.0,
                    bytes = bytes.len(),
                    "a message from connection {}",
                    from.0
                );
                if self.outboxes.contains_key(&from) {
                    self.feed(Input::Message { from, bytes });
                }
            }
            // Of a connection without an outbox the round knows already: either has closed it.
            ToRound::Disconnected(connection) => {
                if self.outboxes.remove(&connection).is_some() {
                    self.feed(Input::Disconnected(connection));
                }
            }
            ToRound::Command(command, reply) => {
                self.command_refused = false;
                self.feed(Input::Command(command));
                // The sender of a command that was refused is dropped, which says so.
                if !self.command_refused
                    && let Some(step) = self.commits.pass(Step::Carried(reply))
                {
                    self.take(step, &self.round.status());
                }
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.round.handle(input, self.clock.now());
        self.perform_outputs();
        self.hear_of_slow_readers();
    }

    /// Tells the round whom the task has given up. Not before every output was performed, as the driving
    /// contract has it; and each of these may in turn be too much for another slow reader.
    fn hear_of_slow_readers(&mut self) {
        while let Some(connection) = self.given_up.pop() {
            self.round.handle(Input::Disconnected(connection), self.clock.now());
            self.perform_outputs();
        }
    }

    /// Performs outputs in the order in which the round gave them, as far as everything before them is
    /// durable; the rest follows when it is.
    fn perform_outputs(&mut self) {
        while let Some(output) = self.round.poll_output() {
            if let Output::Event(Event::CommandRefused(_)) = output {
                self.command_refused = true;
            }
            if let Some(Step::Do(output)) = self.commits.pass(Step::Do(output)) {
                self.perform(output);
            }
        }
    }

    /// `status` is how the round stands as far as that is durable.
    fn take(&mut self, step: Step, status: &Status) {
        match step {
            Step::Do(output) => self.perform(output),
            Step::Carried(reply) => {
                // Whoever gave the command may have gone.
                let _ = reply.send(status.clone());
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Persist(_) => unreachable!("records do not pass the commits"),
            Output::Send { to, bytes } => self.send(to, bytes.len(), |outbox| outbox.send(bytes)),
            Output::Deliver(deliveries) => {
                for (to, parts) in deliveries.parts() {
                    let len = parts.iter().map(|part| part.len()).sum();
                    self.send(to, len, |outbox| outbox.send_copy(parts));
                }
            }
            Output::Load { numbers } => self.load(numbers),
            Output::Close { connection, reason } => {
                if let Some(outbox) = self.outboxes.remove(&connection) {
                    outbox.close(Closing::new(reason.code(), reason.to_string()));
                }
            }
            Output::Event(event) => self.report(&event),
            Output::Timeout(at) => self.timer = at,
        }
    }

    fn send(
        &mut self,
        to: ConnectionId,
        bytes: usize,
        put: impl FnOnce(&mut Outbox) -> Result<(), Overflow>,
    ) {
        let Some(outbox) = self.outboxes.get_mut(&to) else { return };
        trace!(connection = to.0, bytes, "a message to connection {}", to.0);
        if outbox.is_flushed() {
            self.unflushed.push(to);
        }
        if put(outbox).is_err() {
            debug!(connection = to.0, "connection {} reads too slowly and is closed", to.0);
            self.outboxes.remove(&to);
            self.given_up.push(to);
        }
    }

    /// Hands messages over. Before the round waits for anything, everything that it has said so far is
    /// on its way.
    fn flush_outboxes(&mut self) {
        for connection in self.unflushed.drain(..) {
            if let Some(outbox) = self.outboxes.get_mut(&connection) {
                outbox.flush();
            }
        }
    }

    /// Closes these connections, as far as they are left, of a round whose successor is open.
    fn dismiss(&mut self, stayed: &HashSet<ConnectionId>) {
        let dismissed: Vec<_> = self.outboxes.extract_if(|id, _| stayed.contains(id)).collect();
        for (connection, outbox) in dismissed {
            outbox.close(Closing::new(1000, "this round is over and the next one is open"));
            self.feed(Input::Disconnected(connection));
        }
    }

    /// Logs an event and tells the terminal; the task's span names study and round.
    fn report(&self, event: &Event) {
        match event.clone() {
            Event::PhaseChanged(phase) => info!(%phase, "the round is {phase}"),
            Event::Enrolled { enrolled } => debug!(enrolled, "{enrolled} people have enrolled"),
            Event::Contributed { contributed } => {
                self.contributions.increment(1);
                debug!(contributed, "{contributed} contributions have come");
            }
            Event::VerificationReceived { verified } => {
                debug!(verified, "{verified} members have verified the contributions");
            }
            Event::Judged { accepted, rejected, ref left_out } => {
                if rejected > 0 {
                    self.rejections.increment(rejected.into());
                    let all = accepted.saturating_add(rejected);
                    warn!(accepted, rejected, "{rejected} of {all} answers are not counted");
                }
                for member in left_out.iter().map(ShareIndex::number) {
                    warn!(member, "member {member} disputes too many answers and is left out");
                }
            }
            Event::PartialReceived { partials } => {
                debug!(partials, "{partials} partial sums have come");
            }
            Event::MemberDeclined(reason) => {
                warn!("a committee member does not go on: {reason}");
            }
            Event::WordsDisputed { reports } => {
                self.words_disputed.increment(1);
                warn!(
                    reports,
                    "safety words differ from those of the others, by {reports} reports"
                );
                self.audit_dispute(reports);
            }
            Event::PeerRefused { connection: ConnectionId(id), reason } => {
                // Anybody can provoke this as often as they like; operators have the figures.
                let code = reason.code();
                debug!(connection = id, code, "refused connection {id}: {reason}");
            }
            Event::CommandRefused(Command::RevokeInvitations(serials)) => {
                let count = serials.len();
                warn!(count, "{count} invitations cannot be revoked in this study, or any more");
            }
            Event::CommandRefused(command) => {
                warn!(?command, "{command:?} does not fit the study's rules or the phase");
            }
            Event::Published { aggregate, wrong } => {
                let result = ResultJson::new(self.round.study(), &aggregate);
                info!(count = aggregate.count, "the round is published: {result}");
                for member in wrong.iter().map(ShareIndex::number) {
                    warn!(member, "member {member} sent a wrong partial sum, which was corrected");
                }
                self.announce(Announcement::Published { label: self.label.clone(), result });
            }
            Event::Ended(reason) => {
                info!("the round ended without a result: {reason}");
                self.announce(Announcement::Ended { label: self.label.clone(), reason });
            }
        }
    }

    /// Notes in the audit log that somebody's safety words differ; the round does not wait for it, because its own
    /// record of it is durable already.
    fn audit_dispute(&self, reports: u32) {
        let RoundLabel { study, number, .. } = &self.label;
        let detail = format!("round {number} of study \"{study}\", report {reports}");
        let store = self.host.store.clone();
        self.host.tasks.spawn(async move {
            if let Err(error) = store.audit("a patient", "words-disputed", &detail).await {
                warn!(%error, "the audit log does not say that safety words differ: {error}");
            }
        });
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made for this call")]
    fn announce(&self, announcement: Announcement) {
        self.host.announce.say(&announcement);
    }
}

/// Ends after `stay`, and not before the round was superseded.
async fn farewell_time(superseded: CancellationToken, stay: time::Duration) {
    superseded.cancelled().await;
    time::sleep(stay).await;
}
