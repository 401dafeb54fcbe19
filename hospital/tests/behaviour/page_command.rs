//! `hospital page` tells a page's fingerprint, and refuses one that is not whole.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384};
use tempfile::TempDir;

use crate::program::run;

const SCRIPT: &str = "export {};";

/// A directory with a page of two files in `page`.
fn built() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page");
    fs::create_dir(&page).unwrap();
    fs::write(page.join("start.js"), SCRIPT).unwrap();
    let hash = BASE64_STANDARD.encode(Sha384::digest(SCRIPT));
    let index = format!(
        "<meta content=\"connect-src 'self';\"><meta name=\"wardsum-hospital\" content=\"\">\
         <script src=\"/start.js\" integrity=\"sha384-{hash}\"></script>"
    );
    fs::write(page.join("index.html"), index).unwrap();
    dir
}

/// What `sha256sum` says of a file.
fn sha256sum(dir: &TempDir, name: &str) -> String {
    let digest = Sha256::digest(fs::read(dir.path().join(name)).unwrap());
    digest.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// The fingerprint in the last line of what was printed, without its spaces.
fn fingerprint(printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    let line = printed.lines().last().unwrap().to_owned();
    line.strip_prefix("fingerprint: ").unwrap().replace(' ', "")
}

#[test]
fn the_fingerprint_is_what_anybody_can_compute() {
    let dir = built();
    let output = run(&["page", "--page", "page"], dir.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fingerprint(&output.stdout), sha256sum(&dir, "page/index.html"));
}

#[test]
fn an_altered_page_is_refused() {
    let dir = built();
    fs::write(dir.path().join("page/start.js"), "export { };").unwrap();
    let output = run(&["page", "--page", "page"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("start.js is not the file that index.html names"), "{error}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_copy_for_another_origin_has_a_fingerprint_of_its_own() {
    let dir = built();
    let args = ["page", "--page", "page", "--hospital", "https://hospital.example", "--to", "copy"];
    let output = run(&args, dir.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fingerprint(&output.stdout), sha256sum(&dir, "copy/index.html"));
    assert_ne!(sha256sum(&dir, "copy/index.html"), sha256sum(&dir, "page/index.html"));
    let half =
        run(&["page", "--page", "page", "--hospital", "https://hospital.example"], dir.path());
    assert_eq!(half.status.code(), Some(2));
}
