//! All studies of the hospital.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::failure::FailureNotice;
use crate::api::{Api, Failure};
use crate::model::{Studies, Study};
use crate::route::Route;
use crate::text;

/// The list.
#[component]
pub(crate) fn StudyList() -> impl IntoView {
    let api = Api::here();
    let studies = RwSignal::new(None::<Result<Vec<Study>, Failure>>);
    let load = move || {
        spawn_local(async move {
            let read = api.get::<Studies>("/studies").await.map(|read| read.studies);
            studies.try_set(Some(read));
        });
    };
    load();
    let list = move || match studies.get() {
        None => view! { <p class="quiet">{text::LOADING}</p> }.into_any(),
        Some(Err(failure)) => {
            view! { <FailureNotice failure on_again=move |()| load() /> }.into_any()
        }
        Some(Ok(studies)) if studies.is_empty() => {
            view! { <p data-testid="no-studies">{text::NO_STUDIES}</p> }.into_any()
        }
        Some(Ok(studies)) => {
            let rows = studies.into_iter().map(|study| view! { <Row study /> }).collect_view();
            view! { <ul class="studies study-list">{rows}</ul> }.into_any()
        }
    };
    view! {
        <div class="stack">
            <div class="title-row">
                <h1 tabindex="-1">{text::STUDIES}</h1>
                <button type="button" class="small" data-testid="refresh" on:click=move |_| load()>
                    {text::REFRESH}
                </button>
            </div>
            {list}
        </div>
    }
}

#[component]
fn Row(study: Study) -> impl IntoView {
    let (state, shown) = (study.state.name(), study.state);
    let round = study.current.as_ref().map(|current| {
        text::round_in_short(current.round, text::phase(&current.phase), current.contributed)
    });
    let admission = if study.invited { text::INVITED } else { text::FOR_EVERYBODY };
    let title = study.shown_title();
    let (id, to) = (study.id.clone(), Route::Study(study.id).to_string());
    let named = id.clone();
    view! {
        <li class="panel" data-testid="study" data-study=named data-state=state>
            <div class="title-row">
                <a href=to>{title}</a>
                <span class="badge" data-state=state>{text::state(shown)}</span>
            </div>
            <p>{id} " · " {admission}</p>
            {round.map(|round| view! { <p>{round}</p> })}
        </li>
    }
}
