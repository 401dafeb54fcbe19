//! The round is over, and whoever comes is told how it ended.

use bytes::Bytes;

use crate::aggregate::Aggregate;
use crate::committee::Committee;
use crate::messages::{EndReason, HospitalMessage, PeerMessage, Phase};
use crate::round::aggregating::Aggregating;
use crate::round::closed::Closed;
use crate::round::ledger::SealedLedger;
use crate::round::room::Room;
use crate::round::{Arrival, ConnectionId, Envelope, Refusal, State, Status};
use crate::sharing::ShareIndices;
use crate::wire;

/// Tells everybody who still comes how the round ended.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) status: Status,
    /// The encoded message that tells the committee, if there was one.
    announcement: Option<Bytes>,
    /// The encoded message that tells how the round ended.
    outcome: Bytes,
    /// What was counted, if there is a result.
    counted: Option<Counted>,
}

/// What it takes to prove to a peer that it was counted.
#[derive(Debug)]
struct Counted {
    committee: Committee,
    ledger: SealedLedger,
}

impl Over {
    /// There is a result, and this message tells it.
    pub(super) fn published(
        state: Aggregating,
        (aggregate, wrong): (Aggregate, ShareIndices),
        outcome: Bytes,
        room: &Room,
    ) -> Self {
        let status = Status {
            phase: Phase::Published,
            aggregate: Some(aggregate),
            wrong,
            ..state.status(Status::blank(room))
        };
        let Closed { committee, announcement, ledger, .. } = state.closed;
        let counted = Some(Counted { committee, ledger });
        Self { status, announcement: Some(announcement), outcome, counted }
    }

    /// There is a result, of a round that was played with an earlier version. Who took part in it with the page of
    /// that time is told in its words, and nobody else comes.
    pub(super) fn of_earlier_version(
        (status, closed): (Status, Closed),
        aggregate: Aggregate,
        outcome: Bytes,
    ) -> Self {
        let status = Status { phase: Phase::Published, aggregate: Some(aggregate), ..status };
        Self { status, announcement: Some(closed.announcement), outcome, counted: None }
    }

    /// There is no result.
    pub(super) fn ended(status: Status, announcement: Option<Bytes>, reason: EndReason) -> Self {
        let outcome = wire::encode(&HospitalMessage::Ended(reason)).into();
        let status = Status { phase: Phase::Ended, closes_at: None, ended: Some(reason), ..status };
        Self { status, announcement, outcome, counted: None }
    }

    /// The encoded message that tells how the round ended.
    pub(super) fn outcome(&self) -> &Bytes {
        &self.outcome
    }

    /// Tells a newcomer.
    pub(super) fn tell(&self, connection: ConnectionId, room: &mut Room) {
        for message in self.announcement.iter().chain([&self.outcome]) {
            room.send_encoded(connection, message.clone());
        }
    }

    /// A peer has identified itself: it gets the proof that it was counted.
    pub(super) fn arrive(self, arrival: Arrival, room: &mut Room) -> State {
        if let Some(counted) = &self.counted
            && let Some(inclusion) = counted.ledger.inclusion(&arrival.peer)
        {
            room.send(arrival.connection, &HospitalMessage::Counted(inclusion));
        }
        State::Over(self)
    }

    pub(super) fn message(
        self,
        message: PeerMessage,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> (State, Option<Refusal>) {
        let refusal = match (message, &self.counted) {
            (PeerMessage::Contribute(contribution), Some(counted)) => {
                let accepted = contribution.verify(room.study(), &counted.committee).ok();
                let repeated = accepted.filter(|accepted| {
                    let known = counted.ledger.digest_of(&envelope.peer);
                    accepted.sender == envelope.peer && known == Some(accepted.digest)
                });
                match repeated {
                    Some(accepted) => {
                        envelope.acknowledge_contribution(accepted.digest, room);
                        None
                    }
                    None => Some(Refusal::RoundOver),
                }
            }
            // Whoever still contributes has not heard how the round ended. That it is too late would be
            // a broken promise to a peer whose contribution was acknowledged.
            (PeerMessage::Contribute(_), None) => {
                room.send_encoded(envelope.from, self.outcome.clone());
                None
            }
            // What was under way when the round ended.
            (
                PeerMessage::Enrol(_)
                | PeerMessage::Verification(_)
                | PeerMessage::Partial(_)
                | PeerMessage::Decline(_)
                | PeerMessage::Identify(_)
                | PeerMessage::Received(_)
                | PeerMessage::Leave
                | PeerMessage::WordsDiffer,
                _,
            ) => None,
        };
        (State::Over(self), refusal)
    }
}
