//! `hospital simulate` runs a round and says in one line of JSON how it went.

use std::process::{Command, Output};

use serde_json::Value;

fn simulate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hospital")).arg("simulate").args(args).output().unwrap()
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn given_values_add_up() {
    let output = simulate(&["--values", "3,1,4", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = last_line(&output);
    assert_eq!(report["patients"], 3);
    assert_eq!(report["committee"], 3);
    assert_eq!(report["threshold"], 3);
    assert_eq!(report["accepted"], 3);
    assert_eq!(report["sum"], 8);
    assert_eq!(report["expected"], 8);
    assert_eq!(report["exact"], true);
    for number in ["wall_ms", "bytes_up", "bytes_down"] {
        assert!(report[number].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn drawn_values_follow_from_the_seed() {
    let expected = || {
        let args =
            ["--patients", "5", "--committee", "4", "--seed", "7", "--suite", "x25519", "--json"];
        let report = last_line(&simulate(&args));
        assert_eq!((&report["exact"], &report["committee"]), (&true.into(), &4.into()));
        report["expected"].clone()
    };
    assert_eq!(expected(), expected());
}

#[test]
fn a_round_that_cannot_be_over_in_time_fails_with_a_reason() {
    // 62,500 shares to seal and to open are more than a second's work for a dozen cores.
    let args = ["--patients", "250", "--committee", "250", "--deadline-seconds", "1", "--json"];
    let output = simulate(&args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = last_line(&output);
    assert_eq!(report["exact"], false);
    assert!(report["reason"].as_str().unwrap().contains("not over after 1 s"), "{report}");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    for (args, text) in [
        (&["--patients", "2"][..], "3 (minimum_cohort)"),
        (&["--patients", "5", "--committee", "2"], "committee_cap is 2"),
        (&["--patients", "4", "--values", "1,2,3"], "3 answers for 4 patients"),
        (&["--values", "1,two,3"], "two"),
    ] {
        let output = simulate(args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(text), "{error}");
    }
}
