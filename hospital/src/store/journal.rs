//! The records of rounds, and the sealed shares beside them.

use std::ops::Range;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction};
use wardsum_protocol::round::{Contributed, Record};
use wardsum_protocol::{StoredDigest, Timestamp};

use super::RoundKey;
use super::checksum::{Checksum, checksum, compare};
use super::error::{Fault, StoreError};
use super::rounds::{self, Progress};

/// Where a round's row with this number lies in its table.
fn place(key: RoundKey, number: u32) -> i64 {
    (i64::from(key.0) << 32) | i64::from(number)
}

/// The link of a record: it covers the record, when it was written, and every record before it.
fn link(before: &Checksum, at: Timestamp, record: &[u8]) -> Checksum {
    checksum("journal", &[before, &at.0.to_be_bytes(), record])
}

/// The checksum of a sealed message, by its digest: hashing it again would be half of the writer's work.
fn sealed_checksum(key: RoundKey, number: u32, message: &StoredDigest) -> Checksum {
    let fields: [&[u8]; 3] = [&key.0.to_be_bytes(), &number.to_be_bytes(), message.as_bytes()];
    checksum("sealed digest", &fields)
}

/// The same in stores of schema version 1.
fn sealed_checksum_1(key: RoundKey, number: u32, message: &[u8]) -> Checksum {
    checksum("sealed", &[&key.0.to_be_bytes(), &number.to_be_bytes(), message])
}

/// Writes one record behind the last one, and the sealed shares that come with it.
pub(super) fn append(
    key: RoundKey,
    progress: &mut Progress,
    at: Timestamp,
    record: &Record,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<(), Fault> {
    // A round's clock stands still at times, and never goes back.
    let at = at.max(progress.clock);
    let bytes = record.encode();
    let head = link(&progress.head, at, &bytes);
    transaction.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4)")?.execute((
        place(key, progress.records),
        at.0.cast_signed(),
        &bytes,
        head,
    ))?;
    match record {
        Record::Contributed(Contributed { number, stored, message, .. }) => {
            let sum = sealed_checksum(key, *number, stored);
            transaction.prepare_cached("INSERT INTO sealed VALUES (?1, ?2, ?3)")?.execute((
                place(key, *number),
                &message[..],
                sum,
            ))?;
            progress.contributions += 1;
        }
        Record::Published { .. } | Record::PublishedSum { .. } | Record::Ended(_) => {
            progress.over_unix_ms.get_or_insert(now_unix_ms);
        }
        Record::Enrolled(_)
        | Record::Withdrawn(_)
        | Record::CommitteeFixed(_)
        | Record::ContributingClosed
        | Record::ManifestFixed { .. }
        | Record::Verified(_)
        | Record::Judged(_)
        | Record::Partial(_)
        | Record::Declined(..)
        | Record::Left(_)
        | Record::WordsDisputed(_)
        | Record::InvitationUsed { .. }
        | Record::InvitationsRevoked(_) => {}
    }
    progress.clock = at;
    progress.records += 1;
    progress.head = head;
    Ok(())
}

/// Reads a round's records in order, without the messages of contributions, and checks the chain.
pub(super) fn read(
    key: RoundKey,
    progress: &Progress,
    connection: &Connection,
) -> Result<Vec<(Timestamp, Record)>, Fault> {
    let broken = |number: u32| format!("record {number} of round {key}");
    let mut head = rounds::chain_begins(key, connection)?;
    let mut records = Vec::new();
    let sql = "SELECT place, at_ms, record, chain FROM journal \
               WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((place(key, 0), place(key, u32::MAX)))?;
    let mut number = 0;
    while let Some(row) = rows.next()? {
        let at = Timestamp(row.get::<_, i64>(1)?.cast_unsigned());
        let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        head = link(&head, at, bytes);
        let stored = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        compare(stored, &head, || broken(number))?;
        if row.get::<_, i64>(0)? != place(key, number) {
            return Fault::damage(format!("{} is missing", broken(number)));
        }
        match Record::decode(bytes) {
            Ok(record) => records.push((at, record)),
            Err(error) => return Fault::damage(format!("{}: {error}", broken(number))),
        }
        number += 1;
    }
    if number != progress.records || head != progress.head {
        return Fault::damage(format!(
            "round {key} has {number} records instead of {}",
            progress.records
        ));
    }
    Ok(records)
}

/// Reads the sealed messages with these numbers, as many of them as there are, and checks each.
pub(super) fn read_sealed(
    key: RoundKey,
    progress: &Progress,
    numbers: Range<u32>,
    connection: &Connection,
) -> Result<Vec<(u32, Bytes)>, Fault> {
    if progress.erased {
        return Err(Fault::Refused(StoreError::Erased));
    }
    let sql = "SELECT message, checksum FROM sealed WHERE place = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut read = |number| {
        let what = || format!("contribution {number} of round {key}");
        let found = statement
            .query_row([place(key, number)], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((message, stored)) = found else {
            return Fault::damage(format!("{} is missing", what()));
        };
        let message = Bytes::from(message);
        let now = sealed_checksum(key, number, &StoredDigest::of(&message));
        // A round that an earlier version of the program relayed.
        let before = || Some(sealed_checksum(key, number, &StoredDigest::of_version_2(&message)?));
        if stored != now && before().is_none_or(|before| stored != before) {
            compare(&stored, &sealed_checksum_1(key, number, &message), what)?;
        }
        Ok((number, message))
    };
    (numbers.start..numbers.end.min(progress.contributions)).map(&mut read).collect()
}

/// Writes so many bytes and deletes them again. Their pages stay, and are those that are used next.
pub(super) fn take_room(bytes: usize, transaction: &Transaction<'_>) -> Result<(), Fault> {
    // No round has this place.
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT INTO sealed VALUES (-1, zeroblob(?1), x'')")?
        .execute([bytes])?;
    transaction.execute("DELETE FROM sealed WHERE place = -1", ())?;
    Ok(())
}

/// Deletes some of a round's sealed messages; returns whether there are none left.
pub(super) fn delete_sealed(
    key: RoundKey,
    at_most: u32,
    transaction: &Transaction<'_>,
) -> Result<bool, Fault> {
    let sql = "DELETE FROM sealed WHERE place IN \
               (SELECT place FROM sealed WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3)";
    let deleted =
        transaction.prepare_cached(sql)?.execute((place(key, 0), place(key, u32::MAX), at_most))?;
    Ok(deleted < at_most as usize)
}

/// Whether there are any sealed messages of a round.
pub(super) fn has_sealed(key: RoundKey, connection: &Connection) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sealed WHERE place BETWEEN ?1 AND ?2)";
    let found = connection
        .prepare_cached(sql)?
        .query_row((place(key, 0), place(key, u32::MAX)), |row| row.get(0))?;
    Ok(found)
}
