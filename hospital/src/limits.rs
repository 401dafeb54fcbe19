//! Every bound on the outside world that an operator may want to change, in one place.
//!
//! A hospital on the public internet is reached by tabs that sleep, phones in lifts and people who
//! wish it ill. Whatever one of them does, it may hold only so much memory for only so long. How
//! long a message may be is not here: that follows from the study
//! ([`Study::max_peer_message_len`](wardsum_protocol::study::Study::max_peer_message_len)).

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// The `[limits]` table of the studies file; each entry may be left out.
///
/// Times are given in seconds, and fractions are allowed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// `handshake_seconds`, default 10: from accepting a connection to the end of its TLS handshake
    /// and of its first request's headers. Whoever takes longer is disconnected. It is also how long
    /// an HTTP connection may stay idle between two requests.
    #[serde(rename = "handshake_seconds", deserialize_with = "seconds")]
    pub handshake: Duration,

    /// `http_seconds`, default 300: how long one HTTP connection may last, however many requests it
    /// carries. What is downloaded more slowly is cut. A WebSocket, once it is one, has no such end.
    #[serde(rename = "http_seconds", deserialize_with = "seconds")]
    pub http: Duration,

    /// Default 20,000: TCP connections at once, of every kind. Whoever comes when there are as many
    /// is disconnected before the handshake.
    pub connections: usize,

    /// Default 256: TCP connections at once from one address (of IPv6, one /64). Whoever exceeds it
    /// is disconnected before the handshake. A browser uses up to six for the page besides one per tab.
    pub connections_per_address: usize,

    /// Default 64: peers at once from one address (of IPv6, one /64). Whoever exceeds it is told so
    /// in a close frame. Raise it where a whole ward shares one address.
    pub peers_per_address: usize,

    /// Default 8 MiB (8,388,608): bytes that may wait for one peer that reads too slowly. A peer that
    /// exceeds it is disconnected. A committee member of a round of n people is sent n sealed shares, each
    /// with its proof and path in a message of some 1.6 KiB for a number from 0 to 10 and 32 members, and of
    /// 50 KiB for the longest questionnaire.
    pub outbox_bytes: usize,

    /// Default 1,024: messages from peers that may wait for one round. When there are as many, the
    /// round's sockets are not read until it has caught up.
    pub inbox_messages: usize,

    /// Default 8 MiB (8,388,608): bytes of messages from peers that may wait for one round, with the
    /// same consequence. The longest message that any study allows, a contribution of 1,000 field elements and their
    /// proof to a committee of 255, has some 12 MiB; a message above the bound waits until it is the only one. Besides these, each connection holds the one message that it is reading or
    /// waiting with.
    pub inbox_bytes: usize,

    /// `write_stall_seconds`, default 20: within this time 64 KiB of what a peer is sent have to leave, or
    /// all of it if it is less. A peer that reads more slowly is disconnected.
    #[serde(rename = "write_stall_seconds", deserialize_with = "seconds")]
    pub write_stall: Duration,

    /// `ping_seconds`, default 20: time between two pings to a peer. Proxies tend to cut a connection
    /// that is silent for a minute, so it should be well below that.
    #[serde(rename = "ping_seconds", deserialize_with = "seconds")]
    pub ping: Duration,

    /// `silence_seconds`, default 60: a peer from which not a byte has come for as long, answers to pings
    /// included, is taken for gone and disconnected. More than `ping_seconds`.
    #[serde(rename = "silence_seconds", deserialize_with = "seconds")]
    pub silence: Duration,

    /// `close_seconds`, default 2: how long a peer has to answer a close frame before the connection
    /// is cut.
    #[serde(rename = "close_seconds", deserialize_with = "seconds")]
    pub close: Duration,

    /// `finished_round_seconds`, default 120: how long the peers of a finished round may stay
    /// connected, once the next round is open. They have the result by then. Who comes to it later may stay
    /// as long, and never twice as long.
    #[serde(rename = "finished_round_seconds", deserialize_with = "seconds")]
    pub finished_round: Duration,

    /// `drain_seconds`, default 10: how long connections have to end after the hospital was told to
    /// stop. Whatever is left then is cut.
    #[serde(rename = "drain_seconds", deserialize_with = "seconds")]
    pub drain: Duration,

    /// Default 16: results of earlier rounds that each study shows at the API. Older ones are
    /// forgotten.
    pub previous_results: usize,

    /// Default 60: requests in a minute by which one researcher may change something. Further ones are answered
    /// 429. Whoever steals a token fills neither the disk nor the audit log with it.
    pub researcher_changes_per_minute: u32,

    /// Default 16 KiB (16,384), at least 8,192: bytes of one request's line and headers together. A
    /// longer request is answered 431.
    pub request_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            http: Duration::from_mins(5),
            connections: 20_000,
            connections_per_address: 256,
            peers_per_address: 64,
            outbox_bytes: 8 * 1024 * 1024,
            inbox_messages: 1_024,
            inbox_bytes: 8 * 1024 * 1024,
            write_stall: Duration::from_secs(20),
            ping: Duration::from_secs(20),
            silence: Duration::from_mins(1),
            close: Duration::from_secs(2),
            finished_round: Duration::from_mins(2),
            drain: Duration::from_secs(10),
            previous_results: 16,
            researcher_changes_per_minute: 60,
            request_header_bytes: 16 * 1024,
        }
    }
}

/// What a peer may receive at once before the bytes go to TLS: one full TLS record.
pub(crate) const WEBSOCKET_WRITE_BUFFER: usize = 16 * 1024;

/// How much of a WebSocket is read at once. Most connections idle, so it is small; a longer message
/// gets a buffer of its own while it arrives.
pub(crate) const WEBSOCKET_READ_BUFFER: usize = 4 * 1024;

/// How many messages of a round, or to a peer, are taken from their queue at once.
pub(crate) const BATCH: usize = 64;

/// The smallest buffer for request headers that hyper accepts.
const REQUEST_HEADER_MIN: usize = 8 * 1024;

/// A limit that would stop the hospital from working at all.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LimitsError {
    /// A limit of zero.
    #[error("limit `{0}` is zero, so that nothing could pass; give it at least 1")]
    Zero(&'static str),
    /// Pings that come too late to keep anybody alive.
    #[error("limit `silence_seconds` must be more than `ping_seconds`, or every idle peer is cut")]
    SilenceBelowPing,
    /// Too little room for a request.
    #[error("limit `request_header_bytes` is {0}; it must be at least {REQUEST_HEADER_MIN}")]
    RequestHeader(usize),
}

impl Limits {
    /// Refuses limits that contradict each other.
    pub fn check(&self) -> Result<(), LimitsError> {
        let counts = [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("peers_per_address", self.peers_per_address),
            ("outbox_bytes", self.outbox_bytes),
            ("inbox_messages", self.inbox_messages),
            ("inbox_bytes", self.inbox_bytes),
            ("researcher_changes_per_minute", self.researcher_changes_per_minute as usize),
        ];
        let times = [
            ("handshake_seconds", self.handshake),
            ("http_seconds", self.http),
            ("write_stall_seconds", self.write_stall),
            ("ping_seconds", self.ping),
        ];
        let zero_count = counts.iter().find(|(_, count)| *count == 0).map(|(name, _)| *name);
        let zero_time = times.iter().find(|(_, time)| time.is_zero()).map(|(name, _)| *name);
        if let Some(name) = zero_count.or(zero_time) {
            return Err(LimitsError::Zero(name));
        }
        if self.silence <= self.ping {
            return Err(LimitsError::SilenceBelowPing);
        }
        if self.request_header_bytes < REQUEST_HEADER_MIN {
            return Err(LimitsError::RequestHeader(self.request_header_bytes));
        }
        Ok(())
    }
}

/// A time in seconds, written as a whole number or with a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number of seconds")]
    enum Seconds {
        Whole(u32),
        Fraction(f64),
    }

    match Seconds::deserialize(deserializer)? {
        Seconds::Whole(whole) => Ok(Duration::from_secs(whole.into())),
        Seconds::Fraction(fraction) => Duration::try_from_secs_f64(fraction)
            .map_err(|_| D::Error::custom(format!("{fraction} is not a time in seconds"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_consistent() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn a_table_overrides_what_it_names_and_nothing_else() {
        let limits: Limits = toml::from_str("ping_seconds = 0.5\npeers_per_address = 3").unwrap();
        let expected =
            Limits { ping: Duration::from_millis(500), peers_per_address: 3, ..Limits::default() };
        assert_eq!(limits, expected);
    }

    #[test]
    fn an_unknown_limit_is_refused_by_name() {
        let error = toml::from_str::<Limits>("pings = 3").unwrap_err().to_string();
        assert!(error.contains("pings"), "{error}");
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        let limits = Limits { peers_per_address: 0, ..Limits::default() };
        assert_eq!(limits.check(), Err(LimitsError::Zero("peers_per_address")));
        let limits = Limits { silence: Duration::from_secs(20), ..Limits::default() };
        assert_eq!(limits.check(), Err(LimitsError::SilenceBelowPing));
    }
}
