//! What could not be had, and trying again.

use leptos::prelude::*;

use crate::api::Failure;
use crate::text;

/// Says why something could not be had.
#[component]
pub(crate) fn FailureNotice(
    /// Why.
    failure: Failure,
    /// Tries again.
    #[prop(into)]
    on_again: Callback<()>,
) -> impl IntoView {
    let code = failure.code();
    view! {
        <div class="notice notice-failure" role="alert" data-testid="failure" data-code=code>
            <h2>{text::NOT_HAD}</h2>
            <p>{failure.message}</p>
            <div class="actions">
                <button type="button" data-testid="again" on:click=move |_| on_again.run(())>
                    {text::TRY_AGAIN}
                </button>
            </div>
        </div>
    }
}
