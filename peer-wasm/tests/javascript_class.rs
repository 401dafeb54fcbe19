//! The class as JavaScript sees it: codes, types, and what happens without a hospital.

#![cfg(all(target_arch = "wasm32", feature = "js"))]

mod page;
mod study;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use page::{UNREACHABLE, pause};
use study::study;
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

/// What an expression is worth.
fn script(expression: &str) -> JsValue {
    js_sys::eval(&format!("({expression})")).expect("it is JavaScript")
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
    // All that responses can be: what is wrong is only that there is no study.
    let responses = "[{ number: 7 }, { number: -7n }, { yes: false }, { choice: 0 }, { choices: [2, 0] }, \
        { choices: [] }, null]";
    for responses in [responses, "[]"] {
        let error = peer.answer(&script(responses)).expect_err("no study yet");
        assert_eq!(text(&error, "code"), "no-study", "{responses}");
    }
}

#[wasm_bindgen_test]
fn what_is_no_response_is_refused_with_its_number_and_never_rounded() {
    let peer =
        WardsumPeer::connect(UNREACHABLE, Listener::new().function()).expect("a proper address");
    for bad in [
        "{ number: 3.5 }",
        "{ number: NaN }",
        "{ number: Infinity }",
        // Too large to be exact.
        "{ number: 2 ** 53 }",
        "{ number: '7' }",
        "{ number: null }",
        "{ yes: 1 }",
        "{ choice: -1 }",
        "{ choice: 65536 }",
        "{ choices: 1 }",
        "{ choices: [0, 'b'] }",
        "{ answer: 1 }",
        "7",
        "undefined",
    ] {
        let error = peer.answer(&script(&format!("[null, {bad}]"))).expect_err("no response");
        assert_eq!(text(&error, "code"), "not-a-response", "{bad}");
        assert!(text(&error, "message").contains("question 2"), "{bad}");
    }
    for bad in ["7", "undefined", "null", "{ number: 7 }"] {
        let error = peer.answer(&script(bad)).expect_err("no array");
        assert_eq!(text(&error, "code"), "not-a-response", "{bad}");
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
    let error = peer.answer(&script("[{ number: 7 }]")).expect_err("it has left");
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
    let study = study();
    let hex: String =
        study.encode().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let noted = |from_now_ms: i32, receipt: &str| {
        let script = format!(
            "sessionStorage.setItem('wardsum:outcome',
               `${{Date.now() + {from_now_ms}}} 3 2 1 pain-scale\\n{hex}\\n12 \\n{receipt}`)"
        );
        js_sys::eval(&script).expect("there is session storage");
    };
    let kept = || js_sys::eval("sessionStorage.getItem('wardsum:outcome')").expect("it is there");
    noted(60_000, "");
    assert!(field(&WardsumPeer::outcome(), "receipt").is_undefined(), "no answer was given here");
    noted(60_000, "wardsum receipt 1\\n");
    let outcome = WardsumPeer::outcome();
    assert_eq!(text(&outcome, "study"), "pain-scale");
    assert_eq!(text(&outcome, "digest"), study.digest().to_string());
    assert_eq!(field(&outcome, "count").as_f64(), Some(3.0));
    assert_eq!(field(&outcome, "sum"), JsValue::from(12_i128));
    assert_eq!(field(&outcome, "rejected").as_f64(), Some(2.0));
    assert_eq!(text(&outcome, "ownAnswer"), "counted");
    assert_eq!(text(&outcome, "receipt"), "wardsum receipt 1\n");

    // Plain objects, down to the question and the number that answers it.
    let shown = Function::new_with_args(
        "outcome",
        "const { asked, cells } = outcome;
         const [item] = asked.form.sections[0].items;
         const written = (key, value) => (typeof value === 'bigint' ? `${value}n` : value);
         return JSON.stringify([asked.title, item, cells], written);",
    );
    let shown = shown.call1(&JsValue::NULL, &outcome).expect("it has all of that").as_string();
    let expected = concat!(
        r#"[[{"language":"","text":"Pain"}],"#,
        r#"{"id":"answer","text":[{"language":"","text":"How strong is your pain?"}],"#,
        r#""help":[],"unit":[{"language":"","text":"points"}],"#,
        r#""optional":false,"type":"number","#,
        r#""range":{"min":"0n","max":"10n","step":1,"decimals":0},"squares":false},"#,
        r#"[{"item":0,"figure":"sum","value":"12n"}]]"#,
    );
    assert_eq!(shown.as_deref(), Some(expected));

    noted(0, "");
    assert!(WardsumPeer::outcome().is_undefined());
    assert!(kept().is_null(), "it is erased");
    assert!(WardsumPeer::outcome().is_undefined());
}
