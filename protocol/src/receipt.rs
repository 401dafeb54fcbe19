//! A receipt: what one tab saw of a round, for its patient to hold against the published transcript later
//! (PROTOCOL.md, "Receipt").
//!
//! It says that a contribution was made and what became of it, and nothing about the answer: its digests
//! are over shares that are sealed with randomness which nobody keeps. It is signed by nobody. Whoever has
//! the transcript could write a receipt for any contribution in it, so that a receipt is evidence for the one
//! who has kept it, and proves to nobody else that somebody took part.

use core::fmt;

use thiserror::Error;

use crate::aggregate::Aggregate;
use crate::committee::Committee;
use crate::digest::{
    CommitteeDigest, ContributionDigest, DigestLabel, ManifestDigest, ResultDigest, StudyDigest,
    VerdictDigest, hash,
};
use crate::identity::PeerId;
use crate::peer::OwnAnswer;
use crate::study::Study;
use crate::transcript::{Checked, Transcript};
use crate::verdict::Rejection;

/// What a receipt begins with.
const MAGIC: &str = "wardsum receipt 2";

/// What one peer knows of a round and of its own contribution to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    study: StudyDigest,
    title: String,
    committee: CommitteeDigest,
    sender: PeerId,
    contribution: ContributionDigest,
    fixed: Option<Fixed>,
    result: Option<Seen>,
}

/// The manifest that the peer was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fixed {
    manifest: ManifestDigest,
    /// The contribution's number in it, from 0 on; none if it came too late.
    number: Option<u32>,
}

/// The result that the peer was shown, and has checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    verdict: VerdictDigest,
    rejection: Option<Rejection>,
    count: u32,
    result: ResultDigest,
}

/// What becomes of a receipt's contribution in a transcript that says what the receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number, from 0 on; none if it came too late, as the receipt says too.
    pub number: Option<u32>,
    /// Why it is not counted, if it is there and is not.
    pub rejection: Option<Rejection>,
}

/// Text that is no receipt, or none that a peer has written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("it is not a receipt of this version, or it has been changed")]
pub struct ParseReceiptError;

/// Where a transcript says something else than a receipt.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// Another study, or another round of it.
    #[error("the study: the transcript is of another study, or of another round of it")]
    Study,
    /// A title that the study with this digest does not have.
    #[error("the title: the study of the transcript has another one")]
    Title,
    /// Another committee.
    #[error("the committee: the transcript is of other members than the tab was shown")]
    Committee,
    /// The contribution is not there.
    #[error(
        "the contribution: the hospital had it, and it is not among the answers of the transcript"
    )]
    Missing,
    /// Another contribution is there under the same key.
    #[error("the contribution: under this key there is another one, contribution {number}")]
    Replaced {
        /// Its number, from 0 on.
        number: u32,
    },
    /// The contribution is there under another key, too.
    #[error(
        "the contribution: it is there more than once, the second time as contribution {number}"
    )]
    Repeated {
        /// The other number, from 0 on.
        number: u32,
    },
    /// It is there, and the tab was shown that it came too late.
    #[error(
        "the contribution: the tab was shown that it came too late, and it is contribution {number}"
    )]
    NotLate {
        /// Its number, from 0 on.
        number: u32,
    },
    /// Another manifest.
    #[error("the answers: the tab was shown that others were fixed")]
    Manifest,
    /// Another place in the manifest.
    #[error(
        "the number: the contribution is number {there} there, and was shown as number {shown}"
    )]
    Number {
        /// In the transcript.
        there: u32,
        /// In the receipt.
        shown: u32,
    },
    /// Another verdict.
    #[error("the verdict: the tab was shown another one")]
    Verdict,
    /// The verdict is the same, but not what it says of the contribution.
    #[error("the answer: the verdict says something else of it than the receipt")]
    Answer,
    /// Another result.
    #[error("the result: the tab was shown another one, of {count} answers")]
    Result {
        /// How many answers the receipt counts.
        count: u32,
    },
}

impl Receipt {
    /// For a contribution that was sealed and is about to be sent.
    pub(crate) fn new(
        study: &Study,
        committee: &Committee,
        sender: PeerId,
        contribution: ContributionDigest,
    ) -> Self {
        Self {
            study: study.digest(),
            title: study.title().first().to_owned(),
            committee: committee.digest(),
            sender,
            contribution,
            fixed: None,
            result: None,
        }
    }

    /// The manifest is known, and where the contribution is in it.
    pub(crate) fn fixed(&mut self, manifest: ManifestDigest, number: Option<u32>) {
        self.fixed = Some(Fixed { manifest, number });
    }

    /// The result is known.
    pub(crate) fn published(
        &mut self,
        verdict: VerdictDigest,
        own: OwnAnswer,
        aggregate: &Aggregate,
    ) {
        let rejection = match own {
            OwnAnswer::Rejected(rejection) => Some(rejection),
            OwnAnswer::Counted | OwnAnswer::NotCounted | OwnAnswer::None => None,
        };
        let Aggregate { count, .. } = *aggregate;
        self.result = Some(Seen { verdict, rejection, count, result: aggregate.digest() });
    }

    /// Whether the peer has been shown a manifest. Before that a receipt is of use only if the hospital has
    /// acknowledged the contribution.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }

    /// The digest of the study.
    #[must_use]
    pub fn study(&self) -> StudyDigest {
        self.study
    }

    /// The text of a receipt's file, which is the same for the same receipt.
    #[must_use]
    pub fn encode(&self) -> String {
        let said = self.to_string();
        let check = StudyDigest(hash(DigestLabel::Receipt, &[said.as_bytes()]));
        format!("{said}check: {check}\n")
    }

    /// Reads a receipt's file. Exactly the bytes that [`Receipt::encode`] writes are read.
    pub fn decode(bytes: &[u8]) -> Result<Self, ParseReceiptError> {
        let text = core::str::from_utf8(bytes).map_err(|_| ParseReceiptError)?;
        let receipt = Self::parse(text).ok_or(ParseReceiptError)?;
        if receipt.encode() == text { Ok(receipt) } else { Err(ParseReceiptError) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().peekable();
        (lines.next()? == MAGIC).then_some(())?;
        let mut field = |name: &str| {
            let value = lines.peek()?.strip_prefix(name)?.strip_prefix(": ")?;
            lines.next();
            Some(value)
        };
        let study = StudyDigest(digits(field("study")?)?);
        let title = field("title")?.to_owned();
        let committee = CommitteeDigest(digits(field("committee")?)?);
        let sender = PeerId::decode(&digits(field("key")?)?).ok()?;
        let contribution = ContributionDigest(digits(field("contribution")?)?);
        let mut receipt =
            Self { study, title, committee, sender, contribution, fixed: None, result: None };
        if let Some(manifest) = field("manifest") {
            let number = match field("number")? {
                LATE => None,
                number => Some(number.parse().ok()?),
            };
            receipt.fixed(ManifestDigest(digits(manifest)?), number);
        }
        // Nobody is shown a result before what it counts.
        if let Some(verdict) = receipt.fixed.and_then(|_| field("verdict")) {
            let verdict = VerdictDigest(digits(verdict)?);
            let rejection = match field("answer")? {
                LATE => None,
                answer => OUTCOMES.iter().find(|(_, word)| *word == answer)?.0,
            };
            let count = field("count")?.parse().ok()?;
            let result = ResultDigest(digits(field("result")?)?);
            receipt.result = Some(Seen { verdict, rejection, count, result });
        }
        Some(receipt)
    }

    /// Holds this receipt against a transcript that has been checked: it must be of the same round as the
    /// tab was shown, with this contribution in it once, and with everything that the receipt says.
    pub fn check(&self, transcript: &Transcript, checked: &Checked) -> Result<Found, ReceiptError> {
        if self.study != checked.study.digest() {
            return Err(ReceiptError::Study);
        }
        if self.title != checked.study.title().first() {
            return Err(ReceiptError::Title);
        }
        if self.committee != checked.committee {
            return Err(ReceiptError::Committee);
        }
        let number = self.find(transcript)?;
        if let Some(Fixed { manifest, number: shown }) = self.fixed {
            match (number, shown) {
                (Some(number), None) => return Err(ReceiptError::NotLate { number }),
                (None, Some(_)) => return Err(ReceiptError::Missing),
                _ if manifest != checked.manifest => return Err(ReceiptError::Manifest),
                (Some(there), Some(shown)) if there != shown => {
                    return Err(ReceiptError::Number { there, shown });
                }
                _ => {}
            }
        } else if number.is_none() {
            return Err(ReceiptError::Missing);
        }
        let rejection = number.and_then(|number| checked.verdict.rejection(number));
        if let Some(Seen { verdict, rejection: shown, count, result }) = self.result {
            if verdict != checked.verdict.digest(checked.manifest) {
                return Err(ReceiptError::Verdict);
            }
            if shown != rejection {
                return Err(ReceiptError::Answer);
            }
            if (count, result) != (checked.aggregate.count, checked.aggregate.digest()) {
                return Err(ReceiptError::Result { count });
            }
        }
        Ok(Found { number, rejection })
    }

    /// The contribution's number, if it is there; and it must not be there twice, or replaced.
    fn find(&self, transcript: &Transcript) -> Result<Option<u32>, ReceiptError> {
        let mut found = None;
        for (number, (sender, digest)) in (0..).zip(transcript.contributions()) {
            let (own_key, own_digest) =
                (sender == self.sender.as_bytes(), digest == self.contribution);
            match (own_key, own_digest) {
                (true, false) => return Err(ReceiptError::Replaced { number }),
                (false, true) => return Err(ReceiptError::Repeated { number }),
                (true, true) => found = Some(number),
                (false, false) => {}
            }
        }
        Ok(found)
    }
}

/// What stands for a number, and for an outcome, where the contribution came too late.
const LATE: &str = "late";

/// What can become of a contribution that is in the manifest.
const OUTCOMES: [(Option<Rejection>, &str); 3] = [
    (None, "counted"),
    (Some(Rejection::Invalid), "invalid"),
    (Some(Rejection::Disputed), "disputed"),
];

fn digits(text: &str) -> Option<[u8; 32]> {
    Some(text.parse::<StudyDigest>().ok()?.0)
}

impl fmt::Display for Receipt {
    /// All lines but the last one, which is the hash of these.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { study, title, committee, sender, contribution, fixed, result } = self;
        let key = ContributionDigest(*sender.as_bytes());
        write!(
            f,
            "{MAGIC}\nstudy: {study}\ntitle: {title}\ncommittee: {committee}\nkey: {key}\n\
             contribution: {contribution}\n"
        )?;
        let number = fixed.and_then(|fixed| fixed.number);
        if let Some(Fixed { manifest, .. }) = fixed {
            writeln!(f, "manifest: {manifest}")?;
            match number {
                Some(number) => writeln!(f, "number: {number}")?,
                None => writeln!(f, "number: {LATE}")?,
            }
        }
        if let Some(Seen { verdict, rejection, count, result }) = result {
            let known = OUTCOMES.iter().find(|(known, _)| known == rejection);
            let answer = known.filter(|_| number.is_some()).map_or(LATE, |(_, word)| word);
            write!(f, "verdict: {verdict}\nanswer: {answer}\ncount: {count}\nresult: {result}\n")?;
        }
        Ok(())
    }
}

impl fmt::Display for Found {
    /// What became of the contribution, in plain words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(number) = self.number else {
            return write!(f, "your answer came too late, and is not in it, as the tab was shown");
        };
        write!(f, "your contribution is there once, as contribution {number}, and is ")?;
        match self.rejection {
            None => write!(f, "counted"),
            Some(reason) => write!(f, "NOT counted: {reason}"),
        }
    }
}
