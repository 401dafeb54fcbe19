//! Fields of forms, each with its label and with what is wrong with it.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::browser;
use crate::questionnaire::{Field, Tick};

/// What is wrong with a form, by the place of each field.
#[derive(Clone, Copy)]
pub(crate) struct Problems(RwSignal<BTreeMap<String, String>>);

impl Problems {
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(BTreeMap::new()))
    }

    /// Replaces what was wrong before, and leads to the first field that is.
    pub(crate) fn show(self, problems: impl IntoIterator<Item = (String, String)>) {
        let mut by_place = BTreeMap::<String, String>::new();
        for (place, message) in problems {
            let told = by_place.entry(place).or_default();
            if !told.is_empty() {
                told.push(' ');
            }
            told.push_str(&message);
        }
        self.0.try_set(by_place);
        browser::focus_soon("[aria-invalid=true]");
    }

    /// Whether nothing is.
    pub(crate) fn none(self) -> bool {
        self.0.with(BTreeMap::is_empty)
    }

    /// Everything, in the order of the places.
    pub(crate) fn all(self) -> Vec<(String, String)> {
        self.0.get().into_iter().collect()
    }

    fn at(self, place: &str) -> Option<String> {
        self.0.with(|problems| problems.get(place).cloned())
    }
}

/// A name for an element that stands for a place, which no two have.
fn id_of(place: &str) -> String {
    place.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

#[component]
fn Problem(id: String, at: Memo<Option<String>>) -> impl IntoView {
    view! {
        <p id=format!("{id}-problem") class="problem" hidden=move || at.with(Option::is_none)>{at}</p>
    }
}

/// A field for one line, or for more.
#[component]
pub(crate) fn TextField(
    /// Where the hospital says that something is wrong with it.
    #[prop(into)]
    place: String,
    /// The element's name; made of the place if there is none.
    #[prop(optional, into)]
    id: Option<String>,
    /// What it is.
    label: &'static str,
    /// What more there is to know.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// What was typed.
    value: Field,
    /// What is wrong with the form.
    problems: Problems,
    /// Whether it is for more than one line.
    #[prop(optional)]
    long: bool,
    /// Whether it is for a number.
    #[prop(optional)]
    number: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| id_of(&place));
    let at = {
        let place = place.clone();
        Memo::new(move |_| problems.at(&place))
    };
    let invalid = move || at.with(Option::is_some).then_some("true");
    let described = match hint {
        Some(_) => format!("{id}-problem {id}-hint"),
        None => format!("{id}-problem"),
    };
    let control = if long {
        view! {
            <textarea
                id=id.clone()
                data-field=place
                rows="3"
                prop:value=value
                aria-invalid=invalid
                aria-describedby=described
                on:input:target=move |event| value.set(event.target().value())
            />
        }
        .into_any()
    } else {
        view! {
            <input
                id=id.clone()
                data-field=place
                type="text"
                class=if number { "number" } else { "wide" }
                inputmode=number.then_some("decimal")
                autocomplete="off"
                prop:value=value
                aria-invalid=invalid
                aria-describedby=described
                on:input:target=move |event| value.set(event.target().value())
            />
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            {control}
            <Problem id=id.clone() at />
            {hint.map(|hint| view! { <p id=format!("{id}-hint") class="hint">{hint}</p> })}
        </div>
    }
}

/// A box to tick.
#[component]
pub(crate) fn TickBox(
    /// Where the hospital says that something is wrong with it.
    #[prop(into)]
    place: String,
    /// What it is.
    label: &'static str,
    /// What more there is to know.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// Whether it is ticked.
    value: Tick,
    /// What is wrong with the form.
    problems: Problems,
) -> impl IntoView {
    let id = id_of(&place);
    let at = {
        let place = place.clone();
        Memo::new(move |_| problems.at(&place))
    };
    view! {
        <div class="field tick">
            <input
                id=id.clone()
                data-field=place
                type="checkbox"
                prop:checked=value
                aria-invalid=move || at.with(Option::is_some).then_some("true")
                aria-describedby=format!("{id}-problem")
                on:change:target=move |event| value.set(event.target().checked())
            />
            <div>
                <label for=id.clone()>{label}</label>
                {hint.map(|hint| view! { <p class="hint">{hint}</p> })}
                <Problem id at />
            </div>
        </div>
    }
}
