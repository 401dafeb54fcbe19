//! What the browser tests share: a real hospital, `trunk serve`, real browsers, and the page as they see it.
//!
//! The tests are in `tests/browsers/`, one behaviour a file, and run with
//!
//! ```sh
//! cargo xtask build                                # the page, once and after each change to it
//! cargo build -p wardsum-hospital                  # the hospital
//! cargo test -p wardsum-e2e --features browsers    # or: ... -- three_tabs
//! ```
//!
//! `cargo xtask test` does all of that. Without the feature `browsers` the crate is built and nothing is run.
//! A test never skips itself: what is missing fails it, with the line to type. Firefox alone is
//! tested only where it is installed, and a line says so where it is not.
//!
//! | environment variable | what | otherwise |
//! |---|---|---|
//! | `WARDSUM_HOSPITAL` | the hospital's binary | `debug/hospital` in the target directory |
//! | `WARDSUM_PAGE` | the built page | `web/dist` |
//! | `WARDSUM_TRUNK` | trunk | on the search path, or in the tool cache of `cargo xtask` |
//! | `WARDSUM_WASM_BINDGEN` | `wasm-bindgen` | likewise |
//! | `WARDSUM_CHROMIUM`, `WARDSUM_CHROMEDRIVER` | Chromium and its driver | on the search path |
//! | `WARDSUM_FIREFOX`, `WARDSUM_GECKODRIVER` | Firefox and its driver | on the search path, or in the tool cache |
//! | `WARDSUM_AXE` | `axe.min.js` | in the tool cache, put there with `npm` at the first use |
//! | `WARDSUM_PAGE_RUSTFLAGS` | what the page was compiled with (`CARGO_ENCODED_RUSTFLAGS`) | none: trunk compiles it anew |
//! | `WARDSUM_ARTIFACTS` | where screenshots go | `artifacts` |
//!
//! All traffic stays on loopback. Every process that a fixture starts leads a process group of its own, which ends when
//! the fixture is dropped, after a panic too.

mod axe;
mod browser;
mod certificates;
mod child;
pub mod example;
mod hospital;
mod invitations;
mod meddler;
mod page_copy;
mod page_host;
mod patient;
pub mod played;
mod researcher;
pub mod settings;
mod studies;
mod tab;
mod trunk;
mod wait;

pub use axe::Violation;
pub use browser::{Browser, Launch};
pub use hospital::{Hospital, HospitalOptions};
pub use invitations::Invitations;
pub use meddler::Meddler;
pub use page_copy::PageCopy;
pub use page_host::PageHost;
pub use patient::{Figures, Left, Notice, StageChange};
pub use studies::TestStudy;
pub use tab::{Colours, Tab, Viewport};
pub use trunk::Trunk;
pub use wait::{PATIENCE, until};
