//! The page as a whole: who has signed in, and which view is shown.

use leptos::prelude::*;

use crate::api::Api;
use crate::route::Route;
use crate::view::audit::AuditLog;
use crate::view::create::Create;
use crate::view::frame::Frame;
use crate::view::results::Results;
use crate::view::sign_in::SignIn;
use crate::view::studies::StudyList;
use crate::view::study::StudyView;
use crate::{browser, text};

/// What screen readers are told without a change of focus.
#[derive(Clone, Copy)]
pub(crate) struct Said(RwSignal<String>);

impl Said {
    /// Says it.
    pub(crate) fn say(self, what: impl Into<String>) {
        self.0.try_set(what.into());
    }

    /// The one of the page.
    pub(crate) fn here() -> Self {
        expect_context()
    }
}

/// The page.
#[component]
pub(crate) fn App() -> impl IntoView {
    let api = Api::new();
    provide_context(api);
    let said = RwSignal::new(String::new());
    provide_context(Said(said));
    let route = RwSignal::new(Route::of(&browser::hash()).unwrap_or_default());
    let followed = window_event_listener(leptos::ev::hashchange, move |_| {
        if let Some(shown) = Route::of(&browser::hash()) {
            route.set(shown);
        }
    });
    on_cleanup(move || followed.remove());
    let signed_in = Memo::new(move |_| api.signed_in());
    Effect::new(move |before: Option<()>| {
        route.track();
        browser::set_title(&text::page_title(signed_in.get().then(|| route.get())));
        // Where another view begins, screen readers do too. The first one begins at the top by itself.
        if before.is_some() {
            // Not that of index.html, which is hidden until the page has stopped.
            browser::focus_soon("#main h1");
        }
    });
    let view = move || {
        if !signed_in.get() {
            return view! { <SignIn /> }.into_any();
        }
        match route.get() {
            Route::Studies => view! { <StudyList /> }.into_any(),
            Route::New => view! { <Create /> }.into_any(),
            Route::Study(id) => view! { <StudyView id /> }.into_any(),
            Route::Results { study, round } => view! { <Results study round /> }.into_any(),
            Route::Audit => view! { <AuditLog /> }.into_any(),
        }
    };
    view! {
        <Frame route signed_in>
            {view}
        </Frame>
        <p id="said" class="visually-hidden" role="status" aria-live="polite">{said}</p>
    }
}
