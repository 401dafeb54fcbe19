//! A patient's peer in a browser, without a user interface.
//!
//! The round itself is [`wardsum_protocol::peer::Peer`], which knows neither sockets nor clocks.
//! This crate is its driver: a WebSocket, the browser's timers and its entropy. It is used in two
//! ways:
//!
//! * from Rust as [`PeerHandle`], as the page in `web/` does;
//! * from JavaScript as the class `WardsumPeer` (feature `js`, on by default), with TypeScript
//!   types.
//!
//! # What the driver promises
//!
//! * **The page is never blocked for long.** Messages are queued as they arrive and handled in
//!   slices of about [`SLICE_MS`] milliseconds, between which the browser may paint and react. A
//!   slice never ends within a message, so the longest pause is a slice and the dearest single
//!   message.
//! * **Events come in order, and never while the peer is borrowed**: a listener may call every
//!   method of the handle, [`PeerHandle::leave`] included.
//! * **Nothing is left behind.** Leaving, or dropping the last handle, closes the socket with code
//!   1000, frees every closure that the browser held and erases the peer's secrets.
//! * **Nothing is stored.** What the peer asks to be written down lives as long as the page; a peer
//!   that is reloaded is a new peer.

mod clock;
mod error;
mod handle;
#[cfg(feature = "js")]
mod js;
mod socket;
mod turn;

pub use error::ConnectError;
pub use handle::{Event, PeerHandle, SLICE_MS};
#[cfg(feature = "js")]
pub use js::WardsumPeer;
pub use wardsum_protocol as protocol;
