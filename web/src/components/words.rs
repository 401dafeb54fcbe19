//! The eight words that people compare.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::parts::{button, details, focus_panel, paragraph};
use crate::dom::{Element, View, element, live, live_text};
use crate::erased::memo;
use crate::progress::Progress;
use crate::visit::Visit;
use crate::{browser, text};

/// Asks whether the words are those of the others, before anything of the answer is sent.
pub(crate) fn compare_words(visit: Visit) -> View {
    browser::focus_soon("words-title");
    let progress = visit.progress();
    let working = paragraph(live_text(move || progress.with(text::words_working)));
    let how_many = move || progress.with(text::words_how_many).unwrap_or_default();
    focus_panel("words-title", text::words_title())
        .id("words")
        .with(paragraph(text::both(text::words_lead(), text::words_first())))
        .with(paragraph(live_text(how_many)))
        .with(working.attr("role", "status").test_id("words-working").class("quiet"))
        .with(the_words(visit))
        .into()
}

/// The words for the rest of the round: whoever has agreed, or was not asked because invitations say whose
/// keys these are, can compare them still. Somebody who says that theirs differ unfolds them for everybody.
pub(crate) fn words_again(visit: Visit) -> View {
    let progress = visit.progress();
    let shown = memo(move || {
        progress.with(|progress| progress.words().is_some() && !progress.is_comparing())
    });
    let again = move || {
        let leave = paragraph(text::words_leave()).class("quiet");
        details(text::words_again())
            .id("words-again")
            .class("panel")
            .live_flag("open", move || progress.with(|progress| progress.disputes() > 0))
            .with(paragraph(text::words_lead()))
            .with(leave.live_flag("hidden", move || !progress.with(Progress::may_dispute)))
            .with(the_words(visit))
    };
    live(move || shown.get().then(again))
}

/// The words, numbered (a screen reader counts them), and what can be done with them.
fn the_words(visit: Visit) -> View {
    let progress = visit.progress();
    let words = memo(move || progress.with(Progress::words));
    let over = memo(move || !progress.with(Progress::may_dispute));
    let missing = move || words.with(Option::is_none);
    let items = live(move || -> Vec<Element> {
        let words = words.get().map(|words| words.words()).into_iter().flatten();
        words.map(|word| element("li").with(element("b").with(word))).collect()
    });
    let copied = RwSignal::new(text::copy_words());
    let copy = move || {
        let words = words.get_untracked().map(|words| words.to_string()).unwrap_or_default();
        spawn_local(async move {
            let done = browser::copy(&words).await;
            copied.set(if done { text::copied() } else { text::not_copied() });
        });
    };
    // Asked in one place, and only shown in the other.
    let asked = progress.with_untracked(Progress::is_comparing).then(|| {
        let on_match = move || {
            visit.words_match();
            browser::focus_soon("stages-title");
        };
        button(text::words_match(), on_match).id("words-match").class("primary")
    });
    let differ = live(move || {
        let differ = || button(text::words_differ(), move || visit.words_differ());
        (!over.get()).then(|| differ().id("words-differ"))
    });
    // They are from an English list in every language: what people compare is read aloud.
    let list = element("ol").class("words").attr("lang", "en").live_flag("hidden", missing);
    let actions = element("div")
        .class("actions")
        .live_flag("hidden", missing)
        .with(asked)
        .with(differ)
        .with(button(live_text(move || copied.get()), copy).id("words-copy"));
    [list.with(items), actions].into()
}

/// Warns, as loudly as a page can, that somebody's words are others.
pub(crate) fn words_disputed(progress: RwSignal<Progress>) -> View {
    let warning = element("div")
        .id("disputed")
        .class("notice notice-failure")
        .live_flag("hidden", move || progress.with(|p| text::disputed(p).is_none()))
        .with(paragraph(live_text(move || progress.with(text::disputed).unwrap_or_default())));
    element("div").attr("role", "alert").with(warning).into()
}
