//! Small numbers stay unknown, in all results of small studies and in some of studies as they are.

mod exactly;
mod real_studies;
mod small_studies;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
