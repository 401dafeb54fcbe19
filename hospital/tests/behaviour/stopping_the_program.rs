//! The program serves until a signal stops it, and then ends with status 0; a second signal ends it at
//! once.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wardsum_hospital::native_peer::Connector;
use wardsum_hospital::tls;

use crate::scripted_peer::ScriptedPeer;
use crate::test_hospital::study_of;

/// How long the program may take for a step; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

struct Program {
    child: Child,
    dir: TempDir,
}

impl Program {
    /// Starts a hospital without a page and waits until it listens; returns what it printed by then.
    fn start(args: &[&str]) -> (Self, Vec<String>) {
        Self::start_with("", args)
    }

    /// The same with something in front of the study in its file.
    fn start_with(configuration: &str, args: &[&str]) -> (Self, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let studies = format!("{configuration}{}", study_of("study", 3));
        std::fs::write(dir.path().join("studies.toml"), studies).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hospital"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .current_dir(dir.path())
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
        (Self { child, dir }, lines)
    }

    /// Waits until nobody can connect any more, which is the first thing that stopping does.
    fn wait_until_stopping(address: SocketAddr) {
        let began = Instant::now();
        while TcpStream::connect(address).is_ok() {
            assert!(began.elapsed() < PATIENCE, "the program does not begin to stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until the program has ended; returns its status and its log.
    fn end(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "the program does not stop");
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

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, name, status) in [("-TERM", "SIGTERM", 143), ("-INT", "Ctrl-C", 130)] {
        // Whoever leaves a goodbye unanswered holds the first one up for longer than this test waits.
        let limits = "[limits]\nclose_seconds = 600\ndrain_seconds = 600\n";
        let (program, lines) = Program::start_with(limits, &[]);
        let port = lines.last().unwrap().trim_end_matches('/').rsplit(':').next().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()));
        let authority = program.dir.path().join("certs/local/ca.pem");
        let connector = Connector::new(address, tls::client_config(&authority).unwrap());
        let peer = ScriptedPeer::connect(&connector, "study", 1).await;

        program.signal(signal);
        Program::wait_until_stopping(address);
        program.signal(signal);

        let (ended, log) = program.end();
        assert_eq!(ended, Some(status), "{log}");
        assert!(log.contains(&format!("told to stop at once by {name}")), "{log}");
        drop(peer);
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
