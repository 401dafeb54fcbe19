//! TLS certificates for a hospital that runs on one's own computer.
//!
//! [`ensure`] keeps a small certificate authority and one server certificate (the *leaf*) for
//! `localhost`, `127.0.0.1` and `::1` in a directory, makes whatever is missing and renews whatever
//! is about to expire. A browser that trusts `ca.pem` once goes on trusting every later leaf.
//!
//! | file | what it is | secret |
//! |---|---|---|
//! | `ca.pem` | the authority's certificate, to be trusted by a browser | no |
//! | `ca-key.pem` | its key | yes |
//! | `leaf.pem` | the server's certificate | no |
//! | `leaf-key.pem` | its key | yes |
//!
//! The authority's certificate carries name constraints (RFC 5280, section 4.2.1.10) that permit
//! loopback names only. Somebody who steals its key can therefore impersonate this computer to
//! itself, and no other site to anybody.
//!
//! [`inspect`] and [`inspect_pem`] read the validity of any certificate, so that a server can say *expired* before a
//! browser says something less helpful.

mod error;
mod files;
mod issue;
mod validity;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use files::Directory;
use issue::Authority;

pub use error::CertError;
pub use validity::{Standing, Validity, inspect, inspect_pem};

/// Where the certificates are that a server and its users need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalCerts {
    /// The authority's certificate (PEM). This is the file that a browser is told to trust.
    pub ca_cert: PathBuf,
    /// The server's certificate (PEM).
    pub leaf_cert: PathBuf,
    /// The server's key (PEM, PKCS #8), readable by its owner only.
    pub leaf_key: PathBuf,
}

/// What [`ensure`] had to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There was no usable authority, or it was due: authority and leaf are new, and browsers have
    /// to be told to trust the new `ca.pem`.
    Created,
    /// The leaf was due, unusable or somebody else's: it is new, and the authority as it was, so
    /// browsers notice nothing.
    Renewed,
    /// Everything was in order; nothing was written.
    Kept,
}

/// Makes sure that `dir` holds a usable authority and a usable leaf.
///
/// A leaf is made for 90 days and renewed when fewer than 30 remain, an authority for five years
/// and renewed when less than one remains. A file that is missing, damaged or does not fit the
/// others is replaced. `now` is the wall-clock time to judge by.
///
/// `dir` is created with mode 0700, its parents as the umask says. Keys are created with mode 0600,
/// so they are never readable by others, and one that has become readable is closed again. Every
/// file is written under another name and then renamed, so a reader sees the old one or the new one.
/// Concurrent calls, in one process or several, wait for each other.
pub fn ensure(dir: &Path, now: SystemTime) -> Result<(LocalCerts, Action), CertError> {
    let directory = Directory::open(dir)?;
    let certs = LocalCerts {
        ca_cert: directory.path(files::CA_CERT),
        leaf_cert: directory.path(files::LEAF_CERT),
        leaf_key: directory.path(files::LEAF_KEY),
    };

    let Some(authority) = Authority::load(&directory, now)? else {
        let authority = Authority::create(&directory, now)?;
        issue::create_leaf(&directory, &authority, now)?;
        return Ok((certs, Action::Created));
    };
    if issue::leaf_is_usable(&directory, &authority, now)? {
        return Ok((certs, Action::Kept));
    }
    issue::create_leaf(&directory, &authority, now)?;
    Ok((certs, Action::Renewed))
}
