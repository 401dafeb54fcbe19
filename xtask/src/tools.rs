//! The programs that turn Rust into a page: found where they fit, installed where they do not.
//!
//! They go to a cache of our own and not to `~/.cargo/bin`, so that two projects that need two
//! versions do not undo each other's.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::announce;
use crate::process::Supervisor;
use crate::rustflags::{self, Paths, rustc};
use crate::workspace::{Workspace, cargo};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The first version whose WebSocket proxy answers with the subprotocol that the browser asked for,
/// without which a browser closes the socket.
const TRUNK: &str = "0.22.1";

/// What builds the fuzz targets.
const CARGO_FUZZ: &str = "0.13.2";

/// A program to be had from crates.io.
struct Tool {
    /// The crate that installs it.
    package: &'static str,
    /// What its directory in the cache is called.
    name: &'static str,
    /// The binaries that are needed; the first is asked for its version.
    binaries: &'static [&'static str],
    version: String,
    /// What `cargo install` needs besides name and version.
    options: &'static [&'static str],
    /// How long installing takes, said to whoever has to wait.
    takes: &'static str,
}

impl Tool {
    fn trunk() -> Self {
        Self {
            package: "trunk",
            name: "trunk",
            binaries: &["trunk"],
            version: TRUNK.to_owned(),
            // It declares a newer Rust than this workspace is pinned to, and does not need it. Its
            // check for updates would only talk to the network.
            options: &["--ignore-rust-version", "--no-default-features", "--features", "rustls"],
            takes: "5 to 10 minutes on two cores",
        }
    }

    fn cargo_fuzz() -> Self {
        Self {
            package: "cargo-fuzz",
            name: "cargo-fuzz",
            binaries: &["cargo-fuzz"],
            version: CARGO_FUZZ.to_owned(),
            options: &[],
            takes: "a minute or two on two cores",
        }
    }

    /// Its version must be the library's own: the two agree on a format that is not stable.
    fn wasm_bindgen(workspace: &Workspace) -> Result<Self> {
        Ok(Self {
            package: "wasm-bindgen-cli",
            name: "wasm-bindgen",
            binaries: &["wasm-bindgen", "wasm-bindgen-test-runner"],
            version: workspace.locked_version("wasm-bindgen")?,
            options: &[],
            takes: "2 to 4 minutes on two cores",
        })
    }

    /// Where its binaries are: on the search path, in the cache, or in the cache after installing.
    fn locate(&self, supervisor: &mut Supervisor) -> Result<PathBuf> {
        if let Some(directory) = self.on_search_path() {
            return Ok(directory);
        }
        let cache = cache_directory()?;
        let home = cache.join(format!("{}-{}", self.name, self.version));
        if !self.is_in(&home.join("bin")) {
            fs::create_dir_all(&cache)
                .with_context(|| format!("cannot create {}", cache.display()))?;
            // Whoever comes second waits here, and then finds it installed.
            let lock = File::create(cache.join(".lock")).context("cannot open the cache's lock")?;
            lock.lock().context("cannot lock the cache")?;
            if !self.is_in(&home.join("bin")) {
                self.install(supervisor, &home)?;
            }
        }
        Ok(home.join("bin"))
    }

    fn on_search_path(&self) -> Option<PathBuf> {
        env::split_paths(&env::var_os("PATH")?).find(|directory| self.is_in(directory))
    }

    /// Whether a directory holds all binaries, in the right version.
    fn is_in(&self, directory: &Path) -> bool {
        let all_there = self.binaries.iter().all(|name| directory.join(name).is_file());
        all_there && self.has_version(&directory.join(self.binaries[0]))
    }

    /// A binary that an interrupted copy left damaged does not run, and so does not count.
    fn has_version(&self, binary: &Path) -> bool {
        let Ok(output) = Command::new(binary).arg("--version").output() else { return false };
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success() && version_of(&text) == Some(self.version.as_str())
    }

    /// Installs into a directory beside `home` and renames it, so that `home` is whole or not there.
    fn install(&self, supervisor: &mut Supervisor, home: &Path) -> Result<()> {
        announce(&format!(
            "Installing {} {} into {}, once; this takes {}",
            self.package,
            self.version,
            home.display(),
            self.takes
        ));
        let beside =
            |suffix: &str| home.with_file_name(format!("{}-{}.{suffix}", self.name, self.version));
        let (draft, build) = (beside("partial"), beside("build"));
        if let Err(error) = supervisor.run(&mut self.install_command(&draft, &build, true)) {
            if error.is::<crate::Interrupted>() {
                return Err(error);
            }
            announce(&format!(
                "{} does not build with the dependencies that it locks; trying newer ones",
                self.package
            ));
            supervisor.run(&mut self.install_command(&draft, &build, false))?;
        }
        if !self.is_in(&draft.join("bin")) {
            bail!("{} was installed, but does not say that it is {}", self.package, self.version);
        }
        for directory in [home, &build] {
            if directory.exists() {
                fs::remove_dir_all(directory)
                    .with_context(|| format!("cannot remove {}", directory.display()))?;
            }
        }
        fs::rename(&draft, home).with_context(|| format!("cannot create {}", home.display()))
    }

    fn install_command(&self, draft: &Path, build: &Path, locked: bool) -> Command {
        let mut command = cargo();
        command.args(["install", self.package, "--version", &self.version]);
        if locked {
            command.arg("--locked");
        }
        command.args(self.options).arg("--force").arg("--root").arg(draft);
        // What was compiled before an interruption is not compiled again.
        command.arg("--target-dir").arg(build);
        // These are run a few times a day for a second: time spent on optimising them is not won
        // back. Link-time optimisation alone would double trunk's.
        command
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        command
    }
}

/// The page's tools, ready for use.
pub(crate) struct Tools {
    trunk: PathBuf,
    wasm_bindgen: PathBuf,
}

impl Tools {
    /// Makes sure that everything is there to build and serve the page.
    pub(crate) fn prepare(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<Self> {
        wasm_target(workspace, supervisor)?;
        let wasm_bindgen = Tool::wasm_bindgen(workspace)?.locate(supervisor)?;
        let trunk = Tool::trunk().locate(supervisor)?;
        Ok(Self { trunk, wasm_bindgen })
    }

    /// The `trunk` binary.
    pub(crate) fn trunk(&self) -> PathBuf {
        self.trunk.join("trunk")
    }

    /// The `wasm-bindgen` binary.
    pub(crate) fn wasm_bindgen(&self) -> PathBuf {
        self.wasm_bindgen.join("wasm-bindgen")
    }

    /// A trunk command that finds the tools that trunk runs, downloads none, and compiles for `paths`.
    pub(crate) fn trunk_command(&self, workspace: &Workspace, paths: &Paths) -> Result<Command> {
        let mut command = Command::new(self.trunk());
        command
            .current_dir(&workspace.root)
            .env("PATH", self.search_path()?)
            .env(rustflags::VARIABLE, paths.flags())
            .env("TRUNK_SKIP_VERSION_CHECK", "true");
        Ok(command)
    }

    /// The search path with the tools in front.
    pub(crate) fn search_path(&self) -> Result<OsString> {
        with_search_path(&[&self.wasm_bindgen, &self.trunk])
    }
}

/// The search path with cargo-fuzz in front, installed if need be.
pub(crate) fn fuzzing(supervisor: &mut Supervisor) -> Result<OsString> {
    let directory = Tool::cargo_fuzz().locate(supervisor)?;
    with_search_path(&[&directory])
}

/// The name of this computer's kind, as rustc has it.
pub(crate) fn host(workspace: &Workspace) -> Result<String> {
    let version = rustc(workspace, &["--version", "--verbose"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Where `llvm-cov` and `llvm-profdata` of the toolchain are, installed if need be.
pub(crate) fn llvm(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<PathBuf> {
    let sysroot = PathBuf::from(rustc(workspace, &["--print", "sysroot"])?.trim());
    let directory = sysroot.join("lib/rustlib").join(host(workspace)?).join("bin");
    if !directory.join("llvm-cov").is_file() {
        announce("Installing the toolchain's LLVM tools, once; this takes a few seconds");
        let mut command = Command::new("rustup");
        command.args(["component", "add", "llvm-tools"]).current_dir(&workspace.root);
        supervisor.run(&mut command).context("lines cannot be counted without llvm-tools")?;
    }
    Ok(directory)
}

/// The program that runs `wasm32` tests in a browser, installed if need be.
pub(crate) fn test_runner(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<PathBuf> {
    wasm_target(workspace, supervisor)?;
    let directory = Tool::wasm_bindgen(workspace)?.locate(supervisor)?;
    Ok(directory.join("wasm-bindgen-test-runner"))
}

/// Makes sure that Rust's standard library is there for WebAssembly.
pub(crate) fn wasm_target(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .current_dir(&workspace.root)
        .output()
        .context("cannot run rustc; is Rust installed (https://rustup.rs)?")?;
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && directory.is_dir() {
        return Ok(());
    }
    announce("Installing Rust's standard library for WebAssembly, once; this takes a few seconds");
    let mut command = Command::new("rustup");
    command.args(["target", "add", WASM_TARGET]).current_dir(&workspace.root);
    supervisor.run(&mut command).context(
        "the standard library for wasm32-unknown-unknown is missing; with a Rust that rustup did \
         not install, use your system's packages for it",
    )
}

/// Makes sure that a component of the toolchain (`rustfmt`, `clippy`) is there.
pub(crate) fn component(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    name: &str,
    subcommand: &str,
) -> Result<()> {
    let output = workspace.cargo(subcommand).arg("--version").output();
    if output.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    announce(&format!("Installing {name}, once; this takes a few seconds"));
    let mut command = Command::new("rustup");
    command.args(["component", "add", name]).current_dir(&workspace.root);
    supervisor.run(&mut command)
}

/// A file called `name` in the first directory of the search path, or of the cache, that has one.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let cached = cache_directory().and_then(|cache| Ok(fs::read_dir(cache)?)).into_iter().flatten();
    let cached = cached.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    env::split_paths(&env::var_os("PATH")?)
        .chain(cached)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

fn cache_directory() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => env::home_dir()
            .context("there is no home directory; set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(base.join("wardsum/tools"))
}

fn with_search_path(front: &[&Path]) -> Result<OsString> {
    let existing = env::var_os("PATH").unwrap_or_default();
    let front = front.iter().map(|path| path.to_path_buf());
    env::join_paths(front.chain(env::split_paths(&existing)))
        .context("a directory of the tools has a character that a search path cannot hold")
}

/// The version in a line such as `trunk 0.22.1` or `wasm-bindgen 0.2.126 (abcdef)`.
fn version_of(line: &str) -> Option<&str> {
    line.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn tool(version: &str) -> Tool {
        Tool {
            package: "some-tool",
            name: "tool",
            binaries: &["tool", "tool-runner"],
            version: version.to_owned(),
            options: &[],
            takes: "no time",
        }
    }

    fn write_script(path: &Path, script: &str) {
        fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_version_is_the_second_word() {
        assert_eq!(version_of("trunk 0.22.1\n"), Some("0.22.1"));
        assert_eq!(version_of("wasm-bindgen 0.2.126 (1234567)"), Some("0.2.126"));
        assert_eq!(version_of(""), None);
    }

    #[test]
    fn a_tool_counts_only_whole_and_in_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let fits = |version| tool(version).is_in(dir.path());
        assert!(!fits("1.2.3"), "an empty directory");
        write_script(&dir.path().join("tool"), "echo tool 1.2.3");
        assert!(!fits("1.2.3"), "one of two binaries");
        write_script(&dir.path().join("tool-runner"), "exit 0");
        assert!(fits("1.2.3"));
        assert!(!fits("1.2.30"), "another version");
        write_script(&dir.path().join("tool"), "echo tool 1.2.3; exit 1");
        assert!(!fits("1.2.3"), "a binary that does not run");
    }

    #[test]
    fn installing_never_touches_the_final_directory() {
        let command =
            tool("1.2.3").install_command(Path::new("/c/t.partial"), Path::new("/c/b"), true);
        let shown = crate::process::shown(&command);
        assert!(
            shown.contains(
                "cargo install some-tool --version 1.2.3 --locked --force --root /c/t.partial"
            ),
            "{shown}"
        );
    }
}
