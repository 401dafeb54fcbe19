//! Why something could not be stored or read.

use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};

/// Why the browser's storage did not do what it was asked for. Every text is a sentence for the
/// patient that also says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The browser stores nothing for this page: it is switched off, or a private window does not
    /// offer it.
    #[error(
        "This browser does not let this page keep anything, so a reload could not bring you back: \
         please leave private mode, or allow this site to keep data, and reload the page."
    )]
    Blocked,
    /// The disk, or the share of it that the browser gives this site, is full. What was stored
    /// before is still there.
    #[error(
        "This device has no room left for what this page has to write down: please free some \
         storage and try again."
    )]
    Full,
    /// The browser closed the database, and again after it was opened anew.
    #[error(
        "The browser closed or cleared this page's storage while it was in use: please reload the \
         page."
    )]
    Gone,
    /// Something was stored, and is there no more: the site's data was cleared.
    #[error(
        "You had answered in this tab, but the browser has cleared what this page kept since. If the \
         hospital had your answer, it still counts: please do not answer again in the same round."
    )]
    Cleared,
    /// The browser did not answer in time.
    #[error(
        "The browser’s storage does not answer: please close some other tabs or programs, and reload \
         the page."
    )]
    Silent,
    /// The record is not one that this crate wrote. Erasing it is all that can be done.
    #[error(
        "What this browser kept of an earlier visit cannot be read: please begin a new visit, or \
         clear this site's data in the browser's settings."
    )]
    Damaged,
    /// A page of a newer version has changed the database, and this one does not guess at it.
    #[error(
        "This browser has already used a newer version of this page: please reload it to get that \
         version."
    )]
    Newer,
    /// There are no Web Locks, which tell two tabs apart. All supported browsers have them, but
    /// only for pages that come over an encrypted connection or from this computer.
    #[error(
        "This browser cannot keep two tabs of this page apart: please use an up-to-date browser \
         and an address that begins with https."
    )]
    NoLocks,
    /// Something else, in the browser's words.
    #[error(
        "The browser could not use its storage ({0}): please reload the page and, if that does not \
         help, try another browser."
    )]
    Other(String),
}

impl StorageError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blocked => "storage-blocked",
            Self::Full => "storage-full",
            Self::Gone => "storage-gone",
            Self::Cleared => "storage-cleared",
            Self::Silent => "storage-silent",
            Self::Damaged => "storage-damaged",
            Self::Newer => "storage-newer",
            Self::NoLocks => "no-locks",
            Self::Other(_) => "storage-failed",
        }
    }
}

/// What an exception of the browser means, by the names in the Indexed Database API, section 3.
impl From<JsValue> for StorageError {
    fn from(thrown: JsValue) -> Self {
        // A transaction that was aborted from outside has no exception.
        if thrown.is_null() || thrown.is_undefined() {
            return Self::Gone;
        }
        let Some(error) = thrown.dyn_ref::<js_sys::Error>() else {
            return Self::Other("it does not say why".to_owned());
        };
        let name = String::from(error.name());
        match name.as_str() {
            "SecurityError" | "NotAllowedError" => Self::Blocked,
            "QuotaExceededError" => Self::Full,
            "VersionError" => Self::Newer,
            "InvalidStateError" | "AbortError" => Self::Gone,
            _ => Self::Other(format!("{name}: {}", String::from(error.message()))),
        }
    }
}
