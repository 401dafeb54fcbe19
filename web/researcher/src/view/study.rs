//! One study: how it stands, what can be done to it, and what it has found out.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::actions::{Actions, Can};
use super::authority::Authority;
use super::failure::FailureNotice;
use super::preview::Preview;
use super::share::Share;
use super::standing::Standing;
use crate::api::{Api, Failure};
use crate::live::{self, Connection};
use crate::model::{Live, Study, StudyState};
use crate::route::Route;
use crate::{browser, text};

/// The view of a study.
#[component]
pub(crate) fn StudyView(
    /// Its id.
    id: String,
) -> impl IntoView {
    let api = Api::here();
    let study: Loaded = RwSignal::new(None);
    let load = {
        let id = id.clone();
        Callback::new(move |()| {
            let path = format!("/studies/{id}");
            spawn_local(async move {
                let read = api.get::<Study>(&path).await;
                // Nothing is drawn anew that has not changed.
                if study.try_with_untracked(|known| known.as_ref() == Some(&read)) == Some(false) {
                    study.try_set(Some(read));
                }
            });
        })
    };
    load.run(());
    let served = Memo::new(move |_| {
        study.with(|study| matches!(study, Some(Ok(study)) if study.current.is_some()))
    });
    let standing = RwSignal::new(None::<Live>);
    let connection = RwSignal::new(Connection::Waiting);
    // A round that ends or follows another one changes what there is to see below.
    let round = Memo::new(move |_| {
        standing.with(|live| live.as_ref().map(|live| (live.round, live.published)))
    });
    Effect::new(move |before: Option<Option<(u32, bool)>>| {
        let now = round.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            load.run(());
        }
        now
    });
    let panel = {
        let id = id.clone();
        move || {
            served.get().then(|| {
                live::follow(api, &id, standing, connection);
                view! { <Standing live=standing connection /> }
            })
        }
    };
    let title = {
        let (known, id) = (part(study, Study::shown_title), id.clone());
        move || known.get().unwrap_or_else(|| id.clone())
    };
    let known = part(study, |_| ());
    let rest =
        move || known.get().map(|()| view! { <Parts study live=standing on_changed=load /> });
    let missing = move || match study.get() {
        None => view! { <p class="quiet">{text::LOADING}</p> }.into_any(),
        Some(Err(failure)) => {
            view! { <FailureNotice failure on_again=move |()| load.run(()) /> }.into_any()
        }
        Some(Ok(_)) => ().into_any(),
    };
    view! {
        <div class="stack" data-testid="study-view" data-study=id>
            <p><a href=Route::Studies.to_string()>{text::BACK_TO_STUDIES}</a></p>
            <h1 tabindex="-1">{title}</h1>
            {panel}
            {missing}
            {rest}
        </div>
    }
}

/// A study that is read, or why it could not be.
type Loaded = RwSignal<Option<Result<Study, Failure>>>;

/// A part of a study that is known, so that only what has changed is drawn anew: what somebody is typing, has unfolded
/// or is being asked stays where it is when another part changes.
fn part<T>(study: Loaded, of: impl Fn(&Study) -> T + Send + Sync + 'static) -> Memo<Option<T>>
where
    T: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| {
        study.with(|study| study.as_ref().and_then(|study| study.as_ref().ok()).map(&of))
    })
}

#[component]
fn Parts(study: Loaded, live: RwSignal<Option<Live>>, on_changed: Callback<()>) -> impl IntoView {
    let api = Api::here();
    let outcome = RwSignal::new(None);
    let whole = part(study, Clone::clone);
    let about = move || whole.get().map(|study| view! { <About study /> });
    let can = part(study, Can::of);
    let actions = move || can.get().map(|can| view! { <Actions can live outcome on_changed /> });
    let authority = part(study, |study| {
        let asked = study.state == StudyState::Draft && study.invited;
        asked.then(|| (study.id.clone(), study.invited_digest.is_some()))
    });
    let authority = move || {
        let (id, known) = authority.get().flatten().filter(|_| api.may_change())?;
        Some(view! { <Authority id known on_changed /> })
    };
    let share = part(study, |study| {
        (study.state == StudyState::Open).then(|| (study.id.clone(), study.invited))
    });
    let share = move || {
        share.get().flatten().map(|(id, invited)| {
            if invited {
                view! { <section class="panel"><h2>{text::SHARE}</h2><p>{text::INVITED_LINKS}</p></section> }
                    .into_any()
            } else {
                view! { <Share id /> }.into_any()
            }
        })
    };
    let rounds = move || whole.get().map(|study| view! { <Rounds study /> });
    let asked = part(study, |study| {
        let asked = study.definition.as_ref()?.get("questionnaire")?;
        asked.is_object().then(|| asked.clone())
    });
    let asked = move || {
        asked.get().flatten().map(|questionnaire| {
            view! {
                <details class="panel">
                    <summary>{text::WHAT_IS_ASKED}</summary>
                    <Preview questionnaire />
                </details>
            }
        })
    };
    view! { {about} {actions} {authority} {share} {rounds} {asked} }
}

#[component]
fn About(study: Study) -> impl IntoView {
    let row = |name: &'static str, value: String| view! { <dt>{name}</dt><dd>{value}</dd> };
    let made = study
        .made_by
        .clone()
        .zip(study.made_unix_ms)
        .map(|(by, at)| row(text::MADE, text::made(&by, &browser::date(at))));
    let current = study.current.as_ref().map(|current| {
        view! {
            {row(text::ORGANISATION, current.organisation.clone())}
            {row(text::QUESTIONS, current.questions.to_string())}
            {row(text::MINIMUM_COHORT, current.minimum_cohort.to_string())}
            {row(text::MINIMUM_CELL, current.minimum_cell.to_string())}
        }
    });
    let admission = if study.invited { text::INVITED } else { text::FOR_EVERYBODY };
    view! {
        <section class="panel" aria-labelledby="about-title">
            <h2 id="about-title">{text::ABOUT_STUDY}</h2>
            <dl class="terms">
                <dt>{text::STATE}</dt>
                <dd id="study-state" data-state=study.state.name()>{text::state(study.state)}</dd>
                {row(text::ID, study.id)}
                {row(text::ADMISSION, admission.to_owned())}
                {current}
                {made}
            </dl>
        </section>
    }
}

#[component]
fn Rounds(study: Study) -> impl IntoView {
    let id = study.id.clone();
    let link = move |round: Option<u32>, name: String| {
        let to = Route::Results { study: id.clone(), round };
        view! { <li><a data-testid="results-link" href=to.to_string()>{name}</a></li> }
    };
    let links = match &study.current {
        Some(current) => {
            let now = current
                .result
                .is_some()
                .then(|| link(Some(current.round), text::results_of(current.round, None)));
            let before =
                current.previous.iter().rev().filter(|previous| previous.round != current.round);
            let before = before.map(|previous| {
                link(Some(previous.round), text::results_of(previous.round, Some(previous.count)))
            });
            now.into_iter().chain(before).collect::<Vec<_>>()
        }
        None if study.state == StudyState::Archived => {
            vec![link(None, text::LAST_RESULTS.to_owned())]
        }
        None => Vec::new(),
    };
    let none = links.is_empty().then(|| view! { <p class="quiet">{text::NO_RESULTS}</p> });
    view! {
        <section class="panel" aria-labelledby="rounds-title">
            <h2 id="rounds-title">{text::RESULTS}</h2>
            {none}
            {(!links.is_empty()).then(|| view! { <ul class="points">{links}</ul> })}
        </section>
    }
}
