//! Answers of tabs that were closed before their round was over.

use leptos::prelude::*;
use wardsum_peer::storage::IdentityName;

use crate::erased::memo;
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

/// Offers what can be taken up again.
#[component]
pub(crate) fn Orphans(
    /// What there is.
    orphans: RwSignal<Vec<Orphan>>,
    /// What went wrong when one was taken up; empty if nothing did.
    problem: RwSignal<String>,
    /// Whether the visitor is busy with something else.
    busy: Memo<bool>,
    /// Takes one up.
    on_take_up: Callback<IdentityName>,
) -> impl IntoView {
    let hide = move |name| {
        orphans.update(|orphans| orphans.retain(|orphan| orphan.name != name));
        // The button that was pressed is gone.
        browser::focus_soon("main");
    };
    let items = move || {
        orphans
            .get()
            .into_iter()
            .map(|Orphan { name, title, updated_at_ms }| {
                let words = text::orphan(&title, &browser::date(updated_at_ms));
                let id = format!("orphan-{name}");
                view! {
                    <li>
                        <p id=id.clone()>{words}</p>
                        <div class="actions">
                            <button
                                type="button"
                                data-testid="take-up"
                                aria-describedby=id.clone()
                                on:click=move |_| on_take_up.run(name)
                            >
                                {text::TAKE_UP}
                            </button>
                            <button
                                type="button"
                                data-testid="not-mine"
                                aria-describedby=id
                                on:click=move |_| hide(name)
                            >
                                {text::NOT_MINE}
                            </button>
                        </div>
                    </li>
                }
            })
            .collect_view()
    };
    let nothing = memo(move || busy.get() || orphans.with(Vec::is_empty));
    let quiet = memo(move || busy.get() || problem.with(String::is_empty));
    view! {
        <section id="orphans" class="panel" aria-labelledby="orphans-title" hidden=nothing>
            // No heading: it stands above the page's first one.
            <p id="orphans-title"><strong>{text::ORPHANS_TITLE}</strong></p>
            <ul class="orphans">{items}</ul>
        </section>
        <div role="status"><p id="kept-problem" class="notice" hidden=quiet>{problem}</p></div>
    }
}
