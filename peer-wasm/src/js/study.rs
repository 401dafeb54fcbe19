//! A study and its result as plain JavaScript objects; `js/types.rs` describes them.

use js_sys::Array;
use wardsum_protocol::form::{
    Coding, Form, ItemForm, Kind, OptionForm, ScoreForm, Section, Steps, Text,
};
use wardsum_protocol::questionnaire::{Cell, Figure, Subject};
use wardsum_protocol::{Aggregate, Study};
use wasm_bindgen::JsValue;

use super::fields::Fields;

/// What is asked, and under which rules.
pub(super) fn study(study: &Study) -> Fields {
    Fields::new()
        .with("digest", study.digest().to_string())
        .with("title", text(study.title()))
        .with("organisation", study.organisation())
        .with("introduction", text(study.introduction()))
        .with("form", form(study.form()))
        .with("minimumCell", study.minimum_cell())
        .with("minimumCohort", study.minimum_cohort())
        .with("maximumCohort", study.maximum_cohort())
}

/// The numbers that were found out, each with what it is about.
pub(super) fn cells(study: &Study, aggregate: &Aggregate) -> Array {
    let cells = study.questionnaire().cells().iter().zip(aggregate.cells.iter());
    Fields::each(cells, |(cell, number)| {
        // `null` and not `undefined`: that it is missing means something.
        let number = number.map_or(JsValue::NULL, JsValue::from);
        self::cell(cell).with("group", cell.group).with("value", number)
    })
}

fn cell(cell: &Cell) -> Fields {
    let fields = match cell.subject {
        Subject::Item(item) => Fields::new().with("item", count(item)),
        Subject::Score(score) => Fields::new().with("score", count(score)),
    };
    match cell.figure {
        Figure::Answered => fields.with("figure", "answered"),
        Figure::Sum => fields.with("figure", "sum"),
        Figure::Squares => fields.with("figure", "squares"),
        Figure::Yes => fields.with("figure", "yes"),
        Figure::Option(option) => fields.with("figure", "option").with("option", option),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn text(text: &Text) -> Array {
    Fields::each(text.languages(), |language| {
        Fields::new().with("language", language).with("text", text.preferred([language]))
    })
}

fn form(form: &Form) -> Fields {
    Fields::new()
        .with("sections", Fields::each(&form.sections, section))
        .with("grouping", form.grouping)
        .with("scores", Fields::each(&form.scores, score))
}

fn section(section: &Section) -> Fields {
    Fields::new()
        .with("title", text(&section.title))
        .with("help", text(&section.help))
        .with("items", Fields::each(&section.items, item))
}

fn item(item: &ItemForm) -> Fields {
    let fields = Fields::new()
        .with("id", &*item.id.0)
        .with("code", coding(&item.code))
        .with("text", text(&item.text))
        .with("help", text(&item.help))
        .with("unit", text(&item.unit))
        .with("optional", item.optional.0);
    match &item.kind {
        Kind::YesNo => fields.with("type", "yes-no"),
        Kind::Number(number) => fields
            .with("type", "number")
            .with("range", range(&number.range))
            .with("squares", number.squares.0),
        Kind::Scale(scale) => fields
            .with("type", "scale")
            .with("range", range(&scale.range))
            .with("lowest", text(&scale.lowest))
            .with("highest", text(&scale.highest)),
        Kind::Choice(options) => {
            fields.with("type", "choice").with("options", Fields::each(options, option))
        }
        Kind::Choices(choices) => fields
            .with("type", "choices")
            .with("options", Fields::each(&choices.options, option))
            .with("atMost", choices.at_most),
    }
}

fn range(steps: &Steps) -> Fields {
    Fields::new()
        .with("min", i128::from(steps.min))
        .with("max", i128::from(steps.max))
        .with("step", steps.step)
        .with("decimals", steps.decimals)
}

fn option(option: &OptionForm) -> Fields {
    Fields::new()
        .with("code", coding(&option.code))
        .with("text", text(&option.text))
        .with("value", option.value.map(i32::from))
}

fn coding(coding: &Coding) -> Option<JsValue> {
    let there = !coding.code.0.is_empty();
    there.then(|| {
        let fields = Fields::new();
        fields.with("system", &*coding.system.0).with("code", &*coding.code.0).into()
    })
}

fn score(score: &ScoreForm) -> Fields {
    let terms = Fields::each(&score.terms, |term| {
        Fields::new().with("item", term.item).with("weight", i32::from(term.weight))
    });
    Fields::new()
        .with("id", &*score.id.0)
        .with("code", coding(&score.code))
        .with("title", text(&score.title))
        .with("terms", terms)
        .with("distribution", score.distribution.0)
}
