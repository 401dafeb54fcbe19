//! The language that the page speaks.
//!
//! `assets/boot.js` has chosen one before this program starts. `assets/start.js` loads the file of its sentences, checks
//! it as all of the page is checked, and asks the browser how numbers are written.

use std::cell::{Cell, RefCell};

use js_sys::{Array, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::{browser, text};

/// The languages that there are: their BCP 47 tags, and what those who speak them call them.
pub(crate) const LANGUAGES: [(&str, &str); 3] =
    [("en", "English"), ("da", "Dansk"), ("de", "Deutsch")];

/// Where the browser keeps the language that was chosen; `assets/boot.js` reads it.
const CHOSEN: &str = "wardsum:language";

#[wasm_bindgen]
extern "C" {
    /// Resolves to a file of `languages/`, the locale to write dates in, and what is between thousands and before
    /// decimals; rejects if the file cannot be had, or is not the one that `index.html` names.
    #[wasm_bindgen(js_name = wardsumLanguage)]
    fn load(tag: &str) -> Promise;
}

/// What is spoken.
#[derive(Debug)]
pub(crate) struct Spoken {
    /// The tag of the language.
    pub(crate) tag: &'static str,
    /// Its sentences, in the order of the files.
    pub(crate) sentences: Box<[&'static str]>,
    /// For the browser: the language as the visitor's region has it.
    pub(crate) locale: String,
    /// Between thousands.
    pub(crate) group: String,
    /// Before decimals.
    pub(crate) decimal: String,
}

thread_local! {
    static SPOKEN: Cell<Option<&'static Spoken>> = const { Cell::new(None) };
    // What was loaded once stays, since sentences are handed out for good.
    static LOADED: RefCell<Vec<&'static Spoken>> = const { RefCell::new(Vec::new()) };
}

/// What the page speaks now.
#[cfg(not(test))]
pub(crate) fn spoken() -> &'static Spoken {
    // The page is drawn when the first language is there.
    SPOKEN.get().unwrap_or_else(|| unreachable!("the page has no words yet"))
}

/// Makes the page speak the language of this tag, as long as it is open and from then on. Says whether it does.
pub(crate) async fn speak(tag: &str) -> bool {
    let known = LOADED.with_borrow(|loaded| loaded.iter().copied().find(|known| known.tag == tag));
    let spoken = match known {
        Some(known) => Some(known),
        None => loaded(tag).await,
    };
    if let Some(spoken) = spoken {
        SPOKEN.set(Some(spoken));
        browser::set_language(spoken.tag);
    }
    spoken.is_some()
}

/// Remembers that the visitor has chosen this language.
pub(crate) fn remember(tag: &str) {
    browser::keep(CHOSEN, tag);
}

async fn loaded(tag: &str) -> Option<&'static Spoken> {
    let (tag, _) = LANGUAGES.into_iter().find(|(known, _)| *known == tag)?;
    let parts = Array::from(&JsFuture::from(load(tag)).await.ok()?);
    let part = |place: u32| -> Option<String> { JsValue::as_string(&parts.get(place)) };
    let spoken = Spoken {
        tag,
        sentences: text::of_file(part(0)?.leak())?,
        locale: part(1)?,
        group: part(2)?,
        decimal: part(3)?,
    };
    let spoken: &_ = Box::leak(Box::new(spoken));
    LOADED.with_borrow_mut(|loaded| loaded.push(spoken));
    Some(spoken)
}

/// Tests speak English unless they say otherwise.
#[cfg(test)]
pub(crate) use tests::spoken;

#[cfg(test)]
pub(crate) mod tests {
    use super::{SPOKEN, Spoken, text};

    pub(crate) const ENGLISH: &str = include_str!("../languages/en.txt");
    pub(crate) const DANISH: &str = include_str!("../languages/da.txt");
    pub(crate) const GERMAN: &str = include_str!("../languages/de.txt");

    pub(crate) fn spoken() -> &'static Spoken {
        SPOKEN.get().unwrap_or_else(|| {
            speak("en", ENGLISH, ",", ".");
            SPOKEN.get().expect("it was set")
        })
    }

    /// Makes this test's thread speak a language.
    pub(crate) fn speak(tag: &'static str, file: &'static str, group: &str, decimal: &str) {
        let spoken = Spoken {
            tag,
            sentences: text::of_file(file).expect("a whole file"),
            locale: tag.to_owned(),
            group: group.to_owned(),
            decimal: decimal.to_owned(),
        };
        SPOKEN.set(Some(Box::leak(Box::new(spoken))));
    }
}
