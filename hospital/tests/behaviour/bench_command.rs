//! `hospital bench` measures rounds and the relay, and says whether they keep their budgets.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    let tiny = ["--rounds", "3,4:3", "--repeat", "1", "--relay-connections", "3"];
    Command::new(env!("CARGO_BIN_EXE_hospital"))
        .args(["--log", "warn", "bench"])
        .args(tiny)
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn as_json_every_figure_is_there() {
    let output = bench(&["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rounds = measured["rounds"].as_array().unwrap();
    let sizes = |field: &str| rounds.iter().map(|r| r["round"][field].clone()).collect::<Vec<_>>();
    assert_eq!(sizes("patients"), [3, 4]);
    assert_eq!(sizes("committee"), [3, 3]);
    for measured in rounds {
        assert_eq!(measured["round"]["exact"], true);
        for figure in ["connect_us", "round_us", "hospital_cpu_us", "peers_cpu_us"] {
            assert!(measured["round"][figure].as_u64().unwrap() > 0, "{figure} in {measured}");
        }
        for figure in ["shares_ms", "enrolments_ms", "cpu_ms"] {
            assert!(measured["floor"][figure].as_f64().unwrap() > 0.0, "{figure} in {measured}");
        }
    }
    let relay = &measured["relay"];
    // Three contributions, three acknowledgements, and each contribution's share to each of three.
    assert_eq!(relay["messages"], 15);
    for side in ["ours", "bare"] {
        for figure in ["wall_us", "relay_cpu_us", "far_ends_cpu_us"] {
            assert!(relay[side][figure].as_u64().unwrap() > 0, "{figure} in {relay}");
        }
    }
}

#[test]
fn as_text_it_ends_with_the_budgets() {
    let output = bench(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let budgets = text.split("Budgets\n").nth(1).unwrap();
    // Rounds of fewer than 100 have none.
    assert_eq!(budgets.lines().count(), 2, "{text}");
    for line in budgets.lines() {
        assert!(line.ends_with("within") || line.ends_with("MISSED"), "{line}");
    }
}

#[test]
fn a_size_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_hospital"))
        .args(["bench", "--rounds", "3,ten"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("\"ten\" is no size"), "says why");
}
