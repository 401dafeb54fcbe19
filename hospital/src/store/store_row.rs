//! The one row about the whole store: what it holds, and how often it was written to.

use rusqlite::{Connection, Transaction};

use super::checksum::{Checksum, checksum, compare};
use super::error::Fault;

/// What the store as a whole remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreRow {
    /// Transactions so far; the witness is compared with it.
    pub(super) commits: u64,
    /// Rounds so far; their keys count from one.
    pub(super) rounds: u32,
    /// Entries of the audit log so far.
    pub(super) audit_entries: u64,
    /// The last audit entry's link of the chain.
    pub(super) audit_head: Checksum,
}

impl StoreRow {
    pub(super) fn new() -> Self {
        let audit_head = checksum("audit begins", &[]);
        Self { commits: 0, rounds: 0, audit_entries: 0, audit_head }
    }

    fn checksum(&self) -> Checksum {
        checksum(
            "store",
            &[
                &self.commits.to_be_bytes(),
                &self.rounds.to_be_bytes(),
                &self.audit_entries.to_be_bytes(),
                &self.audit_head,
            ],
        )
    }

    pub(super) fn insert(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO store VALUES (1, ?1, ?2, ?3, ?4, ?5)")?
            .execute((
                self.commits.cast_signed(),
                self.rounds,
                self.audit_entries.cast_signed(),
                self.audit_head,
                self.checksum(),
            ))?;
        Ok(())
    }

    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let sql = "SELECT commits, rounds, audit_entries, audit_head, checksum FROM store \
                   WHERE id = 1";
        let (row, stored) = connection.prepare_cached(sql)?.query_row([], |row| {
            let loaded = Self {
                commits: row.get::<_, i64>(0)?.cast_unsigned(),
                rounds: row.get(1)?,
                audit_entries: row.get::<_, i64>(2)?.cast_unsigned(),
                audit_head: row.get(3)?,
            };
            Ok((loaded, row.get::<_, Vec<u8>>(4)?))
        })?;
        compare(&stored, &row.checksum(), || "the row about the whole store".to_owned())?;
        Ok(row)
    }
}
