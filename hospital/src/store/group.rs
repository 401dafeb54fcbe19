//! One transaction for all requests that wait.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use wardsum_protocol::Timestamp;
use wardsum_protocol::round::Record;

use super::error::{Fault, StoreError};
use super::registry::Registry;
use super::rounds::{self, Progress};
use super::store_row::StoreRow;
use super::{
    AuditEntry, NewResearcher, NewRound, NewStudy, ResearcherName, RoundKey, StoredResearcher,
    StoredStudy, StudyState, journal, researchers, studies, unix_ms,
};

/// The most bytes that finding out whether there is room may write.
const OWED_MAX: usize = 64 << 20;

/// What the writer knows of the database without reading it. It is what was committed last.
pub(super) struct Committed {
    pub(super) store: StoreRow,
    pub(super) registry: Registry,
    /// Rounds that are not over, and those over ones that were asked for.
    pub(super) rounds: HashMap<RoundKey, Progress>,
    /// Rounds of which an append failed.
    pub(super) halted: HashSet<RoundKey>,
    /// How many bytes of records the longest transaction had that has failed, until there is room for
    /// as many.
    pub(super) owed: usize,
}

/// A transaction while requests are carried out in it.
pub(super) struct Group<'c> {
    transaction: Transaction<'c>,
    committed: &'c mut Committed,
    store: StoreRow,
    registry: Registry,
    changed: HashMap<RoundKey, Progress>,
    resumed: HashSet<RoundKey>,
    /// About how many bytes it stores.
    bytes: usize,
}

impl<'c> Group<'c> {
    pub(super) fn begin(
        connection: &'c mut Connection,
        committed: &'c mut Committed,
    ) -> Result<Self, Fault> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (store, registry) = (committed.store.clone(), committed.registry);
        let (changed, resumed) = (HashMap::new(), HashSet::new());
        Ok(Self { transaction, committed, store, registry, changed, resumed, bytes: 0 })
    }

    /// Makes everything durable. Returns the number of the transaction.
    pub(super) fn commit(mut self) -> Result<u64, Fault> {
        self.store.commits += 1;
        for (key, progress) in &self.changed {
            progress.save(*key, &self.transaction)?;
        }
        if self.registry != self.committed.registry {
            self.registry.save(&self.transaction)?;
        }
        self.store.insert(&self.transaction)?;
        self.transaction.commit()?;
        if self.bytes >= self.committed.owed {
            self.committed.owed = 0;
        }
        self.committed.store = self.store;
        self.committed.registry = self.registry;
        self.committed.rounds.extend(self.changed);
        self.committed.halted.retain(|key| !self.resumed.contains(key));
        Ok(self.committed.store.commits)
    }

    pub(super) fn open_round(&mut self, new: NewRound) -> Result<RoundKey, Fault> {
        let digest = new.digest;
        if rounds::with_digest(&digest, &self.transaction)?.is_some() {
            return Err(Fault::Refused(StoreError::RoundExists { digest }));
        }
        let key = RoundKey(self.store.rounds + 1);
        let progress = rounds::insert(key, new, unix_ms(), &self.transaction)?;
        self.store.rounds = key.0;
        self.changed.insert(key, progress);
        Ok(key)
    }

    pub(super) fn append(
        &mut self,
        key: RoundKey,
        at: Timestamp,
        records: &[Record],
    ) -> Result<(), Fault> {
        if self.committed.halted.contains(&key) && !self.resumed.contains(&key) {
            return Err(Fault::Refused(StoreError::Halted));
        }
        let mut progress = self.progress(key)?;
        let now = unix_ms();
        for record in records {
            self.bytes += record.weight();
            // Until the commit, which may be where it fails.
            self.committed.owed = self.committed.owed.max(self.bytes.min(OWED_MAX));
            journal::append(key, &mut progress, at, record, now, &self.transaction)?;
        }
        progress.clock = progress.clock.max(at);
        self.changed.insert(key, progress);
        Ok(())
    }

    pub(super) fn resume(&mut self, key: RoundKey) -> Result<(), Fault> {
        self.progress(key)?;
        self.resumed.insert(key);
        Ok(())
    }

    /// Notes the time on a round's clock; a round that is not there has none.
    pub(super) fn keep_time(&mut self, key: RoundKey, at: Timestamp) -> Result<(), Fault> {
        match self.progress(key) {
            Ok(progress) if progress.clock < at => {
                self.changed.insert(key, Progress { clock: at, ..progress });
                Ok(())
            }
            Ok(_) | Err(Fault::Refused(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    pub(super) fn audit(&mut self, entry: &AuditEntry) -> Result<(), Fault> {
        super::audit::append(&mut self.store, entry, &self.transaction)
    }

    pub(super) fn add_researcher(&mut self, new: NewResearcher) -> Result<StoredResearcher, Fault> {
        researchers::add(&mut self.registry, new, unix_ms(), &self.transaction)
    }

    pub(super) fn revoke_researcher(
        &mut self,
        name: &ResearcherName,
    ) -> Result<StoredResearcher, Fault> {
        researchers::revoke(self.registry, name, unix_ms(), &self.transaction)
    }

    pub(super) fn researcher_used(&mut self, number: u32) -> Result<(), Fault> {
        researchers::used(self.registry, number, unix_ms(), &self.transaction)
    }

    pub(super) fn add_study(&mut self, new: NewStudy) -> Result<StoredStudy, Fault> {
        studies::add(&mut self.registry, new, unix_ms(), &self.transaction)
    }

    pub(super) fn change_study(
        &mut self,
        id: &str,
        from: StudyState,
        to: StudyState,
        definition: Option<String>,
    ) -> Result<StoredStudy, Fault> {
        let now = unix_ms();
        studies::change(self.registry, id, from, to, definition, now, &self.transaction)
    }

    /// From now on, the sealed messages of a round are not read any more.
    pub(super) fn mark_erased(&mut self, key: RoundKey) -> Result<(), Fault> {
        let progress = self.progress(key)?;
        if progress.over_unix_ms.is_none() {
            return Err(Fault::Refused(StoreError::RoundNotOver));
        }
        self.changed.insert(key, Progress { erased: true, ..progress });
        Ok(())
    }

    /// Deletes some sealed messages of a round; returns whether there are none left.
    pub(super) fn delete_sealed(&mut self, key: RoundKey, at_most: u32) -> Result<bool, Fault> {
        journal::delete_sealed(key, at_most, &self.transaction)
    }

    fn progress(&self, key: RoundKey) -> Result<Progress, Fault> {
        if let Some(known) = self.changed.get(&key).or_else(|| self.committed.rounds.get(&key)) {
            return Ok(known.clone());
        }
        super::progress(key, &self.transaction)
    }
}

/// Finds out whether there is room for what could not be stored.
pub(super) fn probe(group: &mut Group<'_>) -> Result<(), Fault> {
    let owed = group.committed.owed;
    if group.bytes < owed {
        journal::take_room(owed, &group.transaction)?;
        group.bytes += owed;
    }
    Ok(())
}
