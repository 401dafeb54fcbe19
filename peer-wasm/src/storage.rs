//! What the browser keeps of a peer, so that a tab that is reloaded or closed can be taken up
//! again.
//!
//! # What is stored
//!
//! One `IndexedDB` database of the page's origin, `wardsum`, with one object store, `identities`. The
//! key of a record is an [`IdentityName`] in hexadecimal; the record is a plain object:
//!
//! | property | type | what it is |
//! |---|---|---|
//! | `study_id` | string | which study at the hospital, as in `/ws/STUDY` |
//! | `round` | string | the study digest, 64 hexadecimal digits |
//! | `memory` | `Uint8Array` | what the protocol's peer wants to remember; opaque here |
//! | `updated_at_ms` | number | when the record was written, milliseconds since 1970 |
//! | `keep_until_ms` | number | from when on it is of no use to anybody, milliseconds since 1970 |
//!
//! The memory holds the peer's keys and answer, as safe as the browser's profile and no safer:
//! whoever can read the profile's files, and every script of the page's origin, can read it.
//!
//! # Until when
//!
//! Until [`Storage::erase`], or until somebody clears the site's data. [`resumable`](crate::resumable)
//! erases the records of closed tabs whose `keep_until_ms` is past. A window in private mode
//! forgets everything when it closes, and browsers may throw out the data of sites that have not
//! been used for weeks, or when the disk is nearly full. Erasing takes the record out of the
//! database at once; the browser's files may contain its bytes until the browser tidies them up.
//!
//! # What a crash can lose
//!
//! [`Storage::put`] and [`Storage::erase`] resolve when the transaction has completed with strict
//! durability: the browser has then asked the operating system to write the record to the disk.
//! A crash of the tab, of the browser or of the computer before that loses the new record whole and
//! leaves the old one; a record is never half written. After that nothing is lost that the disk
//! does not lose.

mod database;
mod error;
mod name;
mod record;

use core::cell::RefCell;
use core::fmt;

use js_sys::{Array, Function, Promise};
use wardsum_protocol::StudyDigest;
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use database::{Connection, Mode, Work};

pub use error::StorageError;
pub use name::IdentityName;
pub(crate) use name::hex_bytes;

/// A peer as it is stored.
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// The key of the record.
    pub name: IdentityName,
    /// Which study at the hospital, as in `/ws/STUDY`.
    pub study_id: String,
    /// Which round of it.
    pub round: StudyDigest,
    /// From when on the record is of no use to anybody, in milliseconds since 1970 by this device's
    /// clock.
    pub keep_until_ms: f64,
    /// What the protocol's peer wants to remember. Secret: it contains the peer's keys and answer.
    pub memory: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("study_id", &self.study_id)
            .field("round", &self.round)
            .finish_non_exhaustive()
    }
}

/// A stored identity without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The key of the record.
    pub name: IdentityName,
    /// Which study at the hospital, as in `/ws/STUDY`.
    pub study_id: String,
    /// Which round of it.
    pub round: StudyDigest,
    /// When the record was written, in milliseconds since 1970 by this device's clock. For people
    /// to read; nothing may depend on it.
    pub updated_at_ms: f64,
    /// From when on the record is of no use to anybody, by the same clock.
    pub keep_until_ms: f64,
}

/// What is stored, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// The records that can be read.
    pub identities: Vec<Summary>,
    /// The records that cannot. They can still be erased.
    pub damaged: Vec<IdentityName>,
}

/// The browser's storage of this origin.
///
/// A connection that the browser closes, because the site's data was cleared or the browser's own
/// storage process died, is opened again once for each call. Should a page of a newer version want
/// to change the database, the connection makes way, and every later call fails with
/// [`StorageError::Newer`].
#[derive(Debug)]
pub struct Storage {
    connection: RefCell<Connection>,
    /// Settles when the last write that was begun is over.
    last_write: RefCell<Promise>,
}

impl Storage {
    /// Opens the database, which is made if there is none.
    pub async fn open() -> Result<Self, StorageError> {
        Ok(Self {
            connection: RefCell::new(Connection::open().await?),
            last_write: RefCell::new(Promise::resolve(&JsValue::UNDEFINED)),
        })
    }

    /// Stores an identity in place of what was stored under its name, and resolves when that is
    /// durable. Writes take effect in the order in which their futures were first polled.
    pub async fn put(&self, identity: &Identity) -> Result<(), StorageError> {
        let _turn = self.turn_to_write().await;
        let value = record::to_js(identity);
        let key = identity.name.to_string();
        let result = self.transact(Mode::ReadWrite, &|store| store.put(&value, &key)).await;
        record::wipe(&value);
        result.map(drop)
    }

    /// The identity of that name, if there is one.
    pub async fn load(&self, name: IdentityName) -> Result<Option<Identity>, StorageError> {
        let key = name.to_string();
        let request = self.transact(Mode::ReadOnly, &|store| store.get(&key)).await?;
        let value = database::result(&request)?;
        if value.is_undefined() {
            return Ok(None);
        }
        let identity = record::from_js(name, &value);
        record::wipe(&value);
        identity.map(Some).ok_or(StorageError::Damaged)
    }

    /// Everything that is stored.
    pub async fn list(&self) -> Result<Inventory, StorageError> {
        let requests = self
            .transact(Mode::ReadOnly, &|store| {
                Ok(Array::of2(&store.get_all_keys()?, &store.get_all()?).into())
            })
            .await?;
        let requests = requests.unchecked_ref::<Array>();
        let (keys, values) = (requests.get(0), requests.get(1));
        Ok(record::inventory(&database::result(&keys)?, &database::result(&values)?))
    }

    /// Removes the identity of that name, damaged or not, and resolves when that is durable. There
    /// need not be one.
    pub async fn erase(&self, name: IdentityName) -> Result<(), StorageError> {
        let _turn = self.turn_to_write().await;
        let key = name.to_string();
        self.transact(Mode::ReadWrite, &|store| store.delete(&key)).await.map(drop)
    }

    /// Does `work` in one transaction; again on a new connection if the first one turns out to be
    /// closed or broken.
    async fn transact(&self, mode: Mode, work: Work<'_>) -> Result<JsValue, StorageError> {
        let mut repeated = false;
        loop {
            let database = self.connection.borrow().database();
            match database::transact(&database, mode, work).await {
                // Safari reports a storage process that has died as an error of no special kind.
                Err(StorageError::Gone | StorageError::Other(_)) if !repeated => {}
                result => return result,
            }
            repeated = true;
            let connection = Connection::open().await?;
            // The old connection is closed by being dropped.
            drop(self.connection.replace(connection));
        }
    }

    /// Waits until no earlier write is under way. A write that had to be repeated on a new
    /// connection could otherwise replace a later one, and bring back what was erased.
    async fn turn_to_write(&self) -> Turn {
        let mut over = None;
        let this = Promise::new(&mut |resolve, _| over = Some(resolve));
        let previous = self.last_write.replace(this);
        let turn =
            Turn { over: over.expect("a promise runs its function"), previous: previous.clone() };
        // It is never rejected.
        let _ = previous.await;
        turn
    }
}

/// The right to write. Dropping it passes it on.
struct Turn {
    over: Function,
    previous: Promise,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // With the previous write as value, since this one may be given up while it still waits.
        let _ = self.over.call1(&JsValue::UNDEFINED, &self.previous);
    }
}
