//! The way into the next round.

use leptos::prelude::*;

use crate::text;

/// Offers the next round as soon as it is open.
#[component]
pub(crate) fn NextRound(
    /// Whether it is.
    open: Memo<bool>,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    view! {
        <div role="status">
            {move || open.get().then(|| view! {
                <div class="notice">
                    <p>{text::NEXT_ROUND_OPEN}</p>
                    <div class="actions">
                        <button
                            id="next-round"
                            class="primary"
                            type="button"
                            on:click=move |_| restart.run(())
                        >
                            {text::NEXT_ROUND}
                        </button>
                    </div>
                </div>
            })}
        </div>
    }
}
