//! The task that owns one round: messages in, the state machine, outputs performed in order.
//!
//! Nothing else touches the [`Round`]. Connections hand it their messages through a bounded queue and
//! are handed theirs through a bounded outbox each; whoever wants to know how the round stands watches
//! its [`Status`]. Sealed shares pass through as bytes.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info, info_span, trace, warn};
use wardsum_protocol::round::{Command, ConnectionId, Event, Input, Output, Round, Status};
use wardsum_protocol::{Aggregate, Phase, Study, Timestamp};

use crate::announcement::{Announce, Announcement};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::limits::{BATCH, Limits};
use crate::outbox::{Closing, Outbox};
use crate::study_desk::StudyId;

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
    label: RoundLabel,
    study: Arc<Study>,
    clock: Clock,
    inbox: mpsc::Sender<ToRound>,
    status: watch::Receiver<Status>,
    superseded: CancellationToken,
}

/// What a round's task is told.
pub(crate) enum ToRound {
    /// A peer is there, and this is how to reach it. Always followed by one `Disconnected`.
    Connected(ConnectionId, Outbox),
    /// One message of a peer.
    Message(ConnectionId, Bytes),
    /// A peer is gone, whoever closed the connection.
    Disconnected(ConnectionId),
    /// The researcher says so.
    Command(Command),
}

/// The round's task is gone; nothing can be handed to it any more.
#[derive(Debug)]
pub(crate) struct RoundGone;

impl RoundHandle {
    /// Which round this is.
    #[must_use]
    pub fn label(&self) -> &RoundLabel {
        &self.label
    }

    /// The round's study, whose digest is this round's own.
    #[must_use]
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// How the round stands now.
    #[must_use]
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// How the round stands now, and again whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Milliseconds from now until `at` on the round's clock; zero if that has passed.
    #[must_use]
    pub fn ms_until(&self, at: Timestamp) -> u64 {
        at.since(self.clock.now())
    }

    /// Tells the round what the researcher wants. It does nothing if the round is over.
    pub async fn command(&self, command: Command) {
        // A round that is gone needs no command.
        let _ = self.send(ToRound::Command(command)).await;
    }

    /// Waits until the round is published, or has ended without a result.
    pub async fn finished(&self) -> Option<Aggregate> {
        let mut status = self.status.clone();
        // An error means that the task is gone, which counts as finished without a result.
        let finished = status.wait_for(|status| is_over(status.phase)).await.ok()?;
        finished.aggregate
    }

    /// Hands something to the round's task; waits while its queue is full.
    pub(crate) async fn send(&self, item: ToRound) -> Result<(), RoundGone> {
        self.inbox.send(item).await.map_err(|_| RoundGone)
    }

    /// Says that the next round is open, so that this one's peers need not stay.
    pub(crate) fn supersede(&self) {
        self.superseded.cancel();
    }
}

fn is_over(phase: Phase) -> bool {
    match phase {
        Phase::Published | Phase::Ended => true,
        Phase::Enrolling | Phase::Contributing | Phase::Aggregating => false,
    }
}

/// What all rounds of a hospital share.
#[derive(Clone)]
pub(crate) struct RoundHost {
    pub(crate) limits: Arc<Limits>,
    pub(crate) announce: Announce,
    /// The rounds' tasks. Each ends when nobody holds its round any more, or with `stop`.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl RoundHost {
    /// Opens a round and starts the task that owns it.
    pub(crate) fn open(&self, study: Study, label: RoundLabel) -> RoundHandle {
        let span = info_span!("round", study.id = %label.study, round.number = label.number);
        span.in_scope(|| info!("the round is open"));
        self.announce.say(&Announcement::RoundOpened { label: label.clone() });
        let clock = Clock::start();
        let round = Round::open(study, clock.now());
        let study = Arc::new(round.study().clone());
        let (inbox, messages) = mpsc::channel(self.limits.inbox_messages);
        let (status_sender, status) = watch::channel(round.status());
        let superseded = CancellationToken::new();
        let task = RoundTask {
            round,
            label: label.clone(),
            host: self.clone(),
            clock,
            messages,
            outboxes: HashMap::new(),
            unflushed: Vec::new(),
            journal: Journal::default(),
            timer: None,
            status: status_sender,
            superseded: superseded.clone(),
        };
        let task = self.stop.clone().run_until_cancelled_owned(task.run());
        self.tasks.spawn(task.instrument(span));
        RoundHandle { label, study, clock, inbox, status, superseded }
    }
}

struct RoundTask {
    round: Round,
    label: RoundLabel,
    host: RoundHost,
    clock: Clock,
    messages: mpsc::Receiver<ToRound>,
    outboxes: HashMap<ConnectionId, Outbox>,
    /// Connections whose outboxes hold messages that were not handed over yet.
    unflushed: Vec<ConnectionId>,
    journal: Journal,
    /// When the round wants to be woken.
    timer: Option<Timestamp>,
    status: watch::Sender<Status>,
    /// Cancelled when the next round is open.
    superseded: CancellationToken,
}

impl RoundTask {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let farewell = farewell_time(self.superseded.clone(), self.host.limits.finished_round);
        tokio::pin!(farewell);
        let mut said_farewell = false;

        self.perform_outputs();
        loop {
            self.flush_outboxes();
            self.status.send_replace(self.round.status());
            tokio::select! {
                count = self.messages.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    for item in batch.drain(..) {
                        self.receive(item);
                    }
                }
                () = time::sleep_until(self.clock.instant(self.timer.unwrap_or_default())),
                    if self.timer.is_some() =>
                {
                    self.timer = None;
                    self.feed(Input::Timeout);
                }
                () = &mut farewell, if !said_farewell => {
                    said_farewell = true;
                    self.dismiss_everybody();
                }
            }
        }
        debug!(records = self.journal.len(), "the last handle of the round is gone");
    }

    fn receive(&mut self, item: ToRound) {
        match item {
            ToRound::Connected(connection, outbox) => {
                self.outboxes.insert(connection, outbox);
                self.feed(Input::Connected(connection));
            }
            // What a peer sent before it heard that its connection is closed is of no interest.
            ToRound::Message(from, bytes) => {
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
            ToRound::Disconnected(connection) => {
                self.outboxes.remove(&connection);
                self.feed(Input::Disconnected(connection));
            }
            ToRound::Command(command) => self.feed(Input::Command(command)),
        }
    }

    fn feed(&mut self, input: Input) {
        self.round.handle(input, self.clock.now());
        self.perform_outputs();
    }

    /// Performs outputs in the order in which the round gave them; that order is what makes a
    /// record durable before anybody is told of it.
    fn perform_outputs(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                Output::Persist(record) => self.journal.append(record),
                Output::Send { to, bytes } => self.send(to, bytes),
                Output::Close { connection, reason } => {
                    if let Some(outbox) = self.outboxes.remove(&connection) {
                        outbox.close(Closing::new(reason.code(), reason.to_string()));
                    }
                }
                Output::Event(event) => self.report(&event),
                Output::Timeout(at) => self.timer = at,
            }
        }
    }

    fn send(&mut self, to: ConnectionId, bytes: Bytes) {
        let Some(outbox) = self.outboxes.get_mut(&to) else { return };
        trace!(connection = to.0, bytes = bytes.len(), "a message to connection {}", to.0);
        if outbox.is_flushed() {
            self.unflushed.push(to);
        }
        if outbox.send(bytes).is_err() {
            info!(connection = to.0, "connection {} reads too slowly and is closed", to.0);
            self.outboxes.remove(&to);
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

    /// Closes the connections that are left of a round whose successor is open.
    fn dismiss_everybody(&mut self) {
        for (_, outbox) in self.outboxes.drain() {
            outbox.close(Closing::new(1000, "this round is over and the next one is open"));
        }
    }

    /// Logs an event and tells the terminal; the task's span names study and round.
    fn report(&self, event: &Event) {
        match *event {
            Event::PhaseChanged(phase) => info!(%phase, "the round is {phase}"),
            Event::Enrolled { enrolled } => debug!(enrolled, "{enrolled} people have enrolled"),
            Event::Contributed { contributed } => {
                debug!(contributed, "{contributed} contributions have come");
            }
            Event::PartialReceived { partials } => {
                debug!(partials, "{partials} partial sums have come");
            }
            Event::MemberDeclined(reason) => {
                warn!("a committee member gives no partial sum: {reason}");
            }
            Event::PeerRefused { connection: ConnectionId(id), reason } => {
                let code = reason.code();
                info!(connection = id, code, "refused connection {id}: {reason}");
            }
            Event::CommandRefused(command) => {
                warn!(?command, "{command:?} does not fit the study's rules or the phase");
            }
            Event::Published(aggregate) => {
                let Aggregate { count, sum } = aggregate;
                info!(count, %sum, "the round is published: sum {sum} over {count} answers");
                self.announce(Announcement::Published { label: self.label.clone(), aggregate });
            }
            Event::Ended(reason) => {
                info!("the round ended without a result: {reason}");
                self.announce(Announcement::Ended { label: self.label.clone(), reason });
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made for this call")]
    fn announce(&self, announcement: Announcement) {
        self.host.announce.say(&announcement);
    }
}

/// Ends `stay` after the round was superseded.
async fn farewell_time(superseded: CancellationToken, stay: time::Duration) {
    superseded.cancelled().await;
    time::sleep(stay).await;
}
