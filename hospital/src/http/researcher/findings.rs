//! What a round has found out, question by question and group by group, for people to look at.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use wardsum_protocol::form::{Form, ItemForm, Kind, OptionForm, Text};
use wardsum_protocol::questionnaire::Subject;
use wardsum_protocol::statistics::{self, Answer, Count, Decimal, Summary};
use wardsum_protocol::{Aggregate, Study};

use super::super::Site;
use super::super::api::fresh;
use super::super::extract::{IdOf, QueryOf};
use super::super::refused::{ErrorJson, Refused};
use super::rounds::{ResultQuery, finished};

/// What a round has found out. Texts are objects of texts by language, which is empty where none is said.
/// Decimal numbers that have to be exact are strings. What is null is suppressed, because it tells of too
/// few people, or is not defined.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingsJson {
    study: String,
    round: u32,
    digest: String,
    /// How many answers were counted.
    count: u32,
    /// How few people a published number may be about.
    minimum_cell: u32,
    /// By whose answers people are told apart; null if they are not.
    #[schema(value_type = Option<Object>)]
    grouping: Option<Value>,
    /// What is asked, and then the scores.
    subjects: Vec<SubjectJson>,
    /// Everybody first, then each group.
    groups: Vec<GroupJson>,
}

/// A question or a score.
#[derive(Debug, Serialize, ToSchema)]
struct SubjectJson {
    id: String,
    /// `yes-no`, `number`, `scale`, `choice`, `choices` or `score`.
    kind: &'static str,
    #[schema(value_type = Object)]
    text: Value,
    /// What a number counts; null if nothing is said.
    #[schema(value_type = Option<Object>)]
    unit: Option<Value>,
    /// The title of its section; null if it has none.
    #[schema(value_type = Option<Object>)]
    section: Option<Value>,
}

/// Everybody, or one group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupJson {
    /// Who it is; null for everybody.
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    people: Option<u32>,
    summaries: Vec<SummaryJson>,
}

/// What one group has answered to one question.
#[derive(Debug, Serialize, ToSchema)]
struct SummaryJson {
    /// Its place in `subjects`, from 0 on.
    subject: usize,
    answered: Option<u32>,
    missing: Option<u32>,
    counts: Vec<CountJson>,
    /// The answers as numbers, where they are some.
    numbers: Option<NumbersJson>,
}

/// How many gave one answer.
#[derive(Debug, Serialize, ToSchema)]
struct CountJson {
    #[schema(value_type = Object)]
    answer: Value,
    people: Option<u32>,
    /// Their share in those who answered, from 0 to 1, and its Wilson interval (95 %).
    share: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
}

/// Answers in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct NumbersJson {
    sum: Option<String>,
    mean: Option<f64>,
    standard_deviation: Option<f64>,
    /// The lower quartile, the median and the upper quartile.
    quartiles: Option<Vec<String>>,
}

/// Shows what a finished round has found out, archived studies' included.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/findings",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id."), ResultQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "What it has found out.", body = FindingsJson),
        (status = "4XX", description = "No such round with a result (404), or the token is not accepted.",
            body = ErrorJson),
        (status = 503, description = "The store cannot be read.", body = ErrorJson)
    )
)]
pub(super) async fn findings(
    State(site): State<Site>,
    IdOf(id): IdOf,
    QueryOf(query): QueryOf<ResultQuery>,
) -> Result<Response, Refused> {
    let stored = finished(&site, &id, query).await?;
    let (_, records) = site.store.records(stored.key).await?;
    let found = Study::decode(&stored.study).ok().and_then(|study| {
        let published = records.iter().rev().find_map(|(_, record)| record.result(&study))?;
        Some((study, published))
    });
    let Some((study, published)) = found else {
        let number = stored.number;
        let text = format!("round {number} of study \"{id}\" has ended without a result");
        return Err(Refused::new(StatusCode::NOT_FOUND, text));
    };
    Ok(fresh(&of(id, stored.number, &study, &published)))
}

fn of(id: String, round: u32, study: &Study, published: &Aggregate) -> FindingsJson {
    let form = study.form();
    let Aggregate { count, cells } = published;
    let described = statistics::describe(form, study.questionnaire(), *count, cells);
    let items = form.items().count();
    let place = |subject: Subject| match subject {
        Subject::Item(item) => item,
        Subject::Score(score) => items + score,
    };
    let grouping = form.grouping.and_then(|item| form.items().nth(item.into()));
    let groups = described.into_iter().map(|group| GroupJson {
        group: group.group.zip(grouping).map(|(group, item)| option_name(item, group)),
        people: group.people,
        summaries: group.summaries.iter().map(|summary| summarised(form, place, summary)).collect(),
    });
    FindingsJson {
        study: id,
        round,
        digest: study.digest().to_string(),
        count: *count,
        minimum_cell: study.minimum_cell(),
        grouping: grouping.map(|item| words(&item.text)),
        groups: groups.collect(),
        subjects: subjects(form),
    }
}

fn subjects(form: &Form) -> Vec<SubjectJson> {
    let sections = form.sections.iter();
    let items = sections.flat_map(|section| section.items.iter().map(move |item| (section, item)));
    let items = items.map(|(section, item)| SubjectJson {
        id: item.id.0.clone(),
        kind: match item.kind {
            Kind::YesNo => "yes-no",
            Kind::Number(_) => "number",
            Kind::Scale(_) => "scale",
            Kind::Choice(_) => "choice",
            Kind::Choices(_) => "choices",
        },
        text: words(&item.text),
        unit: some_words(&item.unit),
        section: some_words(&section.title),
    });
    let scores = form.scores.iter().map(|score| SubjectJson {
        id: score.id.0.clone(),
        kind: "score",
        text: words(&score.title),
        unit: None,
        section: None,
    });
    items.chain(scores).collect()
}

fn summarised(form: &Form, place: impl Fn(Subject) -> usize, summary: &Summary) -> SummaryJson {
    let item = match summary.subject {
        Subject::Item(item) => form.items().nth(item),
        Subject::Score(_) => None,
    };
    let count = |count: &Count| CountJson {
        answer: match (count.answer, item) {
            (Answer::Yes, _) => yes_no(true),
            (Answer::No, _) => yes_no(false),
            (Answer::Option(option), Some(item)) => option_name(item, option),
            (Answer::Option(option), None) => plain(&option.to_string()),
            (Answer::Value(value), _) => plain(&value.to_string()),
        },
        people: count.people,
        share: count.proportion.map(|proportion| proportion.share),
        lower: count.proportion.map(|proportion| proportion.lower),
        upper: count.proportion.map(|proportion| proportion.upper),
    };
    SummaryJson {
        subject: place(summary.subject),
        answered: summary.answered,
        missing: summary.missing,
        counts: summary.counts.iter().map(count).collect(),
        numbers: summary.numbers.map(|numbers| NumbersJson {
            sum: numbers.sum.as_ref().map(Decimal::to_string),
            mean: numbers.mean,
            standard_deviation: numbers.standard_deviation,
            quartiles: numbers.quartiles.map(|all| all.map(|one| one.to_string()).to_vec()),
        }),
    }
}

/// What an answer that tells people apart is called.
fn option_name(item: &ItemForm, option: u16) -> Value {
    let named =
        |options: &[OptionForm]| options.get(usize::from(option)).map(|option| words(&option.text));
    match &item.kind {
        Kind::YesNo => yes_no(option == 0),
        Kind::Choice(options) => named(options).unwrap_or_default(),
        Kind::Choices(choices) => named(&choices.options).unwrap_or_default(),
        Kind::Number(_) | Kind::Scale(_) => plain(&option.to_string()),
    }
}

/// The two answers that no questionnaire writes down.
fn yes_no(yes: bool) -> Value {
    let texts = if yes {
        [("en", "Yes"), ("da", "Ja"), ("de", "Ja")]
    } else {
        [("en", "No"), ("da", "Nej"), ("de", "Nein")]
    };
    Value::Object(
        texts.map(|(language, text)| (language.to_owned(), text.into())).into_iter().collect(),
    )
}

fn plain(text: &str) -> Value {
    Value::Object(Map::from_iter([(String::new(), text.into())]))
}

fn words(text: &Text) -> Value {
    let languages = text.languages();
    let texts = languages.map(|language| (language.to_owned(), text.preferred([language]).into()));
    Value::Object(texts.collect())
}

fn some_words(text: &Text) -> Option<Value> {
    (!text.is_empty()).then(|| words(text))
}
