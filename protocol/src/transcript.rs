//! Everything public about a finished round, and its check without trusting anybody (PROTOCOL.md,
//! "Transcript").
//!
//! Every byte of a transcript is signed by somebody or follows from what is, so that none can be changed
//! without being noticed.

mod reading;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use tls_codec::{
    TlsByteVecU16, TlsByteVecU32, TlsDeserializeBytes, TlsSerialize, TlsSize, TlsVecU24, TlsVecU32,
};

use crate::aggregate::{Aggregate, AggregateError, CellBytes, DisclosedPartial};
use crate::committee::{self, Committee, CommitteeError};
use crate::digest::{CommitteeDigest, ContributionDigest, ManifestDigest};
use crate::identity::{IdentityError, PeerId, SIGNATURE_LEN, SignatureLabel, SignedBytes};
use crate::invitation::{Credential, CredentialError, Ticket};
use crate::manifest::Commitment;
use crate::messages::{HospitalMessage, PeerMessage, Publication};
use crate::round::Record;
use crate::sharing::{Share, ShareIndex, ShareIndices};
use crate::study::Study;
use crate::verdict::{self, Findings, Verdict, VerdictBytes, VerdictError};
use crate::verification::{Finding, Piece, VerificationError, piece_len};
use crate::wire;

pub use self::reading::{Part, Section};

/// What a transcript begins with.
pub const MAGIC: [u8; 20] = *b"wardsum transcript 3";

/// A transcript, as it is read from a file or made from a round's records. Nothing of it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize)]
pub struct Transcript {
    magic: [u8; 20],
    study: TlsByteVecU16,
    committee: TlsByteVecU32,
    contributions: TlsVecU32<ContributionEntry>,
    /// The verifications that the verdict follows from: by member, and each in its order.
    verifications: TlsVecU32<SignedBytes>,
    verdict: VerdictBytes,
    cells: CellBytes,
    /// In the order of the members.
    partials: TlsVecU24<DisclosedPartial>,
}

/// One contribution, by its number.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct ContributionEntry {
    sender: [u8; 32],
    digest: ContributionDigest,
    signature: [u8; SIGNATURE_LEN],
    /// The invitation of somebody who only contributes to an invited study.
    credential: Option<Credential>,
}

/// Records that no transcript can be made of.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoTranscript {
    /// The round has no result.
    #[error("the round has no result, and so no transcript")]
    NotPublished,
    /// The round was played by an earlier version of the protocol.
    #[error("the round's records are too old to make a transcript of")]
    TooOld,
    /// Records that no round writes.
    #[error("the round's records contradict each other")]
    Records,
}

/// What a check of a transcript has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The study.
    pub study: Study,
    /// How many held shares.
    pub members: u8,
    /// How many of them it took.
    pub threshold: u8,
    /// How many contributions there were.
    pub contributions: u32,
    /// How many of them were not counted.
    pub rejected: u32,
    /// The members that verified everything.
    pub verified: ShareIndices,
    /// Of these, those whose partial aggregates were not used.
    pub left_out: ShareIndices,
    /// The members whose partial aggregates the sum is made of.
    pub partials: ShareIndices,
    /// Of these, those whose partial aggregates were wrong and have been corrected.
    pub wrong: ShareIndices,
    /// The result.
    pub aggregate: Aggregate,
    /// The committee's digest.
    pub committee: CommitteeDigest,
    /// The digest of which contributions there were.
    pub manifest: ManifestDigest,
    /// Which of them count.
    pub verdict: Verdict,
}

/// What is wrong with a transcript, and where.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TranscriptError {
    /// Not a transcript.
    #[error("the file is not a transcript of this version")]
    Foreign,
    /// A part that is not whole or has no meaning. Everything before it holds.
    #[error("{part} cannot be read: it is cut off or altered, or a length is wrong")]
    Unreadable {
        /// Which one.
        part: Part,
    },
    /// The study.
    #[error("the study is not valid")]
    Study,
    /// The study is another one than that of the committee's members.
    #[error("the study is not the one for which the members of the committee enrolled")]
    OtherStudy,
    /// The committee.
    #[error("the committee does not hold: {0}")]
    Committee(CommitteeError),
    /// A contribution's sender or signature.
    #[error("contribution {number}: {source}")]
    Contribution {
        /// Its number, from 0 on.
        number: u32,
        /// What is wrong with it.
        source: IdentityError,
    },
    /// An invitation that does not admit who shows it, is missing, or is there where none belongs.
    #[error("the invitation of contribution {number}: {source}")]
    Credential {
        /// The contribution's number, from 0 on.
        number: u32,
        /// What is wrong with it.
        source: CredentialError,
    },
    /// An invitation that somebody else has used.
    #[error("the invitation of contribution {number} is used by somebody else too")]
    InvitationTwice {
        /// The number of the later one, from 0 on.
        number: u32,
    },
    /// Somebody who contributed twice.
    #[error("contribution {number} is by somebody who has contributed before")]
    SecondContribution {
        /// The number of the later one, from 0 on.
        number: u32,
    },
    /// More contributions than the study allows, or fewer.
    #[error("there are {have} contributions; the study allows {least} to {most}")]
    Contributions {
        /// How many there are.
        have: u32,
        /// The study's minimum cohort.
        least: u32,
        /// The study's maximum cohort.
        most: u32,
    },
    /// A verification.
    #[error("verification {position}: {source}")]
    Verification {
        /// Which one, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: VerificationError,
    },
    /// Verifications that are missing or out of order.
    #[error("verification {position} is missing, out of order, or there twice")]
    VerificationOrder {
        /// Which one, from 0 on.
        position: usize,
    },
    /// Fewer members verified the contributions than it takes.
    #[error("{have} members have verified the contributions; it takes {need}")]
    TooFewVerified {
        /// How many did.
        have: u32,
        /// The threshold.
        need: u8,
    },
    /// The verdict breaks the study's rules.
    #[error("the verdict does not hold: {0}")]
    Verdict(VerdictError),
    /// The verdict is not what the verifications give.
    #[error("the verdict does not follow from the verifications")]
    OtherVerdict,
    /// A partial aggregate.
    #[error("partial aggregate {position}: {source}")]
    Partial {
        /// Which one, from 0 on.
        position: usize,
        /// What is wrong with it.
        source: AggregateError,
    },
    /// Partial aggregates that are out of order.
    #[error("partial aggregate {position} is out of order, or there twice")]
    PartialOrder {
        /// Which one, from 0 on.
        position: usize,
    },
    /// The partial aggregates do not make the result.
    #[error("the result does not hold: {0}")]
    Result(AggregateError),
}

impl Transcript {
    /// The transcript of the round of `study` that wrote these records.
    pub fn of<'a>(
        study: &Study,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, NoTranscript> {
        let mut committee = None;
        let mut contributions = Vec::new();
        let mut pieces = BTreeMap::new();
        let mut declined = BTreeSet::new();
        let mut credentials: BTreeMap<[u8; 32], Credential> = BTreeMap::new();
        let (mut verdict, mut publication) = (None, None);
        let mut fixed = None;
        for record in records {
            match record {
                Record::CommitteeFixed(bytes) => {
                    let known = Committee::decode(study, bytes);
                    committee = Some(known.map_err(|_| NoTranscript::Records)?);
                }
                Record::InvitationUsed { sender, credential, .. } => {
                    let credential = credential.as_deref().ok_or(NoTranscript::TooOld)?;
                    credentials.insert(*sender.as_bytes(), credential.clone());
                }
                Record::Contributed(contributed) => contributions.push(ContributionEntry {
                    sender: *contributed.sender.as_bytes(),
                    digest: contributed.digest,
                    signature: contributed.signature.ok_or(NoTranscript::TooOld)?,
                    credential: credentials.remove(contributed.sender.as_bytes()),
                }),
                Record::ManifestFixed { .. } => {
                    let committee = committee.as_ref().ok_or(NoTranscript::Records)?;
                    let commitment = commitment(&contributions).ok_or(NoTranscript::Records)?;
                    fixed = Some((commitment, commitment.digest(study, committee)));
                }
                Record::Verified(message) if verdict.is_none() => {
                    let committee = committee.as_ref().ok_or(NoTranscript::Records)?;
                    let (commitment, manifest) = fixed.ok_or(NoTranscript::Records)?;
                    let Ok(PeerMessage::Verification(signed)) = PeerMessage::decode(message) else {
                        return Err(NoTranscript::Records);
                    };
                    let piece = Piece::verify(committee, manifest, commitment.size, &signed)
                        .map_err(|_| NoTranscript::Records)?;
                    pieces.insert((piece.member, piece.first), signed);
                }
                Record::Declined(peer, _) => {
                    declined.extend(committee.as_ref().and_then(|known| known.place_of(peer)));
                }
                Record::Judged(bytes) => {
                    // Whoever declined before was not heard.
                    pieces.retain(|(member, _), _| !declined.contains(member));
                    verdict = Some(bytes.clone());
                }
                Record::Published { message, .. } => {
                    publication = match wire::decode(message) {
                        Ok(HospitalMessage::Published(publication)) => Some(publication),
                        _ => return Err(NoTranscript::TooOld),
                    };
                }
                Record::PublishedSum { .. } => return Err(NoTranscript::TooOld),
                _ => {}
            }
        }
        let publication: Publication = publication.ok_or(NoTranscript::NotPublished)?;
        if !study.is_current() {
            return Err(NoTranscript::TooOld);
        }
        let (committee, verdict) = committee.zip(verdict).ok_or(NoTranscript::TooOld)?;
        let size = u32::try_from(contributions.len()).map_err(|_| NoTranscript::Records)?;
        let count = |member: ShareIndex| pieces.range((member, 0)..=(member, u32::MAX)).count();
        let complete = piece_count(size);
        let heard: BTreeSet<ShareIndex> =
            ShareIndex::all(committee.size()).filter(|member| count(*member) == complete).collect();
        let verifications = pieces.into_iter().filter(|((member, _), _)| heard.contains(member));
        Ok(Self {
            magic: MAGIC,
            study: study.encode().into(),
            committee: committee.bytes().into(),
            contributions: contributions.into(),
            verifications: verifications.map(|(_, signed)| signed).collect::<Vec<_>>().into(),
            verdict,
            cells: publication.cells,
            partials: publication.partials,
        })
    }

    /// The bytes of a transcript's file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Reads a transcript's file. Nothing is checked but its structure, unless it cannot be read to its end: a wrong
    /// length makes nonsense of what follows, so that the error is then about the first part that does not hold.
    pub fn decode(bytes: &[u8]) -> Result<Self, TranscriptError> {
        let bytes = bytes.strip_prefix(&MAGIC).ok_or(TranscriptError::Foreign)?;
        match reading::read(bytes) {
            (transcript, Ok(())) => Ok(transcript),
            (begun, Err(part)) => {
                let before = begun.check_until(Some(part)).err();
                Err(before.unwrap_or(TranscriptError::Unreadable { part }))
            }
        }
    }

    /// Checks everything that can be checked.
    pub fn check(&self) -> Result<Checked, TranscriptError> {
        self.check_until(None)
    }

    /// Checks everything before the part at which the file could not be read on, and that there is none.
    fn check_until(&self, unreadable: Option<Part>) -> Result<Checked, TranscriptError> {
        let whole = |section| match unreadable {
            Some(part) if part.section == section => Err(TranscriptError::Unreadable { part }),
            _ => Ok(()),
        };
        whole(Section::Study)?;
        let study = Study::decode(self.study.as_slice())
            .ok()
            .filter(Study::is_current)
            .ok_or(TranscriptError::Study)?;
        whole(Section::Committee)?;
        let committee = self.check_committee(&study)?;
        let senders = self.check_contributions(&study, &committee)?;
        whole(Section::Contributions)?;
        let commitment = self.commitment(&study, &senders)?;
        let manifest = commitment.digest(&study, &committee);
        let verified = self.check_verifications(&committee, commitment, manifest)?;
        whole(Section::Verifications)?;
        self.check_complete(&committee, &verified)?;
        whole(Section::Verdict)?;
        let verdict = Verdict::read(&self.verdict, &study, &committee, commitment)
            .map_err(TranscriptError::Verdict)?;
        let findings: Vec<Findings<'_>> =
            verified.iter().map(|(member, of)| Findings { member: *member, of }).collect();
        let own = self.members_own(&committee);
        let judged = verdict::judge(study.questionnaire(), committee.scheme(), &findings, &own);
        if judged != verdict {
            return Err(TranscriptError::OtherVerdict);
        }
        whole(Section::Result)?;
        let count = verdict.accepted(commitment);
        let aggregate = Aggregate::decode(count, &self.cells)
            .ok_or(TranscriptError::Result(AggregateError::OtherNumbers))?;
        let shares = self.check_partials(&aggregate, &study, &committee, (&verdict, manifest))?;
        whole(Section::Partials)?;
        let wrong =
            aggregate.combined(&study, &committee, &shares).map_err(TranscriptError::Result)?;
        let verified: ShareIndices = verified.into_keys().collect();
        let left_out = verified.iter().filter(|member| !verdict.members().contains(*member));
        Ok(Checked {
            members: committee.size(),
            threshold: committee.threshold(),
            contributions: commitment.size,
            rejected: verdict.rejected_len(),
            left_out: left_out.collect(),
            verified,
            partials: shares.iter().map(|share| share.index).collect(),
            wrong: wrong.into_iter().collect(),
            aggregate,
            committee: committee.digest(),
            manifest,
            verdict,
            study,
        })
    }

    fn check_committee(&self, study: &Study) -> Result<Committee, TranscriptError> {
        let bytes = self.committee.as_slice();
        Committee::decode(study, bytes).map_err(|error| {
            // The members have signed which study they enrol for: that tells which of the two was changed.
            let enrolled = committee::claimed_study(bytes);
            match error {
                CommitteeError::ForeignStudy if enrolled != Some(study.digest()) => {
                    TranscriptError::OtherStudy
                }
                error => TranscriptError::Committee(error),
            }
        })
    }

    /// Checks who contributed, and that they were invited; returns who they are, by number.
    fn check_contributions(
        &self,
        study: &Study,
        committee: &Committee,
    ) -> Result<Vec<PeerId>, TranscriptError> {
        let entries = self.contributions.as_slice();
        let (mut senders, mut seen) = (Vec::new(), BTreeSet::new());
        let mut tickets = committee.tickets().clone();
        for (number, entry) in (0..).zip(entries) {
            let sender = entry
                .verify()
                .map_err(|source| TranscriptError::Contribution { number, source })?;
            senders.push(sender);
            if !seen.insert(sender) {
                return Err(TranscriptError::SecondContribution { number });
            }
            let ticket = entry
                .ticket(study, committee.place_of(&sender).is_some())
                .map_err(|source| TranscriptError::Credential { number, source })?;
            if ticket.is_some_and(|ticket| !tickets.enter(&ticket, sender)) {
                return Err(TranscriptError::InvitationTwice { number });
            }
        }
        Ok(senders)
    }

    /// What the contributions of these senders come down to.
    fn commitment(&self, study: &Study, senders: &[PeerId]) -> Result<Commitment, TranscriptError> {
        let digests = self.contributions.as_slice().iter().map(|entry| entry.digest);
        let commitment = Commitment::of(senders.iter().zip(digests));
        if commitment.fits(study) {
            return Ok(commitment);
        }
        let (least, most) = (study.minimum_cohort(), study.maximum_cohort());
        Err(TranscriptError::Contributions { have: commitment.size, least, most })
    }

    /// Checks the members' verifications, which are in order.
    fn check_verifications(
        &self,
        committee: &Committee,
        commitment: Commitment,
        manifest: ManifestDigest,
    ) -> Result<BTreeMap<ShareIndex, Vec<Finding>>, TranscriptError> {
        let mut verified: BTreeMap<ShareIndex, Vec<Finding>> = BTreeMap::new();
        for (position, signed) in self.verifications.as_slice().iter().enumerate() {
            let piece = Piece::verify(committee, manifest, commitment.size, signed)
                .map_err(|source| TranscriptError::Verification { position, source })?;
            let last = verified.last_key_value().map(|(member, _)| *member);
            let follows = last.is_none_or(|last| last <= piece.member);
            let known = verified.entry(piece.member).or_default();
            if !follows || usize::try_from(piece.first) != Ok(known.len()) {
                return Err(TranscriptError::VerificationOrder { position });
            }
            known.extend(piece.findings);
        }
        Ok(verified)
    }

    /// Whether all of these members, and enough of them, have verified everything.
    fn check_complete(
        &self,
        committee: &Committee,
        verified: &BTreeMap<ShareIndex, Vec<Finding>>,
    ) -> Result<(), TranscriptError> {
        let size = self.contributions.len();
        if verified.values().any(|findings| findings.len() != size) {
            let position = self.verifications.len();
            return Err(TranscriptError::VerificationOrder { position });
        }
        let (have, need) =
            (u32::try_from(verified.len()).unwrap_or(u32::MAX), committee.threshold());
        if have < u32::from(need) {
            return Err(TranscriptError::TooFewVerified { have, need });
        }
        Ok(())
    }

    /// Checks the partial aggregates one by one, and that they are in order.
    fn check_partials(
        &self,
        aggregate: &Aggregate,
        study: &Study,
        committee: &Committee,
        (verdict, manifest): (&Verdict, ManifestDigest),
    ) -> Result<Vec<Share>, TranscriptError> {
        let verdict = (verdict, verdict.digest(manifest));
        let shares = aggregate.shares(study, committee, verdict, self.partials.as_slice());
        let shares = shares.map_err(|error| match error {
            (Some(position), source) => TranscriptError::Partial { position, source },
            (None, source) => TranscriptError::Result(source),
        })?;
        match shares.windows(2).position(|pair| pair[0].index >= pair[1].index) {
            Some(before) => Err(TranscriptError::PartialOrder { position: before + 1 }),
            None => Ok(shares),
        }
    }

    /// The numbers of the committee members' own contributions.
    fn members_own(&self, committee: &Committee) -> BTreeSet<u32> {
        let members: BTreeSet<_> =
            committee.members().map(|(_, member)| *member.id().as_bytes()).collect();
        let entries = (0..).zip(self.contributions.as_slice());
        entries
            .filter(|(_, entry)| members.contains(&entry.sender))
            .map(|(number, _)| number)
            .collect()
    }

    /// Whose contributions there are, by number: the verifying keys, and the digests.
    pub fn contributions(&self) -> impl Iterator<Item = (&[u8; 32], ContributionDigest)> {
        self.contributions.as_slice().iter().map(|entry| (&entry.sender, entry.digest))
    }
}

impl ContributionEntry {
    /// Whose it is, if the signature holds.
    fn verify(&self) -> Result<PeerId, IdentityError> {
        let sender = PeerId::decode(&self.sender)?;
        let parts: [&[u8]; 1] = [self.digest.as_bytes()];
        sender.verify(SignatureLabel::Contribution, &parts, &self.signature)?;
        Ok(sender)
    }

    /// The invitation of somebody who only contributes to an invited study, and nobody else's: members have shown
    /// theirs when they enrolled.
    fn ticket(&self, study: &Study, is_member: bool) -> Result<Option<Ticket>, CredentialError> {
        match &self.credential {
            None if is_member || study.authority().is_none() => Ok(None),
            None => Err(CredentialError::Missing),
            Some(_) if is_member => Err(CredentialError::Unneeded),
            Some(credential) => credential.verify_visitor(study, &self.sender).map(Some),
        }
    }
}

/// What these contributions come down to; `None` if a sender's key is none.
fn commitment(entries: &[ContributionEntry]) -> Option<Commitment> {
    let senders = entries.iter().map(|entry| PeerId::decode(&entry.sender).ok());
    let senders: Vec<PeerId> = senders.collect::<Option<_>>()?;
    Some(Commitment::of(senders.iter().zip(entries.iter().map(|entry| entry.digest))))
}

/// How many pieces a verification of so many contributions has.
fn piece_count(size: u32) -> usize {
    let mut first = 0;
    let mut pieces = 0;
    while let Some(len) = piece_len(first, size) {
        first += u32::try_from(len).unwrap_or(u32::MAX);
        pieces += 1;
    }
    pieces
}

impl fmt::Display for Checked {
    /// What was checked, in plain words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { study, members, threshold, contributions, rejected, .. } = self;
        let Aggregate { count, cells } = &self.aggregate;
        writeln!(f, "study        {} by {}", study.title().first(), study.organisation())?;
        writeln!(f, "             digest {}", study.digest())?;
        writeln!(
            f,
            "committee    {members} members, each with a signed key of its own; {threshold} open a sum"
        )?;
        let invited = if study.authority().is_some() { " who was invited" } else { "" };
        writeln!(
            f,
            "answers      {contributions}, each signed by somebody else{invited}, fixed before they were opened"
        )?;
        writeln!(
            f,
            "verification by {} members: {count} answers are valid, {rejected} are not or are in dispute",
            self.verified.len()
        )?;
        for member in self.left_out.iter().map(ShareIndex::number) {
            writeln!(f, "             member {member} disputed too many of them and was left out")?;
        }
        writeln!(f, "partial sums {}, all signed for these answers", self.partials.len())?;
        for member in self.wrong.iter().map(ShareIndex::number) {
            writeln!(f, "             that of member {member} was wrong and has been corrected")?;
        }
        let spare = self.partials.len().saturating_sub(u32::from(*threshold));
        if spare == 0 {
            writeln!(f, "             none to spare: nothing checks them against each other")?;
        } else {
            writeln!(f, "             {spare} more than are needed check the others")?;
        }
        if let ([Some(_)], Some(sum)) = (&cells[..], self.aggregate.sum(study)) {
            return write!(f, "result       the sum of {count} answers is {sum}");
        }
        let shown = cells.iter().flatten().count();
        write!(f, "result       {shown} numbers about {count} answers")?;
        if shown < cells.len() {
            let hidden = cells.len() - shown;
            write!(f, ", and {hidden} that are not shown because they tell of too few people")?;
        }
        Ok(())
    }
}
