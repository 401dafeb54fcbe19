//! Where everything is that the tests need, and what to type if it is not there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The version of axe-core that is tested with.
const AXE_VERSION: &str = "4.14.1";

/// The repository.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // `web/e2e` lies two levels below the root, wherever that is.
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Cargo's target directory.
pub fn target() -> Result<PathBuf> {
    let test = env::current_exe().context("the test does not know where it is")?;
    // TARGET/debug/deps/browsers-0123456789abcdef
    test.ancestors().nth(3).map(Path::to_owned).context("a test lies in the target directory")
}

/// A directory of the tests' own in the target directory.
pub fn scratch(name: &str) -> Result<PathBuf> {
    let directory = target()?.join("e2e").join(name);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

/// The hospital's binary.
pub fn hospital() -> Result<PathBuf> {
    let path = match named("WARDSUM_HOSPITAL") {
        Some(path) => path,
        None => target()?.join("debug/hospital"),
    };
    present(path, "the hospital's binary", "cargo build -p wardsum-hospital")
}

/// The directory of the built page.
pub fn page() -> Result<PathBuf> {
    let path = named("WARDSUM_PAGE").unwrap_or_else(|| root().join("web/dist"));
    present(path.join("index.html"), "the built page", "cargo xtask build")?;
    Ok(path)
}

/// Trunk.
pub fn trunk() -> Result<PathBuf> {
    program("WARDSUM_TRUNK", &["trunk"], "cargo xtask build")
}

/// The program that makes JavaScript bindings.
pub fn wasm_bindgen() -> Result<PathBuf> {
    program("WARDSUM_WASM_BINDGEN", &["wasm-bindgen"], "cargo xtask build")
}

/// Chromium, or Chrome.
pub fn chromium() -> Result<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    program("WARDSUM_CHROMIUM", &names, "sudo apt-get install chromium chromium-driver")
}

/// The program that drives Chromium.
pub fn chromedriver() -> Result<PathBuf> {
    let install = "sudo apt-get install chromium chromium-driver";
    program("WARDSUM_CHROMEDRIVER", &["chromedriver"], install)
}

/// Firefox and the program that drives it, where both are installed.
#[must_use]
pub fn firefox() -> Option<(PathBuf, PathBuf)> {
    let firefox = find("WARDSUM_FIREFOX", &["firefox-esr", "firefox"])?;
    Some((firefox, find("WARDSUM_GECKODRIVER", &["geckodriver"])?))
}

/// The accessibility checker, as one script.
pub fn axe() -> Result<PathBuf> {
    if let Some(path) = named("WARDSUM_AXE") {
        return present(path, "axe.min.js", "npm install axe-core");
    }
    let home = tool_cache()?.join(format!("axe-core-{AXE_VERSION}"));
    let script = home.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        install_axe(&home)?;
    }
    present(script, "axe.min.js", &npm_line(&home))
}

/// Where screenshots go.
pub fn artifacts() -> Result<PathBuf> {
    let directory = named("WARDSUM_ARTIFACTS").unwrap_or_else(|| root().join("artifacts"));
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

fn install_axe(home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    let package = format!("axe-core@{AXE_VERSION}");
    let status = std::process::Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(home)
        .arg(package)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("axe-core is missing; install it with: {}", npm_line(home)),
    }
}

fn npm_line(home: &Path) -> String {
    format!("npm install --prefix {} axe-core@{AXE_VERSION}", home.display())
}

/// What an environment variable names.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn present(path: PathBuf, what: &str, line: &str) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path);
    }
    bail!("{what} is not at {}; make it with: {line}", path.display())
}

fn program(variable: &str, names: &[&str], line: &str) -> Result<PathBuf> {
    let found = find(variable, names).with_context(|| {
        format!("{} is not on the search path; install it with: {line}", names[0])
    })?;
    present(found, names[0], line)
}

/// What the variable names, or the first of the programs that is on the search path or in the cache.
fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    named(variable).or_else(|| names.iter().find_map(|name| find_program(name)))
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut cached: Vec<PathBuf> = tool_cache()
        .and_then(|cache| Ok(fs::read_dir(cache)?))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    // Of two versions of a tool the newer one, which is what `cargo xtask` has installed last.
    cached.sort_by(|one, other| other.cmp(one));
    env::split_paths(&path)
        .chain(cached)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// The cache that `cargo xtask` installs tools into.
fn tool_cache() -> Result<PathBuf> {
    let base = match named("XDG_CACHE_HOME") {
        Some(cache) => cache,
        None => env::home_dir()
            .context("there is no home directory; set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(base.join("wardsum/tools"))
}
