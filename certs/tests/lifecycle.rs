//! When certificates are made, kept and renewed.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use wardsum_certs::{Action, CertError, Standing, ensure, inspect};

const DAY: Duration = Duration::from_hours(24);

/// 2026-11-21: a fixed clock, so that no test depends on the day it runs.
fn today() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_300_000)
}

fn action(dir: &Path, now: SystemTime) -> Action {
    ensure(dir, now).expect("certificates can be made in a temporary directory").1
}

fn contents(dir: &Path) -> [Vec<u8>; 4] {
    ["ca.pem", "ca-key.pem", "leaf.pem", "leaf-key.pem"]
        .map(|name| fs::read(dir.join(name)).expect("ensure leaves all four files"))
}

#[test]
fn the_first_call_creates_and_the_second_keeps() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("certs/local");
    let (certs, first) = ensure(&dir, today()).unwrap();
    assert_eq!(first, Action::Created);
    let made = contents(&dir);
    assert_eq!(certs.ca_cert, dir.join("ca.pem"));

    assert_eq!(action(&dir, today() + 59 * DAY), Action::Kept);
    assert_eq!(contents(&dir), made);
}

#[test]
fn a_leaf_with_less_than_thirty_days_left_is_renewed_under_the_same_authority() {
    let dir = tempfile::tempdir().unwrap();
    action(dir.path(), today());
    let [ca, ca_key, leaf, leaf_key] = contents(dir.path());

    assert_eq!(action(dir.path(), today() + 61 * DAY), Action::Renewed);
    let renewed = contents(dir.path());
    assert_eq!([&ca, &ca_key], [&renewed[0], &renewed[1]]);
    assert_ne!(leaf, renewed[2]);
    assert_ne!(leaf_key, renewed[3]);
}

#[test]
fn an_authority_with_less_than_a_year_left_is_replaced_along_with_its_leaf() {
    let dir = tempfile::tempdir().unwrap();
    action(dir.path(), today());
    let made = contents(dir.path());

    assert_eq!(action(dir.path(), today() + (4 * 365 + 2) * DAY), Action::Created);
    for (old, new) in made.iter().zip(contents(dir.path())) {
        assert_ne!(*old, new);
    }
}

/// What a file is overwritten with; `None` removes it.
type Damage = Option<&'static [u8]>;

const DAMAGES: [Damage; 3] = [None, Some(b""), Some(b"\xff\xfe")];

/// Damages each of the files in turn, and expects `answer` to it, once.
fn damage_is_answered(names: [&str; 2], damages: &[Damage], answer: Action) {
    for name in names {
        for damage in damages {
            let dir = tempfile::tempdir().unwrap();
            action(dir.path(), today());
            let path = dir.path().join(name);
            match damage {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            assert_eq!(action(dir.path(), today()), answer, "{name} {damage:?}");
            assert_eq!(action(dir.path(), today()), Action::Kept, "{name} {damage:?}");
        }
    }
}

#[test]
fn a_damaged_or_missing_leaf_is_renewed() {
    let names = ["leaf.pem", "leaf-key.pem"];
    damage_is_answered(names, &DAMAGES, Action::Renewed);
    damage_is_answered(names, &[Some(b"-----BEGIN CERTIFICATE-----")], Action::Renewed);
}

#[test]
fn a_damaged_or_missing_authority_is_replaced() {
    damage_is_answered(["ca.pem", "ca-key.pem"], &DAMAGES, Action::Created);
}

#[test]
fn a_leaf_of_another_authority_and_a_key_of_another_leaf_are_renewed() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for names in [&["leaf.pem", "leaf-key.pem"][..], &["leaf-key.pem"], &["leaf.pem"]] {
        action(here.path(), today());
        action(elsewhere.path(), today());
        for name in names {
            fs::copy(elsewhere.path().join(name), here.path().join(name)).unwrap();
        }
        assert_eq!(action(here.path(), today()), Action::Renewed, "{names:?}");
    }
}

#[test]
fn certificates_from_the_future_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    action(dir.path(), today() + 30 * DAY);
    assert_eq!(action(dir.path(), today()), Action::Created);
}

#[test]
fn a_draft_left_by_a_call_that_died_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    action(dir.path(), today());
    fs::remove_file(dir.path().join("leaf.pem")).unwrap();
    fs::write(dir.path().join(".leaf.pem.new"), "half a certif").unwrap();
    fs::write(dir.path().join(".leaf-key.pem.new"), "half a k").unwrap();
    assert_eq!(action(dir.path(), today()), Action::Renewed);
    assert!(!dir.path().join(".leaf.pem.new").exists());
}

#[test]
fn concurrent_calls_agree() {
    let dir = tempfile::tempdir().unwrap();
    let actions = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| action(dir.path(), today()))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    let made = actions.iter().filter(|action| **action == Action::Created).count();
    let kept = actions.iter().filter(|action| **action == Action::Kept).count();
    assert_eq!((made, kept), (1, 7), "{actions:?}");
}

#[test]
fn a_clock_that_certificates_cannot_express_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = ensure(dir.path(), SystemTime::UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, CertError::ClockOutOfRange), "{error}");
}

#[test]
fn inspect_tells_current_from_expired_and_not_yet() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, _) = ensure(dir.path(), today()).unwrap();
    let at = |now| inspect(&certs.leaf_cert, now).unwrap();

    assert_eq!(at(today()).standing, Standing::Current(90 * DAY));
    assert_eq!(at(today()).to_string(), "is valid until 2027-02-19 (90 days)");
    assert_eq!(at(today() + 92 * DAY).standing, Standing::Expired(2 * DAY));
    assert_eq!(at(today() + 92 * DAY).to_string(), "expired on 2027-02-19 (2 days ago)");
    assert!(matches!(at(today() - DAY).standing, Standing::NotYet(_)));
    assert_eq!(at(today() - DAY).remaining(), None);
}

#[test]
fn inspect_says_what_is_wrong_with_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.pem");
    let message = || inspect(&path, today()).unwrap_err().to_string();

    assert!(message().contains("there is no certificate at"), "{}", message());
    fs::write(&path, "hello").unwrap();
    assert!(message().contains("no CERTIFICATE block"), "{}", message());
    let (certs, _) = ensure(&dir.path().join("local"), today()).unwrap();
    fs::copy(&certs.leaf_key, &path).unwrap();
    assert!(message().contains("no CERTIFICATE block"), "{}", message());
}
