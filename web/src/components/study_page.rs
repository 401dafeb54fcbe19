//! One study, from the question to the result.

use leptos::prelude::*;
use wardsum_peer::protocol::Invitation;
use wardsum_peer::protocol::peer::OwnAnswer;
use wardsum_peer::{Kept, Outcome};

use super::connection::{connection_notice, leave_for_good};
use super::disclosure::disclosure_statement;
use super::parts::{focus_panel, paragraph};
use super::receipt::{Receipt, receipt};
use super::stages::stages;
use super::words::{compare_words, words_again, words_disputed};
use super::{PutDown, Sheet, Told, asking, failure_notice, next_round, published, too_late};
use crate::api::{RoundPhase, StudySummary};
use crate::dom::{View, element, live, live_text};
use crate::draft::{Draft, Page};
use crate::erased::{effect, memo};
use crate::next_round::NextRoundWatch;
use crate::progress::{Progress, Step};
use crate::text::RoundStands;
use crate::visit::{Visit, ticking_clock};
use crate::{browser, panic, text};

/// What a study's page goes on with.
#[derive(Debug, Default)]
pub(crate) struct GoesOn {
    /// The answer that this tab has given before, if it has.
    pub(crate) kept: Option<Kept>,
    /// What this tab is invited with, if it is.
    pub(crate) invitation: Option<Invitation>,
    /// How the round has ended that this tab has answered in, if it has.
    pub(crate) outcome: Option<Outcome>,
}

/// A study, for one patient and one round, by what the hospital says about it. `state` is the page's `data-state`.
/// When the language changes, everything but what the visitor has done is drawn anew. `restart` starts over, with
/// what is kept for this tab or with a fresh peer.
pub(crate) fn study_page(
    study: StudySummary,
    GoesOn { kept, invitation, outcome }: GoesOn,
    state: RwSignal<&'static str>,
    language: RwSignal<&'static str>,
    restart: Callback<()>,
) -> View {
    // Connecting would say no more than the list of studies has said.
    let closed = study.phase != RoundPhase::Open && kept.is_none();
    if outcome.is_some() || closed {
        state.set(if outcome.is_some() { "published" } else { "too-late" });
        return live(move || {
            language.track();
            let (title, body) = if let Some(outcome) = &outcome {
                let (title, round) =
                    (text::of(outcome.study.title()), outcome.study.digest().to_string());
                let told = Some(Told::before(outcome));
                (title, published(told, study.id.clone(), round, restart))
            } else {
                let (title, round) = (study.title.clone(), study.digest.clone());
                (title, too_late(&study, round, None, restart))
            };
            element("div").class("stack").with(element("h1").with(title)).with(body)
        });
    }
    let Ok(visit) = Visit::open(&study, kept, invitation) else {
        state.set("failed");
        return live(move || {
            language.track();
            failure_notice(text::connect_error(), "cannot-connect", "h1", None)
        });
    };
    let put_down = PutDown::nothing();
    live(move || {
        language.track();
        open_study(study.clone(), visit, put_down, state, restart)
    })
}

/// A study that takes answers, and the connection to it.
fn open_study(
    study: StudySummary,
    visit: Visit,
    put_down: PutDown,
    state: RwSignal<&'static str>,
    restart: Callback<()>,
) -> View {
    let progress = visit.progress();
    let step = memo(move || progress.with(Progress::step));
    let answered = memo(move || progress.with(Progress::has_answered));

    effect(move || {
        let reviewing = put_down.draft.with(|draft| draft.page == Page::Review);
        state.set(state_code(step.get(), reviewing));
    });
    effect(move || {
        if progress.with(Progress::needs_no_draft) {
            browser::forget_draft();
            put_down.draft.set(Draft::default());
        }
    });
    warn_before_leaving(progress);

    let clock = ticking_clock();
    // The hospital lists it in one language only.
    let listed = study.title.clone();
    let title = live_text(move || {
        let known = progress.with(|progress| progress.study().map(|study| text::of(study.title())));
        known.unwrap_or_else(|| listed.clone())
    });
    let receipt_of = study.clone();
    let top = live(move || match step.get() {
        Step::Connecting => {
            paragraph(text::connecting()).class("notice").attr("role", "status").into()
        }
        // The study that the peer has checked, not the one that the list of studies spoke of.
        Step::Asking => progress
            .with_untracked(|progress| progress.study().cloned())
            .map(|study| asking(Sheet::of(study, put_down), visit))
            .into(),
        Step::TooLate => too_late(&study, round(progress, &study), Some(progress), restart),
        Step::Comparing => compare_words(visit),
        Step::Running => running(progress),
        Step::Published => {
            let told = progress.with_untracked(Told::now);
            published(told, study.id.clone(), round(progress, &study), restart)
        }
        Step::Failed => failed(progress, &study, restart),
    });
    let after_answering = live(move || {
        answered.get().then(|| -> View {
            let stages = focus_panel("stages-title", text::stages_title())
                .with(stages(progress, clock))
                .into();
            let receipt = receipt_before_result(progress, receipt_of.clone());
            let words = words_again(visit);
            [stages, receipt, words, disclosure_statement(progress), leave_for_good(visit)].into()
        })
    });
    let announced = paragraph(live_text(move || progress.with(text::announcement)))
        .id("live")
        .class("visually-hidden")
        .attr("role", "status")
        .attr("aria-live", "polite");
    element("div")
        .class("stack")
        .with(element("h1").with(title))
        .with(connection_notice(progress, clock))
        .with(words_disputed(progress))
        .with(top)
        .with(after_answering)
        .with(announced)
        .into()
}

/// The receipt as long as there is no result, which it stands beside.
fn receipt_before_result(progress: RwSignal<Progress>, study: StudySummary) -> View {
    let shown = memo(move || {
        progress.with(|progress| progress.receipt().is_some() && progress.step() != Step::Published)
    });
    let now = move || {
        progress.with(|progress| {
            let late = progress.own() == OwnAnswer::NotCounted;
            let lost = late || progress.step() == Step::Failed;
            Receipt {
                text: progress.receipt().unwrap_or_default().to_owned(),
                stands: if lost { RoundStands::Lost } else { RoundStands::Open },
            }
        })
    };
    live(move || shown.get().then(|| receipt(&study.id, &round(progress, &study), false, now)))
}

/// The study digest of the round that this tab has joined. The study's current round may have
/// changed between the list of studies and the connection, so that the list may speak of another.
fn round(progress: RwSignal<Progress>, listed: &StudySummary) -> String {
    let joined = progress.with_untracked(|progress| Some(progress.study()?.digest().to_string()));
    joined.unwrap_or_else(|| listed.digest.clone())
}

/// The value of the page's `data-state`.
fn state_code(step: Step, reviewing: bool) -> &'static str {
    match step {
        Step::Connecting => "connecting",
        Step::Asking if reviewing => "confirming",
        Step::Asking => "asking",
        Step::TooLate => "too-late",
        Step::Comparing => "comparing",
        Step::Running => "running",
        Step::Published => "published",
        Step::Failed => "failed",
    }
}

/// What to do while the round goes on: stay, or go.
fn running(progress: RwSignal<Progress>) -> View {
    let resumed = paragraph(text::resumed())
        .test_id("resumed")
        .maybe_attr("hidden", progress.with_untracked(|p| (!p.is_resumed()).then_some("")));
    let advice = paragraph(live_text(move || progress.with(text::advice))).test_id("advice");
    element("div").class("notice").with(resumed).with(advice).into()
}

/// What went wrong, and whether one can try again. `restart` starts over, with a fresh peer.
fn failed(progress: RwSignal<Progress>, study: &StudySummary, restart: Callback<()>) -> View {
    let (trouble, sent) =
        progress.with_untracked(|progress| (progress.trouble(), progress.has_sent()));
    let Some(trouble) = trouble else { return View::nothing() };
    let fresh = Callback::new(move |()| {
        // What is kept of this visit leads nowhere.
        let _ = wardsum_peer::ownership::forget_tab();
        restart.run(());
    });
    // Whoever has sent shares must not answer again in the same round, since both answers might
    // count: unless the same visit can go on.
    let retry = match (trouble.may_resume(), sent) {
        _ if trouble.is_warning() => None,
        (true, _) => Some(restart),
        // It would be the same again.
        (false, false) if trouble.is_about_invitation() => None,
        (false, false) => Some(fresh),
        (false, true) => None,
    };
    let pointless = trouble.is_warning() || trouble.is_about_invitation();
    let next = (retry.is_none() && !pointless).then(|| {
        let NextRoundWatch { open, .. } =
            NextRoundWatch::begin(study.id.clone(), round(progress, study));
        next_round(open, restart)
    });
    let said = text::trouble(&trouble, sent);
    [failure_notice(said, trouble.code(), "h2", retry), next.into()].into()
}

/// Asks before a page is closed that the round still needs.
fn warn_before_leaving(progress: RwSignal<Progress>) {
    let needed = memo(move || progress.with(Progress::needs_to_stay));
    // The listener is there only as long as it is needed, since it keeps the page out of the
    // browser's cache.
    let listening = StoredValue::new_local(None::<WindowListenerHandle>);
    let stop = move || {
        if let Some(listener) = listening.try_update_value(Option::take).flatten() {
            listener.remove();
        }
    };
    effect(move || {
        stop();
        if needed.get() {
            let listener = window_event_listener(leptos::ev::beforeunload, |event| {
                // After a panic the page itself asks to be reloaded.
                if !panic::has_happened() {
                    event.prevent_default();
                    event.set_return_value(text::leaving());
                }
            });
            listening.set_value(Some(listener));
        }
    });
    on_cleanup(stop);
}
