//! Backup and restore as docs/OPERATIONS.md says, by the lines that a reader types: what was over is there, and what
//! went on goes on.

use std::fs;
use std::path::Path;
use std::process::Command;

use wardsum_hospital::native_peer::NativePeer;
use wardsum_protocol::peer::{Event, OwnAnswer};

use crate::program::{Program, run};
use crate::test_hospital::{connect, published, status, study_of, sum, wait_for};

/// The lines of the blocks of shell in the section of this heading.
fn section(heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATIONS.md");
    let guide = fs::read_to_string(path).unwrap();
    let (_, section) = guide.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks =
        section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// Types a line as the user whom the tests run as, on directories of the test; returns what it prints.
fn type_line(line: &str, dir: &Path) -> String {
    let place = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let line = line
        .replace("/var/lib/wardsum", &place("wardsum-data"))
        .replace("/backup", &place("backup"))
        .replace(" -o wardsum -g wardsum", "")
        .replace("runuser -u wardsum -- ", "");
    let program = Path::new(env!("CARGO_BIN_EXE_hospital")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-euc", &line])
        .env("PATH", path)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Has people answer, one for each number, and go on until each answer is acknowledged.
async fn contributors(program: &Program, study: &str, answers: &[i128]) -> Vec<NativePeer> {
    let mut peers = Vec::new();
    for answer in answers {
        let mut peer = connect(&program.connector(), study).await;
        peer.answer_number(*answer).await.unwrap();
        peers.push(peer);
    }
    let acknowledged = |event: &Event| matches!(event, Event::ContributionAcknowledged);
    futures_util::future::join_all(peers.iter_mut().map(|peer| wait_for(peer, acknowledged))).await;
    peers
}

#[tokio::test]
async fn goes_on_where_the_backup_was_made() {
    let running = study_of("running", 4)
        .replace("[study.enrolment]\ncount = 4", "[study.enrolment]\ncount = 3");
    let studies = format!("{}{running}", study_of("over", 3));
    let program = Program::with_studies(&studies, &[]);
    let over = contributors(&program, "over", &[1, 2, 3]).await;
    published(over).await;
    let mut peers = contributors(&program, "running", &[10, 20, 30]).await;
    let before = status(&program.connector(), "running").await;
    assert_eq!((&before["phase"], &before["contributed"]), (&"contributing".into(), &3.into()));

    let lines = section("Backup and restore");
    let stop = lines.iter().position(|line| line == "systemctl stop wardsum-hospital").unwrap();
    let start = lines.iter().position(|line| line == "systemctl start wardsum-hospital").unwrap();
    let dir = program.path("");
    let printed: Vec<_> = lines[..stop].iter().map(|line| type_line(line, &dir)).collect();
    assert!(printed.iter().any(|text| text.contains("a checked copy")), "{printed:?}");
    let export =
        printed.iter().find_map(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    assert_eq!(export.unwrap()["rounds"][0]["result"]["sum"], "6");

    // The disk is lost, and not with a goodbye.
    program.signal("-KILL");
    let program = program.stopped();
    for line in &lines[stop + 1..start] {
        type_line(line, &dir);
    }
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let program = program.start_again(&["--ops", &free]);
    for line in &lines[start + 1..] {
        let args = format!("{line} --ops {free}");
        let output = run(&args.split(' ').skip(1).collect::<Vec<_>>(), &dir);
        assert_eq!(output.stdout, b"ready\n", "{output:?}");
    }

    let after = status(&program.connector(), "running").await;
    for field in ["phase", "digest", "round", "enrolled", "contributed"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let over = status(&program.connector(), "over").await;
    assert_eq!((&over["phase"], &over["result"]["sum"]), (&"published".into(), &"6".into()));
    // Those who were there come back by themselves, and somebody who was not joins them.
    let mut fourth = connect(&program.connector(), "running").await;
    fourth.answer_number(40).await.unwrap();
    peers.push(fourth);
    for published in published(peers).await {
        assert_eq!((sum(&published.aggregate), published.own), (100, OwnAnswer::Counted));
    }
}
