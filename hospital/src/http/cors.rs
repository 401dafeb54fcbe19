//! Which other pages may read the status API (Fetch standard, section 3.3).
//!
//! The answers are for everybody; what is decided here is which page a browser lets read them. It is
//! those whose origin may take part, by name, and never with cookies or other credentials.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::origin::Origins;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds the headers to an answer.
pub(super) async fn add(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|_| origins.check(request.headers()).is_ok());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Otherwise a cache could give one page the answer that was meant for another.
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    // Lets any page find out, without reading anything, that the hospital is there: a page that is not
    // allowed can then say that this is what is wrong.
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}
