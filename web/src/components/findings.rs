//! What a round has found out, question by question.

use wardsum_peer::protocol::form::{ItemForm, Kind};
use wardsum_peer::protocol::questionnaire::Subject;
use wardsum_peer::protocol::statistics::{self, Group, Numbers, Summary};
use wardsum_peer::protocol::{Aggregate, Study};

use super::chart::{self, Bar};
use super::parts::{details, paragraph};
use super::result::{self, Figure};
use crate::dom::{View, element};
use crate::number::Digits;
use crate::text;

/// All findings of a round: what was asked, and what came out.
pub(crate) fn findings(study: &Study, aggregate: &Aggregate) -> View {
    let groups = statistics::describe(
        study.form(),
        study.questionnaire(),
        aggregate.count,
        &aggregate.cells,
    );
    let people = Figure::people(aggregate.count);
    // A study that asks for one number has one result.
    if text::first_number(study).is_some()
        && let [Group { summaries, .. }] = &groups[..]
        && let [summary] = &summaries[..]
    {
        let mut figures = figures(study, summary);
        figures.push(people);
        return [result::figures(&figures), withheld(study, &[summary])].into();
    }
    let [everybody, groups @ ..] = &groups[..] else { return View::nothing() };
    let mut found = vec![result::figures(&[people])];
    found.extend(everybody.summaries.iter().map(|summary| finding(study, summary, groups)));
    found.into()
}

/// What was found out about one question or score.
fn finding(study: &Study, summary: &Summary, groups: &[Group]) -> View {
    let of_groups: Vec<(&Group, &Summary)> = groups
        .iter()
        .filter_map(|group| {
            let same = |candidate: &&Summary| candidate.subject == summary.subject;
            Some((group, group.summaries.iter().find(same)?))
        })
        .collect();
    let (title, _) = text::subject(study, summary.subject);
    let all: Vec<&Summary> = of_groups.iter().map(|(_, of)| *of).chain([summary]).collect();
    let by_group = (!of_groups.is_empty()).then(|| grouped(study, &of_groups));
    element("section")
        .class("finding")
        .attr("data-finding", &id(study, summary.subject))
        .with(element("h3").class("lines").with(title))
        .with(described(study, summary))
        .with(by_group)
        .with(withheld(study, &all))
        .into()
}

/// The same for each group.
fn grouped(study: &Study, groups: &[(&Group, &Summary)]) -> View {
    let grouping = study.form().grouping.and_then(|item| study.form().items().nth(item.into()));
    let Some(grouping) = grouping else { return View::nothing() };
    let mut unfolded = details(text::by_group(&text::of(&grouping.text)));
    for (group, summary) in groups {
        let label = text::option_label(&grouping.kind, group.group.unwrap_or(0));
        unfolded = unfolded
            .with(element("h4").with(text::group(&label, group.people)))
            .with(described(study, summary));
    }
    unfolded.into()
}

/// What is known of everybody, or of one group.
fn described(study: &Study, summary: &Summary) -> View {
    let kind = item(study, summary.subject).map(|item| &item.kind);
    let answered = text::answered(summary.answered, summary.missing);
    let bars = Bar::of(&summary.counts, |answer| text::counted_answer(kind, answer));
    let valued = !matches!(kind, Some(Kind::YesNo | Kind::Choice(_) | Kind::Choices(_)));
    let chart = match bars.len() {
        0 => View::nothing(),
        _ if valued => chart::columns(&bars, &text::subject(study, summary.subject).0),
        _ => chart::table(&bars),
    };
    let mut figures = figures(study, summary);
    // Among other findings the mean says it better.
    figures.retain(|figure| figure.id != "result-sum");
    let figures = (!figures.is_empty()).then(|| result::figures(&figures));
    [answered.map(paragraph).into(), figures.into(), chart].into()
}

fn item(study: &Study, subject: Subject) -> Option<&ItemForm> {
    match subject {
        Subject::Item(item) => study.form().items().nth(item),
        Subject::Score(_) => None,
    }
}

fn id(study: &Study, subject: Subject) -> String {
    match subject {
        Subject::Item(number) => study.form().items().nth(number).map(|item| item.id.0.clone()),
        Subject::Score(number) => study.form().scores.get(number).map(|score| score.id.0.clone()),
    }
    .unwrap_or_default()
}

/// The figures of answers that are numbers.
fn figures(study: &Study, summary: &Summary) -> Vec<Figure> {
    let Some(Numbers { sum, standard_deviation, quartiles, .. }) = summary.numbers else {
        return Vec::new();
    };
    let (_, unit) = text::subject(study, summary.subject);
    // Where all are known, those who answered are those that are counted.
    let counted = || summary.counts.iter().map(|count| count.people).sum();
    let answered = summary.answered.or_else(|| (!summary.counts.is_empty()).then(counted)?);
    let mean = sum.zip(answered).and_then(|(sum, people)| Digits::mean(sum, people));
    let places = sum.map_or(2, |sum| sum.decimals.max(1) + 1);
    let median = quartiles.map(|[lower, median, upper]| {
        let quartiles = text::quartiles_between(lower, upper);
        let plain = quartiles.clone();
        [
            Figure::of(text::median(), "result-median", &Digits::of(median), &unit),
            Figure {
                name: text::quartiles(),
                id: "result-quartiles",
                plain,
                value: quartiles,
                unit: String::new(),
            },
        ]
    });
    // Of options that have a value, their sum says nothing to anybody.
    let sum = sum.filter(|_| summary.counts.is_empty());
    let figures = [
        sum.map(|sum| Figure::sum(sum, &unit)),
        mean.map(|mean| Figure::mean(&mean, &unit)),
        standard_deviation.map(|deviation| {
            let digits = Digits::rounded(deviation, places);
            Figure::of(text::deviation(), "result-deviation", &digits, &unit)
        }),
    ];
    figures.into_iter().flatten().chain(median.into_iter().flatten()).collect()
}

/// That numbers are missing, and why, if some are.
fn withheld(study: &Study, summaries: &[&Summary]) -> View {
    let missing = |summary: &&Summary| {
        summary.answered.is_none()
            || summary.counts.iter().any(|count| count.people.is_none())
            || summary.numbers.is_some_and(|numbers| numbers.sum.is_none())
    };
    let words = || paragraph(text::withheld(study.minimum_cell()));
    summaries.iter().any(missing).then(|| words().class("quiet").test_id("withheld")).into()
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::form::Form;

    use super::*;
    use crate::answer::tests::{item, number, scale};
    use crate::progress::tests::study::study_of;

    /// The figures of each question, by their names, of four people of whom these cells tell.
    fn told(kinds: Vec<Kind>, cells: &[Option<u128>]) -> Vec<Vec<(&'static str, String)>> {
        let mut form = Form::number("", "", 0, 1);
        form.sections[0].items =
            (0..).zip(kinds).map(|(number, kind)| item(&format!("n{number}"), kind)).collect();
        let study = study_of(form);
        let groups = statistics::describe(study.form(), study.questionnaire(), 4, cells);
        let summaries = groups[0].summaries.iter();
        let named = |figure: Figure| (figure.id, figure.plain);
        summaries.map(|summary| figures(&study, summary).into_iter().map(named).collect()).collect()
    }

    #[test]
    fn numbers_have_a_sum_and_a_mean_and_with_squares_a_deviation() {
        let mut squared = number(350, 420, 1, 1);
        if let Kind::Number(of) = &mut squared {
            of.squares.0 = true;
        }
        // 35.0, 35.1, 35.2 and 35.3 degrees.
        let told = told(vec![squared], &[Some(6), Some(14)]);
        let figure = |id, value: &str| (id, value.to_owned());
        let expected = [
            figure("result-sum", "140.6"),
            figure("result-mean", "35.15"),
            figure("result-deviation", "0.13"),
        ];
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_scale_keeps_its_mean_where_counts_are_hidden() {
        // One person at 1, two at 2 and one at 3: a sum of 4 steps, and of 6 squares.
        let cells = [Some(4), Some(6), Some(1), Some(2), Some(1)];
        let figure = |id, value: &str| (id, value.to_owned());
        let expected = [
            figure("result-mean", "2.00"),
            figure("result-deviation", "0.82"),
            figure("result-median", "2"),
            figure("result-quartiles", "1.5 to 2.5"),
        ];
        assert_eq!(told(vec![scale(1, 3)], &cells), [expected.to_vec()]);
        let hidden = [Some(4), Some(6), Some(1), None, None];
        assert_eq!(told(vec![scale(1, 3)], &hidden), [expected[..2].to_vec()]);
        assert_eq!(told(vec![scale(1, 3)], &[None, None, Some(2), None, None]), [[]]);
    }
}
