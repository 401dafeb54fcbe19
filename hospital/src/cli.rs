//! The command line.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::RoundSize;
use crate::http::origin::Origin;
use crate::studies_file::{SchemeName, SuiteName};

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
    /// Run one whole round in this process, over real sockets, and check its sum.
    Simulate(SimulateArgs),
    /// Measure rounds and the relay, next to what they must cost at least.
    Bench(BenchArgs),
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

    /// Draws the patients' answers: the same seed, the same answers.
    #[arg(long, value_name = "S", default_value_t = 0, conflicts_with = "values")]
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

    /// How long the round may take before it is given up, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub deadline_seconds: u64,

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

    /// The key encapsulation that seals shares.
    #[arg(long, default_value = "x-wing")]
    pub suite: SuiteName,

    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
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
