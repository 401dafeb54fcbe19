//! Nothing, in the place of the crate of this name, by `[patch.crates-io]` in the workspace's manifest.
//!
//! Leptos depends on it, so that pages can be split into parts that are loaded when they are needed, and
//! does nothing but to hand it on. This page is in one part. The original exports a symbol that is named for
//! the hash of its own path, which made the page another one on every machine.
