//! From when until when a certificate counts.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

use crate::CertError;
use crate::files::failed;

const DAY: Duration = Duration::from_hours(24);

/// A certificate's validity, and how the time of asking relates to it.
///
/// Its `Display` is a sentence without a subject, such as `is valid until 2027-02-20 (90 days)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant at which the certificate counts.
    pub not_before: SystemTime,
    /// The last instant at which the certificate counts.
    pub not_after: SystemTime,
    /// Where the time of asking lies.
    pub standing: Standing,
}

/// How a point in time relates to a certificate's validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The certificate counts, for this much longer.
    Current(Duration),
    /// The certificate counts only after this long; or this computer's clock is behind.
    NotYet(Duration),
    /// The certificate stopped counting this long ago.
    Expired(Duration),
}

/// Reads from when until when the first certificate in the PEM file `cert` counts.
pub fn inspect(cert: &Path, now: SystemTime) -> Result<Validity, CertError> {
    let bytes = fs::read(cert).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CertError::Missing { path: cert.to_owned() },
        _ => failed("read", cert)(error),
    })?;
    inspect_pem(&bytes, cert, now)
}

/// Reads the same from a PEM text that was read already; `path` is for messages only.
pub fn inspect_pem(text: &[u8], path: &Path, now: SystemTime) -> Result<Validity, CertError> {
    let unreadable = |reason: String| CertError::NotACertificate { path: path.to_owned(), reason };
    let pem = first_certificate(text).map_err(unreadable)?;
    let x509 = pem.parse_x509().map_err(|error| unreadable(error.to_string()))?;
    Ok(Validity::of(&x509, now))
}

/// The first `CERTIFICATE` block of a PEM text; other blocks before it (a key, say) are passed over.
pub(crate) fn first_certificate(text: &[u8]) -> Result<Pem, String> {
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|error| error.to_string())?;
        if block.label == "CERTIFICATE" {
            return Ok(block);
        }
    }
    Err("no CERTIFICATE block".to_owned())
}

impl Validity {
    /// The validity of a parsed certificate, seen from `now`.
    pub(crate) fn of(certificate: &X509Certificate<'_>, now: SystemTime) -> Self {
        let not_before = SystemTime::from(certificate.validity().not_before.to_datetime());
        let not_after = SystemTime::from(certificate.validity().not_after.to_datetime());
        let standing = Standing::Current(Duration::ZERO);
        Self { not_before, not_after, standing }.at(now)
    }

    /// How much longer the certificate counts; nothing if it does not count now.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        match self.standing {
            Standing::Current(remaining) => Some(remaining),
            Standing::NotYet(_) | Standing::Expired(_) => None,
        }
    }

    /// The same certificate, seen from another time.
    #[must_use]
    pub fn at(&self, now: SystemTime) -> Self {
        let standing =
            match (self.not_before.duration_since(now), self.not_after.duration_since(now)) {
                (Ok(until), _) if !until.is_zero() => Standing::NotYet(until),
                (_, Ok(remaining)) => Standing::Current(remaining),
                (_, Err(since)) => Standing::Expired(since.duration()),
            };
        Self { standing, ..*self }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standing {
            Standing::Current(remaining) => {
                write!(out, "is valid until {} ({})", date(self.not_after), days(remaining))
            }
            Standing::NotYet(until) => write!(
                out,
                "is valid only from {} ({} from now; is this computer's clock right?)",
                date(self.not_before),
                days(until)
            ),
            Standing::Expired(since) => {
                write!(out, "expired on {} ({} ago)", date(self.not_after), days(since))
            }
        }
    }
}

/// The calendar date in UTC.
fn date(instant: SystemTime) -> String {
    let date = OffsetDateTime::from(instant).date();
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// A length of time in whole days, as people say it.
fn days(duration: Duration) -> String {
    match duration.as_secs() / DAY.as_secs() {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}
