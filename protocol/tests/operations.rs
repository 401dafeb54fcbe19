//! The benchmark's measurements run on every target.
//!
//! In a browser this is also the benchmark itself: built with `WARDSUM_BENCH` set, it measures in
//! full and prints what it found.

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
    assert_eq!(rows.len(), 36);
    assert!(rows.iter().all(|(_, microseconds)| *microseconds >= 0.0));
}
