//! A directory that is not a store of this version is refused with a text that says what to do.

use std::fs;

use rusqlite::Connection;
use wardsum_hospital::store::{Snapshot, StoreError};

use crate::fixture::{DATABASE, copy, fill, open, runtime};

fn refusal(prepare: impl FnOnce(&Connection)) -> StoreError {
    let dir = tempfile::tempdir().unwrap();
    runtime().block_on(async { open(dir.path()).unwrap().close().await });
    let connection = Connection::open(dir.path().join(DATABASE)).unwrap();
    prepare(&connection);
    connection.close().unwrap();
    let outside = Snapshot::open(dir.path()).map(|_| ()).unwrap_err();
    let error = open(dir.path()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), outside.to_string(), "both look alike");
    assert!(error.is_configuration());
    error
}

#[test]
fn a_newer_version() {
    for version in [5, 7] {
        let text = refusal(|c| c.pragma_update(None, "user_version", version).unwrap()).to_string();
        let expected =
            format!("has schema version {version}, and this hospital knows only up to 4");
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn another_applications_database() {
    let text = refusal(|c| c.pragma_update(None, "application_id", 0x1234).unwrap()).to_string();
    assert!(text.contains("not a Wardsum store (its application id is 0x1234)"), "{text}");
}

#[test]
fn tables_that_somebody_changed() {
    let text = refusal(|c| c.execute_batch("CREATE INDEX quick ON round (digest)").unwrap());
    assert!(text.to_string().contains("its tables are not defined as they were"), "{text}");
}

#[test]
fn a_row_that_somebody_changed() {
    let dir = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store = open(dir.path()).unwrap();
        fill(&store).await;
        store.close().await;
    });
    for change in [
        "UPDATE progress SET clock_ms = clock_ms + 1 WHERE round = 2",
        "UPDATE round SET number = 2 WHERE key = 1",
        "DELETE FROM journal WHERE place = (SELECT max(place) FROM journal)",
        "DELETE FROM audit WHERE number = 1",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM progress WHERE round = 1",
        "UPDATE store SET rounds = 1",
    ] {
        let copy = copy(dir.path());
        let connection = Connection::open(copy.path().join(DATABASE)).unwrap();
        assert!(connection.execute(change, []).unwrap() > 0);
        connection.close().unwrap();
        let error = open(copy.path()).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error}");
    }
}

#[test]
fn a_file_that_is_no_database() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE), "just some text".repeat(50)).unwrap();
    let text = open(dir.path()).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains(DATABASE) && text.contains("is damaged"), "{text}");
}

#[test]
fn an_older_copy_in_place_of_what_was_acknowledged() {
    runtime().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let backups = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        fill(&store).await;
        let backup = backups.path().join("backup");
        store.backup(&backup).await.unwrap();
        store.probe().await.unwrap();
        store.close().await;
        fs::copy(&backup, dir.path().join(DATABASE)).unwrap();
        let text = open(dir.path()).map(|_| ()).unwrap_err().to_string();
        assert!(text.contains("the last") && text.contains("transactions"), "{text}");
        // In an empty directory it is as good as new.
        let fresh = tempfile::tempdir().unwrap();
        fs::copy(&backup, fresh.path().join(DATABASE)).unwrap();
        assert_eq!(open(fresh.path()).unwrap().rounds().await.unwrap().len(), 2);
    });
}
