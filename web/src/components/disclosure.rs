//! What left this device, and what did not.

use leptos::prelude::*;
use wardsum_peer::protocol::peer::Disclosure;

use crate::erased::{live, memo};
use crate::text;

/// The statement, in numbers.
#[component]
pub(crate) fn DisclosureStatement(
    /// What the peer has counted.
    disclosure: Signal<Disclosure>,
    /// Whether it has counted only since the visitor came back.
    resumed: Signal<bool>,
) -> impl IntoView {
    let shares = memo(move || disclosure.get().shares_sent);
    let verifications = memo(move || disclosure.get().verifications_sent);
    let partials = memo(move || disclosure.get().partials_sent);
    let bytes = memo(move || disclosure.get().bytes_sent);
    view! {
        <section id="disclosure" class="panel" aria-labelledby="disclosure-title">
            <h2 id="disclosure-title">{text::DISCLOSURE_TITLE}</h2>
            <div class="disclosure">
                <div>
                    <h3>{text::DISCLOSURE_LEFT}</h3>
                    <ul>
                        <li data-testid="left-shares" data-value=shares>
                            {live(move || text::left_shares(shares.get()))}
                        </li>
                        <li>{text::LEFT_KEYS}</li>
                        <li data-testid="left-verifications" data-value=verifications>
                            {live(move || text::left_verifications(verifications.get()))}
                        </li>
                        <li data-testid="left-partials" data-value=partials>
                            {live(move || text::left_partials(partials.get()))}
                        </li>
                        <li data-testid="left-bytes" data-value=bytes>
                            {live(move || text::left_bytes(bytes.get(), resumed.get()))}
                        </li>
                    </ul>
                </div>
                <div>
                    <h3>{text::DISCLOSURE_STAYED}</h3>
                    <ul>{text::STAYED.map(|item| view! { <li>{item}</li> }).collect_view()}</ul>
                </div>
            </div>
        </section>
    }
}
