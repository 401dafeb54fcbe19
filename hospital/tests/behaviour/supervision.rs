//! Supervisors learn how the hospital is: by asking it, and by being told.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, run};

#[test]
fn the_program_asks_a_running_one_how_it_is() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let free = free.to_string();
    let nobody = run(&["health", "--ops", &free], Path::new("."));
    assert_eq!(nobody.status.code(), Some(1));
    let said = String::from_utf8(nobody.stderr).unwrap();
    assert!(said.contains("no hospital answers") && said.contains("--ops"), "{said}");

    let program = Program::start(&["--ops", &free]);
    for (args, answer) in [
        (&["health", "--ops", &free][..], "the process lives\n"),
        (&["health", "--ops", &free, "--ready"][..], "ready\n"),
    ] {
        let output = run(args, Path::new("."));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), answer);
    }
    // Whoever answers there speaks TLS.
    let other = run(&["health", "--ops", &program.address.to_string()], Path::new("."));
    assert_eq!(other.status.code(), Some(1), "{other:?}");
}

#[test]
fn the_service_manager_is_told_that_it_serves_and_that_it_stops() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let told = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let program = Program::start_with(&|command: &mut Command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    assert_eq!(told(), "READY=1");
    program.signal("-TERM");
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(program.end().0, Some(0));
}
