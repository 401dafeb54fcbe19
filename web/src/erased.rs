//! What follows the page's values, by the type of its result and not by what computes it.
//!
//! Leptos compiles its machinery anew for every closure that it is given. Behind a pointer all those of one
//! result are one type, which makes the page lighter.

use leptos::prelude::{Effect, Memo};

/// A value that is computed again when what it was computed from changes, and that is news only if it is another.
pub(crate) fn memo<T>(compute: impl Fn() -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    erased_memo(Box::new(compute))
}

fn erased_memo<T>(compute: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| compute())
}

/// Does something soon, and again when what it has read changes.
pub(crate) fn effect(act: impl Fn() + 'static) {
    erased_effect(Box::new(act));
}

fn erased_effect(act: Box<dyn Fn()>) {
    Effect::new(act);
}
