//! Shares as bars. The same stands in the table below, so that a screen reader is told what it is and no more.

use leptos::prelude::*;

use crate::{browser, text};

/// The bars of one group.
#[derive(Clone, PartialEq)]
pub(crate) struct Bars {
    /// Who it is.
    pub(crate) name: String,
    /// The share of each answer, from 0 to 1; none where it is hidden.
    pub(crate) shares: Vec<Option<f64>>,
}

/// How many groups can be told apart by how they are drawn.
const PATTERNS: usize = 6;

/// A bar for each answer and group.
///
/// Only the bars are drawn: their texts are the page's, so that they are as large as all others on every screen.
#[component]
pub(crate) fn BarChart(
    /// The answers.
    answers: Vec<String>,
    /// Everybody, and then each group.
    series: Vec<Bars>,
    /// What was asked.
    title: String,
) -> impl IntoView {
    let drawn = answers.into_iter().enumerate().map(|(row, answer)| {
        let bars = series.iter().enumerate();
        let bars = bars
            .map(|(number, bars)| bar(number, bars.shares.get(row).copied().flatten()))
            .collect_view();
        view! { <p class="chart-label">{answer}</p> {bars} }
    });
    let drawn = drawn.collect_view();
    let legend = (series.len() > 1).then(|| {
        let names = series.iter().enumerate().map(|(number, bars)| {
            let class = format!("bar bar-{}", number % PATTERNS);
            view! {
                <li>
                    <svg class="swatch" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                        <rect class=class x="1" y="1" width="14" height="14" />
                    </svg>
                    {bars.name.clone()}
                </li>
            }
        });
        view! { <ul class="legend" aria-hidden="true">{names.collect_view()}</ul> }
    });
    view! {
        <figure class="chart">
            {legend}
            <div role="img" aria-label=text::chart_of(&title)>{drawn}</div>
        </figure>
    }
}

/// A bar as wide as there is room, and its share beside it.
fn bar(number: usize, share: Option<f64>) -> impl IntoView + use<> {
    let class = format!("bar bar-{}", number % PATTERNS);
    let label = match share {
        Some(share) => format!("{} %", browser::number(100.0 * share, 1)),
        None => text::HIDDEN.to_owned(),
    };
    let filled = share.filter(|share| *share > 0.0).map(|share| {
        view! { <rect class=class x="0" y="0" width=100.0 * share height="10" /> }
    });
    view! {
        <div class="chart-bar">
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="bar-ground" x="0" y="0" width="100" height="10" />
                {filled}
            </svg>
            <span>{label}</span>
        </div>
    }
}
