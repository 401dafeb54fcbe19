//! The simulation's patients.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};
use wardsum_protocol::Invitation;
use wardsum_protocol::peer::{Event, Published};
use wardsum_protocol::questionnaire::Response;

use super::mishaps::{DropPhase, Fate, Fates, Mishaps};
use super::tally::Tally;
use super::{CONNECTING_AT_ONCE, STUDY};
use crate::native_peer::{ConnectError, Connector, NativePeer, Traffic};

/// How long the hospital then gets to notice that they are gone: otherwise the last one who comes may find
/// a committee that counts them.
const NOTICING: Duration = Duration::from_millis(500);

/// How long those who are to vanish once they have enrolled are let go first: what is simulated is that
/// they are gone when the committee is fixed.
const HEAD_START: Duration = Duration::from_secs(5);

/// The pause before somebody comes again whose connection broke before the study was there.
const COME_AGAIN: Duration = Duration::from_millis(300);

/// How one peer fared.
pub(super) struct Outcome {
    pub(super) answer: Vec<Response>,
    /// Whether it answered so that its answer is not to be counted.
    pub(super) spoiled: bool,
    pub(super) end: End,
    pub(super) traffic: Traffic,
}

/// How one peer's part ended.
pub(super) enum End {
    /// It vanished on purpose.
    Dropped(DropPhase),
    /// It has a result, and has checked it.
    Published(Published),
    /// It has none.
    Failed(String),
}

/// Why somebody did not come as far as the study.
#[derive(Debug, Error)]
pub(super) enum PeerTrouble {
    #[error("a peer could not connect: {0}")]
    Connect(#[from] ConnectError),
    #[error("a peer failed: {0}")]
    Peer(String),
    #[error("the peers did not connect in time")]
    TimeIsUp,
}

/// Everybody who takes part.
pub(super) struct Patients {
    connector: Connector,
    fates: Arc<Fates>,
    tally: Arc<Tally>,
    /// How many vanish once they have enrolled.
    victims: u32,
    /// Whether connections break on purpose, so that one more attempt may help.
    persistent: bool,
}

/// Somebody who has the study and is about to answer.
pub(super) struct Patient {
    peer: NativePeer,
    answer: Vec<Response>,
    fate: Fate,
    is_first_victim: bool,
    spoiled: bool,
}

impl Patients {
    /// So many patients, of whom so many hold shares.
    pub(super) fn new(
        connector: Connector,
        mishaps: &Mishaps,
        size: (u32, u32),
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            connector,
            fates: Arc::new(Fates::new(mishaps.clone(), size, Arc::clone(&tally))),
            tally,
            victims: mishaps.dropped_at(DropPhase::Enrolled),
            persistent: mishaps.disturbs(),
        }
    }

    /// Connects everybody, and waits until everybody has the study, or the time is up; the first one who
    /// cannot connect ends it.
    pub(super) async fn connect_all(
        self: &Arc<Self>,
        people: Vec<(Vec<Response>, Option<Invitation>)>,
        deadline: Instant,
    ) -> Result<Vec<Patient>, PeerTrouble> {
        let connecting = Arc::new(Semaphore::new(CONNECTING_AT_ONCE));
        let mut tasks = JoinSet::new();
        for (number, person) in (0..).zip(people) {
            let (patients, connecting) = (Arc::clone(self), Arc::clone(&connecting));
            tasks.spawn(async move { patients.arrive(number, person, &connecting).await });
        }
        let mut all = Vec::with_capacity(tasks.len());
        while let Some(joined) = time::timeout_at(deadline, tasks.join_next())
            .await
            .map_err(|_| PeerTrouble::TimeIsUp)?
        {
            all.push(joined.map_err(|error| stopped(&error))??);
        }
        Ok(all)
    }

    async fn arrive(
        &self,
        number: u32,
        (answer, invitation): (Vec<Response>, Option<Invitation>),
        connecting: &Semaphore,
    ) -> Result<Patient, PeerTrouble> {
        for attempt in 0.. {
            let (hazards, fate) = self.fates.hazards(number, attempt);
            let turn = connecting.acquire().await;
            let invitation = invitation.clone();
            let connected =
                NativePeer::connect_with(&self.connector, STUDY, invitation, hazards).await;
            drop(turn);
            let received = match connected {
                Ok(mut peer) => wait_for_study(&mut peer).await.map(|()| peer),
                Err(error) => Err(error.into()),
            };
            match received {
                Ok(peer) => {
                    let is_first_victim = self.fates.is_first_victim(number);
                    let spoiled = self.fates.spoils_answer(number);
                    return Ok(Patient { peer, answer, fate, is_first_victim, spoiled });
                }
                Err(_) if self.persistent => {
                    time::sleep(COME_AGAIN).await;
                    self.tally.reconnected();
                }
                Err(trouble) => return Err(trouble),
            }
        }
        unreachable!("attempts do not run out")
    }

    /// Lets everybody answer, and waits until everybody's part is over, or the time is up.
    pub(super) async fn answer_all(
        self: &Arc<Self>,
        patients: Vec<Patient>,
        deadline: Instant,
    ) -> (Vec<Outcome>, Option<String>) {
        let mut tasks = JoinSet::new();
        for patient in patients {
            let patients = Arc::clone(self);
            tasks.spawn(async move { patients.take_part(patient).await });
        }
        let mut outcomes = Vec::with_capacity(tasks.len());
        loop {
            match time::timeout_at(deadline, tasks.join_next()).await {
                Ok(Some(Ok(outcome))) => outcomes.push(outcome),
                Ok(Some(Err(error))) => return (outcomes, Some(stopped(&error).to_string())),
                Ok(None) => return (outcomes, None),
                Err(_) => {
                    let unfinished = tasks.len();
                    return (outcomes, Some(format!("{unfinished} peers did not finish in time")));
                }
            }
        }
    }

    async fn take_part(&self, patient: Patient) -> Outcome {
        let Patient { mut peer, answer, fate, is_first_victim, spoiled } = patient;
        if self.victims > 0 && !is_first_victim {
            // Whoever does not get to vanish keeps the others for a moment only.
            let _ = time::timeout(HEAD_START, self.tally.until_dropped(self.victims)).await;
            time::sleep(NOTICING).await;
        }
        let end = match peer.answer(answer.clone()).await {
            Ok(()) => self.until_over(&mut peer, &fate).await,
            Err(error) => End::Failed(error.to_string()),
        };
        peer.close().await;
        Outcome { answer, spoiled, end, traffic: peer.traffic() }
    }

    async fn until_over(&self, peer: &mut NativePeer, fate: &Fate) -> End {
        let mut is_member = false;
        while let Some(event) = peer.next_event().await {
            // Whoever enrols has a seat.
            is_member |= matches!(event, Event::Enrolled);
            self.tally.hear(&event, is_member).await;
            match event {
                Event::Published(published) => return End::Published(published),
                Event::Failed(failure) => {
                    let reason = peer.close_reason().map(|reason| format!(" ({reason})"));
                    return End::Failed(format!("{failure}{}", reason.unwrap_or_default()));
                }
                _ => {}
            }
        }
        let early = || End::Failed("its part was over early".to_owned());
        fate.get().copied().map_or_else(early, End::Dropped)
    }
}

async fn wait_for_study(peer: &mut NativePeer) -> Result<(), PeerTrouble> {
    while let Some(event) = peer.next_event().await {
        match event {
            Event::StudyReceived(_) => return Ok(()),
            Event::Failed(failure) => {
                let reason = peer.close_reason().map(|reason| format!(" ({reason})"));
                let reason = reason.unwrap_or_default();
                return Err(PeerTrouble::Peer(format!("{failure}{reason}")));
            }
            _ => {}
        }
    }
    Err(PeerTrouble::Peer("its part was over early".to_owned()))
}

fn stopped(error: &tokio::task::JoinError) -> PeerTrouble {
    PeerTrouble::Peer(format!("its task stopped: {error}"))
}
