//! How the round stands, as the hospital tells it: the one here, or the one in a process of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{self, Instant};
use wardsum_protocol::{Phase, Study};

use super::tally::Tally;
use super::{Progress, STUDY};
use crate::native_peer::Connector;
use crate::result_json::ResultJson;
use crate::standing::Standing;

/// How long the hospital may take to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the simulated round stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundView {
    /// Where it stands.
    pub phase: Phase,
    /// How many have enrolled.
    pub enrolled: u32,
    /// How many are on the committee, once it is fixed.
    pub committee: Option<u8>,
    /// How many partial sums reveal the sum.
    pub threshold: Option<u8>,
    /// How many have contributed.
    pub contributed: u32,
    /// How many members have verified the contributions.
    pub verified: u32,
    /// How many contributions are not counted.
    pub rejected: u32,
    /// How many members' partial sums are not used.
    pub left_out: u32,
    /// How many partial sums were wrong and have been corrected.
    pub wrong: u32,
    /// How many partial sums have come.
    pub partials: u32,
    /// The result.
    pub result: Option<ResultJson>,
    /// Why there is none.
    pub ended: Option<String>,
}

impl RoundView {
    /// Whether nothing can change any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Published | Phase::Ended)
    }
}

/// Where the round can be seen.
#[derive(Clone)]
pub(super) enum Window {
    /// In this process.
    Here(watch::Receiver<Standing>, Study),
    /// At the status API.
    Api(Connector),
}

impl Window {
    /// How the round stands now; nothing, if the hospital cannot be asked.
    pub(super) async fn look(&self) -> Option<RoundView> {
        match self {
            Self::Here(standing, study) => Some(RoundView::of(study, &standing.borrow())),
            Self::Api(connector) => {
                let study = time::timeout(PATIENCE, ask(connector)).await.ok()?.ok()?;
                study.try_into().ok()
            }
        }
    }

    /// Looks until the round is over, or until the deadline; but once in any case.
    pub(super) async fn look_at_the_end(&self, deadline: Instant) -> Option<RoundView> {
        loop {
            let view = self.look().await;
            if view.as_ref().is_some_and(RoundView::is_over) || Instant::now() >= deadline {
                return view;
            }
            time::sleep(self.pause()).await;
        }
    }

    /// Shows `observe` again and again how far everything is.
    pub(super) async fn watch(self, tally: Arc<Tally>, observe: impl Fn(&Progress)) {
        let mut shown = None;
        loop {
            // While the hospital is down, it stands as it was seen last.
            shown = self.look().await.or(shown);
            if let Some(round) = &shown {
                observe(&Progress { round: round.clone(), mishaps: tally.mishaps() });
            }
            time::sleep(self.pause()).await;
        }
    }

    /// How long to wait before looking again.
    fn pause(&self) -> Duration {
        Duration::from_millis(match self {
            Self::Here(..) => 50,
            Self::Api(_) => 500,
        })
    }
}

impl RoundView {
    fn of(study: &Study, standing: &Standing) -> Self {
        let status = &standing.status;
        let result = status.aggregate.as_ref();
        Self {
            phase: status.phase,
            enrolled: status.enrolled,
            committee: status.committee,
            threshold: status.threshold,
            contributed: status.contributed,
            verified: status.verified,
            rejected: status.rejected,
            left_out: status.left_out.len(),
            wrong: status.wrong.len(),
            partials: status.partials,
            result: result.map(|aggregate| ResultJson::new(study, aggregate)),
            ended: standing.ended(),
        }
    }
}

/// What the status API says of the study; see `http::api`.
#[derive(Deserialize)]
struct StudyJson {
    phase: String,
    enrolled: u32,
    committee: Option<u8>,
    threshold: Option<u8>,
    contributed: u32,
    verified: u32,
    rejected: u32,
    left_out_members: Vec<u8>,
    wrong_members: Vec<u8>,
    partials: u32,
    result: Option<ResultJson>,
    ended: Option<String>,
}

/// An answer of the API that makes no sense.
struct Nonsense;

impl TryFrom<StudyJson> for RoundView {
    type Error = Nonsense;

    fn try_from(study: StudyJson) -> Result<Self, Nonsense> {
        let phases = [
            Phase::Enrolling,
            Phase::Contributing,
            Phase::Verifying,
            Phase::Aggregating,
            Phase::Published,
            Phase::Ended,
        ];
        let phase = phases.into_iter().find(|phase| phase.as_str() == study.phase);
        Ok(Self {
            phase: phase.ok_or(Nonsense)?,
            enrolled: study.enrolled,
            committee: study.committee,
            threshold: study.threshold,
            contributed: study.contributed,
            verified: study.verified,
            rejected: study.rejected,
            left_out: members(&study.left_out_members),
            wrong: members(&study.wrong_members),
            partials: study.partials,
            result: study.result,
            ended: study.ended,
        })
    }
}

fn members(listed: &[u8]) -> u32 {
    u32::try_from(listed.len()).unwrap_or(u32::MAX)
}

/// Asks the status API over a connection of its own.
async fn ask(connector: &Connector) -> io::Result<StudyJson> {
    let mut stream = connector.open_tls().await.map_err(io::Error::other)?;
    let request = format!(
        "GET /api/v1/studies/{STUDY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end_of_head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let body = end_of_head.map_or(&answer[..], |end| &answer[end + 4..]);
    Ok(serde_json::from_slice(body)?)
}
