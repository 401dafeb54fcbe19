//! The safety words: computed beside the page, shown, and what is said of them.

#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod page;
#[allow(dead_code, reason = "not every test needs all of it")]
mod script;
mod study;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use page::pause;
use script::{Sabotage, empty_storage};
use study::study;
use wardsum_peer::ownership::forget_tab;
use wardsum_peer::protocol::messages::PeerMessage;
use wardsum_peer::protocol::peer::{self, Failure, Peer, Stage};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::protocol::round::{self, ConnectionId, Round};
use wardsum_peer::protocol::{Challenge, Entropy, SafetyWords, Timestamp, wire};
use wardsum_peer::{Event, PeerHandle};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const URL: &str = "wss://hospital.example/ws/pain-scale";

/// A WebSocket that the test plays the other end of.
const SOCKET: &str = "value: class {
    constructor() { this.sent = []; window.socket = this; }
    send(bytes) { this.sent.push(bytes.slice()); }
    close() { this.closed = true; }
  }";

const NO_WORKERS: &str = "value: class {
    constructor() { throw new DOMException('no workers here', 'SecurityError'); }
  }";

/// A worker that never starts.
const BROKEN_WORKERS: &str = "value: class {
    constructor() { setTimeout(() => this.onerror(new Event('error')), 10); }
    postMessage() {}
    terminate() {}
  }";

const OWN: ConnectionId = ConnectionId(1);

/// A hospital and two other people, all in this page, and the peer that is tested.
struct Trial {
    peer: PeerHandle,
    heard: Rc<RefCell<Vec<Event>>>,
    /// When the words were asked for and when they were there, in milliseconds.
    times: Rc<Cell<[f64; 2]>>,
    round: Round,
    others: BTreeMap<ConnectionId, Peer>,
    /// How many messages of the tested peer the hospital has had.
    read: u32,
    _socket: Sabotage,
}

/// The socket that the peer has made.
fn socket() -> JsValue {
    js_sys::eval("window.socket").expect("it is there")
}

fn fire(handler: &str, event: &JsValue) {
    let handler = Reflect::get(&socket(), &handler.into()).expect("a socket is an object");
    handler.unchecked_into::<Function>().call1(&socket(), event).expect("it does not throw");
}

/// What the peer has sent.
fn sent() -> Vec<Vec<u8>> {
    let sent = Reflect::get(&socket(), &"sent".into()).expect("a socket is an object");
    let sent = sent.unchecked_into::<Array>();
    sent.iter().map(|bytes| bytes.unchecked_into::<Uint8Array>().to_vec()).collect()
}

/// Whether it has sent such a message.
fn has_sent(wanted: impl Fn(&PeerMessage) -> bool) -> bool {
    sent().iter().any(|bytes| wanted(&wire::decode(bytes).expect("a peer's message")))
}

fn has_contributed() -> bool {
    has_sent(|message| matches!(message, PeerMessage::Contribute(_)))
}

impl Trial {
    /// Everybody has answered.
    async fn new() -> Self {
        forget_tab().expect("there is session storage");
        empty_storage().await;
        let socket = Sabotage::new("window", "WebSocket", SOCKET);
        let heard = Rc::new(RefCell::new(Vec::new()));
        let times = Rc::new(Cell::new([0.0; 2]));
        let peer = PeerHandle::connect(URL, {
            let (heard, times) = (Rc::clone(&heard), Rc::clone(&times));
            move |event| {
                let [asked, _] = times.get();
                match event {
                    Event::Protocol(peer::Event::SafetyWords { .. }) => times.set([now(), 0.0]),
                    Event::Words(_) => times.set([asked, now()]),
                    _ => {}
                }
                heard.borrow_mut().push(event);
            }
        })
        .expect("a proper address");
        let round = Round::open(study(), Timestamp(0));
        let others = BTreeMap::new();
        let mut trial = Self { peer, heard, times, round, others, read: 0, _socket: socket };
        fire("onopen", &JsValue::NULL);
        trial.connect(OWN);
        trial
            .until("the question", |trial| trial.peer.stage() == Some(Stage::AwaitingAnswer))
            .await;
        trial.peer.answer(vec![Response::Number(7)]).expect("it is in range");
        for number in 2..=3u8 {
            let connection = ConnectionId(number.into());
            let mut other = Peer::new(Entropy::new([number; 32]), Timestamp(0));
            other.handle(peer::Input::Connected, Timestamp(0));
            trial.others.insert(connection, other);
            trial.connect(connection);
            let other = trial.others.get_mut(&connection).expect("it has just come");
            other.answer(vec![Response::Number(1)], Timestamp(0)).expect("it is in range");
        }
        trial
    }

    fn connect(&mut self, connection: ConnectionId) {
        let challenge = Challenge([9; 32]);
        self.feed(round::Input::Connected { connection, challenge });
    }

    fn feed(&mut self, input: round::Input) {
        self.round.handle(input, Timestamp(0));
        while let Some(output) = self.round.poll_output() {
            match output {
                round::Output::Send { to, bytes } => self.pass(to, &bytes),
                round::Output::Deliver(deliveries) => {
                    let messages: Vec<_> = deliveries.messages().collect();
                    for (to, bytes) in messages {
                        self.pass(to, &bytes);
                    }
                }
                _ => {}
            }
        }
    }

    /// Passes a message of the hospital on.
    fn pass(&mut self, to: ConnectionId, bytes: &[u8]) {
        if let Some(other) = self.others.get_mut(&to) {
            other.handle(peer::Input::Message(bytes.to_vec()), Timestamp(0));
        } else {
            let event = Object::new();
            let data = Uint8Array::from(bytes).buffer();
            Reflect::set(&event, &"data".into(), &data).expect("a fresh object");
            fire("onmessage", &event);
        }
    }

    /// Takes what everybody has to say to the hospital.
    fn relay(&mut self) {
        let sent = sent();
        for bytes in sent.iter().skip(self.read as usize).cloned().collect::<Vec<_>>() {
            self.read += 1;
            self.feed(round::Input::Message { from: OWN, bytes: bytes.into() });
        }
        for from in [ConnectionId(2), ConnectionId(3)] {
            let Some(other) = self.others.get_mut(&from) else { return };
            other.handle(peer::Input::Timeout, Timestamp(0));
            let mut said = Vec::new();
            while let Some(output) = other.poll_output() {
                match output {
                    peer::Output::Send(bytes) => said.push(bytes),
                    peer::Output::Event(peer::Event::SafetyWords { awaited: true, .. }) => {
                        other.handle(peer::Input::WordsMatch, Timestamp(0));
                    }
                    _ => {}
                }
            }
            for bytes in said {
                self.feed(round::Input::Message { from, bytes: bytes.into() });
            }
        }
    }

    async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if condition(self) {
                return;
            }
            self.relay();
            pause(25).await;
        }
        panic!("in vain: {what}; heard {:?}", self.heard.borrow());
    }

    fn heard(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.heard.borrow().iter().any(wanted)
    }

    /// The words that were shown.
    fn words(&self) -> Option<SafetyWords> {
        self.heard.borrow().iter().find_map(|event| match event {
            Event::Words(words) => Some(words.expect("there is memory for them")),
            _ => None,
        })
    }

    /// The words as they should be.
    fn right_words(&self) -> SafetyWords {
        let digests = self.heard.borrow().iter().find_map(|event| match event {
            Event::Protocol(peer::Event::SafetyWords { study, committee, awaited: true }) => {
                Some((*study, *committee))
            }
            _ => None,
        });
        let (study, committee) = digests.expect("the words were asked for");
        SafetyWords::compute(study, committee).expect("there is memory for them")
    }
}

/// Milliseconds since the page was opened.
fn now() -> f64 {
    js_sys::eval("performance.now()").expect("it is there").as_f64().expect("a number")
}

#[wasm_bindgen_test]
async fn the_words_are_shown_and_nothing_is_contributed_before_they_match() {
    let mut trial = Trial::new().await;
    trial.until("the words", |trial| trial.words().is_some()).await;
    assert!(!trial.heard(|event| matches!(event, Event::WordsInPage)), "a worker computes them");
    assert_eq!(trial.words(), Some(trial.right_words()));
    for _ in 0..10 {
        trial.relay();
        pause(25).await;
    }
    assert_eq!(trial.peer.stage(), Some(Stage::Comparing));
    assert!(!has_contributed());
    trial.peer.words_match();
    trial.until("the contribution", |_| has_contributed()).await;
    trial.peer.leave();
}

#[wasm_bindgen_test]
async fn the_page_goes_on_while_they_are_computed() {
    // The longest time, in milliseconds, for which nothing else had its turn.
    js_sys::eval(
        "window.longest = 0; window.last = performance.now();
         window.beat = setInterval(() => {
           const now = performance.now();
           window.longest = Math.max(window.longest, now - window.last);
           window.last = now;
         }, 1);",
    )
    .expect("the script runs");
    let mut trial = Trial::new().await;
    let asked = |event: &Event| matches!(event, Event::Protocol(peer::Event::SafetyWords { .. }));
    trial.until("the committee", |trial| trial.heard(asked)).await;
    js_sys::eval("window.longest = 0; window.last = performance.now();").expect("the script runs");
    let begun = now();
    trial.until("the words", |trial| trial.words().is_some()).await;
    let took = now() - begun;
    let longest = js_sys::eval("clearInterval(window.beat); window.longest").expect("it is there");
    let longest = longest.as_f64().expect("a number");
    wasm_bindgen_test::console_log!(
        "the words took {took:.0} ms, the page stood still for {longest:.0} ms"
    );
    assert!(longest < took / 2.0, "the page stood still for {longest} of {took} ms");
    trial.peer.leave();
}

/// Built with `WARDSUM_BENCH` set, this is the benchmark: the median of several times from the committee to the words,
/// in which a worker is started, loads the program and computes them.
#[wasm_bindgen_test]
async fn the_time_to_the_words_can_be_measured() {
    let times = if option_env!("WARDSUM_BENCH").is_some() { 9 } else { 1 };
    let mut took = Vec::new();
    for _ in 0..times {
        let mut trial = Trial::new().await;
        trial.until("the words", |trial| trial.words().is_some()).await;
        let [asked, shown] = trial.times.get();
        assert!(0.0 < asked && asked < shown);
        took.push(shown - asked);
        trial.peer.leave();
    }
    took.sort_by(f64::total_cmp);
    let microseconds = took[times / 2] * 1e3;
    wasm_bindgen_test::console_log!("operation\tsafety words by a worker\t{microseconds:.0}");
}

#[wasm_bindgen_test]
async fn without_a_worker_the_page_says_so_and_computes_them_itself() {
    for workers in [NO_WORKERS, BROKEN_WORKERS] {
        let _workers = Sabotage::new("window", "Worker", workers);
        let mut trial = Trial::new().await;
        trial.until("the words", |trial| trial.words().is_some()).await;
        assert_eq!(trial.words(), Some(trial.right_words()));
        let heard = trial.heard.borrow();
        let told = heard.iter().position(|event| matches!(event, Event::WordsInPage));
        let words = heard.iter().position(|event| matches!(event, Event::Words(_)));
        assert!(told.is_some() && told < words, "{heard:?}");
        drop(heard);
        trial.peer.leave();
    }
}

#[wasm_bindgen_test]
async fn whoever_has_other_words_leaves_and_says_so_and_nothing_is_kept() {
    let mut trial = Trial::new().await;
    trial.until("the words", |trial| trial.words().is_some()).await;
    trial.peer.words_differ();
    let failed =
        |event: &Event| matches!(event, Event::Protocol(peer::Event::Failed(Failure::WordsDiffer)));
    trial.until("the end", |trial| trial.heard(failed)).await;
    assert!(has_sent(|message| matches!(message, PeerMessage::WordsDiffer)));
    assert!(!has_contributed());
    let kept = wardsum_peer::resumable().await.expect("it can be read");
    assert_eq!(kept.identities, []);
}

#[wasm_bindgen_test]
async fn nobody_can_compare_words_that_were_not_shown() {
    let mut trial = Trial::new().await;
    trial.peer.words_match();
    trial.peer.words_differ();
    trial.until("the words", |trial| trial.words().is_some()).await;
    assert_eq!(trial.peer.stage(), Some(Stage::Comparing));
    assert!(!has_contributed());
    trial.peer.leave();
}
