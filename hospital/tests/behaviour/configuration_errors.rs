//! A hospital that cannot start says what is wrong and what to do, and with which status it ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use time::Duration;
use time::OffsetDateTime;

use crate::test_hospital::study_of;

/// A directory with a good studies file.
struct Setup {
    dir: TempDir,
}

impl Setup {
    fn new() -> Self {
        let setup = Self { dir: tempfile::tempdir().unwrap() };
        setup.write("studies.toml", &study_of("study", 3));
        setup
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Serves, which must fail; returns the exit status and the error.
    fn serve(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_hospital"))
            .args(["--log", "error", "serve"])
            .args(args)
            .env("WARDSUM_LISTEN", "127.0.0.1:0")
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn is_refused(&self, args: &[&str], status: i32, texts: &[&str]) {
        let (code, error) = self.serve(args);
        assert_eq!(code, Some(status), "{error}");
        for text in texts {
            assert!(error.contains(text), "{text:?} should be in: {error}");
        }
    }

    fn studies_are_refused(studies: &str, texts: &[&str]) {
        let setup = Self::new();
        setup.write("studies.toml", studies);
        setup.is_refused(&[], 2, texts);
    }
}

/// A certificate for `localhost` that is valid for these days from now on, and its key.
fn certificate(setup: &Setup, from: i64, to: i64) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = OffsetDateTime::now_utc() + Duration::days(from);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(to);
    let certificate = params.self_signed(&key).unwrap();
    (setup.write("cert.pem", &certificate.pem()), setup.write("key.pem", &key.serialize_pem()))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn no_studies_file() {
    let setup = Setup::new();
    setup.is_refused(&["--studies", "none.toml"], 2, &["none.toml", "--studies FILE"]);
}

#[test]
fn an_unknown_key() {
    let studies = study_of("study", 3).replace("unit =", "units =");
    Setup::studies_are_refused(&studies, &["studies.toml", "line 6", "units"]);
}

#[test]
fn a_missing_field() {
    let studies = study_of("study", 3).replace("organisation = \"Test Hospital\"\n", "");
    Setup::studies_are_refused(
        &studies,
        &["studies.toml", "line 1", "missing field `organisation`"],
    );
}

#[test]
fn contradicting_rules() {
    let studies = study_of("first", 3) + &study_of("second", 3).replace("count = 3", "count = 2");
    let texts = ["line 14", "study \"second\"", "enrolment closes at 2 people", "raise its count"];
    Setup::studies_are_refused(&studies, &texts);
}

#[test]
fn a_phase_that_hardly_ever_closes() {
    let studies = study_of("study", 3).replacen("count = 3", "deadline_seconds = 1e9", 1);
    let texts = ["study \"study\"", "the deadline of enrolment", "1 ms to 400 days"];
    Setup::studies_are_refused(&studies, &texts);
}

#[test]
fn a_contradicting_limit() {
    let studies = format!("[limits]\nping_seconds = 90\n{}", study_of("study", 3));
    Setup::studies_are_refused(&studies, &["silence_seconds", "ping_seconds"]);
}

#[test]
fn a_port_in_use() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let setup = Setup::new();
    setup.is_refused(&["--listen", &address], 1, &[&address, "already in use", "--listen"]);
}

#[test]
fn an_address_that_is_none() {
    Setup::new().is_refused(&["--listen", "here"], 2, &["here", "ADDRESS:PORT"]);
}

#[test]
fn an_origin_that_is_none() {
    let setup = Setup::new();
    setup.is_refused(&["--allowed-origin", "example.org"], 2, &["example.org", "https://host"]);
}

#[test]
fn a_certificate_that_is_not_there() {
    let setup = Setup::new();
    let args = ["--cert", "none.pem", "--key", "none.pem"];
    setup.is_refused(&args, 2, &["certificate none.pem cannot be read", "check the path"]);
}

#[test]
fn a_certificate_without_its_key() {
    Setup::new().is_refused(&["--cert", "cert.pem"], 2, &["--cert is given without --key"]);
}

#[test]
fn a_file_that_is_no_certificate() {
    let setup = Setup::new();
    let args = ["--cert", "studies.toml", "--key", "studies.toml"];
    setup.is_refused(&args, 2, &["studies.toml holds no certificate in PEM"]);
}

#[test]
fn an_expired_certificate() {
    let setup = Setup::new();
    let (cert, key) = certificate(&setup, -20, -10);
    let args = ["--cert", text(&cert), "--key", text(&key)];
    setup.is_refused(&args, 2, &["cert.pem expired on", "10 days ago", "renew it"]);
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    let setup = Setup::new();
    let (cert, key) = certificate(&setup, 10, 20);
    let args = ["--cert", text(&cert), "--key", text(&key)];
    setup.is_refused(&args, 2, &["cert.pem is valid only from"]);
}

#[test]
fn a_key_of_another_certificate() {
    let setup = Setup::new();
    let (cert, _) = certificate(&setup, -1, 10);
    let other = setup.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let args = ["--cert", text(&cert), "--key", text(&other)];
    setup.is_refused(&args, 2, &["other.pem does not belong to the certificate"]);
}

#[test]
fn a_data_directory_that_is_none() {
    let setup = Setup::new();
    setup.is_refused(&["--data", "."], 2, &["is not a Wardsum data directory", "--data"]);
}

#[test]
fn a_store_that_is_damaged() {
    let setup = Setup::new();
    fs::create_dir(setup.path("data")).unwrap();
    setup.write("data/wardsum.acknowledged", "");
    setup.write("data/wardsum.sqlite3", &"not a database ".repeat(100));
    setup.is_refused(
        &["--data", "data"],
        2,
        &["wardsum.sqlite3 is damaged", "restore the latest backup"],
    );
}
