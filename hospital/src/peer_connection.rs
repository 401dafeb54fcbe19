//! One peer's WebSocket, from the upgrade to the close frame.
//!
//! Reading and writing go on independently in one task: a peer that is being sent a thousand shares
//! may at the same time send its own. Whichever side ends first decides how the connection is closed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{self, MissedTickBehavior};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use wardsum_protocol::round::ConnectionId;

use crate::address_caps::Place;
use crate::inbox::{Lane, ToRound};
use crate::limits::Limits;
use crate::metrics::{Metrics, RefusedConnection};
use crate::outbox::{Closing, OutboxQueue, outbox};
use crate::round_task::RoundHandle;
use crate::traffic::Traffic;

/// The close code for a peer whose network has as many connections as it may have.
const TOO_MANY_FROM_ADDRESS: u16 = 4403;

/// The close code for a peer that comes back to a round that is not there. A browser cannot read the
/// status of a refused upgrade, so it is let in to be told.
const UNKNOWN_ROUND: u16 = 4404;

/// How many bytes have to leave within `write_stall` while a batch is under way, 64 KiB.
const LEAST_WRITTEN: u64 = 64 * 1024;

/// What a connection needs besides its socket.
pub(crate) struct PeerConnection {
    /// The round that was current when the peer connected, or that it came back to; it stays this
    /// peer's round. None if there is no such round.
    pub(crate) round: Option<RoundHandle>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) drain: CancellationToken,
    pub(crate) metrics: Metrics,
    /// What has passed its socket.
    pub(crate) traffic: Arc<Traffic>,
    /// None if the peer's address has all the connections it may have.
    pub(crate) place: Option<Place>,
}

/// How a connection came to its end.
enum Ending {
    /// The peer closed it, or it broke: there is nobody left to tell.
    PeerLeft,
    /// The hospital closes it.
    Closed(Closing),
}

/// Serves one peer until either side ends it.
pub(crate) async fn serve(socket: WebSocket, connection: PeerConnection) {
    let PeerConnection { round, limits, drain, metrics, traffic, place } = connection;
    let id = next_connection_id();
    let (mut sink, mut stream) = socket.split();
    let ending = match round {
        _ if place.is_none() => {
            let cap = limits.peers_per_address;
            Ending::Closed(Closing::new(
                TOO_MANY_FROM_ADDRESS,
                format!(
                    "your network has {cap} connections already, which is the limit; try again later"
                ),
            ))
        }
        None => Ending::Closed(Closing::new(UNKNOWN_ROUND, "the hospital has no such round")),
        Some(round) => {
            debug!(
                study.id = %round.label().study, round.number = round.label().number,
                connection = id.0, "connection {} is open", id.0,
            );
            // The round lives as long as somebody holds it, and after this nobody here needs it.
            let terms =
                Terms { limits: &limits, drain: &drain, metrics: &metrics, traffic: &traffic };
            take_part(&mut sink, &mut stream, id, &round, terms).await
        }
    };

    match ending {
        Ending::PeerLeft => debug!(connection = id.0, "the peer of connection {} left", id.0),
        Ending::Closed(closing) => {
            if let Some(reason) = RefusedConnection::of_close_code(closing.code) {
                metrics.refused(reason);
            }
            debug!(
                connection = id.0,
                code = closing.code,
                "closing connection {}: {}",
                id.0,
                closing.reason,
            );
            say_goodbye(sink, stream, closing, &limits).await;
        }
    }
}

/// What holds for every connection.
#[derive(Clone, Copy)]
struct Terms<'a> {
    limits: &'a Limits,
    drain: &'a CancellationToken,
    metrics: &'a Metrics,
    traffic: &'a Traffic,
}

/// Connection ids are never used twice while the hospital runs, so that they name connections in logs.
fn next_connection_id() -> ConnectionId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn take_part(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    id: ConnectionId,
    round: &RoundHandle,
    terms: Terms<'_>,
) -> Ending {
    let limits = terms.limits;
    let (outbox, queue) = outbox(limits.outbox_bytes);
    let inbox = round.inbox();
    if inbox.tell(ToRound::Connected(id, outbox)).await.is_err() {
        return Ending::Closed(Closing::round_stopped());
    }
    let lane = inbox.lane(id);
    // The block ends the reading, which may wait for room in the inbox: room that is given to somebody
    // who has stopped looking would be lost to everybody, and to the news below.
    let ending = {
        let mut reading = pin!(read(stream, &lane, terms));
        tokio::select! {
            ending = &mut reading => ending,
            ending = write(sink, queue, terms) => match ending {
                // A tab that is closed right after sending leaves its last messages behind.
                Ending::PeerLeft => {
                    time::timeout(limits.close, reading).await.unwrap_or(Ending::PeerLeft)
                }
                closed @ Ending::Closed(_) => closed,
            },
        }
    };
    // If the round is gone it needs no news.
    let _ = inbox.tell(ToRound::Disconnected(id)).await;
    ending
}

/// Hands the peer's messages to the round until the peer leaves, falls silent or misbehaves.
async fn read(stream: &mut SplitStream<WebSocket>, lane: &Lane, terms: Terms<'_>) -> Ending {
    loop {
        let written_before = terms.traffic.written.total();
        let heard = terms.traffic.read.watch(1, terms.limits.silence, stream.next());
        let Ok(received) = heard.await else {
            // Behind a long message on a slow line there is no ping that it could answer.
            if terms.traffic.written.total() - written_before >= LEAST_WRITTEN {
                continue;
            }
            return Ending::Closed(Closing::too_slow());
        };
        match received {
            Some(Ok(Message::Binary(bytes))) => {
                terms.metrics.received(bytes.len());
                // Waiting here while the round is busy makes the peer wait as well, through TCP.
                if lane.send(bytes).await.is_err() {
                    return Ending::Closed(Closing::round_stopped());
                }
            }
            Some(Ok(Message::Text(_))) => {
                return Ending::Closed(Closing::new(
                    1003,
                    "messages are binary here, and this one was text",
                ));
            }
            // The library answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Ending::PeerLeft,
            Some(Err(error)) => return unreadable(error),
        }
    }
}

/// What to tell a peer whose frames make no sense.
fn unreadable(error: axum::Error) -> Ending {
    use tungstenite::Error;

    match error.into_inner().downcast::<Error>().map(|error| *error) {
        Ok(Error::Capacity(error)) => Ending::Closed(Closing::new(
            1009,
            format!("this message is longer than any that a peer of this study sends ({error})"),
        )),
        Ok(Error::Utf8(_)) => Ending::Closed(Closing::new(1007, "this text is not UTF-8")),
        Ok(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            Ending::PeerLeft
        }
        Ok(Error::Protocol(error)) => Ending::Closed(Closing::new(
            1002,
            format!("this is not WebSocket as in RFC 6455: {error}"),
        )),
        // The connection broke, which is how most of them end: tabs are closed and phones sleep.
        Ok(_) | Err(_) => Ending::PeerLeft,
    }
}

/// Sends what the round has for the peer, many messages to one flush, and pings in between. When
/// the hospital drains, what waits already is sent before the goodbye: it may be the result.
async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    mut queue: OutboxQueue,
    Terms { limits, drain, metrics, traffic }: Terms<'_>,
) -> Ending {
    let mut ping = time::interval_at(time::Instant::now() + limits.ping, limits.ping);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Registered once, because all connections share the token and its lock.
    let mut drained = pin!(drain.cancelled());
    loop {
        let batch = tokio::select! {
            biased;
            next = queue.next_batch() => match next {
                Ok(batch) => batch,
                Err(closing) => return Ending::Closed(closing),
            },
            () = &mut drained => {
                return Ending::Closed(Closing::new(
                    1001,
                    "the hospital is shutting down; try again in a few minutes",
                ));
            }
            _ = ping.tick() => Vec::new(),
        };
        let sent = async {
            if batch.is_empty() {
                return sink.send(Message::Ping(Bytes::new())).await;
            }
            metrics.sent(batch.iter().map(Bytes::len).sum());
            for bytes in batch {
                sink.feed(Message::Binary(bytes)).await?;
            }
            sink.flush().await
        };
        match traffic.written.watch(LEAST_WRITTEN, limits.write_stall, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ending::PeerLeft,
            Err(_) => return Ending::Closed(Closing::too_slow()),
        }
    }
}

/// Sends the close frame and waits for the peer's, so that the reason arrives before the connection
/// goes: closing a TCP connection that still has unread bytes may destroy what was sent last.
async fn say_goodbye(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    closing: Closing,
    limits: &Limits,
) {
    let frame = CloseFrame { code: closing.code, reason: closing.reason.as_ref().into() };
    let goodbye = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A peer that does not answer in time is cut, which is all that is left to do.
    let _ = time::timeout(limits.close, goodbye).await;
}
