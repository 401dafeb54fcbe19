//! A round that takes no more answers.

use leptos::prelude::*;

use super::{NextRound, ResultFigures};
use crate::api::{RoundPhase, StudySummary};
use crate::{browser, text};

/// Says that no answers are taken, and shows what was published last.
#[component]
pub(crate) fn TooLate(
    /// What the hospital says about the study.
    study: StudySummary,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    // What stood here before, a half-typed answer perhaps, is gone: say where one is now.
    browser::focus_soon("too-late-title");
    let (title, words) = match study.phase {
        RoundPhase::Over => (text::OVER_TITLE, text::OVER),
        RoundPhase::Open | RoundPhase::Closing => (text::CLOSING_TITLE, text::CLOSING),
    };
    let latest = study.latest.map(|latest| {
        view! {
            <section class="panel" data-testid="latest-result" aria-labelledby="latest-title">
                <h2 id="latest-title">{text::LATEST_RESULT_TITLE}</h2>
                <ResultFigures sum=latest.sum count=latest.count unit=study.unit.clone() />
            </section>
        }
    });
    view! {
        <div class="stack">
            <div class="notice" data-testid="too-late">
                <h2 id="too-late-title" tabindex="-1">{title}</h2>
                <p>{words}</p>
            </div>
            {latest}
            <NextRound study=study.id after_round=0 restart />
        </div>
    }
}
