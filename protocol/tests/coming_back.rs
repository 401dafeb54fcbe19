//! Nothing is lost: pages are reloaded, connections break and the hospital's process is killed in
//! every stage, and the round still publishes the exact sum of all answers, each counted once.

mod common;

use common::{Net, PeerStep, all_answer, study};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{self, Event, Failure, Input, Memory, OwnAnswer, Peer, Stage};
use wardsum_protocol::round::{Command, Record, RestoreError, Round};
use wardsum_protocol::{Closing, ContributionDigest, Phase, Timestamp, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Seven patients, five of them on the committee, who have answered.
fn seven() -> Net {
    let mut net = Net::new(study(|p| p.committee_cap = 5), 3);
    all_answer(&mut net, &[1, 2, 3, 4, 5, 6, 7]);
    net
}

fn is_exact(net: &Net, when: &str) {
    let aggregate = net.counted();
    assert_eq!(aggregate, Some((7, 28)), "{when}: {:?}", net.events);
    for patient in 0..7 {
        let own = net.published(patient).map(|published| published.own);
        assert_eq!(own, Some(OwnAnswer::Counted), "{when}: patient {patient}");
        assert!(net.patients[patient].memory.is_none(), "{when}: everything is erased");
    }
}

/// Takes as many steps as `at` says, then disturbs, then runs to the end.
fn disturbed(disturb: impl Fn(&mut Net)) {
    let mut honest = seven();
    let mut steps = 0;
    while honest.step() {
        steps += 1;
    }
    for at in (0..steps).step_by(3) {
        let mut net = seven();
        for _ in 0..at {
            net.step();
        }
        disturb(&mut net);
        net.run();
        is_exact(&net, &format!("after {at} of {steps} steps"));
    }
}

#[test]
fn a_page_may_be_reloaded_at_any_moment() {
    for patient in [0, 3, 6] {
        disturbed(|net| {
            if net.patients[patient].memory.is_some() {
                net.reload(patient);
            }
        });
    }
}

#[test]
fn a_connection_may_break_at_any_moment() {
    for patient in [0, 3, 6] {
        disturbed(|net| {
            net.lose(patient);
        });
    }
}

#[test]
fn the_hospital_may_be_killed_at_any_moment() {
    disturbed(Net::restart);
}

#[test]
fn everything_at_once_may_go_wrong_at_any_moment() {
    disturbed(|net| {
        for patient in 0..7 {
            if patient % 2 == 0 && net.patients[patient].memory.is_some() {
                net.reload(patient);
            }
        }
        net.restart();
    });
}

/// Whoever only contributes may leave at once and hear of the result later.
#[test]
fn one_visit_is_enough_and_another_shows_the_result() {
    let mut net = Net::new(study(|p| p.committee_cap = 4), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let visitor = net.join();
    net.settle_mail();
    net.answer(visitor, 10);
    net.run_until(|net| net.patients[visitor].events.contains(&Event::ContributionAcknowledged));
    net.leave(visitor);
    net.run();
    assert_eq!(net.counted(), Some((5, 20)));
    assert_eq!(net.published(visitor), None);
    // The hospital, too, was started anew meanwhile.
    net.restart();
    net.reload(visitor);
    net.run();
    assert_eq!(net.published(visitor).map(|p| p.own), Some(OwnAnswer::Counted));
    assert!(net.patients[visitor].memory.is_none());
}

/// A member that was not counted before it came back is told so, and learns the result.
#[test]
fn a_member_that_comes_back_after_the_result_is_shown_it() {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    net.leave(0);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    net.reload(0);
    net.run();
    is_exact(&net, "after the end");
}

/// A phone that wakes up within the grace time keeps its place on the committee, a later one does not.
#[test]
fn a_place_is_kept_for_a_moment_while_people_enrol() {
    for (away_ms, members) in [(19_000, 5), (21_000, 4)] {
        let mut net = Net::new(
            study(|p| p.enrolment = Closing { count: Some(5), ..Closing::deadline(600_000) }),
            3,
        );
        all_answer(&mut net, &[1, 2, 3, 4]);
        net.settle_mail();
        net.leave(1);
        let fifth = net.join();
        net.settle_mail();
        net.answer(fifth, 5);
        net.settle_mail();
        assert_eq!(net.round.status().phase, Phase::Enrolling, "one of five is away");
        assert_eq!(net.round.status().away, 1);
        if away_ms > 20_000 {
            net.run_until(|net| net.round.status().away == 0);
        } else {
            net.now = net.now.after(away_ms);
        }
        net.reload(1);
        net.settle_mail();
        let kept = net.round.status().committee;
        assert_eq!(kept, Some(5), "it came back and is the fifth, old or new");
        let withdrawn = net.journal.iter().any(|(_, r)| matches!(r, Record::Withdrawn(_)));
        assert_eq!(withdrawn, members == 4, "after {away_ms} ms");
        net.run();
        assert_eq!(net.counted(), Some((5, 15)));
    }
}

/// The member of the round that is asked, and what it has written down so far.
fn a_member(net: &Net) -> usize {
    members(net)[2]
}

fn members(net: &Net) -> Vec<usize> {
    let is_member = |patient: &usize| {
        net.patients[*patient].events.iter().any(|event| {
            matches!(event, Event::CommitteeFixed { role: peer::Role::Member { .. }, .. })
        })
    };
    (0..7).filter(is_member).collect()
}

/// A round whose threshold (4 of 5) stays out of reach, so that its manifest stays open.
fn open_manifest() -> Net {
    let mut net = seven();
    net.run_until(|net| net.round.status().contributed == 7);
    net.settle_mail();
    for away in &members(&net)[..2] {
        net.leave(*away);
    }
    net.run_until(|net| net.round.status().verified == 3);
    net
}

/// A round in which all have verified and two are missed when the verdict is to be answered.
fn open_verdict() -> Net {
    let mut net = seven();
    net.run_until(|net| net.round.status().phase == Phase::Aggregating);
    for away in &members(&net)[..2] {
        net.leave(*away);
    }
    net.run_until(|net| net.round.status().partials == 3);
    net
}

/// What a patient's peer remembered when it wrote down the last record that is `wanted`.
fn memory(net: &Net, patient: usize, wanted: fn(&peer::Record) -> bool) -> Memory {
    let mut memory = None;
    let mut found = None;
    for step in &net.patients[patient].history {
        if let PeerStep::Wrote(record) = step {
            memory = Memory::after(memory, record);
            found = if wanted(record) { memory.clone() } else { found };
        }
    }
    found.expect("it has written this down")
}

/// The peer with this memory, after a reload, before a hospital that changes what it says.
fn resumed(
    net: &mut Net,
    memory: Memory,
    change: impl Fn(&mut HospitalMessage),
) -> (Peer, Vec<PeerMessage>) {
    let mut peer = Peer::resume(memory, net.now);
    peer.handle(Input::Connected, net.now);
    let raw = net.join_raw();
    let mut read = 0;
    let mut sent = Vec::new();
    for _ in 0..1_000 {
        while let Some(output) = peer.poll_output() {
            if let peer::Output::Send(bytes) = output {
                net.send_raw(raw, bytes.clone());
                sent.push(wire::decode(&bytes).expect("our own messages decode"));
            }
        }
        if let Some(bytes) = net.raw[&raw].get(read) {
            read += 1;
            let mut message = wire::decode(bytes).expect("the hospital's messages decode");
            change(&mut message);
            let bytes = wire::encode(&message);
            peer.handle(Input::Message(bytes), net.now);
        } else if matches!(peer.stage(), Stage::Sealing | Stage::AwaitingVerdict) {
            peer.handle(Input::Timeout, net.now);
        }
    }
    (peer, sent)
}

/// Changes the manifest of a message that tells one.
fn with_manifest(message: &mut HospitalMessage, change: fn(&mut Vec<ContributionDigest>)) {
    if let HospitalMessage::Manifest(digests) = message {
        let mut changed = digests.as_slice().to_vec();
        change(&mut changed);
        *digests = changed.into();
    }
}

/// A peer is bound to the committee that it has sealed for, and says that it has sent shares when it is told something
/// else instead, be it a committee or not.
#[test]
fn a_peer_that_comes_back_seals_for_no_other_committee() {
    let mut net = open_manifest();
    let member = a_member(&net);
    let memory = memory(&net, member, |record| matches!(record, peer::Record::Contributing(_)));
    let spoilers: [fn(&mut Vec<u8>); 2] = [|bytes| bytes.truncate(7), |bytes| bytes[40] ^= 1];
    for spoil in spoilers {
        let (peer, sent) = resumed(&mut net, memory.clone(), |message| {
            if let HospitalMessage::Committee(bytes) = message {
                let mut changed = bytes.0.to_vec();
                spoil(&mut changed);
                bytes.0 = changed.into();
            }
        });
        assert_eq!(peer.failure(), Some(Failure::Equivocation));
        let contribution = |message: &PeerMessage| matches!(message, PeerMessage::Contribute(_));
        assert!(!sent.iter().any(contribution));
    }
}

/// A peer is bound to the manifest that it has written down, whatever it is told after a reload.
#[test]
fn a_peer_that_comes_back_answers_no_other_manifest() {
    let mut net = open_manifest();
    let member = a_member(&net);
    let memory = memory(&net, member, |record| matches!(record, peer::Record::Verifying(_)));
    let (peer, sent) = resumed(&mut net, memory.clone(), |message| {
        with_manifest(message, |digests| {
            digests.pop();
        });
    });
    assert_eq!(peer.failure(), Some(Failure::Equivocation), "{:?}", peer.stage());
    let answers = |message: &&PeerMessage| {
        matches!(
            message,
            PeerMessage::Verification(_) | PeerMessage::Partial(_) | PeerMessage::Decline(_)
        )
    };
    assert_eq!(sent.iter().filter(answers).count(), 0);
    // The same manifest is answered with the same bytes, which count once.
    let (peer, sent) = resumed(&mut net, memory, |_| {});
    assert_eq!(peer.failure(), None);
    let again: Vec<_> = sent.iter().filter(answers).map(wire::encode).collect();
    assert_eq!(again, sent_by(&net, member, |m| matches!(m, PeerMessage::Verification(_))));
    assert_eq!(net.round.status().verified, 3);
}

/// A peer is bound to the verdict that it has written down, too.
#[test]
fn a_peer_that_comes_back_answers_no_other_verdict() {
    let mut net = open_verdict();
    let member = a_member(&net);
    let memory = memory(&net, member, |record| matches!(record, peer::Record::Aggregating(_)));
    let (peer, sent) = resumed(&mut net, memory.clone(), |message| {
        if let HospitalMessage::Verdict(verdict) = message {
            let (mut members, rejected) = common::verdict_parts(verdict);
            members.pop();
            *verdict = common::verdict_bytes(&members, &rejected);
        }
    });
    assert_eq!(peer.failure(), Some(Failure::Equivocation), "{:?}", peer.stage());
    let partial = |message: &&PeerMessage| matches!(message, PeerMessage::Partial(_));
    assert_eq!(sent.iter().filter(partial).count(), 0);
    let (peer, sent) = resumed(&mut net, memory, |_| {});
    assert_eq!(peer.failure(), None);
    let again: Vec<_> = sent.iter().filter(partial).map(wire::encode).collect();
    assert_eq!(again, sent_by(&net, member, |m| matches!(m, PeerMessage::Partial(_))));
    assert_eq!(net.round.status().partials, 3);
}

/// Nor does it believe a result that follows from another one.
#[test]
fn a_peer_that_comes_back_believes_no_result_of_another_verdict() {
    let mut net = seven();
    net.run();
    let member = a_member(&net);
    let memory = memory(&net, member, |record| matches!(record, peer::Record::Aggregating(_)));
    let (peer, _) = resumed(&mut net, memory.clone(), |message| {
        if let HospitalMessage::Published(publication) = message {
            let (mut members, rejected) = common::verdict_parts(&publication.verdict);
            members.pop();
            publication.verdict = common::verdict_bytes(&members, &rejected);
        }
    });
    assert_eq!(peer.failure(), Some(Failure::Equivocation));
    let (peer, _) = resumed(&mut net, memory, |_| {});
    assert_eq!(peer.stage(), Stage::Finished);
}

/// The messages of a kind that a patient's peer has sent, as bytes.
fn sent_by(net: &Net, patient: usize, wanted: fn(&PeerMessage) -> bool) -> Vec<Vec<u8>> {
    let sent = net.patients[patient].history.iter().filter_map(|step| match step {
        PeerStep::Sent(bytes) => Some(bytes.clone()),
        PeerStep::Wrote(_) => None,
    });
    sent.filter(|bytes| wire::decode(bytes).is_ok_and(|message| wanted(&message))).collect()
}

/// What was acknowledged before a reload must be counted after it.
#[test]
fn a_peer_that_comes_back_remembers_what_it_was_promised() {
    let mut net = open_manifest();
    let member = a_member(&net);
    let promised = memory(&net, member, |record| matches!(record, peer::Record::Promised));
    let (peer, _) = resumed(&mut net, promised, |message| {
        with_manifest(message, |digests| digests.fill(ContributionDigest([1; 32])));
    });
    assert_eq!(peer.failure(), Some(Failure::ManifestInvalid));
}

/// Records that cannot be those of a round are refused and not guessed at.
#[test]
fn a_round_is_not_restored_from_records_that_do_not_follow() {
    let mut net = seven();
    net.run();
    let study = net.round.study().clone();
    let restore = |records: Vec<(Timestamp, Record)>| {
        Round::restore(study.clone(), Timestamp(1_000), records, net.now)
            .map(|round| round.status())
    };
    let whole = restore(net.journal.clone()).expect("its own records");
    assert_eq!(whole.aggregate.map(|aggregate| net.sum_in(&aggregate)), Some(28));
    for missing in 0..net.journal.len() {
        let mut records = net.journal.clone();
        records.remove(missing);
        // A partial aggregate and the last record may be missing: nothing builds on them.
        let spare = matches!(net.journal[missing].1, Record::Partial(_) | Record::Published { .. });
        // So may a candidate's enrolment that no committee names... which all here do.
        let enrolled = matches!(net.journal[missing].1, Record::Enrolled(_));
        assert_eq!(restore(records).is_ok(), spare || enrolled, "without record {missing}");
    }
    let mut doubled = net.journal.clone();
    let contributed =
        doubled.iter().position(|(_, r)| matches!(r, Record::Contributed(_))).unwrap();
    doubled.insert(contributed, doubled[contributed].clone());
    let position = contributed + 1;
    assert_eq!(restore(doubled).err(), Some(RestoreError::OutOfOrder { position }));

    // A result before there are enough partial aggregates to follow from.
    let is_partial = |(_, record): &(Timestamp, Record)| matches!(record, Record::Partial(_));
    let enough = usize::from(net.committee().expect("it is fixed").threshold());
    let (partials, mut few): (Vec<_>, Vec<_>) = net.journal.iter().cloned().partition(is_partial);
    for partial in partials {
        let position = few.len() - 1;
        let left = few.iter().filter(|record| is_partial(record)).count();
        let restored = restore(few.clone());
        if left < enough {
            assert_eq!(restored.err(), Some(RestoreError::Result { position }), "{left} are there");
        } else {
            assert!(restored.is_ok());
        }
        few.insert(position, partial);
    }
}

/// A member that comes back without anything is sent everything anew, window by window.
#[test]
fn a_member_is_given_what_it_lacks_window_by_window() {
    let answers = vec![1; 600];
    let mut net = Net::new(
        study(|p| {
            p.committee_cap = 3;
            p.contributing = Closing { count: Some(600), ..Closing::deadline(3_600_000) };
        }),
        3,
    );
    all_answer(&mut net, &answers);
    net.run_until(|net| net.round.status().contributed == 500);
    net.reload(1);
    let before = net.patients[1].connection;
    let mut unconfirmed = 0;
    while net.aggregate().is_none() {
        net.step();
        unconfirmed = unconfirmed.max(net.under_way(before));
    }
    assert!(unconfirmed <= 2 * 256, "{unconfirmed} messages were under way at once");
    net.run();
    assert_eq!(net.counted(), Some((600, 600)));
    assert_eq!(net.published(1).map(|p| p.own), Some(OwnAnswer::Counted));
}

/// One connection a peer: the newer one counts.
#[test]
fn a_peer_that_connects_twice_keeps_the_newer_connection() {
    let mut net = seven();
    net.settle_mail();
    let old = net.patients[2].connection;
    // The page loses the connection, which the hospital does not notice, and connects anew.
    net.lose(2);
    net.run_until(|net| net.patients[2].connection != old);
    net.settle_mail();
    assert_eq!(net.round.status().connected, 7);
    net.run();
    is_exact(&net, "after connecting twice");
}

/// What the researcher has decided is not forgotten with the process.
#[test]
fn a_command_to_close_outlives_the_hospital() {
    let by_command = Closing { by_command: true, ..Closing::deadline(600_000) };
    let mut net = Net::new(study(|p| p.contributing = by_command), 3);
    all_answer(&mut net, &[1, 2, 3, 4]);
    net.run_until(|net| net.round.status().phase == Phase::Contributing);
    let closed = net.now;
    net.command(Command::CloseContributing);
    net.restart();
    net.run();
    assert_eq!(net.counted(), Some((4, 10)));
    assert!(net.now.since(closed) < 600_000, "not at the deadline");
}

#[test]
fn a_memory_is_of_use_as_long_as_its_peer_comes_back_and_a_promised_one_until_the_next_day() {
    let asked = study(|_| {});
    let hour = 60 * 60 * 1_000;
    let comes_back_ms = asked.longest_ms() + hour;
    let mut net = Net::new(asked, 3);
    all_answer(&mut net, &[1, 2, 3]);
    net.run();
    let contributing = memory(&net, 0, |record| matches!(record, peer::Record::Contributing(_)));
    assert_eq!(contributing.useful_for_ms(), comes_back_ms);
    let promised = memory(&net, 0, |record| matches!(record, peer::Record::Promised));
    assert_eq!(promised.useful_for_ms(), comes_back_ms + 24 * hour);
}
