//! What goes into a round and what comes out of it.

use core::ops::Range;

use bytes::Bytes;

use crate::aggregate::Aggregate;
use crate::contribution::SealedShares;
use crate::identification::Challenge;
use crate::messages::{DeclineReason, EndReason, Phase};
use crate::round::room::Room;
use crate::round::{Record, Refusal};
use crate::sharing::{ShareIndex, ShareIndices};
use crate::time::Timestamp;

/// Names a connection; the driver gives each a number that is larger than all before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What happens to a round.
#[derive(Debug)]
pub enum Input {
    /// A peer connected.
    Connected {
        /// Over which connection.
        connection: ConnectionId,
        /// 32 bytes fresh from the operating system, for this connection only.
        challenge: Challenge,
    },
    /// A connection is gone.
    Disconnected(ConnectionId),
    /// One WebSocket message, unread.
    Message {
        /// From which connection.
        from: ConnectionId,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A contribution that [`Output::Load`] asked for.
    Loaded {
        /// Its number.
        number: u32,
        /// The message, as it was stored.
        message: Bytes,
    },
    /// The researcher decided something.
    Command(Command),
    /// The time of the last [`Output::Timeout`] has come.
    Timeout,
}

/// What a researcher can decide while a round runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Fix the committee now; below the minimum the round ends.
    CloseEnrolment,
    /// Fix the manifest, as soon as as many members as the threshold have contributed, and those that are
    /// here have or had time to; below the minimum the round ends.
    CloseContributing,
    /// Take back the invitations with these numbers, before the committee is fixed: whoever has enrolled
    /// with one is sent away, and nobody else comes with it.
    RevokeInvitations(Vec<u32>),
    /// End the round without a result.
    Abort,
}

/// What a round wants done, in order.
#[derive(Debug)]
pub enum Output {
    /// Make this durable before anything that follows is performed.
    Persist(Box<Record>),
    /// Send one WebSocket message.
    Send {
        /// To which connection.
        to: ConnectionId,
        /// Its bytes, shared where the same message goes to many.
        bytes: Bytes,
    },
    /// Send one WebSocket message to each of these members.
    Deliver(Box<Deliveries>),
    /// Read the messages of these contributions from the store and hand them back in order, each as
    /// [`Input::Loaded`]. Other inputs may come in between.
    Load {
        /// Their numbers.
        numbers: Range<u32>,
    },
    /// Close with `reason.code()` and `reason.to_string()`. No [`Input::Disconnected`] is expected.
    Close {
        /// Which connection.
        connection: ConnectionId,
        /// Why.
        reason: Refusal,
    },
    /// Something worth telling the people who run the round.
    Event(Event),
    /// Set the timer, or clear it. A time that has passed already asks to be called again as soon as everybody else
    /// has had a turn: long work is done in slices.
    Timeout(Option<Timestamp>),
}

/// One contribution's sealed shares on their way to members.
///
/// They are cut out of the contribution when they are sent and not before, so that shares which wait for
/// a disk take little memory besides the contribution that is being written: the tree over them and the paths in it.
#[derive(Debug)]
pub struct Deliveries {
    /// What each message begins with.
    pub(super) head: Vec<u8>,
    pub(super) shares: SealedShares,
    pub(super) to: Vec<Addressee>,
}

/// A member who is delivered its share.
#[derive(Debug)]
pub(super) struct Addressee {
    pub(super) connection: ConnectionId,
    pub(super) member: ShareIndex,
    /// The path of its share, as it is on the wire.
    pub(super) path: Vec<u8>,
}

impl Deliveries {
    /// Each message and its connection. A message comes in three parts, which follow each other.
    pub fn parts(&self) -> impl Iterator<Item = (ConnectionId, [&[u8]; 3])> {
        self.to.iter().map(|Addressee { connection, member, path }| {
            (*connection, [&self.head[..], path, self.shares.of(*member)])
        })
    }

    /// Each message and its connection, for whoever can afford a copy.
    pub fn messages(&self) -> impl Iterator<Item = (ConnectionId, Bytes)> {
        self.parts().map(|(to, parts)| (to, parts.concat().into()))
    }
}

/// What the people who run the round get to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The round went on to this phase.
    PhaseChanged(Phase),
    /// One more person has answered and could serve on the committee.
    Enrolled {
        /// How many now.
        enrolled: u32,
    },
    /// One more contribution has been accepted.
    Contributed {
        /// How many now.
        contributed: u32,
    },
    /// One more member has verified all contributions.
    VerificationReceived {
        /// How many now.
        verified: u32,
    },
    /// The verdict is reached.
    Judged {
        /// How many contributions are counted.
        accepted: u32,
        /// How many are not.
        rejected: u32,
        /// The members whose verification disputes too much, and whose partial aggregates are not used.
        left_out: ShareIndices,
    },
    /// One more partial aggregate has come.
    PartialReceived {
        /// How many now.
        partials: u32,
    },
    /// A member will not verify, or give a partial aggregate.
    MemberDeclined(DeclineReason),
    /// Somebody left because their safety words are not those of the others: there may be somebody between the
    /// people and this hospital.
    WordsDisputed {
        /// How many have said so now.
        reports: u32,
    },
    /// A peer did something that no honest one does, or came too late; its connection is closed.
    PeerRefused {
        /// Which connection.
        connection: ConnectionId,
        /// What it did.
        reason: Refusal,
    },
    /// A command does not fit the phase, or the study does not allow it.
    CommandRefused(Command),
    /// The result.
    Published {
        /// Count and sum.
        aggregate: Aggregate,
        /// The members whose partial aggregates were wrong and have been corrected.
        wrong: ShareIndices,
    },
    /// The round ended without a result.
    Ended(EndReason),
}

/// A snapshot for the status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Where the round stands.
    pub phase: Phase,
    /// How many people have enrolled.
    pub enrolled: u32,
    /// `k`, once the committee is fixed.
    pub committee: Option<u8>,
    /// `T`, once the committee is fixed.
    pub threshold: Option<u8>,
    /// How many contributions were accepted.
    pub contributed: u32,
    /// How many members have verified all contributions.
    pub verified: u32,
    /// How many contributions are not counted, because they are not valid or in dispute.
    pub rejected: u32,
    /// The members whose partial aggregates are not used, because they disputed too much.
    pub left_out: ShareIndices,
    /// How many partial aggregates have come.
    pub partials: u32,
    /// How many connections there are.
    pub connected: u32,
    /// How many are waited for that have lost their connection.
    pub away: u32,
    /// When the phase closes by itself, if nothing happens before; none once the round is over.
    pub closes_at: Option<Timestamp>,
    /// The result.
    pub aggregate: Option<Aggregate>,
    /// The members whose partial aggregates were wrong and have been corrected in the result.
    pub wrong: ShareIndices,
    /// Why there is none.
    pub ended: Option<EndReason>,
}

impl Status {
    /// A round that nobody has come to.
    pub(super) fn blank(room: &Room) -> Self {
        Self {
            phase: Phase::Enrolling,
            enrolled: 0,
            committee: None,
            threshold: None,
            contributed: 0,
            verified: 0,
            rejected: 0,
            left_out: ShareIndices::default(),
            partials: 0,
            connected: room.connected(),
            away: 0,
            closes_at: None,
            aggregate: None,
            wrong: ShareIndices::default(),
            ended: None,
        }
    }
}
