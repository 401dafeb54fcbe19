//! A questionnaire from a file, which the hospital reads.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use crate::api::{Api, Body, Failure};
use crate::app::Said;
use crate::model::{Checked, FileProblem};
use crate::{browser, text};

/// What the hospital makes of a questionnaire's file.
pub(crate) async fn checked(api: Api, name: &str, content: String) -> Result<Checked, Failure> {
    let path = format!("/questionnaires/check?name={}", js_sys::encode_uri_component(name));
    api.ask("POST", &path, Body::File(content)).await
}

/// The field for the file, and what is wrong with it.
#[component]
pub(crate) fn Upload(
    /// What the file asks, or what is wrong with it.
    file: RwSignal<Option<Checked>>,
    /// What is shown of it.
    preview: RwSignal<Option<Value>>,
) -> impl IntoView {
    let (api, said) = (Api::here(), Said::here());
    let problem = RwSignal::new(None::<String>);
    let choose = move |event: leptos::ev::Event| {
        let Some(chosen) = browser::chosen_file(event.as_ref()) else { return };
        file.set(None);
        preview.set(None);
        problem.set(None);
        spawn_local(async move {
            if chosen.size() > browser::FILE_MAX {
                problem.try_set(Some(text::FILE_TOO_LONG.to_owned()));
                return;
            }
            let Some(content) = browser::text_of(&chosen).await else {
                problem.try_set(Some(text::FILE_UNREADABLE.to_owned()));
                return;
            };
            match checked(api, &chosen.name(), content).await {
                Ok(found) => {
                    said.say(text::file_checked(found.problems.len()));
                    preview.try_set(found.form.clone());
                    file.try_set(Some(found));
                }
                Err(failure) => {
                    problem.try_set(Some(failure.message));
                }
            }
        });
    };
    let found = move || {
        let problems =
            file.with(|file| file.as_ref().map(|file| file.problems.clone())).unwrap_or_default();
        (!problems.is_empty()).then(|| {
            let list = problems.into_iter().map(|FileProblem { place, line, message }| {
                let at = text::file_place(&place, line);
                view! { <li data-place=place><strong>{at}</strong> " " {message}</li> }
            });
            view! {
                <div class="notice notice-failure" role="alert">
                    <p>{text::FILE_WRONG}</p>
                    <ul id="questionnaire-problems" class="points">{list.collect_view()}</ul>
                </div>
            }
        })
    };
    let invalid = move || {
        file.with(|file| file.as_ref().is_some_and(|file| file.form.is_none())).then_some("true")
    };
    view! {
        <div class="field">
            <label for="questionnaire-file">{text::QUESTIONNAIRE_FILE}</label>
            <input id="questionnaire-file" type="file" accept=".toml,.json" aria-invalid=invalid aria-describedby="questionnaire-file-hint" on:change=choose />
            <p id="questionnaire-file-hint" class="hint">{text::QUESTIONNAIRE_FILE_HINT}</p>
            <p class="problem" role="alert" hidden=move || problem.with(Option::is_none)>{problem}</p>
        </div>
        {found}
    }
}
