//! Researchers: who they are to the hospital, and the digest of the token by which each is known.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, Row, Transaction};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checksum::{Checksum, checksum, compare};
use super::error::{Fault, StoreError};
use super::registry::{Registry, optional};

/// What a researcher may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything that the researcher's API offers.
    Editor,
    /// Look and export, and change nothing.
    Viewer,
}

impl Role {
    /// The role as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a researcher in the audit log and to colleagues: 1 to 64 letters, digits and `.`, `_`, `-`, `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z0-9._@-]{1,64}$")]
pub struct ResearcherName(String);

/// Not a name of a researcher.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} cannot be a researcher's name; use 1 to 64 of a-z, A-Z, 0-9 and . _ - @")]
pub struct ResearcherNameError(String);

impl ResearcherName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResearcherName {
    type Err = ResearcherNameError;

    fn from_str(text: &str) -> Result<Self, ResearcherNameError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@')
            });
        if fits { Ok(Self(text.to_owned())) } else { Err(ResearcherNameError(text.to_owned())) }
    }
}

impl TryFrom<String> for ResearcherName {
    type Error = ResearcherNameError;

    fn try_from(text: String) -> Result<Self, ResearcherNameError> {
        text.parse()
    }
}

impl From<ResearcherName> for String {
    fn from(name: ResearcherName) -> Self {
        name.0
    }
}

impl fmt::Display for ResearcherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A researcher who is about to be added.
#[derive(Clone, Debug)]
pub struct NewResearcher {
    /// Of nobody who may still come.
    pub name: ResearcherName,
    /// What it may do.
    pub role: Role,
    /// The SHA-256 of its token.
    pub token: [u8; 32],
    /// From when on the token is refused, in milliseconds since 1970; never if there is none.
    pub expires_unix_ms: Option<i64>,
}

/// A researcher as it is stored. Who was revoked stays, for whoever reads the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResearcher {
    /// From 1 on, in the order in which researchers were added.
    pub number: u32,
    /// Its name; of several of one name all but one are revoked or expired.
    pub name: ResearcherName,
    /// What it may do.
    pub role: Role,
    /// The SHA-256 of its token. The token itself is nowhere.
    pub token: [u8; 32],
    /// When it was added, in milliseconds since 1970.
    pub added_unix_ms: i64,
    /// From when on its token is refused, likewise.
    pub expires_unix_ms: Option<i64>,
    /// When it was revoked, likewise.
    pub revoked_unix_ms: Option<i64>,
    /// When its token was used last, likewise, to within a minute.
    pub used_unix_ms: Option<i64>,
}

impl StoredResearcher {
    /// Whether its token is accepted at this time, in milliseconds since 1970.
    #[must_use]
    pub fn is_active(&self, at_unix_ms: i64) -> bool {
        self.revoked_unix_ms.is_none()
            && self.expires_unix_ms.is_none_or(|expires| at_unix_ms < expires)
    }

    fn checksum(&self) -> Checksum {
        checksum(
            "researcher",
            &[
                &self.number.to_be_bytes(),
                self.name.as_str().as_bytes(),
                self.role.as_str().as_bytes(),
                &self.token,
                &self.added_unix_ms.to_be_bytes(),
                &optional(self.expires_unix_ms),
                &optional(self.revoked_unix_ms),
                &optional(self.used_unix_ms),
            ],
        )
    }

    fn save(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO researcher VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                self.number,
                self.name.as_str(),
                self.role.as_str(),
                self.token,
                self.added_unix_ms,
                self.expires_unix_ms,
                self.revoked_unix_ms,
                self.used_unix_ms,
                self.checksum(),
            ))?;
        Ok(())
    }

    fn of_row(row: &Row<'_>) -> Result<Self, Fault> {
        let number: u32 = row.get(0)?;
        let altered = || Fault::Damage(format!("researcher {number} was altered"));
        let role = match row.get::<_, String>(2)?.as_str() {
            "editor" => Role::Editor,
            "viewer" => Role::Viewer,
            _ => return Err(altered()),
        };
        let researcher = Self {
            number,
            name: row.get::<_, String>(1)?.parse().map_err(|_| altered())?,
            role,
            token: row.get(3)?,
            added_unix_ms: row.get(4)?,
            expires_unix_ms: row.get(5)?,
            revoked_unix_ms: row.get(6)?,
            used_unix_ms: row.get(7)?,
        };
        let stored = row.get::<_, Vec<u8>>(8)?;
        compare(&stored, &researcher.checksum(), || format!("researcher {number}"))?;
        Ok(researcher)
    }
}

/// Reads all of them in the order in which they were added.
pub(super) fn all(
    registry: Registry,
    connection: &Connection,
) -> Result<Vec<StoredResearcher>, Fault> {
    let sql = "SELECT * FROM researcher ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut researchers = Vec::new();
    while let Some(row) = rows.next()? {
        researchers.push(StoredResearcher::of_row(row)?);
    }
    let expected = 1..=registry.researchers;
    if !researchers.iter().map(|researcher| researcher.number).eq(expected) {
        return Fault::damage(format!(
            "there are {} researchers instead of {}",
            researchers.len(),
            registry.researchers
        ));
    }
    Ok(researchers)
}

/// Adds one, unless there is somebody of that name whose token is still accepted.
pub(super) fn add(
    registry: &mut Registry,
    new: NewResearcher,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<StoredResearcher, Fault> {
    let NewResearcher { name, role, token, expires_unix_ms } = new;
    let known = all(*registry, transaction)?;
    if known.iter().any(|known| known.name == name && known.is_active(now_unix_ms)) {
        return Err(Fault::Refused(StoreError::ResearcherExists { name }));
    }
    registry.researchers += 1;
    let researcher = StoredResearcher {
        number: registry.researchers,
        name,
        role,
        token,
        added_unix_ms: now_unix_ms,
        expires_unix_ms,
        revoked_unix_ms: None,
        used_unix_ms: None,
    };
    researcher.save(transaction)?;
    Ok(researcher)
}

/// Revokes whoever has this name and is not revoked.
pub(super) fn revoke(
    registry: Registry,
    name: &ResearcherName,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<StoredResearcher, Fault> {
    let known = all(registry, transaction)?;
    let found = known
        .into_iter()
        .rev()
        .find(|known| known.name == *name && known.revoked_unix_ms.is_none());
    let Some(mut researcher) = found else {
        return Err(Fault::Refused(StoreError::UnknownResearcher { name: name.clone() }));
    };
    researcher.revoked_unix_ms = Some(now_unix_ms);
    researcher.save(transaction)?;
    Ok(researcher)
}

/// Notes that a token was used.
pub(super) fn used(
    registry: Registry,
    number: u32,
    now_unix_ms: i64,
    transaction: &Transaction<'_>,
) -> Result<(), Fault> {
    let known = all(registry, transaction)?;
    if let Some(mut researcher) = known.into_iter().find(|known| known.number == number) {
        researcher.used_unix_ms = researcher.used_unix_ms.max(Some(now_unix_ms));
        researcher.save(transaction)?;
    }
    Ok(())
}
