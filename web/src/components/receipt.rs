//! What a visitor can keep to check a round later.

use leptos::prelude::*;

use crate::erased::live;
use crate::text::RoundStands;
use crate::{browser, text};

/// Offers the receipt, and with a result the round's transcript.
#[component]
pub(crate) fn Receipt(
    /// The text of the receipt.
    receipt: Memo<Option<String>>,
    /// The study's id.
    study: String,
    /// The study digest of the round.
    round: String,
    /// How the round stands: once there is a result, there is a transcript.
    stands: Signal<RoundStands>,
) -> impl IntoView {
    // The name tells rounds apart: it has the beginning of the study's digest.
    let name = format!("wardsum-receipt-{}.txt", round.get(..8).unwrap_or_default());
    let published = stands.get_untracked() == RoundStands::Published;
    let transcript = published.then(|| {
        let address = browser::transcript_address(&study, &round);
        view! { <a id="transcript" class="button" href=address download="">{text::TRANSCRIPT}</a> }
    });
    let file =
        live(move || receipt.with(|text| browser::file(text.as_deref().unwrap_or_default())));
    view! {
        <section
            id="receipt"
            class="panel"
            aria-labelledby="receipt-title"
        >
            <h2 id="receipt-title">{text::RECEIPT_TITLE}</h2>
            <p>{live(move || text::receipt(stands.get()))}</p>
            <p class="quiet">{text::RECEIPT_NOT}</p>
            <div class="actions">
                <a id="download-receipt" class="button" download=name href=file>
                    {text::RECEIPT}
                </a>
                {transcript}
            </div>
        </section>
    }
}
