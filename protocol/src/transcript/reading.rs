//! Reading a transcript's file part by part, so that it can be said where it cannot be read on.

use core::fmt;

use tls_codec::DeserializeBytes;

use super::{MAGIC, Transcript};
use crate::verdict::VerdictBytes;

/// What a transcript's file consists of, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The study.
    Study,
    /// The committee.
    Committee,
    /// Who contributed what.
    Contributions,
    /// What the members found.
    Verifications,
    /// Which contributions count.
    Verdict,
    /// The result.
    Result,
    /// What the members added up.
    Partials,
}

/// A part of a transcript's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The section in which it is.
    pub section: Section,
    /// Which one of a list, from 0 on; `None` for the list itself and for what is no list.
    pub entry: Option<usize>,
}

impl From<Section> for Part {
    fn from(section: Section) -> Self {
        Self { section, entry: None }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = match self.section {
            Section::Study => return f.write_str("the study"),
            Section::Committee => return f.write_str("the committee"),
            Section::Verdict => return f.write_str("the verdict"),
            Section::Result => return f.write_str("the result"),
            Section::Contributions => "contribution",
            Section::Verifications => "verification",
            Section::Partials => "partial aggregate",
        };
        match self.entry {
            Some(number) => write!(f, "{one} {number}"),
            None => write!(f, "the list of {one}s"),
        }
    }
}

/// What follows the magic, as far as it can be read; and the part with which that ends early, if it does. Bytes
/// that are left over are counted to the partial aggregates.
pub(super) fn read(bytes: &[u8]) -> (Transcript, Result<(), Part>) {
    let mut transcript = Transcript {
        magic: MAGIC,
        study: Vec::new().into(),
        committee: Vec::new().into(),
        contributions: Vec::new().into(),
        verifications: Vec::new().into(),
        verdict: VerdictBytes::default(),
        cells: Vec::new().into(),
        partials: Vec::new().into(),
    };
    let read = fill(&mut transcript, Reader(bytes));
    (transcript, read)
}

fn fill(transcript: &mut Transcript, mut reader: Reader<'_>) -> Result<(), Part> {
    transcript.study = reader.next(Section::Study)?;
    transcript.committee = reader.next(Section::Committee)?;
    let (contributions, read) = reader.list::<_, 4>(Section::Contributions);
    transcript.contributions = contributions.into();
    read?;
    let (verifications, read) = reader.list::<_, 4>(Section::Verifications);
    transcript.verifications = verifications.into();
    read?;
    transcript.verdict = reader.next(Section::Verdict)?;
    transcript.cells = reader.next(Section::Result)?;
    let (partials, read) = reader.list::<_, 3>(Section::Partials);
    transcript.partials = partials.into();
    read?;
    if reader.0.is_empty() { Ok(()) } else { Err(Section::Partials.into()) }
}

/// What has not been read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next<T: DeserializeBytes>(&mut self, part: impl Into<Part>) -> Result<T, Part> {
        let (value, rest) = T::tls_deserialize_bytes(self.0).map_err(|_| part.into())?;
        self.0 = rest;
        Ok(value)
    }

    /// The entries of a list, as far as they can be read. Its length, in bytes, is told in `LENGTH` bytes.
    fn list<T: DeserializeBytes, const LENGTH: usize>(
        &mut self,
        section: Section,
    ) -> (Vec<T>, Result<(), Part>) {
        let Some((length, rest)) = self.0.split_first_chunk::<LENGTH>() else {
            return (Vec::new(), Err(section.into()));
        };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some((list, rest)) = rest.split_at_checked(length) else {
            return (Vec::new(), Err(section.into()));
        };
        self.0 = rest;
        let (mut entries, mut list) = (Vec::new(), Reader(list));
        while !list.0.is_empty() {
            match list.next(Part { section, entry: Some(entries.len()) }) {
                Ok(entry) => entries.push(entry),
                Err(part) => return (entries, Err(part)),
            }
        }
        (entries, Ok(()))
    }
}
