//! What a round asks to be kept before it goes on.

use wardsum_protocol::round::Record;

/// Where the records of one round go, in order.
///
/// **Durability is not there yet**: a hospital that stops forgets its open rounds, and since nobody could
/// read a record again, none is kept. What is there is the order. The round's task performs no send and
/// no event before every record ahead of it was appended, so that a journal which survives a crash can
/// take this one's place without a change to anything around it.
#[derive(Default)]
pub(crate) struct Journal {
    records: u64,
}

impl Journal {
    /// Takes a record. When this returns, the record is as durable as it will ever be.
    pub(crate) fn append(&mut self, record: Record) {
        self.records += 1;
        // A contribution has hundreds of kilobytes, and this is where they are given back.
        drop(record);
    }

    /// How many records were appended.
    pub(crate) fn len(&self) -> u64 {
        self.records
    }
}
