//! The way into the next round.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, RoundPhase};
use crate::text;

/// How often the hospital is asked whether a new round is open.
const ASK_EVERY: Duration = Duration::from_secs(3);

/// Offers the next round as soon as it is open.
#[component]
pub(crate) fn NextRound(
    /// The study's id.
    study: String,
    /// Only a round with a higher number will do; with zero, any that is open.
    after_round: u32,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let ask = move || {
        let study = study.clone();
        spawn_local(async move {
            // A hospital that does not answer has no open round; it is asked again.
            let studies = api::studies().await.unwrap_or_default();
            let is_open = studies.iter().any(|summary| {
                summary.id == study
                    && summary.phase == RoundPhase::Open
                    && summary.round > after_round
            });
            // The visitor may have gone on meanwhile.
            let _ = open.try_set(is_open);
        });
    };
    ask();
    if let Ok(asking) = set_interval_with_handle(ask, ASK_EVERY) {
        on_cleanup(move || asking.clear());
    }
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
