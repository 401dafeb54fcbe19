//! What a peer writes down comes before what it sends, and brings it back.

#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod page;
#[allow(dead_code, reason = "not every test needs all of it")]
mod script;
mod study;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use page::pause;
use script::{Sabotage, empty_storage, run};
use study::study;
use wardsum_peer::ownership::forget_tab;
use wardsum_peer::protocol::peer::{self, AnswerError, Stage};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::protocol::round::{ConnectionId, Input, Output, Round};
use wardsum_peer::protocol::{Challenge, Study, Timestamp};
use wardsum_peer::storage::{Inventory, Storage, StorageError};
use wardsum_peer::{Event, Kept, PeerHandle, resumable};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const URL: &str = "wss://hospital.example/ws/pain-scale";

/// A WebSocket that the test plays the other end of. What it sends is kept, and noted in the order
/// of everything.
const SOCKET: &str = "value: class {
    constructor(url) { this.url = url; this.sent = []; window.sockets.push(this); }
    send(bytes) { this.sent.push(bytes.slice()); window.order.push('sent'); }
    close() { this.closed = true; }
  }";

/// A transaction that writes notes when it is durable.
const TRANSACTION: &str = "value: function (...given) {
    const transaction = original.apply(this, given);
    if (given[1] === 'readwrite') {
      transaction.addEventListener('complete', () => window.order.push('durable'));
    }
    return transaction;
  }";

const NO_ROOM: &str =
    "value: function () { throw new DOMException('no room', 'QuotaExceededError'); }";

/// A page with empty storage, and sockets that the test holds the other ends of.
struct Page {
    _socket: Sabotage,
    _transaction: Sabotage,
}

impl Page {
    async fn new() -> Self {
        forget_tab().expect("there is session storage");
        empty_storage().await;
        js_sys::eval("window.sockets = []; window.order = [];").expect("the script runs");
        Self {
            _socket: Sabotage::new("window", "WebSocket", SOCKET),
            _transaction: Sabotage::new("IDBDatabase.prototype", "transaction", TRANSACTION),
        }
    }
}

/// The other end of the socket with this number.
struct OtherEnd(JsValue);

impl OtherEnd {
    async fn of(number: u32) -> Self {
        let sockets =
            js_sys::eval("window.sockets").expect("it is there").unchecked_into::<Array>();
        until("a connection", || sockets.length() > number).await;
        Self(sockets.get(number))
    }

    fn property(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &JsValue::from_str(name)).expect("a socket is an object")
    }

    fn fire(&self, handler: &str, event: &JsValue) {
        let handler = self.property(handler).unchecked_into::<Function>();
        handler.call1(&self.0, event).expect("the peer does not throw");
    }

    /// Connects, and says what a hospital says first.
    fn welcome(&self, study: &Study) {
        self.fire("onopen", &JsValue::NULL);
        let mut round = Round::open(study.clone(), Timestamp(0));
        let (connection, challenge) = (ConnectionId(1), Challenge([9; 32]));
        round.handle(Input::Connected { connection, challenge }, Timestamp(0));
        while let Some(output) = round.poll_output() {
            if let Output::Send { bytes, .. } = output {
                let event = Object::new();
                let data = Uint8Array::from(&bytes[..]).buffer();
                Reflect::set(&event, &"data".into(), &data).expect("a fresh object");
                self.fire("onmessage", &event);
            }
        }
    }

    fn sent(&self) -> Vec<Vec<u8>> {
        let sent = self.property("sent").unchecked_into::<Array>();
        sent.iter().map(|bytes| bytes.unchecked_into::<Uint8Array>().to_vec()).collect()
    }
}

type Heard = Rc<RefCell<Vec<Event>>>;

fn listener() -> (Heard, impl FnMut(Event) + 'static) {
    let heard = Heard::default();
    (Rc::clone(&heard), move |event| heard.borrow_mut().push(event))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        pause(25).await;
    }
    panic!("in vain: {what}");
}

/// A peer whose question can be answered, what it tells, and the other end of its socket.
async fn asked() -> (PeerHandle, Heard, OtherEnd) {
    let (heard, listener) = listener();
    let peer = PeerHandle::connect(URL, listener).expect("a proper address");
    let other_end = OtherEnd::of(0).await;
    other_end.welcome(&study());
    until("the study", || peer.stage() == Some(Stage::AwaitingAnswer)).await;
    (peer, heard, other_end)
}

fn told(heard: &Heard, wanted: impl Fn(&Event) -> bool) -> bool {
    heard.borrow().iter().any(wanted)
}

#[wasm_bindgen_test]
async fn nothing_is_sent_before_it_is_written_down() {
    let _page = Page::new().await;
    let (peer, _heard, other_end) = asked().await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    assert_eq!(other_end.sent().len(), 0);
    until("the enrolment", || other_end.sent().len() == 2).await;
    let order = js_sys::eval("window.order.join(' ')").expect("it is there").as_string();
    assert_eq!(order.as_deref(), Some("durable sent sent"));
    peer.leave();
}

#[wasm_bindgen_test]
async fn what_cannot_be_written_down_is_not_sent() {
    let _page = Page::new().await;
    let (peer, heard, other_end) = asked().await;
    {
        let _full = Sabotage::new("IDBObjectStore.prototype", "put", NO_ROOM);
        peer.answer(vec![Response::Number(7)]).expect("it is in range");
        let full = |event: &Event| matches!(event, Event::StorageFailed(StorageError::Full));
        until("the failure", || told(&heard, full)).await;
    }
    pause(100).await;
    assert_eq!(other_end.sent().len(), 0);
    assert_eq!(other_end.property("closed"), JsValue::TRUE);
    assert_eq!(peer.stage(), Some(Stage::Failed));
    assert_eq!(peer.answer(vec![Response::Number(7)]), Err(AnswerError::Closed));
    assert_eq!(resumable().await.expect("it can be read").identities, []);
}

#[wasm_bindgen_test]
async fn a_peer_that_is_dropped_comes_back_as_itself() {
    let _page = Page::new().await;
    let (peer, _heard, other_end) = asked().await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    until("the enrolment", || other_end.sent().len() == 2).await;
    let enrolment = other_end.sent()[1].clone();
    drop(peer);
    assert_eq!(other_end.property("closed"), JsValue::TRUE);

    let kept = Kept::of_this_tab().await.expect("it can be read").expect("it was kept");
    assert_eq!((kept.study_id(), kept.study()), ("pain-scale", &study()));
    let (heard, listener) = listener();
    let peer = PeerHandle::resume(URL, kept, listener).expect("a proper address");
    let other_end = OtherEnd::of(1).await;
    let address = other_end.property("url").as_string();
    assert_eq!(address, Some(format!("{URL}?round={}", study().digest())));
    until("the event", || {
        told(&heard, |event| matches!(event, Event::Protocol(peer::Event::Resumed { .. })))
    })
    .await;
    assert_eq!(peer.answer(vec![Response::Number(8)]), Err(AnswerError::AlreadyAnswered));
    other_end.welcome(&study());
    until("the enrolment again", || other_end.sent().len() == 2).await;
    assert_eq!(other_end.sent()[1], enrolment, "the same keys");

    // Leaving for good is not closing: nothing stays.
    peer.leave();
    assert_eq!(other_end.sent().len(), 3, "it says goodbye");
    for _ in 0..200 {
        if Kept::of_this_tab().await.is_ok_and(|kept| kept.is_none()) {
            break;
        }
        pause(25).await;
    }
    assert!(Kept::of_this_tab().await.expect("it can be read").is_none());
    assert_eq!(resumable().await.expect("it can be read").identities, []);
}

#[wasm_bindgen_test]
async fn another_tab_can_take_it_up_once_it_is_closed() {
    let _page = Page::new().await;
    let (peer, _heard, other_end) = asked().await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    until("the enrolment", || other_end.sent().len() == 2).await;
    assert_eq!(resumable().await.expect("it can be read").identities, [], "it is owned");

    peer.close();
    forget_tab().expect("there is session storage");
    let mut found = Vec::new();
    for _ in 0..200 {
        found = resumable().await.expect("it can be read").identities;
        if !found.is_empty() {
            break;
        }
        pause(25).await;
    }
    assert_eq!((found.len(), found[0].round), (1, study().digest()));
    let kept = Kept::take_up(found[0].name).await.expect("it can be read").expect("it is free");
    assert!(Kept::take_up(found[0].name).await.expect("it can be read").is_none(), "only once");
    drop(kept);
}

#[wasm_bindgen_test]
async fn what_nobody_has_taken_up_while_it_was_of_use_is_erased() {
    let _page = Page::new().await;
    let storage = Storage::open().await.expect("the browser stores things");
    let stored = async || storage.list().await.expect("it can be read");
    let offered = async || resumable().await.expect("it can be read").identities;
    // Its peer comes back for as long as the round can take, and for an hour more.
    let of_use_ms = study().longest_ms() + 60 * 60 * 1_000;
    let later =
        |ms: u64| Sabotage::new("Date", "now", &format!("value: () => original.call(Date) + {ms}"));
    let (peer, _heard, other_end) = asked().await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    until("the enrolment", || other_end.sent().len() == 2).await;
    {
        let _later = later(of_use_ms);
        assert_eq!(offered().await, []);
        assert_eq!(stored().await.identities.len(), 1, "a tab that is open keeps what is its own");
    }

    peer.close();
    forget_tab().expect("there is session storage");
    let mut found = Vec::new();
    for _ in 0..200 {
        let _in_time = later(of_use_ms - 60_000);
        found = offered().await;
        if !found.is_empty() {
            break;
        }
        pause(25).await;
    }
    assert_eq!(found.len(), 1);
    {
        let _too_late = later(of_use_ms);
        assert_eq!(offered().await, []);
    }
    assert_eq!(stored().await, Inventory::default(), "keys and all");
    assert!(Kept::take_up(found[0].name).await.expect("it can be read").is_none());
}

#[wasm_bindgen_test]
async fn a_browser_that_keeps_nothing_says_so_and_takes_part() {
    let _page = Page::new().await;
    let refusal = "value: function () { throw new DOMException('denied', 'SecurityError'); }";
    let _blocked = Sabotage::new("IDBFactory.prototype", "open", refusal);
    let (peer, heard, other_end) = asked().await;
    let blocked = |event: &Event| matches!(event, Event::NotKept(StorageError::Blocked));
    until("the event", || told(&heard, blocked)).await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    until("the enrolment", || other_end.sent().len() == 2).await;
    peer.leave();
}

#[wasm_bindgen_test]
async fn what_was_cleared_is_said_once() {
    let _page = Page::new().await;
    let (peer, _heard, other_end) = asked().await;
    peer.answer(vec![Response::Number(7)]).expect("it is in range");
    until("the enrolment", || other_end.sent().len() == 2).await;
    drop(peer);
    run("await new Promise((resolve) => {
           indexedDB.deleteDatabase('wardsum').onsuccess = resolve;
         });")
    .await;
    assert_eq!(Kept::of_this_tab().await.err(), Some(StorageError::Cleared));
    assert!(Kept::of_this_tab().await.expect("it can be read").is_none());
}

#[wasm_bindgen_test]
async fn a_network_that_goes_and_comes_is_noticed_at_once() {
    let _page = Page::new().await;
    let (peer, heard, _other_end) = asked().await;
    js_sys::eval("dispatchEvent(new Event('offline'));").expect("the script runs");
    until("the loss", || {
        told(&heard, |event| matches!(event, Event::Protocol(peer::Event::Disconnected { .. })))
    })
    .await;
    js_sys::eval("dispatchEvent(new Event('online'));").expect("the script runs");
    OtherEnd::of(1).await.welcome(&study());
    until("the return", || {
        told(&heard, |event| matches!(event, Event::Protocol(peer::Event::Reconnected)))
    })
    .await;
    peer.leave();
}
