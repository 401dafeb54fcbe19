//! What surrounds every view: the masthead with the way to other views, the main landmark, the footer.

use leptos::prelude::*;

use crate::api::Api;
use crate::model::Role;
use crate::route::Route;
use crate::{browser, text};

/// The page's landmarks.
#[component]
pub(crate) fn Frame(
    /// Which view is shown.
    route: RwSignal<Route>,
    /// Whether somebody has signed in.
    signed_in: Memo<bool>,
    /// The view.
    children: Children,
) -> impl IntoView {
    let api = Api::here();
    let link = move |to: Route, name: &'static str| {
        let here = to.clone();
        let current = move || (route.get() == here).then_some("page");
        view! { <li><a href=to.to_string() aria-current=current>{name}</a></li> }
    };
    let navigation = move || {
        signed_in.get().then(|| {
            view! {
                <nav aria-label=text::NAVIGATION>
                    <ul class="views">
                        {link(Route::Studies, text::STUDIES)}
                        {api.may_change().then(|| link(Route::New, text::NEW_STUDY))}
                        {link(Route::Audit, text::AUDIT_LOG)}
                    </ul>
                </nav>
            }
        })
    };
    let who = move || {
        api.whoami().map(|whoami| {
            let role = match whoami.role {
                Role::Editor => ("editor", text::EDITOR),
                Role::Viewer => ("viewer", text::VIEWER),
            };
            let expires = whoami.expires_unix_ms.map(|at| {
                view! { <span class="quiet">{text::expires(&browser::date(at))}</span> }
            });
            view! {
                <div class="who">
                    <p id="whoami" data-role=role.0>
                        <strong>{whoami.name}</strong> " " <span class="quiet">{role.1}</span> " "
                        {expires}
                    </p>
                    <button id="sign-out" type="button" class="small" on:click=move |_| api.sign_out()>
                        {text::SIGN_OUT}
                    </button>
                </div>
            }
        })
    };
    let state = move || if signed_in.get() { "signed-in" } else { "signed-out" };
    view! {
        <div id="app" class="researcher" data-state=state>
            <a class="skip" href="#main">{text::SKIP_TO_CONTENT}</a>
            <header class="masthead">
                <div class="column">
                    <p class="organisation">{text::PRODUCT}</p>
                    {navigation}
                    {who}
                </div>
            </header>
            <main id="main" class="column" tabindex="-1">{children()}</main>
            <footer class="colophon">
                <div class="column"><p>{text::FOOTER}</p></div>
            </footer>
        </div>
    }
}
