//! Encoding and decoding in the TLS presentation language (RFC 8446, section 3), with `tls_codec`.

use bytes::Bytes;
use tls_codec::{
    DeserializeBytes, Error, Serialize, Size, TlsDeserializeBytes, TlsSerialize, TlsSize,
    VLByteSlice,
};

/// Encodes a value that was built within its bounds.
///
/// # Panics
///
/// If a vector is longer than its length prefix can say.
#[must_use]
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    // Not `expect`, as elsewhere in this crate: to print errors that never are would be kilobytes of the page.
    value.tls_serialize_detached().unwrap_or_else(|_| {
        unreachable!("a vector in memory takes every byte, and lengths were bounded before")
    })
}

/// Decodes a value and refuses bytes that are left over.
pub fn decode<T: DeserializeBytes>(bytes: &[u8]) -> Result<T, Error> {
    T::tls_deserialize_exact_bytes(bytes)
}

/// A signed 128-bit number: two's complement, big-endian, 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Int128([u8; 16]);

impl From<i128> for Int128 {
    fn from(value: i128) -> Self {
        Self(value.to_be_bytes())
    }
}

impl From<Int128> for i128 {
    fn from(value: Int128) -> Self {
        Self::from_be_bytes(value.0)
    }
}

/// A signed 32-bit number: two's complement, big-endian, 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Int32([u8; 4]);

impl From<i32> for Int32 {
    fn from(value: i32) -> Self {
        Self(value.to_be_bytes())
    }
}

impl From<Int32> for i32 {
    fn from(value: Int32) -> Self {
        Self::from_be_bytes(value.0)
    }
}

/// Yes or no: one byte, 1 or 0, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Size for Flag {
    fn tls_serialized_len(&self) -> usize {
        1
    }
}

impl Serialize for Flag {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, Error> {
        u8::from(self.0).tls_serialize(writer)
    }
}

impl DeserializeBytes for Flag {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        match u8::tls_deserialize_bytes(bytes)? {
            (flag @ 0..=1, rest) => Ok((Self(flag == 1), rest)),
            _ => Err(Error::InvalidInput),
        }
    }
}

/// UTF-8 behind its length, which is encoded as short as it can be (RFC 9420, section 2.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8(pub String);

impl Size for Utf8 {
    fn tls_serialized_len(&self) -> usize {
        VLByteSlice(self.0.as_bytes()).tls_serialized_len()
    }
}

impl Serialize for Utf8 {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, Error> {
        VLByteSlice(self.0.as_bytes()).tls_serialize(writer)
    }
}

impl DeserializeBytes for Utf8 {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (text, rest) = Vec::<u8>::tls_deserialize_bytes(bytes)?;
        let text = String::from_utf8(text).map_err(|_| Error::InvalidInput)?;
        Ok((Self(text), rest))
    }
}

impl From<&str> for Utf8 {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Bytes up to the end of the message, without a length of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest(pub Bytes);

impl Size for Rest {
    fn tls_serialized_len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Rest {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, Error> {
        writer.write_all(&self.0)?;
        Ok(self.0.len())
    }
}

impl DeserializeBytes for Rest {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        Ok((Self(Bytes::copy_from_slice(bytes)), &[]))
    }
}
