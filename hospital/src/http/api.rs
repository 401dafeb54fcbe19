//! The status API: what anybody may know about the studies of this hospital.

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wardsum_protocol::ParseDigestError;
use wardsum_protocol::sharing::ShareIndex;

use super::extract::{IdOf, QueryOf};
use super::refused::ErrorJson;
use super::{Refused, Site};
use crate::hex;
use crate::result_json::ResultJson;
use crate::study_desk::{PreviousResult, StudyDesk};
use crate::transcripts::{self, WhichRound};

/// The description of the API.
#[derive(Clone)]
pub(super) struct Description(pub(super) Bytes);

/// Describes the API, in `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "public",
    responses((status = 200, description = "This document.", body = Object))
)]
pub(super) async fn description(Extension(description): Extension<Description>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, description.0).into_response()
}

/// Lists the studies that are served.
#[utoipa::path(
    get,
    path = "/api/v1/studies",
    tag = "public",
    responses((status = 200, description = "The studies.", body = StudiesJson))
)]
pub(super) async fn studies(State(site): State<Site>) -> Response {
    fresh(&StudiesJson {
        studies: site.studies.served().iter().map(|desk| StudyJson::of(desk)).collect(),
    })
}

/// Shows one study with its current round.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{id}",
    tag = "public",
    params(("id" = String, Path, description = "The study's id.")),
    responses(
        (status = 200, description = "The study.", body = StudyJson),
        (status = "4XX", description = "No such study (404).", body = ErrorJson)
    )
)]
pub(super) async fn study(State(site): State<Site>, IdOf(id): IdOf) -> Result<Response, Refused> {
    Ok(fresh(&StudyJson::of(&*site.desk(&id)?)))
}

/// Which round's transcript is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TranscriptQuery {
    /// Its number.
    round: Option<u32>,
    /// Or its digest, by which a page knows the round that it has seen.
    #[param(pattern = "^[0-9a-fA-F]{64}$")]
    digest: Option<String>,
}

impl TranscriptQuery {
    /// The last finished one if nothing is said.
    pub(super) fn which(&self) -> Result<WhichRound, Refused> {
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

/// Gives a finished round's transcript: the file that `hospital verify` checks.
///
/// The last finished one if nothing is said; `round` and `digest` exclude each other.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{id}/transcript",
    tag = "public",
    params(("id" = String, Path, description = "The study's id."), TranscriptQuery),
    responses(
        (status = 200, description = "The transcript.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "4XX", description = "No such round with a result (404), or `round` or `digest` is none (400).",
            body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn transcript(
    State(site): State<Site>,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<TranscriptQuery>,
) -> Result<Response, Refused> {
    let desk = site.desk(&id)?;
    let (round, bytes) = desk.transcript(query.which()?).await?;
    Ok(transcript_answer(&id, round, bytes))
}

/// A transcript as a file.
pub(super) fn transcript_answer(id: &str, round: u32, bytes: Bytes) -> Response {
    let name = format!("attachment; filename=\"{id}-{round}.wardsum\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(transcripts::MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // An id is of letters, digits and hyphens.
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a plain name")),
    ];
    (headers, bytes).into_response()
}

/// Any other path below `/api/`.
pub(super) async fn nothing_here() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "there is nothing here; try /api/v1/studies")
}

/// A JSON answer that nobody keeps, since it may be out of date at once.
pub(super) fn fresh(body: &impl Serialize) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    ([(header::CACHE_CONTROL, no_store)], Json(body)).into_response()
}

#[derive(Serialize, ToSchema)]
pub(super) struct StudiesJson {
    studies: Vec<StudyJson>,
}

/// One study with its current round. Numbers that may exceed 2^53, which is where JavaScript's stop
/// being exact, are decimal strings.
#[derive(Serialize, ToSchema)]
pub(super) struct StudyJson {
    id: String,
    /// Study digest of the current round (PROTOCOL.md, 6.2), 64 lower-case hexadecimal digits: another
    /// one for every round. A peer that has received its study knows by this whether the numbers
    /// below are its own round's.
    digest: String,
    title: String,
    organisation: String,
    /// How many questions it asks.
    questions: usize,
    minimum_cohort: u32,
    /// How few people a published number may be about; 1 if nothing is suppressed.
    minimum_cell: u32,
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

#[derive(Serialize, ToSchema)]
struct PreviousJson {
    round: u32,
    #[serde(flatten)]
    result: ResultJson,
}

impl StudyJson {
    pub(super) fn of(desk: &StudyDesk) -> Self {
        let rounds = desk.rounds();
        let rounds = rounds.borrow();
        let (study, standing) = (rounds.current.study(), rounds.current.standing());
        let status = standing.status.clone();
        Self {
            id: desk.plan().id().to_string(),
            digest: study.digest().to_string(),
            title: study.title().first().to_owned(),
            organisation: study.organisation().to_owned(),
            questions: study.form().items().count(),
            minimum_cohort: study.minimum_cohort(),
            minimum_cell: study.minimum_cell(),
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
            result: status.aggregate.map(|aggregate| ResultJson::new(study, &aggregate)),
            wrong_members: status.wrong.iter().map(ShareIndex::number).collect(),
            left_out_members: status.left_out.iter().map(ShareIndex::number).collect(),
            ended: standing.ended(),
            previous: rounds.previous.iter().cloned().map(PreviousJson::from).collect(),
        }
    }
}

impl From<PreviousResult> for PreviousJson {
    fn from(previous: PreviousResult) -> Self {
        Self { round: previous.round, result: previous.result }
    }
}
