//! The API, the page, and the headers around them.

use std::fs;

use wardsum_hospital::http::page::Page;

use crate::test_hospital::{TestHospital, study_of};

const INDEX: &str = "<!DOCTYPE html><title>page</title><script>alert('Hello, world.');</script>";

/// A hospital with a page of three files.
async fn with_page() -> TestHospital {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), INDEX).unwrap();
    fs::write(dir.path().join("web-0123456789abcdef_bg.wasm"), b"\0asm").unwrap();
    fs::write(dir.path().join("web-0123456789abcdef.js"), "export {};").unwrap();
    fs::write(dir.path().join("en-0123456789abcdef.txt"), "sum = Sum\n").unwrap();
    fs::write(dir.path().join("manifest.webmanifest"), "{}").unwrap();
    let page = Page::load(dir.path()).unwrap();
    // The files are served from the directory, which has to outlive the test.
    let _kept = dir.keep();
    TestHospital::start_with(&study_of("study", 3), |config| config.page = Some(page)).await
}

#[tokio::test]
async fn a_study_that_nobody_has_joined() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let mut status = hospital.status("study").await;
    let listed = hospital.get("/api/v1/studies", &[]).await.json();
    let mut listed = listed["studies"][0].clone();
    listed["closes_in_ms"] = status["closes_in_ms"].clone();
    assert_eq!(listed, status, "the list says the same");
    // Drawn by chance; that it is the round's own is tested where rounds are opened.
    assert!(status.as_object_mut().unwrap().remove("digest").is_some());
    // A day, if the study says nothing, and the clock is running.
    let closes_in_ms = status.as_object_mut().unwrap().remove("closes_in_ms").unwrap();
    assert!((1..=86_400_000).contains(&closes_in_ms.as_u64().unwrap()), "{closes_in_ms}");
    let expected = serde_json::json!({
        "id": "study",
        "title": "Title of study",
        "organisation": "Test Hospital",
        "questions": 1,
        "minimum_cohort": 3,
        "minimum_cell": 3,
        "admission": "open",
        "authority": null,
        "phase": "enrolling",
        "enrolled": 0,
        "committee": null,
        "threshold": null,
        "contributed": 0,
        "verified": 0,
        "rejected": 0,
        "partials": 0,
        "suspended": false,
        "round": 1,
        "result": null,
        "wrong_members": [],
        "left_out_members": [],
        "ended": null,
        "previous": [],
    });
    assert_eq!(status.take(), expected);
}

#[tokio::test]
async fn an_unknown_study_and_an_unknown_path() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let answer = hospital.get("/api/v1/studies/nobody", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["error"].as_str().unwrap().contains("no study \"nobody\""));
    let answer = hospital.get("/api/v2/studies", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["error"].as_str().unwrap().contains("/api/v1/studies"));
}

#[tokio::test]
async fn without_a_page_the_answer_says_how_to_build_it() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let answer = hospital.get("/", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("cargo xtask build"), "{}", answer.body);
}

#[tokio::test]
async fn the_page_and_its_files() {
    let hospital = with_page().await;
    for path in ["/", "/?study=study", "/index.html", "/some/path/of/the/page"] {
        let answer = hospital.get(path, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, INDEX), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    let wasm = hospital.get("/web-0123456789abcdef_bg.wasm", &[]).await;
    assert_eq!((wasm.status, wasm.header("content-type")), (200, Some("application/wasm")));
    let script = hospital.get("/web-0123456789abcdef.js", &[]).await;
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript")));
    for (path, content_type) in [
        ("/en-0123456789abcdef.txt", "text/plain"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ] {
        let answer = hospital.get(path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)));
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    assert_eq!(hospital.get("/web-gone.js", &[]).await.status, 404);
    assert_eq!(hospital.get("/../Cargo.toml", &[]).await.status, 404);
}

#[tokio::test]
async fn the_researchers_page_is_served_below_its_own_path() {
    let hospital = with_page().await;
    assert_eq!(hospital.get("/researcher/", &[]).await.status, 404, "it was not built");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "theirs").unwrap();
    fs::write(dir.path().join("a.js"), "export {};").unwrap();
    let page = Page::load(dir.path()).unwrap();
    let hospital = TestHospital::start_with(&study_of("study", 3), |config| {
        config.researcher_page = Some(page);
    })
    .await;
    let moved = hospital.get("/researcher", &[]).await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("/researcher/")));
    for path in ["/researcher/", "/researcher/index.html"] {
        let answer = hospital.get(path, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "theirs"), "{path}");
    }
    let script = hospital.get("/researcher/a.js", &[]).await;
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript")));
    assert_eq!(script.header("cache-control"), Some("no-cache"));
    for path in ["/researcher/gone.js", "/researcher/../Cargo.toml", "/researcher/some/path"] {
        assert_eq!(hospital.get(path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn compressed_files_go_to_browsers_that_take_them() {
    let dir = tempfile::tempdir().unwrap();
    let files =
        [("index.html", INDEX), ("a.wasm", "plain"), ("a.wasm.br", "br"), ("a.wasm.gz", "gz")];
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let page = Page::load(dir.path()).unwrap();
    let hospital =
        TestHospital::start_with(&study_of("study", 3), |config| config.page = Some(page)).await;
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "br"),
        ("gzip, deflate", Some("gzip"), "gz"),
        ("identity", None, "plain"),
    ] {
        let answer = hospital.get("/a.wasm", &[("Accept-Encoding", accepted)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{accepted}");
        assert_eq!(answer.header("content-encoding"), encoding, "{accepted}");
        assert_eq!(answer.header("content-type"), Some("application/wasm"), "{accepted}");
        // What stands between must not give one browser what was meant for another.
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{accepted}");
    }
}

#[tokio::test]
async fn the_page_may_run_its_own_scripts_and_nothing_else() {
    let hospital = with_page().await;
    let answer = hospital.get("/", &[]).await;
    let policy = answer.header("content-security-policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    // The page of this test has an inline script, which gets no leave.
    for leave in ["unsafe-inline", "'unsafe-eval'", "sha256-", "nonce-"] {
        assert!(!policy.contains(leave), "{policy}");
    }
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
    assert!(answer.header("permissions-policy").unwrap().contains("camera=()"));
}

#[tokio::test]
async fn the_api_is_read_by_pages_of_allowed_origins_and_by_no_others() {
    let allowed = "https://pages.example";
    let hospital = TestHospital::start_with(&study_of("study", 3), |config| {
        config.allowed_origins = vec![allowed.parse().unwrap()];
    })
    .await;
    for path in ["/api/v1/studies", "/api/v1/studies/study", "/api/v1/studies/nobody"] {
        let answer = hospital.get(path, &[("Origin", allowed)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(allowed), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        assert_eq!(answer.header("vary"), Some("origin"), "{path}");
        for other in ["https://evil.example", "https://pages.example.evil.example", "null"] {
            let answer = hospital.get(path, &[("Origin", other)]).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{path} {other}");
            assert_eq!(answer.header("vary"), Some("origin"), "{path} {other}");
        }
        let answer = hospital.get(path, &[]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        // It may be loaded, though not read: that is how a page finds out that it is not allowed.
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"), "{path}");
    }
    // What is not the API is not for other origins at all.
    let page = hospital.get("/", &[("Origin", allowed)]).await;
    assert_eq!(page.header("access-control-allow-origin"), None);
    assert_eq!(page.header("cross-origin-resource-policy"), Some("same-origin"));
}

#[tokio::test]
async fn transport_security_is_for_real_names_only() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let ask = async |host| {
        hospital.request("/api/v1/studies", &[("Host", host), ("Connection", "close")]).await
    };
    assert_eq!(ask("localhost:8443").await.header("strict-transport-security"), None);
    let answer = ask("hospital.example").await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=63072000"));
}

#[tokio::test]
async fn a_request_with_too_long_headers() {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let long = "x".repeat(20_000);
    assert_eq!(hospital.get("/api/v1/studies", &[("X-Long", &long)]).await.status, 431);
}
