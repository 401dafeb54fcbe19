//! `hospital serve`: flags, environment and studies file become one running hospital.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::announcement::Announce;
use crate::built_page::{self, BuiltPage, BuiltPageError};
use crate::certificate::{CertificateError, CertificateKeeper, CertificateSource};
use crate::cli::ServeArgs;
use crate::control::ControlSocket;
use crate::http::origin::{Origin, OriginError};
use crate::http::page::Page;
use crate::server::{self, ServerConfig, ServerError};
use crate::service_manager::{self, State};
use crate::store::{DataDir, Store, StoreError};
use crate::studies_file::{StudiesFile, StudiesFileError};
use crate::tls::CertificateFiles;

const DEFAULT_LISTEN: &str = "127.0.0.1:8443";
const DEFAULT_PAGE: &str = "web/dist";
const DEFAULT_CERTS_DIR: &str = "certs/local";
const DEFAULT_DATA: &str = "wardsum-data";

/// Why a hospital cannot be served. Each text says what to do.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The studies file.
    #[error(transparent)]
    StudiesFile(#[from] StudiesFileError),
    /// An origin in the studies file.
    #[error("allowed_origins: {0}")]
    Origin(#[from] OriginError),
    /// A certificate without a key, or a key without a certificate.
    #[error("{given} is given without {missing}; give both, or neither for a local certificate")]
    HalfACertificate {
        /// `--cert` or `--key`.
        given: &'static str,
        /// The other one.
        missing: &'static str,
    },
    /// The certificate cannot be used, or a local one cannot be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address that is none.
    #[error(
        "{flag} {listen} is no address to listen on ({source}); write ADDRESS:PORT, as in \
         {DEFAULT_LISTEN}"
    )]
    Address {
        /// The flag that takes such an address.
        flag: &'static str,
        /// What was given.
        listen: String,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "{listen} is already in use; stop the program that uses it, or choose another port with {flag}"
    )]
    InUse {
        /// The flag that takes such an address.
        flag: &'static str,
        /// The address.
        listen: String,
    },
    /// The operating system refuses to listen there.
    #[error("cannot listen on {listen}: {source}; choose another address or port with {flag}")]
    Listen {
        /// The flag that takes such an address.
        flag: &'static str,
        /// The address.
        listen: String,
        /// Why not.
        source: io::Error,
    },
    /// No signals can be received.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    /// The server did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl ServeError {
    /// Whether the configuration must be changed before it can work.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::StudiesFile(_)
            | Self::Origin(_)
            | Self::HalfACertificate { .. }
            | Self::Certificate(_)
            | Self::Address { .. } => true,
            Self::Store(error) => error.is_configuration(),
            Self::Server(error) => error.is_configuration(),
            Self::InUse { .. } | Self::Listen { .. } | Self::Signals(_) => false,
        }
    }
}

/// How serving came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Stopped {
    /// It was told to stop once, and everything was closed in order, or cut when the time was up.
    Drained,
    /// It was told a second time and has closed nothing more: the process should end now.
    AtOnce(StopSignal),
}

/// Serves until SIGTERM or Ctrl-C; a second one ends what the first one began. `ready` is told the
/// address of the page once connections are accepted.
pub async fn serve(
    args: ServeArgs,
    announce: Announce,
    ready: impl FnOnce(&str),
) -> Result<Stopped, ServeError> {
    let Configured { listen, ops, mut config } = configure(args, announce)?;
    let mut signals = StopSignals::listen().map_err(ServeError::Signals)?;
    let listener = bind("--listen", &listen).await?;
    if let Some(ops) = ops {
        let listener = bind("--ops", &ops).await?;
        let address = listener.local_addr().map_err(ServerError::Listener)?;
        info!(%address, "operators are answered at http://{address}/");
        config.ops = Some(listener);
    }
    let address = listener.local_addr().map_err(ServerError::Listener)?;
    let host = match address.ip() {
        ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    ready(&format!("https://{host}:{}/", address.port()));
    service_manager::tell(State::Ready);
    let told = CancellationToken::new();
    let told_twice = async {
        let first = signals.next().await;
        info!("told to stop by {first}");
        service_manager::tell(State::Stopping);
        told.cancel();
        signals.next().await
    };
    tokio::select! {
        ended = server::run(listener, config, told.cancelled()) => {
            ended?;
            Ok(Stopped::Drained)
        }
        again = told_twice => {
            warn!("told to stop at once by {again}; open connections are cut");
            Ok(Stopped::AtOnce(again))
        }
    }
}

/// A signal that means *stop*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT, which a terminal sends for Ctrl-C.
    Interrupt,
}

impl StopSignal {
    /// What shells report for a process that this signal ended: 128 and the signal's number.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        let kind = match self {
            Self::Terminate => SignalKind::terminate(),
            Self::Interrupt => SignalKind::interrupt(),
        };
        u8::try_from(kind.as_raw_value()).map_or(1, |number| 128_u8.saturating_add(number))
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "Ctrl-C",
        })
    }
}

/// The signals that mean *stop*. While this listens, none of them ends the process by itself.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

/// What flags, environment and file amount to.
struct Configured {
    listen: String,
    ops: Option<String>,
    config: ServerConfig,
}

/// Flags and environment, which clap has merged, over the file.
fn configure(args: ServeArgs, announce: Announce) -> Result<Configured, ServeError> {
    let StudiesFile { server, limits, plans, .. } = StudiesFile::read(&args.studies)?;
    let page = args.page.or(server.page).unwrap_or_else(|| DEFAULT_PAGE.into());
    let researchers = args.researcher_page.or(server.researcher_page);
    let researchers = researchers.unwrap_or_else(|| page.join(built_page::RESEARCHER));
    let allowed_origins = match args.allowed_origins {
        flags if flags.is_empty() => parse_origins(&server.allowed_origins)?,
        flags => flags,
    };
    let listen = args.listen.or(server.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
    let certs_dir = args.certs_dir.or(server.certs_dir).unwrap_or_else(|| DEFAULT_CERTS_DIR.into());
    // A pair belongs together: a flag never completes the other half from the file.
    let (cert, key) = match (args.cert, args.key) {
        (None, None) => (server.cert, server.key),
        flags => flags,
    };
    let source = certificate_source(cert, key, certs_dir)?;
    let (tls, keeper) = CertificateKeeper::start(source, SystemTime::now())?;
    let data = args.data.or(server.data).unwrap_or_else(|| DEFAULT_DATA.into());
    let store = Store::open(DataDir::open(&data)?)?;
    let control = listen_for_commands(&data);
    let page = load_page(&page, ["patients", "the page"], BuiltPage::read);
    let researchers = load_page(
        &researchers,
        ["researchers", "the researcher's page"],
        BuiltPage::read_researchers,
    );
    let retention = args.retention_hours.or(server.retention_hours);
    let retention =
        retention.map_or(ServerConfig::RETENTION, |hours| Duration::from_hours(hours.into()));
    let config = ServerConfig {
        tls,
        store,
        plans,
        page,
        researcher_page: researchers,
        allowed_origins,
        limits,
        announce,
        retention,
        ops: None,
        control,
        certificate: Some(keeper),
    };
    Ok(Configured { listen, ops: args.ops.or(server.ops), config })
}

/// A hospital that takes no commands still serves its patients.
fn listen_for_commands(data: &Path) -> Option<ControlSocket> {
    ControlSocket::bind(data)
        .inspect_err(|error| {
            warn!(%error, "`hospital study` cannot reach this hospital: {} takes no socket ({error})",
                data.display());
        })
        .ok()
}

fn parse_origins(origins: &[String]) -> Result<Vec<Origin>, OriginError> {
    origins.iter().map(|origin| origin.parse()).collect()
}

/// The certificate that was given, or a local one.
fn certificate_source(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    certs_dir: PathBuf,
) -> Result<CertificateSource, ServeError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(CertificateSource::Given(CertificateFiles { cert, key })),
        (Some(_), None) => Err(ServeError::HalfACertificate { given: "--cert", missing: "--key" }),
        (None, Some(_)) => Err(ServeError::HalfACertificate { given: "--key", missing: "--cert" }),
        (None, None) => Ok(CertificateSource::Local(certs_dir)),
    }
}

fn load_page(
    dir: &Path,
    [whose, what]: [&str; 2],
    check: impl Fn(&Path) -> Result<BuiltPage, BuiltPageError>,
) -> Option<Page> {
    match Page::load(dir) {
        Ok(page) => {
            info!(fingerprint = %page.fingerprint(), "serving {what} in {}", dir.display());
            if let Err(error) = check(dir) {
                warn!(%error, "{what} in {} is not as it was built: {error}", dir.display());
            }
            Some(page)
        }
        Err(error) => {
            warn!("{whose} are shown no page: {error}");
            None
        }
    }
}

async fn bind(flag: &'static str, listen: &str) -> Result<TcpListener, ServeError> {
    let listen = listen.to_owned();
    TcpListener::bind(&listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { flag, listen },
        io::ErrorKind::InvalidInput => ServeError::Address { flag, listen, source },
        _ => ServeError::Listen { flag, listen, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_certificate_is_refused() {
        let source = certificate_source(Some("a.pem".into()), None, "unused".into());
        let error = source.err().unwrap();
        assert_eq!(
            error.to_string(),
            "--cert is given without --key; give both, or neither for a local certificate"
        );
        assert!(error.is_configuration());
    }
}
