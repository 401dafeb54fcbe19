//! What goes wrong in a simulated round, on purpose.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use thiserror::Error;
use wardsum_protocol::peer::{Event, Role};

use super::cheats::{Cheats, PlannedCheat};
use super::tally::Tally;
use crate::native_peer::{Breaks, Hazards};

/// What goes wrong. By default, nothing does.
#[derive(Clone, Debug, Default)]
pub struct Mishaps {
    /// Peers that vanish for good.
    pub drops: Vec<PlannedDrop>,
    /// Peers that cheat.
    pub cheats: Vec<PlannedCheat>,
    /// How many of 100 connections break, after a random number of messages.
    pub flaky_percent: u8,
    /// How often the hospital's process is killed while the round runs.
    pub kill_hospital: u32,
    /// Draws which connections break and when the hospital is killed.
    pub seed: u64,
}

/// Peers that vanish for good: written `M@PHASE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedDrop {
    /// How many.
    pub peers: NonZeroU32,
    /// When.
    pub phase: DropPhase,
}

/// When a peer vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropPhase {
    /// Right after it was told that it is enrolled, before the committee is fixed.
    Enrolled,
    /// As a committee member, right after it was told that it is one, before it contributes.
    Seated,
    /// As a committee member, right after its contribution was acknowledged.
    Contributed,
    /// As a committee member that holds all shares, before it verifies the contributions.
    BeforeVerification,
    /// As a committee member that has verified them, instead of sending its partial aggregate.
    BeforePartial,
}

/// A text that is no `M@PHASE`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{0:?} is not M@PHASE: a number from 1 on, and enrolled, seated, contributed, \
     before-verification or before-partial"
)]
pub struct NotADrop(String);

impl FromStr for PlannedDrop {
    type Err = NotADrop;

    fn from_str(text: &str) -> Result<Self, NotADrop> {
        let refused = || NotADrop(text.to_owned());
        let (peers, phase) = text.split_once('@').ok_or_else(refused)?;
        let phase = match phase {
            "enrolled" => DropPhase::Enrolled,
            "seated" => DropPhase::Seated,
            "contributed" => DropPhase::Contributed,
            "before-verification" => DropPhase::BeforeVerification,
            "before-partial" => DropPhase::BeforePartial,
            _ => return Err(refused()),
        };
        Ok(Self { peers: peers.parse().map_err(|_| refused())?, phase })
    }
}

impl Mishaps {
    /// The deadline of each phase unless something else is asked for. If too few are left, and only
    /// then, it is waited for.
    #[must_use]
    pub fn usual_deadline(&self) -> Duration {
        let quick = !self.drops.is_empty() && !self.disturbs();
        if quick { Duration::from_mins(1) } else { Duration::from_mins(5) }
    }

    /// How many peers vanish at `phase`.
    pub(super) fn dropped_at(&self, phase: DropPhase) -> u32 {
        let drops = self.drops.iter().filter(|drop| drop.phase == phase);
        drops.fold(0, |sum: u32, drop| sum.saturating_add(drop.peers.get()))
    }

    /// How many peers vanish.
    pub(super) fn dropped(&self) -> u32 {
        self.drops.iter().fold(0, |sum: u32, drop| sum.saturating_add(drop.peers.get()))
    }

    /// How many peers vanish before they contribute.
    pub(super) fn dropped_early(&self) -> u32 {
        self.dropped_at(DropPhase::Enrolled).saturating_add(self.dropped_at(DropPhase::Seated))
    }

    /// Whether connections break.
    pub(super) fn disturbs(&self) -> bool {
        self.flaky_percent > 0 || self.kill_hospital > 0
    }
}

/// Hands the mishaps out to the peers.
pub(super) struct Fates {
    mishaps: Mishaps,
    cheats: Cheats,
    tally: Arc<Tally>,
    /// How many members have still to vanish.
    seated: AtomicU32,
    contributed: AtomicU32,
    before_verification: AtomicU32,
    before_partial: AtomicU32,
}

/// When a peer vanished, once it has.
pub(super) type Fate = Arc<OnceLock<DropPhase>>;

impl Fates {
    /// The mishaps of so many patients, of whom so many hold shares.
    pub(super) fn new(
        mishaps: Mishaps,
        (patients, committee): (u32, u32),
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            cheats: Cheats::new(&mishaps.cheats, patients, committee),
            seated: mishaps.dropped_at(DropPhase::Seated).into(),
            contributed: mishaps.dropped_at(DropPhase::Contributed).into(),
            before_verification: mishaps.dropped_at(DropPhase::BeforeVerification).into(),
            before_partial: mishaps.dropped_at(DropPhase::BeforePartial).into(),
            mishaps,
            tally,
        }
    }

    /// Whether this is one of the first peers, who vanish as soon as they have enrolled.
    pub(super) fn is_first_victim(&self, peer: u32) -> bool {
        peer < self.mishaps.dropped_at(DropPhase::Enrolled)
    }

    /// Whether this peer's answer is not to be counted.
    pub(super) fn spoils_answer(&self, peer: u32) -> bool {
        self.cheats.spoils_answer(peer)
    }

    /// What happens to a peer that comes for the `attempt`-th time; its fate tells when it vanished.
    pub(super) fn hazards(self: &Arc<Self>, peer: u32, attempt: u32) -> (Hazards, Fate) {
        let Mishaps { flaky_percent, seed, .. } = self.mishaps;
        let stream = u64::from(attempt) << 32 | u64::from(peer);
        let breaks = (flaky_percent > 0).then(|| Breaks::new(flaky_percent, seed, stream));
        let fate = Fate::default();
        let (fates, told, mut member) = (Arc::clone(self), Arc::clone(&fate), false);
        let vanishes = move |event: &Event| {
            let phase = match event {
                Event::CommitteeFixed { role, .. } => {
                    member = matches!(role, Role::Member { .. });
                    DropPhase::Seated
                }
                Event::Enrolled => DropPhase::Enrolled,
                Event::ContributionAcknowledged => DropPhase::Contributed,
                // To verify is what a member does next, and then to give its partial aggregate.
                Event::ManifestAccepted { .. } => DropPhase::BeforeVerification,
                Event::VerdictAccepted { .. } => DropPhase::BeforePartial,
                _ => return false,
            };
            let vanishes = match phase {
                DropPhase::Enrolled => fates.is_first_victim(peer),
                DropPhase::Seated => member && claim(&fates.seated),
                DropPhase::Contributed => member && claim(&fates.contributed),
                DropPhase::BeforeVerification => member && claim(&fates.before_verification),
                DropPhase::BeforePartial => member && claim(&fates.before_partial),
            };
            if vanishes && told.set(phase).is_ok() {
                fates.tally.dropped();
            }
            vanishes
        };
        let vanishes = (!self.mishaps.drops.is_empty()).then(|| Box::new(vanishes) as _);
        let cheats = Arc::clone(self);
        let turns = (!self.mishaps.cheats.is_empty())
            .then(|| Box::new(move |event: &Event| cheats.cheats.turn(peer, event)) as _);
        (Hazards { breaks, vanishes, turns }, fate)
    }
}

/// Takes one of what is left, if there is any.
fn claim(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_a_number_and_a_phase() {
        let drop = |peers, phase| Ok(PlannedDrop { peers: NonZeroU32::new(peers).unwrap(), phase });
        assert_eq!("9@before-partial".parse(), drop(9, DropPhase::BeforePartial));
        assert_eq!("1@enrolled".parse(), drop(1, DropPhase::Enrolled));
        assert_eq!("3@seated".parse(), drop(3, DropPhase::Seated));
        assert_eq!("2@contributed".parse(), drop(2, DropPhase::Contributed));
        for text in ["", "9", "@enrolled", "0@enrolled", "-1@enrolled", "9@", "9@published"] {
            assert_eq!(text.parse::<PlannedDrop>(), Err(NotADrop(text.to_owned())));
        }
    }

    #[test]
    fn as_many_vanish_as_were_asked_for() {
        let drops = ["1@enrolled", "1@seated", "1@contributed"].map(|drop| drop.parse().unwrap());
        let drops = drops.to_vec();
        let tally = Arc::new(Tally::default());
        let fates =
            Arc::new(Fates::new(Mishaps { drops, ..Mishaps::default() }, (4, 4), tally.clone()));
        let committee =
            Event::CommitteeFixed { members: 4, threshold: 3, role: Role::Member { index: 1 } };
        let gone = |peer| {
            let (hazards, fate) = fates.hazards(peer, 0);
            let vanishes = hazards.vanishes.unwrap();
            let events = [&Event::Enrolled, &committee, &Event::ContributionAcknowledged];
            assert_eq!(events.into_iter().any(vanishes), fate.get().is_some());
            fate.get().copied()
        };
        assert_eq!(gone(0), Some(DropPhase::Enrolled));
        assert_eq!(gone(1), Some(DropPhase::Seated));
        assert_eq!(gone(2), Some(DropPhase::Contributed));
        assert_eq!(gone(3), None);
        assert_eq!(tally.mishaps().dropped, 3);
    }
}
