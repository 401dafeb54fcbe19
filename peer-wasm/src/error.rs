//! Why a peer could not even start.

use thiserror::Error;

/// Why [`PeerHandle::connect`](crate::PeerHandle::connect) refused. Trouble that shows only later,
/// an unreachable hospital for instance, arrives as an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The caller's fault: the browser cannot open a WebSocket to this address.
    #[error("cannot connect to {url:?}: {reason}. Use an address such as wss://HOST/ws/STUDY")]
    InvalidUrl {
        /// What was asked for.
        url: String,
        /// What the browser said.
        reason: String,
    },
    /// The code runs in something that is not a page, so it has neither clock nor timers.
    #[error("there is no window here: a peer needs a page to run in")]
    NoWindow,
    /// The browser gave no random bytes, and without them there are no keys.
    #[error("the browser gave no random bytes, which keys are made from")]
    NoEntropy,
}

impl ConnectError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl { .. } => "invalid-url",
            Self::NoWindow => "no-window",
            Self::NoEntropy => "no-entropy",
        }
    }
}
