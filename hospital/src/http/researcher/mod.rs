//! The researcher's API: studies, their rounds and results, and the audit log, for whoever has a token.
//!
//! A token comes with each request, in `Authorization`: there are no cookies, so that no other page can have
//! a browser act in a researcher's name. A page keeps the token in memory, and reads events by `fetch`, because
//! `EventSource` sends no headers.

mod audit;
mod events;
mod findings;
mod questionnaires;
mod records;
mod rounds;
mod studies;

use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::fresh;
use super::refused::{ErrorJson, Refused};
use super::{Client, Site};
use crate::access::Researcher;
use crate::metrics::RefusedToken;
use crate::questionnaires::FILE_MAX;
use crate::store::{ResearcherName, Role, StoreError};

pub(crate) use events::LASTS as STREAM_LASTS;

/// The longest body, in bytes: the longest questionnaire, and what a study says beside it.
const BODY_MAX: usize = FILE_MAX + 64 * 1024;

/// All routes below `/api/v1/researcher`.
pub(super) fn router(site: &Site) -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .routes(routes!(studies::all, studies::create))
        .routes(routes!(studies::one, studies::redraft))
        .routes(routes!(studies::file))
        .routes(routes!(studies::set_authority))
        .routes(routes!(studies::open))
        .routes(routes!(studies::close))
        .routes(routes!(studies::archive))
        .routes(routes!(rounds::close_phase))
        .routes(routes!(rounds::abort))
        .routes(routes!(rounds::invitations))
        .routes(routes!(rounds::revoke_invitations))
        .routes(routes!(rounds::result))
        .routes(routes!(findings::findings))
        .routes(routes!(questionnaires::check))
        .routes(routes!(rounds::result_file))
        .routes(routes!(rounds::transcript))
        .routes(routes!(events::events))
        .routes(routes!(audit::audit))
        .route_layer(DefaultBodyLimit::max(BODY_MAX))
        .route_layer(middleware::from_fn_with_state(site.clone(), admit))
}

/// Lets researchers through, and editors only where something is changed.
async fn admit(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted =
        who_may(&site, &client, request.headers(), request.method(), request.uri()).await;
    let mut response = match admitted {
        Ok(researcher) => {
            request.extensions_mut().insert(researcher);
            if only_looks(request.method()) {
                next.run(request).await
            } else {
                to_the_end(&site, next.run(request)).await
            }
        }
        Err(refused) => refused.into_response(),
    };
    // What a token opens is for its owner, and stale at once.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a request changes nothing.
fn only_looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Carries out what changes something even if nobody waits for the answer any more. Whoever goes away drops
/// the answer, and would otherwise leave a study behind that is open in the store and not served, or a
/// command without its outcome in the audit log.
async fn to_the_end(
    site: &Site,
    answering: impl Future<Output = Response> + Send + 'static,
) -> Response {
    match site.tasks.spawn(answering).await {
        Ok(answer) => answer,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Refused::from(StoreError::Closed).into_response(),
        },
    }
}

async fn who_may(
    site: &Site,
    client: &Client,
    headers: &HeaderMap,
    method: &Method,
    uri: &Uri,
) -> Result<Researcher, Refused> {
    // A browser says which page asks. Native programs say nothing, and need the token like everybody.
    site.origins.check(headers)?;
    let researcher = site
        .access
        .admit(bearer(headers), client.address)
        .await
        .inspect_err(|refused| site.metrics.refused_token(refused.into()))?;
    if only_looks(method) {
        return Ok(researcher);
    }
    let most = site.limits.researcher_changes_per_minute;
    if let Some(wait) = site.access.count_change(&researcher, most) {
        site.metrics.refused_token(RefusedToken::TooMany);
        let text = format!("a researcher changes at most {most} things in a minute; wait");
        return Err(Refused::wait(text, wait));
    }
    if researcher.role == Role::Viewer {
        site.metrics.refused_token(RefusedToken::Role);
        let actor = researcher.actor();
        let detail = format!("{method} {}: a viewer changes nothing", uri.path());
        let detail = detail.chars().take(200).collect::<String>();
        if let Err(error) = site.store.audit(&actor, "refused", &detail).await {
            warn!(%error, "the audit log does not say that a viewer was refused: {error}");
        }
        let text = "this token is a viewer's, which looks and changes nothing; an editor's may";
        let challenge = "Bearer realm=\"wardsum\", error=\"insufficient_scope\"";
        return Err(Refused::new(StatusCode::FORBIDDEN, text)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
    }
    Ok(researcher)
}

/// The token that a request brings along (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = given.next()?;
    if given.next().is_some() {
        // Not that one is taken and another one was meant.
        return Some("");
    }
    // What cannot be a token is one that is refused, and not none.
    let Ok(value) = value.to_str() else { return Some("") };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => Some(""),
    }
}

/// Whose token it is.
#[derive(Serialize, ToSchema)]
struct WhoamiJson {
    name: ResearcherName,
    role: Role,
    /// From when on the token is refused; null if only revoking it ends it.
    expires_unix_ms: Option<i64>,
}

/// Whose token this is.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/whoami",
    tag = "researcher",
    security(("token" = [])),
    responses(
        (status = 200, description = "Whose token this is.", body = WhoamiJson),
        (status = "4XX", description = "No token that is accepted (401), or a page of an origin that is not \
            allowed (403), or too many bad ones (429).", body = ErrorJson)
    )
)]
async fn whoami(Extension(researcher): Extension<Researcher>) -> Response {
    let Researcher { name, role, expires_unix_ms, .. } = researcher;
    fresh(&WhoamiJson { name, role, expires_unix_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_one_bearer_header_only() {
        let shown = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(shown(&["bearer  abc "]).as_deref(), Some("abc"));
        for bad in [&["abc"] as &[_], &["Basic abc"], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(shown(bad).as_deref(), Some(""), "{bad:?}");
        }
    }
}
