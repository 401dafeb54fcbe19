//! A hospital that a test plays: it holds the round itself, sees every byte, and has patients of its own.
//!
//! It does what the real one does and writes everything down. Nothing that it holds is hidden from the test: whatever
//! it cannot learn, no hospital can.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use wardsum_hospital::tls::{self, CertificateFiles};
use wardsum_protocol::peer::{self, Peer};
use wardsum_protocol::questionnaire;
use wardsum_protocol::round::{ConnectionId, Input, Output, Record, Round, Status};
use wardsum_protocol::{Challenge, Entropy, SUBPROTOCOL, Study, Timestamp};

use crate::certificates::certificates;
use crate::settings;

mod lie;
mod site;
mod tls_listener;

pub(crate) use site::Site;
pub(crate) use tls_listener::TlsListener;

/// The id of the only study.
pub const STUDY: &str = "study";

/// Where the page asks whether another round is open.
pub const ONLY_STUDY: &str = "/api/v1/studies/study";

const TICK: Duration = Duration::from_millis(20);

/// What went over a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message from a peer.
    Up(Vec<u8>),
    /// A message to a peer.
    Down(Vec<u8>),
    /// Anything else from a peer, such as a text message: no honest peer sends one.
    Strange(String),
}

/// Everything that one connection carried, in order.
pub type Traffic = Vec<Frame>;

/// A hospital in the hands of a test. It ends when it is dropped.
pub struct PlayedHospital {
    ward: Arc<Ward>,
    origin: String,
    _tasks: JoinSet<()>,
}

impl PlayedHospital {
    /// Opens a round, and serves the built page and the round's socket.
    pub async fn open(study: Study) -> Result<Self> {
        let certificates = certificates()?;
        let files = CertificateFiles { cert: certificates.leaf_cert, key: certificates.leaf_key };
        let config = tls::server_config(&files, SystemTime::now())?;
        let listener = TlsListener::bind(Ipv4Addr::LOCALHOST, config).await?;
        let origin = format!("https://localhost:{}", listener.port());
        let begun = Instant::now();
        let book = Book {
            begun,
            round: Round::open(study, Timestamp(0)),
            next: 0,
            outboxes: HashMap::new(),
            insiders: HashMap::new(),
            liars: HashMap::new(),
            contributions: HashMap::new(),
            traffic: HashMap::new(),
            requests: Vec::new(),
        };
        let ward = Arc::new(Ward { book: Mutex::new(book), site: Site::load(&settings::page()?)? });

        let router = Router::new()
            .route(&format!("/ws/{STUDY}"), get(socket))
            .fallback(file)
            .with_state(Arc::clone(&ward));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        tasks.spawn({
            let ward = Arc::clone(&ward);
            async move {
                loop {
                    tokio::time::sleep(TICK).await;
                    ward.book().tick();
                }
            }
        });
        Ok(Self { ward, origin, _tasks: tasks })
    }

    /// The origin of its page.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Lets somebody take part whose randomness, and thereby every key, is known to the hospital.
    pub fn plant(
        &self,
        entropy: Entropy,
        responses: Vec<questionnaire::Response>,
    ) -> Result<ConnectionId> {
        self.ward.book().plant(entropy, responses)
    }

    /// Lets somebody take part whose partial aggregate is wrong by one, and correctly signed.
    pub fn plant_liar(
        &self,
        entropy: Entropy,
        responses: Vec<questionnaire::Response>,
    ) -> Result<()> {
        let mut book = self.ward.book();
        let liar = book.plant(entropy.clone(), responses)?;
        // Before the committee is fixed there is nothing to lie about.
        book.liars.insert(liar, entropy);
        Ok(())
    }

    /// How the round stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.ward.book().round.status()
    }

    /// What each connection carried.
    #[must_use]
    pub fn traffic(&self) -> HashMap<ConnectionId, Traffic> {
        self.ward.book().traffic.clone()
    }

    /// Every HTTP request: its path, its query, and its length beyond the headers.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.ward.book().requests.clone()
    }
}

/// What the server's tasks share.
struct Ward {
    book: Mutex<Book>,
    site: Site,
}

impl Ward {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The round, and everything that is known of it.
struct Book {
    begun: Instant,
    round: Round,
    next: u64,
    outboxes: HashMap<ConnectionId, UnboundedSender<Bytes>>,
    insiders: HashMap<ConnectionId, Peer>,
    /// Those of the insiders who lie, and what their keys are made of.
    liars: HashMap<ConnectionId, Entropy>,
    /// The messages of the contributions, by their numbers.
    contributions: HashMap<u32, Bytes>,
    traffic: HashMap<ConnectionId, Traffic>,
    requests: Vec<String>,
}

impl Book {
    fn now(&self) -> Timestamp {
        // A test that runs for more than 500 million years is too slow.
        Timestamp(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn next_connection(&mut self) -> ConnectionId {
        self.next += 1;
        ConnectionId(self.next)
    }

    fn note(&mut self, connection: ConnectionId, frame: Frame) {
        self.traffic.entry(connection).or_default().push(frame);
    }

    /// Gives the round one input, and performs what it wants done.
    fn feed(&mut self, input: Input) {
        if let Input::Message { from, bytes } = &input {
            self.note(*from, Frame::Up(bytes.to_vec()));
        }
        self.round.handle(input, self.now());
        self.perform();
    }

    /// A connection of somebody who has just come.
    fn connect(&mut self, connection: ConnectionId) {
        // Nobody else comes with that number, so a fresh challenge need not be a secret here.
        let mut challenge = [0; 32];
        challenge[..8].copy_from_slice(&connection.0.to_be_bytes());
        self.feed(Input::Connected { connection, challenge: Challenge(challenge) });
    }

    fn send(&mut self, to: ConnectionId, bytes: Bytes) {
        self.note(to, Frame::Down(bytes.to_vec()));
        if self.insiders.contains_key(&to) {
            self.tell_insider(to, peer::Input::Message(bytes.to_vec()));
        } else if let Some(outbox) = self.outboxes.get(&to) {
            // A peer that has gone hears nothing.
            let _ = outbox.send(bytes);
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.round.poll_output() {
            match output {
                Output::Send { to, bytes } => self.send(to, bytes),
                Output::Deliver(deliveries) => {
                    for (to, bytes) in deliveries.messages() {
                        self.send(to, bytes);
                    }
                }
                Output::Close { connection, .. } => {
                    self.outboxes.remove(&connection);
                }
                Output::Persist(record) => {
                    if let Record::Contributed(contributed) = *record {
                        self.contributions.insert(contributed.number, contributed.message);
                    }
                }
                Output::Load { numbers } => {
                    for number in numbers {
                        if let Some(message) = self.contributions.get(&number).cloned() {
                            self.round.handle(Input::Loaded { number, message }, self.now());
                        }
                    }
                }
                Output::Event(_) | Output::Timeout(_) => {}
            }
        }
    }

    fn tell_insider(&mut self, connection: ConnectionId, input: peer::Input) {
        let now = self.now();
        let Some(insider) = self.insiders.get_mut(&connection) else { return };
        insider.handle(input, now);
    }

    /// What the insiders have to say; the round answers at once, so it goes on until nobody has anything.
    fn hear_insiders(&mut self) {
        let now = self.now();
        loop {
            let mut said = Vec::new();
            for (&from, insider) in &mut self.insiders {
                while let Some(output) = insider.poll_output() {
                    match output {
                        peer::Output::Send(bytes) => {
                            let bytes = match self.liars.get(&from) {
                                Some(liar) => lie::told(liar, bytes),
                                None => bytes,
                            };
                            said.push(Input::Message { from, bytes: bytes.into() });
                        }
                        peer::Output::Event(peer::Event::SafetyWords { awaited: true, .. }) => {
                            insider.handle(peer::Input::WordsMatch, now);
                        }
                        _ => {}
                    }
                }
            }
            if said.is_empty() {
                return;
            }
            for input in said {
                self.feed(input);
            }
        }
    }

    /// Lets the clock act. Both machines do nothing when they are woken too early.
    fn tick(&mut self) {
        self.feed(Input::Timeout);
        let insiders: Vec<_> = self.insiders.keys().copied().collect();
        for insider in insiders {
            self.tell_insider(insider, peer::Input::Timeout);
        }
        self.hear_insiders();
    }

    fn plant(
        &mut self,
        entropy: Entropy,
        responses: Vec<questionnaire::Response>,
    ) -> Result<ConnectionId> {
        let connection = self.next_connection();
        self.insiders.insert(connection, Peer::new(entropy, self.now()));
        self.tell_insider(connection, peer::Input::Connected);
        self.connect(connection);
        let now = self.now();
        let insider = self.insiders.get_mut(&connection).context("it has just come")?;
        insider.answer(responses, now)?;
        self.hear_insiders();
        Ok(connection)
    }
}

async fn file(State(ward): State<Arc<Ward>>, uri: Uri, headers: HeaderMap) -> Response {
    note_request(&ward, &uri, &headers);
    match uri.path() {
        "/api/v1/studies" => site::studies(&ward.book().round),
        ONLY_STUDY => site::only_study(&ward.book().round),
        path => ward.site.answer(path),
    }
}

async fn socket(
    State(ward): State<Arc<Ward>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    note_request(&ward, &uri, &headers);
    upgrade.protocols([SUBPROTOCOL]).on_upgrade(|socket| serve(ward, socket))
}

fn note_request(ward: &Ward, uri: &Uri, headers: &HeaderMap) {
    let body = headers.contains_key("content-length") || headers.contains_key("transfer-encoding");
    let cookie = headers.contains_key("cookie");
    let mut request = uri.to_string();
    for (there, what) in [(body, " with a body"), (cookie, " with a cookie")] {
        if there {
            request.push_str(what);
        }
    }
    ward.book().requests.push(request);
}

/// One tab's socket, from the upgrade to its end.
async fn serve(ward: Arc<Ward>, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let (outbox, mut waiting) = unbounded_channel::<Bytes>();
    let connection = {
        let mut book = ward.book();
        let connection = book.next_connection();
        book.outboxes.insert(connection, outbox);
        book.connect(connection);
        connection
    };
    loop {
        tokio::select! {
            bytes = waiting.recv() => {
                let Some(bytes) = bytes else { break };
                if sink.send(Message::Binary(bytes)).await.is_err() {
                    break;
                }
            }
            received = stream.next() => {
                let mut book = ward.book();
                match received {
                    Some(Ok(Message::Binary(bytes))) => {
                        book.feed(Input::Message { from: connection, bytes });
                        book.hear_insiders();
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(other)) => book.note(connection, Frame::Strange(format!("{other:?}"))),
                }
            }
        }
    }
    let mut book = ward.book();
    book.outboxes.remove(&connection);
    book.feed(Input::Disconnected(connection));
    book.hear_insiders();
}
