//! The questionnaire, from what it is about to the answers on their way.

use leptos::prelude::*;
use wardsum_peer::protocol::Study;

use super::connection::not_kept_notice;
use super::parts::paragraph;
use super::question_page::question_page;
use super::review::review;
use super::terms::terms;
use crate::dom::{View, element, live};
use crate::draft::{Draft, Page};
use crate::erased::{effect, memo};
use crate::visit::Visit;
use crate::{browser, text};

/// What is put down so far, and what is wrong with it. Copying it copies only the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet {
    pub(crate) study: StoredValue<Study>,
    pub(crate) draft: RwSignal<Draft>,
    /// The questions whose answers are none, and why.
    pub(crate) problems: RwSignal<Vec<Problem>>,
}

/// A question, by its number, and what is wrong with its answer.
pub(crate) type Problem = (usize, crate::answer::AnswerProblem);

/// What outlives the sheet, which is drawn anew in another language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutDown {
    pub(crate) draft: RwSignal<Draft>,
    problems: RwSignal<Vec<Problem>>,
}

impl PutDown {
    /// Nothing so far.
    pub(crate) fn nothing() -> Self {
        Self { draft: RwSignal::new(Draft::default()), problems: RwSignal::new(Vec::new()) }
    }
}

impl Sheet {
    /// The sheet of a study, with what is put down, or else with what the tab has kept of it.
    pub(crate) fn of(study: Study, PutDown { draft, problems }: PutDown) -> Self {
        if draft.with_untracked(|draft| *draft == Draft::default()) {
            let kept = browser::draft(&study.digest().to_string());
            if let Some(kept) = kept.and_then(|kept| Draft::read(&kept, study.form())) {
                draft.set(kept);
            }
        }
        let sheet = Self { study: StoredValue::new(study), draft, problems };
        let digest = sheet.study.with_value(|study| study.digest().to_string());
        effect(move || {
            let written =
                sheet.draft.with(|draft| (*draft != Draft::default()).then(|| draft.write()));
            if let Some(written) = written {
                browser::keep_draft(&digest, &written);
            }
        });
        sheet
    }

    /// Turns to a page, and to what is named on it.
    pub(crate) fn turn_to(self, page: Page, focus: &str) {
        self.problems.set(Vec::new());
        self.draft.update(|draft| {
            draft.page = page;
            draft.reviewed |= page == Page::Review;
        });
        browser::focus_soon(focus);
    }

    /// Turns to the page after this one, if all questions with these numbers are answered; else to the first one
    /// that is not.
    pub(crate) fn go_on(self, section: Option<usize>) {
        let (problems, next) = self.study.with_value(|study| {
            let form = study.form();
            self.draft.with_untracked(|draft| {
                let items =
                    section.into_iter().flat_map(|section| crate::draft::items_of(form, section));
                (draft.problems(items), draft.next(form))
            })
        });
        match problems.first() {
            Some((first, _)) => {
                browser::focus_soon(&field_id("answer", *first));
                self.problems.set(problems);
            }
            None => self.turn_to(next, page_title(next)),
        }
    }

    /// Turns back to the page before this one.
    pub(crate) fn go_back(self) {
        let form_page =
            |study: &Study| self.draft.with_untracked(|draft| draft.previous(study.form()));
        let page = self.study.with_value(form_page);
        self.turn_to(page, page_title(page));
    }
}

/// What something of a question is called on the page: of the first one `answer`, of the second one `answer-2`.
pub(crate) fn field_id(what: &str, number: usize) -> String {
    if number == 0 { what.to_owned() } else { format!("{what}-{}", number + 1) }
}

/// The heading of a page, which takes the focus.
fn page_title(page: Page) -> &'static str {
    match page {
        Page::Terms => "terms-title",
        Page::Section(_) => "section-title",
        Page::Review => "review-title",
    }
}

/// The questionnaire of a study that takes answers.
pub(crate) fn asking(sheet: Sheet, visit: Visit) -> View {
    let refused = RwSignal::new(false);
    let progress = visit.progress();
    let page = memo(move || sheet.draft.with(|draft| draft.page));
    let send = move || {
        let form =
            |study: &Study| sheet.draft.with_untracked(|draft| draft.responses(study.form()));
        let Some(responses) = sheet.study.with_value(form) else { return };
        // The form has checked the answers, so this fails only if the round closed in this very
        // moment.
        match visit.answer(responses) {
            Ok(()) => browser::focus_soon("stages-title"),
            Err(_) => refused.set(true),
        }
    };
    let content = live(move || match page.get() {
        Page::Terms => terms(sheet, progress),
        Page::Section(section) => question_page(sheet, section, progress),
        Page::Review => review(sheet, progress, send),
    });
    let refusal =
        live(move || refused.get().then(|| paragraph(text::answer_refused()).class("problem")));
    [not_kept_notice(progress), content, element("div").attr("role", "alert").with(refusal).into()]
        .into()
}
