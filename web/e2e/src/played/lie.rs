//! A committee member who lies: its partial aggregate is wrong by one, and correctly signed.

use tls_codec::TlsVecU24;
use wardsum_protocol::aggregate::{Opening, sign_partial};
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::identity::{Identity, SignedBytes};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::sharing::ShareIndex;
use wardsum_protocol::{Entropy, VerdictDigest, wire};

/// What a liar says in the place of a message of its honest peer: the same, unless it is a partial aggregate.
pub(super) fn told(liar: &Entropy, honest: Vec<u8>) -> Vec<u8> {
    match wire::decode(&honest) {
        Ok(PeerMessage::Partial(partial)) => {
            lie(liar, &wire::encode(&partial)).map_or(honest, |lie| wire::encode(&lie))
        }
        _ => honest,
    }
}

/// The same partial aggregate (PROTOCOL.md, "Partial aggregate") with one more in its first element.
fn lie(liar: &Entropy, partial: &[u8]) -> Option<PeerMessage> {
    let (signed, openings): (SignedBytes, TlsVecU24<Opening>) = wire::decode(partial).ok()?;
    let (verdict, rest) = signed.body.as_slice().split_first_chunk()?;
    let index = ShareIndex::new(*rest.first()?)?;
    let mut values: Vec<Field> = { openings.as_slice().iter() }
        .map(|opening| field::decode(*opening.last_chunk()?))
        .collect::<Option<_>>()?;
    *values.first_mut()? += Field::from(1);
    let values = SecretVector::new(values);
    let keys = (&Identity::derive(liar), liar);
    Some(PeerMessage::Partial(sign_partial(keys, VerdictDigest(*verdict), index, &values)))
}
