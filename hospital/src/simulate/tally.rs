//! What happened so far, counted where it happens.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::watch;
use wardsum_protocol::peer::Event;

/// How often what went wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MishapCounts {
    /// Peers that vanished for good.
    pub dropped: u32,
    /// Connections that peers made again.
    pub reconnects: u32,
    /// How often the hospital was killed and started again.
    pub restarts: u32,
}

/// The counters of one simulation.
#[derive(Default)]
pub(super) struct Tally {
    dropped: watch::Sender<u32>,
    reconnects: AtomicU32,
    restarts: AtomicU32,
    steps: watch::Sender<u32>,
}

impl Tally {
    pub(super) fn mishaps(&self) -> MishapCounts {
        MishapCounts {
            dropped: *self.dropped.borrow(),
            reconnects: self.reconnects.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }

    /// A peer has vanished.
    pub(super) fn dropped(&self) {
        self.dropped.send_modify(|dropped| *dropped += 1);
    }

    /// A peer is back.
    pub(super) fn reconnected(&self) {
        self.reconnects.fetch_add(1, Ordering::Relaxed);
    }

    /// The hospital was killed, and started again.
    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Something has happened to a peer.
    pub(super) fn hear(&self, event: &Event) {
        match event {
            Event::Reconnected => self.reconnected(),
            Event::Enrolled | Event::ContributionAcknowledged | Event::PartialSent => {
                self.steps.send_modify(|steps| *steps += 1);
            }
            _ => {}
        }
    }

    /// How many steps towards the result the peers have taken: each enrols, contributes and, as a
    /// member, adds up.
    pub(super) fn steps(&self) -> watch::Receiver<u32> {
        self.steps.subscribe()
    }

    /// Waits until as many peers have vanished.
    pub(super) async fn until_dropped(&self, peers: u32) {
        // The counter is borrowed from here, so it cannot be gone.
        let _ = self.dropped.subscribe().wait_for(|dropped| *dropped >= peers).await;
    }
}
