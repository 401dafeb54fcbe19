//! The invitations that answers were sent with from this browser.
//!
//! What a peer was is erased when the hospital says that its round is over, and the hospital may lie. If the link of the
//! same invitation could then be answered with as if nothing had been, a hospital could have two sums of almost the
//! same answers (PROTOCOL.md, 17.8). So the study's digest and the invitation's serial, which are no secrets, stay in the
//! `localStorage`, written as soon as a peer is bound to a committee. Each has an entry of its own: several tabs may
//! write at the same moment.

use wardsum_protocol::Invitation;

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// The key in `localStorage`.
fn key(invitation: &Invitation) -> String {
    format!("wardsum:spent:{}:{}", invitation.study(), invitation.serial())
}

/// Notes that an answer is about to be sent with this invitation.
pub(crate) fn note(invitation: &Invitation) {
    if let Some(storage) = storage() {
        // A browser that keeps nothing has said so before the answer.
        let _ = storage.set_item(&key(invitation), "");
    }
}

/// Whether an answer was sent with this invitation.
pub(crate) fn is_spent(invitation: &Invitation) -> bool {
    storage().is_some_and(|storage| matches!(storage.get_item(&key(invitation)), Ok(Some(_))))
}
