//! One study, from the question to the result.

use leptos::prelude::*;
use wardsum_peer::protocol::Study;

use super::{
    AnswerForm, Confirm, DisclosureStatement, FailureNotice, NextRound, Published, Stages, Terms,
    TooLate,
};
use crate::api::{RoundPhase, StudySummary};
use crate::next_round::NextRoundWatch;
use crate::progress::{Progress, Step};
use crate::visit::Visit;
use crate::{browser, panic, text};

/// A study, for one patient and one round.
#[component]
pub(crate) fn StudyPage(
    /// What the hospital says about it.
    study: StudySummary,
    /// The page's `data-state`.
    state: RwSignal<&'static str>,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    // Connecting would say no more than the list of studies has said.
    if study.phase != RoundPhase::Open {
        state.set("too-late");
        let (title, round) = (study.title.clone(), study.digest.clone());
        return view! {
            <div class="stack">
                <h1>{title}</h1>
                <TooLate study round trouble=None restart />
            </div>
        }
        .into_any();
    }
    let Ok(visit) = Visit::open(&study) else {
        state.set("failed");
        let failure = text::connect_error();
        return view! {
            <FailureNotice failure code="cannot-connect" whole_page=true retry=None />
        }
        .into_any();
    };
    view! { <OpenStudy study visit state restart /> }.into_any()
}

/// A study that takes answers.
#[component]
fn OpenStudy(
    /// What the hospital says about it.
    study: StudySummary,
    /// The connection to it.
    visit: Visit,
    /// The page's `data-state`.
    state: RwSignal<&'static str>,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    let progress = visit.progress();
    let typed = RwSignal::new(String::new());
    let confirming = RwSignal::new(None::<i128>);
    let step = Memo::new(move |_| progress.with(Progress::step));
    let answered = Memo::new(move |_| progress.with(Progress::has_answered));
    let disclosure = Signal::derive(move || progress.with(Progress::disclosure));

    Effect::new(move || state.set(state_code(step.get(), confirming.get().is_some())));
    warn_before_leaving(progress);

    let title = study.title.clone();
    let top = move || match step.get() {
        Step::Connecting => {
            view! { <p class="notice" role="status">{text::CONNECTING}</p> }.into_any()
        }
        // The study that the peer has checked, not the one that the list of studies spoke of.
        Step::Asking => progress
            .with_untracked(|progress| progress.study().cloned())
            .map(|study| view! { <Question study visit typed confirming /> })
            .into_any(),
        Step::TooLate => {
            let trouble = Signal::derive(move || progress.with(Progress::trouble));
            view! { <TooLate round=round(progress, &study) study=study.clone() trouble restart /> }
                .into_any()
        }
        Step::Running => view! { <Running progress /> }.into_any(),
        Step::Published => {
            let round = round(progress, &study);
            view! { <Published progress study=study.id.clone() round restart /> }.into_any()
        }
        Step::Failed => {
            let round = round(progress, &study);
            view! { <Failed progress study=study.id.clone() round restart /> }.into_any()
        }
    };

    view! {
        <div class="stack">
            <h1>{title}</h1>
            {top}
            <Show when=move || answered.get()>
                <section class="panel" aria-labelledby="stages-title">
                    <h2 id="stages-title" tabindex="-1">{text::STAGES_TITLE}</h2>
                    <Stages progress />
                </section>
                <DisclosureStatement disclosure />
            </Show>
            <p id="live" class="visually-hidden" role="status" aria-live="polite">
                {Memo::new(move |_| progress.with(text::announcement))}
            </p>
        </div>
    }
}

/// The study digest of the round that this tab has joined. The study's current round may have
/// changed between the list of studies and the connection, so that the list may speak of another.
fn round(progress: RwSignal<Progress>, listed: &StudySummary) -> String {
    let joined = progress.with_untracked(|progress| Some(progress.study()?.digest().to_string()));
    joined.unwrap_or_else(|| listed.digest.clone())
}

/// The value of the page's `data-state`.
fn state_code(step: Step, confirming: bool) -> &'static str {
    match step {
        Step::Connecting => "connecting",
        Step::Asking if confirming => "confirming",
        Step::Asking => "asking",
        Step::TooLate => "too-late",
        Step::Running => "running",
        Step::Published => "published",
        Step::Failed => "failed",
    }
}

/// Terms and question, and then the confirmation in their place.
#[component]
fn Question(
    /// The study.
    study: Study,
    /// The connection to it.
    visit: Visit,
    /// What is in the field.
    typed: RwSignal<String>,
    /// The answer that is being confirmed.
    confirming: RwSignal<Option<i128>>,
) -> impl IntoView {
    let refused = RwSignal::new(false);
    let room = Signal::derive(move || visit.progress().with(text::room));
    let on_answer = Callback::new(move |value| confirming.set(Some(value)));
    let on_change = Callback::new(move |()| {
        confirming.set(None);
        browser::focus_soon("answer");
    });
    let on_send = Callback::new(move |value| {
        // The form has checked the answer, so this fails only if the round closed in this very
        // moment.
        match visit.answer(value) {
            Ok(()) => {
                typed.set(String::new());
                browser::focus_soon("stages-title");
            }
            Err(_) => refused.set(true),
        }
    });
    move || {
        let study = study.clone();
        let refusal =
            move || refused.get().then(|| view! { <p class="problem">{text::ANSWER_REFUSED}</p> });
        match confirming.get() {
            Some(value) => view! {
                <Confirm study value on_send on_change />
                <div role="alert">{refusal}</div>
            }
            .into_any(),
            None => view! {
                <Terms study=study.clone() />
                <AnswerForm study typed room on_answer />
            }
            .into_any(),
        }
    }
}

/// What to do while the round goes on: stay, or go.
#[component]
fn Running(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
) -> impl IntoView {
    let advice = Memo::new(move |_| progress.with(text::advice));
    view! { <p class="notice" data-testid="advice">{advice}</p> }
}

/// What went wrong, and whether one can try again.
#[component]
fn Failed(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
    /// The study's id.
    study: String,
    /// The study digest of the round.
    round: String,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    let (trouble, sent) = progress
        .with_untracked(|progress| (progress.trouble(), progress.disclosure().shares_sent > 0));
    trouble.map(|trouble| {
        // Whoever has sent shares must not answer again in the same round: both answers might
        // count.
        let retry = (!sent).then_some(restart);
        let next = sent.then(|| {
            let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
            view! { <NextRound open restart /> }
        });
        view! {
            <FailureNotice
                failure=text::trouble(trouble, sent)
                code=trouble.code()
                whole_page=false
                retry
            />
            {next}
        }
    })
}

/// Asks before a page is closed that the round still needs.
fn warn_before_leaving(progress: RwSignal<Progress>) {
    let needed = Memo::new(move |_| progress.with(Progress::needs_to_stay));
    // The listener is there only as long as it is needed, since it keeps the page out of the
    // browser's cache.
    let listening = StoredValue::new_local(None::<WindowListenerHandle>);
    let stop = move || {
        if let Some(listener) = listening.try_update_value(Option::take).flatten() {
            listener.remove();
        }
    };
    Effect::new(move || {
        stop();
        if needed.get() {
            let listener = window_event_listener(leptos::ev::beforeunload, |event| {
                // After a panic the page itself asks to be reloaded.
                if !panic::has_happened() {
                    event.prevent_default();
                    event.set_return_value(text::LEAVING);
                }
            });
            listening.set_value(Some(listener));
        }
    });
    on_cleanup(stop);
}
