//! Every sentence of the page, in one place, so that a translation has one place to go to.
//!
//! Components take whole sentences from here and never put them together themselves: word order is
//! the language's business.

mod announcement;
mod failure;
mod result;
mod stage;

pub(crate) use announcement::announcement;
pub(crate) use failure::{
    FailureText, api_error, bad_invitation, connect_error, interrupted, too_late, trouble,
};
pub(crate) use result::{
    LATEST_RESULT_TITLE, MEAN, NEXT_ROUND, NEXT_ROUND_OPEN, OUTCOME, PEOPLE, RECEIPT, RECEIPT_NOT,
    RECEIPT_TITLE, RESULT_TITLE, RoundStands, SUM, TRANSCRIPT, corrected, receipt, rejected,
    result_checked,
};
pub(crate) use stage::{closing, stage_detail, stage_state, stage_title};

use wardsum_peer::protocol::Phase;

use crate::answer::AnswerProblem;
use crate::number;
use crate::progress::{Progress, Safety, Words};

/// What the page is called before it knows a study.
pub(crate) const PRODUCT: &str = "Wardsum";
pub(crate) const SKIP_TO_CONTENT: &str = "Skip to the content";
pub(crate) const FOOTER: &str = "This page sets no cookies. Once you have sent an answer it keeps \
    that answer and its keys on this device, until it has seen the end of the round. The tab \
    remembers a personal invitation, and after the round the result and the receipt, at the latest \
    until you close it; the browser, which invitations it has answered with. Every open tab is a person of its own.";

pub(crate) const LOADING: &str = "Asking the hospital for its studies …";
pub(crate) const CONNECTING: &str = "Connecting to the hospital …";
pub(crate) const NO_STUDIES_TITLE: &str = "There is nothing to answer at the moment";
pub(crate) const NO_STUDIES: &str = "The hospital has no open study. Please come back later, or \
    check the link that you were given.";
pub(crate) const CHOOSE_TITLE: &str = "Choose a study";
pub(crate) const CHOOSE: &str = "Your answer stays private in each of them.";
pub(crate) const TRY_AGAIN: &str = "Try again";

/// The title of the browser's tab.
pub(crate) fn document_title(title: &str, organisation: &str) -> String {
    format!("{title} – {organisation}")
}

pub(crate) fn unknown_study_title(id: &str) -> String {
    format!("There is no study called “{id}”")
}

pub(crate) fn unknown_study(any: bool) -> &'static str {
    if any {
        "The link may be mistyped, or the study may be over. These studies are known to the \
         hospital:"
    } else {
        "The link may be mistyped, or the study may be over. The hospital has no other study at \
         the moment."
    }
}

/// One line about a study in a list.
pub(crate) fn study_line(organisation: &str, minimum_cohort: u32, open: bool) -> String {
    let minimum = number::whole(minimum_cohort.into());
    if open {
        format!("{organisation}. Open; at least {minimum} people must take part.")
    } else {
        format!("{organisation}. No answers are taken at the moment.")
    }
}

// Before the answer.

pub(crate) const TERMS_TITLE: &str = "Before you answer";
pub(crate) const TERM_WHO: &str = "Who asks";
pub(crate) const TERM_LEARN: &str = "Who learns what";
pub(crate) const TERM_NOT: &str = "Who does not";
pub(crate) const TERM_HOW_MANY: &str = "How many must take part";
pub(crate) const TERM_ADMISSION: &str = "Who can take part";
pub(crate) const HOW_TITLE: &str = "How your answer stays private";

pub(crate) fn who_learns(organisation: &str) -> String {
    format!(
        "{organisation} and everybody who takes part learn three numbers: the sum of all answers, \
         their mean, and how many people answered."
    )
}

pub(crate) fn who_does_not(organisation: &str) -> String {
    format!(
        "Nobody is shown your answer: not {organisation}, not the other people, not whoever runs \
         the network in between."
    )
}

pub(crate) fn admission(invited: bool) -> &'static str {
    if invited {
        "Only people with a personal invitation. This page checks everybody’s, so the hospital cannot \
         pretend to be a patient, and each counts once."
    } else {
        "Anybody who opens this page. Who the others are is what the hospital’s server says."
    }
}

pub(crate) fn how_many(minimum: u32, maximum: u32) -> String {
    let (minimum, maximum) = (number::whole(minimum.into()), number::whole(maximum.into()));
    format!(
        "At least {minimum} people, at most {maximum}. If fewer take part, nothing is revealed."
    )
}

pub(crate) fn how(organisation: &str, invited: bool) -> [String; 4] {
    let checked = if invited {
        "this page checks the invitation of everybody who holds shares"
    } else {
        "everybody taking part compares eight words"
    };
    [
        "Your browser splits your answer into random numbers, called shares. One share says \
         nothing about your answer. Each is encrypted for one person’s browser, and only that \
         browser can open it."
            .to_owned(),
        format!(
            "{organisation} passes the encrypted shares on without being able to read them. Every \
             browser adds up the shares it holds and returns only that sum. Put together, these \
             partial sums give the sum of all answers, and nothing else."
        ),
        "Shares give a single answer away only if more than two thirds of the people who hold \
         them put theirs together. But whoever knows every other answer can subtract them from the \
         sum: in a round of three, the two others together know yours. The more people take part, \
         the less they can tell."
            .to_owned(),
        format!(
            "Your browser learns the keys of the others from {organisation}. So that nobody can slip \
             in keys of their own, {checked} before an answer is sent."
        ),
    ]
}

// The form.

pub(crate) const TAKE_PART: &str = "Take part";

/// The range in words, with the unit if there is one.
pub(crate) fn range_hint(min: i128, max: i128, unit: &str) -> String {
    let (min, max) = (number::whole(min), number::whole(max));
    if unit.is_empty() {
        format!("A whole number from {min} to {max}")
    } else {
        format!("A whole number from {min} to {max} ({unit})")
    }
}

pub(crate) fn input_label(with_scale: bool) -> &'static str {
    if with_scale { "Or type the number" } else { "Your number" }
}

pub(crate) fn answer_problem(problem: AnswerProblem, min: i128, max: i128) -> String {
    let (min, max) = (number::whole(min), number::whole(max));
    match problem {
        AnswerProblem::Empty => format!("Please enter a number from {min} to {max}."),
        AnswerProblem::NotWhole => {
            format!(
                "Please enter a whole number from {min} to {max} in digits, without a decimal \
                 point or commas."
            )
        }
        AnswerProblem::OutOfRange => {
            format!("That number is outside of the range. Please enter one from {min} to {max}.")
        }
    }
}

/// An answer with its unit.
pub(crate) fn with_unit(value: i128, unit: &str) -> String {
    let value = number::whole(value);
    if unit.is_empty() { value } else { format!("{value} {unit}") }
}

/// How many have come so far: present, needed, and a sentence. Nothing once enrolment is over.
pub(crate) fn room(progress: &Progress) -> Option<(u32, u32, String)> {
    let waiting = progress.waiting()?;
    let (present, needed) =
        (number::whole(waiting.present.into()), number::whole(waiting.needed.into()));
    let words = match waiting.phase {
        Phase::Enrolling if waiting.present == 0 => {
            format!("Nobody has answered yet. At least {needed} people are needed.")
        }
        Phase::Enrolling => format!("{present} of at least {needed} people have answered so far."),
        Phase::Contributing => {
            "The group that holds the shares is fixed already. Your answer still counts.".to_owned()
        }
        Phase::Verifying | Phase::Aggregating | Phase::Published | Phase::Ended => return None,
    };
    Some((waiting.present, waiting.needed, words))
}

// The confirmation.

pub(crate) const CONFIRM_TITLE: &str = "Check your answer";
pub(crate) const CONFIRM_LEAD: &str = "You are about to answer";
pub(crate) const SEND: &str = "Send my answer";
pub(crate) const CHANGE: &str = "Change it";

pub(crate) fn confirm_points(organisation: &str, minimum: u32, kept: bool) -> [String; 4] {
    let minimum = number::whole(minimum.into());
    [
        format!(
            "Sent: encrypted shares of this number and fresh public keys of this tab. \
             {organisation} cannot read the shares."
        ),
        format!(
            "Published: only the sum, the mean and the number of people, once at least {minimum} \
             have answered."
        ),
        if kept {
            "Kept on this device until this page has seen the end of the round: your answer and the \
             keys of this tab, so that you can reload or close the page and come back."
        } else {
            "Kept on this device: nothing, since this browser does not allow it. Do not reload or \
             close the page before the result is here."
        }
        .to_owned(),
        "You can answer once in this round, and an answer that is on its way cannot be changed."
            .to_owned(),
    ]
}

/// Why sending was refused although the form was filled in properly; it takes a page of another
/// version.
pub(crate) const ANSWER_REFUSED: &str =
    "This answer cannot be sent any more. Please reload the page.";

// The round.

pub(crate) const STAGES_TITLE: &str = "Your round";

/// Whether one should stay, and why.
pub(crate) fn advice(progress: &Progress) -> &'static str {
    match (progress.committee(), progress.is_kept()) {
        (_, true) if progress.may_leave() => {
            "Your answer is safely on its way. You may close this page now. You can stay, or come \
             back to this page on this device until a day after the round, to see the result and \
             that your answer was counted."
        }
        (_, false) if progress.may_leave() => {
            "Your answer is safely on its way. You may close this page now, or stay to see the \
             result."
        }
        (None, true) => {
            "Please keep this page open until the result is here: your browser may be needed to \
             add up the shares. If it gets closed, come back soon: the page goes on where it was."
        }
        (None, false) => {
            "Please keep this page open until the result is here: your browser may be needed to \
             add up the shares."
        }
        (Some(committee), true) if committee.is_member => {
            "Please keep this page open until the result is here: your browser is one of those \
             that add up the shares. If it gets closed, come back soon: the page goes on where it \
             was."
        }
        (Some(committee), false) if committee.is_member => {
            "Please keep this page open until the result is here: your browser is one of those \
             that add up the shares."
        }
        (Some(_), _) => "Please keep this page open until your answer is on its way.",
    }
}

/// Most browsers show a sentence of their own instead.
pub(crate) const LEAVING: &str =
    "The round is not finished. If you leave now, come back soon: others wait for you.";

pub(crate) fn closes_in(seconds: u64, phase: Phase) -> String {
    let what = match phase {
        Phase::Enrolling => "Enrolment closes",
        Phase::Contributing => "Contributing closes",
        Phase::Verifying | Phase::Aggregating | Phase::Published | Phase::Ended => "The round ends",
    };
    match seconds {
        0 => format!("{what} now."),
        1 => format!("{what} in 1 second at the latest."),
        2..=119 => format!("{what} in {seconds} seconds at the latest."),
        // Rounded up: it is said to be the latest.
        120..=7_199 => format!("{what} in {} minutes at the latest.", seconds.div_ceil(60)),
        _ => format!("{what} in {} hours at the latest.", seconds.div_ceil(3_600)),
    }
}

// The safety words.

pub(crate) const WORDS_TITLE: &str = "Compare these eight words";
pub(crate) const WORDS_LEAD: &str = "Everybody taking part sees these eight words; if yours differ, \
    stop. Read them aloud, in the room or on the phone.";
pub(crate) const WORDS_FIRST: &str = "Nothing of your answer has been sent.";
pub(crate) const WORDS_MATCH: &str = "They match";
pub(crate) const WORDS_DIFFER: &str = "They differ";
pub(crate) const COPY_WORDS: &str = "Copy the words";
pub(crate) const COPIED: &str = "Copied";
pub(crate) const NOT_COPIED: &str = "This browser does not allow copying";
pub(crate) const WORDS_AGAIN: &str = "The eight words, to compare at any time";
/// What it means to stop then.
pub(crate) const WORDS_LEAVE: &str = "“They differ” leaves the round for good and warns the others. An \
    answer that the hospital has stored may still be counted.";

/// How many people should see the words: a hospital that answered itself would be one too many.
pub(crate) fn words_how_many(progress: &Progress) -> Option<String> {
    let committee = progress.committee()?;
    let (members, one) =
        (committee.members, if committee.is_member { ", and you are one of them" } else { "" });
    Some(format!(
        "{members} people hold the shares{one}. Count yourselves: if you are fewer, somebody \
         unknown is among them, and you should stop as well."
    ))
}

/// What becomes of the words; empty once they are there.
pub(crate) fn words_working(progress: &Progress) -> &'static str {
    match progress.words_standing() {
        Words::Computing => "Working out the words. This takes a few seconds …",
        Words::InPage => {
            "This browser cannot work out the words in the background, so this page stands still \
             for a few seconds …"
        }
        Words::Known(_) => "",
        Words::Unavailable => {
            "There is not enough memory on this device to work out the words, so your answer is not sent. \
             Please close other tabs and programs, and load this page again."
        }
    }
}

/// The warning that others' words differ.
pub(crate) fn disputed(progress: &Progress) -> Option<String> {
    let who = match progress.disputes() {
        0 => return None,
        1 => "Somebody taking part says that their words differ.".to_owned(),
        many => format!("{many} people taking part say that their words differ."),
    };
    Some(format!("{who} Compare aloud again; if anybody’s differ, stop."))
}

// Coming and going.

pub(crate) const CONNECTION_LOST: &str = "The connection to the hospital is lost.";

pub(crate) const PLACES_KEPT: &str = "The last places are kept for people who were here before you \
    and whose connection broke.";

/// That the connection is lost, and when the next attempt comes, or that there is no place; empty if
/// all is well.
pub(crate) fn lost(progress: &Progress, now_ms: f64) -> String {
    match progress.retry_in(now_ms) {
        _ if progress.waits_for_a_place() => PLACES_KEPT.to_owned(),
        None => String::new(),
        Some(0) => format!("{CONNECTION_LOST} Trying again now …"),
        Some(1) => format!("{CONNECTION_LOST} Trying again in 1 second."),
        Some(seconds) => format!("{CONNECTION_LOST} Trying again in {seconds} seconds."),
    }
}

pub(crate) fn safe_meanwhile(safety: Safety) -> &'static str {
    match safety {
        Safety::NotAnswered => {
            "Nothing has been sent. You can go on here; an answer that you give now is sent as soon \
             as the connection is back."
        }
        Safety::Comparing => {
            "Nothing of your answer has been sent. You can go on comparing the words."
        }
        Safety::NoPlace => {
            "Your answer is not counted yet. If one of them does not come back you get the place: \
             please keep this page open, it asks again by itself."
        }
        Safety::WrittenDown => {
            "Your answer is written down on this device, and is sent as soon as the connection is \
             back. You need not do anything."
        }
        Safety::InThisPage => {
            "Your answer is sent as soon as the connection is back. Please keep this page open: \
             this browser does not write it down."
        }
        Safety::Stored => "The hospital has your encrypted answer. You need not do anything.",
    }
}

pub(crate) const RESUMED: &str = "You are back. This page goes on with the answer that you gave \
    before, where it was.";

/// After the browser's own trouble.
pub(crate) const NOT_KEPT: &str = "You can also take part as it is. Then please keep this page open \
    until the result is here, and do not reload it: you could not come back to your answer.";

/// After the browser's own trouble.
pub(crate) const NOT_ERASED: &str = "The round is over, but this browser could not erase what it \
    kept of it. To be on the safe side, clear this site’s data in the browser’s settings.";

pub(crate) const LEAVE: &str = "Leave the round for good";
pub(crate) const LEAVE_WHAT: &str = "Closing the page is not leaving: you could come back. If you \
    leave, this device erases your answer and keys and cannot come back to this round. An answer \
    that the hospital has stored may still be counted, and the others may be missing you when the \
    shares are added up.";
pub(crate) const LEAVE_NOW: &str = "Leave now, for good";

pub(crate) const ORPHANS_TITLE: &str = "You have answered before?";

/// An answer of a tab that was closed.
pub(crate) fn orphan(title: &str, when: &str) -> String {
    format!(
        "Somebody answered “{title}” on this device ({when}). If that was you, take your answer up \
         again: you can go on where you were, and see the result."
    )
}

pub(crate) const TAKE_UP: &str = "Take it up again";
pub(crate) const NOT_MINE: &str = "Not mine";
pub(crate) const ORPHAN_GONE: &str = "That answer is open in another tab, or its round is over.";

pub(crate) const MAY_OPEN: &str = "A new round may open soon; this page will tell you.";
pub(crate) const INVITED_ONCE: &str = "An invitation is good for one round. For another round you need \
    another invitation.";

// What left the device.

pub(crate) const DISCLOSURE_TITLE: &str = "What left this device";
pub(crate) const DISCLOSURE_LEFT: &str = "Left";
pub(crate) const DISCLOSURE_STAYED: &str = "Did not leave";

pub(crate) const LEFT_KEYS: &str = "The public keys of this tab, made for this round only";

pub(crate) fn left_shares(shares: u32) -> String {
    let shares = number::whole(shares.into());
    format!("Encrypted shares of your answer, each for one browser only: {shares}")
}

pub(crate) fn left_verifications(verifications: u32) -> String {
    let verifications = number::whole(verifications.into());
    format!(
        "Reports on whether the answers are valid, which say nothing else of them: {verifications}"
    )
}

pub(crate) fn left_partials(partials: u32) -> String {
    let partials = number::whole(partials.into());
    format!("Partial sums, over the shares of all people that this tab held: {partials}")
}

/// `resumed`: only what left since then is known.
pub(crate) fn left_bytes(bytes: u64, resumed: bool) -> String {
    let bytes = number::whole(bytes.into());
    if resumed {
        format!("Bytes since you came back to this page: {bytes}")
    } else {
        format!("Bytes in all: {bytes}")
    }
}

pub(crate) const STAYED: [&str; 3] =
    ["Your answer", "The secret keys of this tab", "The shares that other people sent to you"];
