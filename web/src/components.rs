//! What the page is made of.

mod answer_form;
mod chooser;
mod confirm;
mod connection;
mod disclosure;
mod failure;
mod frame;
mod next_round;
mod orphans;
mod published;
mod receipt;
mod result;
mod stages;
mod study_page;
mod terms;
mod too_late;
mod words;

pub(crate) use chooser::Chooser;
pub(crate) use failure::FailureNotice;
pub(crate) use frame::Frame;
pub(crate) use orphans::{Orphan, Orphans};
pub(crate) use study_page::StudyPage;

use answer_form::AnswerForm;
use confirm::Confirm;
use connection::{ConnectionNotice, LeaveForGood, NotKeptNotice};
use disclosure::DisclosureStatement;
use next_round::NextRound;
use published::{Published, Told};
use receipt::Receipt;
use result::ResultFigures;
use stages::Stages;
use terms::Terms;
use too_late::TooLate;
use words::{CompareWords, WordsAgain, WordsDisputed};
