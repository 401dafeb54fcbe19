//! Who may use the researcher's API: researchers with a token each, which can be revoked at any time.
//!
//! The store keeps names, roles and digests of tokens; [`Access`] has the same in memory, so that no request
//! waits for the disk to find out who makes it. Whoever holds a [`Researcher`] is told when its token ends.

mod refusals;
mod token;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::store::{
    NewResearcher, ResearcherName, Role, Store, StoreError, StoredResearcher, unix_ms,
};

pub use token::Token;

use refusals::Refusals;

/// How many researchers may have a token that is accepted.
const MOST_RESEARCHERS: usize = 256;
/// The longest time for which a token is made, in days.
pub const MOST_DAYS: u32 = 3_650;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How often at most the store is told that a token is used.
const NOTED_EVERY_MS: i64 = 60_000;

/// How many streams of events a researcher may have open.
pub(crate) const STREAMS: usize = 16;

/// The researchers of a hospital. Clones share them.
#[derive(Clone)]
pub struct Access(Arc<Shared>);

struct Shared {
    store: Store,
    known: Mutex<Vec<Known>>,
    /// Held while researchers are added or revoked, so that memory follows the store.
    changing: tokio::sync::Mutex<()>,
    refusals: Refusals,
}

/// A researcher whose token may be accepted.
struct Known {
    stored: StoredResearcher,
    /// Cancelled when the token is revoked.
    ends: CancellationToken,
    /// When the store was told last that the token is used.
    noted_unix_ms: i64,
    streams: Arc<Semaphore>,
    /// Since when calls that change something are counted, and how many there were.
    changes: Option<(Instant, u32)>,
}

/// Somebody whose token was accepted.
#[derive(Clone, Debug)]
pub struct Researcher {
    number: u32,
    /// Its name.
    pub name: ResearcherName,
    /// What it may do.
    pub role: Role,
    /// From when on its token is refused, in milliseconds since 1970.
    pub expires_unix_ms: Option<i64>,
    revoked: CancellationToken,
    streams: Arc<Semaphore>,
}

impl Researcher {
    /// A place for one more stream of events, if it has fewer than it may have.
    pub(crate) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// How the audit log names it.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("researcher {}", self.name)
    }

    /// Waits until the token is revoked or expires.
    pub async fn ended(&self) {
        let expires = async {
            let Some(expires) = self.expires_unix_ms else { return std::future::pending().await };
            // In pieces, because the wall clock may be set meanwhile.
            while let left @ 1.. = expires - unix_ms() {
                let left = Duration::from_millis(left.unsigned_abs());
                tokio::time::sleep(left.min(Duration::from_mins(1))).await;
            }
        };
        tokio::select! {
            () = self.revoked.cancelled() => {}
            () = expires => {}
        }
    }
}

/// Why a token is not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenRefused {
    /// No token at all.
    #[error("this needs a researcher's token; send it as `Authorization: Bearer TOKEN`")]
    Missing,
    /// Not one of this hospital's.
    #[error("this token is not one of this hospital's; `hospital researcher add` makes one")]
    Unknown,
    /// One that has ended.
    #[error("the token of {name} has expired; `hospital researcher add` makes another one")]
    Expired {
        /// Whose it was.
        name: ResearcherName,
    },
    /// One that was revoked.
    #[error("the token of {name} was revoked; `hospital researcher add` makes another one")]
    Revoked {
        /// Whose it was.
        name: ResearcherName,
    },
    /// Too many bad ones.
    #[error("too many tokens were refused; try again in {} s", .0.as_secs() + 1)]
    TooMany(Duration),
}

/// Why researchers are not changed.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
    /// More than anybody needs.
    #[error(
        "there are {MOST_RESEARCHERS} researchers whose tokens are accepted; revoke those that are not needed"
    )]
    TooMany,
    /// A token that would outlast everybody.
    #[error("a token is made for 1 to {MOST_DAYS} days, or without an end")]
    Days,
}

impl Access {
    /// The researchers that the store has.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let known = store.researchers().await?.into_iter().map(Known::new).collect();
        Ok(Self(Arc::new(Shared {
            store,
            known: Mutex::new(known),
            changing: tokio::sync::Mutex::default(),
            refusals: Refusals::default(),
        })))
    }

    /// Makes a researcher and its token, which is nowhere else; `days` is how long it is accepted.
    pub async fn add(
        &self,
        name: ResearcherName,
        role: Role,
        days: Option<u32>,
        actor: &str,
    ) -> Result<(StoredResearcher, Token), AccessError> {
        if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            return Err(AccessError::Days);
        }
        let _changing = self.0.changing.lock().await;
        let now = unix_ms();
        if self.lock().iter().filter(|known| known.stored.is_active(now)).count()
            >= MOST_RESEARCHERS
        {
            return Err(AccessError::TooMany);
        }
        let token = Token::draw()?;
        let expires_unix_ms = days.map(|days| now.saturating_add(DAY_MS * i64::from(days)));
        let detail = match days {
            Some(days) => format!("{name}, {role}, for {days} days"),
            None => format!("{name}, {role}"),
        };
        self.0.store.audit(actor, "add researcher", &detail).await?;
        let new = NewResearcher { name, role, token: token.digest(), expires_unix_ms };
        let added = self.0.store.add_researcher(new).await;
        self.audit_outcome(actor, "add researcher", &detail, added.as_ref().err()).await;
        let stored = added?;
        self.lock().push(Known::new(stored.clone()));
        Ok((stored, token))
    }

    /// Refuses a researcher's token from now on, and ends what is open under it.
    pub async fn revoke(
        &self,
        name: &ResearcherName,
        actor: &str,
    ) -> Result<StoredResearcher, AccessError> {
        let _changing = self.0.changing.lock().await;
        let detail = name.to_string();
        self.0.store.audit(actor, "revoke researcher", &detail).await?;
        let revoked = self.0.store.revoke_researcher(name.clone()).await;
        self.audit_outcome(actor, "revoke researcher", &detail, revoked.as_ref().err()).await;
        let stored = revoked?;
        let mut known = self.lock();
        if let Some(known) = known.iter_mut().find(|known| known.stored.number == stored.number) {
            known.stored = stored.clone();
            known.ends.cancel();
        }
        Ok(stored)
    }

    /// All researchers, those who were revoked included.
    pub async fn list(&self) -> Result<Vec<StoredResearcher>, StoreError> {
        self.0.store.researchers().await
    }

    /// Finds out who shows this token, from this address. A refusal is counted, and audited without the token.
    pub(crate) async fn admit(
        &self,
        shown: Option<&str>,
        address: IpAddr,
    ) -> Result<Researcher, TokenRefused> {
        let refused = match self.find(shown) {
            Ok((researcher, to_note)) => {
                if to_note {
                    let (store, number) = (self.0.store.clone(), researcher.number);
                    // When a token was used last is for display, and nobody should wait for it.
                    tokio::spawn(async move { drop(store.researcher_used(number).await) });
                }
                return Ok(researcher);
            }
            Err(refused) => refused,
        };
        // A page that asks before anybody has entered a token has done nothing wrong.
        if refused == TokenRefused::Missing {
            return Err(refused);
        }
        let counted = self.0.refusals.count(address, Instant::now());
        if let Some(withheld) = counted.audit {
            let (actor, mut detail) = match &refused {
                TokenRefused::Expired { name } => {
                    (format!("researcher {name}"), "expired".to_owned())
                }
                TokenRefused::Revoked { name } => {
                    (format!("researcher {name}"), "revoked".to_owned())
                }
                _ => ("somebody".to_owned(), "unknown".to_owned()),
            };
            write!(detail, ", from {}", address.to_canonical()).expect("a string takes text");
            if withheld > 0 {
                write!(detail, " ({withheld} such entries withheld before)").expect("likewise");
            }
            if let Err(error) = self.0.store.audit(&actor, "token refused", &detail).await {
                warn!(%error, "the audit log does not say that a token was refused: {error}");
            }
        }
        Err(counted.wait.map_or(refused, TokenRefused::TooMany))
    }

    /// Counts a call that changes something; says how long to wait if there were more than so many in a minute.
    pub(crate) fn count_change(&self, researcher: &Researcher, most: u32) -> Option<Duration> {
        let now = Instant::now();
        let mut known = self.lock();
        let known = known.iter_mut().find(|known| known.stored.number == researcher.number)?;
        let (since, count) = known
            .changes
            .filter(|(since, _)| now.saturating_duration_since(*since) < refusals::WINDOW)
            .unwrap_or((now, 0));
        known.changes = Some((since, count.saturating_add(1)));
        let left = refusals::WINDOW.saturating_sub(now.saturating_duration_since(since));
        (count >= most).then_some(left)
    }

    /// Who shows this token, and whether the store is to be told that it is used.
    fn find(&self, shown: Option<&str>) -> Result<(Researcher, bool), TokenRefused> {
        let shown = shown.ok_or(TokenRefused::Missing)?;
        let digest = Token::parse(shown).ok_or(TokenRefused::Unknown)?.digest();
        let now = unix_ms();
        let mut known = self.lock();
        // All are compared, each in a time that does not tell where it differs.
        let mut found = None;
        for known in known.iter_mut() {
            if bool::from(known.stored.token.ct_eq(&digest)) {
                found = Some(known);
            }
        }
        let found = found.ok_or(TokenRefused::Unknown)?;
        let stored = &found.stored;
        if stored.revoked_unix_ms.is_some() {
            return Err(TokenRefused::Revoked { name: stored.name.clone() });
        }
        if !stored.is_active(now) {
            return Err(TokenRefused::Expired { name: stored.name.clone() });
        }
        let researcher = Researcher {
            number: stored.number,
            name: stored.name.clone(),
            role: stored.role,
            expires_unix_ms: stored.expires_unix_ms,
            revoked: found.ends.clone(),
            streams: Arc::clone(&found.streams),
        };
        // A clock that was set back would otherwise keep the store from hearing of it for long.
        let to_note = (now - found.noted_unix_ms).abs() >= NOTED_EVERY_MS;
        if to_note {
            found.noted_unix_ms = now;
        }
        Ok((researcher, to_note))
    }

    async fn audit_outcome(
        &self,
        actor: &str,
        action: &str,
        detail: &str,
        error: Option<&StoreError>,
    ) {
        let (outcome, detail) = match error {
            None => ("done", format!("{action}, {detail}")),
            Some(error) => ("refused", format!("{action}, {detail}: {error}")),
        };
        if let Err(error) = self.0.store.audit(actor, outcome, &detail).await {
            warn!(%error, "the audit log does not say what became of {action}: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // Each entry is right after every statement, so that a panic elsewhere cannot spoil it.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn new(stored: StoredResearcher) -> Self {
        let noted_unix_ms = stored.used_unix_ms.unwrap_or(i64::MIN / 2);
        let ends = CancellationToken::new();
        if stored.revoked_unix_ms.is_some() {
            ends.cancel();
        }
        Self {
            stored,
            ends,
            noted_unix_ms,
            streams: Arc::new(Semaphore::new(STREAMS)),
            changes: None,
        }
    }
}

#[cfg(test)]
mod tests;
