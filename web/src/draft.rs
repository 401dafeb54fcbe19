//! What a patient has put down so far, and where in the questionnaire they are.
//!
//! It is kept in the tab until it is sent, so that reloading costs nobody their answers.

use wardsum_peer::protocol::form::{Form, ItemForm};
use wardsum_peer::protocol::questionnaire::Response;

use crate::answer::{AnswerProblem, Given};

/// What a patient has put down so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The page of the questionnaire.
    pub(crate) page: Page,
    /// Whether all answers have been looked through once: then one returns to them from any page.
    pub(crate) reviewed: bool,
    /// What is given, question by question.
    given: Vec<Given>,
}

/// A page of the questionnaire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    /// What is asked and why; a single question stands on it as well.
    #[default]
    Terms,
    /// The section with this number, from 0 on.
    Section(usize),
    /// All answers, before they are sent.
    Review,
}

/// Whether so little is asked that it stands on the first page.
pub(crate) fn is_short(form: &Form) -> bool {
    form.items().take(2).count() == 1
}

/// The questions of a section with their numbers, from 0 on through all sections.
pub(crate) fn items_of(form: &Form, section: usize) -> impl Iterator<Item = (usize, &ItemForm)> {
    let before = form.sections.iter().take(section).map(|section| section.items.len()).sum();
    let items = form.sections.get(section).into_iter().flat_map(|section| &section.items);
    (before..).zip(items)
}

impl Draft {
    /// What is given to the question with this number, from 0 on.
    pub(crate) fn given(&self, number: usize) -> &Given {
        self.given.get(number).unwrap_or(&Given::Nothing)
    }

    /// Puts something down.
    pub(crate) fn give(&mut self, number: usize, given: Given) {
        while self.given.len() <= number {
            self.given.push(Given::Nothing);
        }
        self.given[number] = given;
    }

    /// The page on which a question stands.
    pub(crate) fn page_of(form: &Form, number: usize) -> Page {
        let mut sections = (0..form.sections.len()).filter(|_| !is_short(form));
        let found = sections
            .find(|section| items_of(form, *section).any(|(candidate, _)| candidate == number));
        found.map_or(Page::Terms, Page::Section)
    }

    /// The page after this one, once what is on it is answered.
    pub(crate) fn next(&self, form: &Form) -> Page {
        let next = match self.page {
            Page::Terms if is_short(form) => form.sections.len(),
            Page::Terms => 0,
            Page::Section(section) => section + 1,
            Page::Review => return Page::Review,
        };
        let asked = self.page != Page::Terms && self.reviewed;
        if asked || next >= form.sections.len() { Page::Review } else { Page::Section(next) }
    }

    /// The page before this one.
    pub(crate) fn previous(&self, form: &Form) -> Page {
        match self.page {
            Page::Section(section @ 1..) => Page::Section(section - 1),
            Page::Terms | Page::Section(_) => Page::Terms,
            Page::Review if is_short(form) => Page::Terms,
            Page::Review => Page::Section(form.sections.len().saturating_sub(1)),
        }
    }

    /// What is wrong with the answers to these questions.
    pub(crate) fn problems<'a>(
        &self,
        items: impl Iterator<Item = (usize, &'a ItemForm)>,
    ) -> Vec<(usize, AnswerProblem)> {
        let problem = |(number, item): (usize, &ItemForm)| {
            self.given(number).response(item).err().map(|problem| (number, problem))
        };
        items.filter_map(problem).collect()
    }

    /// A response to each question, if all are answered.
    pub(crate) fn responses(&self, form: &Form) -> Option<Vec<Response>> {
        let items = (0..).zip(form.items());
        items.map(|(number, item)| self.given(number).response(item).ok()).collect()
    }

    /// As text, for the tab to keep: the page, and then a line for each question.
    pub(crate) fn write(&self) -> String {
        let mut text = match self.page {
            Page::Terms => String::new(),
            Page::Section(section) => section.to_string(),
            Page::Review => REVIEW.to_owned(),
        };
        if self.reviewed {
            text.push_str(REVIEWED);
        }
        for given in &self.given {
            text.push('\n');
            match given {
                Given::Nothing => {}
                Given::Typed(typed) => {
                    text.push(TYPED);
                    text.push_str(typed);
                }
                Given::Chosen(options) => {
                    for option in options {
                        text.push_str(&option.to_string());
                        text.push(' ');
                    }
                }
                Given::Declined => text.push(DECLINED),
            }
        }
        text
    }

    /// Reads what [`Draft::write`] wrote for this form.
    pub(crate) fn read(text: &str, form: &Form) -> Option<Self> {
        let mut lines = text.split('\n');
        let first = lines.next()?;
        let page = first.strip_suffix(REVIEWED);
        let reviewed = page.is_some();
        let page = match page.unwrap_or(first) {
            "" => Page::Terms,
            REVIEW => Page::Review,
            section => Page::Section(section.parse().ok()?),
        };
        let given = lines.map(|line| match line.chars().next() {
            None => Some(Given::Nothing),
            Some(DECLINED) => Some(Given::Declined),
            Some(TYPED) => line.strip_prefix(TYPED).map(|typed| Given::Typed(typed.to_owned())),
            Some(_) => {
                let options = line.split_ascii_whitespace().map(|option| option.parse().ok());
                options.collect::<Option<_>>().map(Given::Chosen)
            }
        });
        let mut draft = Self { page, reviewed, given: given.collect::<Option<_>>()? };
        let there = match page {
            Page::Terms => true,
            Page::Section(section) => section < form.sections.len() && !is_short(form),
            Page::Review => draft.responses(form).is_some(),
        };
        if !there {
            draft.page = Page::Terms;
        }
        Some(draft)
    }
}

const REVIEW: &str = "review";
const REVIEWED: &str = "+";
const TYPED: char = '=';
const DECLINED: char = '-';

#[cfg(test)]
mod tests {
    use wardsum_peer::protocol::form::{Kind, Section};

    use super::*;
    use crate::answer::tests::{item, number, scale};

    /// Three sections of two, one and one questions.
    fn form() -> Form {
        let section = |items| Section { items, ..Section::default() };
        Form {
            sections: vec![
                section(vec![item("pain", scale(0, 10)), item("weight", number(0, 300, 5, 1))]),
                section(vec![item("asthma", Kind::YesNo)]),
                section(vec![item("sleep", scale(1, 5))]),
            ],
            ..Form::default()
        }
    }

    fn filled() -> Draft {
        let mut draft = Draft::default();
        // Not in their order.
        draft.give(3, Given::Chosen(vec![2]));
        draft.give(1, Given::Typed("12,5".to_owned()));
        draft.give(2, Given::Chosen(vec![0]));
        draft
    }

    #[test]
    fn one_goes_through_the_sections_and_returns_to_the_answers_after_a_change() {
        let (form, mut draft) = (form(), filled());
        let mut pages = Vec::new();
        while draft.page != Page::Review {
            draft.page = draft.next(&form);
            pages.push(draft.page);
        }
        let [first, second, third] = [0, 1, 2].map(Page::Section);
        assert_eq!(pages, [first, second, third, Page::Review]);
        assert_eq!(draft.previous(&form), third);
        draft.reviewed = true;
        draft.page = Draft::page_of(&form, 1);
        assert_eq!((draft.page, draft.next(&form)), (first, Page::Review));
        assert_eq!(draft.previous(&form), Page::Terms);
        assert_eq!(Draft::page_of(&form, 3), third);
    }

    #[test]
    fn a_single_question_stands_on_the_first_page() {
        let form = Form::number("How strong is your pain?", "", 0, 10);
        let draft = Draft::default();
        assert!(is_short(&form));
        assert_eq!((draft.next(&form), Draft::page_of(&form, 0)), (Page::Review, Page::Terms));
        let review = Draft { page: Page::Review, ..draft };
        assert_eq!(review.previous(&form), Page::Terms);
    }

    #[test]
    fn what_is_missing_is_found_section_by_section() {
        let (form, mut draft) = (form(), filled());
        let problems = |draft: &Draft, section| draft.problems(items_of(&form, section));
        assert_eq!(problems(&draft, 0), [(0, AnswerProblem::Empty)]);
        assert_eq!(problems(&draft, 1), []);
        assert_eq!(draft.responses(&form), None);
        draft.give(0, Given::Chosen(vec![10]));
        let [pain, asthma, sleep] =
            [Response::Choice(10), Response::YesNo(true), Response::Choice(2)];
        let all = vec![pain, Response::Number(25), asthma, sleep];
        assert_eq!(draft.responses(&form), Some(all));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let form = form();
        let mut draft = filled();
        draft.give(0, Given::Declined);
        for page in [Page::Terms, Page::Section(2)] {
            for reviewed in [false, true] {
                let draft = Draft { page, reviewed, ..draft.clone() };
                assert_eq!(Draft::read(&draft.write(), &form), Some(draft));
            }
        }
        for bad in ["x", "0\nx", "0\n1 x", "0\n70000"] {
            assert_eq!(Draft::read(bad, &form), None, "{bad}");
        }
    }

    #[test]
    fn nobody_is_led_to_a_page_that_there_is_not_or_to_send_what_is_no_answer() {
        let form = form();
        for page in [Page::Section(3), Page::Review] {
            let draft = Draft { page, ..filled() };
            let read = Draft::read(&draft.write(), &form);
            assert_eq!(read.map(|draft| draft.page), Some(Page::Terms), "{page:?}");
        }
        let mut draft = Draft { page: Page::Review, ..filled() };
        draft.give(0, Given::Chosen(vec![0]));
        assert_eq!(Draft::read(&draft.write(), &form), Some(draft));
    }
}
