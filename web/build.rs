//! Makes a function of every sentence of the page, and refuses languages that do not say the same.
//!
//! `languages/README.md` says what the files look like. The functions hold no text: what they give is looked
//! up by its place in the file of the language that the browser has loaded.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What the keys, their order, and what each sentence is about follow.
const MODEL: &str = "en";

const TRANSLATIONS: [&str; 2] = ["da", "de"];

/// The forms of a sentence that depends on a number, in the order in which they have to stand.
const FORMS: [&str; 2] = ["one", "other"];

/// The number that such a sentence depends on.
const DECIDES: &str = "n";

/// A line of a file.
struct Entry<'a> {
    key: &'a str,
    form: Option<&'a str>,
    text: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str, at: &str) -> Self {
        let Some((name, text)) = line.split_once(" = ") else {
            panic!("{at}: there is no “ = ” in: {line}")
        };
        let (key, form) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((key, form)) => (key, Some(form)),
            None => (name, None),
        };
        assert!(
            key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty(),
            "{at}: a key is made of small letters and underscores: {key}"
        );
        assert!(!text.trim().is_empty() && text.trim() == text, "{at}: {key} has no clean text");
        Self { key, form, text }
    }

    /// The names between braces, in the order of the text.
    fn placeholders(&self, at: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        for part in self.text.split('{').skip(1) {
            let Some((name, _)) = part.split_once('}') else {
                panic!("{at}: {} has a brace that nothing closes", self.key)
            };
            found.push(name);
        }
        found
    }
}

/// A sentence, with one form or with all of them.
struct Sentence<'a> {
    key: &'a str,
    /// Its place among the lines that are sentences.
    place: usize,
    depends: bool,
    text: &'a str,
    /// In the order of the text; with a `#` in front those that are numbers.
    placeholders: Vec<&'a str>,
}

fn main() {
    println!("cargo::rerun-if-changed=languages");
    let model = read(MODEL);
    let model = entries(&model, MODEL);
    for language in TRANSLATIONS {
        let text = read(language);
        compare(&model, &entries(&text, language), language);
    }
    let sentences = sentences(&model);
    let mut code = format!("pub(super) const COUNT: usize = {};\n", model.len());
    for sentence in &sentences {
        write_function(&mut code, sentence);
    }
    let out = env::var_os("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("sentences.rs"), code).expect("the directory is there");
}

fn read(language: &str) -> String {
    let path = format!("languages/{language}.txt");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn entries<'a>(text: &'a str, language: &str) -> Vec<Entry<'a>> {
    assert!(text.ends_with('\n') && !text.contains('\r'), "{language}: lines end with \\n");
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| Entry::parse(line, &format!("{language}.txt:{}", at + 1))).collect()
}

/// A language says the same in the same order, about the same names and numbers.
fn compare(model: &[Entry<'_>], translation: &[Entry<'_>], language: &str) {
    for (place, entry) in model.iter().enumerate() {
        let at = format!("{language}.txt");
        let Some(other) = translation.get(place) else { panic!("{at} ends before {}", entry.key) };
        assert!(
            entry.key == other.key && entry.form == other.form,
            "{at}: {} stands where {} has to be",
            other.key,
            entry.key
        );
        let names = |entry: &Entry<'_>| -> BTreeSet<String> {
            entry.placeholders(&at).into_iter().map(str::to_owned).collect()
        };
        let (mut expected, mut found) = (names(entry), names(other));
        // “One person” needs no digit.
        for names in [&mut expected, &mut found] {
            if entry.form.is_some() {
                names.remove("#n");
            }
        }
        assert_eq!(found, expected, "{at}: {} is about something else", entry.key);
    }
    assert_eq!(model.len(), translation.len(), "{language}.txt has more than {MODEL}.txt");
}

fn sentences<'a>(model: &[Entry<'a>]) -> Vec<Sentence<'a>> {
    let mut sentences = Vec::new();
    let mut known = BTreeSet::new();
    let mut place = 0;
    while let Some(entry) = model.get(place) {
        let Entry { key, form, text } = *entry;
        assert!(known.insert(key), "{key} is there twice");
        let placeholders = entry.placeholders(MODEL);
        if form.is_some() {
            for (offset, form) in FORMS.into_iter().enumerate() {
                let found = model.get(place + offset);
                assert!(
                    found.is_some_and(|found| found.key == key && found.form == Some(form)),
                    "{key}[{form}] is missing"
                );
            }
        }
        let depends = form.is_some();
        let text = if depends { model[place + 1].text } else { text };
        let placeholders =
            if depends { model[place + 1].placeholders(MODEL) } else { placeholders };
        sentences.push(Sentence { key, place, depends, text, placeholders });
        place += if depends { FORMS.len() } else { 1 };
    }
    sentences
}

fn write_function(code: &mut String, sentence: &Sentence<'_>) {
    let Sentence { key, place, depends, text, placeholders } = sentence;
    let mut names: Vec<String> = Vec::new();
    if *depends {
        names.push(format!("#{DECIDES}"));
    }
    for placeholder in placeholders {
        if !names.iter().any(|name| name == placeholder) {
            names.push((*placeholder).to_owned());
        }
    }
    let (mut parameters, mut values) = (Vec::new(), Vec::new());
    for name in &names {
        match name.strip_prefix('#') {
            Some(DECIDES) if *depends => {
                parameters.push(format!("{DECIDES}: impl Into<i128>"));
                values.push(format!("Value::Number({DECIDES})"));
            }
            Some(number) => {
                parameters.push(format!("{number}: impl Into<i128>"));
                values.push(format!("Value::Number({number}.into())"));
            }
            None => {
                parameters.push(format!("{name}: &str"));
                values.push(format!("Value::Text({name})"));
            }
        }
    }
    let (parameters, values) = (parameters.join(", "), values.join(", "));
    // Writing to a string cannot fail.
    let _ = writeln!(code, "/// `{text}`");
    let _ = if *depends {
        writeln!(
            code,
            "pub(crate) fn {key}({parameters}) -> String {{ let {DECIDES} = {DECIDES}.into(); \
             filled({place} + form({DECIDES}), &{names:?}, &[{values}]) }}"
        )
    } else if values.is_empty() {
        writeln!(code, "pub(crate) fn {key}() -> &'static str {{ plain({place}) }}")
    } else {
        writeln!(
            code,
            "pub(crate) fn {key}({parameters}) -> String {{ filled({place}, &{names:?}, &[{values}]) }}"
        )
    };
}

// Cargo has no tests of build scripts: `main.rs` includes this file for them.
#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "# Comments do not count.\n\nwait[one] = {#n} second\nwait[other] = {#n} seconds\nwho = {name} asks\n";

    fn compared(translation: &str) {
        compare(&entries(ENGLISH, "en"), &entries(translation, "xx"), "xx");
    }

    #[test]
    fn a_language_that_says_the_same_is_taken() {
        // One second may be said without a digit, and comments are every language's own.
        compared(
            "wait[one] = ein Augenblick\nwait[other] = {#n} Sekunden\nwho = es fragt {name}\n",
        );
    }

    #[test]
    #[should_panic(expected = "xx.txt ends before who")]
    fn a_sentence_that_is_missing_is_noticed() {
        compared("wait[one] = a\nwait[other] = {#n} b\n");
    }

    #[test]
    #[should_panic(expected = "who stands where wait has to be")]
    fn a_form_that_is_missing_is_noticed() {
        compared("wait[one] = a\nwho = {name}\n");
    }

    #[test]
    #[should_panic(expected = "who is about something else")]
    fn a_placeholder_that_is_missing_or_another_is_noticed() {
        compared("wait[one] = a\nwait[other] = {#n} b\nwho = {nam} fragt\n");
    }

    #[test]
    #[should_panic(expected = "has more than en.txt")]
    fn a_sentence_too_many_is_noticed() {
        compared("wait[one] = a\nwait[other] = {#n} b\nwho = {name}\nmore = c\n");
    }

    #[test]
    #[should_panic(expected = "who is there twice")]
    fn no_key_stands_for_two_sentences() {
        sentences(&entries("who = a\nwho = b\n", "en"));
    }

    #[test]
    fn a_function_has_a_parameter_for_each_name() {
        let mut code = String::new();
        for sentence in sentences(&entries(ENGLISH, "en")) {
            write_function(&mut code, &sentence);
        }
        assert!(code.contains("pub(crate) fn wait(n: impl Into<i128>) -> String"), "{code}");
        assert!(code.contains("pub(crate) fn who(name: &str) -> String"), "{code}");
    }
}
