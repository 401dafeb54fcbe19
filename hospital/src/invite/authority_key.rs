//! The file that the authority's key is in.
//!
//! ```text
//! # what it is, for people
//! kind: wardsum authority key
//! version: 1
//! public: 64 hexadecimal digits
//! secret: 64 hexadecimal digits
//! ```
//!
//! Errors name lines and never show what stands there, which may be the secret.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;
use thiserror::Error;
use wardsum_protocol::Authority;
use zeroize::Zeroizing;

use super::directory::unwritable;
use super::{InviteError, parent};
use crate::hex;

const KIND: &str = "wardsum authority key";
const VERSION: &str = "1";

/// The longest file that is read; a key's is far shorter.
const FILE_MAX: u64 = 64 * 1024;

/// The authority's key, as it is in a file or will be.
pub(super) struct AuthorityKey {
    pub(super) authority: Authority,
    secret: Zeroizing<[u8; 32]>,
    /// Whether there is no file of it yet.
    pub(super) is_new: bool,
}

/// Why a file is not taken for the authority's key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the authority's key {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others may read or change it.
    #[error(
        "{path} has mode {mode:04o}, so others can get at the authority's key; make it yours alone with \
         `chmod 600 {path}`, and make another key if somebody may have read it",
        path = .path.display()
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Something else than a key of an authority.
    #[error("{path} is {found}, not an authority's key", path = .path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// A key of another version of this program.
    #[error(
        "{path} is an authority's key of version {version}, and this program knows version {VERSION}",
        path = .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A line that is not as it should be.
    #[error("{path}, line {line}: this should be `{expected}`", path = .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The public key is not that of the secret one.
    #[error("{path} was changed: its public key does not belong to its secret one", path = .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
    },
}

impl AuthorityKey {
    /// A new key.
    pub(super) fn draw() -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut())?;
        Ok(Self { authority: Authority::new(&secret), secret, is_new: true })
    }

    /// Reads a file that nobody but its owner can get at.
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mode = metadata.permissions().mode() & 0o7777;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(FILE_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
        // Other keys have permissions of their own, and it helps more to hear that it is one.
        let secret = parse(&bytes, path)?;
        if mode & 0o077 != 0 {
            return Err(KeyError::Permissions { path: path.to_owned(), mode });
        }
        Ok(Self { authority: Authority::new(&secret), secret, is_new: false })
    }

    /// The file's text.
    pub(super) fn text(&self) -> Zeroizing<String> {
        let public = hex::encode(self.authority.key().as_bytes());
        let secret = Zeroizing::new(hex::encode(self.secret.as_slice()));
        Zeroizing::new(format!(
            "# The key with which an authority signs invitations. Whoever has it can invite anybody to its\n\
             # studies: keep it secret, and away from the hospital.\n\
             kind: {KIND}\nversion: {VERSION}\npublic: {public}\nsecret: {}\n",
            *secret
        ))
    }

    /// Makes the file, where there is none.
    pub(super) fn place(&self, path: &Path) -> Result<Placed, InviteError> {
        let placed = || {
            let mut file = tempfile::Builder::new()
                .prefix(".authority-")
                .permissions(PermissionsExt::from_mode(0o600))
                .tempfile_in(parent(path))?;
            file.write_all(self.text().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path).map_err(|error| error.error)?;
            TempPath::try_from_path(path)
        };
        placed().map(Placed).map_err(|source| unwritable(path, source))
    }
}

/// A key file that goes again unless it is kept.
pub(super) struct Placed(TempPath);

impl Placed {
    pub(super) fn keep(self) {
        // It has its name already.
        let _ = self.0.keep();
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let wrong = |found: &str| {
        let found = found.to_owned();
        KeyError::WrongKind { path: path.to_owned(), found }
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(wrong("no text"));
    };
    if let Some((_, label)) = text.split_once("-----BEGIN ") {
        let label = label.split("-----").next().unwrap_or_default().to_lowercase();
        return Err(wrong(&format!("a PEM file with a {label}")));
    }
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let mut value = |name: &str, expected: &'static str| {
        let (line, text) = lines.next().unwrap_or((text.lines().count() + 1, ""));
        let found = text.split_once(':').filter(|(found, _)| found.trim() == name);
        let value = found.map(|(_, value)| (line, value.trim()));
        value.ok_or_else(|| KeyError::Line { path: path.to_owned(), line, expected })
    };
    // What does not begin with a kind is none of our files.
    match value("kind", "kind: ...") {
        Ok((_, KIND)) => {}
        Ok((_, other)) => return Err(wrong(&format!("a {other}"))),
        Err(_) => return Err(wrong("something else")),
    }
    match value("version", "version: 1")? {
        (_, VERSION) => {}
        (_, version) => {
            let version = version.to_owned();
            return Err(KeyError::Version { path: path.to_owned(), version });
        }
    }
    let mut key = |name: &str, expected: &'static str| {
        let (line, value) = value(name, expected)?;
        let bytes = hex::decode::<32>(value).map(Zeroizing::new);
        bytes.ok_or_else(|| KeyError::Line { path: path.to_owned(), line, expected })
    };
    let public = key("public", "public: 64 hexadecimal digits")?;
    let secret = key("secret", "secret: 64 hexadecimal digits")?;
    if Authority::new(&secret).key().as_bytes() != &*public {
        return Err(KeyError::Mismatch { path: path.to_owned() });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), Path::new("a.key")).unwrap_err().to_string()
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = AuthorityKey::draw().unwrap();
        let secret = parse(key.text().as_bytes(), Path::new("a.key")).unwrap();
        assert_eq!(secret, key.secret);
    }

    #[test]
    fn what_is_no_authority_s_key_is_told_by_name() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n";
        assert_eq!(refusal(pem), "a.key is a PEM file with a private key, not an authority's key");
        let text = AuthorityKey::draw().unwrap().text().replace(KIND, "wardsum member key");
        assert_eq!(refusal(&text), "a.key is a wardsum member key, not an authority's key");
        assert!(refusal("").contains("something else"));
        assert!(parse(&[0xff, 0xfe], Path::new("a.key")).is_err());
    }

    #[test]
    fn an_error_names_the_line_and_does_not_show_it() {
        let key = AuthorityKey::draw().unwrap();
        let text = key.text();
        let secret = hex::encode(key.secret.as_slice());
        for (from, to, expected) in [
            ("version: 1", "version: 2", "of version 2"),
            ("version: 1\n", "", "line 4: this should be `version: 1`"),
            (&secret[..2], "zz", "line 6: this should be `secret: 64"),
            ("secret: ", "secret ", "line 6: this should be `secret: 64"),
        ] {
            // The last occurrence: two digits may be anywhere.
            let (head, tail) = text.rsplit_once(from).unwrap();
            let said = refusal(&format!("{head}{to}{tail}"));
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains(&secret[8..24]), "{said}");
        }
        let other = AuthorityKey::draw().unwrap();
        let other = hex::encode(other.authority.key().as_bytes());
        let own = hex::encode(key.authority.key().as_bytes());
        assert!(refusal(&text.replace(&own, &other)).contains("does not belong"));
    }
}
