//! What a peer does with its keys, written down a second time from the document: with it the
//! tests open what the implementation sealed, and sign what no honest peer would.

use chacha20::ChaCha20Rng;
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::{Rng, SeedableRng};
use sha2::{Digest as _, Sha256};

/// `uint8 length || label`, which every signed or hashed text begins with.
pub(crate) fn labelled(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let len = u8::try_from(label.len()).expect("labels are short");
    [&[len], label.as_bytes(), &parts.concat()].concat()
}

pub(crate) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(labelled(label, parts)).into()
}

/// The root of the tree over these leaves (RFC 9162, section 2.1.1).
pub(crate) fn merkle_root<L: AsRef<[u8]>>(leaves: &[L]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], leaf.as_ref()].concat()).into(),
        _ => {
            let (left, right) = halves(leaves);
            let pair = [[1].as_slice(), &merkle_root(left), &merkle_root(right)].concat();
            Sha256::digest(pair).into()
        }
    }
}

/// The inclusion proof of one of them (section 2.1.3.1).
pub(crate) fn merkle_path<L: AsRef<[u8]>>(leaves: &[L], position: usize) -> Vec<u8> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = halves(leaves);
    match position.checked_sub(left.len()) {
        None => [merkle_path(left, position).as_slice(), &merkle_root(right)].concat(),
        Some(position) => [merkle_path(right, position).as_slice(), &merkle_root(left)].concat(),
    }
}

fn halves<L>(leaves: &[L]) -> (&[L], &[L]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

/// The digest of a contribution of these sealed shares; `digests` are those of study and committee.
pub(crate) fn contribution_digest<L: AsRef<[u8]>>(
    digests: [&[u8]; 2],
    sender: &[u8; 32],
    sealed_shares: &[L],
) -> [u8; 32] {
    let root = merkle_root(sealed_shares);
    hash("wardsum v1 contribution", &[digests[0], digests[1], sender, &root])
}

/// Somebody's elements of 16 bytes, one after the other, each behind the salt that comes of the entropy.
pub(crate) fn openings(entropy: &[u8; 32], verdict: &[u8], place: u8, elements: &[u8]) -> Vec<u8> {
    let key = expand(entropy, &[b"wardsum v1 salts".as_slice(), verdict, &[place]].concat());
    let mut salts = ChaCha20Rng::from_seed(key);
    let mut openings = Vec::new();
    for element in elements.chunks(16) {
        let mut salt = [0; 16];
        salts.fill_bytes(&mut salt);
        openings.extend([salt.as_slice(), element].concat());
    }
    openings
}

/// What a member signs for its partial aggregate of these elements with their salts, one after the other.
pub(crate) fn elements_digest(verdict: &[u8], place: u8, openings: &[u8]) -> [u8; 32] {
    let digests: Vec<u8> = (0..)
        .zip(openings.chunks(32))
        .flat_map(|(at, of)| element_digest(verdict, place, at, of))
        .collect();
    hash("wardsum v1 partial aggregate elements", &[&digests])
}

/// The digest of one of them.
pub(crate) fn element_digest(verdict: &[u8], place: u8, at: u32, opening: &[u8]) -> [u8; 32] {
    let parts = [verdict, &[place], &at.to_be_bytes(), opening];
    hash("wardsum v1 partial aggregate element", &parts)
}

/// A list behind its length in three bytes.
pub(crate) fn behind_its_length(list: &[u8]) -> Vec<u8> {
    let len = u32::try_from(list.len()).expect("a short list").to_be_bytes();
    [&len[1..], list].concat()
}

/// What a peer's 32 bytes of entropy become.
pub(crate) fn expand(entropy: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut okm = [0; 32];
    Hkdf::<Sha256>::new(None, entropy).expand(info, &mut okm).expect("32 bytes are few");
    okm
}

/// One person's keys.
pub(crate) struct Keys {
    pub(crate) signing: SigningKey,
    pub(crate) sealing_private: Vec<u8>,
    pub(crate) sealing_public: Vec<u8>,
    suite: u8,
}

impl Keys {
    pub(crate) fn derive(entropy: &[u8; 32], suite: u8) -> Self {
        let signing = SigningKey::from_bytes(&expand(entropy, b"wardsum v1 signing key"));
        let ikm = expand(entropy, &[b"wardsum v1 sealing key".as_slice(), &[suite]].concat());
        let (sealing_private, sealing_public) = match suite {
            1 => pair::<XWing>(&ikm),
            _ => pair::<X25519HkdfSha256>(&ikm),
        };
        Self { signing, sealing_private, sealing_public, suite }
    }

    pub(crate) fn verifying(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, label: &str, parts: &[&[u8]]) -> [u8; 64] {
        self.signing.sign(&labelled(label, parts)).to_bytes()
    }

    /// A message that is one signed body: `type || opaque body<0..2^16-1> || signature`.
    pub(crate) fn signed_message(&self, kind: u8, label: &str, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).expect("bodies are short").to_be_bytes();
        [[kind].as_slice(), &len, body, &self.sign(label, &[body])].concat()
    }

    pub(crate) fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Vec<u8> {
        match self.suite {
            1 => open::<XWing>(&self.sealing_private, info, aad, sealed),
            _ => open::<X25519HkdfSha256>(&self.sealing_private, info, aad, sealed),
        }
    }
}

fn pair<K: Kem>(ikm: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (private, public) = K::derive_keypair(ikm);
    (private.to_bytes().to_vec(), public.to_bytes().to_vec())
}

fn open<K: Kem>(private: &[u8], info: &[u8], aad: &[u8], sealed: &[u8]) -> Vec<u8> {
    let private = K::PrivateKey::from_bytes(private).expect("a private key");
    let (encapsulated, ciphertext) = sealed.split_at(<K::EncappedKey as Serializable>::size());
    let encapsulated = K::EncappedKey::from_bytes(encapsulated).expect("an encapsulated key");
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        ciphertext,
        aad,
    )
    .expect("what was sealed to this key opens")
}

/// Seals with X25519 and randomness that is the same each time.
pub(crate) fn seal(public: &[u8], info: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(public).expect("a public key");
    let mut rng = ChaCha20Rng::from_seed([0x5a; 32]);
    let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &public, info, plaintext, aad, &mut rng)
    .expect("an honest key can be sealed to");
    [encapsulated.to_bytes().as_slice(), &ciphertext].concat()
}
