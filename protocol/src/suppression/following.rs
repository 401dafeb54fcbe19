//! How people come to the values of a score, answer by answer.

use std::collections::BTreeMap;

use super::model::{Column, Linear, Model, float};
use crate::questionnaire::{Item, Points, Question, Score, Term};

/// The most values, times answers, of a score for which it is followed how people come to have them.
const FOLLOWED_MAX: f64 = 4_000.0;

impl Model {
    /// People go from one answer to the next, and what they have together so far is where they stand: a flow in a graph
    /// without circles, which is the same as that each of them has some answer to each question.
    pub(super) fn flow(
        &mut self,
        steps: &[Step],
        values: &[Linear],
        people: &Linear,
        complete: &Linear,
    ) {
        let start = Standing { value: Some(0), chosen: Some(0) };
        let mut standing = BTreeMap::from([(start, people.clone())]);
        for step in steps {
            let mut next: BTreeMap<Standing, Linear> = BTreeMap::new();
            let mut given: Vec<Linear> = vec![Linear::default(); step.ways.len()];
            for (from, people) in standing {
                let mut leaving = Linear::default();
                for (way, given) in step.ways.iter().zip(&mut given) {
                    let Some(mut to) = from.after(way) else { continue };
                    if step.last {
                        to.chosen = Some(0);
                    }
                    let going = self.people();
                    let there = next.remove(&to).unwrap_or_default();
                    next.insert(to, there + &going);
                    leaving = leaving + &going;
                    *given = given.clone() + &going;
                }
                self.zero.push(leaving - &people);
            }
            for (way, given) in step.ways.iter().zip(given) {
                self.zero.push(given - &way.people);
            }
            standing = next;
        }
        let mut at =
            |value| standing.remove(&Standing { value, chosen: Some(0) }).unwrap_or_default();
        for (value, people) in values.iter().enumerate() {
            let there = at(Some(value));
            self.zero.push(there - people);
        }
        let incomplete = at(None);
        self.zero.push(incomplete - &(people.clone() - complete));
        // No score is any other number.
        self.zero.extend(standing.into_values());
    }
}

/// What people can answer next.
pub(super) struct Step {
    ways: Vec<Way>,
    /// Whether it is the last of its question.
    last: bool,
}

/// One answer, or one part of it.
struct Way {
    /// For how many it is so.
    people: Linear,
    what: What,
}

enum What {
    /// An answer that adds this to the value.
    Answer(usize),
    /// None: there is no value then.
    Nothing,
    /// One of several options, which adds this to the value, up to so many if that is limited.
    Choose(usize, Option<u16>),
    /// Not that option.
    Pass,
}

/// Where somebody stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    /// What the answers come to so far; `None` if one is missing.
    value: Option<usize>,
    /// How many options of the question are chosen so far; `None` if it is not answered.
    chosen: Option<u16>,
}

impl Standing {
    /// Where one gets to like that, if one can.
    fn after(self, way: &Way) -> Option<Self> {
        let Self { value, chosen } = self;
        let and = |points: usize| value.map(|value| value + points);
        match way.what {
            What::Answer(points) => Some(Self { value: and(points), chosen }),
            What::Nothing => Some(Self { value: None, chosen: None }),
            What::Choose(points, None) => chosen.map(|_| Self { value: and(points), chosen }),
            What::Choose(points, Some(at_most)) => {
                let fewer = chosen.filter(|chosen| *chosen < at_most)?;
                Some(Self { value: and(points), chosen: Some(fewer + 1) })
            }
            What::Pass => Some(self),
        }
    }
}

/// The answers of which the values of a score are made, one after the other; `None` if there are too many for them to be
/// followed.
pub(super) fn steps(
    score: &Score,
    items: &[Item],
    columns: &[Column<Linear>],
    people: &Linear,
) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    // How many different numbers of options somebody can have chosen.
    let mut standings = 1;
    for Term { item, points } in &score.terms {
        let Column { answered, counts, .. } = &columns[*item];
        let answer =
            |people: &Linear, points| Way { people: people.clone(), what: What::Answer(points) };
        let unanswered = items[*item].optional.then(|| people.clone() - answered);
        let unanswered = unanswered.map(|people| Way { people, what: What::Nothing });
        let by = |points: i32| usize::try_from(points).ok();
        match (points, &items[*item].question) {
            (Points::Times(weight), Question::YesNo) => {
                let size = by(i32::try_from(weight.unsigned_abs()).ok()?)?;
                let (yes, no) = if *weight < 0 { (0, size) } else { (size, 0) };
                let others = answered.clone() - &counts[0];
                let ways = [answer(&counts[0], yes), answer(&others, no)];
                steps.push(Step { ways: ways.into_iter().chain(unanswered).collect(), last: true });
            }
            (Points::PerOption(points), Question::Choice { .. }) => {
                let least = *points.iter().min()?;
                let options = counts.iter().zip(points).map(|(people, points)| {
                    Some(answer(people, points.checked_sub(least).and_then(by)?))
                });
                let ways = options.chain(unanswered.map(Some)).collect::<Option<_>>()?;
                steps.push(Step { ways, last: true });
            }
            (Points::PerOption(points), Question::Choices { options, at_most }) => {
                let unanswered = unanswered.map(|none| vec![answer(answered, 0), none]);
                steps.extend(unanswered.map(|ways| Step { ways, last: false }));
                let limit = (at_most < options).then_some(*at_most);
                standings = standings.max(limit.map_or(2, |limit| usize::from(limit) + 2));
                for (chosen, points) in counts.iter().zip(points) {
                    let others = people.clone() - chosen;
                    let what = What::Choose(by(*points)?, limit);
                    let ways = vec![
                        Way { people: chosen.clone(), what },
                        Way { people: others, what: What::Pass },
                    ];
                    steps.push(Step { ways, last: false });
                }
                steps.last_mut()?.last = true;
            }
            _ => return None,
        }
    }
    let most = score.width(items);
    let ways: usize = steps.iter().map(|step| step.ways.len()).sum::<usize>() * standings;
    (float(u128::try_from(ways).ok()?) * most < FOLLOWED_MAX).then_some(steps)
}
