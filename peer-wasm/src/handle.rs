//! The peer as a page in Rust uses it, and the loop that drives it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};

use wardsum_protocol::peer::{self, AnswerError, Disclosure, Input, Output, Peer, Stage};
use wardsum_protocol::{Entropy, Study};
use zeroize::Zeroizing;

use crate::ConnectError;
use crate::clock::Clock;
use crate::socket::{Socket, SocketEvent};
use crate::turn::Turn;

/// How long the peer works before it gives the browser a turn, in milliseconds. Well below the 50
/// ms after which people notice, since one message may be begun just before it is up.
pub const SLICE_MS: u64 = 12;

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// The connection to the hospital stands.
    Connected,
    /// Something happened in the round.
    Protocol(peer::Event),
    /// The connection is over. Not told after [`PeerHandle::leave`].
    Disconnected {
        /// The close code: 4400 and up are the hospital's refusals, 1001 means that it shuts down,
        /// 1006 that the connection broke.
        code: u16,
        /// What the hospital gave as reason; empty if it gave none.
        reason: String,
        /// Whether the connection ever stood. If not, the hospital cannot be reached or does not
        /// know the study: browsers do not tell which.
        opened: bool,
    },
}

/// One patient's peer in one round. Cloning gives another handle to the same peer.
///
/// A listener that keeps a handle to its own peer keeps it alive until [`PeerHandle::leave`].
#[derive(Clone)]
pub struct PeerHandle {
    inner: Rc<Inner>,
}

impl PeerHandle {
    /// Makes a peer with fresh entropy and starts to connect to `url`, `wss://HOST/ws/STUDY`.
    /// Nothing but the handshake leaves the page before [`PeerHandle::answer`].
    pub fn connect(url: &str, on_event: impl FnMut(Event) + 'static) -> Result<Self, ConnectError> {
        let mut entropy = Zeroizing::new([0; 32]);
        getrandom::fill(entropy.as_mut()).map_err(|_| ConnectError::NoEntropy)?;
        let peer = Peer::new(Entropy::new(*entropy));

        // The browser's closures must not keep the peer alive: dropping the last handle ends it.
        let inner = Rc::new(Inner {
            listener: RefCell::new(Some(Box::new(on_event))),
            driver: RefCell::new(None),
        });
        let weak = Rc::downgrade(&inner);
        let clock = Clock::new(upgraded(&weak, |inner| inner.enqueue(Task::Peer(Input::Timeout))))?;
        let turn = Turn::new(upgraded(&weak, Inner::run_slice))?;
        let socket = Socket::open(url, move |event| {
            if let Some(inner) = weak.upgrade() {
                inner.enqueue(Task::Socket(event));
            }
        })?;
        *inner.driver.borrow_mut() = Some(Driver {
            peer,
            socket: Some(socket),
            clock,
            turn,
            tasks: VecDeque::new(),
            events: VecDeque::new(),
            due: false,
            opened: false,
        });
        Ok(Self { inner })
    }

    /// Gives the patient's answer, once. The peer enrols with it, or contributes if the committee
    /// already stands.
    pub fn answer(&self, value: i128) -> Result<(), AnswerError> {
        let Some(result) = self.inner.with_driver(|driver| {
            let result = driver.peer.answer(value, driver.clock.now());
            driver.drain();
            result
        }) else {
            return Err(AnswerError::Closed);
        };
        self.inner.deliver();
        result
    }

    /// Leaves the round: closes the connection, erases the secrets, and tells no more events.
    /// Nothing is sent but the close frame.
    pub fn leave(&self) {
        // Dropped before the listener, which may own other handles and call them while it is
        // dropped.
        let driver = self.inner.driver.borrow_mut().take();
        drop(driver);
        let listener = self.inner.listener.borrow_mut().take();
        drop(listener);
    }

    /// Where the peer stands; `None` after [`PeerHandle::leave`].
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.inner.with_driver(|driver| driver.peer.stage())
    }

    /// What has left this device; `None` after [`PeerHandle::leave`].
    #[must_use]
    pub fn disclosure(&self) -> Option<Disclosure> {
        self.inner.with_driver(|driver| driver.peer.disclosure())
    }

    /// The study, once it has arrived.
    #[must_use]
    pub fn study(&self) -> Option<Study> {
        self.inner.with_driver(|driver| driver.peer.study().cloned()).flatten()
    }
}

impl fmt::Debug for PeerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerHandle").field("stage", &self.stage()).finish_non_exhaustive()
    }
}

/// What one peer's handles and closures share.
struct Inner {
    /// Taken while it runs, so that a listener may call back without being called twice at once.
    listener: RefCell<Option<Listener>>,
    /// `None` before the connection was begun and after the peer has left.
    driver: RefCell<Option<Driver>>,
}

type Listener = Box<dyn FnMut(Event)>;

impl Inner {
    fn with_driver<T>(&self, f: impl FnOnce(&mut Driver) -> T) -> Option<T> {
        self.driver.borrow_mut().as_mut().map(f)
    }

    /// Puts work at the end of the queue.
    fn enqueue(&self, task: Task) {
        self.with_driver(|driver| {
            driver.tasks.push_back(task);
            driver.turn.ask();
        });
    }

    /// Works until the queue is empty or the slice is over.
    fn run_slice(&self) {
        let Some(end) = self.with_driver(|driver| {
            driver.turn.taken();
            driver.clock.now().after(SLICE_MS)
        }) else {
            return;
        };
        while let Some(true) = self.with_driver(Driver::run_task) {
            self.deliver();
            let out_of_time = self.with_driver(|driver| driver.clock.now() >= end);
            if out_of_time == Some(true) {
                self.with_driver(|driver| driver.turn.ask());
                return;
            }
        }
    }

    /// Tells the listener what has happened, in order. The peer is not borrowed meanwhile.
    fn deliver(&self) {
        loop {
            // Absent while it runs: then the call further up tells it the rest.
            let Some(mut listener) = self.listener.borrow_mut().take() else { return };
            let event = self.with_driver(|driver| driver.events.pop_front()).flatten();
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

/// The state machine and everything that it is connected to.
struct Driver {
    peer: Peer,
    /// `None` once it has closed.
    socket: Option<Socket>,
    clock: Clock,
    turn: Turn,
    tasks: VecDeque<Task>,
    events: VecDeque<Event>,
    /// The peer has more work of its own, such as the next slice of sealing.
    due: bool,
    opened: bool,
}

/// Something that waits for its turn.
enum Task {
    Socket(SocketEvent),
    Peer(Input),
}

impl Driver {
    /// Does the next piece of work; says whether there was one.
    fn run_task(&mut self) -> bool {
        // First the peer's own work, which is bounded, and which the others are waiting for.
        if self.due {
            self.due = false;
            self.input(Input::Timeout);
            return true;
        }
        let Some(task) = self.tasks.pop_front() else { return false };
        match task {
            Task::Peer(input) => self.input(input),
            Task::Socket(SocketEvent::Opened) => {
                self.opened = true;
                self.events.push_back(Event::Connected);
                self.input(Input::Connected);
            }
            Task::Socket(SocketEvent::Message(bytes)) => self.input(Input::Message(bytes)),
            Task::Socket(SocketEvent::Closed { code, reason }) => {
                self.socket = None;
                self.events.push_back(Event::Disconnected { code, reason, opened: self.opened });
                self.input(Input::ConnectionLost { code });
            }
        }
        true
    }

    fn input(&mut self, input: Input) {
        self.peer.handle(input, self.clock.now());
        self.drain();
    }

    /// Does what the peer asks for, until it asks for no more.
    fn drain(&mut self) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                // Nothing is durable here: a peer that is reloaded is a new peer, and the old one's
                // keys are gone.
                Output::Persist(_) => {}
                Output::Send(bytes) => {
                    if let Some(socket) = &self.socket {
                        socket.send(&bytes);
                    }
                }
                Output::Event(event) => self.events.push_back(Event::Protocol(event)),
                Output::Timeout(at) => {
                    self.due = at.is_some_and(|at| at <= self.clock.now());
                    self.clock.set_timer(at.filter(|_| !self.due));
                }
            }
        }
        // Work that is due needs no timer, which a browser holds back in a tab in the background.
        if self.due {
            self.turn.ask();
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
