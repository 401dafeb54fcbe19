//! Just enough of `IndexedDB`: one connection, and transactions that have truly ended.
//!
//! Declared here and not taken from `web-sys`, which holds back the durability of a transaction as
//! unstable. Events arrive through promises, so that the browser keeps no closures of ours beyond
//! the one of a [`Connection`].

use core::fmt;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::StorageError;

/// The database of the page's origin.
const DATABASE: &str = "wardsum";

/// Its version. One more needs a migration in [`Connection::open`].
const VERSION: u32 = 1;

/// The one object store.
const IDENTITIES: &str = "identities";

#[wasm_bindgen]
extern "C" {
    type Factory;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Factory, name: &str, version: u32) -> Result<Request, JsValue>;

    #[derive(Clone)]
    type Request;
    #[wasm_bindgen(method, getter, catch)]
    fn result(this: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn error(this: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, setter)]
    fn set_onsuccess(this: &Request, listener: &Function);
    #[wasm_bindgen(method, setter)]
    fn set_onerror(this: &Request, listener: &Function);
    #[wasm_bindgen(method, setter)]
    fn set_onupgradeneeded(this: &Request, listener: &Function);

    #[derive(Clone)]
    pub(super) type Database;
    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    fn create_object_store(this: &Database, name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &Database,
        store: &str,
        mode: &str,
        options: &Object,
    ) -> Result<Transaction, JsValue>;
    #[wasm_bindgen(method)]
    fn close(this: &Database);
    #[wasm_bindgen(method, setter)]
    fn set_onversionchange(this: &Database, listener: &JsValue);

    type Transaction;
    #[wasm_bindgen(method, catch, js_name = objectStore)]
    fn object_store(this: &Transaction, name: &str) -> Result<ObjectStore, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn error(this: &Transaction) -> JsValue;
    #[wasm_bindgen(method, catch)]
    fn abort(this: &Transaction) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter)]
    fn set_oncomplete(this: &Transaction, listener: &Function);
    #[wasm_bindgen(method, setter)]
    fn set_onabort(this: &Transaction, listener: &Function);

    pub(super) type ObjectStore;
    #[wasm_bindgen(method, catch)]
    pub(super) fn put(this: &ObjectStore, value: &JsValue, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &ObjectStore, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAll)]
    pub(super) fn get_all(this: &ObjectStore) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAllKeys)]
    pub(super) fn get_all_keys(this: &ObjectStore) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn delete(this: &ObjectStore, key: &str) -> Result<JsValue, JsValue>;
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    ReadOnly,
    ReadWrite,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readonly",
            Self::ReadWrite => "readwrite",
        }
    }
}

/// An open database. It closes when it is dropped, and when somebody wants to change or delete the
/// database, who would otherwise wait for this page to go away.
pub(super) struct Connection {
    database: Database,
    // Only kept alive; the browser holds a reference to it.
    _on_version_change: Closure<dyn FnMut()>,
}

impl Connection {
    pub(super) async fn open() -> Result<Self, StorageError> {
        let database = connect().await?;
        let closing = database.clone();
        let on_version_change = Closure::<dyn FnMut()>::new(move || closing.close());
        database.set_onversionchange(on_version_change.as_ref());
        Ok(Self { database, _on_version_change: on_version_change })
    }

    /// The database, which closes with this connection.
    pub(super) fn database(&self) -> Database {
        self.database.clone()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(&JsValue::NULL);
        // Transactions that have begun are finished all the same.
        self.database.close();
    }
}

async fn connect() -> Result<Database, StorageError> {
    // Reading the property throws where the site may not store anything, and gives nothing in some
    // private windows.
    let factory = Reflect::get(&js_sys::global(), &JsValue::from_str("indexedDB"))?;
    if factory.is_null() || factory.is_undefined() {
        return Err(StorageError::Blocked);
    }
    let request = factory.unchecked_ref::<Factory>().open(DATABASE, VERSION)?;

    // The database is new then: there is no version before the first.
    let upgraded = request.clone();
    let on_upgrade_needed = Closure::<dyn FnMut()>::new(move || {
        if let Ok(database) = upgraded.result() {
            // A failure aborts the upgrade, and the request ends with an error.
            let _ = database.unchecked_ref::<Database>().create_object_store(IDENTITIES);
        }
    });
    request.set_onupgradeneeded(on_upgrade_needed.as_ref().unchecked_ref());
    let answered = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(&resolve);
        request.set_onerror(&reject);
    });
    if answered.await.is_ok() {
        return Ok(request.result()?.unchecked_into());
    }
    match StorageError::from(request.error()?) {
        // What older private windows of Firefox say to everything.
        StorageError::Gone => Err(StorageError::Blocked),
        error => Err(error),
    }
}

/// What is done in a transaction; it gives the request, or an array of several. Not generic, since
/// every kind of work would make the page heavier by another copy of what waits for its end.
pub(super) type Work<'a> = &'a dyn Fn(&ObjectStore) -> Result<JsValue, JsValue>;

/// What a request has found.
pub(super) fn result(request: &JsValue) -> Result<JsValue, StorageError> {
    Ok(request.unchecked_ref::<Request>().result()?)
}

/// Does `work` in one transaction, and resolves once the transaction has completed: requests that
/// have succeeded can still be undone by what ends the transaction.
pub(super) async fn transact(
    database: &Database,
    mode: Mode,
    work: Work<'_>,
) -> Result<JsValue, StorageError> {
    let options = Object::new();
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&options, &JsValue::from_str("durability"), &JsValue::from_str("strict"));
    let transaction = database.transaction(IDENTITIES, mode.name(), &options)?;
    let ended = Promise::new(&mut |complete, abort| {
        transaction.set_oncomplete(&complete);
        transaction.set_onabort(&abort);
    });
    let done = match transaction.object_store(IDENTITIES).and_then(|store| work(&store)) {
        Ok(done) => done,
        Err(cause) => {
            // Refused only if it has ended already. Waited for, since nobody else handles the
            // promise.
            if transaction.abort().is_ok() {
                let _ = ended.await;
            }
            return Err(cause.into());
        }
    };
    match ended.await {
        Ok(_) => Ok(done),
        Err(_) => Err(transaction.error().into()),
    }
}
