//! A questionnaire as people read and answer it: sections of items with texts, options and units.
//!
//! What is asked of the protocol by it is a [`Plan`](crate::questionnaire::Plan); the texts are in the study's bytes beside it, so that everybody who
//! takes part in one study was asked the same.

mod checking;
mod planning;
mod text;

use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

pub use self::text::{LANGUAGES_MAX, Language, Text, TextError};
use crate::questionnaire::QuestionnaireError;
use crate::wire::{Flag, Int32, Int128, Utf8};

/// The longest id of an item or a score, in bytes: a `linkId` of FHIR, a column's name in a table.
pub const ID_MAX: usize = 64;

/// The longest short text in bytes: of a title, an option, a unit.
pub const SHORT_TEXT_MAX: usize = 255;

/// The longest text in bytes: of a question, or a help text.
pub const TEXT_MAX: usize = 2_000;

/// The most items.
pub const ITEMS_MAX: usize = 500;

/// The most decimal places of a step.
pub const DECIMALS_MAX: u8 = 9;

/// A questionnaire.
#[derive(Clone, Debug, Default, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Form {
    /// The sections, in their order.
    pub sections: Vec<Section>,
    /// The number of the item by whose answers all others are told apart, counted from 0 on through all sections.
    pub grouping: Option<u16>,
    /// The scores.
    pub scores: Vec<ScoreForm>,
}

/// Items that are asked together.
#[derive(Clone, Debug, Default, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Section {
    /// Up to [`SHORT_TEXT_MAX`] bytes; may be empty.
    pub title: Text,
    /// Up to [`TEXT_MAX`] bytes; may be empty.
    pub help: Text,
    /// The items, at least one.
    pub items: Vec<ItemForm>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ItemForm {
    /// What it is called in files: 1 to [`ID_MAX`] printable ASCII characters, no two items and scores the same.
    pub id: Utf8,
    /// What it is called in a terminology; may be empty.
    pub code: Coding,
    /// The question, 1 to [`TEXT_MAX`] bytes.
    pub text: Text,
    /// Up to [`TEXT_MAX`] bytes; may be empty.
    pub help: Text,
    /// What a number counts, up to [`SHORT_TEXT_MAX`] bytes; may be empty.
    pub unit: Text,
    /// Whether somebody may prefer not to answer.
    pub optional: Flag,
    /// What may be answered.
    pub kind: Kind,
}

/// A code of a terminology such as LOINC.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Hash, TlsSize, TlsSerialize, TlsDeserializeBytes,
)]
pub struct Coding {
    /// The terminology, a URI; may be empty.
    pub system: Utf8,
    /// The code; may be empty.
    pub code: Utf8,
}

/// What may be answered to an item.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
#[repr(u8)]
pub enum Kind {
    /// Yes or no.
    #[tls_codec(discriminant = 1)]
    YesNo,
    /// A number of steps: what comes out is the sum, and perhaps the standard deviation.
    #[tls_codec(discriminant = 2)]
    Number(NumberForm),
    /// A number of steps, few enough that it comes out how many gave each, besides the sum and the standard deviation.
    #[tls_codec(discriminant = 3)]
    Scale(ScaleForm),
    /// One of some options.
    #[tls_codec(discriminant = 4)]
    Choice(Vec<OptionForm>),
    /// Up to so many of some options.
    #[tls_codec(discriminant = 5)]
    Choices(ChoicesForm),
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct NumberForm {
    /// What is answered.
    pub range: Steps,
    /// Whether the sum of squares is found out too, and with it the standard deviation.
    pub squares: Flag,
}

/// A scale.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ScaleForm {
    /// What is answered.
    pub range: Steps,
    /// What the lowest number means, up to [`SHORT_TEXT_MAX`] bytes; may be empty.
    pub lowest: Text,
    /// What the highest number means, up to [`SHORT_TEXT_MAX`] bytes; may be empty.
    pub highest: Text,
}

/// Several options.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ChoicesForm {
    /// The options.
    pub options: Vec<OptionForm>,
    /// How many of them may be chosen.
    pub at_most: u16,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct OptionForm {
    /// What it is called in a terminology; may be empty.
    pub code: Coding,
    /// 1 to [`SHORT_TEXT_MAX`] bytes.
    pub text: Text,
    /// What it is worth in a score.
    pub value: Option<Int32>,
}

/// The numbers from `min` to `max` steps. A step is `step` times ten to the power of `-decimals`: with a step of 5 and one
/// decimal, 70 to 84 are 35.0 to 42.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Steps {
    /// The smallest.
    pub min: Int128,
    /// The largest, more than `min`.
    pub max: Int128,
    /// 1 or more.
    pub step: u32,
    /// Up to [`DECIMALS_MAX`].
    pub decimals: u8,
}

/// A weighted sum over items.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ScoreForm {
    /// What it is called in files; see [`ItemForm::id`].
    pub id: Utf8,
    /// What it is called in a terminology; may be empty.
    pub code: Coding,
    /// 1 to [`SHORT_TEXT_MAX`] bytes.
    pub title: Text,
    /// What it is the sum of.
    pub terms: Vec<ScoreTerm>,
    /// Whether it is found out how many have each value, and the standard deviation, and not only the sum of all values.
    pub distribution: Flag,
}

/// An item in a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct ScoreTerm {
    /// The number of the item, from 0 on.
    pub item: u16,
    /// By what its number of steps, or the value of its options, is multiplied.
    pub weight: Int32,
}

/// What is wrong with a form, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FormError {
    /// A text.
    #[error("{place}: {source}")]
    Text {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        source: TextError,
    },
    /// Texts in other languages than the first text of the form.
    #[error("{place}: give every text in the same languages")]
    Languages {
        /// Where the first such text stands.
        place: Place,
    },
    /// An id that is none, or that something else has.
    #[error(
        "{place}: its id is not 1 to {ID_MAX} letters, digits, and -._/, or something else has it"
    )]
    Id {
        /// Whose it is.
        place: Place,
    },
    /// A section without items, or too many of these.
    #[error("{place}: a section has items, and all together no more than {ITEMS_MAX}")]
    Items {
        /// Which section.
        place: Place,
    },
    /// A range of steps.
    #[error(
        "{place}: its range is empty or has one value only (max must be more than min), its step is zero, or it \
         has more than {DECIMALS_MAX} decimals"
    )]
    Range {
        /// Of which item.
        place: Place,
    },
    /// A scale of more numbers than can be told apart.
    #[error(
        "{place}: a scale has no more than {} numbers; ask for a number instead",
        crate::questionnaire::INPUT_LEN_MAX
    )]
    Scale {
        /// Which item.
        place: Place,
    },
    /// A score of something that has no value.
    #[error(
        "{place}: an item of it does not exist, is there twice, or has options without a value"
    )]
    Score {
        /// Which score.
        place: Place,
    },
    /// What cannot be asked.
    #[error(transparent)]
    Questionnaire(#[from] QuestionnaireError),
}

/// Where something stands in a form. All numbers are from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A section, by its number.
    Section(usize),
    /// An item, by its number through all sections.
    Item(usize),
    /// An option, by the number of its item and its own.
    Option(usize, usize),
    /// A score.
    Score(usize),
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Section(number) => write!(f, "section {number}"),
            Self::Item(number) => write!(f, "item {number}"),
            Self::Option(item, number) => write!(f, "item {item}, option {number}"),
            Self::Score(number) => write!(f, "score {number}"),
        }
    }
}
