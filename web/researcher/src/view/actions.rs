//! What can be done to a study and to its round.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};

use super::confirm::{Confirm, Question};
use crate::api::{Api, Body, Failure};
use crate::app::Said;
use crate::model::{Done, Live, Source, Study, StudyState};
use crate::text;

/// What decides which buttons there are.
#[derive(Clone, PartialEq)]
pub(crate) struct Can {
    id: String,
    made: bool,
    state: StudyState,
    /// Whether its people are known, who may be everybody.
    ready: bool,
}

impl Can {
    /// That of a study.
    pub(crate) fn of(study: &Study) -> Self {
        Self {
            id: study.id.clone(),
            made: study.source == Source::Made,
            state: study.state,
            ready: !study.invited || study.invited_digest.is_some(),
        }
    }
}

/// The buttons, each with a question before it does something.
#[component]
pub(crate) fn Actions(
    /// What can be done to the study.
    can: Can,
    /// How its round stands.
    live: RwSignal<Option<Live>>,
    /// What the last button has led to, which stays while the buttons change.
    outcome: RwSignal<Option<Result<String, Failure>>>,
    /// Shows the study as it is now.
    on_changed: Callback<()>,
) -> impl IntoView {
    let (api, said) = (Api::here(), Said::here());
    let question = RwSignal::new(None::<Question>);
    let Can { id, made, state, ready } = can;
    let id = StoredValue::new(id);
    let tell = move |result: Result<String, Failure>| {
        if let Ok(done) = &result {
            said.say(done.clone());
        }
        outcome.try_set(Some(result));
        on_changed.run(());
    };
    // Of the round that is shown, so that no other one is closed that has opened meanwhile.
    let of_round = move |path: &'static str, mut body: Value| {
        let Some(round) = live.with_untracked(|live| live.as_ref().map(|live| live.round)) else {
            return;
        };
        body["round"] = round.into();
        spawn_local(async move {
            let path = format!("/studies/{}/{path}", id.get_value());
            let done = api.ask::<Done>("POST", &path, Body::Json(body)).await;
            tell(done.map(|done| done.done));
        });
    };
    let of_study = move |command: &'static str, done: &'static str| {
        spawn_local(async move {
            let path = format!("/studies/{}/{command}", id.get_value());
            let changed = api.ask::<Study>("POST", &path, Body::None).await;
            tell(changed.map(|_| done.to_owned()));
        });
    };
    let button = move |name: &'static str, texts: text::Asking, on_yes: Callback<()>| {
        let ask = move |_| {
            let (title, consequence) = (texts.title.to_owned(), texts.consequence.to_owned());
            question.set(Some(Question { title, consequence, yes: texts.yes, on_yes }));
        };
        view! { <button id=name type="button" on:click=ask>{texts.yes}</button> }
    };
    let phase_is =
        move |phase: &str| live.with(|live| live.as_ref().is_some_and(|live| live.phase == phase));
    let enrolling = Memo::new(move |_| phase_is("enrolling"));
    let contributing = Memo::new(move |_| phase_is("contributing"));
    let goes_on = Memo::new(move |_| {
        live.with(|live| live.as_ref().is_some_and(|live| !live.published && live.ended.is_none()))
    });
    let close = move |phase: &'static str| {
        Callback::new(move |()| of_round("phase/close", json!({ "phase": phase })))
    };
    // Made here, so that a question that is open can still be answered when its button is gone.
    let (close_enrolment, close_contributing) = (close("enrolment"), close("contributing"));
    let end_round = Callback::new(move |()| of_round("round/abort", json!({})));
    let command = move |command, done| Callback::new(move |()| of_study(command, done));
    let buttons = move || {
        view! {
            <div class="actions">
                {move || enrolling.get().then(|| button("close-enrolment", text::CLOSE_ENROLMENT, close_enrolment))}
                {move || contributing.get().then(|| button("close-contributing", text::CLOSE_CONTRIBUTING, close_contributing))}
                {move || goes_on.get().then(|| button("end-round", text::END_ROUND, end_round))}
                {(made && state == StudyState::Draft && ready)
                    .then(|| button("open-study", text::OPEN_STUDY, command("open", text::OPENED)))}
                {(made && state == StudyState::Open)
                    .then(|| button("close-study", text::CLOSE_STUDY, command("close", text::CLOSED)))}
                {(made && matches!(state, StudyState::Draft | StudyState::Closed))
                    .then(|| button("archive-study", text::ARCHIVE_STUDY, command("archive", text::ARCHIVED)))}
            </div>
        }
    };
    let told = move || {
        outcome.get().map(|outcome| match outcome {
            Ok(done) => view! { <p data-testid="done">{done}</p> }.into_any(),
            Err(failure) => {
                let told = failure.problems.into_iter().map(|problem| problem.message);
                let told = told.collect::<Vec<_>>().join(" ");
                view! { <p class="problem" role="alert" data-testid="not-done">{failure.message} " " {told}</p> }
                    .into_any()
            }
        })
    };
    let about = if !api.may_change() {
        text::VIEWERS_LOOK
    } else if made {
        text::ACTIONS_LEAD
    } else {
        text::IN_THE_FILE
    };
    view! {
        <section class="panel" aria-labelledby="actions-title">
            <h2 id="actions-title">{text::ACTIONS}</h2>
            <p class="quiet" data-testid="actions-lead">{about}</p>
            {api.may_change().then(buttons)}
            {told}
            <Confirm question />
        </section>
    }
}
