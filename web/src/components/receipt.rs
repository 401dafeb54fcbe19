//! What a visitor can keep to check a round later.

use super::parts::{actions, panel, paragraph};
use crate::dom::{View, element, live_text};
use crate::text::RoundStands;
use crate::{browser, text};

/// A receipt.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// What it says.
    pub(crate) text: String,
    /// How the round stands.
    pub(crate) stands: RoundStands,
}

/// Offers the receipt, and of a round that is published its transcript. `study` and `round` are the study's id and
/// digest.
pub(crate) fn receipt(
    study: &str,
    round: &str,
    published: bool,
    receipt: impl Fn() -> Receipt + Clone + 'static,
) -> View {
    // The name tells rounds apart: it has the beginning of the study's digest.
    let name = format!("wardsum-receipt-{}.txt", round.get(..8).unwrap_or_default());
    let transcript = published.then(|| {
        element("a")
            .id("transcript")
            .class("button")
            .attr("href", &browser::transcript_address(study, round))
            .attr("download", "")
            .with(text::transcript_save())
    });
    let stands = receipt.clone();
    let file = move || Some(browser::file("text/plain", &receipt().text));
    let save = element("a")
        .id("download-receipt")
        .class("button")
        .attr("download", &name)
        .live_attr("href", file)
        .with(text::receipt_save());
    panel("receipt-title", text::receipt_title())
        .id("receipt")
        .with(paragraph(live_text(move || text::receipt(stands().stands))))
        .with(paragraph(text::receipt_not()).class("quiet"))
        .with(actions([Some(save), transcript]))
        .into()
}
