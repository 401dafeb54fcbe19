//! The browser's monotonic clock and its timers.

use wardsum_protocol::Timestamp;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::ConnectError;

/// The longest delay that browsers accept; a longer one would fire at once.
const DELAY_MS_MAX: u64 = i32::MAX as u64;

/// A page's clock and its one timer.
#[derive(Debug)]
pub(crate) struct Clock {
    window: web_sys::Window,
    performance: web_sys::Performance,
    on_timeout: Closure<dyn FnMut()>,
    pending: Option<i32>,
}

impl Clock {
    /// A clock that calls `on_timeout` whenever the timer set by [`Clock::set_timer`] goes off.
    pub(crate) fn new(on_timeout: impl FnMut() + 'static) -> Result<Self, ConnectError> {
        let window = web_sys::window().ok_or(ConnectError::NoWindow)?;
        let performance = window.performance().ok_or(ConnectError::NoWindow)?;
        Ok(Self { window, performance, on_timeout: Closure::new(on_timeout), pending: None })
    }

    /// Milliseconds since the page was opened.
    pub(crate) fn now(&self) -> Timestamp {
        // Never negative, and 2^53 milliseconds are 285,000 years.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        Timestamp(self.performance.now() as u64)
    }

    /// Sets the timer, or clears it; there is only one.
    pub(crate) fn set_timer(&mut self, at: Option<Timestamp>) {
        if let Some(pending) = self.pending.take() {
            self.window.clear_timeout_with_handle(pending);
        }
        let Some(at) = at else { return };
        // Rounded up, since the timer must not go off early.
        let delay = at.since(self.now()).saturating_add(1).min(DELAY_MS_MAX);
        let delay = i32::try_from(delay).unwrap_or(i32::MAX);
        let callback = self.on_timeout.as_ref().unchecked_ref();
        self.pending =
            self.window.set_timeout_with_callback_and_timeout_and_arguments_0(callback, delay).ok();
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.set_timer(None);
    }
}
