//! What the hospital serves over HTTP: the API, the pages, and the way to a WebSocket.

#[allow(unused_qualifications, reason = "`utoipa::path` writes the names of parameters out")]
mod api;
mod cors;
mod extract;
mod headers;
mod openapi;
pub mod origin;
pub mod page;
mod refused;
#[allow(unused_qualifications, reason = "`utoipa::path` writes the names of parameters out")]
mod researcher;
mod upgrade;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{any, get};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::address_caps::{AddressCaps, Place};
use crate::commands::Commands;
use crate::limits::Limits;
use crate::log_throttle::LogThrottle;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::studies::Studies;
use crate::study_desk::StudyDesk;
use crate::traffic::Traffic;

use origin::Origins;
use page::Page;
pub(crate) use refused::Refused;
pub(crate) use researcher::STREAM_LASTS;

/// What every request may need.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) studies: Arc<Studies>,
    pub(crate) commands: Commands,
    pub(crate) access: Access,
    pub(crate) store: Store,
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
    fn desk(&self, id: &str) -> Result<Arc<StudyDesk>, Refused> {
        self.studies.find(id).ok_or_else(|| {
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
    /// Set once an answer is streamed, which may take longer than other answers.
    pub(crate) streaming: Arc<AtomicBool>,
    /// Kept as long as anything of the connection is, a WebSocket included.
    pub(crate) place: Arc<Place>,
}

/// All routes.
pub(crate) fn router(site: Site, page: Option<&Page>, researchers: Option<&Page>) -> Router {
    let other_pages = middleware::from_fn_with_state(Arc::clone(&site.origins), cors::add);
    let (documented, mut description) =
        OpenApiRouter::with_openapi(openapi::Description::openapi())
            .routes(routes!(api::studies))
            .routes(routes!(api::study))
            .routes(routes!(api::transcript))
            .routes(routes!(api::description))
            .merge(researcher::router(&site))
            .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut description.info.version);
    let description = description.to_json().expect("it is made of texts");
    let routes = documented
        .layer(Extension(api::Description(description.into())))
        .route("/api/{*rest}", any(api::nothing_here))
        .route_layer(other_pages)
        .route("/ws/{study}", any(upgrade::upgrade))
        .with_state(site);
    let routes = match researchers {
        Some(page) => page.mount_for_researchers(routes),
        None => routes
            .route("/researcher", get(page::no_researchers_page))
            .route("/researcher/", get(page::no_researchers_page)),
    };
    let routes = match page {
        Some(page) => page.mount(routes),
        None => routes.fallback(page::not_built),
    };
    routes.layer(middleware::from_fn(headers::add))
}
