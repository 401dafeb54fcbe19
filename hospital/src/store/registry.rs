//! The one row that says how many researchers and studies there are, so that none can be missing unnoticed.

use rusqlite::{Connection, Transaction};

use super::checksum::{Checksum, checksum, compare};
use super::error::Fault;
use super::{StoredResearcher, StoredStudy, researchers, schema, studies};

/// How many rows the tables of researchers and of studies have. Rows are changed and never removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Registry {
    pub(super) researchers: u32,
    pub(super) studies: u32,
}

impl Registry {
    fn checksum(self) -> Checksum {
        checksum("registry", &[&self.researchers.to_be_bytes(), &self.studies.to_be_bytes()])
    }

    pub(super) fn save(self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO registry VALUES (1, ?1, ?2, ?3)")?
            .execute((self.researchers, self.studies, self.checksum()))?;
        Ok(())
    }

    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        let sql = "SELECT researchers, studies, checksum FROM registry WHERE id = 1";
        let (row, stored) = connection.prepare_cached(sql)?.query_row([], |row| {
            let loaded = Self { researchers: row.get(0)?, studies: row.get(1)? };
            Ok((loaded, row.get::<_, Vec<u8>>(2)?))
        })?;
        compare(&stored, &row.checksum(), || "the row about researchers and studies".to_owned())?;
        Ok(row)
    }
}

/// All researchers and studies, and how many there have to be.
#[derive(Default)]
pub(super) struct Registered {
    pub(super) registry: Registry,
    pub(super) researchers: Vec<StoredResearcher>,
    pub(super) studies: Vec<StoredStudy>,
}

impl Registered {
    /// Reads and checks them; there are none in a database that is older than their tables.
    pub(super) fn load(connection: &Connection) -> Result<Self, Fault> {
        if !schema::has_registry(connection)? {
            return Ok(Self::default());
        }
        let registry = Registry::load(connection)?;
        let researchers = researchers::all(registry, connection)?;
        let studies = studies::all(registry, connection)?;
        Ok(Self { registry, researchers, studies })
    }
}

/// Bytes of a number that may be missing, for a checksum: none are another value than any.
pub(super) fn optional(number: Option<i64>) -> Vec<u8> {
    number.map_or_else(Vec::new, |number| number.to_be_bytes().to_vec())
}
