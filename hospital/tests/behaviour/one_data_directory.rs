//! A data directory belongs to one hospital at a time.

use crate::program::{Program, run};
use crate::test_hospital::status;

#[tokio::test]
async fn a_second_hospital_is_refused_and_the_first_goes_on() {
    let program = Program::start(&[]);
    let args = ["--log", "error", "serve", "--listen", "127.0.0.1:0"];

    let second = run(&args, &program.path(""));

    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("another hospital is using wardsum-data"), "{error}");
    assert!(error.contains("--data"), "{error}");
    assert_eq!(status(&program.connector(), "study").await["phase"], "enrolling");
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
}
