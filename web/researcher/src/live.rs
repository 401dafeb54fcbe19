//! How a study's round stands, as the hospital pushes it.

use core::time::Duration;

use js_sys::{Reflect, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader};

use crate::api::Api;
use crate::events::{Event, Reader};
use crate::model::{End, Live};
use crate::text;

/// How long is waited before it is tried again, at first and at most, in milliseconds.
const WAIT_MS: (u64, u64) = (500, 15_000);

/// Whether figures are pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// They are.
    Open,
    /// Not at the moment; it is tried again.
    Waiting,
    /// And never again, because there is nothing more to come.
    Ended,
}

impl Connection {
    /// A stable name, for tests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }
}

/// Follows a study until the view that called this is gone.
pub(crate) fn follow(
    api: Api,
    study: &str,
    live: RwSignal<Option<Live>>,
    connection: RwSignal<Connection>,
) {
    let Ok(stop) = AbortController::new() else { return };
    let signal = stop.signal();
    // Leptos wants what it runs at the end to be movable between threads; there is only one here.
    let stop = StoredValue::new_local(stop);
    on_cleanup(move || stop.with_value(AbortController::abort));
    let path = format!("/studies/{study}/events");
    spawn_local(async move {
        let mut wait_ms = WAIT_MS.0;
        while !signal.aborted() {
            let mut heard = false;
            let ended = read(api, &path, &signal, |event| match &*event.name {
                "standing" => {
                    if let Ok(standing) = serde_json::from_str(&event.data) {
                        heard = true;
                        connection.try_set(Connection::Open);
                        live.try_set(Some(standing));
                    }
                    None
                }
                "end" => serde_json::from_str::<End>(&event.data).ok().map(|end| end.reason),
                _ => None,
            })
            .await;
            if signal.aborted() {
                return;
            }
            match ended.as_deref() {
                Some("token") => return api.end(text::TOKEN_ENDED),
                Some("archived" | "gone") => {
                    connection.try_set(Connection::Ended);
                    return;
                }
                _ => {}
            }
            connection.try_set(Connection::Waiting);
            wait_ms = if heard { WAIT_MS.0 } else { (2 * wait_ms).min(WAIT_MS.1) };
            sleep(Duration::from_millis(wait_ms)).await;
        }
    });
}

/// Reads one stream to its end. Says why the hospital has ended it, if it has said so.
async fn read(
    api: Api,
    path: &str,
    signal: &web_sys::AbortSignal,
    mut on_event: impl FnMut(Event) -> Option<String>,
) -> Option<String> {
    let response = match api.stream(path, signal).await {
        Ok(response) => response,
        // What is not served has no stream. A token that is refused has led to the sign-in already.
        Err(failure) => return (failure.status == 404).then(|| "gone".to_owned()),
    };
    let reader: ReadableStreamDefaultReader =
        response.body()?.get_reader().dyn_into::<ReadableStreamDefaultReader>().ok()?;
    let mut events = Reader::default();
    loop {
        let piece = JsFuture::from(reader.read()).await.ok()?;
        let field = |name: &str| Reflect::get(&piece, &JsValue::from_str(name)).ok();
        if field("done").is_none_or(|done| done.is_truthy()) {
            return None;
        }
        let bytes = Uint8Array::new(&field("value")?).to_vec();
        if let Some(ended) = events.read(&bytes).into_iter().find_map(&mut on_event) {
            let _ = reader.cancel();
            return Some(ended);
        }
    }
}

async fn sleep(time: Duration) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(
            move || {
                let _ = resolve.call0(&JsValue::NULL);
            },
            time,
        );
    });
    let _ = JsFuture::from(promise).await;
}
