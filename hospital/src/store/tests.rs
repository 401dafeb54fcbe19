//! What a store does when its disk does not, and what it keeps and erases.

#[path = "../../tests/store/sample.rs"]
mod sample;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time;
use wardsum_protocol::round::Record;
use wardsum_protocol::{EndReason, Timestamp};

use super::checksum::checksum;
use super::{
    DataDir, NewResearcher, NewRound, NewStudy, ResearcherName, Role, RoundKey, Snapshot, Store,
    StoreError, StudyState,
};
use sample::{contribution, message, somebody, study};

const LEN: usize = 5_000;

fn open(dir: &TempDir) -> Store {
    Store::open(DataDir::open(dir.path()).unwrap()).unwrap()
}

async fn round(store: &Store, instance: u8) -> RoundKey {
    let study = study(instance);
    let (bytes, digest) = (study.encode().to_vec(), study.digest());
    let new = NewRound { study_id: "sample".to_owned(), number: 1, study: bytes, digest };
    store.open_round(new).await.unwrap()
}

async fn numbers(store: &Store, round: RoundKey) -> Vec<u32> {
    let (_, records) = store.records(round).await.unwrap();
    let numbers = records.into_iter().map(|(_, record)| match record {
        Record::Contributed(contributed) => contributed.number,
        other => panic!("{other:?}"),
    });
    numbers.collect()
}

/// Whether any file of the directory has these bytes.
fn is_anywhere(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test]
async fn what_was_stored_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (first, second) = (round(&store, 1).await, round(&store, 2).await);
    let records = vec![
        Record::Enrolled(message(7, 1_500)),
        Record::Withdrawn(somebody()),
        contribution(0, LEN),
        contribution(1, LEN),
    ];
    store.append(first, Timestamp(10), records.clone()).await.unwrap();
    store.append(second, Timestamp(11), vec![contribution(0, 3)]).await.unwrap();
    let last = Record::Ended(EndReason::Aborted);
    store.append(first, Timestamp(20), vec![last.clone()]).await.unwrap();
    store.audit("researcher", "abort", "sample").await.unwrap();
    store.close().await;

    let store = open(&dir);
    let rounds = store.rounds().await.unwrap();
    assert_eq!(rounds.len(), 2);
    assert_eq!((rounds[0].key, rounds[0].clock, rounds[0].is_over()), (first, Timestamp(20), true));
    assert_eq!(
        (rounds[1].key, rounds[1].clock, rounds[1].is_over()),
        (second, Timestamp(11), false)
    );
    assert_eq!(
        (rounds[0].study_id.as_str(), rounds[0].study.as_slice()),
        ("sample", study(1).encode())
    );
    let found = store.round_by_digest(study(2).digest()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&rounds[1]));
    assert_eq!(store.round_by_digest(study(3).digest()).await.unwrap(), None);

    let (clock, read) = store.records(first).await.unwrap();
    assert_eq!(clock, Timestamp(20));
    let mut expected =
        records.into_iter().map(|record| (Timestamp(10), record)).collect::<Vec<_>>();
    expected[2].1 = contribution(0, 0);
    expected[3].1 = contribution(1, 0);
    expected.push((Timestamp(20), last));
    assert_eq!(read, expected);
    let sealed = store.contributions(first, 0..9).await.unwrap();
    assert_eq!(sealed, [(0, message(0, LEN)), (1, message(1, LEN))]);
    assert_eq!(store.contributions(first, 1..2).await.unwrap(), [(1, message(1, LEN))]);
    assert_eq!(store.contributions(second, 0..1).await.unwrap(), [(0, message(0, 3))]);
    let audit = store.audit_log().await.unwrap();
    assert_eq!((audit[0].actor.as_str(), audit[0].action.as_str()), ("researcher", "abort"));
}

#[tokio::test]
async fn a_round_is_found_without_reading_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (_, second) = (round(&store, 1).await, round(&store, 2).await);
    let spoil = |writer: &Connection| {
        writer.execute("UPDATE round SET study = x'00' WHERE key = 1", ()).unwrap();
    };
    store.on_writer(spoil).await;
    assert!(matches!(store.rounds().await, Err(StoreError::Damaged { .. })));
    let found = store.round_by_digest(study(2).digest()).await.unwrap();
    assert_eq!(found.map(|round| round.key), Some(second));
    assert_eq!(store.round_by_digest(study(3).digest()).await.unwrap(), None);
    let spoiled = store.round_by_digest(study(1).digest()).await;
    assert!(matches!(spoiled, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_disturbs_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let held = store.hold_writer().await;
    let study = study(1);
    let again = NewRound {
        study_id: "sample".to_owned(),
        number: 2,
        study: study.encode().to_vec(),
        digest: study.digest(),
    };
    let unknown = store.append(RoundKey(9), Timestamp(1), vec![contribution(0, 1)]);
    let good = store.append(key, Timestamp(1), vec![contribution(0, LEN)]);
    drop(held);
    assert!(matches!(store.open_round(again).await, Err(StoreError::RoundExists { .. })));
    assert!(matches!(unknown.await, Err(StoreError::UnknownRound)));
    assert!(matches!(store.erase_sealed(key).await, Err(StoreError::RoundNotOver)));
    assert!(matches!(store.records(RoundKey(9)).await, Err(StoreError::UnknownRound)));
    good.await.unwrap();
}

#[tokio::test]
async fn requests_that_wait_share_one_transaction_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let rounds = [round(&store, 1).await, round(&store, 2).await];
    let before = store.transactions().await.unwrap();
    let held = store.hold_writer().await;
    let mut waiting = Vec::new();
    for number in 0..40 {
        for key in rounds {
            waiting.push(store.append(key, Timestamp(1), vec![contribution(number, 10)]));
        }
    }
    // Nobody waits for the last one, and it is stored all the same.
    drop(waiting.pop());
    drop(held);
    for append in waiting {
        append.await.unwrap();
    }
    assert_eq!(store.transactions().await.unwrap(), before + 1);
    for key in rounds {
        assert_eq!(numbers(&store, key).await, (0..40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_transaction_takes_in_so_many_bytes_and_leaves_the_rest_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let before = store.transactions().await.unwrap();
    let held = store.hold_writer().await;
    // Two of them reach 2 MiB.
    let append = |number| store.append(key, Timestamp(1), vec![contribution(number, 1 << 20)]);
    let waiting: Vec<_> = (0..5).map(append).collect();
    drop(held);
    for append in waiting {
        append.await.unwrap();
    }
    assert_eq!(store.transactions().await.unwrap(), before + 3);
    assert_eq!(numbers(&store, key).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_long_log_is_folded_in_when_nothing_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let database = dir.path().join("wardsum.sqlite3");
    let folded = || fs::metadata(&database).unwrap().len() > 8 << 20;
    for number in 0..9 {
        store.append(key, Timestamp(1), vec![contribution(number, 1 << 20)]).await.unwrap();
    }
    let soon = async {
        while !folded() {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(Duration::from_mins(1), soon).await.expect("it is quiet enough");
    assert_eq!(store.contributions(key, 8..9).await.unwrap(), [(8, message(8, 1 << 20))]);
}

/// Takes away what schema version 4 has brought.
const BEFORE_VERSION_4: &str = "DROP TABLE registry; DROP TABLE researcher; DROP TABLE study;";

/// Makes the store of a directory look as a hospital of schema version 1 left it.
fn make_version_1(dir: &TempDir, key: RoundKey, numbers: Range<u32>) {
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    for number in numbers {
        let message = message(number, LEN);
        let fields: [&[u8]; 3] = [&key.0.to_be_bytes(), &number.to_be_bytes(), &message];
        let place = (i64::from(key.0) << 32) | i64::from(number);
        let sum = checksum("sealed", &fields);
        let sql = "UPDATE sealed SET checksum = ?1 WHERE place = ?2";
        assert_eq!(database.execute(sql, (sum, place)).unwrap(), 1);
    }
    database.execute_batch(BEFORE_VERSION_4).unwrap();
    database
        .execute_batch(
            "PRAGMA user_version = 1; PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM;
             PRAGMA journal_mode = WAL;",
        )
        .unwrap();
}

#[tokio::test]
async fn a_store_of_version_1_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    for number in 0..2 {
        store.append(key, Timestamp(1), vec![contribution(number, LEN)]).await.unwrap();
    }
    store.close().await;
    make_version_1(&dir, key, 0..2);

    let store = open(&dir);
    store.append(key, Timestamp(2), vec![contribution(2, LEN)]).await.unwrap();
    let log = fs::read(dir.path().join("wardsum.sqlite3-wal")).unwrap();
    assert_eq!(log[8..12], 4096_u32.to_be_bytes(), "its pages stay as they are");
    let all: Vec<_> = (0..3).map(|number| (number, message(number, LEN))).collect();
    assert_eq!(store.contributions(key, 0..3).await.unwrap(), all);
    store.close().await;

    // Either kind of checksum still tells what was altered.
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 4, "a hospital that knows no newer version is kept away");
    let sql = "UPDATE sealed SET message = zeroblob(length(message)) WHERE place & 4294967295 <> 1";
    assert_eq!(database.execute(sql, []).unwrap(), 2);
    database.close().unwrap();
    let store = open(&dir);
    for (number, good) in [(0, false), (1, true), (2, false)] {
        let read = store.contributions(key, number..number + 1).await;
        assert_eq!(read.is_ok(), good, "{read:?}");
    }
}

fn version(database: &Connection) -> i64 {
    database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_store_of_version_2_goes_on_and_is_of_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    store.append(key, Timestamp(1), vec![contribution(0, LEN)]).await.unwrap();
    store.close().await;
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 4);
    database.execute_batch(BEFORE_VERSION_4).unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
    database.close().unwrap();

    // Looking changes nothing, so that the earlier hospital can still be gone back to.
    let seen = Snapshot::open(dir.path()).unwrap();
    drop(seen);
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 2);
    database.close().unwrap();

    let store = open(&dir);
    store.append(key, Timestamp(2), vec![contribution(1, LEN)]).await.unwrap();
    assert_eq!(numbers(&store, key).await, [0, 1]);
    store.close().await;
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 4);
}

fn researcher(name: &str) -> NewResearcher {
    let (name, token) = (name.parse().unwrap(), [7; 32]);
    NewResearcher { name, role: Role::Editor, token, expires_unix_ms: None }
}

fn new_study(id: &str) -> NewStudy {
    let (id, made_by) = (id.to_owned(), "researcher anna".to_owned());
    NewStudy { id, state: StudyState::Draft, definition: "{}".to_owned(), made_by }
}

#[tokio::test]
async fn a_store_of_version_3_goes_on_and_takes_researchers_and_studies() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    store.append(key, Timestamp(1), vec![contribution(0, LEN)]).await.unwrap();
    store.audit("uid 0", "abort", "sample").await.unwrap();
    store.close().await;
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    database.execute_batch(BEFORE_VERSION_4).unwrap();
    database.pragma_update(None, "user_version", 3).unwrap();
    database.close().unwrap();

    // Looking changes nothing, so that the earlier hospital can still be gone back to.
    assert_eq!(Snapshot::open(dir.path()).unwrap().export(None).unwrap().audit.len(), 1);
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 3);
    database.close().unwrap();

    let store = open(&dir);
    assert_eq!(
        (store.researchers().await.unwrap(), store.studies().await.unwrap()),
        (vec![], vec![])
    );
    let anna = store.add_researcher(researcher("anna")).await.unwrap();
    let study = store.add_study(new_study("made")).await.unwrap();
    assert_eq!(numbers(&store, key).await, [0]);
    store.close().await;
    let store = open(&dir);
    assert_eq!(store.researchers().await.unwrap(), [anna]);
    assert_eq!(store.studies().await.unwrap(), [study]);
    store.close().await;
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(version(&database), 4);
}

#[tokio::test]
async fn a_name_and_an_id_stand_for_one_each() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    // In one transaction, too: what the first does is seen by the second.
    let (first, second) = tokio::join!(
        store.add_researcher(researcher("anna")),
        store.add_researcher(researcher("anna"))
    );
    assert_eq!(first.unwrap().number, 1);
    assert!(matches!(second, Err(StoreError::ResearcherExists { .. })), "{second:?}");
    let anna = "anna".parse::<ResearcherName>().unwrap();
    assert!(store.revoke_researcher(anna.clone()).await.unwrap().revoked_unix_ms.is_some());
    let again = store.revoke_researcher(anna).await;
    assert!(matches!(again, Err(StoreError::UnknownResearcher { .. })), "{again:?}");
    assert_eq!(store.add_researcher(researcher("anna")).await.unwrap().number, 2);

    let (first, second) =
        tokio::join!(store.add_study(new_study("a")), store.add_study(new_study("a")));
    assert!(first.is_ok() && matches!(second, Err(StoreError::StudyExists { .. })), "{second:?}");
    let (draft, open) = (StudyState::Draft, StudyState::Open);
    let (first, second) = tokio::join!(
        store.change_study("a", draft, open, None),
        store.change_study("a", draft, open, None)
    );
    assert_eq!(first.unwrap().state, open);
    assert!(matches!(second, Err(StoreError::StudyChanged { .. })), "{second:?}");
}

#[tokio::test]
async fn a_researcher_or_a_study_that_was_altered_or_is_missing_is_reported() {
    let spoils = [
        "UPDATE researcher SET role = 'editor' WHERE number = 2",
        "UPDATE researcher SET revoked_unix_ms = NULL",
        "UPDATE researcher SET expires_unix_ms = NULL",
        "UPDATE researcher SET token = zeroblob(32)",
        "DELETE FROM researcher WHERE number = 2",
        "UPDATE registry SET researchers = 1",
        "UPDATE study SET state = 'open'",
        "UPDATE study SET definition = '[]'",
        "DELETE FROM study",
    ];
    for spoil in spoils {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir);
        store.add_researcher(researcher("anna")).await.unwrap();
        let viewer = NewResearcher {
            role: Role::Viewer,
            expires_unix_ms: Some(1),
            token: [8; 32],
            ..researcher("bert")
        };
        store.add_researcher(viewer).await.unwrap();
        store.revoke_researcher("bert".parse().unwrap()).await.unwrap();
        store.add_study(new_study("made")).await.unwrap();
        store.close().await;
        let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
        assert!(database.execute(spoil, []).unwrap() > 0);
        database.close().unwrap();
        let opened = Store::open(DataDir::open(dir.path()).unwrap());
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{spoil}");
    }
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_from_its_end_and_each_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 0..5 {
        store.audit("uid 0", "abort", &format!("round {number}")).await.unwrap();
    }
    let page = async |before, at_most| {
        let page = store.audit_page(before, at_most).await;
        page.map(|page| page.into_iter().map(|(number, _)| number).collect::<Vec<_>>())
    };
    assert_eq!(page(None, 2).await.unwrap(), [4, 3]);
    assert_eq!(page(Some(3), 2).await.unwrap(), [2, 1]);
    assert_eq!(page(Some(1), 2).await.unwrap(), [0]);
    assert_eq!(page(Some(0), 2).await.unwrap(), [0; 0]);
    assert_eq!(page(Some(u64::MAX), 9).await.unwrap(), [4, 3, 2, 1, 0]);
    let spoil = |writer: &Connection| {
        writer.execute("UPDATE audit SET actor = 'uid 1' WHERE number = 1", ()).unwrap();
    };
    store.on_writer(spoil).await;
    assert_eq!(page(None, 3).await.unwrap(), [4, 3, 2]);
    assert!(matches!(page(Some(2), 2).await, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn reading_does_not_wait_for_writing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    store.append(key, Timestamp(1), vec![contribution(0, LEN)]).await.unwrap();
    let held = store.hold_writer().await;
    assert_eq!(numbers(&store, key).await, [0]);
    drop(held);
}

/// Makes writing fail, lets two rounds append, mends it, and looks at what is there.
async fn survives(
    spoil: impl FnOnce(&Connection) + Send + 'static,
    mend: impl FnOnce(&Connection) + Send + 'static,
    blamed: impl Fn(&StoreError) -> bool,
    text: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (key, other) = (round(&store, 1).await, round(&store, 2).await);
    store.append(key, Timestamp(1), vec![contribution(0, LEN)]).await.unwrap();
    store.on_writer(spoil).await;

    let held = store.hold_writer().await;
    let lost = store.append(key, Timestamp(2), vec![contribution(1, 400_000)]);
    let beside = store.append(other, Timestamp(2), vec![contribution(0, LEN)]);
    drop(held);
    for append in [lost.await, beside.await] {
        let error = append.unwrap_err();
        assert!(blamed(&error) && error.is_temporary(), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(text) && said.contains("wardsum.sqlite3"), "{said}");
    }
    for _ in 0..2 {
        let probed = store.probe().await;
        assert!(probed.is_err_and(|error| blamed(&error)), "there is no room for what failed");
    }
    // What is there can still be read.
    assert_eq!(numbers(&store, key).await, [0]);
    assert_eq!(store.contributions(key, 0..9).await.unwrap(), [(0, message(0, LEN))]);

    store.on_writer(mend).await;
    store.probe().await.unwrap();
    for key in [key, other] {
        let later = store.append(key, Timestamp(3), vec![contribution(2, LEN)]).await;
        assert!(matches!(later, Err(StoreError::Halted)), "no record without the one before it");
    }
    // A round that had nothing in the failed transaction is not concerned.
    let third = round(&store, 3).await;
    store.append(third, Timestamp(3), vec![contribution(0, LEN)]).await.unwrap();
    store.resume(key).await.unwrap();
    store.append(key, Timestamp(4), vec![contribution(1, LEN)]).await.unwrap();
    let still = store.append(other, Timestamp(4), vec![contribution(0, LEN)]).await;
    assert!(matches!(still, Err(StoreError::Halted)));
    store.close().await;

    let store = open(&dir);
    assert_eq!(numbers(&store, key).await, [0, 1]);
    assert_eq!(numbers(&store, other).await, [] as [u32; 0]);
    assert_eq!(store.contributions(key, 1..2).await.unwrap(), [(1, message(1, LEN))]);
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let limit = |pages: i64| {
        move |connection: &Connection| {
            let set = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
            let pragma = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&pragma, [], set).unwrap();
        }
    };
    let full = |error: &StoreError| matches!(error, StoreError::Full { .. });
    survives(limit(20), limit(1 << 30), full, "is full; make room").await;
}

#[tokio::test]
async fn a_disk_that_became_read_only_loses_nothing() {
    let only = |on: bool| {
        move |connection: &Connection| connection.pragma_update(None, "query_only", on).unwrap()
    };
    let read_only = |error: &StoreError| matches!(error, StoreError::ReadOnly { .. });
    survives(only(true), only(false), read_only, "cannot be written to").await;
}

#[tokio::test]
async fn another_programs_lock_loses_nothing() {
    let (sender, receiver) = mpsc::channel();
    let spoil = move |writer: &Connection| {
        let other = Connection::open(writer.path().unwrap()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        writer.busy_timeout(Duration::from_millis(10)).unwrap();
        sender.send(other).unwrap();
    };
    let mend = move |_: &Connection| receiver.recv().unwrap().execute_batch("ROLLBACK").unwrap();
    let locked = |error: &StoreError| matches!(error, StoreError::Locked { .. });
    survives(spoil, mend, locked, "another program has locked").await;
}

#[tokio::test]
async fn a_rounds_time_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    store.keep_time(RoundKey(9), Timestamp(1));
    for at in [7_000, 9_000, 8_000] {
        store.keep_time(key, Timestamp(at));
    }
    time::timeout(Duration::from_secs(30), async {
        while store.records(key).await.unwrap().0 != Timestamp(9_000) {
            time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the time is written in a while");
    // And when the store is closed, without waiting; a round's clock never goes back.
    store.keep_time(key, Timestamp(12_000));
    store.append(key, Timestamp(5), vec![contribution(0, LEN)]).await.unwrap();
    store.keep_time(key, Timestamp(13_000));
    store.close().await;
    let (clock, records) = open(&dir).records(key).await.unwrap();
    assert_eq!(clock, Timestamp(13_000));
    assert_eq!(records[0].0, Timestamp(12_000));
}

#[tokio::test]
async fn what_was_sealed_is_erased_without_a_trace_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (key, other) = (round(&store, 1).await, round(&store, 2).await);
    for number in 0..150 {
        store.append(key, Timestamp(1), vec![contribution(number, LEN)]).await.unwrap();
    }
    store.append(other, Timestamp(1), vec![contribution(900, 30)]).await.unwrap();
    assert!(is_anywhere(dir.path(), b"sealed shares number 00000149"));
    let last = Record::Ended(EndReason::Contradiction);
    store.append(key, Timestamp(2), vec![last]).await.unwrap();
    store.erase_sealed(key).await.unwrap();
    assert!(!is_anywhere(dir.path(), b"sealed shares number 000000"));
    assert!(!is_anywhere(dir.path(), b"sealed shares number 000001"));
    assert!(is_anywhere(dir.path(), b"sealed shares number 00000900"), "another round's");
    assert!(matches!(store.contributions(key, 0..1).await, Err(StoreError::Erased)));
    assert_eq!(store.records(key).await.unwrap().1.len(), 151);
    assert!(store.rounds().await.unwrap()[0].erased);
    // Twice is not once too often.
    store.erase_sealed(key).await.unwrap();
}

#[tokio::test]
async fn an_erasure_that_was_cut_short_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let last = Record::Ended(EndReason::Contradiction);
    store.append(key, Timestamp(1), vec![contribution(0, LEN), last]).await.unwrap();
    store.0.writer.ask(None, 0, move |group| group.mark_erased(key)).await.unwrap();
    store.close().await;
    assert!(is_anywhere(dir.path(), b"sealed shares number"));
    let store = open(&dir);
    time::timeout(Duration::from_secs(30), async {
        while is_anywhere(dir.path(), b"sealed shares number") {
            time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the erasure goes on by itself");
    drop(store);
}

#[tokio::test]
async fn an_erasure_that_fails_half_way_goes_on_when_the_disk_does() {
    let read_only = |on: bool| {
        move |connection: &Connection| connection.pragma_update(None, "query_only", on).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let last = Record::Ended(EndReason::Contradiction);
    store.append(key, Timestamp(1), vec![contribution(0, LEN), last]).await.unwrap();

    // The round is marked as erased before the disk fails, and nothing is deleted before.
    let held = store.hold_writer().await;
    let mut erasing = pin!(store.erase_sealed(key));
    assert!(erasing.as_mut().now_or_never().is_none());
    let mut failing = pin!(store.on_writer(read_only(true)));
    assert!(failing.as_mut().now_or_never().is_none());
    drop(held);
    failing.await;
    assert!(matches!(erasing.await, Err(StoreError::ReadOnly { .. })));
    assert!(store.rounds().await.unwrap()[0].erased);
    let exported = Snapshot::open(dir.path()).unwrap().export(None).unwrap();
    assert!(!exported.rounds[0].sealed_shares_erased);

    store.on_writer(read_only(false)).await;

    time::timeout(Duration::from_secs(30), async {
        while is_anywhere(dir.path(), b"sealed shares number") {
            time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("nobody asks again, and it is erased");
    let exported = Snapshot::open(dir.path()).unwrap().export(None).unwrap();
    assert!(exported.rounds[0].sealed_shares_erased);
}

#[tokio::test]
async fn a_closed_store_says_so_and_leaves_the_directory_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let key = round(&store, 1).await;
    let last = store.append(key, Timestamp(1), vec![contribution(0, LEN)]);
    assert!(matches!(DataDir::open(dir.path()), Err(StoreError::InUse { .. })));
    store.clone().close().await;
    last.await.unwrap();
    assert!(matches!(store.probe().await, Err(StoreError::Closed)));
    assert!(matches!(store.rounds().await, Err(StoreError::Closed)));
    store.close().await;
    let log = dir.path().join("wardsum.sqlite3-wal");
    assert!(!log.exists(), "a store that was closed is one file");
    assert_eq!(numbers(&open(&dir), key).await, [0]);
}
