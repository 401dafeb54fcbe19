//! `cargo xtask fuzz`: the targets of `protocol/fuzz`, for as long as one likes.
//!
//! cargo-fuzz builds them, with the toolchain that the workspace is pinned to and without a sanitizer: the
//! protocol has no unsafe code for one to watch, and assertions and arithmetic are checked all the same. What is
//! not ours is compiled without the counters that show the fuzzer where it got ([`compile`]), because
//! cryptography that counts is several times slower and tells it nothing.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::announce;
use crate::process::{Group, Supervisor, shown};
use crate::tools;
use crate::workspace::Workspace;

/// The crates whose code is counted: ours, and those that decode for us.
const COUNTED: [&str; 8] = [
    "wardsum_protocol",
    "wardsum_fuzz",
    "decoders",
    "texts",
    "peer",
    "round",
    "tls_codec",
    "bytes",
];

/// Set where cargo is to call this program instead of rustc.
const COMPILING: &str = "WARDSUM_FUZZ_COMPILES";

/// The longest input, in bytes: longer than any seed.
const MAX_LEN: usize = 8 * 1024;

/// An input that takes longer is a finding, in seconds; most take milliseconds.
const TIMEOUT_SECONDS: u32 = 60;

/// More memory than this is a finding, in MiB.
const MEMORY_MB: u32 = 1_024;

/// How long `cargo xtask test` fuzzes each target.
const SHORT: Duration = Duration::from_secs(20);

/// Flags of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to fuzz; everything, if nothing is named
    targets: Vec<Target>,
    /// For how long each target, in minutes; 0 runs what the corpus has, and no more
    #[arg(long, default_value_t = 60, value_name = "N")]
    minutes: u64,
    /// How many targets at a time, 1 or 2
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    jobs: u8,
    /// Afterwards, put what the kept corpus lacks into it, as few and as small files as reach the same
    #[arg(long)]
    keep: bool,
    /// Do not fuzz, but write the seeds of the kept corpus anew, from today's protocol
    #[arg(long, conflicts_with_all = ["targets", "keep"])]
    seeds: bool,
    /// Afterwards, show which lines of the protocol the corpus reaches
    #[arg(long)]
    lines: bool,
}

/// What can be fuzzed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Everything that reads bytes which somebody else made
    Decoders,
    /// Everything that reads what people hand to each other: links, transcripts
    Texts,
    /// A peer among messages that no honest hospital sends
    Peer,
    /// A round among honest peers, when things go wrong
    Round,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Decoders => "decoders",
            Self::Texts => "texts",
            Self::Peer => "peer",
            Self::Round => "round",
        }
    }
}

/// How a target is fuzzed.
struct Plan {
    /// Where new inputs go, and what was found.
    directory: PathBuf,
    time: Duration,
    jobs: usize,
    /// The fuzzer's dice, if every run is to begin alike.
    seed: Option<u32>,
}

/// Fuzzes the targets, one after the other or two at a time, until one has a finding.
pub(crate) fn run(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
) -> Result<()> {
    if options.seeds {
        return write_seeds(workspace, supervisor);
    }
    let targets = match options.targets.as_slice() {
        [] => Target::value_variants(),
        named => named,
    };
    let fuzzers = Fuzzers::build(workspace, supervisor)?;
    let plan = Plan {
        directory: workspace.target.join("fuzz/grown"),
        time: Duration::from_secs(60 * options.minutes),
        jobs: usize::from(options.jobs),
        seed: None,
    };
    fuzzers.fuzz(supervisor, &plan, targets)?;
    if options.keep {
        fuzzers.keep(supervisor, &plan, targets)?;
    }
    if options.lines {
        fuzzers.lines(workspace, supervisor, &plan, targets)?;
    }
    Ok(())
}

/// What `cargo xtask test` does: the kept corpus, and a little more. Every run begins alike.
pub(crate) fn short(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let fuzzers = Fuzzers::build(workspace, supervisor)?;
    let directory = workspace.target.join("fuzz/short");
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    let plan = Plan { directory, time: SHORT, jobs: 2, seed: Some(1) };
    fuzzers.fuzz(supervisor, &plan, Target::value_variants())
}

fn write_seeds(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let mut command = workspace.cargo("test");
    command.args(["--locked", "-p", "wardsum-protocol", "--test", "fuzzing", "seeds"]);
    supervisor.run(command.env("WARDSUM_WRITE_SEEDS", "1"))
}

/// The targets' programs.
struct Fuzzers {
    binaries: PathBuf,
    corpus: PathBuf,
    search_path: OsString,
}

impl Fuzzers {
    fn build(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<Self> {
        let search_path = tools::fuzzing(supervisor)?;
        let mut locked = workspace.cargo("fetch");
        locked.args(["--locked", "--manifest-path", "protocol/fuzz/Cargo.toml"]);
        supervisor.run(&mut locked)?;
        let target = workspace.target.join("fuzz");
        let mut command = cargo_fuzz(workspace, &search_path, "build", &target);
        if let Ok(xtask) = env::current_exe() {
            command.env("RUSTC_WRAPPER", xtask).env(COMPILING, "1");
        }
        supervisor.run(&mut command)?;
        let binaries = target.join(tools::host(workspace)?).join("release");
        Ok(Self { binaries, corpus: workspace.path("protocol/fuzz/corpus"), search_path })
    }

    fn binary(&self, target: Target) -> PathBuf {
        self.binaries.join(target.name())
    }

    /// Runs the targets, as many at a time as planned, and says how each went.
    fn fuzz(&self, supervisor: &mut Supervisor, plan: &Plan, targets: &[Target]) -> Result<()> {
        let mut summary = String::new();
        for together in targets.chunks(plan.jobs) {
            let mut running = Vec::new();
            for target in together {
                running.push((*target, self.start(plan, *target)?));
            }
            for (target, group) in &mut running {
                let status = loop {
                    if let Some(status) = group.ended()? {
                        break status;
                    }
                    // Whatever is left is killed when it is dropped.
                    supervisor.tick()?;
                };
                let log = plan.log(*target);
                let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
                if !status.success() {
                    return Err(self.finding(*target, &log, &text));
                }
                let line = Outcome::read(&text)
                    .with_context(|| format!("{} does not say how it went", log.display()))?;
                announce(&format!("{}: {}", target.name(), line.shown()));
                let _ = writeln!(summary, "{:<9} {}", target.name(), line.shown());
            }
        }
        print!("\n{summary}");
        Ok(())
    }

    fn start(&self, plan: &Plan, target: Target) -> Result<Group> {
        let (grown, findings) = (plan.grown(target), plan.findings(target));
        for directory in [&grown, &findings] {
            fs::create_dir_all(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        let mut command = Command::new(self.binary(target));
        command
            .arg(match plan.time.as_secs() {
                0 => "-runs=0".to_owned(),
                seconds => format!("-max_total_time={seconds}"),
            })
            .arg(format!("-max_len={MAX_LEN}"))
            .arg(format!("-timeout={TIMEOUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_MB}"))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .args(["-print_final_stats=1", "-verbosity=1"]);
        if let Some(seed) = plan.seed {
            command.arg(format!("-seed={seed}"));
        }
        command.arg(grown).arg(self.corpus.join(target.name()));
        let log = plan.log(target);
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        announce(&format!(
            "Fuzzing {} for {} s; its log is {}",
            target.name(),
            plan.time.as_secs(),
            log.display()
        ));
        eprintln!("    {}", shown(&command));
        Group::spawn("a fuzzer", command.stdout(file.try_clone()?).stderr(file))
    }

    /// What was found, and how to see it again.
    fn finding(&self, target: Target, log: &Path, text: &str) -> anyhow::Error {
        let mut lines = text.lines().skip_while(|line| !line.contains("panicked at"));
        let panic: Vec<&str> = lines.by_ref().take(2).collect();
        let written = text.lines().find_map(|line| line.split_once("Test unit written to "));
        let Some((_, path)) = written else {
            return anyhow!("{} failed without an input; see {}", target.name(), log.display());
        };
        let mut again = Command::new(self.binary(target));
        again.arg(path);
        anyhow!(
            "{} has a finding: {path}\n{}\n    repeat it with: {}",
            target.name(),
            panic.join("\n"),
            shown(&again)
        )
    }

    /// Adds to the kept corpus what reaches more than it does.
    fn keep(&self, supervisor: &mut Supervisor, plan: &Plan, targets: &[Target]) -> Result<()> {
        for target in targets {
            announce(&format!("Keeping what the corpus of {} lacks", target.name()));
            let mut command = Command::new(self.binary(*target));
            command.args(["-merge=1", "-verbosity=0"]).arg(format!("-max_len={MAX_LEN}"));
            command.arg(self.corpus.join(target.name())).arg(plan.grown(*target));
            supervisor.run(&mut command)?;
        }
        Ok(())
    }

    /// Shows which lines of the protocol the kept corpus and the grown one reach.
    fn lines(
        &self,
        workspace: &Workspace,
        supervisor: &mut Supervisor,
        plan: &Plan,
        targets: &[Target],
    ) -> Result<()> {
        let llvm = tools::llvm(workspace, supervisor)?;
        let target_directory = workspace.target.join("fuzz-lines");
        let (mut profiles, mut binaries) = (Vec::new(), Vec::new());
        for target in targets {
            let mut command =
                cargo_fuzz(workspace, &self.search_path, "coverage", &target_directory);
            command
                .arg(target.name())
                .arg(self.corpus.join(target.name()))
                .arg(plan.grown(*target));
            supervisor.run(&mut command)?;
            let coverage = workspace.path("protocol/fuzz/coverage").join(target.name());
            profiles.push(coverage.join("coverage.profdata"));
            let host = tools::host(workspace)?;
            binaries.push(target_directory.join(host).join("release").join(target.name()));
        }
        let together = workspace.scratch()?.join("fuzz.profdata");
        let mut merge = Command::new(llvm.join("llvm-profdata"));
        merge.args(["merge", "-sparse", "-o"]).arg(&together).args(&profiles);
        supervisor.run(&mut merge)?;
        let mut report = Command::new(llvm.join("llvm-cov"));
        report.arg("report").arg("-instr-profile").arg(&together);
        for (position, binary) in binaries.iter().enumerate() {
            if position > 0 {
                report.arg("-object");
            }
            report.arg(binary);
        }
        report.arg("-sources").arg(workspace.path("protocol/src"));
        supervisor.run(&mut report)
    }
}

impl Plan {
    fn grown(&self, target: Target) -> PathBuf {
        self.directory.join(target.name())
    }

    fn findings(&self, target: Target) -> PathBuf {
        self.directory.with_file_name("findings").join(target.name())
    }

    fn log(&self, target: Target) -> PathBuf {
        self.directory.join(target.name()).with_extension("log")
    }
}

/// A cargo-fuzz command on the protocol's targets.
fn cargo_fuzz(
    workspace: &Workspace,
    search_path: &OsString,
    subcommand: &str,
    target: &Path,
) -> Command {
    let mut command = workspace.cargo("fuzz");
    command
        .env("PATH", search_path)
        .args([subcommand, "--release", "--sanitizer", "none", "--fuzz-dir", "protocol/fuzz"])
        .arg("--target-dir")
        .arg(target);
    command
}

/// What a fuzzer says when its time is over.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    per_second: u64,
    /// Edges of the control flow, and these with how often they were taken.
    edges: u64,
    features: u64,
    inputs: u64,
}

impl Outcome {
    fn read(log: &str) -> Option<Self> {
        let number = |text: &str| text.split_whitespace().next()?.parse().ok();
        let stat = |name: &str| {
            log.lines().find_map(|line| number(line.strip_prefix("stat::")?.strip_prefix(name)?))
        };
        let last = log.lines().rfind(|line| line.contains(" cov: ") && line.starts_with('#'))?;
        let after = |name: &str| number(last.split_once(name)?.1);
        let inputs = last.split_once(" corp: ")?.1.split('/').next()?.parse().ok()?;
        Some(Self {
            executions: stat("number_of_executed_units:")?,
            per_second: stat("average_exec_per_sec:")?,
            edges: after(" cov: ")?,
            features: after(" ft: ")?,
            inputs,
        })
    }

    fn shown(&self) -> String {
        let Self { executions, per_second, edges, features, inputs } = self;
        format!(
            "{executions} executions, {per_second} a second; coverage: {edges} edges (cov), {features} \
             features (ft) by {inputs} inputs"
        )
    }
}

/// Whether cargo has called this program instead of rustc.
pub(crate) fn is_compiling() -> bool {
    env::var_os(COMPILING).is_some() && env::args_os().len() > 1
}

/// Calls rustc as cargo wants it, but without counters in what is not ours.
pub(crate) fn compile() -> ExitCode {
    use std::os::unix::process::CommandExt;
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let Some((rustc, arguments)) = arguments.split_first() else { return ExitCode::FAILURE };
    let error = Command::new(rustc).args(without_counters(arguments)).exec();
    eprintln!("error: cannot run {}: {error}", rustc.display());
    ExitCode::FAILURE
}

/// rustc's arguments, for a crate that is not ours without those that put counters in.
fn without_counters(arguments: &[OsString]) -> Vec<OsString> {
    let mut pairs = arguments.windows(2);
    let name = pairs.find(|pair| pair[0] == "--crate-name").map(|pair| &pair[1]);
    let counted = name.is_none_or(|name| COUNTED.iter().any(|ours| name == ours));
    let counts = |argument: &&OsString| {
        let text = argument.to_string_lossy();
        text == "-Cpasses=sancov-module" || text.starts_with("-Cllvm-args=-sanitizer-coverage")
    };
    arguments.iter().filter(|argument| counted || !counts(argument)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
#2\tINITED cov: 100 ft: 101 corp: 1/1b exec/s: 0 rss: 33Mb
#1800\tNEW    cov: 3163 ft: 8024 corp: 285/7830b lim: 42 exec/s: 257 rss: 32Mb L: 40/42
#1818\tDONE   cov: 3164 ft: 8030 corp: 286/7830b lim: 42 exec/s: 257 rss: 32Mb
Done 1818 runs in 7 second(s)
stat::number_of_executed_units: 1818
stat::average_exec_per_sec:     259
";

    #[test]
    fn what_a_fuzzer_says_at_the_end_is_read() {
        let outcome = Outcome::read(LOG).unwrap();
        let (executions, per_second) = (1818, 259);
        let read = Outcome { executions, per_second, edges: 3164, features: 8030, inputs: 286 };
        assert_eq!(outcome, read);
        assert_eq!(Outcome::read("#2\tINITED cov: 100 ft: 101 corp: 1/1b\n"), None);
    }

    #[test]
    fn a_finding_says_where_it_is_and_how_to_repeat_it() {
        let fuzzers = Fuzzers {
            binaries: "/t/release".into(),
            corpus: "/corpus".into(),
            search_path: OsString::new(),
        };
        let log = "thread 'x' panicked at src/peer.rs:3:1:\nwrong sum\nstack backtrace:\n\
                   artifact_prefix='/f/'; Test unit written to /f/crash-1\n";
        let said = fuzzers.finding(Target::Peer, Path::new("/l"), log).to_string();
        assert!(said.contains("wrong sum"), "{said}");
        assert!(said.ends_with("repeat it with: /t/release/peer /f/crash-1"), "{said}");
    }

    #[test]
    fn only_what_is_ours_is_compiled_with_counters() {
        let of = |name: &str| {
            let arguments = [
                "--crate-name",
                name,
                "-Cpasses=sancov-module",
                "-Cllvm-args=-sanitizer-coverage-level=4",
                "-Copt-level=3",
            ];
            without_counters(&arguments.map(OsString::from)).len()
        };
        assert_eq!((of("wardsum_protocol"), of("curve25519_dalek")), (5, 3));
    }
}
