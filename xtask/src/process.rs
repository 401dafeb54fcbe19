//! Child processes that end when they should, and only they.
//!
//! Every child leads a process group of its own. A terminal's Ctrl-C therefore reaches this program
//! alone, which then ends exactly the groups that it started, by their id. A second one kills them.

use std::fmt::{self, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::announce;
use crate::rustflags;

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

impl Interrupted {
    fn name(self) -> &'static str {
        match self.signal {
            SIGINT => "Ctrl-C",
            SIGTERM => "SIGTERM",
            _ => "SIGHUP",
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Stopped by {}.", self.name())
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
        if let Some(interrupted) = self.interrupted() {
            return Err(interrupted);
        }
        thread::sleep(TICK);
        Ok(())
    }

    fn interrupted(&mut self) -> Option<Interrupted> {
        self.signals.pending().next().map(|signal| Interrupted { signal })
    }

    /// Asks all of these to end, waits for them, and kills what has not ended in time. If a signal comes
    /// meanwhile, they are killed at once, and this fails with [`Interrupted`].
    pub(crate) fn stop(&mut self, groups: &mut [Group]) -> Result<(), Interrupted> {
        stop(groups, || self.interrupted())
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
            if let Err(interrupted) = self.tick() {
                // Whether it had to be killed makes no difference to why it was stopped.
                let _ = self.stop(slice::from_mut(&mut group));
                return Err(interrupted.into());
            }
        }
    }
}

/// Stops all of these together; `interrupted` tells of signals.
fn stop(
    groups: &mut [Group],
    mut interrupted: impl FnMut() -> Option<Interrupted>,
) -> Result<(), Interrupted> {
    let mut running: Vec<_> = groups.iter_mut().filter(|group| group.status.is_none()).collect();
    for group in &running {
        group.signal(Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    let mut stopped = Ok(());
    while Instant::now() < deadline && running.iter().any(|group| !group.leader_has_ended()) {
        if let Some(again) = interrupted() {
            announce(&format!("{} again: killing what has not ended yet", again.name()));
            stopped = Err(again);
            break;
        }
        thread::sleep(TICK);
    }
    for group in &running {
        group.signal(Signal::KILL);
    }
    for group in &mut running {
        let _ = group.finish();
    }
    stopped
}

/// A child and whatever it starts in turn. Dropping it kills what was not stopped.
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

    /// Signals the child and whatever it has started, if it was not waited for.
    fn signal(&self, signal: Signal) {
        // The leader, dead or alive, has then kept its id, so that nobody else can have got it. An error
        // means that the group is gone already, which is what is wanted.
        if self.status.is_none() {
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// Kills what is left of the group, and takes the child's status.
    fn finish(&mut self) -> Result<()> {
        self.signal(Signal::KILL);
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
        if self.status.is_none() {
            // Nobody is left to be told.
            let _ = self.finish();
        }
    }
}

/// A command as one would type it, to be shown and to be repeated.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = String::new();
    for (key, value) in command.get_envs() {
        // These are long and say nothing that a reader needs; the second cannot even be typed.
        let hidden = key == "PATH" || key == rustflags::VARIABLE;
        if let (false, Some(value)) = (hidden, value) {
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
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;

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

    /// Starts a script and waits until it has written its first line to the file `$1`; returns that.
    fn start(script: &str, file: &Path) -> (Group, String) {
        let mut command = shell(script);
        command.arg("sh").arg(file);
        let group = Group::spawn("a test", &mut command).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text.ends_with('\n') {
                return (group, text.trim().to_owned());
            }
            assert!(Instant::now() < deadline, "the script has written nothing");
            thread::sleep(TICK);
        }
    }

    #[test]
    fn stopping_a_group_ends_what_the_child_started_too() {
        let dir = tempfile::tempdir().unwrap();
        let script = "sleep 60 & echo $! > $1; wait";
        let (mut group, grandchild) = start(script, &dir.path().join("pid"));
        assert!(is_alive(&grandchild));
        stop(slice::from_mut(&mut group), || None).unwrap();
        assert!(group.ended().unwrap().is_some());
        let gone = (0..400).any(|_| {
            thread::sleep(TICK);
            !is_alive(&grandchild)
        });
        assert!(gone, "{grandchild} is still there");
    }

    #[test]
    fn groups_are_stopped_together() {
        let dir = tempfile::tempdir().unwrap();
        // Each ends in good order when the other was asked to end as well, and waits for that.
        let script = |own: &str, other: &str| {
            let (own, other) = (dir.path().join(own), dir.path().join(other));
            let (own, other) = (own.display(), other.display());
            format!(
                "trap 'echo > {own}; until [ -e {other} ]; do sleep 0.02; done; exit 0' TERM; \
                 echo ready > $1; sleep 60 & wait; exit 1"
            )
        };
        let (first, _) = start(&script("a", "b"), &dir.path().join("first"));
        let (second, _) = start(&script("b", "a"), &dir.path().join("second"));
        let mut groups = [first, second];
        stop(&mut groups, || None).unwrap();
        for mut group in groups {
            let status = group.ended().unwrap().unwrap();
            assert!(status.success(), "{status}");
        }
    }

    #[test]
    fn a_signal_while_groups_are_stopped_kills_them() {
        let dir = tempfile::tempdir().unwrap();
        let deaf = "trap '' TERM; echo ready > $1; while :; do sleep 0.1; done";
        let (first, _) = start(deaf, &dir.path().join("first"));
        let (second, _) = start(deaf, &dir.path().join("second"));
        let mut groups = [first, second];
        let mut looks = 0;
        let stopped = stop(&mut groups, || {
            looks += 1;
            (looks == 3).then_some(Interrupted { signal: SIGINT })
        });
        assert_eq!(stopped.unwrap_err().exit_code(), 130);
        assert_eq!(looks, 3);
        for mut group in groups {
            let status = group.ended().unwrap().unwrap();
            assert_eq!(status.signal(), Some(9), "{status}");
        }
    }
}
