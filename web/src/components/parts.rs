//! What many views are made of.

use crate::dom::{Element, View, element};

/// A paragraph.
pub(crate) fn paragraph(words: impl Into<View>) -> Element {
    element("p").with(words)
}

/// A heading that can take the focus.
pub(crate) fn heading(name: &str, id: &str, words: impl Into<View>) -> Element {
    element(name).id(id).attr("tabindex", "-1").with(words)
}

/// A part of the page with a heading of its own.
pub(crate) fn panel(title_id: &str, title: impl Into<View>) -> Element {
    panel_under(title_id, element("h2").id(title_id).with(title))
}

/// The same with a heading that can take the focus.
pub(crate) fn focus_panel(title_id: &str, title: impl Into<View>) -> Element {
    panel_under(title_id, heading("h2", title_id, title))
}

fn panel_under(title_id: &str, title: Element) -> Element {
    element("section").class("panel").labelled_by(title_id).with(title)
}

/// A button.
pub(crate) fn button(words: impl Into<View>, on_click: impl Fn() + 'static) -> Element {
    element("button").attr("type", "button").on("click", move |_| on_click()).with(words)
}

/// Buttons in a row.
pub(crate) fn actions(buttons: impl Into<View>) -> Element {
    element("div").class("actions").with(buttons)
}

/// What unfolds below some words.
pub(crate) fn details(summary: impl Into<View>) -> Element {
    element("details").with(element("summary").with(summary))
}
