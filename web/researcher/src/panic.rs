//! What happens when the page's program has a bug and stops.

use std::panic::{self, PanicHookInfo};

use web_sys::Event;

/// What `../../assets/boot.js` waits for.
const EVENT: &str = "wardsum-panic";

/// Makes every panic visible, in the console for us and on the page for whoever sits before it.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        console_error_panic_hook::hook(info);
        // Whatever fails here fails silently: a panic within a panic would hide the first one.
        if let (Some(window), Ok(event)) = (web_sys::window(), Event::new(EVENT)) {
            let _ = window.dispatch_event(&event);
        }
    }));
}
