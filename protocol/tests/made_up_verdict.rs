//! A hospital shows a transcript with another verdict than the one that follows from what the members have found.
//!
//! Expected: whoever checks the transcript is told that the verdict is not that of the verifications, whatever the
//! hospital has changed in it.

mod common;

use common::{Net, study};
use wardsum_protocol::peer::{Change, Misbehaviour};
use wardsum_protocol::transcript::{Transcript, TranscriptError};
use wardsum_protocol::wire;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A verdict as it is encoded: these members, and these contributions rejected for this reason.
fn encoded(members: &[u8], rejected: &[(u8, u8)]) -> Vec<u8> {
    let of_members = [u8::try_from(members.len()).unwrap()];
    let of_rejected = u32::try_from(5 * rejected.len()).unwrap().to_be_bytes();
    let rejected = rejected.iter().flat_map(|(number, reason)| [0, 0, 0, *number, *reason]);
    [&of_members[..], members, &of_rejected, &rejected.collect::<Vec<u8>>()].concat()
}

#[test]
fn a_verdict_that_is_made_up_does_not_hold() {
    const INVALID: u8 = 1;
    const DISPUTED: u8 = 2;
    let mut net = Net::new(study(|_| ()), 5);
    let cheat = net.join_misbehaving(Misbehaviour::Input(Change { position: 0, add: 250 }));
    let honest: Vec<usize> = (0..6).map(|_| net.join()).collect();
    net.settle_mail();
    for patient in honest.into_iter().chain([cheat]) {
        net.answer(patient, 2);
    }
    net.run();
    assert_eq!(net.counted(), Some((6, 12)));

    let bytes = net.transcript().expect("there is a result").encode();
    let rejected = u8::try_from(net.number_of(cheat).unwrap()).unwrap();
    let other = u8::from(rejected == 0);
    let everybody = [1, 2, 3, 4, 5, 6, 7];
    let verdict = encoded(&everybody, &[(rejected, INVALID)]);
    let known = Transcript::decode(&bytes).unwrap().check().expect("it holds").verdict;
    assert_eq!(wire::encode(&known.bytes()), verdict);

    let at = bytes.windows(verdict.len()).rposition(|window| window == verdict).unwrap();
    let mut both = [(rejected, INVALID), (other, INVALID)];
    both.sort_unstable();
    for (made_up, what) in [
        (encoded(&everybody, &[]), "the invalid answer is counted"),
        (encoded(&everybody, &both), "a valid answer is called invalid"),
        (encoded(&everybody, &[(rejected, DISPUTED)]), "the invalid answer is called disputed"),
        (encoded(&everybody[1..], &[(rejected, INVALID)]), "a member is left out"),
    ] {
        let changed = [&bytes[..at], &made_up, &bytes[at + verdict.len()..]].concat();
        let checked = Transcript::decode(&changed).unwrap().check();
        assert_eq!(checked, Err(TranscriptError::OtherVerdict), "{what}");
    }
}
