//! A process that is killed at any instant of a whole round, from making the store to erasing what was
//! sealed: what it had said is there, and another process completes the round.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use wardsum_hospital::store::Store;
use wardsum_protocol::round::{Record, Round};
use wardsum_protocol::{Phase, Timestamp};

use crate::fixture::{new_round, open, runtime};
use crate::recorded_round::{OPENED, records, result};
use crate::sample::study;

/// In the child: the directory that it works on.
const DIRECTORY: &str = "WARDSUM_TEST_ROUND_DIRECTORY";
/// How many instants of the round a process is killed at; more for a night.
const KILLS: &str = "WARDSUM_KILLS";

/// Not a test of its own: what the process that is killed does.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    runtime().block_on(async {
        let store = open(Path::new(&dir)).unwrap();
        complete(&store, |said| println!("said {said}")).await;
        store.close().await;
    });
}

/// Goes on with the round from wherever it stands, to its very end.
async fn complete(store: &Store, say: impl Fn(String)) {
    let key = match store.rounds().await.unwrap().first() {
        Some(round) => round.key,
        None => store.open_round(new_round(1)).await.unwrap(),
    };
    say("0".to_owned());
    let stored = store.records(key).await.unwrap().1.len();
    for (number, (at, record)) in records(&study(1)).into_iter().enumerate().skip(stored) {
        store.append(key, at, vec![record]).await.unwrap();
        say((number + 1).to_string());
    }
    store.erase_sealed(key).await.unwrap();
    say("erased".to_owned());
}

/// What a process had said before it ended.
#[derive(Debug, Default, PartialEq)]
struct Said {
    opened: bool,
    durable: usize,
    erased: bool,
}

fn start(dir: &Path, mut command: Command) -> Child {
    command
        .args(["--exact", "killed_round::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// What a child says until it ends.
fn hear(child: &mut Child) -> Said {
    let mut said = Said::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        match line.split_once("said ").map(|(_, word)| word) {
            Some("erased") => said.erased = true,
            Some(number) => (said.opened, said.durable) = (true, number.parse().unwrap()),
            None => {}
        }
    }
    said
}

/// Checks what is there, completes the round, and checks that it is complete.
fn check_and_complete(dir: &Path, said: &Said) {
    let expected = records(&study(1));
    runtime().block_on(async {
        let store = open(dir).unwrap();
        let rounds = store.rounds().await.unwrap();
        assert!(rounds.len() == 1 || (rounds.is_empty() && !said.opened), "{said:?}");
        if let Some(round) = rounds.first() {
            let (_, stored) = store.records(round.key).await.unwrap();
            assert!((said.durable..=said.durable + 1).contains(&stored.len()), "{said:?}");
            assert!(without_messages(&stored) == without_messages(&expected[..stored.len()]));
            assert!(round.erased || !said.erased, "{said:?}");
            if !round.erased {
                for (number, sealed) in
                    store.contributions(round.key, 0..round.contributions).await.unwrap()
                {
                    let written = expected.iter().find_map(|(_, record)| match record {
                        Record::Contributed(one) if one.number == number => Some(&one.message),
                        _ => None,
                    });
                    assert!(written == Some(&sealed), "contribution {number}, {said:?}");
                }
            }
        }
        complete(&store, |_| ()).await;
        let round = store.rounds().await.unwrap().remove(0);
        assert!(round.erased);
        let (_, stored) = store.records(round.key).await.unwrap();
        let restored = Round::restore(study(1), OPENED, stored, Timestamp(100_000)).unwrap();
        let status = restored.status();
        assert_eq!((status.phase, status.aggregate), (Phase::Published, Some(result())));
        store.close().await;
    });
    // Nothing that was sealed is left in any file.
    let sealed = expected.iter().find_map(|(_, record)| match record {
        Record::Contributed(one) => Some(one.message[one.message.len() - 64..].to_vec()),
        _ => None,
    });
    let sealed = sealed.expect("somebody contributed");
    for file in fs::read_dir(dir).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(sealed.len()).any(|window| window == sealed), "{said:?}");
    }
}

/// The messages of contributions are kept apart.
fn without_messages(records: &[(Timestamp, Record)]) -> Vec<(Timestamp, Vec<u8>)> {
    records.iter().map(|(at, record)| (*at, record.encode())).collect()
}

#[test]
fn a_killed_round_is_completed() {
    let kills: u32 = std::env::var(KILLS).map_or(30, |kills| kills.parse().unwrap());
    let whole = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut child = start(whole.path(), this_program());
    let said = hear(&mut child);
    assert!(child.wait().unwrap().success() && said.erased, "{said:?}");
    let takes = began.elapsed();
    check_and_complete(whole.path(), &said);
    let mut early = 0;
    for kill in 0..kills {
        let dir = tempfile::tempdir().unwrap();
        let mut child = start(dir.path(), this_program());
        thread::sleep(takes * kill / kills);
        child.kill().unwrap();
        let said = hear(&mut child);
        child.wait().unwrap();
        early += u32::from(!said.erased);
        check_and_complete(dir.path(), &said);
    }
    assert!(early > 0, "nobody was killed before the end");
}

/// At every single system call that changes a file.
#[test]
#[ignore = "takes minutes and needs strace"]
fn a_round_that_is_killed_at_any_write_is_completed() {
    for call in
        ["write", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "openat"]
    {
        for nth in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let mut strace = Command::new("strace");
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let trace = format!("trace={call}");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
            strace.arg(std::env::current_exe().unwrap());
            let mut child = start(dir.path(), strace);
            let said = hear(&mut child);
            let ended = child.wait().unwrap().success();
            check_and_complete(dir.path(), &said);
            if ended {
                println!("{call}: killed at each of {} calls", nth - 1);
                break;
            }
        }
    }
}
