//! What docs/OPERATIONS.md says of figures, log lines and alerts is what the program has, all of it and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use syn::visit::Visit;
use wardsum_hospital::cli::Cli;
use yaml_rust2::{Yaml, YamlLoader};

use crate::ops_listener::ask;
use crate::program::Program;
use crate::test_hospital::{connect, published, study_of};

fn crate_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn guide() -> String {
    fs::read_to_string(crate_path("../docs/OPERATIONS.md")).unwrap()
}

/// The words that begin as the names of figures do, without what stands behind them.
fn figures(text: &str) -> BTreeSet<String> {
    let in_name =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let names = text.split(|letter| !in_name(letter)).filter(|word| word.starts_with("wardsum_"));
    let suffixes = ["_bucket", "_count", "_sum"];
    // A histogram is several lines, and one figure. Crates are named alike, and are none.
    let of_histogram = |name: &str| {
        let found = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        found.unwrap_or(name).to_owned()
    };
    names.filter(|name| !name.starts_with("wardsum_protocol")).map(of_histogram).collect()
}

/// The first column of each row of the table below this line.
fn first_column(document: &str, heading: &str) -> Vec<String> {
    let (_, after) = document.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let table = after.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = table.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_figure_is_explained_and_every_explained_one_is_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program::with_studies(&study_of("study", 3), &["--ops", &free.to_string()]);
    let mut peers = Vec::new();
    for answer in [1, 2, 3] {
        let mut peer = connect(&program.connector(), "study").await;
        peer.answer_number(answer).await.unwrap();
        peers.push(peer);
    }
    published(peers).await;
    let exported = figures(&ask(free, "/metrics").await.body);
    // Whatever is exported only at times has its name there at least.
    let named = figures(&fs::read_to_string(crate_path("src/metrics.rs")).unwrap());
    let explained = first_column(&guide(), "| figure | kind |").join("\n");

    assert_eq!(exported, named);
    assert_eq!(figures(&explained), exported);
    assert!(exported.len() > 10, "{exported:?}");
}

/// The texts of a file's warnings and errors, as they stand in the source.
#[derive(Default)]
struct Messages(BTreeSet<String>);

impl Visit<'_> for Messages {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        if !called.path.is_ident("warn") && !called.path.is_ident("error") {
            return;
        }
        let tokens: Vec<_> = called.tokens.clone().into_iter().collect();
        // The first text that is not the value of a field.
        let mut texts = tokens.iter().enumerate().filter_map(|(at, token)| {
            let text = syn::parse_str::<syn::LitStr>(&token.to_string()).ok()?;
            let of_field = at > 0 && tokens[at - 1].to_string() == "=";
            (!of_field).then(|| text.value())
        });
        let text = texts.next().expect("every event says in words what happened");
        self.0.insert(text);
    }
}

fn messages_below(dir: &Path, messages: &mut Messages) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            messages_below(&path, messages);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let source = fs::read_to_string(&path).unwrap();
            messages.visit_file(&syn::parse_file(&source).unwrap());
        }
    }
}

/// The fixed words of a message: what is put in for `{...}` differs, and backticks end a table's code.
fn fixed(text: &str) -> String {
    let mut fixed = String::new();
    for (at, part) in text.split('{').enumerate() {
        let rest = if at == 0 { part } else { part.split_once('}').map_or(part, |(_, rest)| rest) };
        fixed += if at == 0 { "" } else { "…" };
        fixed += &rest.replace('`', "");
    }
    fixed.replace(" (… such lines withheld before)", "")
}

#[test]
fn every_warning_and_error_is_explained_and_every_explained_one_is_there() {
    let mut messages = Messages::default();
    messages_below(&crate_path("src"), &mut messages);
    messages_below(&crate_path("../certs/src"), &mut messages);
    let written: BTreeSet<String> = messages.0.iter().map(|text| fixed(text)).collect();
    assert!(written.len() > 30, "{written:#?}");
    let cells = first_column(&guide(), "| in the log |");
    let explained: BTreeSet<String> =
        cells.iter().map(|cell| cell.trim_matches('`').to_owned()).collect();
    assert_eq!(cells.len(), explained.len(), "one is explained twice");

    let missing: Vec<_> = written.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/OPERATIONS.md does not explain: {missing:#?}");
    let gone: Vec<_> = explained.difference(&written).collect();
    assert!(gone.is_empty(), "docs/OPERATIONS.md explains what is never said: {gone:#?}");
}

/// The commands of this program in a document's blocks of shell: what a reader types.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```").skip(1).step_by(2);
    let shell = blocks
        .filter_map(|block| block.strip_prefix("sh\n").or_else(|| block.strip_prefix("console\n")));
    let text = shell.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    let before = ["$ ", "runuser -u wardsum -- ", "docker exec wardsum "];
    let bare =
        lines.map(|line| before.iter().fold(line, |line, prefix| line.trim_start_matches(prefix)));
    bare.filter(|line| line.starts_with("hospital ")).map(str::to_owned).collect()
}

#[test]
fn every_command_that_a_reader_types_is_one() {
    let mut seen = 0;
    for name in ["../docs/OPERATIONS.md", "../README.md", "../certs/README.md"] {
        for command in commands(&fs::read_to_string(crate_path(name)).unwrap()) {
            // What was given before, and goes on, is not written out again; capitals stand for what differs.
            let words = command.replace("$(date +%F)", "DATE").replace(" ... ", " ");
            let words =
                words.replace(['[', ']'], " ").replace(" ID", " id").replace(" STUDY ", " study ");
            let parsed = Cli::try_parse_from(words.split_whitespace());
            assert!(parsed.is_ok(), "{name}: {command}: {}", parsed.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn the_alerts_are_of_figures_that_there_are() {
    let text = fs::read_to_string(crate_path("packaging/wardsum-alerts.yaml")).unwrap();
    let rules = YamlLoader::load_from_str(&text).unwrap();
    let explained = figures(&first_column(&guide(), "| figure | kind |").join("\n"));
    let groups = rules[0]["groups"].as_vec().unwrap();
    let rules: Vec<&Yaml> =
        groups.iter().flat_map(|group| group["rules"].as_vec().unwrap()).collect();
    assert!(rules.len() >= 8, "{}", rules.len());
    let names: BTreeSet<_> = rules.iter().map(|rule| rule["alert"].as_str().unwrap()).collect();
    for named in first_column(&guide(), "| alert | because |") {
        for name in named.split(", ").map(|name| name.trim_matches('`')) {
            assert!(names.contains(name), "there is no {name}");
        }
    }
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        let of = figures(rule["expr"].as_str().unwrap());
        assert!(of.is_subset(&explained), "{name} is of {of:?}");
        assert!(!of.is_empty() || name == "WardsumDown", "{name} is of no figure");
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{name}");
        for annotation in ["summary", "action"] {
            let said = rule["annotations"][annotation].as_str();
            assert!(said.is_some_and(|said| !said.is_empty()), "{name} has no {annotation}");
        }
    }
}
