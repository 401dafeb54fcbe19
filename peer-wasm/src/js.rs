//! The peer as a page in JavaScript uses it.
//!
//! A thin shell: the class holds a [`PeerHandle`], errors cross as a stable code and a text,
//! numbers that may exceed 2^53 cross as `BigInt`, and names carry their units.

mod event;
mod fields;
mod responses;
mod study;
mod types;

use js_sys::{Array, Error, Function, Reflect};
use wardsum_protocol::Invitation;
use wardsum_protocol::peer::{self, AnswerError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::handle::study_id;
use crate::keeping::{self, Kept};
use crate::storage::{IdentityName, StorageError};
use crate::{ConnectError, Event, Outcome, PeerHandle};

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
    /// that cannot be reached arrives as the event `closed` with `opened: false`.
    pub fn connect(
        url: &str,
        #[wasm_bindgen(js_name = onEvent, unchecked_param_type = "(event: WardsumEvent) => void")]
        on_event: Function,
    ) -> Result<Self, JsValue> {
        let inner = PeerHandle::connect(url, teller(on_event));
        Ok(Self { inner: inner.map_err(|error| connect_error(&error))? })
    }

    /// The same with an invitation: `fragment` is what stands behind the `#` of its link. A page
    /// should take it out of the address bar, where it would be copied by accident.
    ///
    /// Throws a `WardsumError` like `connect`, or with code `invitation` and what is wrong with it.
    #[wasm_bindgen(js_name = connectInvited)]
    pub fn connect_invited(
        url: &str,
        fragment: &str,
        #[wasm_bindgen(js_name = onEvent, unchecked_param_type = "(event: WardsumEvent) => void")]
        on_event: Function,
    ) -> Result<Self, JsValue> {
        let invitation = Invitation::parse(fragment)
            .map_err(|cause| error("invitation", &format!("the invitation is damaged: {cause}")))?;
        let inner = PeerHandle::connect_invited(url, invitation, teller(on_event));
        Ok(Self { inner: inner.map_err(|error| connect_error(&error))? })
    }

    /// Goes on as the peer that this tab was before it was reloaded, in the study of `url`.
    /// Resolves to `undefined` if it was none.
    ///
    /// Rejects with a `WardsumError` with the code of a storage error or one of `connect`.
    #[wasm_bindgen(js_name = resumeTab, unchecked_return_type = "WardsumPeer | undefined")]
    pub async fn resume_tab(
        url: String,
        #[wasm_bindgen(js_name = onEvent, unchecked_param_type = "(event: WardsumEvent) => void")]
        on_event: Function,
    ) -> Result<JsValue, JsValue> {
        let kept = Kept::of_this_tab().await.map_err(|error| storage_error(&error))?;
        resume(&url, kept, on_event)
    }

    /// The answers that were given in this browser and belong to no open tab: those of tabs that
    /// were closed before their round was over.
    ///
    /// Rejects with a `WardsumError` with the code of a storage error.
    #[wasm_bindgen(unchecked_return_type = "WardsumResumable[]")]
    pub async fn resumable() -> Result<JsValue, JsValue> {
        let found = keeping::resumable().await.map_err(|error| storage_error(&error))?;
        Ok(found.identities.iter().map(event::resumable).collect::<Array>().into())
    }

    /// Goes on as one of the peers that `resumable` lists, in the study of `url`. Resolves to
    /// `undefined` if it is gone, belongs to another tab by now, or to another study.
    ///
    /// Rejects like `resumeTab`.
    #[wasm_bindgen(unchecked_return_type = "WardsumPeer | undefined")]
    pub async fn resume(
        id: String,
        url: String,
        #[wasm_bindgen(js_name = onEvent, unchecked_param_type = "(event: WardsumEvent) => void")]
        on_event: Function,
    ) -> Result<JsValue, JsValue> {
        let Some(name) = IdentityName::parse(&id) else { return Ok(JsValue::UNDEFINED) };
        let kept = Kept::take_up(name).await.map_err(|error| storage_error(&error))?;
        resume(&url, kept, on_event)
    }

    /// Erases one of the peers that `resumable` lists, unless an open tab is it; says whether it
    /// did.
    ///
    /// Rejects with a `WardsumError` with the code of a storage error.
    pub async fn forget(id: String) -> Result<bool, JsValue> {
        match IdentityName::parse(&id) {
            Some(name) => keeping::erase(name).await.map_err(|error| storage_error(&error)),
            None => Ok(false),
        }
    }

    /// How the round has ended that this tab has answered in: what stays after a reload, for a week
    /// at most. `undefined` if none has.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "WardsumOutcome | undefined")]
    pub fn outcome() -> JsValue {
        Outcome::of_this_tab().as_ref().map_or(JsValue::UNDEFINED, event::outcome)
    }

    /// Gives the answer, once: a response to each question of the study, in their order.
    ///
    /// Throws a `WardsumError` with code `no-study`, `not-a-response`, `not-allowed`,
    /// `already-answered` or `closed`.
    pub fn answer(
        &self,
        #[wasm_bindgen(unchecked_param_type = "WardsumResponse[]")] responses: &JsValue,
    ) -> Result<(), JsValue> {
        let responses = responses::parse(responses).map_err(|refused| {
            let message = match refused.number {
                Some(number) => format!("the response to question {number} is none"),
                None => "the responses must be an array, with one for each question".to_owned(),
            };
            error("not-a-response", &message)
        })?;
        self.inner.answer(responses).map_err(|error| answer_error(&error))
    }

    /// The safety words (event `words`) are those of the others: sends the answer, if it waits for that.
    #[wasm_bindgen(js_name = wordsMatch)]
    pub fn words_match(&self) {
        self.inner.words_match();
    }

    /// The safety words are not those of the others: leaves the round for good, has the others told, and ends
    /// with the event `failed` and the code `words-differ`.
    #[wasm_bindgen(js_name = wordsDiffer)]
    pub fn words_differ(&self) {
        self.inner.words_differ();
    }

    /// Where the peer stands, and what has left this device so far.
    #[must_use]
    #[wasm_bindgen(unchecked_return_type = "WardsumProgress")]
    pub fn progress(&self) -> JsValue {
        event::progress(&self.inner)
    }

    /// The text of a file that the patient can hold against the round's transcript later; it says nothing about
    /// the answer. There is one from the event `contributionAcknowledged` on, and it says more after `result`.
    #[must_use]
    pub fn receipt(&self) -> Option<String> {
        self.inner.receipt()
    }

    /// Leaves the round for good: tells the hospital, closes the connection and erases what this
    /// browser keeps of it. No event follows.
    pub fn leave(&self) {
        self.inner.leave();
    }

    /// Ends the peer here, as closing the tab does: what is kept stays, and can be resumed. No event
    /// follows.
    pub fn close(&self) {
        self.inner.close();
    }
}

/// Tells JavaScript what happens.
fn teller(on_event: Function) -> impl FnMut(Event) + 'static {
    let mut study = None;
    move |event| {
        if let Event::Protocol(
            peer::Event::StudyReceived(known) | peer::Event::Resumed { study: known, .. },
        ) = &event
        {
            study = Some((**known).clone());
        }
        // A listener that throws must not stop the round; the browser's console shows what it
        // threw.
        if let Err(thrown) = on_event.call1(&JsValue::NULL, &event::to_js(&event, study.as_ref())) {
            web_sys::console::error_1(&thrown);
        }
    }
}

/// The peer that was kept, if there is one and it is of the study that is asked for.
fn resume(url: &str, kept: Option<Kept>, on_event: Function) -> Result<JsValue, JsValue> {
    match kept.filter(|kept| kept.study_id() == study_id(url)) {
        None => Ok(JsValue::UNDEFINED),
        Some(kept) => {
            let inner = PeerHandle::resume(url, kept, teller(on_event));
            Ok(WardsumPeer { inner: inner.map_err(|error| connect_error(&error))? }.into())
        }
    }
}

fn connect_error(cause: &ConnectError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn storage_error(cause: &StorageError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn answer_error(cause: &AnswerError) -> JsValue {
    let code = match cause {
        AnswerError::NoStudy => "no-study",
        AnswerError::Response(_) => "not-allowed",
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
