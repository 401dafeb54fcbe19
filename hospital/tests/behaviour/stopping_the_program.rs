//! The program serves until a signal stops it, and then ends with status 0; a second signal ends it at
//! once.

use crate::program::Program;
use crate::scripted_peer::ScriptedPeer;
use crate::test_hospital::study_of;

#[test]
fn sigterm_and_ctrl_c_drain() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "Ctrl-C")] {
        let program = Program::start(&[]);
        let lines = &program.printed;
        assert!(lines.last().unwrap().starts_with("listening on https://localhost:"), "{lines:?}");
        program.signal(signal);
        let (status, log) = program.end();
        assert_eq!(status, Some(0), "{log}");
        assert!(
            log.contains(name) && log.contains("every connection was closed in order"),
            "{log}"
        );
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, name, status) in [("-TERM", "SIGTERM", 143), ("-INT", "Ctrl-C", 130)] {
        // Whoever leaves a goodbye unanswered holds the first one up for longer than this test waits.
        let limits = "[limits]\nclose_seconds = 600\ndrain_seconds = 600\n";
        let studies = format!("{limits}{}", study_of("study", 3));
        let program = Program::with_studies(&studies, &[]);
        let peer = ScriptedPeer::connect(&program.connector(), "study", 1).await;

        program.signal(signal);
        Program::wait_until_stopping(program.address);
        program.signal(signal);

        let (ended, log) = program.end();
        assert_eq!(ended, Some(status), "{log}");
        assert!(log.contains(&format!("told to stop at once by {name}")), "{log}");
        drop(peer);
    }
}

#[test]
fn away_from_a_terminal_the_log_is_json_and_says_that_there_is_no_page() {
    let program = Program::start(&["--page", "nowhere"]);
    program.signal("-TERM");
    let (_, log) = program.end();
    for line in log.lines() {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }
    assert!(log.contains("nowhere/index.html") && log.contains("cargo xtask build"), "{log}");
}
