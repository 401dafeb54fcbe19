//! A hospital that swaps keys and invents patients in an invited study, and invitations that say more
//! than their authority does: every peer refuses them by itself.

mod common;

use common::invited::{
    CONTRIBUTION, ENROLMENT, Forged, authority, committee, enrolment, invitation, invited_study,
    link_of, one_time_seed,
};
use common::{Net, number, study};
use sha2::{Digest as _, Sha256};
use wardsum_protocol::committee::{Committee, Enrolment};
use wardsum_protocol::contribution::Sender;
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{Delivery, HospitalMessage, PeerMessage, Welcome};
use wardsum_protocol::peer::{Event, Failure, Input, Output, Peer};
use wardsum_protocol::round::Refusal;
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{
    Challenge, CommitteeError, ContributionError, CredentialError, EnrolmentError, Entropy,
    IdentityError, Study, Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_000);

fn entropy(person: u8) -> Entropy {
    Entropy::new([person; 32])
}

/// The honest enrolment of a person whose invitation has the same number.
fn honest(study: &Study, person: u8) -> SignedBytes {
    shown(study, person, &Forged::honest(study, person.into()))
}

/// The enrolment of a person who shows this.
fn shown(study: &Study, person: u8, forged: &Forged) -> SignedBytes {
    enrolment(study, &entropy(person), |fields| forged.credential(ENROLMENT, &[fields]))
}

/// One peer and what it sends; it has answered.
struct Victim {
    peer: Peer,
    sent: Vec<PeerMessage>,
    events: Vec<Event>,
}

impl Victim {
    fn new(study: &Study, person: u8, may_serve: bool) -> Self {
        let link = invitation(study, person.into(), may_serve);
        let peer = Peer::invited(entropy(person), link, NOW);
        let mut victim = Self { peer, sent: Vec::new(), events: Vec::new() };
        victim.peer.handle(Input::Connected, NOW);
        let study = study.encode().into();
        victim.tell(&HospitalMessage::Welcome(Welcome { challenge: Challenge([3; 32]), study }));
        victim.peer.answer(number(5), NOW).expect("the answer is admissible");
        victim.drain();
        victim
    }

    fn tell(&mut self, message: &HospitalMessage) {
        self.peer.handle(Input::Message(wire::encode(message)), NOW);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                Output::Send(bytes) => self.sent.push(wire::decode(&bytes).expect("it decodes")),
                Output::Event(event) => self.events.push(event),
                Output::Timeout(Some(at)) if at <= NOW => self.peer.handle(Input::Timeout, NOW),
                _ => {}
            }
        }
    }

    fn contributed(&self) -> bool {
        self.sent.iter().any(|message| matches!(message, PeerMessage::Contribute(_)))
    }
}

/// Puts members 1 and 2 and this third one before somebody who may not serve, and before member 1:
/// both refuse the committee for the same reason, and send nothing.
#[track_caller]
fn refused_as_third(study: &Study, third: SignedBytes) -> CommitteeError {
    let bytes = committee(study, &[honest(study, 1), honest(study, 2), third]);
    let error = Committee::decode(study, &bytes).expect_err("such a committee is refused");
    for (person, may_serve) in [(1, true), (9, false)] {
        let mut victim = Victim::new(study, person, may_serve);
        victim.tell(&HospitalMessage::Committee(Rest(bytes.clone().into())));
        assert_eq!(victim.peer.failure(), Some(Failure::Committee(error)));
        assert!(!victim.contributed(), "nothing of the answer was sent");
    }
    error
}

#[track_caller]
fn refused_credential(study: &Study, third: SignedBytes) -> CredentialError {
    match refused_as_third(study, third) {
        CommitteeError::Member { number: 3, source: EnrolmentError::Credential(error) } => error,
        other => panic!("refused for another reason: {other}"),
    }
}

#[test]
fn a_committee_of_the_invited_is_accepted() {
    let study = invited_study(|_| ());
    let members = [1, 2, 3].map(|person| honest(&study, person));
    let bytes = committee(&study, &members);
    assert_eq!(Committee::decode(&study, &bytes).unwrap().size(), 3);
    let mut victim = Victim::new(&study, 9, false);
    victim.tell(&HospitalMessage::Committee(Rest(bytes.into())));
    assert!(victim.contributed() && victim.peer.failure().is_none());
    // What is put together here by hand is what a peer sends.
    let PeerMessage::Enrol(sent) = &Victim::new(&study, 1, true).sent[1] else {
        panic!("whoever may serve enrols")
    };
    assert_eq!(*sent, members[0]);
}

#[test]
fn keys_without_an_invitation_are_refused() {
    let study = invited_study(|_| ());
    let swapped = enrolment(&study, &entropy(66), |_| Vec::new());
    assert_eq!(refused_credential(&study, swapped), CredentialError::Missing);
}

/// What member 3 once showed is public. The hospital puts it behind keys of its own.
#[test]
fn keys_with_somebody_else_s_invitation_are_refused() {
    let study = invited_study(|_| ());
    let mut copied = Vec::new();
    enrolment(&study, &entropy(3), |fields| {
        copied = Forged::honest(&study, 3).credential(ENROLMENT, &[fields]);
        Vec::new()
    });
    let swapped = enrolment(&study, &entropy(66), |_| copied);
    assert_eq!(refused_credential(&study, swapped), CredentialError::Holder);
    // Nor does a one-time key of its own help.
    let forged = Forged { holder: [1; 32], ..Forged::honest(&study, 3) };
    assert_eq!(refused_credential(&study, shown(&study, 66, &forged)), CredentialError::Holder);
}

/// Everybody's keys but those of the victim, which looks for its own: with no invitations, with those that the
/// members once showed, or with invitations by an authority of the hospital's own.
#[test]
fn a_committee_of_the_hospital_s_keys_is_refused_by_its_one_honest_member() {
    type Show<'a> = &'a dyn Fn(u8, &[u8]) -> Vec<u8>;
    let study = invited_study(|_| ());
    let copied = |person: u8| {
        let mut shown = Vec::new();
        enrolment(&study, &entropy(person), |fields| {
            shown = Forged::honest(&study, person.into()).credential(ENROLMENT, &[fields]);
            Vec::new()
        });
        shown
    };
    let own = |person: u8, fields: &[u8]| {
        let forged = Forged { authority: [0x66; 32], ..Forged::honest(&study, person.into()) };
        forged.credential(ENROLMENT, &[fields])
    };
    let cases: [(Show<'_>, CredentialError); 3] = [
        (&|_, _| Vec::new(), CredentialError::Missing),
        (&|person, _| copied(person), CredentialError::Holder),
        (&own, CredentialError::Authority),
    ];
    for (show, error) in cases {
        let swapped =
            (2..=7).map(|person| enrolment(&study, &entropy(60 + person), |f| show(person, f)));
        let members: Vec<_> = [honest(&study, 1)].into_iter().chain(swapped).collect();
        let mut victim = Victim::new(&study, 1, true);
        victim.tell(&HospitalMessage::Committee(Rest(committee(&study, &members).into())));
        let source = EnrolmentError::Credential(error);
        let refused = CommitteeError::Member { number: 2, source };
        assert_eq!(victim.peer.failure(), Some(Failure::Committee(refused)));
        assert!(!victim.contributed(), "nothing of the answer was sent");
    }
}

/// A sealing key of the hospital's behind the verifying key of a patient who helps it, or whose one-time
/// signature it has: that covers both keys.
#[test]
fn an_invitation_covers_the_sealing_key() {
    let study = invited_study(|_| ());
    let forged = Forged::honest(&study, 3);
    let swapped = enrolment(&study, &entropy(3), |fields| {
        let mut others = fields.to_vec();
        *others.last_mut().unwrap() ^= 1;
        forged.credential(ENROLMENT, &[&others])
    });
    assert_eq!(refused_credential(&study, swapped), CredentialError::Holder);
}

#[test]
fn an_invitation_by_somebody_else_is_refused() {
    let study = invited_study(|_| ());
    let forged = Forged { authority: [0x66; 32], ..Forged::honest(&study, 3) };
    assert_eq!(refused_credential(&study, shown(&study, 3, &forged)), CredentialError::Authority);
}

#[test]
fn an_invitation_to_another_study_is_refused() {
    let study = invited_study(|_| ());
    let other = invited_study(|p| p.instance[0] ^= 1);
    let forged = Forged { study: other.digest(), ..Forged::honest(&study, 3) };
    assert_eq!(refused_credential(&study, shown(&study, 3, &forged)), CredentialError::Authority);
}

#[test]
fn a_member_who_may_not_serve_is_refused() {
    let study = invited_study(|_| ());
    let forged = Forged { service: 1, shown_service: 1, ..Forged::honest(&study, 3) };
    assert_eq!(refused_credential(&study, shown(&study, 3, &forged)), CredentialError::MayNotServe);
}

#[test]
fn an_invitation_edited_to_let_serve_is_refused() {
    let study = invited_study(|_| ());
    let forged = Forged { service: 1, ..Forged::honest(&study, 3) };
    assert_eq!(refused_credential(&study, shown(&study, 3, &forged)), CredentialError::Authority);
}

/// A contributor's signature is no enrolment.
#[test]
fn an_invitation_shown_for_contributing_enrols_nobody() {
    let study = invited_study(|_| ());
    let forged = Forged::honest(&study, 3);
    let third = enrolment(&study, &entropy(3), |fields| forged.credential(CONTRIBUTION, &[fields]));
    assert_eq!(refused_credential(&study, third), CredentialError::Holder);
}

#[test]
fn one_invitation_for_two_members_is_refused() {
    let study = invited_study(|_| ());
    // The same one, and two that an authority gave the same number, or the same key.
    let one_number = Forged {
        one_time: one_time_seed(77),
        holder: one_time_seed(77),
        ..Forged::honest(&study, 2)
    };
    let one_key = Forged { serial: 77, ..Forged::honest(&study, 2) };
    for forged in [Forged::honest(&study, 2), one_number, one_key] {
        let error = refused_as_third(&study, shown(&study, 3, &forged));
        assert_eq!(error, CommitteeError::InvitationTwice { number: 3 });
    }
}

#[test]
fn a_credential_that_is_cut_or_continued_is_malformed() {
    let study = invited_study(|_| ());
    let forged = Forged::honest(&study, 3);
    for change in [-1_isize, 1] {
        let third = enrolment(&study, &entropy(3), |fields| {
            let mut credential = forged.credential(ENROLMENT, &[fields]);
            credential.resize(credential.len().strict_add_signed(change), 0);
            credential
        });
        let error = Enrolment::verify(&study, third).unwrap_err();
        assert_eq!(error, EnrolmentError::Identity(IdentityError::Body));
    }
    let credential =
        |fields: &[u8]| Forged { service: 3, ..forged }.credential(ENROLMENT, &[fields]);
    let third = enrolment(&study, &entropy(3), credential);
    assert!(Enrolment::verify(&study, third).is_err());
}

#[test]
fn an_open_study_knows_no_credentials() {
    let open = study(|_| ());
    let forged = Forged::honest(&open, 3);
    let shown = enrolment(&open, &entropy(3), |fields| forged.credential(ENROLMENT, &[fields]));
    let error = Enrolment::verify(&open, shown).unwrap_err();
    assert_eq!(error, EnrolmentError::Identity(IdentityError::Body));
    let members = [1, 2, 3].map(|person| enrolment(&open, &entropy(person), |_| Vec::new()));
    let bytes = committee(&open, &members);
    let committee = Committee::decode(&open, &bytes).unwrap();
    let error = invited_sender(&open, 9, &forged).resolve(&open, &committee).unwrap_err();
    assert_eq!(error, ContributionError::Credential(CredentialError::Open));
}

/// Somebody who only contributes, as it names itself with this invitation.
fn invited_sender(study: &Study, person: u8, forged: &Forged) -> Sender {
    let id = Identity::derive(&entropy(person)).id();
    let study = study.digest();
    let credential = forged.credential(CONTRIBUTION, &[study.as_bytes(), id.as_bytes()]);
    wire::decode(&[&[3], id.as_bytes().as_slice(), &credential].concat()).expect("it is a sender")
}

/// A share for member 1 of three, which this person has signed. That it does not open is another matter.
fn delivery(
    (study, committee): (&Study, &Committee),
    number: u32,
    (sender, person): (&Sender, u8),
) -> Delivery {
    let share = vec![0; study.sealed_share_len()];
    let path = [[1; 32], [2; 32]];
    let leaf = Sha256::digest([&[0], share.as_slice()].concat());
    let node = Sha256::digest([&[1], leaf.as_slice(), &path[0]].concat());
    let root = Sha256::digest([&[1], node.as_slice(), &path[1]].concat());
    let identity = Identity::derive(&entropy(person));
    let id = identity.id();
    let label = b"\x17wardsum v1 contribution".as_slice();
    let (study, committee) = (study.digest(), committee.digest());
    let parts = [label, study.as_bytes(), committee.as_bytes(), id.as_bytes(), &root];
    let digest = Sha256::digest(parts.concat());
    let signature = identity.sign(SignatureLabel::Contribution, &[&digest]);
    let (path, share) = (path.concat().into(), Rest(share.into()));
    Delivery { number, sender: sender.clone(), signature, path, share }
}

/// Delivers shares of these to member 1, each signed by the person with this number; returns why its part ended, if it
/// did, and how many it took.
fn delivered(study: &Study, senders: &[(Sender, u8)]) -> (Option<Failure>, usize) {
    let members = [1, 2, 3].map(|person| honest(study, person));
    let mut victim = Victim::new(study, 1, true);
    let bytes = committee(study, &members);
    let committee = Committee::decode(study, &bytes).unwrap();
    victim.tell(&HospitalMessage::Committee(Rest(bytes.into())));
    assert!(victim.contributed());
    for (number, (sender, person)) in (0..).zip(senders) {
        let delivery = delivery((study, &committee), number, (sender, *person));
        victim.tell(&HospitalMessage::Deliver(delivery));
    }
    let took = victim.events.iter().filter(|event| matches!(event, Event::ShareReceived { .. }));
    (victim.peer.failure(), took.count())
}

#[test]
fn a_member_takes_shares_of_the_invited() {
    let study = invited_study(|_| ());
    let serves = Forged::honest(&study, 8);
    let contributes = Forged { service: 1, shown_service: 1, ..Forged::honest(&study, 9) };
    let senders = [
        (Sender::Member(2), 2),
        (invited_sender(&study, 8, &serves), 8),
        (invited_sender(&study, 9, &contributes), 9),
        // The same person once more is noted as a contribution too many, and is nobody's fault yet.
        (invited_sender(&study, 9, &contributes), 9),
    ];
    assert_eq!(delivered(&study, &senders), (None, 4));
}

#[test]
fn a_member_refuses_invented_contributors() {
    let study = invited_study(|_| ());
    let good = Forged::honest(&study, 8);
    let other = invited_study(|p| p.instance[0] ^= 1);
    let id = *Identity::derive(&entropy(8)).id().as_bytes();
    let invented = [
        // No invitation, one of another authority's making, or to another study, or edited.
        Sender::Visitor(id),
        invited_sender(&study, 8, &Forged { authority: [0x66; 32], ..good.clone() }),
        invited_sender(&study, 8, &Forged { study: other.digest(), ..good.clone() }),
        invited_sender(&study, 8, &Forged { service: 1, ..good.clone() }),
        // Somebody else's.
        invited_sender(&study, 8, &Forged { holder: [1; 32], ..good.clone() }),
        // A member's.
        invited_sender(&study, 8, &Forged::honest(&study, 2)),
    ];
    for sender in invented {
        assert_eq!(
            delivered(&study, &[(sender.clone(), 8)]),
            (Some(Failure::ForeignSender), 0),
            "{sender:?}"
        );
    }
}

/// All others in the round would be patients of the hospital's, whose answers it knows. The member stops at the first of
/// them, before there is a sum that it could help to open.
#[test]
fn a_member_whose_round_is_filled_with_invented_people_stops() {
    let study = invited_study(|_| ());
    let invented = (20..=30).map(|person: u8| {
        let forged = Forged { authority: [0x66; 32], ..Forged::honest(&study, person.into()) };
        (invited_sender(&study, person, &forged), person)
    });
    let senders: Vec<_> = [(Sender::Member(1), 1)].into_iter().chain(invented).collect();
    assert_eq!(delivered(&study, &senders), (Some(Failure::ForeignSender), 1));
}

#[test]
fn a_member_refuses_one_invitation_for_two_contributors() {
    let study = invited_study(|_| ());
    let good = Forged::honest(&study, 8);
    let senders = [(invited_sender(&study, 8, &good), 8), (invited_sender(&study, 9, &good), 9)];
    assert_eq!(delivered(&study, &senders), (Some(Failure::ForeignSender), 1));
}

/// The hospital, for its part, closes the connection of whoever shows what does not hold.
#[test]
fn the_hospital_turns_away_who_is_not_invited() {
    let study = invited_study(|_| ());
    let good = Forged::honest(&study, 8);
    let may_not = Forged { service: 1, shown_service: 1, ..good.clone() };
    let cases = [
        (enrolment(&study, &entropy(8), |_| Vec::new()), CredentialError::Missing),
        (shown(&study, 8, &may_not), CredentialError::MayNotServe),
        (shown(&study, 8, &Forged { service: 1, ..good }), CredentialError::Authority),
    ];
    for (signed, error) in cases {
        let mut net = Net::new(study.clone(), 1);
        let connection = net.join_raw();
        let [identify, _] =
            net.compose_invited(connection, entropy(8), invitation(&study, 8, true));
        net.send_raw(connection, identify);
        net.send_raw(connection, wire::encode(&PeerMessage::Enrol(signed)));
        let refusal = Refusal::Enrolment(EnrolmentError::Credential(error));
        assert_eq!((refusal.code(), net.raw_closed[&connection]), (4401, refusal));
    }
}

/// A link that its own authority has not signed is no better for having a checksum that fits.
#[test]
fn a_link_of_somebody_else_s_making_is_told_from_a_damaged_one() {
    use wardsum_protocol::{Invitation, LinkError};
    let study = invited_study(|_| ());
    let link = |version: u8, service: u8, signature: &[u8; 64]| {
        let (study, key) = (study.digest(), authority().key());
        let (seed, serial) = (one_time_seed(8), 8_u32.to_be_bytes());
        let parts: [&[u8]; 6] =
            [study.as_bytes(), key.as_bytes(), &seed, &serial, &[service], signature];
        link_of(version, &parts)
    };
    let signature = Forged::honest(&study, 8).authority_signature();
    let good = link(1, 2, &signature);
    assert_eq!(good, *invitation(&study, 8, true).fragment());
    let parse = |fragment: String| Invitation::parse(&fragment).unwrap_err();
    assert_eq!(parse(link(2, 2, &signature)), LinkError::Version(2));
    assert_eq!(parse(link(1, 3, &signature)), LinkError::Malformed);
    assert_eq!(parse(link(1, 1, &signature)), LinkError::Signature);
    assert_eq!(parse(link(1, 2, &[7; 64])), LinkError::Signature);
}
