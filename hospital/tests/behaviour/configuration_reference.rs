//! docs/CONFIGURATION.md says what the program's flags and the studies file's entries are, in the words of their
//! definitions. `cargo xtask docs` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};
use wardsum_hospital::cli::Cli;
use wardsum_hospital::limits::Limits;
use wardsum_hospital::studies_file::StudiesFile;

const INTRODUCTION: &str = "# Configuration

Made from the program's definitions by `cargo xtask docs`; a test fails when it is not what the program has. How a hospital is run is in
[OPERATIONS.md](OPERATIONS.md).

A flag goes before its environment variable, and that before the studies file; what is said nowhere has its default.
";

/// A struct or an enum of the studies file.
#[derive(Clone)]
enum Shape {
    Table(Vec<Entry>),
    Choice(Vec<String>),
}

/// A field of a table.
#[derive(Clone)]
struct Entry {
    name: String,
    kind: Type,
    required: bool,
    meaning: String,
}

/// One table of the studies file, as it is written there.
struct Table {
    heading: String,
    entries: Vec<(Entry, String)>,
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The words of a documentation comment, on one line.
fn words(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(value) => match &value.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// What `#[serde(...)]` says: each word with its value, if it has one.
fn serde_words(attributes: &[Attribute]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute
            .parse_nested_meta(|meta| {
                let value = match meta.value() {
                    Ok(value) => value.parse::<syn::LitStr>()?.value(),
                    Err(_) => String::new(),
                };
                found.insert(meta.path.get_ident().unwrap().to_string(), value);
                Ok(())
            })
            .unwrap();
    }
    found
}

fn is_option(kind: &Type) -> bool {
    inner(kind, &["Option"]).is_some()
}

/// What is in one of these wrappers.
fn inner<'a>(kind: &'a Type, wrappers: &[&str]) -> Option<&'a Type> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let GenericArgument::Type(inner) = arguments.args.first()? else { return None };
    wrappers.contains(&last.ident.to_string().as_str()).then_some(inner)
}

/// The name of a type without what it is generic over.
fn name_of(kind: &Type) -> String {
    let Type::Path(path) = kind else { panic!("an entry of a kind without a name") };
    path.path.segments.last().unwrap().ident.to_string()
}

fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// The tables and choices that are defined in these sources.
fn shapes(sources: &[&str]) -> BTreeMap<String, Shape> {
    let mut shapes = BTreeMap::new();
    for source in sources {
        let text = fs::read_to_string(file(source)).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                Item::Struct(found) if matches!(found.fields, Fields::Named(_)) => {
                    let all_optional = serde_words(&found.attrs).contains_key("default");
                    let entries = found.fields.iter().map(|field| {
                        let serde = serde_words(&field.attrs);
                        let own = field.ident.as_ref().unwrap().to_string();
                        let name = serde.get("rename").cloned().unwrap_or(own);
                        let meaning = words(&field.attrs);
                        // Where the field has another name than the entry, its comment begins with the latter.
                        let repeated = format!("`{name}`, ");
                        let meaning =
                            meaning.strip_prefix(&repeated).unwrap_or(&meaning).to_owned();
                        let optional = all_optional || serde.contains_key("default");
                        let required = !optional && !is_option(&field.ty);
                        Entry { name, kind: field.ty.clone(), required, meaning }
                    });
                    shapes.insert(found.ident.to_string(), Shape::Table(entries.collect()));
                }
                Item::Enum(found) if found.variants.iter().all(|v| v.fields.is_empty()) => {
                    let names = found.variants.iter().map(|variant| variant.ident.to_string());
                    let names = names.map(|name| format!("`{}`", kebab_case(&name))).collect();
                    shapes.insert(found.ident.to_string(), Shape::Choice(names));
                }
                _ => {}
            }
        }
    }
    shapes
}

/// What is written for a value of this kind.
fn kind_in_words(kind: &Type, shapes: &BTreeMap<String, Shape>) -> String {
    if let Some(kind) = inner(kind, &["Option", "Spanned"]) {
        return kind_in_words(kind, shapes);
    }
    if let Some(kind) = inner(kind, &["Vec"]) {
        return format!("list of: {}", kind_in_words(kind, shapes));
    }
    let name = name_of(kind);
    match (name.as_str(), shapes.get(&name)) {
        (_, Some(Shape::Choice(choices))) => choices.join(" or "),
        ("String", _) => "text".to_owned(),
        ("PathBuf", _) => "path".to_owned(),
        ("bool", _) => "`true` or `false`".to_owned(),
        ("u8" | "u16" | "u32" | "u64" | "usize", _) => "whole number".to_owned(),
        ("f64" | "Duration", _) => "number".to_owned(),
        ("WholeNumber", _) => "whole number, as text beyond 64 bits".to_owned(),
        ("Hex", _) => "hexadecimal digits, as text".to_owned(),
        ("Source", _) => "path, or a table with the questionnaire itself".to_owned(),
        _ => panic!("say here what is written for a value of kind {name}"),
    }
}

/// Adds the table of this name, which is written under `path`, and those in it.
fn add_tables(
    name: &str,
    path: &str,
    list: bool,
    shapes: &BTreeMap<String, Shape>,
    to: &mut Vec<Table>,
) {
    let Some(Shape::Table(entries)) = shapes.get(name) else { panic!("there is no table {name}") };
    let mut own = Vec::new();
    let mut nested = Vec::new();
    for entry in entries {
        let mut kind = &entry.kind;
        let mut is_list = false;
        while let Some(within) = inner(kind, &["Option", "Spanned", "Vec"]) {
            is_list |= inner(kind, &["Vec"]).is_some();
            kind = within;
        }
        let below =
            if path.is_empty() { entry.name.clone() } else { format!("{path}.{}", entry.name) };
        if matches!(shapes.get(&name_of(kind)), Some(Shape::Table(_))) {
            nested.push((name_of(kind), below.clone(), is_list));
            let heading =
                if is_list { format!("table `[[{below}]]`") } else { format!("table `[{below}]`") };
            own.push((entry.clone(), heading));
        } else {
            own.push((entry.clone(), kind_in_words(&entry.kind, shapes)));
        }
    }
    if !path.is_empty() {
        let heading = if list { format!("[[{path}]]") } else { format!("[{path}]") };
        to.push(Table { heading, entries: own });
    }
    for (name, path, is_list) in nested {
        add_tables(&name, &path, is_list, shapes, to);
    }
}

/// The tables of the studies file, in the order in which they are defined.
fn tables() -> Vec<Table> {
    let shapes = shapes(&["src/studies_file.rs", "src/studies_file/entry.rs", "src/limits.rs"]);
    let mut tables = Vec::new();
    add_tables("Tables", "", false, &shapes, &mut tables);
    tables
}

/// Text as a cell of a table has it.
fn cell(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    let text = format!("{}{}", first.unwrap_or_default(), letters.as_str());
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A flag's meaning, and its default if that stands in the same text.
fn meaning_and_default(arg: &Arg) -> (String, String) {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((before, default)) = help.split_once(" [default: ") {
        let default = default.split(']').next().unwrap();
        let is_prose = default.contains(' ') || matches!(default, "none" | "all");
        let default = if is_prose { default.to_owned() } else { format!("`{default}`") };
        return (sentence(before), default);
    }
    let defaults = arg.get_default_values().iter().map(|value| format!("`{}`", value.display()));
    let defaults = defaults.collect::<Vec<_>>().join(", ");
    let is_switch = !arg.get_action().takes_values();
    let default = match (arg.is_required_set(), is_switch, defaults.is_empty()) {
        (true, _, _) => "**required**".to_owned(),
        (_, true, _) => "off".to_owned(),
        (_, _, true) => "none".to_owned(),
        _ => defaults,
    };
    (sentence(&help), default)
}

/// Help texts end without a full stop.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn flag(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().first().map(ToString::to_string);
    match (arg.get_long(), arg.get_action().takes_values()) {
        (Some(long), true) => format!("`--{long} {}`", value.unwrap_or_default()),
        (Some(long), false) => format!("`--{long}`"),
        (None, _) => format!("`{}`", value.unwrap_or_default()),
    }
}

/// The rows of a command's flags; `entries` are of the table that some of them also have an entry in.
fn flags(command: &Command, entries: Option<&Table>, to: &mut String) {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_global_set());
    rows(args, entries, to);
}

fn rows<'a>(args: impl Iterator<Item = &'a Arg>, entries: Option<&Table>, to: &mut String) {
    let in_file = if entries.is_some() { " in `[server]` |" } else { "" };
    let rule = if entries.is_some() { "---|" } else { "" };
    writeln!(to, "\n| flag | environment |{in_file} default | meaning |\n|---|---|{rule}---|---|")
        .unwrap();
    for arg in args {
        let (meaning, default) = meaning_and_default(arg);
        let choices = arg.get_possible_values();
        let choices = choices.iter().map(|value| format!("`{}`", value.get_name()));
        let choices = choices.collect::<Vec<_>>().join(", ");
        let is_choice = arg.get_action().takes_values() && !choices.is_empty();
        let meaning = if is_choice { format!("{meaning} One of {choices}.") } else { meaning };
        let environment = arg.get_env().map(|name| format!("`{}`", name.display()));
        let entry = entries.map(|table| {
            let id = arg.get_id().as_str();
            let entry = table.entries.iter().find(|(entry, _)| entry.name == id);
            format!(
                " {} |",
                entry.map(|(entry, _)| format!("`{}`", entry.name)).unwrap_or_default()
            )
        });
        writeln!(
            to,
            "| {} | {} |{} {default} | {} |",
            flag(arg),
            environment.unwrap_or_default(),
            entry.unwrap_or_default(),
            cell(&meaning)
        )
        .unwrap();
    }
}

fn add_command(command: &Command, name: &str, tables: &[Table], to: &mut String) {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let about = about.unwrap_or_default();
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            add_command(below, &format!("{name} {}", below.get_name()), tables, to);
        }
        return;
    }
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    writeln!(to, "\n### `{name}`\n\n{}", sentence(&about)).unwrap();
    let is_serve = command.get_name() == "serve";
    flags(command, tables.iter().find(|table| is_serve && table.heading == "[server]"), to);
}

/// The whole document.
fn reference() -> String {
    let tables = tables();
    let mut text = INTRODUCTION.to_owned();
    let command = Cli::command();
    text.push_str("\n## Commands\n\nEvery command has these:\n");
    rows(command.get_arguments().filter(|arg| arg.is_global_set()), None, &mut text);
    for below in command.get_subcommands() {
        add_command(below, &format!("hospital {}", below.get_name()), &tables, &mut text);
    }
    text.push_str(
        "\n## The studies file\n\nIn TOML. An entry that is not here is refused with its line. Seconds may have fractions; paths are relative \
         to where the hospital is started.\n",
    );
    for Table { heading, entries } in &tables {
        writeln!(
            text,
            "\n### `{heading}`\n\n| entry | value | required | meaning |\n|---|---|---|---|"
        )
        .unwrap();
        for (entry, kind) in entries {
            let required = if entry.required { "yes" } else { "" };
            writeln!(text, "| `{}` | {kind} | {required} | {} |", entry.name, cell(&entry.meaning))
                .unwrap();
        }
    }
    text
}

#[test]
fn the_reference_is_what_the_program_has() {
    let path = file("../docs/CONFIGURATION.md");
    let reference = reference();
    if std::env::var_os("WARDSUM_WRITE_DOCS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    let first = reference.lines().zip(written.lines()).find(|(made, found)| made != found);
    assert!(written == reference, "repeat `cargo xtask docs`; the first difference: {first:#?}");
}

#[test]
fn every_entry_of_the_reference_is_known_to_the_studies_file() {
    let mut seen = 0;
    for Table { heading, entries } in tables() {
        for (entry, _) in entries {
            // A value of a kind that no entry has: known entries are refused for it, unknown ones by name.
            let text = format!("{heading}\n{} = 1979-05-27\n", entry.name);
            let text = match heading.as_str() {
                nested if nested.starts_with("[study.") => format!("[[study]]\n{text}"),
                _ => text,
            };
            let error = StudiesFile::parse(&text, Path::new("test")).unwrap_err().to_string();
            assert!(
                !error.contains(&format!("unknown field `{}`", entry.name)),
                "{heading} {}: {error}",
                entry.name
            );
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

/// Each limit's comment says its default, which is the one that it has.
#[test]
fn the_defaults_of_limits_are_those_that_are_said() {
    let tables = tables();
    let limits = tables.iter().find(|table| table.heading == "[limits]").unwrap();
    for (entry, _) in &limits.entries {
        let (_, said) =
            entry.meaning.split_once("efault ").unwrap_or_else(|| panic!("{}", entry.name));
        // A size is said in its unit first, and in bytes between brackets.
        let said = said.split([':', ';']).next().unwrap();
        let said = said.split_once('(').map_or(said, |(_, bytes)| bytes);
        let number: String = said.split(')').next().unwrap().replace(',', "");
        let number = number.split_whitespace().next().unwrap();
        let table = format!("{} = {number}", entry.name);
        let parsed = StudiesFile::parse(&format!("[limits]\n{table}\n{STUDY}"), Path::new("test"));
        assert_eq!(parsed.unwrap().limits, Limits::default(), "{table}");
    }
}

const STUDY: &str = "[[study]]\nid = \"a\"\ntitle = \"a\"\norganisation = \"a\"\nquestion = \"a\"\nmin = 0\nmax = 1\n\
                     [study.enrolment]\ncount = 3\n";
