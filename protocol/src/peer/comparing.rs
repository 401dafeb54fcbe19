//! The committee is fixed: people compare the safety words before anything of an answer is sent.
//!
//! The words themselves are the driver's affair. They take half a second and 64 MiB, which a state machine
//! in a page's main thread must not.

use crate::committee::Committee;
use crate::peer::contributing::{FixedRound, Sealing};
use crate::peer::state::State;
use crate::peer::{Answer, Event, Peer};
use crate::seal::OpeningKey;
use crate::study::Study;

/// The committee is known and was checked; what the patient says of the words is awaited.
#[derive(Debug)]
pub(super) struct Comparing {
    pub(super) round: FixedRound,
    answer: Answer,
}

impl Comparing {
    /// The committee is fixed. In an open study the patient is asked first, unless this peer is bound to the committee
    /// already: then they were asked in an earlier life of the page.
    pub(super) fn begin(
        study: Study,
        committee: Committee,
        answer: Answer,
        opening_key: Option<OpeningKey>,
        peer: &mut Peer,
    ) -> State {
        let awaited = study.needs_comparison() && peer.me.committee.is_none();
        let digests = (study.digest(), committee.digest());
        let round = FixedRound::new(study, committee, opening_key, peer);
        peer.emit(Event::SafetyWords { study: digests.0, committee: digests.1, awaited });
        let comparing = Self { round, answer };
        if awaited { State::Comparing(Box::new(comparing)) } else { comparing.agree(peer) }
    }

    /// The words are those of the others.
    pub(super) fn agree(self, peer: &mut Peer) -> State {
        Sealing::begin(self.round, &self.answer, peer)
    }
}
