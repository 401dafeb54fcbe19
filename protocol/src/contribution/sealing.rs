//! Sealing and opening shares.

use rand_core::CryptoRng;
use tls_codec::{TlsByteVecU8, TlsSerialize, TlsSize};

use crate::committee::Committee;
use crate::contribution::{Contribution, ContributionError, Sender, digest};
use crate::digest::{CommitteeDigest, ContributionDigest, StudyDigest};
use crate::field::SecretVector;
use crate::identity::{Identity, PeerId, SignatureLabel};
use crate::invitation::Invitation;
use crate::merkle;
use crate::peer::Conduct;
use crate::seal::{OpeningKey, SealError};
use crate::sharing::Share;
use crate::study::Study;
use crate::wire::{self, Rest};

/// What a sealed share is for; part of its associated data.
#[derive(Clone, Copy, TlsSize, TlsSerialize)]
#[repr(u8)]
enum Step {
    InputShare = 1,
}

/// HPKE's `info`: protocol, study and committee.
#[derive(TlsSize, TlsSerialize)]
struct SealInfo {
    label: TlsByteVecU8,
    study: StudyDigest,
    committee: CommitteeDigest,
}

/// HPKE's `aad`: from whom, for whom, for what.
#[derive(TlsSize, TlsSerialize)]
struct SealAad {
    sender: [u8; 32],
    recipient: [u8; 32],
    step: Step,
}

fn seal_info(study: &Study, committee: &Committee) -> Vec<u8> {
    wire::encode(&SealInfo {
        label: b"wardsum v1 sealed share".as_slice().into(),
        study: study.digest(),
        committee: committee.digest(),
    })
}

fn seal_aad(sender: &PeerId, recipient: &PeerId) -> Vec<u8> {
    wire::encode(&SealAad {
        sender: *sender.as_bytes(),
        recipient: *recipient.as_bytes(),
        step: Step::InputShare,
    })
}

/// Splits one answer with its proof and seals the shares, a slice at a time so that a page stays responsive.
#[derive(Debug)]
pub(crate) struct Sealing {
    info: Vec<u8>,
    conduct: Conduct,
    pending: std::vec::IntoIter<Share>,
    sealed: Vec<u8>,
    /// The hashes of the sealed shares so far.
    leaves: Vec<[u8; 32]>,
}

impl Sealing {
    pub(crate) fn new(
        study: &Study,
        committee: &Committee,
        proven: &SecretVector,
        conduct: Conduct,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let len = study.sealed_share_len() * usize::from(committee.size());
        Self {
            info: seal_info(study, committee),
            conduct,
            pending: conduct.scheme(committee.scheme()).split(proven, rng).into_iter(),
            sealed: Vec::with_capacity(len),
            leaves: Vec::with_capacity(committee.size().into()),
        }
    }

    /// Seals up to `shares` more shares; `true` when all are done.
    pub(crate) fn advance(
        &mut self,
        shares: usize,
        sender: &PeerId,
        committee: &Committee,
        rng: &mut impl CryptoRng,
    ) -> Result<bool, SealError> {
        for mut share in self.pending.by_ref().take(shares) {
            self.conduct.share(&mut share);
            let Some(member) = committee.member(share.index) else {
                unreachable!("the scheme has as many shares as the committee has members")
            };
            let aad = seal_aad(sender, &member.id());
            let mut sealed =
                member.sealing_key().seal(&self.info, &aad, &share.values.encode(), rng)?;
            self.conduct.sealed(share.index, &mut sealed);
            self.leaves.push(merkle::leaf(&sealed));
            self.sealed.extend_from_slice(&sealed);
        }
        Ok(self.pending.len() == 0)
    }

    /// The finished contribution and its digest.
    pub(crate) fn finish(
        self,
        identity: &Identity,
        study: &Study,
        committee: &Committee,
        invitation: Option<&Invitation>,
    ) -> (Contribution, ContributionDigest) {
        let id = identity.id();
        let (_, root) = merkle::root(self.leaves);
        let digest = digest((study.digest(), committee.digest()), &id, &root);
        let contribution = Contribution {
            sender: Sender::of(&id, study, committee, invitation),
            signature: identity.sign(SignatureLabel::Contribution, &[digest.as_bytes()]),
            count: committee.size(),
            shares: Rest(self.sealed.into()),
        };
        (contribution, digest)
    }
}

/// Opens and decodes the share of `sender` that is sealed to the member `recipient`.
pub fn open_share(
    study: &Study,
    committee: &Committee,
    sender: &PeerId,
    recipient: &PeerId,
    key: &OpeningKey,
    sealed: &[u8],
) -> Result<SecretVector, ContributionError> {
    let (info, aad) = (seal_info(study, committee), seal_aad(sender, recipient));
    let plaintext = key.open(&info, &aad, sealed)?;
    let len = study.questionnaire().proven_len();
    SecretVector::decode(&plaintext, len).ok_or(ContributionError::Share)
}
