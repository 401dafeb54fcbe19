//! How many bytes a share takes on the wire, counted in rounds of both machines.

use std::collections::BTreeMap;

use bytes::Bytes;
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::peer::{self, Peer};
use wardsum_protocol::questionnaire::{Question, Questionnaire, Response};
use wardsum_protocol::round::{self, ConnectionId, Round};
use wardsum_protocol::seal::TAG_LEN;
use wardsum_protocol::{
    Admission, Challenge, Closing, Entropy, SchemeChoice, Study, StudyParameters, Suite, Timestamp,
};

/// Bytes of a signature.
const SIGNATURE_LEN: usize = 64;

/// Bytes of a field element.
const ELEMENT_LEN: usize = 16;

const NOW: Timestamp = Timestamp(0);

/// What a share of an answer of so many bits takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerShare {
    pub(crate) bits: usize,
    /// A contribution's bytes over the number of its shares.
    pub(crate) up: f64,
    /// The bytes of the longest message that brings one share to a member.
    pub(crate) down: usize,
    /// Encapsulated key, tag, signature and field elements.
    pub(crate) least: usize,
}

/// With so many members and X-Wing.
pub(crate) fn per_share(members: u8) -> Vec<PerShare> {
    let asked = [1, 8, 36].map(|bits| asked(bits, members));
    // A study asks for one number, which cannot have as many bits. What is around the elements is the same.
    let proven = |bits| {
        let questionnaire = Questionnaire::new(vec![Question::YesNo; bits]);
        questionnaire.expect("these questions fit").proven_len() * ELEMENT_LEN
    };
    let [.., known] = asked;
    let longer = proven(200) - proven(known.bits);
    let up = known.up + f64::from(u32::try_from(longer).expect("some kilobytes"));
    let (down, least) = (known.down + longer, known.least + longer);
    asked.into_iter().chain([PerShare { bits: 200, up, down, least }]).collect()
}

/// Counts the bytes in a round that asks for a number of so many bits.
fn asked(bits: usize, members: u8) -> PerShare {
    let study = Study::new(StudyParameters {
        instance: [7; 16],
        title: "Bytes".into(),
        organisation: "St. Example Hospital".into(),
        introduction: Text::default(),
        form: Form::number("Which number?", "", 0, (1 << bits) - 1),
        minimum_cell: 1,
        minimum_cohort: 3,
        maximum_cohort: 1_000,
        committee_cap: members.into(),
        enrolment: Closing::deadline(60_000),
        contributing: Closing::deadline(60_000),
        aggregation_deadline_ms: 60_000,
        scheme: SchemeChoice::Threshold,
        suite: Suite::XWing,
        admission: Admission::Open,
    })
    .expect("an admissible study");
    let elements = study.questionnaire().proven_len() * ELEMENT_LEN;
    let least = study.suite().encapsulated_len() + TAG_LEN + SIGNATURE_LEN + elements;
    let (contribution, down) = relayed(study, members);
    let up = f64::from(u32::try_from(contribution).expect("some kilobytes")) / f64::from(members);
    PerShare { bits, up, down, least }
}

/// The bytes of a contribution, and of the longest message that brings a share of it. One of the members contributes.
fn relayed(study: Study, members: u8) -> (usize, usize) {
    let mut round = Round::open(study, NOW);
    let mut peers = BTreeMap::new();
    for number in 1..=members {
        let (connection, challenge) = (ConnectionId(number.into()), Challenge([number; 32]));
        let mut peer = Peer::new(Entropy::new([number; 32]), NOW);
        peer.handle(peer::Input::Connected, NOW);
        round.handle(round::Input::Connected { connection, challenge }, NOW);
        peers.insert(connection, peer);
    }
    let (mut contribution, mut delivery) = (0, 0);
    while delivery == 0 {
        while let Some(output) = round.poll_output() {
            match output {
                round::Output::Send { to, bytes } => {
                    let peer = peers.get_mut(&to).expect("all stay");
                    peer.handle(peer::Input::Message(bytes.into()), NOW);
                    if peer.stage() == peer::Stage::AwaitingAnswer {
                        peer.answer(vec![Response::Number(1)], NOW).expect("it is in range");
                    }
                }
                round::Output::Deliver(deliveries) => {
                    let longest = deliveries.messages().map(|(_, bytes)| bytes.len()).max();
                    delivery = delivery.max(longest.unwrap_or(0));
                }
                _ => {}
            }
        }
        let mut quiet = true;
        for (from, peer) in &mut peers {
            while let Some(output) = peer.poll_output() {
                quiet = false;
                match output {
                    peer::Output::Send(bytes) => {
                        let bytes = Bytes::from(bytes);
                        if let Ok(PeerMessage::Contribute(_)) = PeerMessage::decode(&bytes) {
                            contribution = bytes.len();
                        }
                        round.handle(round::Input::Message { from: *from, bytes }, NOW);
                    }
                    peer::Output::Event(peer::Event::SafetyWords { awaited: true, .. })
                        if *from == ConnectionId(1) =>
                    {
                        peer.handle(peer::Input::WordsMatch, NOW);
                    }
                    peer::Output::Timeout(Some(at)) if at <= NOW => {
                        peer.handle(peer::Input::Timeout, NOW);
                    }
                    _ => {}
                }
            }
        }
        assert!(!quiet || delivery > 0, "nobody contributes");
    }
    (contribution, delivery)
}
