//! The names of stored identities, and hexadecimal digits.

use core::fmt;

use super::StorageError;

/// The name of a stored identity: 16 random bytes, written as 32 lower-case hexadecimal digits.
///
/// It is made for this browser only, and neither secret nor ever sent to anybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityName([u8; 16]);

impl IdentityName {
    /// A name that nothing else has.
    pub fn random() -> Result<Self, StorageError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|_| StorageError::Other("it gives no random bytes".to_owned()))?;
        Ok(Self(bytes))
    }

    /// Reads what [`fmt::Display`] writes, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityName({self})")
    }
}

/// Exactly `N` bytes from lower-case hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex_bytes(text)?.try_into().ok()
}

/// Bytes from lower-case hexadecimal digits.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    pairs.iter().map(byte).collect::<Option<_>>().filter(|_| rest.is_empty())
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The same test natively and in a browser.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_name_is_32_lower_case_digits_and_nothing_else() {
        let text = "00ff1234567890abcdef00000000000f";
        let name = IdentityName::parse(text).expect("a proper name");
        assert_eq!(name.to_string(), text);
        for bad in [
            "",
            "00",
            &text.to_uppercase(),
            &text[1..],
            &format!("{text}0"),
            &text.replace('f', "g"),
        ] {
            assert_eq!(IdentityName::parse(bad), None, "{bad}");
        }
    }
}
