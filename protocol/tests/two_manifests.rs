//! A hospital that tells two groups of members different manifests, so that the difference of two sums would be
//! somebody's answer: it never opens both.

mod common;

use common::{Net, settle, study, verdict_bytes};
use wardsum_protocol::aggregate::combine;
use wardsum_protocol::manifest::Commitment;
use wardsum_protocol::messages::HospitalMessage;
use wardsum_protocol::peer::{Failure, Stage};
use wardsum_protocol::round::Record;
use wardsum_protocol::sharing::{Share, threshold};
use wardsum_protocol::verdict::Verdict;
use wardsum_protocol::{ContributionDigest, PeerId, wire};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// `k` members, who answer 0, 1, 2 and so on, and a visitor who answers 7. All hold all shares, and the manifest is not
/// fixed yet. The visitor's number is `k`.
fn delivered(k: u8) -> Net {
    let study = study(|p| {
        (p.committee_cap, p.minimum_cohort) = (k.into(), 3);
        p.contributing = settle(600_000);
    });
    let mut net = Net::new(study, 37);
    common::all_answer(&mut net, &(0..k.into()).collect::<Vec<_>>());
    net.run_until(|net| net.round.status().contributed == u32::from(k));
    let visitor = net.join();
    net.settle_mail();
    net.answer(visitor, 7);
    net.run_until(|net| net.round.status().contributed == u32::from(k) + 1);
    net.settle_mail();
    net
}

fn contributions(net: &Net) -> Vec<(PeerId, ContributionDigest)> {
    let entry = |(_, record): &(_, Record)| match record {
        Record::Contributed(contributed) => Some((contributed.sender, contributed.digest)),
        _ => None,
    };
    net.journal.iter().filter_map(entry).collect()
}

/// Tells a member that the first `size` contributions are counted.
fn told(net: &mut Net, member: usize, size: usize) {
    let digests: Vec<_> = contributions(net).iter().map(|(_, digest)| *digest).take(size).collect();
    net.tell(member, wire::encode(&HospitalMessage::Manifest(digests.into())));
}

/// The partial aggregate that each of `k` members gives that is told one manifest and the verdict for it, then the
/// other one, and the other one once more after a reload.
fn partials(k: u8, which: usize) -> Vec<Share> {
    let mut net = delivered(k);
    let sizes = [usize::from(k) + 1, usize::from(k)];
    let (first, second) = (sizes[which], sizes[1 - which]);
    let members: Vec<u8> = (1..=k).collect();
    let bytes = verdict_bytes(&members, &[]);
    for member in 0..usize::from(k) {
        told(&mut net, member, first);
        net.tell(member, wire::encode(&HospitalMessage::Verdict(bytes.clone())));
        told(&mut net, member, second);
        net.reload(member);
        net.run_until(|net| net.patients[member].peer.stage() == Stage::AwaitingManifest);
        net.settle_mail();
        told(&mut net, member, second);
        assert_eq!(net.failure(member), Some(Failure::Equivocation));
    }
    let (study, committee) = (net.round.study(), net.committee().unwrap());
    let entries = contributions(&net);
    let commitment = Commitment::of(entries[..first].iter().map(|(id, digest)| (id, *digest)));
    let verdict = Verdict::read(&bytes, study, &committee, commitment).unwrap();
    let known = (&verdict, verdict.digest(commitment.digest(study, &committee)));
    let mut shares: Vec<Share> = (0..usize::from(k))
        .map(|member| {
            let given = net.only_partial(member);
            given.verify(study, &committee, known).expect("it is for the first one")
        })
        .collect();
    shares.sort_by_key(|share| share.index);
    shares
}

/// Every split of up to nine members in those who are told that the visitor counts, and those who are told that it
/// does not.
#[test]
fn two_manifests_never_open_two_sums() {
    let most_members = if cfg!(target_arch = "wasm32") { 5 } else { 9 };
    for k in 3..=most_members {
        let net = delivered(k);
        let (study, committee) = (net.round.study(), net.committee().unwrap());
        let given = [partials(k, 0), partials(k, 1)];
        let total: i128 = (0..k.into()).sum();
        let sums = [(u32::from(k) + 1, total + 7), (u32::from(k), total)];
        let opened = |which: usize, group: u32| {
            let in_group = |share: &&Share| group >> share.index.position() & 1 == 1;
            let shares: Vec<Share> = given[which].iter().filter(in_group).cloned().collect();
            let decoded = combine(study, &committee, sums[which].0, &shares).ok();
            let sum = u128::try_from(sums[which].1).unwrap();
            decoded.map(|decoded| assert_eq!(decoded.result, [sum])).is_some()
        };
        let all = (1_u32 << k) - 1;
        for group in 0..=all {
            let (with, without) = (opened(0, group), opened(1, all & !group));
            assert_eq!(with, group.count_ones() >= u32::from(threshold(k)));
            assert!(!(with && without), "{k} members, {group:b} are told that the visitor counts");
        }
        // What either side would learn if this were not so.
        assert!(opened(0, all) && opened(1, all), "each manifest alone opens its sum");
    }
}
