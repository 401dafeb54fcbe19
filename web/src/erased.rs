//! What changes on the page, by the type of its value and not by what computes it.
//!
//! Leptos compiles its machinery anew for every closure that it is given. Behind a pointer all those of one
//! result are one type, which makes the page lighter.

use leptos::prelude::Memo;

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

/// A part of a view that is drawn again when what it was computed from changes.
pub(crate) type Live<T> = Box<dyn FnMut() -> T + Send>;

/// As a closure in a view, but of a type that says nothing of it.
pub(crate) fn live<T>(draw: impl FnMut() -> T + Send + 'static) -> Live<T> {
    Box::new(draw)
}
