//! What the page says while there is no connection, and of a browser that keeps nothing.
//!
//! What is not always shown is always there and hidden.

use leptos::prelude::*;

use super::parts::{actions, button, paragraph};
use crate::dom::{View, element, live_text};
use crate::progress::{Progress, Step};
use crate::text;
use crate::visit::Visit;

/// Says that the connection is lost, when the next attempt comes, and what is safe meanwhile; or that
/// there is no place at the moment. The live region says it to screen readers, without the seconds.
///
/// `clock` is the page's, in milliseconds.
pub(crate) fn connection_notice(progress: RwSignal<Progress>, clock: RwSignal<f64>) -> View {
    let fine = move || progress.with(|p| !p.is_cut_off() && !p.waits_for_a_place());
    let lost = move || progress.with(|progress| text::lost(progress, clock.get()));
    let safe = move || progress.with(|progress| text::safe_meanwhile(progress.safety()));
    element("div")
        .id("connection")
        .class("notice")
        .live_flag("hidden", fine)
        .with(paragraph(live_text(lost)).test_id("retry"))
        .with(paragraph(live_text(safe)))
        .into()
}

/// Says, before an answer is given, that this browser keeps nothing.
pub(crate) fn not_kept_notice(progress: RwSignal<Progress>) -> View {
    let why = move || progress.with(|p| p.not_kept().map(text::storage)).unwrap_or_default();
    let notice = element("div")
        .id("not-kept")
        .class("notice")
        .live_flag("hidden", move || progress.with(Progress::is_kept))
        .with(paragraph(live_text(why)))
        .with(paragraph(text::not_kept()));
    element("div").attr("role", "status").with(notice).into()
}

/// The way out of a round, which closing the page is not.
pub(crate) fn leave_for_good(visit: Visit) -> View {
    let progress = visit.progress();
    let over = move || {
        progress.with(|progress| !matches!(progress.step(), Step::Comparing | Step::Running))
    };
    element("details")
        .id("leave")
        .class("panel")
        .live_flag("hidden", over)
        .with(element("summary").id("leave-round").with(text::leave()))
        .with(paragraph(text::leave_what()))
        .with(actions(button(text::leave_now(), move || visit.leave()).id("leave-now")))
        .into()
}
