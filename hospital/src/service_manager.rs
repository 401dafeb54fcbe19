//! What a service manager is told: that the hospital serves, and that it stops (`sd_notify(3)`).
//!
//! systemd names a socket in `NOTIFY_SOCKET` for services of `Type=notify`. Without one nobody is told.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use tracing::warn;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Connections are accepted.
    Ready,
    /// The hospital was told to stop and drains.
    Stopping,
}

/// Tells the service manager, if there is one.
pub(crate) fn tell(state: State) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else {
        return;
    };
    if let Err(error) = send(&socket, state) {
        warn!(%error, "the service manager cannot be told how the hospital is: {error}");
    }
}

fn send(socket: &OsStr, state: State) -> io::Result<()> {
    let message: &[u8] = match state {
        State::Ready => b"READY=1",
        State::Stopping => b"STOPPING=1",
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address(socket)?).map(drop)
}

/// Linux has addresses outside of the file system, which are written with an `@`.
#[cfg(target_os = "linux")]
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;

    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(OsStr::from_bytes(socket.as_bytes()))
}
