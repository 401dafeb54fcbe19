//! What the browser keeps of a peer, and when it may be relied upon.

#![cfg(target_arch = "wasm32")]

mod script;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use script::{Sabotage, empty_storage, identity, run};
use wardsum_peer::storage::{Inventory, Storage};
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Breaks the first write, which has to be repeated on a new connection, and no other.
fn first_write_breaks() -> Sabotage {
    Sabotage::new(
        "IDBObjectStore.prototype",
        "put",
        "value: (() => { let broken = false; return function (...args) {
           if (broken) return original.apply(this, args);
           broken = true;
           throw new DOMException('Connection to Indexed Database server lost', 'UnknownError');
         }; })()",
    )
}

#[wasm_bindgen_test]
async fn what_is_put_is_loaded() {
    let storage = empty_storage().await;
    let (mut one, other) = (identity(&vec![7; 1 << 20]), identity(&[]));
    storage.put(&one).await.expect("it is stored");
    storage.put(&other).await.expect("it is stored");
    assert_eq!(storage.load(one.name).await, Ok(Some(one.clone())));
    assert_eq!(storage.load(other.name).await, Ok(Some(other.clone())));
    assert_eq!(storage.load(identity(&[]).name).await, Ok(None));

    one.memory.push(8);
    storage.put(&one).await.expect("it is stored");
    assert_eq!(storage.load(one.name).await, Ok(Some(one)));
    assert_eq!(storage.load(other.name).await, Ok(Some(other)));
}

#[wasm_bindgen_test]
async fn what_is_erased_is_gone_and_nothing_else() {
    let storage = empty_storage().await;
    let (one, other) = (identity(b"one"), identity(b"other"));
    storage.put(&one).await.expect("it is stored");
    storage.put(&other).await.expect("it is stored");
    storage.erase(one.name).await.expect("it is erased");
    storage.erase(one.name).await.expect("erasing nothing is no error");
    assert_eq!(storage.load(one.name).await, Ok(None));
    assert_eq!(storage.load(other.name).await, Ok(Some(other)));
}

#[wasm_bindgen_test]
async fn a_list_says_whose_and_how_old() {
    let storage = empty_storage().await;
    assert_eq!(storage.list().await, Ok(Inventory::default()));
    let before = js_sys::Date::now();
    let mut stored = [identity(b"one"), identity(b"other")];
    for identity in &stored {
        storage.put(identity).await.expect("it is stored");
    }
    let after = js_sys::Date::now();
    stored.sort_by_key(|identity| identity.name);

    let inventory = storage.list().await.expect("it can be read");
    assert!(inventory.damaged.is_empty());
    assert_eq!(inventory.identities.len(), 2);
    for (summary, identity) in inventory.identities.iter().zip(&stored) {
        assert_eq!(summary.name, identity.name);
        assert_eq!(summary.study_id, identity.study_id);
        assert_eq!(summary.round, identity.round);
        assert!((before..=after).contains(&summary.updated_at_ms));
        assert_eq!(summary.keep_until_ms.to_bits(), identity.keep_until_ms.to_bits());
    }
}

#[wasm_bindgen_test]
async fn what_is_stored_is_there_for_the_next_connection_as_documented() {
    let storage = empty_storage().await;
    let stored = identity(&[1, 2, 255]);
    storage.put(&stored).await.expect("it is stored");
    drop(storage);
    let storage = Storage::open().await.expect("it opens again");
    assert_eq!(storage.load(stored.name).await, Ok(Some(stored.clone())));

    let record = run(&format!(
        "const opened = indexedDB.open('wardsum');
         await new Promise((resolve) => opened.onsuccess = resolve);
         const request = opened.result.transaction('identities').objectStore('identities')
           .get('{}');
         await new Promise((resolve) => request.onsuccess = resolve);
         opened.result.close();
         const {{ memory, updated_at_ms, ...rest }} = request.result;
         if (!(memory instanceof Uint8Array) || !Number.isInteger(updated_at_ms)) return 'types';
         return JSON.stringify({{ ...rest, memory: [...memory] }});",
        stored.name
    ))
    .await;
    let expected = format!(
        r#"{{"study_id":"pain-scale","round":"{}","keep_until_ms":4000000000000,"memory":[1,2,255]}}"#,
        "a5".repeat(32)
    );
    assert_eq!(record.as_string(), Some(expected));
}

#[wasm_bindgen_test]
async fn a_write_resolves_once_its_transaction_has_completed_with_strict_durability() {
    let storage = empty_storage().await;
    let _recorder = Sabotage::new(
        "IDBDatabase.prototype",
        "transaction",
        "value: function (...args) {
           const transaction = original.apply(this, args);
           const entry = { durability: transaction.durability, completed: false };
           transaction.addEventListener('complete', () => entry.completed = true);
           (window.transactions ??= []).push(entry);
           return transaction;
         }",
    );
    // Looked at in the very microtask in which the write has resolved.
    let taken = || js_sys::eval("JSON.stringify(transactions.splice(0))").unwrap().as_string();
    let completed = Some(r#"[{"durability":"strict","completed":true}]"#.to_owned());

    let stored = identity(b"durable");
    storage.put(&stored).await.expect("it is stored");
    assert_eq!(taken(), completed);
    storage.erase(stored.name).await.expect("it is erased");
    assert_eq!(taken(), completed);
}

#[wasm_bindgen_test]
async fn a_write_that_is_repeated_does_not_replace_a_later_one() {
    let storage = Rc::new(empty_storage().await);
    let _sabotage = first_write_breaks();
    let (mut stored, done) = (identity(b"earlier"), Rc::new(Cell::new(0)));
    for memory in [b"earlier".as_slice(), b"later"] {
        stored.memory = memory.to_vec().into();
        let (storage, stored, done) = (Rc::clone(&storage), stored.clone(), Rc::clone(&done));
        spawn_local(async move {
            storage.put(&stored).await.expect("it is stored");
            done.set(done.get() + 1);
        });
    }
    while done.get() < 2 {
        run("await new Promise((resolve) => setTimeout(resolve, 5));").await;
    }
    assert_eq!(storage.load(stored.name).await, Ok(Some(stored)));
}

#[wasm_bindgen_test]
async fn a_write_that_is_given_up_lets_no_later_one_overtake() {
    let storage = Rc::new(empty_storage().await);
    let _sabotage = first_write_breaks();
    let mut stored = identity(b"earlier");
    let done = Rc::new(Cell::new(false));
    {
        let (storage, stored, done) = (Rc::clone(&storage), stored.clone(), Rc::clone(&done));
        spawn_local(async move {
            storage.put(&stored).await.expect("it is stored");
            done.set(true);
        });
    }
    // Until it has begun and failed for the first time.
    run("").await;
    {
        stored.memory = b"given up".to_vec().into();
        let mut given_up = pin!(storage.put(&stored));
        assert!(given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    stored.memory = b"later".to_vec().into();
    storage.put(&stored).await.expect("it is stored");
    assert!(done.get());
    assert_eq!(storage.load(stored.name).await, Ok(Some(stored)));
}
