//! What a hospital counts, for whoever watches it.
//!
//! Names and meanings are in docs/OPERATIONS.md. Labels are study ids, phases and reasons, which
//! are few and known to everybody: no peer, address, key or digest is ever one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::access::TokenRefused;
use crate::standing::Standing;
use crate::study_desk::StudyDesk;
use wardsum_protocol::Phase;

/// The upper bounds of the commit histogram's buckets, in seconds: from a fast disk to one that is
/// about to be given up.
const COMMIT_BUCKETS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];

const METADATA: Metadata<'static> = Metadata::new("wardsum", Level::INFO, None);

/// Every phase, so that each has its line from the beginning.
const PHASES: [Phase; 6] = [
    Phase::Enrolling,
    Phase::Contributing,
    Phase::Verifying,
    Phase::Aggregating,
    Phase::Published,
    Phase::Ended,
];

/// Why a connection is not served, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedConnection {
    /// The limit `connections`.
    Connections,
    /// The limit `connections_per_address`.
    ConnectionsPerAddress,
    /// The limit `peers_per_address`.
    PeersPerAddress,
    /// No TLS, or no request in time.
    Handshake,
    /// A request for a WebSocket that must not be opened.
    Upgrade,
    /// A peer that comes back to a round that is not there.
    UnknownRound,
    /// A peer that does not read, or has fallen silent.
    TooSlow,
    /// A peer that does not speak the protocol.
    Protocol,
    /// Everybody, while nothing can be stored.
    Suspended,
}

impl RefusedConnection {
    const ALL: [Self; 9] = [
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::PeersPerAddress,
        Self::Handshake,
        Self::Upgrade,
        Self::UnknownRound,
        Self::TooSlow,
        Self::Protocol,
        Self::Suspended,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::PeersPerAddress => "peers_per_address",
            Self::Handshake => "handshake",
            Self::Upgrade => "upgrade",
            Self::UnknownRound => "unknown_round",
            Self::TooSlow => "too_slow",
            Self::Protocol => "protocol",
            Self::Suspended => "suspended",
        }
    }

    /// What a close code says, if it is a refusal (PROTOCOL.md, "Close codes").
    pub(crate) fn of_close_code(code: u16) -> Option<Self> {
        match code {
            1013 => Some(Self::Suspended),
            4403 => Some(Self::PeersPerAddress),
            4404 => Some(Self::UnknownRound),
            4408 => Some(Self::TooSlow),
            // Who comes at the wrong time, or over another connection, has done nothing wrong.
            4410..=4413 => None,
            1002 | 1003 | 1007 | 1009 | 4400..=4499 => Some(Self::Protocol),
            _ => None,
        }
    }
}

/// What became of the certificate when its files were read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reloaded {
    /// New connections are shown another one.
    Replaced,
    /// The files hold the one that is shown.
    Unchanged,
    /// What the files hold cannot be used, and the old one stays.
    Failed,
}

impl Reloaded {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Replaced, "replaced"), (Self::Unchanged, "unchanged"), (Self::Failed, "failed")];
}

/// Why a researcher's request is refused for its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedToken {
    /// There is none.
    Missing,
    /// It is nobody's.
    Unknown,
    /// It has ended.
    Expired,
    /// It was revoked.
    Revoked,
    /// Too many bad ones, or too many changes with a good one.
    TooMany,
    /// A viewer's, where something would be changed.
    Role,
}

impl RefusedToken {
    const ALL: [Self; 6] =
        [Self::Missing, Self::Unknown, Self::Expired, Self::Revoked, Self::TooMany, Self::Role];

    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::TooMany => "too_many",
            Self::Role => "role",
        }
    }
}

impl From<&TokenRefused> for RefusedToken {
    fn from(refused: &TokenRefused) -> Self {
        match refused {
            TokenRefused::Missing => Self::Missing,
            TokenRefused::Unknown => Self::Unknown,
            TokenRefused::Expired { .. } => Self::Expired,
            TokenRefused::Revoked { .. } => Self::Revoked,
            TokenRefused::TooMany(_) => Self::TooMany,
        }
    }
}

/// One hospital's figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Figures>);

struct Figures {
    recorder: PrometheusRecorder,
    refused: [Counter; RefusedConnection::ALL.len()],
    reloads: [Counter; Reloaded::ALL.len()],
    refused_tokens: [Counter; RefusedToken::ALL.len()],
    received_bytes: Counter,
    sent_bytes: Counter,
    commit_seconds: Histogram,
    store_failures: Counter,
    connections: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let commit = Matcher::Full("wardsum_commit_seconds".to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(commit, &COMMIT_BUCKETS)
            .expect("there are buckets")
            .build_recorder();
        for (name, help) in [
            ("wardsum_refused_connections_total", "Connections refused or cut, by reason."),
            ("wardsum_refused_tokens_total", "Researchers' requests refused for their token."),
            ("wardsum_message_bytes_total", "Bytes of peers' messages, without frames and TLS."),
            ("wardsum_contributions_total", "Contributions accepted."),
            ("wardsum_rejections_total", "Contributions found invalid, or in dispute."),
            ("wardsum_words_disputed_total", "People whose safety words were not those of others."),
            ("wardsum_store_failures_total", "Commits and reads of the store that failed."),
            ("wardsum_certificate_reloads_total", "Times the certificate's files were read again."),
        ] {
            recorder.describe_counter(KeyName::from(name), None, help.into());
        }
        for (name, help) in [
            ("wardsum_connections", "Open connections of every kind."),
            ("wardsum_peers", "Peers connected to a study's current round."),
            ("wardsum_rounds", "Current rounds by phase."),
            ("wardsum_rounds_suspended", "Rounds that stand still, as nothing can be stored."),
            ("wardsum_certificate_expires_timestamp_seconds", "When the certificate expires."),
        ] {
            recorder.describe_gauge(KeyName::from(name), None, help.into());
        }
        let help = "From handing records to the store until they are durable.";
        recorder.describe_histogram(KeyName::from("wardsum_commit_seconds"), None, help.into());

        let counter = |name, label| recorder.register_counter(&key(name, label), &METADATA);
        let refused = RefusedConnection::ALL.map(|reason| {
            counter("wardsum_refused_connections_total", Some(("reason", reason.as_str())))
        });
        let reloads = Reloaded::ALL.map(|(_, outcome)| {
            counter("wardsum_certificate_reloads_total", Some(("outcome", outcome)))
        });
        let refused_tokens = RefusedToken::ALL.map(|reason| {
            counter("wardsum_refused_tokens_total", Some(("reason", reason.as_str())))
        });
        let received_bytes = counter("wardsum_message_bytes_total", Some(("direction", "in")));
        let sent_bytes = counter("wardsum_message_bytes_total", Some(("direction", "out")));
        let store_failures = counter("wardsum_store_failures_total", None);
        let commit_seconds =
            recorder.register_histogram(&key("wardsum_commit_seconds", None), &METADATA);
        let connections = recorder.register_gauge(&key("wardsum_connections", None), &METADATA);
        Self(Arc::new(Figures {
            recorder,
            refused,
            reloads,
            refused_tokens,
            received_bytes,
            sent_bytes,
            commit_seconds,
            store_failures,
            connections,
        }))
    }

    /// A connection is not served, or not any longer.
    pub(crate) fn refused(&self, reason: RefusedConnection) {
        self.0.refused[reason as usize].increment(1);
    }

    /// A researcher's request is refused.
    pub(crate) fn refused_token(&self, reason: RefusedToken) {
        self.0.refused_tokens[reason as usize].increment(1);
    }

    /// A peer's message came.
    pub(crate) fn received(&self, bytes: usize) {
        self.0.received_bytes.increment(bytes as u64);
    }

    /// Messages left for a peer.
    pub(crate) fn sent(&self, bytes: usize) {
        self.0.sent_bytes.increment(bytes as u64);
    }

    /// Records became durable.
    pub(crate) fn committed(&self, after: Duration) {
        self.0.commit_seconds.record(after);
    }

    /// The store did not do what it was asked.
    pub(crate) fn store_failed(&self) {
        self.0.store_failures.increment(1);
    }

    /// What counts a study's contributions.
    pub(crate) fn contributions(&self, study: &str) -> Counter {
        let key = key("wardsum_contributions_total", Some(("study", study)));
        self.0.recorder.register_counter(&key, &METADATA)
    }

    /// What counts a study's contributions that are not counted.
    pub(crate) fn rejections(&self, study: &str) -> Counter {
        let key = key("wardsum_rejections_total", Some(("study", study)));
        self.0.recorder.register_counter(&key, &METADATA)
    }

    /// What counts the people of a study who said that their safety words differ.
    pub(crate) fn words_disputed(&self, study: &str) -> Counter {
        let key = key("wardsum_words_disputed_total", Some(("study", study)));
        self.0.recorder.register_counter(&key, &METADATA)
    }

    /// The certificate that is shown counts until then.
    pub(crate) fn certificate_expires(&self, at: SystemTime) {
        let seconds = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64());
        self.gauge("wardsum_certificate_expires_timestamp_seconds", None).set(seconds);
    }

    /// The certificate's files were read again.
    pub(crate) fn certificate_reloaded(&self, outcome: Reloaded) {
        self.0.reloads[outcome as usize].increment(1);
    }

    /// Takes what has gathered for the histogram into its buckets, which must happen from time to time.
    pub(crate) fn gather(&self) {
        self.0.recorder.handle().run_upkeep();
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn render(&self, connections: usize, desks: &[Arc<StudyDesk>]) -> String {
        self.0.connections.set(gauge(connections));
        let mut phases = [0_usize; PHASES.len()];
        let mut suspended = 0_usize;
        for desk in desks {
            let Standing { status, suspended: stands_still, .. } = desk.current_round().standing();
            let study = desk.plan().id().as_str();
            self.gauge("wardsum_peers", Some(("study", study))).set(f64::from(status.connected));
            let position = PHASES.iter().position(|phase| *phase == status.phase);
            phases[position.unwrap_or_default()] += 1;
            suspended += usize::from(stands_still);
        }
        for (phase, rounds) in PHASES.iter().zip(phases) {
            self.gauge("wardsum_rounds", Some(("phase", phase.as_str()))).set(gauge(rounds));
        }
        self.gauge("wardsum_rounds_suspended", None).set(gauge(suspended));
        self.0.recorder.handle().render()
    }

    fn gauge(&self, name: &'static str, label: Option<(&'static str, &str)>) -> Gauge {
        self.0.recorder.register_gauge(&key(name, label), &METADATA)
    }
}

fn key(name: &'static str, label: Option<(&'static str, &str)>) -> Key {
    let label = label.map(|(label, value)| Label::new(label, value.to_owned()));
    Key::from_parts(name, label.into_iter().collect::<Vec<_>>())
}

/// A count as a gauge shows it. No count of connections or rounds reaches the 32 bits.
fn gauge(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_line_from_the_beginning() {
        let metrics = Metrics::new();
        for (number, reason) in RefusedConnection::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            (0..=number).for_each(|_| metrics.refused(reason));
        }
        for (number, (outcome, _)) in Reloaded::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, number);
        }
        let text = metrics.render(7, &[]);
        for (number, reason) in RefusedConnection::ALL.into_iter().enumerate() {
            let line = format!(
                "wardsum_refused_connections_total{{reason=\"{}\"}} {}",
                reason.as_str(),
                number + 1
            );
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.contains("wardsum_connections 7\n"), "{text}");
    }

    #[test]
    fn every_reason_to_refuse_a_token_has_its_own_line() {
        let metrics = Metrics::new();
        for (number, reason) in RefusedToken::ALL.into_iter().enumerate() {
            (0..=number).for_each(|_| metrics.refused_token(reason));
        }
        let text = metrics.render(0, &[]);
        for (number, reason) in RefusedToken::ALL.into_iter().enumerate() {
            let name = reason.as_str();
            let line =
                format!("wardsum_refused_tokens_total{{reason=\"{name}\"}} {}\n", number + 1);
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[test]
    fn commits_are_counted_in_buckets() {
        let metrics = Metrics::new();
        metrics.committed(Duration::from_millis(3));
        metrics.committed(Duration::from_mins(1));
        metrics.gather();
        let text = metrics.render(0, &[]);
        for line in [
            "wardsum_commit_seconds_bucket{le=\"0.002\"} 0",
            "wardsum_commit_seconds_bucket{le=\"0.005\"} 1",
            "wardsum_commit_seconds_bucket{le=\"5\"} 1",
            "wardsum_commit_seconds_bucket{le=\"+Inf\"} 2",
            "wardsum_commit_seconds_count 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }
}
