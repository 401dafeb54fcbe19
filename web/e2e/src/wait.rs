//! Waiting, but never for ever.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The longest that a test waits for one thing. It is reached only when something hangs, on however slow a machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

const TICK: Duration = Duration::from_millis(40);

/// Asks again and again until there is an answer. `what` says in the error what was waited for.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(PATIENCE, what, ask).await
}

/// The same with another patience, for what takes its time.
pub(crate) async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        tokio::time::sleep(TICK).await;
    }
}
