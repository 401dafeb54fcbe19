//! The result comes, and the peer checks it: nobody has to believe the hospital's addition.

use crate::aggregate;
use crate::committee::Committee;
use crate::digest::MessageDigest;
use crate::identity::SignedBytes;
use crate::manifest::Commitment;
use crate::messages::Publication;
use crate::peer::{
    AwaitingAnswer, Event, Failure, OwnAnswer, Peer, Published, Record, State, Transition,
};
use crate::study::Study;

/// The manifest is known; the result is awaited.
#[derive(Debug)]
pub(super) struct AwaitingResult {
    pub(super) study: Study,
    pub(super) committee: Committee,
    pub(super) commitment: Commitment,
    pub(super) own: OwnAnswer,
    /// The last message, for its acknowledgement.
    pub(super) message: MessageDigest,
}

impl AwaitingResult {
    /// Whether `digest` acknowledges this peer's last message.
    pub(super) fn is_own(&self, digest: MessageDigest) -> bool {
        self.message == digest
    }
}

impl Peer {
    pub(super) fn published(&mut self, state: State, publication: &Publication) -> Transition {
        let commitment = Commitment { size: publication.size, root: publication.root };
        let (study, committee, own) = match state {
            State::AwaitingResult(waiting) => {
                if waiting.commitment != commitment {
                    return Err(Failure::ManifestInvalid);
                }
                (waiting.study, waiting.committee, waiting.own)
            }
            State::AwaitingAnswer(waiting) => {
                let AwaitingAnswer { study, committee, .. } = *waiting;
                (study, committee.ok_or(Failure::Unexpected)?, OwnAnswer::None)
            }
            // Whoever is counted hears of the manifest before the result.
            State::AwaitingManifest(waiting) if waiting.is_acknowledged() => {
                return Err(Failure::ManifestInvalid);
            }
            State::Sealing(_) | State::AwaitingManifest(_) => return Err(Failure::TooLate),
            _ => return Err(Failure::Unexpected),
        };
        if !commitment.fits(&study) {
            return Err(Failure::ManifestInvalid);
        }
        let partials = publication.partials.as_slice();
        let aggregate =
            recompute(&study, &committee, commitment, partials).map_err(Failure::ResultInvalid)?;
        if aggregate.sum != i128::from(publication.sum) {
            return Err(Failure::SumMismatch);
        }
        self.reply_due = None;
        self.persist(Record::Finished(study.digest()));
        self.emit(Event::Published(Published { aggregate, own }));
        Ok(State::Finished(Some(study)))
    }
}

/// Checks every signed partial aggregate and adds them up again.
fn recompute(
    study: &Study,
    committee: &Committee,
    commitment: Commitment,
    partials: &[SignedBytes],
) -> Result<aggregate::Aggregate, aggregate::AggregateError> {
    let manifest = commitment.digest(study, committee);
    // One more than the committee has is one too many; each costs a signature check.
    let at_most = usize::from(committee.size()) + 1;
    let shares = partials
        .iter()
        .take(at_most)
        .map(|signed| aggregate::verify_partial(study, committee, manifest, signed))
        .collect::<Result<Vec<_>, _>>()?;
    aggregate::combine(study, committee, commitment, &shares)
}
