//! Partial aggregates, and what a round publishes.
//!
//! A member signs one digest over the digests of its elements, one for each [cell](crate::questionnaire::Cell), each of
//! which is taken behind a salt that nobody can guess. The hospital is given all elements and salts. What it publishes
//! has the digest in their place where the cell is suppressed ([`crate::suppression`]), so that everybody can check the
//! numbers that are shown and nobody can add up those that are not: without the salt not even `T - 1` members, who know
//! for each number that a cell could be what the element of another one would be, can tell by the digest which it is.

use std::sync::Arc;

use rand_core::Rng;
use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU24};

use crate::committee::{Committee, Enrolment};
use crate::digest::{DigestLabel, ResultDigest, VerdictDigest, hash};
use crate::entropy::{Entropy, Purpose};
use crate::field::{self, ENCODED_LEN, Field, SecretVector};
use crate::form::Kind;
use crate::identity::{Identity, IdentityError, SignatureLabel, SignedBytes};
use crate::questionnaire::{Cell, Figure, Subject};
use crate::sharing::{CombineError, Combined, Share, ShareIndex};
use crate::study::Study;
use crate::suppression;
use crate::verdict::Verdict;

/// The result of a round. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// How many answers were counted.
    pub count: u32,
    /// The number in each of the [cells](crate::questionnaire::Questionnaire::cells); `None` where it is suppressed.
    pub cells: Arc<[Option<u128>]>,
}

/// A result as it is sent and stored: the field elements that stand for the numbers.
pub type CellBytes = TlsVecU24<Option<[u8; ENCODED_LEN]>>;

impl Aggregate {
    /// What may be published of these numbers of `count` answers.
    #[must_use]
    pub fn suppressed(study: &Study, count: u32, numbers: &[u128]) -> Self {
        let hidden =
            suppression::hidden(study.questionnaire(), numbers, count, study.minimum_cell());
        let shown = |(number, hidden): (&u128, bool)| (!hidden).then_some(*number);
        Self { count, cells: numbers.iter().zip(hidden).map(shown).collect() }
    }

    /// The result of a study of an earlier version, which asks for one number; `None` if answers cannot come to that.
    #[must_use]
    pub fn of_sum(study: &Study, count: u32, sum: i128) -> Option<Self> {
        let item = study.form().items().next()?;
        let base = i128::from(item.kind.steps()?.min).checked_mul(count.into())?;
        // The distance of two numbers of 128 bits, which as a signed one would not always fit.
        let above = (sum >= base).then(|| sum.abs_diff(base))?;
        Some(Self { count, cells: [Some(above)].into() })
    }

    /// Whether these are the numbers of so many answers, as far as it shows them.
    pub(crate) fn says(&self, count: u32, numbers: &[u128]) -> bool {
        let same =
            |(shown, number): (&Option<u128>, &u128)| shown.is_none_or(|shown| shown == *number);
        self.count == count
            && self.cells.len() == numbers.len()
            && self.cells.iter().zip(numbers).all(same)
    }

    /// The sum of the answers to the first question, if it asks for a number and its sum is shown.
    #[must_use]
    pub fn sum(&self, study: &Study) -> Option<i128> {
        let item = study.form().items().next()?;
        let Kind::Number(number) = &item.kind else { return None };
        let of_everybody = |figure| {
            let wanted = (Subject::Item(0), None, figure);
            let mut cells = study.questionnaire().cells().iter().zip(self.cells.iter());
            cells.find(|(cell, _)| (cell.subject, cell.group, cell.figure) == wanted)
        };
        let answered = match of_everybody(Figure::Answered) {
            Some((_, answered)) => (*answered)?,
            None => self.count.into(),
        };
        let base = i128::try_from(answered).ok()?.checked_mul(number.range.min.into())?;
        let (_, sum) = of_everybody(Figure::Sum)?;
        base.checked_add_unsigned((*sum)?)
    }

    /// The bytes that say the same.
    #[must_use]
    pub fn encode_cells(&self) -> CellBytes {
        let element = |number: u128| field::encode(Field::from(number));
        self.cells.iter().map(|number| number.map(element)).collect::<Vec<_>>().into()
    }

    /// What these bytes say of `count` answers; `None` if they are no numbers.
    #[must_use]
    pub fn decode(count: u32, cells: &CellBytes) -> Option<Self> {
        let number = |bytes: &Option<[u8; ENCODED_LEN]>| match bytes {
            Some(bytes) => Some(Some(u128::from(field::decode(*bytes)?))),
            None => Some(None),
        };
        Some(Self { count, cells: cells.as_slice().iter().map(number).collect::<Option<_>>()? })
    }

    /// Identifies the result.
    #[must_use]
    pub fn digest(&self) -> ResultDigest {
        let cells = crate::wire::encode(&self.encode_cells());
        ResultDigest(hash(DigestLabel::Result, &[&self.count.to_be_bytes(), &cells]))
    }
}

/// What partial aggregates combine to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<T> {
    /// The result.
    pub result: T,
    /// The members whose partial aggregates are wrong and have been corrected, in the order of their
    /// places. Empty when all agree, and when there is none to spare that could check the others.
    pub wrong: Vec<ShareIndex>,
}

/// A partial aggregate on its way to the hospital.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct PartialAggregate {
    signed: SignedBytes,
    openings: TlsVecU24<Opening>,
}

/// The length of a salt in bytes.
pub const SALT_LEN: usize = 16;

/// An element behind its salt: what its digest covers.
pub type Opening = [u8; SALT_LEN + ENCODED_LEN];

/// A partial aggregate as it is published.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct DisclosedPartial {
    signed: SignedBytes,
    /// The elements of the cells that are shown with their salts, in their order.
    shown: TlsVecU24<Opening>,
    /// The digests of the others, in their order.
    hidden: TlsVecU24<[u8; 32]>,
}

/// What a member signs when it releases its part (PROTOCOL.md, "Partial aggregate").
#[derive(Clone, Debug, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PartialBody {
    verdict: VerdictDigest,
    index: u8,
    elements: [u8; 32],
}

/// The digests of a member's elements.
struct Elements {
    verdict: VerdictDigest,
    index: u8,
}

impl Elements {
    /// That of the element at `position`, which this opens.
    fn digest(&self, position: usize, opening: &Opening) -> [u8; 32] {
        let position = u32::try_from(position).unwrap_or(u32::MAX).to_be_bytes();
        let Self { verdict, index } = self;
        hash(DigestLabel::Element, &[verdict.as_bytes(), &[*index], &position, opening])
    }

    /// That over the digests of all of them.
    fn root(digests: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
        hash(DigestLabel::Elements, &[digests.collect::<Vec<_>>().as_flattened()])
    }
}

/// Why a partial aggregate, or all of them together, do not make a result.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AggregateError {
    /// Malformed, or a bad signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Signed by nobody on the committee.
    #[error("the committee has no member {number}")]
    UnknownMember {
        /// The place that it names.
        number: u8,
    },
    /// For another verdict, and so perhaps for another study, committee or manifest.
    #[error("the partial aggregate is for another verdict")]
    ForeignVerdict,
    /// By a member whose partial aggregate the verdict leaves out.
    #[error("the verdict leaves member {number} out")]
    LeftOut {
        /// Its place.
        number: u8,
    },
    /// Not as many reduced field elements as the study has numbers to publish, or not those that are signed.
    #[error("the partial aggregate is not made of the field elements that its member has signed")]
    Value,
    /// Too few, twice the same, or contradicting each other beyond correction.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// Numbers that the counted answers cannot have.
    #[error("the partial aggregates combine to numbers that {count} valid answers cannot have")]
    Impossible {
        /// How many answers are counted.
        count: u32,
    },
    /// Not the numbers that are published.
    #[error("the partial aggregates combine to other numbers")]
    OtherNumbers,
    /// A number that tells of too few people, or of all but too few, and has to be suppressed.
    #[error("the {number}th number tells of fewer than {minimum} people and has to be suppressed")]
    Unsuppressed {
        /// Which cell, from 1 on.
        number: usize,
        /// The study's minimum.
        minimum: u32,
    },
}

/// Signs the partial aggregate of the member at `index`. Its salts are expanded from the member's entropy, so that it
/// is the same bytes when it is made again.
#[must_use]
pub fn sign_partial(
    (identity, entropy): (&Identity, &Entropy),
    verdict: VerdictDigest,
    index: ShareIndex,
    values: &SecretVector,
) -> PartialAggregate {
    let of = Elements { verdict, index: index.number() };
    let mut salts = entropy.stream(Purpose::Salts, &[verdict.as_bytes(), &[of.index]]);
    let opening = |value: &Field| {
        let mut opening = [0; SALT_LEN + ENCODED_LEN];
        salts.fill_bytes(&mut opening[..SALT_LEN]);
        opening[SALT_LEN..].copy_from_slice(&field::encode(*value));
        opening
    };
    let openings: Vec<Opening> = values.elements().iter().map(opening).collect();
    let digests = openings.iter().enumerate().map(|(at, opening)| of.digest(at, opening));
    let body = PartialBody { verdict, index: index.number(), elements: Elements::root(digests) };
    let signed = identity.sign_body(SignatureLabel::PartialAggregate, &[], &body);
    PartialAggregate { signed, openings: openings.into() }
}

/// The element that this opens; `None` if it is not reduced.
fn element_of(opening: &Opening) -> Option<Field> {
    let (_, element) = opening.split_last_chunk()?;
    field::decode(*element)
}

impl PartialAggregate {
    /// Checks it for this verdict, which has this digest; it is then a share of what is found out.
    pub fn verify(
        &self,
        study: &Study,
        committee: &Committee,
        verdict: (&Verdict, VerdictDigest),
    ) -> Result<Share, AggregateError> {
        let all = vec![true; study.questionnaire().output_len()];
        self.disclose(&all).verify(committee, verdict, &all)
    }

    /// What is published of it where these cells are shown.
    fn disclose(&self, shown: &[bool]) -> DisclosedPartial {
        // Where it is not known whose it is, no digest will be right.
        let (verdict, index) = self
            .signed
            .peek()
            .map_or((VerdictDigest([0; 32]), 0), |PartialBody { verdict, index, .. }| {
                (verdict, index)
            });
        let of = Elements { verdict, index };
        let (mut openings, mut digests) = (Vec::new(), Vec::new());
        for (at, opening) in self.openings.as_slice().iter().enumerate() {
            if shown.get(at).copied().unwrap_or(true) {
                openings.push(*opening);
            } else {
                digests.push(of.digest(at, opening));
            }
        }
        let signed = self.signed.clone();
        DisclosedPartial { signed, shown: openings.into(), hidden: digests.into() }
    }

    /// What is published of it with this result.
    #[must_use]
    pub fn disclosed(&self, result: &Aggregate) -> DisclosedPartial {
        self.disclose(&result.shown())
    }
}

impl DisclosedPartial {
    /// Checks it for this verdict, which has this digest, where these cells are shown; it is then a share of what they
    /// show.
    fn verify(
        &self,
        committee: &Committee,
        (verdict, digest): (&Verdict, VerdictDigest),
        shown: &[bool],
    ) -> Result<Share, AggregateError> {
        let body: PartialBody = self.signed.peek()?;
        let number = body.index;
        let unknown = AggregateError::UnknownMember { number };
        let index = ShareIndex::new(number).ok_or(unknown)?;
        let member = committee.member(index).map(Enrolment::id).ok_or(unknown)?;
        self.signed.verify(&member, SignatureLabel::PartialAggregate, &[])?;
        if body.verdict != digest {
            return Err(AggregateError::ForeignVerdict);
        }
        if !verdict.members().contains(index) {
            return Err(AggregateError::LeftOut { number });
        }
        let of = Elements { verdict: digest, index: number };
        let (mut openings, mut digests) =
            (self.shown.as_slice().iter(), self.hidden.as_slice().iter());
        let all = shown.iter().enumerate().map(|(at, shown)| {
            if *shown {
                openings.next().map(|opening| of.digest(at, opening))
            } else {
                digests.next().copied()
            }
        });
        let all = all.collect::<Option<Vec<_>>>().ok_or(AggregateError::Value)?;
        if openings.next().is_some()
            || digests.next().is_some()
            || Elements::root(all.into_iter()) != body.elements
        {
            return Err(AggregateError::Value);
        }
        let values = self.shown.as_slice().iter().map(element_of);
        let values = values.collect::<Option<_>>().ok_or(AggregateError::Value)?;
        Ok(Share { index, values: SecretVector::new(values) })
    }
}

/// Combines at least `T` partial aggregates into the numbers of `count` answers, and corrects wrong ones as
/// far as [`Scheme::combine`](crate::sharing::Scheme::combine) can.
pub fn combine(
    study: &Study,
    committee: &Committee,
    count: u32,
    partials: &[Share],
) -> Result<Decoded<Vec<u128>>, AggregateError> {
    let Combined { secret, wrong } = committee.scheme().combine(partials)?;
    let elements: Vec<Option<Field>> = secret.elements().iter().copied().map(Some).collect();
    let numbers = study.questionnaire().decode(&elements, count);
    let numbers = numbers.and_then(|numbers| numbers.into_iter().collect());
    Ok(Decoded { result: numbers.ok_or(AggregateError::Impossible { count })?, wrong })
}

impl Aggregate {
    /// Which cells it shows.
    fn shown(&self) -> Vec<bool> {
        self.cells.iter().map(Option::is_some).collect()
    }

    /// A cell that it shows and that is small by what it shows: it counts too few people, or leaves as few out, or is the
    /// sum over as few, or one to which only as few can have added anything. What [`crate::suppression`] holds for small
    /// is all this and more.
    fn small(&self, study: &Study) -> Option<usize> {
        let questionnaire = study.questionnaire();
        let few = |people: Option<u128>| {
            people.is_some_and(|people| (1..study.minimum_cell().into()).contains(&people))
        };
        let small = |cell: &Cell, own: u128, people: Option<u128>| {
            let others = people.map(|people| people.saturating_sub(own));
            match cell.figure {
                // As many people at most are above the lowest answer, or below the highest.
                Figure::Sum => {
                    let most = people.and_then(|people| people.checked_mul(cell.most));
                    let below = most.map(|most| most.saturating_sub(own));
                    few(people) || few(Some(own)) || few(below)
                }
                Figure::Squares => few(people),
                Figure::Option(_) if !cell.leaves_out(questionnaire) => few(Some(own)),
                Figure::Answered | Figure::Yes | Figure::Option(_) => few(Some(own)) || few(others),
            }
        };
        let groups = self.groups(study);
        let columns =
            questionnaire.cells().chunk_by(|a, b| (a.subject, a.group) == (b.subject, b.group));
        let mut first = 0;
        for column in columns {
            let shown = &self.cells[first..first + column.len()];
            let all = match column[0].group {
                None => Some(self.count.into()),
                Some(group) => groups.get(usize::from(group)).copied().flatten(),
            };
            // How many answered stands first.
            let answered = (column[0].figure == Figure::Answered).then_some(shown[0]);
            let found = column.iter().zip(shown).position(|(cell, own)| {
                let people = if cell.figure == Figure::Answered { None } else { answered };
                own.is_some_and(|own| small(cell, own, people.unwrap_or(all)))
            });
            if let Some(position) = found {
                return Some(first + position);
            }
            first += column.len();
        }
        None
    }

    /// How many people are in each group, as far as it is shown.
    fn groups(&self, study: &Study) -> Vec<Option<u128>> {
        let questionnaire = study.questionnaire();
        let grouping = questionnaire.plan().grouping.map(Subject::Item);
        let (mut answered, mut groups) = (Some(u128::from(self.count)), Vec::new());
        for (cell, number) in questionnaire.cells().iter().zip(self.cells.iter()) {
            if cell.group.is_some() || Some(cell.subject) != grouping {
                continue;
            }
            match cell.figure {
                Figure::Answered => answered = *number,
                Figure::Option(_) => groups.push(*number),
                // Those who said yes, and the others.
                Figure::Yes => {
                    let no = |(answered, yes): (u128, u128)| answered.saturating_sub(yes);
                    groups.extend([*number, answered.zip(*number).map(no)]);
                }
                Figure::Sum | Figure::Squares => {}
            }
        }
        groups
    }

    /// Checks that these partial aggregates combine to the numbers that it shows, that so many answers can come to them,
    /// and that none of them is small by what is shown. That more is hidden than has to be is no error. Returns the
    /// members' places, and those whose partial aggregate is wrong in what is shown. With an error comes the position of
    /// the partial aggregate that it is about, if it is about one.
    pub fn check(
        &self,
        study: &Study,
        committee: &Committee,
        verdict: (&Verdict, VerdictDigest),
        partials: &[DisclosedPartial],
    ) -> Result<Decoded<Vec<ShareIndex>>, (Option<usize>, AggregateError)> {
        let shares = self.shares(study, committee, verdict, partials)?;
        let wrong = self.combined(study, committee, &shares).map_err(|error| (None, error))?;
        Ok(Decoded { result: shares.iter().map(|share| share.index).collect(), wrong })
    }

    /// Checks these partial aggregates one by one; they are then shares of what is shown. With an error comes the
    /// position of the one that it is about, if it is about one.
    pub(crate) fn shares(
        &self,
        study: &Study,
        committee: &Committee,
        verdict: (&Verdict, VerdictDigest),
        partials: &[DisclosedPartial],
    ) -> Result<Vec<Share>, (Option<usize>, AggregateError)> {
        if self.cells.len() != study.questionnaire().output_len() {
            return Err((None, AggregateError::OtherNumbers));
        }
        let shown = self.shown();
        // One more than the committee has is one too many; each costs a signature check.
        let partials = partials.iter().take(usize::from(committee.size()) + 1);
        let share = |(position, partial): (usize, &DisclosedPartial)| {
            partial.verify(committee, verdict, &shown).map_err(|error| (Some(position), error))
        };
        partials.enumerate().map(share).collect()
    }

    /// Checks that these shares of what is shown combine to that, and that it may be shown. Returns the places of those
    /// that are wrong.
    pub(crate) fn combined(
        &self,
        study: &Study,
        committee: &Committee,
        shares: &[Share],
    ) -> Result<Vec<ShareIndex>, AggregateError> {
        let Combined { secret, wrong } = committee.scheme().combine(shares)?;
        let mut elements = secret.elements().iter().copied();
        let elements: Vec<Option<Field>> =
            self.cells.iter().map(|cell| cell.and_then(|_| elements.next())).collect();
        let numbers = study.questionnaire().decode(&elements, self.count);
        let numbers = numbers.ok_or(AggregateError::Impossible { count: self.count })?;
        if *numbers != *self.cells {
            return Err(AggregateError::OtherNumbers);
        }
        match self.small(study) {
            Some(cell) => {
                let minimum = study.minimum_cell();
                Err(AggregateError::Unsuppressed { number: cell + 1, minimum })
            }
            None => Ok(wrong),
        }
    }
}
