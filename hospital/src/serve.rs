//! `hospital serve`: flags, environment and studies file become one running hospital.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use wardsum_certs::{Action, CertError};

use crate::announcement::Announce;
use crate::cli::ServeArgs;
use crate::http::origin::{Origin, OriginError};
use crate::http::page::Page;
use crate::server::{self, ServerConfig, ServerError};
use crate::studies_file::{StudiesFile, StudiesFileError};
use crate::tls::{self, CertificateFiles, TlsError};

const DEFAULT_LISTEN: &str = "127.0.0.1:8443";
const DEFAULT_PAGE: &str = "web/dist";
const DEFAULT_CERTS_DIR: &str = "certs/local";

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
    /// The local certificate cannot be made.
    #[error(transparent)]
    LocalCertificate(#[from] CertError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address that is none.
    #[error(
        "{listen} is no address to listen on ({source}); write ADDRESS:PORT, as in {DEFAULT_LISTEN}"
    )]
    Address {
        /// What was given.
        listen: String,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "{listen} is already in use; stop the program that uses it, or choose another port with --listen"
    )]
    InUse {
        /// The address.
        listen: String,
    },
    /// The operating system refuses to listen there.
    #[error("cannot listen on {listen}: {source}; choose another address or port with --listen")]
    Listen {
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
            | Self::LocalCertificate(_)
            | Self::Tls(_)
            | Self::Address { .. } => true,
            Self::InUse { .. } | Self::Listen { .. } | Self::Signals(_) | Self::Server(_) => false,
        }
    }
}

/// Serves until SIGTERM or Ctrl-C. `ready` is told the address of the page once connections are accepted.
pub async fn serve(
    args: ServeArgs,
    announce: Announce,
    ready: impl FnOnce(&str),
) -> Result<(), ServeError> {
    let (listen, config) = configure(args, announce)?;
    let shutdown = told_to_stop().map_err(ServeError::Signals)?;
    let listener = bind(&listen).await?;
    let address = listener.local_addr().map_err(ServerError::Listener)?;
    let host = match address.ip() {
        ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    ready(&format!("https://{host}:{}/", address.port()));
    server::run(listener, config, shutdown).await?;
    Ok(())
}

/// Flags and environment, which clap has merged, over the file.
fn configure(args: ServeArgs, announce: Announce) -> Result<(String, ServerConfig), ServeError> {
    let StudiesFile { server, limits, plans } = StudiesFile::read(&args.studies)?;
    let page = args.page.or(server.page).unwrap_or_else(|| DEFAULT_PAGE.into());
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
    let certificate = certificate(cert, key, &certs_dir)?;
    let config = ServerConfig {
        tls: tls::server_config(&certificate, SystemTime::now())?,
        plans,
        page: load_page(&page),
        allowed_origins,
        limits,
        announce,
    };
    Ok((listen, config))
}

fn parse_origins(origins: &[String]) -> Result<Vec<Origin>, OriginError> {
    origins.iter().map(|origin| origin.parse()).collect()
}

/// The certificate that was given, or a local one.
fn certificate(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    certs_dir: &Path,
) -> Result<CertificateFiles, ServeError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(CertificateFiles { cert, key }),
        (Some(_), None) => Err(ServeError::HalfACertificate { given: "--cert", missing: "--key" }),
        (None, Some(_)) => Err(ServeError::HalfACertificate { given: "--key", missing: "--cert" }),
        (None, None) => {
            let (certs, action) = wardsum_certs::ensure(certs_dir, SystemTime::now())?;
            let authority = certs.ca_cert.display();
            match action {
                Action::Created => info!(
                    "made a local certificate authority; have your browser trust {authority} \
                     (certs/README.md says how)"
                ),
                Action::Renewed => info!("renewed the local certificate of {authority}"),
                Action::Kept => {}
            }
            Ok(CertificateFiles { cert: certs.leaf_cert, key: certs.leaf_key })
        }
    }
}

fn load_page(dir: &Path) -> Option<Page> {
    match Page::load(dir) {
        Ok(page) => Some(page),
        Err(error) => {
            warn!("{error}");
            None
        }
    }
}

async fn bind(listen: &str) -> Result<TcpListener, ServeError> {
    let listen = listen.to_owned();
    TcpListener::bind(&listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { listen },
        io::ErrorKind::InvalidInput => ServeError::Address { listen, source },
        _ => ServeError::Listen { listen, source },
    })
}

/// Completes at the first SIGTERM or SIGINT (Ctrl-C). From the call on, neither ends the process by
/// itself.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => info!("told to stop by SIGTERM"),
            _ = interrupt.recv() => info!("told to stop by Ctrl-C"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_certificate_is_refused() {
        let error = certificate(Some("a.pem".into()), None, Path::new("unused")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--cert is given without --key; give both, or neither for a local certificate"
        );
        assert!(error.is_configuration());
    }
}
