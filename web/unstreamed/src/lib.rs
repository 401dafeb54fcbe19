//! Nothing, in the place of the crate of this name, by `[patch.crates-io]` in the workspace's manifest.
//!
//! Leptos depends on it for functions of a server of its own that stream, of which this page has none. The
//! original exports JavaScript classes, which are part of every page that it is linked into, whether they are
//! used or not.

use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;
use wasm_bindgen::JsValue;

/// A stream of JavaScript's, which nobody reads here.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    /// Would make one of a stream of Rust's.
    ///
    /// # Panics
    ///
    /// Always: this page streams nothing to a server.
    #[must_use]
    pub fn from_stream<S>(_: S) -> Self
    where
        S: Stream<Item = Result<JsValue, JsValue>> + 'static,
    {
        unreachable!("this page streams nothing")
    }

    /// One that the browser has made.
    #[must_use]
    pub fn from_raw(raw: web_sys::ReadableStream) -> Self {
        Self(raw)
    }

    /// The browser's own.
    #[must_use]
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// A stream of Rust's with nothing in it.
    #[must_use]
    pub fn into_stream(self) -> Empty {
        Empty
    }
}

/// A stream that is over.
#[derive(Debug)]
pub struct Empty;

impl Stream for Empty {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}
