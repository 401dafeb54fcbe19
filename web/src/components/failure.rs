//! What went wrong, and what to do.

use leptos::prelude::*;

use crate::browser;
use crate::text::{self, FailureText};

/// A failure in plain words. It takes the focus, so that nobody misses it.
#[component]
pub(crate) fn FailureNotice(
    /// What to say.
    failure: FailureText,
    /// The stable name of the failure.
    code: &'static str,
    /// What to do on "Try again"; without it there is no such button.
    retry: Option<Callback<()>>,
) -> impl IntoView {
    browser::focus_soon("failure-title");
    view! {
        <div id="failure" class="notice notice-failure" role="alert" data-code=code>
            <h2 id="failure-title" tabindex="-1">{failure.title}</h2>
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
