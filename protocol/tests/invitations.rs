//! Invited studies: who takes part with which link, and what is wrong with a link that does not work.

mod common;

use common::Net;
use common::invited::{authority, invitation, invited_study};
use wardsum_protocol::invitation::{LINK_LEN, NotTheAuthority};
use wardsum_protocol::peer::{Event, Failure, OwnAnswer, Role, Stage};
use wardsum_protocol::round::{Command, Record, Refusal};
use wardsum_protocol::{Authority, Invitation, LinkError, MismatchError, Phase, Study};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// People with invitations 1, 2, 3, and so on open their links and answer 1, 2, 3; the first
/// `may_serve` of them may serve.
fn invited(net: &mut Net, people: u32, may_serve: u32) -> Vec<usize> {
    let study = net.round.study().clone();
    let links = (1..=people).map(|serial| invitation(&study, serial, serial <= may_serve));
    let patients: Vec<usize> = links.map(|link| net.join_invited(link)).collect();
    net.settle_mail();
    for (patient, value) in patients.iter().zip(1..) {
        net.answer(*patient, value);
    }
    patients
}

fn roles(net: &Net, patients: &[usize]) -> Vec<bool> {
    let role = |patient: &usize| {
        net.patients[*patient].events.iter().find_map(|event| match event {
            Event::CommitteeFixed { role, .. } => Some(matches!(role, Role::Member { .. })),
            _ => None,
        })
    };
    patients.iter().map(|patient| role(patient).expect("the committee was fixed")).collect()
}

#[test]
fn everybody_counts_and_only_those_who_may_serve_do() {
    let mut net = Net::new(invited_study(|_| ()), 1);
    let patients = invited(&mut net, 7, 4);
    net.run();
    assert_eq!(net.counted(), Some((7, 28)));
    assert_eq!(roles(&net, &patients), [true, true, true, true, false, false, false]);
    for patient in patients {
        assert_eq!(net.published(patient).unwrap().own, OwnAnswer::Counted);
    }
}

/// Whoever may not serve waits, over lost connections and reloads, without ever asking for a seat.
#[test]
fn whoever_may_not_serve_waits_for_the_committee() {
    let mut net = Net::new(invited_study(|p| p.enrolment.settle_ms = None), 2);
    let patients = invited(&mut net, 2, 0);
    net.settle_mail();
    assert_eq!(net.round.status().enrolled, 0);
    net.reload(patients[0]);
    net.lose(patients[1]);
    net.run_until(|net| net.under_way(net.patients[0].connection) == 0 && net.now.0 > 50_000);
    assert_eq!(net.patients[0].peer.stage(), Stage::AwaitingCommittee);
    assert_eq!(net.round.status().enrolled, 0);
    assert!(!net.patients[0].events.contains(&Event::Enrolled));

    let study = net.round.study().clone();
    for serial in 11..=13 {
        let member = net.join_invited(invitation(&study, serial, true));
        net.settle_mail();
        net.answer(member, 5);
    }
    net.run();
    assert_eq!(net.counted(), Some((5, 18)));
}

#[test]
fn too_few_who_may_serve_are_too_few() {
    let mut net = Net::new(invited_study(|_| ()), 3);
    invited(&mut net, 6, 2);
    net.run();
    assert_eq!(net.round.status().phase, Phase::Ended);
}

/// A patient with this link opens the page; returns why its part ended before it could answer.
fn turned_away(study: Study, link: Option<Invitation>) -> Option<Failure> {
    let mut net = Net::new(study, 4);
    let patient = match link {
        Some(link) => net.join_invited(link),
        None => net.join(),
    };
    net.settle_mail();
    assert!(net.patients[patient].memory.is_none());
    net.failure(patient)
}

#[test]
fn an_invited_study_is_for_the_invited() {
    let study = invited_study(|_| ());
    assert_eq!(turned_away(study, None), Some(Failure::NotInvited));
}

#[test]
fn a_link_leads_to_one_round_of_one_study() {
    let study = invited_study(|_| ());
    let link = invitation(&study, 1, true);
    let foreign = Some(Failure::ForeignInvitation(MismatchError::ForeignStudy));
    let next_round = invited_study(|p| p.instance[0] ^= 1);
    assert_eq!(turned_away(next_round, Some(link.clone())), foreign);
    assert_eq!(turned_away(common::study(|_| ()), Some(link.clone())), foreign);
    assert_eq!(turned_away(study, Some(link)), None);
}

#[test]
fn an_authority_invites_to_its_own_studies() {
    let other = Authority::new(&[1; 32]);
    let seed = [2; 32];
    let study = invited_study(|_| ());
    assert_eq!(other.invite(&study, 1, true, seed.into()).unwrap_err(), NotTheAuthority);
    let open = common::study(|_| ());
    assert_eq!(authority().invite(&open, 1, true, seed.into()).unwrap_err(), NotTheAuthority);
}

#[test]
fn a_link_says_all_that_an_invitation_is() {
    let study = invited_study(|_| ());
    for (serial, may_serve) in [(1, true), (u32::MAX, false)] {
        let link = invitation(&study, serial, may_serve);
        let fragment = link.fragment();
        assert_eq!(fragment.len(), LINK_LEN);
        let read = Invitation::parse(&fragment).unwrap();
        assert_eq!((read.study(), read.serial()), (study.digest(), serial));
        assert_eq!(read.may_serve(), may_serve);
        assert_eq!(read.check(&study), Ok(()));
        assert_eq!(*read.fragment(), *fragment);
        // Neither shows what only its holder may know.
        assert!(!format!("{link:?}").contains(&fragment[90..120]));
    }
}

#[test]
fn a_link_cut_anywhere_says_how_much_is_missing() {
    let fragment = invitation(&invited_study(|_| ()), 1, true).fragment();
    for len in 0..LINK_LEN {
        let error = Invitation::parse(&fragment[..len]).unwrap_err();
        assert_eq!(error, LinkError::TooShort { missing: LINK_LEN - len });
    }
    for extra in 1..=8 {
        let longer = format!("{}{}", *fragment, "A".repeat(extra));
        assert_eq!(Invitation::parse(&longer).unwrap_err(), LinkError::TooLong { extra });
    }
}

#[test]
fn a_link_with_any_character_changed_is_damaged() {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let fragment = invitation(&invited_study(|_| ()), 1, true).fragment();
    for (position, original) in fragment.char_indices() {
        for letter in LETTERS.chars().filter(|letter| *letter != original) {
            let mut edited = fragment.clone();
            edited.replace_range(position..=position, letter.encode_utf8(&mut [0; 4]));
            let error = Invitation::parse(&edited).unwrap_err();
            assert_eq!(error, LinkError::Damaged, "{letter} at {position}");
        }
    }
    for (position, found) in [(0, ' '), (5, '='), (100, '+'), (226, '.'), (40, 'é')] {
        let mut edited = fragment.clone();
        edited.replace_range(position..=position, found.encode_utf8(&mut [0; 4]));
        let error = Invitation::parse(&edited).unwrap_err();
        assert_eq!(error, LinkError::Character { position: position + 1, found });
    }
}

#[test]
fn one_invitation_enrols_one_peer() {
    let mut net = Net::new(invited_study(|p| p.enrolment.settle_ms = None), 5);
    let study = net.round.study().clone();
    let [first, second] = [(); 2].map(|()| net.join_invited(invitation(&study, 1, true)));
    net.settle_mail();
    net.answer(first, 1);
    net.settle_mail();
    net.answer(second, 2);
    net.settle_mail();
    assert_eq!(net.patients[second].closed, Some(Refusal::InvitationUsed));
    assert_eq!(net.failure(second), Some(Failure::InvitationUsed));
    assert!(net.patients[second].memory.is_none(), "nothing of the answer stays behind");
    assert_eq!((net.round.status().enrolled, net.failure(first)), (1, None));

    // Whoever leaves before the committee is fixed has not used it.
    net.leave_for_good(first);
    let third = net.join_invited(invitation(&study, 1, true));
    net.settle_mail();
    net.answer(third, 3);
    net.settle_mail();
    assert_eq!((net.round.status().enrolled, net.failure(third)), (1, None));
}

/// Three members with invitations 1 to 3 and a visitor with 4, who has contributed.
fn with_a_visitor() -> Net {
    let mut net = Net::new(invited_study(|p| p.contributing.settle_ms = Some(60_000)), 6);
    let patients = invited(&mut net, 4, 3);
    let visitor = patients[3];
    net.run_until(|net| {
        net.patients[visitor].events.contains(&Event::ContributionAcknowledged)
            && net.round.status().contributed == 4
    });
    net
}

/// Somebody comes to a round that counts contributions, with the invitation of this number.
fn latecomer(net: &mut Net, serial: u32, may_serve: bool) -> usize {
    let study = net.round.study().clone();
    let late = net.join_invited(invitation(&study, serial, may_serve));
    net.settle_mail();
    net.answer(late, 9);
    net.run_until(|net| {
        net.failure(late).is_some()
            || net.patients[late].events.contains(&Event::ContributionAcknowledged)
    });
    late
}

#[test]
fn one_invitation_contributes_once() {
    let mut net = with_a_visitor();
    // A member's, and a visitor's.
    for (serial, may_serve) in [(2, true), (4, false)] {
        let late = latecomer(&mut net, serial, may_serve);
        assert_eq!(net.failure(late), Some(Failure::InvitationUsed));
    }
    let late = latecomer(&mut net, 5, true);
    assert_eq!(net.failure(late), None);
    net.run();
    assert_eq!(net.counted(), Some((5, 19)));
}

#[test]
fn a_hospital_that_restarts_knows_which_invitations_are_used() {
    let mut net = with_a_visitor();
    net.restart();
    for (serial, may_serve) in [(1, true), (4, false)] {
        let late = latecomer(&mut net, serial, may_serve);
        assert_eq!(net.failure(late), Some(Failure::InvitationUsed));
    }
    // Those whose invitations they are come back.
    net.run();
    assert_eq!(net.counted(), Some((4, 10)));
}

/// The process dies when it is written down that an invitation is used, and the contribution is not.
#[test]
fn an_invitation_that_was_noted_alone_is_still_its_sender_s() {
    let mut net = with_a_visitor();
    let sender = latecomer(&mut net, 5, false);
    let Some((_, Record::Contributed(contributed))) = net.journal.pop() else {
        panic!("the latecomer's contribution came last")
    };
    let Some((_, Record::InvitationUsed { ticket, sender: noted, .. })) = net.journal.last() else {
        panic!("what was noted before it is the invitation")
    };
    assert_eq!((ticket.serial, *noted), (5, contributed.sender));
    net.restart();
    net.reload(sender);
    net.run_until(|net| net.round.status().contributed == 5);
    let another = latecomer(&mut net, 5, false);
    assert_eq!(net.failure(another), Some(Failure::InvitationUsed));
    let noted = |(_, record): &&_| matches!(record, Record::InvitationUsed { .. });
    assert!(net.journal.iter().filter(noted).count() >= 2, "the visitors' invitations are noted");
    // And as often as it was noted, it can be read again.
    net.restart();
    net.run();
    assert_eq!(net.counted(), Some((5, 19)));
}

#[test]
fn a_revoked_invitation_is_sent_away_before_and_after() {
    for restarts in [false, true] {
        let mut net = Net::new(invited_study(|p| p.enrolment.settle_ms = Some(60_000)), 7);
        let patients = invited(&mut net, 6, 4);
        net.settle_mail();
        assert_eq!(net.round.status().enrolled, 4);
        // One that has enrolled, one that waits, and one that has not come.
        net.command(Command::RevokeInvitations(vec![2, 6, 7]));
        net.settle_mail();
        assert_eq!(net.failure(patients[1]), Some(Failure::InvitationRevoked));
        assert_eq!((net.round.status().enrolled, net.failure(patients[5])), (3, None));
        if restarts {
            net.restart();
        }
        let late = {
            let study = net.round.study().clone();
            net.join_invited(invitation(&study, 7, true))
        };
        net.settle_mail();
        net.answer(late, 9);
        net.run();
        assert_eq!(net.failure(late), Some(Failure::InvitationRevoked));
        assert_eq!(net.failure(patients[5]), Some(Failure::InvitationRevoked));
        assert_eq!(net.counted(), Some((4, 1 + 3 + 4 + 5)));
        // The same list once more is written down once.
        let lists = |(_, record): &&_| matches!(record, Record::InvitationsRevoked(_));
        assert_eq!(net.journal.iter().filter(lists).count(), 1);
    }
}

/// The process dies when the list is written down, and nothing of what follows from it.
#[test]
fn a_revocation_that_was_written_down_takes_effect() {
    let mut net = Net::new(invited_study(|p| p.enrolment.settle_ms = Some(60_000)), 9);
    let patients = invited(&mut net, 4, 4);
    net.settle_mail();
    net.command(Command::RevokeInvitations(vec![2]));
    assert!(matches!(net.journal.pop(), Some((_, Record::Withdrawn(_)))));
    net.restart();
    net.run();
    assert_eq!(net.failure(patients[1]), Some(Failure::InvitationRevoked));
    assert_eq!(net.counted(), Some((3, 8)));
}

#[test]
fn invitations_are_revoked_before_the_committee_is_fixed_and_in_invited_studies() {
    let revoke = Command::RevokeInvitations(vec![1]);
    let refused = wardsum_protocol::round::Event::CommandRefused(revoke.clone());
    let mut net = with_a_visitor();
    net.command(revoke.clone());
    assert!(net.events.contains(&refused));
    let mut net = Net::new(common::study(|_| ()), 8);
    net.command(revoke);
    assert!(net.events.contains(&refused));
}
