//! How a round stands, as it is pushed.

use leptos::prelude::*;

use crate::app::Said;
use crate::live::Connection;
use crate::model::Live;
use crate::{browser, text};

/// The figures of the current round.
#[component]
pub(crate) fn Standing(
    /// How it stands; none before the first news.
    live: RwSignal<Option<Live>>,
    /// Whether news come.
    connection: RwSignal<Connection>,
) -> impl IntoView {
    let said = Said::here();
    let now = RwSignal::new(browser::now_ms());
    if let Ok(ticking) = set_interval_with_handle(
        move || now.set(browser::now_ms()),
        core::time::Duration::from_secs(1),
    ) {
        on_cleanup(move || ticking.clear());
    }
    let phase = Memo::new(move |_| {
        live.with(|live| live.as_ref().map(|live| (live.round, live.phase.clone())))
    });
    // Where the round stands is said aloud; each single person who comes is not.
    Effect::new(move |before: Option<Option<(u32, String)>>| {
        let now = phase.get();
        if let (Some(Some(_)), Some((round, phase))) = (&before, &now)
            && before.as_ref() != Some(&now)
        {
            said.say(text::phase_of_round(*round, text::phase(phase)));
        }
        now
    });
    let connection_text = move || match connection.get() {
        Connection::Open => text::PUSHED,
        Connection::Waiting => text::NOT_PUSHED,
        Connection::Ended => text::NOTHING_PUSHED,
    };
    let figures = move || live.get().map(|live| figures(live, now));
    view! {
        <section class="panel" aria-labelledby="live-title">
            <div class="title-row">
                <h2 id="live-title">{text::CURRENT_ROUND}</h2>
                <p id="live-connection" class="quiet" data-state=move || connection.get().name()>{connection_text}</p>
            </div>
            {move || live.with(Option::is_none).then(|| view! { <p class="quiet">{text::LOADING}</p> })}
            {figures}
        </section>
    }
}

fn figures(live: Live, now: RwSignal<f64>) -> impl IntoView {
    let figure = |name: &'static str, label: &'static str, value: u32| {
        view! {
            <div>
                <dt>{label}</dt>
                <dd data-testid=format!("live-{name}") data-value=value>{value}</dd>
            </div>
        }
    };
    let committee = live.committee.map(|committee| {
        view! {
            <div>
                <dt>{text::COMMITTEE_PRESENT}</dt>
                <dd data-testid="live-present" data-value=committee.present>
                    {text::of_committee(committee.present, committee.size, committee.threshold)}
                </dd>
            </div>
        }
    });
    let after = live.committee.is_some().then(|| {
        view! {
            {figure("verified", text::VERIFIED, live.verified)}
            {figure("partials", text::PARTIALS, live.partials)}
        }
    });
    let closes = live.closes_unix_ms.map(|at| {
        let left = move || text::time_left(at - now.get());
        view! {
            <p role="timer" aria-live="off" data-testid="live-closes">
                {text::closes_at(&browser::date(at))} " (" {left} ")"
            </p>
        }
    });
    let suspended = live.suspended.then(|| view! { <p class="problem">{text::SUSPENDED}</p> });
    let ended =
        live.ended.map(|why| view! { <p data-testid="live-ended">{text::round_ended(&why)}</p> });
    let published =
        live.published.then(|| view! { <p data-testid="live-published">{text::PUBLISHED}</p> });
    view! {
        <p id="live-phase" class="chosen phase" data-phase=live.phase.clone()>
            {text::phase_of_round(live.round, text::phase(&live.phase))}
        </p>
        {suspended} {closes} {published} {ended}
        <dl class="figures">
            {figure("connected", text::CONNECTED, live.connected)}
            {figure("enrolled", text::ENROLLED, live.enrolled)}
            {committee}
            {figure("contributed", text::CONTRIBUTED, live.contributed)}
            {after}
            {figure("invalid", text::REJECTED_INVALID, live.rejected.invalid)}
            {figure("disputed", text::REJECTED_DISPUTED, live.rejected.disputed)}
        </dl>
    }
}
