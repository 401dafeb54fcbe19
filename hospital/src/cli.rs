//! The command line.

mod measuring;
mod running;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::http::origin::Origin;
use crate::invite::{Address, Inviting};
use crate::results::Format;
use crate::study_desk::StudyId;

pub use measuring::{BenchArgs, SimulateArgs};
pub use running::{
    AddResearcherArgs, ClosablePhase, CloseArgs, CreateArgs, DataArgs, ResearcherAction,
    RevokeArgs, RevokeResearcherArgs, StudyAction, StudyArgs,
};

/// Learns a statistic about patients without seeing a single patient's answer.
#[derive(Debug, Parser)]
#[command(name = "hospital", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How verbose the log on standard error is. It never contains keys, shares or payloads.
    #[arg(long, global = true, env = "WARDSUM_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: LogLevel,

    /// How the log is written: for people on a terminal and as JSON elsewhere, unless it is said here.
    #[arg(
        long,
        global = true,
        env = "WARDSUM_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "auto"
    )]
    pub log_format: LogFormat,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the hospital's server until it is told to stop.
    Serve(ServeArgs),
    /// Ask the hospital that runs on this machine whether it is well; exit status 0 if it is.
    Health(HealthArgs),
    /// Make or renew the local certificate authority and certificate, and print where they are.
    Certs(CertsArgs),
    /// Run one whole round on this machine, over real sockets, and check its sum.
    Simulate(SimulateArgs),
    /// Measure rounds and the relay, next to what they must cost at least.
    Bench(BenchArgs),
    /// Print researchers, studies made at run time, rounds, results and the audit log of a data directory as
    /// JSON, never a token or a sealed share.
    ///
    /// A hospital may be running on the directory; what it stores meanwhile is not in the output.
    Export(ExportArgs),
    /// Copy the store of a data directory to a new file, while a hospital runs or not, and check it.
    ///
    /// To restore a backup, copy it into an empty directory as wardsum.sqlite3 and serve that with
    /// --data. Sealed shares that are in a backup stay there when the hospital erases its own.
    Backup(BackupArgs),
    /// Write the transcript of a finished round: everything public about it, for whoever wants to check it.
    Transcript(TranscriptArgs),

    /// Write a finished round's result as a file for other programs: a table, its codebook, JSON, a `MeasureReport` of
    /// FHIR R4, or a page to print. It works while the hospital runs, and when it does not.
    Result(ResultArgs),
    /// Check a transcript, offline and without trusting anybody, and say what was checked.
    ///
    /// Exit status 0 if everything holds, 1 if not; what is wrong, and where, is then said.
    Verify(VerifyArgs),
    /// Check that every file of a built page is the one that it should be, and print its fingerprint.
    ///
    /// The fingerprint is the SHA-256 of index.html, which names all other files with their hashes:
    /// `curl -s https://HOST/ | sha256sum` gives the same digits for the page that a server serves. With
    /// --hospital and --to, makes a copy of the page that is served from another origin than the
    /// hospital's, and prints the fingerprint of that.
    Page(PageArgs),
    /// Make personal invitations to a study, on the authority's own machine and without the hospital.
    ///
    /// The authority is whoever vouches for the patients and is not the hospital: an ethics board, a
    /// patient association, the sponsor of a trial. The hospital gets the study file that is made here,
    /// with the authority's public key in it, and each person one link.
    Invite(InviteArgs),
    /// Tell the hospital that runs on a data directory what to do with a study, or make another one.
    #[command(subcommand)]
    Study(StudyAction),
    /// Say who may use the researcher's API, whether a hospital runs on the data directory or not.
    #[command(subcommand)]
    Researcher(ResearcherAction),
}

/// Flags of `hospital invite`.
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// The study file: one [[study]] as in the hospital's studies file. To invite more people later, the
    /// study.toml that was made here the first time.
    #[arg(value_name = "STUDY.toml")]
    pub study: PathBuf,

    /// How many people to invite, 1 to 100,000.
    #[arg(long, value_name = "N")]
    pub count: u32,

    /// How many of them, drawn at random, may serve on the committee [default: twice as many as have a
    /// seat, or everybody if that is less; none of those who are invited later].
    #[arg(long, value_name = "M")]
    pub may_serve: Option<u32>,

    /// The number of the first invitation; those of earlier ones must not come again [default: 1, for a
    /// study without invitations so far].
    #[arg(long, value_name = "NUMBER")]
    pub first: Option<u32>,

    /// The authority's key; it is made if there is no such file, for its owner only [default: a new one,
    /// authority.key in the directory that is made].
    #[arg(long, env = "WARDSUM_AUTHORITY_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Where the study's page is, as patients see it.
    #[arg(long, value_name = "https://HOST[:PORT]/")]
    pub address: Address,

    /// The directory to make; one that has something in it is never touched.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Make no printable page.
    #[arg(long)]
    pub no_page: bool,
}

impl From<InviteArgs> for Inviting {
    fn from(args: InviteArgs) -> Self {
        let InviteArgs { study, count, may_serve, first, key, address, out, no_page } = args;
        Self { study, count, may_serve, first, key, address, out, page: !no_page }
    }
}

/// Flags of `hospital serve`. A flag goes before its environment variable, and that before the
/// `[server]` table of the studies file.
#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// The studies file (TOML).
    #[arg(long, env = "WARDSUM_STUDIES", value_name = "FILE", default_value = "studies.toml")]
    pub studies: PathBuf,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8443].
    #[arg(long, env = "WARDSUM_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    /// The directory of the built page [default: web/dist].
    #[arg(long, env = "WARDSUM_PAGE", value_name = "DIR")]
    pub page: Option<PathBuf>,

    /// The directory of the built researcher's page [default: `researcher` in that of the page].
    #[arg(long, env = "WARDSUM_RESEARCHER_PAGE", value_name = "DIR")]
    pub researcher_page: Option<PathBuf>,

    /// Where rounds are kept, so that none is lost when the hospital stops; made if it is missing
    /// [default: wardsum-data].
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// How long sealed shares are kept after their round is over, in hours; 0 erases them at once
    /// [default: 24].
    #[arg(long, env = "WARDSUM_RETENTION_HOURS", value_name = "HOURS")]
    pub retention_hours: Option<u32>,

    /// Address and port for operators, in plain HTTP: /healthz, /readyz and /metrics. Nobody is asked
    /// who they are there, so it belongs on loopback [default: none].
    #[arg(long, env = "WARDSUM_OPS", value_name = "ADDRESS:PORT")]
    pub ops: Option<String>,

    /// A certificate chain of one's own (PEM, leaf first); together with --key.
    #[arg(long, env = "WARDSUM_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// The private key of --cert (PEM).
    #[arg(long, env = "WARDSUM_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Where local certificates are kept, made and renewed, if --cert is not given [default: certs/local].
    #[arg(long, env = "WARDSUM_CERTS_DIR", value_name = "DIR")]
    pub certs_dir: Option<PathBuf>,

    /// An origin besides the hospital's own whose pages may take part; may be repeated.
    #[arg(
        long = "allowed-origin",
        env = "WARDSUM_ALLOWED_ORIGINS",
        value_name = "https://HOST[:PORT]",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<Origin>,
}

/// Flags of `hospital health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Where the hospital answers operators, as --ops of `hospital serve` says it.
    #[arg(
        long,
        env = "WARDSUM_OPS",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:9464"
    )]
    pub ops: String,

    /// Ask whether it can serve, and not only whether the process lives.
    #[arg(long)]
    pub ready: bool,
}

/// Flags of `hospital certs`.
#[derive(Debug, Args)]
pub struct CertsArgs {
    /// Where the certificates are kept.
    #[arg(long, env = "WARDSUM_CERTS_DIR", value_name = "DIR", default_value = "certs/local")]
    pub dir: PathBuf,
}

/// Flags of `hospital transcript`.
#[derive(Debug, Args)]
pub struct TranscriptArgs {
    /// The data directory.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// The round's number [default: the last one that is over].
    #[arg(long, value_name = "N")]
    pub round: Option<u32>,

    /// The file to make; one that exists is never replaced.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// Flags of `hospital result`.
#[derive(Debug, Args)]
pub struct ResultArgs {
    /// The data directory.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// The round's number [default: the last one that has a result].
    #[arg(long, value_name = "N")]
    pub round: Option<u32>,

    /// What the result is written as.
    #[arg(long, value_name = "FORMAT")]
    pub format: Format,

    /// In which language texts are given [default: the study's first one].
    #[arg(long, value_name = "TAG", default_value = "", hide_default_value = true)]
    pub language: String,

    /// The file to make; one that exists is never replaced.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// Flags of `hospital verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The transcript.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// A receipt that the page has given: says also whether this is the transcript of what its tab was
    /// shown, and what became of the contribution that it names.
    #[arg(long, value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
}

/// Flags of `hospital page`.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// The directory of the built page.
    #[arg(long, env = "WARDSUM_PAGE", value_name = "DIR", default_value = "web/dist")]
    pub page: PathBuf,

    /// The origin of the hospital that the copy talks to. The hospital has to allow the origin of the
    /// copy (--allowed-origin of `hospital serve`).
    #[arg(long, value_name = "https://HOST[:PORT]", requires = "to")]
    pub hospital: Option<Origin>,

    /// Where to write the copy: a directory that is empty or not there.
    #[arg(long, value_name = "DIR", requires = "hospital")]
    pub to: Option<PathBuf>,
}

/// Flags of `hospital export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The data directory.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// Only the rounds of this study [default: all]. The audit log is whole in either case.
    #[arg(long, value_name = "ID")]
    pub study: Option<StudyId>,
}

/// Flags of `hospital backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The data directory.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// The file to make, readable by its owner only; one that exists is never replaced.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// How verbose the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what somebody has to look into.
    Error,
    /// And what went wrong but was dealt with.
    Warn,
    /// And what the hospital does.
    Info,
    /// And each connection.
    Debug,
    /// And each message's length.
    Trace,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// As text on a terminal, as JSON elsewhere.
    Auto,
    /// As text.
    Text,
    /// As JSON, one object per line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
