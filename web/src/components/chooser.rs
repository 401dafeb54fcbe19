//! The list of studies.

use super::parts::paragraph;
use crate::api::{RoundPhase, StudySummary};
use crate::dom::{Element, View, element};
use crate::{browser, text};

/// Lets the visitor choose one of these studies, because the address names none or one that does not exist.
pub(crate) fn chooser(unknown: Option<&str>, studies: &[StudySummary]) -> View {
    let heading: View = match unknown {
        Some(id) => element("div")
            .id("failure")
            .class("notice notice-failure")
            .attr("role", "alert")
            .attr("data-code", "unknown-study")
            .with(element("h1").with(text::unknown_study_title(id)))
            .with(paragraph(text::unknown_study(!studies.is_empty())))
            .into(),
        None => [element("h1").with(text::choose_title()), paragraph(text::choose())].into(),
    };
    let items: Vec<Element> = studies.iter().map(item).collect();
    element("div")
        .class("stack")
        .with(heading)
        .with(element("ul").class("studies").with(items))
        .into()
}

fn item(study: &StudySummary) -> Element {
    let open = study.phase == RoundPhase::Open;
    let about = text::study_line(&study.organisation, study.minimum_cohort, open);
    let link = element("a")
        .attr("href", &browser::study_address(&study.id))
        .test_id("study-link")
        .attr("data-study", &study.id)
        .with(study.title.as_str());
    element("li").class("panel").with(link).with(paragraph(about))
}
