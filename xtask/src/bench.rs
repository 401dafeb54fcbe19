//! `cargo xtask bench`: what everything costs, next to what it must cost at least.
//!
//! A missed budget is said and fails nothing: times on a busy computer are no ground for that.

use std::fs::{self, File};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::announce;
use crate::browsers::Browser;
use crate::process::Supervisor;
use crate::tools;
use crate::workspace::{Profile, Workspace};

/// How much slower than natively an operation may be in a browser.
const WASM_BUDGET: f64 = 3.0;

/// How much more than the HPKE library's own functions sealing and opening may cost.
const HPKE_BUDGET: f64 = 1.3;

/// Verifying one short answer may cost so many times what libprio's own query does.
const VERIFY_BUDGET: f64 = 2.0;

/// A share may take so many times the bytes of its encapsulated key, tag, signature and field elements.
const BYTES_BUDGET: f64 = 1.15;

/// What is measured in Chromium: a crate, and its test that measures.
const OPERATIONS: [&str; 2] = ["wardsum-protocol", "operations"];
const WORDS: [&str; 2] = ["wardsum-peer", "words"];

/// The widest name of an operation, with some room.
const NAME_WIDTH: usize = 30;

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Flags for `hospital bench`, such as --rounds 3,10:3 or --repeat 1
    #[arg(last = true)]
    hospital: Vec<String>,
}

/// One operation's cost in microseconds.
#[derive(Debug, PartialEq)]
struct Operation {
    name: String,
    microseconds: f64,
}

/// Measures operations natively and in Chromium, then rounds and the relay.
pub(crate) fn run(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
) -> Result<()> {
    // Everything is built before anything is measured, so that what is compared is measured soon
    // after each other.
    announce("Building what is measured");
    supervisor.run(native(workspace).arg("--no-run"))?;
    let in_chromium = in_chromium(workspace, supervisor)?;
    for test in [OPERATIONS, WORDS] {
        supervisor.run(in_chromium(test).arg("--no-run"))?;
    }
    supervisor.run(&mut workspace.build_hospital(Profile::Release))?;

    announce("Measuring operations natively");
    let text = print_of(workspace, supervisor, &mut native(workspace))?;
    let (native, bytes) = (operations(&text)?, bytes_table(&text)?);
    announce("Measuring operations in Chromium");
    let mut measured = |test, only: &[&str]| {
        let mut command = in_chromium(test);
        command.args(["--", "--nocapture"]).args(only);
        operations(&print_of(workspace, supervisor, &mut command)?)
    };
    let wasm = measured(OPERATIONS, &[])?;
    let words = measured(WORDS, &["the_time_to_the_words_can_be_measured"])?;
    print!("\n{}\n{bytes}\n{}", table(&native, &wasm)?, only_in_chromium(&words));

    announce("Measuring rounds and the relay");
    let mut command = Command::new(workspace.hospital(Profile::Release));
    command.args(["--log", "warn", "bench"]).args(&options.hospital);
    supervisor.run(&mut command)?;

    announce("Measuring what abuse costs");
    let mut command = Command::new(workspace.hospital(Profile::Release));
    supervisor.run(command.args(["--log", "warn", "bench", "--abuse"]))
}

/// The command that measures operations on this computer.
fn native(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo("bench");
    command.args(["--locked", "-p", "wardsum-protocol", "--bench", "operations"]);
    command
}

/// Makes the command that measures them in headless Chromium, compiled as the page is.
fn in_chromium<'a>(
    workspace: &'a Workspace,
    supervisor: &mut Supervisor,
) -> Result<impl Fn([&str; 2]) -> Command + use<'a>> {
    let chromium = Browser::chromium(supervisor)?;
    let runner = tools::test_runner(workspace, supervisor)?;
    let capabilities = chromium.write_capabilities(workspace)?;
    Ok(move |[package, test]: [&str; 2]| {
        let mut command = workspace.cargo("test");
        command
            .args(["--locked", "--profile", "wasm-release", "-p", package])
            .args(["--test", test, "--target", "wasm32-unknown-unknown"])
            .env("WARDSUM_BENCH", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner)
            .env("CHROMEDRIVER", &chromium.driver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities)
            .env("WASM_BINDGEN_TEST_TIMEOUT", "300")
            .env_remove("GECKODRIVER")
            .env_remove("SAFARIDRIVER");
        command
    })
}

/// Runs a command that measures, and returns what it prints.
fn print_of(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    command: &mut Command,
) -> Result<String> {
    let path = workspace.scratch()?.join("operations.txt");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    supervisor.run(command.stdout(file))?;
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The operations in what was printed: lines such as `operation<TAB>name<TAB>12.3`.
fn operations(text: &str) -> Result<Vec<Operation>> {
    let operations: Vec<_> = fields(text, "operation")
        .filter_map(|[name, microseconds]| {
            Some(Operation { name: name.to_owned(), microseconds: microseconds.parse().ok()? })
        })
        .collect();
    if operations.is_empty() {
        bail!("no operation was measured; what was printed is\n{text}");
    }
    Ok(operations)
}

/// The lines that begin with `kind`, between others, and what stands between tabs in them.
fn fields<'a, const N: usize>(text: &'a str, kind: &str) -> impl Iterator<Item = [&'a str; N]> {
    text.lines().filter_map(move |line| {
        let fields = line.trim().strip_prefix(kind)?.strip_prefix('\t')?.split('\t');
        fields.collect::<Vec<_>>().try_into().ok()
    })
}

/// The bytes of a share on the wire, from lines such as `bytes<TAB>name<TAB>up<TAB>down<TAB>least`.
fn bytes_table(text: &str) -> Result<String> {
    let mut lines = vec![format!(
        "{:<NAME_WIDTH$} {:>11} {:>11} {:>8} {:>8}   budget <= {BYTES_BUDGET}",
        "Bytes of a share, x-wing", "up", "down", "least", "ratio"
    )];
    for [name, up, down, least] in fields(text, "bytes") {
        let number = |text: &str| text.parse::<f64>().with_context(|| format!("bytes of {name}"));
        let (up, down, least) = (number(up)?, number(down)?, number(least)?);
        // A share goes up once and down once.
        let ratio = f64::midpoint(up, down) / least;
        lines.push(format!(
            "{name:<NAME_WIDTH$} {up:>11.1} {down:>11} {least:>8} {ratio:>8.3}   {}",
            verdict(ratio, BYTES_BUDGET)
        ));
    }
    if lines.len() == 1 {
        bail!("no bytes were counted; what was printed is\n{text}");
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// All operations side by side, and the budgets.
fn table(native: &[Operation], wasm: &[Operation]) -> Result<String> {
    let in_wasm = |name: &str| cost(wasm, name).with_context(|| format!("`{name}` in Chromium"));
    let mut lines = vec![format!(
        "{:<NAME_WIDTH$} {:>11} {:>11} {:>8}   budget <= {WASM_BUDGET}",
        "Operation, in us", "native", "Chromium", "ratio",
    )];
    for Operation { name, microseconds } in native {
        let in_wasm = in_wasm(name)?;
        let ratio = in_wasm / microseconds;
        lines.push(format!(
            "{name:<NAME_WIDTH$} {microseconds:>11.2} {in_wasm:>11.2} {ratio:>8.2}   {}",
            verdict(ratio, WASM_BUDGET)
        ));
    }
    lines.push(String::new());
    lines.push(format!(
        "{:<NAME_WIDTH$} {:>11} {:>11}   budget <= {HPKE_BUDGET}",
        "Ours over the HPKE library's", "native", "Chromium"
    ));
    for suite in ["x-wing", "x25519"] {
        for operation in ["seal", "open"] {
            let ours = format!("{operation} a share, {suite}");
            let bare = format!("bare hpke {operation}, {suite}");
            let over = |all: &[Operation]| Some(cost(all, &ours)? / cost(all, &bare)?);
            let ratio = |all| over(all).with_context(|| format!("`{ours}` was not measured"));
            let (native, wasm) = (ratio(native)?, ratio(wasm)?);
            lines.push(format!(
                "{ours:<NAME_WIDTH$} {native:>11.2} {wasm:>11.2}   {}",
                verdict(native.max(wasm), HPKE_BUDGET)
            ));
        }
    }
    lines.push(String::new());
    lines.push(format!(
        "{:<NAME_WIDTH$} {:>11} {:>11}   budget <= {VERIFY_BUDGET} up to 8 bits",
        "Ours over libprio's own", "native", "Chromium"
    ));
    for (operation, theirs) in [("prove", "prove"), ("verify", "query")] {
        for bits in [1, 8, 36, 200] {
            let ours = format!("{operation} {bits} bits");
            let libprio = format!("libprio {theirs} {bits} bits");
            let over = |all: &[Operation]| Some(cost(all, &ours)? / cost(all, &libprio)?);
            let ratio = |all| over(all).with_context(|| format!("`{ours}` was not measured"));
            let (native, wasm) = (ratio(native)?, ratio(wasm)?);
            let budgeted = operation == "verify" && bits <= 8;
            let verdict = if budgeted { verdict(native.max(wasm), VERIFY_BUDGET) } else { "" };
            lines.push(format!("{ours:<NAME_WIDTH$} {native:>11.2} {wasm:>11.2}   {verdict}"));
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// What there is only in a browser.
fn only_in_chromium(operations: &[Operation]) -> String {
    let mut lines = vec![format!("{:<NAME_WIDTH$} {:>11}", "On a page, in ms", "Chromium")];
    lines.extend(operations.iter().map(|Operation { name, microseconds }| {
        format!("{name:<NAME_WIDTH$} {:>11.0}", microseconds / 1e3)
    }));
    lines.push(String::new());
    lines.join("\n")
}

fn cost(all: &[Operation], name: &str) -> Option<f64> {
    all.iter().find(|operation| operation.name == name).map(|operation| operation.microseconds)
}

fn verdict(ratio: f64, budget: f64) -> &'static str {
    if ratio <= budget { "within" } else { "MISSED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_from_between_other_lines() {
        let text =
            "running 1 test\n    operation\tseal a share, x-wing\t157.250\noperation\tbad\nok\n";
        let seal = Operation { name: "seal a share, x-wing".to_owned(), microseconds: 157.25 };
        assert_eq!(operations(text).unwrap(), [seal]);
        assert!(operations("running 1 test\n").is_err());
    }

    #[test]
    fn the_bytes_of_a_share_are_held_to_their_budget() {
        let text = "operation\tsign\t1\nbytes\t1 bits\t1100\t1200\t1000\nbytes\t8 bits\t100.5\t131.5\t100\n";
        let table = bytes_table(text).unwrap();
        assert!(table.contains("1100.0        1200     1000    1.150   within"), "{table}");
        assert!(table.contains("100.5       131.5      100    1.160   MISSED"), "{table}");
        assert!(bytes_table("bytes\t1 bits\tmany\t1\t1\n").is_err());
        assert!(bytes_table("operation\tsign\t1\n").is_err());
    }

    #[test]
    fn the_table_shows_ratios_and_whether_they_hold() {
        let all = |factor: f64| {
            let of = |name: String, us: f64| Operation { name, microseconds: us * factor };
            let sealing = ["x-wing", "x25519"].iter().flat_map(|suite| {
                ["seal", "open"].map(|what| {
                    [
                        of(format!("{what} a share, {suite}"), 120.0),
                        of(format!("bare hpke {what}, {suite}"), 100.0),
                    ]
                })
            });
            // Beyond 8 bits no budget is missed.
            let proving =
                [(1, 100.0), (8, 100.0), (36, 10.0), (200, 10.0)].map(|(bits, theirs)| {
                    [
                        of(format!("prove {bits} bits"), 150.0),
                        of(format!("libprio prove {bits} bits"), 100.0),
                        of(format!("verify {bits} bits"), 150.0),
                        of(format!("libprio query {bits} bits"), theirs),
                    ]
                });
            let sealing = sealing.flatten();
            sealing.chain(proving.into_iter().flatten()).collect::<Vec<_>>()
        };
        let text = table(&all(1.0), &all(4.0)).unwrap();
        assert_eq!(text.matches("MISSED").count(), 24, "{text}");
        assert_eq!(text.matches("1.20        1.20   within").count(), 4, "{text}");
        assert_eq!(text.matches("1.50        1.50   within").count(), 2, "{text}");
        assert!(table(&all(1.0), &[]).is_err());
    }
}
