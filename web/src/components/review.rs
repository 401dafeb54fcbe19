//! The last look before the answers are sent.

use leptos::prelude::*;
use wardsum_peer::protocol::form::{Form, ItemForm};
use wardsum_peer::protocol::questionnaire::Response;

use super::asking::{Sheet, field_id};
use super::parts::{actions, button, focus_panel, paragraph};
use crate::dom::{Element, View, element, live};
use crate::draft::{self, Draft};
use crate::progress::Progress;
use crate::{browser, fhir, text};

/// Shows the answers and what will become of them, and asks once more.
pub(crate) fn review(
    sheet: Sheet,
    progress: RwSignal<Progress>,
    send: impl Fn() + 'static,
) -> View {
    let study = sheet.study.get_value();
    let form = study.form();
    let short = draft::is_short(form);
    let responses = sheet.draft.with_untracked(|draft| draft.responses(form)).unwrap_or_default();
    let answers: Vec<Element> = (0..)
        .zip(form.items().zip(&responses))
        .map(|(number, (item, response))| answer(sheet, form, number, item, response))
        .collect();
    let answers = element("dl").class(if short { "answers one" } else { "answers" }).with(answers);
    let copy = element("a")
        .id("own-copy")
        .attr(
            "href",
            &browser::file(fhir::MEDIA_TYPE, &fhir::questionnaire_response(form, &responses)),
        )
        .attr("download", "my-answers.json")
        .with(text::own_copy());
    let (title, words) = if short {
        (text::review_title_one(), text::send_one())
    } else {
        (text::review_title(), text::send())
    };
    let send = button(words, send).id("send").class("primary");
    let back = button(text::back(), move || sheet.go_back()).id("back");
    // Whether this browser keeps what it takes to come back may turn out while this is read.
    let points = live(move || -> Vec<Element> {
        let points = text::review_points(&study, progress.with(Progress::is_kept));
        points.into_iter().map(|point| element("li").with(point)).collect()
    });
    focus_panel("review-title", title)
        .id("confirm")
        .with(paragraph(text::review_lead()).class("quiet"))
        .with(answers)
        .with(element("ul").class("points").with(points))
        .with(actions([send, back]))
        .with(paragraph(copy))
        .with(paragraph(text::own_copy_note()).class("quiet"))
        .into()
}

/// One answer, and the way back to its question.
fn answer(
    sheet: Sheet,
    form: &Form,
    number: usize,
    item: &ItemForm,
    response: &Response,
) -> Element {
    let (page, question) = (Draft::page_of(form, number), text::of(&item.text));
    let change = button(text::change(), move || sheet.turn_to(page, &field_id("answer", number)))
        .id(&field_id("change", number))
        .attr("aria-label", &text::change_which(&question));
    let value = element("dd")
        .test_id("confirm-value")
        .attr("data-value", &plain(response))
        .with(text::response(item, response));
    element("div")
        .with(element("dt").class("lines").with(question))
        .with(value)
        .with(element("dd").with(change))
}

/// A response for programs.
fn plain(response: &Response) -> String {
    match response {
        Response::None => String::new(),
        Response::Number(steps) => steps.to_string(),
        Response::YesNo(yes) => yes.to_string(),
        Response::Choice(option) => option.to_string(),
        Response::Choices(options) => {
            let options: Vec<String> = options.iter().map(u16::to_string).collect();
            options.join(" ")
        }
    }
}
