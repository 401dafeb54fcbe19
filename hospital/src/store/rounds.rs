//! Rounds: what was decided when each was opened, and how far it has come.

use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use wardsum_protocol::{Study, StudyDigest, Timestamp};

use super::checksum::{Checksum, checksum, compare};
use super::error::Fault;
use super::store_row::StoreRow;
use super::{NewRound, RoundKey, StoredRound};

/// How far a round has come. It is written with every transaction that touches the round, so that a
/// journal that lost its end is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) clock: Timestamp,
    pub(super) records: u32,
    pub(super) contributions: u32,
    /// The last record's link of the chain.
    pub(super) head: Checksum,
    pub(super) over_unix_ms: Option<i64>,
    pub(super) erased: bool,
}

/// What was decided when the round was opened; never changed.
struct Opening {
    study_id: String,
    number: u32,
    study: Vec<u8>,
    digest: StudyDigest,
    opened_unix_ms: i64,
}

impl Progress {
    fn begin(opening: Checksum) -> Self {
        Self {
            clock: Timestamp::default(),
            records: 0,
            contributions: 0,
            head: opening,
            over_unix_ms: None,
            erased: false,
        }
    }

    fn checksum(&self, key: RoundKey) -> Checksum {
        let over = self.over_unix_ms.map(i64::to_be_bytes);
        checksum(
            "progress",
            &[
                &key.0.to_be_bytes(),
                &self.clock.0.to_be_bytes(),
                &self.records.to_be_bytes(),
                &self.contributions.to_be_bytes(),
                &self.head,
                over.as_ref().map_or(&[], <[u8; 8]>::as_slice),
                &[u8::from(self.erased)],
            ],
        )
    }

    pub(super) fn save(&self, key: RoundKey, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO progress VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                key.0,
                self.clock.0.cast_signed(),
                self.records,
                self.contributions,
                self.head,
                self.over_unix_ms,
                self.erased,
                self.checksum(key),
            ))?;
        Ok(())
    }

    /// How far a round has come; `None` if there is no such round.
    pub(super) fn load(key: RoundKey, connection: &Connection) -> Result<Option<Self>, Fault> {
        let sql = "SELECT clock_ms, records, contributions, head, over_unix_ms, erased, checksum \
                   FROM progress WHERE round = ?1";
        let found = connection
            .prepare_cached(sql)?
            .query_row([key.0], |row| Ok((Self::of_row(row)?, row.get::<_, Vec<u8>>(6)?)));
        let Some((progress, stored)) = found.optional()? else { return Ok(None) };
        compare(&stored, &progress.checksum(key), || format!("the progress of round {key}"))?;
        Ok(Some(progress))
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            clock: Timestamp(row.get::<_, i64>(0)?.cast_unsigned()),
            records: row.get(1)?,
            contributions: row.get(2)?,
            head: row.get(3)?,
            over_unix_ms: row.get(4)?,
            erased: row.get(5)?,
        })
    }
}

impl Opening {
    fn checksum(&self, key: RoundKey) -> Checksum {
        checksum(
            "round",
            &[
                &key.0.to_be_bytes(),
                self.study_id.as_bytes(),
                &self.number.to_be_bytes(),
                &self.study,
                self.digest.as_bytes(),
                &self.opened_unix_ms.to_be_bytes(),
            ],
        )
    }

    fn load(key: RoundKey, connection: &Connection) -> Result<Option<(Self, Checksum)>, Fault> {
        let sql = "SELECT study_id, number, study, digest, opened_unix_ms, checksum \
                   FROM round WHERE key = ?1";
        let found = connection.prepare_cached(sql)?.query_row([key.0], |row| {
            let opening = Self {
                study_id: row.get(0)?,
                number: row.get(1)?,
                study: row.get(2)?,
                digest: StudyDigest(row.get(3)?),
                opened_unix_ms: row.get(4)?,
            };
            Ok((opening, row.get::<_, Vec<u8>>(5)?))
        });
        let Some((opening, stored)) = found.optional()? else { return Ok(None) };
        let sum = opening.checksum(key);
        compare(&stored, &sum, || format!("round {key}"))?;
        Ok(Some((opening, sum)))
    }
}

/// Writes a new round, and returns where it begins.
pub(super) fn insert(
    key: RoundKey,
    new: NewRound,
    opened_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<Progress, Fault> {
    let NewRound { study_id, number, study, digest } = new;
    let opening = Opening { study_id, number, study, digest, opened_unix_ms };
    let sum = opening.checksum(key);
    transaction.prepare_cached("INSERT INTO round VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
        (
            key.0,
            &opening.study_id,
            opening.number,
            &opening.study,
            opening.digest.as_bytes(),
            opening.opened_unix_ms,
            sum,
        ),
    )?;
    let progress = Progress::begin(sum);
    progress.save(key, transaction)?;
    Ok(progress)
}

/// The chain's first link: what the round's first record follows.
pub(super) fn chain_begins(key: RoundKey, connection: &Connection) -> Result<Checksum, Fault> {
    match Opening::load(key, connection)? {
        Some((_, sum)) => Ok(sum),
        None => Fault::damage(format!("round {key} is missing")),
    }
}

/// A round that must be there.
pub(super) fn load(key: RoundKey, connection: &Connection) -> Result<StoredRound, Fault> {
    let (Some((opening, _)), Some(progress)) =
        (Opening::load(key, connection)?, Progress::load(key, connection)?)
    else {
        return Fault::damage(format!("round {key} is missing"));
    };
    let Opening { study_id, number, study, digest, opened_unix_ms } = opening;
    match Study::decode(&study) {
        Ok(decoded) if decoded.digest() == digest => {}
        _ => return Fault::damage(format!("the study of round {key} is none that is known here")),
    }
    Ok(StoredRound {
        key,
        study_id,
        number,
        study,
        digest,
        clock: progress.clock,
        records: progress.records,
        contributions: progress.contributions,
        opened_unix_ms,
        over_unix_ms: progress.over_unix_ms,
        erased: progress.erased,
    })
}

/// All rounds, in the order in which they were opened.
pub(super) fn all(store: &StoreRow, connection: &Connection) -> Result<Vec<StoredRound>, Fault> {
    let count: u32 =
        connection.prepare_cached("SELECT count(*) FROM round")?.query_row([], |row| row.get(0))?;
    if count != store.rounds {
        return Fault::damage(format!("it has {count} rounds instead of {}", store.rounds));
    }
    (1..=store.rounds).map(|key| load(RoundKey(key), connection)).collect()
}

/// The round with this digest, if there is one. There is no index: rounds are few, and their digests are
/// quickly looked through.
pub(super) fn with_digest(
    digest: &StudyDigest,
    connection: &Connection,
) -> Result<Option<RoundKey>, Fault> {
    let found = connection
        .prepare_cached("SELECT key FROM round WHERE digest = ?1")?
        .query_row([digest.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.map(RoundKey))
}
