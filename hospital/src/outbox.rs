//! What waits to be sent to one peer: bounded in bytes, and cut when the peer reads too slowly.

use std::borrow::Cow;
use std::mem;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::limits::{BATCH, WEBSOCKET_WRITE_BUFFER};

/// What a queued message costs besides its bytes, so that empty messages are bounded too.
const MESSAGE_OVERHEAD: usize = 64;

/// The longest reason that fits into a close frame (RFC 6455, section 5.5: 125 bytes with the code).
const REASON_MAX: usize = 123;

/// Why the hospital closes a connection: a WebSocket close code and a sentence for the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The code (RFC 6455, section 7.4; 4400 to 4499 are Wardsum's).
    pub(crate) code: u16,
    /// The reason, at most 123 bytes.
    pub(crate) reason: Cow<'static, str>,
}

impl Closing {
    /// The reason is cut to what a close frame can hold.
    pub(crate) fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        let mut reason = reason.into();
        if reason.len() > REASON_MAX {
            let end = reason.floor_char_boundary(REASON_MAX);
            reason.to_mut().truncate(end);
        }
        Self { code, reason }
    }

    /// For everybody, while nothing can be stored.
    pub(crate) fn suspended() -> Self {
        Self::new(1013, "the hospital cannot store anything at the moment; your page tries again")
    }

    /// For everybody, when the round's task has ended before its time.
    pub(crate) fn round_stopped() -> Self {
        Self::new(1011, "the round stopped unexpectedly; reload the page")
    }

    /// For a peer that reads or answers too slowly.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            4408,
            "this connection is too slow for the round; check the network and reconnect",
        )
    }
}

/// The sending end: the round's task puts messages in and never waits.
///
/// They are handed over in batches, because waking the connection's task and calling the operating
/// system cost many times as much as a message: whoever sends must [`Outbox::flush`] in the end.
pub(crate) struct Outbox {
    queue: mpsc::UnboundedSender<ToPeer>,
    shared: Shared,
    limit: usize,
    batch: Batch,
}

/// The receiving end: the connection's task takes messages out in batches.
pub(crate) struct OutboxQueue {
    queue: mpsc::UnboundedReceiver<ToPeer>,
    shared: Shared,
    /// The end, once it was taken out behind messages.
    closing: Option<Closing>,
}

#[derive(Clone, Default)]
struct Shared {
    /// Bytes that wait, [`MESSAGE_OVERHEAD`] included. The queue itself has no bound; this is it.
    waiting: Arc<AtomicUsize>,
    /// Cancelled once the bound was exceeded: what still waits is then not worth sending.
    overflowed: CancellationToken,
}

/// Messages that are handed over together.
#[derive(Default)]
struct Batch {
    messages: Vec<Queued>,
    /// The copied messages, one behind the other.
    copies: Vec<u8>,
    cost: usize,
}

enum Queued {
    Whole(Bytes),
    /// A copy of this length.
    Copy(usize),
}

enum ToPeer {
    Messages(Vec<Bytes>),
    Close(Closing),
}

/// The peer reads too slowly: its outbox is full, and its connection is being closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// An empty outbox for at most `limit` bytes.
pub(crate) fn outbox(limit: usize) -> (Outbox, OutboxQueue) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let shared = Shared::default();
    let batch = Batch::default();
    let outbox = Outbox { queue: sender, shared: shared.clone(), limit, batch };
    (outbox, OutboxQueue { queue: receiver, shared, closing: None })
}

impl Outbox {
    /// Takes a message, and hands over what has gathered if that is a batch. One message always
    /// fits, however long, so that a bound below the longest message cannot stop a round.
    pub(crate) fn send(&mut self, bytes: Bytes) -> Result<(), Overflow> {
        self.charge(bytes.len())?;
        self.batch.messages.push(Queued::Whole(bytes));
        self.flush_if_full();
        Ok(())
    }

    /// Takes a copy of a message that comes in parts. What it is copied from is free again at once,
    /// however long this peer takes to read.
    pub(crate) fn send_copy(&mut self, parts: [&[u8]; 3]) -> Result<(), Overflow> {
        let len = parts.iter().map(|part| part.len()).sum();
        self.charge(len)?;
        let Batch { messages, copies, .. } = &mut self.batch;
        if copies.is_empty() {
            // Until the batch is full it does not have to move; what is not needed is given back then.
            copies.reserve_exact(WEBSOCKET_WRITE_BUFFER + len);
        }
        for part in parts {
            copies.extend_from_slice(part);
        }
        messages.push(Queued::Copy(len));
        self.flush_if_full();
        Ok(())
    }

    /// Counts a message of this length among those that wait.
    fn charge(&mut self, len: usize) -> Result<(), Overflow> {
        let cost = len + MESSAGE_OVERHEAD;
        let waiting = self.shared.waiting.fetch_add(cost, Ordering::Relaxed);
        if waiting > 0 && waiting + cost > self.limit {
            self.shared.overflowed.cancel();
            return Err(Overflow);
        }
        self.batch.cost += cost;
        Ok(())
    }

    fn flush_if_full(&mut self) {
        if self.batch.cost >= WEBSOCKET_WRITE_BUFFER {
            self.flush();
        }
    }

    /// Whether nothing waits to be handed over.
    pub(crate) fn is_flushed(&self) -> bool {
        self.batch.messages.is_empty()
    }

    /// Hands over what has gathered.
    pub(crate) fn flush(&mut self) {
        if !self.is_flushed() {
            let messages = self.batch.take();
            self.queue_up(ToPeer::Messages(messages));
        }
    }

    /// Hands over the end of the connection, behind what already waits.
    pub(crate) fn close(mut self, closing: Closing) {
        self.flush();
        self.queue_up(ToPeer::Close(closing));
    }

    fn queue_up(&self, item: ToPeer) {
        // The other end is gone when the connection broke; the round hears of that as `Disconnected`.
        let _ = self.queue.send(item);
    }
}

impl Batch {
    /// What has gathered; the next batch is empty.
    fn take(&mut self) -> Vec<Bytes> {
        let mut copies = mem::take(&mut self.copies);
        self.cost = 0;
        if copies.capacity() > 2 * copies.len() {
            copies.shrink_to_fit();
        }
        let mut copies = Bytes::from(copies);
        let messages = mem::take(&mut self.messages).into_iter().map(|message| match message {
            Queued::Whole(bytes) => bytes,
            Queued::Copy(len) => copies.split_to(len),
        });
        messages.collect()
    }
}

impl OutboxQueue {
    /// Waits for the next messages, at least one and a few batches at most, or for how the connection
    /// is to be closed. After that it is not called again.
    pub(crate) async fn next_batch(&mut self) -> Result<Vec<Bytes>, Closing> {
        if let Some(closing) = self.closing.take() {
            return Err(closing);
        }
        let first = tokio::select! {
            biased;
            () = self.shared.overflowed.cancelled() => return Err(Closing::too_slow()),
            first = self.queue.recv() => first,
        };
        let mut messages = match first {
            Some(ToPeer::Messages(batch)) => batch,
            Some(ToPeer::Close(closing)) => return Err(closing),
            None => return Err(Closing::new(1011, "the round stopped without saying why")),
        };
        // What has gathered meanwhile leaves in the same system calls.
        while messages.len() < BATCH {
            match self.queue.try_recv() {
                Ok(ToPeer::Messages(batch)) => messages.extend(batch),
                Ok(ToPeer::Close(closing)) => {
                    self.closing = Some(closing);
                    break;
                }
                Err(_) => break,
            }
        }
        let cost: usize = messages.iter().map(|bytes| bytes.len() + MESSAGE_OVERHEAD).sum();
        self.shared.waiting.fetch_sub(cost, Ordering::Relaxed);
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_comes_after_everything_before_it() {
        let (mut outbox, mut queue) = outbox(1_000);
        outbox.send(vec![1].into()).unwrap();
        outbox.send(vec![2].into()).unwrap();
        outbox.close(Closing::new(1000, "done"));

        assert_eq!(queue.next_batch().await.unwrap(), [vec![1], vec![2]]);
        assert_eq!(queue.next_batch().await, Err(Closing::new(1000, "done")));
    }

    #[tokio::test]
    async fn a_full_batch_is_handed_over_at_once() {
        let (mut outbox, mut queue) = outbox(1_000_000);
        outbox.send(vec![0; 100].into()).unwrap();
        outbox.send(vec![0; WEBSOCKET_WRITE_BUFFER].into()).unwrap();
        outbox.send(vec![0; 100].into()).unwrap();
        assert_eq!(queue.next_batch().await.unwrap().len(), 2);
        outbox.flush();
        assert_eq!(queue.next_batch().await.unwrap().len(), 1);
        assert!(outbox.is_flushed());
    }

    #[tokio::test]
    async fn a_full_outbox_drops_what_waits_and_ends() {
        let (mut outbox, mut queue) = outbox(300);
        outbox.send(vec![0; 100].into()).unwrap();
        assert_eq!(outbox.send(vec![0; 100].into()), Err(Overflow));
        assert_eq!(queue.next_batch().await, Err(Closing::too_slow()));
    }

    #[tokio::test]
    async fn what_was_taken_out_makes_room() {
        let (mut outbox, mut queue) = outbox(300);
        for _ in 0..10 {
            outbox.send(vec![0; 200].into()).unwrap();
            outbox.flush();
            queue.next_batch().await.unwrap();
        }
    }

    #[tokio::test]
    async fn copies_keep_their_place_among_other_messages() {
        let (mut outbox, mut queue) = outbox(1_000_000);
        outbox.send_copy([&[1], &[], &[2, 3]]).unwrap();
        outbox.send(vec![4].into()).unwrap();
        outbox.send_copy([&[], &[5], &[]]).unwrap();
        outbox.flush();
        assert_eq!(queue.next_batch().await.unwrap(), [vec![1, 2, 3], vec![4], vec![5]]);
        outbox.send_copy([&[6], &[], &[]]).unwrap();
        outbox.flush();
        assert_eq!(queue.next_batch().await.unwrap(), [vec![6]]);
    }

    #[test]
    fn a_copy_is_bounded_like_any_message() {
        let (mut outbox, _queue) = outbox(300);
        outbox.send_copy([&[0; 50], &[0; 25], &[0; 25]]).unwrap();
        assert_eq!(outbox.send_copy([&[0; 50], &[0; 25], &[0; 25]]), Err(Overflow));
    }

    #[test]
    fn a_message_above_the_bound_still_passes_alone() {
        let (mut outbox, _queue) = outbox(10);
        assert_eq!(outbox.send(vec![0; 1_000].into()), Ok(()));
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let closing = Closing::new(4400, "ä".repeat(100));
        assert_eq!(closing.reason, "ä".repeat(61));
    }
}
