//! How many gave each answer, as a chart and as a table.

use wardsum_peer::protocol::statistics::{Answer, Count};

use super::parts::details;
use crate::dom::{Element, View, element, svg};
use crate::{number, text};

/// An answer and how many gave it.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    label: String,
    /// For tests: an option's number, a value, or yes or no.
    answer: String,
    people: Option<u32>,
    share: String,
    /// How long it is beside the longest one, in hundredths.
    length: u32,
}

impl Bar {
    /// The bars of these counts, with what each answer is called.
    pub(crate) fn of(counts: &[Count], label: impl Fn(Answer) -> String) -> Vec<Self> {
        let most = counts.iter().filter_map(|count| count.people).max().unwrap_or(0).max(1);
        let bar = |Count { answer, people, proportion }: &Count| Self {
            label: label(*answer),
            answer: match answer {
                Answer::Yes => "yes".to_owned(),
                Answer::No => "no".to_owned(),
                Answer::Option(option) => option.to_string(),
                Answer::Value(value) => value.to_string(),
            },
            people: *people,
            share: proportion.map(|of| text::percent(of.share)).unwrap_or_default(),
            length: hundredths(people.unwrap_or(0), most),
        };
        counts.iter().map(bar).collect()
    }

    /// For people.
    fn count(&self) -> String {
        self.people.map_or(text::not_published().to_owned(), |people| number::whole(people.into()))
    }
}

/// A part of something, rounded to hundredths of it.
fn hundredths(part: u32, of: u32) -> u32 {
    let of = u64::from(of.max(1));
    u32::try_from((u64::from(part) * 100 + of / 2) / of).unwrap_or(100)
}

/// Columns side by side, for answers that are numbers, above the table that says the same.
pub(crate) fn columns(bars: &[Bar], about: &str) -> View {
    let told: Vec<_> = bars.iter().map(|bar| (bar.label.clone(), bar.count())).collect();
    let mut columns = svg("svg")
        .class("columns")
        .attr("role", "img")
        .attr("aria-label", &text::chart(about, &told))
        .attr("viewBox", &format!("0 0 {} 100", bars.len() * 10))
        .attr("preserveAspectRatio", "none");
    for (place, bar) in (0_u32..).zip(bars) {
        // What is not published is a shadow as tall as the chart.
        let (class, height) =
            if bar.people.is_some() { ("", bar.length) } else { ("withheld", 100) };
        let column = svg("rect")
            .class(class)
            .attr("x", &(place * 10 + 1).to_string())
            .attr("y", &(100 - height).to_string())
            .attr("width", "8")
            .attr("height", &height.to_string());
        columns = columns.with(column);
    }
    let end = |bar: Option<&Bar>| element("span").with(bar.map(|bar| bar.label.as_str()));
    let ends = element("p").class("ends hint").attr("aria-hidden", "true");
    element("figure")
        .with(columns)
        .with(ends.with(end(bars.first())).with(end(bars.last())))
        .with(details(text::as_table()).with(table(bars)))
        .into()
}

/// A table with a bar in each row.
pub(crate) fn table(bars: &[Bar]) -> View {
    let column = |name: &str| element("th").attr("scope", "col").with(name);
    let columns = [text::column_answer(), text::people(), text::column_share()].map(column);
    let rows: Vec<Element> = bars.iter().map(row).collect();
    element("table")
        .class("counts")
        .with(element("thead").with(element("tr").with(columns)))
        .with(element("tbody").with(rows))
        .into()
}

fn row(bar: &Bar) -> Element {
    let length = svg("rect").attr("width", &format!("{}%", bar.length)).attr("height", "100%");
    let drawn =
        svg("svg").class("bar").attr("aria-hidden", "true").attr("focusable", "false").with(length);
    let people = bar.people.map(|people| people.to_string());
    element("tr")
        .attr("data-answer", &bar.answer)
        .with(element("th").attr("scope", "row").with(bar.label.as_str()).with(drawn))
        .with(element("td").maybe_attr("data-value", people.as_deref()).with(bar.count()))
        .with(element("td").with(bar.share.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_its_place_and_what_is_withheld_has_none() {
        let count =
            |option, people| Count { answer: Answer::Option(option), people, proportion: None };
        let counts = [count(0, Some(30)), count(1, None), count(2, Some(7)), count(3, Some(0))];
        let bars = Bar::of(&counts, |_| String::new());
        assert_eq!(bars.iter().map(|bar| bar.length).collect::<Vec<_>>(), [100, 0, 23, 0]);
        let nobody = Bar::of(&counts[1..2], |_| String::new());
        assert_eq!((nobody[0].length, nobody[0].count()), (0, text::not_published().to_owned()));
    }
}
