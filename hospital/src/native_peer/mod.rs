//! A patient's peer outside a browser: the protocol's [`Peer`] on a WebSocket over TLS.
//!
//! Simulations, tests and benchmarks take part in rounds with it, over the same sockets as everybody
//! else. It comes back when its connection breaks; what it would need to come back after its process
//! has ended is in [`NativePeer::memory`].
//!
//! The machine's work (a millisecond here and there, in slices) is done on the task that drives the
//! peer. Whoever drives many gives them a runtime of their own.

mod connect;
mod hazards;

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use wardsum_protocol::peer::{
    AnswerError, Disclosure, Event, Failure, Input, Memory, Output, Peer, Stage,
};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{Entropy, Invitation, Receipt, Study, Timestamp};

pub use connect::{ConnectError, Connector, Socket};
pub use hazards::{Breaks, Hazards, Turns, Vanishes};

use crate::clock::Clock;
use crate::limits::BATCH;

/// The close code of a connection that broke without one (RFC 6455, section 7.1.5).
const ABNORMAL: u16 = 1006;

/// One patient's peer.
pub struct NativePeer {
    machine: Peer,
    hospital: Connector,
    study_id: String,
    link: Link,
    memory: Option<Memory>,
    clock: Clock,
    timer: Option<Timestamp>,
    events: VecDeque<Event>,
    traffic: Traffic,
    close_reason: Option<String>,
    hazards: Hazards,
    /// Whether a hazard has taken the peer away for good.
    vanished: bool,
}

/// A peer's connection.
enum Link {
    /// None is wanted at the moment.
    Closed,
    /// It is being made.
    Opening(BoxFuture<'static, Result<Box<Socket>, ConnectError>>),
    /// It stands.
    Open(Box<Socket>),
}

/// What the link has brought.
enum Brought {
    Socket(Result<Box<Socket>, ConnectError>),
    Message(Option<Received>),
}

impl Link {
    /// Waits for what it brings next; for ever, if it is closed. Dropping the future loses nothing.
    async fn next(&mut self) -> Brought {
        match self {
            Self::Closed => std::future::pending().await,
            Self::Opening(opening) => Brought::Socket(opening.await),
            Self::Open(socket) => Brought::Message(socket.next().await),
        }
    }
}

/// What went over one peer's WebSocket: protocol messages, without frames and TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes to the hospital.
    pub bytes_up: u64,
    /// Bytes from the hospital.
    pub bytes_down: u64,
    /// Messages to the hospital.
    pub messages_up: u64,
    /// Messages from the hospital.
    pub messages_down: u64,
}

impl NativePeer {
    /// Connects to a study with fresh keys.
    pub async fn connect(hospital: &Connector, study: &str) -> Result<Self, ConnectError> {
        Self::connect_with(hospital, study, None, Hazards::default()).await
    }

    /// Connects with fresh keys to the study, and the round, that an invitation is for.
    pub async fn connect_invited(
        hospital: &Connector,
        study: &str,
        invitation: Invitation,
    ) -> Result<Self, ConnectError> {
        Self::connect_with(hospital, study, Some(invitation), Hazards::default()).await
    }

    /// Connects to a study with fresh keys, and with an invitation if it is not open, and lets these
    /// things happen from then on.
    pub async fn connect_with(
        hospital: &Connector,
        study: &str,
        invitation: Option<Invitation>,
        hazards: Hazards,
    ) -> Result<Self, ConnectError> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let clock = Clock::starting_at(Timestamp::default());
        let entropy = Entropy::new(entropy);
        let machine = match invitation {
            None => Peer::new(entropy, clock.now()),
            Some(invitation) => Peer::invited(entropy, invitation, clock.now()),
        };
        let mut peer = Self::drive(machine, None, hospital, study, clock);
        peer.hazards = hazards;
        peer.perform_outputs().await;
        // Whoever cannot connect at all is told why; later the machine tries again by itself.
        if let Link::Opening(opening) = &mut peer.link {
            let socket = opening.await?;
            peer.opened(Ok(socket)).await;
        }
        Ok(peer)
    }

    /// Goes on as the peer that remembers this.
    pub async fn resume(hospital: &Connector, study: &str, memory: Memory) -> Self {
        let clock = Clock::starting_at(Timestamp::default());
        let machine = Peer::resume(memory.clone(), clock.now());
        let mut peer = Self::drive(machine, Some(memory), hospital, study, clock);
        peer.perform_outputs().await;
        peer
    }

    fn drive(
        machine: Peer,
        memory: Option<Memory>,
        hospital: &Connector,
        study: &str,
        clock: Clock,
    ) -> Self {
        Self {
            machine,
            hospital: hospital.clone(),
            study_id: study.to_owned(),
            link: Link::Closed,
            memory,
            clock,
            timer: None,
            events: VecDeque::new(),
            traffic: Traffic::default(),
            close_reason: None,
            hazards: Hazards::default(),
            vanished: false,
        }
    }

    /// Waits for what happens next. `None` means that the peer's part is over, and the last event said
    /// how, or that a hazard made it vanish. A call that is given up may lose what it had received.
    pub async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_over() {
                return None;
            }
            let due = self.timer.map(|at| self.clock.instant(at));
            tokio::select! {
                brought = self.link.next() => match brought {
                    Brought::Socket(opened) => self.opened(opened).await,
                    Brought::Message(received) => {
                        let inputs = self.receive(received);
                        self.step(inputs).await;
                    }
                },
                () = time::sleep_until(due.unwrap_or_else(time::Instant::now)), if due.is_some() => {
                    self.step([Input::Timeout]).await;
                }
            }
        }
    }

    /// Gives the patient's answer, a response to each question.
    pub async fn answer(&mut self, responses: Vec<Response>) -> Result<(), AnswerError> {
        self.machine.answer(responses, self.clock.now())?;
        self.perform_outputs().await;
        Ok(())
    }

    /// Gives the answer to a study that asks for one number.
    pub async fn answer_number(&mut self, number: i128) -> Result<(), AnswerError> {
        self.answer(vec![Response::Number(number)]).await
    }

    /// Leaves the round, and says so to the hospital.
    pub async fn leave(mut self) {
        self.step([Input::Leave]).await;
        self.close().await;
    }

    /// Leaves the round because the safety words differ, and says so to the hospital.
    pub async fn dispute_words(mut self) {
        self.step([Input::WordsDiffer]).await;
        self.close().await;
    }

    /// Closes the connection, in order.
    pub async fn close(&mut self) {
        if let Link::Open(mut socket) = std::mem::replace(&mut self.link, Link::Closed) {
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            // A connection that is gone already is as closed as it can be.
            let _ = WebSocketStream::close(&mut socket, Some(frame)).await;
        }
    }

    /// Cuts the connection, as a network does: the hospital is not told, and the peer notices.
    pub async fn cut(&mut self) {
        self.link = Link::Closed;
        self.step([Input::ConnectionLost { code: ABNORMAL }]).await;
    }

    /// What the peer would need to come back after its process has ended, once its patient has answered.
    #[must_use]
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// The study, once it has arrived.
    #[must_use]
    pub fn study(&self) -> Option<&Study> {
        self.machine.study()
    }

    /// What the peer is waiting for.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.machine.stage()
    }

    /// Why the peer's part ended early, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.machine.failure()
    }

    /// The reason in the hospital's close frame, if there was one.
    #[must_use]
    pub fn close_reason(&self) -> Option<&str> {
        self.close_reason.as_deref()
    }

    /// What this peer's patient can hold against the round's transcript, once there is anything.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        self.machine.receipt()
    }

    /// What left this peer.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.machine.disclosure()
    }

    /// What went over the WebSocket.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn is_over(&self) -> bool {
        self.vanished || matches!(self.stage(), Stage::Finished | Stage::Failed)
    }

    async fn opened(&mut self, opened: Result<Box<Socket>, ConnectError>) {
        let input = match opened {
            Ok(socket) => {
                self.link = Link::Open(socket);
                if let Some(breaks) = &mut self.hazards.breaks {
                    breaks.connected();
                }
                Input::Connected
            }
            Err(error) => {
                self.link = Link::Closed;
                self.close_reason = Some(error.to_string());
                Input::ConnectionLost { code: ABNORMAL }
            }
        };
        self.step([input]).await;
    }

    /// Takes what was received, and whatever else is there already, so that it is handled at once.
    fn receive(&mut self, first: Option<Received>) -> Vec<Input> {
        let inputs = self.receive_batch(first);
        if let Some(Input::ConnectionLost { .. }) = inputs.last() {
            self.link = Link::Closed;
        }
        inputs
    }

    fn receive_batch(&mut self, first: Option<Received>) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut next = Some(first);
        while let Some(received) = next {
            match received {
                Some(Ok(Message::Binary(_))) if self.breaks() => {
                    inputs.push(Input::ConnectionLost { code: ABNORMAL });
                    return inputs;
                }
                Some(Ok(Message::Binary(bytes))) => {
                    self.traffic.bytes_down += bytes.len() as u64;
                    self.traffic.messages_down += 1;
                    inputs.push(Input::Message(bytes.into()));
                }
                // The library answers pings by itself.
                Some(Ok(
                    Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_),
                )) => {}
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map_or(ABNORMAL, |frame| frame.code.into());
                    self.close_reason = frame.map(|frame| frame.reason.to_string());
                    inputs.push(Input::ConnectionLost { code });
                    return inputs;
                }
                Some(Err(_)) | None => {
                    inputs.push(Input::ConnectionLost { code: ABNORMAL });
                    return inputs;
                }
            }
            next = match &mut self.link {
                Link::Open(socket) if inputs.len() < BATCH => socket.next().now_or_never(),
                _ => None,
            };
        }
        inputs
    }

    async fn step(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            self.machine.handle(input, self.clock.now());
            self.perform_outputs().await;
        }
    }

    async fn perform_outputs(&mut self) {
        while !self.perform_until_broken().await {
            let lost = Input::ConnectionLost { code: ABNORMAL };
            self.machine.handle(lost, self.clock.now());
        }
    }

    /// Performs all outputs; `false` if the connection broke, of which the machine has to hear then.
    async fn perform_until_broken(&mut self) -> bool {
        let (mut flush, mut broken) = (false, false);
        while let Some(output) = self.machine.poll_output() {
            match output {
                // Nothing is done any more.
                _ if self.vanished => {}
                Output::Persist(record) => {
                    self.memory = Memory::after(self.memory.take(), &record);
                }
                Output::Connect(round) => {
                    let (hospital, study) = (self.hospital.clone(), self.study_id.clone());
                    let opening =
                        async move { hospital.connect(&study, round).await.map(Box::new) };
                    self.link = Link::Opening(Box::pin(opening));
                    broken = false;
                }
                // What was sent before still leaves.
                Output::Disconnect => {
                    self.close().await;
                    broken = false;
                }
                Output::Send(bytes) => {
                    self.traffic.bytes_up += bytes.len() as u64;
                    self.traffic.messages_up += 1;
                    if matches!(self.link, Link::Open(_)) && self.breaks() {
                        self.link = Link::Closed;
                        broken = true;
                    }
                    // A connection that broke by itself is noticed where it is read.
                    if let Link::Open(socket) = &mut self.link {
                        flush |= socket.feed(Message::Binary(bytes.into())).await.is_ok();
                    }
                }
                Output::Event(event) => {
                    if let Some(turn) = self.hazards.turns.as_mut().and_then(|turn| turn(&event)) {
                        self.machine.misbehave(turn);
                    }
                    // Nobody looks at a native peer: it agrees at once.
                    if let Event::SafetyWords { awaited: true, .. } = event {
                        self.machine.handle(Input::WordsMatch, self.clock.now());
                    }
                    if self.hazards.vanishes.as_mut().is_some_and(|vanishes| vanishes(&event)) {
                        self.vanished = true;
                        self.link = Link::Closed;
                        broken = false;
                    }
                    self.events.push_back(event);
                }
                Output::Timeout(at) => self.timer = at,
            }
        }
        if flush && let Link::Open(socket) = &mut self.link {
            let _ = socket.flush().await;
        }
        !broken
    }

    /// Whether the connection breaks with the next message.
    fn breaks(&mut self) -> bool {
        self.hazards.breaks.as_mut().is_some_and(Breaks::hit)
    }
}

type Received = Result<Message, tokio_tungstenite::tungstenite::Error>;
