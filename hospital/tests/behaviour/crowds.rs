//! More than the hospital takes at once: the one too many is turned away, and there is room again later.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};
use wardsum_hospital::limits::Limits;

use crate::test_hospital::{TestHospital, study_of, within};

/// With room for two connections.
async fn with_room_for_two(limits: Limits) {
    let hospital =
        TestHospital::start_with(&study_of("study", 3), |config| config.limits = limits).await;
    let [first, second] = [
        hospital.connector.open_tls().await.unwrap(),
        hospital.connector.open_tls().await.unwrap(),
    ];

    // Disconnected before the handshake, without a word.
    let mut third = TcpStream::connect(hospital.address).await.unwrap();
    let read = within(third.read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(hospital.connector.open_tls().await.is_err());

    // Those who are there do not notice.
    let mut first = first;
    first.write_all(b"GET /api/v1/studies HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    within(first.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    // Once one of them has gone there is room, if not at the same instant.
    drop(second);
    within(async {
        while hospital.connector.open_tls().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn connections() {
    with_room_for_two(Limits { connections: 2, ..Limits::default() }).await;
}

#[tokio::test]
async fn connections_from_one_address() {
    with_room_for_two(Limits { connections_per_address: 2, ..Limits::default() }).await;
}
