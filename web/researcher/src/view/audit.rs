//! The audit log, a page at a time.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::failure::FailureNotice;
use crate::api::{Api, Failure};
use crate::app::Said;
use crate::model::{Audit, AuditEntry};
use crate::{browser, text};

/// Entries of a page.
const PAGE: u32 = 50;

/// The view of the audit log, the newest entries first.
#[component]
pub(crate) fn AuditLog() -> impl IntoView {
    let (api, said) = (Api::here(), Said::here());
    let entries = RwSignal::new(Vec::<AuditEntry>::new());
    let next = RwSignal::new(None::<u64>);
    let failure = RwSignal::new(None::<Failure>);
    let loading = RwSignal::new(true);
    let load = Callback::new(move |before: Option<u64>| {
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        loading.set(true);
        spawn_local(async move {
            match api.get::<Audit>(&format!("/audit?limit={PAGE}{before}")).await {
                Ok(page) => {
                    said.say(text::entries_more(page.entries.len()));
                    next.try_set(page.next_before);
                    entries.try_update(|entries| entries.extend(page.entries));
                    failure.try_set(None);
                }
                Err(refused) => {
                    failure.try_set(Some(refused));
                }
            }
            loading.try_set(false);
        });
    });
    load.run(None);
    let again = move |()| {
        load.run(entries.with_untracked(|entries| entries.last().map(|entry| entry.number)));
    };
    let rows = move || {
        let rows = entries.get().into_iter().map(|entry| {
            let action = entry.action.clone();
            view! {
                <tr data-testid="audit-entry" data-number=entry.number data-action=action>
                    <td>{browser::date(entry.at_unix_ms)}</td>
                    <td>{entry.actor}</td>
                    <td>{entry.action}</td>
                    <td>{entry.detail}</td>
                </tr>
            }
        });
        rows.collect_view()
    };
    let older = move || {
        let before = next.get()?;
        Some(view! {
            <div class="actions">
                <button id="older" type="button" on:click=move |_| load.run(Some(before))>{text::OLDER}</button>
            </div>
        })
    };
    view! {
        <div class="stack">
            <h1 tabindex="-1">{text::AUDIT_LOG}</h1>
            <p class="quiet">{text::AUDIT_LEAD}</p>
            {move || failure.get().map(|failure| view! { <FailureNotice failure on_again=again /> })}
            <div class="panel scroll" tabindex="0" role="region" aria-label=text::AUDIT_LOG>
                <table class="audit">
                    <caption class="visually-hidden">{text::AUDIT_LOG}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{text::WHEN}</th>
                            <th scope="col">{text::WHO}</th>
                            <th scope="col">{text::DID}</th>
                            <th scope="col">{text::DETAIL}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {move || loading.get().then(|| view! { <p class="quiet">{text::LOADING}</p> })}
            {older}
        </div>
    }
}
