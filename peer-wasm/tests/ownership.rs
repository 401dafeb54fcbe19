//! Two tabs are never the same identity, and what no tab is any more can be taken up.

#![cfg(target_arch = "wasm32")]

mod script;

use std::pin::pin;
use std::task::{Context, Waker};

use script::{Sabotage, empty_storage, identity, run};
use wardsum_peer::ownership::{Ownership, forget_tab, held, orphans};
use wardsum_peer::storage::{IdentityName, StorageError};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Opens another page of the same origin, which takes the lock `name` as a tab would.
async fn other_page_takes(name: &str) {
    run(&format!(
        "const frame = document.createElement('iframe');
         frame.id = '{name}';
         document.body.append(frame);
         await new Promise((resolve) => frame.contentWindow.navigator.locks.request('{name}', () => {{
           resolve();
           return new Promise(() => {{}});
         }}));"
    ))
    .await;
}

/// Closes the page that took the lock `name`, after so many milliseconds.
fn other_page_closes(name: &str, after_ms: u32) {
    let script =
        format!("setTimeout(() => document.getElementById('{name}').remove(), {after_ms})");
    js_sys::eval(&script).expect("the script runs");
}

fn lock_of(name: IdentityName) -> String {
    format!("wardsum:{name}")
}

fn random_name() -> IdentityName {
    IdentityName::random().expect("the browser has entropy")
}

/// Takes an identity that is given up about now.
async fn taken_soon(name: IdentityName) -> Ownership {
    for _ in 0..200 {
        if let Some(ownership) = Ownership::try_take(name).await.expect("there are locks") {
            return ownership;
        }
        run("await new Promise((resolve) => setTimeout(resolve, 25));").await;
    }
    panic!("it was not given up within five seconds");
}

/// What a reload finds.
fn remembered() -> Option<String> {
    js_sys::eval("sessionStorage.getItem('wardsum:identity')").expect("it can be read").as_string()
}

#[wasm_bindgen_test]
async fn an_identity_has_one_owner_until_it_is_dropped() {
    let owner = Ownership::fresh().await.expect("there are locks");
    let name = owner.name();
    assert!(Ownership::try_take(name).await.expect("there are locks").is_none());
    assert_ne!(Ownership::fresh().await.expect("there are locks").name(), name);
    drop(owner);
    assert_eq!(taken_soon(name).await.name(), name);
}

#[wasm_bindgen_test]
async fn an_identity_of_another_page_is_free_when_that_page_is_gone() {
    let name = random_name();
    other_page_takes(&lock_of(name)).await;
    assert!(Ownership::try_take(name).await.expect("there are locks").is_none());
    other_page_closes(&lock_of(name), 0);
    taken_soon(name).await;
}

#[wasm_bindgen_test]
async fn an_owner_that_nobody_waits_for_any_more_owns_nothing() {
    let name = random_name();
    {
        let mut taking = pin!(Ownership::try_take(name));
        assert!(taking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        // The browser may grant the lock meanwhile, but nobody asks for the answer.
        run("await new Promise((resolve) => setTimeout(resolve, 50));").await;
    }
    taken_soon(name).await;
}

#[wasm_bindgen_test]
async fn orphans_are_stored_and_held_by_nobody() {
    let storage = empty_storage().await;
    let mine = Ownership::fresh().await.expect("there are locks");
    let (mut own, theirs, orphan) = (identity(b"own"), identity(b"theirs"), identity(b"orphan"));
    own.name = mine.name();
    for identity in [&own, &theirs, &orphan] {
        storage.put(identity).await.expect("it is stored");
    }
    other_page_takes(&lock_of(theirs.name)).await;
    // Neither is an identity.
    other_page_takes("wardsum:something").await;
    other_page_takes(&theirs.name.to_string()).await;

    let held = held().await.expect("there are locks");
    assert!(held.contains(&own.name) && held.contains(&theirs.name));
    assert!(!held.contains(&orphan.name));
    let found = orphans(&storage).await.expect("it can be read");
    let names: Vec<_> = found.identities.iter().map(|summary| summary.name).collect();
    assert_eq!(names, [orphan.name]);

    other_page_closes(&lock_of(theirs.name), 0);
    drop(taken_soon(theirs.name).await);
    drop(taken_soon(theirs.name).await);
    let taken_up = Ownership::try_take(orphan.name).await.expect("there are locks");
    assert!(taken_up.is_some());
    // Until the browser has taken back the lock that was just dropped.
    loop {
        let found = orphans(&storage).await.expect("it can be read");
        let names: Vec<_> = found.identities.iter().map(|summary| summary.name).collect();
        if names == [theirs.name] {
            break;
        }
        assert!(names.is_empty(), "{names:?}");
    }
    other_page_closes("wardsum:something", 0);
    other_page_closes(&theirs.name.to_string(), 0);
}

#[wasm_bindgen_test]
async fn a_reloaded_tab_is_what_it_was() {
    assert!(Ownership::resume_tab().await.expect("there are locks").is_none());
    let owner = Ownership::fresh().await.expect("there are locks");
    let name = owner.name();
    owner.remember().expect("the session is stored");
    drop(owner);
    let resumed = Ownership::resume_tab().await.expect("there are locks");
    assert_eq!(resumed.expect("nobody else has it").name(), name);
    forget_tab().expect("the session is stored");
    assert!(Ownership::resume_tab().await.expect("there are locks").is_none());
}

#[wasm_bindgen_test]
async fn a_reloaded_tab_waits_for_the_page_that_was_there_before() {
    let owner = Ownership::fresh().await.expect("there are locks");
    let name = owner.name();
    owner.remember().expect("the session is stored");
    drop(owner);
    drop(taken_soon(name).await);
    other_page_takes(&lock_of(name)).await;
    other_page_closes(&lock_of(name), 200);
    let resumed = Ownership::resume_tab().await.expect("there are locks");
    assert_eq!(resumed.expect("it was given up in time").name(), name);
    forget_tab().expect("the session is stored");
}

#[wasm_bindgen_test]
async fn a_duplicated_tab_is_somebody_new() {
    let name = random_name();
    js_sys::eval(&format!("sessionStorage.setItem('wardsum:identity', '{name}')")).unwrap();
    other_page_takes(&lock_of(name)).await;
    assert!(Ownership::resume_tab().await.expect("there are locks").is_none());
    assert_eq!(remembered(), None);

    // The request that was given up takes nothing later on.
    other_page_closes(&lock_of(name), 0);
    taken_soon(name).await;
}

#[wasm_bindgen_test]
async fn a_name_that_is_none_is_forgotten() {
    js_sys::eval("sessionStorage.setItem('wardsum:identity', 'nobody')").unwrap();
    assert!(Ownership::resume_tab().await.expect("there are locks").is_none());
    assert_eq!(remembered(), None);
}

#[wasm_bindgen_test]
async fn without_locks_nothing_is_owned() {
    let _sabotage = Sabotage::new("Navigator.prototype", "locks", "value: undefined");
    assert_eq!(Ownership::fresh().await.unwrap_err(), StorageError::NoLocks);
    assert_eq!(held().await.unwrap_err(), StorageError::NoLocks);
}

#[wasm_bindgen_test]
async fn a_site_that_may_not_lock_or_remember_is_blocked() {
    let refusal = "throw new DOMException('denied', 'SecurityError');";
    {
        let refusal = format!("value: async function () {{ {refusal} }}");
        let _sabotage = Sabotage::new("LockManager.prototype", "request", &refusal);
        assert_eq!(Ownership::fresh().await.unwrap_err(), StorageError::Blocked);
    }
    let owner = Ownership::fresh().await.expect("there are locks");
    let _sabotage = Sabotage::new("window", "sessionStorage", &format!("get() {{ {refusal} }}"));
    assert_eq!(owner.remember(), Err(StorageError::Blocked));
    assert_eq!(Ownership::resume_tab().await.unwrap_err(), StorageError::Blocked);
    assert_eq!(forget_tab(), Err(StorageError::Blocked));
}
