//! The audit log, a page at a time.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Site;
use super::super::api::fresh;
use super::super::extract::QueryOf;
use super::super::refused::{ErrorJson, Refused};

/// Entries of a page.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Those before the one with this number; the last ones if there is none.
    #[param(minimum = 0, maximum = 9_223_372_036_854_775_807_u64)]
    before: Option<u64>,
    /// How many at most, 1 to 1,000; 100 if nothing is said.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditJson {
    /// The newest first.
    entries: Vec<AuditEntryJson>,
    /// What `before` is for the next page; null if this is the last one.
    next_before: Option<u64>,
}

/// One entry.
#[derive(Serialize, ToSchema)]
struct AuditEntryJson {
    /// From 0 on.
    number: u64,
    at_unix_ms: i64,
    /// Who: `uid 1000` at the hospital's computer, `researcher anna`, or `somebody` with a token that is none.
    actor: String,
    /// Did what; `done` and `refused` say what became of the command before.
    action: String,
    /// To what, or with what.
    detail: String,
}

/// Reads the audit log, the newest entries first. Each is checked against the one before it.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/audit",
    tag = "researcher",
    params(AuditQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some entries.", body = AuditJson),
        (status = "4XX", description = "The token is not accepted, or a number is none (400).", body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn audit(
    State(site): State<Site>,
    QueryOf(AuditQuery { before, limit }): QueryOf<AuditQuery>,
) -> Result<Response, Refused> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let text = format!("a page has 1 to {MOST} entries");
        return Err(Refused::new(StatusCode::BAD_REQUEST, text));
    }
    if before.is_some_and(|number| i64::try_from(number).is_err()) {
        let text = format!("entries have numbers from 0 to {} at the most", i64::MAX);
        return Err(Refused::new(StatusCode::BAD_REQUEST, text));
    }
    let entries = site.store.audit_page(before, limit).await?;
    let next_before = entries.last().map(|(number, _)| *number).filter(|number| *number > 0);
    let entries = entries.into_iter().map(|(number, entry)| AuditEntryJson {
        number,
        at_unix_ms: entry.at_unix_ms,
        actor: entry.actor,
        action: entry.action,
        detail: entry.detail,
    });
    Ok(fresh(&AuditJson { entries: entries.collect(), next_before }))
}
