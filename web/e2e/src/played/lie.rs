//! A committee member who lies: its partial aggregate is wrong by one, and correctly signed.

use wardsum_protocol::field::{self, ENCODED_LEN, Field};
use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::wire;

/// What a liar says in the place of a message of its honest peer: the same, unless it is a partial aggregate.
pub(super) fn told(liar: &Identity, honest: Vec<u8>) -> Vec<u8> {
    let Ok(PeerMessage::Partial(mut signed)) = wire::decode(&honest) else { return honest };
    // The value comes last (PROTOCOL.md, "Partial aggregate").
    let mut body = signed.body.as_slice().to_vec();
    let Some(value) = body.last_chunk_mut::<ENCODED_LEN>() else { return honest };
    let Some(right) = field::decode(*value) else { return honest };
    *value = field::encode(right + Field::from(1));
    signed.signature = liar.sign(SignatureLabel::PartialAggregate, &[&body]);
    signed.body = body.into();
    wire::encode(&PeerMessage::Partial(signed))
}
