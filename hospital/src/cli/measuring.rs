//! `hospital simulate` and `hospital bench`: rounds that are played on this machine.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use crate::bench::{AbuseSize, RoundSize};
use crate::simulate::{PlannedCheat, PlannedDrop};
use crate::studies_file::{SchemeName, SuiteName};

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

    /// A questionnaire that the patients answer, as a study's `questionnaire` [default: one number from 0 to 10].
    #[arg(long, value_name = "FILE", conflicts_with = "values")]
    pub study: Option<PathBuf>,

    /// How few people a published number may be about; 1 suppresses nothing.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub minimum_cell: u32,

    /// Writes the plain answers to this file, as comma-separated values, so that another program can compute what comes out.
    #[arg(long, value_name = "FILE")]
    pub answers_to: Option<PathBuf>,

    /// Writes what was published to this file, as `hospital result --format json` does.
    #[arg(long, value_name = "FILE")]
    pub result_to: Option<PathBuf>,

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
