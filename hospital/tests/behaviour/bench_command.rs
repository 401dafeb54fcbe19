//! `hospital bench` measures rounds and the relay, and says whether they keep their budgets.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    let tiny = ["--rounds", "3,4:3", "--repeat", "1", "--relay-connections", "3"];
    let small = ["--recovered-contributions", "20"];
    Command::new(env!("CARGO_BIN_EXE_hospital"))
        .args(["--log", "warn", "bench"])
        .args(tiny)
        .args(small)
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
    let store = &measured["store"];
    let rates = store["rates"].as_array().unwrap();
    let appenders = rates.iter().map(|rate| rate["appenders"].clone()).collect::<Vec<_>>();
    assert_eq!(appenders, [1, 8, 64]);
    for rate in rates {
        let figure = |name: &str| rate[name].as_u64().unwrap();
        assert!(figure("wall_us") > 0, "{rate}");
        assert!((1..=figure("appends")).contains(&figure("transactions")), "{rate}");
    }
    assert_eq!(store["recovery"]["contributions"], 20);
    assert!(store["recovery"]["open_us"].as_u64().unwrap() > 0, "{store}");
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

#[test]
fn an_abused_hospital_is_exact_and_says_what_that_costs() {
    let output = Command::new(env!("CARGO_BIN_EXE_hospital"))
        .args(["--log", "warn", "bench", "--abuse", "20,3,5", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let abuse: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(abuse["exact"], true);
    assert_eq!((&abuse["idle"], &abuse["idle_left"]), (&20.into(), &20.into()));
    for figure in ["quiet_round_us", "abused_round_us", "flood_messages", "idle_rss_kib"] {
        assert!(abuse[figure].as_u64().unwrap() > 0, "{figure} in {abuse}");
    }
}
