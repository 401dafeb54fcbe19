//! What the page says while there is no connection, and of a browser that keeps nothing.
//!
//! What is not always shown is always there and hidden: much less code than drawing it anew.

use leptos::prelude::*;

use crate::erased::memo;
use crate::progress::Progress;
use crate::text;

/// Says that the connection is lost, when the next attempt comes, and what is safe meanwhile; or that
/// there is no place at the moment. The live region says it to screen readers, without the seconds.
#[component]
pub(crate) fn ConnectionNotice(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
    /// The page's clock, in milliseconds.
    clock: RwSignal<f64>,
) -> impl IntoView {
    let fine = memo(move || {
        progress.with(|progress| !progress.is_cut_off() && !progress.waits_for_a_place())
    });
    let lost = memo(move || progress.with(|progress| text::lost(progress, clock.get())));
    let safe = memo(move || progress.with(|p| text::safe_meanwhile(p.safety()).to_owned()));
    view! {
        <div id="connection" class="notice" hidden=fine>
            <p data-testid="retry">{lost}</p>
            <p>{safe}</p>
        </div>
    }
}

/// Says, before an answer is given, that this browser keeps nothing.
#[component]
pub(crate) fn NotKeptNotice(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
) -> impl IntoView {
    let kept = memo(move || progress.with(Progress::is_kept));
    let why =
        memo(move || progress.with(|p| p.not_kept().map(ToString::to_string)).unwrap_or_default());
    view! {
        <div role="status">
            <div id="not-kept" class="notice" hidden=kept>
                <p>{why}</p>
                <p>{text::NOT_KEPT}</p>
            </div>
        </div>
    }
}

/// The way out of a round, which closing the page is not.
#[component]
pub(crate) fn LeaveForGood(
    /// Leaves.
    on_leave: Callback<()>,
    /// Whether there is nothing to leave any more.
    over: Memo<bool>,
) -> impl IntoView {
    view! {
        <details id="leave" class="panel" hidden=over>
            <summary id="leave-round">{text::LEAVE}</summary>
            <p>{text::LEAVE_WHAT}</p>
            <div class="actions">
                <button id="leave-now" type="button" on:click=move |_| on_leave.run(())>
                    {text::LEAVE_NOW}
                </button>
            </div>
        </details>
    }
}
