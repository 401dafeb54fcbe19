//! A researcher's token: 256 bits of the operating system's randomness, which the hospital shows once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What every token begins with, so that people and programs that look for leaked secrets know one.
const PREFIX: &str = "wardsum_";

/// Bytes of a token.
const LEN: usize = 32;

/// A token. Only its digest is ever stored.
pub struct Token(Zeroizing<[u8; LEN]>);

impl Token {
    /// A new one.
    pub(super) fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; LEN]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Reads what somebody shows; `None` if it cannot be a token.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0; LEN]);
        let len = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut()).ok()?;
        (len == LEN).then_some(Self(bytes))
    }

    /// The SHA-256 of its bytes. There is nothing to be found by trying: they are as many as a key's.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    /// The token as its owner keeps it.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + LEN.div_ceil(3) * 4));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.0.as_slice(), &mut text);
        text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_shown_and_in_no_other_way() {
        let token = Token::draw().unwrap();
        let text = token.reveal();
        assert_eq!(text.len(), 8 + 43);
        assert_eq!(Token::parse(&text).unwrap().digest(), token.digest());
        assert_ne!(Token::draw().unwrap().digest(), token.digest());
        let cut = &text[..text.len() - 1];
        let (longer, padded) = (format!("{}A", &*text), format!("{}=", &*text));
        for other in
            ["", "wardsum_", "wardsum", cut, &longer, &padded, &text[8..], &text.to_uppercase()]
        {
            assert!(Token::parse(other).is_none(), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token { .. }");
    }
}
