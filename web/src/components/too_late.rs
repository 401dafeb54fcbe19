//! A round that takes no more answers.

use leptos::prelude::*;

use super::{NextRound, ResultFigures};
use crate::api::{RoundPhase, StudySummary};
use crate::erased::{live, memo};
use crate::next_round::NextRoundWatch;
use crate::trouble::Trouble;
use crate::{browser, text};

/// Says why no answers are taken, and shows what was published last and, once it is there, the way
/// into the next round.
#[component]
pub(crate) fn TooLate(
    /// What the hospital said about the study when the page was opened.
    study: StudySummary,
    /// The study digest of the round that takes no more answers.
    round: String,
    /// What happened to it, if this tab had joined it.
    #[prop(into)]
    trouble: Signal<Option<Trouble>>,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    // What stood here before, a half-typed answer perhaps, is gone: say where one is now.
    browser::focus_soon("too-late-title");
    let NextRoundWatch { known, open } = NextRoundWatch::begin(study.id.clone(), round.clone());
    let (first_phase, first_latest) = (study.phase, study.latest);
    let listed_later = study.digest != round;
    let closing = memo(move || {
        known.with(|known| match known {
            Some(known) => known.digest == round && known.phase != RoundPhase::Over,
            // A round that was open then has closed since, or this would not be shown.
            None => first_phase != RoundPhase::Over && !listed_later,
        })
    });
    let words =
        memo(move || trouble.with(|trouble| text::too_late(trouble.as_ref(), closing.get())));
    let latest =
        memo(move || known.with(|known| known.as_ref().map_or(first_latest, |known| known.latest)));
    let next = if study.invited { text::INVITED_ONCE } else { text::MAY_OPEN };
    let unit = study.unit;
    let latest = move || {
        latest.get().map(|latest| {
            view! {
                <section class="panel" data-testid="latest-result" aria-labelledby="latest-title">
                    <h2 id="latest-title">{text::LATEST_RESULT_TITLE}</h2>
                    <ResultFigures sum=latest.sum count=latest.count unit=unit.clone() />
                </section>
            }
        })
    };
    view! {
        <div class="stack">
            <div class="notice" data-testid="too-late" data-code=live(move || words.get().code)>
                <h2 id="too-late-title" tabindex="-1">{live(move || words.get().title)}</h2>
                <p>{live(move || words.get().what)}</p>
                {live(move || (!open.get()).then(|| view! { <p>{next}</p> }.into_any()))}
            </div>
            {latest}
            <NextRound open restart />
        </div>
    }
}
