//! What happens when the page's program has a bug and stops.

use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use web_sys::Event;

/// What `assets/boot.js` waits for. It puts a notice in the page's place, which this program cannot
/// do any more: whatever it was about to draw may be in an impossible state.
const EVENT: &str = "wardsum-panic";

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Makes every panic visible, in the console for us and on the page for the visitor.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        console_error_panic_hook::hook(info);
        HAPPENED.store(true, Ordering::Relaxed);
        // Whatever fails here fails silently: a panic within a panic would hide the first one.
        if let (Some(window), Ok(event)) = (web_sys::window(), Event::new(EVENT)) {
            let _ = window.dispatch_event(&event);
        }
    }));
}

/// Whether there was one. Listeners may still be called afterwards, and should then do nothing.
pub(crate) fn has_happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}
