//! The result of the round that the visitor took part in.

use leptos::prelude::*;

use super::{NextRound, ResultFigures};
use crate::next_round::NextRoundWatch;
use crate::progress::Progress;
use crate::{browser, text};

/// The result, and what is known about it.
#[component]
pub(crate) fn Published(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
    /// The study's id.
    study: String,
    /// The study digest of the round.
    round: String,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    browser::focus_soon("result-title");
    let figures = progress.with_untracked(|progress| {
        let (result, unit) = (progress.result()?, progress.study()?.unit().to_owned());
        let not_erased = progress.not_erased();
        let words = [
            Some(text::result_checked(result.count, progress.own())),
            text::corrected(progress.wrong_partials()),
            not_erased.map(|error| format!("{} {error}", text::NOT_ERASED)),
        ];
        let words = words.into_iter().flatten().map(|words| view! { <p>{words}</p> });
        Some(view! {
            <section id="result" class="panel" aria-labelledby="result-title">
                <h2 id="result-title" tabindex="-1">{text::RESULT_TITLE}</h2>
                <ResultFigures sum=result.sum count=result.count unit />
                <div class="quiet" data-testid="result-checked">{words.collect_view()}</div>
            </section>
        })
    });
    let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
    view! {
        {figures}
        <NextRound open restart />
    }
}
