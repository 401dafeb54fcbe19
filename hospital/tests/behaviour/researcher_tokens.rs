//! The researcher's API is for whoever has a token, and changes are for editors.

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use wardsum_hospital::control::ResearcherCommand;
use wardsum_hospital::store::Role;

use crate::test_hospital::{Answer, TestHospital, request, study_of};

async fn start() -> TestHospital {
    TestHospital::start(&study_of("study", 3)).await
}

fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    answer.json()["error"].as_str().unwrap().to_owned()
}

fn draft() -> Value {
    json!({
        "id": "made", "title": "Made", "organisation": "Ward", "question": "How many?", "min": 0, "max": 10,
        "enrolment": { "count": 3 },
    })
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_see() {
    let hospital = start().await;
    let token = hospital.researcher("anna", Role::Editor).await;
    for path in
        ["whoami", "studies", "studies/study", "studies/nobody", "audit", "studies/study/events"]
    {
        let path = format!("/api/v1/researcher/{path}");
        let answer = hospital.get(&path, &[]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"wardsum\""));
        assert!(error(&answer).contains("Authorization: Bearer"), "{answer:?}");
    }
    let who = hospital.ask(&token, "GET", "whoami", None).await;
    assert_eq!(who.status, 200);
    assert_eq!(who.header("cache-control"), Some("no-store"));
    assert_eq!(who.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(who.json(), json!({ "name": "anna", "role": "editor", "expires_unix_ms": null }));
    let cut = &token[..token.len() - 1];
    for wrong in [cut, "wardsum_", "", "null"] {
        let answer = hospital.ask(wrong, "GET", "whoami", None).await;
        assert_eq!(answer.status, 401, "{wrong}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(!answer.body.contains(cut), "{answer:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_any_more() {
    let hospital = start().await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let other = hospital.researcher("bert", Role::Viewer).await;
    assert_eq!(hospital.ask(&token, "GET", "studies", None).await.status, 200);
    hospital.tell(ResearcherCommand::Revoke { name: "anna".parse().unwrap() }).await;
    let answer = hospital.ask(&token, "GET", "studies", None).await;
    assert_eq!(answer.status, 401);
    assert!(error(&answer).contains("the token of anna was revoked"), "{answer:?}");
    assert_eq!(hospital.ask(&token, "POST", "studies", Some(&draft())).await.status, 401);
    // Nobody else is concerned, and it stays so.
    assert_eq!(hospital.ask(&other, "GET", "studies", None).await.status, 200);
    let hospital = TestHospital::start_again(hospital.stop().await, &study_of("study", 3)).await;
    assert_eq!(hospital.ask(&token, "GET", "studies", None).await.status, 401);
    assert_eq!(hospital.ask(&other, "GET", "studies", None).await.status, 200);
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let hospital = start().await;
    let viewer = hospital.researcher("bert", Role::Viewer).await;
    for path in ["studies", "studies/study", "audit"] {
        assert_eq!(hospital.ask(&viewer, "GET", path, None).await.status, 200, "{path}");
    }
    let abort = json!({ "round": 1 });
    for (method, path, body) in [
        ("POST", "studies", Some(draft())),
        ("POST", "studies?draft=true", Some(draft())),
        ("PUT", "studies/study", Some(draft())),
        ("POST", "studies/study/round/abort", Some(abort)),
        ("POST", "studies/study/close", None),
    ] {
        let answer = hospital.ask(&viewer, method, path, body.as_ref()).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.header("www-authenticate").unwrap().contains("insufficient_scope"));
        assert!(error(&answer).contains("a viewer's"), "{answer:?}");
    }
    assert_eq!(hospital.status("study").await["phase"], "enrolling");
    let audit = hospital.ask(&viewer, "GET", "audit?limit=1", None).await.json();
    let entry = &audit["entries"][0];
    assert_eq!((&entry["actor"], &entry["action"]), (&json!("researcher bert"), &json!("refused")));
    assert!(entry["detail"].as_str().unwrap().contains("studies/study/close"), "{entry}");
}

#[tokio::test]
async fn who_guesses_is_told_to_wait_and_whoever_has_a_token_is_not() {
    let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operators = ops.local_addr().unwrap();
    let hospital =
        TestHospital::start_with(&study_of("study", 3), |config| config.ops = Some(ops)).await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let guess = format!("wardsum_{}", "A".repeat(43));
    let mut waits = 0;
    for _ in 0..15 {
        let answer = hospital.ask(&guess, "GET", "whoami", None).await;
        match answer.status {
            401 => assert_eq!(waits, 0),
            429 => {
                waits += 1;
                let wait = answer.header("retry-after").unwrap().parse::<u64>().unwrap();
                assert!((1..=61).contains(&wait), "{wait}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(waits, 5);
    assert_eq!(hospital.ask(&token, "GET", "whoami", None).await.status, 200);

    let audit = hospital.ask(&token, "GET", "audit", None).await.json();
    let entries = audit["entries"].as_array().unwrap().iter();
    let refused = entries.filter(|entry| entry["action"] == "token refused").collect::<Vec<_>>();
    assert_eq!(refused.len(), 1, "one a minute");
    assert_eq!(refused[0]["actor"], "somebody");
    assert_eq!(refused[0]["detail"], "unknown, from 127.0.0.1");
    assert!(!audit.to_string().contains(&guess[8..]));

    let stream = TcpStream::connect(operators).await.unwrap();
    let figures =
        request(stream, "/metrics", &[("Host", "operators"), ("Connection", "close")]).await;
    for (reason, count) in [("unknown", 10), ("too_many", 5), ("missing", 0), ("role", 0)] {
        let line = format!("wardsum_refused_tokens_total{{reason=\"{reason}\"}} {count}\n");
        assert!(figures.body.contains(&line), "{line} in {}", figures.body);
    }
}

#[tokio::test]
async fn a_stolen_token_changes_so_much_in_a_minute_and_no_more() {
    let hospital = start().await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let mut refused = 0;
    for _ in 0..70 {
        let answer = hospital.ask(&token, "POST", "studies/study/close", None).await;
        match answer.status {
            409 => assert_eq!(refused, 0),
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(refused, 10);
    assert_eq!(hospital.ask(&token, "GET", "whoami", None).await.status, 200, "looking is free");
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_even_with_a_token() {
    let hospital = start().await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let authorization = format!("Bearer {token}");
    let own = format!("https://localhost:{}", hospital.address.port());
    for (origin, status) in [(own.as_str(), 200), ("https://evil.example", 403), ("null", 403)] {
        let headers = [("Authorization", authorization.as_str()), ("Origin", origin)];
        let answer = hospital.get("/api/v1/researcher/whoami", &headers).await;
        assert_eq!(answer.status, status, "{origin}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    // No other page may send the header at all: a browser asks first, and is told nothing.
    let asks = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")];
    let answer = hospital.call("OPTIONS", "/api/v1/researcher/whoami", &asks, None).await;
    assert!(answer.status >= 400);
    assert_eq!(answer.header("access-control-allow-headers"), None);
}

#[tokio::test]
async fn what_is_too_long_or_no_json_is_refused() {
    let hospital = start().await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let long = json!({ "id": "x".repeat(1_200_000) });
    for path in ["studies", "questionnaires/check?name=long.json"] {
        let answer = hospital.ask(&token, "POST", path, Some(&long)).await;
        assert_eq!(answer.status, 413);
        assert!(error(&answer).contains("1048576 bytes"), "{answer:?}");
    }
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "text/plain")];
    let path = "/api/v1/researcher/studies";
    let answer = hospital.call("POST", path, &headers, None).await;
    assert_eq!(answer.status, 415);
    error(&answer);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer = hospital.call("POST", path, &headers, None).await;
    assert_eq!(answer.status, 400);
    assert!(error(&answer).contains("not JSON"));
}
