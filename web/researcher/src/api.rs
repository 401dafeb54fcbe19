//! The researcher's API: requests under a token, and what is told when one is refused.

use js_sys::Uint8Array;
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob, Headers, RequestCache, RequestInit, Response};

use crate::model::{Problem, Refused, Role, Whoami};
use crate::text;

/// Below what everything is.
const BASE: &str = "/api/v1/researcher";
/// What the API says of itself, to everybody.
pub(crate) const DESCRIPTION: &str = "/api/v1/openapi.json";

/// How long the hospital may take to answer, in milliseconds. Large transcripts take their time.
const TIMEOUT_MS: u32 = 30_000;

/// Somebody who has signed in.
#[derive(Clone, PartialEq)]
pub(crate) struct Session {
    token: Arc<str>,
    pub(crate) whoami: Whoami,
}

/// Why a request has led to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The HTTP status; 0 if there was no answer.
    pub(crate) status: u16,
    /// For people.
    pub(crate) message: String,
    /// Each at its field.
    pub(crate) problems: Vec<Problem>,
}

impl Failure {
    fn unreachable() -> Self {
        Self { status: 0, message: text::UNREACHABLE.to_owned(), problems: Vec::new() }
    }

    /// What stands above a form whose fields say the rest; the hospital's own words are for programs then.
    pub(crate) fn told(&self) -> &str {
        if self.problems.is_empty() { &self.message } else { text::WRONG_FIELDS }
    }

    /// A stable name, for tests.
    pub(crate) fn code(&self) -> &'static str {
        match self.status {
            0 => "unreachable",
            401 => "refused",
            403 => "not-allowed",
            429 => "limited",
            _ => "other",
        }
    }
}

/// What is sent along.
pub(crate) enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A file as it is.
    File(String),
}

/// Asks the hospital, in the name of whoever has signed in.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    /// In memory only: never in storage, nor in an address.
    session: RwSignal<Option<Session>>,
    /// Why somebody was signed out without having asked for it.
    ended: RwSignal<Option<String>>,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self { session: RwSignal::new(None), ended: RwSignal::new(None) }
    }

    /// The one of the page.
    pub(crate) fn here() -> Self {
        expect_context()
    }

    /// Who has signed in.
    pub(crate) fn whoami(self) -> Option<Whoami> {
        self.session.with(|session| session.as_ref().map(|session| session.whoami.clone()))
    }

    /// Whether somebody has.
    pub(crate) fn signed_in(self) -> bool {
        self.session.with(Option::is_some)
    }

    /// Whether whoever has signed in may change something.
    pub(crate) fn may_change(self) -> bool {
        self.session.with(|session| {
            session.as_ref().is_some_and(|session| session.whoami.role == Role::Editor)
        })
    }

    /// Why somebody was signed out.
    pub(crate) fn ended(self) -> Option<String> {
        self.ended.get()
    }

    /// Tries a token.
    pub(crate) async fn sign_in(self, token: String) -> Result<(), Failure> {
        let response = send(Some(&token), "GET", &format!("{BASE}/whoami"), Body::None).await?;
        let whoami = json_of(&response).await?;
        self.ended.set(None);
        self.session.set(Some(Session { token: token.into(), whoami }));
        Ok(())
    }

    /// Forgets the token.
    pub(crate) fn sign_out(self) {
        self.session.set(None);
    }

    /// The token was accepted and is not any more.
    pub(crate) fn end(self, why: &str) {
        // Whoever has signed out meanwhile knows.
        if self.session.try_get_untracked().flatten().is_some() {
            self.ended.set(Some(why.to_owned()));
            self.session.set(None);
        }
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, Failure> {
        self.ask("GET", path, Body::None).await
    }

    /// Asks for something.
    pub(crate) async fn ask<T: DeserializeOwned>(
        self,
        method: &str,
        path: &str,
        body: Body,
    ) -> Result<T, Failure> {
        json_of(&self.response(method, path, body).await?).await
    }

    /// A file, and what the hospital calls it.
    pub(crate) async fn file(self, path: &str) -> Result<(Option<String>, Blob), Failure> {
        let response = self.response("GET", path, Body::None).await?;
        let named = response.headers().get("content-disposition").ok().flatten();
        let name = named.and_then(|named| {
            let (_, name) = named.split_once("filename=\"")?;
            Some(name.split('"').next()?.to_owned())
        });
        let blob = response.blob().map_err(|_| Failure::unreachable())?;
        let blob = JsFuture::from(blob).await.map_err(|_| Failure::unreachable())?;
        Ok((name, blob.unchecked_into()))
    }

    /// What a stream of events arrives as.
    pub(crate) async fn stream(self, path: &str, stop: &AbortSignal) -> Result<Response, Failure> {
        let Some(token) = self.token() else { return Err(Failure::unreachable()) };
        let request = init(Some(&token), "GET", &Body::None);
        request.set_signal(Some(stop));
        let response = answer(&format!("{BASE}{path}"), &request).await;
        self.noticed(response)
    }

    fn token(self) -> Option<Arc<str>> {
        self.session.try_get_untracked().flatten().map(|session| session.token)
    }

    async fn response(self, method: &str, path: &str, body: Body) -> Result<Response, Failure> {
        let token = self.token();
        self.noticed(send(token.as_deref(), method, &format!("{BASE}{path}"), body).await)
    }

    fn noticed(self, response: Result<Response, Failure>) -> Result<Response, Failure> {
        if let Err(failure) = &response
            && failure.status == 401
        {
            self.end(&failure.message);
        }
        response
    }
}

/// What everybody may read.
pub(crate) async fn public<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    json_of(&send(None, "GET", path, Body::None).await?).await
}

async fn send(
    token: Option<&str>,
    method: &str,
    address: &str,
    body: Body,
) -> Result<Response, Failure> {
    let request = init(token, method, &body);
    request.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    answer(address, &request).await
}

fn init(token: Option<&str>, method: &str, body: &Body) -> RequestInit {
    let request = RequestInit::new();
    request.set_method(method);
    request.set_cache(RequestCache::NoStore);
    let headers = Headers::new().expect("a browser makes headers");
    let set = |name, value: &str| {
        // A token that cannot stand in a header is none, and refused without it.
        let _ = headers.set(name, value);
    };
    if let Some(token) = token {
        set("authorization", &format!("Bearer {token}"));
    }
    match body {
        Body::None => {}
        Body::Json(value) => {
            set("content-type", "application/json");
            request.set_body(&JsValue::from_str(&value.to_string()));
        }
        Body::File(text) => {
            set("content-type", "application/octet-stream");
            request.set_body(&JsValue::from_str(text));
        }
    }
    request.set_headers(&headers);
    request
}

async fn answer(address: &str, request: &RequestInit) -> Result<Response, Failure> {
    let window = web_sys::window().expect("the page runs in a window");
    let fetched = JsFuture::from(window.fetch_with_str_and_init(address, request)).await;
    let response: Response = fetched
        .ok()
        .and_then(|fetched| fetched.dyn_into().ok())
        .ok_or_else(Failure::unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let said = json_of::<Refused>(&response).await.unwrap_or_default();
    let message = if said.error.is_empty() { text::unexpected(status) } else { said.error };
    Err(Failure { status, message, problems: said.problems })
}

async fn json_of<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    let status = response.status();
    let unexpected = || Failure { status, message: text::unexpected(status), problems: Vec::new() };
    let bytes = response.array_buffer().map_err(|_| unexpected())?;
    let bytes = JsFuture::from(bytes).await.map_err(|_| Failure::unreachable())?;
    serde_json::from_slice(&Uint8Array::new(&bytes).to_vec()).map_err(|_| unexpected())
}
