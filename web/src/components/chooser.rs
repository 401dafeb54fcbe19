//! The list of studies.

use leptos::prelude::*;

use crate::api::{RoundPhase, StudySummary};
use crate::{browser, text};

/// Lets the visitor choose a study, because the address names none or one that does not exist.
#[component]
pub(crate) fn Chooser(
    /// The study that was asked for and does not exist.
    unknown: Option<String>,
    /// Those that do.
    studies: Vec<StudySummary>,
) -> impl IntoView {
    let heading = match unknown {
        Some(id) => view! {
            <div id="failure" class="notice notice-failure" role="alert" data-code="unknown-study">
                <h1>{text::unknown_study_title(&id)}</h1>
                <p>{text::unknown_study(!studies.is_empty())}</p>
            </div>
        }
        .into_any(),
        None => view! {
            <h1>{text::CHOOSE_TITLE}</h1>
            <p>{text::CHOOSE}</p>
        }
        .into_any(),
    };
    let items = studies
        .into_iter()
        .map(|study| {
            let open = study.phase == RoundPhase::Open;
            let line = text::study_line(&study.organisation, study.minimum_cohort, open);
            let address = browser::study_address(&study.id);
            view! {
                <li class="panel">
                    <a href=address data-testid="study-link" data-study=study.id>{study.title}</a>
                    <p>{line}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="stack">
            {heading}
            <ul class="studies">{items}</ul>
        </div>
    }
}
