//! Studies: looked at, made, opened, closed and archived.

use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::Site;
use super::super::api::{StudyJson, fresh};
use super::super::extract::{IdOf, JsonBody, QueryOf};
use super::super::refused::{ErrorJson, Refused};
use crate::access::Researcher;
use crate::control::Change;
use crate::store::StudyState;
use crate::studies::MadeStudy;
use crate::studies_file::StudyTable;
use crate::study_desk::StudyDesk;

/// All studies of the hospital.
#[derive(Serialize, ToSchema)]
pub(super) struct ResearcherStudiesJson {
    studies: Vec<ResearcherStudyJson>,
}

/// A study as researchers see it.
#[derive(Serialize, ToSchema)]
pub(super) struct ResearcherStudyJson {
    id: String,
    title: String,
    /// Where it comes from: one of the studies file is changed there.
    source: Source,
    state: StudyState,
    /// Who made it, and when; null for one of the studies file.
    made_by: Option<String>,
    made_unix_ms: Option<i64>,
    changed_unix_ms: Option<i64>,
    /// Whether only people with an invitation take part.
    invited: bool,
    /// The study digest to which invitations are bound; null in an open study, and before the authority is
    /// known.
    invited_digest: Option<String>,
    /// What it says; null for one of the studies file.
    definition: Option<StudyTable>,
    /// What everybody sees of it, with its current round; null if it is not served.
    current: Option<StudyJson>,
}

/// Where a study comes from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Source {
    /// The studies file.
    File,
    /// Made at run time.
    Made,
}

impl ResearcherStudyJson {
    fn of_file(desk: &StudyDesk) -> Self {
        let parameters = desk.plan().parameters();
        let digest = desk.plan().invited_to().map(|digest| digest.to_string());
        Self {
            id: desk.plan().id().to_string(),
            title: parameters.title.first().to_owned(),
            source: Source::File,
            state: StudyState::Open,
            made_by: None,
            made_unix_ms: None,
            changed_unix_ms: None,
            invited: digest.is_some(),
            invited_digest: digest,
            definition: None,
            current: Some(StudyJson::of(desk)),
        }
    }

    fn of_made(made: &MadeStudy, site: &Site) -> Self {
        let definition = &made.definition;
        let stored = &made.stored;
        Self {
            id: stored.id.clone(),
            title: definition.title().to_owned(),
            source: Source::Made,
            state: stored.state,
            made_by: Some(stored.made_by.clone()),
            made_unix_ms: Some(stored.made_unix_ms),
            changed_unix_ms: Some(stored.changed_unix_ms),
            invited: definition.is_invited(),
            invited_digest: made.invited_digest(),
            definition: Some(definition.table().clone()),
            current: site.studies.find(&stored.id).map(|desk| StudyJson::of(&desk)),
        }
    }
}

/// Lists all studies: those of the studies file, and those that were made at run time, drafts and archived
/// ones included.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies",
    tag = "researcher",
    security(("token" = [])),
    responses(
        (status = 200, description = "All studies.", body = ResearcherStudiesJson),
        (status = "4XX", description = "The token is not accepted.", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn all(State(site): State<Site>) -> Result<Response, Refused> {
    let served = site.studies.served();
    let in_file = served.iter().filter(|desk| site.studies.is_in_file(desk.plan().id().as_str()));
    let mut studies = in_file.map(|desk| ResearcherStudyJson::of_file(desk)).collect::<Vec<_>>();
    let made = site.studies.made().await?;
    studies.extend(made.iter().map(|made| ResearcherStudyJson::of_made(made, &site)));
    Ok(fresh(&ResearcherStudiesJson { studies }))
}

/// Shows one study.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The study.", body = ResearcherStudyJson),
        (status = "4XX", description = "No such study (404), or the token is not accepted.", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn one(State(site): State<Site>, IdOf(id): IdOf) -> Result<Response, Refused> {
    if site.studies.is_in_file(&id) {
        return Ok(fresh(&ResearcherStudyJson::of_file(&*site.desk(&id)?)));
    }
    Ok(fresh(&ResearcherStudyJson::of_made(&made(&site, &id).await?, &site)))
}

/// How a study is created.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Creating {
    /// Write it down only, so that it can be changed before it is opened.
    #[serde(default)]
    draft: bool,
}

/// Makes a study beside those of the studies file, and opens it unless it is to be a draft.
///
/// The body is what an entry of the studies file says. All that is wrong with it is told at once, and then
/// nothing is made.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies",
    tag = "researcher",
    params(Creating),
    request_body = StudyTable,
    security(("token" = [])),
    responses(
        (status = 201, description = "It is made.", body = ResearcherStudyJson,
            headers(("location" = String, description = "Where it is."))),
        (status = "4XX", description = "It is not right (422, with `problems`), there is another one of its id \
            (409), it is no JSON (400, 415) or too long (413), the token is not accepted (401) or a viewer's \
            (403), or too much was changed in a minute (429).", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn create(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    QueryOf(Creating { draft }): QueryOf<Creating>,
    JsonBody(definition): JsonBody<Value>,
) -> Result<Response, Refused> {
    let change = Change::Make { definition, draft };
    let made = site.studies.carry_out(change, &researcher.actor()).await?;
    let place = format!("/api/v1/researcher/studies/{}", made.stored.id);
    let headers = [
        // An id is of letters, digits and hyphens.
        (header::LOCATION, HeaderValue::try_from(place).expect("a plain path")),
    ];
    let body = Json(ResearcherStudyJson::of_made(&made, &site));
    Ok((StatusCode::CREATED, headers, body).into_response())
}

/// Replaces what a draft says.
#[utoipa::path(
    put,
    path = "/api/v1/researcher/studies/{id}",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    request_body = StudyTable,
    security(("token" = [])),
    responses(
        (status = 200, description = "The draft as it is now.", body = ResearcherStudyJson),
        (status = "4XX", description = "It is no draft (409), not right (422, with `problems`) or not there (404), \
            and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn redraft(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
    JsonBody(definition): JsonBody<Value>,
) -> Result<Response, Refused> {
    change(&site, &researcher, Change::Redraft { id, definition }).await
}

/// Gives a study's definition as a studies file, for its authority.
///
/// While the authority of an invited study is missing this is what `hospital invite` takes; the study file
/// that it makes has the lines that say who the authority is.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/file",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The file, in TOML.", body = String, content_type = "application/toml"),
        (status = "4XX", description = "No such study that was made at run time (404), or the token is not \
            accepted.", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn file(State(site): State<Site>, IdOf(id): IdOf) -> Result<Response, Refused> {
    let text = made(&site, &id).await?.definition.to_file();
    let name = format!("attachment; filename=\"{id}.toml\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/toml")),
        // It was found, so the id is of letters, digits and hyphens.
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a plain name")),
    ];
    Ok((headers, text).into_response())
}

/// Who invites people to a study.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityJson {
    /// The authority's public key, 64 hexadecimal digits: the line `authority` of the study file that
    /// `hospital invite` has made. Never its key file.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    authority: String,
    /// What tells the round from any other, 32 hexadecimal digits: the line `instance` of that file. One is
    /// drawn if it is left out; invitations are then to be made for the file that this study has from then on.
    #[schema(pattern = "^[0-9a-fA-F]{32}$")]
    instance: Option<String>,
}

/// Says whose invitations admit people to a draft. Public keys only: what is secret stays with the authority.
#[utoipa::path(
    put,
    path = "/api/v1/researcher/studies/{id}/authority",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    request_body = AuthorityJson,
    security(("token" = [])),
    responses(
        (status = 200, description = "The draft as it is now.", body = ResearcherStudyJson),
        (status = "4XX", description = "It is no draft, or open to everybody (409), the key is none (422), and as \
            for creating a study.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn set_authority(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
    JsonBody(AuthorityJson { authority, instance }): JsonBody<AuthorityJson>,
) -> Result<Response, Refused> {
    change(&site, &researcher, Change::Authority { id, authority, instance }).await
}

/// Opens a draft: its first round begins.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/open",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The study as it is now.", body = ResearcherStudyJson),
        (status = "4XX", description = "It is no draft, or another study has its invitations (409), it is not \
            complete (422), or not there (404), and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn open(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
) -> Result<Response, Refused> {
    change(&site, &researcher, Change::Open { id }).await
}

/// Closes a study: no further round opens. The current one goes on to its end, unless it is aborted.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/close",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The study as it is now.", body = ResearcherStudyJson),
        (status = "4XX", description = "It is not open, or in the studies file (409), or not there (404), and as \
            for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn close(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
) -> Result<Response, Refused> {
    change(&site, &researcher, Change::Close { id }).await
}

/// Stops serving a study that is closed and whose last round is over, or drops a draft. Results stay.
#[utoipa::path(
    post,
    path = "/api/v1/researcher/studies/{id}/archive",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "The study as it is now.", body = ResearcherStudyJson),
        (status = "4XX", description = "It is open, or its round goes on, or it is in the studies file (409), or \
            not there (404), and as for creating one.", body = ErrorJson),
        (status = 503, description = "It cannot be stored.", body = ErrorJson)
    )
)]
pub(super) async fn archive(
    State(site): State<Site>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
) -> Result<Response, Refused> {
    change(&site, &researcher, Change::Archive { id }).await
}

async fn change(site: &Site, researcher: &Researcher, change: Change) -> Result<Response, Refused> {
    let made = site.studies.carry_out(change, &researcher.actor()).await?;
    Ok(fresh(&ResearcherStudyJson::of_made(&made, site)))
}

/// A study that was made at run time.
async fn made(site: &Site, id: &str) -> Result<MadeStudy, Refused> {
    site.studies.made_one(id).await?.ok_or_else(|| unknown(id))
}

/// There is no such study, not even a draft.
pub(super) fn unknown(id: &str) -> Refused {
    let text = format!(
        "this hospital has no study \"{id}\"; /api/v1/researcher/studies lists those it has"
    );
    Refused::new(StatusCode::NOT_FOUND, text)
}
