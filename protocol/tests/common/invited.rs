//! Invited studies, their invitations, and credentials put together by hand, honest or not: the second
//! implementation of what PROTOCOL.md says about them.

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::seal::OpeningKey;
use wardsum_protocol::wire::{self, Rest};
use wardsum_protocol::{
    Admission, Authority, Entropy, Invitation, Study, StudyDigest, StudyParameters,
};

/// The seed of the authority of every invited study here.
pub const AUTHORITY: [u8; 32] = [0xa7; 32];

pub fn authority() -> Authority {
    Authority::new(&AUTHORITY)
}

/// A study for which the authority invites.
pub fn invited_study(change: impl FnOnce(&mut StudyParameters)) -> Study {
    super::study(|p| {
        p.admission = Admission::Invited { authority: *authority().key().as_bytes() };
        change(p);
    })
}

/// The seed of an invitation's one-time key.
pub fn one_time_seed(serial: u32) -> [u8; 32] {
    let mut seed = [0x11; 32];
    seed[..4].copy_from_slice(&serial.to_be_bytes());
    seed
}

/// The invitation with this number.
pub fn invitation(study: &Study, serial: u32, may_serve: bool) -> Invitation {
    authority()
        .invite(study, serial, may_serve, one_time_seed(serial).into())
        .expect("the study is the authority's")
}

pub const ENROLMENT: &str = "wardsum v1 sign invited enrolment";
pub const CONTRIBUTION: &str = "wardsum v1 sign invited contribution";

fn sign(seed: &[u8; 32], label: &str, parts: &[&[u8]]) -> [u8; 64] {
    let label = label.as_bytes();
    let message = [&[u8::try_from(label.len()).unwrap()], label, &parts.concat()].concat();
    SigningKey::from_bytes(seed).sign(&message).to_bytes()
}

/// What goes into a credential. Honest as [`Forged::honest`] makes it; tests change it.
#[derive(Clone)]
pub struct Forged {
    pub study: StudyDigest,
    pub authority: [u8; 32],
    pub serial: u32,
    /// 1 or 2, as the authority signs it.
    pub service: u8,
    /// The same, as it is shown.
    pub shown_service: u8,
    pub one_time: [u8; 32],
    /// Who signs as the holder.
    pub holder: [u8; 32],
}

impl Forged {
    pub fn honest(study: &Study, serial: u32) -> Self {
        let one_time = one_time_seed(serial);
        Self {
            study: study.digest(),
            authority: AUTHORITY,
            serial,
            service: 2,
            shown_service: 2,
            one_time,
            holder: one_time,
        }
    }

    fn grant(&self, service: u8) -> Vec<u8> {
        let key = SigningKey::from_bytes(&self.one_time).verifying_key();
        [&self.serial.to_be_bytes()[..], &[service], key.as_bytes()].concat()
    }

    /// What the authority signs.
    pub fn authority_signature(&self) -> [u8; 64] {
        let signed: [&[u8]; 2] = [self.study.as_bytes(), &self.grant(self.service)];
        sign(&self.authority, "wardsum v1 sign invitation", &signed)
    }

    /// The credential that shows this invitation for `parts`.
    pub fn credential(&self, label: &str, parts: &[&[u8]]) -> Vec<u8> {
        let holder = sign(&self.holder, label, parts);
        [&self.grant(self.shown_service)[..], &self.authority_signature(), &holder].concat()
    }
}

/// The fragment of a link that says this behind its version, with a checksum that fits.
pub fn link_of(version: u8, parts: &[&[u8]]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [&[version], parts.concat().as_slice()].concat();
    let label = b"wardsum v1 invitation link";
    let labelled = [&[u8::try_from(label.len()).unwrap()], &label[..], &bytes].concat();
    bytes.extend_from_slice(&Sha256::digest(labelled)[..4]);
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let three = [0, 1, 2].map(|at| u32::from(*chunk.get(at).unwrap_or(&0)));
        let number = three[0] << 16 | three[1] << 8 | three[2];
        (0..=chunk.len()).map(move |digit| ALPHABET[(number >> (18 - 6 * digit) & 63) as usize])
    });
    digits.map(char::from).collect()
}

/// The enrolment of a peer with this randomness, with what `credential` makes of its fields behind them.
pub fn enrolment(
    study: &Study,
    entropy: &Entropy,
    credential: impl FnOnce(&[u8]) -> Vec<u8>,
) -> SignedBytes {
    let identity = Identity::derive(entropy);
    let (_, sealing_key) = OpeningKey::derive(study.suite(), entropy);
    let len = u16::try_from(sealing_key.len()).unwrap().to_be_bytes();
    let id = identity.id();
    let mut body =
        [study.digest().as_bytes(), id.as_bytes().as_slice(), &len, &sealing_key].concat();
    let credential = credential(&body);
    body.extend_from_slice(&credential);
    identity.sign_body(SignatureLabel::Enrolment, &[], &Rest(body.into()))
}

/// The bytes of a committee.
pub fn committee(study: &Study, members: &[SignedBytes]) -> Vec<u8> {
    let members: Vec<u8> = members.iter().flat_map(wire::encode).collect();
    let len = u32::try_from(members.len()).unwrap().to_be_bytes();
    [study.digest().as_bytes(), &len[1..], &members].concat()
}
