//! The authority of a simulated round that is for the invited. It lives in memory only.

use std::sync::Arc;

use wardsum_protocol::{Admission, Authority, Invitation, Study};
use zeroize::Zeroizing;

/// An authority with a fresh key, and the one round that it invites to.
#[derive(Clone, Debug)]
pub struct Inviting {
    authority: Arc<Authority>,
    pub(super) instance: [u8; 16],
}

impl Inviting {
    /// Draws key and round.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let (mut seed, mut instance) = (Zeroizing::new([0; 32]), [0; 16]);
        getrandom::fill(seed.as_mut())?;
        getrandom::fill(&mut instance)?;
        Ok(Self { authority: Arc::new(Authority::new(&seed)), instance })
    }

    pub(super) fn admission(&self) -> Admission {
        Admission::Invited { authority: *self.authority.key().as_bytes() }
    }

    /// Invites so many people, the first `serving` of whom may serve on the committee.
    pub(super) fn invite(
        &self,
        study: &Study,
        people: u32,
        serving: u32,
    ) -> Result<Vec<Invitation>, getrandom::Error> {
        let invite = |serial| {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut())?;
            let made = self.authority.invite(study, serial, serial <= serving, seed);
            Ok(made.expect("the study was made for this authority"))
        };
        (1..=people).map(invite).collect()
    }
}
