//! The handle as a page in Rust uses it: order of events, calling back from a listener, leaving
//! from one.

#![cfg(target_arch = "wasm32")]

mod page;

use std::cell::RefCell;
use std::rc::Rc;

use page::{UNREACHABLE, pause};
use wardsum_peer::protocol::peer::{self, AnswerError, Failure, Stage};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::{ConnectError, Event, PeerHandle};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn until(condition: impl Fn() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        pause(25).await;
    }
    panic!("it did not happen within five seconds");
}

#[wasm_bindgen_test]
fn an_address_that_is_none_is_the_callers_fault() {
    let error = PeerHandle::connect("wss://", |_| {}).expect_err("no host");
    assert!(matches!(error, ConnectError::InvalidUrl { .. }));
}

#[wasm_bindgen_test]
async fn the_end_of_the_connection_comes_before_the_failure_it_causes() {
    let events = Rc::new(RefCell::new(Vec::new()));
    let handle = PeerHandle::connect(UNREACHABLE, {
        let events = Rc::clone(&events);
        move |event| events.borrow_mut().push(event)
    })
    .expect("a proper address");
    until(|| events.borrow().len() >= 2).await;
    let events = events.borrow();
    assert!(matches!(events[0], Event::Closed { code: 1006, opened: false, .. }));
    assert!(matches!(events[1], Event::Protocol(peer::Event::Failed(Failure::ConnectionLost))));
    assert_eq!(handle.stage(), Some(Stage::Failed));
}

#[wasm_bindgen_test]
async fn a_listener_may_call_every_method_of_its_own_peer() {
    let own = Rc::new(RefCell::new(None::<PeerHandle>));
    let answers = Rc::new(RefCell::new(Vec::new()));
    let handle = PeerHandle::connect(UNREACHABLE, {
        let (own, answers) = (Rc::clone(&own), Rc::clone(&answers));
        move |_| {
            let own = own.borrow();
            let handle = own.as_ref().expect("it was put there before any event");
            answers.borrow_mut().push(handle.answer(vec![Response::Number(7)]));
            assert!(handle.disclosure().is_some());
            assert!(handle.study().is_none());
            // Frees the closure that is running right now, and tells no second event.
            handle.leave();
            assert!(handle.disclosure().is_none());
        }
    })
    .expect("a proper address");
    *own.borrow_mut() = Some(handle.clone());
    until(|| !answers.borrow().is_empty()).await;
    pause(100).await;
    assert!(matches!(
        answers.borrow().as_slice(),
        [Err(AnswerError::NoStudy | AnswerError::Closed)]
    ));
    assert_eq!(handle.stage(), None);
    assert!(matches!(handle.answer(vec![Response::Number(7)]), Err(AnswerError::Closed)));
}

#[wasm_bindgen_test]
async fn leaving_frees_the_listener() {
    let held = Rc::new(());
    let handle = PeerHandle::connect(UNREACHABLE, {
        let held = Rc::clone(&held);
        move |_| drop(Rc::clone(&held))
    })
    .expect("a proper address");
    assert_eq!(Rc::strong_count(&held), 2);
    handle.leave();
    assert_eq!(Rc::strong_count(&held), 1);
}
