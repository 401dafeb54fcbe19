//! Studies are made, opened, closed and archived while the hospital runs.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use wardsum_hospital::native_peer::NativePeer;
use wardsum_hospital::store::Role;
use wardsum_protocol::Invitation;
use wardsum_protocol::peer::Event;

use crate::program::{Program, run};
use crate::test_hospital::{
    Answer, TestHospital, connect, published, status, study_of, sum, wait_for, within,
};

fn entry(id: &str) -> Value {
    json!({
        "id": id, "title": "Made here", "organisation": "Ward 7", "question": "How many?", "min": -100, "max": 100,
        "enrolment": { "count": 3 }, "contributing": { "count": 3 },
    })
}

/// A hospital with one study in its file, and an editor.
async fn start() -> (TestHospital, String) {
    let hospital = TestHospital::start(&study_of("in-file", 3)).await;
    let token = hospital.researcher("anna", Role::Editor).await;
    (hospital, token)
}

async fn post(hospital: &TestHospital, token: &str, path: &str) -> Answer {
    hospital.ask(token, "POST", path, None).await
}

async fn listed(hospital: &TestHospital) -> Vec<String> {
    let studies = hospital.get("/api/v1/studies", &[]).await.json();
    let ids = studies["studies"].as_array().unwrap().iter();
    ids.map(|study| study["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_study_goes_from_its_creation_to_its_archive() {
    let (hospital, token) = start().await;
    let created = hospital.ask(&token, "POST", "studies", Some(&entry("made"))).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.header("location"), Some("/api/v1/researcher/studies/made"));
    let study = created.json();
    assert_eq!((&study["state"], &study["source"]), (&json!("open"), &json!("made")));
    assert_eq!(study["made_by"], "researcher anna");
    assert_eq!(study["definition"]["minimum_cohort"], 3, "what was left out is there");
    assert_eq!(study["current"]["phase"], "enrolling");
    assert_eq!(listed(&hospital).await, ["in-file", "made"]);

    hospital.round("made", &[20, 30, -8]).await;
    let result = hospital.ask(&token, "GET", "studies/made/result", None).await.json();
    assert_eq!((&result["result"]["sum"], &result["round"]), (&json!("42"), &json!(1)));
    let conflict = post(&hospital, &token, "studies/made/archive").await;
    assert_eq!(conflict.status, 409);
    assert!(conflict.json()["error"].as_str().unwrap().contains("close it first"));
    let closed = post(&hospital, &token, "studies/made/close").await;
    assert_eq!((closed.status, closed.json()["state"].clone()), (200, json!("closed")));
    assert_eq!(listed(&hospital).await, ["in-file", "made"], "its result stays to be seen");
    assert_eq!(post(&hospital, &token, "studies/made/close").await.status, 409);
    let archived = post(&hospital, &token, "studies/made/archive").await.json();
    assert_eq!((&archived["state"], &archived["current"]), (&json!("archived"), &Value::Null));
    assert_eq!(listed(&hospital).await, ["in-file"]);
    assert_eq!(hospital.get("/api/v1/studies/made", &[]).await.status, 404);

    // What was published stays, also after a restart.
    let hospital = TestHospital::start_again(hospital.stop().await, &study_of("in-file", 3)).await;
    assert_eq!(listed(&hospital).await, ["in-file"]);
    let result = hospital.ask(&token, "GET", "studies/made/result", None).await.json();
    assert_eq!(result["result"]["sum"], "42");
    let transcript = hospital.ask(&token, "GET", "studies/made/transcript", None).await;
    assert_eq!(transcript.status, 200);
    assert_eq!(
        transcript.header("content-disposition"),
        Some("attachment; filename=\"made-1.wardsum\"")
    );
    assert!(!transcript.content.is_empty());
}

#[tokio::test]
async fn a_draft_is_seen_by_researchers_only_until_it_is_opened() {
    let (hospital, token) = start().await;
    let drafted = hospital.ask(&token, "POST", "studies?draft=true", Some(&entry("made"))).await;
    assert_eq!((drafted.status, drafted.json()["state"].clone()), (201, json!("draft")));
    assert_eq!(listed(&hospital).await, ["in-file"]);
    let mut changed = entry("made");
    changed["title"] = "Another title".into();
    let redrafted = hospital.ask(&token, "PUT", "studies/made", Some(&changed)).await.json();
    assert_eq!(redrafted["title"], "Another title");
    changed["id"] = "other".into();
    let renamed = hospital.ask(&token, "PUT", "studies/made", Some(&changed)).await;
    assert_eq!(
        (renamed.status, renamed.json()["problems"][0]["field"].clone()),
        (422, json!("id"))
    );

    let hospital = TestHospital::start_again(hospital.stop().await, &study_of("in-file", 3)).await;
    assert_eq!(listed(&hospital).await, ["in-file"]);
    let file = hospital.ask(&token, "GET", "studies/made/file", None).await;
    assert!(
        file.body.contains("[[study]]\n") && file.body.contains("\"Another title\""),
        "{file:?}"
    );
    let opened = post(&hospital, &token, "studies/made/open").await.json();
    assert_eq!(
        (&opened["state"], &opened["current"]["title"]),
        (&json!("open"), &json!("Another title"))
    );
    assert_eq!(post(&hospital, &token, "studies/made/open").await.status, 409);
    changed["id"] = "made".into();
    assert_eq!(hospital.ask(&token, "PUT", "studies/made", Some(&changed)).await.status, 409);
    hospital.round("made", &[1, 2, 3]).await;
}

#[tokio::test]
async fn an_open_study_goes_on_after_a_restart_and_a_closed_one_opens_no_round() {
    let (hospital, token) = start().await;
    for id in ["goes-on", "closed"] {
        let mut entry = entry(id);
        entry["reopen"] = true.into();
        assert_eq!(hospital.ask(&token, "POST", "studies", Some(&entry)).await.status, 201);
    }
    hospital.round("goes-on", &[1, 2, 3]).await;
    assert_eq!(post(&hospital, &token, "studies/closed/close").await.status, 200);
    // The round that is open goes on to its end.
    hospital.round("closed", &[4, 5, 6]).await;
    let hospital = TestHospital::start_again(hospital.stop().await, &study_of("in-file", 3)).await;
    let second = async {
        while hospital.status("goes-on").await["round"] != 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(second).await;
    assert_eq!(hospital.status("goes-on").await["previous"][0]["sum"], "6");
    let closed = hospital.status("closed").await;
    assert_eq!((&closed["round"], &closed["phase"]), (&json!(1), &json!("published")));
    assert_eq!(closed["result"]["sum"], "15");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_its_field_and_nothing_is_made() {
    let (hospital, token) = start().await;
    let mut wrong = entry("made");
    wrong["title"] = "".into();
    wrong["max"] = json!(-200);
    wrong["committee"] = json!(3);
    wrong["enrolment"] = json!({ "count": 2, "settle_seconds": "soon" });
    let answer = hospital.ask(&token, "POST", "studies", Some(&wrong)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let problems = answer.json()["problems"].as_array().unwrap().clone();
    let fields = problems.iter().map(|problem| problem["field"].as_str().unwrap());
    let expected = ["committee", "enrolment.count", "enrolment.settle_seconds", "max", "title"];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
    assert!(problems.iter().all(|problem| !problem["message"].as_str().unwrap().is_empty()));
    assert_eq!(hospital.ask(&token, "GET", "studies/made", None).await.status, 404);
    assert_eq!(listed(&hospital).await, ["in-file"]);
}

/// How many entries of the audit log have this action and begin like this.
async fn audited(hospital: &TestHospital, token: &str, action: &str, detail: &str) -> usize {
    let audit = hospital.ask(token, "GET", "audit", None).await.json();
    let entries = audit["entries"].as_array().unwrap().iter();
    let about = |entry: &&Value| {
        entry["action"] == action && entry["detail"].as_str().unwrap().starts_with(detail)
    };
    entries.filter(about).count()
}

#[tokio::test]
async fn a_study_is_opened_wholly_although_whoever_asked_for_it_has_gone() {
    let (hospital, token) = start().await;
    let ids = (0..6).map(|number| format!("gone-{number}")).collect::<Vec<_>>();
    for (id, wait) in ids.iter().zip([0, 2, 4, 8, 16, 1_000]) {
        let draft = hospital.ask(&token, "POST", "studies?draft=true", Some(&entry(id))).await;
        assert_eq!(draft.status, 201);
        let request = format!(
            "POST /api/v1/researcher/studies/{id}/open HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        let mut stream = hospital.connector.open_tls().await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // At different moments of what the hospital does about it.
        tokio::time::sleep(Duration::from_millis(wait)).await;
        stream.shutdown().await.unwrap();
    }
    assert!(audited(&hospital, &token, "open study", "").await > 0);
    for id in &ids {
        let begun = audited(&hospital, &token, "open study", &format!("study \"{id}\"")).await;
        let done = format!("open study: study \"{id}\" is open");
        within(async {
            while audited(&hospital, &token, "done", &done).await < begun {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(listed(&hospital).await.contains(id), begun == 1, "{id}");
    }
}

#[tokio::test]
async fn of_two_who_make_the_same_study_one_does() {
    let (hospital, token) = start().await;
    let other = hospital.researcher("bert", Role::Editor).await;
    let made = entry("made");
    let (first, second) = tokio::join!(
        hospital.ask(&token, "POST", "studies", Some(&made)),
        hospital.ask(&other, "POST", "studies", Some(&made))
    );
    let (made, refused) = if first.status == 201 { (first, second) } else { (second, first) };
    assert_eq!((made.status, refused.status), (201, 409), "{made:?} {refused:?}");
    let by = made.json()["made_by"].as_str().unwrap().to_owned();
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains(&format!("already, open, made by {by}")), "{error}");
    assert_eq!(listed(&hospital).await, ["in-file", "made"]);
}

#[tokio::test]
async fn an_id_stands_for_one_study_for_ever() {
    let (hospital, token) = start().await;
    for (entry, text) in [
        (entry("in-file"), "in the studies file"),
        (entry("made"), ""),
        (entry("made"), "already, open, made by researcher anna"),
    ] {
        let answer = hospital.ask(&token, "POST", "studies", Some(&entry)).await;
        if text.is_empty() {
            assert_eq!(answer.status, 201);
        } else {
            assert_eq!(answer.status, 409);
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains(text), "{error}");
        }
    }
    // A study that has left the file has left its rounds.
    let hospital = TestHospital::start_again(hospital.stop().await, &study_of("other", 3)).await;
    let answer = hospital.ask(&token, "POST", "studies", Some(&entry("in-file"))).await;
    assert_eq!(answer.status, 409);
    assert!(answer.json()["error"].as_str().unwrap().contains("has rounds of a study"));
}

#[tokio::test]
async fn a_file_with_the_id_of_a_study_that_was_made_is_refused() {
    let program = Program::start(&[]);
    fs::write(program.path("made.toml"), study_of("made", 3)).unwrap();
    let data = program.data();
    let data = data.to_str().unwrap();
    let output = run(&["study", "create", "--data", data, "made.toml"], &program.path(""));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    program.signal("-TERM");
    let stopped = program.stopped();
    fs::write(stopped.path("studies.toml"), study_of("made", 3)).unwrap();
    let output = run(&["serve", "--listen", "127.0.0.1:0"], &stopped.path(""));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("study made") && error.contains("another id"), "{error}");
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let program = Program::start(&[]);
    let rule = "by_command = true";
    fs::write(program.path("made.toml"), study_of("made", 3).replace("count = 3", rule)).unwrap();
    let data = program.data();
    let study = |args: &[&str]| {
        let args = [&["study"], args, &["--data", data.to_str().unwrap()]].concat();
        let output = run(&args, &program.path(""));
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(
        study(&["create", "made.toml", "--draft"]),
        (Some(0), "study \"made\" is draft\n".to_owned())
    );
    let (code, said) = study(&["create", "made.toml"]);
    assert!(code == Some(1) && said.contains("already, draft, made by uid "), "{said}");
    assert_eq!(study(&["open", "--study", "made"]).0, Some(0));
    let (_, said) = study(&["list"]);
    assert!(said.contains("study  in the studies file  round 1 is enrolling\n"), "{said}");
    assert!(
        said.contains("made  open, made by uid ") && said.contains("round 1 is enrolling"),
        "{said}"
    );

    let mut peers = Vec::new();
    for answer in [20, 30, -8] {
        let mut peer = connect(&program.connector(), "made").await;
        peer.answer_number(answer).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::Enrolled)).await;
        peers.push(peer);
    }
    assert_eq!(study(&["close", "--study", "made"]).0, Some(0));
    assert_eq!(study(&["close", "--study", "made", "--for-good"]).0, Some(0));
    let (code, said) = study(&["archive", "--study", "made"]);
    assert!(code == Some(1) && said.contains("it can be archived when that is over"), "{said}");
    for peer in &mut peers {
        wait_for(peer, |event| matches!(event, Event::ContributionAcknowledged)).await;
    }
    assert_eq!(study(&["close", "--study", "made", "--phase", "contributing"]).0, Some(0));
    assert!(published(peers).await.iter().all(|published| sum(&published.aggregate) == 42));
    assert_eq!(study(&["archive", "--study", "made"]).0, Some(0));
    let (code, said) = study(&["close", "--study", "study", "--for-good"]);
    assert!(
        code == Some(1) && said.contains("is in the studies file, and is changed there"),
        "{said}"
    );

    fs::write(program.path("wrong.toml"), study_of("wrong", 2)).unwrap();
    let (code, said) = study(&["create", "wrong.toml"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("enrolment.count: ") && said.contains("contributing.count: "), "{said}");
}

#[tokio::test]
async fn a_hospital_may_begin_without_any_study_and_ask_a_questionnaire_of_fhir() {
    let program = Program::with_studies("", &[]);
    let phq_9 = include_str!("../../questionnaires/phq-9.fhir.json");
    fs::create_dir(program.path("drafts")).unwrap();
    fs::write(program.path("drafts/phq-9.fhir.json"), phq_9).unwrap();
    let study = "[[study]]\nid = \"phq-9\"\norganisation = \"Ward 7\"\n\
         questionnaire = \"phq-9.fhir.json\"\n[study.enrolment]\ncount = 3\n";
    fs::write(program.path("drafts/study.toml"), study).unwrap();
    let gone = study.replace("phq-9.fhir", "gone");
    fs::write(program.path("drafts/gone.toml"), gone).unwrap();
    let data = program.data();
    let create = |file: &str| {
        run(&["study", "create", file, "--data", data.to_str().unwrap()], &program.path(""))
    };
    let refused = create("drafts/gone.toml");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("the questionnaire drafts/gone.json cannot be read"), "{error}");
    let created = create("drafts/study.toml");
    assert_eq!(created.status.code(), Some(0), "{created:?}");
    let shown = status(&program.connector(), "phq-9").await;
    assert_eq!(
        (&shown["title"], &shown["questions"]),
        (&json!("Patient Health Questionnaire (PHQ-9)"), &json!(9))
    );
}

#[tokio::test]
async fn an_invited_study_is_opened_with_its_authority() {
    let (hospital, token) = start().await;
    let mut invited = entry("invited");
    invited["admission"] = json!({});
    let at_once = hospital.ask(&token, "POST", "studies", Some(&invited)).await;
    assert_eq!(at_once.status, 422);
    assert_eq!(at_once.json()["problems"][0]["field"], "admission.authority");
    let drafted = hospital.ask(&token, "POST", "studies?draft=true", Some(&invited)).await.json();
    assert_eq!((&drafted["invited"], &drafted["invited_digest"]), (&json!(true), &Value::Null));
    assert_eq!(post(&hospital, &token, "studies/invited/open").await.status, 422);

    // The authority, on its own machine, makes invitations for the file that it was given.
    let machine = tempfile::tempdir().unwrap();
    let file = hospital.ask(&token, "GET", "studies/invited/file", None).await;
    fs::write(machine.path().join("study.toml"), &file.body).unwrap();
    let address = "https://ward.example/";
    let args =
        ["invite", "study.toml", "--count", "3", "--address", address, "--out", "out", "--no-page"];
    let output = run(&args, machine.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let made = fs::read_to_string(machine.path().join("out/study.toml")).unwrap();
    let line = |name: &str| {
        let line = made.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")));
        line.unwrap().trim_end_matches('"').to_owned()
    };
    let secret = fs::read_to_string(machine.path().join("out/authority.key")).unwrap();
    let wrong = json!({ "authority": secret });
    let refused = hospital.ask(&token, "PUT", "studies/invited/authority", Some(&wrong)).await;
    assert_eq!(
        (refused.status, refused.json()["problems"][0]["field"].clone()),
        (422, json!("authority"))
    );
    let key = json!({ "authority": line("authority"), "instance": line("instance") });
    let set = hospital.ask(&token, "PUT", "studies/invited/authority", Some(&key)).await.json();
    let digest = set["invited_digest"].as_str().unwrap();
    assert!(made.contains(&format!("# Study digest: {digest}\n")), "{made}");
    assert_eq!(post(&hospital, &token, "studies/invited/open").await.status, 200);

    let links = fs::read_to_string(machine.path().join("out/links.txt")).unwrap();
    let mut peers = Vec::new();
    for (address, answer) in links.lines().zip([20, 30, -8]) {
        let invitation = Invitation::parse(address.split_once('#').unwrap().1).unwrap();
        let connector = &hospital.connector;
        let peer = NativePeer::connect_invited(connector, "invited", invitation);
        let mut peer = peer.await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_))).await;
        peer.answer_number(answer).await.unwrap();
        peers.push(peer);
    }
    assert!(published(peers).await.iter().all(|published| sum(&published.aggregate) == 42));
    let used = hospital.ask(&token, "GET", "studies/invited/invitations", None).await.json();
    assert_eq!((&used["used_to_enrol"], &used["digest"]), (&json!(3), &json!(digest)));
    // Nothing of what is secret has come to the hospital's log of what was done.
    let audit = hospital.ask(&token, "GET", "audit", None).await.body;
    let secret = secret.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap();
    assert!(!audit.contains(secret) && audit.contains(&line("authority")), "{audit}");
}
