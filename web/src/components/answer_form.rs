//! The question, and the field for the answer.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wardsum_peer::protocol::Study;

use crate::answer::{self, AnswerProblem};
use crate::erased::live;
use crate::{browser, number, text};

/// Up to this many possible answers are offered as a scale as well.
const SCALE_MAX: i128 = 11;

/// Asks the question.
#[component]
pub(crate) fn AnswerForm(
    /// The study.
    study: Study,
    /// What is in the field; it outlives the form, which comes back when the answer is changed.
    typed: RwSignal<String>,
    /// How many have come so far, in words.
    room: Signal<Option<(u32, u32, String)>>,
    /// What to do with a valid answer.
    on_answer: Callback<i128>,
) -> impl IntoView {
    let (min, max) = (study.min(), study.max());
    let problem = RwSignal::new(None::<AnswerProblem>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match typed.with_untracked(|typed| answer::parse(typed, min, max)) {
            Ok(value) => {
                problem.set(None);
                on_answer.run(value);
            }
            Err(found) => {
                problem.set(Some(found));
                browser::focus_soon("answer");
            }
        }
    };
    let scale = scale_of(min, max);
    let with_scale = scale.is_some();
    // A keyboard with digits only has no minus sign.
    let keyboard = if min < 0 { "text" } else { "numeric" };
    let described_by =
        move || if problem.get().is_some() { "answer-hint answer-problem" } else { "answer-hint" };

    view! {
        <form class="panel" novalidate on:submit=submit>
            <fieldset>
                <legend>{study.question().to_owned()}</legend>
                <p class="hint" id="answer-hint">{text::range_hint(min, max, study.unit())}</p>
                {scale.map(|values| view! { <Scale values typed problem /> })}
                <div class="field">
                    <label for="answer">{text::input_label(with_scale)}</label>
                    <div class="field-row">
                        <input
                            id="answer"
                            name="answer"
                            type="text"
                            inputmode=keyboard
                            autocomplete="off"
                            spellcheck="false"
                            aria-describedby=live(described_by)
                            aria-invalid=live(move || problem.get().is_some().to_string())
                            prop:value=typed
                            on:input=move |event| {
                                typed.set(event_target_value(&event));
                                problem.set(None);
                            }
                        />
                        <span class="quiet">{study.unit().to_owned()}</span>
                    </div>
                    // Always there, so that screen readers notice when it fills.
                    <div role="alert">
                        {live(move || problem.get().map(|found| view! {
                            <p id="answer-problem" class="problem" data-code=found.code()>
                                {text::answer_problem(found, min, max)}
                            </p>
                        }.into_any()))}
                    </div>
                </div>
            </fieldset>
            {live(move || room.get().map(|(present, needed, words)| view! {
                <p id="room" class="quiet" data-present=present data-needed=needed>{words}</p>
            }.into_any()))}
            <div class="actions">
                <button id="take-part" class="primary" type="submit">{text::TAKE_PART}</button>
            </div>
        </form>
    }
}

/// The numbers of the scale, if there are few enough.
fn scale_of(min: i128, max: i128) -> Option<Vec<i128>> {
    let count = max.checked_sub(min)?.checked_add(1)?;
    (count <= SCALE_MAX).then(|| (min..=max).collect())
}

/// Every possible answer as a radio button. The field below follows it, and it follows the field.
#[component]
fn Scale(
    /// The possible answers.
    values: Vec<i128>,
    /// What is in the field.
    typed: RwSignal<String>,
    /// What is wrong with it.
    problem: RwSignal<Option<AnswerProblem>>,
) -> impl IntoView {
    let (first, last) = (values.first().copied().unwrap_or(0), values.last().copied().unwrap_or(0));
    let options = values
        .into_iter()
        .map(|value| {
            let chosen = move || typed.with(|typed| answer::parse(typed, first, last) == Ok(value));
            view! {
                <label>
                    <input
                        type="radio"
                        name="scale"
                        value=value.to_string()
                        prop:checked=chosen
                        on:change=move |_| {
                            typed.set(value.to_string());
                            problem.set(None);
                        }
                    />
                    {number::whole(value)}
                </label>
            }
        })
        .collect_view();
    view! { <div class="scale">{options}</div> }
}
