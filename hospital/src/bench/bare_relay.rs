//! A relay that passes bytes on and does nothing else, to compare the hospital's with.
//!
//! TLS and WebSocket are set up like the hospital's, with the same libraries and buffer sizes, and
//! what waits for a connection is written in batches of the same size. There is no HTTP server, no
//! protocol, no signature that is checked, no limit, no timeout and no log.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};
use wardsum_protocol::SUBPROTOCOL;

use crate::limits::{BATCH, WEBSOCKET_READ_BUFFER, WEBSOCKET_WRITE_BUFFER};
use crate::native_peer::Connector;
use crate::simulate::SimulationError;
use crate::tls::{self, CertificateFiles};

/// As long as an acknowledgement: its type and a digest.
const ACKNOWLEDGEMENT: [u8; 33] = [3; 33];

/// How a message is cut: piece i goes to connection i.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Bytes in front of the first piece.
    pub(super) head: usize,
    /// Bytes from one piece to the next.
    pub(super) piece: usize,
    /// Bytes that are passed on; what exceeds a piece overlaps with the bytes behind it, or before the last ones.
    pub(super) delivery: usize,
}

/// A bare relay while it waits for its connections, or serves them. It ends when they do.
pub(super) struct BareRelay {
    pub(super) connector: Connector,
}

impl BareRelay {
    /// Starts to listen for exactly so many connections. Nothing is passed on before all are there.
    pub(super) async fn start(connections: usize, cut: Cut) -> Result<Self, SimulationError> {
        let dir = tempfile::tempdir()?;
        let now = SystemTime::now();
        let (certs, _) = wardsum_certs::ensure(dir.path(), now)?;
        let files = CertificateFiles { cert: certs.leaf_cert, key: certs.leaf_key };
        let tls = TlsAcceptor::from(tls::server_config(&files, now)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let connector = Connector::new(listener.local_addr()?, tls::client_config(&certs.ca_cert)?);
        tokio::spawn(async move {
            let mut sockets = Vec::with_capacity(connections);
            while sockets.len() < connections {
                // A connection that fails here is missed, and reported, at its other end.
                let Ok(socket) = accept(&listener, &tls).await else { return };
                sockets.push(socket);
            }
            pass_on(sockets, cut);
        });
        Ok(Self { connector })
    }
}

type ServerSocket = WebSocketStream<TlsStream<TcpStream>>;

async fn accept(
    listener: &TcpListener,
    tls: &TlsAcceptor,
) -> Result<ServerSocket, tungstenite::Error> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let stream = tls.accept(stream).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(WEBSOCKET_READ_BUFFER)
        .write_buffer_size(WEBSOCKET_WRITE_BUFFER);
    tokio_tungstenite::accept_hdr_async_with_config(stream, choose_protocol, Some(config)).await
}

#[expect(clippy::result_large_err, clippy::unnecessary_wraps, reason = "the library says so")]
fn choose_protocol(
    _: &Request,
    mut response: Response,
) -> Result<Response, tungstenite::handshake::server::ErrorResponse> {
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    Ok(response)
}

fn pass_on(sockets: Vec<ServerSocket>, cut: Cut) {
    let (senders, queues): (Vec<_>, Vec<_>) =
        sockets.iter().map(|_| mpsc::unbounded_channel()).unzip();
    let senders: Arc<[UnboundedSender<Bytes>]> = senders.into();
    for ((number, socket), queue) in sockets.into_iter().enumerate().zip(queues) {
        tokio::spawn(serve(socket, number, queue, Arc::clone(&senders), cut));
    }
}

/// Serves one connection until it ends or breaks.
async fn serve(
    socket: ServerSocket,
    number: usize,
    mut queue: UnboundedReceiver<Bytes>,
    senders: Arc<[UnboundedSender<Bytes>]>,
    cut: Cut,
) {
    let (mut sink, mut stream) = socket.split();
    let read = async {
        while let Some(Ok(Message::Binary(bytes))) = stream.next().await {
            // A queue whose connection has ended takes nothing any more, and nobody misses it.
            let _ = senders[number].send(Bytes::from_static(&ACKNOWLEDGEMENT));
            for (piece, sender) in senders.iter().enumerate() {
                let last = bytes.len().saturating_sub(cut.delivery);
                let start = last.min(cut.head + piece * cut.piece);
                let _ = sender.send(bytes.slice(start..bytes.len().min(start + cut.delivery)));
            }
        }
    };
    let write = async {
        let mut batch = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut batch, BATCH).await > 0 {
            for bytes in batch.drain(..) {
                sink.feed(Message::Binary(bytes)).await?;
            }
            sink.flush().await?;
        }
        Ok::<_, tungstenite::Error>(())
    };
    tokio::select! {
        () = read => {}
        // Either way the connection is of no more use.
        _ = write => {}
    }
}
