//! `hospital researcher` makes, names and revokes researchers, whether a hospital runs or not.

use std::process::Output;

use serde_json::Value;
use wardsum_hospital::native_peer::Connector;

use crate::program::{Program, run};
use crate::test_hospital::{request, within};

fn researcher(program: &Program, args: &[&str]) -> Output {
    let data = program.data();
    let args = [&["researcher"], args, &["--data", data.to_str().unwrap()]].concat();
    run(&args, &program.path(""))
}

#[track_caller]
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn token(said: &str) -> String {
    said.lines().next().unwrap().to_owned()
}

async fn status(connector: &Connector, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    let headers =
        [("Host", "localhost"), ("Connection", "close"), ("Authorization", authorization.as_str())];
    let stream = connector.open_tls().await.unwrap();
    within(request(stream, "/api/v1/researcher/whoami", &headers)).await.status
}

#[tokio::test]
async fn it_works_while_the_hospital_runs_and_while_it_does_not() {
    let program = Program::start(&[]);
    let none = said(&researcher(&program, &["list"]));
    assert!(none.contains("there are no researchers"), "{none}");
    let added = said(&researcher(&program, &["add", "anna", "--role", "editor"]));
    let anna = token(&added);
    assert!(anna.starts_with("wardsum_") && added.contains("shown once"), "{added}");
    assert_eq!(status(&program.connector(), &anna).await, 200);
    let twice = refused(&researcher(&program, &["add", "anna", "--role", "viewer"]));
    assert!(twice.contains("there is a researcher anna already"), "{twice}");

    program.signal("-TERM");
    let stopped = program.stopped();
    let added = said(&researcher(&stopped, &["add", "bert", "--role", "viewer", "--days", "7"]));
    let bert = token(&added);
    assert!(added.contains("for 7 days"), "{added}");
    let listed = said(&researcher(&stopped, &["list"]));
    let lines = listed.lines().collect::<Vec<_>>();
    assert!(lines[0].starts_with("anna  editor  accepted  last used 20"), "{listed}");
    assert!(lines[1].starts_with("bert  viewer  accepted until 20"), "{listed}");
    assert!(lines[1].ends_with("never used"), "{listed}");
    assert!(!listed.contains("wardsum_"), "{listed}");
    said(&researcher(&stopped, &["revoke", "anna"]));

    let program = stopped.restart("-KILL");
    assert_eq!(status(&program.connector(), &anna).await, 401);
    assert_eq!(status(&program.connector(), &bert).await, 200);
    said(&researcher(&program, &["revoke", "bert"]));
    assert_eq!(status(&program.connector(), &bert).await, 401);
    let again = refused(&researcher(&program, &["revoke", "bert"]));
    assert!(again.contains("no researcher bert whose token could be revoked"), "{again}");

    let data = program.data();
    let output = run(&["export", "--data", data.to_str().unwrap()], &program.path(""));
    let export = String::from_utf8(output.stdout).unwrap();
    assert!(!export.contains(&anna[8..]) && !export.contains(&bert[8..]));
    let export: Value = serde_json::from_str(&export).unwrap();
    let audit = export["audit"].as_array().unwrap();
    assert!(
        audit
            .iter()
            .filter(|entry| entry["action"] != "token refused")
            .all(|entry| { entry["actor"].as_str().unwrap().starts_with("uid ") })
    );
    let commands = audit.iter().filter_map(|entry| entry["action"].as_str());
    let commands = commands.filter(|action| action.ends_with("researcher")).collect::<Vec<_>>();
    let (add, revoke) = ("add researcher", "revoke researcher");
    assert_eq!(commands, [add, add, add, revoke, revoke, revoke]);
}

#[test]
fn what_is_no_name_no_role_or_no_time_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    for args in [
        ["add", "a b", "--role", "editor"].as_slice(),
        &["add", "anna", "--role", "owner"],
        &["add", "anna"],
        &["add", "anna", "--role", "editor", "--days", "0"],
    ] {
        let output = run(&[&["researcher"], args].concat(), elsewhere.path());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let output = run(&["researcher", "list", "--data", "nowhere"], elsewhere.path());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("nowhere is not a Wardsum data directory"), "{error}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is made");
}
