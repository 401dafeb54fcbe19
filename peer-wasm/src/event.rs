//! What a listener hears.

use wardsum_protocol::safety_words::OutOfMemory;
use wardsum_protocol::{SafetyWords, peer};

use crate::storage::StorageError;

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection to the hospital stands.
    Connected,
    /// Something happened in the round.
    Protocol(peer::Event),
    /// The safety words, which [`peer::Event::SafetyWords`] has announced. If it says that they are awaited, nothing
    /// of the answer is sent before [`PeerHandle::words_match`](crate::PeerHandle::words_match). Without
    /// the memory for them there is no way on, but to load the page again.
    Words(Result<SafetyWords, OutOfMemory>),
    /// No worker computes the safety words here, so the page does, and stands still for a second or two.
    WordsInPage,
    /// A connection is over; the peer says next whether it tries again. Not told after
    /// [`PeerHandle::leave`](crate::PeerHandle::leave).
    Closed {
        /// The close code: 4400 and up are the hospital's refusals, 1001 means that it shuts down,
        /// 1006 that the connection broke.
        code: u16,
        /// What the hospital gave as reason; empty if it gave none.
        reason: String,
        /// Whether any connection ever stood. If not, the hospital cannot be reached or does not
        /// know the study: browsers do not tell which.
        opened: bool,
    },
    /// The browser keeps nothing for this page. The peer takes part all the same, for as long as
    /// the page is open, and cannot be resumed. Told before anything was to be kept.
    NotKept(StorageError),
    /// Something could not be written down, so the peer goes no further: nothing that depends on it
    /// was sent, and no other event follows. What was written before is still kept, unless the
    /// error says otherwise.
    StorageFailed(StorageError),
    /// The round is over, but what was kept of it could not be erased.
    NotErased(StorageError),
}
