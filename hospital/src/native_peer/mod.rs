//! A patient's peer outside a browser: the protocol's [`Peer`] on a WebSocket over TLS.
//!
//! Simulations, tests and benchmarks take part in rounds with it, over the same sockets as everybody
//! else. It keeps nothing, so that a native peer that stops does not come back.
//!
//! The machine's work (a millisecond here and there, in slices) is done on the task that drives the
//! peer. Whoever drives many gives them a runtime of their own.

mod connect;

use std::collections::VecDeque;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use wardsum_protocol::peer::{AnswerError, Disclosure, Event, Failure, Input, Output, Peer, Stage};
use wardsum_protocol::{Entropy, Study, Timestamp};

pub use connect::{ConnectError, Connector, Socket};

use crate::clock::Clock;
use crate::limits::BATCH;

/// The close code of a connection that broke without one (RFC 6455, section 7.1.5).
const ABNORMAL: u16 = 1006;

/// One patient's peer.
pub struct NativePeer {
    machine: Peer,
    socket: Socket,
    clock: Clock,
    timer: Option<Timestamp>,
    events: VecDeque<Event>,
    traffic: Traffic,
    close_reason: Option<String>,
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
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let mut peer = Self {
            machine: Peer::new(Entropy::new(entropy)),
            socket: hospital.connect(study).await?,
            clock: Clock::start(),
            timer: None,
            events: VecDeque::new(),
            traffic: Traffic::default(),
            close_reason: None,
        };
        peer.step([Input::Connected]).await;
        Ok(peer)
    }

    /// Waits for what happens next. `None` means that the peer's part is over, and the last event said
    /// how. A call that is given up may lose what it had received.
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
                received = self.socket.next() => {
                    let inputs = self.receive(received);
                    self.step(inputs).await;
                }
                () = time::sleep_until(due.unwrap_or_else(time::Instant::now)), if due.is_some() => {
                    self.step([Input::Timeout]).await;
                }
            }
        }
    }

    /// Gives the patient's answer.
    pub async fn answer(&mut self, value: i128) -> Result<(), AnswerError> {
        self.machine.answer(value, self.clock.now())?;
        self.perform_outputs().await;
        Ok(())
    }

    /// Leaves the round, and says so to the hospital.
    pub async fn leave(mut self) {
        self.step([Input::Leave]).await;
        self.close().await;
    }

    /// Closes the connection of a peer whose part is over.
    pub async fn close(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // A connection that is gone already is as closed as it can be.
        let _ = self.socket.close(Some(frame)).await;
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
        matches!(self.stage(), Stage::Finished | Stage::Failed)
    }

    /// Takes what was received, and whatever else is there already, so that it is handled at once.
    fn receive(&mut self, first: Option<Received>) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut next = Some(first);
        while let Some(received) = next {
            match received {
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
            next = if inputs.len() < BATCH { self.socket.next().now_or_never() } else { None };
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
        let mut flush = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                // A native peer has nowhere to keep anything, and never resumes.
                Output::Persist(_) => {}
                Output::Send(bytes) => {
                    self.traffic.bytes_up += bytes.len() as u64;
                    self.traffic.messages_up += 1;
                    // A broken connection is noticed where it is read.
                    flush |= self.socket.feed(Message::Binary(bytes.into())).await.is_ok();
                }
                Output::Event(event) => self.events.push_back(event),
                Output::Timeout(at) => self.timer = at,
            }
        }
        if flush {
            let _ = self.socket.flush().await;
        }
    }
}

type Received = Result<Message, tokio_tungstenite::tungstenite::Error>;
