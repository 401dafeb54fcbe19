//! The thread that reads. It has a connection of its own, so no read waits for a commit.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{Fault, StoreError};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// Asks the reading thread.
#[derive(Clone)]
pub(super) struct Reader {
    /// `None` ends the thread.
    requests: mpsc::Sender<Option<Read>>,
    file: PathBuf,
}

impl Reader {
    pub(super) fn start(
        connection: Connection,
        file: PathBuf,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (requests, queue) = mpsc::channel::<Option<Read>>();
        let thread = thread::Builder::new()
            .name("store-reader".to_owned())
            .spawn(move || {
                while let Ok(Some(read)) = queue.recv() {
                    read(&connection);
                }
            })
            .map_err(|error| StoreError::io(&file, error))?;
        Ok((Self { requests, file }, thread))
    }

    /// Reads within one transaction: everything that `read` sees was true at one time.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let file = self.file.clone();
        let request: Read = Box::new(move |connection| {
            let result = connection
                .unchecked_transaction()
                .map_err(Fault::from)
                .and_then(|_transaction| read(connection));
            // Nobody waits any more, which is their choice.
            let _ = reply.send(result.map_err(|fault| fault.of(&file)));
        });
        self.requests.send(Some(request)).map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Ends the thread after what was asked for so far.
    pub(super) fn end(&self) {
        // It has ended already.
        let _ = self.requests.send(None);
    }
}
