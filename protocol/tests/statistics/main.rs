//! Statistics: what is told of a result is what an independent program makes of the same answers, what plain computation
//! makes of any others, and nothing that a hidden cell is needed for.

mod asked;
mod hidden;
mod plain;
mod reference;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
