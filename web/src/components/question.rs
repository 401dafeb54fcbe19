//! One question, and what can be answered to it.

use std::rc::Rc;

use leptos::prelude::*;
use wardsum_peer::protocol::form::{ItemForm, Kind, Steps};
use wardsum_peer::protocol::questionnaire::Response;
use wardsum_peer::protocol::statistics::Decimal;

use super::asking::{Sheet, field_id};
use super::parts::paragraph;
use crate::answer::{AnswerProblem, Given, of_steps};
use crate::dom::{Element, View, element, live};
use crate::number::{self, Digits};
use crate::text;

/// Up to this many numbers are offered as a scale beside the field.
const SCALE_MAX: i128 = 11;

/// Asks the question with this number, from 0 on.
pub(crate) fn question(sheet: Sheet, number: usize, item: &ItemForm) -> View {
    let item = Rc::new(item.clone());
    let asked = Asked { sheet, number, item: Rc::clone(&item) };
    let (hint, alert) = (field_id("answer-hint", number), field_id("answer-problem-here", number));
    let described_by = format!("{hint} {alert}");
    let controls = match &item.kind {
        Kind::YesNo => asked.radios("options", 0..2),
        Kind::Scale(scale) => {
            let last = scale.range.range().map_or(0, |range| range.width());
            asked.scale(u16::try_from(last).unwrap_or(u16::MAX))
        }
        Kind::Choice(options) => asked.radios("options", 0..count(options.len())),
        Kind::Choices(choices) => asked.checkboxes(count(choices.options.len())),
        Kind::Number(of) => asked.field(&of.range, &described_by),
    };
    let declining = item.optional.0.then(|| asked.declining());
    let hints = element("div")
        .id(&hint)
        .class("hint")
        .with(some_lines(text::of(&item.help)))
        .with(some_lines(text::hint(&item)));
    let problem = live(move || {
        asked.problem().map(|found| {
            paragraph(text::answer_problem(found, &asked.item))
                .id(&field_id("answer-problem", number))
                .class("problem")
                .attr("data-code", found.code())
        })
    });
    element("fieldset")
        .id(&field_id("question", number))
        .attr("aria-describedby", &described_by)
        .with(element("legend").class("lines").with(text::of(&item.text)))
        .with(hints)
        .with(controls)
        .with(declining)
        // Always there, so that screen readers notice when it fills.
        .with(element("div").id(&alert).attr("role", "alert").with(problem))
        .into()
}

fn count(options: usize) -> u16 {
    u16::try_from(options).unwrap_or(u16::MAX)
}

/// A paragraph, unless there is nothing to say.
fn some_lines(words: String) -> Option<Element> {
    (!words.is_empty()).then(|| paragraph(words).class("lines"))
}

/// A question on the sheet.
#[derive(Clone)]
struct Asked {
    sheet: Sheet,
    number: usize,
    item: Rc<ItemForm>,
}

/// A radio button or a checkbox.
struct Mark {
    kind: &'static str,
    id: Option<String>,
    name: String,
    value: String,
    label: String,
    /// Whether it is marked.
    marked: Box<dyn Fn() -> bool>,
    /// What to do when it is marked, or not any more.
    on_change: Box<dyn Fn(bool)>,
}

impl Mark {
    fn view(self) -> Element {
        let Self { kind, id, name, value, label, marked, on_change } = self;
        let input = element("input")
            .maybe_attr("id", id.as_deref())
            .attr("type", kind)
            .attr("name", &name)
            .attr("value", &value)
            .live_property("checked", marked)
            .on("change", move |event| on_change(event_target_checked(&event)));
        element("label").with(input).with(element("span").with(label))
    }
}

impl Asked {
    /// Puts an answer down.
    fn give(&self, given: Given) {
        let Self { sheet, number, item } = self;
        let problem =
            given.response(item).err().filter(|problem| *problem == AnswerProblem::TooMany);
        sheet.draft.update(|draft| draft.give(*number, given));
        sheet.problems.update(|problems| {
            problems.retain(|(of, _)| of != number);
            problems.extend(problem.map(|problem| (*number, problem)));
        });
    }

    /// Something that depends on what is given.
    fn given<T>(&self, of: impl Fn(&Given) -> T + 'static) -> impl Fn() -> T + 'static {
        let Self { sheet, number, .. } = *self;
        move || sheet.draft.with(|draft| of(draft.given(number)))
    }

    /// What is wrong with the answer.
    fn problem(&self) -> Option<AnswerProblem> {
        self.sheet
            .problems
            .with(|all| all.iter().find(|(of, _)| *of == self.number).map(|(_, found)| *found))
    }

    /// The first control of the question takes the focus when something is wrong with the answer.
    fn first_id(&self, first: bool) -> Option<String> {
        first.then(|| field_id("answer", self.number))
    }

    /// A radio button that puts this down.
    fn radio(
        &self,
        first: bool,
        name: &str,
        value: String,
        label: String,
        gives: Given,
    ) -> Element {
        let (asked, item) = (self.clone(), Rc::clone(&self.item));
        let wanted: Option<Response> = gives.response(&item).ok();
        Mark {
            kind: "radio",
            id: self.first_id(first),
            name: field_id(name, self.number),
            value,
            label,
            // However it was put down: a number may have been typed.
            marked: Box::new(self.given(move |given| given.response(&item).ok() == wanted)),
            on_change: Box::new(move |_| asked.give(gives.clone())),
        }
        .view()
    }

    /// One of these options.
    fn radios(&self, class: &str, options: core::ops::Range<u16>) -> View {
        let radio = |option: u16| {
            let label = text::option_label(&self.item.kind, option);
            self.radio(
                option == 0,
                "choice",
                option.to_string(),
                label,
                Given::Chosen(vec![option]),
            )
        };
        let options: Vec<Element> = options.map(radio).collect();
        element("div").class(class).with(options).into()
    }

    fn scale(&self, last: u16) -> View {
        let Kind::Scale(scale) = &self.item.kind else { unreachable!("only a scale has ends") };
        let ends = [(0, &scale.lowest), (last, &scale.highest)].map(|(option, meaning)| {
            let value = text::option_label(&self.item.kind, option);
            element("span").with(text::scale_end(&value, meaning))
        });
        let radios = self.radios("scale", 0..last.saturating_add(1));
        [radios, paragraph(ends).class("ends hint").into()].into()
    }

    fn checkboxes(&self, options: u16) -> View {
        let checkbox = |option: u16| {
            let asked = self.clone();
            let toggle = move |chosen| {
                let Sheet { draft, .. } = asked.sheet;
                let given =
                    draft.with_untracked(|draft| draft.given(asked.number).toggled(option, chosen));
                asked.give(given);
            };
            Mark {
                kind: "checkbox",
                id: self.first_id(option == 0),
                name: field_id("choice", self.number),
                value: option.to_string(),
                label: text::option_label(&self.item.kind, option),
                marked: Box::new(self.given(move |given| given.has(option))),
                on_change: Box::new(toggle),
            }
            .view()
        };
        let options: Vec<Element> = (0..options).map(checkbox).collect();
        element("div").class("options").with(options).into()
    }

    /// Where one says that one prefers not to answer: among the radio buttons, or else by a checkbox.
    fn declining(&self) -> Element {
        let label = text::prefer_not().to_owned();
        let mark = match self.item.kind {
            Kind::YesNo | Kind::Scale(_) | Kind::Choice(_) => {
                self.radio(false, "choice", "none".to_owned(), label, Given::Declined)
            }
            Kind::Number(_) | Kind::Choices(_) => {
                let asked = self.clone();
                let on_change = move |declined| {
                    asked.give(if declined { Given::Declined } else { Given::Nothing });
                };
                Mark {
                    kind: "checkbox",
                    id: None,
                    name: field_id("decline", self.number),
                    value: "none".to_owned(),
                    label,
                    marked: Box::new(self.given(|given| *given == Given::Declined)),
                    on_change: Box::new(on_change),
                }
                .view()
            }
        };
        element("div").class("options declining").with(mark)
    }

    /// A field for a number, and with a small range a scale that follows it, and that it follows.
    fn field(&self, range: &Steps, described_by: &str) -> View {
        let (min, max) = (i128::from(range.min), i128::from(range.max));
        let few = max.checked_sub(min).is_some_and(|width| width < SCALE_MAX);
        let radios = || -> Vec<Element> {
            let values = (min..=max).filter_map(|steps| of_steps(range, steps));
            let radio = |value: Decimal| {
                let (plain, label) = (value.to_string(), number::decimal(value));
                self.radio(false, "scale", plain, label, Given::Typed(Digits::of(value).typed()))
            };
            values.map(radio).collect()
        };
        let scale = few.then(|| element("div").class("scale").with(radios()));
        // A keyboard with digits only has no minus sign.
        let keyboard = match (min < 0, range.decimals) {
            (true, _) => "text",
            (false, 0) => "numeric",
            (false, _) => "decimal",
        };
        let id = field_id("answer", self.number);
        let typed = self.given(|given| match given {
            Given::Typed(typed) => typed.clone(),
            _ => String::new(),
        });
        let (asked, of) = (self.clone(), self.clone());
        let input = element("input")
            .id(&id)
            .attr("name", &id)
            .attr("type", "text")
            .attr("inputmode", keyboard)
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .attr("aria-describedby", described_by)
            .live_attr("aria-invalid", move || Some(of.problem().is_some().to_string()))
            .live_property("value", typed)
            .on("input", move |event| asked.give(Given::Typed(event_target_value(&event))));
        let unit = element("span").class("quiet").with(text::of(&self.item.unit));
        let field = element("div")
            .class("field")
            .with(element("label").attr("for", &id).with(text::answer_label(few)))
            .with(element("div").class("field-row").with(input).with(unit));
        [View::from(scale), field.into()].into()
    }
}
