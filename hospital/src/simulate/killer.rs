//! Kills the hospital's process at random instants while the round runs.

use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::SimulationError;
use super::hospital_process::HospitalProcess;
use super::tally::Tally;

/// Kills the hospital as often as it was told, spread over the round by how far its members are. They are
/// held back until each kill has come: however quick they are, none is left over when the round ends.
pub(super) struct Killer {
    strikes: Vec<Strike>,
    /// After how many of their steps the members can be held back at the latest.
    steps: u32,
    tally: Arc<Tally>,
    /// Cancelled when the round is over.
    over: CancellationToken,
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Strike {
    /// After so many per mille of the steps that lie between this kill and the one after the next, if
    /// all that are left are spread evenly over the steps that are left.
    per_mille: u32,
    /// And after this time, in the middle of what goes on until everybody is held back.
    delay: Duration,
    /// Whether none of that is waited for, so that the hospital is hit while it starts.
    while_starting: bool,
}

impl Strike {
    /// After how many steps it comes, of `steps`, when the kill before came after `before`, and so many
    /// kills are left.
    fn instant(&self, before: u32, steps: u32, left: usize) -> u32 {
        let left = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        let far = steps.saturating_sub(before).saturating_mul(2) / left;
        // There is something new to lose after one more step, as long as there is one.
        let one_more = before.saturating_add(1);
        one_more.saturating_add(far.saturating_mul(self.per_mille) / 1000).min(steps)
    }
}

impl Killer {
    /// Will kill `times`, within the first `steps` of the members, who are held back from now on.
    pub(super) fn new(
        times: u32,
        steps: u32,
        seed: u64,
        tally: Arc<Tally>,
        over: CancellationToken,
    ) -> Self {
        tally.hold_after(Some(0));
        Self { strikes: draw(times, seed), steps, tally, over }
    }

    /// Kills until the round is over. In the end a hospital runs again, unless it failed.
    ///
    /// Whoever stops this process with a signal must not leave the other one behind.
    pub(super) async fn run(
        self,
        mut hospital: HospitalProcess,
    ) -> Result<HospitalProcess, SimulationError> {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        tokio::select! {
            Err(failure) = self.strike_all(&mut hospital) => return Err(failure),
            () = self.over.cancelled() => {}
            _ = terminated.recv() => return Err(SimulationError::Stopped),
            _ = interrupted.recv() => return Err(SimulationError::Stopped),
        }
        hospital.until_listening().await?;
        Ok(hospital)
    }

    async fn strike_all(&self, hospital: &mut HospitalProcess) -> Result<(), SimulationError> {
        let mut steps = self.tally.steps();
        let mut before = 0;
        for (strike, left) in self.strikes.iter().zip((1..=self.strikes.len()).rev()) {
            if !strike.while_starting {
                hospital.until_listening().await?;
                before = strike.instant(before, self.steps, left);
                self.tally.hold_after(Some(before));
                // Until one more waits. The counter is not gone while the tally is here.
                let _ = steps.wait_for(|steps| *steps > before).await;
            }
            time::sleep(strike.delay).await;
            info!("killing the hospital after {before} steps of the members");
            hospital.kill_and_restart()?;
            self.tally.restarted();
        }
        self.tally.hold_after(None);
        Ok(())
    }
}

/// Draws the kills.
fn draw(times: u32, seed: u64) -> Vec<Strike> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Other numbers than those that the answers and the breaking connections are drawn from.
    random.set_stream(u64::MAX);
    let mut below = |bound: u32| random.next_u32() % bound;
    let draw = |first: bool| Strike {
        per_mille: below(1000),
        delay: Duration::from_millis(below(20).into()),
        // The first one hits a round that has begun.
        while_starting: below(8) == 0 && !first,
    };
    (0..times).map(|number| number == 0).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_follow_from_the_seed() {
        assert_eq!(draw(20, 7), draw(20, 7));
        assert_ne!(draw(20, 7), draw(20, 8));
        assert_eq!(draw(20, 7).len(), 20);
    }

    #[test]
    fn kills_are_spread_over_the_round() {
        let (mut instants, mut before) = (Vec::new(), 0);
        for (strike, left) in draw(20, 7).into_iter().zip((1..=20).rev()) {
            before = strike.instant(before, 100, left);
            instants.push(before);
        }
        assert!(instants.is_sorted_by(|one, next| one < next), "{instants:?}");
        assert!(instants[0] <= 11 && instants[19] > 80 && instants[19] <= 100, "{instants:?}");
    }
}
