//! What went wrong, and what to do.

use leptos::prelude::*;

use super::parts::{actions, button, heading, paragraph};
use crate::browser;
use crate::dom::{View, element};
use crate::text::{self, FailureText};

/// A failure in plain words, with its stable name. Its heading takes the focus, so that nobody misses it; an alert
/// besides would make a screen reader say it twice. The heading is a `rank`: `h1`, unless one of a study is above it.
/// `retry` is what to do on "Try again"; without it there is no such button.
pub(crate) fn failure_notice(
    failure: FailureText,
    code: &str,
    rank: &str,
    retry: Option<Callback<()>>,
) -> View {
    browser::focus_soon("failure-title");
    let retry = retry
        .map(|retry| actions(button(text::try_again(), move || retry.run(())).id("try-again")));
    element("div")
        .id("failure")
        .class("notice notice-failure")
        .attr("data-code", code)
        .with(heading(rank, "failure-title", failure.title))
        .with(paragraph(failure.what))
        .with(paragraph(failure.then))
        .with(retry)
        .into()
}
