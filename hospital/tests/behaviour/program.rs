//! The `hospital` program as a process of its own, which can be stopped, killed and started again.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wardsum_hospital::native_peer::Connector;
use wardsum_hospital::tls;

use crate::test_hospital::study_of;

/// How long the program may take for a step; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// `hospital serve` in a directory of its own.
pub(crate) struct Program {
    child: Child,
    dir: Arc<TempDir>,
    pub(crate) address: SocketAddr,
    /// What it printed until it listened.
    pub(crate) printed: Vec<String>,
}

impl Program {
    /// Starts a hospital without a page and waits until it listens.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::with_studies(&study_of("study", 3), args)
    }

    /// The same with a studies file of one's own.
    pub(crate) fn with_studies(studies: &str, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("studies.toml"), studies).unwrap();
        Self::start_at(Arc::new(dir), (Ipv4Addr::LOCALHOST, 0).into(), args)
    }

    /// The same with a command that `change` changes first.
    pub(crate) fn start_with(change: &dyn Fn(&mut Command)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("studies.toml"), study_of("study", 3)).unwrap();
        Self::spawn(Arc::new(dir), (Ipv4Addr::LOCALHOST, 0).into(), change)
    }

    fn start_at(dir: Arc<TempDir>, address: SocketAddr, args: &[&str]) -> Self {
        Self::spawn(dir, address, &|command| {
            command.args(args);
        })
    }

    fn spawn(dir: Arc<TempDir>, address: SocketAddr, change: &dyn Fn(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hospital"));
        command
            .args(["serve", "--listen", &address.to_string()])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut printed = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            printed.push(line.unwrap());
            if printed.last().unwrap().starts_with("listening on ") {
                break;
            }
        }
        let listening = printed.last().map(|line| line.trim_end_matches('/')).unwrap_or_default();
        let Some(port) = listening.rsplit(':').next().and_then(|port| port.parse().ok()) else {
            let log = std::io::read_to_string(child.stderr.take().unwrap());
            panic!("the program does not listen: {printed:?}, {log:?}");
        };
        Self { child, dir, address: (Ipv4Addr::LOCALHOST, port).into(), printed }
    }

    /// Waits until the process, which was told to, has ended. What it leaves stays.
    pub(crate) fn stopped(mut self) -> Self {
        self.wait();
        self
    }

    /// Ends the process with a signal, and starts another one on its data at its address.
    pub(crate) fn restart(mut self, signal: &str) -> Self {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(signal);
        }
        self.wait();
        Self::start_at(Arc::clone(&self.dir), self.address, &[])
    }

    /// Starts another one on this data at the address of the one that has ended.
    pub(crate) fn start_again(&self, args: &[&str]) -> Self {
        Self::start_at(Arc::clone(&self.dir), self.address, args)
    }

    /// Where the program runs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("wardsum-data")
    }

    /// The way to it, which stays good when it is started again.
    pub(crate) fn connector(&self) -> Connector {
        let authority = self.path("certs/local/ca.pem");
        Connector::new(self.address, tls::client_config(&authority).unwrap())
    }

    /// Waits until nobody can connect any more, which is the first thing that stopping does.
    pub(crate) fn wait_until_stopping(address: SocketAddr) {
        let began = Instant::now();
        while TcpStream::connect(address).is_ok() {
            assert!(began.elapsed() < PATIENCE, "the program does not begin to stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn wait(&mut self) {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "the program does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the program has ended; returns its status and its log.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.wait();
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

/// Runs the program to its end in this directory.
pub(crate) fn run(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hospital")).args(args).current_dir(dir).output().unwrap()
}
