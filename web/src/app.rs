//! The page as a whole: which study, and what to show when there is none.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, ApiError, StudySummary};
use crate::components::{Chooser, FailureNotice, Frame, StudyPage};
use crate::{browser, text};

/// What the page knows about the hospital's studies.
#[derive(Clone, Debug)]
enum View {
    Loading,
    Unavailable(ApiError),
    NoStudies,
    Choose { unknown: Option<String>, studies: Vec<StudySummary> },
    Study(StudySummary),
}

impl View {
    /// The page's `data-state`; a study's page says its own.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Loading => Some("loading"),
            Self::Unavailable(_) => Some("unreachable"),
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
#[component]
pub(crate) fn App() -> impl IntoView {
    let view = RwSignal::new(View::Loading);
    let state = RwSignal::new("loading");
    let organisation = RwSignal::new(String::new());

    let load = move || {
        view.set(View::Loading);
        spawn_local(async move {
            let loaded = match api::studies().await {
                Ok(studies) => View::of(studies, browser::study_in_address()),
                Err(error) => View::Unavailable(error),
            };
            view.set(loaded);
        });
    };
    load();
    let restart = Callback::new(move |()| {
        load();
        // The button that was pressed is gone; whoever pressed it goes on from the top.
        browser::focus_soon("main");
    });

    Effect::new(move || {
        view.with(|view| {
            if let Some(code) = view.code() {
                state.set(code);
            }
            if let View::Study(study) = view {
                organisation.set(study.organisation.clone());
                browser::set_title(&text::document_title(&study.title, &study.organisation));
            }
        });
    });

    let content = move || match view.get() {
        View::Loading => view! {
            <h1 class="visually-hidden">{text::PRODUCT}</h1>
            <p class="notice" role="status">{text::LOADING}</p>
        }
        .into_any(),
        View::Unavailable(error) => {
            let (failure, code) = (text::api_error(error), error.code());
            view! { <FailureNotice failure code whole_page=true retry=Some(restart) /> }.into_any()
        }
        View::NoStudies => view! {
            <div class="stack">
                <h1>{text::NO_STUDIES_TITLE}</h1>
                <p>{text::NO_STUDIES}</p>
            </div>
        }
        .into_any(),
        View::Choose { unknown, studies } => view! { <Chooser unknown studies /> }.into_any(),
        View::Study(study) => view! { <StudyPage study state restart /> }.into_any(),
    };

    view! { <Frame state organisation>{content}</Frame> }
}
