//! What left this device, and what did not.

use leptos::prelude::*;
use wardsum_peer::protocol::peer::Disclosure;

use super::parts::panel;
use crate::dom::{Element, View, element, live_text};
use crate::progress::Progress;
use crate::text;

/// The statement, in numbers.
pub(crate) fn disclosure_statement(progress: RwSignal<Progress>) -> View {
    let left = element("ul")
        .with(counted(
            progress,
            "left-shares",
            |d| d.shares_sent.into(),
            |d, _| text::left_shares(d.shares_sent),
        ))
        .with(element("li").with(text::left_keys()))
        .with(counted(
            progress,
            "left-verifications",
            |d| d.verifications_sent.into(),
            |d, _| text::left_verifications(d.verifications_sent),
        ))
        .with(counted(
            progress,
            "left-partials",
            |d| d.partials_sent.into(),
            |d, _| text::left_partials(d.partials_sent),
        ))
        .with(counted(
            progress,
            "left-bytes",
            |d| d.bytes_sent,
            |d, resumed| text::bytes_left(d.bytes_sent, resumed),
        ));
    let stayed = text::stayed().map(|item| element("li").with(item));
    let column = |title: &str, items| element("div").with(element("h3").with(title)).with(items);
    let columns = element("div")
        .class("disclosure")
        .with(column(text::disclosure_left(), left))
        .with(column(text::disclosure_stayed(), element("ul").with(stayed)));
    panel("disclosure-title", text::disclosure_title()).id("disclosure").with(columns).into()
}

/// One of the numbers, and what is said of it: after a visitor has come back, only what was counted since.
fn counted(
    progress: RwSignal<Progress>,
    id: &str,
    number: fn(&Disclosure) -> u64,
    words: fn(&Disclosure, bool) -> String,
) -> Element {
    let plain = move || progress.with(|progress| Some(number(&progress.disclosure()).to_string()));
    let words = move || progress.with(|p| words(&p.disclosure(), p.is_resumed()));
    element("li").test_id(id).live_attr("data-value", plain).with(live_text(words))
}
