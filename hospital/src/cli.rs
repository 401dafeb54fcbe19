//! The command line.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::{AbuseSize, RoundSize};
use crate::control::{Action, Serials, SerialsError, StudyCommand};
use crate::http::origin::Origin;
use crate::invite::{Address, Inviting};
use crate::simulate::{PlannedCheat, PlannedDrop};
use crate::studies_file::{SchemeName, SuiteName};
use crate::study_desk::StudyId;

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
    /// Make or renew the local certificate authority and certificate, and print where they are.
    Certs(CertsArgs),
    /// Run one whole round on this machine, over real sockets, and check its sum.
    Simulate(SimulateArgs),
    /// Measure rounds and the relay, next to what they must cost at least.
    Bench(BenchArgs),
    /// Print rounds, results and the audit log of a data directory as JSON, never a sealed share.
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
    /// Tell the hospital that runs on a data directory what to do with a study.
    #[command(subcommand)]
    Study(StudyAction),
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

/// What a running hospital can be told about a study.
#[derive(Debug, Subcommand)]
pub enum StudyAction {
    /// Close enrolment or contributing of the study's current round, or end the round.
    ///
    /// A phase closes by command only if the study's rules say so (`by_command = true`).
    Close(CloseArgs),
    /// Take invitations to the study's current round back, before its committee is fixed.
    ///
    /// Whoever has enrolled with one of them is sent away, and nobody takes part with one any more.
    Revoke(RevokeArgs),
}

/// Flags of `hospital study revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The data directory of the hospital.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR", default_value = "wardsum-data")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// A file with the number of one invitation on each line.
    #[arg(long, value_name = "FILE")]
    pub serials: PathBuf,
}

impl RevokeArgs {
    /// What the hospital is told.
    pub fn command(&self) -> Result<StudyCommand, SerialsError> {
        let serials = Serials::read(&self.serials)?.into_vec();
        Ok(StudyCommand { study: self.study.to_string(), action: Action::Revoke, serials })
    }
}

/// Flags of `hospital study close`.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// The data directory of the hospital.
    #[arg(long, env = "WARDSUM_DATA", value_name = "DIR", default_value = "wardsum-data")]
    pub data: PathBuf,

    /// The study.
    #[arg(long, value_name = "ID")]
    pub study: StudyId,

    /// Which phase to close; the command is refused while the round is in another one [default: the
    /// one that is open].
    #[arg(long, conflicts_with = "abort")]
    pub phase: Option<ClosablePhase>,

    /// End the round without a result, whatever phase it is in.
    #[arg(long)]
    pub abort: bool,
}

impl CloseArgs {
    /// What the hospital is told.
    #[must_use]
    pub fn command(&self) -> StudyCommand {
        let action = match self.phase {
            _ if self.abort => Action::Abort,
            None => Action::Close,
            Some(ClosablePhase::Enrolment) => Action::CloseEnrolment,
            Some(ClosablePhase::Contributing) => Action::CloseContributing,
        };
        StudyCommand { study: self.study.to_string(), action, serials: Vec::new() }
    }
}

/// A phase that can be closed by command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClosablePhase {
    /// Until the committee is fixed.
    Enrolment,
    /// Until it is fixed what is counted.
    Contributing,
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

/// Flags of `hospital certs`.
#[derive(Debug, Args)]
pub struct CertsArgs {
    /// Where the certificates are kept.
    #[arg(long, env = "WARDSUM_CERTS_DIR", value_name = "DIR", default_value = "certs/local")]
    pub dir: PathBuf,
}

/// Flags of `hospital simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// How many patients take part [default: as many as --values, or 3].
    #[arg(long, value_name = "N")]
    pub patients: Option<usize>,

    /// Draws the patients' answers, which connections break and when the hospital is killed: the same
    /// seed, the same answers.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,

    /// The patients' answers, whole numbers separated by commas.
    #[arg(long, value_name = "3,1,4", value_delimiter = ',', allow_hyphen_values = true)]
    pub values: Option<Vec<i128>>,

    /// How many patients hold shares at most, 3 to 255.
    #[arg(long, value_name = "K", default_value_t = 32)]
    pub committee: u16,

    /// The key encapsulation that seals shares.
    #[arg(long, default_value = "x-wing")]
    pub suite: SuiteName,

    /// How answers are shared.
    #[arg(long, default_value = "threshold")]
    pub scheme: SchemeName,

    /// Lets M peers vanish for good at PHASE; may be repeated. `enrolled`: right after they were told
    /// that they are, before the committee is fixed; `seated`: committee members, right after they were
    /// told that they are, before they contribute; `contributed`: committee members, right after their
    /// contribution was acknowledged; `before-verification`: committee members that hold all shares,
    /// before they check the answers; `before-partial`: committee members that have, instead of sending
    /// their partial sum.
    #[arg(long = "drop", value_name = "M@PHASE")]
    pub drops: Vec<PlannedDrop>,

    /// Lets M peers cheat; may be repeated. `out-of-range`: they answer what the study does not allow;
    /// `bad-proof`: they prove it wrongly; `bad-share`: one member's share does not fit the others';
    /// `unopenable-share`: one member cannot open its share; `bad-degree`: more members would be needed to
    /// open it. As committee members, `false-dispute`: they say that they can read no share;
    /// `wrong-verifier`: they check the answers wrongly; `wrong-partial`: they send a wrong partial sum.
    #[arg(long = "cheat", value_name = "M@HOW")]
    pub cheats: Vec<PlannedCheat>,

    /// Breaks this many of 100 connections, each after a random number of messages; peers reconnect.
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0,
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    pub flaky: u8,

    /// Runs the hospital as a process of its own, kills it (SIGKILL) so many times at random instants
    /// of the round, and starts it again on the same data.
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    pub kill_hospital: u32,

    /// Invites the patients, with an authority that is made for this round; those who are not wanted on
    /// the committee may not serve.
    #[arg(long)]
    pub invited: bool,

    /// The deadline of each phase, in seconds [default: 60 with --drop alone, else 300].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline_seconds: Option<u64>,

    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `hospital bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The rounds, separated by commas: how many patients, and after a colon how many of them hold
    /// shares at most (255 if nothing is said).
    #[arg(
        long,
        value_name = "N[:K],...",
        value_delimiter = ',',
        default_value = "3,10,30,100,100:32"
    )]
    pub rounds: Vec<RoundSize>,

    /// How often each round is played; the one of median duration is shown.
    #[arg(long, value_name = "TIMES", default_value = "5")]
    pub repeat: NonZeroU32,

    /// How many connections the relay is compared with a bare one over.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(3..=255)
    )]
    pub relay_connections: u16,

    /// How many stored contributions of 40 KB a hospital is started with; they take their room in the
    /// directory for temporary files.
    #[arg(long, value_name = "N", default_value = "10000")]
    pub recovered_contributions: NonZeroU32,

    /// The key encapsulation that seals shares.
    #[arg(long, default_value = "x-wing")]
    pub suite: SuiteName,

    /// Instead of all that, abuse a hospital: how many peers idle, how many connections stall in each
    /// stage, and how many patients play a round among them and one that floods [if nothing is said:
    /// 2000,200,30].
    #[arg(
        long,
        value_name = "IDLE,STALLED,PATIENTS",
        num_args = 0..=1,
        default_missing_value = "2000,200,30",
        conflicts_with_all = ["rounds", "repeat", "relay_connections", "recovered_contributions", "suite"]
    )]
    pub abuse: Option<AbuseSize>,

    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
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
