//! Somebody who serves the page and is not the hospital: an origin of its own, plain files, no header that protects
//! anything.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::task::JoinSet;
use wardsum_hospital::tls::{self, CertificateFiles};

use crate::certificates::certificates;
use crate::played::{Site, TlsListener};

/// A server of files. It ends when it is dropped.
pub struct PageHost {
    shelf: Arc<Mutex<Shelf>>,
    port: u16,
    _tasks: JoinSet<()>,
}

/// What is served, and what was asked for.
#[derive(Default)]
struct Shelf {
    site: Option<Site>,
    requests: Vec<String>,
}

impl PageHost {
    /// Listens on a port of its own, and serves nothing yet.
    pub async fn open() -> Result<Self> {
        let certificates = certificates()?;
        let files = CertificateFiles { cert: certificates.leaf_cert, key: certificates.leaf_key };
        let config = tls::server_config(&files, SystemTime::now())?;
        let listener = TlsListener::bind(Ipv4Addr::LOCALHOST, config).await?;
        let port = listener.port();
        let shelf = Arc::<Mutex<Shelf>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shelf, port, _tasks: tasks })
    }

    /// Serves the page in this directory from here on.
    pub fn show(&self, page: &Path) -> Result<()> {
        let site = Site::load(page)?;
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).site = Some(site);
        Ok(())
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The origin of the page.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The paths that were asked for, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, uri: Uri) -> Response {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.requests.push(uri.path().to_owned());
    match &shelf.site {
        Some(site) => site.answer(uri.path()),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
