//! `hospital health`: asks the hospital that runs on this machine how it is, for supervisors that have
//! nothing else to ask with.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use thiserror::Error;

/// How long each step may take. The store is given 5 s to answer whether it works.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much of an answer is read; a reason is one line.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Why a hospital is not known to be well.
#[derive(Debug, Error)]
pub enum HealthError {
    /// Nobody answers.
    #[error(
        "no hospital answers operators at {address}: {source}; is it started with --ops {address}?"
    )]
    Unreachable {
        /// Where it was asked.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// What answers does not speak HTTP.
    #[error("what answers at {0} is no hospital's operators' listener")]
    Foreign(String),
    /// It says that it is not well.
    #[error("{0}")]
    NotWell(String),
}

/// Asks the operators' listener at `address`: whether the process lives, or with `ready` whether it can
/// serve. Returns what it says.
pub fn ask(address: &str, ready: bool) -> Result<String, HealthError> {
    let answer = exchange(address, if ready { "/readyz" } else { "/healthz" })
        .map_err(|source| HealthError::Unreachable { address: address.to_owned(), source })?;
    let (head, body) = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|answer| answer.split_once("\r\n\r\n"))
        .ok_or_else(|| HealthError::Foreign(address.to_owned()))?;
    let said = body.trim().to_owned();
    if head.starts_with("200 ") { Ok(said) } else { Err(HealthError::NotWell(said)) }
}

fn exchange(address: &str, path: &str) -> io::Result<String> {
    let resolved: SocketAddr =
        address.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&resolved, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
