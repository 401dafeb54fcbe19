//! What is fuzzed, and what has to hold whatever the fuzzer makes up (docs/ARCHITECTURE.md, "Fuzzing").
//!
//! Each module whose name is that of a target has `run`, which takes the fuzzer's bytes and panics on a
//! finding, and `seeds`, valid runs and messages from which the fuzzer begins. The protocol's own tests
//! include these modules too: they give every file of the kept corpus to its target, and write the seeds.
//!
//! Nothing here depends on anything but the bytes, so that a finding can be repeated.
#![allow(
    unreachable_pub,
    reason = "a library of the fuzz targets, and a module of the protocol's tests"
)]

#[path = "../../tests/common/mod.rs"]
mod common;
pub mod decoders;
pub mod peer;
mod recorded;
pub mod round;
mod script;
mod table;
pub mod texts;

/// The beginnings that a target's corpus is made of, each with a name.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// A target, as the tests see it.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: fn() -> Seeds,
}

/// Every target.
pub const TARGETS: [Target; 4] = [
    Target { name: "decoders", run: decoders::run, seeds: decoders::seeds },
    Target { name: "texts", run: texts::run, seeds: texts::seeds },
    Target { name: "peer", run: peer::run, seeds: peer::seeds },
    Target { name: "round", run: round::run, seeds: round::seeds },
];

/// What of the protocol's source the targets decode; a test compares it with the source.
pub fn covered() -> impl Iterator<Item = &'static str> {
    let tables = [decoders::DECODERS, texts::TEXTS];
    tables.into_iter().flatten().flat_map(|entry| entry.covers).copied()
}
