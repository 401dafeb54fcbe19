//! Peers that do what no honest peer does: each is refused with a code that says why, and the
//! round of the others is exact all the same.

mod common;

use common::{Net, all_answer, study};
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Change, Failure, Misbehaviour};
use wardsum_protocol::round::{ConnectionId, Event, Record, Refusal};
use wardsum_protocol::sharing::ShareIndices;
use wardsum_protocol::wire;
use wardsum_protocol::{
    ContributionError, DeclineReason, EndReason, EnrolmentError, Entropy, IdentificationError,
    IdentityError, Phase,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A net in which three have enrolled and nothing is under way.
fn three_enrolled() -> Net {
    let mut net = Net::new(study(|_| {}), 7);
    all_answer(&mut net, &[2, 3, 5]);
    net.settle_mail();
    assert_eq!(net.round.status().enrolled, 3);
    net
}

/// A net whose three members have contributed, while contributing is still open.
fn three_contributed() -> Net {
    let mut net = three_enrolled();
    net.run_until(|net| net.round.status().contributed == 3);
    net.settle_mail();
    assert_eq!(net.round.status().phase, Phase::Contributing);
    net
}

/// What a patient's peer sent to the hospital, by kind.
fn sent(net: &Net, patient: usize, wanted: fn(&PeerMessage) -> bool) -> Vec<u8> {
    let connection = net.patients[patient].connection;
    let found = net.seen_by_hospital.iter().find(|(from, bytes)| {
        *from == connection && wire::decode(bytes).is_ok_and(|message| wanted(&message))
    });
    found.expect("the peer has sent such a message").1.clone()
}

fn is_enrol(message: &PeerMessage) -> bool {
    matches!(message, PeerMessage::Enrol(_))
}

fn is_contribute(message: &PeerMessage) -> bool {
    matches!(message, PeerMessage::Contribute(_))
}

fn is_partial(message: &PeerMessage) -> bool {
    matches!(message, PeerMessage::Partial(_))
}

/// Sends `bytes` over a stranger's connection and expects it to be closed with `code`.
fn refused(net: &mut Net, bytes: Vec<u8>, code: u16) -> Refusal {
    let stranger = net.join_raw();
    net.send_raw(
        stranger,
        identification(net, stranger, &Identity::derive(&Entropy::new([99; 32]))),
    );
    refused_from(net, stranger, bytes, code)
}

/// What shows over a connection that it belongs to `identity`.
fn identification(net: &Net, connection: ConnectionId, identity: &Identity) -> Vec<u8> {
    let Ok(HospitalMessage::Welcome(welcome)) = wire::decode(&net.raw[&connection][0]) else {
        panic!("every connection begins with a challenge")
    };
    // study digest || challenge || verifying key || uint32 held
    let body = [
        net.round.study().digest().as_bytes().as_slice(),
        &welcome.challenge.0,
        identity.id().as_bytes(),
        &[0; 4],
    ]
    .concat();
    let signature = identity.sign(SignatureLabel::Identification, &[&body]);
    wire::encode(&PeerMessage::Identify(SignedBytes { body: body.into(), signature }))
}

fn refused_from(net: &mut Net, from: ConnectionId, bytes: Vec<u8>, code: u16) -> Refusal {
    net.send_raw(from, bytes);
    let reason = *net.raw_closed.get(&from).expect("the connection was closed");
    assert_eq!(reason.code(), code, "{reason}");
    let text = reason.to_string();
    assert!(text.len() <= 123, "fits a close frame: {text}");
    assert!(net.events.contains(&Event::PeerRefused { connection: from, reason }));
    reason
}

/// The round of the three goes on and is exact.
fn ends_with_ten(mut net: Net) {
    net.run();
    let aggregate = net.aggregate().expect("the others' round has a result");
    assert_eq!((aggregate.count, net.sum_in(&aggregate)), (3, 10));
    assert_eq!(net.published(0).expect("shown to the patient").aggregate, aggregate);
}

#[test]
fn garbage_is_malformed() {
    let mut net = three_enrolled();
    for bytes in [vec![], vec![0], vec![99, 1, 2], vec![255; 5_000]] {
        assert_eq!(refused(&mut net, bytes, 4400), Refusal::Malformed);
    }
    ends_with_ten(net);
}

#[test]
fn a_truncated_or_lengthened_message_is_malformed_at_every_length() {
    let mut net = three_enrolled();
    let enrol = sent(&net, 0, is_enrol);
    for len in 0..enrol.len() {
        refused(&mut net, enrol[..len].to_vec(), 4400);
    }
    refused(&mut net, [enrol.as_slice(), &[0]].concat(), 4400);
    ends_with_ten(net);
}

#[test]
fn an_enrolment_with_any_bit_flipped_is_refused() {
    let mut net = Net::new(study(|_| {}), 7);
    all_answer(&mut net, &[2, 3, 5]);
    net.settle_mail();
    let enrol = sent(&net, 1, is_enrol);
    for position in 0..enrol.len() {
        let mut bytes = enrol.clone();
        bytes[position] ^= 1 << (position % 8);
        let stranger = net.join_raw();
        let itself = Identity::derive(&Entropy::new([99; 32]));
        net.send_raw(stranger, identification(&net, stranger, &itself));
        net.send_raw(stranger, bytes);
        assert!(net.raw_closed.contains_key(&stranger), "byte {position} does not matter");
    }
    ends_with_ten(net);
}

#[test]
fn the_same_enrolment_from_somebody_else_is_refused() {
    let mut net = three_enrolled();
    let enrol = sent(&net, 0, is_enrol);
    assert_eq!(refused(&mut net, enrol, 4401), Refusal::NotMember);
    ends_with_ten(net);
}

#[test]
fn the_same_enrolment_repeated_counts_once() {
    let mut net = three_enrolled();
    let enrol = sent(&net, 0, is_enrol);
    let connection = net.patients[0].connection;
    net.send_raw(connection, enrol);
    assert_eq!(net.round.status().enrolled, 3);
    ends_with_ten(net);
}

#[test]
fn an_enrolment_for_another_study_is_refused() {
    let mut other = Net::new(study(|p| p.instance = [8; 16]), 7);
    all_answer(&mut other, &[1]);
    other.settle_mail();
    let foreign = sent(&other, 0, is_enrol);
    let mut net = three_enrolled();
    let reason = refused(&mut net, foreign, 4404);
    assert_eq!(reason, Refusal::Enrolment(EnrolmentError::ForeignStudy));
    ends_with_ten(net);
}

#[test]
fn a_sealing_key_of_small_order_is_refused() {
    let mut net = three_enrolled();
    let identity = Identity::derive(&Entropy::new([9; 32]));
    // study digest || verifying key || uint16 length || sealing key: all zeros is of order 4.
    let body = [
        net.round.study().digest().as_bytes().as_slice(),
        identity.id().as_bytes(),
        &[0, 32],
        &[0; 32],
    ]
    .concat();
    let signature = identity.sign(SignatureLabel::Enrolment, &[&body]);
    let message = PeerMessage::Enrol(SignedBytes { body: body.into(), signature });
    let weak = net.join_raw();
    net.send_raw(weak, identification(&net, weak, &identity));
    let reason = refused_from(&mut net, weak, wire::encode(&message), 4400);
    assert_eq!(reason, Refusal::Enrolment(EnrolmentError::SealingKey));
    ends_with_ten(net);
}

#[test]
fn messages_of_a_later_phase_are_refused_while_people_enrol() {
    let mut ahead = three_contributed();
    ahead.run();
    let (contribution, partial) = (sent(&ahead, 0, is_contribute), sent(&ahead, 0, is_partial));
    let mut net = three_enrolled();
    for bytes in
        [contribution, partial, wire::encode(&PeerMessage::Decline(DeclineReason::Mismatch))]
    {
        let reason = refused(&mut net, bytes, 4409);
        assert_eq!(reason, Refusal::WrongPhase(Phase::Enrolling));
    }
    ends_with_ten(net);
}

#[test]
fn a_member_s_contribution_from_another_connection_is_refused() {
    let mut net = three_contributed();
    let bytes = sent(&net, 0, is_contribute);
    assert_eq!(refused(&mut net, bytes, 4401), Refusal::NotMember);
    assert_eq!(net.round.status().contributed, 3);
    ends_with_ten(net);
}

#[test]
fn a_contribution_in_a_member_s_name_does_not_verify() {
    let mut net = three_contributed();
    let mut bytes = sent(&net, 0, is_contribute);
    // message type, sender type, place: the same shares in the name of the next member.
    bytes[2] = bytes[2] % 3 + 1;
    let reason = refused(&mut net, bytes, 4401);
    assert!(matches!(
        reason,
        Refusal::Contribution(ContributionError::Identity(IdentityError::Signature))
    ));
    ends_with_ten(net);
}

#[test]
fn a_contribution_with_a_share_too_few_is_refused() {
    let mut net = three_contributed();
    let bytes = sent(&net, 0, is_contribute);
    let share = net.round.study().sealed_share_len();
    refused(&mut net, bytes[..bytes.len() - share].to_vec(), 4400);
    refused(&mut net, bytes[..bytes.len() - 1].to_vec(), 4400);
    ends_with_ten(net);
}

#[test]
fn the_same_contribution_repeated_counts_once() {
    let mut net = three_contributed();
    let bytes = sent(&net, 0, is_contribute);
    let connection = net.patients[0].connection;
    net.send_raw(connection, bytes);
    assert_eq!(net.round.status().contributed, 3);
    ends_with_ten(net);
}

/// A net of a full committee of three whose own answers are still on their way.
fn committee_of_three(maximum: u32) -> Net {
    let mut net = Net::new(
        study(|p| {
            p.committee_cap = 3;
            p.maximum_cohort = maximum;
        }),
        7,
    );
    all_answer(&mut net, &[2, 3, 5]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net
}

/// Shows who the connection is, and returns an answer to send over it.
fn contribution(net: &mut Net, over: ConnectionId, entropy: u8) -> Vec<u8> {
    let [hello, bytes] = net.compose(over, Entropy::new([entropy; 32]), 4);
    net.send_raw(over, hello);
    bytes
}

fn contribute(net: &mut Net, over: ConnectionId, entropy: u8) {
    let bytes = contribution(net, over, entropy);
    net.send_raw(over, bytes);
}

#[test]
fn a_second_different_answer_under_the_same_key_is_refused() {
    let mut net = committee_of_three(1_000);
    let (first, second) = (net.join_raw(), net.join_raw());
    let [hello, yes] = net.compose(first, Entropy::new([1; 32]), 4);
    net.send_raw(first, hello);
    net.send_raw(first, yes.clone());
    assert_eq!(net.round.status().contributed, 1);
    let [hello, no] = net.compose(second, Entropy::new([1; 32]), 9);
    net.send_raw(second, hello);
    assert_eq!(net.raw_closed.get(&first), Some(&Refusal::Replaced), "one connection a peer");
    assert_eq!(refused_from(&mut net, second, no, 4409), Refusal::AlreadyContributed);
    // The same answer again, from wherever its sender has come back, counts once.
    let back = net.join_raw_as(Entropy::new([1; 32]));
    net.send_raw(back, yes);
    assert!(!net.raw_closed.contains_key(&back));
    net.run();
    assert_eq!(net.counted(), Some((4, 14)));
}

#[test]
fn nobody_answers_twice_over_one_connection_under_two_keys() {
    let mut net = committee_of_three(1_000);
    let stranger = net.join_raw();
    let [hello, answer] = net.compose(stranger, Entropy::new([1; 32]), 4);
    net.send_raw(stranger, hello);
    net.send_raw(stranger, answer);
    let [hello, _] = net.compose(stranger, Entropy::new([2; 32]), 4);
    assert_eq!(refused_from(&mut net, stranger, hello, 4401), Refusal::NotMember);
    net.run();
    assert_eq!(net.counted(), Some((4, 14)));
}

#[test]
fn nothing_is_taken_from_a_connection_before_it_has_shown_whose_it_is() {
    let mut net = three_contributed();
    for wanted in [is_enrol, is_contribute] {
        let bytes = sent(&net, 0, wanted);
        let stranger = net.join_raw();
        assert_eq!(refused_from(&mut net, stranger, bytes, 4405), Refusal::Unidentified);
    }
    ends_with_ten(net);
}

/// Over one connection nobody makes the hospital write without end.
#[test]
fn leaving_is_written_down_once_and_is_the_last_thing_over_a_connection() {
    let mut net = committee_of_three(1_000);
    let stranger = net.join_raw_as(Entropy::new([1; 32]));
    net.send_raw(stranger, wire::encode(&PeerMessage::Leave));
    let again = wire::encode(&PeerMessage::Leave);
    assert_eq!(refused_from(&mut net, stranger, again, 4409), Refusal::Gone);

    let mut net = Net::new(study(|_| {}), 7);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().contributed == 4);
    let back = net.join_raw_as(net.patients[0].entropy.clone());
    for _ in 0..5 {
        net.send_raw(back, wire::encode(&PeerMessage::Leave));
    }
    let left = net.journal.iter().filter(|(_, record)| matches!(record, Record::Left(_)));
    assert_eq!(left.count(), 1);
}

/// A member that shows who it is again and again is not sent everything again and again.
#[test]
fn showing_who_one_is_again_asks_for_nothing() {
    let mut net = three_contributed();
    let (stranger, entropy) = (net.join_raw(), net.patients[0].entropy.clone());
    let hello = identification(&net, stranger, &Identity::derive(&entropy));
    for _ in 0..3 {
        net.send_raw(stranger, hello.clone());
    }
    let deliveries = net.raw[&stranger]
        .iter()
        .filter(|bytes| matches!(wire::decode(bytes), Ok(HospitalMessage::Deliver(_))));
    assert_eq!(deliveries.count(), 3);
}

/// What somebody signed for another connection, or for another study, proves nothing.
#[test]
fn an_identification_is_good_for_one_connection_only() {
    let mut net = three_contributed();
    let (first, second) = (net.join_raw(), net.join_raw());
    let identity = Identity::derive(&Entropy::new([8; 32]));
    let bytes = identification(&net, first, &identity);
    let foreign = Refusal::Identification(IdentificationError::ForeignChallenge);
    assert_eq!(refused_from(&mut net, second, bytes.clone(), 4401), foreign);
    for position in 3..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        let third = net.join_raw();
        net.send_raw(third, altered);
        assert!(net.raw_closed.contains_key(&third), "byte {position} does not matter");
    }
    ends_with_ten(net);
}

#[test]
fn a_study_keeps_room_for_its_members() {
    let mut net = committee_of_three(4);
    let (first, second) = (net.join_raw(), net.join_raw());
    contribute(&mut net, first, 1);
    let late = contribution(&mut net, second, 2);
    assert_eq!(refused_from(&mut net, second, late, 4413), Refusal::PlacesKept);
    net.run();
    assert_eq!(net.counted(), Some((4, 14)));
}

/// Two members stay away for too long, a third contributes and leaves, and one comes back after all.
#[test]
fn a_full_study_takes_no_more_even_from_a_member() {
    let mut net = Net::new(study(|p| (p.committee_cap, p.maximum_cohort) = (4, 4)), 7);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    net.leave(2);
    net.leave(3);
    net.run_until(|net| net.round.status().contributed == 2);
    let away_until = net.now.after(20_000);
    net.run_until(|net| net.now > away_until);
    let visitor = net.join_raw();
    contribute(&mut net, visitor, 1);
    net.leave_for_good(0);
    net.reload(2);
    net.run_until(|net| net.round.status().contributed == 4);
    net.reload(3);
    net.run();
    assert_eq!(net.failure(3), Some(Failure::Full));
    assert_eq!(net.aggregate(), None);
}

#[test]
fn a_partial_aggregate_from_another_connection_is_refused() {
    let mut net = three_contributed();
    net.run_until(|net| net.round.status().partials == 1);
    let partial = (0..3)
        .find_map(|patient| {
            let connection = net.patients[patient].connection;
            net.seen_by_hospital.iter().find(|(from, bytes)| {
                *from == connection && wire::decode(bytes).is_ok_and(|m| is_partial(&m))
            })
        })
        .unwrap()
        .1
        .clone();
    assert_eq!(refused(&mut net, partial, 4401), Refusal::NotMember);
    ends_with_ten(net);
}

#[test]
fn a_stranger_cannot_decline_for_a_member() {
    let mut net = three_contributed();
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    let decline = wire::encode(&PeerMessage::Decline(DeclineReason::Mismatch));
    assert_eq!(refused(&mut net, decline, 4401), Refusal::NotMember);
    ends_with_ten(net);
}

#[test]
fn somebody_who_comes_too_late_is_told_so() {
    let mut net = three_contributed();
    let late = net.join_raw();
    let [hello, answer] = net.compose(late, Entropy::new([1; 32]), 4);
    net.send_raw(late, hello);
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    assert_eq!(refused_from(&mut net, late, answer, 4410), Refusal::RoundOver);
    ends_with_ten(net);
}

/// A round in which patient 0, a member, adds wrongly and signs it properly.
fn with_a_liar(honest: &[i128]) -> Net {
    let minimum = u32::try_from(honest.len()).unwrap();
    let mut net = Net::new(study(|p| p.minimum_cohort = minimum), 11);
    let change = Change { position: 0, add: 7 };
    let liar = net.join_misbehaving(Misbehaviour::Partial(change));
    all_answer(&mut net, honest);
    net.answer(liar, 1);
    net.run();
    net
}

/// With one partial aggregate to spare (T = 4 of 5) the lie shows, and nothing is published.
#[test]
fn a_wrong_partial_aggregate_is_noticed_where_there_is_one_to_spare() {
    let net = with_a_liar(&[2, 3, 5, 4]);
    let status = net.round.status();
    assert_eq!((status.committee, status.threshold), (Some(5), Some(4)));
    assert_eq!(status.ended, Some(EndReason::Contradiction), "{:?}", net.events);
    assert_eq!(status.aggregate, None);
}

/// With two to spare (T = 5 of 7) the sum is right all the same, and everybody knows who lied.
#[test]
fn a_wrong_partial_aggregate_is_corrected_where_there_are_two_to_spare() {
    let net = with_a_liar(&[2, 3, 5, 4, 1, 1]);
    let status = net.round.status();
    assert_eq!((status.committee, status.threshold), (Some(7), Some(5)));
    assert_eq!(net.counted(), Some((7, 17)), "{:?}", net.events);
    let wrong = net.events.iter().find_map(|event| match event {
        Event::Published { wrong, .. } => Some(*wrong),
        _ => None,
    });
    let named = ShareIndices::from_iter(net.place_of(0));
    assert_eq!((wrong, status.wrong), (Some(named), named));
    assert_eq!(net.published(1).map(|p| (net.sum_in(&p.aggregate), p.wrong)), Some((17, named)));
    // And after a restart as well.
    let mut net = net;
    net.restart();
    assert_eq!(net.round.status().wrong, named);
}
