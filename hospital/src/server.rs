//! The hospital: one TLS port, many connections, and an orderly end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{self, Instant};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::access::Access;
use crate::address_caps::{AddressCaps, Place};
use crate::announcement::Announce;
use crate::certificate::CertificateKeeper;
use crate::commands::Commands;
use crate::control::{Control, ControlSocket};
use crate::http::origin::{Origin, Origins};
use crate::http::page::Page;
use crate::http::{self, Client, Site};
use crate::limits::Limits;
use crate::log_throttle::LogThrottle;
use crate::metrics::{Metrics, RefusedConnection};
use crate::ops;
use crate::retention;
use crate::round_task::{ResumeError, RoundHost};
use crate::store::Store;
use crate::studies::Studies;
use crate::study_desk::{OpenError, StudyDesk, StudyPlan};
use crate::traffic::{Traffic, counted};

/// How long to wait after the operating system refused to accept a connection, which mostly means that
/// the process has as many files open as it may.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often the histogram of commits takes in what has gathered, so that it does not grow while nobody
/// asks for it.
const GATHER: Duration = Duration::from_secs(10);

/// Everything that a hospital is started with.
pub struct ServerConfig {
    /// TLS, with certificate and key; see [`tls::server_config`](crate::tls::server_config).
    pub tls: Arc<rustls::ServerConfig>,
    /// Where everything is kept.
    pub store: Store,
    /// The studies, each with an id of its own.
    pub plans: Vec<StudyPlan>,
    /// The page; without it only the API and peers are served.
    pub page: Option<Page>,
    /// The researcher's page, if it is to be served.
    pub researcher_page: Option<Page>,
    /// Origins that may open a WebSocket, besides the hospital's own.
    pub allowed_origins: Vec<Origin>,
    /// The bounds of everything.
    pub limits: Limits,
    /// Who hears of results.
    pub announce: Announce,
    /// How long sealed shares are kept after their round is over.
    pub retention: Duration,
    /// Where operators are answered (docs/OPERATIONS.md), if anywhere.
    pub ops: Option<TcpListener>,
    /// Where commands come in, if anywhere.
    pub control: Option<ControlSocket>,
    /// Who replaces the certificate in `tls` while the hospital serves, if anybody does.
    pub certificate: Option<CertificateKeeper>,
}

impl ServerConfig {
    /// How long sealed shares are kept, if nobody says otherwise.
    pub const RETENTION: Duration = Duration::from_hours(24);
}

/// Why a hospital cannot start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The listener has no address.
    #[error("the listening socket cannot be used: {0}")]
    Listener(#[from] io::Error),
    /// A study's round cannot be opened, or cannot go on.
    #[error(transparent)]
    Study(#[from] OpenError),
}

impl ServerError {
    /// Whether the configuration must be changed before it can work.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Study(OpenError::Store(error) | OpenError::Resume(ResumeError::Store(error))) => {
                error.is_configuration()
            }
            Self::Study(OpenError::InvitationsUsed { .. } | OpenError::MadeBefore { .. }) => true,
            Self::Study(OpenError::Entropy(_) | OpenError::Resume(_)) | Self::Listener(_) => false,
        }
    }
}

/// Runs a hospital on `listener` until `shutdown` completes, and then drains it.
pub async fn run(
    listener: TcpListener,
    config: ServerConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    Hospital::open(listener, config).await?.serve(shutdown).await;
    Ok(())
}

/// A hospital whose rounds are open and which is ready to serve.
pub struct Hospital {
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    site: Site,
    connections: Arc<AddressCaps>,
    refusals: Refusals,
    rounds: RoundHost,
    retention: Duration,
    ops: Option<TcpListener>,
    control: Option<ControlSocket>,
    certificate: Option<CertificateKeeper>,
}

/// What is logged of connections that are not served, of each kind once a minute at most.
#[derive(Default)]
struct Refusals {
    not_accepted: LogThrottle,
    full: LogThrottle,
    address_full: LogThrottle,
}

impl Hospital {
    /// Goes on with the round of each study that the store has, or opens the first one.
    pub async fn open(listener: TcpListener, config: ServerConfig) -> Result<Self, ServerError> {
        let ServerConfig {
            tls,
            store,
            plans,
            page,
            researcher_page,
            allowed_origins,
            limits,
            announce,
            retention,
            ops,
            control,
            certificate,
        } = config;
        let metrics = Metrics::new();
        let limits = Arc::new(limits);
        let drain = CancellationToken::new();
        let rounds = RoundHost {
            limits: Arc::clone(&limits),
            store,
            announce,
            metrics: metrics.clone(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            drain: drain.clone(),
        };
        let studies = Arc::new(Studies::open(plans, rounds.clone()).await?);
        let served = studies.served();
        if served.is_empty() {
            info!(
                "no study is served so far: make one with `hospital study create FILE`, or let somebody do that whom \
                 `hospital researcher add NAME --role editor` admits"
            );
        }
        warn_of_forgotten_rounds(&rounds.store, &served).await?;
        let access = Access::open(rounds.store.clone()).await.map_err(OpenError::from)?;
        let site = Site {
            commands: Commands::new(Arc::clone(&studies), rounds.store.clone()),
            studies,
            access,
            store: rounds.store.clone(),
            origins: Arc::new(Origins::new(listener.local_addr()?, allowed_origins)),
            peers: Arc::new(AddressCaps::new(limits.peers_per_address)),
            tasks: TaskTracker::new(),
            drain,
            limits: Arc::clone(&limits),
            metrics,
            unreadable: Arc::default(),
        };
        Ok(Self {
            listener,
            tls: tls.into(),
            router: http::router(site.clone(), page.as_ref(), researcher_page.as_ref()),
            connections: Arc::new(AddressCaps::new(limits.connections_per_address)),
            refusals: Refusals::default(),
            site,
            rounds,
            retention,
            ops,
            control,
            certificate,
        })
    }

    /// The studies that are served: those of the configuration in its order, and then others.
    #[must_use]
    pub fn desks(&self) -> Vec<Arc<StudyDesk>> {
        self.site.studies.served()
    }

    /// Serves until `shutdown` completes; then stops accepting, tells every peer, and waits for
    /// connections to end, at most for [`Limits::drain`].
    pub async fn serve(mut self, shutdown: impl Future<Output = ()>) {
        self.site.studies.attend();
        self.start_attendants();
        tokio::select! {
            () = self.accept() => {}
            () = shutdown => {}
        }
        let Self { listener, site, rounds, .. } = self;
        // From here on the operating system refuses new connections.
        drop(listener);
        drain(&site, &rounds).await;
    }

    /// Starts what goes on besides the rounds, until the hospital has stopped.
    fn start_attendants(&mut self) {
        let (store, metrics) = (self.rounds.store.clone(), self.site.metrics.clone());
        self.attend(retention::keep(store, metrics.clone(), self.retention));
        self.attend(async move {
            loop {
                time::sleep(GATHER).await;
                metrics.gather();
            }
        });
        if let Some(listener) = self.ops.take() {
            self.attend(ops::serve(listener, self.site.clone(), self.rounds.store.clone()));
        }
        if let Some(keeper) = self.certificate.take() {
            self.attend(keeper.keep(self.site.metrics.clone()));
        }
        if let Some(socket) = self.control.take() {
            self.attend(socket.serve(Control::new(&self.site)));
        }
    }

    fn attend<T: Send + 'static>(&self, attendant: impl Future<Output = T> + Send + 'static) {
        self.rounds.tasks.spawn(self.rounds.stop.clone().run_until_cancelled_owned(attendant));
    }

    /// Accepts connections, each on a task of its own, for as long as it is polled.
    async fn accept(&self) {
        loop {
            let (stream, address) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    if let Some(withheld) = self.refusals.not_accepted.admit(Instant::now()) {
                        warn!(
                            %error, withheld,
                            "no connection could be accepted: {error} ({withheld} such lines withheld before)"
                        );
                    }
                    time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let deadline = Instant::now() + self.site.limits.handshake;
            let Some(place) = self.admit(address) else { continue };
            let connection = Connection {
                address: address.ip(),
                router: self.router.clone(),
                limits: Arc::clone(&self.site.limits),
                drain: self.site.drain.clone(),
                metrics: self.site.metrics.clone(),
                deadline,
                place,
            };
            self.site.tasks.spawn(connection.serve(stream, self.tls.clone()));
        }
    }

    /// Decides whether one more connection is served at all. Nothing is said to whoever is refused
    /// here, because TLS would have to be spoken first and that is the work to be saved.
    fn admit(&self, address: SocketAddr) -> Option<Place> {
        let open = self.site.tasks.len();
        if open >= self.site.limits.connections {
            self.site.metrics.refused(RefusedConnection::Connections);
            if let Some(withheld) = self.refusals.full.admit(Instant::now()) {
                warn!(
                    open,
                    withheld,
                    "refused a connection, because {open} are open, which is the limit `connections` \
                     ({withheld} such lines withheld before)"
                );
            }
            return None;
        }
        let place = self.connections.admit(address.ip());
        if place.is_none() {
            self.site.metrics.refused(RefusedConnection::ConnectionsPerAddress);
        }
        if place.is_none()
            && let Some(withheld) = self.refusals.address_full.admit(Instant::now())
        {
            let cap = self.connections.cap();
            warn!(
                cap,
                withheld,
                "refused a connection from an address that has {cap}, the limit `connections_per_address` \
                 ({withheld} such lines withheld before)"
            );
        }
        place
    }
}

/// Rounds that nobody goes on with, because the studies file does not have their studies any more, never
/// end by themselves.
async fn warn_of_forgotten_rounds(
    store: &Store,
    desks: &[Arc<StudyDesk>],
) -> Result<(), OpenError> {
    let is_known = |id: &str| desks.iter().any(|desk| desk.plan().id().as_str() == id);
    for round in store.rounds().await? {
        if !round.is_over() && !is_known(&round.study_id) {
            let (id, number) = (round.study_id, round.number);
            warn!(
                study.id = id,
                round.number = number,
                "round {number} of study {id} is not over, and the studies file has no such study: nobody can \
                 take part, and its sealed shares are kept; put the study back until its round is over, or to \
                 end it with `hospital study close --study {id} --abort`"
            );
        }
    }
    Ok(())
}

/// Ends what is still open: first the connections, then the rounds that they may still write to.
async fn drain(site: &Site, rounds: &RoundHost) {
    let open = site.tasks.len();
    site.drain.cancel();
    info!(open, "stopping: {open} connections are being closed");
    site.tasks.close();
    rounds.tasks.close();
    let drained = async {
        site.tasks.wait().await;
        rounds.stop.cancel();
        rounds.tasks.wait().await;
        rounds.store.close().await;
    };
    if time::timeout(site.limits.drain, drained).await.is_ok() {
        info!("stopped; every connection was closed in order");
    } else {
        let cut = site.tasks.len();
        warn!(cut, "stopped; {cut} connections did not end in time and are cut");
    }
}

/// One TCP connection: TLS, then HTTP, and perhaps the upgrade to a WebSocket.
struct Connection {
    address: IpAddr,
    router: Router,
    limits: Arc<Limits>,
    drain: CancellationToken,
    metrics: Metrics,
    /// When handshake and first request must be over.
    deadline: Instant,
    place: Place,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: TlsAcceptor) {
        let metrics = self.metrics.clone();
        let requested = Arc::new(AtomicBool::new(false));
        if let Err(failure) = self.handshake_and_serve(stream, tls, &requested).await {
            // A browser that lets a connection go idle after its last request has done nothing wrong.
            if !requested.load(Ordering::Relaxed) {
                metrics.refused(RefusedConnection::Handshake);
            }
            // Scanners, cut connections and browsers that do not trust the certificate all end here, which
            // is why it is no warning.
            debug!(%failure, "a connection failed: {failure}");
        }
    }

    async fn handshake_and_serve(
        self,
        stream: TcpStream,
        tls: TlsAcceptor,
        requested: &Arc<AtomicBool>,
    ) -> Result<(), ConnectionFailure> {
        let Self { address, router, limits, drain, deadline, place, metrics: _ } = self;
        // Messages are flushed when they are complete; waiting for more only delays them.
        stream.set_nodelay(true).map_err(ConnectionFailure::Socket)?;
        let traffic = Arc::new(Traffic::default());
        let handshake = time::timeout_at(deadline, tls.accept(counted(stream, &traffic)));
        let stream = tokio::select! {
            stream = handshake => stream
                .map_err(|_| ConnectionFailure::TooSlow)?
                .map_err(ConnectionFailure::Tls)?,
            () = drain.cancelled() => return Ok(()),
        };

        let streaming = Arc::new(AtomicBool::new(false));
        let streams = Arc::clone(&streaming);
        let client = Client { address, traffic, streaming, place: Arc::new(place) };
        let seen = Arc::clone(requested);
        let service = service_fn(move |mut request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(client.clone());
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.handshake)
            .max_buf_size(limits.request_header_bytes)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let first_request = async {
            time::sleep_until(deadline).await;
            if requested.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        let http = async {
            time::sleep(limits.http).await;
            if streams.load(Ordering::Relaxed) {
                time::sleep(http::STREAM_LASTS).await;
            }
        };
        tokio::select! {
            served = &mut connection => return served.map_err(ConnectionFailure::Http),
            () = first_request => return Err(ConnectionFailure::TooSlow),
            () = drain.cancelled() => {}
            () = http => {}
        }
        // The request that is being answered still is, for as long as a new one could have taken.
        connection.as_mut().graceful_shutdown();
        time::timeout(limits.handshake, connection)
            .await
            .map_err(|_| ConnectionFailure::TooSlow)?
            .map_err(ConnectionFailure::Http)
    }
}

/// How one connection failed. None of it is the hospital's fault, nor of interest to anybody else.
#[derive(Debug, Error)]
enum ConnectionFailure {
    #[error("the socket broke: {0}")]
    Socket(io::Error),
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    #[error("it took too long")]
    TooSlow,
    #[error("HTTP failed: {0}")]
    Http(hyper::Error),
}
