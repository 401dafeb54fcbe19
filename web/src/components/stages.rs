//! The stage list.

use leptos::prelude::*;

use crate::erased::{live, memo};
use crate::progress::{Progress, StageId, StageState};
use crate::text;

/// Shows where the round stands, stage by stage.
#[component]
pub(crate) fn Stages(
    /// Where the visit stands.
    progress: RwSignal<Progress>,
    /// The page's clock, in milliseconds.
    clock: RwSignal<f64>,
) -> impl IntoView {
    let items =
        StageId::ALL.map(|stage| view! { <StageItem stage progress clock /> }).collect_view();
    view! { <ol id="stages" class="stages">{items}</ol> }
}

/// One stage.
#[component]
fn StageItem(
    /// Which.
    stage: StageId,
    /// Where the visit stands.
    progress: RwSignal<Progress>,
    /// The page's clock, in milliseconds.
    clock: RwSignal<f64>,
) -> impl IntoView {
    // Memos, so that an event redraws only the stages that it changes.
    let state = memo(move || progress.with(|progress| progress.stage_state(stage)));
    let title = memo(move || {
        progress.with(|progress| text::stage_title(stage, state.get(), progress.is_invited()))
    });
    let detail = memo(move || progress.with(|progress| text::stage_detail(stage, progress)));
    let countdown = memo(move || {
        (state.get() == StageState::Current)
            .then(|| progress.with(|progress| text::closing(stage, progress, clock.get())))
            .flatten()
    });
    view! {
        <li
            data-stage=stage.code()
            data-state=live(move || state.get().code())
            aria-current=live(move || (state.get() == StageState::Current).then_some("step"))
        >
            <span class="mark" aria-hidden="true">{live(move || mark(state.get()))}</span>
            <p class="stage-title">
                {title}
                <span class="visually-hidden">{live(move || text::stage_state(state.get()))}</span>
            </p>
            <p class="stage-detail">{detail}</p>
            {live(move || countdown.get().map(|words| view! {
                <p class="countdown" data-testid="countdown">{words}</p>
            }.into_any()))}
        </li>
    }
}

fn mark(state: StageState) -> Option<AnyView> {
    let path = match state {
        StageState::Done => "M4 12.5l5 5L20 6.5",
        StageState::Failed => "M6 6l12 12M18 6L6 18",
        StageState::Pending | StageState::Current | StageState::Skipped => return None,
    };
    Some(view! { <svg viewBox="0 0 24 24" focusable="false"><path d=path /></svg> }.into_any())
}
