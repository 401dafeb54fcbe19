//! The eight words that people compare.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::erased::memo;
use crate::progress::Progress;
use crate::visit::Visit;
use crate::{browser, text};

/// Asks whether the words are those of the others, before anything of the answer is sent.
#[component]
pub(crate) fn CompareWords(
    /// The visit.
    visit: Visit,
) -> impl IntoView {
    browser::focus_soon("words-title");
    let progress = visit.progress();
    let how_many = memo(move || progress.with(text::words_how_many));
    let working = memo(move || progress.with(text::words_working));
    view! {
        <section id="words" class="panel" aria-labelledby="words-title">
            <h2 id="words-title" tabindex="-1">{text::WORDS_TITLE}</h2>
            <p>{text::WORDS_LEAD} " " {text::WORDS_FIRST}</p>
            <p>{how_many}</p>
            <p role="status" data-testid="words-working" class="quiet">{working}</p>
            <TheWords visit />
        </section>
    }
}

/// The words for the rest of the round: whoever has agreed, or was not asked because invitations say whose
/// keys these are, can compare them still. Somebody who says that theirs differ unfolds them for everybody.
#[component]
pub(crate) fn WordsAgain(
    /// The visit.
    visit: Visit,
) -> impl IntoView {
    let progress = visit.progress();
    let shown = memo(move || {
        progress.with(|progress| progress.words().is_some() && !progress.is_comparing())
    });
    let open = memo(move || progress.with(|progress| progress.disputes() > 0));
    let over = memo(move || !progress.with(Progress::may_dispute));
    let again = move || {
        view! {
            <details id="words-again" class="panel" open=open>
                <summary>{text::WORDS_AGAIN}</summary>
                <p>{text::WORDS_LEAD}</p>
                <p class="quiet" hidden=over>{text::WORDS_LEAVE}</p>
                <TheWords visit />
            </details>
        }
    };
    move || shown.get().then(again)
}

/// The words, numbered (a screen reader counts them), and what can be done with them.
#[component]
fn TheWords(
    /// The visit.
    visit: Visit,
) -> impl IntoView {
    let progress = visit.progress();
    let words = memo(move || progress.with(Progress::words));
    let over = memo(move || !progress.with(Progress::may_dispute));
    let missing = move || words.get().is_none();
    let items = move || {
        let words = words.get().map(|words| words.words()).into_iter().flatten();
        words.map(|word| view! { <li><b>{word}</b></li> }).collect_view()
    };
    let copied = RwSignal::new(text::COPY_WORDS);
    let on_copy = move |_| {
        let words = words.get_untracked().map(|words| words.to_string()).unwrap_or_default();
        spawn_local(async move {
            let done = browser::copy(&words).await;
            copied.set(if done { text::COPIED } else { text::NOT_COPIED });
        });
    };
    let on_match = move |_| {
        visit.words_match();
        browser::focus_soon("stages-title");
    };
    // Asked in one place, and only shown in the other.
    let asked = progress.with_untracked(Progress::is_comparing);
    let differ = move || {
        (!over.get()).then(|| {
            view! {
                <button id="words-differ" type="button" on:click=move |_| visit.words_differ()>
                    {text::WORDS_DIFFER}
                </button>
            }
        })
    };
    view! {
        <ol class="words" hidden=missing>{items}</ol>
        <div class="actions" hidden=missing>
            {asked.then(|| view! {
                <button id="words-match" class="primary" type="button" on:click=on_match>
                    {text::WORDS_MATCH}
                </button>
            })}
            {differ}
            <button id="words-copy" type="button" on:click=on_copy>{copied}</button>
        </div>
    }
}

/// Warns, as loudly as a page can, that somebody's words are others.
#[component]
pub(crate) fn WordsDisputed(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
) -> impl IntoView {
    let told = memo(move || progress.with(text::disputed).unwrap_or_default());
    view! {
        <div role="alert">
            <div id="disputed" class="notice notice-failure" hidden=move || told.get().is_empty()>
                <p>{told}</p>
            </div>
        </div>
    }
}
