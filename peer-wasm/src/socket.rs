//! The WebSocket, with the closures that the browser calls.

use js_sys::{ArrayBuffer, Uint8Array};
use wardsum_protocol::SUBPROTOCOL;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::ConnectError;

/// The close code of a peer that has no more to say (RFC 6455, section 7.4.1).
const NORMAL_CLOSURE: u16 = 1000;

/// The close code of a connection that broke without one (RFC 6455, section 7.1.5).
pub(crate) const ABNORMAL_CLOSURE: u16 = 1006;

/// What happens on a socket.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    /// The connection stands.
    Opened,
    /// A message arrived.
    Message(Vec<u8>),
    /// The connection is over, or never came about.
    Closed {
        /// The close code; 1006 if there was none.
        code: u16,
        /// What the other side gave as reason.
        reason: String,
    },
}

/// One connection. Dropping it closes it and takes back every closure.
#[derive(Debug)]
pub(crate) struct Socket {
    connection: WebSocket,
    // Only kept alive; the browser holds references to them.
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Starts to connect; `on_event` hears of everything that follows.
    pub(crate) fn open(
        url: &str,
        on_event: impl Fn(SocketEvent) + Clone + 'static,
    ) -> Result<Self, ConnectError> {
        // Browsers take anything else for a path on the page's own origin.
        if !(url.starts_with("wss://") || url.starts_with("ws://")) {
            let reason = "it starts with neither wss:// nor ws://".to_owned();
            return Err(ConnectError::InvalidUrl { url: url.to_owned(), reason });
        }
        let connection =
            WebSocket::new_with_str(url, SUBPROTOCOL).map_err(|error| refused_url(url, &error))?;
        connection.set_binary_type(BinaryType::Arraybuffer);

        let listener = on_event.clone();
        let on_open = Closure::<dyn FnMut()>::new(move || listener(SocketEvent::Opened));
        let listener = on_event.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            // A text message becomes an empty one, which the peer refuses like any other garbage.
            let bytes =
                event.data().dyn_ref::<ArrayBuffer>().map(|data| Uint8Array::new(data).to_vec());
            listener(SocketEvent::Message(bytes.unwrap_or_default()));
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            on_event(SocketEvent::Closed { code: event.code(), reason: event.reason() });
        });

        // There is no listener for errors: such an event says nothing, and a close event always
        // follows.
        connection.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        connection.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        connection.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { connection, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }

    /// Sends one binary message. A connection that is closing swallows it, and says so by a close
    /// event.
    pub(crate) fn send(&self, bytes: &[u8]) {
        // The browser throws only while connecting, when the peer does not send.
        let _ = self.connection.send_with_u8_array(bytes);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.connection.set_onopen(None);
        self.connection.set_onmessage(None);
        self.connection.set_onclose(None);
        // Refused only for codes that applications may not use.
        let _ = self.connection.close_with_code(NORMAL_CLOSURE);
    }
}

fn refused_url(url: &str, error: &JsValue) -> ConnectError {
    let reason = error.dyn_ref::<js_sys::Error>().map_or_else(
        || "the browser refuses the address".to_owned(),
        |error| String::from(error.message()),
    );
    ConnectError::InvalidUrl { url: url.to_owned(), reason }
}
