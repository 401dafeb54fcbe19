//! A browser whose storage is full, blocked, cleared in the middle or not ours.

#![cfg(target_arch = "wasm32")]

mod script;

use script::{Sabotage, empty_storage, identity, run};
use wardsum_peer::storage::{Storage, StorageError};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Stores `value`, a JavaScript expression, under `key`.
async fn put_raw(key: &str, value: &str) {
    run(&format!(
        "const opened = indexedDB.open('wardsum');
         await new Promise((resolve) => opened.onsuccess = resolve);
         const transaction = opened.result.transaction('identities', 'readwrite');
         transaction.objectStore('identities').put({value}, '{key}');
         await new Promise((resolve) => transaction.oncomplete = resolve);
         opened.result.close();"
    ))
    .await;
}

/// Does what a page of a newer version would do, which must not have to wait for this one.
async fn upgrade() {
    run("await new Promise((resolve, reject) => {
           const request = indexedDB.open('wardsum', 2);
           request.onsuccess = () => resolve(request.result.close());
           request.onerror = request.onblocked = () => reject(request.error);
         });")
    .await;
}

#[wasm_bindgen_test]
async fn a_full_device_is_said_and_keeps_what_it_has() {
    let storage = empty_storage().await;
    let mut stored = identity(b"before");
    storage.put(&stored).await.expect("there is room");
    {
        let _sabotage = Sabotage::new(
            "IDBObjectStore.prototype",
            "put",
            "value: function () { throw new DOMException('no room', 'QuotaExceededError'); }",
        );
        stored.memory = b"after".to_vec().into();
        assert_eq!(storage.put(&stored).await, Err(StorageError::Full));
    }
    let before = storage.load(stored.name).await.expect("it can be read").expect("it is there");
    assert_eq!(before.memory.as_slice(), b"before");
    storage.put(&stored).await.expect("there is room again");
    assert_eq!(storage.load(stored.name).await, Ok(Some(stored)));
}

#[wasm_bindgen_test]
async fn a_site_that_may_not_store_anything_is_blocked() {
    let refusal = "throw new DOMException('denied', 'SecurityError');";
    {
        let refusal = format!("value: function () {{ {refusal} }}");
        let _sabotage = Sabotage::new("IDBFactory.prototype", "open", &refusal);
        assert_eq!(Storage::open().await.unwrap_err(), StorageError::Blocked);
    }
    {
        let _sabotage = Sabotage::new("window", "indexedDB", &format!("get() {{ {refusal} }}"));
        assert_eq!(Storage::open().await.unwrap_err(), StorageError::Blocked);
    }
    {
        let _sabotage = Sabotage::new("window", "indexedDB", "value: null");
        assert_eq!(Storage::open().await.unwrap_err(), StorageError::Blocked);
    }
    {
        // Older private windows of Firefox.
        let _sabotage = Sabotage::new(
            "IDBFactory.prototype",
            "open",
            "value: function () {
               const error = new DOMException('no mutations', 'InvalidStateError');
               const request = { error };
               setTimeout(() => request.onerror(new Event('error')));
               return request;
             }",
        );
        assert_eq!(Storage::open().await.unwrap_err(), StorageError::Blocked);
    }
    empty_storage().await;
}

#[wasm_bindgen_test]
async fn a_database_that_is_cleared_in_the_middle_is_begun_again() {
    let storage = empty_storage().await;
    let stored = identity(b"mine");
    storage.put(&stored).await.expect("it is stored");
    // This neither waits for the open connection nor makes it useless.
    let other = empty_storage().await;
    assert_eq!(storage.load(stored.name).await, Ok(None));
    storage.put(&stored).await.expect("it is stored again");
    assert_eq!(other.load(stored.name).await, Ok(Some(stored)));
}

#[wasm_bindgen_test]
async fn a_connection_that_breaks_once_is_replaced() {
    let storage = empty_storage().await;
    let stored = identity(b"mine");
    for error in ["UnknownError", "InvalidStateError"] {
        let _sabotage = Sabotage::new(
            "IDBDatabase.prototype",
            "transaction",
            &format!(
                "value: (() => {{ let broken = null; return function (...args) {{
                   broken ??= this;
                   if (this === broken) throw new DOMException('lost', '{error}');
                   return original.apply(this, args);
                 }}; }})()"
            ),
        );
        storage.put(&stored).await.expect("it is stored");
        assert_eq!(storage.load(stored.name).await, Ok(Some(stored.clone())));
    }
}

#[wasm_bindgen_test]
async fn a_write_that_is_undone_after_its_request_succeeded_has_failed() {
    let storage = empty_storage().await;
    let stored = identity(b"undone");
    {
        let _sabotage = Sabotage::new(
            "IDBObjectStore.prototype",
            "put",
            "value: function (...args) {
               const request = original.apply(this, args);
               request.addEventListener('success', () => this.transaction.abort());
               return request;
             }",
        );
        assert_eq!(storage.put(&stored).await, Err(StorageError::Gone));
    }
    assert_eq!(storage.load(stored.name).await, Ok(None));
}

#[wasm_bindgen_test]
async fn a_failure_of_another_kind_is_told_in_the_browsers_words() {
    let storage = empty_storage().await;
    let _sabotage = Sabotage::new(
        "IDBObjectStore.prototype",
        "get",
        "value: function () { throw new DOMException('the disk is on fire', 'UnknownError'); }",
    );
    let error = storage.load(identity(b"").name).await.unwrap_err();
    assert_eq!(error, StorageError::Other("UnknownError: the disk is on fire".to_owned()));
    assert!(error.to_string().contains("the disk is on fire"));
}

#[wasm_bindgen_test]
async fn a_newer_database_is_refused_and_its_page_not_blocked() {
    let storage = empty_storage().await;
    let stored = identity(b"old");
    storage.put(&stored).await.expect("it is stored");
    upgrade().await;
    assert_eq!(storage.put(&stored).await, Err(StorageError::Newer));
    assert_eq!(storage.load(stored.name).await, Err(StorageError::Newer));
    assert_eq!(Storage::open().await.unwrap_err(), StorageError::Newer);
    empty_storage().await;
}

/// The page that wrote it did not say until when it is of use.
#[wasm_bindgen_test]
async fn a_record_of_an_earlier_version_is_read_and_kept_for_a_while() {
    let storage = empty_storage().await;
    let name = identity(b"").name;
    let value =
        "{ study_id: 'a', round: 'a5'.repeat(32), updated_at_ms: 5, memory: new Uint8Array(1) }";
    put_raw(&name.to_string(), value).await;
    let read = storage.load(name).await.expect("it can be read").expect("it is there");
    assert!((read.keep_until_ms - (5.0 + 30.0 * 86_400_000.0)).abs() < 1.0);
    assert!(storage.list().await.expect("it can be read").damaged.is_empty());
}

#[wasm_bindgen_test]
async fn a_damaged_record_is_told_apart_and_can_be_erased() {
    let storage = empty_storage().await;
    let intact = identity(b"intact");
    storage.put(&intact).await.expect("it is stored");
    let round = "'a5'.repeat(32)";
    let times = "updated_at_ms: 1, keep_until_ms: 1";
    let bytes = "memory: new Uint8Array(1)";
    let garbage = [
        "'not an object'".to_owned(),
        "null".to_owned(),
        format!("{{ study_id: 'a', round: {round}, {times} }}"),
        format!("{{ study_id: 'a', round: {round}, {times}, memory: [1, 2] }}"),
        format!("{{ study_id: 7, round: {round}, {times}, {bytes} }}"),
        format!(
            "{{ study_id: 'a', round: {round}, updated_at_ms: '', keep_until_ms: 1, {bytes} }}"
        ),
        format!(
            "{{ study_id: 'a', round: {round}, updated_at_ms: 1, keep_until_ms: '', {bytes} }}"
        ),
        format!("{{ study_id: 'a', round: 'a5', {times}, {bytes} }}"),
    ];
    let mut damaged = Vec::new();
    for value in &garbage {
        let name = identity(b"").name;
        put_raw(&name.to_string(), value).await;
        assert_eq!(storage.load(name).await, Err(StorageError::Damaged), "{value}");
        damaged.push(name);
    }
    damaged.sort();
    // Not ours at all, so neither shown nor touched.
    put_raw("something else", "1").await;

    let inventory = storage.list().await.expect("the others can be read");
    assert_eq!(inventory.damaged, damaged);
    assert_eq!(inventory.identities.len(), 1);
    assert_eq!(inventory.identities[0].name, intact.name);
    for name in damaged {
        storage.erase(name).await.expect("it is erased");
        assert_eq!(storage.load(name).await, Ok(None));
    }
    assert_eq!(storage.load(intact.name).await, Ok(Some(intact)));
}
