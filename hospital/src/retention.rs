//! Erases what was sealed, when nobody needs it any more.
//!
//! Sealed shares serve nothing once their round is over, but they would be worth a lot to whoever got at
//! committee members' keys one day. Results, manifests and the audit log stay.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{self, MissedTickBehavior};
use tracing::{info, warn};

use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

/// How often rounds are looked through.
const EVERY: Duration = Duration::from_mins(10);

/// Erases the sealed shares of each round that has been over for `retention`, now and every ten minutes.
///
/// The wall clock decides when, for want of another that goes on while the hospital is down. One that is
/// wrong erases earlier or later, and never anything of a round that is going on.
pub(crate) async fn keep(store: Store, metrics: Metrics, retention: Duration) -> Infallible {
    let mut turns = time::interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        match erase_what_is_due(&store, retention).await {
            Ok(0) => {}
            Ok(rounds) => info!(rounds, "erased the sealed shares of {rounds} rounds"),
            Err(error) => {
                metrics.store_failed();
                warn!(%error, "sealed shares that are due are not erased yet: {error}");
            }
        }
    }
}

/// Returns of how many rounds.
async fn erase_what_is_due(store: &Store, retention: Duration) -> Result<usize, StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let over_until = i64::try_from(now.saturating_sub(retention).as_millis()).unwrap_or(i64::MAX);
    let mut erased = 0;
    for round in store.rounds().await? {
        if !round.erased && round.over_unix_ms.is_some_and(|over| over <= over_until) {
            store.erase_sealed(round.key).await?;
            erased += 1;
        }
    }
    Ok(erased)
}
