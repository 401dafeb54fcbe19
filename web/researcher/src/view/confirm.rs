//! The question before something is done that cannot be undone.

use leptos::html::Dialog;
use leptos::prelude::*;

use crate::text;

/// What is asked.
#[derive(Clone)]
pub(crate) struct Question {
    /// In short.
    pub(crate) title: String,
    /// What follows from it.
    pub(crate) consequence: String,
    /// What the button says that does it.
    pub(crate) yes: &'static str,
    /// Does it.
    pub(crate) on_yes: Callback<()>,
}

/// A dialog that is there once there is a question.
#[component]
pub(crate) fn Confirm(
    /// The question.
    question: RwSignal<Option<Question>>,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        if question.with(Option::is_some) {
            // Fails only if it is open already.
            let _ = dialog.show_modal();
        } else if dialog.open() {
            dialog.close();
        }
    });
    let part = move |part: fn(&Question) -> String| {
        move || question.with(|question| question.as_ref().map(part))
    };
    let yes = move |_| {
        if let Some(asked) = question.get_untracked() {
            question.set(None);
            asked.on_yes.run(());
        }
    };
    view! {
        <dialog
            id="confirm"
            node_ref=dialog
            aria-labelledby="confirm-title"
            aria-describedby="confirm-consequence"
            // Also by the Escape key.
            on:close=move |_| question.set(None)
        >
            <h2 id="confirm-title">{part(|question| question.title.clone())}</h2>
            <p id="confirm-consequence">{part(|question| question.consequence.clone())}</p>
            <div class="actions">
                <button id="confirm-yes" class="primary" type="button" on:click=yes>
                    {part(|question| question.yes.to_owned())}
                </button>
                <button id="confirm-no" type="button" on:click=move |_| question.set(None)>
                    {text::CANCEL}
                </button>
            </div>
        </dialog>
    }
}
