//! A round that takes no more answers.

use leptos::prelude::*;
use wardsum_peer::protocol::statistics::Decimal;

use super::next_round;
use super::parts::{heading, panel, paragraph};
use super::result::{self, Figure};
use crate::api::{PublishedResult, RoundPhase, StudySummary};
use crate::dom::{View, element, live, live_text};
use crate::erased::memo;
use crate::next_round::NextRoundWatch;
use crate::number::Digits;
use crate::progress::Progress;
use crate::{browser, text};

/// Says why no answers are taken, and shows what was published last and, once it is there, the way
/// into the next round.
///
/// `study` is what the hospital said when the page was opened, `round` the study digest of the round that takes no more
/// answers, and `joined` where the visit stands if this tab had joined it. `restart` starts over, with a fresh peer.
pub(crate) fn too_late(
    study: &StudySummary,
    round: String,
    joined: Option<RwSignal<Progress>>,
    restart: Callback<()>,
) -> View {
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
    let words = move || {
        let trouble = joined.and_then(|progress| progress.with(Progress::trouble));
        text::too_late(trouble.as_ref(), closing.get())
    };
    let latest =
        memo(move || known.with(|known| known.as_ref().map_or(first_latest, |known| known.latest)));
    let next = if study.invited { text::invited_once() } else { text::may_open() };
    let latest = live(move || {
        latest.get().map(|latest| {
            panel("latest-title", text::latest_result_title())
                .test_id("latest-result")
                .with(result::figures(&figures(latest)))
        })
    });
    let notice = element("div")
        .class("notice")
        .test_id("too-late")
        .live_attr("data-code", move || Some(words().code.to_owned()))
        .with(heading("h2", "too-late-title", live_text(move || words().title)))
        .with(paragraph(live_text(move || words().what)))
        .with(live(move || (!open.get()).then(|| paragraph(next))));
    element("div").class("stack").with(notice).with(latest).with(next_round(open, restart)).into()
}

/// What is known of a result without its study.
fn figures(PublishedResult { count, sum }: PublishedResult) -> Vec<Figure> {
    let sum = sum.map(|mantissa| Decimal { mantissa, decimals: 0 });
    let numbers = sum.map(|sum| {
        let mean = Digits::mean(sum, count).map(|mean| Figure::mean(&mean, ""));
        [Some(Figure::sum(sum, "")), mean]
    });
    numbers.into_iter().flatten().flatten().chain([Figure::people(count)]).collect()
}
