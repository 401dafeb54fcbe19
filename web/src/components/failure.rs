//! What went wrong, and what to do.

use leptos::prelude::*;

use crate::browser;
use crate::text::{self, FailureText};

/// A failure in plain words. Its heading takes the focus, so that nobody misses it; an alert besides
/// would make a screen reader say it twice.
#[component]
pub(crate) fn FailureNotice(
    /// What to say.
    failure: FailureText,
    /// The stable name of the failure.
    code: &'static str,
    /// Whether it stands alone, without the heading of a study above it.
    whole_page: bool,
    /// What to do on "Try again"; without it there is no such button.
    retry: Option<Callback<()>>,
) -> impl IntoView {
    browser::focus_soon("failure-title");
    let title = failure.title;
    let heading = if whole_page {
        view! { <h1 id="failure-title" tabindex="-1">{title}</h1> }.into_any()
    } else {
        view! { <h2 id="failure-title" tabindex="-1">{title}</h2> }.into_any()
    };
    view! {
        <div id="failure" class="notice notice-failure" data-code=code>
            {heading}
            <p>{failure.what}</p>
            <p>{failure.then}</p>
            {retry.map(|retry| view! {
                <div class="actions">
                    <button id="try-again" type="button" on:click=move |_| retry.run(())>
                        {text::TRY_AGAIN}
                    </button>
                </div>
            })}
        </div>
    }
}
