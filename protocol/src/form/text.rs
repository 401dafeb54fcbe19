//! Texts that people read, in one language or several.

use core::fmt;

use thiserror::Error;
use tls_codec::{DeserializeBytes, Error, TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::wire::Utf8;

/// The most languages that one text may be given in.
pub const LANGUAGES_MAX: usize = 8;

/// A language: a tag of BCP 47 in lower case (`de`, `pt-br`), or nothing where there is only one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(Utf8);

impl Language {
    /// The language with this tag: a language of two or three letters, and perhaps more parts of up to eight letters
    /// and digits, 35 bytes in all. `None` if it is none.
    #[must_use]
    pub fn new(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        let mut parts = tag.split('-');
        let language = parts.next().is_some_and(|part| {
            (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
        });
        let others = parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        (language && others && tag.len() <= 35).then_some(Self(Utf8(tag)))
    }

    /// The tag; empty where there is only one language.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.0.0
    }
}

/// A text, in one language or several. The first one is for whoever reads none of them. Where there is none, it is in no
/// language, so that this too has one encoding only.
#[derive(Clone, Default, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct Text(Vec<Localised>);

impl DeserializeBytes for Text {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (texts, rest) = Vec::<Localised>::tls_deserialize_bytes(bytes)?;
        if texts.iter().any(|Localised { text: Utf8(text), .. }| text.is_empty()) {
            return Err(Error::InvalidInput);
        }
        Ok((Self(texts), rest))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Localised {
    language: Utf8,
    text: Utf8,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// Missing or too long.
    #[error("it has {len} bytes; give it {min} to {max}")]
    Length {
        /// How long it is.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Control characters.
    #[error("it contains a control character; use plain text")]
    Control,
    /// A language twice, none, or too many.
    #[error(
        "each language is named once, by a tag such as `de`, and there are no more than {LANGUAGES_MAX}"
    )]
    Languages,
}

impl Text {
    /// A text in one language, which is not said.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::of([(Utf8::default(), text.into())].into_iter())
    }

    fn of(texts: impl Iterator<Item = (Utf8, String)>) -> Self {
        let text =
            Self(texts.map(|(language, text)| Localised { language, text: Utf8(text) }).collect());
        if text.is_empty() { Self::default() } else { text }
    }

    /// A text in these languages, the first of which is for whoever reads none of them.
    #[must_use]
    pub fn localised(texts: impl IntoIterator<Item = (Language, String)>) -> Self {
        Self::of(texts.into_iter().map(|(language, text)| (language.0, text)))
    }

    /// The text for a reader who prefers these languages, the best first: that of the first one which it is given in,
    /// be it in another country.
    #[must_use]
    pub fn preferred<'a>(&self, languages: impl IntoIterator<Item = &'a str>) -> &str {
        let base = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let given = |wanted: &str| {
            let exactly = self.0.iter().find(|text| text.language.0.eq_ignore_ascii_case(wanted));
            exactly.or_else(|| self.0.iter().find(|text| base(&text.language.0) == base(wanted)))
        };
        let found = languages.into_iter().find_map(given).or(self.0.first());
        found.map_or("", |found| &found.text.0)
    }

    /// The text for whoever reads none of its languages.
    #[must_use]
    pub fn first(&self) -> &str {
        self.preferred([])
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|text| text.text.0.is_empty())
    }

    /// The languages that it is given in; an empty tag where there is only one.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|text| &*text.language.0)
    }

    /// Checks that there is something to read, of `min` to `max` bytes in each language. Lines may be broken where
    /// `lines` says so.
    pub(crate) fn check(&self, (min, max): (usize, usize), lines: bool) -> Result<(), TextError> {
        if self.0.is_empty() {
            return if min == 0 { Ok(()) } else { Err(TextError::Length { len: 0, min, max }) };
        }
        let named = |tag: &str| Language::new(tag).is_some_and(|language| language.tag() == tag);
        let languages: Vec<&str> = self.languages().collect();
        let twice = (1..languages.len()).any(|at| languages[..at].contains(&languages[at]));
        let unnamed = languages.iter().any(|tag| !named(tag)) && languages != [""];
        if languages.len() > LANGUAGES_MAX || twice || unnamed {
            return Err(TextError::Languages);
        }
        for Localised { text: Utf8(text), .. } in &self.0 {
            if !(min..=max).contains(&text.len()) {
                return Err(TextError::Length { len: text.len(), min, max });
            }
            if text.chars().any(|character| character.is_control() && !(lines && character == '\n'))
            {
                return Err(TextError::Control);
            }
        }
        Ok(())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|text| (&text.language.0, &text.text.0))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn text(texts: &[(&str, &str)]) -> Text {
        Text(
            texts
                .iter()
                .map(|(language, text)| Localised {
                    language: Utf8((*language).to_owned()),
                    text: Utf8((*text).to_owned()),
                })
                .collect(),
        )
    }

    #[test]
    fn a_reader_is_given_the_best_language_that_there_is() {
        let text = text(&[("en", "pain"), ("da", "smerte"), ("de-at", "Schmerz")]);
        assert_eq!(text.check((1, 10), false), Ok(()));
        for (preferred, expected) in [
            (&["da"][..], "smerte"),
            (&["da-DK", "en"], "smerte"),
            (&["fr", "de"], "Schmerz"),
            (&["de-CH"], "Schmerz"),
            (&["fr"], "pain"),
            (&[], "pain"),
        ] {
            assert_eq!(text.preferred(preferred.iter().copied()), expected, "{preferred:?}");
        }
        assert_eq!(Text::plain("x").preferred(["da"]), "x");
        assert_eq!(wire::decode::<Text>(&wire::encode(&text)), Ok(text));
    }

    #[test]
    fn a_missing_text_has_one_encoding() {
        let german = || (Language::new("de").expect("a tag"), String::new());
        for missing in [Text::default(), Text::plain(""), "".into(), Text::localised([german()])] {
            assert_eq!((wire::encode(&missing), missing.is_empty()), (vec![0], true));
        }
        for texts in [&[("", "")][..], &[("de", "")], &[("de", "a"), ("en", "")]] {
            assert!(wire::decode::<Text>(&wire::encode(&text(texts))).is_err(), "{texts:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_told() {
        let length = |len| Err(TextError::Length { len, min: 1, max: 5 });
        for (bad, error) in [
            (text(&[]), length(0)),
            (text(&[("en", "a"), ("de", "")]), length(0)),
            (text(&[("", "a"), ("en", "b")]), Err(TextError::Languages)),
            (text(&[("en", "a"), ("en", "b")]), Err(TextError::Languages)),
            (text(&[("EN", "a")]), Err(TextError::Languages)),
            (text(&[("english", "a")]), Err(TextError::Languages)),
            (text(&[("", "")]), length(0)),
            (text(&[("en", "a"), ("de", "längst")]), length(7)),
            (text(&[("", "a\nb")]), Err(TextError::Control)),
        ] {
            assert_eq!(bad.check((1, 5), false), error, "{bad:?}");
        }
        assert_eq!(text(&[("", "a\nb")]).check((1, 5), true), Ok(()));
        assert_eq!(text(&[("", "a\tb")]).check((1, 5), true), Err(TextError::Control));
    }
}
