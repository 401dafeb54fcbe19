//! What the hospital serves over HTTP: the API, the page, and the way to a WebSocket.

mod api;
mod cors;
mod headers;
pub mod origin;
pub mod page;
mod upgrade;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address_caps::{AddressCaps, Place};
use crate::limits::Limits;
use crate::log_throttle::LogThrottle;
use crate::metrics::Metrics;
use crate::study_desk::StudyDesk;
use crate::traffic::Traffic;

use origin::Origins;
use page::Page;

/// What every request may need.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) desks: Arc<[Arc<StudyDesk>]>,
    pub(crate) origins: Arc<Origins>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) peers: Arc<AddressCaps>,
    /// Cancelled when the hospital is told to stop.
    pub(crate) drain: CancellationToken,
    /// The open connections.
    pub(crate) tasks: TaskTracker,
    pub(crate) metrics: Metrics,
    /// For what is logged of earlier rounds that cannot be read.
    pub(crate) unreadable: Arc<LogThrottle>,
}

impl Site {
    /// The study of that id.
    fn desk(&self, id: &str) -> Result<&Arc<StudyDesk>, Refused> {
        self.desks.iter().find(|desk| desk.plan().id().as_str() == id).ok_or_else(|| {
            Refused::new(
                StatusCode::NOT_FOUND,
                format!("this hospital has no study \"{id}\"; /api/v1/studies lists those it has"),
            )
        })
    }
}

/// Who makes a request; the accept loop puts it into the request's extensions.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// What has passed its socket.
    pub(crate) traffic: Arc<Traffic>,
    /// Kept as long as anything of the connection is, a WebSocket included.
    pub(crate) place: Arc<Place>,
}

/// All routes.
pub(crate) fn router(site: Site, page: Option<&Page>) -> Router {
    let other_pages = middleware::from_fn_with_state(Arc::clone(&site.origins), cors::add);
    let routes = Router::new()
        .route("/api/v1/studies", get(api::studies))
        .route("/api/v1/studies/{id}", get(api::study))
        .route("/api/v1/studies/{id}/transcript", get(api::transcript))
        .route("/api/{*rest}", any(api::nothing_here))
        .route_layer(other_pages)
        .route("/ws/{study}", any(upgrade::upgrade))
        .with_state(site);
    let routes = match page {
        Some(page) => page.mount(routes),
        None => routes.fallback(page::not_built),
    };
    routes.layer(middleware::from_fn(headers::add))
}

/// A request that is refused: a status, and a JSON object whose `error` says why and what to do.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    error: String,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: String,
        }
        (self.status, Json(Body { error: self.error })).into_response()
    }
}
