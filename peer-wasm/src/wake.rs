//! When the page is seen again, and when the network comes and goes.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::EventTarget;

use crate::ConnectError;

/// What the browser says about page and network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surroundings {
    /// The page is seen again, or the network is back: a good time to connect.
    Awake,
    /// The network is gone. A connection over it would be missed only after a minute.
    Offline,
}

/// Listens to the browser. Dropping it takes the listeners back.
#[derive(Debug)]
pub(crate) struct Wake {
    _listeners: [Listener; 3],
}

impl Wake {
    /// Calls `tell` whenever something changes.
    pub(crate) fn new(tell: impl Fn(Surroundings) + Clone + 'static) -> Result<Self, ConnectError> {
        let window = web_sys::window().ok_or(ConnectError::NoWindow)?;
        let document = window.document().ok_or(ConnectError::NoWindow)?;
        let (online, offline, visible) = (tell.clone(), tell.clone(), tell);
        let page = document.clone();
        let seen = Closure::new(move || {
            if !page.hidden() {
                visible(Surroundings::Awake);
            }
        });
        let online = Closure::new(move || online(Surroundings::Awake));
        let offline = Closure::new(move || offline(Surroundings::Offline));
        Ok(Self {
            _listeners: [
                Listener::add(document.into(), "visibilitychange", seen)?,
                Listener::add(window.clone().into(), "online", online)?,
                Listener::add(window.into(), "offline", offline)?,
            ],
        })
    }
}

/// One listener, which is taken back when this is dropped.
#[derive(Debug)]
struct Listener {
    target: EventTarget,
    event: &'static str,
    call: Closure<dyn FnMut()>,
}

impl Listener {
    fn add(
        target: EventTarget,
        event: &'static str,
        call: Closure<dyn FnMut()>,
    ) -> Result<Self, ConnectError> {
        target
            .add_event_listener_with_callback(event, call.as_ref().unchecked_ref())
            .map_err(|_| ConnectError::NoWindow)?;
        Ok(Self { target, event, call })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let call = self.call.as_ref().unchecked_ref();
        // Taking back what was put there cannot fail.
        let _ = self.target.remove_event_listener_with_callback(self.event, call);
    }
}
