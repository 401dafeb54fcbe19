//! The peer as a page in Rust uses it, and the loop that drives it.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use wardsum_protocol::peer::{AnswerError, Disclosure, Input, Memory, Peer, Stage};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{Entropy, Invitation, Study, Timestamp};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::driver::{Driver, Keeper, Task};
use crate::keeping::Keeping;
use crate::turn::Turn;
use crate::wake::{Surroundings, Wake};
use crate::{ConnectError, Event, Kept, spent};

/// How long the peer works before it gives the browser a turn, in milliseconds. Well below the 50
/// ms after which people notice, since one message may be begun just before it is up.
pub const SLICE_MS: u64 = 12;

/// One patient's peer in one round. Cloning gives another handle to the same peer.
///
/// A listener that keeps a handle to its own peer keeps it alive until [`PeerHandle::leave`] or
/// [`PeerHandle::close`].
#[derive(Clone)]
pub struct PeerHandle {
    inner: Rc<Inner>,
}

impl PeerHandle {
    /// Makes a peer with fresh entropy and starts to connect to `url`, `wss://HOST/ws/STUDY`.
    /// Nothing but the handshake leaves the page before [`PeerHandle::answer`].
    pub fn connect(url: &str, on_event: impl FnMut(Event) + 'static) -> Result<Self, ConnectError> {
        Self::connect_as(url, None, Box::new(on_event))
    }

    /// The same for somebody with an invitation, whose round the peer connects to. Where an answer was sent with it
    /// from this browser before, the peer takes no part
    /// ([`Failure::InvitationUsed`](wardsum_protocol::peer::Failure::InvitationUsed)).
    pub fn connect_invited(
        url: &str,
        invitation: Invitation,
        on_event: impl FnMut(Event) + 'static,
    ) -> Result<Self, ConnectError> {
        Self::connect_as(url, Some(invitation), Box::new(on_event))
    }

    fn connect_as(
        url: &str,
        invitation: Option<Invitation>,
        on_event: Listener,
    ) -> Result<Self, ConnectError> {
        let mut entropy = Zeroizing::new([0; 32]);
        getrandom::fill(entropy.as_mut()).map_err(|_| ConnectError::NoEntropy)?;
        let entropy = Entropy::new(*entropy);
        let start = |now| {
            let peer = match invitation {
                None => Peer::new(entropy, now),
                Some(invitation) if spent::is_spent(&invitation) => {
                    Peer::invited_again(entropy, invitation, now)
                }
                Some(invitation) => Peer::invited(entropy, invitation, now),
            };
            (peer, None, Keeper::Preparing)
        };
        let handle = Self::start(url, on_event, start)?;
        let (inner, study_id) = (Rc::downgrade(&handle.inner), study_id(url));
        js_sys::futures::spawn_local(async move {
            let prepared = Keeping::fresh(study_id).await;
            if let Some(inner) = inner.upgrade() {
                inner.with_driver(|driver| driver.prepared(prepared));
                inner.deliver();
            }
        });
        Ok(handle)
    }

    /// Goes on as the peer that was kept, at the same study of the hospital.
    pub fn resume(
        url: &str,
        kept: Kept,
        on_event: impl FnMut(Event) + 'static,
    ) -> Result<Self, ConnectError> {
        let Kept { memory, keeping } = kept;
        // From here on the tab is this peer, after a reload as well.
        keeping.remember();
        let start = |now| {
            let peer = Peer::resume(memory.clone(), now);
            (peer, Some(memory), Keeper::Ready(Rc::new(keeping)))
        };
        Self::start(url, Box::new(on_event), start)
    }

    fn start(
        url: &str,
        on_event: Listener,
        peer: impl FnOnce(Timestamp) -> (Peer, Option<Memory>, Keeper),
    ) -> Result<Self, ConnectError> {
        // The browser's closures must not keep the peer alive: dropping the last handle ends it.
        let inner =
            Rc::new(Inner { listener: RefCell::new(Some(on_event)), driver: RefCell::new(None) });
        let weak = Rc::downgrade(&inner);
        let clock = Clock::new(upgraded(&weak, |inner| inner.enqueue(Task::Peer(Input::Timeout))))?;
        let turn = Turn::new(upgraded(&weak, Inner::run_slice))?;
        let wake = Wake::new({
            let weak = weak.clone();
            move |surroundings: Surroundings| {
                if let Some(inner) = weak.upgrade() {
                    inner.enqueue(Task::Surroundings(surroundings));
                }
            }
        })?;
        let (peer, memory, keeper) = peer(clock.now());
        let mut driver = Driver::new(peer, memory, keeper, url, weak, clock, turn, wake);
        // The first thing that a peer wants is a connection.
        driver.drain();
        if let Some(refused) = driver.refused() {
            return Err(refused);
        }
        driver.ask_turn();
        *inner.driver.borrow_mut() = Some(driver);
        Ok(Self { inner })
    }

    /// Gives the patient's answer, once: a response to each question of the study, in their order. As soon as it is
    /// written down the peer enrols with it, or contributes if the committee already stands.
    pub fn answer(&self, responses: Vec<Response>) -> Result<(), AnswerError> {
        let result = self.inner.with_driver(|driver| driver.answer(responses));
        self.inner.deliver();
        result.unwrap_or(Err(AnswerError::Closed))
    }

    /// The patient has compared the safety words ([`Event::Words`]), and they are those of the others: the answer is
    /// sent, if it has waited for that. Nothing happens before the words were told.
    pub fn words_match(&self) {
        self.inner.with_driver(|driver| driver.compared(true));
    }

    /// The safety words are not those of the others: the peer leaves the round, has the others told, and erases
    /// what was kept ([`Failure::WordsDiffer`](wardsum_protocol::peer::Failure::WordsDiffer)). Nothing happens
    /// before the words were told.
    pub fn words_differ(&self) {
        self.inner.with_driver(|driver| driver.compared(false));
    }

    /// Leaves the round for good: says so to the hospital, closes the connection, erases what was
    /// kept, and tells no more events. An answer that the hospital has acknowledged may still count.
    pub fn leave(&self) {
        self.inner.with_driver(Driver::leave);
        self.close();
    }

    /// Ends this peer here: closes the connection and tells no more events. What is kept stays, and
    /// can be taken up again.
    pub fn close(&self) {
        // Dropped before the listener, which may own other handles and call them while it is
        // dropped.
        let driver = self.inner.driver.borrow_mut().take();
        drop(driver);
        let listener = self.inner.listener.borrow_mut().take();
        drop(listener);
    }

    /// Where the peer stands; `None` after [`PeerHandle::leave`] and [`PeerHandle::close`].
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.inner.with_driver(|driver| driver.stage())
    }

    /// What has left this device since the peer was started or resumed; `None` after
    /// [`PeerHandle::leave`] and [`PeerHandle::close`].
    #[must_use]
    pub fn disclosure(&self) -> Option<Disclosure> {
        self.inner.with_driver(|driver| driver.disclosure())
    }

    /// The text of a file that the patient can hold against the round's transcript later
    /// ([`Receipt`](wardsum_protocol::Receipt)). There is one from
    /// [`ContributionAcknowledged`](wardsum_protocol::peer::Event::ContributionAcknowledged) on, and it says
    /// more after [`Published`](wardsum_protocol::peer::Event::Published).
    #[must_use]
    pub fn receipt(&self) -> Option<String> {
        self.inner.with_driver(|driver| driver.receipt()).flatten()
    }

    /// The study, once it has arrived.
    #[must_use]
    pub fn study(&self) -> Option<Study> {
        self.inner.with_driver(|driver| driver.study()).flatten()
    }
}

impl fmt::Debug for PeerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerHandle").field("stage", &self.stage()).finish_non_exhaustive()
    }
}

/// What one peer's handles and closures share.
pub(crate) struct Inner {
    /// Taken while it runs, so that a listener may call back without being called twice at once.
    listener: RefCell<Option<Listener>>,
    /// `None` before the connection was begun and after the peer has left.
    driver: RefCell<Option<Driver>>,
}

type Listener = Box<dyn FnMut(Event)>;

impl Inner {
    pub(crate) fn with_driver<T>(&self, f: impl FnOnce(&mut Driver) -> T) -> Option<T> {
        self.driver.borrow_mut().as_mut().map(f)
    }

    /// Puts work at the end of the queue.
    pub(crate) fn enqueue(&self, task: Task) {
        self.with_driver(|driver| {
            driver.enqueue(task);
        });
    }

    /// Works until the queue is empty or the slice is over.
    fn run_slice(&self) {
        let Some(end) = self.with_driver(|driver| {
            driver.turn_taken();
            driver.now().after(SLICE_MS)
        }) else {
            return;
        };
        // What happened while the peer was made, when nobody could be told yet.
        self.deliver();
        while let Some(true) = self.with_driver(Driver::run_task) {
            self.deliver();
            let out_of_time = self.with_driver(|driver| driver.now() >= end);
            if out_of_time == Some(true) {
                self.with_driver(Driver::ask_turn);
                return;
            }
        }
    }

    /// Tells the listener what has happened, in order. The peer is not borrowed meanwhile.
    pub(crate) fn deliver(&self) {
        loop {
            // Absent while it runs: then the call further up tells it the rest.
            let Some(mut listener) = self.listener.borrow_mut().take() else { return };
            let event = self.with_driver(Driver::next_event).flatten();
            let told = event.map(&mut listener).is_some();
            if self.driver.borrow().is_some() {
                *self.listener.borrow_mut() = Some(listener);
            }
            if !told {
                return;
            }
        }
    }
}

/// A closure that does nothing once the peer is gone.
fn upgraded(weak: &Weak<Inner>, f: impl Fn(&Inner) + 'static) -> impl FnMut() + 'static {
    let weak = weak.clone();
    move || {
        if let Some(inner) = weak.upgrade() {
            f(&inner);
        }
    }
}

/// The study's id in `wss://HOST/ws/STUDY`.
pub(crate) fn study_id(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let id = path.rsplit('/').next().unwrap_or_default();
    js_sys::decode_uri_component(id).map_or_else(|_| id.to_owned(), String::from)
}
