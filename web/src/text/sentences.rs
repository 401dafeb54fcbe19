//! A function for each sentence in `languages/`, made by `build.rs`, and how it finds its words.

use crate::{language, number};

include!(concat!(env!("OUT_DIR"), "/sentences.rs"));

/// The sentences of a file of `languages/`, in their order.
pub(crate) fn of_file(file: &'static str) -> Option<Box<[&'static str]>> {
    let lines = file.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#'));
    // No key has an equals sign. Looking for more than one character would cost the page kilobytes.
    let text = |line: &'static str| line.split_once('=')?.1.strip_prefix(' ');
    let sentences: Box<[&str]> = lines.filter_map(text).collect();
    (sentences.len() == COUNT).then_some(sentences)
}

#[inline(never)]
fn plain(place: usize) -> &'static str {
    // There are as many as `COUNT`, of which every place is one.
    language::spoken().sentences.get(place).copied().unwrap_or_default()
}

/// What stands in the place of a name.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Number(i128),
}

/// A sentence with values in the place of their names.
#[inline(never)]
fn filled(place: usize, names: &[&str], values: &[Value<'_>]) -> String {
    let mut filled = String::new();
    let mut rest = plain(place);
    while let Some((before, name, after)) = name_in(rest) {
        filled.push_str(before);
        let known = names.iter().zip(values).find(|(known, _)| **known == name);
        match known.map(|(_, value)| *value) {
            Some(Value::Text(text)) => filled.push_str(text),
            Some(Value::Number(number)) => filled.push_str(&number::whole(number)),
            // `build.rs` has seen that a sentence is about the same names in all languages.
            None => {}
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn name_in(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Which of its forms a sentence takes. English, Danish and German have one for 1 and another for everything else
/// that can be counted (Unicode CLDR, "Language Plural Rules").
fn form(n: i128) -> usize {
    usize::from(n != 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::tests::{DANISH, ENGLISH, GERMAN, speak};

    #[test]
    fn every_language_has_all_sentences_and_says_them_in_its_own_words() {
        let english = of_file(ENGLISH).unwrap();
        for (file, same) in
            [(DANISH, &["Sum", "Median", "{label} ({#n} person)"][..]), (GERMAN, &["Median"])]
        {
            let translated = of_file(file).expect("as many as there are in English");
            let pairs = english.iter().zip(&translated);
            let left: Vec<_> =
                pairs.filter(|(one, other)| one == other).map(|(one, _)| *one).collect();
            assert_eq!(left, same);
        }
    }

    #[test]
    fn a_file_with_another_number_of_sentences_is_none_of_the_page() {
        assert!(of_file("sum = Sum\n").is_none());
    }

    #[test]
    fn values_stand_where_the_language_wants_them() {
        assert_eq!(
            checked_so_far(2u32, 3u32),
            "2 of 3 people’s browsers have checked the answers, without seeing any."
        );
        speak("de", GERMAN, ".", ",");
        assert_eq!(
            checked_so_far(2u32, 3u32),
            "Die Browser von 2 von 3 Personen haben die Antworten geprüft, ohne eine zu sehen."
        );
        assert_eq!(
            how_many(3u32, 10_000u32),
            "Mindestens 3 Personen, höchstens 10.000. Nehmen weniger teil, wird nichts bekannt."
        );
    }

    #[test]
    fn a_value_is_put_in_as_it_is() {
        assert_eq!(connected_to("Ward {#n} } {"), "This tab is connected to Ward {#n} } {.");
    }

    #[test]
    fn one_second_is_not_told_as_several() {
        let told = |seconds: u64| enrolment_closes_seconds(seconds);
        assert_eq!(told(1), "Enrolment closes in 1 second at the latest.");
        assert_eq!(told(2), "Enrolment closes in 2 seconds at the latest.");
        speak("da", DANISH, ".", ",");
        assert_eq!(told(1), "Tilmeldingen lukker senest om 1 sekund.");
        assert_eq!(told(0), "Tilmeldingen lukker senest om 0 sekunder.");
        speak("de", GERMAN, ".", ",");
        assert_eq!(told(1), "Die Anmeldung endet in spätestens 1 Sekunde.");
        assert_eq!(told(119), "Die Anmeldung endet in spätestens 119 Sekunden.");
    }
}
