//! How many files, sockets among them, the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises the limit as far as the operating system allows without privileges.
///
/// It tends to be 1,024 at first, for the sake of programs from the time of `select`; a hospital needs
/// one for each peer.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if raised.current == limit.current {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "no more than {:?} files can be open at once: {error}", limit.current);
    }
}
