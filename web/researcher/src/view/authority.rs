//! Who invites people to a draft: the authority's public key, typed or from the study file that it has made.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use super::fields::{Problems, TextField};
use crate::api::{Api, Body};
use crate::app::Said;
use crate::model::Study;
use crate::study_file::AuthorityLines;
use crate::{browser, text};

/// What is to be done before a study for invited people can be opened.
#[component]
pub(crate) fn Authority(
    /// The study's id.
    id: String,
    /// Whether its authority is known.
    known: bool,
    /// Shows the study as it is now.
    on_changed: Callback<()>,
) -> impl IntoView {
    let (api, said) = (Api::here(), Said::here());
    let (authority, instance) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let problems = Problems::new();
    let problem = RwSignal::new(None::<String>);
    let id = StoredValue::new(id);
    let choose = move |event: leptos::ev::Event| {
        let Some(file) = browser::chosen_file(event.as_ref()) else { return };
        spawn_local(async move {
            let text =
                if file.size() <= browser::FILE_MAX { browser::text_of(&file).await } else { None };
            let lines = text.as_deref().and_then(AuthorityLines::of);
            match lines {
                Some(lines) => {
                    authority.try_set(lines.authority);
                    instance.try_set(lines.instance);
                    problem.try_set(None);
                }
                None => {
                    problem.try_set(Some(text::NO_AUTHORITY_IN_FILE.to_owned()));
                }
            }
        });
    };
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut body = json!({ "authority": authority.get_untracked().trim() });
        let round = instance.get_untracked().trim().to_owned();
        if !round.is_empty() {
            body["instance"] = round.into();
        }
        spawn_local(async move {
            let path = format!("/studies/{}/authority", id.get_value());
            match api.ask::<Study>("PUT", &path, Body::Json(body)).await {
                Ok(_) => {
                    said.say(text::AUTHORITY_SET);
                    on_changed.run(());
                }
                Err(failure) => {
                    problem.try_set(Some(failure.told().to_owned()));
                    problems.show(
                        failure
                            .problems
                            .into_iter()
                            .map(|problem| (problem.field, problem.message)),
                    );
                }
            }
        });
    };
    let download = move |_| {
        spawn_local(async move {
            let id = id.get_value();
            match api.file(&format!("/studies/{id}/file")).await {
                Ok((name, file)) => {
                    let name = name.unwrap_or_else(|| format!("{id}.toml"));
                    let _ = browser::save(&name, &file);
                }
                Err(failure) => {
                    problem.try_set(Some(failure.message));
                }
            }
        });
    };
    view! {
        <section class="panel" aria-labelledby="authority-title">
            <h2 id="authority-title">{text::AUTHORITY}</h2>
            <p data-testid="authority-known" data-value=known.to_string()>
                {if known { text::AUTHORITY_KNOWN } else { text::AUTHORITY_MISSING }}
            </p>
            <ol class="points">
                <li>
                    {text::AUTHORITY_STEP_FILE} " "
                    <button id="study-file" type="button" class="small" on:click=download>{text::STUDY_FILE}</button>
                </li>
                <li>{text::AUTHORITY_STEP_INVITE}</li>
                <li>{text::AUTHORITY_STEP_KEY}</li>
            </ol>
            <form novalidate on:submit=send>
                <div class="field">
                    <label for="authority-file">{text::AUTHORITY_FILE}</label>
                    <input id="authority-file" type="file" accept=".toml" on:change=choose />
                    <p class="hint">{text::AUTHORITY_FILE_HINT}</p>
                </div>
                <TextField place="authority" id="authority" label=text::AUTHORITY_KEY value=authority problems />
                <TextField place="instance" id="instance" label=text::INSTANCE hint=text::INSTANCE_HINT value=instance problems />
                <p id="authority-problem" class="problem" role="alert" hidden=move || problem.with(Option::is_none)>
                    {problem}
                </p>
                <div class="actions">
                    <button id="set-authority" type="submit" class="primary">{text::SET_AUTHORITY}</button>
                </div>
            </form>
        </section>
    }
}
