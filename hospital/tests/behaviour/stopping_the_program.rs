//! The program serves until a signal stops it, and then ends with status 0.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::test_hospital::study_of;

struct Program {
    child: Child,
}

impl Program {
    /// Starts a hospital without a page and waits until it listens; returns what it printed by then.
    fn start(args: &[&str]) -> (Self, Vec<String>) {
        let dir = tempfile::tempdir().unwrap().keep();
        std::fs::write(dir.join("studies.toml"), study_of("study", 3)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hospital"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            lines.push(line.unwrap());
            if lines.last().unwrap().starts_with("listening on ") {
                break;
            }
        }
        (Self { child }, lines)
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until the program has ended; returns its status and its log.
    fn end(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(30), "the program does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sigterm_and_ctrl_c_drain() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "Ctrl-C")] {
        let (program, lines) = Program::start(&[]);
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

#[test]
fn away_from_a_terminal_the_log_is_json_and_says_that_there_is_no_page() {
    let (program, _) = Program::start(&["--page", "nowhere"]);
    program.signal("-TERM");
    let (_, log) = program.end();
    for line in log.lines() {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }
    assert!(log.contains("nowhere/index.html") && log.contains("cargo xtask build"), "{log}");
}
