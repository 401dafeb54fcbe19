//! Who invites, as the study file says that an authority has made.

/// The lines that say whose invitations admit people to which round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthorityLines {
    /// The authority's public key, in hexadecimal digits.
    pub(crate) authority: String,
    /// What tells the round from any other, in hexadecimal digits.
    pub(crate) instance: String,
}

impl AuthorityLines {
    /// What a study file says; `None` if it does not say who the authority is.
    ///
    /// Only these two lines are looked at and leave this device: somebody may choose the wrong file.
    pub(crate) fn of(file: &str) -> Option<Self> {
        let line = |name: &str| {
            file.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                let value = value.trim().trim_matches('"');
                let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
                (key.trim() == name && is_hex).then(|| value.to_owned())
            })
        };
        let authority = line("authority")?;
        Some(Self { authority, instance: line("instance").unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_are_taken_and_nothing_else() {
        let file = "[[study]]\nid = \"pain\"\n[study.admission]\nauthority = \"0aFF\"\ninstance=\"01\"\nother = \"ab\"\n";
        let lines = AuthorityLines { authority: "0aFF".into(), instance: "01".into() };
        assert_eq!(AuthorityLines::of(file), Some(lines));
    }

    #[test]
    fn another_file_gives_nothing() {
        assert_eq!(AuthorityLines::of("secret = \"0a\"\n"), None);
        assert_eq!(AuthorityLines::of("authority = \"not hexadecimal\"\n"), None);
        assert_eq!(AuthorityLines::of(""), None);
    }
}
