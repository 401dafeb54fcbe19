//! What a peer remembers of a round, so that it can come back after a reload.

use thiserror::Error;
use tls_codec::{TlsByteVecU8, TlsByteVecU16, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, Zeroizing};

use crate::digest::{CommitteeDigest, ManifestDigest, VerdictDigest};
use crate::entropy::Entropy;
use crate::invitation::Invitation;
use crate::peer::{Answer, Record, given_up_after_ms};
use crate::questionnaire::Response;
use crate::study::Study;
use crate::wire;

/// Everything that a peer has written down and not erased.
///
/// Its entropy, study and answer determine its keys and shares: a peer that comes back makes the
/// same bytes again. The rest is what it is bound to.
#[derive(Clone, Debug)]
pub struct Memory {
    pub(super) entropy: Entropy,
    /// What admits it to a study that is not open.
    pub(super) invitation: Option<Invitation>,
    pub(super) study: Study,
    pub(super) answer: Answer,
    /// The only committee that it contributes to.
    pub(super) committee: Option<CommitteeDigest>,
    /// Whether the hospital has promised to count its answer.
    pub(super) promised: bool,
    /// The only manifest that it verifies.
    pub(super) manifest: Option<ManifestDigest>,
    /// The only verdict that it gives a partial aggregate for.
    pub(super) verdict: Option<VerdictDigest>,
}

/// Bytes that are no memory of this version.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("what this browser kept of the round cannot be read")]
pub struct MemoryError;

impl Memory {
    /// What is remembered once `record` is written down too; `None` if there is nothing to remember.
    #[must_use]
    pub fn after(memory: Option<Self>, record: &Record) -> Option<Self> {
        match (memory, record) {
            (_, Record::Answered { entropy, invitation, study, answer }) => Some(Self {
                entropy: entropy.clone(),
                invitation: invitation.as_deref().cloned(),
                study: study.clone(),
                answer: answer.clone(),
                committee: None,
                promised: false,
                manifest: None,
                verdict: None,
            }),
            (Some(memory), Record::Contributing(committee)) => {
                Some(Self { committee: Some(*committee), ..memory })
            }
            (Some(memory), Record::Promised) => Some(Self { promised: true, ..memory }),
            (Some(memory), Record::Verifying(manifest)) => {
                Some(Self { manifest: Some(*manifest), ..memory })
            }
            (Some(memory), Record::Aggregating(verdict)) => {
                Some(Self { verdict: Some(*verdict), ..memory })
            }
            (_, Record::Finished { .. }) | (None, _) => None,
        }
    }

    /// The study that was answered.
    #[must_use]
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// The invitation with which it takes part, if the study is not open.
    #[must_use]
    pub fn invitation(&self) -> Option<&Invitation> {
        self.invitation.as_ref()
    }

    /// How long after it was written this can still be of use, in milliseconds: the longest that the
    /// round can take, and the time for which a peer tries to come back beyond that. Whoever was
    /// promised to be counted has a day more to come back and see it.
    #[must_use]
    pub fn useful_for_ms(&self) -> u64 {
        let looking_back = if self.promised { LOOKING_BACK_MS } else { 0 };
        given_up_after_ms(&self.study) + looking_back
    }

    /// The bytes to keep, which are as secret as the answer.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(wire::encode(&MemoryBytes {
            version: VERSION,
            entropy: *self.entropy.as_bytes(),
            study: self.study.encode().into(),
            answer: self.answer.0.clone(),
            committee: self.committee,
            promised: self.promised.into(),
            manifest: self.manifest,
            verdict: self.verdict,
            invitation: self.invitation.as_ref().map(|link| link.encode().as_slice().into()),
        }))
    }

    /// Reads what [`Memory::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, MemoryError> {
        let mut decoded: MemoryBytes = wire::decode(bytes).map_err(|_| MemoryError)?;
        let study = Study::decode_current(decoded.study.as_slice()).map_err(|_| MemoryError)?;
        let answer = Answer(core::mem::take(&mut decoded.answer));
        let admissible = study.questionnaire().encode(&answer.0).is_ok();
        if decoded.version != VERSION || !admissible || decoded.promised > 1 {
            return Err(MemoryError);
        }
        let invitation = decoded.invitation.take().map(|bytes| {
            let bytes = Zeroizing::new(bytes.into_vec());
            Invitation::decode(&bytes)
                .ok()
                .filter(|link| link.check(&study).is_ok())
                .ok_or(MemoryError)
        });
        let invitation = invitation.transpose()?;
        if study.authority().is_some() != invitation.is_some() {
            return Err(MemoryError);
        }
        Ok(Self {
            invitation,
            entropy: Entropy::new(decoded.entropy),
            study,
            answer,
            committee: decoded.committee,
            promised: decoded.promised == 1,
            manifest: decoded.manifest,
            verdict: decoded.verdict,
        })
    }
}

const VERSION: u16 = 3;

/// How much longer somebody whose answer was acknowledged can come back to see the result, in
/// milliseconds: until the next day.
const LOOKING_BACK_MS: u64 = 24 * 60 * 60 * 1_000;

#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct MemoryBytes {
    version: u16,
    entropy: [u8; 32],
    study: TlsByteVecU16,
    answer: Vec<Response>,
    committee: Option<CommitteeDigest>,
    promised: u8,
    manifest: Option<ManifestDigest>,
    verdict: Option<VerdictDigest>,
    invitation: Option<TlsByteVecU8>,
}

impl Drop for MemoryBytes {
    fn drop(&mut self) {
        self.entropy.zeroize();
        self.answer.zeroize();
    }
}
