//! When a phase closes: by count, by settle time or by deadline, whichever comes first.

use crate::study::Closing;
use crate::time::Timestamp;

/// What the rules say about a phase now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It goes on, until this time at most.
    Wait(Option<Timestamp>),
    /// It closes with enough people.
    Close,
    /// Its deadline has passed with too few.
    GiveUp,
}

/// What the rules are applied to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attendance {
    /// When the phase began.
    pub(super) began: Timestamp,
    /// When the last one came.
    pub(super) last_arrival: Timestamp,
    /// How many are there.
    pub(super) present: u32,
    /// How many there must be.
    pub(super) minimum: u32,
    /// How many there can be.
    pub(super) maximum: u32,
}

/// Applies `rule` at `now`.
pub(super) fn decide(rule: Closing, attendance: Attendance, now: Timestamp) -> Decision {
    let Attendance { began, last_arrival, present, minimum, maximum } = attendance;
    let enough = present >= minimum;
    let full = present >= rule.count.unwrap_or(maximum).min(maximum);
    let settled = rule.settle_ms.filter(|_| enough).map(|ms| last_arrival.after(ms));
    let deadline = rule.deadline_ms.map(|ms| began.after(ms));

    if full || settled.is_some_and(|at| now >= at) {
        return Decision::Close;
    }
    match deadline {
        Some(at) if now >= at && enough => Decision::Close,
        Some(at) if now >= at => Decision::GiveUp,
        _ => Decision::Wait([settled, deadline].into_iter().flatten().min()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Closing = Closing {
        count: Some(5),
        settle_ms: Some(100),
        deadline_ms: Some(1_000),
        by_command: false,
    };

    fn attendance(present: u32) -> Attendance {
        Attendance {
            began: Timestamp(0),
            last_arrival: Timestamp(500),
            present,
            minimum: 3,
            maximum: 8,
        }
    }

    #[test]
    fn count_closes_at_once() {
        assert_eq!(decide(RULE, attendance(5), Timestamp(501)), Decision::Close);
    }

    #[test]
    fn settle_time_runs_only_with_enough_people() {
        assert_eq!(
            decide(RULE, attendance(2), Timestamp(700)),
            Decision::Wait(Some(Timestamp(1_000)))
        );
        assert_eq!(
            decide(RULE, attendance(3), Timestamp(599)),
            Decision::Wait(Some(Timestamp(600)))
        );
        assert_eq!(decide(RULE, attendance(3), Timestamp(600)), Decision::Close);
    }

    #[test]
    fn deadline_gives_up_below_the_minimum_and_closes_above() {
        let rule = Closing { settle_ms: None, ..RULE };
        assert_eq!(decide(rule, attendance(2), Timestamp(1_000)), Decision::GiveUp);
        assert_eq!(decide(rule, attendance(3), Timestamp(1_000)), Decision::Close);
    }

    #[test]
    fn the_maximum_closes_without_a_count() {
        let rule = Closing { count: None, settle_ms: None, deadline_ms: None, by_command: true };
        assert_eq!(decide(rule, attendance(7), Timestamp(1)), Decision::Wait(None));
        assert_eq!(decide(rule, attendance(8), Timestamp(1)), Decision::Close);
    }
}
