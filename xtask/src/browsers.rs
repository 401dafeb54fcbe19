//! The browsers that tests drive: found, or installed where a package manager can do it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::announce;
use crate::process::Supervisor;
use crate::tools::find_program;
use crate::workspace::Workspace;

/// What a browser under test is started with, besides `--headless`. It reaches nobody but this
/// computer, and needs neither a graphics card nor a sandbox that containers do not allow.
pub(crate) const CHROMIUM_ARGUMENTS: [&str; 7] = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const CHROMIUM_NAMES: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const DEBIAN_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// A browser and the program that drives it.
pub(crate) struct Browser {
    pub(crate) binary: PathBuf,
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Chromium (or Chrome), installed if it is missing and this user may install it.
    pub(crate) fn chromium(supervisor: &mut Supervisor) -> Result<Self> {
        if let Some(found) = Self::find_chromium() {
            return Ok(found);
        }
        install_from_debian(supervisor)?;
        Self::find_chromium().context(
            "chromium and chromedriver are still not on the search path after installing them; \
             name them in WARDSUM_CHROMIUM and WARDSUM_CHROMEDRIVER",
        )
    }

    fn find_chromium() -> Option<Self> {
        let binary = named("WARDSUM_CHROMIUM")
            .or_else(|| CHROMIUM_NAMES.iter().find_map(|name| find_program(name)))?;
        let driver = named("WARDSUM_CHROMEDRIVER").or_else(|| find_program("chromedriver"))?;
        Some(Self { binary, driver })
    }

    /// Firefox, if it and its driver are there. It is never installed.
    pub(crate) fn firefox() -> Option<Self> {
        let binary = named("WARDSUM_FIREFOX")
            .or_else(|| ["firefox-esr", "firefox"].iter().find_map(|name| find_program(name)))?;
        let driver = named("WARDSUM_GECKODRIVER").or_else(|| find_program("geckodriver"))?;
        Some(Self { binary, driver })
    }

    /// Writes the capabilities that `wasm-bindgen-test-runner` starts Chromium with.
    pub(crate) fn write_capabilities(&self, workspace: &Workspace) -> Result<PathBuf> {
        let path = workspace.scratch()?.join("webdriver.json");
        fs::write(&path, capabilities(&self.binary))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// The path that an environment variable names, for a browser in an unusual place.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `WebDriver` capabilities as JSON. The runner adds `headless` itself.
fn capabilities(binary: &Path) -> String {
    let text = |value: &str| format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""));
    let arguments = CHROMIUM_ARGUMENTS.map(text).join(", ");
    format!(
        "{{\"goog:chromeOptions\": {{\"binary\": {}, \"args\": [{arguments}]}}}}\n",
        text(&binary.to_string_lossy())
    )
}

/// Installs Chromium with `apt-get`, or says what to type.
fn install_from_debian(supervisor: &mut Supervisor) -> Result<()> {
    let by_hand = format!("sudo apt-get install {}", DEBIAN_PACKAGES.join(" "));
    if find_program("apt-get").is_none() {
        bail!(
            "the browser tests need Chromium (or Chrome) and chromedriver of the same version on \
             the search path; install them, or name them in WARDSUM_CHROMIUM and \
             WARDSUM_CHROMEDRIVER (on Debian and Ubuntu: {by_hand})"
        );
    }
    let prefix: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else if may_become_root() {
        &["sudo", "-n"]
    } else {
        bail!("the browser tests need Chromium and chromedriver; install them with: {by_hand}");
    };
    announce("Installing Debian's chromium and chromium-driver, once; this takes a minute or two");
    let mut apt_get = |arguments: &[&str]| {
        let words: Vec<&str> = prefix
            .iter()
            .copied()
            .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
            .collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(arguments);
        supervisor.run(&mut command)
    };
    apt_get(&["update", "-q"])?;
    let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
    install.extend(DEBIAN_PACKAGES);
    // Without a font, a screenshot shows boxes.
    install.push("fonts-dejavu-core");
    apt_get(&install).with_context(|| format!("try it by hand: {by_hand}"))
}

fn may_become_root() -> bool {
    Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_json_whatever_the_path() {
        let text = capabilities(Path::new(r#"/opt/a "b"\c"#));
        assert!(text.contains(r#""binary": "/opt/a \"b\"\\c""#), "{text}");
        assert!(text.contains(r#""--no-sandbox", "--disable-gpu""#), "{text}");
    }
}
