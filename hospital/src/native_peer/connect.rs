//! From a study's name to an open WebSocket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::InvalidUri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder};
use wardsum_protocol::{SUBPROTOCOL, StudyDigest};

use crate::limits::{WEBSOCKET_READ_BUFFER, WEBSOCKET_WRITE_BUFFER};

/// The longest message that a hospital has reason to send: the partial aggregates of the largest committee, of
/// up to 32 bytes for each cell of the longest questionnaire. The manifest of the largest round is shorter.
const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// A peer's open WebSocket.
pub type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A hospital that peers can connect to.
#[derive(Clone)]
pub struct Connector {
    address: SocketAddr,
    tls: TlsConnector,
}

/// Why a peer could not connect.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No TCP connection.
    #[error("no connection to the hospital at {address}: {source}")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The hospital could not show who it is, or speaks no TLS 1.3.
    #[error("no secure connection to the hospital: {0}")]
    Tls(io::Error),
    /// The hospital refused the upgrade.
    #[error("the hospital refused the connection (HTTP {status}): {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        error: String,
    },
    /// Not a WebSocket at all.
    #[error("the hospital did not open a WebSocket: {0}")]
    WebSocket(Box<tungstenite::Error>),
    /// No randomness for keys.
    #[error("the operating system gives no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
}

impl Connector {
    /// The hospital at `address`, which must show a certificate for its IP address that `tls` trusts.
    #[must_use]
    pub fn new(address: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        Self { address, tls: tls.into() }
    }

    /// Opens a WebSocket to a study: to this round of it, or to the one that is open.
    pub async fn connect(
        &self,
        study: &str,
        round: Option<StudyDigest>,
    ) -> Result<Socket, ConnectError> {
        let round = round.map(|digest| format!("?round={digest}")).unwrap_or_default();
        let uri: Uri = format!("wss://{}/ws/{study}{round}", self.address).parse().map_err(
            |error: InvalidUri| {
                ConnectError::WebSocket(Box::new(tungstenite::Error::HttpFormat(error.into())))
            },
        )?;
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE))
            .read_buffer_size(WEBSOCKET_READ_BUFFER)
            .write_buffer_size(WEBSOCKET_WRITE_BUFFER);
        // Handshakes are large and short: on the heap they do not stay in every peer's task.
        let stream = Box::pin(self.open_tls()).await?;
        let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        match Box::pin(handshake).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(refused(*response)),
            Err(error) => Err(ConnectError::WebSocket(Box::new(error))),
        }
    }

    /// Opens the TLS connection alone.
    pub async fn open_tls(&self) -> Result<TlsStream<TcpStream>, ConnectError> {
        let address = self.address;
        let tcp = |source| ConnectError::Tcp { address, source };
        let stream = TcpStream::connect(address).await.map_err(tcp)?;
        stream.set_nodelay(true).map_err(tcp)?;
        self.tls.connect(ServerName::from(address.ip()), stream).await.map_err(ConnectError::Tls)
    }
}

/// What the hospital said when it refused an upgrade.
fn refused(response: Response) -> ConnectError {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }

    let status = response.status().as_u16();
    let body = response.into_body().unwrap_or_default();
    let error = serde_json::from_slice(&body)
        .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |Body { error }| error);
    ConnectError::Refused { status, error }
}
