//! What a simulation found out.

use std::fmt;

use serde::Serialize;
use wardsum_protocol::Aggregate;

use crate::studies_file::{SchemeName, SuiteName};

/// The outcome of one simulated round; as JSON it is one object, whose numbers are exact.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How many patients took part.
    pub patients: u32,
    /// How many of them held shares; none if the round did not come as far.
    pub committee: Option<u8>,
    /// How many partial sums reveal the sum.
    pub threshold: Option<u8>,
    /// How many answers the published result counts.
    pub accepted: u32,
    /// How many answers came and were not counted, because they are not valid or in dispute.
    pub rejected: u32,
    /// How many members' partial sums were not used, because they disputed too much.
    pub left_out: u32,
    /// How many members' partial sums were wrong and have been corrected.
    pub corrected: u32,
    /// The published sum, where one number is asked for.
    pub sum: Option<i128>,
    /// The plain sum of the answers that have to count: of all patients' but those who vanished before
    /// they contributed, or whose answers were rejected because they cheated. None where more is asked for than one
    /// number.
    pub expected: Option<i128>,
    /// How many numbers the questionnaire finds out.
    pub cells: usize,
    /// How many of them are suppressed in what was published, if anything was.
    pub suppressed: Option<usize>,
    /// What was published, if anything was.
    #[serde(skip)]
    pub published: Option<Aggregate>,
    /// Whether hospital and peers that are left all published exactly what those answers come to when they are counted
    /// plainly, in every cell that is not suppressed, and suppressed the cells that have to be.
    pub exact: bool,
    /// How many peers vanished for good.
    pub dropped: u32,
    /// How many connections peers made again.
    pub reconnects: u32,
    /// How often the hospital was killed and started again.
    pub restarts: u32,
    /// From before the hospital started until the last peer had the result, in milliseconds.
    pub wall_ms: u64,
    /// From before the hospital started until every peer had the study, in microseconds.
    pub connect_us: u64,
    /// From the first answer until the last peer had the result, in microseconds.
    pub round_us: u64,
    /// Processor time of the hospital from the first answer until it had stopped, in microseconds;
    /// 0 if it was a process of its own.
    pub hospital_cpu_us: u64,
    /// Processor time of all peers from the first answer on, in microseconds.
    pub peers_cpu_us: u64,
    /// WebSocket payload from all peers to the hospital, in bytes.
    pub bytes_up: u64,
    /// WebSocket payload from the hospital to all peers, in bytes.
    pub bytes_down: u64,
    /// The algorithms.
    pub suite: SuiteName,
    /// How answers were shared.
    pub scheme: SchemeName,
    /// Whether the patients were invited.
    pub invited: bool,
    /// Why the result is not exact.
    pub reason: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let committee = match (self.committee, self.threshold) {
            (Some(k), Some(threshold)) => {
                format!("{k} of them held shares, {threshold} were needed")
            }
            _ => "the committee was never fixed".to_owned(),
        };
        writeln!(f, "{} patients; {committee}", self.patients)?;
        let Self { accepted, cells, .. } = self;
        let result = match (self.sum, self.suppressed) {
            (Some(sum), _) => Some(format!("sum {sum}")),
            (None, Some(0)) => Some(format!("{cells} numbers")),
            (None, Some(hidden)) => Some(format!("{cells} numbers, {hidden} of them suppressed,")),
            (None, None) => None,
        };
        match (result, &self.reason, self.expected) {
            (Some(result), None, _) => {
                writeln!(f, "{result} over {accepted} answers, exactly as expected")?;
            }
            (Some(result), Some(reason), Some(expected)) => writeln!(
                f,
                "{result} over {accepted} answers, but {expected} was expected: {reason}",
            )?,
            (Some(result), Some(reason), None) => {
                writeln!(f, "{result} over {accepted} answers, which is wrong: {reason}")?;
            }
            (None, reason, _) => {
                writeln!(f, "no result: {}", reason.as_deref().unwrap_or("nobody knows why"))?;
            }
        }
        if self.rejected > 0 {
            let all = self.rejected + self.accepted;
            writeln!(f, "{} of {all} answers were not valid and were not counted", self.rejected)?;
        }
        if self.left_out + self.corrected > 0 {
            let Self { left_out, corrected, .. } = self;
            writeln!(
                f,
                "{left_out} members were left out, {corrected} wrong partial sums were corrected"
            )?;
        }
        if self.dropped + self.reconnects + self.restarts > 0 {
            let Self { dropped, reconnects, restarts, .. } = self;
            writeln!(
                f,
                "{dropped} peers vanished; {reconnects} connections were made again; the hospital was \
                 killed {restarts} times"
            )?;
        }
        write!(
            f,
            "{} ms; {} bytes from the peers, {} bytes to them",
            self.wall_ms, self.bytes_up, self.bytes_down,
        )
    }
}
