//! A hospital that lies about a key: the real one, behind somebody who swaps a member's keys for some of its own in
//! what a tab is told.
//!
//! A hospital could do this by itself. So as not to write one, everything else is the real one's.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tls_codec::TlsVecU24;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite;
use wardsum_hospital::native_peer::{Connector, Socket};
use wardsum_hospital::tls::{self, CertificateFiles};
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::seal::OpeningKey;
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{Entropy, SUBPROTOCOL, Study, StudyDigest};

use crate::certificates::certificates;
use crate::hospital::Hospital;
use crate::played::TlsListener;

/// A committee as it is sent (PROTOCOL.md, "Committee").
type CommitteeBytes = (StudyDigest, TlsVecU24<SignedBytes>);

/// Somebody between tabs and a hospital, with a certificate that the tabs trust. It ends when it is dropped.
pub struct Meddler {
    port: u16,
    between: Arc<Between>,
    _tasks: JoinSet<()>,
}

struct Between {
    hospital: Connector,
    swapped: AtomicU32,
}

impl Meddler {
    /// Stands before a hospital, on a port of its own. Whoever comes through here is told of a committee in which
    /// the keys of one of the others are the meddler's.
    pub async fn before(hospital: &Hospital) -> Result<Self> {
        let certificates = certificates()?;
        let files = CertificateFiles { cert: certificates.leaf_cert, key: certificates.leaf_key };
        let config = tls::server_config(&files, SystemTime::now())?;
        let listener = TlsListener::bind(Ipv4Addr::LOCALHOST, config).await?;
        let port = listener.port();
        let between =
            Arc::new(Between { hospital: hospital.connector()?, swapped: AtomicU32::new(0) });
        let router = Router::new()
            .route("/ws/{study}", get(socket))
            .fallback(file)
            .with_state(Arc::clone(&between));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, between, _tasks: tasks })
    }

    /// The origin of the hospital's page as it is to be had here.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// How often a committee was changed on its way.
    #[must_use]
    pub fn swapped(&self) -> u32 {
        self.between.swapped.load(Ordering::SeqCst)
    }
}

/// Anything but a socket is passed on as it is.
async fn file(State(between): State<Arc<Between>>, uri: Uri) -> Response {
    match fetch(&between.hospital, &uri).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

async fn fetch(hospital: &Connector, uri: &Uri) -> Result<Response> {
    let mut stream = hospital.open_tls().await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no head")?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?;
    let mut response = Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if !matches!(name, "connection" | "content-length") {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Body::from(body))?)
}

async fn socket(
    State(between): State<Arc<Between>>,
    Path(study): Path<String>,
    Query(query): Query<Value>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let round = query["round"].as_str().and_then(|digest| digest.parse().ok());
    match between.hospital.connect(&study, round).await {
        Ok(hospital) => upgrade
            .protocols([SUBPROTOCOL])
            .on_upgrade(|tab| async move { relay(&between, tab, hospital).await }),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// What is known of one connection.
#[derive(Default)]
struct Overheard {
    study: Option<Study>,
    /// The tab's own verifying key, once it has enrolled.
    own: Option<[u8; 32]>,
}

/// One tab's socket, from the upgrade to its end.
async fn relay(between: &Between, tab: WebSocket, hospital: Socket) {
    let (mut to_tab, mut from_tab) = tab.split();
    let (mut to_hospital, mut from_hospital) = hospital.split();
    let mut overheard = Overheard::default();
    loop {
        tokio::select! {
            said = from_tab.next() => match said {
                Some(Ok(Message::Binary(bytes))) => {
                    overheard.hear_tab(&bytes);
                    let message = tungstenite::Message::Binary(bytes);
                    if to_hospital.send(message).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => break,
            },
            told = from_hospital.next() => match told {
                Some(Ok(tungstenite::Message::Binary(bytes))) => {
                    let bytes = match overheard.swap(&bytes) {
                        Some(changed) => {
                            between.swapped.fetch_add(1, Ordering::SeqCst);
                            changed.into()
                        }
                        None => bytes,
                    };
                    if to_tab.send(Message::Binary(bytes)).await.is_err() {
                        break;
                    }
                }
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    let frame = frame.map(|frame| CloseFrame {
                        code: frame.code.into(),
                        reason: frame.reason.as_str().into(),
                    });
                    // A tab that has gone needs no reason.
                    let _ = to_tab.send(Message::Close(frame)).await;
                    break;
                }
                Some(Ok(_)) => {}
                _ => break,
            },
        }
    }
    let _ = to_hospital.close().await;
}

impl Overheard {
    fn hear_tab(&mut self, bytes: &Bytes) {
        if let Ok(PeerMessage::Enrol(signed)) = PeerMessage::decode(bytes) {
            self.own = verifying_key(&signed);
        }
    }

    /// The message with one of the others' keys swapped, if it tells the committee.
    fn swap(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match wire::decode(bytes).ok()? {
            HospitalMessage::Welcome(welcome) => {
                self.study = Study::decode(welcome.study.as_slice()).ok();
                None
            }
            HospitalMessage::Committee(told) => {
                let (digest, members): CommitteeBytes = wire::decode(&told.0).ok()?;
                let mut members = members.into_vec();
                let victim = members.iter_mut().find(|member| verifying_key(member) != self.own)?;
                *victim = impostor(self.study.as_ref()?, victim);
                let told: CommitteeBytes = (digest, members.into());
                let told = Rest(wire::encode(&told).into());
                Some(wire::encode(&HospitalMessage::Committee(told)))
            }
            _ => None,
        }
    }
}

/// Where the verifying key stands in what an enrolment signs (PROTOCOL.md, "Enrolment").
fn verifying_key(signed: &SignedBytes) -> Option<[u8; 32]> {
    signed.body.as_slice().get(32..64)?.try_into().ok()
}

/// An enrolment with keys of the meddler's, correctly signed with them, that shows the victim's invitation where
/// there is one: it has no other.
fn impostor(study: &Study, victim: &SignedBytes) -> SignedBytes {
    let entropy = Entropy::new([0x5e; 32]);
    let identity = Identity::derive(&entropy);
    let (_, sealing_key) = OpeningKey::derive(study.suite(), &entropy);
    let len = u16::try_from(sealing_key.len()).expect("a key is short");
    let mut body = study.digest().as_bytes().to_vec();
    body.extend_from_slice(identity.id().as_bytes());
    body.extend_from_slice(&len.to_be_bytes());
    body.extend_from_slice(&sealing_key);
    let shown = victim.body.as_slice().get(body.len()..).unwrap_or_default();
    body.extend_from_slice(shown);
    identity.sign_body(SignatureLabel::Enrolment, &[], &Rest(body.into()))
}
