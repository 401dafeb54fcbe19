//! What surrounds every view: the masthead, the main landmark, the footer.

use leptos::prelude::*;

use crate::text;

/// The page's landmarks.
#[component]
pub(crate) fn Frame(
    /// The value of `data-state`.
    state: RwSignal<&'static str>,
    /// Who asks; empty while it is not known.
    organisation: RwSignal<String>,
    /// The view.
    children: Children,
) -> impl IntoView {
    let name = move || {
        organisation
            .with(|name| if name.is_empty() { text::PRODUCT.to_owned() } else { name.clone() })
    };
    view! {
        <div id="app" data-state=state>
            <a class="skip" href="#main">{text::SKIP_TO_CONTENT}</a>
            <header class="masthead">
                <div class="column">
                    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                        <g fill="currentColor">
                            <circle cx="5" cy="6" r="4" />
                            <circle cx="5" cy="26" r="4" />
                            <circle cx="12" cy="16" r="4" />
                        </g>
                        <path
                            d="M9 6h20M9 26h20M16 16h13"
                            stroke="currentColor"
                            stroke-width="3"
                            stroke-linecap="round"
                            fill="none"
                        />
                    </svg>
                    <p class="organisation">{name}</p>
                </div>
            </header>
            <main id="main" class="column" tabindex="-1">{children()}</main>
            <footer class="colophon">
                <div class="column"><p>{text::FOOTER}</p></div>
            </footer>
        </div>
    }
}
