//! A copy of the built page that a test may spoil.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::settings;

/// A copy of the built page, without its compressed forms. It goes when it is dropped.
#[derive(Debug)]
pub struct PageCopy {
    dir: TempDir,
}

impl PageCopy {
    /// A copy as it was built.
    pub fn of_built() -> Result<Self> {
        Self::of(&settings::page()?)
    }

    /// A copy for the hospital at another origin, made as the people who serve one make it.
    pub fn for_hospital(origin: &str) -> Result<Self> {
        let made = TempDir::new().context("cannot make a temporary directory")?;
        let to = made.path().join("page");
        let mut command = Command::new(settings::hospital()?);
        command.arg("page").arg("--page").arg(settings::page()?);
        command.args(["--hospital", origin, "--to"]).arg(&to);
        let output = command.output().context("cannot run the hospital's binary")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`hospital page` failed:\n{said}");
        Self::of(&to)
    }

    fn of(original: &Path) -> Result<Self> {
        let dir = TempDir::new().context("cannot make a temporary directory")?;
        copy(original, dir.path())?;
        Ok(Self { dir })
    }

    /// The directory to serve.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Puts `new` in the place of `old` in the file whose name begins and ends so, where `old` has to be exactly once.
    pub fn replace(&self, (begin, end): (&str, &str), old: &str, new: &str) -> Result<()> {
        let path = self.file(begin, end)?;
        let bytes = fs::read(&path)?;
        let is_old = |window: &[u8]| window == old.as_bytes();
        let places: Vec<_> = (0..bytes.len())
            .filter(|at| bytes[*at..].get(..old.len()).is_some_and(is_old))
            .collect();
        ensure!(places.len() == 1, "“{old}” is {} times in {}", places.len(), path.display());
        let (before, after) = (&bytes[..places[0]], &bytes[places[0] + old.len()..]);
        fs::write(&path, [before, new.as_bytes(), after].concat())?;
        Ok(())
    }

    /// Takes the file away whose name begins and ends so.
    pub fn remove(&self, (begin, end): (&str, &str)) -> Result<()> {
        Ok(fs::remove_file(self.file(begin, end)?)?)
    }

    fn file(&self, begin: &str, end: &str) -> Result<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir.path())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with(begin) && name.ends_with(end) {
                found.push(name);
            }
        }
        ensure!(found.len() == 1, "{begin}…{end} stands for {found:?}");
        Ok(self.dir.path().join(&found[0]))
    }
}

/// Copies what is in a directory, and in those below it, but for compressed forms.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        let compressed = path.extension().is_some_and(|end| end == "br" || end == "gz");
        if path.is_dir() {
            fs::create_dir(&copied)?;
            copy(&path, &copied)?;
        } else if !compressed {
            fs::copy(&path, &copied)?;
        }
    }
    Ok(())
}
