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
//! * **The safety words are computed in a worker**, and shown by whoever listens ([`Event::Words`]). Where no worker
//!   starts they are computed in the page, which stands still for a second or two ([`Event::WordsInPage`]); they
//!   are never left out.
//! * **Connections come and go.** The peer says when to connect and when to try again; the driver
//!   wakes it when the page is seen again or the network is back.
//! * **What is written down comes first.** Nothing that the peer wants done after it has written
//!   something down is done before the browser has made that durable. If it cannot be written,
//!   the peer stops there ([`Event::StorageFailed`]): nothing is sent.
//! * **A browser that keeps nothing is no obstacle**, but no secret either: [`Event::NotKept`] comes
//!   before any answer is sent.
//! * **Nothing is left behind.** Leaving frees every closure that the browser held and erases the
//!   peer's secrets, in the browser's storage too. Closing, or dropping the last handle, leaves in
//!   the storage what the patient can come back to.
//!
//! # What the browser keeps
//!
//! [`storage`] keeps identities in the browser, durably, and [`ownership`] sees to it that no two
//! tabs are the same one. [`Kept`] is what a tab finds there. When the round is over all of that is
//! erased, and [`Outcome`] stays: the result, and whether it counts the answer.

// So that the study of the tests is the same here and in the files under `tests`.
#[cfg(test)]
extern crate self as wardsum_peer;

#[cfg(test)]
#[path = "../tests/study/mod.rs"]
mod study;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod clock;
mod driver;
mod error;
mod event;
mod handle;
#[cfg(feature = "js")]
mod js;
mod keeping;
mod outcome;
pub mod ownership;
mod socket;
mod spent;
pub mod storage;
mod turn;
mod wake;
mod words;

pub use error::ConnectError;
pub use event::Event;
pub use handle::{PeerHandle, SLICE_MS};
#[cfg(feature = "js")]
pub use js::WardsumPeer;
pub use keeping::{Kept, STORAGE_PATIENCE_MS, erase, resumable};
pub use outcome::{OUTCOME_KEPT_MS, Outcome};
pub use wardsum_protocol as protocol;
