//! The end of the control socket at which commands are given.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{Answer, LINE_MAX, Request};
use crate::store::CONTROL_SOCKET;

/// How long the hospital may take to carry out a command. It waits for its disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a command was not carried out. Each text says what to do.
#[derive(Debug, Error)]
pub enum CommandError {
    /// Nobody listens.
    #[error(
        "no hospital is running on {}; start one with `hospital serve --data {}`, or name another \
         directory with --data",
        .dir.display(), .dir.display()
    )]
    NotRunning {
        /// The data directory.
        dir: PathBuf,
    },
    /// The socket is there and cannot be used.
    #[error("{} cannot be used: {source}", .socket.display())]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The hospital has ended, or has not answered in time.
    #[error(
        "the hospital on {} gave no answer ({source}); whether the command was carried out is in its log",
        .dir.display()
    )]
    NoAnswer {
        /// The data directory.
        dir: PathBuf,
        /// What happened instead.
        source: io::Error,
    },
    /// The hospital says why.
    #[error("{0}")]
    Refused(String),
}

/// Asks something of the hospital that runs on a data directory; returns what it says once that is done.
pub fn ask(dir: &Path, request: &Request) -> Result<String, CommandError> {
    let socket = dir.join(CONTROL_SOCKET);
    let stream = UnixStream::connect(&socket).map_err(|source| match source.kind() {
        // A hospital that was killed leaves its socket behind.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            CommandError::NotRunning { dir: dir.to_owned() }
        }
        _ => CommandError::Socket { socket, source },
    })?;
    match converse(stream, request) {
        Ok(Answer::Done(text)) => Ok(text),
        Ok(Answer::Refused(text)) => Err(CommandError::Refused(text)),
        Err(source) => Err(CommandError::NoAnswer { dir: dir.to_owned(), source }),
    }
}

fn converse(mut stream: UnixStream, request: &Request) -> io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_MAX)).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}
