//! Studies that were made while the hospital ran, beside those of the studies file.

use std::fmt;

use rusqlite::{Connection, Row, Transaction};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checksum::{Checksum, checksum, compare};
use super::error::{Fault, StoreError};
use super::registry::Registry;

/// Where a study stands that was made while the hospital ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StudyState {
    /// Written down, and nobody can take part.
    Draft,
    /// Served to patients.
    Open,
    /// No further round opens; the current one goes on to its end, and results stay to be seen.
    Closed,
    /// Not served any more; its rounds and results stay in the store.
    Archived,
}

impl StudyState {
    /// The state as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for StudyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A study that is about to be written down.
#[derive(Clone, Debug)]
pub struct NewStudy {
    /// Its id in addresses and logs; of no other study.
    pub id: String,
    /// Draft or open.
    pub state: StudyState,
    /// What an entry of the studies file says, as JSON.
    pub definition: String,
    /// Who made it, as the audit log names it.
    pub made_by: String,
}

/// A study as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStudy {
    /// From 1 on, in the order in which studies were made.
    pub number: u32,
    /// Its id in addresses and logs.
    pub id: String,
    /// Where it stands.
    pub state: StudyState,
    /// What an entry of the studies file says, as JSON.
    pub definition: String,
    /// Who made it, as the audit log names it.
    pub made_by: String,
    /// When it was made, in milliseconds since 1970.
    pub made_unix_ms: i64,
    /// When its state or definition was changed last, likewise.
    pub changed_unix_ms: i64,
}

impl StoredStudy {
    fn checksum(&self) -> Checksum {
        checksum(
            "study",
            &[
                &self.number.to_be_bytes(),
                self.id.as_bytes(),
                self.state.as_str().as_bytes(),
                self.definition.as_bytes(),
                self.made_by.as_bytes(),
                &self.made_unix_ms.to_be_bytes(),
                &self.changed_unix_ms.to_be_bytes(),
            ],
        )
    }

    fn save(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO study VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute((
                self.number,
                &self.id,
                self.state.as_str(),
                &self.definition,
                &self.made_by,
                self.made_unix_ms,
                self.changed_unix_ms,
                self.checksum(),
            ))?;
        Ok(())
    }

    fn of_row(row: &Row<'_>) -> Result<Self, Fault> {
        let number: u32 = row.get(0)?;
        let state = match row.get::<_, String>(2)?.as_str() {
            "draft" => StudyState::Draft,
            "open" => StudyState::Open,
            "closed" => StudyState::Closed,
            "archived" => StudyState::Archived,
            _ => return Fault::damage(format!("study {number} was altered")),
        };
        let study = Self {
            number,
            id: row.get(1)?,
            state,
            definition: row.get(3)?,
            made_by: row.get(4)?,
            made_unix_ms: row.get(5)?,
            changed_unix_ms: row.get(6)?,
        };
        compare(&row.get::<_, Vec<u8>>(7)?, &study.checksum(), || format!("study {number}"))?;
        Ok(study)
    }
}

/// Reads all of them in the order in which they were made.
pub(super) fn all(registry: Registry, connection: &Connection) -> Result<Vec<StoredStudy>, Fault> {
    let sql = "SELECT * FROM study ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut studies = Vec::new();
    while let Some(row) = rows.next()? {
        studies.push(StoredStudy::of_row(row)?);
    }
    if !studies.iter().map(|study| study.number).eq(1..=registry.studies) {
        return Fault::damage(format!(
            "there are {} studies instead of {}",
            studies.len(),
            registry.studies
        ));
    }
    Ok(studies)
}

/// Writes one down, unless there is one of that id.
pub(super) fn add(
    registry: &mut Registry,
    new: NewStudy,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<StoredStudy, Fault> {
    let NewStudy { id, state, definition, made_by } = new;
    if let Some(known) = all(*registry, transaction)?.into_iter().find(|known| known.id == id) {
        return Err(Fault::Refused(StoreError::StudyExists { id, state: known.state }));
    }
    registry.studies += 1;
    let study = StoredStudy {
        number: registry.studies,
        id,
        state,
        definition,
        made_by,
        made_unix_ms: now_unix_ms,
        changed_unix_ms: now_unix_ms,
    };
    study.save(transaction)?;
    Ok(study)
}

/// Changes one that is in a certain state: to another one, with another definition if one is given.
pub(super) fn change(
    registry: Registry,
    id: &str,
    from: StudyState,
    to: StudyState,
    definition: Option<String>,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<StoredStudy, Fault> {
    let found = all(registry, transaction)?.into_iter().find(|known| known.id == id);
    let Some(mut study) = found.filter(|known| known.state == from) else {
        return Err(Fault::Refused(StoreError::StudyChanged { id: id.to_owned() }));
    };
    study.state = to;
    study.definition = definition.unwrap_or(study.definition);
    study.changed_unix_ms = now_unix_ms;
    study.save(transaction)?;
    Ok(study)
}
