//! What each operation of a round costs, natively: `cargo bench -p wardsum-protocol`.
//!
//! `cargo xtask bench` runs the same measurements in Chromium and prints them side by side.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "../tests/operations/measure.rs"]
mod measure;

fn main() {
    let began = std::time::Instant::now();
    let clock = || began.elapsed().as_secs_f64() * 1e6;
    for (name, microseconds) in measure::all(&clock, measure::Effort::Full) {
        println!("operation\t{name}\t{microseconds:.3}");
    }
}
