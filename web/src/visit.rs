//! One patient's visit: the peer, and the signals that follow it.

use std::time::Duration;

use leptos::prelude::*;
use wardsum_peer::protocol::Invitation;
use wardsum_peer::protocol::peer::{self, AnswerError};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::{ConnectError, Event, Kept, PeerHandle};

use crate::api::StudySummary;
use crate::browser;
use crate::progress::{Progress, Step};

/// A visit. Copying it copies only the way to the signals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    progress: RwSignal<Progress>,
    peer: StoredValue<Option<PeerHandle>, LocalStorage>,
}

impl Visit {
    /// Connects to a study, with an answer that was kept or as somebody new. The peer is closed when
    /// the surrounding component goes; what is kept of it stays.
    pub(crate) fn open(
        summary: &StudySummary,
        kept: Option<Kept>,
        invitation: Option<Invitation>,
    ) -> Result<Self, ConnectError> {
        let progress = RwSignal::new(Progress::default());
        let peer = StoredValue::new_local(None::<PeerHandle>);
        let url = browser::socket_url(&summary.id);
        let on_event = move |event| follow(progress, peer, &event);
        let handle = match (kept, invitation) {
            (Some(kept), _) => PeerHandle::resume(&url, kept, on_event),
            (None, Some(invitation)) => PeerHandle::connect_invited(&url, invitation, on_event),
            (None, None) => PeerHandle::connect(&url, on_event),
        }?;
        peer.set_value(Some(handle));
        on_cleanup(move || close(peer));
        Ok(Self { progress, peer })
    }

    /// Where the visit stands.
    pub(crate) fn progress(self) -> RwSignal<Progress> {
        self.progress
    }

    /// Gives the answer: a response to each question.
    pub(crate) fn answer(self, responses: Vec<Response>) -> Result<(), AnswerError> {
        // Absent only after leaving, when no form is shown.
        let handle = self.peer.get_value().ok_or(AnswerError::Closed)?;
        handle.answer(responses)?;
        self.progress.update(|progress| progress.answer_given(handle.disclosure()));
        Ok(())
    }

    /// The safety words are those of the others.
    pub(crate) fn words_match(self) {
        if let Some(peer) = self.peer.get_value() {
            peer.words_match();
            self.progress.update(Progress::agree);
        }
    }

    /// The safety words are not those of the others. The peer says next that it has left.
    pub(crate) fn words_differ(self) {
        if let Some(peer) = self.peer.get_value() {
            peer.words_differ();
            browser::forget_invitation();
        }
    }

    /// Leaves the round for good.
    pub(crate) fn leave(self) {
        if let Some(peer) = self.peer.try_update_value(Option::take).flatten() {
            peer.leave();
        }
        browser::forget_invitation();
        self.progress.update(Progress::leave);
    }
}

/// Applies an event, and lets the peer go once nothing more can come of it.
fn follow(
    progress: RwSignal<Progress>,
    peer: StoredValue<Option<PeerHandle>, LocalStorage>,
    event: &Event,
) {
    let peer_now = peer.try_get_value().flatten();
    let disclosure = peer_now.as_ref().and_then(PeerHandle::disclosure);
    // After these it says more than before.
    let receipt = peer_now.filter(|_| {
        matches!(
            event,
            Event::Protocol(
                peer::Event::ContributionAcknowledged
                    | peer::Event::ManifestAccepted { .. }
                    | peer::Event::Published(_)
            )
        )
    });
    let receipt = receipt.and_then(|peer| peer.receipt());
    let now = browser::now_ms();
    let over = progress.try_update(|progress| {
        progress.note_receipt(receipt);
        progress.apply(event, disclosure, now);
        if progress.step() == Step::Published {
            browser::forget_invitation();
        }
        progress.is_over()
    });
    // Secrets are not kept longer than they are needed.
    if over == Some(true) {
        close(peer);
    }
}

fn close(peer: StoredValue<Option<PeerHandle>, LocalStorage>) {
    if let Some(peer) = peer.try_update_value(Option::take).flatten() {
        peer.close();
    }
}

/// The page's clock in milliseconds, which moves twice a second so that no second is skipped, until
/// the surrounding component goes.
pub(crate) fn ticking_clock() -> RwSignal<f64> {
    let clock = RwSignal::new(browser::now_ms());
    if let Ok(ticking) =
        set_interval_with_handle(move || clock.set(browser::now_ms()), Duration::from_millis(500))
    {
        on_cleanup(move || ticking.clear());
    }
    clock
}
