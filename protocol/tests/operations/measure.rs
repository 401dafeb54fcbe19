//! The operations of a round, one by one, each repeated until its cost can be told.

use chacha20::ChaCha20Rng;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256, XWing};
use hpke::{OpModeR, OpModeS};
use prio::flp::Type;
use prio::flp::gadgets::{Mul, ParallelSum};
use prio::flp::types::{Sum, SumVec};
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::hint::black_box;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::questionnaire::{Question, Questionnaire, Response};
use wardsum_protocol::seal::{OpeningKey, SealingKey};
use wardsum_protocol::sharing::{SHARES_MAX, Scheme, ShareIndex};
use wardsum_protocol::validity::{QueryRandomness, Verifier};
use wardsum_protocol::verdict::{Findings, judge};
use wardsum_protocol::verification::Finding;
use wardsum_protocol::{
    CommitteeDigest, ContributionDigest, Entropy, ManifestDigest, SafetyWords, StudyDigest, Suite,
};

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) enum Effort {
    /// For a benchmark: the median of 15 batches of at least 10 ms.
    #[allow(dead_code, reason = "the test only checks that everything runs")]
    Full,
    /// For a test that everything runs.
    #[allow(dead_code, reason = "the benchmark measures in full")]
    Smoke,
}

/// The name of each operation, and its cost in microseconds. `clock` tells microseconds.
pub(crate) fn all(clock: &dyn Fn() -> f64, effort: Effort) -> Vec<(String, f64)> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut rows = Vec::new();
    let mut row = |name: String, operation: &mut dyn FnMut()| {
        rows.push((name, measure(clock, effort, operation)));
    };

    // The pain scale: 0..=10 takes four bits, and sixteen elements that prove them.
    let range = IntegerRange::new(0, 10).expect("a range");
    let scale = Questionnaire::new(vec![Question::Number(range)]).expect("one question");
    let input = scale.encode(&[Response::Number(7)]).expect("in range");
    let bits = scale.prove(&input, &mut rng);
    let plaintext = bits.encode();
    for k in [3u8, 10, 32, 100] {
        let scheme = Scheme::threshold_of(k);
        row(format!("share among {k}"), &mut || {
            black_box(scheme.split(&bits, &mut rng));
        });
    }

    let (info, aad) = ([1u8; 88], [2u8; 65]);
    for suite in [Suite::XWing, Suite::X25519] {
        let (private, public) = OpeningKey::derive(suite, &Entropy::new([3; 32]));
        let public = SealingKey::decode(suite, &public).expect("a valid key");
        row(format!("seal a share, {suite}"), &mut || {
            black_box(public.seal(&info, &aad, &plaintext, &mut rng).expect("seals"));
        });
        let sealed = public.seal(&info, &aad, &plaintext, &mut rng).expect("seals");
        row(format!("open a share, {suite}"), &mut || {
            black_box(private.open(&info, &aad, &sealed).expect("opens"));
        });
        match suite {
            Suite::XWing => bare_hpke::<XWing>("x-wing", &plaintext, &mut rng, &mut row),
            Suite::X25519 => {
                bare_hpke::<X25519HkdfSha256>("x25519", &plaintext, &mut rng, &mut row);
            }
        }
    }

    for len in [1, 8, 36, 200] {
        validity(len, &mut rng, &mut row);
    }

    let identity = Identity::derive(&Entropy::new([4; 32]));
    let message = [5u8; 1_400];
    row("sign a share".into(), &mut || {
        black_box(identity.sign(SignatureLabel::Contribution, &[&message]));
    });
    let signature = identity.sign(SignatureLabel::Contribution, &[&message]);
    row("verify a share's signature".into(), &mut || {
        let verified = identity.id().verify(SignatureLabel::Contribution, &[&message], &signature);
        assert!(black_box(verified).is_ok());
    });

    let mut sum = SecretVector::zeros(bits.len());
    row("sum: add one share".into(), &mut || sum.add_assign(black_box(&bits)));
    for k in [3u8, 10, 32, 100] {
        let scheme = Scheme::threshold_of(k);
        // All of them, as a round does: those beyond the threshold check the others.
        let shares = scheme.split(&SecretVector::zeros(1), &mut rng);
        row(format!("combine {k}, {} needed", scheme.threshold()), &mut || {
            black_box(scheme.combine(&shares).expect("combines"));
        });
    }
    // The largest committee, and as many liars in it as can be corrected.
    let scheme = Scheme::threshold_of(SHARES_MAX);
    let mut shares = scheme.split(&SecretVector::zeros(1), &mut rng);
    let wrong = usize::from(SHARES_MAX - scheme.threshold()) / 2;
    for share in &mut shares[..wrong] {
        share.values = SecretVector::new(vec![field::sample(&mut rng)]);
    }
    row(format!("combine {SHARES_MAX}, {wrong} of them wrong"), &mut || {
        let combined = scheme.combine(&shares).expect("corrects");
        assert_eq!(black_box(combined).wrong.len(), wrong);
    });
    for (name, spoilt) in [("agreed on", 0), ("in dispute", 11)] {
        let found = findings(1_000, 32, spoilt, &mut rng);
        let findings: Vec<Findings<'_>> =
            found.iter().map(|(member, of)| Findings { member: *member, of }).collect();
        row(format!("judge 1000 by 32, {name}"), &mut || {
            let verdict = judge(&scale, Scheme::threshold_of(32), &findings, &(0..32).collect());
            assert_eq!(black_box(verdict).rejected_len() > 0, spoilt > 0);
        });
    }

    // Memory-hard: 64 MiB, however short the answer.
    row("safety words".into(), &mut || {
        let words = SafetyWords::compute(StudyDigest([9; 32]), CommitteeDigest([10; 32]));
        black_box(words.expect("there is memory"));
    });
    rows
}

/// What `k` members find about valid answers, of each of which so many of them have a share that is off.
fn findings(
    size: usize,
    k: u8,
    spoilt: usize,
    rng: &mut ChaCha20Rng,
) -> BTreeMap<ShareIndex, Vec<Finding>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for _ in 0..size {
        let wire = field::sample(rng);
        let message = SecretVector::new(vec![field::zero(), wire, wire * wire - wire]);
        for share in Scheme::threshold_of(k).split(&message, rng) {
            let mut verifier = Verifier::try_from(share.values.elements()).expect("three elements");
            if share.index.position() < spoilt {
                verifier[0] = field::sample(rng);
            }
            found.entry(share.index).or_default().push(Finding::Share(verifier));
        }
    }
    found
}

/// Proving an answer of `len` bits and verifying it at one member, next to what libprio's own types cost
/// with which Prio3 would prove the same: one number of so many bits or, where that is too many, a vector.
fn validity(len: usize, rng: &mut ChaCha20Rng, row: &mut dyn FnMut(String, &mut dyn FnMut())) {
    let largest = |bits: usize| (1_u128 << bits) - 1;
    let (questions, responses): (Vec<_>, Vec<_>) = if len < 100 {
        let max = i128::try_from(largest(len)).expect("below 100 bits");
        let range = IntegerRange::new(0, max).expect("a range");
        (vec![Question::Number(range)], vec![Response::Number(1)])
    } else {
        (0..len).map(|_| (Question::YesNo, Response::YesNo(true))).unzip()
    };
    let ours = Questionnaire::new(questions).expect("these questions fit");
    let input = ours.encode(&responses).expect("an answer");
    row(format!("prove {len} bits"), &mut || {
        black_box(ours.prove(&input, rng));
    });
    let proven = ours.prove(&input, rng);
    let scheme = Scheme::threshold_of(4);
    let (manifest, contribution) = (ManifestDigest([7; 32]), ContributionDigest([8; 32]));
    row(format!("verify {len} bits"), &mut || {
        let randomness = QueryRandomness::new(&ours, manifest, contribution);
        black_box(ours.verifier_share(&proven, &randomness, scheme));
    });
    if len < 100 {
        let theirs = Sum::<Field>::new(largest(len)).expect("a maximum");
        libprio(len, &theirs, &1, rng, row);
    } else {
        // Chunks of the square root of the length, as is recommended.
        let theirs = SumVec::<Field, ParallelSum<Field, Mul>>::new(1, len, 14).expect("a vector");
        libprio(len, &theirs, &vec![1; len], rng, row);
    }
}

fn libprio<T: Type<Field = Field>>(
    len: usize,
    theirs: &T,
    measurement: &T::Measurement,
    rng: &mut ChaCha20Rng,
    row: &mut dyn FnMut(String, &mut dyn FnMut()),
) {
    let mut random = |len: usize| (0..len).map(|_| field::sample(rng)).collect::<Vec<_>>();
    let input = theirs.encode_measurement(measurement).expect("a measurement");
    let (prove, query) = (random(theirs.prove_rand_len()), random(theirs.query_rand_len()));
    let joint = random(theirs.joint_rand_len());
    row(format!("libprio prove {len} bits"), &mut || {
        black_box(theirs.prove(&input, &prove, &joint).expect("proves"));
    });
    let proof = theirs.prove(&input, &prove, &joint).expect("proves");
    row(format!("libprio query {len} bits"), &mut || {
        black_box(theirs.query(&input, &proof, &query, &joint, 1).expect("queries"));
    });
}

/// The HPKE crate's own single-shot functions, for comparison.
fn bare_hpke<K: Kem>(
    name: &str,
    plaintext: &[u8],
    rng: &mut ChaCha20Rng,
    row: &mut dyn FnMut(String, &mut dyn FnMut()),
) {
    let (private, public) = K::derive_keypair(&[6; 32]);
    let (info, aad) = ([1u8; 88], [2u8; 65]);
    let mut seal = || {
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeS::Base,
            &public,
            &info,
            plaintext,
            &aad,
            rng,
        )
        .expect("seals")
    };
    let (encapsulated, ciphertext) = seal();
    row(format!("bare hpke seal, {name}"), &mut || {
        black_box(seal());
    });
    row(format!("bare hpke open, {name}"), &mut || {
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            &info,
            &ciphertext,
            &aad,
        );
        black_box(opened.expect("opens"));
    });
}

fn measure(clock: &dyn Fn() -> f64, effort: Effort, operation: &mut dyn FnMut()) -> f64 {
    let (batches, batch_us) = match effort {
        Effort::Full => (15, 10_000.0),
        Effort::Smoke => (1, 0.0),
    };
    let mut costs: Vec<f64> = (0..batches)
        .map(|_| {
            let (began, mut repetitions) = (clock(), 0u32);
            loop {
                operation();
                repetitions += 1;
                let spent = clock() - began;
                if spent >= batch_us {
                    break spent / f64::from(repetitions);
                }
            }
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}
