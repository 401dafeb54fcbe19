//! What a peer makes of the hospital's messages.

use crate::committee::Committee;
use crate::digest::MessageDigest;
use crate::messages::{HospitalMessage, Phase, Progress, Welcome};
use crate::peer::comparing::Comparing;
use crate::peer::state::{AwaitingAnswer, AwaitingCommittee, State};
use crate::peer::{Event, Failure, Peer, Transition, Waiting, give_up_at};
use crate::study::Study;
use crate::time::Timestamp;
use crate::wire;

impl Peer {
    pub(super) fn message(&mut self, state: State, bytes: &[u8], now: Timestamp) -> Transition {
        let message = wire::decode(bytes).map_err(|_| Failure::Malformed)?;
        match message {
            HospitalMessage::Welcome(welcome) => self.welcome(state, &welcome, now),
            HospitalMessage::Progress(progress) => self.progress(state, progress, now),
            HospitalMessage::Acknowledge(digest) => Ok(self.acknowledged(state, digest)),
            HospitalMessage::Committee(bytes) => self.committee_fixed(state, &bytes.0, now),
            HospitalMessage::Ended(reason) => Err(Failure::RoundEnded(reason)),
            HospitalMessage::WordsDisputed(reports) => {
                self.emit(Event::WordsDisputed { reports });
                Ok(state)
            }
            HospitalMessage::Deliver(delivery) => match state {
                State::Comparing(mut comparing) => {
                    comparing.round.deliver(&delivery, self, now)?;
                    Ok(State::Comparing(comparing))
                }
                State::Sealing(mut sealing) => {
                    sealing.round.deliver(&delivery, self, now)?;
                    Ok(State::Sealing(sealing))
                }
                State::AwaitingManifest(mut waiting) => {
                    waiting.round.deliver(&delivery, self, now)?;
                    Ok(State::AwaitingManifest(waiting))
                }
                // It was under way when the manifest was answered.
                state @ (State::AwaitingVerdict(_) | State::AwaitingResult(_)) => Ok(state),
                other => self.out_of_order(other, now),
            },
            HospitalMessage::Manifest(digests) => match state {
                // Whoever still compares has not contributed, in whatever life.
                State::Comparing(_) => Err(Failure::TooLate),
                State::AwaitingManifest(waiting) => waiting.manifest(digests.into_vec(), self, now),
                State::Sealing(mut sealing) => {
                    sealing.early.manifest = Some(digests.into_vec());
                    Ok(State::Sealing(sealing))
                }
                State::AwaitingVerdict(waiting) => waiting.repeated(digests.as_slice()),
                // Answered, and never again.
                State::AwaitingResult(waiting) => Ok(State::AwaitingResult(waiting)),
                other => self.out_of_order(other, now),
            },
            HospitalMessage::Verdict(verdict) => match state {
                State::AwaitingVerdict(waiting) => waiting.verdict(&verdict, self, now),
                State::Sealing(mut sealing) => {
                    sealing.early.verdict = Some(verdict);
                    Ok(State::Sealing(sealing))
                }
                // Answered, and never again.
                State::AwaitingResult(waiting) => Ok(State::AwaitingResult(waiting)),
                other => self.out_of_order(other, now),
            },
            HospitalMessage::Counted(inclusion) => match state {
                // Whoever still compares has not contributed, in whatever life.
                State::Comparing(_) => Err(Failure::TooLate),
                State::AwaitingManifest(waiting) => waiting.counted(&inclusion, self, now),
                State::Sealing(mut sealing) => {
                    sealing.early.inclusion = Some(inclusion);
                    Ok(State::Sealing(sealing))
                }
                State::AwaitingVerdict(waiting) => waiting.counted(&inclusion, self, now),
                State::AwaitingResult(waiting) => Ok(State::AwaitingResult(waiting)),
                other => self.out_of_order(other, now),
            },
            HospitalMessage::Published(publication) => self.published(state, publication, now),
        }
    }

    /// A message came before those that it builds on: they are lost, and come again.
    pub(super) fn out_of_order(&mut self, state: State, now: Timestamp) -> Transition {
        self.reconnect(state, Failure::ConnectionLost, now)
    }

    fn welcome(&mut self, mut state: State, welcome: &Welcome, now: Timestamp) -> Transition {
        if !self.link.welcomed(welcome.challenge) {
            return self.out_of_order(state, now);
        }
        // What came over another connection says nothing about what is still to come over this one.
        match &mut state {
            State::Sealing(sealing) => sealing.early.result_told = false,
            State::AwaitingManifest(waiting) => waiting.result_told = false,
            _ => {}
        }
        if let Some(study) = state.study() {
            // It is another round, and this one's is gone.
            if study.encode() != welcome.study.as_slice() {
                return Err(Failure::RoundGone);
            }
            self.emit(Event::Reconnected);
            self.introduce(&state, now);
            return Ok(state);
        }
        let study =
            Study::decode_current(welcome.study.as_slice()).map_err(|_| Failure::StudyInvalid)?;
        match &self.me.invitation {
            Some(invitation) => invitation.check(&study).map_err(Failure::ForeignInvitation)?,
            None if study.authority().is_some() => return Err(Failure::NotInvited),
            None => {}
        }
        self.give_up_at = Some(give_up_at(&study, now));
        self.emit(Event::StudyReceived(Box::new(study.clone())));
        Ok(State::AwaitingAnswer(Box::new(AwaitingAnswer {
            study,
            committee: None,
            phase: Phase::Enrolling,
        })))
    }

    fn progress(&mut self, mut state: State, progress: Progress, now: Timestamp) -> Transition {
        self.emit(Event::Waiting(Waiting::from(progress)));
        match &mut state {
            // What is not sent yet would not be counted, so it is not sent at all.
            State::Comparing(_) if progress.phase > Phase::Contributing => {
                return Err(Failure::TooLate);
            }
            State::AwaitingAnswer(_) if self.me.spent && progress.phase <= Phase::Contributing => {
                return Err(Failure::InvitationUsed);
            }
            State::AwaitingAnswer(waiting) => waiting.phase = progress.phase,
            // The round is further than what this peer has heard of: it must hear of it soon.
            State::AwaitingCommittee(_) if progress.phase != Phase::Enrolling => {
                self.link.expect_reply(now);
            }
            State::AwaitingManifest(_)
                if matches!(progress.phase, Phase::Verifying | Phase::Aggregating) =>
            {
                self.link.expect_reply(now);
            }
            State::AwaitingVerdict(_) if progress.phase == Phase::Aggregating => {
                self.link.expect_reply(now);
            }
            _ => {}
        }
        Ok(state)
    }

    fn acknowledged(&mut self, mut state: State, digest: MessageDigest) -> State {
        let known = match &mut state {
            State::AwaitingCommittee(waiting) => {
                let own = |message: &Vec<u8>| MessageDigest::of(message) == digest;
                let own = waiting.enrolment.as_ref().is_some_and(own);
                if own && !core::mem::replace(&mut waiting.enrolled, true) {
                    self.emit(Event::Enrolled);
                }
                own
            }
            State::AwaitingManifest(waiting) => waiting.acknowledge(digest, self),
            State::AwaitingVerdict(waiting) => waiting.acknowledge(digest, self),
            State::AwaitingResult(waiting) => waiting.acknowledge(digest),
            // An acknowledgement of something that is settled already.
            _ => false,
        };
        if known {
            self.link.replied();
        }
        state
    }

    fn committee_fixed(&mut self, state: State, bytes: &[u8], now: Timestamp) -> Transition {
        if let Some(known) = state.committee() {
            // It is repeated over every connection, and must stay the same.
            return if known.bytes() == bytes { Ok(state) } else { Err(Failure::Equivocation) };
        }
        match state {
            State::AwaitingAnswer(mut waiting) => {
                let committee =
                    Committee::decode(&waiting.study, bytes).map_err(Failure::Committee)?;
                waiting.committee = Some(committee);
                Ok(State::AwaitingAnswer(waiting))
            }
            State::AwaitingCommittee(waiting) => {
                let AwaitingCommittee { study, answer, opening_key, .. } = *waiting;
                let committee = match (Committee::decode(&study, bytes), self.me.committee) {
                    (Ok(committee), None) => committee,
                    (Ok(committee), Some(bound)) if bound == committee.digest() => committee,
                    (Err(error), None) => return Err(Failure::Committee(error)),
                    // It has sent shares to others.
                    (_, Some(_)) => return Err(Failure::Equivocation),
                };
                self.link.replied();
                Ok(Comparing::begin(study, committee, answer, Some(opening_key), self))
            }
            other => self.out_of_order(other, now),
        }
    }
}
