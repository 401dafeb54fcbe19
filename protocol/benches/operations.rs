//! What each operation of a round costs, natively: `cargo bench -p wardsum-protocol`.
//!
//! `cargo xtask bench` runs the same measurements in Chromium and prints them side by side.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "../tests/operations/bytes.rs"]
mod bytes;
#[path = "../tests/operations/measure.rs"]
mod measure;

/// How many members a committee has unless its study says something else.
const MEMBERS: u8 = 32;

fn main() {
    let began = std::time::Instant::now();
    let clock = || began.elapsed().as_secs_f64() * 1e6;
    for (name, microseconds) in measure::all(&clock, measure::Effort::Full) {
        println!("operation\t{name}\t{microseconds:.3}");
    }
    for bytes::PerShare { bits, up, down, least } in bytes::per_share(MEMBERS) {
        println!("bytes\t{bits} bits, {MEMBERS} members\t{up:.1}\t{down}\t{least}");
    }
}
