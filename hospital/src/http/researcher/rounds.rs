//! Rounds: phases closed, rounds ended, results and transcripts.

use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Site;
use super::super::api::{StudyJson, TranscriptQuery, fresh, transcript_answer};
use super::super::extract::{IdOf, JsonBody, QueryOf};
use super::super::refused::{ErrorJson, Refused};
use super::records::{self, InvitationsJson, RoundResultJson};
use super::studies::unknown;
use crate::access::Researcher;
use crate::control::{Action, StudyCommand};
use crate::hex;
use crate::results::{self, Format, NoResult, RoundResult};
use crate::store::StoredRound;
use crate::transcripts::Transcripts;

/// How many invitations are taken back at once.
const SERIALS_MAX: usize = 10_000;

/// What a command has led to.
#[derive(Serialize, ToSchema)]
pub(super) struct DoneJson {
    /// What happened, in plain words.
    done: String,
    /// What everybody sees of the study now.
    current: StudyJson,
}

/// Which phase to close, of which round.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClosePhaseJson {
    phase: ClosablePhase,
    /// The number of the round that is meant, so that no other one is closed that has opened meanwhile.
    round: u32,
}

/// A phase that can be closed by command.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ClosablePhase {
    /// Until the committee is fixed.
    Enrolment,
    /// Until it is fixed what is counted.
    Contributing,
}

/// Closes enrolment or contributing of the current round, if the study's rules allow it (`by_command`).
///
/// Of two researchers who close the same phase the second is told what happened (409).
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/phase/close",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    request_body = ClosePhaseJson,
    security(("token" = [])),
    responses(
        (status = 200, description = "It is closed, or will be as soon as members who are still here have \
            contributed.", body = DoneJson),
        (status = "4XX", description = "The round is not in that phase, or the rules do not allow it (409, with \
            `happened`), no such study (404), and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn close_phase(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
    JsonBody(ClosePhaseJson { phase, round }): JsonBody<ClosePhaseJson>,
) -> Result<Response, Refused> {
    let action = match phase {
        ClosablePhase::Enrolment => Action::CloseEnrolment,
        ClosablePhase::Contributing => Action::CloseContributing,
    };
    let command = StudyCommand { study: id, action, serials: Vec::new() };
    carry_out(&site, &researcher, command, round).await
}

/// Which round.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AbortJson {
    /// The number of the round that is meant, so that no other one is ended that has opened meanwhile.
    round: u32,
}

/// Ends the current round without a result, whatever phase it is in.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/round/abort",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    request_body = AbortJson,
    security(("token" = [])),
    responses(
        (status = 200, description = "It has ended.", body = DoneJson),
        (status = "4XX", description = "It is over already, or another one (409, with `happened`), no such study \
            (404), and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn abort(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
    JsonBody(AbortJson { round }): JsonBody<AbortJson>,
) -> Result<Response, Refused> {
    let command = StudyCommand { study: id, action: Action::Abort, serials: Vec::new() };
    carry_out(&site, &researcher, command, round).await
}

/// Which invitations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeInvitationsJson {
    /// The number of the round that is meant.
    round: u32,
    /// The numbers of the invitations.
    #[schema(min_items = 1, max_items = 10_000)]
    serials: Vec<u32>,
}

/// Takes invitations to the current round back, before its committee is fixed.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/invitations/revoke",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    request_body = RevokeInvitationsJson,
    security(("token" = [])),
    responses(
        (status = 200, description = "They admit nobody any more.", body = DoneJson),
        (status = "4XX", description = "The committee is fixed, or the study open to everybody (409), no such \
            study (404), and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn revoke_invitations(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
    JsonBody(RevokeInvitationsJson { round, mut serials }): JsonBody<RevokeInvitationsJson>,
) -> Result<Response, Refused> {
    serials.sort_unstable();
    serials.dedup();
    if !(1..=SERIALS_MAX).contains(&serials.len()) {
        let message = format!("name 1 to {SERIALS_MAX} invitations");
        let problem = crate::studies::definition::Problem::new("serials", message);
        return Err(Refused::problems(vec![problem]));
    }
    let command = StudyCommand { study: id, action: Action::Revoke, serials };
    carry_out(&site, &researcher, command, round).await
}

async fn carry_out(
    site: &Site,
    researcher: &Researcher,
    command: StudyCommand,
    round: u32,
) -> Result<Response, Refused> {
    let (done, _) = site.commands.carry_out(&command, Some(round), &researcher.actor()).await?;
    let current = StudyJson::of(&*site.desk(&command.study)?);
    Ok(fresh(&DoneJson { done, current }))
}

/// Says how many invitations to the current round were used. How many there are only the authority knows.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/invitations",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "How many were used.", body = InvitationsJson),
        (status = "4XX", description = "No such study that is served and for people with an invitation (404), or \
            the token is not accepted.", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn invitations(
    State(site): State<Site>,
    IdOf(id): IdOf,
) -> Result<Response, Refused> {
    let round = site.desk(&id)?.current_round();
    let Some(authority) = round.study().authority().map(|key| hex::encode(key.as_bytes())) else {
        let text = format!("study \"{id}\" is open to everybody, so there are no invitations");
        return Err(Refused::new(StatusCode::NOT_FOUND, text));
    };
    let number = round.label().number;
    let counted =
        records::invitations(&site.store, round.key(), number, round.study(), authority).await?;
    Ok(fresh(&counted))
}

/// Which round's result is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ResultQuery {
    /// Its number; the last one that is over if there is none.
    round: Option<u32>,
}

/// Shows how a round ended that is over, archived studies' included.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/result",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id."), ResultQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "How it ended.", body = RoundResultJson),
        (status = "4XX", description = "No such round that is over (404), or the token is not accepted.",
            body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn result(
    State(site): State<Site>,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<ResultQuery>,
) -> Result<Response, Refused> {
    let stored = finished(&site, &id, query).await?;
    Ok(fresh(&records::result(&site.store, &stored).await?))
}

/// The round of a study that is over and was asked for.
pub(super) async fn finished(
    site: &Site,
    id: &str,
    ResultQuery { round }: ResultQuery,
) -> Result<StoredRound, Refused> {
    is_known(site, id).await?;
    let rounds = site.store.rounds().await?;
    results::candidates(rounds, id, round).next().ok_or_else(|| {
        let text = format!("study \"{id}\" has no such round that is over");
        Refused::new(StatusCode::NOT_FOUND, text)
    })
}

/// Which file of which round's result is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FileQuery {
    /// What it is written as.
    #[param(inline)]
    format: Format,
    /// The round's number; the last one that has a result if there is none.
    round: Option<u32>,
    /// In which language texts are given, a tag of BCP 47; the study's first one if there is none.
    language: Option<String>,
}

/// Gives a finished round's result as a file, archived studies' included.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/result/file",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id."), FileQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/csv; charset=utf-8; header=present"),
            (Value = "application/json"),
            (Value = "application/fhir+json; fhirVersion=4.0"),
            (String = "text/html; charset=utf-8")
        )),
        (status = "4XX", description = "No such round with a result, because it goes on, for one (404), or the token is \
            not accepted.", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn result_file(
    State(site): State<Site>,
    IdOf(id): IdOf,
    QueryOf(FileQuery { format, round, language }): QueryOf<FileQuery>,
) -> Result<Response, Refused> {
    is_known(&site, &id).await?;
    for stored in results::candidates(site.store.rounds().await?, &id, round) {
        let (_, records) = site.store.records(stored.key).await?;
        let Some(result) = RoundResult::of(&stored, &records) else { continue };
        let name = format!("attachment; filename=\"{}\"", result.file_name(format));
        let text = result.write(format, language.as_deref().unwrap_or_default());
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            // An id is of letters, digits and hyphens.
            (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a plain name")),
        ];
        return Ok((headers, text).into_response());
    }
    Err(Refused::new(StatusCode::NOT_FOUND, NoResult::NoRound { study: id }.to_string()))
}

/// Gives a finished round's transcript, archived studies' included: the file that `hospital verify` checks.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/transcript",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id."), TranscriptQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The transcript.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "4XX", description = "No such round with a result (404), or the token is not accepted.",
            body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn transcript(
    State(site): State<Site>,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<TranscriptQuery>,
) -> Result<Response, Refused> {
    is_known(&site, &id).await?;
    let which = query.which()?;
    let (round, bytes) = match site.studies.find(&id) {
        Some(desk) => desk.transcript(which).await?,
        None => Transcripts::default().get(&site.store, &id, which).await?,
    };
    Ok(transcript_answer(&id, round, bytes))
}

/// Whether there is such a study, served or not.
async fn is_known(site: &Site, id: &str) -> Result<(), Refused> {
    if site.studies.has(id).await? { Ok(()) } else { Err(unknown(id)) }
}
