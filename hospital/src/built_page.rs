//! A built page in a directory: whether it is whole, what its fingerprint is, and a copy of it that talks to
//! a hospital on another origin.
//!
//! `index.html` names every other file with its SHA-384, and browsers, or the page's own start-up, refuse
//! what does not fit. One hash over `index.html` therefore stands for the whole page.
//!
//! The researcher's page lies in a directory of the patient's and is a page of its own: no file of it is loaded by
//! the patient's, and each has its own fingerprint.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;

use crate::http::origin::Origin;

const INDEX: &str = "index.html";

/// Where the researcher's page lies, in the directory of the page, and below which path it is served.
pub(crate) const RESEARCHER: &str = "researcher";

/// What names no hospital in `index.html`, because the page talks to the origin that it came from.
const NO_HOSPITAL: &str = r#"<meta name="wardsum-hospital" content="">"#;

/// What the page's content security policy says then.
const OWN_ORIGIN_ONLY: &str = "connect-src 'self';";

/// A page's fingerprint: the SHA-256 of its `index.html`, shown in groups of four hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of the page that starts with these bytes.
    #[must_use]
    pub fn of(index: &[u8]) -> Self {
        Self(Sha256::digest(index).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, bytes) in self.0.chunks(2).enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(f, "{space}{:02x}{:02x}", bytes[0], bytes[1])?;
        }
        Ok(())
    }
}

/// Why a page is not one, or cannot be copied.
#[derive(Debug, Error)]
pub enum BuiltPageError {
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written ({source}); `cargo xtask build` builds the page")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A script in `index.html` itself, which the content security policy forbids.
    #[error("index.html has a script of its own, which no browser runs under the page's policy")]
    InlineScript,
    /// A script or style sheet without a hash.
    #[error("index.html names {0} without its hash")]
    NoHash(String),
    /// A file that `index.html` names is not there.
    #[error("{0}, which index.html names, is not there")]
    Missing(String),
    /// A file is another one than `index.html` says.
    #[error("{0} is not the file that index.html names: its hash is another one")]
    Altered(String),
    /// A file that `index.html` does not name, and for which the fingerprint does not stand.
    #[error("{0} is none of the page's files: index.html does not name it")]
    Stray(String),
    /// The page was made for another hospital, or is older than this program.
    #[error("the page names a hospital already, or is of another version; start from a new build")]
    NotOurs,
    /// A copy would be mixed with other files.
    #[error("{0} is not empty; choose another directory for the copy")]
    Occupied(PathBuf),
}

/// A page whose every file is the one that its `index.html` names.
#[derive(Debug)]
pub struct BuiltPage {
    dir: PathBuf,
    index: String,
    /// The researcher's page in it, if there is one.
    researchers: Option<Box<BuiltPage>>,
    /// All files but `index.html`, compressed forms included, relative to the directory.
    files: BTreeSet<String>,
}

impl BuiltPage {
    /// Reads the page in `dir`, and checks every file of it.
    ///
    /// If there is a researcher's page in it, that is checked too.
    pub fn read(dir: &Path) -> Result<Self, BuiltPageError> {
        let below = dir.join(RESEARCHER);
        let researchers = if below.join(INDEX).is_file() {
            Some(Box::new(Self::read_researchers(&below)?))
        } else {
            None
        };
        Self::read_from(dir, "/", researchers)
    }

    /// Reads the researcher's page in `dir`, and checks every file of it.
    pub fn read_researchers(dir: &Path) -> Result<Self, BuiltPageError> {
        Self::read_from(dir, &format!("/{RESEARCHER}/"), None)
    }

    /// The page in `dir` that was built to be served below `path`.
    fn read_from(
        dir: &Path,
        path: &str,
        researchers: Option<Box<Self>>,
    ) -> Result<Self, BuiltPageError> {
        let index = read(&dir.join(INDEX))?;
        let index = String::from_utf8_lossy(&index).into_owned();
        let mut files = BTreeSet::new();
        list(dir, "", &mut files)?;
        files.remove(INDEX);
        if researchers.is_some() {
            let theirs = format!("{RESEARCHER}/");
            files.retain(|name| !name.starts_with(&theirs));
        }
        let mut named = BTreeSet::new();
        for part in parts(&index, path)? {
            if !files.contains(&part.name) {
                return Err(BuiltPageError::Missing(part.name));
            }
            let digest = Sha384::digest(read(&dir.join(&part.name))?);
            if part.hash != BASE64_STANDARD.encode(digest) {
                return Err(BuiltPageError::Altered(part.name));
            }
            named.insert(part.name);
        }
        // Browsers check what they have unpacked, so that compressed forms need no hash.
        let plain = |name: &str| {
            let plain = name.strip_suffix(".br").or_else(|| name.strip_suffix(".gz"));
            plain.unwrap_or(name).to_owned()
        };
        match files.iter().find(|name| !named.contains(&plain(name))) {
            Some(stray) => Err(BuiltPageError::Stray(stray.clone())),
            None => Ok(Self { dir: dir.to_owned(), index, researchers, files }),
        }
    }

    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.index.as_bytes())
    }

    /// The researcher's page that lies in it, which no copy has.
    #[must_use]
    pub fn researchers(&self) -> Option<&Self> {
        self.researchers.as_deref()
    }

    /// Writes a copy to the directory `to`, which is made if it is not there, that is served from an origin of its
    /// own and talks to the hospital at `hospital`.
    pub fn copy_for(&self, hospital: &Origin, to: &Path) -> Result<Self, BuiltPageError> {
        let once = |text: &str| self.index.matches(text).count() == 1;
        if !once(NO_HOSPITAL) || !once(OWN_ORIGIN_ONLY) {
            return Err(BuiltPageError::NotOurs);
        }
        let named = format!(r#"<meta name="wardsum-hospital" content="{hospital}">"#);
        let socket = hospital.to_string().replacen("https:", "wss:", 1);
        let policy = format!("connect-src 'self' {hospital} {socket};");
        let index = self.index.replace(NO_HOSPITAL, &named).replace(OWN_ORIGIN_ONLY, &policy);

        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BuiltPageError::File { path, source }
        };
        fs::create_dir_all(to).map_err(failed(to))?;
        if fs::read_dir(to).map_err(failed(to))?.next().is_some() {
            return Err(BuiltPageError::Occupied(to.to_owned()));
        }
        for name in &self.files {
            let copy = to.join(name);
            if let Some(directory) = copy.parent() {
                fs::create_dir_all(directory).map_err(failed(directory))?;
            }
            fs::copy(self.dir.join(name), &copy).map_err(failed(&copy))?;
        }
        fs::write(to.join(INDEX), index).map_err(failed(&to.join(INDEX)))?;
        Self::read(to)
    }
}

/// A file as `index.html` names it.
struct Part {
    /// Relative to the page's directory.
    name: String,
    /// The SHA-384, in base64.
    hash: String,
}

/// All files that `index.html` names with their hashes; it is served below `path`.
///
/// It is the output of our own build and well-formed, so that this finds tags by their text.
fn parts(index: &str, path: &str) -> Result<Vec<Part>, BuiltPageError> {
    let mut parts = Vec::new();
    for tag in index.split('<').filter_map(|text| text.split('>').next()) {
        let script = tag.starts_with("script");
        if !script && !tag.starts_with("link") {
            continue;
        }
        let Some(address) = attribute(tag, if script { "src" } else { "href" }) else {
            if script {
                return Err(BuiltPageError::InlineScript);
            }
            continue;
        };
        let hash = attribute(tag, "integrity").and_then(|hash| hash.strip_prefix("sha384-"));
        let Some(hash) = hash else { return Err(BuiltPageError::NoHash(address.to_owned())) };
        let name = address.strip_prefix(path).unwrap_or(address).to_owned();
        parts.push(Part { name, hash: hash.to_owned() });
    }
    Ok(parts)
}

/// An attribute's value in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    value.split('"').next()
}

/// The files below a directory, without hidden ones, which build tools leave behind.
fn list(dir: &Path, prefix: &str, files: &mut BTreeSet<String>) -> Result<(), BuiltPageError> {
    let failed = |source| BuiltPageError::File { path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else {
            files.insert(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, BuiltPageError> {
    fs::read(path).map_err(|source| BuiltPageError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const SCRIPT: &str = "export {};";

    /// A page with one script, and with `more` in its head.
    fn page(more: &str) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let hash = BASE64_STANDARD.encode(Sha384::digest(SCRIPT));
        let index = format!(
            "<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             {OWN_ORIGIN_ONLY}\">{NO_HOSPITAL}<script type=\"module\" src=\"/a/start.js\" \
             integrity=\"sha384-{hash}\"></script>{more}</head>"
        );
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/start.js"), SCRIPT).unwrap();
        fs::write(dir.path().join("a/start.js.br"), "packed").unwrap();
        fs::write(dir.path().join(".trunk-lock"), "").unwrap();
        fs::write(dir.path().join(INDEX), index).unwrap();
        dir
    }

    fn refusal(page: &TempDir) -> String {
        BuiltPage::read(page.path()).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_page_has_the_fingerprint_of_its_start_page() {
        let page = page("");
        let index = fs::read(page.path().join(INDEX)).unwrap();
        let built = BuiltPage::read(page.path()).unwrap();
        assert_eq!(built.fingerprint(), Fingerprint::of(&index));
        // RFC 6234 and everybody else: SHA-256 of "abc".
        let shown = Fingerprint::of(b"abc").to_string();
        assert!(shown.starts_with("ba78 16bf 8f01 ") && shown.ends_with(" f200 15ad"), "{shown}");
    }

    #[test]
    fn what_differs_is_named() {
        let altered = page("");
        fs::write(altered.path().join("a/start.js"), "export {}").unwrap();
        assert!(refusal(&altered).starts_with("a/start.js is not the file"));
        let missing = page("");
        fs::remove_file(missing.path().join("a/start.js")).unwrap();
        assert!(refusal(&missing).contains("a/start.js, which index.html names, is not there"));
        let stray = page("");
        fs::write(stray.path().join("more.js"), "").unwrap();
        assert!(refusal(&stray).starts_with("more.js is none of the page's files"));
        assert!(refusal(&page("<script>alert(1)</script>")).contains("a script of its own"));
        let more = r#"<link rel="stylesheet" href="/page.css">"#;
        assert_eq!(refusal(&page(more)), "index.html names /page.css without its hash");
        // A hash of the compressed form only would stand for nothing.
        let index = page("");
        fs::write(index.path().join("index.html.gz"), "").unwrap();
        assert!(refusal(&index).starts_with("index.html.gz is none"));
    }

    #[test]
    fn the_researchers_page_in_it_is_checked_too_and_in_no_copy() {
        let page = page("");
        let theirs = page.path().join(RESEARCHER);
        fs::create_dir(&theirs).unwrap();
        let hash = BASE64_STANDARD.encode(Sha384::digest(SCRIPT));
        let index =
            format!("<script src=\"/researcher/start.js\" integrity=\"sha384-{hash}\"></script>");
        fs::write(theirs.join(INDEX), &index).unwrap();
        fs::write(theirs.join("start.js"), SCRIPT).unwrap();
        let built = BuiltPage::read(page.path()).unwrap();
        let researchers = built.researchers().unwrap();
        assert_eq!(researchers.fingerprint(), Fingerprint::of(index.as_bytes()));
        let hospital = "https://hospital.example".parse().unwrap();
        let to = tempfile::tempdir().unwrap();
        let copy = built.copy_for(&hospital, to.path()).unwrap();
        assert!(copy.researchers().is_none() && !to.path().join(RESEARCHER).exists());
        fs::write(theirs.join("start.js"), "export {}").unwrap();
        assert!(refusal(&page).starts_with("start.js is not the file"));
        fs::write(theirs.join("start.js"), SCRIPT).unwrap();
        fs::write(theirs.join("more.js"), "").unwrap();
        assert!(refusal(&page).starts_with("more.js is none of the page's files"));
    }

    #[test]
    fn a_copy_for_another_origin_names_it_and_may_connect_to_it() {
        let page = page("");
        let hospital = "https://hospital.example:8443".parse().unwrap();
        let to = tempfile::tempdir().unwrap();
        let original = BuiltPage::read(page.path()).unwrap();
        let copy = original.copy_for(&hospital, &to.path().join("copy")).unwrap();
        assert_ne!(copy.fingerprint(), original.fingerprint());
        for text in [
            r#"<meta name="wardsum-hospital" content="https://hospital.example:8443">"#,
            "connect-src 'self' https://hospital.example:8443 wss://hospital.example:8443;",
        ] {
            assert!(copy.index.contains(text), "{}", copy.index);
        }
        assert!(to.path().join("copy/a/start.js.br").is_file());
        let again = copy.copy_for(&hospital, &to.path().join("again")).unwrap_err();
        assert!(matches!(again, BuiltPageError::NotOurs), "{again}");
        let occupied = original.copy_for(&hospital, page.path()).unwrap_err();
        assert!(matches!(occupied, BuiltPageError::Occupied(_)), "{occupied}");
    }
}
