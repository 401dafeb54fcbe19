//! What plain answers come to, counted one by one: what a round has to find out without seeing any.

use wardsum_protocol::questionnaire::{
    Cell, Figure, Plan, Points, Question, Questionnaire, Response, Subject,
};

/// The numbers in the cells of a questionnaire that these people have answered.
pub(super) fn count(questionnaire: &Questionnaire, answers: &[&[Response]]) -> Vec<u128> {
    let plan = questionnaire.plan();
    let of = |cell: &Cell| answers.iter().map(|responses| adds(plan, cell, responses)).sum();
    questionnaire.cells().iter().map(of).collect()
}

/// What somebody's answers add to a cell.
fn adds(plan: &Plan, cell: &Cell, responses: &[Response]) -> u128 {
    if cell.group.is_some() && cell.group != group(plan, responses) {
        return 0;
    }
    match cell.subject {
        Subject::Item(item) => of_item(&plan.items[item].question, cell.figure, &responses[item]),
        Subject::Score(score) => {
            let terms = plan.scores[score].terms.iter();
            let values = terms.map(|term| {
                let question = &plan.items[term.item].question;
                let worth = worth(&term.points, &responses[term.item])?;
                Some(worth.abs_diff(least(&term.points, question)))
            });
            match (values.sum::<Option<u128>>(), cell.figure) {
                (Some(value), Figure::Sum) => value,
                (Some(value), Figure::Squares) => value * value,
                (Some(value), Figure::Option(above)) => u128::from(value == above.into()),
                (Some(_), Figure::Answered) => 1,
                _ => 0,
            }
        }
    }
}

/// The group in which somebody is, if in any.
fn group(plan: &Plan, responses: &[Response]) -> Option<u16> {
    match responses[plan.grouping?] {
        Response::YesNo(yes) => Some(u16::from(!yes)),
        Response::Choice(option) => Some(option),
        _ => None,
    }
}

fn of_item(question: &Question, figure: Figure, response: &Response) -> u128 {
    match (figure, response) {
        (_, Response::None) => 0,
        (Figure::Answered, _) | (Figure::Yes, Response::YesNo(true)) => 1,
        (Figure::Option(option), Response::Choice(chosen)) => u128::from(option == *chosen),
        (Figure::Option(option), Response::Choices(chosen)) => u128::from(chosen.contains(&option)),
        (Figure::Sum | Figure::Squares, response) => {
            let above = match (question, response) {
                (Question::Number(range), Response::Number(number)) => number.abs_diff(range.min()),
                (_, Response::Choice(option)) => u128::from(*option),
                _ => 0,
            };
            if figure == Figure::Squares { above * above } else { above }
        }
        _ => 0,
    }
}

/// What an answer is worth in a score, if it was given.
fn worth(points: &Points, response: &Response) -> Option<i128> {
    let of = |points: &[i32], option: u16| i128::from(points[usize::from(option)]);
    Some(match (points, response) {
        (Points::Times(weight), Response::Number(number)) => number * i128::from(*weight),
        (Points::Times(weight), Response::YesNo(yes)) => i128::from(*weight) * i128::from(*yes),
        (Points::PerOption(points), Response::Choice(option)) => of(points, *option),
        (Points::PerOption(points), Response::Choices(options)) => {
            options.iter().map(|option| of(points, *option)).sum()
        }
        _ => return None,
    })
}

/// The least that an answer can be worth.
fn least(points: &Points, question: &Question) -> i128 {
    match (points, question) {
        (Points::Times(weight), Question::Number(range)) => {
            let weight = i128::from(*weight);
            (range.min() * weight).min(range.max() * weight)
        }
        (Points::Times(weight), _) => i128::from(*weight).min(0),
        (Points::PerOption(points), Question::Choice { .. }) => {
            points.iter().copied().min().unwrap_or(0).into()
        }
        (Points::PerOption(_), _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use wardsum_protocol::form::Form;

    use super::*;

    #[test]
    fn a_sum_is_counted_from_the_smallest_answer_on() {
        let questionnaire = Form::number("How many?", "", -5, 10).questionnaire().unwrap();
        let numbers = count(&questionnaire, &[&[Response::Number(-5)], &[Response::Number(3)]]);
        assert_eq!(numbers, [8]);
    }
}
