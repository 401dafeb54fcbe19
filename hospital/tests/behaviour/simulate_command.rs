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
    for nothing in ["dropped", "reconnects", "restarts"] {
        assert_eq!(report[nothing], 0, "{report}");
    }
    for number in ["wall_ms", "bytes_up", "bytes_down"] {
        assert!(report[number].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn an_invited_round_adds_up_with_those_who_may_not_serve() {
    let args = ["--invited", "--patients", "9", "--committee", "4", "--suite", "x25519", "--json"];
    let output = simulate(&args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = last_line(&output);
    assert_eq!((&report["invited"], &report["exact"]), (&true.into(), &true.into()));
    assert_eq!((&report["committee"], &report["accepted"]), (&4.into(), &9.into()));
}

#[test]
fn invited_peers_come_back_to_a_hospital_that_was_killed() {
    let args = ["--invited", "--patients", "8", "--committee", "4", "--suite", "x25519", "--json"];
    let mishaps = ["--kill-hospital", "1", "--flaky", "10"];
    let report = last_line(&simulate(&[&args[..], &mishaps].concat()));
    assert_eq!((&report["exact"], &report["accepted"]), (&true.into(), &8.into()), "{report}");
    assert_eq!(report["restarts"], 1, "{report}");
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
    assert_eq!((&report["sum"], &report["exact"]), (&Value::Null, &false.into()));
    // How far it came by then depends on the computer: too few contributions, or too few members left.
    assert!(report["reason"].as_str().unwrap().contains("the round ended: too "), "{report}");
}

/// Lets some of so many peers vanish; returns what the result says, having checked what it must.
fn simulate_drops(patients: &str, drop: &str, exact: bool) -> Value {
    let args = ["--patients", patients, "--drop", drop, "--deadline-seconds", "10"];
    let output = simulate(&[&args[..], &["--suite", "x25519", "--json"]].concat());
    assert_eq!(output.status.code(), Some(i32::from(!exact)), "{output:?}");
    let report = last_line(&output);
    assert_eq!(report["exact"], exact, "{report}");
    assert_eq!(report["dropped"].to_string(), drop.split('@').next().unwrap(), "{report}");
    if exact {
        assert_eq!((&report["sum"], &report["reason"]), (&report["expected"], &Value::Null));
    } else {
        assert_eq!((&report["sum"], &report["accepted"]), (&Value::Null, &0.into()));
    }
    report
}

#[test]
fn members_beyond_the_threshold_may_vanish_before_they_add_up() {
    assert_eq!(simulate_drops("7", "2@before-partial", true)["accepted"], 7);
    let reason = &simulate_drops("7", "3@before-partial", false)["reason"];
    assert_eq!(*reason, "the round ended: too few partial sums arrived in time: 4 of at least 5");
}

#[test]
fn members_beyond_the_threshold_may_vanish_once_they_have_contributed() {
    assert_eq!(simulate_drops("4", "1@contributed", true)["accepted"], 4);
    let reason = &simulate_drops("4", "2@contributed", false)["reason"];
    assert_eq!(
        *reason,
        "the round ended: too few patients' devices checked the answers in time: 2 of at least 3"
    );
}

#[test]
fn members_beyond_the_threshold_may_vanish_before_they_verify() {
    assert_eq!(simulate_drops("7", "2@before-verification", true)["accepted"], 7);
    let reason = &simulate_drops("7", "3@before-verification", false)["reason"];
    assert_eq!(
        *reason,
        "the round ended: too few patients' devices checked the answers in time: 4 of at least 5"
    );
}

/// Lets some of so many patients cheat; returns what the result says.
fn simulate_cheats(patients: &str, cheats: &[&str], exact: bool) -> Value {
    let mut args = vec!["--patients", patients, "--deadline-seconds", "20", "--suite", "x25519"];
    args.extend(cheats.iter().flat_map(|cheat| ["--cheat", cheat]));
    args.push("--json");
    let output = simulate(&args);
    assert_eq!(output.status.code(), Some(i32::from(!exact)), "{output:?}");
    let report = last_line(&output);
    assert_eq!(report["exact"], exact, "{report}");
    report
}

/// Of ten members (T = 7) three may be left out, and three decline because their answers are not valid.
#[test]
fn answers_that_are_not_valid_are_not_counted_and_the_others_are_exactly() {
    for cheat in
        ["3@out-of-range", "3@bad-proof", "3@bad-share", "3@unopenable-share", "3@bad-degree"]
    {
        let report = simulate_cheats("10", &[cheat], true);
        assert_eq!(
            (&report["rejected"], &report["accepted"]),
            (&3.into(), &7.into()),
            "{cheat}: {report}"
        );
    }
}

/// In a round of three all are needed: one answer that is not valid leaves too few.
#[test]
fn a_round_of_three_ends_without_a_sum_if_one_answer_is_not_valid() {
    let reason = &simulate_cheats("3", &["1@out-of-range"], false)["reason"];
    assert_eq!(*reason, "the round ended: too few answers were valid: 2 of at least 3");
}

/// Of ten members (T = 7) one that is wrong is corrected, and one beyond that ends the round.
#[test]
fn members_that_cheat_are_corrected_up_to_the_bound_and_never_believed() {
    let report = simulate_cheats("10", &["1@wrong-partial"], true);
    assert_eq!((&report["corrected"], &report["accepted"]), (&1.into(), &10.into()), "{report}");
    let report = simulate_cheats("10", &["1@wrong-verifier"], true);
    assert_eq!((&report["left_out"], &report["accepted"]), (&1.into(), &10.into()), "{report}");
    let report = simulate_cheats("10", &["3@false-dispute"], true);
    assert_eq!((&report["left_out"], &report["accepted"]), (&3.into(), &10.into()), "{report}");
    for (cheat, reason) in [
        ("2@wrong-partial", "the partial sums contradict each other"),
        ("2@wrong-verifier", "too few answers were valid"),
        ("4@false-dispute", "too few answers were valid"),
    ] {
        let report = simulate_cheats("10", &[cheat], false);
        assert!(report["reason"].as_str().unwrap().contains(reason), "{cheat}: {report}");
    }
}

#[test]
fn members_beyond_the_threshold_may_vanish_before_they_contribute() {
    let report = simulate_drops("4", "1@seated", true);
    assert_eq!((&report["accepted"], &report["committee"]), (&3.into(), &4.into()), "{report}");
    let reason = &simulate_drops("7", "3@seated", false)["reason"];
    assert_eq!(*reason, "the round ended: too many committee members left: 4 of at least 5 remain");
}

#[test]
fn the_committee_is_fixed_without_those_who_vanish_before() {
    let report = simulate_drops("4", "1@enrolled", true);
    assert_eq!((&report["accepted"], &report["committee"]), (&3.into(), &3.into()), "{report}");
    let reason = &simulate_drops("4", "2@enrolled", false)["reason"];
    assert_eq!(*reason, "the round ended: too few people took part: 2 of at least 3");
}

#[test]
fn a_round_without_anybody_left_ends_at_its_deadline() {
    simulate_drops("3", "3@before-partial", false);
}

#[test]
fn broken_connections_are_made_again_and_lose_nothing() {
    let args = ["--patients", "12", "--flaky", "50", "--seed", "3", "--suite", "x25519", "--json"];
    let output = simulate(&args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = last_line(&output);
    assert_eq!((&report["exact"], &report["accepted"]), (&true.into(), &12.into()), "{report}");
    assert!(report["reconnects"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_hospital_that_is_killed_again_and_again_loses_nothing() {
    let args = ["--patients", "8", "--kill-hospital", "5", "--seed", "4", "--json"];
    let output = simulate(&args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = last_line(&output);
    assert_eq!((&report["exact"], &report["accepted"]), (&true.into(), &8.into()), "{report}");
    assert_eq!(report["restarts"], 5, "{report}");
    assert!(report["reconnects"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    for (args, text) in [
        (&["--patients", "2"][..], "3 (minimum_cohort)"),
        (&["--patients", "5", "--committee", "2"], "committee_cap is 2"),
        (&["--patients", "4", "--values", "1,2,3"], "3 answers for 4 patients"),
        (&["--values", "1,two,3"], "two"),
        (&["--drop", "1@lunch"], "before-partial"),
        (&["--drop", "0@enrolled"], "before-partial"),
        (&["--patients", "5", "--drop", "3@enrolled", "--drop", "3@contributed"], "6 peers"),
        (&["--flaky", "101"], "101"),
        (&["--cheat", "1@lunch"], "wrong-partial"),
    ] {
        let output = simulate(args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(text), "{error}");
    }
}
