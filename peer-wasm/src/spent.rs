//! The invitations that answers were sent with from this browser.
//!
//! What a peer was is erased when the hospital says that its round is over, and the hospital may lie. If the link of the
//! same invitation could then be answered with as if nothing had been, a hospital could have two sums of almost the
//! same answers (PROTOCOL.md, 17.8). So the study's digest and the invitation's serial, which are no secrets, stay in the
//! `localStorage`, written as soon as a peer is bound to a committee.

use wardsum_protocol::Invitation;

/// The key in `localStorage`. Each line is one invitation, the latest last.
const SPENT: &str = "wardsum:spent";

/// So many are remembered.
const KEPT: usize = 100;

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn line(invitation: &Invitation) -> String {
    format!("{} {}", invitation.study(), invitation.serial())
}

fn lines() -> String {
    let written = storage().and_then(|storage| storage.get_item(SPENT).ok()?);
    written.unwrap_or_default()
}

/// Notes that an answer is about to be sent with this invitation.
pub(crate) fn note(invitation: &Invitation) {
    let (known, new) = (lines(), line(invitation));
    let mut lines: Vec<&str> = known.lines().filter(|line| *line != new).collect();
    lines.push(&new);
    let latest = &lines[lines.len().saturating_sub(KEPT)..];
    if let Some(storage) = storage() {
        // A browser that keeps nothing has said so before the answer.
        let _ = storage.set_item(SPENT, &latest.join("\n"));
    }
}

/// Whether an answer was sent with this invitation.
pub(crate) fn is_spent(invitation: &Invitation) -> bool {
    let spent = line(invitation);
    lines().lines().any(|line| line == spent)
}
