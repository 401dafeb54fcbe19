//! The questions of one section.

use leptos::prelude::*;

use super::asking::Sheet;
use super::parts::{actions, button, heading, paragraph};
use super::question::question;
use crate::dom::{Element, View, element, live, live_text};
use crate::draft::{self, Page};
use crate::progress::Progress;
use crate::text;

/// The section of a questionnaire with this number, from 0 on, or its only question.
pub(crate) fn question_page(sheet: Sheet, section: usize, progress: RwSignal<Progress>) -> View {
    let (short, form) =
        sheet.study.with_value(|study| (draft::is_short(study.form()), study.form().clone()));
    let questions: Vec<View> = draft::items_of(&form, section)
        .map(|(number, item)| question(sheet, number, item))
        .collect();
    let forward = move || {
        let to_review = sheet.draft.with(|draft| draft.next(&form)) == Page::Review;
        match (short, to_review) {
            (true, _) => text::take_part(),
            (false, true) => text::to_review(),
            (false, false) => text::next(),
        }
    };
    let forward = element("button")
        .id("take-part")
        .class("primary")
        .attr("type", "submit")
        .with(live_text(forward));
    let back = (!short).then(|| button(text::back(), move || sheet.go_back()).id("back"));
    element("form")
        .class("panel questions")
        .attr("novalidate", "")
        .on("submit", move |event| {
            event.prevent_default();
            sheet.go_on(Some(section));
        })
        .with((!short).then(|| section_heading(sheet, section)))
        .with(questions)
        .with(short.then(|| room_note(progress)))
        .with(actions([Some(forward), back]))
        .with(paragraph(if short { text::consent() } else { text::draft_kept() }).class("quiet"))
        .into()
}

/// Which section this is, and how far one is.
fn section_heading(sheet: Sheet, section: usize) -> Element {
    let (title, help, sections) = sheet.study.with_value(|study| {
        let sections = &study.form().sections;
        let (title, help) = sections
            .get(section)
            .map(|of| (text::section_title(&of.title, section), text::of(&of.help)))
            .unwrap_or_default();
        (title, help, sections.len())
    });
    let far = element("span").class("far").test_id("far");
    let title = heading("h2", "section-title", title)
        .with(" ")
        .with(far.with(text::section_of(section, sections)));
    element("div").with(title).with(paragraph(help).class("lines hint"))
}

/// How many have come so far.
pub(crate) fn room_note(progress: RwSignal<Progress>) -> View {
    live(move || {
        progress.with(text::room).map(|(present, needed, words)| {
            paragraph(words)
                .id("room")
                .class("quiet")
                .attr("data-present", &present.to_string())
                .attr("data-needed", &needed.to_string())
        })
    })
}
