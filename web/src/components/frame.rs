//! What surrounds every view: the masthead, the main landmark, the footer.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::parts::{button, paragraph};
use crate::dom::{Element, View, element, live_text, svg};
use crate::language::LANGUAGES;
use crate::{browser, language, text};

/// The page's landmarks. `state` is the value of `data-state`; `organisation` is who asks, empty while it is not known.
pub(crate) fn frame(
    state: RwSignal<&'static str>,
    organisation: RwSignal<String>,
    language: RwSignal<&'static str>,
    content: View,
) -> View {
    let name = move || {
        organisation
            .with(|name| if name.is_empty() { text::PRODUCT.to_owned() } else { name.clone() })
    };
    let skip = element("a").class("skip").attr("href", "#main");
    let column = || element("div").class("column");
    let masthead = column()
        .with(logo())
        .with(paragraph(live_text(name)).class("organisation"))
        .with(languages(language));
    let main = column_main().with(content);
    let colophon = column().with(paragraph(live_text(said(language, text::footer))));
    element("div")
        .id("app")
        .live_attr("data-state", move || Some(state.get().to_owned()))
        .with(skip.with(live_text(said(language, text::skip_to_content))))
        .with(element("header").class("masthead").with(masthead))
        .with(main)
        .with(element("footer").class("colophon").with(colophon))
        .into()
}

fn column_main() -> Element {
    element("main").id("main").class("column").attr("tabindex", "-1")
}

fn logo() -> Element {
    let circle = |(x, y)| svg("circle").attr("cx", x).attr("cy", y).attr("r", "4");
    let circles = [("5", "6"), ("5", "26"), ("12", "16")].map(circle);
    let lines = svg("path")
        .attr("d", "M9 6h20M9 26h20M16 16h13")
        .attr("stroke", "currentColor")
        .attr("stroke-width", "3")
        .attr("stroke-linecap", "round")
        .attr("fill", "none");
    svg("svg")
        .attr("viewBox", "0 0 32 32")
        .attr("aria-hidden", "true")
        .attr("focusable", "false")
        .with(svg("g").attr("fill", "currentColor").with(circles))
        .with(lines)
}

/// A sentence that is there in every view.
fn said(
    language: RwSignal<&'static str>,
    sentence: fn() -> &'static str,
) -> impl Fn() -> &'static str {
    move || {
        language.track();
        sentence()
    }
}

/// A button for each language, in that language: who reads nothing else finds theirs.
fn languages(language: RwSignal<&'static str>) -> View {
    let fine = RwSignal::new(true);
    let choose = move |tag| {
        spawn_local(async move {
            let spoken = language::speak(tag).await;
            fine.set(spoken);
            if spoken {
                language::remember(tag);
                browser::focus_stays();
                language.set(tag);
            }
        });
    };
    let buttons = LANGUAGES.map(|(tag, name)| {
        let pressed = move || Some((language.get() == tag).to_string());
        button(name, move || choose(tag)).attr("lang", tag).live_attr("aria-pressed", pressed)
    });
    let label = said(language, text::language);
    let group = element("div")
        .id("language")
        .attr("role", "group")
        .live_attr("aria-label", move || Some(label().to_owned()))
        .with(buttons);
    let failed = paragraph(live_text(said(language, text::language_failed)))
        .id("language-failed")
        .live_flag("hidden", move || fine.get());
    [group, element("div").attr("role", "status").with(failed)].into()
}
