//! Rounds with a questionnaire of several questions: what may be seen is published and checked, and of what is
//! suppressed nothing is in any message or file but the digests of the members' elements.

mod common;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::Net;
use common::survey::{answer_of, short_survey, survey_study};
use sha2::{Digest as _, Sha256};
use wardsum_protocol::aggregate::{
    DisclosedPartial, Opening, PartialAggregate, SALT_LEN, sign_partial,
};
use wardsum_protocol::field::SecretVector;
use wardsum_protocol::identity::Identity;
use wardsum_protocol::messages::{HospitalMessage, PeerMessage, Publication};
use wardsum_protocol::peer::{Change, Failure, Misbehaviour, OwnAnswer, Stage};
use wardsum_protocol::questionnaire::{CELLS_MAX, Figure, Response};
use wardsum_protocol::round::{Event, Record};
use wardsum_protocol::sharing::{Scheme, ShareIndex};
use wardsum_protocol::transcript::{Transcript, TranscriptError};
use wardsum_protocol::{
    Aggregate, AggregateError, Entropy, Phase, SchemeChoice, Study, VerdictDigest, suppression,
    wire,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PEOPLE: usize = 9;

/// Seven members and two visitors, of whom some cheat.
fn begun(study: Study, cheats: &[(usize, Misbehaviour)]) -> Net {
    let mut net = Net::new(study, 17);
    let patients: Vec<usize> = (0..PEOPLE).map(|_| net.join()).collect();
    net.settle_mail();
    for (patient, misbehaviour) in cheats {
        net.patients[*patient].peer.misbehave(*misbehaviour);
    }
    for patient in patients {
        net.respond(patient, answer_of(patient));
    }
    net
}

fn played(study: Study, cheats: &[(usize, Misbehaviour)]) -> Net {
    let mut net = begun(study, cheats);
    net.run();
    net
}

fn of_seven(scheme: SchemeChoice) -> Study {
    survey_study(|p| (p.committee_cap, p.scheme) = (7, scheme))
}

/// All numbers of these answers, added up in the open.
fn numbers(study: &Study, answers: impl IntoIterator<Item = Vec<Response>>) -> Vec<u128> {
    let questionnaire = study.questionnaire();
    let mut sum = SecretVector::zeros(questionnaire.input_len());
    let mut count = 0;
    for answer in answers {
        sum.add_assign(&questionnaire.encode(&answer).expect("an answer"));
        count += 1;
    }
    // In a share of Shamir's constants stand whole, as they do in the sum itself.
    let elements = questionnaire.aggregate(&sum, count, Scheme::threshold_of(7));
    elements.elements().iter().map(|element| u128::from(*element)).collect()
}

/// What the members gave, by place.
fn given(net: &Net) -> Vec<PartialAggregate> {
    let given = net.journal.iter().filter_map(|(_, record)| match record {
        Record::Partial(message) => match wire::decode(message) {
            Ok(PeerMessage::Partial(partial)) => Some(partial),
            other => panic!("{other:?}"),
        },
        _ => None,
    });
    let mut given: Vec<_> = given.collect();
    given.sort_by_key(|partial| wire::encode(partial)[PLACE]);
    given
}

/// Where the member's place stands in a partial aggregate: behind its body's length and the verdict's digest.
const PLACE: usize = 2 + 32;

/// Where its elements with their salts stand: behind the body, its signature, and their length.
const OPENINGS: usize = 2 + 65 + 64 + 3;

fn openings(partial: &PartialAggregate) -> Vec<Opening> {
    let bytes = wire::encode(partial);
    bytes[OPENINGS..].chunks(32).map(|of| of.try_into().expect("32 bytes")).collect()
}

fn published(net: &Net) -> Publication {
    let message = net.journal.iter().find_map(|(_, record)| match record {
        Record::Published { message, .. } => Some(message),
        _ => None,
    });
    match wire::decode(message.expect("there is a result")) {
        Ok(HospitalMessage::Published(publication)) => publication,
        other => panic!("{other:?}"),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_may_be_seen_is_published_and_nothing_else() {
    for scheme in [SchemeChoice::Threshold, SchemeChoice::Additive] {
        let study = of_seven(scheme);
        let net = played(study.clone(), &[]);
        let expected = numbers(&study, (0..PEOPLE).map(answer_of));
        let hidden = suppression::hidden(study.questionnaire(), &expected, 9, 3);
        let aggregate = net.aggregate().unwrap_or_else(|| panic!("{:?}", net.events));
        let shown =
            expected.iter().zip(&hidden).map(|(number, hidden)| (!hidden).then_some(*number));
        assert_eq!((aggregate.count, &*aggregate.cells), (9, &*shown.collect::<Vec<_>>()));
        let hides = hidden.iter().filter(|hidden| **hidden).count();
        assert!(hides > 5 && hidden.len() - hides > 5, "{hides} of {} are hidden", hidden.len());
        for patient in 0..PEOPLE {
            let seen = net.published(patient).expect("shown to everybody");
            assert_eq!((&seen.aggregate, seen.own), (&aggregate, OwnAnswer::Counted));
        }

        let transcript = net.transcript().expect("published");
        let checked = transcript.check().expect("it holds");
        assert_eq!(checked.aggregate, aggregate);
        let said = checked.to_string();
        assert!(said.contains(&format!("and {hides} that are not shown")), "{said}");
        for patient in 0..PEOPLE {
            let receipt = net.patients[patient].peer.receipt().expect("everybody has one");
            receipt.check(&transcript, &checked).expect("it is the round that was shown");
        }

        // Nobody but the hospital has been sent an element of a suppressed number, or the salt of one.
        let file = transcript.encode();
        let told: Vec<u8> = net.patients.iter().flat_map(|patient| patient.told.concat()).collect();
        let given = given(&net);
        assert_eq!(given.len(), 7);
        for partial in &given {
            for (opening, hidden) in openings(partial).iter().zip(&hidden) {
                let (salt, element) = opening.split_at(SALT_LEN);
                for part in [salt, element] {
                    assert_eq!(contains(&file, part), !hidden, "in the transcript");
                    assert_eq!(contains(&told, part), !hidden, "in what peers are told");
                }
            }
        }
    }
}

/// What the members have in their hands who see the result: for each number that a cell could be, what the element of the
/// last of them would be.
#[test]
fn a_suppressed_number_cannot_be_tried_against_the_digests_of_its_elements() {
    let net = played(of_seven(SchemeChoice::Additive), &[]);
    let cells = net.aggregate().expect("there is a result").cells;
    let shown = cells.iter().flatten().count();
    let hidden: Vec<usize> = (0..cells.len()).filter(|cell| cells[*cell].is_none()).collect();
    let label = b"wardsum v1 partial aggregate element";
    let mut salts = BTreeSet::new();
    for (given, disclosed) in given(&net).iter().zip(published(&net).partials.as_slice()) {
        let bytes = wire::encode(disclosed);
        let (signed, digests) = bytes.split_at(OPENINGS + shown * size_of::<Opening>() + 3);
        assert_eq!(digests.len(), 32 * hidden.len());
        let openings = openings(given);
        salts.extend(openings.iter().map(|opening| opening[..SALT_LEN].to_vec()));
        for (cell, digest) in hidden.iter().zip(digests.chunks(32)) {
            let tried = |salt: &[u8]| {
                let mut hasher = Sha256::new();
                hasher.update([36]);
                hasher.update(label);
                hasher.update(&signed[2..=PLACE]);
                hasher.update(u32::try_from(*cell).expect("few cells").to_be_bytes());
                hasher.update(salt);
                hasher.update(&openings[*cell][SALT_LEN..]);
                hasher.finalize()[..] == *digest
            };
            assert!(tried(&openings[*cell][..SALT_LEN]), "with what only its member has");
            // With nothing, and with what is published of the same member.
            let known = openings.iter().zip(&*cells).filter(|(_, number)| number.is_some());
            let known = known.map(|(opening, _)| &opening[..SALT_LEN]);
            assert!(!known.chain([&[][..], &[0; SALT_LEN]]).any(tried));
        }
    }
    assert_eq!(salts.len(), 7 * cells.len(), "each is used once");
}

/// The result that a hospital publishes in place of its own: these cells, and what is disclosed for them.
fn publication(net: &Net, cells: &[Option<u128>]) -> Publication {
    let aggregate = Aggregate { count: 9, cells: cells.into() };
    let partials: Vec<_> = given(net).iter().map(|of| of.disclosed(&aggregate)).collect();
    Publication { cells: aggregate.encode_cells(), partials: partials.into(), ..published(net) }
}

/// A round at whose end a member and somebody who only contributed are told nothing yet.
struct Ending {
    net: Net,
    untold: [usize; 2],
    numbers: Vec<u128>,
    /// What an honest hospital shows.
    honest: Vec<Option<u128>>,
}

impl Ending {
    fn of(scheme: SchemeChoice) -> Self {
        let study = of_seven(scheme);
        let mut net = begun(study.clone(), &[]);
        net.run_until(|net| net.round.status().partials == 7);
        let member = (0..PEOPLE).find(|patient| net.place_of(*patient).is_some());
        let visitor = (0..PEOPLE).find(|patient| net.place_of(*patient).is_none());
        let untold = [member, visitor].map(|patient| patient.expect("seven of nine are members"));
        for patient in untold {
            net.cut(patient);
        }
        net.run_until(|net| net.round.status().phase == Phase::Published);
        let honest = net.aggregate().expect("it is published").cells.to_vec();
        Self { net, untold, numbers: numbers(&study, (0..PEOPLE).map(answer_of)), honest }
    }

    /// What comes of this result in the transcript.
    fn checked(&self, published: &Publication) -> Result<Aggregate, TranscriptError> {
        let message = Bytes::from(wire::encode(&HospitalMessage::Published(published.clone())));
        let records = self.net.journal.iter().map(|(_, record)| match record {
            Record::Published { aggregate, .. } => {
                Record::Published { aggregate: aggregate.clone(), message: message.clone() }
            }
            other => other.clone(),
        });
        let records: Vec<_> = records.collect();
        let made = Transcript::of(self.net.round.study(), &records).expect("there is a result");
        let read = Transcript::decode(&made.encode()).expect("it is well-formed");
        read.check().map(|checked| checked.aggregate)
    }

    /// What comes of it in the transcript, and at those who have been told nothing yet.
    fn told(mut self, published: &Publication) -> Outcome {
        let message = wire::encode(&HospitalMessage::Published(published.clone()));
        let peers = self.untold.map(|patient| {
            assert_eq!(self.net.patients[patient].peer.stage(), Stage::AwaitingResult);
            self.net.tell(patient, message.clone());
            match self.net.published(patient) {
                Some(published) => Ok(published.aggregate),
                None => Err(self.net.failure(patient).expect("it has ended")),
            }
        });
        (self.checked(published), peers)
    }

    fn publication(&self, cells: &[Option<u128>]) -> Publication {
        publication(&self.net, cells)
    }
}

type Outcome = (Result<Aggregate, TranscriptError>, [Result<Aggregate, Failure>; 2]);

fn is_accepted((transcript, peers): Outcome, cells: &[Option<u128>]) {
    let expected = Aggregate { count: 9, cells: cells.into() };
    assert_eq!(transcript, Ok(expected.clone()));
    assert_eq!(peers, [Ok(expected.clone()), Ok(expected)]);
}

fn is_refused((transcript, peers): Outcome, error: TranscriptError, failure: Failure) {
    assert_eq!(transcript, Err(error));
    assert_eq!(peers, [Err(failure), Err(failure)]);
}

#[test]
fn a_hospital_that_shows_a_small_number_is_not_believed() {
    let ending = Ending::of(SchemeChoice::Threshold);
    let cells = ending.net.round.study().questionnaire().cells().to_vec();
    let is_a_sum = |cell: usize| matches!(cells[cell].figure, Figure::Sum | Figure::Squares);
    let small = |cell: &usize| (1..3).contains(&ending.numbers[*cell]) && !is_a_sum(*cell);
    let small: Vec<usize> = (0..cells.len()).filter(small).collect();
    assert!(small.len() > 3, "{small:?}");
    // Each count of one or two alone, and everything.
    for cell in small {
        let mut shown = ending.honest.clone();
        assert_eq!(shown[cell], None);
        shown[cell] = Some(ending.numbers[cell]);
        let error = AggregateError::Unsuppressed { number: cell + 1, minimum: 3 };
        let expected = Err(TranscriptError::Result(error));
        assert_eq!(ending.checked(&ending.publication(&shown)), expected);
    }
    let everything: Vec<_> = ending.numbers.iter().copied().map(Some).collect();
    let published = ending.publication(&everything);
    let (transcript, peers) = ending.told(&published);
    let Err(TranscriptError::Result(error)) = transcript else { panic!("{transcript:?}") };
    assert!(matches!(error, AggregateError::Unsuppressed { minimum: 3, .. }), "{error}");
    let failure = Failure::ResultInvalid(error);
    assert_eq!(peers, [Err(failure), Err(failure)]);
}

/// It tells nobody too much, and what it shows is right.
#[test]
fn a_hospital_that_hides_more_than_it_has_to_is_believed() {
    let ending = Ending::of(SchemeChoice::Threshold);
    let mut cells = ending.honest.clone();
    let shown = cells.iter().rposition(Option::is_some).expect("something is shown");
    cells[shown] = None;
    let fewer = Aggregate { count: 9, cells: cells.into() };
    assert_eq!(ending.checked(&ending.publication(&fewer.cells)), Ok(fewer));
    let nothing = vec![None; ending.honest.len()];
    let published = ending.publication(&nothing);
    is_accepted(ending.told(&published), &nothing);
}

#[test]
fn a_hospital_that_shows_other_numbers_is_not_believed() {
    let ending = Ending::of(SchemeChoice::Additive);
    let mut changed = ending.honest.clone();
    let shown = changed.iter().position(|cell| cell.is_some_and(|number| number > 3));
    let shown = shown.expect("something is shown");
    changed[shown] = changed[shown].map(|number| number + 1);
    let error = TranscriptError::Result(AggregateError::OtherNumbers);
    for cells in [&ending.honest[1..], &[&ending.honest[..], &[None]].concat()] {
        assert_eq!(ending.checked(&ending.publication(cells)), Err(error));
    }
    let published = ending.publication(&changed);
    is_refused(ending.told(&published), error, Failure::SumMismatch);
}

#[test]
fn elements_that_a_member_has_not_signed_are_not_believed() {
    let ending = Ending::of(SchemeChoice::Threshold);
    let error = AggregateError::Value;
    let refused = TranscriptError::Partial { position: 2, source: error };
    let honest = ending.publication(&ending.honest);
    let with = |partial: DisclosedPartial| {
        let mut partials = honest.partials.as_slice().to_vec();
        partials[2] = partial;
        Publication { partials: partials.into(), ..honest.clone() }
    };
    // One that shows what all others hide, and one that hides what they show.
    for show in [true, false] {
        let mut others = ending.honest.clone();
        let cell = others.iter().position(|cell| cell.is_none() == show).expect("both are there");
        others[cell] = show.then_some(ending.numbers[cell]);
        let other = ending.publication(&others).partials.as_slice()[2].clone();
        assert_eq!(ending.checked(&with(other)), Err(refused));
    }
    // One byte changed: of the first salt, the first or the last element, the first or the last digest.
    let shown = ending.honest.iter().flatten().count();
    let digests = OPENINGS + shown * size_of::<Opening>() + 3;
    let last = digests + (ending.honest.len() - shown) * 32 - 1;
    let altered = |at: usize| {
        let mut bytes = wire::encode(&honest.partials.as_slice()[2]);
        assert_eq!(bytes.len(), last + 1);
        bytes[at] ^= 1;
        with(wire::decode(&bytes).expect("it is well-formed"))
    };
    for at in [OPENINGS, OPENINGS + SALT_LEN, digests - 3 - 1, last] {
        assert_eq!(ending.checked(&altered(at)), Err(refused));
    }
    let published = altered(digests);
    is_refused(ending.told(&published), refused, Failure::ResultInvalid(error));
}

/// With two to spare (T = 5 of 7): everybody learns who gave a wrong element of a number that is shown. Of one that is
/// not, only the hospital can.
#[test]
fn a_wrong_element_is_corrected_and_named_to_whoever_sees_the_number() {
    let study = of_seven(SchemeChoice::Threshold);
    let honest = played(study.clone(), &[]);
    let member = (0..PEOPLE).find(|patient| honest.place_of(*patient).is_some());
    let member = member.expect("seven of nine are members");
    let right = honest.aggregate().expect("there is a result");
    let positions = [true, false].map(|shown| {
        right.cells.iter().position(|cell| cell.is_some() == shown).expect("both are there")
    });
    for (position, shown) in positions.into_iter().zip([true, false]) {
        let lie = Misbehaviour::Partial(Change { position, add: 12_345 });
        let mut net = played(study.clone(), &[(member, lie)]);
        assert_eq!(net.aggregate().as_ref(), Some(&right), "{:?}", net.events);
        let liar = net.place_of(member).expect("the same people are");
        let known = [liar].into_iter().collect();
        let told = net.events.iter().find_map(|event| match event {
            Event::Published { wrong, .. } => Some(*wrong),
            _ => None,
        });
        assert_eq!((told, net.round.status().wrong), (Some(known), known));
        let seen = if shown { known } else { [].into_iter().collect() };
        for patient in 0..PEOPLE {
            assert_eq!(net.published(patient).map(|published| published.wrong), Some(seen));
        }
        let checked = net.transcript().expect("published").check().expect("it holds");
        assert_eq!((&checked.aggregate, checked.wrong), (&right, seen));
        // And after a restart as well.
        net.restart();
        assert_eq!(net.round.status().wrong, known);
    }
}

/// Shown and hidden ones take the same room.
#[test]
fn as_many_numbers_as_a_study_can_have_of_as_many_members_as_there_can_be_are_published() {
    let net = played(of_seven(SchemeChoice::Threshold), &[]);
    let entropy = Entropy::new([7; 32]);
    let keys = (&Identity::derive(&entropy), &entropy);
    let place = ShareIndex::new(255).expect("the last place");
    let values = SecretVector::zeros(CELLS_MAX);
    let given = sign_partial(keys, VerdictDigest([1; 32]), place, &values);
    for number in [Some(0), None] {
        let aggregate = Aggregate { count: 9, cells: vec![number; CELLS_MAX].into() };
        let partials = vec![given.disclosed(&aggregate); 255];
        let cells = aggregate.encode_cells();
        let published = Publication { cells, partials: partials.into(), ..published(&net) };
        let message = wire::encode(&HospitalMessage::Published(published));
        let Ok(HospitalMessage::Published(read)) = wire::decode(&message) else {
            panic!("it is well-formed")
        };
        assert_eq!((read.partials.len(), read.cells.len()), (255, CELLS_MAX));
    }
}

/// The hospital's process is killed after each record that it has written, and once the result is there.
#[test]
fn the_hospital_may_be_killed_after_every_record() {
    let study = survey_study(|p| (p.form, p.committee_cap) = (short_survey(), 5));
    let begun = |study: Study| {
        let mut net = Net::new(study, 17);
        let patients: Vec<usize> = (0..PEOPLE).map(|_| net.join()).collect();
        net.settle_mail();
        for patient in patients {
            let answers = answer_of(patient);
            net.respond(patient, vec![answers[0].clone(), Response::YesNo(patient % 3 == 0)]);
        }
        net
    };
    let mut undisturbed = begun(study.clone());
    undisturbed.run();
    let right = undisturbed.aggregate().expect("there is a result");
    assert!(right.cells.iter().any(Option::is_none) && right.cells.iter().any(Option::is_some));
    for records in 1..=undisturbed.journal.len() {
        let mut net = begun(study.clone());
        net.run_until(|net| net.journal.len() >= records);
        net.restart();
        net.run();
        assert_eq!(net.aggregate().as_ref(), Some(&right), "killed after record {records}");
        net.restart();
        assert_eq!(net.aggregate().as_ref(), Some(&right), "after record {records} and the end");
        for patient in 0..PEOPLE {
            let seen = net.published(patient).expect("shown to everybody");
            assert_eq!((seen.aggregate, seen.own), (right.clone(), OwnAnswer::Counted));
        }
        net.transcript().expect("published").check().expect("it holds");
    }
}

/// Of everybody, and of a group, of which no cell of the group tells how many are in it.
#[test]
fn what_leaves_out_few_is_small_too() {
    let short = survey_study(|p| (p.form, p.committee_cap) = (short_survey(), 3));
    let answer = |ward, again| vec![Response::Choice(ward), Response::YesNo(again)];
    let answers = |south: usize, yes: usize| {
        (0..7).map(move |person| answer(u16::from(person < south), person >= 7 - yes))
    };
    // North, south, yes; yes in the north, yes in the south.
    for (south, yes, small) in [(3, 6, 3), (4, 4, 5), (1, 4, 2)] {
        let mut net = Net::new(short.clone(), 3);
        let patients: Vec<usize> = (0..7).map(|_| net.join()).collect();
        net.settle_mail();
        for (patient, answer) in patients.into_iter().zip(answers(south, yes)) {
            net.respond(patient, answer);
        }
        net.run();
        let aggregate = net.aggregate().expect("there is a result");
        let all = numbers(&short, answers(south, yes));
        assert_eq!(aggregate, Aggregate::suppressed(&short, 7, &all));
        let everything: Vec<_> = all.iter().copied().map(Some).collect();
        let everything = Aggregate { count: 7, cells: everything.into() };
        let partials: Vec<_> = given(&net).iter().map(|of| of.disclosed(&everything)).collect();
        let publication = Publication {
            cells: everything.encode_cells(),
            partials: partials.into(),
            ..published(&net)
        };
        let records = net.journal.iter().map(|(_, record)| match record {
            Record::Published { aggregate, .. } => Record::Published {
                aggregate: aggregate.clone(),
                message: wire::encode(&HospitalMessage::Published(publication.clone())).into(),
            },
            other => other.clone(),
        });
        let records: Vec<_> = records.collect();
        let error = Transcript::of(&short, &records).expect("published").check().unwrap_err();
        let expected = AggregateError::Unsuppressed { number: small, minimum: 3 };
        assert_eq!(error, TranscriptError::Result(expected), "{south}, {yes}: {all:?}");
    }
}

/// Of one number a sum can tell how few are above the lowest answer, or below the highest.
#[test]
fn a_sum_to_which_only_few_can_have_added_is_small_too() {
    let study = common::study(|p| p.minimum_cell = 3);
    for (answers, small) in
        [([0, 0, 2, 0], true), ([10, 10, 8, 10], true), ([0, 3, 0, 0], false), ([0; 4], false)]
    {
        let mut net = Net::new(study.clone(), 3);
        common::all_answer(&mut net, &answers);
        net.run();
        let cells = net.aggregate().expect("there is a result").cells;
        assert_eq!(cells[0].is_none(), small, "{answers:?}");
        let sum = u128::try_from(answers.iter().sum::<i128>()).expect("not negative");
        let shown = Aggregate { count: 4, cells: [Some(sum)].into() };
        let partials: Vec<_> = given(&net).iter().map(|of| of.disclosed(&shown)).collect();
        let cells = shown.encode_cells();
        let published = Publication { cells, partials: partials.into(), ..published(&net) };
        let records = net.journal.iter().map(|(_, record)| match record {
            Record::Published { aggregate, .. } => Record::Published {
                aggregate: aggregate.clone(),
                message: wire::encode(&HospitalMessage::Published(published.clone())).into(),
            },
            other => other.clone(),
        });
        let records: Vec<_> = records.collect();
        let checked = Transcript::of(&study, &records).expect("published").check();
        let error = AggregateError::Unsuppressed { number: 1, minimum: 3 };
        let expected = if small { Err(TranscriptError::Result(error)) } else { Ok(shown) };
        assert_eq!(checked.map(|checked| checked.aggregate), expected, "{answers:?}");
    }
}
