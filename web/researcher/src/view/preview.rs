//! A questionnaire as it will be asked.

use leptos::prelude::*;
use serde_json::Value;

use crate::model::Words;
use crate::text;

/// What is asked, in our own shape of a questionnaire. The controls can be tried; nothing of it goes anywhere.
#[component]
pub(crate) fn Preview(
    /// The questionnaire.
    questionnaire: Value,
) -> impl IntoView {
    let none = Vec::new();
    let sections = questionnaire["section"].as_array().unwrap_or(&none);
    let sections = sections.iter().map(section).collect_view();
    let scores = questionnaire["score"].as_array().unwrap_or(&none);
    let scores = scores.iter().map(|score| {
        let items = score["items"].as_array().map_or(0, Vec::len);
        view! { <li data-score=plain(&score["id"])>{text::score(&words(&score["title"]), items)}</li> }
    });
    let scores = scores.collect::<Vec<_>>();
    let scores = (!scores.is_empty()).then(|| {
        view! { <h4>{text::SCORES}</h4> <ul class="points">{scores}</ul> }
    });
    let items = || questionnaire["section"].as_array().into_iter().flatten();
    let mut items = items().filter_map(|section| section["item"].as_array()).flatten();
    let grouping = questionnaire["grouping"].as_str().map(|id| {
        let item = items.find(|item| item["id"] == id).map(|item| words(&item["text"]));
        text::grouped_by(item.as_deref().unwrap_or(id))
    });
    view! {
        <div id="preview" class="preview">
            <h3>{words(&questionnaire["title"])}</h3>
            <p class="introduction">{words(&questionnaire["introduction"])}</p>
            {sections}
            {scores}
            {grouping.map(|grouping| view! { <p class="quiet">{grouping}</p> })}
        </div>
    }
}

fn section(section: &Value) -> impl IntoView + use<> {
    let (title, help) = (words(&section["title"]), words(&section["help"]));
    let title = (!title.is_empty()).then(|| view! { <h4>{title}</h4> });
    let help = (!help.is_empty()).then(|| view! { <p class="quiet">{help}</p> });
    let items = section["item"].as_array().map(|items| items.iter().map(item).collect_view());
    view! { {title} {help} {items} }
}

fn item(item: &Value) -> impl IntoView + use<> {
    let (id, kind) = (plain(&item["id"]), plain(&item["kind"]));
    let name = format!("preview-{id}");
    let box_of = |kind: &'static str, text: String| {
        let name = name.clone();
        view! { <label class="answer"><input type=kind name=name /> <span>{text}</span></label> }
    };
    let options = || item["option"].as_array().cloned().unwrap_or_default();
    let controls = match kind.as_str() {
        "yes-no" => [text::YES, text::NO]
            .map(|text| box_of("radio", text.to_owned()))
            .collect_view()
            .into_any(),
        "choice" => options()
            .iter()
            .map(|option| box_of("radio", words(&option["text"])))
            .collect_view()
            .into_any(),
        "choices" => options()
            .iter()
            .map(|option| box_of("checkbox", words(&option["text"])))
            .collect_view()
            .into_any(),
        "scale" => scale(item, &name).into_any(),
        _ => {
            let range =
                text::from_to(&plain(&item["min"]), &plain(&item["max"]), &words(&item["unit"]));
            view! {
                <div class="field">
                    <label>
                        <span class="hint">{range}</span>
                        <input type="text" class="number" inputmode="decimal" autocomplete="off" />
                    </label>
                </div>
            }
            .into_any()
        }
    };
    let help = words(&item["help"]);
    let help = (!help.is_empty()).then(|| view! { <p class="hint">{help}</p> });
    let optional = item["optional"].as_bool().unwrap_or_default();
    view! {
        <fieldset data-item=id data-kind=kind>
            <legend>{words(&item["text"])}</legend>
            {help}
            {controls}
            {optional.then(|| view! { <p class="hint">{text::MAY_BE_LEFT_OUT}</p> })}
        </fieldset>
    }
}

fn scale(item: &Value, name: &str) -> impl IntoView + use<> {
    let number = |key: &str| plain(&item[key]).parse::<f64>().ok();
    let step = number("step").unwrap_or(1.0);
    let (min, max) = (number("min").unwrap_or_default(), number("max").unwrap_or_default());
    // A hospital asks for some hundred at most; what is typed may be anything.
    let values = (0..200_u32).map(|steps| min + f64::from(steps) * step);
    let values = values.take_while(|value| *value <= max + step / 2.0);
    let boxes = values.map(|value| {
        let name = name.to_owned();
        view! { <label><input type="radio" name=name /> <span>{crate::browser::number(value, 9)}</span></label> }
    });
    let ends = text::ends(&words(&item["lowest"]), &words(&item["highest"]));
    view! {
        <div class="scale">{boxes.collect_view()}</div>
        <p class="hint">{ends}</p>
    }
}

/// A text in the page's language.
fn words(value: &Value) -> String {
    serde_json::from_value::<Words>(value.clone()).unwrap_or_default().shown().to_owned()
}

/// A text, or a number in digits.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
