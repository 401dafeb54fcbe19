//! The result of the round that the visitor took part in.

use leptos::prelude::*;

use wardsum_peer::Outcome;
use wardsum_peer::protocol::Aggregate;

use super::{NextRound, Receipt, ResultFigures};
use crate::next_round::NextRoundWatch;
use crate::progress::Progress;
use crate::text::RoundStands;
use crate::{browser, text};

/// A result, and the sentences that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    result: Aggregate,
    unit: String,
    words: Vec<String>,
    receipt: Option<String>,
}

impl Told {
    /// In the round that has just ended.
    pub(crate) fn now(progress: &Progress) -> Option<Self> {
        let (result, unit) = (progress.result()?, progress.study()?.unit().to_owned());
        let not_erased = progress.not_erased();
        let words = [
            Some(text::result_checked(result.count, progress.own())),
            text::rejected(result.count, progress.rejected()),
            text::corrected(progress.wrong_partials()),
            not_erased.map(|error| format!("{} {error}", text::NOT_ERASED)),
        ];
        let receipt = progress.receipt().map(str::to_owned);
        Some(Self { result, unit, words: words.into_iter().flatten().collect(), receipt })
    }

    /// Before the page was loaded again.
    pub(crate) fn before(outcome: &Outcome, unit: String) -> Self {
        let result = outcome.aggregate;
        let words = [
            Some(text::result_checked(result.count, outcome.own)),
            text::rejected(result.count, outcome.rejected),
            Some(text::OUTCOME.to_owned()),
        ];
        let receipt = outcome.receipt.clone();
        Self { result, unit, words: words.into_iter().flatten().collect(), receipt }
    }
}

/// The result, and what is known about it.
#[component]
pub(crate) fn Published(
    /// What to say.
    told: Option<Told>,
    /// The study's id.
    study: String,
    /// The study digest of the round.
    round: String,
    /// Starts over, with a fresh peer.
    restart: Callback<()>,
) -> impl IntoView {
    browser::focus_soon("result-title");
    let figures = told.map(|Told { result, unit, words, receipt }| {
        let (study, round) = (study.clone(), round.clone());
        let receipt = receipt.map(|receipt| {
            let receipt = Memo::new(move |_| Some(receipt.clone()));
            let stands = Signal::stored(RoundStands::Published);
            view! { <Receipt receipt study round stands /> }
        });
        let words = words.into_iter().map(|words| view! { <p>{words}</p> });
        view! {
            <section id="result" class="panel" aria-labelledby="result-title">
                <h2 id="result-title" tabindex="-1">{text::RESULT_TITLE}</h2>
                <ResultFigures sum=result.sum count=result.count unit />
                <div class="quiet" data-testid="result-checked">{words.collect_view()}</div>
            </section>
            {receipt}
        }
    });
    let NextRoundWatch { open, .. } = NextRoundWatch::begin(study, round);
    view! {
        {figures}
        <NextRound open restart />
    }
}
