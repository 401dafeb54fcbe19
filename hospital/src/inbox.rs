//! What waits for one round: bounded in messages and in bytes, and shared fairly.
//!
//! Whoever has a message for the round waits while there is no room for it and does not read its socket
//! meanwhile, so that the peer waits as well, through TCP. A message leaves room for the next one when
//! the round has handled it, not before.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use wardsum_protocol::round::{Command, ConnectionId, Status};

use crate::limits::Limits;
use crate::outbox::Outbox;

/// What a round's task is told.
pub(crate) enum ToRound {
    /// A peer is there, and this is how to reach it. Always followed by one `Disconnected`.
    Connected(ConnectionId, Outbox),
    /// One message of a peer, and the room that it takes.
    Message(ConnectionId, Bytes, Room),
    /// A peer is gone, whoever closed the connection.
    Disconnected(ConnectionId),
    /// The researcher says so, and is told how the round stands once it is carried out. If it is not,
    /// the sender is dropped.
    Command(Command, oneshot::Sender<Status>),
}

/// The room that one message takes in an inbox; dropping it makes room for another one.
pub(crate) struct Room {
    _turn: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// The round's task is gone; nothing can be handed to it any more.
#[derive(Debug)]
pub(crate) struct RoundGone;

/// The sending end of what waits for a round.
#[derive(Clone)]
pub(crate) struct Inbox {
    queue: mpsc::Sender<ToRound>,
    /// A permit for each byte that still fits. Whoever has waited longest is served first, so that
    /// short messages do not overtake a long one for ever.
    free: Arc<Semaphore>,
    /// How many permits there are when nothing waits.
    bytes: u32,
}

/// An empty inbox, and its receiving end.
pub(crate) fn inbox(limits: &Limits) -> (Inbox, mpsc::Receiver<ToRound>) {
    let (queue, receiver) = mpsc::channel(limits.inbox_messages);
    // What a semaphore can hand out at once is a 32-bit number, which is far beyond any sensible limit.
    let bytes = u32::try_from(limits.inbox_bytes.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let free = Arc::new(Semaphore::new(bytes as usize));
    (Inbox { queue, free, bytes }, receiver)
}

impl Inbox {
    /// Tells the round something that is not a peer's message; waits while the queue is full.
    pub(crate) async fn tell(&self, news: ToRound) -> Result<(), RoundGone> {
        self.queue.send(news).await.map_err(|_| RoundGone)
    }

    /// The way in for the messages of one connection.
    pub(crate) fn lane(&self, connection: ConnectionId) -> Lane {
        Lane { connection, inbox: self.clone(), turn: Arc::new(Semaphore::new(1)) }
    }
}

/// One connection's way into an inbox, for one message at a time.
///
/// Since each connection has at most one message in the inbox, the round hears them in turns, and a peer
/// that sends without end delays others by one message of its own. An honest peer loses nothing by
/// it: it sends three messages in a round, each after an answer to the one before.
pub(crate) struct Lane {
    connection: ConnectionId,
    inbox: Inbox,
    turn: Arc<Semaphore>,
}

impl Lane {
    /// Hands a message to the round; waits until the last one was handled and there is room for this
    /// one. One message always fits, however long, once nothing else waits.
    pub(crate) async fn send(&self, bytes: Bytes) -> Result<(), RoundGone> {
        let cost = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(self.inbox.bytes);
        let turn = Arc::clone(&self.turn).acquire_owned();
        let turn = turn.await.map_err(|_| RoundGone)?;
        let free = Arc::clone(&self.inbox.free).acquire_many_owned(cost);
        let room = Room { _turn: turn, _bytes: free.await.map_err(|_| RoundGone)? };
        self.inbox.tell(ToRound::Message(self.connection, bytes, room)).await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    fn inbox_of(messages: usize, bytes: usize) -> (Inbox, mpsc::Receiver<ToRound>) {
        inbox(&Limits { inbox_messages: messages, inbox_bytes: bytes, ..Limits::default() })
    }

    /// The next message, whose room is taken until it is dropped.
    fn next(messages: &mut mpsc::Receiver<ToRound>) -> (ConnectionId, usize, Room) {
        match messages.try_recv() {
            Ok(ToRound::Message(from, bytes, room)) => (from, bytes.len(), room),
            _ => panic!("a message should wait"),
        }
    }

    #[test]
    fn bytes_are_free_again_when_the_message_was_handled() {
        let (inbox, mut messages) = inbox_of(10, 100);
        let (first, second) = (inbox.lane(ConnectionId(1)), inbox.lane(ConnectionId(2)));
        first.send(vec![0; 80].into()).now_or_never().unwrap().unwrap();
        let mut waits = pin!(second.send(vec![0; 30].into()));
        assert!(waits.as_mut().now_or_never().is_none());

        let in_hand = next(&mut messages);
        assert!(waits.as_mut().now_or_never().is_none(), "it was taken out, but not handled");
        drop(in_hand);
        waits.now_or_never().unwrap().unwrap();
        assert_eq!(next(&mut messages).1, 30);
    }

    #[test]
    fn a_message_above_the_bound_still_passes_alone() {
        let (inbox, mut messages) = inbox_of(10, 100);
        inbox.lane(ConnectionId(1)).send(vec![0; 1_000].into()).now_or_never().unwrap().unwrap();
        let lane = inbox.lane(ConnectionId(2));
        let mut waits = pin!(lane.send(vec![0; 1_000].into()));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(next(&mut messages));
        waits.now_or_never().unwrap().unwrap();
    }

    #[test]
    fn who_sends_without_end_keeps_nobody_out() {
        let (inbox, mut messages) = inbox_of(10, 100);
        let (flood, other) = (inbox.lane(ConnectionId(1)), inbox.lane(ConnectionId(2)));
        flood.send(vec![0; 10].into()).now_or_never().unwrap().unwrap();
        let mut second = pin!(flood.send(vec![0; 10].into()));
        assert!(second.as_mut().now_or_never().is_none(), "its first message still waits");
        other.send(vec![0; 10].into()).now_or_never().unwrap().unwrap();

        assert_eq!(next(&mut messages).0, ConnectionId(1));
        second.now_or_never().unwrap().unwrap();
        assert_eq!(next(&mut messages).0, ConnectionId(2));
        assert_eq!(next(&mut messages).0, ConnectionId(1));
    }

    #[test]
    fn nobody_waits_for_a_round_that_is_gone() {
        let (inbox, messages) = inbox_of(10, 100);
        let (first, second) = (inbox.lane(ConnectionId(1)), inbox.lane(ConnectionId(2)));
        first.send(vec![0; 100].into()).now_or_never().unwrap().unwrap();
        let mut waits = pin!(second.send(vec![0; 100].into()));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(messages);
        assert!(waits.now_or_never().unwrap().is_err());
    }
}
