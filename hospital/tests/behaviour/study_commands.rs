//! `hospital study close` tells the hospital that runs on a data directory what to do with a study.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;
use wardsum_hospital::native_peer::NativePeer;
use wardsum_protocol::peer::Event;

use crate::program::{Program, run};
use crate::test_hospital::{connect, published, status, study_of, sum, wait_for};

/// A study whose phases close by command only, within the hour.
fn by_command() -> String {
    let rule = "by_command = true\ndeadline_seconds = 3600";
    study_of("study", 3).replace("count = 3", rule)
}

fn close(program: &Program, args: &[&str]) -> Output {
    let data = program.data();
    let args = [&["study", "close", "--data", data.to_str().unwrap()], args].concat();
    run(&args, &program.path(""))
}

/// The command was carried out; what it said.
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The command was refused for this reason.
fn assert_refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(error.contains(reason), "{error}");
}

/// What the audit log says was done, and to what.
fn audited(program: &Program) -> Vec<(String, String)> {
    let data = program.data();
    let output = run(&["export", "--data", data.to_str().unwrap()], &program.path(""));
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = export["audit"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            assert!(entry["actor"].as_str().unwrap().starts_with("uid "), "{entry}");
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            (text("action"), text("detail"))
        })
        .collect()
}

async fn three_answer(program: &Program) -> Vec<NativePeer> {
    let mut peers = Vec::new();
    for answer in [20, 30, -8] {
        let mut peer = connect(&program.connector(), "study").await;
        peer.answer_number(answer).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::Enrolled)).await;
        peers.push(peer);
    }
    peers
}

#[tokio::test]
async fn both_phases_close_by_command() {
    let program = Program::with_studies(&by_command(), &[]);
    let mut peers = three_answer(&program).await;
    assert_refused(
        &close(&program, &["--study", "study", "--phase", "contributing"]),
        "round 1 of study \"study\" is enrolling, so contributing cannot be closed",
    );

    let said = done(&close(&program, &["--study", "study"]));
    assert!(said.contains("enrolment is closed") && said.contains("committee of 3"), "{said}");
    let contributed = |event: &Event| matches!(event, Event::ContributionAcknowledged);
    for peer in &mut peers {
        wait_for(peer, contributed).await;
    }
    assert_refused(
        &close(&program, &["--study", "study", "--phase", "enrolment"]),
        "is contributing, so enrolment cannot be closed",
    );
    assert_eq!(status(&program.connector(), "study").await["phase"], "contributing");
    let said = done(&close(&program, &["--study", "study", "--phase", "contributing"]));
    assert!(said.contains("3 contributions"), "{said}");

    assert!(published(peers).await.iter().all(|published| sum(&published.aggregate) == 42));
    assert_refused(&close(&program, &["--study", "study"]), "is published already");
    let round = "round 1 of study \"study\"".to_owned();
    let audited = audited(&program);
    let actions = audited.iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>();
    let expected =
        ["refused", "close enrolment", "done", "refused", "close contributing", "done", "refused"];
    assert_eq!(actions, expected);
    assert_eq!((&audited[1].1, &audited[4].1), (&round, &round));
    assert!(audited[2].1.starts_with("close enrolment: enrolment is closed"), "{audited:?}");
    assert!(audited[3].1.starts_with("close enrolment, round 1"), "{audited:?}");
}

#[tokio::test]
async fn closing_enrolment_too_early_ends_the_round_and_says_so() {
    let program = Program::with_studies(&by_command(), &[]);
    let said = done(&close(&program, &["--study", "study"]));
    assert!(said.contains("ended without a result: too few people"), "{said}");
    assert_eq!(status(&program.connector(), "study").await["phase"], "ended");
}

#[tokio::test]
async fn what_the_rules_do_not_allow_is_refused() {
    let program = Program::start(&[]);
    let output = close(&program, &["--study", "study"]);
    assert_refused(&output, "do not let enrolment be closed by command");
    assert_refused(&output, "`by_command = true` under [study.enrolment]");
    let audited = audited(&program);
    let [(action, detail)] = audited.as_slice() else { panic!("{audited:?}") };
    assert!(action == "refused" && detail.contains("by command"), "{detail}");
}

#[tokio::test]
async fn any_round_can_be_aborted() {
    let program = Program::start(&[]);
    let mut peers = three_answer(&program).await;

    let said = done(&close(&program, &["--study", "study", "--abort"]));

    assert!(said.contains("has ended without a result"), "{said}");
    for peer in &mut peers {
        while let Some(event) = peer.next_event().await {
            assert!(!matches!(event, Event::Published(_)), "{event:?}");
        }
        assert_eq!(peer.failure().map(|failure| failure.code()), Some("round-ended"));
    }
    // It stays so.
    let program = program.restart("-KILL");
    assert_eq!(status(&program.connector(), "study").await["phase"], "ended");
}

#[test]
fn an_unknown_study_is_refused_with_those_that_there_are() {
    let program = Program::start(&[]);
    let output = close(&program, &["--study", "nobody"]);
    assert_refused(&output, "this hospital has no study \"nobody\"; it has study");
}

#[test]
fn without_a_hospital_it_says_so_even_if_a_killed_one_has_left_its_socket() {
    let elsewhere = tempfile::tempdir().unwrap();
    let args = ["study", "close", "--data", "nowhere", "--study", "study"];
    assert_refused(&run(&args, elsewhere.path()), "no hospital is running on nowhere");

    let program = Program::start(&[]);
    let socket = program.data().join("control.sock");
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    program.signal("-KILL");
    let stopped = program.stopped();
    assert!(socket.exists(), "nobody could remove it");
    assert_refused(&close(&stopped, &["--study", "study"]), "no hospital is running on");

    let program = stopped.restart("-KILL");
    done(&close(&program, &["--study", "study", "--abort"]));
    program.signal("-TERM");
    program.stopped();
    assert!(!socket.exists(), "a hospital that stops takes its socket along");
}
