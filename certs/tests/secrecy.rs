//! Nobody but the owner can read a key or put another in its place.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use wardsum_certs::{Action, CertError, ensure};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_for_the_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("deep/local");
    let (certs, _) = ensure(&dir, SystemTime::now()).unwrap();
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&certs.leaf_key), 0o600);
    assert_eq!(mode(&dir.join("ca-key.pem")), 0o600);
}

#[test]
fn a_key_that_has_become_readable_is_closed_again() {
    let home = tempfile::tempdir().unwrap();
    let (certs, _) = ensure(home.path(), SystemTime::now()).unwrap();
    fs::set_permissions(&certs.leaf_key, Permissions::from_mode(0o644)).unwrap();
    let (_, action) = ensure(home.path(), SystemTime::now()).unwrap();
    assert_eq!(action, Action::Kept);
    assert_eq!(mode(&certs.leaf_key), 0o600);
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o770)).unwrap();
    let error = ensure(home.path(), SystemTime::now()).unwrap_err();
    assert!(matches!(error, CertError::DirectoryOpenToOthers { .. }), "{error}");
    assert!(error.to_string().contains("chmod 700"), "{error}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
