//! The page that a patient sees.
//!
//! `progress`, `answer`, `draft`, `fhir` and `number` are plain values without a browser and are tested natively;
//! `visit` connects them to a peer; `components` draw them; `text` says which sentence when, and `language` in which language.
//!
//! # For tests
//!
//! These attributes are part of the page's interface. Numbers in `data-value` are plain: no
//! separators, ASCII minus.
//!
//! | element | attributes |
//! |---|---|
//! | `#app` | `data-state`: `booting`, `loading`, `unreachable`, `no-studies`, `choose`, |
//! | | `bad-invitation`, `interrupted`, |
//! | | `unknown-study`, `connecting`, `asking`, `confirming`, `too-late`, `comparing`, `running`, |
//! | | `published`, `failed` |
//! | `#boot-no-wasm`, `#boot-failed`, | shown when the page cannot start; `data-code` |
//! | `#boot-altered`, `[data-testid=no-script]` | |
//! | `#about`, `#fingerprint` | the page's fingerprint, in the footer |
//! | `#stopped[data-code=page-stopped]` | shown in the place of `#app` after a panic; with `#reload` |
//! | `[data-testid=study-link]` | a study to choose, `data-study` |
//! | `[data-testid=admission]` | whether the study is open or for the invited, and what that means |
//! | `[data-testid=small-numbers]` | the rule for small numbers, where there is one |
//! | `#take-part`, `#back` | the buttons to the next page of the questionnaire, and back |
//! | `#section-title [data-testid=far]` | how far one is |
//! | `#question` | a question, of which all ids end with `-N` from the second one on: |
//! | `#answer` | its field for a number, or the first of its options |
//! | `input[name=choice][value=N]` | its options, from 0 on (yes is 0, no is 1); `none`: prefers not to answer |
//! | `input[name=decline]` | the same for a number and for several options |
//! | `input[name=scale][value=N]` | with a small range of numbers, radio buttons that follow the field |
//! | `#answer-problem` | what is wrong with the answer, `data-code`: `empty`, `not-whole`, |
//! | | `not-a-number`, `not-a-step`, `out-of-range`, `too-many` |
//! | `#confirm`, `[data-testid=confirm-value][data-value]` | the answers, before they are sent |
//! | `#send`, `#change`, `#own-copy` | its buttons, and a copy of the answers for the patient |
//! | `#room[data-present][data-needed]` | how many have come, while the question is asked |
//! | `#words`, `#words-again` | the eight safety words, `ol.words li`: while they are compared, and later |
//! | `#words-match`, `#words-differ`, | what is said of them, the latter in both places; copies them |
//! | `#words-copy` | |
//! | `#disputed:not([hidden])` | the warning that somebody's words differ |
//! | `#stages li[data-stage]` | `connected`, `waiting`, `committee`, `words`, `sent`, `shares`, |
//! | | `partial`, `result`; `data-state`: `pending`, `current`, `done`, `skipped`, `failed` |
//! | `#connection:not([hidden])` | the connection is lost; `[data-testid=retry]` says when the next |
//! | | attempt comes |
//! | `[data-testid=resumed]:not([hidden])` | says that the visit goes on with an earlier answer |
//! | `#not-kept:not([hidden])` | why this browser keeps nothing, before the answer is given |
//! | `#orphans:not([hidden])` | answers of closed tabs, each with buttons `[data-testid=take-up]`, |
//! | | `-not-mine` |
//! | `#kept-problem:not([hidden])` | why one could not be taken up, or what is lost of this tab |
//! | `#leave-round`, `#leave-now` | leaving for good: what opens the explanation, and the button |
//! | `[data-testid=result-checked]` | what is known of the result, wrong partial sums included |
//! | `[data-testid=countdown]` | the seconds until a phase closes |
//! | `[data-testid=result-count]`, `-sum`, `-mean`, `-deviation` | `data-value`; in the tab that took part after a |
//! | | reload too |
//! | `[data-finding=ID]` | what was found out about a question or score |
//! | `tr[data-answer] [data-value]` | how many gave an answer; without the attribute where it is not published |
//! | `[data-testid=advice]` | whether the page must stay open |
//! | `[data-testid=too-late]` | says that no answers are taken; `data-code`: `closing`, `over`, |
//! | | `round-ended`, `full` |
//! | `[data-testid=latest-result]` | the previous round's result, where no answers are taken |
//! | `[data-testid=left-shares]`, `-bytes`, `-partials` | `data-value`: what left this device |
//! | `#failure` | `data-code`: see `trouble::Trouble::code` |
//! | `#try-again`, `#next-round` | buttons that start over |
//! | `#language button[lang=TAG]` | speaks another language; `aria-pressed` says which is spoken |
//! | `#language-failed:not([hidden])` | a language could not be loaded |
//! | `#live` | the live region for screen readers |

#[cfg(test)]
#[path = "../build.rs"]
#[allow(dead_code, reason = "its `main` is for cargo")]
mod build_script;

mod answer;
mod api;
mod app;
mod browser;
mod components;
mod dom;
mod draft;
mod erased;
mod fhir;
mod language;
mod next_round;
mod number;
mod panic;
mod progress;
mod text;
mod trouble;
mod visit;

fn main() {
    // The worker that computes the safety words loads this program, too, and has nothing to draw on.
    if web_sys::window().is_none() {
        return;
    }
    panic::install_hook();
    wasm_bindgen_futures::spawn_local(async {
        // It is loaded already, or this program would not have been started.
        if language::speak(&browser::language()).await {
            browser::remove_boot_notice();
            leptos::mount::mount_to_body(|| dom::mount(app::app()));
        }
    });
}
