//! Which tab a stored identity belongs to.
//!
//! Many tabs of one browser are many patients, and two tabs must never be the same one: they would
//! both answer in its name. So a tab holds the exclusive Web Lock `wardsum:NAME` for as long as it
//! is the identity NAME. The browser takes the lock back when the tab is closed, reloaded or
//! crashes; an identity that is stored and not held is therefore one that nobody is any more, an
//! orphan, and can be taken up again.
//!
//! A tab finds its own identity after a reload by the name in its `sessionStorage`. Duplicating a
//! tab copies that name, but not the lock: the duplicate starts as a new patient.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortSignal;

use crate::outcome;
use crate::storage::{IdentityName, Inventory, Storage, StorageError};

/// What the locks' names begin with, and the key in `sessionStorage`.
const PREFIX: &str = "wardsum:";
const TAB: &str = "wardsum:identity";

/// How long a tab that is reloaded waits for the lock of its own identity, in milliseconds. Browsers
/// may clear away the page that was there before only after the new one has begun.
pub const RELOAD_PATIENCE_MS: u32 = 2000;

#[wasm_bindgen]
extern "C" {
    type LockManager;
    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        callback: &Function,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;
}

/// The right to be one identity. Dropping it gives it up, within a few milliseconds.
///
/// Take it before the identity is loaded, and keep it until the last write is over.
#[derive(Debug)]
pub struct Ownership {
    name: IdentityName,
    /// Ends the promise that the browser holds the lock for.
    release: Function,
}

impl Ownership {
    /// A new identity, which nobody else can be.
    pub async fn fresh() -> Result<Self, StorageError> {
        let name = IdentityName::random()?;
        Self::try_take(name)
            .await?
            .ok_or_else(|| StorageError::Other("a random name is taken".to_owned()))
    }

    /// Becomes an identity, unless some tab, this one included, is that already.
    pub async fn try_take(name: IdentityName) -> Result<Option<Self>, StorageError> {
        Self::request(name, None).await
    }

    /// Becomes again what this tab was before it was reloaded.
    ///
    /// `None` if it was nothing, or if another tab is that now: this tab is a duplicate of it, or
    /// somebody took up the identity elsewhere meanwhile. The tab then forgets the name. Telling
    /// the two apart takes up to [`RELOAD_PATIENCE_MS`]; otherwise the answer comes at once.
    pub async fn resume_tab() -> Result<Option<Self>, StorageError> {
        let session = session()?;
        let Some(name) = session.get_item(TAB)? else { return Ok(None) };
        if let Some(name) = IdentityName::parse(&name)
            && let Some(ownership) = Self::request(name, Some(RELOAD_PATIENCE_MS)).await?
        {
            return Ok(Some(ownership));
        }
        session.remove_item(TAB)?;
        Ok(None)
    }

    /// What is owned.
    #[must_use]
    pub fn name(&self) -> IdentityName {
        self.name
    }

    /// Writes the name down as what this tab is, for [`Ownership::resume_tab`].
    pub fn remember(&self) -> Result<(), StorageError> {
        Ok(session()?.set_item(TAB, &self.name.to_string())?)
    }

    async fn request(
        name: IdentityName,
        patience_ms: Option<u32>,
    ) -> Result<Option<Self>, StorageError> {
        let locks = locks()?;
        let options = Object::new();
        let set = |option: &str, value: &JsValue| {
            // Setting a property of a fresh object cannot fail.
            let _ = Reflect::set(&options, &JsValue::from_str(option), value);
        };
        set("mode", &JsValue::from_str("exclusive"));
        match patience_ms {
            None => set("ifAvailable", &JsValue::TRUE),
            Some(ms) => set("signal", &AbortSignal::timeout_with_u32(ms)),
        }

        // The browser holds the lock until the promise is settled that the callback returns.
        let (held, release) = promise();
        let (granted, grant) = promise();
        // Made before anything is awaited, so that the lock is given back if this future is
        // dropped.
        let ownership = Self { name, release };
        let callback = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
            let taken = !lock.is_null();
            // Resolving a promise cannot fail.
            let _ = grant.call1(&JsValue::UNDEFINED, &JsValue::from_bool(taken));
            if taken { held.clone().into() } else { JsValue::UNDEFINED }
        });
        let requested =
            locks.request(&lock_name(name), &options, callback.as_ref().unchecked_ref())?;
        // A request that is refused calls nothing back.
        match Promise::race(&Array::of2(&granted, &requested)).await {
            Ok(taken) => Ok(taken.is_truthy().then_some(ownership)),
            Err(thrown) if patience_ms.is_some() && timed_out(&thrown) => Ok(None),
            Err(thrown) => Err(thrown.into()),
        }
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // Resolving a promise cannot fail.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Whether this tab was somebody before it was reloaded, as far as the browser says.
#[must_use]
pub fn is_remembered() -> bool {
    session().is_ok_and(|session| matches!(session.get_item(TAB), Ok(Some(_))))
}

/// Makes this tab forget what it was, and how its last round has ended; a reload then begins a new
/// visit.
pub fn forget_tab() -> Result<(), StorageError> {
    outcome::forget();
    Ok(session()?.remove_item(TAB)?)
}

/// Makes this tab forget that it was `name`; it may have become somebody else since.
pub(crate) fn forget(name: IdentityName) -> Result<(), StorageError> {
    let session = session()?;
    if session.get_item(TAB)?.is_some_and(|kept| kept == name.to_string()) {
        session.remove_item(TAB)?;
    }
    Ok(())
}

/// The identities that some tab of this browser is, this one included.
pub async fn held() -> Result<Vec<IdentityName>, StorageError> {
    let property = |object: &JsValue, name: &str| Reflect::get(object, &JsValue::from_str(name));
    let snapshot = locks()?.query()?.await?;
    let locks = Array::from(&property(&snapshot, "held")?);
    let mut held = Vec::new();
    for lock in locks.iter() {
        let name = property(&lock, "name")?.as_string().unwrap_or_default();
        held.extend(name.strip_prefix(PREFIX).and_then(IdentityName::parse));
    }
    Ok(held)
}

/// What is stored and belongs to no tab.
///
/// By the time somebody chooses one it may be taken or erased: [`Ownership::try_take`] it first,
/// and then see whether [`Storage::load`] still finds it.
pub async fn orphans(storage: &Storage) -> Result<Inventory, StorageError> {
    // In this order: an identity is owned before it is stored, so one that another tab makes
    // meanwhile is not taken for an orphan.
    let mut stored = storage.list().await?;
    let held = held().await?;
    stored.identities.retain(|identity| !held.contains(&identity.name));
    stored.damaged.retain(|name| !held.contains(name));
    Ok(stored)
}

fn lock_name(name: IdentityName) -> String {
    format!("{PREFIX}{name}")
}

/// The browser's Web Locks.
fn locks() -> Result<LockManager, StorageError> {
    let property = |object: &JsValue, name: &str| {
        Reflect::get(object, &JsValue::from_str(name)).map_err(|_| StorageError::NoLocks)
    };
    let navigator = property(&js_sys::global(), "navigator")?;
    let locks = property(&navigator, "locks")?;
    if locks.is_object() { Ok(locks.unchecked_into()) } else { Err(StorageError::NoLocks) }
}

pub(crate) fn session() -> Result<web_sys::Storage, StorageError> {
    let window = web_sys::window().ok_or(StorageError::Blocked)?;
    window.session_storage()?.ok_or(StorageError::Blocked)
}

/// A promise and the function that resolves it.
fn promise() -> (Promise, Function) {
    let mut resolve = None;
    let promise = Promise::new(&mut |function, _| resolve = Some(function));
    (promise, resolve.expect("a promise runs its function"))
}

fn timed_out(thrown: &JsValue) -> bool {
    thrown.dyn_ref::<js_sys::Error>().is_some_and(|error| error.name() == "TimeoutError")
}
