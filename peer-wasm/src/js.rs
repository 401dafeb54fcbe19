//! The peer as a page in JavaScript uses it.
//!
//! A thin shell: the class holds a [`PeerHandle`], errors cross as a stable code and a text,
//! numbers that may exceed 2^53 cross as `BigInt`, and names carry their units.

mod event;
mod types;

use js_sys::{BigInt, Error, Function, Number, Reflect};
use wardsum_protocol::peer::AnswerError;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::{ConnectError, PeerHandle};

/// A patient's peer in one round.
#[wasm_bindgen]
#[derive(Debug)]
pub struct WardsumPeer {
    inner: PeerHandle,
}

#[wasm_bindgen]
impl WardsumPeer {
    /// Starts to connect to `url` (`wss://HOST/ws/STUDY`) and calls `onEvent` with everything that
    /// happens.
    ///
    /// Throws a `WardsumError` with code `invalid-url`, `no-window` or `no-entropy`. A hospital
    /// that cannot be reached arrives as the event `disconnected` with `opened: false`.
    pub fn connect(
        url: &str,
        #[wasm_bindgen(js_name = onEvent, unchecked_param_type = "(event: WardsumEvent) => void")]
        on_event: Function,
    ) -> Result<Self, JsValue> {
        let inner = PeerHandle::connect(url, move |event| {
            // A listener that throws must not stop the round; the browser's console shows what it
            // threw.
            if let Err(thrown) = on_event.call1(&JsValue::NULL, &event::to_js(&event)) {
                web_sys::console::error_1(&thrown);
            }
        })
        .map_err(|error| connect_error(&error))?;
        Ok(Self { inner })
    }

    /// Gives the answer, once: a whole number, as a number or, beyond 2^53, as a `BigInt`.
    ///
    /// Throws a `WardsumError` with code `no-study`, `not-whole`, `out-of-range`,
    /// `already-answered` or `closed`.
    pub fn answer(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number | bigint")] value: &JsValue,
    ) -> Result<(), JsValue> {
        let value = whole_number(value)
            .ok_or_else(|| error("not-whole", "the answer must be a whole number"))?;
        self.inner.answer(value).map_err(|error| answer_error(&error))
    }

    /// Where the peer stands, and what has left this device so far.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "WardsumProgress")]
    pub fn progress(&self) -> JsValue {
        event::progress(&self.inner)
    }

    /// Leaves the round: closes the connection and erases the secrets. No event follows.
    pub fn leave(&self) {
        self.inner.leave();
    }
}

/// A whole number, however JavaScript writes it.
fn whole_number(value: &JsValue) -> Option<i128> {
    if let Some(value) = value.dyn_ref::<BigInt>() {
        return String::from(value.to_string(10).ok()?).parse().ok();
    }
    let value = value.as_f64()?;
    // Above 2^53 a number may already have been rounded to another one.
    if !Number::is_safe_integer(&JsValue::from_f64(value)) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a safe integer is exact")]
    Some(value as i128)
}

fn connect_error(cause: &ConnectError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn answer_error(cause: &AnswerError) -> JsValue {
    let code = match cause {
        AnswerError::NoStudy => "no-study",
        AnswerError::OutOfRange { .. } => "out-of-range",
        AnswerError::AlreadyAnswered => "already-answered",
        AnswerError::Closed => "closed",
    };
    error(code, &cause.to_string())
}

/// An `Error` with a code, as `WardsumError` in the types.
fn error(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    error.set_name("WardsumError");
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &JsValue::from_str("code"), &JsValue::from_str(code));
    error.into()
}
