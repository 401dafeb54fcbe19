//! One patient's visit: the peer, and the signals that follow it.

use leptos::prelude::*;
use wardsum_peer::protocol::peer::AnswerError;
use wardsum_peer::{ConnectError, Event, PeerHandle};

use crate::api::StudySummary;
use crate::browser;
use crate::progress::Progress;

/// A visit. Copying it copies only the way to the signals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    progress: RwSignal<Progress>,
    peer: StoredValue<Option<PeerHandle>, LocalStorage>,
}

impl Visit {
    /// Connects to a study. The peer leaves when the surrounding component goes.
    pub(crate) fn open(summary: &StudySummary) -> Result<Self, ConnectError> {
        let progress = RwSignal::new(Progress::default());
        let peer = StoredValue::new_local(None::<PeerHandle>);
        let handle = PeerHandle::connect(&browser::socket_url(&summary.id), move |event| {
            follow(progress, peer, &event);
        })?;
        peer.set_value(Some(handle));
        on_cleanup(move || leave(peer));
        Ok(Self { progress, peer })
    }

    /// Where the visit stands.
    pub(crate) fn progress(self) -> RwSignal<Progress> {
        self.progress
    }

    /// Gives the answer.
    pub(crate) fn answer(self, value: i128) -> Result<(), AnswerError> {
        // Absent only after leaving, when no form is shown.
        let handle = self.peer.get_value().ok_or(AnswerError::Closed)?;
        handle.answer(value)?;
        self.progress.update(|progress| progress.answer_given(handle.disclosure()));
        Ok(())
    }
}

/// Applies an event, and lets the peer go once nothing more can come of it.
fn follow(
    progress: RwSignal<Progress>,
    peer: StoredValue<Option<PeerHandle>, LocalStorage>,
    event: &Event,
) {
    let disclosure = peer.try_get_value().flatten().and_then(|peer| peer.disclosure());
    let now = browser::now_ms();
    let over = progress.try_update(|progress| {
        progress.apply(event, disclosure, now);
        progress.is_over()
    });
    // Secrets are not kept longer than they are needed.
    if over == Some(true) {
        leave(peer);
    }
}

fn leave(peer: StoredValue<Option<PeerHandle>, LocalStorage>) {
    if let Some(peer) = peer.try_update_value(Option::take).flatten() {
        peer.leave();
    }
}
