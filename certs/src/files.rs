//! The directory that holds keys and certificates: one caller at a time, and never a file that is
//! half written or a key that others can read.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::CertError;

pub(crate) const CA_CERT: &str = "ca.pem";
pub(crate) const CA_KEY: &str = "ca-key.pem";
pub(crate) const LEAF_CERT: &str = "leaf.pem";
pub(crate) const LEAF_KEY: &str = "leaf-key.pem";
const LOCK: &str = ".lock";

/// Who may read a file that is written.
#[derive(Clone, Copy)]
pub(crate) enum Secrecy {
    /// Anybody (mode 0644): a certificate.
    Public,
    /// The owner alone (mode 0600): a key.
    Secret,
}

/// The directory, locked until dropped.
pub(crate) struct Directory {
    path: PathBuf,
    /// Holding the open file is holding the lock. The operating system gives it back when the
    /// process ends, however it ends, so nobody ever has to remove a stale one.
    _lock: File,
}

impl Directory {
    /// Creates the directory if need be and waits until nobody else is working in it.
    pub(crate) fn open(path: &Path) -> Result<Self, CertError> {
        create_private(path)?;
        refuse_if_open_to_others(path)?;

        let lock_path = path.join(LOCK);
        let lock = private_options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(failed("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => lock.lock().map_err(failed("lock", &lock_path))?,
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_path)(source)),
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The path of one of the files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The file's text, or `None` if there is no such file or it is not text.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, CertError> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", &path)(source)),
        }
    }

    /// Reads a key like [`Directory::read`], and takes other people's access to it away.
    pub(crate) fn read_key(&self, name: &str) -> Result<Option<String>, CertError> {
        let text = self.read(name)?;
        if text.is_some() {
            make_private(&self.path(name))?;
        }
        Ok(text)
    }

    /// Replaces the file by `text` in one step: durable first, visible second.
    pub(crate) fn write(&self, name: &str, text: &str, secrecy: Secrecy) -> Result<(), CertError> {
        let path = self.path(name);
        let draft = self.path(&format!(".{name}.new"));
        // Only a caller that died half way can have left a draft behind, because this one holds the
        // lock. It is removed and not reused: `create_new` is what guarantees the mode.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &draft)(error));
            }
            _ => {}
        }
        let mut options = match secrecy {
            Secrecy::Public => OpenOptions::new(),
            Secrecy::Secret => private_options(),
        };
        options
            .write(true)
            .create_new(true)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .map_err(failed("write", &draft))?;
        fs::rename(&draft, &path).map_err(failed("replace", &path))?;
        self.sync()
    }

    /// Makes renames durable. Other systems than Unix do not open directories, nor need to.
    fn sync(&self) -> Result<(), CertError> {
        if cfg!(unix) {
            File::open(&self.path)
                .and_then(|directory| directory.sync_all())
                .map_err(failed("sync", &self.path))?;
        }
        Ok(())
    }
}

/// Wraps an operating system's error with what was attempted on what.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CertError {
    move |source| CertError::Io { action, path: path.to_owned(), source }
}

#[cfg(unix)]
fn private_options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(unix)]
fn create_private(path: &Path) -> Result<(), CertError> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        // Somebody else was quicker: what counts is that it is there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result.map_err(failed("create", path)),
    }
}

#[cfg(unix)]
fn refuse_if_open_to_others(path: &Path) -> Result<(), CertError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(failed("inspect", path))?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(CertError::DirectoryOpenToOthers { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(unix)]
fn make_private(path: &Path) -> Result<(), CertError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(failed("inspect", path))?.permissions().mode();
    let for_others = mode & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed("close", path))
}

// Elsewhere there are no mode bits; a file inherits the access rules of the user's own directory.

#[cfg(not(unix))]
fn private_options() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> Result<(), CertError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

#[cfg(not(unix))]
fn refuse_if_open_to_others(_: &Path) -> Result<(), CertError> {
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<(), CertError> {
    Ok(())
}
