//! A certificate whose files are replaced while the hospital serves: new connections are shown the new one, open
//! ones go on, and files that cannot be used change nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use wardsum_certs::LocalCerts;
use wardsum_hospital::native_peer::Connector;
use wardsum_hospital::tls;
use wardsum_protocol::peer::OwnAnswer;

use crate::ops_listener::ask;
use crate::program::Program;
use crate::test_hospital::{connect, published, study_of, sum, within};

/// Certificates of two authorities, and where the hospital's own lie.
struct Pairs {
    dir: TempDir,
    first: LocalCerts,
    second: LocalCerts,
}

impl Pairs {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let make =
            |name| wardsum_certs::ensure(&dir.path().join(name), SystemTime::now()).unwrap().0;
        let (first, second) = (make("first"), make("second"));
        let pairs = Self { dir, first, second };
        pairs.put(&pairs.first);
        pairs
    }

    fn cert(&self) -> String {
        self.dir.path().join("fullchain.pem").to_str().unwrap().to_owned()
    }

    fn key(&self) -> String {
        self.dir.path().join("key.pem").to_str().unwrap().to_owned()
    }

    /// Replaces the hospital's files by this pair, as `install` and `cp` do.
    fn put(&self, certs: &LocalCerts) {
        fs::copy(&certs.leaf_cert, self.cert()).unwrap();
        fs::copy(&certs.leaf_key, self.key()).unwrap();
    }
}

/// Whoever trusts only the authority of this pair.
fn trusting(certs: &LocalCerts, hospital: SocketAddr) -> Connector {
    Connector::new(hospital, tls::client_config(&certs.ca_cert).unwrap())
}

/// A hospital that shows the first pair, and where it answers operators.
fn start(pairs: &Pairs) -> (Program, SocketAddr) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let args = ["--cert", &pairs.cert(), "--key", &pairs.key(), "--ops", &free.to_string()];
    (Program::with_studies(&study_of("study", 3), &args), free)
}

/// How often the files were read with this outcome.
async fn reloads(operators: SocketAddr, outcome: &str) -> u64 {
    let name = format!("wardsum_certificate_reloads_total{{outcome=\"{outcome}\"}} ");
    let answer = ask(operators, "/metrics").await;
    let line = answer.body.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("{name} in {}", answer.body)).parse().unwrap()
}

/// Until when the certificate that is shown counts, as the figures say.
async fn expires(operators: SocketAddr) -> u64 {
    let answer = ask(operators, "/metrics").await;
    let name = "wardsum_certificate_expires_timestamp_seconds ";
    answer.body.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

fn not_after(cert: &Path) -> u64 {
    let validity = wardsum_certs::inspect(cert, SystemTime::now()).unwrap();
    validity.not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

async fn until(outcome: &str, count: u64, operators: SocketAddr) {
    within(async {
        while reloads(operators, outcome).await != count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn are_seen_by_whoever_comes_and_not_by_whoever_is_there() {
    let pairs = Pairs::make();
    let (program, operators) = start(&pairs);
    let before = trusting(&pairs.first, program.address);
    let after = trusting(&pairs.second, program.address);
    let mut peers = Vec::new();
    for answer in [1, 2] {
        let mut peer = connect(&before, "study").await;
        peer.answer_number(answer).await.unwrap();
        peers.push(peer);
    }
    assert!(after.open_tls().await.is_err());
    assert_eq!(expires(operators).await, not_after(&pairs.first.leaf_cert));

    // Nobody tells the hospital.
    pairs.put(&pairs.second);
    until("replaced", 1, operators).await;

    // Anew, because whoever was here before resumes its session, without any certificate.
    let newcomer = trusting(&pairs.first, program.address);
    assert!(newcomer.open_tls().await.is_err());
    assert_eq!(expires(operators).await, not_after(&pairs.second.leaf_cert));
    let mut third = connect(&after, "study").await;
    third.answer_number(3).await.unwrap();
    peers.push(third);
    for published in published(peers).await {
        assert_eq!((sum(&published.aggregate), published.own), (6, OwnAnswer::Counted));
    }
    program.signal("-TERM");
    let (status, log) = program.end();
    assert_eq!(status, Some(0));
    assert!(
        log.contains("new connections are shown a new certificate, which is valid until"),
        "{log}"
    );
}

#[tokio::test]
async fn change_nothing_if_they_cannot_be_used() {
    let pairs = Pairs::make();
    let (program, operators) = start(&pairs);
    let mut failed = 0;
    let mut refused = async |cert: &[u8], key: &[u8]| {
        fs::write(pairs.cert(), cert).unwrap();
        fs::write(pairs.key(), key).unwrap();
        program.signal("-HUP");
        failed += 1;
        until("failed", failed, operators).await;
        trusting(&pairs.first, program.address).open_tls().await.unwrap();
        assert_eq!(expires(operators).await, not_after(&pairs.first.leaf_cert));
    };
    let read = |path: &Path| fs::read(path).unwrap();
    let (cert, key) = (read(&pairs.first.leaf_cert), read(&pairs.first.leaf_key));

    refused(b"", &key).await;
    refused(&cert[..cert.len() / 2], &key).await;
    refused(&cert, b"no key").await;
    refused(&cert, &read(&pairs.second.leaf_key)).await;
    let expired = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let of_2020 = params.self_signed(&expired).unwrap();
    refused(of_2020.pem().as_bytes(), expired.serialize_pem().as_bytes()).await;

    // And when they are mended, they are taken.
    pairs.put(&pairs.second);
    program.signal("-HUP");
    until("replaced", 1, operators).await;
    trusting(&pairs.second, program.address).open_tls().await.unwrap();
    program.signal("-TERM");
    let (status, log) = program.end();
    assert_eq!(status, Some(0));
    let kept = log.matches("the certificate stays as it is").count();
    assert_eq!(kept, 5, "once each: {log}");
    for reason in ["holds no certificate", "no private key", "does not belong", "expired on 2021"] {
        assert!(log.contains(reason), "{reason} in {log}");
    }
}

#[tokio::test]
async fn are_asked_for_two_weeks_before_the_end() {
    let pairs = Pairs::make();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(80);
    params.not_after = now + time::Duration::days(10);
    fs::write(pairs.cert(), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(pairs.key(), key.serialize_pem()).unwrap();
    let (program, operators) = start(&pairs);
    assert_eq!(ask(operators, "/readyz").await.status, 200);
    program.signal("-TERM");
    let (_, log) = program.end();
    assert!(log.contains("renew it, it is taken up without a restart"), "{log}");
}
