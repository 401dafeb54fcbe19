//! How the page is compiled so that it is the same wherever that happens.
//!
//! A compiler writes the paths of source files into what it makes, for messages. They differ between
//! machines, and with them the program. So each is replaced by one that says the same everywhere.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// What .cargo/config.toml says, which cargo does not look at when it is given flags.
const CONFIGURED: [&str; 4] =
    ["--cfg", "erase_components", "--cfg", "sha2_backend_soft=\"compact\""];

/// Cargo takes flags in this variable, between [`SEPARATOR`]s, so that a path may have a space.
pub(crate) const VARIABLE: &str = "CARGO_ENCODED_RUSTFLAGS";

const SEPARATOR: &str = "\u{1f}";

/// The paths of one build, none of which may show in it.
pub(crate) struct Paths {
    root: PathBuf,
    target: PathBuf,
    cargo_home: PathBuf,
    sysroot: PathBuf,
    /// What the standard library's source is called in every official toolchain.
    standard_library: String,
}

impl Paths {
    /// The paths of a build in this workspace, by the toolchain that it is pinned to.
    pub(crate) fn of(workspace: &Workspace, cargo_home: PathBuf) -> Result<Self> {
        let sysroot = rustc(workspace, &["--print", "sysroot"])?;
        let version = rustc(workspace, &["--version", "--verbose"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
        Ok(Self {
            root: workspace.root.clone(),
            target: workspace.target.clone(),
            cargo_home,
            sysroot: PathBuf::from(sysroot.trim()),
            standard_library: format!("/rustc/{}", commit.context("rustc names no commit")?),
        })
    }

    /// The flags, for [`VARIABLE`].
    pub(crate) fn flags(&self) -> OsString {
        // Of several that match, the last one counts.
        let replaced = [
            (self.root.clone(), "/wardsum"),
            (self.target.clone(), "/wardsum/target"),
            (self.cargo_home.join("registry/src"), "/cargo"),
            (self.sysroot.join("lib/rustlib/src/rust"), &self.standard_library),
        ];
        let mut flags: Vec<OsString> = CONFIGURED.map(OsString::from).into();
        for (path, name) in replaced {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(path);
            flag.push("=");
            flag.push(name);
            flags.push(flag);
        }
        flags.join(OsStr::new(SEPARATOR))
    }

    /// The first of these paths that shows in a file.
    pub(crate) fn shown_in(&self, bytes: &[u8]) -> Option<&Path> {
        [&self.root, &self.target, &self.cargo_home, &self.sysroot]
            .into_iter()
            .map(PathBuf::as_path)
            .find(|path| {
                let path = path.as_os_str().as_encoded_bytes();
                // Of a root directory nothing can be told.
                path.len() > 1 && bytes.windows(path.len()).any(|window| window == path)
            })
    }
}

/// Where cargo keeps the sources of other people's crates.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    match env::var_os("CARGO_HOME").filter(|value| !value.is_empty()) {
        Some(directory) => Ok(PathBuf::from(directory)),
        None => Ok(env::home_dir()
            .context("there is no home directory; set CARGO_HOME")?
            .join(".cargo")),
    }
}

pub(crate) fn rustc(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .args(arguments)
        .current_dir(&workspace.root)
        .output()
        .context("cannot run rustc; is Rust installed (https://rustup.rs)?")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn paths() -> Paths {
        Paths {
            root: "/home/someone/my wardsum".into(),
            target: "/elsewhere/target".into(),
            cargo_home: "/home/someone/.cargo".into(),
            sysroot: "/home/someone/.rustup/toolchains/1".into(),
            standard_library: "/rustc/0123".to_owned(),
        }
    }

    #[test]
    fn every_path_is_replaced() {
        let flags = paths().flags().into_string().unwrap();
        let flags: Vec<_> = flags.split(SEPARATOR).collect();
        assert_eq!(flags[..CONFIGURED.len()], CONFIGURED);
        for flag in [
            "--remap-path-prefix=/home/someone/my wardsum=/wardsum",
            "--remap-path-prefix=/elsewhere/target=/wardsum/target",
            "--remap-path-prefix=/home/someone/.cargo/registry/src=/cargo",
            "--remap-path-prefix=/home/someone/.rustup/toolchains/1/lib/rustlib/src/rust=/rustc/0123",
        ] {
            assert!(flags.contains(&flag), "{flags:?}");
        }
    }

    #[test]
    fn nothing_that_is_configured_is_lost() {
        let root = Workspace::here().unwrap().root;
        let config = fs::read_to_string(root.join(".cargo/config.toml")).unwrap();
        let listed = CONFIGURED.map(|flag| format!("{flag:?}")).join(", ");
        assert!(config.contains(&format!("rustflags = [{listed}]")), "{config}");
    }

    #[test]
    fn a_path_is_found_wherever_it_shows() {
        let paths = paths();
        let found =
            paths.shown_in(b"\0asm..panicked at /home/someone/.cargo/registry/src/a/lib.rs");
        assert_eq!(found, Some(Path::new("/home/someone/.cargo")));
        assert_eq!(paths.shown_in(b"\0asm..panicked at /cargo/a/lib.rs"), None);
    }
}
