//! When a phase closes: by count, by settle time or by deadline, whichever comes first.

use crate::study::Closing;
use crate::time::Timestamp;

/// What the rules say about a phase now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It goes on, until this time at most.
    Wait(Timestamp),
    /// It closes, whether or not enough people are there.
    Close,
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
    /// Whether the researcher has closed the phase.
    pub(super) commanded: bool,
    /// Until when somebody is waited for who is not done. Only the deadline goes first.
    pub(super) hold_until: Option<Timestamp>,
    /// Whether closing now would leave a round that cannot succeed. Only the deadline closes then.
    pub(super) hopeless: bool,
}

/// Applies `rule` at `now`.
pub(super) fn decide(rule: Closing, attendance: Attendance, now: Timestamp) -> Decision {
    let Attendance {
        began,
        last_arrival,
        present,
        minimum,
        maximum,
        commanded,
        hold_until,
        hopeless,
    } = attendance;
    let complete = commanded || present >= rule.count.unwrap_or(maximum).min(maximum);
    let ready = if complete {
        Some(last_arrival)
    } else {
        rule.settle_ms.filter(|_| present >= minimum).map(|ms| last_arrival.after(ms))
    };
    let ready = ready.filter(|_| !hopeless).map(|at| hold_until.map_or(at, |hold| at.max(hold)));
    let deadline = began.after(rule.deadline_ms);
    let closes = ready.map_or(deadline, |at| at.min(deadline));
    if now >= closes { Decision::Close } else { Decision::Wait(closes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Closing =
        Closing { count: Some(5), settle_ms: Some(100), deadline_ms: 1_000, by_command: false };

    fn attendance(present: u32) -> Attendance {
        Attendance {
            began: Timestamp(0),
            last_arrival: Timestamp(500),
            present,
            minimum: 3,
            maximum: 8,
            commanded: false,
            hold_until: None,
            hopeless: false,
        }
    }

    #[test]
    fn count_closes_at_once() {
        assert_eq!(decide(RULE, attendance(5), Timestamp(501)), Decision::Close);
    }

    #[test]
    fn settle_time_runs_only_with_enough_people() {
        assert_eq!(decide(RULE, attendance(2), Timestamp(700)), Decision::Wait(Timestamp(1_000)));
        assert_eq!(decide(RULE, attendance(3), Timestamp(599)), Decision::Wait(Timestamp(600)));
        assert_eq!(decide(RULE, attendance(3), Timestamp(600)), Decision::Close);
    }

    #[test]
    fn the_deadline_closes_with_however_many_are_there() {
        let rule = Closing { settle_ms: None, ..RULE };
        assert_eq!(decide(rule, attendance(2), Timestamp(999)), Decision::Wait(Timestamp(1_000)));
        assert_eq!(decide(rule, attendance(2), Timestamp(1_000)), Decision::Close);
        assert_eq!(decide(rule, attendance(3), Timestamp(1_000)), Decision::Close);
    }

    #[test]
    fn a_hold_delays_count_settle_and_command_but_not_the_deadline() {
        let hold = |until| Some(Timestamp(until));
        for (present, commanded) in [(5, false), (3, false), (2, true)] {
            let waiting = Attendance { hold_until: hold(800), commanded, ..attendance(present) };
            assert_eq!(decide(RULE, waiting, Timestamp(799)), Decision::Wait(Timestamp(800)));
            assert_eq!(decide(RULE, waiting, Timestamp(800)), Decision::Close);
            let waiting = Attendance { hold_until: hold(5_000), ..waiting };
            assert_eq!(decide(RULE, waiting, Timestamp(999)), Decision::Wait(Timestamp(1_000)));
            assert_eq!(decide(RULE, waiting, Timestamp(1_000)), Decision::Close);
        }
    }

    #[test]
    fn the_maximum_closes_without_a_count() {
        let rule = Closing::deadline(1_000);
        assert_eq!(decide(rule, attendance(7), Timestamp(501)), Decision::Wait(Timestamp(1_000)));
        assert_eq!(decide(rule, attendance(8), Timestamp(501)), Decision::Close);
    }

    #[test]
    fn a_hopeless_phase_closes_at_its_deadline_only() {
        let waiting = Attendance { hopeless: true, commanded: true, ..attendance(8) };
        assert_eq!(decide(RULE, waiting, Timestamp(999)), Decision::Wait(Timestamp(1_000)));
        assert_eq!(decide(RULE, waiting, Timestamp(1_000)), Decision::Close);
    }
}
