//! What both tests need of the page that they run in.

use js_sys::Promise;
use wasm_bindgen_futures::JsFuture;

/// Port 9 is "discard", and browsers refuse it without asking anybody, as they refuse a hospital
/// that is away.
pub(crate) const UNREACHABLE: &str = "wss://localhost:9/ws/none";

/// Lets the page have its turn for so many milliseconds.
pub(crate) async fn pause(ms: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("the test runs in a page");
        window
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms)
            .expect("a page has timers");
    });
    JsFuture::from(promise).await.expect("the promise is never rejected");
}
