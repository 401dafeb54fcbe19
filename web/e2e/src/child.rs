//! A program that a test started, what it prints, and its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::wait::until;

const TICK: Duration = Duration::from_millis(20);

/// How long a program may take to end after it was told to. A hospital drains its connections in that time.
const GRACE: Duration = Duration::from_secs(15);

/// A child that leads a process group of its own. Dropping it ends the group.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    process: Process,
    leader: Pid,
    lines: Arc<Mutex<Vec<String>>>,
    ended: bool,
}

impl Child {
    /// Starts a program and collects what it prints to either stream.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}: {}", command.get_program().display()))?;
        let lines = Arc::default();
        collect(process.stdout.take(), &lines);
        collect(process.stderr.take(), &lines);
        let leader = Pid::from_child(&process);
        Ok(Self { name, process, leader, lines, ended: false })
    }

    /// Everything that it has printed, line by line.
    pub(crate) fn output(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits for a line of which `find` makes something.
    pub(crate) async fn wait_for<T>(
        &self,
        what: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let name = self.name;
        let awaited = format!("{name} to print {what}");
        let found = until(&awaited, async || {
            // In this order, so that the last words of a program that has ended are read.
            let over = self.has_ended();
            let found = self.lines().iter().find_map(|line| find(line));
            if found.is_none() && over {
                bail!("{name} has ended without printing {what}");
            }
            Ok(found)
        });
        found.await.with_context(|| format!("it printed:\n{}", self.output()))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> Result<ExitStatus> {
        self.end(Signal::TERM)
    }

    /// Ends it without giving it a say.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus> {
        self.end(Signal::KILL)
    }

    fn end(&mut self, signal: Signal) -> Result<ExitStatus> {
        if !self.ended {
            // An error means that the group is gone already, which is what is wanted.
            let _ = kill_process_group(self.leader, signal);
            let deadline = Instant::now() + GRACE;
            while !self.has_ended() && Instant::now() < deadline {
                thread::sleep(TICK);
            }
            // The leader has not been waited for, so nobody else can have got its id.
            let _ = kill_process_group(self.leader, Signal::KILL);
            self.ended = true;
        }
        self.process.wait().with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Whether the leader has ended; it is left to be waited for.
    pub(crate) fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.ended || !matches!(waitid(WaitId::Pid(self.leader), look), Ok(None))
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        // A thread that panicked while it held the lock has left whole lines.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.terminate();
    }
}

fn collect(stream: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let Some(stream) = stream else { return };
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            line.clear();
        }
    });
}
