//! Where one peer is written down, and how it is found again.

use core::fmt;

use js_sys::{Date, Promise};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use wardsum_protocol::peer::{Memory, Published};
use wardsum_protocol::{Invitation, Study, StudyDigest};
use zeroize::Zeroizing;

use crate::Outcome;
use crate::ownership::{self, Ownership};
use crate::storage::{Identity, IdentityName, Inventory, Storage, StorageError};

/// How long the browser's storage may take for one thing, in milliseconds. It takes a few of them;
/// this is for a storage that has stopped answering, which nobody should wait for without end.
pub const STORAGE_PATIENCE_MS: i32 = 20_000;

/// An answer that was given earlier in this browser. This tab owns it now and can go on with it:
/// [`PeerHandle::resume`](crate::PeerHandle::resume). Dropping it makes it an orphan again.
pub struct Kept {
    pub(crate) memory: Memory,
    pub(crate) keeping: Keeping,
}

impl Kept {
    /// What this tab was before it was reloaded; `None` if it was nothing.
    ///
    /// [`StorageError::Cleared`] says that it was somebody, and that what was kept is gone. The tab
    /// then forgets that it was.
    pub async fn of_this_tab() -> Result<Option<Self>, StorageError> {
        within_patience(async {
            let Some(ownership) = Ownership::resume_tab().await? else { return Ok(None) };
            let name = ownership.name();
            let found = Self::load(ownership).await;
            // Nothing can be made of it, and the next reload shall not try again.
            if matches!(found, Ok(None) | Err(StorageError::Damaged)) {
                ownership::forget(name)?;
            }
            found?.map(Some).ok_or(StorageError::Cleared)
        })
        .await
    }

    /// Takes up what no tab is any more; `None` if some tab is it again, or if it is gone.
    pub async fn take_up(name: IdentityName) -> Result<Option<Self>, StorageError> {
        within_patience(async {
            let Some(ownership) = Ownership::try_take(name).await? else { return Ok(None) };
            Self::load(ownership).await
        })
        .await
    }

    /// The answer that was given with this invitation, if this browser keeps it and no open tab is it.
    pub async fn of_invitation(invitation: &Invitation) -> Result<Option<Self>, StorageError> {
        for found in resumable().await?.identities {
            if found.round != invitation.study() {
                continue;
            }
            // What belongs to somebody else is let go again at once, and what cannot be read is not it.
            let kept = match Self::take_up(found.name).await {
                Ok(kept) => kept.filter(|kept| kept.is_of(invitation)),
                Err(StorageError::Damaged) => None,
                Err(error) => return Err(error),
            };
            if kept.is_some() {
                return Ok(kept);
            }
        }
        Ok(None)
    }

    /// Whether the answer was given with this invitation.
    #[must_use]
    pub fn is_of(&self, invitation: &Invitation) -> bool {
        let own = self.memory.invitation();
        own.is_some_and(|own| {
            (own.study(), own.serial()) == (invitation.study(), invitation.serial())
        })
    }

    async fn load(ownership: Ownership) -> Result<Option<Self>, StorageError> {
        let storage = Storage::open().await?;
        let Some(identity) = storage.load(ownership.name()).await? else { return Ok(None) };
        let memory = Memory::decode(&identity.memory).map_err(|_| StorageError::Damaged)?;
        let keeping = Keeping { storage, ownership, study_id: identity.study_id };
        Ok(Some(Self { memory, keeping }))
    }

    /// Which study at the hospital, as in `/ws/STUDY`.
    #[must_use]
    pub fn study_id(&self) -> &str {
        &self.keeping.study_id
    }

    /// What was answered.
    #[must_use]
    pub fn study(&self) -> &Study {
        self.memory.study()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("keeping", &self.keeping).finish_non_exhaustive()
    }
}

/// The answers that were given in this browser, in rounds that were not over, and belong to no tab
/// that is open.
///
/// What is of no use any more is erased, keys and all, and not listed: whoever opens the page next
/// on this device does it for whoever never came back.
pub async fn resumable() -> Result<Inventory, StorageError> {
    within_patience(async {
        let storage = Storage::open().await?;
        let mut found = ownership::orphans(&storage).await?;
        let now = Date::now();
        for orphan in found.identities.iter().filter(|orphan| orphan.keep_until_ms <= now) {
            // Unless somebody has become it meanwhile. What is refused is tried again the next time.
            if let Ok(Some(_ownership)) = Ownership::try_take(orphan.name).await {
                let _ = storage.erase(orphan.name).await;
            }
        }
        found.identities.retain(|orphan| orphan.keep_until_ms > now);
        Ok(found)
    })
    .await
}

/// Erases what was kept under this name, unless a tab is it; `false` if one is.
pub async fn erase(name: IdentityName) -> Result<bool, StorageError> {
    within_patience(async {
        let Some(_ownership) = Ownership::try_take(name).await? else { return Ok(false) };
        Storage::open().await?.erase(name).await?;
        Ok(true)
    })
    .await
}

/// The place where one peer is written down, which no other tab writes to.
#[derive(Debug)]
pub(crate) struct Keeping {
    storage: Storage,
    ownership: Ownership,
    study_id: String,
}

/// A peer's memory, ready to be written.
pub(crate) struct ToWrite {
    round: StudyDigest,
    useful_for_ms: u64,
    memory: Zeroizing<Vec<u8>>,
}

impl ToWrite {
    pub(crate) fn of(memory: &Memory) -> Self {
        let (round, useful_for_ms) = (memory.study().digest(), memory.useful_for_ms());
        Self { round, useful_for_ms, memory: memory.encode() }
    }
}

impl Keeping {
    /// A place for somebody new.
    pub(crate) async fn fresh(study_id: String) -> Result<Self, StorageError> {
        within_patience(async {
            let ownership = Ownership::fresh().await?;
            Ok(Self { storage: Storage::open().await?, ownership, study_id })
        })
        .await
    }

    /// Writes it down, or erases what was written, and resolves once that is durable.
    pub(crate) async fn write(&self, what: Option<ToWrite>) -> Result<(), StorageError> {
        let name = self.ownership.name();
        within_patience(async {
            let Some(ToWrite { round, useful_for_ms, memory }) = what else {
                self.storage.erase(name).await?;
                return ownership::forget(name);
            };
            #[expect(clippy::cast_precision_loss, reason = "a few years, far below 2^53")]
            let keep_until_ms = Date::now() + useful_for_ms as f64;
            let study_id = self.study_id.clone();
            let identity = Identity { name, study_id, round, keep_until_ms, memory };
            self.storage.put(&identity).await?;
            self.remember();
            Ok(())
        })
        .await
    }

    /// Notes, for this tab, how the round has ended.
    pub(crate) fn note_outcome(&self, study: Study, published: Published, receipt: Option<String>) {
        let Published { aggregate, own, rejected, .. } = published;
        let study_id = self.study_id.clone();
        Outcome { study_id, study, aggregate, rejected, own, receipt }.remember();
    }

    pub(crate) fn remember(&self) {
        // Without it a reload begins a new visit, and this one can be taken up by hand.
        let _ = self.ownership.remember();
    }
}

/// What `work` gives, or an error once patience is at an end.
async fn within_patience<T>(
    work: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let mut timer = None;
    let over = Promise::new(&mut |resolve, _| {
        timer = web_sys::window().and_then(|window| {
            window
                .set_timeout_with_callback_and_timeout_and_arguments_0(
                    &resolve,
                    STORAGE_PATIENCE_MS,
                )
                .ok()
        });
    });
    let (mut work, mut over) = (pin!(work), pin!(IntoFuture::into_future(over)));
    let result = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => over.as_mut().poll(context).map(|_| Err(StorageError::Silent)),
    })
    .await;
    if let (Some(timer), Some(window)) = (timer, web_sys::window()) {
        window.clear_timeout_with_handle(timer);
    }
    result
}
