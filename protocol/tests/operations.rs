//! The benchmark's measurements run on every target.
//!
//! In a browser this is also the benchmark itself: built with `WARDSUM_BENCH` set, it measures in
//! full and prints what it found.

#[cfg(not(target_arch = "wasm32"))]
#[path = "operations/bytes.rs"]
mod bytes;
#[path = "operations/measure.rs"]
mod measure;

#[cfg(target_arch = "wasm32")]
mod in_a_browser {
    use super::measure::{self, Effort};

    wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen_test::wasm_bindgen_test]
    fn every_operation_can_be_measured() {
        let effort =
            if option_env!("WARDSUM_BENCH").is_some() { Effort::Full } else { Effort::Smoke };
        let performance =
            web_sys::window().and_then(|window| window.performance()).expect("a page");
        for (name, microseconds) in measure::all(&|| performance.now() * 1e3, effort) {
            wasm_bindgen_test::console_log!("operation\t{name}\t{microseconds:.3}");
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn every_operation_can_be_measured() {
    let began = std::time::Instant::now();
    let rows = measure::all(&|| began.elapsed().as_secs_f64() * 1e6, measure::Effort::Smoke);
    assert_eq!(rows.len(), 39);
    assert!(rows.iter().all(|(_, microseconds)| *microseconds >= 0.0));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_share_takes_little_more_than_it_must() {
    for bytes::PerShare { bits, up, down, least } in bytes::per_share(5) {
        let [down, least] = [down, least].map(|bytes| u32::try_from(bytes).expect("kilobytes"));
        let [down, least] = [down, least].map(f64::from);
        // It goes up once and down once. The signature stands once over all shares on the way up.
        let ratio = (up + down) / (2.0 * least);
        assert!((1.0..1.15).contains(&ratio), "{bits} bits: {up} and {down} over {least}");
    }
}
