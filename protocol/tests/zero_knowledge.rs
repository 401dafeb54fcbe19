//! What `T - 1` members and everybody who sees the transcript know of a valid answer says nothing about it (PROTOCOL.md,
//! 4.12), exactly: whatever other valid answer it were, there is one proof and one sharing with which all that they see
//! would be the same. Both are drawn uniformly, so what they see is distributed alike for every valid answer.

mod common;

use common::{Dice, interpolated};
use prio::field::FieldElement;
use prio::flp::Flp;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::questionnaire::{Question, Questionnaire, Response};
use wardsum_protocol::sharing::{Scheme, Share, ShareIndex};
use wardsum_protocol::validity::{QueryRandomness, Verifier};
use wardsum_protocol::{ContributionDigest, ManifestDigest};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One way in which a contribution can have come about: the input, the randomness of its proof, and its shares.
struct World<'a> {
    questionnaire: &'a Questionnaire,
    scheme: Scheme,
    shares: Vec<Share>,
}

impl World<'_> {
    /// What everybody sees: each member's verifier share.
    fn seen(&self, query: &QueryRandomness) -> Vec<Verifier> {
        let verify =
            |share: &Share| self.questionnaire.verifier_share(&share.values, query, self.scheme);
        self.shares.iter().map(verify).collect()
    }

    /// What these members hold.
    fn held(&self, colluders: &[ShareIndex]) -> Vec<Share> {
        let holds = |share: &&Share| colluders.contains(&share.index);
        self.shares.iter().filter(holds).cloned().collect()
    }
}

fn proven(questionnaire: &Questionnaire, input: &SecretVector, blind: Field) -> SecretVector {
    let proof = Flp::prove(questionnaire, input.elements(), &[blind], &[]).expect("a proof");
    SecretVector::new([input.elements(), &proof].concat())
}

/// The only value `s` to prove this answer with, for which the wire polynomial is `wanted` at the point of the query:
/// there it is a sum of `s` and the answer's elements, each times a factor.
fn blind(
    questionnaire: &Questionnaire,
    input: &SecretVector,
    query: &QueryRandomness,
    wanted: Field,
) -> Field {
    let whole = Scheme::threshold_of(4);
    let wire = |input: &[Field], s: Field| {
        let mut vector = input.to_vec();
        vector.push(s);
        vector.resize(questionnaire.proven_len(), field::zero());
        questionnaire.verifier_share(&SecretVector::new(vector), query, whole)[1]
    };
    let nothing = vec![field::zero(); input.len()];
    let factor = wire(&nothing, Field::one());
    assert_ne!(
        factor,
        field::zero(),
        "the point is none at which an element of the answer stands alone"
    );
    (wanted - wire(input.elements(), field::zero())) * factor.inv()
}

/// The only sharing of `secret` in which these members hold these shares: `T - 1` of them and the secret fix it.
fn completed(scheme: Scheme, secret: &SecretVector, held: &[Share]) -> Vec<Share> {
    let value = |place: ShareIndex, position: usize| {
        let at = |share: &Share| share.values.elements()[position];
        let secret = secret.elements()[position];
        if scheme.is_additive() {
            let own = held.iter().find(|share| share.index == place);
            return own
                .map_or_else(|| held.iter().fold(secret, |rest, share| rest - at(share)), at);
        }
        let x = |index: ShareIndex| Field::from(u128::from(index.number()));
        let points = held.iter().map(|share| (x(share.index), at(share)));
        let points: Vec<_> = [(field::zero(), secret)].into_iter().chain(points).collect();
        interpolated(&points, x(place))
    };
    let vector = |place| (0..secret.len()).map(|position| value(place, position)).collect();
    ShareIndex::all(scheme.shares())
        .map(|index| Share { index, values: SecretVector::new(vector(index)) })
        .collect()
}

fn plain(shares: &[Share]) -> Vec<(u8, Vec<u128>)> {
    let elements = |share: &Share| share.values.elements().iter().map(|e| u128::from(*e)).collect();
    shares.iter().map(|share| (share.index.number(), elements(share))).collect()
}

/// The first, the last and some other `T - 1` members.
fn coalitions(scheme: Scheme, dice: &mut Dice) -> [Vec<ShareIndex>; 3] {
    let all: Vec<_> = ShareIndex::all(scheme.shares()).collect();
    let some = usize::from(scheme.threshold()) - 1;
    let mut others = all.clone();
    while others.len() > some {
        others.remove(dice.index(others.len()));
    }
    [all[..some].to_vec(), all[all.len() - some..].to_vec(), others]
}

#[test]
fn what_fewer_members_than_the_threshold_see_fits_every_valid_answer() {
    let dice = &mut Dice::new(1);
    let number = |min, max| Question::Number(IntegerRange::new(min, max).expect("a range"));
    let asked = [
        (vec![Question::YesNo], [false, true].map(Response::YesNo).to_vec()),
        (vec![number(-40, 60)], [-40, 0, 17, 60].map(Response::Number).to_vec()),
        (vec![Question::Choice { options: 5 }], [0, 2, 4].map(Response::Choice).to_vec()),
    ];
    let schemes = [3, 4, 7].map(Scheme::threshold_of).into_iter().chain([Scheme::additive(5)]);
    for (scheme, (questions, answers)) in
        schemes.flat_map(|scheme| asked.clone().map(|asked| (scheme, asked)))
    {
        let questionnaire = &Questionnaire::new(questions).expect("admissible");
        let inputs: Vec<_> = answers
            .iter()
            .map(|answer| questionnaire.encode(std::slice::from_ref(answer)).expect("an answer"))
            .collect();
        let (manifest, contribution) =
            (ManifestDigest(dice.bytes()), ContributionDigest(dice.bytes()));
        let query = QueryRandomness::new(questionnaire, manifest, contribution);
        for true_one in &inputs {
            let secret = questionnaire.prove(true_one, &mut dice.0);
            let shares = scheme.split(&secret, &mut dice.0);
            let real = World { questionnaire, scheme, shares };
            let seen = real.seen(&query);
            let message = questionnaire.verifier_share(&secret, &query, Scheme::threshold_of(4));
            assert!(questionnaire.accepts(&message));
            for colluders in coalitions(scheme, dice) {
                let held = real.held(&colluders);
                for other in &inputs {
                    let s = blind(questionnaire, other, &query, message[1]);
                    let secret = proven(questionnaire, other, s);
                    let shares = completed(scheme, &secret, &held);
                    let imagined = World { questionnaire, scheme, shares };
                    assert_eq!(plain(&imagined.held(&colluders)), plain(&held));
                    assert_eq!(imagined.seen(&query), seen, "{scheme:?}");
                    let opened = scheme.combine(&imagined.shares).expect("shares of one secret");
                    assert_eq!(opened.secret.elements(), secret.elements());
                }
            }
        }
    }
}
