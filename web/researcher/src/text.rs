//! Every sentence of the page.

use crate::model::StudyState;
use crate::questionnaire::Kind;
use crate::route::Route;

/// The language of the page, as questionnaires name it, and how it writes dates and numbers.
pub(crate) const LANGUAGE: &str = "en";
pub(crate) const LOCALE: &str = "en-GB";

pub(crate) const PRODUCT: &str = "Wardsum for researchers";
pub(crate) const SKIP_TO_CONTENT: &str = "Skip to content";
pub(crate) const NAVIGATION: &str = "Views";
pub(crate) const FOOTER: &str =
    "You see what rounds have found out, never what one person has answered.";
pub(crate) const LOADING: &str = "Loading …";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const NOT_HAD: &str = "This could not be had";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const REFRESH: &str = "Refresh";
pub(crate) const YES: &str = "Yes";
pub(crate) const NO: &str = "No";

/// The browser's tab.
pub(crate) fn page_title(route: Option<Route>) -> String {
    let view = match route {
        None => SIGN_IN_TITLE.to_owned(),
        Some(Route::Studies) => STUDIES.to_owned(),
        Some(Route::New) => NEW_STUDY.to_owned(),
        Some(Route::Study(id)) => id,
        Some(Route::Results { study, .. }) => format!("{RESULTS} – {study}"),
        Some(Route::Audit) => AUDIT_LOG.to_owned(),
    };
    format!("{view} – {PRODUCT}")
}

// What goes wrong.

pub(crate) const UNREACHABLE: &str =
    "The hospital's server cannot be reached. Check your connection and try again.";

pub(crate) fn unexpected(status: u16) -> String {
    format!(
        "The hospital's server has given an answer that this page does not understand (status {status})."
    )
}

// Signing in.

pub(crate) const SIGN_IN_TITLE: &str = "Sign in";
pub(crate) const SIGN_IN_LEAD: &str = "Enter the token that you were given. Whoever runs the hospital's server makes one with \
     “hospital researcher add”.";
pub(crate) const TOKEN: &str = "Your token";
pub(crate) const TOKEN_KEPT: &str =
    "The page keeps it only until you sign out, or close or reload this tab. It is stored nowhere.";
pub(crate) const TOKEN_MISSING: &str = "Enter your token.";
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGNING_IN: &str = "Signing in …";
pub(crate) const SIGN_OUT: &str = "Sign out";
pub(crate) const SIGNED_OUT: &str = "You have been signed out";
pub(crate) const TOKEN_ENDED: &str = "Your token has expired or was revoked. Ask for another one.";
pub(crate) const EDITOR: &str = "editor";
pub(crate) const VIEWER: &str = "viewer, looks and changes nothing";
pub(crate) const VIEWERS_LOOK: &str = "Your token is a viewer's: you see everything and change nothing. An editor can change studies.";

pub(crate) fn token_refused(why: &str) -> String {
    format!("The token is not accepted: {why}.")
}

pub(crate) fn page_not_allowed(why: &str) -> String {
    format!("The hospital does not let this page sign in: {why}.")
}

pub(crate) fn too_many_tokens(why: &str) -> String {
    format!("The hospital takes no token from here at the moment: {why}.")
}

pub(crate) fn expires(date: &str) -> String {
    format!("token valid until {date}")
}

// Studies.

pub(crate) const STUDIES: &str = "Studies";
pub(crate) const NEW_STUDY: &str = "New study";
pub(crate) const NO_STUDIES: &str = "There are no studies yet.";
pub(crate) const BACK_TO_STUDIES: &str = "All studies";
pub(crate) const INVITED: &str = "for invited people";
pub(crate) const FOR_EVERYBODY: &str = "open to everybody";
pub(crate) const ABOUT_STUDY: &str = "About this study";
pub(crate) const STATE: &str = "State";
pub(crate) const ID: &str = "Id";
pub(crate) const ADMISSION: &str = "Who may take part";
pub(crate) const ORGANISATION: &str = "Who asks";
pub(crate) const QUESTIONS: &str = "Questions";
pub(crate) const MINIMUM_COHORT: &str = "Fewest people for a result";
pub(crate) const MINIMUM_CELL: &str = "Fewest people behind a number";
pub(crate) const MADE: &str = "Made";
pub(crate) const WHAT_IS_ASKED: &str = "What is asked";

pub(crate) fn made(by: &str, date: &str) -> String {
    format!("by {by}, {date}")
}

pub(crate) fn state(state: StudyState) -> &'static str {
    match state {
        StudyState::Draft => "draft",
        StudyState::Open => "open",
        StudyState::Closed => "closed",
        StudyState::Archived => "archived",
    }
}

pub(crate) fn round_in_short(round: u32, phase: &str, contributed: u32) -> String {
    format!("Round {round}: {phase}, {contributed} answered")
}

/// Where a round stands, by the name that the hospital gives it.
pub(crate) fn phase(name: &str) -> &str {
    match name {
        "enrolling" => "people are coming, the committee is not fixed yet",
        "contributing" => "the committee is fixed, answers are taken",
        "verifying" => "the committee checks the answers",
        "aggregating" => "the committee adds up",
        "published" => "published",
        "ended" | "failed" => "ended without a result",
        other => other,
    }
}

pub(crate) fn phase_of_round(round: u32, phase: &str) -> String {
    format!("Round {round}: {phase}")
}

// The live view.

pub(crate) const CURRENT_ROUND: &str = "Current round";
pub(crate) const PUSHED: &str = "Live";
pub(crate) const NOT_PUSHED: &str = "Connecting; the figures may be old";
pub(crate) const NOTHING_PUSHED: &str = "Not served any more";
pub(crate) const CONNECTED: &str = "Connected now";
pub(crate) const ENROLLED: &str = "Enrolled";
pub(crate) const COMMITTEE_PRESENT: &str = "Committee present";
pub(crate) const CONTRIBUTED: &str = "Contributed";
pub(crate) const VERIFIED: &str = "Members who have checked all answers";
pub(crate) const PARTIALS: &str = "Partial sums";
pub(crate) const REJECTED_INVALID: &str = "Not counted: not a valid answer";
pub(crate) const REJECTED_DISPUTED: &str = "Not counted: in dispute";
pub(crate) const SUSPENDED: &str =
    "The round stands still, because the hospital cannot store anything at the moment.";
pub(crate) const PUBLISHED: &str = "The result is published.";

pub(crate) fn of_committee(present: u32, size: u32, threshold: u32) -> String {
    format!("{present} of {size} ({threshold} needed)")
}

pub(crate) fn closes_at(date: &str) -> String {
    format!("This phase closes at the latest at {date}")
}

pub(crate) fn time_left(ms: f64) -> String {
    // A browser's clock may be ahead of the hospital's.
    let seconds = (ms / 1000.0).max(0.0).floor();
    let (hours, minutes) = ((seconds / 3600.0).floor(), (seconds / 60.0).floor() % 60.0);
    match (hours, minutes) {
        (0.0, 0.0) => format!("{seconds} s left"),
        (0.0, minutes) => format!("{minutes} min {} s left", seconds % 60.0),
        (hours, minutes) => format!("{hours} h {minutes} min left"),
    }
}

pub(crate) fn round_ended(why: &str) -> String {
    format!("The round has ended without a result: {why}.")
}

// What can be done.

/// A button, and what is asked before it does something.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) yes: &'static str,
    pub(crate) title: &'static str,
    pub(crate) consequence: &'static str,
}

pub(crate) const ACTIONS: &str = "What you can do";
pub(crate) const ACTIONS_LEAD: &str = "Each button asks once more before it does anything.";
pub(crate) const IN_THE_FILE: &str = "This study is in the hospital's studies file, and is opened and closed there. Its round can be \
     moved on here.";

pub(crate) const CLOSE_ENROLMENT: Asking = Asking {
    yes: "Fix the committee",
    title: "Fix the committee now?",
    consequence: "Whoever is enrolled becomes the committee. Others can still answer until contributing closes.",
};
pub(crate) const CLOSE_CONTRIBUTING: Asking = Asking {
    yes: "Take no more answers",
    title: "Take no more answers?",
    consequence: "What has been answered so far is counted. Nobody can answer in this round any more.",
};
pub(crate) const END_ROUND: Asking = Asking {
    yes: "End the round without a result",
    title: "End the round without a result?",
    consequence: "All answers of this round are lost, and nothing is published. This cannot be undone.",
};
pub(crate) const OPEN_STUDY: Asking = Asking {
    yes: "Open the study",
    title: "Open the study?",
    consequence: "Its first round begins, and it cannot be changed any more.",
};
pub(crate) const CLOSE_STUDY: Asking = Asking {
    yes: "Close the study",
    title: "Close the study?",
    consequence: "No further round opens. The current one goes on to its end. This cannot be undone.",
};
pub(crate) const ARCHIVE_STUDY: Asking = Asking {
    yes: "Archive the study",
    title: "Archive the study?",
    consequence: "It is not served any more; a draft is dropped. Published results stay. This cannot be undone.",
};
pub(crate) const OPENED: &str = "The study is open.";
pub(crate) const CLOSED: &str = "The study is closed.";
pub(crate) const ARCHIVED: &str = "The study is archived.";

// Taking part.

pub(crate) const SHARE: &str = "Link for patients";
pub(crate) const SHARE_LEAD: &str = "Whoever opens this address can take part.";
pub(crate) const INVITED_LINKS: &str = "Each patient takes part by a link of their own, which the authority has made with “hospital invite”.";
pub(crate) const COPY_LINK: &str = "Copy the link";
pub(crate) const QR: &str = "QR code of the address beside it";

pub(crate) fn copied(allowed: bool) -> &'static str {
    if allowed { "Copied" } else { "The browser does not allow it; select the address and copy it" }
}

// Who invites.

pub(crate) const AUTHORITY: &str = "Who invites";
pub(crate) const AUTHORITY_KNOWN: &str = "The authority is known. The study can be opened.";
pub(crate) const AUTHORITY_MISSING: &str =
    "The authority is not known yet. The study cannot be opened before.";
pub(crate) const AUTHORITY_STEP_FILE: &str = "Give the authority this study's file:";
pub(crate) const STUDY_FILE: &str = "Download the study file";
pub(crate) const AUTHORITY_STEP_INVITE: &str = "The authority makes the invitations from it, with “hospital invite”, on a computer that \
     is not the hospital's.";
pub(crate) const AUTHORITY_STEP_KEY: &str =
    "It gives you back the study file that was made, which has its public key. Never its key file.";
pub(crate) const AUTHORITY_FILE: &str = "The study file that the authority has made";
pub(crate) const AUTHORITY_FILE_HINT: &str =
    "Only the lines “authority” and “instance” are taken from it.";
pub(crate) const NO_AUTHORITY_IN_FILE: &str = "This file does not say who the authority is. Choose the study file that “hospital invite” has made.";
pub(crate) const AUTHORITY_KEY: &str = "The authority's public key";
pub(crate) const INSTANCE: &str = "The round's instance";
pub(crate) const INSTANCE_HINT: &str = "Invitations are bound to it.";
pub(crate) const SET_AUTHORITY: &str = "Set the authority";
pub(crate) const AUTHORITY_SET: &str = "The authority is set.";

// Making a study.

pub(crate) const WHAT: &str = "What and who";
pub(crate) const STUDY_ID: &str = "Id";
pub(crate) const STUDY_ID_HINT: &str =
    "Names the study in addresses: letters from a to z, digits and hyphens.";
pub(crate) const TITLE: &str = "Title";
pub(crate) const TITLE_HINT: &str =
    "With a questionnaire from a file: leave it empty to keep the file's, in all its languages.";
pub(crate) const INTRODUCTION: &str = "Introduction";
pub(crate) const INTRODUCTION_HINT: &str =
    "What is asked and why, and who learns it. Patients read it before they answer.";
pub(crate) const QUESTIONNAIRE: &str = "Questionnaire";
pub(crate) const FROM: &str = "Where it comes from";
pub(crate) const FROM_BUILDER: &str = "Build it here";
pub(crate) const FROM_FILE: &str = "From a file";
pub(crate) const QUESTIONNAIRE_FILE: &str = "The file";
pub(crate) const QUESTIONNAIRE_FILE_HINT: &str =
    "A Questionnaire of FHIR R4 (JSON), or TOML or JSON in Wardsum's own shape.";
pub(crate) const FILE_TOO_LONG: &str = "This file is longer than a questionnaire can be.";
pub(crate) const FILE_UNREADABLE: &str = "The browser could not read this file. Choose it again.";
pub(crate) const FILE_WRONG: &str = "This file cannot be asked as it is. Nothing was made of it.";
pub(crate) const NO_QUESTIONNAIRE: &str = "Choose a questionnaire that can be asked first.";
pub(crate) const WRONG_FIELDS: &str =
    "Something is not right yet; it is shown at its field. Nothing was made.";
pub(crate) const CAN_BE_ASKED: &str = "The questionnaire can be asked. The preview shows it.";
pub(crate) const PREVIEW: &str = "Preview";
pub(crate) const PREVIEW_LEAD: &str =
    "The questions as patients are asked them. You can try the controls; nothing is sent.";
pub(crate) const MAKE: &str = "Make the study";
pub(crate) const CHECK: &str = "Check and preview";
pub(crate) const CREATE: &str = "Make and open it";
pub(crate) const CREATE_DRAFT: &str = "Make a draft";
pub(crate) const MAKE_HINT: &str =
    "A draft can be looked at before it is opened. A study for invited people begins as a draft.";

pub(crate) fn made_now(title: &str) -> String {
    format!("{title} is made.")
}

pub(crate) fn file_checked(problems: usize) -> String {
    match problems {
        0 => CAN_BE_ASKED.to_owned(),
        1 => "There is 1 problem with the file.".to_owned(),
        problems => format!("There are {problems} problems with the file."),
    }
}

/// Where on the form something is, as people count: `section[0].item[1].text` is that of the second question.
pub(crate) fn place(place: &str) -> String {
    let part = |part: &str| match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, number)) => {
            let name = match name {
                "section" => "Section",
                "item" => "question",
                "score" => "Score",
                name => name,
            };
            number
                .parse::<usize>()
                .map_or(part.to_owned(), |number| format!("{name} {}", number + 1))
        }
        None => part.replace('_', " "),
    };
    let parts = place.split('.').filter(|part| !part.is_empty()).map(part).collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!("{}:", parts.join(", ")) }
}

pub(crate) fn file_place(place: &str, line: Option<u32>) -> String {
    match (place, line) {
        ("", None) => "The file:".to_owned(),
        ("", Some(line)) => format!("Line {line}:"),
        (place, None) => format!("{place}:"),
        (place, Some(line)) => format!("Line {line}, {place}:"),
    }
}

pub(crate) const RULES: &str = "Rules";
pub(crate) const MINIMUM_COHORT_HINT: &str = "At least 3.";
pub(crate) const MAXIMUM_COHORT: &str = "Most people";
pub(crate) const MINIMUM_CELL_HINT: &str =
    "Numbers about fewer are not published. 1 hides nothing.";
pub(crate) const COMMITTEE_CAP: &str = "Largest committee";
pub(crate) const COMMITTEE_CAP_HINT: &str = "How many people hold shares at most, 3 to 255.";
pub(crate) const INVITED_ONLY: &str = "Only for invited people";
pub(crate) const INVITED_ONLY_HINT: &str =
    "An authority that is not the hospital makes the invitations.";
pub(crate) const REOPEN: &str = "Open a new round when one is over";
pub(crate) const REOPEN_HINT: &str = "Not for invited people: an invitation is for one round.";
pub(crate) const ADDITIVE: &str = "The whole committee has to stay";
pub(crate) const ADDITIVE_HINT: &str =
    "Otherwise up to a third of it may be lost (threshold sharing).";
pub(crate) const ENROLMENT: &str = "When the committee is fixed";
pub(crate) const ENROLMENT_HINT: &str = "Whichever comes first.";
pub(crate) const CONTRIBUTING: &str = "When no more answers are taken";
pub(crate) const CONTRIBUTING_HINT: &str = "Whichever comes first.";
pub(crate) const COUNT: &str = "As soon as this many people are there";
pub(crate) const SETTLE: &str = "Seconds without anybody new, once enough are there";
pub(crate) const DEADLINE: &str = "Hours at most (a day if empty)";
pub(crate) const BY_COMMAND: &str = "Also when somebody presses the button here";

// Building a questionnaire.

pub(crate) const LANGUAGE_OF_TEXTS: &str = "Language of the texts";
pub(crate) const LANGUAGE_HINT: &str =
    "A tag such as en or de. Questionnaires in several languages come from a file.";
pub(crate) const ADD_SECTION: &str = "Add a section";
pub(crate) const REMOVE_SECTION: &str = "Remove this section";
pub(crate) const SECTION_TITLE: &str = "Title of the section, if it has one";
pub(crate) const HELP: &str = "More to read below it, if there is";
pub(crate) const ADD_ITEM: &str = "Add a question";
pub(crate) const REMOVE_ITEM: &str = "Remove this question";
pub(crate) const UP: &str = "Move up";
pub(crate) const DOWN: &str = "Move down";
pub(crate) const ITEM_TEXT: &str = "The question";
pub(crate) const ITEM_ID: &str = "Id in files";
pub(crate) const ITEM_ID_HINT: &str = "Letters from a to z, digits, and -._/";
pub(crate) const KIND: &str = "What is answered";
pub(crate) const OPTIONAL: &str = "May be left out";
pub(crate) const MIN: &str = "Smallest";
pub(crate) const MAX: &str = "Largest";
pub(crate) const STEP: &str = "Step";
pub(crate) const STEP_HINT: &str = "1 if empty.";
pub(crate) const UNIT: &str = "Unit";
pub(crate) const SQUARES: &str = "Find out the standard deviation too";
pub(crate) const SQUARES_HINT: &str = "Costs each patient more work.";
pub(crate) const LOWEST: &str = "What the smallest number means";
pub(crate) const HIGHEST: &str = "What the largest number means";
pub(crate) const OPTION: &str = "Option";
pub(crate) const OPTION_VALUE: &str = "Points";
pub(crate) const OPTION_VALUE_HINT: &str =
    "Points count in scores. Leave them empty if there are none.";
pub(crate) const ADD_OPTION: &str = "Add an option";
pub(crate) const AT_MOST: &str = "How many may be chosen";
pub(crate) const AT_MOST_HINT: &str = "All of them if empty.";
pub(crate) const GROUPS: &str = "Tell people apart by this answer";
pub(crate) const GROUPS_HINT: &str = "Every other result is then shown for each answer to this question. Only one question can do that.";
pub(crate) const ADD_SCORE: &str = "Add a score";
pub(crate) const REMOVE_SCORE: &str = "Remove this score";
pub(crate) const SCORE_TITLE: &str = "Title of the score";
pub(crate) const SCORE_ITEMS: &str = "Questions that it adds up";
pub(crate) const DISTRIBUTION: &str = "Find out how many have each value";
pub(crate) const DISTRIBUTION_HINT: &str = "Otherwise only mean and sum are found out.";
pub(crate) const SCORES: &str = "Scores";
pub(crate) const MAY_BE_LEFT_OUT: &str = "May be left out.";

pub(crate) fn section(number: usize) -> String {
    format!("Section {number}")
}

pub(crate) fn item(number: usize) -> String {
    format!("Question {number}")
}

pub(crate) fn score_number(number: usize) -> String {
    format!("Score {number}")
}

pub(crate) fn remove_option(number: usize) -> String {
    format!("Remove option {number}")
}

/// In a word, for the narrowest screen.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "Number",
        Kind::Scale => "Scale",
        Kind::YesNo => "Yes or no",
        Kind::Choice => "One option",
        Kind::Choices => "Several options",
    }
}

/// What is answered, by the name that files and the hospital give it.
pub(crate) fn kind_of(name: &str) -> &'static str {
    match name {
        "number" => "A number: mean and sum are found out",
        "scale" => "A scale: how many gave each number is found out",
        "yes-no" => "Yes or no",
        "choice" => "One of several options",
        "choices" => "Any of several options",
        "score" => "A score",
        _ => "",
    }
}

pub(crate) fn item_in_score(id: &str, text: &str) -> String {
    if text.is_empty() { id.to_owned() } else { format!("{text} ({id})") }
}

pub(crate) fn score(title: &str, items: usize) -> String {
    format!("{title}, over {items} questions")
}

pub(crate) fn grouped_by(question: &str) -> String {
    format!("People are told apart by their answer to: {question}")
}

pub(crate) fn from_to(min: &str, max: &str, unit: &str) -> String {
    format!("From {min} to {max} {unit}").trim_end().to_owned()
}

pub(crate) fn ends(lowest: &str, highest: &str) -> String {
    match (lowest, highest) {
        ("", "") => String::new(),
        (lowest, "") => format!("Smallest: {lowest}"),
        ("", highest) => format!("Largest: {highest}"),
        (lowest, highest) => format!("Smallest: {lowest}. Largest: {highest}"),
    }
}

// Results.

pub(crate) const RESULTS: &str = "Results";
pub(crate) const NO_RESULTS: &str = "No round has been published yet.";
pub(crate) const LAST_RESULTS: &str = "Results of the last round";
pub(crate) const OVER: &str = "Over since";
pub(crate) const COUNTED: &str = "Counted";
pub(crate) const EVERYBODY: &str = "Everybody";
pub(crate) const HIDDEN: &str = "hidden";
pub(crate) const ALL_HIDDEN: &str =
    "All of these numbers are hidden, because they tell of too few people.";
pub(crate) const ANSWER: &str = "Answer";
pub(crate) const MEAN: &str = "Mean";
pub(crate) const DEVIATION: &str = "Standard deviation";
pub(crate) const LOWER_QUARTILE: &str = "Lower quartile";
pub(crate) const MEDIAN: &str = "Median";
pub(crate) const UPPER_QUARTILE: &str = "Upper quartile";
pub(crate) const SUM: &str = "Sum";
pub(crate) const EXPORTS: &str = "Download";
pub(crate) const EXPORTS_LEAD: &str =
    "The transcript proves the result: “hospital verify” checks it without trusting anybody.";

pub(crate) fn back_to(study: &str) -> String {
    format!("Back to {study}")
}

pub(crate) fn round(number: u32) -> String {
    format!("Round {number}")
}

pub(crate) fn results_of(round: u32, count: Option<u32>) -> String {
    match count {
        Some(count) => format!("Round {round}: {count} answers"),
        None => format!("Round {round}"),
    }
}

pub(crate) fn answered(
    who: &str,
    answered: Option<u32>,
    missing: Option<u32>,
    people: Option<u32>,
) -> String {
    let number =
        |number: Option<u32>| number.map_or(HIDDEN.to_owned(), |number| number.to_string());
    let left_out = match missing {
        Some(0) => String::new(),
        missing => format!(", left out by {}", number(missing)),
    };
    format!("{who}: answered by {} of {}{left_out}", number(answered), number(people))
}

pub(crate) fn share(people: u32, share: &str, lower: &str, upper: &str) -> String {
    format!("{people} ({share} %, 95 % interval {lower} to {upper})")
}

pub(crate) fn table_of(question: &str) -> String {
    format!("Table: {question}")
}

pub(crate) fn counts_of(question: &str) -> String {
    format!("How many gave each answer: {question}")
}

pub(crate) fn numbers_of(question: &str, unit: &str) -> String {
    if unit.is_empty() {
        format!("In numbers: {question}")
    } else {
        format!("In {unit}: {question}")
    }
}

pub(crate) fn in_unit(unit: &str) -> String {
    if unit.is_empty() { "In numbers".to_owned() } else { format!("In {unit}") }
}

pub(crate) fn chart_of(question: &str) -> String {
    format!("Bars of the shares: {question}. The table below says the same in numbers.")
}

/// What can be downloaded, by the name that the hospital gives it.
pub(crate) fn export(name: &str) -> String {
    let known = match name {
        "transcript" => "Transcript",
        "csv" => "Results as CSV",
        "codebook" => "Codebook (CSV)",
        "json" => "Results as JSON",
        "measure-report" => "FHIR MeasureReport",
        "report" => "Report to print",
        other => other,
    };
    known.to_owned()
}

// The audit log.

pub(crate) const AUDIT_LOG: &str = "Audit log";
pub(crate) const AUDIT_LEAD: &str =
    "Everything that anybody has changed or tried to change, the newest first.";
pub(crate) const WHEN: &str = "When";
pub(crate) const WHO: &str = "Who";
pub(crate) const DID: &str = "Did what";
pub(crate) const DETAIL: &str = "To what, or with what";
pub(crate) const OLDER: &str = "Older entries";

pub(crate) fn entries_more(count: usize) -> String {
    format!("{count} entries loaded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_as_people_count() {
        assert_eq!(place(""), "");
        assert_eq!(place("minimum_cell"), "minimum cell:");
        assert_eq!(place("enrolment.settle_seconds"), "enrolment, settle seconds:");
        let option = "section[0].item[1].option[2].text";
        assert_eq!(place(option), "Section 1, question 2, option 3, text:");
        assert_eq!(place("score[0]"), "Score 1:");
    }

    #[test]
    fn time_is_told_in_the_units_that_matter() {
        assert_eq!(time_left(-5.0), "0 s left");
        assert_eq!(time_left(59_900.0), "59 s left");
        assert_eq!(time_left(61_000.0), "1 min 1 s left");
        assert_eq!(time_left(86_399_000.0), "23 h 59 min left");
    }
}
