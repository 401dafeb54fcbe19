//! Operators learn from a listener of their own whether the hospital is well, and its figures.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::program::Program;
use crate::scripted_peer::{ScriptedPeer, closed};
use crate::test_hospital::{Answer, TestHospital, request, study_of};

pub(crate) async fn ask(operators: SocketAddr, path: &str) -> Answer {
    let stream = TcpStream::connect(operators).await.unwrap();
    request(stream, path, &[("Host", "operators"), ("Connection", "close")]).await
}

async fn start() -> (TestHospital, SocketAddr) {
    let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operators = ops.local_addr().unwrap();
    let hospital =
        TestHospital::start_with(&study_of("study", 3), |config| config.ops = Some(ops)).await;
    (hospital, operators)
}

#[tokio::test]
async fn the_figures_of_a_round() {
    let (hospital, operators) = start().await;
    hospital.get("/ws/study", &[("Origin", "https://evil.example")]).await;
    let mut scripted = ScriptedPeer::connect(&hospital.connector, "study", 1).await;
    scripted.send(vec![0xA5; 100]).await;
    closed(&mut scripted.socket).await;
    let mut stays = ScriptedPeer::connect(&hospital.connector, "study", 2).await;
    hospital.round("study", &[3, 1, 4]).await;

    let answer = ask(operators, "/metrics").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let figure = |name: &str| {
        let line = answer.body.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} in {}", answer.body));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let exactly = |name: &str| figure(name).to_string();
    assert_eq!(exactly("wardsum_contributions_total{study=\"study\"}"), "3");
    assert_eq!(exactly("wardsum_rounds{phase=\"published\"}"), "1");
    assert_eq!(exactly("wardsum_rounds{phase=\"enrolling\"}"), "0");
    assert_eq!(exactly("wardsum_rounds_suspended"), "0");
    assert_eq!(exactly("wardsum_store_failures_total"), "0");
    assert_eq!(exactly("wardsum_refused_connections_total{reason=\"upgrade\"}"), "1");
    assert_eq!(exactly("wardsum_refused_connections_total{reason=\"protocol\"}"), "1");
    assert!(figure("wardsum_peers{study=\"study\"}") >= 1.0);
    assert!(figure("wardsum_connections") >= 1.0);
    // Enrolments, committee, contributions, manifest, partial sums, result: some may share a commit.
    assert!(figure("wardsum_commit_seconds_count") >= 4.0);
    assert!(figure("wardsum_message_bytes_total{direction=\"in\"}") > 3_000.0);
    assert!(figure("wardsum_message_bytes_total{direction=\"out\"}") > 9_000.0);
    for line in answer.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        // No key, no digest and no address is part of a name or a label.
        let (named, _) = line.rsplit_once(' ').unwrap();
        let longest = named.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap();
        assert!(longest < 16 && !named.contains("127.0.0.1"), "{line}");
        let described = format!("# HELP {}", &line[..line.find(['{', ' ']).unwrap()]);
        let described = described.trim_end_matches("_bucket").trim_end_matches("_sum");
        assert!(answer.body.contains(described.trim_end_matches("_count")), "{line}");
    }
    stays.socket.close(None).await.unwrap();
}

#[tokio::test]
async fn a_hospital_that_stops_lives_but_is_not_ready() {
    let (mut hospital, operators) = start().await;
    assert_eq!(ask(operators, "/readyz").await.body, "ready\n");
    // Nobody answers its goodbye, so that stopping takes its time.
    let mut peer = ScriptedPeer::connect(&hospital.connector, "study", 1).await;

    hospital.tell_to_stop();
    assert_eq!(closed(&mut peer.socket).await.0, 1001);

    let readiness = ask(operators, "/readyz").await;
    assert_eq!((readiness.status, readiness.body.as_str()), (503, "the hospital is stopping\n"));
    assert_eq!(ask(operators, "/healthz").await.status, 200);
}

#[tokio::test]
async fn it_says_what_there_is_and_nothing_of_the_page_or_the_api() {
    let (_hospital, operators) = start().await;
    for path in ["/", "/api/v1/studies", "/ws/study"] {
        let answer = ask(operators, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("/readyz"), "{path}");
    }
}

#[tokio::test]
async fn a_flag_turns_it_on() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _program = Program::start(&["--ops", &free.to_string()]);
    assert_eq!(ask(free, "/healthz").await.status, 200);
    assert_eq!(ask(free, "/readyz").await.status, 200);
}
