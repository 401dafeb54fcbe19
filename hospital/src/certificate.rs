//! The certificate that is shown, replaced while the hospital serves.
//!
//! Certificates last for weeks and hospitals run for months, so somebody else replaces the files, at any
//! time and one after the other. They are looked at every few seconds, read once they have changed and
//! lie still, and shown to new connections if they can be used. Whatever is wrong with them, the one that
//! was shown stays.

use std::convert::Infallible;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task;
use tokio::time::{self, Instant};
use tracing::{error, info, warn};
use wardsum_certs::{Action, CertError, Validity};

use crate::metrics::{Metrics, Reloaded};
use crate::tls::{self, CertificateFiles, CurrentCertificate, TlsError};

/// How often the files are looked at. A change is acted upon when the next look finds it as it was.
const LOOK: Duration = Duration::from_secs(5);

/// How often the files are read although nothing shows that they have changed: a certificate may have
/// become valid, and a local one due.
const CHECK: Duration = Duration::from_hours(1);

/// How often it is said that the certificate is about to expire.
const REMINDER: Duration = Duration::from_hours(24);

/// How long before its end a certificate is said to expire soon: this, or a quarter of its lifetime if
/// that is less. Who renews in time does so with a third left.
const SOON: Duration = Duration::from_hours(14 * 24);

/// Why there is no certificate to show. Each text says what to do.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The local certificate cannot be made.
    #[error(transparent)]
    Local(#[from] CertError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// SIGHUP cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(#[from] io::Error),
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// Somebody else renews these files.
    Given(CertificateFiles),
    /// Our own authority's, in this directory.
    Local(PathBuf),
}

impl CertificateSource {
    /// The files, renewed if they are ours and it is time.
    fn files(&self, now: SystemTime) -> Result<CertificateFiles, CertError> {
        match self {
            Self::Given(files) => Ok(files.clone()),
            Self::Local(directory) => local_certificate(directory, now),
        }
    }
}

/// The local certificate, made or renewed where that is due.
fn local_certificate(directory: &Path, now: SystemTime) -> Result<CertificateFiles, CertError> {
    let (certs, action) = wardsum_certs::ensure(directory, now)?;
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

/// Keeps the certificate that is shown current.
pub struct CertificateKeeper {
    shown: Arc<ShownCertificate>,
    /// SIGHUP, unless the hospital runs in a terminal, whose end it then means.
    hangup: Option<Signal>,
}

/// A certificate and where it comes from.
struct ShownCertificate {
    source: CertificateSource,
    files: CertificateFiles,
    current: Arc<CurrentCertificate>,
}

impl CertificateKeeper {
    /// The hospital's side of TLS with the source's certificate, and who keeps that current. Must be called in a
    /// runtime. From here on SIGHUP does not end the process, unless its standard input is a terminal.
    pub fn start(
        source: CertificateSource,
        now: SystemTime,
    ) -> Result<(Arc<rustls::ServerConfig>, Self), CertificateError> {
        let files = source.files(now)?;
        let (config, current) = tls::renewable_server_config(&files, now)?;
        let in_a_terminal = io::stdin().is_terminal();
        let hangup = if in_a_terminal { None } else { Some(signal(SignalKind::hangup())?) };
        let shown = Arc::new(ShownCertificate { source, files, current });
        Ok((config, Self { shown, hangup }))
    }

    /// Keeps it current for as long as it is polled.
    pub(crate) async fn keep(mut self, metrics: Metrics) -> Infallible {
        let mut watch = Watch::begin(self.shown.look().await);
        let mut reminded = None;
        let mut next_check = Instant::now() + CHECK;
        loop {
            self.shown.report(&metrics, &mut reminded);
            tokio::select! {
                () = hung_up(&mut self.hangup) => info!("told to read the certificate again by SIGHUP"),
                () = time::sleep_until(next_check) => {}
                () = self.shown.changed(&mut watch) => {}
            }
            next_check = Instant::now() + CHECK;
            watch.acted_upon(self.shown.look().await);
            let outcome = self.shown.check().await;
            metrics.certificate_reloaded(outcome);
            if outcome == Reloaded::Replaced {
                reminded = None;
            }
        }
    }
}

impl ShownCertificate {
    /// Reads the files again, and shows what they hold if it can be used.
    async fn check(self: &Arc<Self>) -> Reloaded {
        let this = Arc::clone(self);
        let reload = move || this.reload(SystemTime::now());
        // Files may lie on a disk that is slow.
        let reloaded = task::spawn_blocking(reload).await.expect("reading files does not panic");
        match reloaded {
            Ok(true) => {
                let validity = self.current.validity(SystemTime::now());
                info!("new connections are shown a new certificate, which {validity}");
                Reloaded::Replaced
            }
            Ok(false) => Reloaded::Unchanged,
            Err(error) => {
                warn!(%error, "the certificate stays as it is: {error}");
                Reloaded::Failed
            }
        }
    }

    /// Says whether the files held another certificate.
    fn reload(&self, now: SystemTime) -> Result<bool, CertificateError> {
        Ok(self.current.reload(&self.source.files(now)?, now)?)
    }

    /// What the files are like now.
    async fn look(self: &Arc<Self>) -> Look {
        let files = self.files.clone();
        task::spawn_blocking(move || Look::at(&files)).await.expect("looking does not panic")
    }

    /// Waits until the files have changed and lie still.
    async fn changed(self: &Arc<Self>, watch: &mut Watch) {
        loop {
            time::sleep(LOOK).await;
            if watch.is_settled_change(self.look().await) {
                return;
            }
        }
    }

    /// Says until when it counts: to whoever watches the figures, and in the log if that is soon.
    fn report(&self, metrics: &Metrics, reminded: &mut Option<Instant>) {
        let validity = self.current.validity(SystemTime::now());
        metrics.certificate_expires(validity.not_after);
        if !expires_soon(&validity) || reminded.is_some_and(|at| at.elapsed() < REMINDER) {
            return;
        }
        *reminded = Some(Instant::now());
        let path = self.files.cert.display();
        if validity.remaining().is_some() {
            warn!("the certificate {path} {validity}; renew it, it is taken up without a restart");
        } else {
            error!("the certificate {path} {validity}, and browsers refuse it; renew it now");
        }
    }
}

/// Whether a certificate has so little of its lifetime left that somebody has to be told.
fn expires_soon(validity: &Validity) -> bool {
    let lifetime = validity.not_after.duration_since(validity.not_before).unwrap_or_default();
    validity.remaining().is_none_or(|remaining| remaining < SOON.min(lifetime / 4))
}

/// Waits for the next SIGHUP, if any is heard.
async fn hung_up(hangup: &mut Option<Signal>) {
    if let Some(hangup) = hangup
        && hangup.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// What tells whether files were written or replaced, behind symbolic links too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look([Option<FileState>; 2]);

/// Where a file is, how long, and when it or its place in a directory changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    fn at(files: &CertificateFiles) -> Self {
        Self([&files.cert, &files.key].map(|path| {
            let found = fs::metadata(path).ok()?;
            Some(FileState {
                file: (found.dev(), found.ino()),
                length: found.len(),
                modified: (found.mtime(), found.mtime_nsec()),
                changed: (found.ctime(), found.ctime_nsec()),
            })
        }))
    }
}

/// Tells when files have changed and lie still, so that a certificate is not read before its key is there.
struct Watch {
    acted_upon: Look,
    last: Look,
}

impl Watch {
    fn begin(look: Look) -> Self {
        Self { acted_upon: look, last: look }
    }

    /// Whether files that look like this have changed since they were read, and not since the last look.
    fn is_settled_change(&mut self, look: Look) -> bool {
        let still = look == self.last;
        self.last = look;
        still && look != self.acted_upon
    }

    /// The files, which look like this, are about to be read.
    fn acted_upon(&mut self, look: Look) {
        *self = Self::begin(look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn what_cannot_be_used_does_not_take_the_place_of_what_can() {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let source = CertificateSource::Local(directory.path().join("certs"));
        let files = source.files(now).unwrap();
        let (_, current) = tls::renewable_server_config(&files, now).unwrap();
        let local = ShownCertificate { source, files: files.clone(), current };
        assert!(!local.reload(now).unwrap(), "nothing to renew yet");
        // A leaf that is gone is made anew, like one that is about to expire.
        fs::remove_file(&files.cert).unwrap();
        assert!(local.reload(now).unwrap(), "another certificate is shown");

        let given = ShownCertificate { source: CertificateSource::Given(files.clone()), ..local };
        let good = fs::read(&files.cert).unwrap();
        fs::write(&files.cert, "not a certificate").unwrap();
        assert!(given.reload(now).is_err());
        fs::write(&files.cert, &good).unwrap();
        assert!(!given.reload(now).unwrap(), "the one that is shown was not touched");
        let later = now + 91 * DAY;
        assert!(given.reload(later).unwrap_err().to_string().contains("expired on"));
        let foreign = rcgen::KeyPair::generate().unwrap();
        fs::write(&files.key, foreign.serialize_pem()).unwrap();
        assert!(given.reload(now).unwrap_err().to_string().contains("does not belong"));
    }

    #[test]
    fn a_change_counts_once_the_files_lie_still() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let files = CertificateFiles { cert: path("cert"), key: path("key") };
        let mut watch = Watch::begin(Look::at(&files));
        let looks = |watch: &mut Watch| watch.is_settled_change(Look::at(&files));
        assert!(!looks(&mut watch));
        fs::write(path("cert"), "new").unwrap();
        assert!(!looks(&mut watch), "its key may still come");
        fs::write(path("key"), "new").unwrap();
        assert!(!looks(&mut watch));
        assert!(looks(&mut watch));
        watch.acted_upon(Look::at(&files));
        assert!(!looks(&mut watch));
        // As long and as old as before, but another file.
        let modified = fs::metadata(path("key")).unwrap().modified().unwrap();
        fs::write(path("next"), "old").unwrap();
        fs::File::options()
            .append(true)
            .open(path("next"))
            .unwrap()
            .set_modified(modified)
            .unwrap();
        fs::rename(path("next"), path("key")).unwrap();
        assert!(!looks(&mut watch));
        assert!(looks(&mut watch));
    }

    #[test]
    fn soon_is_two_weeks_or_a_quarter_of_a_short_life() {
        let now = SystemTime::now();
        let soon = |lifetime: u32, left: u32| {
            let validity = Validity {
                not_before: now - (lifetime - left) * DAY,
                not_after: now + left * DAY,
                standing: wardsum_certs::Standing::Current(left * DAY),
            };
            expires_soon(&validity)
        };
        assert!(!soon(90, 15) && soon(90, 13));
        assert!(!soon(8, 3) && soon(8, 1));
        let over = Validity {
            not_before: now - 2 * DAY,
            not_after: now - DAY,
            standing: wardsum_certs::Standing::Expired(DAY),
        };
        assert!(expires_soon(&over));
    }
}
