//! What becomes known of the round after the one that a visitor is done with.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, StudySummary};
use crate::erased::memo;

/// The longest that the first question waits, in milliseconds. Three doublings make half a minute of
/// it.
const FIRST_MS: u32 = 3_750;

/// The longest that any question waits, in milliseconds.
const LONGEST_MS: u32 = 30_000;

/// What the hospital says about a study until another round than a given one is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextRoundWatch {
    /// What it said last; nothing before its first answer.
    pub(crate) known: RwSignal<Option<StudySummary>>,
    /// Whether another round is open.
    pub(crate) open: Memo<bool>,
}

impl NextRoundWatch {
    /// Begins to ask about the study `id`, until a round other than `done_with` (a study digest) is
    /// open or the surrounding component goes.
    pub(crate) fn begin(id: String, done_with: String) -> Self {
        let known = RwSignal::new(None::<StudySummary>);
        let open = memo(move || {
            known.with(|known| known.as_ref().is_some_and(|study| study.is_open_after(&done_with)))
        });
        let waiting = StoredValue::new_local(None::<TimeoutHandle>);
        on_cleanup(move || {
            if let Some(waiting) = waiting.try_update_value(Option::take).flatten() {
                waiting.clear();
            }
        });
        let watch = Self { known, open };
        watch.ask_later(id, waiting, 0);
        watch
    }

    fn ask_later(
        self,
        id: String,
        waiting: StoredValue<Option<TimeoutHandle>, LocalStorage>,
        asked: u32,
    ) {
        let ask = move || {
            spawn_local(async move {
                // After an error what was known stays: it is the best that there is.
                if let Ok(study) = api::study(&id).await {
                    self.known.try_set(Some(study));
                }
                // `None` once the component is gone.
                if self.open.try_get_untracked() == Some(false) {
                    self.ask_later(id, waiting, asked.saturating_add(1));
                }
            });
        };
        let delay = Duration::from_millis(delay_ms(asked, js_sys::Math::random()).into());
        if let Ok(handle) = set_timeout_with_handle(ask, delay) {
            waiting.try_set_value(Some(handle));
        }
    }
}

/// How long to wait before the next question when `asked` have been asked, in milliseconds: from
/// 3 s at first, twice as long each time, up to 30 s.
///
/// `chance`, from zero to below one, takes up to a fifth off, so that tabs which begin to wait in
/// the same moment, as all do when a round ends, do not go on asking in the same moment.
fn delay_ms(asked: u32, chance: f64) -> u32 {
    let longest = FIRST_MS.saturating_mul(1 << asked.min(8)).min(LONGEST_MS);
    let fifth = f64::from(longest / 5);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from zero to a fifth of half a minute"
    )]
    let off = (fifth * chance.clamp(0.0, 1.0)) as u32;
    longest - off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer_up_to_half_a_minute() {
        let longest: Vec<_> = (0..6).map(|asked| delay_ms(asked, 0.0)).collect();
        assert_eq!(longest, [3_750, 7_500, 15_000, 30_000, 30_000, 30_000]);
        assert_eq!(delay_ms(u32::MAX, 0.0), 30_000);
    }

    #[test]
    fn chance_spreads_them_and_never_below_three_seconds() {
        assert_eq!(delay_ms(0, 1.0), 3_000);
        assert_eq!(delay_ms(9, 1.0), 24_000);
        for asked in 0..10 {
            let spread: Vec<_> =
                (0..=10_u32).map(|tenth| delay_ms(asked, f64::from(tenth) / 10.0)).collect();
            assert!(spread.windows(2).all(|pair| pair[0] > pair[1]), "{spread:?}");
            assert!(spread.iter().all(|delay| (3_000..=30_000).contains(delay)), "{spread:?}");
        }
    }
}
