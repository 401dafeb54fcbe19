//! The status API: what anybody may know about the studies of this hospital.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Aggregate, ParseDigestError};

use super::{Refused, Site};
use crate::hex;
use crate::study_desk::{PreviousResult, StudyDesk};
use crate::transcripts::{self, TranscriptFault, WhichRound};

/// `GET /api/v1/studies`.
pub(super) async fn studies(State(site): State<Site>) -> Response {
    fresh(&StudiesJson { studies: site.desks.iter().map(|desk| StudyJson::of(desk)).collect() })
}

/// `GET /api/v1/studies/{id}`.
pub(super) async fn study(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    Ok(fresh(&StudyJson::of(site.desk(&id)?)))
}

/// Which round's transcript is wanted.
#[derive(Deserialize)]
pub(super) struct TranscriptQuery {
    /// Its number.
    round: Option<u32>,
    /// Or its digest, by which a page knows the round that it has seen.
    digest: Option<String>,
}

impl TranscriptQuery {
    /// The last finished one if nothing is said.
    fn which(&self) -> Result<WhichRound, Refused> {
        let refused = |why| Refused::new(StatusCode::BAD_REQUEST, why);
        match (self.round, &self.digest) {
            (None, None) => Ok(WhichRound::Last),
            (Some(number), None) => Ok(WhichRound::Number(number)),
            (None, Some(digest)) => digest
                .parse()
                .map(WhichRound::Digest)
                .map_err(|error: ParseDigestError| refused(error.to_string())),
            (Some(_), Some(_)) => {
                Err(refused("name the round by its number or by its digest".to_owned()))
            }
        }
    }
}

/// `GET /api/v1/studies/{id}/transcript`: the file that `hospital verify` checks.
pub(super) async fn transcript(
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, Refused> {
    let desk = site.desk(&id)?;
    let (round, bytes) = desk.transcript(query.which()?).await.map_err(|fault| {
        let status = match fault {
            TranscriptFault::NoRound { .. } | TranscriptFault::None { .. } => StatusCode::NOT_FOUND,
            TranscriptFault::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refused::new(status, fault.to_string())
    })?;
    let name = format!("attachment; filename=\"{id}-{round}.wardsum\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(transcripts::MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // An id is of letters, digits and hyphens.
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a plain name")),
    ];
    Ok((headers, bytes).into_response())
}

/// Any other path below `/api/`.
pub(super) async fn nothing_here() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "there is nothing here; try /api/v1/studies")
}

/// A JSON answer that nobody keeps, since it may be out of date at once.
fn fresh(body: &impl Serialize) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    ([(header::CACHE_CONTROL, no_store)], Json(body)).into_response()
}

#[derive(Serialize)]
struct StudiesJson {
    studies: Vec<StudyJson>,
}

/// One study with its current round. Numbers that may exceed 2^53, which is where JavaScript's stop
/// being exact, are decimal strings.
#[derive(Serialize)]
struct StudyJson {
    id: String,
    /// Study digest of the current round (PROTOCOL.md, 6.2), 64 lower-case hexadecimal digits: another
    /// one for every round. A peer that has received its study knows by this whether the numbers
    /// below are its own round's.
    digest: String,
    title: String,
    organisation: String,
    question: String,
    unit: String,
    min: String,
    max: String,
    minimum_cohort: u32,
    /// `open`, or `invited`: only people with an invitation take part.
    admission: &'static str,
    /// Whose invitations: the authority's verifying key in hexadecimal digits; none in an open study.
    authority: Option<String>,
    phase: &'static str,
    enrolled: u32,
    committee: Option<u8>,
    threshold: Option<u8>,
    contributed: u32,
    /// How many committee members have verified all contributions.
    verified: u32,
    /// How many contributions are not counted, because they are not valid or in dispute.
    rejected: u32,
    partials: u32,
    /// Whether the round stands still, because nothing can be stored. All else is then how it stood before.
    suspended: bool,
    /// Until the phase closes at the latest; nobody knows while the round is suspended.
    closes_in_ms: Option<u64>,
    round: u32,
    result: Option<ResultJson>,
    /// The committee members whose partial aggregates were wrong and have been corrected in the result.
    wrong_members: Vec<u8>,
    /// The committee members whose partial aggregates were not used, because they disputed too much.
    left_out_members: Vec<u8>,
    ended: Option<String>,
    previous: Vec<PreviousJson>,
}

#[derive(Serialize)]
struct ResultJson {
    count: u32,
    sum: String,
    mean: f64,
}

#[derive(Serialize)]
struct PreviousJson {
    round: u32,
    #[serde(flatten)]
    result: ResultJson,
}

impl StudyJson {
    fn of(desk: &StudyDesk) -> Self {
        let rounds = desk.rounds();
        let rounds = rounds.borrow();
        let (study, standing) = (rounds.current.study(), rounds.current.standing());
        let status = standing.status;
        Self {
            id: desk.plan().id().to_string(),
            digest: study.digest().to_string(),
            title: study.title().to_owned(),
            organisation: study.organisation().to_owned(),
            question: study.question().to_owned(),
            unit: study.unit().to_owned(),
            min: study.min().to_string(),
            max: study.max().to_string(),
            minimum_cohort: study.minimum_cohort(),
            admission: if study.authority().is_some() { "invited" } else { "open" },
            authority: study.authority().map(|key| hex::encode(key.as_bytes())),
            phase: status.phase.as_str(),
            enrolled: status.enrolled,
            committee: status.committee,
            threshold: status.threshold,
            contributed: status.contributed,
            verified: status.verified,
            rejected: status.rejected,
            partials: status.partials,
            suspended: standing.suspended,
            closes_in_ms: status
                .closes_at
                .filter(|_| !standing.suspended)
                .map(|at| rounds.current.ms_until(at)),
            round: rounds.current.label().number,
            result: status.aggregate.map(ResultJson::from),
            wrong_members: status.wrong.iter().map(ShareIndex::number).collect(),
            left_out_members: status.left_out.iter().map(ShareIndex::number).collect(),
            ended: standing.ended(),
            previous: rounds.previous.iter().copied().map(PreviousJson::from).collect(),
        }
    }
}

impl From<Aggregate> for ResultJson {
    fn from(aggregate: Aggregate) -> Self {
        Self { count: aggregate.count, sum: aggregate.sum.to_string(), mean: aggregate.mean() }
    }
}

impl From<PreviousResult> for PreviousJson {
    fn from(previous: PreviousResult) -> Self {
        Self { round: previous.round, result: previous.aggregate.into() }
    }
}
