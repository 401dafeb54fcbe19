//! Secrecy, with the test in the hospital's place.
//!
//! The test holds the round itself, sees every byte of two real tabs, and has planted two of the four committee members,
//! whose randomness it chose: that is T - 1 colluders and the hospital, with everything that they can know. It opens
//! what their keys open, and then shows that all of it fits every pair of answers that the two patients may have
//! given, except for the sum, which everybody learns.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use prio::field::FieldElement;
use wardsum_e2e::played::{Frame, ONLY_STUDY, PlayedHospital, Traffic};
use wardsum_e2e::{Browser, Left, settings};
use wardsum_protocol::contribution::{Accepted, open_share};
use wardsum_protocol::field::{self, Field, SecretVector};
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::identity::{Identity, SignedBytes};
use wardsum_protocol::manifest::Manifest;
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::round::ConnectionId;
use wardsum_protocol::seal::OpeningKey;
use wardsum_protocol::sharing::{CombineError, Share, ShareIndex};
use wardsum_protocol::verdict::Verdict;
use wardsum_protocol::{
    Admission, Closing, Committee, Entropy, PeerId, SchemeChoice, Study, StudyParameters, Suite,
    wire,
};

/// What the two patients answer, in their tabs.
const PATIENTS: [i128; 2] = [7, 2];

/// The randomness of the two colluders, and what they answer.
const COLLUDERS: [([u8; 32], i128); 2] = [([0xa1; 32], 4), ([0xb2; 32], 9)];

fn study(suite: Suite) -> Result<Study> {
    let four = Closing { count: Some(4), ..Closing::deadline(600_000) };
    Ok(Study::new(StudyParameters {
        instance: [3; 16],
        title: "Pain".into(),
        organisation: "A hospital that is not to be trusted".to_owned(),
        introduction: Text::default(),
        form: Form::number("How strong is your pain?", "points", 0, 10),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 4,
        committee_cap: 4,
        enrolment: four,
        contributing: four,
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite,
        admission: Admission::Open,
    })?)
}

#[tokio::test]
async fn with_x_wing() -> Result<()> {
    everything_fits_every_answer(study(Suite::XWing)?).await
}

#[tokio::test]
async fn with_x25519() -> Result<()> {
    everything_fits_every_answer(study(Suite::X25519)?).await
}

async fn everything_fits_every_answer(study: Study) -> Result<()> {
    let hospital = PlayedHospital::open(study.clone()).await?;
    let browser = Browser::chromium().await?;
    let tabs = browser.tabs(PATIENTS.len(), hospital.origin()).await?;
    for (tab, answer) in tabs.iter().zip(PATIENTS) {
        tab.until_state("asking").await?;
        tab.answer(answer).await?;
    }
    let mut colluders = HashMap::new();
    for (entropy, answer) in COLLUDERS {
        let connection = hospital.plant(Entropy::new(entropy), vec![Response::Number(answer)])?;
        colluders.insert(connection, answer);
    }
    let mut left = Vec::new();
    for tab in &tabs {
        assert_eq!(tab.result().await?.sum, "22");
        left.push(tab.left().await?);
    }
    browser.quit().await?;

    asks_for_nothing_but_the_page(&hospital.requests())?;
    let view = View::of(study, &hospital.traffic())?;
    let planted: Vec<_> = colluders.keys().copied().collect();
    view.tabs_said_nothing_else(&planted, left)?;
    view.fits_every_answer()
}

/// The tabs' HTTP requests name files and nothing else: no query, no body, no cookie.
fn asks_for_nothing_but_the_page(requests: &[String]) -> Result<()> {
    let page = settings::page()?;
    for request in requests {
        let known = ["/", "/favicon.ico", "/api/v1/studies", ONLY_STUDY, "/ws/study"]
            .contains(&request.as_str())
            || page.join(request.trim_start_matches('/')).is_file();
        assert!(known, "a tab asked for “{request}”");
    }
    Ok(())
}

/// What the hospital makes of the traffic. The protocol's own checks have accepted all of it.
struct View {
    study: Study,
    committee: Committee,
    said: HashMap<ConnectionId, Vec<(Vec<u8>, PeerMessage)>>,
    contributions: Vec<Accepted>,
    partials: Vec<Share>,
}

impl View {
    fn of(study: Study, traffic: &HashMap<ConnectionId, Traffic>) -> Result<Self> {
        let mut committee = None;
        let mut manifest = None;
        let mut verdict = None;
        let mut said = HashMap::new();
        for (connection, frames) in traffic {
            let mut messages = Vec::new();
            for frame in frames {
                match frame {
                    Frame::Up(bytes) => messages.push((bytes.clone(), wire::decode(bytes)?)),
                    Frame::Down(bytes) => match wire::decode(bytes)? {
                        HospitalMessage::Committee(bytes) => {
                            committee = Some(Committee::decode(&study, &bytes.0)?);
                        }
                        HospitalMessage::Manifest(digests) => manifest = Some(digests),
                        HospitalMessage::Verdict(bytes) => verdict = Some(bytes),
                        _ => {}
                    },
                    Frame::Strange(frame) => bail!("a peer sent {frame}"),
                }
            }
            said.insert(*connection, messages);
        }
        let committee = committee.context("a committee was fixed")?;
        let manifest = manifest.context("a manifest was fixed")?;
        let verdict = verdict.context("a verdict was reached")?;

        let all: Vec<&PeerMessage> = said.values().flatten().map(|(_, message)| message).collect();
        let mut contributions = Vec::new();
        for message in &all {
            if let PeerMessage::Contribute(contribution) = message {
                contributions.push(contribution.clone().verify(&study, &committee)?);
            }
        }
        let entries = manifest.as_slice().iter().map(|digest| {
            let of = |accepted: &&Accepted| accepted.digest == *digest;
            let accepted = contributions.iter().find(of).expect("what counts was sent");
            (&accepted.sender, *digest)
        });
        let commitment = Manifest::new(entries).commitment();
        let verdict = Verdict::read(&verdict, &study, &committee, commitment)?;
        assert_eq!(verdict.rejected_len(), 0, "all answers are valid");
        let digest = verdict.digest(commitment.digest(&study, &committee));
        let mut partials = Vec::new();
        for message in &all {
            if let PeerMessage::Partial(partial) = message {
                partials.push(partial.verify(&study, &committee, (&verdict, digest))?);
            }
        }
        Ok(Self { study, committee, said, contributions, partials })
    }

    /// Each tab has sent its keys, its contribution and its partial sum; its page says how many bytes that was.
    fn tabs_said_nothing_else(&self, planted: &[ConnectionId], left: Vec<Left>) -> Result<()> {
        let mut counted = Vec::new();
        for (connection, messages) in &self.said {
            if planted.contains(connection) {
                continue;
            }
            let kinds: Vec<_> = messages.iter().map(|(_, message)| kind(message)).collect();
            assert_eq!(kinds, ["Identify", "Enrol", "Contribute", "Verification", "Partial"]);
            let mut bytes = 0;
            for (sent, message) in messages {
                // What is not a field of the message is not in its bytes.
                assert_eq!(&wire::encode(message), sent);
                bytes += sent.len() as u64;
                if let PeerMessage::Enrol(signed) = message {
                    self.enrols_with_nothing_but_keys(signed)?;
                }
            }
            counted.push(Left { shares: 4, partials: 1, bytes });
        }
        counted.sort_by_key(|left| left.bytes);
        let mut left = left;
        left.sort_by_key(|left| left.bytes);
        assert_eq!(left, counted, "the page says what left the device");
        Ok(())
    }

    fn enrols_with_nothing_but_keys(&self, signed: &SignedBytes) -> Result<()> {
        let enrolment =
            wardsum_protocol::committee::Enrolment::verify(&self.study, signed.clone())?;
        // The study's digest, the verifying key, and the sealing key with its length.
        let keys = 32 + 32 + 2 + self.study.suite().public_key_len();
        assert_eq!(signed.body.as_slice().len(), keys, "of {:?}", enrolment.id());
        Ok(())
    }

    fn fits_every_answer(&self) -> Result<()> {
        let scheme = self.committee.scheme();
        assert_eq!((scheme.shares(), scheme.threshold()), (4, 3));
        let colluders: Vec<_> = COLLUDERS
            .iter()
            .map(|(entropy, answer)| {
                let entropy = Entropy::new(*entropy);
                let key = OpeningKey::derive(self.study.suite(), &entropy).0;
                (Identity::derive(&entropy).id(), key, *answer)
            })
            .collect();

        let mut patients = Vec::new();
        let mut own = Vec::new();
        assert_eq!(self.contributions.len(), 4);
        for contribution in &self.contributions {
            let held = self.open_what_can_be_opened(contribution, &colluders);
            assert_eq!(held.len(), 2, "each colluder opens the share that is sealed to it");
            match colluders.iter().find(|(id, ..)| *id == contribution.sender) {
                // A colluder knows its answer too, and with it the whole polynomial.
                Some((.., answer)) => own.push(self.completed(&held, *answer)?),
                None => patients.push(held),
            }
        }
        for held in &patients {
            let too_few = scheme.combine(held).err();
            assert_eq!(too_few, Some(CombineError::TooFew { have: 2, need: 3 }));
            for candidate in 0..=10 {
                self.completed(held, candidate)?;
            }
        }

        // The partial sums are public as well. Together with the shares they leave every pair of answers that has the
        // sum, and no other: the sum is what they are for.
        let [one, other] = &patients[..] else { bail!("there are two patients") };
        let sum: i128 = PATIENTS.iter().sum();
        for a in 0..=10 {
            for b in 0..=10 {
                let mut all = vec![self.completed(one, a)?, self.completed(other, b)?];
                all.extend(own.iter().cloned());
                let fits = self.partials.iter().all(|partial| {
                    self.partial_of(&all, partial.index) == partial.values.elements()[0]
                });
                assert_eq!(fits, a + b == sum, "{a} and {b}");
            }
        }
        assert!(self.partials.len() >= 3, "there were enough partial sums for a result");
        Ok(())
    }

    /// The shares of a contribution that the colluders' keys open, each tried for every member's place.
    fn open_what_can_be_opened(
        &self,
        contribution: &Accepted,
        colluders: &[(PeerId, OpeningKey, i128)],
    ) -> Vec<Share> {
        let mut opened = Vec::new();
        let shares = &contribution.relayed.shares;
        for (index, member) in self.committee.members() {
            let sealed = shares.of(index);
            for (colluder, key, _) in colluders {
                for (_, place) in self.committee.members() {
                    let sender = &contribution.sender;
                    let share =
                        open_share(&self.study, &self.committee, sender, &place.id(), key, sealed);
                    let meant = member.id() == *colluder && place.id() == *colluder;
                    assert_eq!(
                        share.is_ok(),
                        meant,
                        "a key opens what is sealed to it and nothing else"
                    );
                    opened.extend(share.ok().map(|values| Share { index, values }));
                }
            }
        }
        opened
    }

    /// All four shares of the bits of an answer, given two of them and what they are supposed to be shares of.
    /// What stands behind the bits, the proof, hides behind a random element of its own.
    fn completed(&self, held: &[Share], candidate: i128) -> Result<Vec<Share>> {
        let bits = self.study.questionnaire().encode(&[Response::Number(candidate)])?;
        let shares: Vec<Share> = ShareIndex::all(4)
            .map(|index| {
                let elements = bits.elements().iter().enumerate().map(|(position, bit)| {
                    let mut points = vec![(field::zero(), *bit)];
                    points.extend(
                        held.iter()
                            .map(|share| (at(share.index), share.values.elements()[position])),
                    );
                    value_at(&points, at(index))
                });
                Share { index, values: SecretVector::new(elements.collect()) }
            })
            .collect();
        for share in held {
            let same = &shares[share.index.position()];
            assert_eq!(share.values.elements()[..bits.len()], *same.values.elements());
        }
        // The protocol's own arithmetic says that these shares are shares of the candidate.
        let combined = self.committee.scheme().combine(&shares)?;
        assert_eq!(combined.secret.elements(), bits.elements(), "{candidate} is possible");
        assert_eq!(combined.wrong, [], "and all of them agree on it");
        Ok(shares)
    }

    /// The partial sum of the member at `index` if these are the shares of all contributions.
    fn partial_of(&self, contributions: &[Vec<Share>], index: ShareIndex) -> Field {
        let questionnaire = self.study.questionnaire();
        let mut sum = vec![field::zero(); questionnaire.input_len()];
        for shares in contributions {
            for (sum, element) in sum.iter_mut().zip(shares[index.position()].values.elements()) {
                *sum += *element;
            }
        }
        let count = u32::try_from(contributions.len()).expect("four of them");
        let sum = SecretVector::new(sum);
        questionnaire.aggregate(&sum, count, self.committee.scheme()).elements()[0]
    }
}

fn kind(message: &PeerMessage) -> &'static str {
    match message {
        PeerMessage::Enrol(_) => "Enrol",
        PeerMessage::Contribute(_) => "Contribute",
        PeerMessage::Verification(_) => "Verification",
        PeerMessage::Partial(_) => "Partial",
        PeerMessage::Decline(_) => "Decline",
        PeerMessage::Identify(_) => "Identify",
        PeerMessage::Received(_) => "Received",
        PeerMessage::Leave => "Leave",
        PeerMessage::WordsDiffer => "WordsDiffer",
    }
}

/// Where Shamir's polynomial has a member's share.
fn at(index: ShareIndex) -> Field {
    Field::from(u128::from(index.number()))
}

/// The value at `x` of the polynomial through these points (Lagrange), written down independently of the protocol's.
fn value_at(points: &[(Field, Field)], x: Field) -> Field {
    points.iter().fold(field::zero(), |sum, (here, value)| {
        let weight = points
            .iter()
            .filter(|(other, _)| other != here)
            .fold(Field::one(), |weight, (other, _)| {
                weight * (x - *other) * (*here - *other).inv()
            });
        sum + weight * *value
    })
}
