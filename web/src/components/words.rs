//! The eight words that people compare.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wardsum_peer::protocol::SafetyWords;

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
    let how_many = Memo::new(move |_| progress.with(text::words_how_many));
    let working = Memo::new(move |_| progress.with(text::words_working));
    let words = Memo::new(move |_| progress.with(Progress::words));
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
    let missing = move || words.get().is_none();
    view! {
        <section id="words" class="panel" aria-labelledby="words-title">
            <h2 id="words-title" tabindex="-1">{text::WORDS_TITLE}</h2>
            <p>{text::WORDS_LEAD}</p>
            <p>{how_many}</p>
            <p role="status" data-testid="words-working" class="quiet">{working}</p>
            <WordList words />
            <div class="actions" hidden=missing>
                <button id="words-match" class="primary" type="button" on:click=on_match>
                    {text::WORDS_MATCH}
                </button>
                <button id="words-differ" type="button" on:click=move |_| visit.words_differ()>
                    {text::WORDS_DIFFER}
                </button>
                <button id="words-copy" type="button" on:click=on_copy>{copied}</button>
            </div>
        </section>
    }
}

/// The words again, for the rest of the round.
#[component]
pub(crate) fn WordsAgain(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
) -> impl IntoView {
    let words = Memo::new(move |_| progress.with(Progress::words));
    let hidden = Memo::new(move |_| words.get().is_none() || progress.with(Progress::is_comparing));
    view! {
        <details id="words-again" class="panel" hidden=hidden>
            <summary>{text::WORDS_AGAIN}</summary>
            <WordList words />
        </details>
    }
}

/// The words, numbered; a screen reader counts them.
#[component]
fn WordList(
    /// The words, once they are there.
    words: Memo<Option<SafetyWords>>,
) -> impl IntoView {
    let items = move || {
        let words = words.get().map(|words| words.words()).into_iter().flatten();
        words.map(|word| view! { <li><b>{word}</b></li> }).collect_view()
    };
    view! { <ol class="words" hidden=move || words.get().is_none()>{items}</ol> }
}

/// Warns, as loudly as a page can, that somebody's words are others.
#[component]
pub(crate) fn WordsDisputed(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
) -> impl IntoView {
    let told = Memo::new(move |_| progress.with(text::disputed).unwrap_or_default());
    view! {
        <div role="alert">
            <div id="disputed" class="notice notice-failure" hidden=move || told.get().is_empty()>
                <p>{told}</p>
            </div>
        </div>
    }
}
