//! The `hospital` command.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;
use wardsum_certs::{Action, CertError};
use wardsum_hospital::announcement::Announce;
use wardsum_hospital::bench::{self, AbuseError, Bench, BenchError};
use wardsum_hospital::built_page::{BuiltPage, BuiltPageError};
use wardsum_hospital::cli::{
    BackupArgs, BenchArgs, CertsArgs, Cli, Command, CreateArgs, ExportArgs, HealthArgs, InviteArgs,
    PageArgs, ResearcherAction, ResultArgs, RevokeArgs, ServeArgs, SimulateArgs, StudyAction,
    StudyArgs, TranscriptArgs, VerifyArgs,
};
use wardsum_hospital::control::{
    self, Change, CommandError, Request, ResearcherError, SerialsError,
};
use wardsum_hospital::health::{self, HealthError};
use wardsum_hospital::invite::{self, InviteError};
use wardsum_hospital::logging;
use wardsum_hospital::open_files;
use wardsum_hospital::questionnaires::{self, QuestionnaireFileError};
use wardsum_hospital::results::{NoResult, RoundResult};
use wardsum_hospital::serve::{self, ServeError, Stopped};
use wardsum_hospital::simulate::{
    Answers, AnswersError, Inviting, MishapCounts, Mishaps, Progress, Simulation, SimulationError,
    answers_csv,
};
use wardsum_hospital::store::{Snapshot, StoreError};
use wardsum_hospital::studies_file::StudiesFileError;
use wardsum_hospital::study_desk::StudyId;
use wardsum_hospital::transcripts::{self, TranscriptFault, VerifyError, WhichRound};
use wardsum_protocol::Phase;

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
        Command::Health(args) => health(&args),
        Command::Certs(args) => certs(&args),
        Command::Simulate(args) => simulate(args),
        Command::Bench(args) => bench(args),
        Command::Export(args) => export(&args),
        Command::Backup(args) => backup(&args),
        Command::Transcript(args) => transcript(&args),
        Command::Result(args) => result(&args),
        Command::Verify(args) => verify(&args),
        Command::Page(args) => page(&args),
        Command::Invite(args) => invite(args),
        Command::Study(StudyAction::Close(args)) => tell(&args.data, &args.request()),
        Command::Study(StudyAction::Create(args)) => create(&args),
        Command::Study(StudyAction::Open(StudyArgs { data, study })) => {
            tell(&data.data, &Request::Change(Change::Open { id: study.to_string() }))
        }
        Command::Study(StudyAction::Archive(StudyArgs { data, study })) => {
            tell(&data.data, &Request::Change(Change::Archive { id: study.to_string() }))
        }
        Command::Study(StudyAction::List(args)) => tell(&args.data, &Request::Studies),
        Command::Researcher(action) => researcher(action),
        Command::Study(StudyAction::Revoke(args)) => revoke(&args),
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
    Health(#[from] HealthError),
    #[error(transparent)]
    Certs(#[from] CertError),
    #[error(transparent)]
    Answers(#[from] AnswersError),
    #[error(transparent)]
    Questionnaire(#[from] QuestionnaireFileError),
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Abuse(#[from] AbuseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Transcript(#[from] TranscriptFault),
    #[error(transparent)]
    Result(#[from] NoResult),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("{} cannot be written: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Page(#[from] BuiltPageError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Serials(#[from] SerialsError),
    #[error(transparent)]
    Researcher(#[from] ResearcherError),
    #[error(transparent)]
    StudyFile(#[from] StudiesFileError),
    #[error(transparent)]
    Invite(#[from] InviteError),
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    #[error("the program cannot run here: {0}")]
    Runtime(#[from] io::Error),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        let configuration = match self {
            Self::Serve(error) => error.is_configuration(),
            Self::Simulation(error) => error.is_configuration(),
            Self::Bench(error) => error.is_configuration(),
            Self::Researcher(ResearcherError::Store(error))
            | Self::Store(error)
            | Self::Transcript(TranscriptFault::Store(error)) => error.is_configuration(),
            Self::Invite(error) => error.is_configuration(),
            Self::Verify(VerifyError::Read { .. })
            | Self::StudyFile(_)
            | Self::File { .. }
            | Self::Answers(_)
            | Self::Questionnaire(_)
            | Self::Serials(_) => true,
            Self::Transcript(_)
            | Self::Result(_)
            | Self::Verify(_)
            | Self::Abuse(_)
            | Self::Certs(_)
            | Self::Health(_)
            | Self::Command(_)
            | Self::Researcher(_)
            | Self::Output(_)
            | Self::Page(_)
            | Self::Runtime(_) => false,
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

fn health(args: &HealthArgs) -> Result<ExitCode, Error> {
    say(&health::ask(&args.ops, args.ready)?);
    Ok(ExitCode::SUCCESS)
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
    let answers = match (args.values, args.study) {
        (Some(values), _) => Answers::given(values, args.patients)?,
        (None, Some(file)) => {
            let asked = questionnaires::read_file(&file)?;
            Answers::to(asked.form, args.patients.unwrap_or(3), args.seed)?
        }
        (None, None) => Answers::draw(args.patients.unwrap_or(3), args.seed),
    };
    let mishaps = Mishaps {
        drops: args.drops,
        cheats: args.cheats,
        flaky_percent: args.flaky,
        kill_hospital: args.kill_hospital,
        seed: args.seed,
    };
    let deadline = args.deadline_seconds.map(Duration::from_secs);
    let simulation = Simulation {
        answers,
        minimum_cell: args.minimum_cell,
        committee_cap: args.committee,
        suite: args.suite,
        scheme: args.scheme,
        deadline: deadline.unwrap_or_else(|| mishaps.usual_deadline()),
        invited: args.invited.then(Inviting::draw).transpose().map_err(SimulationError::from)?,
        mishaps,
    };
    if let Some(file) = args.answers_to {
        let plain = answers_csv(simulation.answers.form(), simulation.answers.all());
        std::fs::write(&file, plain).map_err(|source| Error::File { file, source })?;
    }
    let bar = progress_bar(simulation.answers.all().len());
    let report = simulation.run({
        let bar = bar.clone();
        move |progress| show(&bar, progress)
    });
    bar.finish_and_clear();
    let report = report?;
    if let Some((file, published)) = args.result_to.zip(report.published.as_ref()) {
        let result = simulation.result(published, report.rejected);
        std::fs::write(&file, result).map_err(|source| Error::File { file, source })?;
    }
    if args.json {
        say(&serde_json::to_string(&report).expect("a report is made of numbers and short texts"));
    } else {
        say(&report);
    }
    Ok(if report.exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bench(args: BenchArgs) -> Result<ExitCode, Error> {
    // Only for whoever waits and watches.
    let watch = |next: &str| drop(writeln!(io::stderr(), "measuring {next}"));
    if let Some(size) = args.abuse {
        let abuse = bench::abuse(size, watch)?;
        if args.json {
            say(&serde_json::to_string(&abuse).expect("it is made of numbers"));
        } else {
            say(&abuse);
        }
        return Ok(if abuse.exact { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let bench = Bench {
        rounds: args.rounds,
        repeat: args.repeat,
        relay_connections: args.relay_connections,
        recovered: args.recovered_contributions,
        suite: args.suite,
        deadline: BENCH_DEADLINE,
    };
    let measured = bench.run(watch)?;
    if args.json {
        say(&serde_json::to_string(&measured).expect("it is made of numbers and short texts"));
    } else {
        say(&measured);
    }
    Ok(if measured.is_exact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn export(args: &ExportArgs) -> Result<ExitCode, Error> {
    let study = args.study.as_ref().map(StudyId::as_str);
    let export = Snapshot::open(&args.data)?.export(study)?;
    let mut text = serde_json::to_string_pretty(&export).expect("it is made of numbers and texts");
    text.push('\n');
    // Half an export must not pass for a whole one.
    io::stdout().write_all(text.as_bytes()).map_err(Error::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn transcript(args: &TranscriptArgs) -> Result<ExitCode, Error> {
    let snapshot = Snapshot::open(&args.data)?;
    let round = args.round.map_or(WhichRound::Last, WhichRound::Number);
    let made = transcripts::of_snapshot(&snapshot, args.study.as_str(), round)?;
    let write = || {
        let mut file = File::create_new(&args.to)?;
        file.write_all(&made.transcript.encode())?;
        file.sync_all()
    };
    write().map_err(|source| Error::File { file: args.to.clone(), source })?;
    let (round, study) = (made.round, &args.study);
    say(&format!("{} is the transcript of round {round} of study {study}", args.to.display()));
    Ok(ExitCode::SUCCESS)
}

fn result(args: &ResultArgs) -> Result<ExitCode, Error> {
    let snapshot = Snapshot::open(&args.data)?;
    let found = RoundResult::of_snapshot(&snapshot, args.study.as_str(), args.round)?;
    let write = || {
        let mut file = File::create_new(&args.to)?;
        file.write_all(found.write(args.format, &args.language).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| Error::File { file: args.to.clone(), source })?;
    let (round, study) = (found.round(), &args.study);
    say(&format!("{} is the result of round {round} of study {study}", args.to.display()));
    Ok(ExitCode::SUCCESS)
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, Error> {
    let (checked, found) = transcripts::verify(&args.file, args.receipt.as_deref())?;
    say(&format!("{checked}\n{}\n{} holds", transcripts::NOT_CHECKED, args.file.display()));
    if let (Some(found), Some(receipt)) = (found, &args.receipt) {
        say(&format!(
            "{} fits it: it is of the same study and committee; {found}",
            receipt.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn backup(args: &BackupArgs) -> Result<ExitCode, Error> {
    Snapshot::open(&args.data)?.backup(&args.to)?;
    say(&format!("{} is a checked copy of {}", args.to.display(), args.data.display()));
    Ok(ExitCode::SUCCESS)
}

fn page(args: &PageArgs) -> Result<ExitCode, Error> {
    let mut page = BuiltPage::read(&args.page)?;
    if let (Some(hospital), Some(to)) = (&args.hospital, &args.to) {
        page = page.copy_for(hospital, to)?;
        say(&format!("{} is a copy of the page for {hospital}", to.display()));
    }
    if let Some(researchers) = page.researchers() {
        say(&format!("fingerprint of the researcher's page: {}", researchers.fingerprint()));
    }
    say(&format!("fingerprint: {}", page.fingerprint()));
    Ok(ExitCode::SUCCESS)
}

fn invite(args: InviteArgs) -> Result<ExitCode, Error> {
    say(&invite::Inviting::from(args).run()?);
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &RevokeArgs) -> Result<ExitCode, Error> {
    tell(&args.data, &Request::Study(args.command()?))
}

fn create(args: &CreateArgs) -> Result<ExitCode, Error> {
    let change = Change::make_from_file(&args.study, args.draft)?;
    tell(&args.data.data, &Request::Change(change))
}

fn researcher(action: ResearcherAction) -> Result<ExitCode, Error> {
    let (data, command) = action.command();
    say(&control::tell_about_researchers(&data, command)?);
    Ok(ExitCode::SUCCESS)
}

/// Asks something of the hospital that runs on a data directory.
fn tell(data: &Path, request: &Request) -> Result<ExitCode, Error> {
    say(&control::ask(data, request)?);
    Ok(ExitCode::SUCCESS)
}

/// A progress bar on standard error if that is a terminal, and nothing elsewhere.
fn progress_bar(patients: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{prefix:13} [{bar:40}] {pos}/{len}  {elapsed}  {msg}")
            .expect("the template is well-formed");
    ProgressBar::new(patients as u64).with_style(style)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let Progress { round, mishaps } = progress;
    let members = Some(round.committee.map_or(0, u64::from));
    let (done, of) = match round.phase {
        Phase::Enrolling => (round.enrolled, None),
        Phase::Contributing => (round.contributed, None),
        Phase::Verifying => (round.verified, members),
        Phase::Aggregating | Phase::Published | Phase::Ended => (round.partials, members),
    };
    let MishapCounts { dropped, reconnects, restarts } = *mishaps;
    bar.set_prefix(round.phase.as_str());
    if dropped + reconnects + restarts > 0 {
        bar.set_message(format!("{dropped} dropped, {reconnects} reconnects, {restarts} restarts"));
    }
    if let Some(of) = of {
        bar.set_length(of);
    }
    bar.set_position(done.into());
}

/// Prints a line. A reader that has gone away is no reason for the hospital to stop.
fn say(line: &impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
