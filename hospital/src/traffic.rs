//! How many bytes pass a socket: what tells a slow line, on which a long message takes its time, from one
//! on which nothing moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time;
use tokio_util::io::{InspectReader, InspectWriter};

/// The bytes that have passed one socket so far, those of TLS included.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) read: Meter,
    pub(crate) written: Meter,
}

/// The bytes that have passed in one direction.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

/// Too few bytes have passed for too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stuck;

/// A socket whose bytes are counted.
pub(crate) fn counted(
    stream: TcpStream,
    traffic: &Arc<Traffic>,
) -> impl AsyncRead + AsyncWrite + Send + Unpin + 'static {
    let (reading, writing) = (Arc::clone(traffic), Arc::clone(traffic));
    let stream = InspectReader::new(stream, move |bytes: &[u8]| reading.read.add(bytes.len()));
    InspectWriter::new(stream, move |bytes: &[u8]| writing.written.add(bytes.len()))
}

impl Meter {
    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many so far.
    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits for `work`, as long as it takes, unless fewer than `least` bytes pass within `patience`.
    pub(crate) async fn watch<F: Future>(
        &self,
        least: u64,
        patience: Duration,
        work: F,
    ) -> Result<F::Output, Stuck> {
        let mut work = std::pin::pin!(work);
        loop {
            let before = self.total();
            if let Ok(done) = time::timeout(patience, &mut work).await {
                return Ok(done);
            }
            if self.total() - before < least {
                return Err(Stuck);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_moves_may_take_as_long_as_it_takes() {
        let meter = Meter::default();
        let slow = async {
            for _ in 0..100 {
                time::sleep(Duration::from_secs(1)).await;
                meter.add(10);
            }
        };
        assert_eq!(meter.watch(40, Duration::from_millis(4_500), slow).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_too_little_is_stuck() {
        let meter = Meter::default();
        let dripping = async {
            loop {
                time::sleep(Duration::from_secs(1)).await;
                meter.add(1);
            }
        };
        let stuck: Result<(), _> = meter.watch(40, Duration::from_millis(4_500), dripping).await;
        assert_eq!(stuck, Err(Stuck));
    }
}
