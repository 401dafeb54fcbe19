//! Which sentence the page says when.
//!
//! The sentences themselves are in `languages/`, a file for each language; the functions of [`sentences`], made of
//! those files, look them up in the language that the page speaks. Components take whole sentences from here and
//! never put them together themselves: word order is the language's business.

mod announcement;
mod failure;
mod questionnaire;
mod result;
mod sentences;
mod stage;
mod storage;

pub(crate) use announcement::announcement;
pub(crate) use failure::{
    FailureText, api_error, bad_invitation, connect_error, interrupted, too_late, trouble,
};
pub(crate) use questionnaire::{
    answer_label, answer_problem, answered, chart, counted_answer, first_number, group, hint,
    learners, of, option_label, percent, quartiles_between, response, result_sentence,
    review_points, scale_end, section_of, section_title, small_numbers, subject,
};
pub(crate) use result::{RoundStands, corrected, receipt, rejected, result_checked};
pub(crate) use sentences::*;
pub(crate) use stage::{closing, stage_detail, stage_state, stage_title};
pub(crate) use storage::storage;

use wardsum_peer::protocol::Phase;

use crate::progress::{Progress, Safety, Words};

/// What the page is called before it knows a study.
pub(crate) const PRODUCT: &str = "Wardsum";

/// The title of the browser's tab.
pub(crate) fn document_title(title: &str, organisation: &str) -> String {
    format!("{title} – {organisation}")
}

/// Two sentences, one after the other.
pub(crate) fn both(first: &str, second: &str) -> String {
    [first, " ", second].concat()
}

pub(crate) fn unknown_study(any: bool) -> &'static str {
    if any { unknown_study_others() } else { unknown_study_alone() }
}

/// One line about a study in a list.
pub(crate) fn study_line(organisation: &str, minimum_cohort: u32, open: bool) -> String {
    if open { study_open(organisation, minimum_cohort) } else { study_closed(organisation) }
}

// Before the answer.

pub(crate) fn admission(invited: bool) -> &'static str {
    if invited { admission_invited() } else { admission_open() }
}

pub(crate) fn how(organisation: &str, invited: bool) -> [String; 4] {
    let keys = if invited { how_keys_invited } else { how_keys_compared };
    [how_shares().to_owned(), how_sums(organisation), how_limits().to_owned(), keys(organisation)]
}

/// How many have come so far: present, needed, and a sentence. Nothing once enrolment is over.
pub(crate) fn room(progress: &Progress) -> Option<(u32, u32, String)> {
    let waiting = progress.waiting()?;
    let words = match waiting.phase {
        Phase::Enrolling if waiting.present == 0 => room_nobody(waiting.needed),
        Phase::Enrolling => room_some(waiting.present, waiting.needed),
        Phase::Contributing => room_fixed().to_owned(),
        Phase::Verifying | Phase::Aggregating | Phase::Published | Phase::Ended => return None,
    };
    Some((waiting.present, waiting.needed, words))
}

// The round.

/// Whether one should stay, and why.
pub(crate) fn advice(progress: &Progress) -> &'static str {
    match (progress.committee(), progress.is_kept()) {
        (_, true) if progress.may_leave() => advice_leave_kept(),
        (_, false) if progress.may_leave() => advice_leave(),
        (None, true) => advice_stay_kept(),
        (None, false) => advice_stay(),
        (Some(committee), true) if committee.is_member => advice_member_kept(),
        (Some(committee), false) if committee.is_member => advice_member(),
        (Some(_), _) => advice_visitor(),
    }
}

pub(crate) fn closes_in(seconds: u64, phase: Phase) -> String {
    // Rounded up: it is said to be the latest.
    let (minutes, hours) = (seconds.div_ceil(60), seconds.div_ceil(3_600));
    match (phase, seconds) {
        (Phase::Enrolling, 0) => enrolment_closes_now().to_owned(),
        (Phase::Enrolling, 1..=119) => enrolment_closes_seconds(seconds),
        (Phase::Enrolling, 120..=7_199) => enrolment_closes_minutes(minutes),
        (Phase::Enrolling, _) => enrolment_closes_hours(hours),
        (Phase::Contributing, 0) => contributing_closes_now().to_owned(),
        (Phase::Contributing, 1..=119) => contributing_closes_seconds(seconds),
        (Phase::Contributing, 120..=7_199) => contributing_closes_minutes(minutes),
        (Phase::Contributing, _) => contributing_closes_hours(hours),
        (_, 0) => round_ends_now().to_owned(),
        (_, 1..=119) => round_ends_seconds(seconds),
        (_, 120..=7_199) => round_ends_minutes(minutes),
        (_, _) => round_ends_hours(hours),
    }
}

// The safety words.

/// How many people should see the words: a hospital that answered itself would be one too many.
pub(crate) fn words_how_many(progress: &Progress) -> Option<String> {
    let committee = progress.committee()?;
    let words = if committee.is_member { words_count_member } else { words_count };
    Some(words(committee.members))
}

/// What becomes of the words; empty once they are there.
pub(crate) fn words_working(progress: &Progress) -> &'static str {
    match progress.words_standing() {
        Words::Computing => words_computing(),
        Words::InPage => words_in_page(),
        Words::Known(_) => "",
        Words::Unavailable => words_unavailable(),
    }
}

/// The warning that others' words differ.
pub(crate) fn disputed(progress: &Progress) -> Option<String> {
    match progress.disputes() {
        0 => None,
        disputes => Some(words_disputed(disputes)),
    }
}

// Coming and going.

/// That the connection is lost, and when the next attempt comes, or that there is no place; empty if
/// all is well.
pub(crate) fn lost(progress: &Progress, now_ms: f64) -> String {
    match progress.retry_in(now_ms) {
        _ if progress.waits_for_a_place() => places_kept().to_owned(),
        None => String::new(),
        Some(0) => retry_now().to_owned(),
        Some(seconds) => retry_seconds(seconds),
    }
}

pub(crate) fn safe_meanwhile(safety: Safety) -> &'static str {
    match safety {
        Safety::NotAnswered => safe_not_answered(),
        Safety::Comparing => safe_comparing(),
        Safety::NoPlace => safe_no_place(),
        Safety::WrittenDown => safe_written_down(),
        Safety::InThisPage => safe_in_this_page(),
        Safety::Stored => safe_stored(),
    }
}

/// `resumed`: only what left since then is known.
pub(crate) fn bytes_left(bytes: u64, resumed: bool) -> String {
    if resumed { left_bytes_since(bytes) } else { left_bytes(bytes) }
}

/// What did not leave the device.
pub(crate) fn stayed() -> [&'static str; 3] {
    [stayed_answer(), stayed_keys(), stayed_shares()]
}
