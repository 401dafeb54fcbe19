//! A researcher sees how a round stands while it changes, for as long as the token is accepted.

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use wardsum_hospital::control::ResearcherCommand;
use wardsum_hospital::store::Role;

use crate::test_hospital::{TestHospital, study_of, within};

/// An open stream of events.
struct Events<S> {
    stream: S,
    read: String,
}

/// One event: its name, and its data.
type Event = (String, Value);

async fn open(hospital: &TestHospital, token: &str) -> Events<impl AsyncRead + Unpin + use<>> {
    let mut stream = hospital.connector.open_tls().await.unwrap();
    let request = format!(
        "GET /api/v1/researcher/studies/study/events HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut events = Events { stream, read: String::new() };
    while !events.read.contains("\r\n\r\n") {
        assert!(events.more().await, "{}", events.read);
    }
    let head = events.read.split_off(events.read.find("\r\n\r\n").unwrap() + 4);
    let head = std::mem::replace(&mut events.read, head).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    events
}

impl<S: AsyncRead + Unpin> Events<S> {
    async fn more(&mut self) -> bool {
        let mut bytes = [0; 4_096];
        let read = within(self.stream.read(&mut bytes)).await.unwrap_or(0);
        self.read.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        read > 0
    }

    /// The next event; none at the end of the stream. Lines of the chunked coding have neither name.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let rest = self.read.split_off(end + 2);
                let block = std::mem::replace(&mut self.read, rest);
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(name) = field("event: ") {
                    let data = field("data: ").unwrap();
                    return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
                }
            } else if !self.more().await {
                return None;
            }
        }
    }

    /// Waits for an event of the round that looks like this; returns it, and how many came before.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> (Value, usize) {
        for before in 0.. {
            let (name, data) = self.next().await.expect("the stream should go on");
            assert_eq!(name, "standing", "{data}");
            if wanted(&data) {
                return (data, before);
            }
        }
        unreachable!()
    }
}

#[tokio::test]
async fn a_round_is_followed_to_its_result_by_few_events() {
    let hospital = TestHospital::start(&study_of("study", 12)).await;
    let token = hospital.researcher("anna", Role::Viewer).await;
    let mut events = open(&hospital, &token).await;
    let (first, _) = events.until(|_| true).await;
    let expected = json!({
        "phase": "enrolling", "enrolled": 0, "committee": null, "contributed": 0, "published": false,
        "rejected": { "invalid": 0, "disputed": 0 },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(first[name], *value, "{first}");
    }
    assert!(first["closes_unix_ms"].as_i64().unwrap() > 1_700_000_000_000, "{first}");
    assert_eq!(first["digest"], hospital.status("study").await["digest"]);

    hospital.round("study", &[1; 12]).await;

    let (last, before) = events.until(|data| data["published"] == true).await;
    assert_eq!((&last["phase"], &last["contributed"]), (&json!("published"), &json!(12)));
    assert_eq!(
        (&last["committee"]["size"], &last["committee"]["threshold"]),
        (&json!(12), &json!(9))
    );
    assert_eq!(last["closes_unix_ms"], Value::Null);
    // Twelve enrolments, contributions, verifications and partial sums are some fifty changes; what comes
    // within a quarter of a second is one event.
    let took = before;
    assert!(took < 40, "{took}");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let token = hospital.researcher("anna", Role::Viewer).await;
    let other = hospital.researcher("bert", Role::Viewer).await;
    let mut events = open(&hospital, &token).await;
    let mut others = open(&hospital, &other).await;
    events.until(|_| true).await;
    others.until(|_| true).await;
    hospital.tell(ResearcherCommand::Revoke { name: "anna".parse().unwrap() }).await;
    assert_eq!(events.next().await, Some(("end".to_owned(), json!({ "reason": "token" }))));
    assert_eq!(events.next().await, None);
    // The other one is told of what goes on.
    let _patient = hospital.patient("study").await;
    others.until(|data| data["connected"] == 1).await;
}

#[tokio::test]
async fn a_stream_ends_with_the_hospital_and_with_its_study() {
    let mut hospital = TestHospital::start(&study_of("other", 3)).await;
    let token = hospital.researcher("anna", Role::Editor).await;
    let entry = json!({
        "id": "study", "title": "Made", "organisation": "Ward", "question": "How many?", "min": 0, "max": 10,
        "enrolment": { "count": 3 },
    });
    assert_eq!(hospital.ask(&token, "POST", "studies", Some(&entry)).await.status, 201);
    let mut archived = open(&hospital, &token).await;
    archived.until(|_| true).await;
    for step in ["round/abort", "close", "archive"] {
        let body = (step == "round/abort").then(|| json!({ "round": 1 }));
        let path = format!("studies/study/{step}");
        assert_eq!(hospital.ask(&token, "POST", &path, body.as_ref()).await.status, 200, "{step}");
    }
    let end = loop {
        match archived.next().await {
            Some((name, _)) if name == "standing" => {}
            end => break end,
        }
    };
    assert_eq!(end, Some(("end".to_owned(), json!({ "reason": "archived" }))));

    let mut made = entry.clone();
    made["id"] = "study-2".into();
    assert_eq!(hospital.ask(&token, "POST", "studies", Some(&made)).await.status, 201);
    let stream = hospital.connector.open_tls().await.unwrap();
    let mut events = Events { stream, read: String::new() };
    let request = format!(
        "GET /api/v1/researcher/studies/study-2/events HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    events.stream.write_all(request.as_bytes()).await.unwrap();
    events.until(|_| true).await;
    hospital.tell_to_stop();
    assert_eq!(events.next().await, Some(("end".to_owned(), json!({ "reason": "stopping" }))));
    within(hospital.stop()).await;
}

#[tokio::test]
async fn a_researcher_has_so_many_streams_and_no_more() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let token = hospital.researcher("anna", Role::Viewer).await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(open(&hospital, &token).await);
    }
    let refused = hospital.ask(&token, "GET", "studies/study/events", None).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    drop(streams.pop());
    // A place is free again once the hospital has noticed.
    let bearer = format!("Bearer {token}");
    let authorization = [("Authorization", bearer.as_str())];
    let free = async {
        loop {
            let path = "studies/nobody/events";
            assert_eq!(hospital.ask(&token, "GET", path, None).await.status, 404);
            let path = "/api/v1/researcher/studies/study/events";
            let answer = hospital.call("HEAD", path, &authorization, None).await;
            if answer.status == 200 {
                return;
            }
        }
    };
    within(free).await;
}
