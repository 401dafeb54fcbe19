//! A peer that does what a test says: the protocol's machine makes the messages, the test sends them,
//! or others.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use wardsum_hospital::native_peer::{Connector, Socket};
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Event, Input, Output, Peer};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{Entropy, PeerId, Timestamp, wire};

use crate::test_hospital::within;

/// A close frame: code and reason.
pub(crate) type Closed = (u16, String);

pub(crate) struct ScriptedPeer {
    pub(crate) socket: Socket,
    machine: Peer,
    identity: Identity,
    /// What the machine wants to send and nobody has sent yet.
    pub(crate) unsent: Vec<Vec<u8>>,
    /// Everything that was sent and received.
    pub(crate) transcript: Vec<Vec<u8>>,
    pub(crate) events: Vec<Event>,
}

impl ScriptedPeer {
    /// Connects and waits for the study. Keys follow from `seed`.
    pub(crate) async fn connect(connector: &Connector, study: &str, seed: u8) -> Self {
        let socket = within(connector.connect(study, None)).await.unwrap();
        let entropy = Entropy::new([seed; 32]);
        let mut peer = Self {
            socket,
            identity: Identity::derive(&entropy),
            machine: Peer::new(entropy, Timestamp(0)),
            unsent: Vec::new(),
            transcript: Vec::new(),
            events: Vec::new(),
        };
        peer.handle(Input::Connected);
        peer.receive_until(|event| matches!(event, Event::StudyReceived(_))).await;
        peer
    }

    /// Whose keys these are.
    pub(crate) fn id(&self) -> PeerId {
        self.identity.id()
    }

    /// What shows that this connection is this peer's: its signature over the connection's challenge.
    pub(crate) fn identification(&self) -> Vec<u8> {
        let Ok(HospitalMessage::Welcome(welcome)) = wire::decode(&self.transcript[0]) else {
            panic!("every connection begins with a challenge")
        };
        let study = self.machine.study().expect("it came along with the challenge").digest();
        let id = self.id();
        let held = [0; 4];
        let body = [study.as_bytes(), &welcome.challenge.0[..], id.as_bytes(), &held].concat();
        let signature = self.identity.sign(SignatureLabel::Identification, &[&body]);
        wire::encode(&PeerMessage::Identify(SignedBytes { body: body.into(), signature }))
    }

    /// Shows whose connection this is, without any further step of the machine.
    pub(crate) async fn identify(&mut self) {
        self.send(self.identification()).await;
    }

    /// Gives an answer; the machine's messages, its identification first, are left unsent.
    pub(crate) fn answer(&mut self, value: i128) {
        self.machine.answer(vec![Response::Number(value)], Timestamp(0)).unwrap();
        self.drain();
    }

    /// Sends any bytes as one binary message.
    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        self.transcript.push(bytes.clone());
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// Sends what the machine wants sent.
    pub(crate) async fn send_unsent(&mut self) {
        for bytes in std::mem::take(&mut self.unsent) {
            self.send(bytes).await;
        }
    }

    /// Receives until the machine reports an event like this; sends nothing.
    pub(crate) async fn receive_until(&mut self, wanted: impl Fn(&Event) -> bool) {
        while !self.events.iter().any(&wanted) {
            match within(self.socket.next()).await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.transcript.push(bytes.to_vec());
                    self.handle(Input::Message(bytes.into()));
                }
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("the hospital should not have sent {other:?}"),
            }
        }
    }

    /// Takes part honestly to the end.
    pub(crate) async fn finish(&mut self) {
        let over = |event: &Event| matches!(event, Event::Published(_) | Event::Failed(_));
        while !self.events.iter().any(over) {
            self.send_unsent().await;
            let seen = self.events.len();
            match within(self.socket.next()).await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.transcript.push(bytes.to_vec());
                    self.handle(Input::Message(bytes.into()));
                }
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("the hospital should not have sent {other:?} after {seen} events"),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(input, Timestamp(0));
        self.drain();
    }

    /// Time stands still here, so that a timer that asks for now is due and any other never is.
    fn drain(&mut self) {
        let mut due = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                // Nobody comes back in these tests, and the test itself connects and closes.
                Output::Persist(_) | Output::Connect(_) | Output::Disconnect => {}
                Output::Send(bytes) => self.unsent.push(bytes),
                Output::Event(event) => {
                    if let Event::SafetyWords { awaited: true, .. } = event {
                        self.machine.handle(Input::WordsMatch, Timestamp(0));
                    }
                    self.events.push(event);
                }
                Output::Timeout(at) => due = at == Some(Timestamp(0)),
            }
        }
        if due {
            self.handle(Input::Timeout);
        }
    }
}

/// Receives until the hospital closes the connection, and says how it did.
pub(crate) async fn closed(socket: &mut Socket) -> Closed {
    loop {
        match within(socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => {
                return (frame.code.into(), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            other => panic!("a close frame should have come before {other:?}"),
        }
    }
}
