//! `hospital export` and `hospital backup` look at a data directory while a hospital runs on it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use wardsum_hospital::store::{
    DataDir, NewResearcher, NewRound, NewStudy, Role, Store, StoredRound, StudyState,
};
use wardsum_protocol::round::Record;
use wardsum_protocol::{EndReason, Study, Timestamp};

use crate::store_sample::{contribution, message, somebody, study};
use crate::test_hospital::of_sum;

fn hospital(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hospital")).args(args).output().unwrap()
}

fn refusal(args: &[&str]) -> String {
    let output = hospital(args);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Study and committee of a round that really took place.
fn real_committee() -> (Study, Vec<u8>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/vectors/additive-round.json");
    let vector: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let bytes = |value: &Value| {
        let digits = value.as_str().unwrap();
        (0..digits.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap())
            .collect::<Vec<_>>()
    };
    (Study::decode(&bytes(&vector["study"])).unwrap(), bytes(&vector["values"]["committee"]))
}

/// A hospital's store that stays open, with one published round, one that ended, and one that goes on.
async fn running(dir: &Path) -> Store {
    let store = Store::open(DataDir::open(dir).unwrap()).unwrap();
    let (published, committee) = real_committee();
    let stories = [
        (
            "first",
            published,
            vec![
                Record::Enrolled(message(1, 100)),
                Record::Enrolled(message(2, 100)),
                Record::Withdrawn(somebody()),
                Record::CommitteeFixed(committee.into()),
                contribution(0, 9_000),
                contribution(1, 9_000),
                Record::ManifestFixed { size: 2 },
                Record::Partial(message(3, 100)),
                Record::Left(somebody()),
                Record::Published { aggregate: of_sum(2, 190), message: message(4, 100) },
            ],
        ),
        ("second", study(1), vec![Record::Ended(EndReason::Aborted)]),
        ("first", study(2), vec![contribution(0, 9_000)]),
    ];
    for (number, (id, study, records)) in (1..).zip(stories) {
        let (bytes, digest) = (study.encode().to_vec(), study.digest());
        let new = NewRound { study_id: id.to_owned(), number, study: bytes, digest };
        let key = store.open_round(new).await.unwrap();
        store.append(key, Timestamp(1_234), records).await.unwrap();
    }
    store.audit("researcher", "study close", "second").await.unwrap();
    store
}

#[tokio::test]
async fn an_export_says_how_each_round_ended_and_nothing_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let _running = running(dir.path()).await;
    let output = hospital(&["export", "--data", text(dir.path())]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(!printed.contains("sealed shares number"), "no message of a peer is in it");
    let export: Value = serde_json::from_str(&printed).unwrap();
    let rounds = export["rounds"].as_array().unwrap();
    let field = |name: &str| rounds.iter().map(|round| round[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("study"), ["first", "second", "first"]);
    assert_eq!(field("phase"), ["published", "ended", "enrolling"]);
    assert_eq!(field("served_ms"), [1_234, 1_234, 1_234]);
    assert_eq!(rounds[0]["result"]["sum"], "390");
    assert_eq!(rounds[0]["result"]["count"], 2);
    assert_eq!(rounds[0]["questions"], serde_json::json!(["answer"]));
    let counts = &rounds[0]["counts"];
    assert_eq!((&counts["enrolled"], &counts["committee"]), (&1.into(), &3.into()));
    assert_eq!((&counts["contributed"], &counts["counted"]), (&2.into(), &2.into()));
    assert_eq!((&counts["partials"], &counts["left"]), (&1.into(), &1.into()));
    assert_eq!(rounds[1]["reason"], "the hospital called the round off");
    assert_eq!(rounds[1]["result"], Value::Null);
    assert!(rounds[1]["over_unix_ms"].is_u64() && rounds[2]["over_unix_ms"].is_null());
    assert_eq!(export["audit"][0]["action"], "study close");
}

#[tokio::test]
async fn an_export_names_researchers_and_studies_and_says_nothing_of_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let store = running(dir.path()).await;
    let token = *b"the digest of a token, 32 bytes.";
    let new = NewResearcher {
        name: "anna".parse().unwrap(),
        role: Role::Viewer,
        token,
        expires_unix_ms: Some(i64::MAX),
    };
    store.add_researcher(new).await.unwrap();
    store.revoke_researcher("anna".parse().unwrap()).await.unwrap();
    let new = NewStudy {
        id: "made".to_owned(),
        state: StudyState::Draft,
        definition: r#"{"id":"made","title":"Made"}"#.to_owned(),
        made_by: "researcher anna".to_owned(),
    };
    store.add_study(new).await.unwrap();
    let data = text(dir.path());
    let output = hospital(&["export", "--data", data]);
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    let researcher = export["researchers"][0].as_object().unwrap();
    let fields: BTreeSet<_> = researcher.keys().map(String::as_str).collect();
    let times =
        ["added_unix_ms", "expires_unix_ms", "name", "revoked_unix_ms", "role", "used_unix_ms"];
    assert_eq!(fields, times.into());
    assert_eq!((&researcher["name"], &researcher["role"]), (&"anna".into(), &"viewer".into()));
    assert!(researcher["revoked_unix_ms"].is_u64() && researcher["used_unix_ms"].is_null());
    let study = &export["studies"][0];
    assert_eq!((&study["state"], &study["made_by"]), (&"draft".into(), &"researcher anna".into()));
    assert_eq!(study["definition"]["title"], "Made");

    let output = hospital(&["export", "--data", data, "--study", "made"]);
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(export["rounds"], Value::Array(Vec::new()));
    assert_eq!(export["studies"][0]["id"], "made");
    let output = hospital(&["export", "--data", data, "--study", "second"]);
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(export["studies"], Value::Array(Vec::new()));

    // Neither is anybody made an editor by hand, without its being noticed.
    store.close().await;
    let database = Connection::open(dir.path().join("wardsum.sqlite3")).unwrap();
    database.execute("UPDATE researcher SET role = 'editor'", []).unwrap();
    database.close().unwrap();
    assert!(refusal(&["export", "--data", data]).contains("researcher 1"));
    let copy = dir.path().join("copy.sqlite3");
    let backup = ["backup", "--data", data, "--to", text(&copy)];
    assert!(refusal(&backup).contains("researcher 1"));
    assert!(!copy.exists());
}

#[tokio::test]
async fn an_export_may_be_of_one_study() {
    let dir = tempfile::tempdir().unwrap();
    running(dir.path()).await.close().await;
    let output = hospital(&["export", "--data", text(dir.path()), "--study", "second"]);
    let export: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(export["rounds"].as_array().unwrap().len(), 1);
    assert_eq!(export["rounds"][0]["study"], "second");
    let error = refusal(&["export", "--data", text(dir.path()), "--study", "third"]);
    assert!(error.contains("no study \"third\"; it has first, second"), "{error}");
}

async fn rounds(dir: &Path) -> Vec<StoredRound> {
    let store = Store::open(DataDir::open(dir).unwrap()).unwrap();
    let rounds = store.rounds().await.unwrap();
    store.close().await;
    rounds
}

#[tokio::test]
async fn a_backup_of_a_running_hospital_can_be_restored() {
    let dir = tempfile::tempdir().unwrap();
    let store = running(dir.path()).await;
    let backups = tempfile::tempdir().unwrap();
    let to = backups.path().join("backup");
    // The hospital goes on storing meanwhile.
    let busy = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                store.audit("test", "goes on", "").await.unwrap();
            }
        }
    });
    let args = ["backup", "--data", text(dir.path()), "--to", text(&to)].map(str::to_owned);
    let output =
        tokio::task::spawn_blocking(move || hospital(&args.each_ref().map(String::as_str)))
            .await
            .unwrap();
    busy.abort();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("a checked copy"));
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(backups.path()).unwrap().count(), 1, "nothing is left beside it");

    let restored = TempDir::new().unwrap();
    fs::copy(&to, restored.path().join("wardsum.sqlite3")).unwrap();
    assert_eq!(rounds(restored.path()).await, store.rounds().await.unwrap());
}

#[tokio::test]
async fn a_backup_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    running(dir.path()).await.close().await;
    let to = dir.path().join("precious");
    fs::write(&to, "precious").unwrap();
    let error = refusal(&["backup", "--data", text(dir.path()), "--to", text(&to)]);
    assert!(error.contains("precious exists already") && error.contains("--to"), "{error}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
}

#[tokio::test]
async fn a_damaged_store_is_not_backed_up() {
    let dir = tempfile::tempdir().unwrap();
    running(dir.path()).await.close().await;
    let database = dir.path().join("wardsum.sqlite3");
    let mut bytes = fs::read(&database).unwrap();
    let sealed = b"shares number 00000001; sealed";
    let place = bytes.windows(sealed.len()).rposition(|window| window == sealed).unwrap();
    bytes[place] ^= 1;
    fs::write(&database, bytes).unwrap();
    let backups = tempfile::tempdir().unwrap();
    let to = backups.path().join("backup");
    let error = refusal(&["backup", "--data", text(dir.path()), "--to", text(&to)]);
    assert!(error.contains("wardsum.sqlite3 is damaged"), "{error}");
    assert_eq!(fs::read_dir(backups.path()).unwrap().count(), 0, "no bad copy is left");
}

#[test]
fn a_directory_without_a_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["export", "--data", text(dir.path())][..],
        &["backup", "--data", text(dir.path()), "--to", "never-made"],
    ] {
        let error = refusal(args);
        assert!(error.contains("is not a Wardsum data directory"), "{error}");
        assert!(error.contains(text(dir.path())), "{error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "looking makes nothing");
}
