//! What the browser's storage did not do. Each sentence also says what to do.

use wardsum_peer::storage::StorageError;

use super::sentences::{
    storage_blocked, storage_cleared, storage_damaged, storage_full, storage_gone, storage_newer,
    storage_no_locks, storage_other, storage_silent,
};

/// A sentence about what went wrong.
pub(crate) fn storage(error: &StorageError) -> String {
    match error {
        StorageError::Blocked => storage_blocked(),
        StorageError::Full => storage_full(),
        StorageError::Cleared => storage_cleared(),
        StorageError::Silent => storage_silent(),
        StorageError::Damaged => storage_damaged(),
        StorageError::Newer => storage_newer(),
        StorageError::NoLocks => storage_no_locks(),
        StorageError::Other(why) => return storage_other(why),
        // Of the kinds that there are it is the last one; one to come would say the same of what to do.
        _ => storage_gone(),
    }
    .to_owned()
}
