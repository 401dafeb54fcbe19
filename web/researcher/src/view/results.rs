//! What a round has found out, and what of it can be downloaded.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use super::failure::FailureNotice;
use super::finding::Finding;
use crate::api::{self, Api, Failure};
use crate::model::{self, Export, Findings, RoundResult};
use crate::route::Route;
use crate::{browser, text};

/// How a round ended, and its findings if it has any.
type Ended = (RoundResult, Option<Findings>);

/// The view of a round's results.
#[component]
pub(crate) fn Results(
    /// The study's id.
    study: String,
    /// The round's number; the last one that is over if there is none.
    round: Option<u32>,
) -> impl IntoView {
    let api = Api::here();
    let ended = RwSignal::new(None::<Result<Ended, Failure>>);
    let load = {
        let study = study.clone();
        Callback::new(move |()| {
            let study = study.clone();
            spawn_local(async move {
                ended.try_set(Some(read(api, &study, round).await));
            });
        })
    };
    load.run(());
    let back = Route::Study(study.clone()).to_string();
    let shown = {
        let study = study.clone();
        move || match ended.get() {
            None => view! { <p class="quiet">{text::LOADING}</p> }.into_any(),
            Some(Err(failure)) => {
                view! { <FailureNotice failure on_again=move |()| load.run(()) /> }.into_any()
            }
            Some(Ok((result, findings))) => {
                let study = study.clone();
                view! { <Round study result findings /> }.into_any()
            }
        }
    };
    view! {
        <div class="stack" data-testid="results-view">
            <p><a href=back>{text::back_to(&study)}</a></p>
            <h1 tabindex="-1">{text::RESULTS}</h1>
            {shown}
        </div>
    }
}

async fn read(api: Api, study: &str, round: Option<u32>) -> Result<Ended, Failure> {
    let of_round =
        |round: Option<u32>| round.map(|round| format!("?round={round}")).unwrap_or_default();
    let result =
        api.get::<RoundResult>(&format!("/studies/{study}/result{}", of_round(round))).await?;
    if result.result.is_none() {
        return Ok((result, None));
    }
    let findings = format!("/studies/{study}/findings{}", of_round(Some(result.round)));
    let findings = api.get::<Findings>(&findings).await?;
    Ok((result, Some(findings)))
}

#[component]
fn Round(study: String, result: RoundResult, findings: Option<Findings>) -> impl IntoView {
    let row = |name: &'static str, testid: &'static str, value: u32| {
        view! { <dt>{name}</dt><dd data-testid=testid data-value=value>{value}</dd> }
    };
    let over =
        result.over_unix_ms.map(|at| view! { <dt>{text::OVER}</dt><dd>{browser::date(at)}</dd> });
    let ended = result.ended.clone().map(|why| {
        view! { <div class="notice notice-failure" data-testid="no-result"><p>{text::round_ended(&why)}</p></div> }
    });
    let counted = findings.as_ref().map(|findings| {
        view! {
            {row(text::COUNTED, "counted", findings.count)}
            <dt>{text::MINIMUM_CELL}</dt>
            <dd>{findings.minimum_cell}</dd>
        }
    });
    let grouped = findings.as_ref().and_then(|findings| {
        findings.grouping.as_ref().map(|words| text::grouped_by(words.shown()))
    });
    let exports = findings.is_some().then(|| view! { <Exports study round=result.round /> });
    let list = findings.map(|findings| {
        let numbers = 0..findings.subjects.len();
        let findings = StoredValue::new(findings);
        let list = numbers.map(|subject| {
            findings.with_value(|findings| view! { <Finding findings=findings.clone() subject /> })
        });
        list.collect_view()
    });
    view! {
        <section class="panel" aria-labelledby="round-title">
            <h2 id="round-title" data-testid="results-round" data-value=result.round>{text::round(result.round)}</h2>
            <dl class="terms">
                {over}
                {row(text::CONTRIBUTED, "contributed", result.contributed)}
                {counted}
                {row(text::REJECTED_INVALID, "invalid", result.rejected.invalid)}
                {row(text::REJECTED_DISPUTED, "disputed", result.rejected.disputed)}
            </dl>
            {grouped.map(|grouped| view! { <p class="quiet">{grouped}</p> })}
        </section>
        {ended}
        {exports}
        {list}
    }
}

/// What the hospital offers for download, whichever version it is.
#[component]
fn Exports(study: String, round: u32) -> impl IntoView {
    let api = Api::here();
    let offered = RwSignal::new(Vec::<Export>::new());
    let problem = RwSignal::new(None::<String>);
    spawn_local(async move {
        if let Ok(description) = api::public::<Value>(api::DESCRIPTION).await {
            offered.try_set(model::exports(&description));
        }
    });
    let study = StoredValue::new(study);
    let save = move |Export { name, path }: Export| {
        spawn_local(async move {
            let study = study.get_value();
            problem.try_set(None);
            match api.file(&format!("/studies/{study}/{path}round={round}")).await {
                Ok((called, file)) => {
                    let called = called.unwrap_or_else(|| format!("{study}-{round}-{name}"));
                    let _ = browser::save(&called, &file);
                }
                Err(failure) => {
                    problem.try_set(Some(failure.message));
                }
            }
        });
    };
    let buttons = move || {
        let buttons = offered.get().into_iter().map(|export| {
            let (name, label) = (export.name.clone(), text::export(&export.name));
            view! {
                <button
                    type="button"
                    data-testid="export"
                    data-export=name
                    on:click=move |_| save(export.clone())
                >
                    {label}
                </button>
            }
        });
        buttons.collect_view()
    };
    view! {
        <section class="panel" aria-labelledby="exports-title">
            <h2 id="exports-title">{text::EXPORTS}</h2>
            <p class="quiet">{text::EXPORTS_LEAD}</p>
            <div class="actions">{buttons}</div>
            <p class="problem" role="alert" hidden=move || problem.with(Option::is_none)>{problem}</p>
        </section>
    }
}
