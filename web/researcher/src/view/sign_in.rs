//! Signing in with a token.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Api, Failure};
use crate::{browser, text};

/// Asks for the token.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let api = Api::here();
    let token = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<(&'static str, String)>);
    let busy = RwSignal::new(false);
    let sign_in = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let entered = token.get_untracked().trim().to_owned();
        if busy.get_untracked() {
            return;
        }
        if entered.is_empty() {
            problem.set(Some(("empty", text::TOKEN_MISSING.to_owned())));
            browser::focus_soon("#token");
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let tried = api.sign_in(entered).await;
            busy.try_set(false);
            if let Err(failure) = tried {
                problem.try_set(Some((failure.code(), why(&failure))));
                browser::focus_soon("#token");
            }
        });
    };
    let ended = move || {
        api.ended().map(|why| {
            view! {
                <div class="notice notice-failure" role="alert" data-testid="signed-out">
                    <h2>{text::SIGNED_OUT}</h2>
                    <p>{why}</p>
                </div>
            }
        })
    };
    let told = move || problem.with(|problem| problem.as_ref().map(|(_, text)| text.clone()));
    let code = move || problem.with(|problem| problem.as_ref().map(|(code, _)| *code));
    view! {
        <div class="stack narrow">
            <h1 tabindex="-1">{text::SIGN_IN_TITLE}</h1>
            {ended}
            <form class="panel" novalidate on:submit=sign_in>
                <p>{text::SIGN_IN_LEAD}</p>
                <div class="field">
                    <label for="token">{text::TOKEN}</label>
                    <input
                        id="token"
                        type="password"
                        autocomplete="off"
                        spellcheck="false"
                        autocapitalize="off"
                        prop:value=token
                        aria-invalid=move || problem.with(Option::is_some).then_some("true")
                        aria-describedby="sign-in-problem token-kept"
                        on:input:target=move |event| token.set(event.target().value())
                    />
                    <p
                        id="sign-in-problem"
                        class="problem"
                        role="alert"
                        data-code=code
                        hidden=move || problem.with(Option::is_none)
                    >
                        {told}
                    </p>
                    <p id="token-kept" class="hint">{text::TOKEN_KEPT}</p>
                </div>
                <div class="actions">
                    <button id="sign-in" class="primary" type="submit" aria-disabled=move || busy.get().then_some("true")>
                        {move || if busy.get() { text::SIGNING_IN } else { text::SIGN_IN }}
                    </button>
                </div>
            </form>
        </div>
    }
}

/// What the hospital says is for people; what a proxy says may not be.
fn why(failure: &Failure) -> String {
    match failure.code() {
        "refused" => text::token_refused(&failure.message),
        "not-allowed" => text::page_not_allowed(&failure.message),
        "limited" => text::too_many_tokens(&failure.message),
        _ => failure.message.clone(),
    }
}
