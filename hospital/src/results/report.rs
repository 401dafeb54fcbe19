//! A result as a page to read and to print: one file that needs nothing else, and no script.

use std::fmt::Write as _;

use wardsum_protocol::statistics::{Answer, Group, Summary};

use super::figures::{Number, Subject, Value, written};
use super::{PublishedResults, rfc_3339};
use crate::html::escaped;

const STYLE: &str = "\
body{font:11pt/1.4 system-ui,sans-serif;color:#111;background:#fff;max-width:50em;margin:2em auto;padding:0 1em}\
h1{font-size:1.6em}h2{font-size:1.15em;margin:2em 0 .3em}\
section{break-inside:avoid}*{print-color-adjust:exact}\
table{border-collapse:collapse;margin:.5em 0}\
th,td{border-bottom:1px solid #bbb;padding:.15em .8em .15em 0;text-align:right;vertical-align:top}\
th:first-child,td:first-child{text-align:left}\
svg{display:block;width:100%;max-width:40em;height:auto}\
.note{color:#444;font-size:.9em}";

/// Colours that are told apart in grey too, and by people who do not see all of them (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/// Height of a bar, and width of the widest, in the units of a chart.
const BAR: u32 = 14;
const WIDEST: f64 = 380.0;
/// Where bars begin, and how wide a chart is.
const LEFT: u32 = 200;
const WIDTH: u32 = 640;
/// The most letters of a label beside a bar.
const LABEL_MAX: usize = 30;

/// A number as it stands in a table: two digits behind the point if it was rounded.
fn shown(value: Value) -> String {
    match value {
        Value::Known(Number::Rounded(number)) => format!("{number:.2}"),
        Value::Known(number) => number.to_string(),
        Value::Suppressed => "hidden".to_owned(),
        Value::Undefined => "\u{2013}".to_owned(),
    }
}

/// Writing to memory does not fail.
macro_rules! put {
    ($into:expr, $($text:tt)*) => {
        write!($into, $($text)*).expect("writing to memory does not fail")
    };
}

impl PublishedResults<'_> {
    /// The report, a page of HTML in UTF-8.
    #[must_use]
    pub fn report(&self) -> String {
        let subjects = self.subjects();
        let groups = self.groups();
        let mut page = String::new();
        let title = escaped(self.title);
        put!(
            page,
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
            escaped(self.language),
            escaped(self.organisation)
        );
        put!(
            page,
            "<table>\n<tr><th>Answers counted</th><td>{}</td></tr>\n\
             <tr><th>Answers rejected</th><td>{}</td></tr>\n<tr><th>Begun</th><td>{}</td></tr>\n\
             <tr><th>Result found</th><td>{}</td></tr>\n<tr><th>Study</th><td>{}</td></tr>\n</table>\n",
            self.count,
            self.rejected,
            rfc_3339(self.started_ms),
            rfc_3339(self.ended_ms),
            escaped(self.study_digest)
        );
        if let Some(grouping) = self.grouping() {
            put!(page, "<p>Told apart by: {}</p>\n", escaped(grouping));
        }
        page.push_str(
            "<p class=\"note\">\u{201c}Hidden\u{201d} is what would tell of too few people, or what others could be \
             computed from that would. Intervals are Wilson's, 95 %.</p>\n",
        );
        for (place, subject) in subjects.iter().enumerate() {
            let summaries: Vec<(&Group, &Summary)> = groups
                .iter()
                .filter_map(|group| {
                    let about = |summary: &&Summary| self.place(summary) == place;
                    Some((group, group.summaries.iter().find(about)?))
                })
                .collect();
            put!(page, "<section>\n<h2>{}</h2>\n", escaped(subject.text));
            self.table(&mut page, subject, &summaries);
            self.counts(&mut page, subject, &summaries);
            page.push_str("</section>\n");
        }
        page.push_str("</body>\n</html>\n");
        page
    }

    fn head(&self, page: &mut String, first: &str, summaries: &[(&Group, &Summary)]) {
        put!(page, "<tr><th scope=\"col\">{first}</th>");
        for ((group, _), colour) in summaries.iter().zip(COLOURS.iter().cycle()) {
            let label = escaped(self.group_label(group.group).unwrap_or("Everybody"));
            let square =
                format!("<span style=\"color:{colour}\" aria-hidden=\"true\">\u{25a0}</span>");
            put!(page, "<th scope=\"col\">{square} {label}</th>");
        }
        page.push_str("</tr>\n");
    }

    /// How many answered, and what there is of their answers as numbers.
    fn table(&self, page: &mut String, subject: &Subject<'_>, summaries: &[(&Group, &Summary)]) {
        let columns: Vec<_> =
            summaries.iter().map(|(_, summary)| subject.values(summary)).collect();
        page.push_str("<table>\n");
        self.head(page, &escaped(subject.unit), summaries);
        for (position, (name, answer, _)) in columns[0].iter().enumerate() {
            if answer.is_some() {
                continue;
            }
            put!(page, "<tr><th scope=\"row\">{}</th>", name.replace('_', " "));
            for column in &columns {
                put!(page, "<td>{}</td>", shown(column[position].2));
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table>\n");
    }

    /// How many gave each answer, as a chart and as a table.
    fn counts(&self, page: &mut String, subject: &Subject<'_>, summaries: &[(&Group, &Summary)]) {
        let answers: Vec<Answer> = summaries[0].1.counts.iter().map(|count| count.answer).collect();
        if answers.is_empty() {
            return;
        }
        let label = |answer| match self.answer_label(subject, answer) {
            Some(label) => label.to_owned(),
            None => written(answer),
        };
        let labels: Vec<String> = answers.into_iter().map(label).collect();
        chart(page, &labels, summaries);
        page.push_str("<table>\n");
        self.head(page, "answer", summaries);
        for (position, label) in labels.iter().enumerate() {
            put!(page, "<tr><th scope=\"row\">{}</th>", escaped(label));
            for (_, summary) in summaries {
                let count = &summary.counts[position];
                match (count.people, count.proportion) {
                    (Some(people), Some(share)) => put!(
                        page,
                        "<td>{people} ({:.0} %, {:.0}\u{2013}{:.0})</td>",
                        100.0 * share.share,
                        100.0 * share.lower,
                        100.0 * share.upper
                    ),
                    (Some(people), None) => put!(page, "<td>{people}</td>"),
                    (None, _) => page.push_str("<td>hidden</td>"),
                }
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table>\n");
    }
}

/// Bars as long as the share of each answer, those of all groups below one another. The table says the same in words.
fn chart(page: &mut String, labels: &[String], summaries: &[(&Group, &Summary)]) {
    let mut top = 0;
    let mut bars = String::new();
    for (position, label) in labels.iter().enumerate() {
        let mut short: String = label.chars().take(LABEL_MAX).collect();
        if short != *label {
            short.push('\u{2026}');
        }
        let middle = top + BAR - 3;
        put!(
            bars,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6,
            escaped(&short)
        );
        for ((_, summary), colour) in summaries.iter().zip(COLOURS.iter().cycle()) {
            match summary.counts[position].proportion {
                Some(share) => put!(
                    bars,
                    "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\n",
                    WIDEST * share.share,
                    BAR - 2
                ),
                None => put!(bars, "<text x=\"{LEFT}\" y=\"{}\">hidden</text>\n", top + BAR - 3),
            }
            top += BAR;
        }
        top += BAR / 2;
    }
    put!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {top}\" font-size=\"11\" aria-hidden=\"true\">\n{bars}</svg>\n"
    );
}
