//! What the page is made of.

mod asking;
mod chart;
mod chooser;
mod connection;
mod disclosure;
mod failure;
mod findings;
mod frame;
mod next_round;
mod orphans;
mod parts;
mod published;
mod question;
mod question_page;
mod receipt;
mod result;
mod review;
mod stages;
mod study_page;
mod terms;
mod too_late;
mod words;

pub(crate) use chooser::chooser;
pub(crate) use failure::failure_notice;
pub(crate) use frame::frame;
pub(crate) use orphans::{KeptProblem, Orphan, offered};
pub(crate) use parts::paragraph;
pub(crate) use study_page::{GoesOn, study_page};

use asking::{PutDown, Sheet, asking};
use findings::findings;
use next_round::next_round;
use published::{Told, published};
use too_late::too_late;
