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
    /// After how many steps members wait, if they do.
    held_after: watch::Sender<Option<u32>>,
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

    /// Something has happened to a peer, which goes on when this is over: a member that has taken a step
    /// too many waits until more are let through.
    pub(super) async fn hear(&self, event: &Event, is_member: bool) {
        match event {
            Event::Reconnected => self.reconnected(),
            Event::Enrolled | Event::ContributionAcknowledged | Event::ManifestAccepted { .. }
                if is_member =>
            {
                let mut taken = 0;
                self.steps.send_modify(|steps| {
                    *steps += 1;
                    taken = *steps;
                });
                let goes_on = |after: &Option<u32>| after.is_none_or(|after| taken <= after);
                // What is waited for is borrowed from here, so it cannot be gone.
                let _ = self.held_after.subscribe().wait_for(goes_on).await;
            }
            _ => {}
        }
    }

    /// How many steps towards the result the members have taken: each is enrolled, has its contribution
    /// acknowledged, and holds the manifest.
    pub(super) fn steps(&self) -> watch::Receiver<u32> {
        self.steps.subscribe()
    }

    /// From now on lets the members go on after so many steps in all, or after any number.
    pub(super) fn hold_after(&self, steps: Option<u32>) {
        self.held_after.send_replace(steps);
    }

    /// Waits until as many peers have vanished.
    pub(super) async fn until_dropped(&self, peers: u32) {
        // The counter is borrowed from here, so it cannot be gone.
        let _ = self.dropped.subscribe().wait_for(|dropped| *dropped >= peers).await;
    }
}
