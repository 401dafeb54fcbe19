//! The log, at its most verbose, contains no payload: no key, no share, no answer, in any spelling.
//!
//! In a process of its own: an event that another test logs to nobody at the same moment may be missed by
//! the log that listens here.

#[path = "../behaviour/scripted_peer.rs"]
#[expect(dead_code, reason = "shared with the behaviour tests, which use all of it")]
mod scripted_peer;
#[path = "../behaviour/test_hospital.rs"]
#[expect(dead_code, reason = "shared with the behaviour tests, which use all of it")]
mod test_hospital;

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use wardsum_hospital::cli::LogLevel;
use wardsum_hospital::logging;
use wardsum_protocol::peer::Event;

use scripted_peer::ScriptedPeer;
use test_hospital::{TestHospital, study_of};

/// How many bytes in a row would count as a leak.
const WINDOW: usize = 12;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How bytes look in a log that leaks them.
fn spellings(bytes: &[u8]) -> Vec<String> {
    let mut spellings = vec![
        bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        }),
        bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", "),
        bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        bytes.escape_ascii().to_string(),
    ];
    spellings.push(spellings[0].to_uppercase());
    // Base64 depends on where in a group of three the window begins.
    for skip in 0..3 {
        let aligned = &bytes[skip..skip + 9];
        spellings.push(BASE64_STANDARD.encode(aligned));
        spellings.push(BASE64_URL_SAFE.encode(aligned));
    }
    spellings
}

// One thread runs peers, hospital and test, so that the thread's subscriber hears everything.
#[tokio::test]
async fn at_the_most_verbose_level() {
    let log = Log::default();
    let writer = {
        let log = log.clone();
        move || log.clone()
    };
    let subscriber = logging::subscriber(LogLevel::Trace, true, writer);
    let _hearing = tracing::subscriber::set_default(subscriber);

    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let mut peers = Vec::new();
    for (seed, answer) in [(101, 77), (102, -31), (103, 5)] {
        let mut peer = ScriptedPeer::connect(&hospital.connector, "study", seed).await;
        peer.answer(answer);
        peers.push(peer);
    }
    let [a, b, c] = &mut peers[..] else { unreachable!("there are three") };
    tokio::join!(a.finish(), b.finish(), c.finish());
    assert!(peers.iter().all(|peer| matches!(peer.events.last(), Some(Event::Published(_)))));
    hospital.stop().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("\"level\":\"TRACE\""), "the most verbose events should be there: {log}");
    assert!(log.contains("the round is published: sum 51 over 3 answers"), "{log}");
    let mut windows = 0;
    for message in peers.iter().flat_map(|peer| &peer.transcript) {
        for window in message.windows(WINDOW).step_by(5) {
            // A run of one byte, such as zeros, is no secret and may look like anything.
            if window.iter().all(|byte| *byte == window[0]) {
                continue;
            }
            windows += 1;
            for spelling in spellings(window) {
                assert!(!log.contains(&spelling), "{spelling} of a message is in the log");
            }
        }
    }
    assert!(windows > 1_000, "only {windows} windows were looked for");
    for seed in [101_u8, 102, 103] {
        for spelling in spellings(&[seed; WINDOW]) {
            assert!(!log.contains(&spelling), "a peer's randomness is in the log");
        }
    }
}
