//! The directory that one hospital owns while it runs.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::error::StoreError;

/// The database.
pub(super) const DATABASE: &str = "wardsum.sqlite3";
/// Its lock: whoever runs on the directory holds it.
const LOCK: &str = "wardsum.lock";
/// What was acknowledged (module `witness`).
pub(super) const WITNESS: &str = "wardsum.acknowledged";

/// Where a hospital that runs on the directory takes commands (`control`).
pub(crate) const CONTROL_SOCKET: &str = "control.sock";

/// Names that may be in a directory without a store. A disk of its own begins with `lost+found`.
const HARMLESS: [&str; 3] = [LOCK, CONTROL_SOCKET, "lost+found"];

/// A data directory, created if it was missing, that no other process can open meanwhile.
///
/// Only its owner can look into it: identities of patients' peers and their sealed shares are there.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked until it is dropped.
    _lock: File,
}

impl DataDir {
    /// Opens and locks the directory; creates it with mode 0700.
    ///
    /// A directory that others may look into is closed to them, with a warning. One that holds other
    /// files and no store is refused, and so is one that another process has open.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::io(path, error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        refuse_foreign(path)?;
        close_to_others(path).map_err(failed)?;
        let lock_path = path.join(LOCK);
        let lock = private_file(&lock_path).map_err(|error| StoreError::io(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { dir: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io(&lock_path, error)),
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database's file, created empty and readable by its owner only if it was missing. SQLite
    /// gives the files that it makes beside it the same permissions.
    pub(super) fn database(&self) -> Result<PathBuf, StoreError> {
        let file = self.path.join(DATABASE);
        private_file(&file)
            .and_then(|_| File::open(&self.path)?.sync_all())
            .map_err(|error| StoreError::io(&file, error))?;
        Ok(file)
    }
}

/// Opens a file for writing; creates it readable by its owner only.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Refuses a directory in which somebody else keeps things.
fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(path, error);
    let mut foreign = None;
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        match name.to_str() {
            // Parts of a store without the database itself are for the store to judge.
            Some(name) if name.starts_with(DATABASE) || name == WITNESS => return Ok(()),
            Some(name) if HARMLESS.contains(&name) => {}
            _ => foreign = Some(name),
        }
    }
    match foreign {
        Some(name) => Err(StoreError::Foreign {
            dir: path.to_owned(),
            found: format!("it holds {} and no {DATABASE}", name.display()),
        }),
        None => Ok(()),
    }
}

fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        warn!(
            "{} was open to other users (mode {:o}) and is closed to them now",
            path.display(),
            mode & 0o777
        );
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_missing_directory_is_created_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let dir = DataDir::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&dir.database().unwrap()), 0o600);
    }

    #[test]
    fn an_open_directory_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let _open = DataDir::open(dir.path()).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_directory_with_other_things_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join("holiday.jpg"), "").unwrap();
        let text = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(text.contains("is not a Wardsum data directory"), "{text}");
        assert!(text.contains("holiday.jpg") && text.contains("--data"), "{text}");
        assert_eq!(mode(dir.path()), 0o755);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = DataDir::open(file.path()).unwrap_err().to_string();
        assert!(text.contains(&file.path().display().to_string()), "{text}");
    }

    #[test]
    fn a_directory_is_used_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let text = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(text.contains("another hospital is using"), "{text}");
        assert!(text.contains(&dir.path().display().to_string()), "{text}");
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }
}
