//! Encoding and decoding in the TLS presentation language (RFC 8446, section 3), with `tls_codec`.

use bytes::Bytes;
use tls_codec::{
    DeserializeBytes, Error, Serialize, Size, TlsDeserializeBytes, TlsSerialize, TlsSize,
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
