//! What a round's task does when readers are slow, the next round is open, or nothing can be stored.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use wardsum_protocol::Phase;

use super::*;
use crate::outbox::outbox;
use crate::store::DataDir;
use crate::studies_file::StudiesFile;

async fn open_round(limits: Limits) -> (RoundHandle, tempfile::TempDir) {
    let (round, _, data) = open_round_and_host(limits).await;
    (round, data)
}

async fn open_round_and_host(limits: Limits) -> (RoundHandle, RoundHost, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let file = StudiesFile::parse(
        "[[study]]\nid = \"study\"\ntitle = \"t\"\norganisation = \"o\"\nquestion = \"q\"\n\
         min = 0\nmax = 1\n[study.enrolment]\ncount = 3\n",
        Path::new("test"),
    );
    let study = Study::new(file.unwrap().plans[0].parameters().clone()).unwrap();
    let host = RoundHost {
        limits: Arc::new(limits),
        announce: Announce::nobody(),
        metrics: Metrics::new(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        drain: CancellationToken::new(),
        store: Store::open(DataDir::open(&data.path().join("data")).unwrap()).unwrap(),
    };
    let label = RoundLabel { study: "study".parse().unwrap(), number: 1 };
    (host.open(study, label).await.unwrap(), host, data)
}

/// Hands these in; the round hears them in this order.
async fn tell(round: &RoundHandle, news: impl IntoIterator<Item = ToRound>) {
    for item in news {
        round.inbox().tell(item).await.unwrap();
    }
}

/// The first status like this, which has to come soon.
async fn status(round: &RoundHandle, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut standing = round.watch();
    let seen = standing.wait_for(|standing| wanted(&standing.status));
    let seen = time::timeout(Duration::from_mins(1), seen);
    seen.await.expect("it should long be so").unwrap().status.clone()
}

#[tokio::test]
async fn a_round_knows_at_once_that_a_slow_reader_is_out() {
    let (round, _data) = open_round(Limits::default()).await;
    let (slow, mut unread) = outbox(1);
    let (quick, _messages) = outbox(1_000_000);
    let (slow_id, quick_id) = (ConnectionId(1), ConnectionId(2));
    tell(
        &round,
        [
            ToRound::Connected(slow_id, slow),
            ToRound::Connected(quick_id, quick),
            ToRound::Command(Command::Abort, oneshot::channel().0),
        ],
    )
    .await;

    let ended = status(&round, |status| status.phase == Phase::Ended).await;
    assert_eq!(ended.connected, 1, "the slow one still has its place");
    assert_eq!(unread.next_batch().await, Err(Closing::too_slow()));

    // That its connection has ended is no news then.
    tell(&round, [ToRound::Disconnected(slow_id), ToRound::Disconnected(quick_id)]).await;
    status(&round, |status| status.connected == 0).await;
}

#[tokio::test]
async fn a_round_knows_at_once_whom_it_has_dismissed() {
    let limits = Limits { finished_round: Duration::ZERO, ..Limits::default() };
    let (round, _data) = open_round(limits).await;
    let (outbox, mut messages) = outbox(1_000_000);
    let stays = ConnectionId(1);
    tell(
        &round,
        [ToRound::Connected(stays, outbox), ToRound::Command(Command::Abort, oneshot::channel().0)],
    )
    .await;
    assert_eq!(status(&round, |status| status.phase == Phase::Ended).await.connected, 1);

    round.supersede();

    status(&round, |status| status.connected == 0).await;
    let closing = loop {
        if let Err(closing) = messages.next_batch().await {
            break closing;
        }
    };
    assert_eq!(closing.code, 1000);
}

#[tokio::test]
async fn who_comes_to_a_superseded_round_is_dismissed_in_turn() {
    let limits = Limits { finished_round: Duration::from_millis(10), ..Limits::default() };
    let (round, _data) = open_round(limits).await;
    tell(&round, [ToRound::Command(Command::Abort, oneshot::channel().0)]).await;
    status(&round, |status| status.phase == Phase::Ended).await;
    round.supersede();
    for id in 1..=3 {
        let (outbox, mut messages) = outbox(1_000_000);
        tell(&round, [ToRound::Connected(ConnectionId(id), outbox)]).await;
        let dismissed = async {
            loop {
                if let Err(closing) = messages.next_batch().await {
                    break closing;
                }
            }
        };
        let closing = time::timeout(Duration::from_mins(1), dismissed).await.unwrap();
        assert_eq!(closing.code, 1000);
    }
}

#[tokio::test]
async fn no_deadline_passes_while_the_hospital_stops() {
    let (round, host, _data) = open_round_and_host(Limits::default()).await;
    let (outbox, _messages) = outbox(1_000_000);
    tell(&round, [ToRound::Connected(ConnectionId(1), outbox)]).await;
    status(&round, |status| status.connected == 1).await;
    // The round is asleep, until the end of a day.
    time::pause();
    host.drain.cancel();
    task::yield_now().await;
    time::advance(Duration::from_hours(30)).await;
    time::resume();

    tell(&round, [ToRound::Disconnected(ConnectionId(1))]).await;
    let status = status(&round, |status| status.connected == 0).await;
    assert_eq!(status.phase, Phase::Enrolling);
    assert_eq!(round.command(Command::Abort).await.unwrap().phase, Phase::Ended);
    let (clock, _) = host.store.records(host.store.rounds().await.unwrap()[0].key).await.unwrap();
    assert!(clock < Timestamp(86_400_000), "the time since does not count either: {clock:?}");
}

#[tokio::test]
async fn nothing_is_said_before_it_is_durable() {
    let (round, host, _data) = open_round_and_host(Limits::default()).await;
    let (outbox, mut messages) = outbox(1_000_000);
    tell(&round, [ToRound::Connected(ConnectionId(1), outbox)]).await;
    // What everybody is told at first.
    messages.next_batch().await.unwrap();
    let held = host.store.hold_writer().await;

    let mut command = pin!(round.command(Command::Abort));
    assert!(time::timeout(Duration::from_millis(300), &mut command).await.is_err());
    assert!(messages.next_batch().now_or_never().is_none(), "nobody may know yet");
    assert_eq!(round.status().phase, Phase::Enrolling);
    assert!(!host.store.rounds().await.unwrap()[0].is_over());

    drop(held);
    assert_eq!(command.await.unwrap().phase, Phase::Ended);
    assert_eq!(round.status().phase, Phase::Ended);
    assert!(host.store.rounds().await.unwrap()[0].is_over());
    assert!(!messages.next_batch().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_waits_behind_a_record_is_bounded() {
    let (round, host, _data) = open_round_and_host(Limits::default()).await;
    let key = host.store.rounds().await.unwrap()[0].key;
    let mut commits = Commits::new(host.store.clone(), key, host.metrics.clone());
    let held = host.store.hold_writer().await;
    let send = || Step::Do(Output::Send { to: ConnectionId(1), bytes: Bytes::new() });
    assert!(commits.pass(send()).is_some(), "nothing has to be durable before it");

    let record = Record::Ended(EndReason::Aborted);
    assert!(commits.pass(Step::Do(Output::Persist(Box::new(record)))).is_none());
    let mut waiting = 0;
    while !commits.is_full() {
        assert!(commits.pass(send()).is_none());
        // Those after the first wait for what is under way.
        commits.commit(Timestamp(1), round.status());
        waiting += 1;
        assert!(waiting < 100_000, "it is never enough");
    }
    drop(held);
    assert_eq!(commits.next().await.unwrap().steps.len(), waiting);
    assert!(!commits.is_full());
}

#[tokio::test]
async fn a_disk_that_became_read_only_suspends_a_round_until_it_is_mended() {
    let read_only = |on: bool| {
        move |connection: &rusqlite::Connection| {
            connection.pragma_update(None, "query_only", on).unwrap();
        }
    };
    let (round, RoundHost { store, .. }, _data) = open_round_and_host(Limits::default()).await;
    store.on_writer(read_only(true)).await;
    let (outbox, mut messages) = outbox(1_000_000);
    let connected = ToRound::Connected(ConnectionId(1), outbox);
    tell(&round, [connected]).await;

    // It says that it was not carried out, and nothing has changed.
    assert!(round.command(Command::Abort).await.is_none());
    let suspended = round.watch().wait_for(|standing| standing.suspended).await.is_ok();
    assert!(suspended && round.status().phase == Phase::Enrolling);
    let closing = loop {
        if let Err(closing) = messages.next_batch().await {
            break closing;
        }
    };
    assert_eq!(closing, Closing::suspended());

    store.on_writer(read_only(false)).await;
    let mut standing = round.watch();
    let goes_on = standing.wait_for(|standing| !standing.suspended);
    time::timeout(Duration::from_mins(1), goes_on).await.unwrap().unwrap();
    assert_eq!(round.status().phase, Phase::Enrolling);
    let status = round.command(Command::Abort).await.unwrap();
    assert_eq!(status.phase, Phase::Ended);
}

#[tokio::test]
async fn a_round_that_cannot_be_read_back_has_failed() {
    let (round, RoundHost { store, .. }, _data) = open_round_and_host(Limits::default()).await;
    let spoil = |connection: &rusqlite::Connection| {
        connection.execute("UPDATE round SET study = x'00'", ()).unwrap();
        connection.pragma_update(None, "query_only", true).unwrap();
    };
    store.on_writer(spoil).await;
    let (outbox, mut messages) = outbox(1_000_000);
    tell(&round, [ToRound::Connected(ConnectionId(1), outbox)]).await;
    assert!(round.command(Command::Abort).await.is_none());
    assert!(round.watch().wait_for(|standing| standing.suspended).await.is_ok());
    while messages.next_batch().await.is_ok() {}

    // The disk is mended, and what is on it is not.
    let mend = |connection: &rusqlite::Connection| {
        connection.pragma_update(None, "query_only", false).unwrap();
    };
    store.on_writer(mend).await;

    let mut standing = round.watch();
    let failed = standing.wait_for(|standing| standing.failed);
    let standing = time::timeout(Duration::from_mins(1), failed).await.unwrap().unwrap().clone();
    assert!(standing.is_over() && !standing.suspended);
    assert!(standing.ended().unwrap().contains("a fault in the hospital's program or data"));
    assert!(round.command(Command::Abort).await.is_none());
}

#[tokio::test]
async fn an_abandoned_round_is_over_in_the_store_once() {
    let (round, host, _data) = open_round_and_host(Limits::default()).await;
    assert!(!host.store.rounds().await.unwrap()[0].is_over());
    for _ in 0..2 {
        host.abandon(&round).await.unwrap();
        let [stored] = <[_; 1]>::try_from(host.store.rounds().await.unwrap()).unwrap();
        assert!(stored.is_over());
        let (_, records) = host.store.records(stored.key).await.unwrap();
        assert!(matches!(records[..], [(_, Record::Ended(EndReason::Aborted))]), "{records:?}");
        assert_eq!(
            host.resume(&stored, "study".parse().unwrap()).await.unwrap().status().phase,
            Phase::Ended
        );
    }
}
