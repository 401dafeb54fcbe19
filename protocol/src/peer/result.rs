//! The result comes, and the peer checks it: nobody has to believe the hospital's addition.

use crate::aggregate::{Aggregate, AggregateError, Decoded};
use crate::committee::Committee;
use crate::digest::{MessageDigest, VerdictDigest};
use crate::manifest::Commitment;
use crate::messages::Publication;
use crate::peer::state::{AwaitingAnswer, State};
use crate::peer::{Event, Failure, OwnAnswer, Peer, Published, Record, Transition};
use crate::study::Study;
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// The manifest is known; the result is awaited.
#[derive(Debug)]
pub(super) struct AwaitingResult {
    pub(super) study: Study,
    pub(super) committee: Committee,
    pub(super) commitment: Commitment,
    pub(super) own: OwnAnswer,
    /// The number of this peer's own contribution, if it is in the manifest.
    pub(super) number: Option<u32>,
    /// The verdict, if this peer has been told.
    pub(super) verdict: Option<VerdictDigest>,
    /// The last message, encoded, until it is acknowledged.
    pub(super) unacknowledged: Option<Vec<u8>>,
    /// Whether that message is this member's partial aggregate.
    pub(super) gives_partial: bool,
}

impl AwaitingResult {
    /// Whether `digest` acknowledges this peer's last message.
    pub(super) fn acknowledge(&mut self, digest: MessageDigest) -> bool {
        let own = |message: &Vec<u8>| MessageDigest::of(message) == digest;
        let acknowledged = self.unacknowledged.as_ref().is_some_and(own);
        if acknowledged {
            self.unacknowledged = None;
        }
        acknowledged
    }

    /// The result comes for the manifest that this peer knows.
    pub(super) fn published(self, publication: &Publication, peer: &mut Peer) -> Transition {
        let commitment = Commitment { size: publication.size, root: publication.root };
        if self.commitment != commitment {
            return Err(Failure::ManifestInvalid);
        }
        let Self { study, committee, own, number, verdict, .. } = self;
        peer.check_result(study, &committee, &Expected { own, number, verdict }, publication)
    }
}

impl Peer {
    pub(super) fn published(
        &mut self,
        state: State,
        publication: Publication,
        now: Timestamp,
    ) -> Transition {
        match state {
            State::AwaitingResult(waiting) => waiting.published(&publication, self),
            State::AwaitingVerdict(waiting) => waiting.published(&publication, self),
            State::AwaitingAnswer(waiting) => match *waiting {
                AwaitingAnswer { study, committee: Some(committee), .. } => {
                    let expected = Expected { own: OwnAnswer::None, number: None, verdict: None };
                    self.check_result(study, &committee, &expected, &publication)
                }
                waiting => self.out_of_order(State::AwaitingAnswer(Box::new(waiting)), now),
            },
            // Whoever comes back late is told the result before what it counts. Whoever was not
            // counted is refused when it contributes.
            State::Comparing(_) => Err(Failure::TooLate),
            State::Sealing(mut sealing) => {
                sealing.early.publication = Some(publication);
                sealing.early.result_told = true;
                Ok(State::Sealing(sealing))
            }
            State::AwaitingManifest(waiting) => {
                self.link.expect_reply(now);
                Ok(State::AwaitingManifest(waiting.keep_publication(publication)))
            }
            other => self.out_of_order(other, now),
        }
    }

    fn check_result(
        &mut self,
        study: Study,
        committee: &Committee,
        expected: &Expected,
        publication: &Publication,
    ) -> Transition {
        let commitment = Commitment { size: publication.size, root: publication.root };
        if !commitment.fits(&study) {
            return Err(Failure::ManifestInvalid);
        }
        let verdict = Verdict::read(&publication.verdict, &study, committee, commitment)
            .map_err(Failure::VerdictInvalid)?;
        let digest = verdict.digest(commitment.digest(&study, committee));
        // A peer that comes back when all is over hears the result before any verdict, and is bound
        // all the same.
        let known = expected.verdict.or(self.me.verdict);
        if known.is_some_and(|known| known != digest) {
            return Err(Failure::Equivocation);
        }
        let count = verdict.accepted(commitment);
        let aggregate = Aggregate::decode(count, &publication.cells).ok_or(Failure::SumMismatch)?;
        let partials = publication.partials.as_slice();
        let Decoded { wrong, .. } = aggregate
            .check(&study, committee, (&verdict, digest), partials)
            .map_err(|(_, error)| match error {
                AggregateError::OtherNumbers => Failure::SumMismatch,
                error => Failure::ResultInvalid(error),
            })?;
        let rejection = expected.number.and_then(|number| verdict.rejection(number));
        let published = Published {
            aggregate: aggregate.clone(),
            own: rejection.map_or(expected.own, OwnAnswer::Rejected),
            rejected: verdict.rejected_len(),
            wrong: wrong.into_iter().collect(),
        };
        if let Some(receipt) = &mut self.me.receipt {
            receipt.published(digest, published.own, &aggregate);
        }
        self.persist(Record::Finished {
            study: study.digest(),
            published: Some(published.clone()),
        });
        self.close();
        self.emit(Event::Published(published));
        Ok(State::Finished(Some(study)))
    }
}

/// What a peer knows of a result before it comes.
struct Expected {
    own: OwnAnswer,
    number: Option<u32>,
    verdict: Option<VerdictDigest>,
}
