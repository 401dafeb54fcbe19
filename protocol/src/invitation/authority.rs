//! The authority: it signs invitations and never meets the hospital.

use core::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{Grant, Invitation, Service};
use crate::identity::{Identity, PeerId, SignatureLabel};
use crate::study::Study;
use crate::wire;

/// An authority's signing key (Ed25519). It zeroizes itself when dropped.
pub struct Authority(Identity);

/// The study names another authority, or none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the study is not one of this authority's")]
pub struct NotTheAuthority;

impl Authority {
    /// The authority of this seed: the private key of RFC 8032, 32 bytes from a source that is fit for
    /// keys.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(Identity::of_seed(seed))
    }

    /// Its verifying key, which goes into the study ([`crate::Admission::Invited`]).
    #[must_use]
    pub fn key(&self) -> PeerId {
        self.0.id()
    }

    /// Makes an invitation. No two of one study may have the same number or the same `one_time_seed`:
    /// 32 bytes from a source that is fit for keys.
    pub fn invite(
        &self,
        study: &Study,
        serial: u32,
        may_serve: bool,
        one_time_seed: Zeroizing<[u8; 32]>,
    ) -> Result<Invitation, NotTheAuthority> {
        let authority = self.key();
        if study.authority() != Some(&authority) {
            return Err(NotTheAuthority);
        }
        let one_time_key = *Identity::of_seed(&one_time_seed).id().as_bytes();
        let grant = Grant { serial, service: Service::of(may_serve), one_time_key };
        let study = study.digest();
        let parts: [&[u8]; 2] = [study.as_bytes(), &wire::encode(&grant)];
        let signature = self.0.sign(SignatureLabel::Invitation, &parts);
        Ok(Invitation { study, authority, grant, one_time_seed, signature })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("key", &self.key()).finish_non_exhaustive()
    }
}
