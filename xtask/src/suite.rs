//! `cargo xtask test`: everything that must hold before a change is shared.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::announce;
use crate::browsers::Browser;
use crate::fuzz;
use crate::page;
use crate::process::{Interrupted, Supervisor};
use crate::rustflags::{self, Paths};
use crate::tools::{self, Tools};
use crate::workspace::{Profile, Workspace};

/// What makes the tests in real browsers part of a run.
const BROWSERS: &str = "wardsum-e2e/browsers";

const WASM: [&str; 2] = ["--target", "wasm32-unknown-unknown"];

/// How long all tests of one WebAssembly module may take in a browser. The runner's own default of
/// 20 s is for unit tests; these play whole rounds.
const WASM_TIMEOUT_SECONDS: &str = "900";

/// Flags of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run this step and no other; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
}

/// The steps, in the order in which they run: what is quick to fail comes first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// `cargo fmt --check`
    Format,
    /// Clippy on everything, for this computer
    Clippy,
    /// Clippy on what runs in a browser, for WebAssembly
    ClippyWasm,
    /// Unit, property and end-to-end tests on this computer
    Native,
    /// A little fuzzing, from the kept corpus on
    Fuzz,
    /// The protocol's and the browser peer's tests as WebAssembly in headless Chromium
    Wasm,
    /// The page for release, and its weight
    Page,
    /// The page in real browsers against a real hospital
    Browser,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no step is hidden from the command line");
        out.write_str(value.get_name())
    }
}

/// How a step went.
struct Outcome {
    step: Step,
    failure: Option<anyhow::Error>,
    took: Duration,
}

/// Runs the steps, all of them even if one fails, and then says how each went.
pub(crate) fn run(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
) -> Result<()> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for &step in Step::value_variants() {
        if !options.only.is_empty() && !options.only.contains(&step) {
            continue;
        }
        eprintln!();
        announce(&format!("Step {step}"));
        let begun = Instant::now();
        let page_failed =
            outcomes.iter().any(|outcome| outcome.step == Step::Page && outcome.failure.is_some());
        let result = if step == Step::Browser && page_failed {
            Err(anyhow::anyhow!("not run, because there is no page to test (see step page)"))
        } else {
            perform(step, workspace, supervisor)
        };
        if let Err(error) = &result {
            if error.is::<Interrupted>() {
                return result;
            }
            eprintln!("\nerror: {error:#}");
        }
        outcomes.push(Outcome { step, failure: result.err(), took: begun.elapsed() });
    }
    summarise(&outcomes)
}

fn summarise(outcomes: &[Outcome]) -> Result<()> {
    println!();
    for Outcome { step, failure, took } in outcomes {
        let (verdict, seconds) = (if failure.is_some() { "FAILED" } else { "ok" }, took.as_secs());
        println!(
            "{:<12} {verdict:<6} {:>3} min {:02} s",
            step.to_string(),
            seconds / 60,
            seconds % 60
        );
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some());
    for Outcome { step, failure, .. } in failed.clone() {
        if let Some(error) = failure {
            println!("\n{step}: {error:#}\n    repeat it with: cargo xtask test --only {step}");
        }
    }
    let failed = failed.count();
    println!("\nsteps: {} passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        bail!("{failed} of {} steps failed", outcomes.len());
    }
    Ok(())
}

fn perform(step: Step, workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    match step {
        Step::Format => {
            tools::component(workspace, supervisor, "rustfmt", "fmt")?;
            supervisor.run(workspace.cargo("fmt").args(["--all", "--check"]))?;
            // A workspace of its own.
            let fuzz = ["--manifest-path", "protocol/fuzz/Cargo.toml", "--check"];
            supervisor.run(workspace.cargo("fmt").args(fuzz))
        }
        Step::Clippy => {
            tools::component(workspace, supervisor, "clippy", "clippy")?;
            let mut command = workspace.cargo("clippy");
            command.args(["--locked", "--workspace", "--all-targets", "--features", BROWSERS]);
            command.args(["--", "-D", "warnings"]);
            supervisor.run(&mut command)
        }
        Step::ClippyWasm => {
            tools::component(workspace, supervisor, "clippy", "clippy")?;
            tools::wasm_target(workspace, supervisor)?;
            let mut command = workspace.cargo("clippy");
            command.args(["--locked", "--all-targets"]).args(WASM);
            command.args(["-p", "wardsum-protocol", "-p", "wardsum-peer", "-p", "wardsum-web"]);
            command.args(["-p", "wardsum-researcher"]);
            command.args(["--", "-D", "warnings"]);
            supervisor.run(&mut command)
        }
        Step::Native => {
            let mut command = workspace.cargo("test");
            command.args(["--locked", "--no-fail-fast", "--workspace"]);
            supervisor.run(&mut command)
        }
        Step::Fuzz => fuzz::short(workspace, supervisor),
        Step::Wasm => wasm(workspace, supervisor),
        Step::Page => page::build(workspace, supervisor),
        Step::Browser => browser(workspace, supervisor),
    }
}

/// The same protocol tests as natively, where patients will run the code.
fn wasm(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let chromium = Browser::chromium(supervisor)?;
    let runner = tools::test_runner(workspace, supervisor)?;
    let mut command = workspace.cargo("test");
    command
        .args(["--locked", "--no-fail-fast", "--lib", "--tests"])
        .args(["-p", "wardsum-protocol", "-p", "wardsum-peer"])
        .args(WASM)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CHROMEDRIVER", &chromium.driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", chromium.write_capabilities(workspace)?)
        .env("WASM_BINDGEN_TEST_TIMEOUT", WASM_TIMEOUT_SECONDS)
        // The runner would prefer any other driver that the environment names.
        .env_remove("GECKODRIVER")
        .env_remove("SAFARIDRIVER");
    supervisor.run(&mut command)
}

/// Real browsers against the hospital's binary, through its own page and through trunk.
fn browser(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let chromium = Browser::chromium(supervisor)?;
    let tools = Tools::prepare(workspace, supervisor)?;
    let page = page::directory(workspace);
    if !page.join("index.html").is_file() {
        announce("There is no built page yet");
        page::build(workspace, supervisor)?;
    }
    announce("Building the hospital");
    supervisor.run(workspace.cargo("build").args([
        "--locked",
        "--workspace",
        "--bin",
        "hospital",
    ]))?;

    let artifacts = artifacts(workspace)?;
    let mut command = workspace.cargo("test");
    command
        // The whole workspace, although one crate has this test: another selection would resolve
        // other features and build half of the dependencies a second time.
        .args(["--locked", "--no-fail-fast", "--workspace"])
        .args(["--features", BROWSERS, "--test", "browsers"])
        .env("PATH", tools.search_path()?)
        .env("WARDSUM_CHROMIUM", &chromium.binary)
        .env("WARDSUM_CHROMEDRIVER", &chromium.driver)
        .env("WARDSUM_HOSPITAL", workspace.hospital(Profile::Dev))
        .env("WARDSUM_PAGE", &page)
        .env("WARDSUM_TRUNK", tools.trunk())
        .env("WARDSUM_WASM_BINDGEN", tools.wasm_bindgen())
        // The page that trunk serves is then the one that is compiled already.
        .env("WARDSUM_PAGE_RUSTFLAGS", Paths::of(workspace, rustflags::cargo_home()?)?.flags())
        .env("WARDSUM_ARTIFACTS", &artifacts);
    match std::env::current_exe() {
        Ok(xtask) => command.env("WARDSUM_XTASK", xtask),
        Err(_) => &mut command,
    };
    with_firefox(&mut command);
    let result = supervisor.run(&mut command);
    announce(&format!("Screenshots and logs are in {}", artifacts.display()));
    result
}

/// Tells the tests where Firefox is, or the reader that it is not tested.
fn with_firefox(command: &mut Command) {
    match Browser::firefox() {
        Some(firefox) => {
            command
                .env("WARDSUM_FIREFOX", firefox.binary)
                .env("WARDSUM_GECKODRIVER", firefox.driver);
        }
        None => announce(
            "Firefox is not tested: it or geckodriver is missing (on Debian: apt-get install \
             firefox-esr; cargo install geckodriver)",
        ),
    }
}

/// An empty directory for what the browser tests leave behind.
fn artifacts(workspace: &Workspace) -> Result<PathBuf> {
    let directory = workspace.path("artifacts");
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_whole_and_is_counted() {
        let outcome = |step, failure: Option<&str>| Outcome {
            step,
            failure: failure.map(|text| anyhow::anyhow!("{text}")),
            took: Duration::from_secs(61),
        };
        summarise(&[outcome(Step::Format, None), outcome(Step::Native, None)]).unwrap();
        let error = summarise(&[outcome(Step::Format, None), outcome(Step::Native, Some("no"))]);
        assert_eq!(error.unwrap_err().to_string(), "1 of 2 steps failed");
    }

    #[test]
    fn steps_are_named_as_on_the_command_line() {
        assert_eq!(Step::ClippyWasm.to_string(), "clippy-wasm");
    }
}
