//! The page as a whole: which study, and what to show when there is none.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wardsum_peer::protocol::{Invitation, LinkError};
use wardsum_peer::storage::{IdentityName, StorageError, Summary};
use wardsum_peer::{Kept, Outcome, ownership};

use crate::api::{self, ApiError, StudySummary};
use crate::components::{
    GoesOn, KeptProblem, Orphan, chooser, failure_notice, frame, paragraph, study_page,
};
use crate::dom::{self, element, live};
use crate::erased::effect;
use crate::text::FailureText;
use crate::{browser, components, language, text};

/// What the page knows about the hospital's studies.
#[derive(Clone, Debug)]
enum View {
    Loading,
    Unavailable(ApiError),
    /// The address has something behind its `#` that is no invitation.
    BadInvitation(LinkError),
    /// The tab was somebody before it was reloaded, and cannot find out whom.
    Interrupted(StorageError),
    NoStudies,
    Choose {
        unknown: Option<String>,
        studies: Vec<StudySummary>,
    },
    Study(StudySummary),
}

impl View {
    /// The page's `data-state`; a study's page says its own.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Loading => Some("loading"),
            Self::Unavailable(_) => Some("unreachable"),
            Self::BadInvitation(_) => Some("bad-invitation"),
            Self::Interrupted(_) => Some("interrupted"),
            Self::NoStudies => Some("no-studies"),
            Self::Choose { unknown: None, .. } => Some("choose"),
            Self::Choose { unknown: Some(_), .. } => Some("unknown-study"),
            Self::Study(_) => None,
        }
    }

    /// What to show, given the studies there are and the one that is asked for.
    fn of(mut studies: Vec<StudySummary>, wanted: Option<String>) -> Self {
        match wanted {
            Some(wanted) => match studies.iter().position(|study| study.id == wanted) {
                Some(found) => Self::Study(studies.swap_remove(found)),
                None => Self::Choose { unknown: Some(wanted), studies },
            },
            None => match studies.len() {
                0 => Self::NoStudies,
                1 => Self::Study(studies.swap_remove(0)),
                _ => Self::Choose { unknown: None, studies },
            },
        }
    }
}

/// The page.
pub(crate) fn app() -> dom::View {
    let view = RwSignal::new(View::Loading);
    let state = RwSignal::new("loading");
    let organisation = RwSignal::new(String::new());

    let orphans = RwSignal::new(Vec::<Orphan>::new());
    let problem = RwSignal::new(None::<KeptProblem>);
    let language = RwSignal::new(language::spoken().tag);
    // What the next view goes on with.
    let kept = StoredValue::new_local(None::<Kept>);
    let invited = StoredValue::new_local(None::<Invitation>);
    browser::reload_for_another_invitation();

    let resume = move |found: Kept| {
        let summary = StudySummary::of_kept(&found);
        kept.set_value(Some(found));
        orphans.set(Vec::new());
        problem.set(None);
        view.set(View::Study(summary));
    };
    let load = move || {
        view.set(View::Loading);
        spawn_local(async move {
            let wanted = match arrive(invited).await {
                Arrival::Known(found) => return resume(*found),
                Arrival::Refused(refused) => return view.set(refused),
                Arrival::New { wanted, trouble } => {
                    problem.set(trouble.map(KeptProblem::Storage));
                    wanted
                }
            };
            let (loaded, titles) = listed(wanted).await;
            view.set(loaded);
            orphans.set(offered(&titles).await);
        });
    };
    let on_take_up = Callback::new(move |name: IdentityName| {
        spawn_local(async move {
            match Kept::take_up(name).await {
                Ok(Some(found)) => {
                    resume(found);
                    browser::focus_soon("main");
                }
                Ok(None) => {
                    orphans.update(|orphans| orphans.retain(|orphan| orphan.name != name));
                    problem.set(Some(KeptProblem::Gone));
                }
                Err(error) => problem.set(Some(KeptProblem::Storage(error))),
            }
        });
    });
    load();
    let restart = Callback::new(move |()| {
        load();
        // The button that was pressed is gone; whoever pressed it goes on from the top.
        browser::focus_soon("main");
    });

    effect(move || {
        view.with(|view| {
            if let Some(code) = view.code() {
                state.set(code);
            }
            if let View::Study(study) = view {
                organisation.set(study.organisation.clone());
            }
        });
    });
    effect(move || {
        language.track();
        view.track();
        // The title of a study may be known in this language only once the study is.
        state.track();
        let organisation = organisation.get();
        browser::set_title_soon(move |heading| {
            let speaker = if organisation.is_empty() { text::PRODUCT } else { &organisation };
            if heading == speaker { heading } else { text::document_title(&heading, speaker) }
        });
    });

    let content = live(move || match view.get() {
        // It goes on in another language, and is not begun anew.
        View::Study(study) => {
            let kept = kept.try_update_value(Option::take).flatten();
            let invitation = invited.try_update_value(Option::take).flatten();
            let outcome = outcome_of(&study, kept.as_ref());
            study_page(study, GoesOn { kept, invitation, outcome }, state, language, restart)
        }
        other => view_without_study(other, language, restart),
    });
    // Whoever is answering is not interrupted.
    let busy = move || {
        matches!(state.get(), "confirming" | "comparing" | "running" | "published" | "failed")
    };

    let resumable = live(move || {
        language.track();
        components::offered(orphans, problem, busy, on_take_up)
    });
    frame(state, organisation, language, [resumable, content].into())
}

/// What is shown as long as there is no study, drawn anew in another language.
fn view_without_study(
    view: View,
    language: RwSignal<&'static str>,
    restart: Callback<()>,
) -> dom::View {
    live(move || {
        language.track();
        match &view {
            View::Loading => {
                let title = element("h1").class("visually-hidden").with(text::PRODUCT);
                let waiting = paragraph(text::loading()).class("notice").attr("role", "status");
                [title, waiting].into()
            }
            View::Unavailable(error) => alone(text::api_error(*error), error.code(), Some(restart)),
            View::BadInvitation(error) => {
                alone(text::bad_invitation(error), "bad-invitation", None)
            }
            View::Interrupted(error) => {
                alone(text::interrupted(error), error.code(), Some(restart))
            }
            View::NoStudies => element("div")
                .class("stack")
                .with(element("h1").with(text::no_studies_title()))
                .with(paragraph(text::no_studies()))
                .into(),
            View::Choose { unknown, studies } => chooser(unknown.as_deref(), studies),
            View::Study(_) => dom::View::nothing(),
        }
    })
}

/// A failure with nothing else on the page.
fn alone(failure: FailureText, code: &str, retry: Option<Callback<()>>) -> dom::View {
    failure_notice(failure, code, "h1", retry)
}

/// What the address and this tab lead to.
enum Arrival {
    /// Somebody who has answered goes on.
    Known(Box<Kept>),
    /// Nobody can go on here.
    Refused(View),
    /// Somebody new comes, to this study if the address names one. What this tab had kept may be lost.
    New { wanted: Option<String>, trouble: Option<StorageError> },
}

/// Looks at the address and at this tab. The invitation, if there is one, is what the next visit shows.
async fn arrive(invited: StoredValue<Option<Invitation>, LocalStorage>) -> Arrival {
    let wanted = browser::study_in_address();
    let invitation = match browser::invitation().as_deref().map(Invitation::parse).transpose() {
        Ok(invitation) => invitation,
        Err(error) => {
            // Nobody shall be led back to it by reloading.
            browser::forget_invitation();
            return Arrival::Refused(View::BadInvitation(error));
        }
    };
    let here = kept_here(wanted.as_deref(), invitation.as_ref()).await;
    invited.set_value(invitation);
    match here {
        Ok(Some(found)) => Arrival::Known(Box::new(found)),
        Ok(None) => Arrival::New { wanted, trouble: None },
        Err(error) if ownership::is_remembered() => Arrival::Refused(View::Interrupted(error)),
        Err(error) => Arrival::New { wanted, trouble: Some(error) },
    }
}

/// What the hospital offers, and what its studies are called, by their ids.
async fn listed(wanted: Option<String>) -> (View, Vec<(String, String)>) {
    match api::studies().await {
        Ok(studies) => {
            let titles = studies.iter().map(|study| (study.id.clone(), study.title.clone()));
            let titles = titles.collect();
            (View::of(studies, wanted), titles)
        }
        Err(error) => (View::Unavailable(error), Vec::new()),
    }
}

/// What this tab was told of a round that is over. What is going on comes before it.
fn outcome_of(study: &StudySummary, kept: Option<&Kept>) -> Option<Outcome> {
    Outcome::of_this_tab().filter(|outcome| kept.is_none() && outcome.study_id == study.id)
}

/// What this tab was before it was reloaded, if that is what the address asks for; or the answer that
/// was given with the invitation before, in a tab that was closed.
async fn kept_here(
    wanted: Option<&str>,
    invitation: Option<&Invitation>,
) -> Result<Option<Kept>, StorageError> {
    let kept = match Kept::of_this_tab().await {
        Ok(kept) => kept,
        Err(error @ (StorageError::Cleared | StorageError::Damaged)) => return Err(error),
        // To be asked anew would make two answers of one.
        Err(error) if ownership::is_remembered() => return Err(error),
        // Whoever was nobody here before has lost nothing; the study's page says the rest.
        Err(_) => None,
    };
    let elsewhere = kept.as_ref().is_some_and(|kept| {
        wanted.is_some_and(|id| id != kept.study_id())
            || invitation.is_some_and(|invitation| !kept.is_of(invitation))
    });
    let kept = if elsewhere {
        // The tab was led to another study. What it was is offered for being taken up again.
        ownership::forget_tab()?;
        None
    } else {
        kept
    };
    match (kept, invitation) {
        // A browser that keeps nothing has none; the study's page says so.
        (None, Some(invitation)) => Ok(Kept::of_invitation(invitation).await.unwrap_or_default()),
        (kept, _) => Ok(kept),
    }
}

/// The answers of closed tabs. `titles` are what the studies are called, by their ids.
async fn offered(titles: &[(String, String)]) -> Vec<Orphan> {
    // A browser that keeps nothing has nothing to offer; the study's page says so.
    let found = wardsum_peer::resumable().await.unwrap_or_default();
    let orphan = |found: Summary| {
        let named = titles.iter().find(|(id, _)| *id == found.study_id);
        let title = named.map_or(found.study_id, |(_, title)| title.clone());
        Orphan { name: found.name, title, updated_at_ms: found.updated_at_ms }
    };
    found.identities.into_iter().map(orphan).collect()
}
