//! A process that is killed at any instant loses nothing that it acknowledged.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;
use wardsum_hospital::store::{RoundKey, Store};
use wardsum_protocol::Timestamp;
use wardsum_protocol::round::{Contributed, Record};

use crate::fixture::{new_round, open, runtime};
use crate::sample::{contribution, message};

/// In the child: the directory that it works on.
const DIRECTORY: &str = "WARDSUM_TEST_DIRECTORY";
/// How often a process is killed; more for a night.
const KILLS: &str = "WARDSUM_KILLS";
const ROUNDS: u8 = 3;

/// Not a test of its own: what the process that is killed does. Every round appends its contributions
/// one after the other, and says which are acknowledged.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    runtime().block_on(async {
        let store = open(Path::new(&dir)).unwrap();
        let mut rounds = JoinSet::new();
        for round in store.rounds().await.unwrap() {
            let store = store.clone();
            rounds
                .spawn(async move { append_for_ever(store, round.key, round.contributions).await });
        }
        rounds.join_all().await;
    });
}

async fn append_for_ever(store: Store, round: RoundKey, from: u32) {
    for number in from.. {
        // Long ones now and then, so that the log is folded in as well.
        let record = contribution(number, if number % 16 == 0 { 300_000 } else { 1_000 });
        let at = Timestamp(u64::from(number));
        store.append(round, at, vec![record]).await.unwrap();
        println!("acknowledged {round} {number}");
    }
}

/// Starts a child and kills it after a while; returns how many contributions of each round it
/// acknowledged at least.
fn kill_one(dir: &Path, after: Duration) -> [u32; ROUNDS as usize] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_process::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (first, began) = mpsc::channel();
    let listening = thread::spawn(move || {
        let mut acknowledged = [0; ROUNDS as usize];
        for line in lines.map_while(Result::ok) {
            let Some((_, said)) = line.split_once("acknowledged ") else { continue };
            let Some((round, number)) = said.split_once(' ') else { continue };
            let round: usize = round.parse().unwrap();
            acknowledged[round - 1] = number.parse::<u32>().unwrap() + 1;
            let _ = first.send(());
        }
        acknowledged
    });
    let _ = began.recv_timeout(Duration::from_secs(30));
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    listening.join().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost() {
    let kills = std::env::var(KILLS).map_or(30, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store = open(dir.path()).unwrap();
        for instance in 0..ROUNDS {
            store.open_round(new_round(instance)).await.unwrap();
        }
        store.close().await;
    });
    let mut stored = [0; ROUNDS as usize];
    let mut random = std::process::id();
    for kill in 0..kills {
        // A linear congruential generator: any instants do.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let after = Duration::from_micros(u64::from(random >> 16) % 60_000);
        let acknowledged = kill_one(dir.path(), after);
        runtime().block_on(async {
            let store = open(dir.path()).unwrap();
            for (place, round) in store.rounds().await.unwrap().into_iter().enumerate() {
                let (_, records) = store.records(round.key).await.unwrap();
                let numbers = records.iter().map(|(at, record)| match record {
                    Record::Contributed(Contributed { number, .. }) => {
                        assert_eq!(at.0, u64::from(*number));
                        *number
                    }
                    other => panic!("{other:?}"),
                });
                assert!(numbers.eq(0..round.contributions), "after kill {kill}");
                let count = round.contributions;
                assert!(count >= acknowledged[place].max(stored[place]), "after kill {kill}");
                // One append of each round is under way at most.
                assert!(count <= acknowledged[place].max(stored[place]) + 1, "after kill {kill}");
                for (number, sealed) in
                    store.contributions(round.key, stored[place]..count).await.unwrap()
                {
                    let len = if number % 16 == 0 { 300_000 } else { 1_000 };
                    assert!(sealed == message(number, len), "after kill {kill}");
                }
                stored[place] = count;
            }
            store.close().await;
        });
    }
    assert!(stored.iter().all(|count| *count > kills), "the children did something: {stored:?}");
}
