//! Connections over TLS for `axum::serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

type Accepted = (TlsStream<TcpStream>, SocketAddr);

/// Accepts connections whose handshakes are done, each on a task of its own.
pub(crate) struct TlsListener {
    address: SocketAddr,
    accepted: Receiver<Accepted>,
}

impl TlsListener {
    /// Listens on a free port.
    pub(crate) async fn bind(ip: Ipv4Addr, config: Arc<ServerConfig>) -> Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(config);
        let (sender, accepted) = channel::<Accepted>(16);
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                if sender.is_closed() {
                    return;
                }
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    // Browsers open connections that they then do not use.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Self { address, accepted })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Accepted {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task that accepts has ended, and nobody will ever come.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
