//! What is asked and why, who learns what, and who does not.

use leptos::prelude::*;

use super::asking::Sheet;
use super::parts::{actions, button, details, focus_panel, panel, paragraph};
use super::question_page::{question_page, room_note};
use crate::dom::{Element, View, element};
use crate::progress::Progress;
use crate::{draft, text};

/// What somebody should know before answering. A single question follows at once.
pub(crate) fn terms(sheet: Sheet, progress: RwSignal<Progress>) -> View {
    let study = sheet.study.get_value();
    let organisation = study.organisation();
    let invited = study.authority().is_some();
    let introduction = (!study.introduction().is_empty()).then(|| {
        panel("introduction-title", text::introduction_title())
            .id("introduction")
            .with(paragraph(text::of(study.introduction())).class("lines"))
    });
    let description = |words: &str| element("dd").with(words);
    let small = text::small_numbers(&study)
        .map(|rule| [term(text::term_small()), description(&rule).test_id("small-numbers")]);
    let how_many = text::how_many(study.minimum_cohort(), study.maximum_cohort());
    let list = element("dl")
        .class("terms")
        .with([term(text::term_who()), description(organisation)])
        .with([term(text::term_learn()), description(&text::learners(&study))])
        .with(small)
        .with([term(text::term_not()), description(&text::who_does_not(organisation))])
        .with([term(text::term_how_many()), description(&how_many)])
        .with([
            term(text::term_admission()),
            description(text::admission(invited)).test_id("admission"),
        ]);
    let how = details(text::how_title()).with(text::how(organisation, invited).map(paragraph));
    let panel = focus_panel("terms-title", text::terms_title()).with(list).with(how);
    let (panel, question) = if draft::is_short(study.form()) {
        (panel, question_page(sheet, 0, progress))
    } else {
        let start =
            button(text::start(), move || sheet.go_on(None)).id("take-part").class("primary");
        let consent =
            [room_note(progress), paragraph(text::consent()).into(), actions(start).into()];
        (panel.with(consent), View::nothing())
    };
    [introduction.into(), panel.into(), question].into()
}

fn term(words: &str) -> Element {
    element("dt").with(words)
}
