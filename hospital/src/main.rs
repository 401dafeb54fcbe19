//! The `hospital` command.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;
use wardsum_certs::{Action, CertError};
use wardsum_hospital::announcement::Announce;
use wardsum_hospital::bench::{Bench, BenchError};
use wardsum_hospital::cli::{BenchArgs, CertsArgs, Cli, Command, ServeArgs, SimulateArgs};
use wardsum_hospital::logging;
use wardsum_hospital::open_files;
use wardsum_hospital::serve::{self, ServeError, Stopped};
use wardsum_hospital::simulate::{Simulation, SimulationError, Values, ValuesError};
use wardsum_protocol::Phase;
use wardsum_protocol::round::Status;

/// The exit status for a configuration that cannot work; clap uses it for wrong flags as well.
const EXIT_CONFIGURATION: u8 = 2;

/// How long each measured round may take before it counts as failed.
const BENCH_DEADLINE: Duration = Duration::from_mins(5);

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.log, cli.log_format);
    open_files::raise_limit();
    let done = match cli.command {
        Command::Serve(args) => serve(args),
        Command::Certs(args) => certs(&args),
        Command::Simulate(args) => simulate(args),
        Command::Bench(args) => bench(args),
    };
    done.unwrap_or_else(|error| {
        // Nobody is left to tell if standard error is closed.
        let _ = writeln!(io::stderr(), "error: {error}");
        error.exit_code()
    })
}

/// What the program can fail with.
#[derive(Debug, Error)]
enum Error {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Certs(#[from] CertError),
    #[error(transparent)]
    Values(#[from] ValuesError),
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("the program cannot run here: {0}")]
    Runtime(#[from] io::Error),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        let configuration = match self {
            Self::Serve(error) => error.is_configuration(),
            Self::Simulation(error) => error.is_configuration(),
            Self::Bench(error) => error.is_configuration(),
            Self::Values(_) => true,
            Self::Certs(_) | Self::Runtime(_) => false,
        };
        if configuration { ExitCode::from(EXIT_CONFIGURATION) } else { ExitCode::FAILURE }
    }
}

fn serve(args: ServeArgs) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let announce = Announce::to(say);
    let serving = serve::serve(args, announce, |url| say(&format!("listening on {url}")));
    match runtime.block_on(serving)? {
        Stopped::Drained => Ok(ExitCode::SUCCESS),
        Stopped::AtOnce(signal) => {
            // Dropping the runtime would wait for whatever its threads are busy with.
            runtime.shutdown_background();
            Ok(ExitCode::from(signal.exit_status()))
        }
    }
}

fn certs(args: &CertsArgs) -> Result<ExitCode, Error> {
    let (certs, action) = wardsum_certs::ensure(&args.dir, SystemTime::now())?;
    say(&match action {
        Action::Created => "made a new certificate authority and certificate",
        Action::Renewed => "renewed the certificate",
        Action::Kept => "the certificate is still good",
    });
    say(&format!("authority:   {}", certs.ca_cert.display()));
    say(&format!("certificate: {}", certs.leaf_cert.display()));
    say(&format!("key:         {}", certs.leaf_key.display()));
    Ok(ExitCode::SUCCESS)
}

fn simulate(args: SimulateArgs) -> Result<ExitCode, Error> {
    let values = match args.values {
        Some(values) => Values::given(values, args.patients)?,
        None => Values::draw(args.patients.unwrap_or(3), args.seed),
    };
    let simulation = Simulation {
        values,
        committee_cap: args.committee,
        suite: args.suite,
        scheme: args.scheme,
        deadline: Duration::from_secs(args.deadline_seconds),
    };
    let bar = progress_bar(simulation.values.answers().len());
    let report = simulation.run({
        let bar = bar.clone();
        move |status| show(&bar, status)
    });
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        say(&serde_json::to_string(&report).expect("a report is made of numbers and short texts"));
    } else {
        say(&report);
    }
    Ok(if report.exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bench(args: BenchArgs) -> Result<ExitCode, Error> {
    let bench = Bench {
        rounds: args.rounds,
        repeat: args.repeat,
        relay_connections: args.relay_connections,
        suite: args.suite,
        deadline: BENCH_DEADLINE,
    };
    let measured = bench.run(|next| {
        // Only for whoever waits and watches.
        let _ = writeln!(io::stderr(), "measuring {next}");
    })?;
    if args.json {
        say(&serde_json::to_string(&measured).expect("it is made of numbers and short texts"));
    } else {
        say(&measured);
    }
    Ok(if measured.is_exact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A progress bar on standard error if that is a terminal, and nothing elsewhere.
fn progress_bar(patients: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:13} [{bar:40}] {pos}/{len}  {elapsed}")
        .expect("the template is well-formed");
    ProgressBar::new(patients as u64).with_style(style)
}

fn show(bar: &ProgressBar, status: &Status) {
    let committee = status.committee.map_or(0, u32::from);
    let (done, of) = match status.phase {
        Phase::Enrolling => (status.enrolled, None),
        Phase::Contributing => (status.contributed, None),
        Phase::Aggregating | Phase::Published | Phase::Ended => (status.partials, Some(committee)),
    };
    bar.set_message(status.phase.as_str());
    if let Some(of) = of {
        bar.set_length(of.into());
    }
    bar.set_position(done.into());
}

/// Prints a line. A reader that has gone away is no reason for the hospital to stop.
fn say(line: &impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
