//! Giving the browser its turn between two slices of work.

use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageChannel, MessagePort};

use crate::ConnectError;

/// Calls back in a later turn of the event loop.
///
/// A message channel and not a timer: browsers hold back the timers of a tab in the background, to
/// one a second or even one a minute, and the patient's tab is often in the background while others
/// answer.
#[derive(Debug)]
pub(crate) struct Turn {
    receiver: MessagePort,
    sender: MessagePort,
    // Only kept alive; the browser holds a reference to it.
    _listener: Closure<dyn FnMut()>,
    asked: bool,
}

impl Turn {
    /// Calls `on_turn` once for each [`Turn::ask`] that came after the previous call.
    pub(crate) fn new(on_turn: impl FnMut() + 'static) -> Result<Self, ConnectError> {
        let channel = MessageChannel::new().map_err(|_| ConnectError::NoWindow)?;
        let listener = Closure::<dyn FnMut()>::new(on_turn);
        let receiver = channel.port1();
        receiver.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Ok(Self { receiver, sender: channel.port2(), _listener: listener, asked: false })
    }

    /// Asks for a turn, unless one has been asked for already.
    pub(crate) fn ask(&mut self) {
        if !self.asked {
            // The only way to fail is a value that cannot be cloned, and null can.
            self.asked = self.sender.post_message(&JsValue::NULL).is_ok();
        }
    }

    /// The turn has come.
    pub(crate) fn taken(&mut self) {
        self.asked = false;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.receiver.set_onmessage(None);
        self.receiver.close();
    }
}
