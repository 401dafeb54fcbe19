//! The stage list.

use leptos::prelude::*;

use super::parts::paragraph;
use crate::dom::{Element, View, element, live, live_text, svg};
use crate::erased::memo;
use crate::progress::{Progress, StageId, StageState};
use crate::text;

/// Shows where the round stands, stage by stage. `clock` is the page's, in milliseconds.
pub(crate) fn stages(progress: RwSignal<Progress>, clock: RwSignal<f64>) -> View {
    let stages = StageId::ALL.map(|stage| item(stage, progress, clock));
    element("ol").id("stages").class("stages").with(stages).into()
}

fn item(stage: StageId, progress: RwSignal<Progress>, clock: RwSignal<f64>) -> Element {
    let standing = memo(move || progress.with(|progress| progress.stage_state(stage)));
    let title = move || {
        progress.with(|progress| text::stage_title(stage, standing.get(), progress.is_invited()))
    };
    let detail = move || progress.with(|progress| text::stage_detail(stage, progress));
    let current = move || standing.get() == StageState::Current;
    let countdown = move || {
        let words = progress.with(|progress| text::closing(stage, progress, clock.get()));
        let words = words.filter(|_| current());
        words.map(|words| paragraph(words).class("countdown").test_id("countdown"))
    };
    let mark = element("span")
        .class("mark")
        .attr("aria-hidden", "true")
        .with(live(move || mark(standing.get())));
    let spoken = element("span")
        .class("visually-hidden")
        .with(live_text(move || text::stage_state(standing.get())));
    element("li")
        .attr("data-stage", stage.code())
        .live_attr("data-state", move || Some(standing.get().code().to_owned()))
        .live_attr("aria-current", move || current().then(|| "step".to_owned()))
        .with(mark)
        .with(paragraph(live_text(title)).class("stage-title").with(spoken))
        .with(paragraph(live_text(detail)).class("stage-detail"))
        .with(live(countdown))
}

fn mark(state: StageState) -> Option<Element> {
    let path = match state {
        StageState::Done => "M4 12.5l5 5L20 6.5",
        StageState::Failed => "M6 6l12 12M18 6L6 18",
        StageState::Pending | StageState::Current | StageState::Skipped => return None,
    };
    let path = svg("path").attr("d", path);
    Some(svg("svg").attr("viewBox", "0 0 24 24").attr("focusable", "false").with(path))
}
