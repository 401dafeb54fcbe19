//! Child processes that end when they should, and only they.
//!
//! Every child leads a process group of its own. A terminal's Ctrl-C therefore reaches this program
//! alone, which then ends exactly the groups that it started, by their id.

use std::fmt::{self, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How often children and signals are looked at.
const TICK: Duration = Duration::from_millis(25);

/// How long a child that was asked to end may take before it is killed. A hospital drains its
/// connections in this time.
const GRACE: Duration = Duration::from_secs(12);

/// Somebody wants this program to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interrupted {
    signal: i32,
}

impl Interrupted {
    /// What shells report for a program that a signal ended.
    pub(crate) fn exit_code(self) -> u8 {
        u8::try_from(self.signal).map_or(1, |signal| 128_u8.saturating_add(signal))
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.signal {
            SIGINT => "Ctrl-C",
            SIGTERM => "SIGTERM",
            _ => "SIGHUP",
        };
        write!(out, "Stopped by {name}.")
    }
}

impl std::error::Error for Interrupted {}

/// Runs children and listens for signals that mean *stop*.
pub(crate) struct Supervisor {
    signals: Signals,
}

impl Supervisor {
    /// From here on signals no longer end this program by themselves.
    pub(crate) fn new() -> Result<Self> {
        let signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
        Ok(Self { signals })
    }

    /// Waits a moment, or fails with [`Interrupted`].
    pub(crate) fn tick(&mut self) -> Result<(), Interrupted> {
        if let Some(signal) = self.signals.pending().next() {
            Err(Interrupted { signal })
        } else {
            thread::sleep(TICK);
            Ok(())
        }
    }

    /// Shows a command, runs it to its end, and fails unless it succeeds.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        let shown = shown(command);
        eprintln!("    {shown}");
        let mut group = Group::spawn("the command", command)?;
        loop {
            if let Some(status) = group.ended()? {
                if status.success() {
                    return Ok(());
                }
                return Err(anyhow!("this command failed ({status}): {shown}"));
            }
            // Dropping the group ends it.
            self.tick()?;
        }
    }
}

/// A child and whatever it starts in turn. Dropping it ends all of them.
pub(crate) struct Group {
    name: &'static str,
    leader: Pid,
    child: Child,
    status: Option<ExitStatus>,
}

impl Group {
    /// Starts a command in a process group of its own, without standard input: a program in the
    /// background that read the terminal would be halted by it.
    pub(crate) fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let leader = Pid::from_child(&child);
        Ok(Self { name, leader, child, status: None })
    }

    /// What to call it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The child's exit status, once it has ended. What it left running ends with it.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() && self.leader_has_ended() {
            self.finish()?;
        }
        Ok(self.status)
    }

    /// Asks the group to end, waits for the child, and kills what has not ended in time.
    pub(crate) fn stop(&mut self) {
        if self.status.is_some() {
            return;
        }
        // An error means that the group is gone already, which is what is wanted.
        let _ = kill_process_group(self.leader, Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while !self.leader_has_ended() && Instant::now() < deadline {
            thread::sleep(TICK);
        }
        let _ = self.finish();
    }

    /// Kills what is left of the group, and takes the child's status.
    fn finish(&mut self) -> Result<()> {
        // The leader, dead or alive, has not been waited for, so nobody else can have got its id.
        let _ = kill_process_group(self.leader, Signal::KILL);
        self.status = Some(self.child.wait().context("cannot wait for a child")?);
        Ok(())
    }

    /// Whether the child has ended, leaving it to be waited for.
    fn leader_has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.leader), look), Ok(None))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A command as one would type it, to be shown and to be repeated.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = String::new();
    for (key, value) in command.get_envs() {
        // The search path is long and says nothing that a reader needs.
        if let (false, Some(value)) = (key == "PATH", value) {
            let _ = write!(text, "{}={} ", key.display(), quoted(&value.to_string_lossy()));
        }
    }
    let program = std::path::Path::new(command.get_program());
    // The cargo that started this program is known by its whole path, and typed as `cargo`.
    match program.file_name() {
        Some(name) if name == "cargo" => text.push_str("cargo"),
        _ => text.push_str(&quoted(&program.to_string_lossy())),
    }
    for argument in command.get_args() {
        let _ = write!(text, " {}", quoted(&argument.to_string_lossy()));
    }
    text
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Whether a process runs; one that has ended and that nobody has waited for does not.
    fn is_alive(pid: &str) -> bool {
        let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
        let state = String::from_utf8_lossy(&output.stdout);
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["test", "it's", ""]).env("PATH", "/x").env("MODE", "a b");
        assert_eq!(shown(&command), r"MODE='a b' cargo test 'it'\''s' ''");
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let mut supervisor = Supervisor::new().unwrap();
        let error = supervisor.run(&mut shell("exit 3")).unwrap_err().to_string();
        assert!(error.contains("sh -c 'exit 3'") && error.contains('3'), "{error}");
        supervisor.run(&mut shell("exit 0")).unwrap();
    }

    #[test]
    fn a_program_that_is_not_there_is_named_in_the_error() {
        let mut supervisor = Supervisor::new().unwrap();
        let error = supervisor.run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[test]
    fn stopping_a_group_ends_what_the_child_started_too() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", pid_file.display());
        let mut group = Group::spawn("a test", &mut shell(&script)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let grandchild = loop {
            let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
            if text.ends_with('\n') {
                break text.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "the child never wrote its child's id");
            thread::sleep(TICK);
        };
        assert!(is_alive(&grandchild));
        group.stop();
        assert!(group.ended().unwrap().is_some());
        let gone = (0..400).any(|_| {
            thread::sleep(TICK);
            !is_alive(&grandchild)
        });
        assert!(gone, "{grandchild} is still there");
    }
}
