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
    let begin = move |_| {
        // Whatever this tab was, it is somebody new in the next round. What the browser does not
        // forget can still be taken up again.
        let _ = wardsum_peer::ownership::forget_tab();
        restart.run(());
    };
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
                            on:click=begin
                        >
                            {text::NEXT_ROUND}
                        </button>
                    </div>
                </div>
            })}
        </div>
    }
}
