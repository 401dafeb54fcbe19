//! The simulation's patients.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wardsum_protocol::Phase;
use wardsum_protocol::peer::{Event, Published};
use wardsum_protocol::round::Status;

use super::{CONNECTING_AT_ONCE, STUDY};
use crate::native_peer::{ConnectError, Connector, NativePeer, Traffic};

/// How one peer fared.
pub(super) struct Outcome {
    pub(super) published: Published,
    pub(super) traffic: Traffic,
}

/// Why there is no result.
#[derive(Debug, Error)]
pub(super) enum PeerTrouble {
    #[error("a peer could not connect: {0}")]
    Connect(#[from] ConnectError),
    #[error("a peer failed: {0}")]
    Peer(String),
    #[error("it was not over after {} s", .0.as_secs())]
    TimeIsUp(Duration),
}

impl PeerTrouble {
    /// Says where the round stood as well.
    pub(super) fn explain(&self, status: &Status, patients: u32) -> String {
        let Status { phase, connected, enrolled, contributed, partials, .. } = status;
        match (self, phase) {
            (_, Phase::Ended) => match status.ended {
                Some(reason) => format!("{self}; the round ended: {reason}"),
                None => self.to_string(),
            },
            _ => format!(
                "{self}; the round was {phase} with {connected} of {patients} peers connected, \
                 {enrolled} enrolled, {contributed} contributions and {partials} partial sums"
            ),
        }
    }
}

/// Connects everybody, and waits until everybody has the study.
pub(super) async fn connect_all(
    connector: &Connector,
    answers: &[i128],
) -> Result<Vec<(NativePeer, i128)>, PeerTrouble> {
    let connecting = Arc::new(Semaphore::new(CONNECTING_AT_ONCE));
    let mut tasks = JoinSet::new();
    for answer in answers.iter().copied() {
        let (connector, connecting) = (connector.clone(), Arc::clone(&connecting));
        tasks.spawn(async move {
            let turn = connecting.acquire().await;
            let mut peer = NativePeer::connect(&connector, STUDY).await?;
            drop(turn);
            wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_)).then_some(()))
                .await?;
            Ok((peer, answer))
        });
    }
    collect(tasks).await
}

/// Lets everybody answer, and waits until everybody has the result.
pub(super) async fn answer_all(
    peers: Vec<(NativePeer, i128)>,
) -> Result<Vec<Outcome>, PeerTrouble> {
    let mut tasks = JoinSet::new();
    for (mut peer, answer) in peers {
        tasks.spawn(async move {
            peer.answer(answer).await.map_err(|error| PeerTrouble::Peer(error.to_string()))?;
            let published = wait_for(&mut peer, |event| match event {
                Event::Published(published) => Some(*published),
                _ => None,
            })
            .await?;
            peer.close().await;
            Ok(Outcome { published, traffic: peer.traffic() })
        });
    }
    collect(tasks).await
}

/// Waits for an event that `pick` picks.
async fn wait_for<T>(
    peer: &mut NativePeer,
    pick: impl Fn(&Event) -> Option<T>,
) -> Result<T, PeerTrouble> {
    while let Some(event) = peer.next_event().await {
        if let Event::Failed(failure) = &event {
            let reason = peer.close_reason().map(|reason| format!(" ({reason})"));
            return Err(PeerTrouble::Peer(format!("{failure}{}", reason.unwrap_or_default())));
        }
        if let Some(picked) = pick(&event) {
            return Ok(picked);
        }
    }
    Err(PeerTrouble::Peer("its part was over early".to_owned()))
}

/// Collects what all tasks return; the first one that fails ends the others.
async fn collect<T: 'static>(
    mut tasks: JoinSet<Result<T, PeerTrouble>>,
) -> Result<Vec<T>, PeerTrouble> {
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        let joined =
            joined.map_err(|error| PeerTrouble::Peer(format!("its task stopped: {error}")))?;
        all.push(joined?);
    }
    Ok(all)
}
