//! The audit log: who did what to the hospital, chained so that no entry can be changed alone.

use rusqlite::{Connection, Transaction};
use serde::Serialize;

use super::checksum::{Checksum, checksum, compare};
use super::error::Fault;
use super::store_row::StoreRow;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970 by the hospital's wall clock.
    pub at_unix_ms: i64,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what, or with what.
    pub detail: String,
}

impl AuditEntry {
    fn link(&self, before: &Checksum) -> Checksum {
        checksum(
            "audit",
            &[
                before,
                &self.at_unix_ms.to_be_bytes(),
                self.actor.as_bytes(),
                self.action.as_bytes(),
                self.detail.as_bytes(),
            ],
        )
    }
}

/// Writes an entry behind the last one.
pub(super) fn append(
    store: &mut StoreRow,
    entry: &AuditEntry,
    transaction: &Transaction<'_>,
) -> Result<(), Fault> {
    let head = entry.link(&store.audit_head);
    transaction.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
        store.audit_entries.cast_signed(),
        entry.at_unix_ms,
        &entry.actor,
        &entry.action,
        &entry.detail,
        head,
    ))?;
    store.audit_entries += 1;
    store.audit_head = head;
    Ok(())
}

/// Reads some entries with their numbers, the newest first. Each must follow from the one before it, which
/// is read as well.
pub(super) fn page(
    before: Option<u64>,
    at_most: u32,
    connection: &Connection,
) -> Result<Vec<(u64, AuditEntry)>, Fault> {
    let sql = "SELECT number, at_unix_ms, actor, action, detail, chain FROM audit WHERE number < ?1 \
               ORDER BY number DESC LIMIT ?2";
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((before, i64::from(at_most) + 1))?;
    let mut read: Vec<(u64, AuditEntry, Vec<u8>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let number = u64::try_from(row.get::<_, i64>(0)?)
            .or_else(|_| Fault::damage("an audit entry has a negative number"))?;
        let entry = AuditEntry {
            at_unix_ms: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            detail: row.get(4)?,
        };
        read.push((number, entry, row.get(5)?));
    }
    for place in 0..read.len().min(at_most as usize) {
        let (number, entry, chain) = &read[place];
        let link = match read.get(place + 1) {
            None => StoreRow::new().audit_head,
            Some((_, _, link)) => link
                .as_slice()
                .try_into()
                .or_else(|_| Fault::damage(format!("audit entry {number} was altered")))?,
        };
        compare(chain, &entry.link(&link), || format!("audit entry {number}"))?;
    }
    read.truncate(at_most as usize);
    Ok(read.into_iter().map(|(number, entry, _)| (number, entry)).collect())
}

/// Reads all entries in order and checks the chain.
pub(super) fn read(store: &StoreRow, connection: &Connection) -> Result<Vec<AuditEntry>, Fault> {
    let sql = "SELECT number, at_unix_ms, actor, action, detail, chain FROM audit ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut head = StoreRow::new().audit_head;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = AuditEntry {
            at_unix_ms: row.get(1)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            detail: row.get(4)?,
        };
        head = entry.link(&head);
        let number = row.get::<_, i64>(0)?;
        compare(&row.get::<_, Vec<u8>>(5)?, &head, || format!("audit entry {number}"))?;
        if usize::try_from(number) != Ok(entries.len()) {
            return Fault::damage(format!("audit entry {} is missing", entries.len()));
        }
        entries.push(entry);
    }
    if entries.len() as u64 != store.audit_entries || head != store.audit_head {
        return Fault::damage(format!(
            "the audit log has {} entries instead of {}",
            entries.len(),
            store.audit_entries
        ));
    }
    Ok(entries)
}
