//! What a round asks to be kept before it goes on.

use wardsum_protocol::round::Record;

/// The records of one round, in order.
///
/// **Durability is not there yet**: the journal lives in memory, and a hospital that stops forgets
/// its open rounds. What is there is the order. The round's task performs no send and no event before
/// every record ahead of it was appended, so that a journal which survives a crash can take this
/// one's place without a change to anything around it.
#[derive(Default)]
pub(crate) struct Journal {
    records: Vec<Record>,
}

impl Journal {
    /// Keeps a record. When this returns, the record is as durable as it will ever be.
    pub(crate) fn append(&mut self, record: Record) {
        self.records.push(record);
    }

    /// How many records are kept.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}
