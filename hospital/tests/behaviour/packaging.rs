//! The systemd unit, the Dockerfile and the alert rules say what this program understands, and name what is there.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use wardsum_hospital::cli::{Cli, Command, ServeArgs};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of a unit or a Dockerfile without comments, those that go on joined.
fn lines(text: &str) -> Vec<String> {
    let kept = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let joined = kept.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    joined.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// What a unit sets `key` to; the last one counts.
fn set_to<'a>(unit: &'a [String], key: &str) -> &'a str {
    let value = unit.iter().rev().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("the unit sets no {key}="))
}

/// What stands behind this instruction, once for each time that it does.
fn instructions<'a>(dockerfile: &'a [String], name: &str) -> Vec<&'a str> {
    let found = dockerfile.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.map(str::trim).collect()
}

/// The instruction of the last stage that is given as a list of words.
fn words(dockerfile: &[String], name: &str) -> Vec<String> {
    serde_json::from_str(instructions(dockerfile, name).last().unwrap()).unwrap()
}

fn parsed(line: &[String]) -> Command {
    Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{line:?}: {error}")).command
}

fn serving(line: &[String]) -> ServeArgs {
    match parsed(line) {
        Command::Serve(args) => args,
        other => panic!("{other:?} does not serve"),
    }
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn the_unit_starts_this_program_on_directories_that_it_makes() {
    let unit = lines(&read("hospital/packaging/wardsum-hospital.service"));
    let start = set_to(&unit, "ExecStart").split_whitespace().map(str::to_owned);
    let start = start.collect::<Vec<_>>();
    let args = serving(&start);

    let data = Path::new("/var/lib").join(set_to(&unit, "StateDirectory"));
    assert_eq!(args.data, Some(data), "the rest is read-only");
    assert_eq!(set_to(&unit, "ProtectSystem"), "strict");
    // systemd waits until it is told that the hospital serves, and SIGHUP reads the certificate again.
    assert_eq!(set_to(&unit, "Type"), "notify");
    assert_eq!(set_to(&unit, "ExecReload"), "/bin/sh -c 'kill -HUP $MAINPID'");
    assert_eq!(set_to(&unit, "RestartPreventExitStatus"), "2");
    assert!(port(&args.listen.unwrap()) > 1024, "there is no capability for less");
    // `ProtectHome=` hides everything below these.
    for path in [Some(args.studies), args.cert, args.key, args.page].into_iter().flatten() {
        assert!(path.starts_with("/etc/wardsum") || path.starts_with("/usr/local"), "{path:?}");
    }
}

#[test]
fn the_image_starts_this_program_on_what_was_copied_into_it() {
    let dockerfile = lines(&read("hospital/packaging/Dockerfile"));
    let command = [words(&dockerfile, "ENTRYPOINT"), words(&dockerfile, "CMD")].concat();
    let args = serving(&command);
    let copied = instructions(&dockerfile, "COPY").into_iter().map(|copy| {
        let words = copy.split(' ').filter(|word| !word.starts_with("--")).collect::<Vec<_>>();
        (words[0], words[1])
    });
    let copied: Vec<_> = copied.collect();
    let comes_from = |path: &str| {
        let found = copied.iter().find(|(_, to)| *to == path);
        found.unwrap_or_else(|| panic!("nothing is copied to {path}")).0
    };

    // What `cargo xtask build` makes, below the build stage's working directory.
    assert_eq!(comes_from(&command[0]), "/src/target/release/hospital");
    assert_eq!(comes_from(args.page.as_deref().unwrap().to_str().unwrap()), "/page");
    let data = args.data.unwrap();
    assert_eq!(comes_from(data.parent().unwrap().to_str().unwrap()), "/state");
    let made = format!("install -d -m 0700 /state/{}", data.file_name().unwrap().display());
    assert!(instructions(&dockerfile, "RUN").iter().any(|run| run.contains(&made)), "{made}");
    let volumes = words(&dockerfile, "VOLUME");
    assert_eq!(volumes, [data.to_str().unwrap()]);
    let exposed = instructions(&dockerfile, "EXPOSE");
    assert_eq!(exposed, [port(&args.listen.unwrap()).to_string()]);
    let user = instructions(&dockerfile, "USER");
    assert_eq!(user, ["65532:65532"], "not root, and a number, so that supervisors can tell");
}

#[test]
fn the_images_health_check_asks_where_its_hospital_answers() {
    let dockerfile = lines(&read("hospital/packaging/Dockerfile"));
    let check = instructions(&dockerfile, "HEALTHCHECK");
    let check: Vec<String> = serde_json::from_str(check[0].split_once("CMD ").unwrap().1).unwrap();
    assert_eq!(check[0], words(&dockerfile, "ENTRYPOINT")[0]);
    let Command::Health(args) = parsed(&check) else { panic!("{check:?} asks nobody") };
    let set = instructions(&dockerfile, "ENV")
        .into_iter()
        .find_map(|env| env.strip_prefix("WARDSUM_OPS="));
    // The environment goes for both of them; without it the check would ask there all the same.
    assert_eq!(set, Some(args.ops.as_str()));
    let unit = lines(&read("hospital/packaging/wardsum-hospital.service"));
    assert!(set_to(&unit, "ExecStart").ends_with(&format!("--ops {}", args.ops)));
}

#[test]
fn an_image_is_built_of_the_toolchain_of_the_repository_and_without_its_secrets() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap();
    let from = format!("docker.io/library/rust:{}-bookworm AS build", channel.trim_matches('"'));
    let dockerfile = lines(&read("hospital/packaging/Dockerfile"));
    assert_eq!(instructions(&dockerfile, "FROM")[0], from);

    let (docker, git) = (read(".dockerignore"), read(".gitignore"));
    let ignored: Vec<&str> = docker.lines().collect();
    for entry in git.lines().filter(|line| !line.starts_with('#')) {
        assert!(ignored.contains(&entry), "{entry} is kept out of git, and not of images");
    }
}

#[test]
fn the_operators_guide_installs_what_the_unit_starts() {
    let unit = lines(&read("hospital/packaging/wardsum-hospital.service"));
    let guide = read("docs/OPERATIONS.md");
    let program = set_to(&unit, "ExecStart").split(' ').next().unwrap();
    let args = set_to(&unit, "ExecStart").split_whitespace().map(str::to_owned);
    let args = serving(&args.collect::<Vec<_>>());
    let named = [Some(args.studies), args.cert, args.key, args.page, args.data];
    let named = named.into_iter().flatten().map(|path| path.to_str().unwrap().to_owned());
    for path in named.chain([program.to_owned(), set_to(&unit, "User").to_owned()]) {
        assert!(guide.contains(&path), "docs/OPERATIONS.md does not say where {path} comes from");
    }
    assert!(guide.contains("hospital/packaging/wardsum-hospital.service"));
    assert!(guide.contains("hospital/packaging/Dockerfile"));
}
