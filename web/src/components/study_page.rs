//! One study, from the question to the result.

use leptos::prelude::*;
use wardsum_peer::protocol::peer::OwnAnswer;
use wardsum_peer::protocol::{Invitation, Study};
use wardsum_peer::{Kept, Outcome};

use super::{
    AnswerForm, CompareWords, Confirm, ConnectionNotice, DisclosureStatement, FailureNotice,
    LeaveForGood, NextRound, NotKeptNotice, Published, Receipt, Stages, Terms, Told, TooLate,
    WordsAgain, WordsDisputed,
};
use crate::api::{RoundPhase, StudySummary};
use crate::erased::{live, memo};
use crate::next_round::NextRoundWatch;
use crate::progress::{Progress, Step};
use crate::text::RoundStands;
use crate::visit::{Visit, ticking_clock};
use crate::{browser, panic, text};

/// A study, for one patient and one round.
#[component]
pub(crate) fn StudyPage(
    /// What the hospital says about it.
    study: StudySummary,
    /// The answer that this tab goes on with, if it has given one before.
    kept: Option<Kept>,
    /// What this tab is invited with, if it is.
    invitation: Option<Invitation>,
    /// How the round has ended that this tab has answered in, if it has.
    outcome: Option<Outcome>,
    /// The page's `data-state`.
    state: RwSignal<&'static str>,
    /// Starts over, with what is kept for this tab or with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    // Connecting would say no more than the list of studies has said.
    let closed = study.phase != RoundPhase::Open && kept.is_none();
    if outcome.is_some() || closed {
        let title = study.title.clone();
        let body = if let Some(outcome) = outcome {
            state.set("published");
            let (told, round) = (Told::before(&outcome, study.unit), outcome.round.to_string());
            view! { <Published told=Some(told) study=study.id round restart /> }.into_any()
        } else {
            state.set("too-late");
            let round = study.digest.clone();
            view! { <TooLate study round trouble=None restart /> }.into_any()
        };
        return view! { <div class="stack"><h1>{title}</h1>{body}</div> }.into_any();
    }
    let Ok(visit) = Visit::open(&study, kept, invitation) else {
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
    let step = memo(move || progress.with(Progress::step));
    let answered = memo(move || progress.with(Progress::has_answered));
    let disclosure = Signal::derive(move || progress.with(Progress::disclosure));

    let resumed = Signal::derive(move || progress.with(Progress::is_resumed));

    Effect::new(move || state.set(state_code(step.get(), confirming.get().is_some())));
    warn_before_leaving(progress);

    let clock = ticking_clock();
    let over = memo(move || !matches!(step.get(), Step::Comparing | Step::Running));
    let on_leave = Callback::new(move |()| visit.leave());
    let title = study.title.clone();
    // With a result it stands beside that.
    let receipt = memo(move || {
        let shown = progress.with(|progress| progress.receipt().map(str::to_owned));
        shown.filter(|_| step.get() != Step::Published)
    });
    let has_receipt = memo(move || receipt.with(Option::is_some));
    let stands = Signal::derive(move || {
        let late = progress.with(|progress| progress.own() == OwnAnswer::NotCounted);
        if late || step.get() == Step::Failed { RoundStands::Lost } else { RoundStands::Open }
    });
    let receipt_of = study.clone();
    let top = live(move || match step.get() {
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
        Step::Comparing => view! { <CompareWords visit /> }.into_any(),
        Step::Running => view! { <Running visit /> }.into_any(),
        Step::Published => {
            let round = round(progress, &study);
            let told = progress.with_untracked(Told::now);
            view! { <Published told study=study.id.clone() round restart /> }.into_any()
        }
        Step::Failed => {
            let round = round(progress, &study);
            view! { <Failed progress study=study.id.clone() round restart /> }.into_any()
        }
    });

    view! {
        <div class="stack">
            <h1>{title}</h1>
            <ConnectionNotice progress clock />
            <WordsDisputed progress />
            {top}
            <Show when=move || answered.get()>
                <section class="panel" aria-labelledby="stages-title">
                    <h2 id="stages-title" tabindex="-1">{text::STAGES_TITLE}</h2>
                    <Stages progress clock />
                </section>
                {
                    let study = receipt_of.clone();
                    live(move || {
                        let study = study.clone();
                        let round = round(progress, &study);
                        let offered =
                            || view! { <Receipt receipt study=study.id round stands /> }.into_any();
                        has_receipt.get().then(offered)
                    })
                }
                <WordsAgain visit />
                <DisclosureStatement disclosure resumed />
                <LeaveForGood on_leave over />
            </Show>
            <p id="live" class="visually-hidden" role="status" aria-live="polite">
                {memo(move || progress.with(text::announcement))}
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
        Step::Comparing => "comparing",
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
    live(move || {
        let study = study.clone();
        let refusal = live(move || {
            refused
                .get()
                .then(|| view! { <p class="problem">{text::ANSWER_REFUSED}</p> }.into_any())
        });
        match confirming.get() {
            Some(value) => view! {
                <NotKeptNotice progress=visit.progress() />
                <Confirm
                    study
                    value
                    kept=memo(move || visit.progress().with(Progress::is_kept))
                    on_send
                    on_change
                />
                <div role="alert">{refusal}</div>
            }
            .into_any(),
            None => view! {
                <NotKeptNotice progress=visit.progress() />
                <Terms study=study.clone() />
                <AnswerForm study typed room on_answer />
            }
            .into_any(),
        }
    })
}

/// What to do while the round goes on: stay, or go.
#[component]
fn Running(
    /// The visit.
    visit: Visit,
) -> impl IntoView {
    let progress = visit.progress();
    let advice = memo(move || progress.with(text::advice));
    let resumed = progress.with_untracked(Progress::is_resumed);
    view! {
        <div class="notice">
            <p data-testid="resumed" hidden=!resumed>{text::RESUMED}</p>
            <p data-testid="advice">{advice}</p>
        </div>
    }
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
    let (trouble, sent) =
        progress.with_untracked(|progress| (progress.trouble(), progress.has_sent()));
    trouble.map(|trouble| {
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
            let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
            view! { <NextRound open restart /> }
        });
        view! {
            <FailureNotice
                failure=text::trouble(&trouble, sent)
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
    let needed = memo(move || progress.with(Progress::needs_to_stay));
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
