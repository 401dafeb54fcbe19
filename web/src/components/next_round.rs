//! The way into the next round.

use leptos::prelude::*;

use super::parts::{actions, button, paragraph};
use crate::dom::{View, element, live};
use crate::text;

/// Offers the next round as soon as it is open. `restart` starts over, with a fresh peer.
pub(crate) fn next_round(open: Memo<bool>, restart: Callback<()>) -> View {
    let begin = move || {
        // Whatever this tab was, it is somebody new in the next round. What the browser does not
        // forget can still be taken up again.
        let _ = wardsum_peer::ownership::forget_tab();
        restart.run(());
    };
    let offer = move || {
        let begin = button(text::next_round(), begin).id("next-round").class("primary");
        element("div").class("notice").with(paragraph(text::next_round_open())).with(actions(begin))
    };
    element("div").attr("role", "status").with(live(move || open.get().then(offer))).into()
}
