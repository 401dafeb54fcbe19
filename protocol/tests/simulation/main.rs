//! Thousands of whole rounds on a virtual clock, in weather that is as bad as it gets.
//!
//! Each run plays a hospital and 3 to 30 patients of `wardsum-protocol`. Everything is drawn from one
//! number, the seed: the study, who comes when, how slow the network and the disk are, and what goes
//! wrong. Connections stall and break, unnoticed by one side or both; groups of patients are cut off;
//! in some runs single messages are lost, doubled, delayed and reordered. Tabs are reloaded, closed for
//! a while and for good, and killed before and after everything that they write down. The hospital is
//! killed before its commits, after them and in the middle of what follows; its disk is full; now and
//! then it comes back from an old backup. Clocks are off, run at their own speed and jump. In some
//! runs patients cheat, each in one way: with answers that are none, with proofs, with shares that do not fit
//! or do not open; and members, with what they find about others' answers and with their partial aggregates.
//! In one run of four everybody has an invitation, and only some may serve on the committee.
//!
//! What has to hold nevertheless is said, in words and in code, in `invariants`.
//!
//! * `WARDSUM_SEED=n` replays one run; if it fails, the end of what happened in it is printed, or more
//!   of it with `WARDSUM_LINES=n`.
//! * `WARDSUM_RUNS=n` plays that many, from `WARDSUM_FROM=n` on. For a night: `WARDSUM_RUNS=1000000
//!   WARDSUM_FROM=$(date +%s) cargo test --release -p wardsum-protocol --test simulation -- --nocapture`.
//!
//! That the simulation finds bugs is checked too: `planted/` holds four, and `planted/check.sh` expects
//! each to be found within 1,000 runs.
//!
//! What is not played: more deliveries than the hospital's window holds, a browser that loses what it
//! kept, and two tabs with one memory, which the page rules out.
#![cfg(not(target_arch = "wasm32"))]
#![allow(unreachable_pub, reason = "the modules of one test")]

mod court;
#[path = "../common/dice.rs"]
mod dice;
mod faults;
mod hospital;
mod invariants;
mod log;
mod network;
mod patient;
mod plan;
mod runs;
mod world;

use runs::{play_all, replay, setting};

/// How many runs a plain `cargo test` plays: about a minute on two cores.
const RUNS: u64 = 5_000;

#[test]
fn every_round_keeps_its_promises() {
    let outcome = if let Some(seed) = setting("WARDSUM_SEED") {
        replay(seed)
    } else {
        let from = setting("WARDSUM_FROM").unwrap_or(0);
        play_all(from..from + setting("WARDSUM_RUNS").unwrap_or(RUNS))
    };
    match outcome {
        Ok(tally) => {
            println!("{tally:?}");
            // Weather in which nothing succeeds would prove little.
            assert!(tally.runs < 100 || tally.gentle_published > tally.gentle / 2, "{tally:?}");
        }
        Err(failed) => {
            let seed = failed.seed;
            if setting("WARDSUM_SEED").is_none() {
                drop(replay(seed));
            }
            panic!("{}\nreplay with WARDSUM_SEED={seed}", failed.why);
        }
    }
}

/// The same seed gives the same run, or nothing could be replayed.
#[test]
fn a_seed_determines_its_run() {
    let trace = |seed| {
        let trace = world::Trace::kept();
        let outcome = runs::play(seed, trace.clone()).is_ok();
        (outcome, trace.last(usize::MAX))
    };
    for seed in 0..3 {
        assert!(trace(seed) == trace(seed), "run {seed} differs from itself");
    }
}

/// `planted/check.sh` takes too long to be run each time. That what it plants still fits is checked here.
#[test]
fn the_planted_bugs_still_apply() {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let planted = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/planted");
    let mut patches = 0;
    for entry in std::fs::read_dir(planted).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            let check = std::process::Command::new("git")
                .args(["apply", "--check"])
                .arg(&path)
                .current_dir(workspace)
                .status();
            assert!(check.expect("git is there").success(), "{}", path.display());
            patches += 1;
        }
    }
    assert_eq!(patches, 4);
}
