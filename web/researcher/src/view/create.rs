//! Making a study: what it asks, of whom, and when its phases close.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use super::builder::Builder;
use super::fields::{Problems, TextField, TickBox};
use super::preview::Preview;
use super::upload::{Upload, checked};
use crate::api::{Api, Body, Failure};
use crate::app::Said;
use crate::model::{Checked, Study};
use crate::questionnaire::{ClosingDraft, QuestionnaireDraft, StudyDraft};
use crate::route::Route;
use crate::{browser, text};

/// Where a questionnaire comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Builder,
    File,
}

/// A study that is being written, and what the hospital has said to it.
#[derive(Clone, Copy)]
struct Form {
    api: Api,
    said: Said,
    study: StudyDraft,
    asked: QuestionnaireDraft,
    from: RwSignal<From>,
    /// What a file asks, or what is wrong with it.
    file: RwSignal<Option<Checked>>,
    preview: RwSignal<Option<Value>>,
    problems: Problems,
    problem: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

impl Form {
    fn new() -> Self {
        Self {
            api: Api::here(),
            said: Said::here(),
            study: StudyDraft::new(),
            asked: QuestionnaireDraft::new(),
            from: RwSignal::new(From::Builder),
            file: RwSignal::new(None),
            preview: RwSignal::new(None),
            problems: Problems::new(),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    /// Whether something may begin, for which what was wrong before is forgotten.
    fn start(self) -> bool {
        if self.busy.get_untracked() {
            return false;
        }
        self.problem.set(None);
        self.problems.show([]);
        self.busy.set(true);
        true
    }

    /// Says only whether it could be asked, and shows it.
    fn check(self) {
        if self.start() {
            spawn_local(async move {
                if self.questionnaire().await.is_some() {
                    self.said.say(text::CAN_BE_ASKED);
                }
                self.busy.try_set(false);
            });
        }
    }

    /// Makes the study, and leads to it.
    fn create(self, draft: bool) {
        if self.start() {
            spawn_local(async move {
                if let Some(form) = self.questionnaire().await {
                    let body = Body::Json(untrack(|| self.study.json(form)));
                    let path = format!("/studies?draft={draft}");
                    match self.api.ask::<Study>("POST", &path, body).await {
                        Ok(made) => {
                            self.said.say(text::made_now(&made.shown_title()));
                            browser::go_to(&Route::Study(made.id));
                        }
                        Err(failure) => self.refused(failure),
                    }
                }
                self.busy.try_set(false);
            });
        }
    }

    /// The questionnaire as the hospital has understood it; what is wrong with it is shown where it is.
    async fn questionnaire(self) -> Option<Value> {
        if self.from.get_untracked() == From::File {
            let form = self.file.with_untracked(|file| file.as_ref()?.form.clone());
            if form.is_none() {
                self.problem.try_set(Some(text::NO_QUESTIONNAIRE.to_owned()));
                browser::focus_soon("#questionnaire-file");
            }
            return form;
        }
        let (study, asked) = (self.study, self.asked);
        let written = untrack(|| asked.json(study.title, study.introduction)).to_string();
        match checked(self.api, "questionnaire.json", written).await {
            Ok(Checked { form: Some(form), .. }) => {
                self.preview.try_set(Some(form.clone()));
                Some(form)
            }
            Ok(Checked { problems: found, .. }) => {
                self.problem.try_set(Some(text::WRONG_FIELDS.to_owned()));
                let found = found.into_iter().map(|problem| (problem.place, problem.message));
                self.problems.show(found);
                None
            }
            Err(failure) => {
                self.refused(failure);
                None
            }
        }
    }

    fn refused(self, failure: Failure) {
        self.problem.try_set(Some(failure.told().to_owned()));
        let problems = failure.problems.into_iter();
        self.problems.show(problems.map(|problem| (problem.field, problem.message)));
    }
}

/// The form of a study.
#[component]
pub(crate) fn Create() -> impl IntoView {
    let form = Form::new();
    if !form.api.may_change() {
        return view! { <h1 tabindex="-1">{text::NEW_STUDY}</h1> <p>{text::VIEWERS_LOOK}</p> }
            .into_any();
    }
    let shown = move || {
        form.preview.get().map(|questionnaire| {
            view! {
                <section class="panel" aria-labelledby="preview-title">
                    <h2 id="preview-title">{text::PREVIEW}</h2>
                    <p class="quiet">{text::PREVIEW_LEAD}</p>
                    <Preview questionnaire />
                </section>
            }
        })
    };
    view! {
        <form class="stack" novalidate on:submit=|event: leptos::ev::SubmitEvent| event.prevent_default()>
            <h1 tabindex="-1">{text::NEW_STUDY}</h1>
            <What form />
            <Asked form />
            <Rules form />
            {shown}
            <Make form />
        </form>
    }
    .into_any()
}

#[component]
fn What(form: Form) -> impl IntoView {
    let Form { study, problems, .. } = form;
    view! {
        <section class="panel" aria-labelledby="what-title">
            <h2 id="what-title">{text::WHAT}</h2>
            <TextField place="id" id="study-id" label=text::STUDY_ID hint=text::STUDY_ID_HINT value=study.id problems />
            <TextField place="organisation" label=text::ORGANISATION value=study.organisation problems />
            <TextField place="title" id="study-title" label=text::TITLE hint=text::TITLE_HINT value=study.title problems />
            <TextField place="introduction" label=text::INTRODUCTION hint=text::INTRODUCTION_HINT value=study.introduction problems long=true />
        </section>
    }
}

#[component]
fn Asked(form: Form) -> impl IntoView {
    let Form { asked, from, file, preview, problems, problem, .. } = form;
    let source = move || match from.get() {
        From::Builder => view! { <Builder draft=asked problems /> }.into_any(),
        From::File => view! { <Upload file preview /> }.into_any(),
    };
    let choice = move |which: From, id: &'static str, label: &'static str| {
        let choose = move |_| {
            // The field for a file is empty again when it comes back.
            file.set(None);
            preview.set(None);
            problem.set(None);
            problems.show([]);
            from.set(which);
        };
        view! {
            <label class="answer">
                <input id=id type="radio" name="from" prop:checked=move || from.get() == which on:change=choose />
                " " <span>{label}</span>
            </label>
        }
    };
    view! {
        <section class="panel" aria-labelledby="questionnaire-title">
            <h2 id="questionnaire-title">{text::QUESTIONNAIRE}</h2>
            <fieldset class="field">
                <legend class="label">{text::FROM}</legend>
                {choice(From::Builder, "from-builder", text::FROM_BUILDER)}
                {choice(From::File, "from-file", text::FROM_FILE)}
            </fieldset>
            {source}
        </section>
    }
}

#[component]
fn Rules(form: Form) -> impl IntoView {
    let Form { study, problems, .. } = form;
    view! {
        <section class="panel" aria-labelledby="rules-title">
            <h2 id="rules-title">{text::RULES}</h2>
            <div class="fields">
                <TextField place="minimum_cohort" label=text::MINIMUM_COHORT hint=text::MINIMUM_COHORT_HINT value=study.minimum_cohort problems number=true />
                <TextField place="maximum_cohort" label=text::MAXIMUM_COHORT value=study.maximum_cohort problems number=true />
                <TextField place="minimum_cell" label=text::MINIMUM_CELL hint=text::MINIMUM_CELL_HINT value=study.minimum_cell problems number=true />
                <TextField place="committee_cap" label=text::COMMITTEE_CAP hint=text::COMMITTEE_CAP_HINT value=study.committee_cap problems number=true />
            </div>
            <TickBox place="admission" label=text::INVITED_ONLY hint=text::INVITED_ONLY_HINT value=study.invited problems />
            <TickBox place="reopen" label=text::REOPEN hint=text::REOPEN_HINT value=study.reopen problems />
            <TickBox place="scheme" label=text::ADDITIVE hint=text::ADDITIVE_HINT value=study.additive problems />
            <Closing place="enrolment" title=text::ENROLMENT hint=text::ENROLMENT_HINT closing=study.enrolment problems />
            <Closing place="contributing" title=text::CONTRIBUTING hint=text::CONTRIBUTING_HINT closing=study.contributing problems />
        </section>
    }
}

#[component]
fn Make(form: Form) -> impl IntoView {
    let Form { study, problems, problem, .. } = form;
    let elsewhere = move || {
        let rest = problems.all().into_iter().map(|(place, message)| {
            let at = text::place(&place);
            view! { <li data-place=place><strong>{at}</strong> " " {message}</li> }
        });
        rest.collect_view()
    };
    view! {
        <section class="panel" aria-labelledby="make-title">
            <h2 id="make-title">{text::MAKE}</h2>
            <div id="form-problem" class="notice notice-failure" role="alert" hidden=move || problem.with(Option::is_none)>
                <p>{problem}</p>
                <ul class="points" hidden=move || problems.none()>{elsewhere}</ul>
            </div>
            <div class="actions">
                <button id="check" type="button" on:click=move |_| form.check()>{text::CHECK}</button>
                <button id="create-draft" type="button" on:click=move |_| form.create(true)>{text::CREATE_DRAFT}</button>
                <button id="create" type="button" class="primary" disabled=move || study.invited.get() on:click=move |_| form.create(false)>
                    {text::CREATE}
                </button>
            </div>
            <p class="hint">{text::MAKE_HINT}</p>
        </section>
    }
}

#[component]
fn Closing(
    place: &'static str,
    title: &'static str,
    hint: &'static str,
    closing: ClosingDraft,
    problems: Problems,
) -> impl IntoView {
    let at = move |part: &str| format!("{place}.{part}");
    view! {
        <fieldset class="field">
            <legend>{title}</legend>
            <p class="hint">{hint}</p>
            <div class="fields">
                <TextField place=at("count") label=text::COUNT value=closing.count problems number=true />
                <TextField place=at("settle_seconds") label=text::SETTLE value=closing.settle_seconds problems number=true />
                <TextField place=at("deadline_seconds") label=text::DEADLINE value=closing.deadline_hours problems number=true />
            </div>
            <TickBox place=at("by_command") label=text::BY_COMMAND value=closing.by_command problems />
        </fieldset>
    }
}
