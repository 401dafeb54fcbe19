//! What somebody answers.

use core::fmt;

use tls_codec::{DeserializeBytes, Error, Serialize, Size, TlsDeserializeBytes, TlsSize};
use zeroize::Zeroize;

use crate::wire::{Flag, Int128};

/// What somebody answers to one question. It does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// A whole number.
    Number(i128),
    /// Yes, or no.
    YesNo(bool),
    /// The option with this number, from 0 on.
    Choice(u16),
    /// The options with these numbers, from 0 on, in ascending order.
    Choices(Vec<u16>),
    /// Prefers not to answer.
    None,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").finish_non_exhaustive()
    }
}

impl Zeroize for Response {
    fn zeroize(&mut self) {
        match self {
            Self::Number(number) => number.zeroize(),
            Self::YesNo(yes) => yes.zeroize(),
            Self::Choice(option) => option.zeroize(),
            Self::Choices(options) => options.zeroize(),
            Self::None => {}
        }
        *self = Self::None;
    }
}

/// How it is kept on the device of whoever answers, as it is read. It is written from the response itself, of which no
/// copy is left in memory.
#[derive(TlsSize, TlsDeserializeBytes)]
#[repr(u8)]
enum ResponseBytes {
    #[tls_codec(discriminant = 1)]
    Number(Int128),
    #[tls_codec(discriminant = 2)]
    YesNo(Flag),
    #[tls_codec(discriminant = 3)]
    Choice(u16),
    #[tls_codec(discriminant = 4)]
    Choices(Vec<u16>),
    #[tls_codec(discriminant = 5)]
    None,
}

impl Response {
    /// What tells it from the others, as in [`ResponseBytes`].
    fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 1,
            Self::YesNo(_) => 2,
            Self::Choice(_) => 3,
            Self::Choices(_) => 4,
            Self::None => 5,
        }
    }
}

impl Size for Response {
    fn tls_serialized_len(&self) -> usize {
        let value = match self {
            Self::Number(number) => Int128::from(*number).tls_serialized_len(),
            Self::YesNo(yes) => Flag(*yes).tls_serialized_len(),
            Self::Choice(option) => option.tls_serialized_len(),
            Self::Choices(options) => options.tls_serialized_len(),
            Self::None => 0,
        };
        1 + value
    }
}

impl Serialize for Response {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, Error> {
        let kind = self.kind().tls_serialize(writer)?;
        let value = match self {
            Self::Number(number) => Int128::from(*number).tls_serialize(writer)?,
            Self::YesNo(yes) => Flag(*yes).tls_serialize(writer)?,
            Self::Choice(option) => option.tls_serialize(writer)?,
            Self::Choices(options) => options.tls_serialize(writer)?,
            Self::None => 0,
        };
        Ok(kind + value)
    }
}

impl DeserializeBytes for Response {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (bytes, rest) = ResponseBytes::tls_deserialize_bytes(bytes)?;
        let response = match bytes {
            ResponseBytes::Number(number) => Self::Number(number.into()),
            ResponseBytes::YesNo(yes) => Self::YesNo(yes.0),
            ResponseBytes::Choice(option) => Self::Choice(option),
            ResponseBytes::Choices(options) => Self::Choices(options),
            ResponseBytes::None => Self::None,
        };
        Ok((response, rest))
    }
}
