//! Answers of tabs that were closed before their round was over.

use leptos::prelude::*;
use wardsum_peer::storage::{IdentityName, StorageError};

use super::parts::{actions, button, paragraph};
use crate::dom::{Element, View, element, live, live_text};
use crate::{browser, text};

/// An answer that can be taken up again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Orphan {
    /// The name that it is kept under.
    pub(crate) name: IdentityName,
    /// What the study is called, as far as the page knows.
    pub(crate) title: String,
    /// When it was written down last, in milliseconds since 1970.
    pub(crate) updated_at_ms: f64,
}

/// Why an answer could not be taken up, or what this tab has lost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeptProblem {
    /// It is open in another tab, or was erased.
    Gone,
    /// The browser's storage did not do what it was asked for.
    Storage(StorageError),
}

/// Offers what can be taken up again, unless the visitor is busy with something else. `problem` is what went wrong
/// when one was taken up, if anything did.
pub(crate) fn offered(
    orphans: RwSignal<Vec<Orphan>>,
    problem: RwSignal<Option<KeptProblem>>,
    busy: impl Fn() -> bool + Copy + 'static,
    on_take_up: Callback<IdentityName>,
) -> View {
    let hide = Callback::new(move |name| {
        orphans.update(|orphans| orphans.retain(|orphan| orphan.name != name));
        // The button that was pressed is gone.
        browser::focus_soon("main");
    });
    let items = move || -> Vec<Element> {
        orphans
            .with(|orphans| orphans.iter().map(|orphan| item(orphan, on_take_up, hide)).collect())
    };
    let told = move || {
        problem.with(|problem| match problem {
            None => String::new(),
            Some(KeptProblem::Gone) => text::orphan_gone().to_owned(),
            Some(KeptProblem::Storage(error)) => text::storage(error),
        })
    };
    // No heading: it stands above the page's first one.
    let title = paragraph(element("strong").with(text::orphans_title())).id("orphans-title");
    let list = element("section")
        .id("orphans")
        .class("panel")
        .labelled_by("orphans-title")
        .live_flag("hidden", move || busy() || orphans.with(Vec::is_empty))
        .with(title)
        .with(element("ul").class("orphans").with(live(items)));
    let quiet = move || busy() || problem.with(Option::is_none);
    let problem =
        paragraph(live_text(told)).id("kept-problem").class("notice").live_flag("hidden", quiet);
    [list, element("div").attr("role", "status").with(problem)].into()
}

fn item(
    Orphan { name, title, updated_at_ms }: &Orphan,
    take_up: Callback<IdentityName>,
    hide: Callback<IdentityName>,
) -> Element {
    let name = *name;
    let id = format!("orphan-{name}");
    let words = paragraph(text::orphan(title, &browser::date(*updated_at_ms))).id(&id);
    let button = |words, test_id, act: Callback<IdentityName>| {
        button(words, move || act.run(name)).test_id(test_id).attr("aria-describedby", &id)
    };
    let take_up = button(text::take_up(), "take-up", take_up);
    let hide = button(text::not_mine(), "not-mine", hide);
    element("li").with(words).with(actions([take_up, hide]))
}
