//! The published numbers.

use leptos::prelude::*;

use crate::{number, text};

/// Sum, mean and how many.
#[component]
pub(crate) fn ResultFigures(
    /// The sum.
    sum: i128,
    /// How many answers it counts.
    count: u32,
    /// The unit of an answer; may be empty.
    #[prop(into)]
    unit: String,
) -> impl IntoView {
    let unit = || {
        let unit = unit.clone();
        (!unit.is_empty()).then(|| view! { <span class="unit">{" "}{unit}</span> })
    };
    view! {
        <dl class="figures">
            <div>
                <dt>{text::SUM}</dt>
                <dd data-testid="result-sum" data-value=sum.to_string()>
                    {number::whole(sum)}
                    {unit()}
                </dd>
            </div>
            <div>
                <dt>{text::MEAN}</dt>
                <dd data-testid="result-mean" data-value=number::mean_plain(sum, count)>
                    {number::mean(sum, count)}
                    {unit()}
                </dd>
            </div>
            <div>
                <dt>{text::PEOPLE}</dt>
                <dd data-testid="result-count" data-value=count>{number::whole(count.into())}</dd>
            </div>
        </dl>
    }
}
