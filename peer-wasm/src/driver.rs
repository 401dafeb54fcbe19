//! What a peer asks for, done in order: the socket, the timer, the browser's storage.

use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use wardsum_protocol::peer::{
    self, AnswerError, Disclosure, Input, Memory, Output, Peer, Record, Stage,
};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{CommitteeDigest, Receipt, Study, StudyDigest, Timestamp};

use crate::clock::Clock;
use crate::handle::Inner;
use crate::keeping::{Keeping, ToWrite};
use crate::socket::{ABNORMAL_CLOSURE, Socket, SocketEvent};
use crate::storage::StorageError;
use crate::turn::Turn;
use crate::wake::{Surroundings, Wake};
use crate::{ConnectError, Event, spent, words};

/// The state machine and everything that it is connected to.
pub(crate) struct Driver {
    peer: Peer,
    /// What is written down, once everything is that is being written.
    memory: Option<Memory>,
    keeper: Keeper,
    work: Work,
    url: String,
    /// For the closures of sockets and writes.
    inner: Weak<Inner>,
    socket: Option<Socket>,
    /// Counts the sockets, so that the last words of an old one are not taken for a new one's.
    sockets: u32,
    refused: Option<ConnectError>,
    clock: Clock,
    turn: Turn,
    tasks: VecDeque<Task>,
    events: VecDeque<Event>,
    /// The peer has more work of its own, such as the next slice of sealing.
    due: bool,
    opened: bool,
    messages_sent: u32,
    bytes_sent: u64,
    /// Whether the safety words were shown.
    words_told: bool,
    _wake: Wake,
}

/// Where the peer is written down.
pub(crate) enum Keeper {
    /// The browser is asked for a place.
    Preparing,
    /// There.
    Ready(Rc<Keeping>),
    /// Nowhere: the browser keeps nothing, and the patient has been told.
    Nobody,
}

/// Whether the driver does what the peer wants done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    GoesOn,
    /// Something is being written down, and what comes after it waits.
    Waits,
    /// Something could not be written down, and nothing more is done.
    Stopped,
}

/// Something that waits for its turn.
pub(crate) enum Task {
    /// Of the socket with this number.
    Socket(u32, SocketEvent),
    Surroundings(Surroundings),
    Peer(Input),
}

impl Driver {
    #[expect(clippy::too_many_arguments, reason = "called in one place, which makes them all")]
    pub(crate) fn new(
        peer: Peer,
        memory: Option<Memory>,
        keeper: Keeper,
        url: &str,
        inner: Weak<Inner>,
        clock: Clock,
        turn: Turn,
        wake: Wake,
    ) -> Self {
        Self {
            peer,
            memory,
            keeper,
            work: Work::GoesOn,
            url: url.to_owned(),
            inner,
            socket: None,
            sockets: 0,
            refused: None,
            clock,
            turn,
            tasks: VecDeque::new(),
            events: VecDeque::new(),
            due: false,
            opened: false,
            messages_sent: 0,
            bytes_sent: 0,
            words_told: false,
            _wake: wake,
        }
    }

    /// Why the browser refused to connect, if it did.
    pub(crate) fn refused(&mut self) -> Option<ConnectError> {
        self.refused.take()
    }

    pub(crate) fn enqueue(&mut self, task: Task) {
        if self.work != Work::Stopped {
            self.tasks.push_back(task);
            self.turn.ask();
        }
    }

    pub(crate) fn turn_taken(&mut self) {
        self.turn.taken();
    }

    pub(crate) fn ask_turn(&mut self) {
        self.turn.ask();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn stage(&self) -> Stage {
        if self.work == Work::Stopped { Stage::Failed } else { self.peer.stage() }
    }

    pub(crate) fn disclosure(&self) -> Disclosure {
        // The peer counts what it has handed over, and some of that may never be sent.
        let (messages_sent, bytes_sent) = (self.messages_sent, self.bytes_sent);
        Disclosure { messages_sent, bytes_sent, ..self.peer.disclosure() }
    }

    pub(crate) fn receipt(&self) -> Option<String> {
        self.peer.receipt().map(Receipt::encode)
    }

    pub(crate) fn study(&self) -> Option<Study> {
        self.peer.study().cloned()
    }

    pub(crate) fn answer(&mut self, responses: Vec<Response>) -> Result<(), AnswerError> {
        if self.work == Work::Stopped {
            return Err(AnswerError::Closed);
        }
        let result = self.peer.answer(responses, self.clock.now());
        self.drain();
        result
    }

    /// Does the next piece of work; says whether there was one.
    pub(crate) fn run_task(&mut self) -> bool {
        // Whatever happens meanwhile has to wait, too: it would be mixed up with what comes before.
        if self.work != Work::GoesOn {
            return false;
        }
        // First the peer's own work, which is bounded, and which the others are waiting for.
        if self.due {
            self.due = false;
            self.input(Input::Timeout);
            return true;
        }
        let Some(task) = self.tasks.pop_front() else { return false };
        match task {
            Task::Peer(input) => self.input(input),
            Task::Surroundings(Surroundings::Awake) => self.input(Input::Wake),
            Task::Surroundings(Surroundings::Offline) => {
                if self.socket.is_some() {
                    self.closed(ABNORMAL_CLOSURE, "this device is offline".to_owned());
                }
            }
            Task::Socket(number, _) if number != self.sockets || self.socket.is_none() => {}
            Task::Socket(_, SocketEvent::Opened) => {
                self.opened = true;
                self.events.push_back(Event::Connected);
                self.input(Input::Connected);
            }
            Task::Socket(_, SocketEvent::Message(bytes)) => self.input(Input::Message(bytes)),
            Task::Socket(_, SocketEvent::Closed { code, reason }) => self.closed(code, reason),
        }
        true
    }

    fn closed(&mut self, code: u16, reason: String) {
        self.socket = None;
        self.events.push_back(Event::Closed { code, reason, opened: self.opened });
        self.input(Input::ConnectionLost { code });
    }

    fn input(&mut self, input: Input) {
        self.peer.handle(input, self.clock.now());
        self.drain();
    }

    /// Does what the peer asks for, until it asks for no more or something has to be written first.
    pub(crate) fn drain(&mut self) {
        while self.work == Work::GoesOn {
            let Some(output) = self.peer.poll_output() else { break };
            match output {
                Output::Persist(record) => self.persist(&record),
                Output::Connect(round) => self.connect(round),
                Output::Disconnect => self.socket = None,
                Output::Send(bytes) => {
                    if let Some(socket) = &self.socket {
                        socket.send(&bytes);
                        self.messages_sent += 1;
                        self.bytes_sent += bytes.len() as u64;
                    }
                }
                Output::Event(event) => {
                    if let peer::Event::SafetyWords { study, committee, .. } = event {
                        self.compute_words(study, committee);
                    }
                    self.events.push_back(Event::Protocol(event));
                }
                Output::Timeout(at) => {
                    self.due = at.is_some_and(|at| at <= self.clock.now());
                    self.clock.set_timer(at.filter(|_| !self.due));
                }
            }
        }
        // Work that is due needs no timer, which a browser holds back in a tab in the background.
        if self.due && self.work == Work::GoesOn {
            self.turn.ask();
        }
    }

    fn connect(&mut self, round: Option<StudyDigest>) {
        self.sockets = self.sockets.wrapping_add(1);
        let (inner, number) = (Weak::clone(&self.inner), self.sockets);
        let opening = Socket::open(&address(&self.url, round), move |event| {
            if let Some(inner) = inner.upgrade() {
                inner.enqueue(Task::Socket(number, event));
            }
        });
        match opening {
            Ok(socket) => self.socket = Some(socket),
            Err(refused) => {
                self.socket = None;
                self.refused = Some(refused);
                self.enqueue(Task::Peer(Input::ConnectionLost { code: ABNORMAL_CLOSURE }));
            }
        }
    }

    fn compute_words(&self, study: StudyDigest, committee: CommitteeDigest) {
        let inner = Weak::clone(&self.inner);
        let tell = move |event| {
            if let Some(inner) = inner.upgrade() {
                inner.with_driver(|driver| {
                    driver.words_told |= matches!(event, Event::Words(Ok(_)));
                    driver.events.push_back(event);
                });
                inner.deliver();
            }
        };
        js_sys::futures::spawn_local(async move {
            let words = if let Some(words) = words::in_worker(study, committee).await {
                Ok(words)
            } else {
                tell(Event::WordsInPage);
                words::here(study, committee).await
            };
            tell(Event::Words(words));
        });
    }

    /// What the patient says of the safety words, which nobody can compare before they are shown.
    pub(crate) fn compared(&mut self, they_match: bool) {
        if self.words_told {
            let input = if they_match { Input::WordsMatch } else { Input::WordsDiffer };
            self.enqueue(Task::Peer(input));
        }
    }

    fn persist(&mut self, record: &Record) {
        // Before what was kept is erased: a page that is closed in between finds the one or the other.
        if let Record::Finished { published: Some(published), .. } = record
            && let (Some(memory), Keeper::Ready(keeping)) = (&self.memory, &self.keeper)
        {
            keeping.note_outcome(memory.study().clone(), published.clone(), self.receipt());
        }
        self.memory = Memory::after(self.memory.take(), record);
        let invitation = self.memory.as_ref().and_then(Memory::invitation);
        if let (Record::Contributing(_), Some(invitation)) = (record, invitation) {
            spent::note(invitation);
        }
        match &self.keeper {
            Keeper::Nobody => {}
            // Written once it is known where.
            Keeper::Preparing => self.work = Work::Waits,
            Keeper::Ready(keeping) => {
                let keeping = Rc::clone(keeping);
                self.write(keeping);
            }
        }
    }

    /// It is known where the peer can be written down, or that it cannot be.
    pub(crate) fn prepared(&mut self, prepared: Result<Keeping, StorageError>) {
        match prepared {
            Ok(keeping) => {
                let keeping = Rc::new(keeping);
                self.keeper = Keeper::Ready(Rc::clone(&keeping));
                if self.work == Work::Waits {
                    self.write(keeping);
                }
            }
            // An answer that is given already was given without knowing this.
            Err(error) if self.work == Work::Waits => self.stop(error),
            Err(error) => {
                self.keeper = Keeper::Nobody;
                self.events.push_back(Event::NotKept(error));
            }
        }
    }

    fn write(&mut self, keeping: Rc<Keeping>) {
        self.work = Work::Waits;
        let inner = Weak::clone(&self.inner);
        let (erasing, what) = (self.memory.is_none(), self.memory.as_ref().map(ToWrite::of));
        js_sys::futures::spawn_local(async move {
            let result = keeping.write(what).await;
            if let Some(inner) = inner.upgrade() {
                inner.with_driver(|driver| driver.written(erasing, result));
                inner.deliver();
            }
        });
    }

    fn written(&mut self, erasing: bool, result: Result<(), StorageError>) {
        self.work = Work::GoesOn;
        match result {
            Ok(()) => {}
            // The peer has nothing to send any more.
            Err(error) if erasing => self.events.push_back(Event::NotErased(error)),
            Err(error) => return self.stop(error),
        }
        self.drain();
        self.turn.ask();
    }

    /// Goes no further.
    fn stop(&mut self, error: StorageError) {
        self.work = Work::Stopped;
        self.socket = None;
        self.due = false;
        self.clock.set_timer(None);
        self.tasks.clear();
        self.events.push_back(Event::StorageFailed(error));
    }

    /// Says goodbye and erases what was kept. The caller drops the driver next.
    pub(crate) fn leave(&mut self) {
        // What waits to be done until something is written is not done any more.
        while self.peer.poll_output().is_some() {}
        self.peer.handle(Input::Leave, self.clock.now());
        while let Some(output) = self.peer.poll_output() {
            if let (Output::Send(bytes), Some(socket)) = (output, &self.socket) {
                socket.send(&bytes);
            }
        }
        if let (Some(_), Keeper::Ready(keeping)) = (self.memory.take(), &self.keeper) {
            let keeping = Rc::clone(keeping);
            js_sys::futures::spawn_local(async move {
                // Nobody listens any more. What is left is found as an orphan.
                let _ = keeping.write(None).await;
            });
        }
    }
}

/// Where to connect to, for this round or for the one that is open.
fn address(url: &str, round: Option<StudyDigest>) -> String {
    match round {
        None => url.to_owned(),
        Some(round) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            format!("{url}{separator}round={round}")
        }
    }
}
