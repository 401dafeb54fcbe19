//! Where things are, and which versions the lock file asks for.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

/// The checked-out repository.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target directory, ours for scratch files too.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The repository that this program was built from.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask/ lies in the workspace's root")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => root.join(directory),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A copy of the repository, which has a target directory of its own.
    pub(crate) fn copy_at(root: PathBuf) -> Self {
        let target = root.join("target");
        Self { root, target }
    }

    /// A file or directory, by its path in the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A directory for files that a command makes for itself.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let directory = self.target.join("xtask");
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// The hospital's binary as built by [`Workspace::build_hospital`].
    pub(crate) fn hospital(&self, profile: Profile) -> PathBuf {
        let name = format!("hospital{}", env::consts::EXE_SUFFIX);
        self.target.join(profile.directory()).join(name)
    }

    /// The command that builds the hospital's binary.
    ///
    /// It selects the packages that the native tests select, because what is selected decides which
    /// features dependencies have: otherwise half of them would be compiled twice.
    pub(crate) fn build_hospital(&self, profile: Profile) -> Command {
        let mut command = self.cargo("build");
        command.args(["--workspace", "--exclude", "wardsum-e2e", "--bin", "hospital"]);
        if matches!(profile, Profile::Release) {
            command.arg("--release");
        }
        command
    }

    /// A cargo command in the workspace's root.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = cargo();
        command.arg(subcommand).current_dir(&self.root);
        command
    }

    /// The version of a package that `Cargo.lock` holds.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.path("Cargo.lock");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        version_in_lock(&text, package).with_context(|| format!("in {}", path.display()))
    }
}

/// How a binary is compiled.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to compile; dependencies and the protocol are optimised all the same.
    Dev,
    Release,
}

impl Profile {
    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// The cargo that runs this program, if cargo does.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The version of `package` in a lock file, which must hold exactly one.
fn version_in_lock(lock: &str, package: &str) -> Result<String> {
    let mut versions = lock.split("[[package]]").skip(1).filter_map(|entry| {
        let value = |key: &str| {
            entry
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        (value("name") == Some(package)).then(|| value("version")).flatten()
    });
    match (versions.next(), versions.next()) {
        (Some(version), None) => Ok(version.to_owned()),
        (None, _) => Err(anyhow!("no package {package}; run `cargo update --workspace`")),
        (Some(one), Some(other)) => {
            Err(anyhow!("package {package} is there twice, as {one} and as {other}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "wasm-bindgen"
version = "0.2.126"
dependencies = [
 "wasm-bindgen-macro",
]

[[package]]
name = "wasm-bindgen-macro"
version = "0.2.127"

[[package]]
name = "getrandom"
version = "0.3.4"

[[package]]
name = "getrandom"
version = "0.4.1"
"#;

    #[test]
    fn a_version_is_found_by_the_whole_name() {
        assert_eq!(version_in_lock(LOCK, "wasm-bindgen").unwrap(), "0.2.126");
        assert_eq!(version_in_lock(LOCK, "wasm-bindgen-macro").unwrap(), "0.2.127");
    }

    #[test]
    fn a_missing_or_ambiguous_package_is_an_error() {
        assert!(version_in_lock(LOCK, "wasm").unwrap_err().to_string().contains("no package"));
        assert!(version_in_lock(LOCK, "getrandom").unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn the_workspace_locks_wasm_bindgen() {
        let version = Workspace::here().unwrap().locked_version("wasm-bindgen").unwrap();
        assert!(version.starts_with("0.2."), "{version}");
    }
}
