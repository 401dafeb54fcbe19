//! A round that comes back from its records.

use bytes::Bytes;
use thiserror::Error;

use crate::aggregate::{Aggregate, PartialAggregate};
use crate::committee::{Committee, CommitteeError, Enrolment, EnrolmentError};
use crate::messages::PeerMessage;
use crate::round::aggregating::Aggregating;
use crate::round::closed::Closed;
use crate::round::contributing::Contributing;
use crate::round::enrolling::Enrolling;
use crate::round::over::Over;
use crate::round::record::{Contributed, Record};
use crate::round::room::Room;
use crate::round::verifying::Verifying;
use crate::round::{Round, State, Status};
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::verification::VerificationError;
use crate::{AggregateError, wire};

/// Why records are not those of a round: the store's fault, or a bug of ours.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RestoreError {
    /// A round of an earlier version of the protocol that is not over: nobody can take part in it any more.
    #[error("the round is of an earlier version of the protocol, and was not over")]
    EarlierVersion,
    /// A record that has no place after those before it.
    #[error("record {position} does not follow from those before it")]
    OutOfOrder {
        /// Its position, from 0 on.
        position: usize,
    },
    /// A message that is not what a peer can have sent.
    #[error("record {position} holds a message that is not of this protocol")]
    Message {
        /// Its position, from 0 on.
        position: usize,
    },
    /// An enrolment that does not hold.
    #[error("record {position}: {source}")]
    Enrolment {
        /// Its position, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: EnrolmentError,
    },
    /// A committee that does not hold.
    #[error("record {position}: {source}")]
    Committee {
        /// Its position, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: CommitteeError,
    },
    /// A verification that does not hold.
    #[error("record {position}: {source}")]
    Verification {
        /// Its position, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: VerificationError,
    },
    /// A verdict that is not what the verifications before it give.
    #[error("record {position} holds a verdict that does not follow from the verifications")]
    Verdict {
        /// Its position, from 0 on.
        position: usize,
    },
    /// A partial aggregate that does not hold.
    #[error("record {position}: {source}")]
    Partial {
        /// Its position, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: AggregateError,
    },
    /// A result that is not what the partial aggregates before it give.
    #[error("record {position} holds a result that does not follow from the partial aggregates")]
    Result {
        /// Its position, from 0 on.
        position: usize,
    },
}

impl Round {
    /// Opens a round again that wrote `records` down, each with the time that
    /// [`Round::handle`] was given. Nobody is connected; whoever took part is waited for.
    ///
    /// `now` must be on the same clock and no earlier than the last record. The messages of
    /// contributions are not looked at and may be empty.
    pub fn restore(
        study: Study,
        opened: Timestamp,
        records: impl IntoIterator<Item = (Timestamp, Record)>,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let mut room = Room::new(study, now);
        let mut state = State::Enrolling(Enrolling::new(opened));
        for (position, (at, record)) in records.into_iter().enumerate() {
            if let Record::WordsDisputed(peer) = record {
                let fixed = matches!(
                    state,
                    State::Contributing(_) | State::Verifying(_) | State::Aggregating(_)
                );
                if !fixed || !room.dispute(peer) {
                    return Err(RestoreError::OutOfOrder { position });
                }
                continue;
            }
            state = Replay { room: &room, at, position }.apply(state, record)?;
        }
        if !room.study().is_current() && !matches!(state, State::Over(_)) {
            return Err(RestoreError::EarlierVersion);
        }
        let mut round = Self { room, state: Some(state), timer: None };
        round.set_timer();
        Ok(round)
    }
}

/// One record on its way back into the state that it came from.
struct Replay<'a> {
    room: &'a Room,
    at: Timestamp,
    position: usize,
}

impl Replay<'_> {
    fn apply(&self, state: State, record: Record) -> Result<State, RestoreError> {
        let position = self.position;
        let study = self.room.study();
        match (state, record) {
            (State::Enrolling(mut state), Record::Enrolled(message)) => {
                let PeerMessage::Enrol(signed) = self.message(&message)? else {
                    return Err(RestoreError::Message { position });
                };
                let enrolment = Enrolment::verify(study, signed)
                    .map_err(|source| RestoreError::Enrolment { position, source })?;
                state.restore(enrolment, self.at, self.room.now());
                Ok(State::Enrolling(state))
            }
            (State::Enrolling(mut state), Record::Withdrawn(peer)) => {
                let known = state.forget(&peer);
                self.follows(known, State::Enrolling(state))
            }
            (State::Enrolling(mut state), Record::InvitationsRevoked(serials)) => {
                state.restore_revocation(&serials);
                Ok(State::Enrolling(state))
            }
            (State::Contributing(mut state), Record::InvitationUsed { ticket, sender, .. }) => {
                let known = state.restore_ticket(&ticket, sender);
                self.follows(known, State::Contributing(state))
            }
            (State::Enrolling(state), Record::CommitteeFixed(bytes)) => {
                let committee = Committee::decode(study, &bytes)
                    .map_err(|source| RestoreError::Committee { position, source })?;
                let now = self.room.now();
                let revoked = state.into_revoked();
                let state = Contributing::restore(committee, revoked, self.at, now);
                Ok(State::Contributing(state))
            }
            (State::Contributing(state), Record::Contributed(contributed)) => {
                self.contributed(state, &contributed)
            }
            (State::Contributing(mut state), Record::Left(peer)) => {
                let place = state.committee.place_of(&peer);
                if let Some(place) = place {
                    state.seats.leave(place);
                }
                self.follows(place.is_some(), State::Contributing(state))
            }
            (State::Contributing(state), Record::ContributingClosed) => {
                Ok(State::Contributing(state.restore_command()))
            }
            (State::Contributing(state), Record::ManifestFixed { size })
                if state.ledger.len() == size =>
            {
                Ok(State::Verifying(Verifying::restore(state, study, self.at)))
            }
            (State::Verifying(state), record) if !matches!(record, Record::Ended(_)) => {
                self.verifying(state, record)
            }
            (State::Aggregating(state), record) if !matches!(record, Record::Ended(_)) => {
                self.aggregating(state, record)
            }
            (
                state @ (State::Enrolling(_)
                | State::Contributing(_)
                | State::Verifying(_)
                | State::Aggregating(_)),
                Record::Ended(reason),
            ) => Ok(State::Over(state.ended(reason, self.room))),
            _ => Err(RestoreError::OutOfOrder { position }),
        }
    }

    /// The manifest is fixed.
    fn verifying(&self, mut state: Verifying, record: Record) -> Result<State, RestoreError> {
        let position = self.position;
        let study = self.room.study();
        match record {
            Record::Verified(message) => {
                let PeerMessage::Verification(signed) = self.message(&message)? else {
                    return Err(RestoreError::Message { position });
                };
                state
                    .restore_piece(&signed, self.room.now())
                    .map_err(|source| RestoreError::Verification { position, source })?;
                Ok(State::Verifying(state))
            }
            Record::Declined(peer, _) => {
                let known = state.restore_decline(&peer);
                self.follows(known, State::Verifying(state))
            }
            Record::Left(peer) => {
                let known = state.closed.restore_leave(&peer).is_some();
                self.follows(known, State::Verifying(state))
            }
            // Before answers were proven valid, partial aggregates followed the manifest. Such a round is only
            // restored to tell how it ended.
            Record::Partial(_) if !study.is_current() => Ok(State::Verifying(state)),
            Record::PublishedSum { count, sum, message } if !study.is_current() => {
                let status = state.status(Status::blank(self.room));
                self.of_earlier_version((status, state.closed), (count, sum), message)
            }
            Record::Judged(bytes) => {
                let Closed { committee, commitment, .. } = &state.closed;
                let verdict = Verdict::read(&bytes, study, committee, *commitment)
                    .map_err(|_| RestoreError::Verdict { position })?;
                // In earlier versions the rules were others.
                if study.is_current() && state.verdict(study) != verdict {
                    return Err(RestoreError::Verdict { position });
                }
                Ok(State::Aggregating(Aggregating::restore(state, verdict)))
            }
            _ => Err(RestoreError::OutOfOrder { position }),
        }
    }

    /// The verdict is reached.
    fn aggregating(&self, mut state: Aggregating, record: Record) -> Result<State, RestoreError> {
        let position = self.position;
        let study = self.room.study();
        match record {
            // What members signed was another thing in earlier versions.
            Record::Partial(_) if !study.is_current() => Ok(State::Aggregating(state)),
            Record::PublishedSum { count, sum, message } if !study.is_current() => {
                let status = state.status(Status::blank(self.room));
                self.of_earlier_version((status, state.closed), (count, sum), message)
            }
            Record::Partial(message) => {
                let partial = self.partial(&message)?;
                state
                    .restore_partial(partial, study, self.room.now())
                    .map_err(|source| RestoreError::Partial { position, source })?;
                Ok(State::Aggregating(state))
            }
            Record::Declined(peer, _) => {
                let known = state.closed.restore_decline(&peer);
                self.follows(known, State::Aggregating(state))
            }
            Record::Left(peer) => {
                let known = state.closed.restore_leave(&peer).is_some();
                self.follows(known, State::Aggregating(state))
            }
            Record::Published { aggregate, message } => {
                // It follows from the partial aggregates, as do the names of those that are wrong. What is suppressed
                // was decided when it was published.
                let decoded =
                    state.decode(self.room).map_err(|_| RestoreError::Result { position })?;
                if !aggregate.says(state.accepted(), &decoded.result) {
                    return Err(RestoreError::Result { position });
                }
                let wrong = decoded.wrong.into_iter().collect();
                Ok(State::Over(Over::published(state, (aggregate, wrong), message, self.room)))
            }
            _ => Err(RestoreError::OutOfOrder { position }),
        }
    }

    fn follows(&self, follows: bool, state: State) -> Result<State, RestoreError> {
        if follows { Ok(state) } else { Err(RestoreError::OutOfOrder { position: self.position }) }
    }

    fn contributed(
        &self,
        mut state: Contributing,
        contributed: &Contributed,
    ) -> Result<State, RestoreError> {
        let known = state.ledger.digest_of(&contributed.sender).is_some();
        if known || contributed.number != state.ledger.len() {
            return Err(RestoreError::OutOfOrder { position: self.position });
        }
        state.restore_contribution(contributed, self.at);
        Ok(State::Contributing(state))
    }

    /// A round of one number has ended with this sum.
    fn of_earlier_version(
        &self,
        round: (Status, Closed),
        (count, sum): (u32, i128),
        message: Bytes,
    ) -> Result<State, RestoreError> {
        let aggregate = Aggregate::of_sum(self.room.study(), count, sum)
            .ok_or(RestoreError::Result { position: self.position })?;
        Ok(State::Over(Over::of_earlier_version(round, aggregate, message)))
    }

    fn partial(&self, message: &Bytes) -> Result<PartialAggregate, RestoreError> {
        match self.message(message)? {
            PeerMessage::Partial(partial) => Ok(partial),
            _ => Err(RestoreError::Message { position: self.position }),
        }
    }

    fn message(&self, message: &Bytes) -> Result<PeerMessage, RestoreError> {
        wire::decode(message).map_err(|_| RestoreError::Message { position: self.position })
    }
}
