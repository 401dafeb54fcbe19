//! Who asks, who learns what, and who does not.

use leptos::prelude::*;
use wardsum_peer::protocol::Study;

use crate::text;

/// What somebody should know before answering.
#[component]
pub(crate) fn Terms(
    /// The study.
    study: Study,
) -> impl IntoView {
    let organisation = study.organisation().to_owned();
    view! {
        <section class="panel" aria-labelledby="terms-title">
            <h2 id="terms-title">{text::TERMS_TITLE}</h2>
            <dl class="terms">
                <dt>{text::TERM_WHO}</dt>
                <dd>{organisation.clone()}</dd>
                <dt>{text::TERM_LEARN}</dt>
                <dd>{text::who_learns(&organisation)}</dd>
                <dt>{text::TERM_NOT}</dt>
                <dd>{text::who_does_not(&organisation)}</dd>
                <dt>{text::TERM_HOW_MANY}</dt>
                <dd>{text::how_many(study.minimum_cohort(), study.maximum_cohort())}</dd>
                <dt>{text::TERM_ADMISSION}</dt>
                <dd data-testid="admission">{text::admission(study.authority().is_some())}</dd>
            </dl>
            <details>
                <summary>{text::HOW_TITLE}</summary>
                {text::how(&organisation, study.authority().is_some()).map(|paragraph| view! { <p>{paragraph}</p> }).collect_view()}
            </details>
        </section>
    }
}
