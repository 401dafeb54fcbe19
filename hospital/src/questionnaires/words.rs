//! Texts as a file gives them, before it is known in which languages all of them are.

use wardsum_protocol::form::{LANGUAGES_MAX, Language, Text};

use super::problem::{Place, Problems, quoted};

/// A text in the languages that the file gives it in.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) place: Place,
    /// Tag and text, in the order of the file; an empty tag where the language is not said.
    pub(super) texts: Vec<(String, String)>,
    /// Whether it is the same in every language; there is one text then.
    pub(super) neutral: bool,
    /// Whether it could not be read, which is reported already.
    pub(super) broken: bool,
}

impl Words {
    pub(super) fn none(place: Place) -> Self {
        Self { place, ..Self::default() }
    }

    pub(super) fn one(place: Place, language: &str, text: &str) -> Self {
        let texts = vec![(language.to_owned(), text.to_owned())];
        Self { place, texts, ..Self::default() }
    }

    /// The same text whatever the language, such as a number or a unit.
    pub(super) fn neutral(place: Place, text: &str) -> Self {
        Self { neutral: true, ..Self::one(place, "", text) }
    }

    /// What stands at `place` and is no text, which is reported already.
    pub(super) fn broken(place: Place) -> Self {
        Self { place, broken: true, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.iter().all(|(_, text)| text.is_empty())
    }

    /// The most bytes that it has in any language.
    pub(super) fn len(&self) -> usize {
        self.texts.iter().map(|(_, text)| text.len()).max().unwrap_or(0)
    }

    /// This text and then another one. A language that only one of them is in has only that one.
    pub(super) fn and(mut self, separator: &str, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        for (language, text) in other.texts.iter().filter(|(_, text)| !text.is_empty()) {
            match self.texts.iter_mut().find(|(mine, _)| mine == language) {
                Some((_, mine)) => {
                    mine.push_str(separator);
                    mine.push_str(text);
                }
                None => self.texts.push((language.clone(), text.clone())),
            }
        }
        self
    }
}

/// The languages that all texts of a file are given in, in the order of the first text.
#[derive(Debug)]
pub(super) struct Languages {
    tags: Vec<String>,
    /// Where the first text stands, which the others are held against.
    first: Place,
}

impl Languages {
    /// Those of the first text. What is no language is reported.
    pub(super) fn of(first: &Words, problems: &mut Problems) -> Self {
        let tags: Vec<String> = first.texts.iter().map(|(tag, _)| tag.clone()).collect();
        let unsaid = tags == [""];
        for tag in &tags {
            let proper = Language::new(tag).is_some_and(|language| language.tag() == tag);
            if !proper && !unsaid {
                let message =
                    format!("{} is no language; give a tag such as `de` or `pt-br`", quoted(tag));
                problems.report(&first.place, message);
            }
        }
        if tags.len() > LANGUAGES_MAX {
            let message =
                format!("there are {} languages; give {LANGUAGES_MAX} at most", tags.len());
            problems.report(&first.place, message);
        }
        Self { tags, first: first.place.clone() }
    }

    /// The text, if it is in all languages and of `min` to `max` bytes in each. Lines may be broken where `lines` says so.
    /// What is wrong with it is reported.
    pub(super) fn text(
        &self,
        words: &Words,
        (min, max): (usize, usize),
        lines: bool,
        problems: &mut Problems,
    ) -> Text {
        if words.is_empty() {
            if min > 0 && !words.broken {
                problems.report(&words.place, "there is no text; give one");
            }
            return Text::default();
        }
        if let (true, [(_, text)]) = (words.neutral, &*words.texts) {
            let texts = self.tags.iter().map(|tag| (tag.clone(), text.clone())).collect();
            let everywhere = Words { place: words.place.clone(), texts, ..Words::default() };
            return self.text(&everywhere, (min, max), lines, problems);
        }
        let before = problems.count();
        let given = |tag: &String| words.texts.iter().find(|(mine, _)| mine == tag);
        for tag in self.tags.iter().filter(|tag| given(tag).is_none_or(|(_, text)| text.is_empty()))
        {
            let message = format!(
                "the text is not given in {}, but {} is; {EVERYWHERE}",
                spoken(tag),
                self.first()
            );
            problems.report(&words.place, message);
        }
        for (tag, text) in &words.texts {
            if !self.tags.contains(tag) {
                let message = format!(
                    "the text is given in {}, but {} is not; {EVERYWHERE}",
                    spoken(tag),
                    self.first()
                );
                problems.report(&words.place, message);
            }
            if text.len() > max {
                let message = format!(
                    "the text has {} bytes in {}; give {max} at most",
                    text.len(),
                    spoken(tag)
                );
                problems.report(&words.place, message);
            }
            let control = |character: char| character.is_control() && !(lines && character == '\n');
            if text.chars().any(control) {
                let message = if lines {
                    "the text has a control character other than a line break; remove it"
                } else {
                    "the text has a line break or another control character; give one line"
                };
                problems.report(&words.place, message);
            }
        }
        if problems.count() > before {
            return Text::default();
        }
        if self.tags == [""] {
            return Text::plain(words.texts[0].1.clone());
        }
        let texts =
            self.tags.iter().filter_map(|tag| Some((Language::new(tag)?, given(tag)?.1.clone())));
        Text::localised(texts)
    }

    fn first(&self) -> String {
        let path = &self.first.path;
        if path.is_empty() { "the first text".to_owned() } else { format!("that of {path}") }
    }
}

const EVERYWHERE: &str = "give every text in the same languages";

fn spoken(tag: &str) -> String {
    if tag.is_empty() { "a language that is not said".to_owned() } else { quoted(tag) }
}
