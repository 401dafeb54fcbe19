//! The sentences about what is asked, what is answered, and what comes out of it.

use wardsum_peer::protocol::form::{ItemForm, Kind, Steps, Text};
use wardsum_peer::protocol::questionnaire::{Response, Subject};
use wardsum_peer::protocol::statistics::{Answer, Decimal};
use wardsum_peer::protocol::{Aggregate, Study};

use super::{both, sentences};
use crate::answer::{AnswerProblem, YES, of_steps};
use crate::language;
use crate::number::{self, Digits};

/// A text of the study in the language of the page, or else in the study's first one.
pub(crate) fn of(text: &Text) -> String {
    text.preferred([language::spoken().tag]).to_owned()
}

// Before the questions.

/// Who learns what.
pub(crate) fn learners(study: &Study) -> String {
    let organisation = study.organisation();
    if is_one_sum(study) {
        return sentences::who_learns(organisation);
    }
    let learn = sentences::who_learns_many(organisation);
    let grouping = study.form().grouping.and_then(|item| study.form().items().nth(item.into()));
    match grouping {
        Some(item) => both(&learn, &sentences::who_learns_groups(&of(&item.text))),
        None => learn,
    }
}

/// Whether all that comes out is one sum, which is about everybody.
fn is_one_sum(study: &Study) -> bool {
    study.questionnaire().output_len() == 1 && first_number(study).is_some()
}

/// The rule for small numbers; nothing where no number could be small.
pub(crate) fn small_numbers(study: &Study) -> Option<String> {
    let rule = || match study.minimum_cell() {
        ..=1 => sentences::small_numbers_shown().to_owned(),
        minimum => sentences::small_numbers(minimum, study.organisation()),
    };
    (!is_one_sum(study)).then(rule)
}

// The questions.

/// The heading of a section, which may have no title of its own.
pub(crate) fn section_title(title: &Text, section: usize) -> String {
    let title = of(title);
    if title.is_empty() { sentences::section_untitled(section as u64 + 1) } else { title }
}

/// How far one is.
pub(crate) fn section_of(section: usize, sections: usize) -> String {
    sentences::section_of(section as u64 + 1, sections as u64)
}

/// What can be answered; nothing where the options say it.
pub(crate) fn hint(item: &ItemForm) -> String {
    match &item.kind {
        Kind::YesNo | Kind::Scale(_) | Kind::Choice(_) => String::new(),
        Kind::Number(number) => range_hint(&number.range, &of(&item.unit)),
        Kind::Choices(choices) if usize::from(choices.at_most) < choices.options.len() => {
            sentences::choose_up_to(choices.at_most)
        }
        Kind::Choices(_) => sentences::choose_all().to_owned(),
    }
}

fn range_hint(range: &Steps, unit: &str) -> String {
    let [min, max] = ends(range);
    let step = Decimal { mantissa: range.step.into(), decimals: range.decimals };
    match ((range.decimals, range.step), unit) {
        ((0, 1), "") => sentences::range_hint(&min, &max),
        ((0, 1), unit) => sentences::range_hint_unit(&min, &max, unit),
        (_, "") => sentences::range_hint_steps(&min, &max, &number::decimal(step)),
        (_, unit) => sentences::range_hint_steps_unit(&min, &max, unit, &number::decimal(step)),
    }
}

/// The smallest and the largest number of a range.
fn ends(range: &Steps) -> [String; 2] {
    [range.min, range.max].map(|steps| of_range(range, steps.into()))
}

fn of_range(range: &Steps, steps: i128) -> String {
    of_steps(range, steps).map(number::decimal).unwrap_or_default()
}

/// What the field for a number is called.
pub(crate) fn answer_label(with_scale: bool) -> &'static str {
    if with_scale { sentences::input_label_scale() } else { sentences::input_label() }
}

/// What is wrong with an answer, and what to do.
pub(crate) fn answer_problem(problem: AnswerProblem, item: &ItemForm) -> String {
    let said = match &item.kind {
        Kind::Number(number) => number_problem(problem, &number.range),
        Kind::Choices(choices) => sentences::problem_too_many(choices.at_most),
        Kind::YesNo | Kind::Scale(_) | Kind::Choice(_) => sentences::problem_choose().to_owned(),
    };
    if problem == AnswerProblem::Empty && item.optional.0 {
        both(&said, sentences::problem_may_decline())
    } else {
        said
    }
}

fn number_problem(problem: AnswerProblem, range: &Steps) -> String {
    let [min, max] = ends(range);
    match problem {
        AnswerProblem::Empty | AnswerProblem::TooMany => sentences::problem_empty(&min, &max),
        AnswerProblem::NotWhole => sentences::problem_not_whole(&min, &max),
        AnswerProblem::NotANumber => sentences::problem_not_a_number(&min, &max),
        AnswerProblem::NotAStep => {
            let next = of_range(range, i128::from(range.min).saturating_add(1));
            sentences::problem_not_a_step(&min, &next, &max)
        }
        AnswerProblem::OutOfRange => sentences::problem_out_of_range(&min, &max),
    }
}

/// An option of a question, counted from 0 on.
pub(crate) fn option_label(kind: &Kind, option: u16) -> String {
    match kind {
        Kind::YesNo => if option == YES { sentences::yes() } else { sentences::no() }.to_owned(),
        Kind::Number(number) => {
            of_range(&number.range, i128::from(number.range.min) + i128::from(option))
        }
        Kind::Scale(scale) => {
            of_range(&scale.range, i128::from(scale.range.min) + i128::from(option))
        }
        Kind::Choice(options) => {
            option_text(options.get(usize::from(option)).map(|option| &option.text))
        }
        Kind::Choices(choices) => {
            option_text(choices.options.get(usize::from(option)).map(|option| &option.text))
        }
    }
}

fn option_text(text: Option<&Text>) -> String {
    text.map(of).unwrap_or_default()
}

/// What an end of a scale means; empty where nothing is said.
pub(crate) fn scale_end(value: &str, meaning: &Text) -> String {
    let meaning = of(meaning);
    if meaning.is_empty() { meaning } else { format!("{value}: {meaning}") }
}

// The answers, before they are sent.

/// What somebody answers to a question.
pub(crate) fn response(item: &ItemForm, response: &Response) -> String {
    match response {
        Response::None => sentences::prefer_not().to_owned(),
        Response::YesNo(yes) => option_label(&item.kind, u16::from(!yes)),
        Response::Number(steps) => {
            let number = item.kind.steps().map(|range| of_range(&range, *steps));
            with_unit(&number.unwrap_or_default(), &of(&item.unit))
        }
        Response::Choice(option) => with_unit(&option_label(&item.kind, *option), &of(&item.unit)),
        Response::Choices(options) if options.is_empty() => sentences::none_of_them().to_owned(),
        Response::Choices(options) => {
            let labels: Vec<String> =
                options.iter().map(|option| option_label(&item.kind, *option)).collect();
            labels.join("; ")
        }
    }
}

/// A number with its unit.
fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { both(number, unit) }
}

/// What happens when the answers are sent. `kept`: whether this browser keeps what it takes to come back.
pub(crate) fn review_points(study: &Study, kept: bool) -> Vec<String> {
    let people = study.minimum_cohort();
    let published = if is_one_sum(study) {
        sentences::review_published(people)
    } else {
        sentences::review_published_many(people)
    };
    let kept = if kept { sentences::review_kept() } else { sentences::review_not_kept() };
    let points = [
        Some(sentences::review_sent(study.organisation())),
        Some(published),
        small_numbers(study),
        Some(kept.to_owned()),
        Some(sentences::review_once().to_owned()),
    ];
    points.into_iter().flatten().collect()
}

// The result.

/// The sum of the answers, if the study asks everybody for one number.
pub(crate) fn first_number(study: &Study) -> Option<&ItemForm> {
    let mut items = study.form().items();
    let item = items.next()?;
    (items.next().is_none() && matches!(item.kind, Kind::Number(_)) && !item.optional.0)
        .then_some(item)
}

/// The result in one sentence.
pub(crate) fn result_sentence(study: &Study, result: &Aggregate) -> String {
    let sum = first_number(study).and_then(|item| {
        let sum = of_steps(&item.kind.steps()?, result.sum(study)?)?;
        Some(with_unit(&number::decimal(sum), &of(&item.unit)))
    });
    match sum {
        Some(sum) => sentences::result_sum(&sum, result.count),
        None => sentences::result_here(result.count),
    }
}

/// What something that is found out is called, and its unit.
pub(crate) fn subject(study: &Study, subject: Subject) -> (String, String) {
    match subject {
        Subject::Item(number) => match study.form().items().nth(number) {
            Some(item) => (of(&item.text), of(&item.unit)),
            None => (String::new(), String::new()),
        },
        Subject::Score(number) => {
            let score = study.form().scores.get(number);
            (score.map(|score| of(&score.title)).unwrap_or_default(), String::new())
        }
    }
}

/// An answer that is counted.
pub(crate) fn counted_answer(kind: Option<&Kind>, answer: Answer) -> String {
    match (answer, kind) {
        (Answer::Yes, _) => sentences::yes().to_owned(),
        (Answer::No, _) => sentences::no().to_owned(),
        (Answer::Value(value), _) => number::decimal(value),
        (Answer::Option(option), Some(kind)) => option_label(kind, option),
        (Answer::Option(_), None) => String::new(),
    }
}

/// How many answered a question that some did not.
pub(crate) fn answered(answered: Option<u32>, missing: Option<u32>) -> Option<String> {
    let (answered, missing) = (answered?, missing?);
    (missing > 0).then(|| sentences::answered(missing, answered))
}

/// A part in a hundred.
pub(crate) fn percent(share: f64) -> String {
    sentences::percent(&Digits::rounded(share * 100.0, 0).for_people())
}

/// What a chart shows, for whoever does not see it: an answer and how many gave it, and so on.
pub(crate) fn chart(about: &str, bars: &[(String, String)]) -> String {
    let bars: Vec<String> =
        bars.iter().map(|(answer, people)| format!("{answer}: {people}")).collect();
    sentences::chart(about, &bars.join("; "))
}

/// The two quartiles around the median.
pub(crate) fn quartiles_between(lower: Decimal, upper: Decimal) -> String {
    sentences::quartiles_between(&number::decimal(lower), &number::decimal(upper))
}

/// A group and how many are in it.
pub(crate) fn group(label: &str, people: Option<u32>) -> String {
    people.map_or_else(|| label.to_owned(), |people| sentences::group(people, label))
}

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::StudyParameters;
    use wardsum_peer::protocol::form::{ChoicesForm, Form, Section};
    use wardsum_peer::protocol::wire::Flag;

    use super::*;
    use crate::answer::tests::{item, number, options, scale};
    use crate::progress::tests::study::{study, study_of};

    #[test]
    fn a_hint_says_what_can_be_answered() {
        let hint_of = |kind| hint(&item("n", kind));
        assert_eq!(hint_of(number(0, 10, 1, 0)), "A whole number from 0 to 10");
        assert_eq!(hint_of(number(70, 84, 5, 1)), "A number from 35.0 to 42.0, in steps of 0.5");
        assert_eq!(hint_of(number(-2, 2, 10, 0)), "A number from \u{2212}20 to 20, in steps of 10");
        assert_eq!(hint_of(scale(0, 10)), "");
        let several = |at_most| ChoicesForm { options: options(&["a", "b", "c"]), at_most };
        let up_to_two = "Choose up to 2. Choose none if none applies.";
        assert_eq!(hint_of(Kind::Choices(several(2))), up_to_two);
        assert_eq!(hint_of(Kind::Choices(several(3))), "Choose all that apply, or none.");
    }

    #[test]
    fn an_answer_is_said_as_it_was_asked_for() {
        let said = |kind, given| {
            let mut asked = item("n", kind);
            asked.unit = "points".into();
            response(&asked, &given)
        };
        assert_eq!(said(number(70, 84, 5, 1), Response::Number(73)), "36.5 points");
        assert_eq!(said(scale(1, 5), Response::Choice(0)), "1 points");
        assert_eq!(said(Kind::YesNo, Response::YesNo(false)), "No");
        let choices = ChoicesForm { options: options(&["tea", "rest"]), at_most: 2 };
        assert_eq!(
            said(Kind::Choices(choices.clone()), Response::Choices(vec![0, 1])),
            "tea; rest"
        );
        assert_eq!(said(Kind::Choices(choices), Response::Choices(vec![])), "None of these");
        assert_eq!(said(Kind::YesNo, Response::None), "Prefer not to answer");
    }

    #[test]
    fn what_may_be_left_out_is_said_where_something_is_missing() {
        let mut asked = item("n", Kind::YesNo);
        let told = answer_problem(AnswerProblem::Empty, &asked);
        assert_eq!(told, "Please choose an answer.");
        asked.optional = Flag(true);
        let told = answer_problem(AnswerProblem::Empty, &asked);
        assert!(told.ends_with("You may also say that you prefer not to."), "{told}");
    }

    #[test]
    fn groups_are_told_before_anything_is_answered() {
        assert!(learners(&study()).ends_with("their mean, and how many people answered."));
        let mut form = Form::number("How strong is your pain?", "points", 0, 10);
        form.sections[0].items.push(item("asthma", Kind::YesNo));
        form.grouping = Some(1);
        let told = learners(&study_of(form));
        assert!(
            told.contains("each group of people who give the same answer to “asthma”"),
            "{told}"
        );
    }

    #[test]
    fn what_becomes_of_small_numbers_is_told_wherever_there_can_be_some() {
        assert_eq!(small_numbers(&study()), None);
        let asked = study_of(Form {
            sections: vec![Section {
                items: vec![item("asthma", Kind::YesNo)],
                ..Section::default()
            }],
            ..Form::default()
        });
        let with = |minimum_cell| {
            let parameters = asked.parameters().clone();
            Study::new(StudyParameters { minimum_cell, ..parameters }).expect("admissible")
        };
        let told = small_numbers(&with(3)).expect("there is a rule");
        assert!(told.starts_with("Numbers about fewer than 3 people are not published"), "{told}");
        let told = small_numbers(&with(1)).expect("there is none, which is said");
        assert_eq!(told, "Numbers about few people are published too, even about one.");
    }

    #[test]
    fn a_result_is_one_sentence() {
        let result = Aggregate { count: 300, cells: [Some(1_200)].into() };
        assert_eq!(result_sentence(&study(), &result), "The sum is 1,200 points, from 300 people.");
        let hidden = Aggregate { count: 300, cells: [None].into() };
        assert_eq!(result_sentence(&study(), &hidden), "The result is here, from 300 people.");
    }
}
