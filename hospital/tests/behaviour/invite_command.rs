//! `hospital invite` runs where there is no hospital, and makes everything or nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;
use wardsum_hospital::native_peer::NativePeer;
use wardsum_hospital::studies_file::StudiesFile;
use wardsum_protocol::peer::Event;
use wardsum_protocol::{Invitation, Study};

use crate::program::run;
use crate::test_hospital::{TestHospital, of_sum, published, study_of, wait_for};

/// A machine with a study file and nothing else.
struct Machine(TempDir);

/// What the command said: its exit status, and either output.
type Said = (Option<i32>, String);

impl Machine {
    fn new() -> Self {
        Self::with(&study_of("study", 3))
    }

    fn with(study: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.write("study.toml", study);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    fn names(&self, dir: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path(dir)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn invite_to(&self, study: &str, out: &str, args: &[&str]) -> Said {
        let given = ["invite", study, "--out", out, "--address", "https://ward.example/"];
        let output = run(&[&given[..], args].concat(), self.0.path());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn invites(&self, args: &[&str]) -> String {
        let (status, said) = self.invite_to("study.toml", "out", args);
        assert_eq!(status, Some(0), "{said}");
        said
    }

    /// The command is refused, says this, and leaves nothing behind.
    #[track_caller]
    fn refuses(&self, study: &str, args: &[&str], text: &str) {
        let before = self.names("");
        let (status, said) = self.invite_to(study, "refused", args);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains(text), "{text:?} should be in: {said}");
        assert_eq!(self.names(""), before);
    }

    fn links(&self, dir: &str) -> Vec<Invitation> {
        let text = self.read(&format!("{dir}/links.txt"));
        let fragment = |line: &str| {
            let (address, fragment) = line.split_once('#').unwrap();
            assert_eq!(address, "https://ward.example/?study=study");
            Invitation::parse(fragment).unwrap()
        };
        text.lines().map(fragment).collect()
    }

    /// The study that the hospital is given.
    fn study(&self) -> Study {
        let file = StudiesFile::read(&self.path("out/study.toml")).unwrap();
        Study::new(file.plans[0].parameters().clone()).unwrap()
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn it_makes_a_study_links_a_page_and_a_key() {
    let machine = Machine::new();
    let said = machine.invites(&["--count", "5", "--may-serve", "4"]);
    let study = machine.study();
    assert!(said.contains("5 invitations, numbers 1 to 5") && said.contains("4 of them"), "{said}");
    assert!(said.contains(&study.digest().to_string()), "{said}");
    let made = ["authority.key", "invitations.html", "links.csv", "links.txt", "study.toml"];
    assert_eq!(machine.names("out"), names(&made));
    assert_eq!(machine.names(""), names(&["out", "study.toml"]), "nothing else is left");
    assert_eq!(machine.mode("out"), 0o700);
    for secret in ["authority.key", "invitations.html", "links.csv", "links.txt"] {
        assert_eq!(machine.mode(&format!("out/{secret}")), 0o600, "{secret}");
    }

    let links = machine.links("out");
    assert!(links.iter().all(|link| link.check(&study) == Ok(())));
    assert_eq!(links.iter().map(Invitation::serial).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(links.iter().filter(|link| link.may_serve()).count(), 4);

    let csv = machine.read("out/links.csv");
    let mut rows = csv.split_terminator("\r\n");
    assert_eq!(rows.next(), Some("number,may_serve,serial,link"));
    let text = machine.read("out/links.txt");
    for ((line, link), written) in rows.zip(&links).zip(text.lines()) {
        let may_serve = if link.may_serve() { "yes" } else { "no" };
        let serial = link.serial();
        assert_eq!(line, format!("{serial},{may_serve},{serial},\"{written}\""));
    }
    let printed = machine.read("out/invitations.html");
    assert_eq!(printed.matches("<svg ").count(), 5);
    for line in text.lines() {
        assert!(printed.contains(line), "every link is on the page in letters too");
    }

    // The hospital gets the public key only.
    let authority = study.authority().unwrap();
    let for_hospital = machine.read("out/study.toml");
    let key = machine.read("out/authority.key");
    let secret = key.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap();
    assert!(!for_hospital.contains(secret));
    assert!(for_hospital.contains(&study.digest().to_string()));
    assert!(
        for_hospital.contains(&authority.as_bytes().map(|byte| format!("{byte:02x}")).concat())
    );
}

#[tokio::test]
async fn its_links_lead_into_a_round() {
    let machine = Machine::new();
    machine.invites(&["--count", "3"]);
    let hospital = TestHospital::start(&machine.read("out/study.toml")).await;
    let mut peers = Vec::new();
    for link in machine.links("out") {
        let mut peer =
            NativePeer::connect_invited(&hospital.connector, "study", link).await.unwrap();
        wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_))).await;
        peer.answer_number(7).await.unwrap();
        peers.push(peer);
    }
    for result in published(peers).await {
        assert_eq!(result.aggregate, of_sum(3, 21));
    }
}

#[test]
fn it_works_in_a_directory_with_nothing_but_the_study() {
    let machine = Machine::new();
    fs::create_dir(machine.path("out")).unwrap();
    machine.invites(&["--count", "3", "--no-page"]);
    assert_eq!(
        machine.names("out"),
        names(&["authority.key", "links.csv", "links.txt", "study.toml"])
    );
}

#[test]
fn what_is_there_is_never_replaced() {
    let machine = Machine::new();
    machine.invites(&["--count", "3"]);
    let before = machine.read("out/links.txt");
    let (status, said) = machine.invite_to("study.toml", "out", &["--count", "3"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("out exists already"), "{said}");
    machine.write("file", "mine");
    let (status, _) = machine.invite_to("study.toml", "file", &["--count", "3"]);
    assert_eq!((status, machine.read("file").as_str()), (Some(2), "mine"));
    assert_eq!(machine.read("out/links.txt"), before);
    let (status, said) = machine.invite_to("study.toml", "no/such/place", &["--count", "3"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("no/such") && said.contains("cannot be written"), "{said}");
    assert_eq!(machine.names(""), names(&["file", "out", "study.toml"]));
}

#[test]
fn a_key_of_one_s_own_is_made_once_and_used_again() {
    let machine = Machine::new();
    let said = machine.invites(&["--count", "3", "--key", "mine.key"]);
    assert!(said.contains("mine.key (made)"), "{said}");
    assert_eq!(machine.mode("mine.key"), 0o600);
    assert!(!machine.names("out").contains("authority.key"));
    let key = machine.read("mine.key");
    // For another study, and so with another digest.
    let (status, said) =
        machine.invite_to("study.toml", "other", &["--count", "3", "--key", "mine.key"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("mine.key (reused)"), "{said}");
    assert_eq!(machine.read("mine.key"), key);
    let other = StudiesFile::read(&machine.path("other/study.toml")).unwrap();
    let other = Study::new(other.plans[0].parameters().clone()).unwrap();
    assert_eq!(other.authority(), machine.study().authority());
    assert_ne!(other.digest(), machine.study().digest());
}

#[test]
fn more_people_are_invited_later() {
    let machine = Machine::new();
    machine.invites(&["--count", "3"]);
    let key = ["--key", "out/authority.key"];
    let more = |args: &[&str]| machine.invite_to("out/study.toml", "more", &[args, &key].concat());
    machine.refuses("out/study.toml", &["--count", "2", "--first", "4"], "give its key with --key");
    machine.refuses("out/study.toml", &[&["--count", "2"], &key[..]].concat(), "say with --first");
    let (status, said) = more(&["--count", "2", "--first", "4"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("numbers 4 to 5") && said.contains("0 of them"), "{said}");
    assert!(!said.contains("Give the hospital"), "it has the study: {said}");
    assert_eq!(machine.names("more"), names(&["invitations.html", "links.csv", "links.txt"]));
    for (link, serial) in machine.links("more").iter().zip(4..) {
        assert_eq!((link.check(&machine.study()), link.serial()), (Ok(()), serial));
        assert!(!link.may_serve());
    }
}

#[test]
fn the_wrong_key_is_told_from_the_right_one() {
    let machine = Machine::new();
    machine.invites(&["--count", "3", "--key", "mine.key"]);
    let with = |key| ["--count", "3", "--key", key];
    let later = |key| ["--count", "3", "--first", "4", "--key", key];

    let text = machine.read("mine.key");
    machine.write("loose.key", &text);
    for mode in [0o640, 0o604, 0o660] {
        machine.set_mode("loose.key", mode);
        machine.refuses("study.toml", &with("loose.key"), &format!("has mode 0{mode:o}"));
    }
    symlink("loose.key", machine.path("linked.key")).unwrap();
    machine.refuses("study.toml", &with("linked.key"), "has mode 0660");

    let other = |name: &str, text: &str| {
        machine.write(name, text);
        machine.set_mode(name, 0o600);
    };
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    other("tls.key", &pem);
    machine.refuses("study.toml", &with("tls.key"), "tls.key is a PEM file with a private key");
    other("newer.key", &text.replace("version: 1", "version: 9"));
    machine.refuses("study.toml", &with("newer.key"), "of version 9");
    other("cut.key", &text[..text.len() - 3]);
    machine.refuses("study.toml", &with("cut.key"), "cut.key, line 6: this should be `secret:");
    machine.refuses("study.toml", &with("out"), "out cannot be read");

    let (status, said) =
        machine.invite_to("study.toml", "other", &["--count", "3", "--key", "other.key"]);
    assert_eq!(status, Some(0), "{said}");
    machine.refuses(
        "out/study.toml",
        &later("other.key"),
        "other.key is not the key of the authority",
    );
    machine.refuses("out/study.toml", &later("gone.key"), "gone.key cannot be read");
}

#[test]
fn nobody_is_invited_to_a_file_without_a_study() {
    let machine = Machine::with("[limits]\nping_seconds = 3\n");
    machine.refuses("study.toml", &["--count", "3"], "study.toml has no [[study]]; add one");
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let machine = Machine::new();
    for (args, text) in [
        (&["--count", "0"][..], "--count is 0"),
        (&["--count", "100001", "--no-page"], "--count is 100001"),
        (&["--count", "100000"], "a printable page for 100000 people"),
        (&["--count", "2001"], "which takes 2000; add --no-page"),
        (&["--count", "2"], "the study needs 3 people"),
        (&["--count", "9", "--may-serve", "2"], "needs 3 (minimum_cohort)"),
        (&["--count", "9", "--may-serve", "10"], "only 9 people"),
        (&["--count", "9", "--first", "4294967290"], "beyond the last number, 4294967295"),
    ] {
        machine.refuses("study.toml", args, text);
    }
    let machine = Machine::with(&study_of("study", 6));
    let args = ["--count", "9", "--may-serve", "5"];
    machine.refuses("study.toml", &args, "needs 6 (the count of enrolment)");
}

#[test]
fn a_study_that_cannot_be_invited_to_is_refused_with_its_place() {
    let study = study_of("study", 3);
    let refuses = |study: &str, text: &str| {
        Machine::with(study).refuses("study.toml", &["--count", "3"], text);
    };
    refuses(&format!("{study}{}", study_of("other", 3)), "study.toml has 2 studies");
    refuses(
        &study.replace("min = -100", "min = 100"),
        "study.toml, line 1: study \"study\": item 1: its range",
    );
    refuses(&study.replace("unit", "units"), "line 6");
    refuses(&study.replace("unit", "reopen = true\nunit"), "remove `reopen = true`");
    let inline = "study = [{ id = \"s\", title = \"t\", organisation = \"o\", question = \"q\", min = 0, \
                  max = 1, enrolment = { settle_seconds = 1 } }]";
    refuses(inline, "write the study as one [[study]] table");
    Machine::new().refuses("gone.toml", &["--count", "3"], "gone.toml cannot be read");
    let machine = Machine::new();
    let plain =
        ["invite", "study.toml", "--out", "out", "--count", "3", "--address", "http://ward/"];
    let output = run(&plain, machine.0.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.contains("https://host")), (Some(2), true), "{said}");
}

#[test]
fn a_hundred_thousand_links_are_made_without_a_page() {
    let machine = Machine::with(&study_of("study", 3).replace("= 50", "= 100000"));
    let said = machine.invites(&["--count", "100000", "--no-page"]);
    assert!(said.contains("64 of them"), "twice as many as have a seat: {said}");
    let text = machine.read("out/links.txt");
    assert_eq!(text.lines().collect::<BTreeSet<_>>().len(), 100_000);
}
