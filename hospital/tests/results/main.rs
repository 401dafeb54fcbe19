//! Files of results: what they say, what they do not, and that nothing in a text is more than text.
//!
//! `WARDSUM_WRITE_GOLDEN=1 cargo test -p wardsum-hospital --test results` writes the files in `golden` anew, for people to
//! look at what has changed; what is then compared with them is the next, ordinary run. `validate.py` holds them against
//! other people's programs.

mod golden;
mod hidden;
mod study;
mod text;
