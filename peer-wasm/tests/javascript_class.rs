//! The class as JavaScript sees it: codes, types, and what happens without a hospital.

#![cfg(all(target_arch = "wasm32", feature = "js"))]

mod page;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use page::{UNREACHABLE, pause};
use wardsum_peer::WardsumPeer;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A listener that keeps what it hears.
struct Listener {
    heard: Rc<RefCell<Vec<JsValue>>>,
    closure: Closure<dyn FnMut(JsValue)>,
}

impl Listener {
    fn new() -> Self {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let closure = Closure::new({
            let heard = Rc::clone(&heard);
            move |event| heard.borrow_mut().push(event)
        });
        Self { heard, closure }
    }

    fn function(&self) -> Function {
        self.closure.as_ref().unchecked_ref::<Function>().clone()
    }

    fn types(&self) -> Vec<String> {
        self.heard.borrow().iter().map(|event| text(event, "type")).collect()
    }

    async fn hear(&self, count: usize) {
        for _ in 0..200 {
            if self.heard.borrow().len() >= count {
                return;
            }
            pause(25).await;
        }
        panic!("heard only {:?}", self.types());
    }
}

fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).expect("an object")
}

fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

#[wasm_bindgen_test]
fn an_address_that_is_none_is_refused_with_a_code_and_a_reason() {
    let error =
        WardsumPeer::connect("not an address", Listener::new().function()).expect_err("no address");
    assert_eq!(text(&error, "code"), "invalid-url");
    assert_eq!(text(&error, "name"), "WardsumError");
    assert!(text(&error, "message").contains("not an address"));
    assert!(error.is_instance_of::<js_sys::Error>());
}

#[wasm_bindgen_test]
async fn an_unreachable_hospital_is_told_once_and_then_the_round_has_failed() {
    let listener = Listener::new();
    let peer = WardsumPeer::connect(UNREACHABLE, listener.function()).expect("a proper address");
    assert_eq!(text(&peer.progress(), "stage"), "connecting");

    listener.hear(2).await;
    pause(100).await;
    assert_eq!(listener.types(), ["closed", "failed"]);
    let heard = listener.heard.borrow();
    assert_eq!(field(&heard[0], "opened"), JsValue::FALSE);
    assert_eq!(field(&heard[0], "code").as_f64(), Some(1006.0));
    assert_eq!(text(&heard[1], "code"), "connection-lost");
    assert!(!text(&heard[1], "message").is_empty());
    assert_eq!(text(&peer.progress(), "stage"), "failed");
}

#[wasm_bindgen_test]
fn an_answer_before_the_study_is_refused() {
    let peer =
        WardsumPeer::connect(UNREACHABLE, Listener::new().function()).expect("a proper address");
    let error = peer.answer(&JsValue::from_f64(7.0)).expect_err("no study yet");
    assert_eq!(text(&error, "code"), "no-study");
    // The same for a BigInt: the value itself is fine.
    let error = peer.answer(&JsValue::from(7_i128)).expect_err("no study yet");
    assert_eq!(text(&error, "code"), "no-study");
}

#[wasm_bindgen_test]
fn what_is_not_a_whole_number_is_not_rounded() {
    let peer =
        WardsumPeer::connect(UNREACHABLE, Listener::new().function()).expect("a proper address");
    let too_large_to_be_exact = 9_007_199_254_740_992.0;
    let values = [
        JsValue::from_f64(3.5),
        JsValue::from_f64(f64::NAN),
        JsValue::from_f64(f64::INFINITY),
        JsValue::from_f64(too_large_to_be_exact),
        JsValue::from_str("7"),
        JsValue::NULL,
        JsValue::UNDEFINED,
    ];
    for value in values {
        let error = peer.answer(&value).expect_err("not a whole number");
        assert_eq!(text(&error, "code"), "not-whole", "{value:?}");
    }
}

#[wasm_bindgen_test]
async fn after_leaving_nothing_is_told_and_nothing_was_sent() {
    let listener = Listener::new();
    let peer = WardsumPeer::connect(UNREACHABLE, listener.function()).expect("a proper address");
    peer.leave();
    peer.leave();
    pause(300).await;
    assert_eq!(listener.types(), [""; 0]);

    let progress = peer.progress();
    assert_eq!(text(&progress, "stage"), "left");
    assert_eq!(field(&progress, "sharesSent").as_f64(), Some(0.0));
    assert_eq!(field(&progress, "bytesSent").as_f64(), Some(0.0));
    let error = peer.answer(&JsValue::from_f64(7.0)).expect_err("it has left");
    assert_eq!(text(&error, "code"), "closed");
}

#[wasm_bindgen_test]
async fn dropping_the_last_handle_ends_the_events() {
    let listener = Listener::new();
    drop(WardsumPeer::connect(UNREACHABLE, listener.function()).expect("a proper address"));
    pause(300).await;
    assert_eq!(listener.types(), [""; 0]);
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_does_not_stop_the_round() {
    let throwing = Function::new_with_args(
        "event",
        "globalThis.told = (globalThis.told ?? 0) + 1; throw new Error('expected in this test');",
    );
    let peer = WardsumPeer::connect(UNREACHABLE, throwing).expect("a proper address");
    for _ in 0..200 {
        if field(&js_sys::global(), "told").as_f64() == Some(2.0) {
            break;
        }
        pause(25).await;
    }
    assert_eq!(field(&js_sys::global(), "told").as_f64(), Some(2.0));
    assert_eq!(text(&peer.progress(), "stage"), "failed");
}

#[wasm_bindgen_test]
fn how_the_last_round_has_ended_is_told_until_that_expires() {
    let noted = |from_now_ms: i32, receipt: &str| {
        let script = format!(
            "sessionStorage.setItem('wardsum:outcome',
               `${{Date.now() + {from_now_ms}}} 3 -12 2 1 ${{'a5'.repeat(32)}} pain-scale{receipt}`)"
        );
        js_sys::eval(&script).expect("there is session storage");
    };
    let kept = || js_sys::eval("sessionStorage.getItem('wardsum:outcome')").expect("it is there");
    noted(60_000, "");
    assert!(field(&WardsumPeer::outcome(), "receipt").is_undefined(), "of an earlier page");
    noted(60_000, "\\nwardsum receipt 1\\n");
    let outcome = WardsumPeer::outcome();
    assert_eq!(text(&outcome, "study"), "pain-scale");
    assert_eq!(text(&outcome, "digest"), "a5".repeat(32));
    assert_eq!(field(&outcome, "count").as_f64(), Some(3.0));
    assert_eq!(field(&outcome, "sum"), JsValue::from(-12_i128));
    assert_eq!(field(&outcome, "rejected").as_f64(), Some(2.0));
    assert_eq!(text(&outcome, "ownAnswer"), "counted");
    assert_eq!(text(&outcome, "receipt"), "wardsum receipt 1\n");

    noted(0, "");
    assert!(WardsumPeer::outcome().is_undefined());
    assert!(kept().is_null(), "it is erased");
    assert!(WardsumPeer::outcome().is_undefined());
}
