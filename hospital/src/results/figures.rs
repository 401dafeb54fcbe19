//! Every figure of a result, one after the other.

use std::fmt;

use wardsum_protocol::form::{Coding, Kind};
use wardsum_protocol::questionnaire;
use wardsum_protocol::statistics::{self, Answer, Decimal, Group, Proportion, Summary};

use super::PublishedResults;

/// One figure of one item or score, of everybody or of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure<'a> {
    /// What it is about.
    pub subject: &'a Subject<'a>,
    /// The number of the group, from 0 on; `None` for everybody.
    pub group: Option<u16>,
    /// What the group is called.
    pub group_label: Option<&'a str>,
    /// Which figure it is, such as `mean`.
    pub name: &'static str,
    /// Which answer it is about: the number of an option, a value, `yes` or `no`.
    pub answer: Option<String>,
    /// What that answer says.
    pub answer_label: Option<&'a str>,
    /// What it comes to.
    pub value: Value,
}

/// An item or a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject<'a> {
    /// What it is called in files.
    pub id: &'a str,
    /// Whether it is a score, and not an item.
    pub score: bool,
    /// The question, or the score's title.
    pub text: &'a str,
    /// What its numbers count.
    pub unit: &'a str,
    /// What it is called in a terminology.
    pub code: Option<&'a Coding>,
    /// What it is in numbers: what may be answered.
    kind: Option<&'a Kind>,
    /// Whether a standard deviation is found out.
    pub deviation: bool,
    /// Whether quartiles are.
    pub quartiles: bool,
}

/// What a figure comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// This.
    Known(Number),
    /// Too few people, or others would tell of them.
    Suppressed,
    /// There is no such figure of so few people: no mean of nobody, no standard deviation of one.
    Undefined,
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// So many people.
    People(u32),
    /// Exactly this.
    Exact(Decimal),
    /// This, rounded to the nearest that a floating-point number can be.
    Rounded(f64),
}

impl Number {
    /// It, or the nearest that a floating-point number can be.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::People(people) => people.into(),
            Self::Exact(decimal) => decimal.to_f64(),
            Self::Rounded(number) => number,
        }
    }
}

impl fmt::Display for Number {
    /// All of its digits, and as many as make it out where it was rounded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(people) => people.fmt(f),
            Self::Exact(decimal) => decimal.fmt(f),
            Self::Rounded(number) => number.fmt(f),
        }
    }
}

impl PublishedResults<'_> {
    /// Every item and every score.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        let items = self.form.items().map(|item| {
            let values = match &item.kind {
                Kind::Scale(_) => true,
                Kind::Choice(options) => options.iter().all(|option| option.value.is_some()),
                _ => false,
            };
            let squares = matches!(&item.kind, Kind::Number(number) if number.squares.0);
            Subject {
                id: &item.id.0,
                score: false,
                text: self.text(&item.text),
                unit: self.text(&item.unit),
                code: Some(&item.code).filter(|code| !code.code.0.is_empty()),
                kind: Some(&item.kind),
                deviation: values || squares,
                quartiles: values,
            }
        });
        let scores = self.form.scores.iter().map(|score| Subject {
            id: &score.id.0,
            score: true,
            text: self.text(&score.title),
            unit: "",
            code: Some(&score.code).filter(|code| !code.code.0.is_empty()),
            kind: None,
            deviation: score.distribution.0,
            quartiles: score.distribution.0,
        });
        items.chain(scores).collect()
    }

    /// What is told of everybody, and of each group.
    pub(super) fn groups(&self) -> Vec<Group> {
        statistics::describe(self.form, self.questionnaire, self.count, self.cells)
    }

    /// What a group is called.
    pub(super) fn group_label(&self, group: Option<u16>) -> Option<&str> {
        let item = self.form.items().nth(self.form.grouping?.into())?;
        match &item.kind {
            Kind::Choice(options) => {
                options.get(usize::from(group?)).map(|option| self.text(&option.text))
            }
            _ => Some(if group? == 0 { "yes" } else { "no" }),
        }
    }

    /// The place of what a summary is about among all [subjects](Self::subjects).
    pub(super) fn place(&self, summary: &Summary) -> usize {
        match summary.subject {
            questionnaire::Subject::Item(item) => item,
            questionnaire::Subject::Score(score) => self.questionnaire.plan().items.len() + score,
        }
    }

    /// What an answer says, if it has words.
    pub(super) fn answer_label<'a>(
        &'a self,
        subject: &Subject<'a>,
        answer: Answer,
    ) -> Option<&'a str> {
        match (subject.kind?, answer) {
            (Kind::Choice(options), Answer::Option(option)) => {
                Some(self.text(&options.get(usize::from(option))?.text))
            }
            (Kind::Choices(choices), Answer::Option(option)) => {
                Some(self.text(&choices.options.get(usize::from(option))?.text))
            }
            _ => None,
        }
    }

    /// Every figure of these subjects, of everybody first and then of each group.
    #[must_use]
    pub fn figures<'a>(&'a self, subjects: &'a [Subject<'a>]) -> Vec<Figure<'a>> {
        let mut figures = Vec::new();
        for Group { group, summaries, .. } in self.groups() {
            for summary in summaries {
                let subject = &subjects[self.place(&summary)];
                for (name, answer, value) in subject.values(&summary) {
                    figures.push(Figure {
                        subject,
                        group,
                        group_label: self.group_label(group),
                        name,
                        answer: answer.map(written),
                        answer_label: answer.and_then(|answer| self.answer_label(subject, answer)),
                        value,
                    });
                }
            }
        }
        figures
    }
}

/// An answer as it stands in files.
pub(super) fn written(answer: Answer) -> String {
    match answer {
        Answer::Yes => "yes".to_owned(),
        Answer::No => "no".to_owned(),
        Answer::Option(option) => option.to_string(),
        Answer::Value(value) => value.to_string(),
    }
}

fn known(number: Option<Number>, defined: bool) -> Value {
    match number {
        Some(number) => Value::Known(number),
        None if defined => Value::Suppressed,
        None => Value::Undefined,
    }
}

impl Subject<'_> {
    /// The figures of a summary about it, in their order.
    pub(super) fn values(&self, summary: &Summary) -> Vec<(&'static str, Option<Answer>, Value)> {
        let people = |people: Option<u32>| known(people.map(Number::People), true);
        // Who do not tell how many they are may be some.
        let some = summary.answered != Some(0);
        let several = summary.answered.is_none_or(|answered| answered > 1);
        let mut values = vec![
            ("answered", None, people(summary.answered)),
            ("missing", None, people(summary.missing)),
        ];
        for count in &summary.counts {
            let answer = Some(count.answer);
            let bound = |of: fn(&Proportion) -> f64| {
                let bound = count.proportion.as_ref().map(of);
                known(bound.map(Number::Rounded), some)
            };
            values.push(("count", answer, people(count.people)));
            values.push(("share", answer, bound(|proportion| proportion.share)));
            values.push(("share_lower", answer, bound(|proportion| proportion.lower)));
            values.push(("share_upper", answer, bound(|proportion| proportion.upper)));
        }
        let Some(numbers) = &summary.numbers else { return values };
        values.push(("sum", None, known(numbers.sum.map(Number::Exact), true)));
        values.push(("mean", None, known(numbers.mean.map(Number::Rounded), some)));
        if self.deviation {
            let deviation = numbers.standard_deviation.map(Number::Rounded);
            values.push(("standard_deviation", None, known(deviation, several)));
        }
        if self.quartiles {
            for (name, quartile) in ["lower_quartile", "median", "upper_quartile"].iter().zip(0..) {
                let quartile = numbers.quartiles.map(|all| Number::Exact(all[quartile]));
                values.push((name, None, known(quartile, some)));
            }
        }
        values
    }
}
