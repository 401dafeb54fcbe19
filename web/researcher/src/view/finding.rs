//! What was answered to one question, by everybody and by each group: a plot, and the same in tables.

use leptos::prelude::*;

use super::chart::{BarChart, Bars};
use crate::model::{Count, Findings, Group, Summary};
use crate::{browser, text};

/// The results of a question or a score.
#[component]
pub(crate) fn Finding(
    /// Those of the round.
    findings: Findings,
    /// Which question, by its place among them.
    subject: usize,
) -> impl IntoView {
    let asked = findings.subjects[subject].clone();
    // A group has not answered the question by which it was made.
    let columns = findings.groups.iter().filter_map(|group| {
        let summary = group.summaries.iter().find(|summary| summary.subject == subject)?;
        Some((group_name(group), group.people, summary.clone()))
    });
    let columns = columns.collect::<Vec<_>>();
    let title_id = format!("finding-{subject}");
    let section = asked
        .section
        .as_ref()
        .map(|words| view! { <p class="quiet">{words.shown().to_owned()}</p> });
    let unit = asked.unit.as_ref().map(|words| words.shown().to_owned()).unwrap_or_default();
    let counts = columns.first().is_some_and(|(_, _, summary)| !summary.counts.is_empty());
    let counts = counts.then(|| {
        let series = columns.iter().map(|(name, _, summary)| Bars {
            name: name.clone(),
            shares: summary.counts.iter().map(|count| count.share).collect(),
        });
        let answers = columns[0].2.counts.iter().map(|count| count.answer.shown().to_owned());
        view! {
            <BarChart answers=answers.collect() series=series.collect() title=asked.text.shown().to_owned() />
            <CountTable columns=columns.clone() caption=asked.text.shown().to_owned() />
        }
    });
    let numbers = columns.iter().any(|(_, _, summary)| summary.numbers.is_some());
    let numbers = numbers.then(|| view! { <NumberTable columns=columns.clone() unit caption=asked.text.shown().to_owned() /> });
    let people = columns.iter().map(|(name, people, summary)| {
        view! { <li>{text::answered(name, summary.answered, summary.missing, *people)}</li> }
    });
    let (id, kind, question) = (asked.id, asked.kind, asked.text.shown().to_owned());
    let (title, subject, of_kind) = (title_id.clone(), id.clone(), kind.clone());
    view! {
        <section class="panel finding" data-testid="finding" data-subject=subject data-kind=of_kind aria-labelledby=title>
            {section}
            <h2 id=title_id>{question}</h2>
            <p class="quiet">{text::kind_of(&kind)} " · " {id}</p>
            <ul class="points">{people.collect_view()}</ul>
            {counts}
            {numbers}
        </section>
    }
}

type Column = (String, Option<u32>, Summary);

fn group_name(group: &Group) -> String {
    group.name.as_ref().map_or(text::EVERYBODY.to_owned(), |words| words.shown().to_owned())
}

#[component]
fn CountTable(columns: Vec<Column>, caption: String) -> impl IntoView {
    let heads = columns
        .iter()
        .map(|(name, _, _)| view! { <th scope="col">{name.clone()}</th> })
        .collect_view();
    let answers = columns.first().map_or(0, |(_, _, summary)| summary.counts.len());
    let rows = (0..answers).map(|row| {
        let first = &columns[0].2.counts[row];
        let cells = columns.iter().map(|(_, _, summary)| match summary.counts.get(row) {
            Some(count) => view! { <td>{people(count)}</td> },
            None => view! { <td>{text::HIDDEN.to_owned()}</td> },
        });
        view! {
            <tr data-answer=first.answer.shown().to_owned() data-people=first.people.map(|people| people.to_string())>
                <th scope="row">{first.answer.shown().to_owned()}</th>
                {cells.collect_view()}
            </tr>
        }
    });
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=text::table_of(&caption)>
            <table>
                <caption class="visually-hidden">{text::counts_of(&caption)}</caption>
                <thead><tr><th scope="col">{text::ANSWER}</th>{heads}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

/// How many gave an answer, and their share with its interval.
fn people(count: &Count) -> String {
    let Some(people) = count.people else { return text::HIDDEN.to_owned() };
    match (count.share, count.lower, count.upper) {
        (Some(share), Some(lower), Some(upper)) => {
            let per_cent = |share: f64| browser::number(100.0 * share, 1);
            text::share(people, &per_cent(share), &per_cent(lower), &per_cent(upper))
        }
        _ => people.to_string(),
    }
}

#[component]
fn NumberTable(columns: Vec<Column>, unit: String, caption: String) -> impl IntoView {
    let heads = columns
        .iter()
        .map(|(name, _, _)| view! { <th scope="col">{name.clone()}</th> })
        .collect_view();
    let row = |name: &'static str,
               testid: &'static str,
               value: &dyn Fn(&Summary) -> Option<String>| {
        let values = columns.iter().map(|(_, _, summary)| value(summary)).collect::<Vec<_>>();
        // What is known of nobody is not found out.
        values.iter().any(Option::is_some).then(|| {
            let first = values[0].clone();
            let cells = values.into_iter().map(|value| view! { <td>{value.unwrap_or_else(|| text::HIDDEN.to_owned())}</td> });
            let cells = cells.collect_view();
            view! { <tr data-testid=testid data-value=first><th scope="row">{name}</th>{cells}</tr> }
        })
    };
    let number = |value: f64| browser::number(value, 2);
    let of = |summary: &Summary| summary.numbers.clone();
    let quartile = |summary: &Summary, which: usize| of(summary)?.quartiles?.get(which).cloned();
    let rows = [
        row(text::MEAN, "mean", &|summary| of(summary)?.mean.map(number)),
        row(text::DEVIATION, "deviation", &|summary| of(summary)?.standard_deviation.map(number)),
        row(text::LOWER_QUARTILE, "lower-quartile", &|summary| quartile(summary, 0)),
        row(text::MEDIAN, "median", &|summary| quartile(summary, 1)),
        row(text::UPPER_QUARTILE, "upper-quartile", &|summary| quartile(summary, 2)),
        row(text::SUM, "sum", &|summary| of(summary)?.sum),
    ];
    if rows.iter().all(Option::is_none) {
        return view! { <p>{text::ALL_HIDDEN}</p> }.into_any();
    }
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=text::numbers_of(&caption, &unit)>
            <table>
                <caption class="visually-hidden">{text::numbers_of(&caption, &unit)}</caption>
                <thead><tr><th scope="col">{text::in_unit(&unit)}</th>{heads}</tr></thead>
                <tbody>{rows.into_iter().collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
