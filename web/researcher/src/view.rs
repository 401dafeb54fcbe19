//! What is drawn.

pub(crate) mod actions;
pub(crate) mod audit;
pub(crate) mod authority;
pub(crate) mod builder;
pub(crate) mod chart;
pub(crate) mod confirm;
pub(crate) mod create;
pub(crate) mod failure;
pub(crate) mod fields;
pub(crate) mod finding;
pub(crate) mod frame;
pub(crate) mod preview;
pub(crate) mod results;
pub(crate) mod share;
pub(crate) mod sign_in;
pub(crate) mod standing;
pub(crate) mod studies;
pub(crate) mod study;
pub(crate) mod upload;
