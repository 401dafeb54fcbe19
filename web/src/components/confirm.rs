//! The last look before an answer is sent.

use leptos::prelude::*;
use wardsum_peer::protocol::Study;

use crate::{browser, text};

/// Shows the answer and what will become of it, and asks once more.
#[component]
pub(crate) fn Confirm(
    /// The study.
    study: Study,
    /// The answer.
    value: i128,
    /// Whether this browser keeps what it takes to come back; that may turn out while this is read.
    kept: Memo<bool>,
    /// Sends it.
    on_send: Callback<i128>,
    /// Goes back to the form.
    on_change: Callback<()>,
) -> impl IntoView {
    browser::focus_soon("confirm-title");
    let (organisation, minimum) = (study.organisation().to_owned(), study.minimum_cohort());
    let points = move || {
        let points = text::confirm_points(&organisation, minimum, kept.get());
        points.into_iter().map(|point| view! { <li>{point}</li> }).collect_view()
    };
    view! {
        <section id="confirm" class="panel" aria-labelledby="confirm-title">
            <h2 id="confirm-title" tabindex="-1">{text::CONFIRM_TITLE}</h2>
            <div>
                <p class="quiet">{text::CONFIRM_LEAD}</p>
                <p class="chosen" data-testid="confirm-value" data-value=value.to_string()>
                    {text::with_unit(value, study.unit())}
                </p>
            </div>
            <ul class="points">{points}</ul>
            <div class="actions">
                <button id="send" class="primary" type="button" on:click=move |_| on_send.run(value)>
                    {text::SEND}
                </button>
                <button id="change" type="button" on:click=move |_| on_change.run(())>
                    {text::CHANGE}
                </button>
            </div>
        </section>
    }
}
