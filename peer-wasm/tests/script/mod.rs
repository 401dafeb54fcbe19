//! What the tests of storage do to the browser behind the crate's back.

use js_sys::{Function, Promise};
use wardsum_peer::protocol::StudyDigest;
use wardsum_peer::storage::{Identity, IdentityName, Storage};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

/// Runs the body of an asynchronous function, and gives what it returns.
pub(crate) async fn run(body: &str) -> JsValue {
    let function = Function::new_no_args(&format!("return (async () => {{ {body} }})();"));
    let promise = function.call0(&JsValue::UNDEFINED).expect("the script runs");
    let promise = promise.unchecked_into::<Promise>();
    promise.await.unwrap_or_else(|thrown| panic!("{body}\nthrew {thrown:?}"))
}

/// A property of the browser that is something else until this is dropped.
pub(crate) struct Sabotage {
    undo: Function,
}

impl Sabotage {
    /// Replaces `property` of `owner` by what `descriptor` says, `value: EXPRESSION` or
    /// `get() { BODY }`. It may use what was there before as `original`.
    pub(crate) fn new(owner: &str, property: &str, descriptor: &str) -> Self {
        let script = format!(
            "const owner = {owner};
             const before = Object.getOwnPropertyDescriptor(owner, '{property}');
             const original = before.value;
             Object.defineProperty(owner, '{property}', {{ configurable: true, {descriptor} }});
             return () => Object.defineProperty(owner, '{property}', before);"
        );
        let undo = Function::new_no_args(&script).call0(&JsValue::UNDEFINED);
        Self { undo: undo.expect("the property can be replaced").unchecked_into() }
    }
}

impl Drop for Sabotage {
    fn drop(&mut self) {
        self.undo.call0(&JsValue::UNDEFINED).expect("what was there can be put back");
    }
}

/// Storage with nothing in it, whatever an earlier test left. Waits until every connection to the
/// old database has made way.
pub(crate) async fn empty_storage() -> Storage {
    run("await new Promise((resolve, reject) => {
           const request = indexedDB.deleteDatabase('wardsum');
           request.onsuccess = resolve;
           request.onerror = reject;
         });")
    .await;
    Storage::open().await.expect("the browser stores things")
}

/// An identity with that memory.
pub(crate) fn identity(memory: &[u8]) -> Identity {
    Identity {
        name: IdentityName::random().expect("the browser has entropy"),
        study_id: "pain-scale".to_owned(),
        round: StudyDigest([0xa5; 32]),
        // In the year 2096.
        keep_until_ms: 4e12,
        memory: Zeroizing::new(memory.to_vec()),
    }
}
