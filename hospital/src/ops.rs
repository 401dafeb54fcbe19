//! The operators' listener: whether the hospital lives, whether it can take people, and its figures.
//!
//! Plain HTTP on an address of its own, without any check of who asks: it says nothing about a person,
//! but it belongs on loopback or in a network of one's own (docs/OPERATIONS.md).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{self, Instant};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::http::Site;
use crate::log_throttle::LogThrottle;
use crate::store::Store;

/// How many may ask at once; further ones wait.
const AT_ONCE: usize = 32;

/// How long one connection may last. Whoever asks again connects again, or goes on until then.
const CONNECTION: Duration = Duration::from_mins(1);

/// How long a request's headers may take.
const REQUEST: Duration = Duration::from_secs(5);

/// For how long the store's answer is believed, so that asking often does not cost a commit each time.
const PROBE_HOLDS: Duration = Duration::from_secs(1);

/// How long a commit may take before the store counts as stuck.
const PROBE: Duration = Duration::from_secs(5);

/// How long to wait after the operating system refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the answers are made of.
#[derive(Clone)]
struct Ops {
    site: Site,
    store: Store,
    /// What the store said last, and when.
    probed: Arc<Mutex<Option<Probed>>>,
}

/// When the store was asked, and why the hospital is not ready, if it is not.
type Probed = (Instant, Result<(), String>);

/// Answers for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, site: Site, store: Store) {
    let router = router(Ops { site, store, probed: Arc::default() });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let not_accepted = LogThrottle::default();
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = answer(stream, router.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                if let Some(withheld) = not_accepted.admit(Instant::now()) {
                    warn!(
                        %error, withheld,
                        "no connection of an operator could be accepted: {error} ({withheld} such lines \
                         withheld before)"
                    );
                }
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn router(ops: Ops) -> Router {
    Router::new()
        .route("/healthz", get(async || "the process lives\n"))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .fallback(async || {
            (StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics here\n")
        })
        .with_state(ops)
}

async fn answer(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever breaks off has what it wanted, or asks again.
    if let Ok(Err(error)) = time::timeout(CONNECTION, connection).await {
        debug!(%error, "an operator's connection failed: {error}");
    }
}

/// `GET /readyz`.
async fn readiness(State(ops): State<Ops>) -> Response {
    match ops.readiness().await {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// `GET /metrics`.
async fn metrics(State(ops): State<Ops>) -> Response {
    let Site { tasks, studies, metrics, .. } = &ops.site;
    let text = metrics.render(tasks.len(), &studies.served());
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, format)], text).into_response()
}

impl Ops {
    /// Whether the hospital can take people now, or why not.
    async fn readiness(&self) -> Result<(), String> {
        if self.site.drain.is_cancelled() {
            return Err("the hospital is stopping".to_owned());
        }
        // Held meanwhile, so that many who ask cost one commit.
        let mut probed = self.probed.lock().await;
        if let Some((at, said)) = &*probed
            && at.elapsed() < PROBE_HOLDS
        {
            return said.clone();
        }
        let said = match time::timeout(PROBE, self.store.probe()).await {
            Ok(Ok(())) => self.nothing_is_suspended(),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the store has not answered for {} s", PROBE.as_secs())),
        };
        *probed = Some((Instant::now(), said.clone()));
        said
    }

    fn nothing_is_suspended(&self) -> Result<(), String> {
        let mut desks = self.site.studies.served().into_iter();
        let suspended = desks.find(|desk| desk.current_round().standing().suspended);
        match suspended {
            Some(desk) => {
                Err(format!("study {} waits until it can be stored again", desk.plan().id()))
            }
            None => Ok(()),
        }
    }
}
