//! A directory that appears when everything is in it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{InviteError, parent};

/// A directory in the making, beside the place where it is to appear. Dropped before that, it goes.
pub(super) struct Directory {
    making: TempDir,
    place: PathBuf,
}

impl Directory {
    /// Begins a directory that only its owner can look into, for a place where there is nothing, or nothing
    /// but an empty directory.
    pub(super) fn prepare(place: &Path) -> Result<Self, InviteError> {
        let is_free = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(InviteError::Exists { path: place.to_owned() });
        }
        let making = tempfile::Builder::new()
            .prefix(".invitations-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent(place))
            .map_err(|source| unwritable(parent(place), source))?;
        Ok(Self { making, place: place.to_owned() })
    }

    /// Puts a file in, with these permissions whatever the process's mask is.
    pub(super) fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), InviteError> {
        let path = self.making.path().join(name);
        let written = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        written().map_err(|source| unwritable(&self.place.join(name), source))
    }

    /// Lets the directory appear.
    pub(super) fn appear(self) -> Result<(), InviteError> {
        // This fails where something has come into being meanwhile, but for an empty directory.
        fs::rename(self.making.path(), &self.place)
            .map_err(|source| unwritable(&self.place, source))?;
        let _ = self.making.keep();
        Ok(())
    }
}

pub(super) fn unwritable(path: &Path, source: io::Error) -> InviteError {
    InviteError::Unwritable { path: path.to_owned(), source }
}
