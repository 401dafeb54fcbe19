//! The document at `/api/v1/openapi.json` says what the API does: every operation in it is there, every
//! answer is as it says, and nothing is there that is not in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wardsum_hospital::store::Role;

use crate::test_hospital::{Answer, TestHospital, study_of};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// The document, and which of its operations were seen to answer what.
struct Document {
    json: Value,
    seen: BTreeSet<(String, String, u16)>,
}

impl Document {
    async fn of(hospital: &TestHospital) -> Self {
        let answer = hospital.get("/api/v1/openapi.json", &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        Self { json: answer.json(), seen: BTreeSet::new() }
    }

    fn paths(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.json["paths"].as_object().unwrap().iter()
    }

    /// The path of the document that a path belongs to.
    fn template(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (given, asked) = (path.split('/'), template.split('/'));
            given.clone().count() == asked.clone().count()
                && given.zip(asked).all(|(given, asked)| asked.starts_with('{') || given == asked)
        };
        let found = self.paths().map(|(template, _)| template).find(|template| fits(template));
        found.unwrap_or_else(|| panic!("{path} is not in the document")).clone()
    }

    /// What the document says of an answer.
    fn response(&self, template: &str, method: &str, status: u16) -> &Value {
        let operation = &self.json["paths"][template][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {template} is not in the document");
        let responses = &operation["responses"];
        let (exact, class) = (status.to_string(), format!("{}XX", status / 100));
        let response = responses.get(&exact).or_else(|| responses.get(&class));
        response.unwrap_or_else(|| panic!("{method} {template} answers {status}, undocumented"))
    }

    /// Checks an answer against the document.
    fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let template = self.template(path);
        let response = self.response(&template, method, answer.status);
        let media = answer.header("content-type").unwrap().to_owned();
        let content = response["content"].as_object().unwrap();
        let schema = content.get(&media);
        let schema =
            schema.unwrap_or_else(|| panic!("{method} {path}: {media} is not {content:?}"));
        if media == "application/json" {
            let mut schema = schema["schema"].clone();
            schema["components"] = self.json["components"].clone();
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let body = answer.json();
            let errors = validator.iter_errors(&body).map(|error| error.to_string());
            let errors = errors.collect::<Vec<_>>();
            assert!(errors.is_empty(), "{method} {path} {}: {errors:?}\n{body:#}", answer.status);
        }
        self.seen.insert((method.to_owned(), template, answer.status));
    }
}

fn entry(id: &str) -> Value {
    json!({
        "id": id, "title": "Made here", "organisation": "Ward 7", "question": "How many?", "min": -100, "max": 100,
        "enrolment": { "count": 3 }, "contributing": { "count": 3 },
    })
}

/// What researchers do, one after the other, some of it refused: method, path and body of each request.
fn steps() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let authority = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let mut invited = entry("invited");
    invited["admission"] = json!({});
    let mut wrong = entry("wrong");
    wrong["max"] = json!("many");
    let close = |phase: &str| json!({ "phase": phase, "round": 1 });
    let round = json!({ "round": 1 });
    let item = json!({ "id": "pain", "kind": "scale", "text": "How strong?", "min": 0, "max": 10 });
    let questionnaire = json!({ "title": "Pain", "section": [{ "item": [item] }] });
    let key = json!({ "authority": authority });
    [
        ("GET", "whoami", None),
        ("GET", "studies", None),
        ("GET", "studies/study", None),
        ("GET", "studies/nobody", None),
        ("POST", "studies", Some(entry("made"))),
        ("POST", "studies", Some(entry("made"))),
        ("POST", "studies", Some(wrong)),
        ("POST", "studies?draft=maybe", Some(entry("made"))),
        ("POST", "studies?draft=true", Some(invited.clone())),
        ("GET", "studies", None),
        ("GET", "studies/invited", None),
        ("GET", "studies/invited/file", None),
        ("GET", "studies/study/file", None),
        ("PUT", "studies/invited", Some(invited)),
        ("PUT", "studies/made", Some(entry("made"))),
        ("POST", "studies/invited/open", None),
        ("PUT", "studies/invited/authority", Some(json!({ "authority": "12" }))),
        ("PUT", "studies/invited/authority", Some(key)),
        ("GET", "studies/invited/invitations", None),
        ("POST", "studies/invited/open", None),
        ("GET", "studies/invited", None),
        ("GET", "studies/invited/invitations", None),
        ("POST", "studies/invited/invitations/revoke", Some(json!({ "round": 1, "serials": [7] }))),
        ("POST", "studies/invited/invitations/revoke", Some(json!({ "round": 1, "serials": [] }))),
        ("POST", "studies/by-command/phase/close", Some(close("contributing"))),
        ("POST", "studies/by-command/phase/close", Some(close("enrolment"))),
        ("POST", "studies/by-command/phase/close", Some(close("enrolment"))),
        ("POST", "studies/by-command/phase/close", Some(json!([]))),
        ("POST", "studies/made/round/abort", Some(json!({ "round": "one" }))),
        ("POST", "studies/made/round/abort", Some(round.clone())),
        ("POST", "studies/made/round/abort", Some(round)),
        ("GET", "studies/made/result", None),
        ("GET", "studies/study/result?round=1", None),
        ("GET", "studies/study/result?round=7", None),
        ("GET", "studies/study/result?round=x", None),
        ("GET", "studies/study/findings", None),
        ("GET", "studies/study/findings?round=7", None),
        ("POST", "questionnaires/check?name=q.json", Some(questionnaire)),
        ("POST", "questionnaires/check?name=q.toml", Some(json!({}))),
        ("GET", "studies/study/result/file?format=csv", None),
        ("GET", "studies/study/result/file?format=codebook&round=1", None),
        ("GET", "studies/study/result/file?format=json&language=da", None),
        ("GET", "studies/study/result/file?format=measure-report", None),
        ("GET", "studies/study/result/file?format=report", None),
        ("GET", "studies/study/result/file?format=pdf", None),
        ("GET", "studies/made/result/file?format=csv", None),
        ("GET", "studies/study/transcript", None),
        ("GET", "studies/made/transcript", None),
        ("POST", "studies/made/archive", None),
        ("POST", "studies/made/close", None),
        ("POST", "studies/made/archive", None),
        ("POST", "studies/study/close", None),
        ("GET", "studies/made", None),
        ("GET", "studies/nobody/events", None),
        ("GET", "audit", None),
        ("GET", "audit?limit=2&before=5", None),
        ("GET", "audit?limit=-1", None),
        ("GET", "audit?before=9223372036854775808", None),
    ]
    .into()
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let rule = "by_command = true\ndeadline_seconds = 3600";
    let studies = study_of("by-command", 3).replace("count = 3", rule) + &study_of("study", 3);
    let hospital = TestHospital::start_with(&studies, |config| {
        config.limits.researcher_changes_per_minute = 1_000;
    })
    .await;
    let mut document = Document::of(&hospital).await;
    assert!(document.json["openapi"].as_str().unwrap().starts_with("3.1"));
    let editor = hospital.researcher("anna", Role::Editor).await;
    let viewer = hospital.researcher("bert", Role::Viewer).await;
    hospital.round("study", &[1, 2, 3]).await;

    let public =
        ["studies", "studies/study", "studies/nobody", "studies/study/transcript", "openapi.json"];
    for path in public.into_iter().chain([
        "studies/study/transcript?round=2",
        "studies/study/transcript?round=two",
        "studies/study/transcript?round=1&digest=1",
    ]) {
        let path = format!("/api/v1/{path}");
        document.check("GET", &path, &hospital.get(&path, &[]).await);
    }
    for (method, path, body) in steps() {
        let answer = hospital.ask(&editor, method, path, body.as_ref()).await;
        document.check(method, &format!("/api/v1/researcher/{path}"), &answer);
        if method != "GET" {
            let answer = hospital.ask(&viewer, method, path, body.as_ref()).await;
            assert_eq!(answer.status, 403, "{path}");
            document.check(method, &format!("/api/v1/researcher/{path}"), &answer);
        }
    }
    // Nothing in the document is untried; of the stream, its events have tests of their own.
    for (template, item) in document.json["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            if template.ends_with("/events") {
                continue;
            }
            let good = document.seen.iter().any(|(seen, path, status)| {
                *seen == method && path == template && (200..300).contains(status)
            });
            assert!(good, "{method} {template} has not succeeded in this test");
        }
    }
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_no_other() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let mut document = Document::of(&hospital).await;
    let paths = document.json["paths"].as_object().unwrap().clone();
    assert!(paths.len() >= 20, "{}", paths.len());
    for (template, item) in &paths {
        let path = template.replace("{id}", "study");
        for method in METHODS {
            let is_documented = item.get(method.to_lowercase()).is_some();
            let needs_token = template.contains("/researcher/");
            let answer = hospital.call(method, &path, &[], None).await;
            let text = format!("{method} {path}: {answer:?}");
            assert!(!answer.body.contains("there is nothing here"), "{text}");
            if !is_documented {
                assert_eq!(answer.status, if needs_token { 401 } else { 405 }, "{text}");
            } else if needs_token {
                assert_eq!(answer.status, 401, "{text}");
                document.check(method, &path, &answer);
                let security = &item[method.to_lowercase()]["security"];
                assert_eq!(*security, json!([{ "token": [] }]), "{text}");
            } else if !template.ends_with("/transcript") {
                assert_eq!(answer.status, 200, "{text}");
            }
        }
    }
    // With a token, what is not documented is not there either.
    let token = hospital.researcher("anna", Role::Editor).await;
    for (template, item) in &paths {
        let Some(path) = template.strip_prefix("/api/v1/researcher/") else { continue };
        for method in METHODS.iter().filter(|method| item.get(method.to_lowercase()).is_none()) {
            let answer = hospital.ask(&token, method, &path.replace("{id}", "study"), None).await;
            assert!(matches!(answer.status, 405 | 429), "{method} {path}: {answer:?}");
        }
    }
}

/// Everything else that the program routes is what is no API: the page, sockets, and the answer to whoever
/// looks for an API that is not there.
#[test]
fn no_route_is_made_beside_the_document() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut plain = BTreeSet::new();
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let code = std::fs::read_to_string(&file).unwrap();
            let routes =
                code.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
            plain.extend(routes.map(str::to_owned));
        }
    }
    let expected = [
        "/",
        "/api/{*rest}",
        "/index.html",
        "/researcher",
        "/researcher/",
        "/researcher/index.html",
        "/ws/{study}",
    ];
    assert_eq!(plain.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
