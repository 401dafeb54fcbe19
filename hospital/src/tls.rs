//! TLS: version 1.3 only, with a post-quantum hybrid key exchange or X25519.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use std::{fs, io};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ConfigBuilder, ConfigSide, RootCertStore, ServerConfig, WantsVerifier,
    WantsVersions,
};
use thiserror::Error;
use wardsum_certs::{CertError, Validity};

/// Why a certificate cannot be used. Each text says what to do.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("the {what} {path} cannot be read: {source}; check the path and its permissions")]
    Unreadable {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file without what it should hold.
    #[error("{path} holds no {what} in PEM ({source}); give a file with a BEGIN line for it")]
    Empty {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: pem::Error,
    },
    /// A file whose first certificate makes no sense.
    #[error(transparent)]
    NotACertificate(#[from] CertError),
    /// A certificate that has expired, or is not valid yet.
    #[error(
        "the certificate {path} {validity}; renew it, or leave out --cert and --key for a local one"
    )]
    NotCurrent {
        /// The file.
        path: PathBuf,
        /// From when until when it counts.
        validity: Validity,
    },
    /// A key that belongs to another certificate.
    #[error(
        "the private key {key} does not belong to the certificate {cert}; give the pair that was made together"
    )]
    Mismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Anything else that rustls does not accept.
    #[error("the certificate {cert} with the key {key} cannot be used for TLS: {source}")]
    Unusable {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// Where a certificate chain and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, leaf first.
    pub cert: PathBuf,
    /// The leaf's private key in PEM.
    pub key: PathBuf,
}

/// The hospital's side. The certificate must be valid at `now`.
pub fn server_config(
    files: &CertificateFiles,
    now: SystemTime,
) -> Result<Arc<ServerConfig>, TlsError> {
    Ok(renewable_server_config(files, now)?.0)
}

/// The hospital's side, and the certificate that it shows, which can be replaced while it serves.
pub fn renewable_server_config(
    files: &CertificateFiles,
    now: SystemTime,
) -> Result<(Arc<ServerConfig>, Arc<CurrentCertificate>), TlsError> {
    let current = Arc::new(CurrentCertificate(RwLock::new(load(files, now)?)));
    let mut config = only_tls_13(ServerConfig::builder_with_provider(Arc::new(provider())))
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
    // WebSockets need HTTP/1.1's upgrade, so nothing else is offered.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), current))
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct CurrentCertificate(RwLock<Shown>);

/// A certificate with its key, and from when until when it counts.
#[derive(Debug)]
struct Shown {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

impl CurrentCertificate {
    /// Shows what the files hold now, unless it cannot be used: then the old one stays. Says whether
    /// it is another certificate. Connections that are open go on as they are.
    pub fn reload(&self, files: &CertificateFiles, now: SystemTime) -> Result<bool, TlsError> {
        let loaded = load(files, now)?;
        // A poisoned lock holds a certificate as good as any.
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.certified.cert != loaded.certified.cert;
        *current = loaded;
        Ok(changed)
    }

    /// From when until when it counts, seen from `now`.
    #[must_use]
    pub fn validity(&self, now: SystemTime) -> Validity {
        self.0.read().unwrap_or_else(PoisonError::into_inner).validity.at(now)
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

/// Reads a chain and its key, which must belong together and be valid at `now`.
fn load(files: &CertificateFiles, now: SystemTime) -> Result<Shown, TlsError> {
    let CertificateFiles { cert, key } = files;
    // Read once, so that what is checked is what is shown even if the file is replaced meanwhile.
    let text =
        fs::read(cert).map_err(|source| pem_error("certificate", cert, pem::Error::Io(source)))?;
    let chain = parse_certificates(&text, cert)?;
    let private_key = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| pem_error("private key", key, source))?;
    let validity = wardsum_certs::inspect_pem(&text, cert, now)?;
    if validity.remaining().is_none() {
        return Err(TlsError::NotCurrent { path: cert.clone(), validity });
    }
    let certified = CertifiedKey::from_der(chain, private_key, &provider());
    let certified = certified.map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { cert: cert.clone(), key: key.clone() }
        }
        source => TlsError::Unusable { cert: cert.clone(), key: key.clone(), source },
    })?;
    Ok(Shown { certified: Arc::new(certified), validity })
}

/// A native peer's side: trusts the certificates in `authority`, and nobody else.
pub fn client_config(authority: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(authority)? {
        roots.add(certificate).map_err(|source| TlsError::Unusable {
            cert: authority.to_owned(),
            key: authority.to_owned(),
            source,
        })?;
    }
    let mut config = only_tls_13(ClientConfig::builder_with_provider(Arc::new(provider())))
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn only_tls_13<S: ConfigSide>(
    builder: ConfigBuilder<S, WantsVersions>,
) -> ConfigBuilder<S, WantsVerifier> {
    builder.with_protocol_versions(&[&TLS13]).expect("the provider has TLS 1.3 cipher suites")
}

/// AWS-LC with the two key exchanges that we offer, the hybrid one first.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text =
        fs::read(path).map_err(|source| pem_error("certificate", path, pem::Error::Io(source)))?;
    parse_certificates(&text, path)
}

fn parse_certificates(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| pem_error("certificate", path, source))?;
    if certificates.is_empty() {
        return Err(pem_error("certificate", path, pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn pem_error(what: &'static str, path: &Path, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => TlsError::Unreadable { what, path, source },
        source => TlsError::Empty { what, path, source },
    }
}
