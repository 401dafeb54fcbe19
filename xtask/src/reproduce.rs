//! `cargo xtask build --check`: whether the page is the same wherever it is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::announce;
use crate::page;
use crate::process::Supervisor;
use crate::rustflags;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Builds the page that lies in the workspace once more, from nothing: in a copy of the sources in another
/// directory, with another target directory and another cargo home. Fails if one file is not the same.
pub(crate) fn check(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let tools = Tools::prepare(workspace, supervisor)?;
    let elsewhere = tempfile::Builder::new()
        .prefix("wardsum built elsewhere ")
        .tempdir()
        .context("cannot make a temporary directory")?;
    let copy = Workspace::copy_at(elsewhere.path().join("copy"));
    announce(&format!("Building the page again in {}, from nothing", copy.root.display()));
    copy_sources(workspace, &copy.root)?;
    let cargo_home = other_cargo_home(&elsewhere.path().join("cargo home"))?;
    page::build_with(&tools, &copy, &cargo_home, supervisor)?;

    let (here, there) = (page::directory(workspace), page::directory(&copy));
    let different = differences(&here, &there)?;
    if different.is_empty() {
        println!("The page is the same, file by file: {}", page::fingerprint(&here)?);
        return Ok(());
    }
    // For whoever looks for the reason.
    let kept = elsewhere.keep();
    bail!(
        "these files of the page are not the same in both builds: {}; the second page is in {}",
        different.join(", "),
        kept.join("copy/web/dist").display()
    );
}

/// Copies all files that git knows, or would add, as they are.
fn copy_sources(workspace: &Workspace, to: &Path) -> Result<()> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&workspace.root)
        .output()
        .context("cannot run git")?;
    ensure!(output.status.success(), "git cannot list the files: {}", output.status);
    let names = String::from_utf8(output.stdout).context("a file has a strange name")?;
    for name in names.split_terminator('\0') {
        let (from, to) = (workspace.path(name), to.join(name));
        // Deleted, and not yet committed.
        if !from.exists() {
            continue;
        }
        let directory = to.parent().context("a file lies in a directory")?;
        fs::create_dir_all(directory)
            .and_then(|()| fs::copy(&from, &to))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// A cargo home under another name with the same downloads, so that nothing is downloaded twice.
fn other_cargo_home(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
    let original = rustflags::cargo_home()?;
    for name in ["registry", "git", "config.toml"] {
        let original = original.join(name);
        if original.exists() {
            std::os::unix::fs::symlink(&original, path.join(name))
                .with_context(|| format!("cannot link {}", original.display()))?;
        }
    }
    Ok(path.to_owned())
}

/// The names of files that are not the same under both directories, or only under one.
fn differences(here: &Path, there: &Path) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for directory in [here, there] {
        for file in page::files(directory)? {
            names.insert(file.strip_prefix(directory)?.to_owned());
        }
    }
    let mut different = Vec::new();
    for name in names {
        let [here, there] = [here.join(&name), there.join(&name)];
        let same = here.is_file() && there.is_file() && page::read(&here)? == page::read(&there)?;
        if !same {
            different.push(name.display().to_string());
        }
    }
    Ok(different)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let write = |dir: &tempfile::TempDir, name: &str, text: &str| {
            fs::create_dir_all(dir.path().join("snippets")).unwrap();
            fs::write(dir.path().join(name), text).unwrap();
        };
        for dir in [&here, &there] {
            write(dir, "same.js", "1");
        }
        assert!(differences(here.path(), there.path()).unwrap().is_empty());
        write(&here, "other.js", "1");
        write(&there, "other.js", "2");
        write(&here, "snippets/here.js", "1");
        write(&there, "there.js", "1");
        let different = differences(here.path(), there.path()).unwrap();
        assert_eq!(different, ["other.js", "snippets/here.js", "there.js"]);
    }

    #[test]
    fn sources_are_copied_and_what_is_built_is_not() {
        let workspace = Workspace::here().unwrap();
        let to = tempfile::tempdir().unwrap();
        copy_sources(&workspace, to.path()).unwrap();
        assert!(to.path().join("web/index.html").is_file());
        assert!(to.path().join(".cargo/config.toml").is_file());
        assert!(!to.path().join("target").exists());
        assert!(!to.path().join("web/dist").exists());
    }
}
